//! The file operations that a change consists of, about one system call each. Behind a trait, so that tests can make
//! every single one fail.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;

use super::folder::{Folder, Fresh, Place};
use super::owner::Attributes;
use super::patience::patiently;
use crate::acl::Sid;

/// What is done to files. Nothing takes a path: names are looked up in an open folder, and a new file stays open.
pub trait Disk {
    /// Makes one folder that only its owner may enter, or an ordinary one.
    fn create_folder(&self, place: &Place, closed: bool) -> io::Result<()>;

    /// Makes a file that only its owner may read, with these bytes. Fails when the name is taken. On Windows, where it
    /// inherits the access list of its folder, only a private one is closed, from its first instant, to all but its owner,
    /// the system, the administrators and the accounts that are given.
    fn create(&self, place: &Place, bytes: &[u8], private: Option<&[Sid]>) -> io::Result<Fresh>;

    /// Gives a new file owner, mode, access list and label of another.
    fn adopt(&self, fresh: &Fresh, from: &File) -> io::Result<()>;

    /// Gives a new file this owner and mode, as far as they are known; without any, the usual ones of a public file.
    fn set_attributes(&self, fresh: &Fresh, attributes: Attributes) -> io::Result<()>;

    /// Waits until a new file's bytes are on the disk.
    fn sync(&self, fresh: &Fresh) -> io::Result<()>;

    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, folder: &Folder) -> io::Result<()>;

    /// Puts a new file in the place of another in the same folder, atomically; what only the other has on this
    /// system, such as its access list on Windows, stays.
    fn replace(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()>;

    /// Gives a new file its name in the same folder. Fails when the name is taken.
    fn publish(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()>;

    /// Makes a symbolic link. Fails when the name is taken.
    fn link(&self, target: &Path, place: &Place) -> io::Result<()>;

    /// Removes a file or a symbolic link.
    fn remove(&self, place: &Place) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_folder(&self, place: &Place) -> io::Result<()>;
}

/// The disk itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_folder(&self, place: &Place, closed: bool) -> io::Result<()> {
        place.folder.make_folder(&place.name, closed)
    }

    fn create(&self, place: &Place, bytes: &[u8], private: Option<&[Sid]>) -> io::Result<Fresh> {
        Fresh::create(place, bytes, private)
    }

    fn adopt(&self, fresh: &Fresh, from: &File) -> io::Result<()> {
        fresh.adopt(from)
    }

    fn set_attributes(&self, fresh: &Fresh, attributes: Attributes) -> io::Result<()> {
        fresh.set_attributes(attributes)
    }

    fn sync(&self, fresh: &Fresh) -> io::Result<()> {
        fresh.sync()
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        folder.sync()
    }

    fn replace(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        fresh.replace(name)
    }

    fn publish(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        patiently(|| fresh.publish(name))
    }

    fn link(&self, target: &Path, place: &Place) -> io::Result<()> {
        place.folder.make_link(target, &place.name)
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        patiently(|| place.folder.remove_file(&place.name))
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        patiently(|| place.folder.remove_folder(&place.name))
    }
}
