//! All changes of one run: everything or nothing, whatever fails and wherever the run is killed.
//!
//! 1. nothing that was read has changed, and nothing stands in the way;
//! 2. copies of what is there, and a manifest of what will be, on the disk;
//! 3. a mark that the run is unfinished: from here on [`Store::recover`] undoes it;
//! 4. all new bytes beside their targets, where they are not seen;
//! 5. one atomic operation for each name;
//! 6. what the caller wants to see proven; then the mark goes, and with it the way back to before.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::backup::{Store, place};
use super::disk::{Attributes, Disk};
use super::journal::{Entry, MANIFEST, Manifest, Name, PENDING, SERVER_TOLD, State, checksum};
use super::lock::Lock;
use super::replace::{self, Step, temporary_name};

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

/// What is noted beside the copies.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// The command line.
    pub command: Vec<String>,
    /// One sentence for each change.
    pub reasons: Vec<String>,
    /// All changes, for people.
    pub diff: String,
}

/// What is to be written.
#[derive(Default)]
pub struct Transaction {
    /// The names that change.
    pub changes: Vec<Change>,
    /// Further files that were read, which must still have these bytes.
    pub reads: Vec<(PathBuf, Vec<u8>)>,
    /// What is noted beside the copies.
    pub record: Record,
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Files and links that came.
    pub created: Vec<PathBuf>,
    /// Files that changed, and names that went.
    pub replaced: Vec<PathBuf>,
    /// The folder with the copies.
    pub backup: PathBuf,
}

/// Why nothing was written, or worse.
#[derive(Debug)]
pub enum ApplyError {
    /// Somebody changed these files since they were read.
    Stale(Vec<PathBuf>),
    /// A file cannot be replaced without harm; the end of a sentence.
    InTheWay(PathBuf, &'static str),
    /// Something could not be read or written; all is as it was.
    Failed {
        /// What was tried, such as `replace`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Files could not be put back. The next run tries again.
    NotRestored {
        /// The names, and what the system says.
        problems: Vec<(PathBuf, String)>,
        /// The folder with their copies.
        backup: PathBuf,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::Stale(paths) => write!(
                f,
                "{} {} changed by somebody else meanwhile; nothing was written, run again",
                list(paths),
                if paths.len() == 1 { "was" } else { "were" }
            ),
            ApplyError::InTheWay(path, why) => write!(f, "{} {why}; nothing was written", path.display()),
            ApplyError::Failed { path, error, .. } if error.kind() == io::ErrorKind::AlreadyExists => write!(
                f,
                "{} was made by somebody else meanwhile; nothing was written, run again",
                path.display()
            ),
            ApplyError::Failed { act, path, error } => write!(
                f,
                "cannot {act} {}: {error}; everything is as it was. Check who may write there (run as administrator \
                 or root) and that there is space, then run again",
                path.display()
            ),
            ApplyError::NotRestored { problems, backup } => {
                for (path, error) in problems {
                    write!(f, "{} could not be put back: {error}. ", path.display())?;
                }
                write!(
                    f,
                    "The copies are in {}; esync-ssl restore --recover tries again",
                    backup.display()
                )
            }
        }
    }
}

impl std::error::Error for ApplyError {}

impl ApplyError {
    /// Nothing was written, as files are not what they were when they were read: another try may do.
    pub fn is_stale(&self) -> bool {
        match self {
            ApplyError::Stale(_) => true,
            ApplyError::Failed { error, .. } => error.kind() == io::ErrorKind::AlreadyExists,
            ApplyError::InTheWay(..) | ApplyError::NotRestored { .. } => false,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

pub(super) fn failed<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ApplyError + 'a {
    move |error| ApplyError::Failed {
        act,
        path: path.to_path_buf(),
        error,
    }
}

/// Everything is written and can still be undone. Dropped without a word, the next run undoes it.
pub struct Pending<'a> {
    store: &'a Store<'a>,
    lock: &'a Lock,
    id: String,
    written: Written,
}

impl Transaction {
    /// Writes everything, or nothing.
    ///
    /// # Errors
    /// See [`ApplyError`]; but for [`ApplyError::NotRestored`] everything is as it was.
    pub fn write<'a>(
        &self,
        store: &'a Store<'a>,
        lock: &'a Lock,
        now: OffsetDateTime,
    ) -> Result<Pending<'a>, ApplyError> {
        let reals = self.check()?;
        let id = store
            .next_id(now)
            .map_err(failed("list the backups in", &store.folder))?;
        let folder = store.folder.join(&id);
        let manifest = self.manifest(store, &reals, now)?;
        if let Err(error) = self.record(store, &folder, &manifest) {
            // Without a mark it was never begun.
            let _ = store.disk.remove(&folder.join(MANIFEST));
            store.remove_tree(&folder);
            return Err(error);
        }
        let done = self
            .mark(store, &id)
            .and_then(|()| self.act(store.disk, &manifest, &reals, &id));
        if let Err(error) = done {
            store.undo(lock, &id, false)?;
            return Err(error);
        }
        let (created, replaced): (Vec<_>, Vec<_>) = self
            .changes
            .iter()
            .partition(|change| matches!(change.before, Content::Absent));
        let paths = |changes: Vec<&Change>| changes.into_iter().map(|change| change.path.clone()).collect();
        Ok(Pending {
            store,
            lock,
            id,
            written: Written {
                created: paths(created),
                replaced: paths(replaced),
                backup: folder,
            },
        })
    }

