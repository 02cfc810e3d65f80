//! Where backups are, what they are called, and which of them stay.

use std::ffi::OsStr;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

use super::content::Content;
use super::disk::Disk;
use super::folder::{Folder, Kind, Last, Place};
use super::journal::{self, Entry, MANIFEST, Manifest, PENDING, State, number};
use super::lock::{Holder, Lock, LockError};
use super::replace::sweep;
use crate::foreign;
use crate::interrupt::Hold;

/// Backups that are kept beside the very first one.
const KEPT: usize = 20;

/// What a run changed, for people.
pub(super) const DIFF: &str = "change.diff";

/// The folders below a server root that backups may go to, the preferred one first: beside the main configuration,
/// where people look.
pub fn backup_folders(root: &Path) -> Vec<PathBuf> {
    let conf = root.join("conf");
    let beside = root.join("esync-ssl-backup");
    if conf.is_dir() {
        vec![conf.join("esync-ssl-backup"), beside]
    } else {
        vec![beside]
    }
}

/// The backups of one server root, and the means to write there.
#[derive(Clone)]
pub struct Store<'a> {
    /// What does the writing.
    pub disk: &'a dyn Disk,
    /// The server root.
    pub root: PathBuf,
    /// The folder with the dated folders.
    pub folder: PathBuf,
}

/// One backup: its name, which is `<UTC time>-<n>`, and what its manifest says.
#[derive(Clone, Debug)]
pub struct Backup {
    /// `20260102T030405Z-7`.
    pub id: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
    /// Its folder, held open.
    pub(super) open: Folder,
}

/// As often as other runs may take the folder away while it is to be opened.
const TRIES: usize = 1000;

impl Store<'_> {
    /// Takes the lock of this server root; makes the folder for it. What killed runs left in the folder goes.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn lock(&self, patience: Duration, me: &Holder) -> Result<Lock, LockError> {
        let failed = |error: io::Error| LockError::Failed(self.folder.clone(), error);
        // First: who is interrupted from here on takes away again what was made.
        let _hold = Hold::new();
        for _ in 0..TRIES {
            self.refuse_foreign()?;
            let Some(folder) = self.open().map_err(failed)? else {
                self.make().map_err(failed)?;
                continue;
            };
            match Lock::acquire(&folder, patience, me) {
                // A run that wrote nothing has just taken its folder away.
                Err(LockError::Failed(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
                Ok(lock) => {
                    self.tidy(&lock);
                    return Ok(lock);
                }
                Err(error) => {
                    // Without a lock file it was of no use to anybody. On Windows the mere attempt keeps others out of it.
                    if folder.names().is_ok_and(|names| names.is_empty()) {
                        let _ = self.place().and_then(|place| self.disk.remove_folder(&place));
                    }
                    return Err(error);
                }
            }
        }
        Err(failed(io::Error::other(
            "another program keeps creating and removing it",
        )))
    }

    /// Makes the folder, unless another run has just made it.
    fn make(&self) -> io::Result<()> {
        match self.disk.create_folder(&self.place()?, true) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }

    /// Refuses what is in the place of the folder with the backups and is not a folder of ours: backups are neither
    /// written nor believed where somebody else may write.
    ///
    /// # Errors
    /// [`LockError::NotOurs`].
    pub fn refuse_foreign(&self) -> Result<(), LockError> {
        match self.open() {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
                ) =>
            {
                let remedy = match error.kind() {
                    io::ErrorKind::InvalidInput => Some("move it away, then run again"),
                    _ => None,
                };
                Err(LockError::not_ours(&self.folder, &error, remedy))
            }
            _ => Ok(()),
        }
    }

    /// Where the folder with the backups is, or is to be.
    pub(super) fn place(&self) -> io::Result<Place> {
        let place = Place::of(&self.folder, Last::Keep)?;
        place.refuse_led_out()?;
        Ok(place)
    }

    /// The folder with the backups, if it is there.
    pub(super) fn open(&self) -> io::Result<Option<Folder>> {
        let open = || {
            let place = self.place()?;
            place.folder.enter_ours(&place.name)
        };
        match open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    /// Every complete backup, the oldest first. Their order is that of their numbers: clocks may be set back.
    ///
    /// # Errors
    /// When the folder cannot be listed or is not ours. A folder in it that is no backup is passed over.
    pub fn backups(&self) -> io::Result<Vec<Backup>> {
        let mut found: Vec<(u64, Backup)> = Vec::new();
        let Some(folder) = self.open()? else {
            return Ok(Vec::new());
        };
        for (number, id) in dated(&folder)? {
            let Ok(open) = folder.enter_ours(OsStr::new(&id)) else {
                continue;
            };
            if let Ok(Some(manifest)) = journal::read_manifest(&open) {
                let folder = self.folder.join(&id);
                let backup = Backup {
                    id,
                    folder,
                    manifest,
                    open,
                };
                found.push((number, backup));
            }
        }
        found.sort_by_key(|(number, _)| *number);
        Ok(found.into_iter().map(|(_, backup)| backup).collect())
    }

    /// The name of the next backup: its number is higher than any before.
    pub(super) fn next_id(&self, lock: &Lock, now: OffsetDateTime) -> io::Result<String> {
        let time = now
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .map_err(|error| io::Error::other(error.to_string()))?;
        let last = dated(&lock.folder)?.into_iter().map(|(number, _)| number).max();
        Ok(format!("{time}-{}", last.unwrap_or(0).saturating_add(1)))
    }

    /// Removes what is too much: the oldest but the very first. What cannot be removed stays; it harms nobody.
    pub(super) fn prune(&self, lock: &Lock) {
        let Ok(mut names) = dated(&lock.folder) else {
            return;
        };
        names.sort();
        names.retain(|(_, id)| has_manifest(&lock.folder, id));
        let surplus = names.len().saturating_sub(KEPT + 1);
        for (_, id) in names.iter().skip(1).take(surplus) {
            // First what makes it a backup, so that a killed run leaves no half one.
            if let Ok(folder) = lock.folder.enter_ours(OsStr::new(id)) {
                let _ = self.disk.remove(&folder.place(MANIFEST));
            }
            self.remove_tree(&lock.place(id));
        }
    }

    /// Removes what killed runs left in the folder: files that had not got their name, and dated folders that had not
    /// got their manifest, so that nothing ever hung on them.
    fn tidy(&self, lock: &Lock) {
        sweep(self.disk, &lock.folder);
        let candidate = lock.place(CANDIDATE);
        if matches!(candidate.look(), Ok(Some(found)) if found.is_our_file()) {
            let _ = self.disk.remove(&candidate);
        }
        if !matches!(lock.place(PENDING).look(), Ok(None)) {
            return;
        }
        for (_, id) in dated(&lock.folder).unwrap_or_default() {
            if !has_manifest(&lock.folder, &id) {
                self.remove_tree(&lock.place(&id));
            }
        }
    }

    /// Removes what the newest run that is done still has beside certificates and keys, and its folder where that holds
    /// nothing to go back by: renewals would push everything else out. `is_ours`: a run of ours may have written there.
    pub(super) fn tidy_newest(&self, lock: &Lock, is_ours: impl Fn(&Entry) -> bool) {
        let newest = dated(&lock.folder).unwrap_or_default().into_iter().max();
        let Some((id, folder)) = newest.and_then(|(_, id)| {
            let folder = lock.folder.enter_ours(OsStr::new(&id)).ok()?;
            Some((id, folder))
        }) else {
            return;
        };
        let Ok(Some(manifest)) = journal::read_manifest(&folder) else {
            return;
        };
        if !matches!(self.forget_former(&manifest, &id, is_ours), Ok(true)) {
            return;
        }
        if manifest.is_passing() && self.disk.remove(&folder.place(MANIFEST)).is_ok() {
            self.remove_tree(&lock.place(&id));
        }
    }

    /// Removes a folder of ours with all in it, as far as that goes.
    pub(super) fn remove_tree(&self, place: &Place) {
        if let Ok(folder) = place.folder.enter_ours(&place.name) {
            for name in folder.names().unwrap_or_default() {
                let place = folder.place(name);
                match place.look() {
                    Ok(Some(found)) if found.kind == Kind::Folder => self.remove_tree(&place),
                    _ => {
                        let _ = self.disk.remove(&place);
                    }
                }
            }
        }
        let _ = self.disk.remove_folder(place);
    }
}

