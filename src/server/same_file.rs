//! Whether two paths lead to one file.

use std::path::{Path, PathBuf};

/// The same file, whatever way leads to it.
pub fn same(one: &Path, other: &Path) -> bool {
    identity(one) == identity(other)
}

/// What all ways to a file have in common.
pub fn identity(path: &Path) -> PathBuf {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    match cfg!(windows) {
        true => real.to_string_lossy().replace('/', "\\").to_lowercase().into(),
        false => real,
    }
}
