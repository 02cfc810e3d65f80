//! Files that others may have written: logs, certificates, includes, manifests. Opened so that nobody can make us wait
//! for a pipe, touch a device, or fill our memory. The one place that does so, and the one table of limits.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{trail, wording};

/// Bytes of one file of the configuration. A hundred thousand virtual hosts in one file have 130 MB.
pub const CONFIGURATION: u64 = 512 << 20;
/// Bytes of all files of a configuration together, each as often as it is read.
pub const WHOLE_CONFIGURATION: u64 = 1 << 30;
/// Bytes of a `.htaccess`.
pub const ACCESS_FILE: u64 = 1 << 20;
/// Bytes of a file with certificates, keys or a PFX archive.
pub const CERTIFICATE: u64 = 1 << 20;
/// Bytes of a file with all the certificates that are trusted: `--ca`, a bundle of the system.
pub const AUTHORITIES: u64 = 16 << 20;
/// Bytes at the end of a log that are looked at; a log itself may have any length.
pub const LOG_TAIL: u64 = 8 << 20;
/// Bytes that are looked at of all logs together.
pub const LOGS: u64 = 64 << 20;
/// Bytes that are taken of a log that is piped in; only the end of them is looked at.
pub const PIPED_LOG: u64 = 1 << 30;
/// Bytes of a file with a pass-phrase.
pub const PASS_PHRASE: u64 = 64 << 10;
/// Bytes of an answer file.
pub const ANSWERS: u64 = 1 << 20;
/// Bytes of Debian's `envvars`.
pub const ENVVARS: u64 = 1 << 20;
/// Bytes of a small file with a number or a few words: `PidFile`, the holder of a lock.
pub const NOTE: u64 = 64 << 10;
/// Bytes of the command line of a process: whose is longer says nothing that is believed.
pub const COMMAND_LINE: u64 = 128 << 10;
/// Bytes of the environment of a process.
pub const ENVIRONMENT: u64 = 4 << 20;
/// Bytes of the system's table of connections, in which a busy server has hundreds of thousands.
pub const PORT_TABLE: u64 = 256 << 20;
/// Bytes of a plan, which holds files of the configuration as text.
pub const PLAN: u64 = 1 << 30;
/// Bytes of the manifest of a backup.
pub const MANIFEST: u64 = 64 << 20;

/// Bytes of what a run changed, as a diff that is shown again.
pub const CHANGES: u64 = 1 << 20;
/// Bytes of one document of `certificates --json` that is put on a page of many.
pub const DOCUMENT: u64 = 8 << 20;
/// Bytes of all of them.
pub const DOCUMENTS: u64 = 512 << 20;

/// Opens a regular file for reading, symbolic links followed.
///
/// A pipe without a writer would make us wait for ever, and opening a device may act: neither is opened, and should the
/// name have changed its meaning in between, opening does not wait.
///
/// # Errors
/// `InvalidInput` when it is no regular file; else what the system says.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    #[cfg(windows)]
    if names_a_device(path) {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is a device or a pipe",
        ));
    }
    regular(&std::fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = patiently(wording::is_in_use, || options.open(path))?;
    trail::read(path);
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata))
}

/// On Windows a file that another program has open for a moment can be neither read, replaced nor removed: waits a little,
/// longer each time, then gives up. `is_momentary` says what may pass.
///
/// # Errors
/// Those of the last try.
pub fn patiently<T>(
    is_momentary: impl Fn(&io::Error) -> bool,
    mut act: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
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

/// The bytes of a regular file that has no more than `limit` of them, symbolic links followed.
///
/// # Errors
/// Those of [`open`]; `FileTooLarge`, before anything is read.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open(path)?;
    read_from(&file, &metadata, limit)
}

/// The bytes of an open regular file that has no more than `limit` of them.
///
/// # Errors
/// As [`read`].
pub fn read_from(file: &File, metadata: &Metadata, limit: u64) -> io::Result<Vec<u8>> {
    small_enough(metadata.len(), limit)?;
    let mut bytes = Vec::with_capacity(metadata.len().min(limit) as usize + 1);
    // It may grow while it is read, and files of /proc have no length.
    file.take(limit + 1).read_to_end(&mut bytes)?;
    small_enough(bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Does a regular file hold these bytes and no more? Looked at piece by piece, as it may be large.
///
/// # Errors
/// Those of [`open`]; what the system says.
pub fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    holds_from(&open(path)?.0, bytes)
}

/// The same of an open file.
///
/// # Errors
/// What the system says.
pub fn holds_from(mut file: &File, mut bytes: &[u8]) -> io::Result<bool> {
    const PIECE: usize = 64 << 10;
    // One byte more shows that it goes on. It may be of a key.
    let mut piece = Zeroizing::new(vec![0; PIECE.min(bytes.len() + 1)]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(bytes.is_empty()),
            Ok(read) => match bytes.strip_prefix(&piece[..read]) {
                Some(rest) => bytes = rest,
                None => return Ok(false),
            },
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Refuses a file that is too long for what it should hold.
///
/// # Errors
/// `FileTooLarge`.
pub fn small_enough(length: u64, limit: u64) -> io::Result<()> {
    if length <= limit {
        return Ok(());
    }
    Err(io::Error::new(
        ErrorKind::FileTooLarge,
        format!("it is too large: more than {limit} bytes"),
    ))
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    match what_else(metadata) {
        None => Ok(()),
        Some(what) => Err(io::Error::new(ErrorKind::InvalidInput, format!("it is {what}"))),
    }
}

/// What it is, if it is no regular file.
pub fn what_else(metadata: &Metadata) -> Option<&'static str> {
    if metadata.is_file() {
        return None;
    }
    if metadata.is_dir() {
        return Some("a folder");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return Some("a pipe");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("a device");
        }
        if kind.is_socket() {
            return Some("a socket");
        }
    }
    Some("not a regular file")
}

/// On Windows names alone lead to pipes and devices, which may pass for files.
#[cfg(windows)]
fn names_a_device(path: &Path) -> bool {
    use std::path::{Component, Prefix};
    const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let prefix = match path.components().next() {
        Some(Component::Prefix(prefix)) => match prefix.kind() {
            Prefix::DeviceNS(_) => true,
            Prefix::UNC(_, share) | Prefix::VerbatimUNC(_, share) | Prefix::Verbatim(share) => {
                share.eq_ignore_ascii_case("pipe")
            }
            _ => false,
        },
        _ => false,
    };
    let stem = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_uppercase();
    let stem = stem.split(['.', ':']).next().unwrap_or_default().trim_end();
    let numbered = stem.strip_suffix(|c: char| c.is_ascii_digit());
    prefix || RESERVED.contains(&stem) || numbered.is_some_and(|bare| matches!(bare, "COM" | "LPT"))
}

/// The bytes of something that may be a pipe on purpose, up to its end.
///
/// # Errors
/// `FileTooLarge` where it does not end within the limit, `TimedOut` where it does not end in time; else what the system
/// says.
pub fn read_pipe(path: &Path, limit: u64, patience: Duration) -> io::Result<Zeroizing<Vec<u8>>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = path.to_path_buf();
    // Opening a pipe may wait as well as reading it does. Whoever waits for ever ends with the program.
    std::thread::Builder::new().spawn(move || {
        let read = File::open(&path).and_then(|file| read_up_to(file, limit));
        let _ = sender.send(read);
    })?;
    receiver.recv_timeout(patience).unwrap_or_else(|_| {
        Err(io::Error::new(
            ErrorKind::TimedOut,
            format!("it did not end within {} s", patience.as_secs()),
        ))
    })
}

