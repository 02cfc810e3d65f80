//! Waiting for whoever holds a file open for a moment. Changes nothing itself.

use std::io;
use std::time::Duration;

/// On Windows a file that another program holds open for a moment can be neither replaced nor removed: waits a
/// little, longer each time, then gives up.
pub(super) fn patiently<T>(mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut wait = Duration::from_millis(10);
    loop {
        match act() {
            Err(error) if cfg!(windows) && is_momentary(&error) && wait < Duration::from_secs(2) => {
                std::thread::sleep(wait);
                wait *= 2;
            }
            result => return result,
        }
    }
}

/// ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION, ERROR_USER_MAPPED_FILE and what ReplaceFileW
/// says when it could not move one of the two.
fn is_momentary(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(5 | 32 | 33 | 145 | 1175 | 1176 | 1177 | 1224)
    )
}
