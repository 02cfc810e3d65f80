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

/// The way to a name, of which some folders may be yet to be made.
#[derive(Clone, Debug)]
pub struct Way {
    /// As far as there is something: the name itself, or the outermost folder that is to be made.
    pub place: Place,
    /// The names below that; the last one is the name itself.
    pub below: Vec<OsString>,
}

impl Way {
    /// Where it leads, without any link above the name itself.
    pub fn path(&self) -> PathBuf {
        let start = self.place.path();
        self.below.iter().fold(start, |path, name| path.join(name))
    }

    /// The folders that are to be made, the outermost first.
    pub fn missing(&self) -> Vec<PathBuf> {
        let path = self.path();
        let missing = path.ancestors().skip(1).take(self.below.len());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
        missing.reverse();
        missing
    }
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

    /// What may be given to a file in this folder of an owner and mode that anybody may have noted: it is never made to
    /// run as its owner, and given only to root, to us, or to whoever owns the folder anyhow.
    pub(super) fn lets_give(&self, noted: Attributes) -> io::Result<Attributes> {
        let owners = [self.owner()?, self.others().and_then(Others::owner)];
        Ok(Attributes {
            mode: noted.mode.map(|mode| mode & 0o777),
            uid: noted
                .uid
                .filter(|&uid| is_ours(Some(uid)) || owners.contains(&Some(uid))),
            ..noted
        })
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

/// Who else than root and we may write to the folder of a file, or to where that will be made.
pub fn others_at(file: &Path) -> Option<Others> {
    let way = Way::to(file, Last::Keep).ok()?;
    way.place.folder.others().cloned()
}

/// The bytes of a file that nobody but root and this account owns or may write, and to which no link of others leads.
///
/// # Errors
/// `InvalidData` when it is not so, with why; those of [`Place::read`].
pub fn read_own(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let place = Place::of(path, Last::Follow)?;
    place.refuse_led()?;
    #[cfg(windows)]
    if let Some(why) = crate::acl::objection(&place.path())? {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it {why}")));
    }
    place.read_ours(limit)
}

/// Where a path leads, with all links on the way followed, also where its last folders are yet to be made.
pub(in crate::apply) fn real_path(path: &Path) -> io::Result<PathBuf> {
    Ok(Way::to(path, Last::Keep)?.path())
}

/// Whether a path leads to something below a folder.
pub(in crate::apply) fn is_below(path: &Path, folder: &Path) -> io::Result<bool> {
    Ok(real_path(path)?.starts_with(Folder::open(folder)?.path()))
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
        self.via.as_ref().map_or(Ok(()), |others| Err(led(others)))
    }

    /// The same, but for a link whose owner owns the folder as well: they could do there themselves what we do.
    pub(super) fn refuse_led_out(&self) -> io::Result<()> {
        self.refuse_led_to(self.folder.owner()?)
    }

    /// The same, but for a link of whoever owns what is here.
    pub(super) fn refuse_led_to(&self, whose: Option<u32>) -> io::Result<()> {
        self.led_out(whose).map_or(Ok(()), |others| Err(led(others)))
    }

    /// Who led here by a link that they may change, where what is here belongs to `whose` and not to them.
    pub fn led_out(&self, whose: Option<u32>) -> Option<&Others> {
        self.via
            .as_ref()
            .filter(|others| others.owner().is_none() || others.owner() != whose)
    }

    /// The place of a name below this one, where a folder is to be.
    pub(super) fn within(&self, folder: Folder, name: &OsStr) -> Place {
        Place {
            folder,
            name: name.to_owned(),
            via: self.via.clone(),
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

    /// Does a regular file hold these bytes and no more?
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn holds(&self, bytes: &[u8]) -> io::Result<bool> {
        crate::foreign::holds_from(&self.open()?, bytes)
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
                "accounts other than root and this one own it or may write it, so it is not trusted",
            ));
        }
        crate::foreign::read_from(&file, &metadata, limit)
    }
}

fn led(others: &Others) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("a symbolic link leads there, which somebody else may change: {others}"),
    )
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