/// The bytes of a stream that has no more than `limit` of them.
///
/// # Errors
/// `FileTooLarge`; what the system says.
pub fn read_up_to(stream: impl Read, limit: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room for all of it from the start: growing would leave pieces of a secret behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit as usize + 64));
    stream.take(limit + 1).read_to_end(&mut bytes)?;
    small_enough(bytes.len() as u64, limit)?;
    Ok(bytes)
}

/// Why bytes are not the text of anybody's editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotText {
    /// They begin as UTF-16 and do not go on so.
    BrokenUtf16,
    /// They are no UTF-8: damaged, or in a code page of Windows.
    NotUtf8,
}

/// The text of a file: UTF-8 with or without byte order mark, or UTF-16 as PowerShell 5 writes it. It may be a secret.
///
/// # Errors
/// When it is neither.
pub fn text(bytes: &[u8]) -> Result<Zeroizing<String>, NotText> {
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
            let text = std::str::from_utf8(bytes).map_err(|_| NotText::NotUtf8)?;
            Ok(Zeroizing::new(text.to_owned()))
        }
    }
}

/// Does text begin with the byte order mark of UTF-16?
pub fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

fn utf16(bytes: &[u8], number: fn([u8; 2]) -> u16) -> Result<Zeroizing<String>, NotText> {
    let (units, rest) = bytes.as_chunks::<2>();
    // Room for all of it from the start, as in `read_up_to`.
    let mut text = Zeroizing::new(String::with_capacity(3 * units.len()));
    for character in char::decode_utf16(units.iter().map(|unit| number(*unit))) {
        text.push(character.map_err(|_| NotText::BrokenUtf16)?);
    }
    match rest.is_empty() {
        true => Ok(text),
        false => Err(NotText::BrokenUtf16),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fits_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert_eq!(read(&path, 4).unwrap_err().kind(), ErrorKind::FileTooLarge);
        for (bytes, is_it) in [
            ("12345", true),
            ("1234", false),
            ("123456", false),
            ("12346", false),
            ("", false),
        ] {
            assert_eq!(holds(&path, bytes.as_bytes()).unwrap(), is_it, "{bytes}");
        }
        assert!(holds(folder.path(), b"").is_err());
        let large = vec![7; 200_000];
        std::fs::write(&path, &large).unwrap();
        assert!(holds(&path, &large).unwrap() && !holds(&path, &large[1..]).unwrap());
        assert_eq!(
            read(folder.path(), 9).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }

    #[test]
    fn a_stream_without_end_ends_at_the_limit() {
        let error = read_up_to(std::io::repeat(0), 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(&**read_up_to(&b"123"[..], 3).unwrap(), b"123");
    }

    #[test]
    fn text_as_editors_and_shells_write_it() {
        let words = "geheim \u{e4}\u{1f511}";
        let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let marked = format!("\u{feff}{words}");
            marked.encode_utf16().flat_map(bytes).collect()
        };
        for bytes in [
            words.as_bytes().to_vec(),
            format!("\u{feff}{words}").into_bytes(),
            wide(u16::to_le_bytes),
            wide(u16::to_be_bytes),
        ] {
            assert_eq!(text(&bytes).unwrap().as_str(), words);
        }
        let mut odd = wide(u16::to_le_bytes);
        odd.pop();
        assert_eq!(text(&odd), Err(NotText::BrokenUtf16));
        assert_eq!(text(b"\xff\xfe\x00\xd8a\x00"), Err(NotText::BrokenUtf16));
        assert_eq!(text(b"caf\xe9"), Err(NotText::NotUtf8));
    }

    #[cfg(unix)]
    #[test]
    fn neither_pipe_nor_device_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        for path in [&*pipe, Path::new("/dev/zero")] {
            assert_eq!(
                read(path, 9).unwrap_err().kind(),
                ErrorKind::InvalidInput,
                "{path:?}"
            );
        }
    }
}
