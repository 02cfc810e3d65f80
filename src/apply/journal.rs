//! The record of one change: what was there, what came, and how to go back. Written durably before the first change,
//! it is the journal of the run, and afterwards the description of its backup.
//!
//! Going back looks at what *is* there: a name that still has its old state is left alone, one that has the new state
//! gets the old one back, and one that has neither was changed by somebody else and is not overwritten. So it can be
//! done again after it was interrupted anywhere.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::backup::Store;
use super::disk::Attributes;
use super::lock::Lock;
use super::replace::{Step, temporary_name};
use super::transaction::{ApplyError, Content, failed};

/// The manifest in a backup's folder.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file beside the backups that names the one whose run is not done.
pub(super) const PENDING: &str = "unfinished";
/// The file in a backup's folder that says that the run told the server.
pub(super) const SERVER_TOLD: &str = "server-told";

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this form; 1.
    pub format: u32,
    /// The program and its version.
    pub tool: String,
    /// When, in UTC.
    pub time: String,
    /// The command line.
    pub command: Vec<String>,
    /// One sentence for each change.
    pub reasons: Vec<String>,
    /// The server root.
    pub root: Name,
    /// The names that changed, in the order in which they did.
    pub entries: Vec<Entry>,
    /// Folders that were made, outermost first.
    pub folders: Vec<Name>,
}

/// One name before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// As the configuration knows it.
    pub path: Name,
    /// Behind all symbolic links that stayed.
    pub real: Name,
    /// What was there.
    pub before: State,
    /// What came.
    pub after: State,
    /// Its content is a certificate or key: it is in no backup, and a later restore leaves it where it is.
    pub tls: bool,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Checksum of its bytes.
        sha256: String,
        /// Owner and mode.
        #[serde(flatten)]
        attributes: Attributes,
        /// Where in the backup's folder its bytes are.
        copy: Option<Name>,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it says itself.
        target: Name,
    },
}

/// A path that survives JSON whatever its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// Nearly always.
    Text(String),
    /// A path that is no UTF-8.
    Bytes(Vec<u8>),
}

impl From<&Path> for Name {
    fn from(path: &Path) -> Name {
        match path.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Bytes(path.as_os_str().as_encoded_bytes().to_vec()),
        }
    }
}

