//! Where backups are, what they are called, and which of them stay.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;

use super::disk::Disk;
use super::journal::{MANIFEST, Manifest, SERVER_TOLD, State};
use super::lock::{Holder, Lock, LockError};
use super::transaction::Content;

/// Backups that are kept beside the very first one.
const KEPT: usize = 20;

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
}

impl Store<'_> {
    /// Takes the lock of this server root; makes the folder for it.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn lock(&self, patience: Duration, me: &Holder) -> Result<Lock, LockError> {
        loop {
            if !self.folder.is_dir() {
                match self.disk.create_folder(&self.folder, true) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(LockError::Failed(self.folder.clone(), error));
                    }
                    _ => {}
                }
            }
            match Lock::acquire(&self.folder, patience, me) {
                // A run that wrote nothing has just taken its folder away.
                Err(LockError::Failed(_, error)) if error.kind() == io::ErrorKind::NotFound => {}
                result => return result,
            }
        }
    }

    /// Every complete backup, the oldest first. Their order is that of their numbers: clocks may be set back.
    ///
    /// # Errors
    /// When the folder cannot be listed. A folder that is no backup is passed over.
    pub fn backups(&self) -> io::Result<Vec<Backup>> {
        let mut found: Vec<(u64, Backup)> = Vec::new();
        for (number, id) in self.names()? {
            let folder = self.folder.join(&id);
            let manifest = fs::read(folder.join(MANIFEST))
                .ok()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok());
            if let Some(manifest) = manifest {
                found.push((number, Backup { id, folder, manifest }));
            }
        }
        found.sort_by_key(|(number, _)| *number);
        Ok(found.into_iter().map(|(_, backup)| backup).collect())
    }

    /// The name of the next backup: its number is higher than any before.
    pub(super) fn next_id(&self, now: OffsetDateTime) -> io::Result<String> {
        let time = now
            .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
            .map_err(|error| io::Error::other(error.to_string()))?;
        let last = self.names()?.into_iter().map(|(number, _)| number).max();
        Ok(format!("{time}-{}", last.unwrap_or(0) + 1))
    }

    /// Removes what is too much: the oldest but the very first; and folders that a killed run left without a
    /// manifest, which were never needed. What cannot be removed stays; it harms nobody.
    pub(super) fn prune(&self) {
        let Ok(mut names) = self.names() else { return };
        names.sort();
        let (complete, incomplete): (Vec<_>, Vec<_>) = names
            .into_iter()
            .partition(|(_, id)| self.folder.join(id).join(MANIFEST).is_file());
        let surplus = complete.len().saturating_sub(KEPT + 1);
        for (_, id) in complete.iter().skip(1).take(surplus).chain(&incomplete) {
            let folder = self.folder.join(id);
            // First what makes it a backup, so that a killed run leaves no half one.
            let _ = self.disk.remove(&folder.join(MANIFEST));
            self.remove_tree(&folder);
        }
    }

    /// Removes a folder of ours with all in it, as far as that goes.
    pub(super) fn remove_tree(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.remove_tree(&path);
            } else {
                let _ = self.disk.remove(&path);
            }
        }
        let _ = self.disk.remove_folder(folder);
    }

    fn names(&self) -> io::Result<Vec<(u64, String)>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut names = Vec::new();
        for entry in entries {
            if let Ok(name) = entry?.file_name().into_string()
                && let Some(number) = number(&name)
            {
                names.push((number, name));
            }
        }
        Ok(names)
    }
}

impl Backup {
    /// The server was told of what this run wrote, and served it.
    pub fn was_served(&self) -> bool {
        self.folder.join(SERVER_TOLD).exists()
    }

    /// What an entry held before or after the run. `None` when there is no such copy any more, or it is damaged.
    pub fn content(&self, state: &State) -> Option<Content> {
        state.content(&self.folder).ok()
    }
}

/// The number in a backup's name.
fn number(name: &str) -> Option<u64> {
    let (time, number) = name.split_once('-')?;
    let is_time = time.len() == 16
        && time.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    (is_time && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok())?
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

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_our_own_names_count() {
        assert_eq!(number("20260102T030405Z-7"), Some(7));
        for name in [
            "20260102T030405Z",
            "20260102T030405Z-7a",
            "lock",
            "2026-7",
            "20260102x030405Z-7",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
