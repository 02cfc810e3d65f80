//! The file operations that a change consists of, about one system call each. Behind a trait, so that tests can make
//! every single one fail.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::replace;

/// Owner and mode of a file, as far as the system has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attributes {
    /// Permission bits.
    pub mode: Option<u32>,
    /// Owner.
    pub uid: Option<u32>,
    /// Group.
    pub gid: Option<u32>,
}

/// What is done to files.
pub trait Disk {
    /// The bytes of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    /// Makes one folder that only its owner may enter, or an ordinary one.
    fn create_folder(&self, path: &Path, closed: bool) -> io::Result<()>;

    /// Makes a file that only its owner may read, with these bytes. Fails when the name is taken.
    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Gives `path` owner, mode, access list and label of another file.
    fn adopt(&self, path: &Path, other: &Path) -> io::Result<()>;

    /// Gives a file this owner and mode, as far as they are known; without any, the usual ones of a public file.
    fn set_attributes(&self, path: &Path, attributes: Attributes) -> io::Result<()>;

    /// Makes sure that only the owner and administrators can read the file.
    fn restrict(&self, path: &Path) -> io::Result<()>;

    /// Waits until a file's bytes are on the disk.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;

    /// Puts `from` in the place of the file `to`, atomically; what only `to` has on this system, such as its access
    /// list on Windows, stays.
    fn replace(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Gives `from` the name `to`. Fails when the name is taken.
    fn publish(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes a symbolic link. Fails when the name is taken.
    fn link(&self, target: &Path, path: &Path) -> io::Result<()>;

    /// Removes a file or a symbolic link.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
}

/// The disk itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, path: &Path, closed: bool) -> io::Result<()> {
        replace::system::create_folder(path, closed)
    }

    fn create(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = replace::system::create_new(path)?;
        file.write_all(bytes)
    }

    fn adopt(&self, path: &Path, other: &Path) -> io::Result<()> {
        replace::system::adopt(path, other)
    }

    fn set_attributes(&self, path: &Path, attributes: Attributes) -> io::Result<()> {
        replace::system::set_attributes(path, attributes)
    }

    fn restrict(&self, path: &Path) -> io::Result<()> {
        replace::system::restrict(path)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        // Windows flushes only what may be written.
        let writable = cfg!(windows);
        fs::OpenOptions::new()
            .read(true)
            .write(writable)
            .open(path)?
            .sync_all()
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) {
            File::open(path)?.sync_all()
        } else {
            Ok(())
        }
    }

    fn replace(&self, from: &Path, to: &Path) -> io::Result<()> {
        replace::system::replace(from, to)
    }

    fn publish(&self, from: &Path, to: &Path) -> io::Result<()> {
        replace::patiently(|| {
            let temporary = tempfile::TempPath::try_from_path(from)?;
            temporary.persist_noclobber(to).map_err(|error| {
                // Whoever asked decides what becomes of the file.
                let _ = error.path.keep();
                error.error
            })
        })
    }

    fn link(&self, target: &Path, path: &Path) -> io::Result<()> {
        replace::system::link(target, path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        replace::patiently(|| fs::remove_file(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        replace::patiently(|| fs::remove_dir(path))
    }
}
