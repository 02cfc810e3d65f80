//! Owners and access lists.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use crate::acl;

/// Judges one file or folder by itself; links lead on to what is judged by itself.
pub(super) fn look(
    path: &Path,
    metadata: &Metadata,
    _shared: Option<&PathBuf>,
) -> Result<bool, (PathBuf, String)> {
    if metadata.is_symlink() {
        return Ok(false);
    }
    match acl::objection(path) {
        Ok(None) => Ok(false),
        Ok(Some(why)) => Err((path.to_path_buf(), why)),
        Err(error) => Err((path.to_path_buf(), format!("cannot be looked at: {error}"))),
    }
}
