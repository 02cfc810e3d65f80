//! One file on disk: replaced atomically, or created for its owner only.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

/// Replaces the bytes of a file: a temporary file beside it with the same owner and mode is flushed to disk and
/// renamed over it. A symbolic link is followed and stays.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = fs::canonicalize(path)?;
    let folder = target
        .parent()
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    let metadata = fs::metadata(&target)?;
    if metadata.permissions().readonly() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the file is read-only",
        ));
    }
    let mut file = temporary(folder)?;
    file.write_all(bytes)?;
    copy_attributes(&metadata, file.as_file())?;
    file.as_file().sync_all()?;
    persist(file, &target)?;
    sync_folder(folder)
}

/// Creates a file that only its owner can read. Fails when there is one already.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create(path, bytes, true)
}

/// Creates a file; fails when there is one already. Its folder is created if need be.
pub(super) fn create(path: &Path, bytes: &[u8], private: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
    fs::create_dir_all(folder)?;
    // Temporary files are made for their owner only.
    let mut file = temporary(folder)?;
    if !private {
        make_readable(file.as_file())?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    if private && let Err(error) = restrict(path) {
        let _ = fs::remove_file(path);
        return Err(error);
    }
    sync_folder(folder)
}

/// Creates a symbolic link; fails when there is something of that name.
#[cfg(unix)]
pub(super) fn link(path: &Path, target: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Links of modules are Debian's way, which Windows servers do not have.
#[cfg(not(unix))]
pub(super) fn link(_path: &Path, _target: &Path) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "symbolic links are made on Unix only; run this on the server itself",
    ))
}

/// A name that no Include pattern for `*.conf` matches, should we be killed before it is renamed.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    Builder::new()
        .prefix(".esync-ssl-")
        .suffix(".tmp")
        .tempfile_in(folder)
}

/// On Windows a file that another program holds open for a moment cannot be replaced; wait a little, then give up.
fn persist(mut file: NamedTempFile, target: &Path) -> io::Result<()> {
    let mut wait = std::time::Duration::from_millis(10);
    loop {
        match file.persist(target) {
            Ok(_) => return Ok(()),
            Err(failed) if cfg!(windows) && wait.as_secs() < 2 => {
                file = failed.file;
                std::thread::sleep(wait);
                wait *= 2;
            }
            Err(failed) => return Err(failed.error),
        }
    }
}

#[cfg(unix)]
fn copy_attributes(metadata: &fs::Metadata, file: &File) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    if (own.uid(), own.gid()) != (metadata.uid(), metadata.gid()) {
        fchown(file, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    file.set_permissions(metadata.permissions())
}

#[cfg(not(unix))]
fn copy_attributes(_metadata: &fs::Metadata, _file: &File) -> io::Result<()> {
    // The new file inherits the folder's access list, as the old one did.
    Ok(())
}

#[cfg(unix)]
fn make_readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_file: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Only the owner, the system and the administrators keep access; `icacls` is part of Windows and takes well-known
/// identities by number, so that translated names do not matter.
#[cfg(windows)]
fn restrict(path: &Path) -> io::Result<()> {
    let output = std::process::Command::new("icacls")
        .arg(path)
        .args([
            "/inheritance:r",
            "/grant:r",
            "*S-1-3-4:F",
            "*S-1-5-18:F",
            "*S-1-5-32-544:F",
        ])
        .stdin(std::process::Stdio::null())
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other(
            "icacls could not restrict access to the private key",
        ))
    }
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_change_and_nothing_else_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        fs::write(&path, "old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.key");
        create_private(&path, b"one").unwrap();
        assert_eq!(
            create_private(&path, b"two").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&path).unwrap(), b"one");
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("real.conf");
        let link = folder.path().join("link.conf");
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.conf", &link).unwrap();
        replace(&link, b"new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        let key = folder.path().join("k.key");
        create_private(&key, b"k").unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
