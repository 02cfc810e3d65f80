//! The way back of a run that was not finished: what its journal says is undone, name by name.
//!
//! Going back looks at what *is* there: a name that still has its old state is left alone, one that has the new state
//! gets the old one back, and one that has neither was changed by somebody else and is not overwritten. So it can be
//! done again after it was interrupted anywhere.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use super::backup::Store;
use super::error::{ApplyError, failed, in_the_way};
use super::folder::{Folder, Found, Kind, Last, Place};
use super::journal::number;
use super::journal::{
    Entry, Known, MANIFEST, Manifest, Name, PENDING, State, former_name, may_name, read_manifest, told_server,
};
use super::lock::Lock;
use super::owner::is_ours;
use super::replace::{self, Step, temporary_name};
use crate::foreign;
use crate::refusal::RefusalCode;
use crate::wording::reason;

/// What was found unfinished, and undone.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// The run, by its backup's name.
    pub id: String,
    /// The names that got their old state back.
    pub restored: Vec<PathBuf>,
    /// The run had told the server, which may serve what is undone, or have stopped.
    pub server_told: bool,
}

/// How far a journal is believed.
#[derive(Clone, Copy)]
pub(super) enum Believed<'a> {
    /// It is that of this very run.
    Own,
    /// Somebody else wrote it: only what the configuration knows is touched. With force, also what was edited since.
    Found { known: Known<'a>, force: bool },
}