    /// Whether everything is still as it was read and nothing stands in the way; the names that really change.
    ///
    /// # Errors
    /// [`ApplyError::Stale`], [`ApplyError::InTheWay`], or that something cannot be looked at.
    pub fn check(&self) -> Result<Vec<PathBuf>, ApplyError> {
        let mut stale: Vec<PathBuf> = Vec::new();
        for (path, bytes) in &self.reads {
            if fs::read(path).ok().as_ref() != Some(bytes) {
                stale.push(path.clone());
            }
        }
        let mut reals = Vec::new();
        for change in &self.changes {
            let follow = matches!(
                (&change.before, &change.after),
                (Content::File(_), Content::File(_))
            );
            let is_there = match &change.before {
                Content::Absent => change.path.symlink_metadata().is_err(),
                Content::File(bytes) => fs::read(&change.path).is_ok_and(|now| now == **bytes),
                Content::Link(target) => fs::read_link(&change.path).is_ok_and(|now| now == *target),
            };
            if !is_there && !stale.contains(&change.path) {
                stale.push(change.path.clone());
            }
            if !is_there {
                continue;
            }
            let looked = replace::real_name(&change.path, follow).and_then(|real| {
                Ok((
                    follow.then(|| replace::obstacle(&real)).transpose()?.flatten(),
                    real,
                ))
            });
            match looked {
                Ok((None, real)) => reals.push(real),
                Ok((Some(why), _)) => return Err(ApplyError::InTheWay(change.path.clone(), why)),
                // Somebody is at work on it right now.
                Err(error) if error.kind() == io::ErrorKind::NotFound => stale.push(change.path.clone()),
                Err(error) => return Err(failed("look at", &change.path)(error)),
            }
        }
        if stale.is_empty() {
            Ok(reals)
        } else {
            Err(ApplyError::Stale(stale))
        }
    }

