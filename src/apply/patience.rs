//! Waiting for whoever holds a file open for a moment. Changes nothing itself.

use std::io;

use crate::foreign;
use crate::wording::is_in_use;

/// As [`foreign::patiently`], for what cannot be replaced or removed.
pub(super) fn patiently<T>(act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    foreign::patiently(is_momentary, act)
}

/// What is in use; besides, ERROR_ACCESS_DENIED and ERROR_DIR_NOT_EMPTY, which a file that is going away leaves behind.
fn is_momentary(error: &io::Error) -> bool {
    is_in_use(error) || matches!(error.raw_os_error(), Some(5 | 145))
}
