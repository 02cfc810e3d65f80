//! One name that changes: what must be there, what shall be there, and what stands against it.

use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::{ApplyError, failed};
use super::folder::{Found, Kind, Last, Place, others_at};
use super::owner::{Attributes, Others};
use super::replace;
use crate::foreign;

/// What a name leads to.
pub enum Content {
    /// Nothing.
    Absent,
    /// A file with these bytes; wiped when dropped, as it may hold a key.
    File(Zeroizing<Vec<u8>>),
    /// A symbolic link with this target.
    Link(PathBuf),
}

impl Content {
    /// A file.
    pub fn file(bytes: Vec<u8>) -> Content {
        Content::File(Zeroizing::new(bytes))
    }
}

/// One name that changes.
pub struct Change {
    /// The name.
    pub path: PathBuf,
    /// What must still be there.
    pub before: Content,
    /// What shall be there.
    pub after: Content,
    /// Only its owner may read it.
    pub private: bool,
    /// It is a certificate or key: its bytes are in no backup, and a later restore leaves it where it is.
    pub tls: bool,
    /// Owner and mode of a file that comes where none was.
    pub attributes: Attributes,
}

impl Change {
    fn new(path: PathBuf, before: Content, after: Content) -> Self {
        Change {
            path,
            before,
            after,
            private: false,
            tls: false,
            attributes: Attributes::default(),
        }
    }

    /// A file gets other bytes; links that lead to it stay.
    pub fn replace(path: PathBuf, before: Vec<u8>, after: Vec<u8>) -> Self {
        Change::new(path, Content::file(before), Content::file(after))
    }

    /// A file is made.
    pub fn create(path: PathBuf, bytes: Vec<u8>) -> Self {
        Change::new(path, Content::Absent, Content::file(bytes))
    }

    /// A symbolic link is made.
    pub fn link(path: PathBuf, target: PathBuf) -> Self {
        Change::new(path, Content::Absent, Content::Link(target))
    }

    /// A file goes.
    pub fn remove(path: PathBuf, before: Vec<u8>) -> Self {
        Change::new(path, Content::file(before), Content::Absent)
    }

    /// A symbolic link goes.
    pub fn unlink(path: PathBuf, target: PathBuf) -> Self {
        Change::new(path, Content::Link(target), Content::Absent)
    }

    /// From one state to another, whatever they are.
    pub(super) fn between(path: PathBuf, before: Content, after: Content) -> Self {
        Change::new(path, before, after)
    }
}

/// A certificate or key file that does not exist yet.
pub struct NewFile {
    /// The file.
    pub path: PathBuf,
    /// Its bytes; wiped when dropped where they hold a key.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Only its owner may read it.
    pub private: bool,
}

impl From<NewFile> for Change {
    fn from(file: NewFile) -> Change {
        Change {
            private: file.private,
            tls: true,
            ..Change::new(file.path, Content::Absent, Content::File(file.bytes))
        }
    }
}

/// A name that really changes.
#[derive(Debug)]
pub struct Target {
    /// Behind all links that stay.
    pub(super) real: PathBuf,
    /// The file that is there, if it is to be replaced.
    pub(super) over: Option<Found>,
}

impl Change {
    /// The name that really changes; nothing when it is not as it was read.
    pub(super) fn target(&self) -> Result<Option<Target>, ApplyError> {
        let look = |error| failed("look at", &self.path)(error);
        let last = self.last();
        let place = match Place::of(&self.path, last) {
            // The folders are yet to be made.
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && matches!(self.before, Content::Absent) =>
            {
                self.shared()?;
                return Ok(Some(Target {
                    real: replace::real_path(&self.path).map_err(look)?,
                    over: None,
                }));
            }
            place => place.map_err(look)?,
        };
        let found = place.look().map_err(look)?;
        let is_there = match (&self.before, found) {
            (Content::Absent, found) => found.is_none(),
            (Content::File(bytes), Some(found)) if found.kind == Kind::File => {
                place.read(foreign::CONFIGURATION).is_ok_and(|now| now == **bytes)
            }
            (Content::Link(target), Some(found)) if found.kind == Kind::Link => place
                .folder
                .read_link(&place.name)
                .is_ok_and(|now| now == *target),
            _ => false,
        };
        if !is_there {
            return Ok(None);
        }
        self.refuse_others(place.folder.others())?;
        if let (Last::Follow, Some(found)) = (last, &found) {
            if let Some(why) = replace::obstacle(&place, found).map_err(look)? {
                return Err(ApplyError::InTheWay(self.path.clone(), why.to_owned()));
            }
            self.refuse_led(&place, found)?;
        }
        Ok(Some(Target {
            real: place.path(),
            over: found,
        }))
    }

    /// Where a file gets other bytes, links that lead to it stay.
    fn last(&self) -> Last {
        match (&self.before, &self.after) {
            (Content::File(_), Content::File(_)) => Last::Follow,
            _ => Last::Keep,
        }
    }

    /// Who else than root and we may write to its folder.
    ///
    /// # Errors
    /// [`ApplyError::InTheWay`] for a private key.
    pub fn shared(&self) -> Result<Option<Others>, ApplyError> {
        let others = match Place::of(&self.path, self.last()) {
            Ok(place) => place.folder.others().cloned(),
            Err(_) => self.path.parent().and_then(others_at),
        };
        self.refuse_others(others.as_ref())?;
        Ok(others)
    }

    /// A key where somebody else may write could be replaced by another, or read through a folder of theirs.
    pub(super) fn refuse_others(&self, others: Option<&Others>) -> Result<(), ApplyError> {
        match others {
            Some(others) if self.private && self.tls => Err(ApplyError::InTheWay(
                self.path.clone(),
                format!(
                    "is not written, as no private key goes where others than root and this account may write: {others}. \
                     Close it ({}), then run again",
                    others.remedy()
                ),
            )),
            _ => Ok(()),
        }
    }

    /// A link of somebody else could lead to a file that they may not write themselves.
    fn refuse_led(&self, place: &Place, found: &Found) -> Result<(), ApplyError> {
        match place.via() {
            Some(others) if others.owner().is_none() || others.owner() != found.attributes.uid => {
                Err(ApplyError::InTheWay(
                    self.path.clone(),
                    format!(
                        "leads to {} by a symbolic link that others than root may change ({others}); name that file in \
                         the configuration instead, then run again",
                        place.path().display()
                    ),
                ))
            }
            _ => Ok(()),
        }
    }
}
