//! Owners and access lists.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Judges one file or folder by itself; links lead on to what is judged by itself.
pub(super) fn look(
    path: &Path,
    metadata: &Metadata,
    _shared: Option<&PathBuf>,
) -> Result<bool, (PathBuf, String)> {
    if metadata.is_symlink() {
        return Ok(false);
    }
    match objection(path) {
        Ok(None) => Ok(false),
        Ok(Some(why)) => Err((path.to_path_buf(), why)),
        Err(error) => Err((path.to_path_buf(), format!("cannot be looked at: {error}"))),
    }
}

/// Who, other than the system, its administrators and we, owns an existing file or folder, or may write it: the end of a
/// sentence.
pub(super) fn objection(_path: &Path) -> io::Result<Option<String>> {
    Ok(None)
}
