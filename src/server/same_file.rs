//! Whether two paths lead to one file.

use std::path::Path;

/// The same file, whatever way leads to it.
pub fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (one, other) = (real(one), real(other));
    if cfg!(windows) {
        let text = |path: &Path| path.to_string_lossy().replace('/', "\\").to_lowercase();
        text(&one) == text(&other)
    } else {
        one == other
    }
}