/// Where new bytes of the main file are for Apache to look at.
pub const CANDIDATE: &str = "candidate.tmp";

/// The names of the dated folders, with their numbers.
fn dated(folder: &Folder) -> io::Result<Vec<(u64, String)>> {
    let names = folder.names()?.into_iter();
    let names = names.filter_map(|name| name.into_string().ok());
    Ok(names.filter_map(|name| Some((number(&name)?, name))).collect())
}

fn has_manifest(folder: &Folder, id: &str) -> bool {
    folder
        .enter_ours(OsStr::new(id))
        .and_then(|folder| folder.place(MANIFEST).look())
        .is_ok_and(|found| found.is_some_and(|found| found.kind == Kind::File))
}

impl Backup {
    /// The server was told of what this run wrote, and served it.
    pub fn was_served(&self) -> bool {
        journal::told_server(&self.open)
    }

    /// The file that says what it holds.
    pub fn manifest_file(&self) -> PathBuf {
        self.folder.join(MANIFEST)
    }

    /// What the run changed, as one unified diff; nothing where that is not kept or is too long.
    pub fn diff(&self) -> Option<String> {
        let bytes = self.open.place(DIFF).read_ours(foreign::CHANGES).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What an entry held before or after the run. `None` when there is no such copy any more, or it is damaged.
    pub fn content(&self, state: &State) -> Option<Content> {
        state.content(&self.open).ok()
    }
}

/// Where a file's copy goes: at its path below the server root, or below `elsewhere` for files outside of it.
pub(super) fn place(folder: &Path, root: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(root) {
        Ok(relative) => folder.join(relative),
        Err(_) => {
            let parts = file.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name),
                _ => None,
            });
            parts.fold(folder.join("elsewhere"), |path, part| path.join(part))
        }
    }
}