impl Name {
    /// The path itself.
    pub fn path(&self) -> PathBuf {
        match self {
            Name::Text(text) => PathBuf::from(text),
            #[cfg(unix)]
            Name::Bytes(bytes) => {
                use std::os::unix::ffi::OsStrExt;
                PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
            }
            #[cfg(not(unix))]
            Name::Bytes(bytes) => PathBuf::from(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// SHA-256 in hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl From<&Content> for State {
    fn from(content: &Content) -> State {
        match content {
            Content::Absent => State::Absent,
            Content::Link(target) => State::Link {
                target: Name::from(&**target),
            },
            Content::File(bytes) => State::File {
                sha256: checksum(bytes),
                attributes: Attributes::default(),
                copy: None,
            },
        }
    }
}

impl State {
    /// What a name leads to now, links not followed.
    ///
    /// # Errors
    /// When it is there but cannot be read, or is a folder.
    pub fn of(path: &Path) -> io::Result<State> {
        let metadata = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::Absent),
            other => other?,
        };
        if metadata.is_symlink() {
            return Ok(State::Link {
                target: Name::from(&*fs::read_link(path)?),
            });
        }
        Ok(State::File {
            sha256: checksum(&zeroize::Zeroizing::new(fs::read(path)?)),
            attributes: super::replace::system::attributes(&metadata),
            copy: None,
        })
    }

    /// The same bytes or the same link; owner and mode do not count.
    pub fn is_same(&self, other: &State) -> bool {
        match (self, other) {
            (State::File { sha256: a, .. }, State::File { sha256: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// What it was, out of the backup's folder; checked against its checksum.
    pub(super) fn content(&self, folder: &Path) -> io::Result<Content> {
        Ok(match self {
            State::Absent => Content::Absent,
            State::Link { target } => Content::Link(target.path()),
            State::File { copy: None, .. } => {
                return Err(io::Error::other("the backup holds no copy of it"));
            }
            State::File {
                sha256,
                copy: Some(copy),
                ..
            } => {
                let path = folder.join(copy.path());
                let bytes = fs::read(&path)?;
                if checksum(&bytes) != *sha256 {
                    return Err(io::Error::other(format!(
                        "its copy {} is damaged",
                        path.display()
                    )));
                }
                Content::file(bytes)
            }
        })
    }

    pub(super) fn attributes(&self) -> Attributes {
        match self {
            State::File { attributes, .. } => *attributes,
            _ => Attributes::default(),
        }
    }
}

/// The manifest in a backup's folder, if it is there.
fn read_manifest(folder: &Path) -> Result<Option<Manifest>, ApplyError> {
    let path = folder.join(MANIFEST);
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => {
            let bytes = other.map_err(failed("read", &path))?;
            let manifest = serde_json::from_slice(&bytes);
            Ok(Some(
                manifest.map_err(|error| failed("understand", &path)(error.into()))?,
            ))
        }
    }
}

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

impl Store<'_> {
    /// The run that was neither finished nor undone, if there is one.
    pub fn unfinished(&self) -> Option<String> {
        let text = fs::read_to_string(self.folder.join(PENDING)).ok()?;
        Some(text.trim().to_owned())
    }

    /// Undoes what a killed run left half done. With `force`, also names that somebody changed since.
    ///
    /// # Errors
    /// [`ApplyError::NotRestored`] when something could not be put back; then it can be tried again.
    pub fn recover(&self, lock: &Lock, force: bool) -> Result<Option<Recovered>, ApplyError> {
        let Some(id) = self.unfinished() else {
            return Ok(None);
        };
        let server_told = self.folder.join(&id).join(SERVER_TOLD).exists();
        let restored = self.undo(lock, &id, force)?;
        Ok(Some(Recovered {
            id,
            restored,
            server_told,
        }))
    }

    /// Puts everything back that the run `id` changed, and forgets the run.
    pub(super) fn undo(&self, _lock: &Lock, id: &str, force: bool) -> Result<Vec<PathBuf>, ApplyError> {
        let folder = self.folder.join(id);
        let mut restored = Vec::new();
        // It goes first when all is put back: without it there is nothing left to undo.
        if let Some(manifest) = read_manifest(&folder)? {
            restored = self.put_back(&manifest, id, &folder, force)?;
            let manifest = folder.join(MANIFEST);
            self.disk.remove(&manifest).map_err(failed("remove", &manifest))?;
            self.disk.sync_folder(&folder).map_err(failed("write", &folder))?;
        }
        self.forget()?;
        self.remove_tree(&folder);
        Ok(restored)
    }

    /// Puts everything back that the run `id` changed, and goes on knowing it as unfinished.
    pub(super) fn revert(&self, _lock: &Lock, id: &str) -> Result<Vec<PathBuf>, ApplyError> {
        let folder = self.folder.join(id);
        match read_manifest(&folder)? {
            Some(manifest) => self.put_back(&manifest, id, &folder, false),
            None => Ok(Vec::new()),
        }
    }

    /// Removes the mark of an unfinished run: what it did stands.
    pub(super) fn forget(&self) -> Result<(), ApplyError> {
        let mark = self.folder.join(PENDING);
        match self.disk.remove(&mark) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.map_err(failed("remove", &mark))?,
        }
        // Should the mark come back after a power cut, everything is undone, which is just as whole.
        let _ = self.disk.sync_folder(&self.folder);
        Ok(())
    }

    fn put_back(
        &self,
        manifest: &Manifest,
        id: &str,
        folder: &Path,
        force: bool,
    ) -> Result<Vec<PathBuf>, ApplyError> {
        let mut restored = Vec::new();
        let mut problems = Vec::new();
        // The new bytes that still wait are of no use, and their space may be needed.
        let _ = self.sweep(manifest, id);
        for (number, entry) in manifest.entries.iter().enumerate().rev() {
            let path = entry.path.path();
            match self.put_one_back(entry, number, id, folder, force) {
                Ok(true) => restored.push(path),
                Ok(false) => {}
                Err(error) => problems.push((path, error.to_string())),
            }
        }
        if !problems.is_empty() {
            return Err(ApplyError::NotRestored {
                problems,
                backup: folder.to_path_buf(),
            });
        }
        self.sweep(manifest, id)?;
        for made in manifest.folders.iter().rev() {
            let made = made.path();
            match self.disk.remove_folder(&made) {
                // Somebody else may have put something there.
                Err(error)
                    if !matches!(
                        error.kind(),
                        io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty
                    ) =>
                {
                    return Err(failed("remove", &made)(error));
                }
                _ => {}
            }
        }
        Ok(restored)
    }

    /// Removes new bytes that still wait for their turn.
    fn sweep(&self, manifest: &Manifest, id: &str) -> Result<(), ApplyError> {
        for (number, entry) in manifest.entries.iter().enumerate() {
            let real = entry.real.path();
            let temporary = real.with_file_name(temporary_name(id, number));
            super::replace::system::tidy(&temporary, &real);
            if temporary.symlink_metadata().is_ok() {
                self.disk
                    .remove(&temporary)
                    .map_err(failed("remove", &temporary))?;
            }
        }
        Ok(())
    }

    fn put_one_back(
        &self,
        entry: &Entry,
        number: usize,
        id: &str,
        folder: &Path,
        force: bool,
    ) -> io::Result<bool> {
        let real = entry.real.path();
        let now = State::of(&real)?;
        if now.is_same(&entry.before) {
            return Ok(false);
        }
        if !(force || now.is_same(&entry.after) || now == State::Absent) {
            return Err(io::Error::other(
                "somebody changed it since, and it is not overwritten; keep what is needed of it elsewhere, then run \
                 esync-ssl restore --recover --force",
            ));
        }
        let temporary = real.with_file_name(temporary_name(id, number));
        let step = Step {
            real: &real,
            temporary: &temporary,
            after: &entry.before.content(folder)?,
            over: now != State::Absent,
            private: false,
            attributes: entry.before.attributes(),
        };
        let done = step.prepare(self.disk).and_then(|()| step.finish(self.disk));
        if done.is_err() {
            let _ = self.disk.remove(&temporary);
        }
        done.map(|()| true)
    }
}
