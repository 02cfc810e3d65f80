//! Logs as bytes: the end of a file, or of what is piped in. Knows no lines of Apache.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

#[cfg(unix)]
use crate::apply::{Last, Place};
use crate::foreign;
#[cfg(unix)]
use crate::quoted::quoted;

/// The end of a log file: so many bytes at most, and no more than [`foreign::LOG_TAIL`].
///
/// # Errors
/// When it cannot be opened or read, is no regular file, or a link of somebody else leads to it.
pub fn tail(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let most = most.min(foreign::LOG_TAIL);
    let mut file = open(path)?;
    let from = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if from > 0 {
        drop_first(&mut bytes);
    }
    Ok(bytes)
}

/// Opens a log. Who may write to its folder could put a link there to a file that only root may read, and what we show
/// of it goes into reports: a link of theirs leads only to what is theirs.
#[cfg(unix)]
fn open(path: &Path) -> std::io::Result<File> {
    let place = Place::of(&std::path::absolute(path)?, Last::Follow)?;
    // What it is instead of a file is said where all are opened.
    let file = place
        .open()
        .map_err(|error| foreign::open(path).err().unwrap_or(error))?;
    match place.led_out(Place::found(&file)?.attributes.uid) {
        Some(others) => Err(std::io::Error::other(format!(
            "a symbolic link leads to {}, which others may change ({others}), so it is not read; name the file itself: \
             esync-ssl explain {}",
            place.path().display(),
            quoted(place.path())
        ))),
        None => Ok(file),
    }
}

#[cfg(not(unix))]
fn open(path: &Path) -> std::io::Result<File> {
    foreign::open(path).map(|(file, _)| file)
}

/// The end of a log that is piped in. Of one that does not end, what came up to [`foreign::PIPED_LOG`] counts.
///
/// # Errors
/// When it cannot be read.
pub fn end_of(stream: impl Read) -> std::io::Result<Vec<u8>> {
    let keep = foreign::LOG_TAIL as usize;
    let mut stream = stream.take(foreign::PIPED_LOG);
    let mut bytes = Vec::new();
    let mut is_cut = false;
    while stream.by_ref().take(foreign::LOG_TAIL).read_to_end(&mut bytes)? > 0 {
        if bytes.len() > keep {
            is_cut = true;
            bytes.drain(..bytes.len() - keep);
        }
    }
    if is_cut {
        drop_first(&mut bytes);
    }
    Ok(bytes)
}

/// The first line is a part of one.
fn drop_first(bytes: &mut Vec<u8>) {
    let end = memchr::memchr(b'\n', bytes).map_or(0, |at| at + 1);
    bytes.drain(..end);
}

/// Logs are bytes; Windows puts UTF-16 into files that were redirected by hand.
pub(super) fn decode(bytes: &[u8]) -> String {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| read([two[0], two[1]])).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_what_is_piped_in_the_end_is_kept() {
        let piped = end_of(std::io::Cursor::new("12345678\n".repeat(1 << 20))).unwrap();
        assert!(piped.len() as u64 > foreign::LOG_TAIL - 10 && piped.starts_with(b"12345678\n"));
    }
}