    fn manifest(
        &self,
        store: &Store,
        reals: &[PathBuf],
        now: OffsetDateTime,
    ) -> Result<Manifest, ApplyError> {
        let state = |content: &Content, real: &Path, copy: Option<PathBuf>| {
            Ok(match content {
                Content::Absent => State::Absent,
                Content::Link(target) => State::Link {
                    target: Name::from(&**target),
                },
                Content::File(bytes) => State::File {
                    sha256: checksum(bytes),
                    attributes: match real.metadata() {
                        Ok(metadata) => replace::system::attributes(&metadata),
                        Err(_) => Attributes::default(),
                    },
                    copy: copy.map(|copy| Name::from(&*copy)),
                },
            })
        };
        let mut entries = Vec::new();
        let mut folders: Vec<PathBuf> = Vec::new();
        for (change, real) in self.changes.iter().zip(reals) {
            let copy = |below: &str| Some(place(Path::new(below), &store.root, &change.path));
            let written = copy(WRITTEN).filter(|_| !change.tls);
            entries.push(Entry {
                path: Name::from(&*change.path),
                real: Name::from(&**real),
                before: state(&change.before, real, copy(""))?,
                after: state(&change.after, real, written)?,
                tls: change.tls,
            });
            let missing = real.ancestors().skip(1).take_while(|folder| !folder.exists());
            let missing: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
            for folder in missing.into_iter().rev() {
                if !folders.contains(&folder) {
                    folders.push(folder);
                }
            }
        }
        let time = now.format(&time::format_description::well_known::Rfc3339);
        Ok(Manifest {
            format: 1,
            tool: concat!("esync-ssl ", env!("CARGO_PKG_VERSION")).into(),
            time: time.unwrap_or_default(),
            command: self.record.command.clone(),
            reasons: self.record.reasons.clone(),
            root: Name::from(&*store.root),
            entries,
            folders: folders.iter().map(|folder| Name::from(&**folder)).collect(),
        })
    }

    /// Copies and manifest, durably.
    fn record(&self, store: &Store, folder: &Path, manifest: &Manifest) -> Result<(), ApplyError> {
        let mut folders = vec![folder.to_path_buf()];
        make_folder(store.disk, folder)?;
        for (change, entry) in self.changes.iter().zip(&manifest.entries) {
            for (content, state) in [(&change.before, &entry.before), (&change.after, &entry.after)] {
                if let (Content::File(bytes), State::File { copy: Some(copy), .. }) = (content, state) {
                    let copy = folder.join(copy.path());
                    make_folders(store.disk, &copy, &mut folders)?;
                    durable(store.disk, &copy, bytes)?;
                }
            }
        }
        durable(
            store.disk,
            &folder.join("change.diff"),
            self.record.diff.as_bytes(),
        )?;
        let text =
            serde_json::to_vec_pretty(manifest).map_err(|error| failed("describe", folder)(error.into()))?;
        durable(store.disk, &folder.join(MANIFEST), &text)?;
        for folder in folders.iter().rev().chain([&store.folder]) {
            store.disk.sync_folder(folder).map_err(failed("write", folder))?;
        }
        Ok(())
    }

    /// From here on the run is undone unless it is finished.
    fn mark(&self, store: &Store, id: &str) -> Result<(), ApplyError> {
        let mark = store.folder.join(PENDING);
        let waiting = store.folder.join(temporary_name(id, 0));
        let write = || {
            store.disk.create(&waiting, id.as_bytes())?;
            store.disk.sync(&waiting)?;
            store.disk.publish(&waiting, &mark)?;
            store.disk.sync_folder(&store.folder)
        };
        write().map_err(|error| {
            let _ = store.disk.remove(&waiting);
            failed("write", &mark)(error)
        })
    }

    fn act(
        &self,
        disk: &dyn Disk,
        manifest: &Manifest,
        reals: &[PathBuf],
        id: &str,
    ) -> Result<(), ApplyError> {
        for folder in &manifest.folders {
            let folder = folder.path();
            disk.create_folder(&folder, false)
                .map_err(failed("create the folder", &folder))?;
            if let Some(above) = folder.parent() {
                disk.sync_folder(above).map_err(failed("write", above))?;
            }
        }
        let temporaries: Vec<PathBuf> = reals
            .iter()
            .enumerate()
            .map(|(number, real)| real.with_file_name(temporary_name(id, number)))
            .collect();
        let steps = || {
            let both = reals.iter().zip(&temporaries);
            self.changes.iter().zip(both).map(|(change, (real, temporary))| {
                let step = Step {
                    real,
                    temporary,
                    after: &change.after,
                    over: !matches!(change.before, Content::Absent),
                    private: change.private,
                    attributes: change.attributes,
                };
                (change, step)
            })
        };
        for (change, step) in steps() {
            step.prepare(disk).map_err(failed("write beside", &change.path))?;
        }
        for (change, step) in steps() {
            let act = match (&change.before, &change.after) {
                (Content::Absent, _) => "create",
                (_, Content::Absent) => "remove",
                _ => "replace",
            };
            step.finish(disk).map_err(failed(act, &change.path))?;
        }
        Ok(())
    }
}

