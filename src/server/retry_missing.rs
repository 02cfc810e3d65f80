//! The instant in which Windows swaps two names: a file that is being replaced is not there, or is denied.

use std::io;
use std::time::Duration;

/// Looks for a file, on Windows again a few times when it is missing or is on its way out.
///
/// # Errors
/// Those of the last look.
pub fn find<T>(mut look: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    // ERROR_FILE_NOT_FOUND, ERROR_ACCESS_DENIED. What is in use was waited for by who reads it.
    let may_pass = |error: &io::Error| {
        error.kind() == io::ErrorKind::NotFound || matches!(error.raw_os_error(), Some(2 | 5))
    };
    let mut left = if cfg!(windows) { 10 } else { 0 };
    loop {
        match look() {
            Err(error) if left > 0 && may_pass(&error) => {
                left -= 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            done => return done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_back_is_found() {
        let mut looks = 0;
        let found = find(|| {
            looks += 1;
            if looks < 3 {
                Err(io::Error::from(io::ErrorKind::NotFound))
            } else {
                Ok(looks)
            }
        });
        assert_eq!(found.ok(), cfg!(windows).then_some(3));
        let failed = find(|| Err::<(), _>(io::Error::other("broken")));
        assert_eq!(failed.unwrap_err().to_string(), "broken");
    }
}
