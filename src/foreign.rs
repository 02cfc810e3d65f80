//! Files that others may have written: logs, certificates, includes, manifests. Opened so that nobody can make us wait
//! for a pipe, touch a device, or fill our memory. The one place that does so, and the one table of limits.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Bytes of one file of the configuration. A hundred thousand virtual hosts in one file have 130 MB.
pub const CONFIGURATION: u64 = 512 << 20;
/// Bytes of a file with certificates, keys or a PFX archive.
pub const CERTIFICATE: u64 = 1 << 20;
/// Bytes at the end of a log that are looked at; a log itself may have any length.
pub const LOG_TAIL: u64 = 8 << 20;
/// Bytes of a file with a pass-phrase.
pub const PASS_PHRASE: u64 = 64 << 10;
/// Bytes of Debian's `envvars`.
pub const ENVVARS: u64 = 1 << 20;
/// Bytes of a small file with a number or a few words: `PidFile`, the holder of a lock.
pub const NOTE: u64 = 64 << 10;
/// Bytes of the manifest of a backup.
pub const MANIFEST: u64 = 64 << 20;

/// Opens a regular file for reading, symbolic links followed.
///
/// A pipe without a writer would make us wait for ever, and opening a device may act: neither is opened, and should the
/// name have changed its meaning in between, opening does not wait.
///
/// # Errors
/// `InvalidInput` when it is no regular file; else what the system says.
pub fn open(path: &Path) -> io::Result<(File, Metadata)> {
    regular(&std::fs::metadata(path)?)?;
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path)?;
    let metadata = file.metadata()?;
    regular(&metadata)?;
    Ok((file, metadata))
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
        format!(
            "it is too large: more than {} bytes are never read of such a file",
            limit
        ),
    ))
}

fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let what = if metadata.is_dir() {
        "it is a folder"
    } else {
        "it is not a regular file"
    };
    Err(io::Error::new(ErrorKind::InvalidInput, what))
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
        assert_eq!(
            read(folder.path(), 9).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
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