impl Pending<'_> {
    /// What was written.
    pub fn written(&self) -> &Written {
        &self.written
    }

    /// Notes durably that the server is about to be told, for whoever finds this run unfinished.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn note_server(&self) -> Result<(), ApplyError> {
        let folder = self.store.folder.join(&self.id);
        durable(self.store.disk, &folder.join(SERVER_TOLD), b"")?;
        self.store
            .disk
            .sync_folder(&folder)
            .map_err(failed("write", &folder))
    }

    /// Everything goes back, and the run stays unfinished: it can be undone once more.
    ///
    /// # Errors
    /// [`ApplyError::NotRestored`].
    pub fn revert(&self) -> Result<Vec<PathBuf>, ApplyError> {
        self.store.revert(self.lock, &self.id)
    }

    /// It is good: it stays.
    ///
    /// # Errors
    /// When not even that can be noted; then everything is as it was.
    pub fn keep(self) -> Result<Written, ApplyError> {
        if let Err(error) = self.store.forget() {
            // Whether the mark is gone is not sure; the manifest is still there to go back by.
            self.store.undo(self.lock, &self.id, false)?;
            return Err(error);
        }
        self.store.prune();
        Ok(self.written)
    }

    /// It is not: everything goes back.
    ///
    /// # Errors
    /// [`ApplyError::NotRestored`].
    pub fn undo(self) -> Result<Vec<PathBuf>, ApplyError> {
        self.store.undo(self.lock, &self.id, false)
    }
}

/// Makes several new files, or none; without backup and journal, as nothing is there that could be lost.
///
/// # Errors
/// See [`ApplyError`].
pub fn create_all(disk: &dyn Disk, files: &[NewFile]) -> Result<(), ApplyError> {
    let mut created = Vec::new();
    let id = std::process::id().to_string();
    for (number, file) in files.iter().enumerate() {
        let make = || {
            if let Some(folder) = file.path.parent() {
                fs::create_dir_all(folder)?;
            }
            let step = Step {
                real: &file.path,
                temporary: &file.path.with_file_name(temporary_name(&id, number)),
                after: &Content::File(file.bytes.clone()),
                over: false,
                private: file.private,
                attributes: Attributes::default(),
            };
            let made = step.prepare(disk).and_then(|()| step.finish(disk));
            made.inspect_err(|_| {
                let _ = disk.remove(step.temporary);
            })
        };
        match make() {
            Ok(()) => created.push(&file.path),
            Err(error) => {
                for path in created {
                    let _ = disk.remove(path);
                }
                return Err(failed("create", &file.path)(error));
            }
        }
    }
    Ok(())
}

/// Where in a backup's folder the new bytes are.
const WRITTEN: &str = "esync-ssl-written";

fn make_folder(disk: &dyn Disk, folder: &Path) -> Result<(), ApplyError> {
    // On Windows the access list of the folder around is inherited.
    disk.create_folder(folder, cfg!(unix))
        .map_err(failed("create the backup folder", folder))
}

fn make_folders(disk: &dyn Disk, file: &Path, made: &mut Vec<PathBuf>) -> Result<(), ApplyError> {
    let folders = file.ancestors().skip(1);
    let missing: Vec<&Path> = folders.take_while(|folder| !folder.exists()).collect();
    for folder in missing.into_iter().rev() {
        make_folder(disk, folder)?;
        made.push(folder.to_path_buf());
    }
    Ok(())
}

fn durable(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), ApplyError> {
    let write = || {
        disk.create(path, bytes)?;
        disk.sync(path)
    };
    write().map_err(failed("write the backup", path))
}

#[cfg(test)]
mod tests;
