//! One name that changes: what must be there, what shall be there, and what stands against it.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::content::Content;
use super::error::{ApplyError, failed, in_the_way, refused};
use super::folder::{Found, Kind, Last, Place, Way};
use super::owner::{Attributes, Others};
use super::replace;
use crate::refusal::{self, RefusalCode, say};

/// One name that changes.
pub struct NameChange {
    /// The name.
    pub path: PathBuf,
    /// What must still be there.
    pub before: Content,
    /// What shall be there.
    pub after: Content,
    /// Only its owner may read it.
    pub private: bool,
    /// Owner and mode of a file that comes where none was, as somebody noted them.
    pub attributes: Attributes,
}

impl NameChange {
    fn new(path: PathBuf, before: Content, after: Content) -> Self {
        NameChange {
            path,
            before,
            after,
            private: false,
            attributes: Attributes::default(),
        }
    }

    /// A file gets other bytes; links that lead to it stay.
    pub fn replace(path: PathBuf, before: impl Into<Arc<Vec<u8>>>, after: impl Into<Arc<Vec<u8>>>) -> Self {
        NameChange::new(path, Content::File(before.into()), Content::File(after.into()))
    }

    /// A file is made.
    pub fn create(path: PathBuf, bytes: Vec<u8>) -> Self {
        NameChange::new(path, Content::Absent, Content::File(bytes.into()))
    }

    /// A symbolic link is made.
    pub fn link(path: PathBuf, target: PathBuf) -> Self {
        NameChange::new(path, Content::Absent, Content::Link(target))
    }

    /// A file goes.
    pub fn remove(path: PathBuf, before: Vec<u8>) -> Self {
        NameChange::new(path, Content::File(before.into()), Content::Absent)
    }

    /// A symbolic link goes.
    pub fn unlink(path: PathBuf, target: PathBuf) -> Self {
        NameChange::new(path, Content::Link(target), Content::Absent)
    }

    /// A certificate or key gets other bytes. What a link leads to is not that file: nobody of us put a link there.
    pub fn renew(
        path: PathBuf,
        before: Zeroizing<Vec<u8>>,
        after: Zeroizing<Vec<u8>>,
        private: bool,
    ) -> Self {
        NameChange {
            private,
            ..NameChange::new(path, Content::Tls(before), Content::Tls(after))
        }
    }

    /// From one state to another, whatever they are.
    pub(super) fn between(path: PathBuf, before: Content, after: Content) -> Self {
        NameChange::new(path, before, after)
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

impl From<NewFile> for NameChange {
    fn from(file: NewFile) -> NameChange {
        NameChange {
            private: file.private,
            ..NameChange::new(file.path, Content::Absent, Content::Tls(file.bytes))
        }
    }
}

/// A name that really changes.
#[derive(Debug)]
pub struct Target {
    /// Behind all links that stay. Its folder is held open until the change is made: looked up once more, the path may lead
    /// elsewhere by then.
    pub(super) way: Way,
    /// The file that is there, if it is to be replaced.
    pub(super) over: Option<Found>,
}

impl NameChange {
    /// A certificate or key is made, or gets other bytes.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self.after, Content::Tls(_))
    }

    /// A certificate or key that is there gets other bytes.
    pub(super) fn renews(&self) -> bool {
        matches!((&self.before, &self.after), (Content::Tls(_), Content::Tls(_)))
    }

    /// The name that really changes; nothing when it is not as it was read.
    pub(super) fn target(&self) -> Result<Option<Target>, ApplyError> {
        let look = |error| failed("look at", &self.path)(error);
        let last = self.last();
        let way = Way::to(&self.path, last).map_err(look)?;
        let place = &way.place;
        let found = place.look().map_err(look)?;
        let is_there = match (&self.before, found) {
            // Folders are yet to be made.
            (before, found) if !way.below.is_empty() => matches!(before, Content::Absent) && found.is_none(),
            (Content::Absent, found) => found.is_none(),
            (Content::File(_) | Content::Tls(_), Some(found)) if found.kind == Kind::File => {
                let bytes = self.before.bytes().unwrap_or_default();
                place.holds(bytes).is_ok_and(|holds| holds)
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
        self.refuse_led(place, found.as_ref())?;
        if let Some(found) = found.as_ref().filter(|_| last == Last::Follow || self.renews())
            && let Some((why, fix)) = replace::obstacle(place, &self.writable(found)).map_err(look)?
        {
            let code = RefusalCode::NameInTheWay;
            return Err(in_the_way(code, &self.path, why, "; ", fix));
        }
        Ok(Some(Target { way, over: found }))
    }

    /// A key that not even its owner may write is no mistake: another takes its name, with the same rights.
    fn writable(&self, found: &Found) -> Found {
        let mut found = *found;
        if self.renews() {
            found.attributes.mode = found.attributes.mode.map(|mode| mode | 0o200);
        }
        found
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
    /// [`ApplyError::Refused`] for a private key, and where a link of theirs leads there.
    pub fn shared(&self) -> Result<Option<Others>, ApplyError> {
        let Ok(Way { place, .. }) = Way::to(&self.path, self.last()) else {
            return Ok(None);
        };
        self.refuse_others(place.folder.others())?;
        self.refuse_led(&place, place.look().ok().flatten().as_ref())?;
        Ok(place.folder.others().cloned())
    }

    /// A key where somebody else may write could be replaced by another, or read through a folder of theirs.
    pub(super) fn refuse_others(&self, others: Option<&Others>) -> Result<(), ApplyError> {
        match others {
            Some(others) if self.private && self.is_tls() => Err(refused(&self.path, others)),
            _ => Ok(()),
        }
    }

    /// A link of somebody else could lead to a file, or into a folder, that they may not write themselves.
    fn refuse_led(&self, place: &Place, found: Option<&Found>) -> Result<(), ApplyError> {
        let whose = match (self.last(), found) {
            (Last::Follow, Some(found)) => found.attributes.uid,
            // Names come and go as the owner of their folder likes.
            _ => place.folder.owner().map_err(failed("look at", &self.path))?,
        };
        match place.led_out(whose) {
            Some(others) => Err(in_the_way(
                RefusalCode::LinkOfOthers,
                &self.path,
                say![
                    "leads to ",
                    refusal::Place::path(place.path()),
                    format!(" by a symbolic link that accounts other than root may change ({others})"),
                ],
                "; ",
                "name that file in the configuration instead, then run again",
            )),
            None => Ok(()),
        }
    }
}
