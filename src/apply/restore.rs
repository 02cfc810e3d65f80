//! A backup as a change of its own: from what is there now back to what was there before it.

use std::io;
use std::path::{Path, PathBuf};

use super::backup::Backup;
use super::change::NameChange;
use super::content::Content;
use super::folder::{Last, Place, real_path};
use super::journal::{Entry, Known, State};
use super::merge;
use super::undone::Undone;
use crate::foreign;

/// What a restore would do to one name.
pub struct Return {
    /// The name.
    pub path: PathBuf,
    /// What is there now; nothing for what is no regular file.
    pub now: Vec<u8>,
    /// The bytes that go there.
    pub then: Vec<u8>,
    /// How it stands to what the backup's run left.
    pub since: Since,
    /// The change itself.
    pub change: NameChange,
}

/// What happened to a name since a backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// It is as the backup's run left it.
    Untouched,
    /// It was changed, elsewhere than our lines: both can be had.
    Merges,
    /// It was changed at the same place, or its bytes are not to be compared.
    Conflicts,
}

impl Backup {
    /// What it takes to return to the state before: one item for each name that is different now. With `merge`, later
    /// edits stay where they do not touch ours. Certificates and keys stay where they are: a backup has no copy. What
    /// will be `undone` before is taken for undone.
    ///
    /// # Errors
    /// When it names a file that is neither below the server root nor `known` to its configuration; when a copy
    /// cannot be read or is damaged, or a name cannot be read.
    pub fn returns(
        &self,
        merge: bool,
        root: &Path,
        known: Known,
        undone: &Undone,
    ) -> Result<Vec<Return>, (PathBuf, io::Error)> {
        self.check(root, known)?;
        let mut returns = Vec::new();
        for entry in self.manifest.entries.iter().rev().filter(|entry| !entry.tls) {
            let path = entry.path.path();
            match self.return_of(entry, &path, merge, undone) {
                Ok(found) => returns.extend(found),
                Err(error) => return Err((path, error)),
            }
        }
        Ok(returns)
    }

    /// Whether it names only what a run of ours may have changed.
    ///
    /// # Errors
    /// The name that is none of those, and why.
    pub fn check(&self, root: &Path, known: Known) -> Result<(), (PathBuf, io::Error)> {
        for entry in &self.manifest.entries {
            entry
                .check(root, known)
                .map_err(|error| (entry.path.path(), error))?;
        }
        Ok(())
    }

    /// The names that are neither as before the backup's run nor as it left them.
    pub fn changed_since(&self) -> Vec<PathBuf> {
        let differs = |entry: &&Entry| {
            State::of(&entry.real.path()).map_or(true, |now| {
                !now.is_same(&entry.after) && !now.is_same(&entry.before)
            })
        };
        let entries = self.manifest.entries.iter().filter(differs);
        entries.map(|entry| entry.path.path()).collect()
    }

    fn return_of(
        &self,
        entry: &Entry,
        path: &Path,
        merge: bool,
        undone: &Undone,
    ) -> io::Result<Option<Return>> {
        let real = entry.real.path();
        let state = match undone.content(&real) {
            Some(content) => State::from(content),
            None => State::of(&real)?,
        };
        if state.is_same(&entry.before) {
            return Ok(None);
        }
        let now = match &state {
            State::Absent => Content::Absent,
            State::Link { target } => Content::Link(target.path()),
            State::File { .. } => Content::File(match undone.content(&real) {
                Some(Content::File(bytes)) => bytes.clone(),
                _ => Place::of(&real, Last::Keep)?.read(foreign::CONFIGURATION)?.into(),
            }),
        };
        let mut before = entry.before.content(&self.open)?;
        let mut since = Since::Untouched;
        if !state.is_same(&entry.after) {
            let after = entry.after.content(&self.open)?;
            let merged = match (&before, &after, &now) {
                (Content::File(old), Content::File(ours), Content::File(now)) => merge::merge(ours, old, now),
                _ => None,
            };
            since = if merged.is_some() {
                Since::Merges
            } else {
                Since::Conflicts
            };
            if let (true, Some(merged)) = (merge, merged) {
                before = Content::File(merged.into());
            }
        }
        let bytes = |content: &Content| content.bytes().unwrap_or_default().to_vec();
        if bytes(&now) == bytes(&before) && matches!((&now, &before), (Content::File(_), Content::File(_))) {
            return Ok(None);
        }
        // Bytes go where they came from, not where a link leads that came since or is somebody else's.
        if let (Content::File(_), Content::File(_)) = (&now, &before) {
            let place = Place::of(path, Last::Follow)?;
            if place.path() != real_path(&real)? {
                return Err(io::Error::other(
                    "it leads somewhere else than when the backup was made",
                ));
            }
            // As when it was written: a link of whoever owns the file leads to what is theirs.
            let whose = place.look()?.and_then(|found| found.attributes.uid);
            place.refuse_led_to(whose)?;
        }
        Ok(Some(Return {
            now: bytes(&now),
            then: bytes(&before),
            since,
            change: NameChange {
                // What of them is given is decided in the folder to which the file really goes.
                attributes: entry.before.recorded(),
                // A file that was behind a link is still there; links that were replaced are named themselves.
                ..NameChange::between(path.to_path_buf(), now, before)
            },
            path: path.to_path_buf(),
        }))
    }
}
