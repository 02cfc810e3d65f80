//! Folders held open, and names in them. A path is looked up once, component by component; from then on everything is
//! done below the open folder, so that nobody can put another file or folder in the way meanwhile.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;
#[cfg(unix)]
mod walk;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::owner::{Attributes, Others, is_ours};
pub use system::Folder;

/// A name in an open folder, whether there is something or not.
#[derive(Clone, Debug)]
pub struct Place {
    /// The folder.
    pub folder: Folder,
    /// The name.
    pub name: OsString,
    /// A link on the way lies in a folder that others may write to: they say where it leads.
    via: Option<Others>,
}

/// What becomes of a symbolic link at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// The link itself is meant.
    Keep,
    /// What it leads to is meant.
    Follow,
}

/// What a name is, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// File, folder or link.
    pub kind: Kind,
    /// Owner and mode.
    pub attributes: Attributes,
    /// Device and number, which no other file has at the same time; nothing on Windows.
    pub identity: (u64, u64),
    /// How many names it has.
    pub names: u64,
}

/// Kinds of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a device and the like.
    Other,
}

impl From<std::fs::FileType> for Kind {
    fn from(kind: std::fs::FileType) -> Kind {
        match (kind.is_file(), kind.is_dir(), kind.is_symlink()) {
            (true, ..) => Kind::File,
            (_, true, _) => Kind::Folder,
            (.., true) => Kind::Link,
            _ => Kind::Other,
        }
    }
}

impl Found {
    /// A regular file of root or of this account, that nobody else may write.
    pub fn is_our_file(&self) -> bool {
        self.kind == Kind::File
            && is_ours(self.attributes.uid)
            && self.attributes.mode.is_none_or(|mode| mode & 0o022 == 0)
    }
}

impl Folder {
    /// A name in this folder.
    pub fn place(&self, name: impl Into<OsString>) -> Place {
        Place {
            folder: self.clone(),
            name: name.into(),
            via: None,
        }
    }

    /// Opens a folder in this one: a real one, and only where nobody but root and we may write to it.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn enter_ours(&self, name: &OsStr) -> io::Result<Folder> {
        let folder = self.enter(name)?;
        match folder.own_others()? {
            None => Ok(folder),
            Some(others) => Err(io::Error::new(io::ErrorKind::InvalidData, others.distrust())),
        }
    }

    /// The place of a file below this folder; folders on the way are entered.
    ///
    /// # Errors
    /// When the path leads elsewhere, or a folder is none of ours.
    pub fn below(&self, path: &Path) -> io::Result<Place> {
        let mut names = names(path)?;
        let last = names.pop().ok_or_else(leads_out)?;
        let mut folder = self.clone();
        for name in names {
            folder = folder.enter_ours(name)?;
        }
        Ok(folder.place(last))
    }
}

/// Who else than root and we may write to a folder, or to where it will be made.
pub fn others_at(folder: &Path) -> Option<Others> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    Folder::open(there).ok()?.others().cloned()
}

/// The names of a path that only goes down.
pub(super) fn names(path: &Path) -> io::Result<Vec<&OsStr>> {
    use std::path::Component;
    path.components()
        .map(|part| match part {
            Component::Normal(name) => Ok(name),
            _ => Err(leads_out()),
        })
        .collect()
}

fn leads_out() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its path leads out of the backup")
}

impl Place {
    /// Its path, without any link above the name itself.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }

    /// Who else may say where this is: a link on the way to it is theirs.
    pub fn via(&self) -> Option<&Others> {
        self.via.as_ref()
    }

    /// Refuses a place to which a link of somebody else leads.
    pub(super) fn refuse_led(&self) -> io::Result<()> {
        match &self.via {
            None => Ok(()),
            Some(others) => Err(io::Error::other(format!(
                "a symbolic link leads there, which somebody else may change: {others}"
            ))),
        }
    }

    /// What an open file is.
    ///
    /// # Errors
    /// What the system says.
    pub fn found(file: &File) -> io::Result<Found> {
        Ok(system::found(&file.metadata()?))
    }

    /// What is there, if anything.
    ///
    /// # Errors
    /// What the system says.
    pub fn look(&self) -> io::Result<Option<Found>> {
        match self.folder.look(&self.name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Opens a regular file for reading; neither follows a link nor waits for anybody.
    ///
    /// # Errors
    /// `InvalidInput` when it is something else; what the system says.
    pub fn open(&self) -> io::Result<File> {
        self.folder.open_file(&self.name)
    }

    /// The bytes of a regular file that has no more than `limit` of them.
    ///
    /// # Errors
    /// As [`Place::open`]; `FileTooLarge`.
    pub fn read(&self, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open()?;
        crate::foreign::read_from(&file, &file.metadata()?, limit)
    }

    /// The bytes of one of our own files, which nobody else may write.
    ///
    /// # Errors
    /// As [`Place::read`]; `InvalidData` when it belongs to somebody else.
    pub fn read_ours(&self, limit: u64) -> io::Result<Vec<u8>> {
        let file = self.open()?;
        let metadata = file.metadata()?;
        if !system::found(&metadata).is_our_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "others than root and this account own it or may write it, so it is not believed",
            ));
        }
        crate::foreign::read_from(&file, &metadata, limit)
    }
}

fn regular(kind: Kind) -> io::Result<()> {
    match kind {
        Kind::File => Ok(()),
        Kind::Folder => Err(invalid("it is a folder")),
        Kind::Link => Err(invalid("it is a symbolic link, which is not followed")),
        Kind::Other => Err(invalid("it is not a regular file")),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

/// A new file, held open: what is done to it is done to this very file, whatever its name means by then.
#[derive(Debug)]
pub struct Fresh {
    /// Where it was made.
    pub place: Place,
    /// On Windows it is open only while it is written: an open file cannot be moved into the place of another.
    #[cfg(unix)]
    pub(super) file: File,
}