impl Store<'_> {
    /// The run that was neither finished nor undone, if there is one. A mark that names none of our runs is told as
    /// `unknown`.
    pub fn unfinished(&self) -> Option<String> {
        let folder = self.open().ok()??;
        mark(&folder).map(|id| id.unwrap_or_else(|_| "unknown".into()))
    }

    /// Undoes what a killed run left half done, in files below the server root or `known` to the configuration, or tidies up
    /// after one that was killed when it was done. With `force`, also names that somebody changed since.
    ///
    /// # Errors
    /// [`ApplyError::NotRestored`] when something could not be put back; then it can be tried again.
    pub fn recover(&self, lock: &Lock, force: bool, known: Known) -> Result<Option<Recovered>, ApplyError> {
        let Some(id) = mark(&lock.folder) else {
            // A run that was killed when it was done may have left the way back beside certificates and keys.
            self.tidy_newest(lock, |entry| entry.check(&self.root, known).is_ok());
            return Ok(None);
        };
        let id = id.map_err(|error| {
            in_the_way(
                RefusalCode::LeftoversNotUndoable,
                &lock.place(PENDING).path(),
                format!("should name an interrupted run, but {}", reason(&error)),
                "; ",
                "check who wrote it, remove it, then run again",
            )
        })?;
        let folder = lock.folder.enter_ours(OsStr::new(&id));
        let server_told = folder.is_ok_and(|folder| told_server(&folder));
        let restored = self.undo(lock, &id, Believed::Found { known, force })?;
        Ok(Some(Recovered {
            id,
            restored,
            server_told,
        }))
    }

    /// Puts everything back that the run `id` changed, and forgets the run.
    pub(super) fn undo(&self, lock: &Lock, id: &str, believed: Believed) -> Result<Vec<PathBuf>, ApplyError> {
        let mut restored = Vec::new();
        // The manifest goes first when all is put back: without it there is nothing left to undo.
        if let Some((folder, manifest)) = journal(lock, id)? {
            restored = self.put_back(&manifest, id, &folder, believed)?;
            let manifest = folder.place(MANIFEST);
            self.disk
                .remove(&manifest)
                .map_err(failed("remove", &manifest.path()))?;
            self.disk
                .sync_folder(&folder)
                .map_err(failed("write", folder.path()))?;
        }
        self.forget(lock)?;
        self.remove_tree(&lock.place(id));
        Ok(restored)
    }

    /// Puts everything back that the run `id` changed, and goes on knowing it as unfinished.
    pub(super) fn revert(&self, lock: &Lock, id: &str) -> Result<Vec<PathBuf>, ApplyError> {
        match journal(lock, id)? {
            Some((folder, manifest)) => self.put_back(&manifest, id, &folder, Believed::Own),
            None => Ok(Vec::new()),
        }
    }

    /// Removes the mark of an unfinished run: what it did stands.
    pub(super) fn forget(&self, lock: &Lock) -> Result<(), ApplyError> {
        let mark = lock.place(PENDING);
        match self.disk.remove(&mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed("remove", &mark.path()))?,
        }
        // Should the mark come back after a power cut, everything is undone, which is just as whole.
        let _ = self.disk.sync_folder(&lock.folder);
        Ok(())
    }

    fn put_back(
        &self,
        manifest: &Manifest,
        id: &str,
        folder: &Folder,
        believed: Believed,
    ) -> Result<Vec<PathBuf>, ApplyError> {
        let mut restored = Vec::new();
        let mut problems = Vec::new();
        if let Believed::Found { known, .. } = believed {
            problems = self.foreign(manifest, known);
        }
        if problems.is_empty() {
            // The new bytes that still wait are of no use, and their space may be needed.
            let _ = self.sweep(manifest, id);
            for (number, entry) in manifest.entries.iter().enumerate().rev() {
                match self.put_one_back((entry, id, number), folder, believed) {
                    Ok(true) => restored.push(entry.path.path()),
                    Ok(false) => {}
                    Err(error) => problems.push((entry.path.path(), reason(&error))),
                }
            }
        }
        if !problems.is_empty() {
            return Err(ApplyError::NotRestored {
                problems,
                backup: folder.path().to_path_buf(),
            });
        }
        self.sweep(manifest, id)?;
        self.forget_former(manifest, id, |_| true)?;
        for made in manifest.folders.iter().rev() {
            self.remove_made(&made.path())?;
        }
        Ok(restored)
    }

    /// What a journal of somebody else names and no run of ours may have changed.
    fn foreign(&self, manifest: &Manifest, known: Known) -> Vec<(PathBuf, String)> {
        let mut problems = Vec::new();
        for entry in &manifest.entries {
            // What needs nothing done is not touched, whatever it is.
            let is_back = State::of(&entry.real.path()).is_ok_and(|now| now.is_same(&entry.before));
            if !is_back && let Err(error) = entry.check(&self.root, known) {
                problems.push((entry.path.path(), reason(&error)));
            }
        }
        for folder in manifest.folders.iter().map(Name::path) {
            if folder.exists() && !may_name(&folder, &self.root, &|_| false).unwrap_or(false) {
                let why = "the backup names this folder, which is not below the server root";
                problems.push((folder, why.to_owned()));
            }
        }
        problems
    }

    /// Removes a folder that the run made, unless somebody put something there.
    fn remove_made(&self, made: &Path) -> Result<(), ApplyError> {
        use io::ErrorKind::{DirectoryNotEmpty, NotFound};
        let remove = || {
            let place = Place::of(made, Last::Keep)?;
            match place.look()?.map(|found| found.kind) {
                Some(Kind::Folder) if place.via().is_none() => self.disk.remove_folder(&place),
                // It went, or somebody put something else there.
                _ => Ok(()),
            }
        };
        match remove() {
            Err(error) if !matches!(error.kind(), NotFound | DirectoryNotEmpty) => {
                Err(failed("remove", made)(error))
            }
            _ => Ok(()),
        }
    }

    /// Removes new bytes that still wait for their turn: regular files of ours with just that name.
    fn sweep(&self, manifest: &Manifest, id: &str) -> Result<(), ApplyError> {
        for (number, entry) in manifest.entries.iter().enumerate() {
            let real = entry.real.path();
            let place = match Place::of(&real, Last::Keep) {
                Ok(place) if place.via().is_none() => place,
                _ => continue,
            };
            let temporary = place.folder.place(temporary_name(id, number));
            replace::system::tidy(&temporary.path(), &real);
            self.remove_ours(&temporary)?;
        }
        Ok(())
    }

    /// Removes what waited beside certificates and keys until the run was done; those that are not `is_ours` stay, and it is
    /// told whether there are none. That is asked for what is there alone: it may take reading the configuration.
    pub(super) fn forget_former(
        &self,
        manifest: &Manifest,
        id: &str,
        is_ours: impl Fn(&Entry) -> bool,
    ) -> Result<bool, ApplyError> {
        let mut none_left = true;
        for (number, entry) in manifest.entries.iter().enumerate() {
            let Ok(place) = Place::of(&entry.real.path(), Last::Keep) else {
                continue;
            };
            let former = place.folder.place(former_name(id, number));
            if !entry.is_renewal() || place.via().is_some() || matches!(former.look(), Ok(None)) {
                continue;
            }
            match is_ours(entry) {
                true => self.remove_ours(&former)?,
                false => none_left = false,
            }
        }
        Ok(none_left)
    }

    /// Removes a regular file of ours, if it is there.
    fn remove_ours(&self, place: &Place) -> Result<(), ApplyError> {
        let is_ours = |found: Found| found.kind == Kind::File && is_ours(found.attributes.uid);
        match place.look().ok().flatten().is_some_and(is_ours) {
            true => self.disk.remove(place).map_err(failed("remove", &place.path())),
            false => Ok(()),
        }
    }

    fn put_one_back(
        &self,
        (entry, id, number): (&Entry, &str, usize),
        folder: &Folder,
        believed: Believed,
    ) -> io::Result<bool> {
        let place = match Place::of(&entry.real.path(), Last::Keep) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && entry.before == State::Absent => {
                return Ok(false);
            }
            place => place?,
        };
        let (now, found) = State::at(&place)?;
        if now.is_same(&entry.before) {
            return Ok(false);
        }
        let force = matches!(believed, Believed::Found { force: true, .. });
        if !(force || now.is_same(&entry.after) || now == State::Absent) {
            return Err(io::Error::other(format!(
                "it was changed since, and is not overwritten; save what you need of it, then run \
                 esync-ssl restore --recover --force {}",
                RefusalCode::LeftoversNotUndoable
            )));
        }
        place.refuse_led()?;
        let step = Step {
            temporary: temporary_name(id, number),
            after: &entry.former(folder, id, number)?,
            over: found,
            // Closed until it has the rights of the file whose name it takes.
            private: entry.is_renewal().then_some(&[]),
            attributes: entry.before.recorded(),
            noted_by_us: matches!(believed, Believed::Own),
            keeps_rights: true,
            place,
        };
        let done = step
            .prepare(self.disk)
            .and_then(|fresh| step.finish(self.disk, fresh.as_ref()));
        if done.is_err() {
            step.clean(self.disk);
        }
        done.map(|()| true)
    }
}

/// The run that the mark names. A mark that is no file of ours, or names no run of ours, is an error.
fn mark(folder: &Folder) -> Option<io::Result<String>> {
    match folder.place(PENDING).read_ours(foreign::NOTE) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(Err(error)),
        Ok(bytes) => {
            let text = String::from_utf8_lossy(&bytes).trim().to_owned();
            Some(match number(&text) {
                Some(_) => Ok(text),
                None => Err(io::Error::other("it does not name a run of esync-ssl")),
            })
        }
    }
}

/// The folder of a run and its manifest, if they are there.
fn journal(lock: &Lock, id: &str) -> Result<Option<(Folder, Manifest)>, ApplyError> {
    let backup = lock.place(id);
    let cannot = |path: PathBuf, error: String| ApplyError::NotRestored {
        problems: vec![(path, error)],
        backup: backup.path(),
    };
    let folder = match lock.folder.enter_ours(&backup.name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| cannot(backup.path(), reason(&error)))?,
    };
    match read_manifest(&folder) {
        Ok(manifest) => Ok(manifest.map(|manifest| (folder, manifest))),
        Err(error) => Err(cannot(folder.place(MANIFEST).path(), reason(&error))),
    }
}
