//! One name on disk: from what is there to what shall be there, atomically. Knows no transaction.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
pub(super) mod system;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::disk::{Attributes, Disk, RealDisk};
use super::transaction::Content;

/// Creates a file that only its owner can read. Fails when there is one already.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let disk = RealDisk;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let step = Step {
        real: path,
        temporary: &path.with_file_name(temporary_name(&std::process::id().to_string(), 0)),
        after: &Content::file(bytes.to_vec()),
        over: false,
        private: true,
        attributes: Attributes::default(),
    };
    step.prepare(&disk)
        .and_then(|()| step.finish(&disk))
        .inspect_err(|_| {
            let _ = disk.remove(step.temporary);
        })
}

/// A name that no `Include` pattern for `*.conf` matches, should we be killed before it gets its real one.
pub(super) fn temporary_name(id: &str, number: usize) -> String {
    format!(".esync-ssl-{id}-{number}.tmp")
}

/// The name that really changes: for a file that is replaced, the one behind all symbolic links.
pub(super) fn real_name(path: &Path, follow: bool) -> io::Result<PathBuf> {
    if follow {
        return std::fs::canonicalize(path);
    }
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if folder.exists() => Ok(std::fs::canonicalize(folder)?.join(name)),
        _ => Ok(path.to_path_buf()),
    }
}

/// Why a file cannot be replaced without harm; a sentence's end that says what to do.
pub(super) fn obstacle(real: &Path) -> io::Result<Option<&'static str>> {
    let metadata = std::fs::metadata(real)?;
    if !metadata.is_file() {
        return Ok(Some("is not a regular file; only regular files are changed"));
    }
    if metadata.permissions().readonly() {
        return Ok(Some(
            "is marked read-only, which somebody meant; make it writable for its owner, then run again",
        ));
    }
    system::obstacle(real, &metadata)
}

/// One name and what it becomes.
pub(super) struct Step<'a> {
    /// The name, links resolved where they shall stay.
    pub real: &'a Path,
    /// Where its new bytes wait, in the same folder.
    pub temporary: &'a Path,
    /// What shall be there.
    pub after: &'a Content,
    /// Something is there that it replaces; else nothing may be there.
    pub over: bool,
    /// Only its owner may read it.
    pub private: bool,
    /// Owner and mode where there is no file to take them from.
    pub attributes: Attributes,
}

impl Step<'_> {
    /// Everything that may fail for want of space or rights, without touching what is there.
    pub fn prepare(&self, disk: &dyn Disk) -> io::Result<()> {
        let Content::File(bytes) = self.after else {
            return Ok(());
        };
        disk.create(self.temporary, bytes)?;
        if self.private {
            disk.restrict(self.temporary)?;
        } else if self.over && is_file(self.real) {
            disk.adopt(self.temporary, self.real)?;
        } else {
            disk.set_attributes(self.temporary, self.attributes)?;
        }
        disk.sync(self.temporary)
    }

    /// The change itself.
    pub fn finish(&self, disk: &dyn Disk) -> io::Result<()> {
        match self.after {
            Content::File(_) if self.over => disk.replace(self.temporary, self.real)?,
            Content::File(_) => disk.publish(self.temporary, self.real)?,
            Content::Link(target) => {
                if self.over {
                    disk.remove(self.real)?;
                }
                disk.link(target, self.real)?;
            }
            Content::Absent if self.over => disk.remove(self.real)?,
            Content::Absent => {}
        }
        match self.real.parent() {
            Some(folder) if folder.exists() => disk.sync_folder(folder),
            _ => Ok(()),
        }
    }
}

fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let real = real_name(path, true)?;
        let step = Step {
            temporary: &real.with_file_name(temporary_name("t", 0)),
            real: &real,
            after: &Content::file(bytes.to_vec()),
            over: true,
            private: false,
            attributes: Attributes::default(),
        };
        step.prepare(&RealDisk)?;
        step.finish(&RealDisk)
    }

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
        let error = create_private(&path, b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("real.conf");
        let [inner, link] = ["inner.conf", "link.conf"].map(|name| folder.path().join(name));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.conf", &inner).unwrap();
        symlink(&inner, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), inner);
        assert_eq!(fs::read_link(&inner).unwrap(), Path::new("real.conf"));
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
        let key = folder.path().join("k.key");
        create_private(&key, b"k").unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
