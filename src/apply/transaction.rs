//! All changes of one run: everything or nothing, whatever fails and wherever the run is killed.
//!
//! 1. nothing that was read has changed, and nothing stands in the way;
//! 2. copies of what is there, and a manifest of what will be, on the disk;
//! 3. a mark that the run is unfinished: from here on [`Store::recover`] undoes it;
//! 4. all new bytes beside their targets, where they are not seen;
//! 5. one atomic operation for each name;
//! 6. what the caller wants to see proven; then the mark goes, and with it the way back to before.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::backup::{Store, place};
use super::disk::{Attributes, Disk};
use super::folder::{Folder, Found, Fresh, Kind, Last, Place, names};
use super::journal::{Entry, MANIFEST, Manifest, Name, PENDING, SERVER_TOLD, State, checksum};
use super::lock::Lock;
use super::owner::Others;
use super::recover::Believed;
use super::replace::{self, Step, sweep, temporary_name};
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
    /// A file cannot be replaced or made without harm; the end of a sentence.
    InTheWay(PathBuf, String),
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

/// A name that really changes.
#[derive(Debug)]
pub struct Target {
    /// Behind all links that stay.
    real: PathBuf,
    /// The file that is there, if it is to be replaced.
    over: Option<Found>,
    /// Who else may write to its folder.
    others: Option<Others>,
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
        let targets = self.check()?;
        let id = store
            .next_id(lock, now)
            .map_err(failed("list the backups in", &store.folder))?;
        let manifest = self.manifest(store, &targets, now);
        if let Err(error) = self.record(store, lock, &id, &manifest) {
            // Without a mark it was never begun.
            if let Ok(folder) = lock.folder.enter_ours(OsStr::new(&id)) {
                let _ = store.disk.remove(&folder.place(MANIFEST));
            }
            store.remove_tree(&lock.place(&id));
            return Err(error);
        }
        let done = self
            .mark(store, lock, &id)
            .and_then(|()| self.act(store.disk, &manifest, &targets, &id));
        if let Err(error) = done {
            store.undo(lock, &id, Believed::Own)?;
            return Err(error);
        }
        let (created, replaced): (Vec<_>, Vec<_>) = self
            .changes
            .iter()
            .partition(|change| matches!(change.before, Content::Absent));
        let paths = |changes: Vec<&Change>| changes.into_iter().map(|change| change.path.clone()).collect();
        let written = Written {
            created: paths(created),
            replaced: paths(replaced),
            backup: store.folder.join(&id),
        };
        Ok(Pending {
            store,
            lock,
            id,
            written,
        })
    }

    /// Whether everything is still as it was read and nothing stands in the way; the names that really change.
    ///
    /// # Errors
    /// [`ApplyError::Stale`], [`ApplyError::InTheWay`], or that something cannot be looked at.
    pub fn check(&self) -> Result<Vec<Target>, ApplyError> {
        let mut stale: Vec<PathBuf> = Vec::new();
        for (path, bytes) in &self.reads {
            if foreign::read(path, foreign::CONFIGURATION).ok().as_ref() != Some(bytes) {
                stale.push(path.clone());
            }
        }
        let mut targets = Vec::new();
        for change in &self.changes {
            match change.target() {
                Ok(Some(target)) => targets.push(target),
                Ok(None) if stale.contains(&change.path) => {}
                Ok(None) => stale.push(change.path.clone()),
                // Somebody is at work on it right now.
                Err(ApplyError::Failed { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                    stale.push(change.path.clone());
                }
                Err(error) => return Err(error),
            }
        }
        if stale.is_empty() {
            Ok(targets)
        } else {
            Err(ApplyError::Stale(stale))
        }
    }

    /// What is to be said of folders to which somebody else may write, for people.
    pub fn shared(targets: &[Target]) -> Vec<String> {
        let mut said = Vec::new();
        for others in targets.iter().filter_map(|target| target.others.as_ref()) {
            let sentence = format!("{others}, so what is written there can be changed by others than root");
            if !said.contains(&sentence) {
                said.push(sentence);
            }
        }
        said
    }

    fn manifest(&self, store: &Store, targets: &[Target], now: OffsetDateTime) -> Manifest {
        let state = |content: &Content, target: &Target, copy: Option<PathBuf>| match content {
            Content::Absent => State::Absent,
            Content::Link(target) => State::Link {
                target: Name::from(&**target),
            },
            Content::File(bytes) => State::File {
                sha256: checksum(bytes),
                attributes: target.over.map(|over| over.attributes).unwrap_or_default(),
                copy: copy.map(|copy| Name::from(&*copy)),
            },
        };
        let mut entries = Vec::new();
        let mut folders: Vec<PathBuf> = Vec::new();
        for (change, target) in self.changes.iter().zip(targets) {
            let real = &target.real;
            let copy = |below: &str| Some(place(Path::new(below), &store.root, &change.path));
            let written = copy(WRITTEN).filter(|_| !change.tls);
            entries.push(Entry {
                path: Name::from(&*change.path),
                real: Name::from(&**real),
                before: state(&change.before, target, copy("")),
                after: state(&change.after, target, written),
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
        Manifest {
            format: 1,
            tool: concat!("esync-ssl ", env!("CARGO_PKG_VERSION")).into(),
            time: time.unwrap_or_default(),
            command: self.record.command.clone(),
            reasons: self.record.reasons.clone(),
            root: Name::from(&*store.root),
            entries,
            folders: folders.iter().map(|folder| Name::from(&**folder)).collect(),
        }
    }

    /// Copies and manifest, durably.
    fn record(&self, store: &Store, lock: &Lock, id: &str, manifest: &Manifest) -> Result<(), ApplyError> {
        let disk = store.disk;
        let mut folders = Vec::new();
        let folder = make_folder(disk, &lock.place(id), &mut folders)?;
        for (change, entry) in self.changes.iter().zip(&manifest.entries) {
            for (content, state) in [(&change.before, &entry.before), (&change.after, &entry.after)] {
                if let (Content::File(bytes), State::File { copy: Some(copy), .. }) = (content, state) {
                    let copy = make_folders(disk, &folder, &copy.path(), &mut folders)?;
                    durable(disk, &copy, bytes)?;
                }
            }
        }
        durable(disk, &folder.place("change.diff"), self.record.diff.as_bytes())?;
        let text = serde_json::to_vec_pretty(manifest)
            .map_err(|error| failed("describe", folder.path())(error.into()))?;
        durable(disk, &folder.place(MANIFEST), &text)?;
        for folder in folders.iter().rev().chain([&lock.folder]) {
            disk.sync_folder(folder).map_err(failed("write", folder.path()))?;
        }
        Ok(())
    }

    /// From here on the run is undone unless it is finished.
    fn mark(&self, store: &Store, lock: &Lock, id: &str) -> Result<(), ApplyError> {
        let mark = lock.place(PENDING);
        let waiting = lock.folder.place(temporary_name(id, 0));
        let write = || {
            let fresh = store.disk.create(&waiting, id.as_bytes(), false)?;
            store.disk.sync(&fresh)?;
            store.disk.publish(&fresh, &mark.name)?;
            store.disk.sync_folder(&lock.folder)
        };
        write().map_err(|error| {
            let _ = store.disk.remove(&waiting);
            failed("write", &mark.path())(error)
        })
    }

    fn act(
        &self,
        disk: &dyn Disk,
        manifest: &Manifest,
        targets: &[Target],
        id: &str,
    ) -> Result<(), ApplyError> {
        for folder in &manifest.folders {
            let folder = folder.path();
            let place = Place::of(&folder, Last::Keep).map_err(failed("create the folder", &folder))?;
            disk.create_folder(&place, false)
                .map_err(failed("create the folder", &folder))?;
            disk.sync_folder(&place.folder)
                .map_err(failed("write", place.folder.path()))?;
        }
        replace::allow_open_files(targets.len());
        let steps = self.steps(disk, targets, id)?;
        let mut waiting: Vec<Option<Fresh>> = Vec::new();
        for (change, step) in self.changes.iter().zip(&steps) {
            let fresh = step.prepare(disk);
            waiting.push(fresh.map_err(failed("write beside", &change.path))?);
        }
        for (change, (step, fresh)) in self.changes.iter().zip(steps.iter().zip(&waiting)) {
            let act = match (&change.before, &change.after) {
                (Content::Absent, _) => "create",
                (_, Content::Absent) => "remove",
                _ => "replace",
            };
            step.finish(disk, fresh.as_ref())
                .map_err(failed(act, &change.path))?;
        }
        Ok(())
    }

    /// What is to be done in which folder; each is opened once.
    fn steps(&self, disk: &dyn Disk, targets: &[Target], id: &str) -> Result<Vec<Step<'_>>, ApplyError> {
        let mut folders: BTreeMap<PathBuf, Folder> = BTreeMap::new();
        let mut steps = Vec::new();
        for (number, (change, target)) in self.changes.iter().zip(targets).enumerate() {
            let mut place = Place::of(&target.real, Last::Keep).map_err(failed("write beside", &change.path))?;
            let path = place.folder.path().to_path_buf();
            place.folder = folders
                .entry(path)
                .or_insert_with(|| {
                    sweep(disk, &place.folder);
                    place.folder.clone()
                })
                .clone();
            change.refuse_others(place.folder.others())?;
            steps.push(Step {
                place,
                temporary: temporary_name(id, number),
                after: &change.after,
                over: target.over,
                private: change.private,
                attributes: change.attributes,
            });
        }
        Ok(steps)
    }
}

impl Change {
    /// The name that really changes; nothing when it is not as it was read.
    fn target(&self) -> Result<Option<Target>, ApplyError> {
        let look = |error| failed("look at", &self.path)(error);
        let last = match (&self.before, &self.after) {
            (Content::File(_), Content::File(_)) => Last::Follow,
            _ => Last::Keep,
        };
        let place = match Place::of(&self.path, last) {
            // The folders are yet to be made.
            Err(error) if error.kind() == io::ErrorKind::NotFound && matches!(self.before, Content::Absent) => {
                let above = self.path.ancestors().skip(1).find(|folder| folder.exists());
                let above = Folder::open(above.unwrap_or(Path::new("/"))).map_err(look)?;
                self.refuse_others(above.others())?;
                return Ok(Some(Target {
                    real: replace::real_path(&self.path).map_err(look)?,
                    over: None,
                    others: above.others().cloned(),
                }));
            }
            place => place.map_err(look)?,
        };
        let found = place.look().map_err(look)?;
        let is_there = match (&self.before, found) {
            (Content::Absent, found) => found.is_none(),
            (Content::File(bytes), Some(found)) if found.kind == Kind::File => place
                .read(foreign::CONFIGURATION)
                .is_ok_and(|now| now == **bytes),
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
            others: place.folder.others().cloned(),
        }))
    }

    /// A key where somebody else may write could be replaced by another, or read through a folder of theirs.
    fn refuse_others(&self, others: Option<&Others>) -> Result<(), ApplyError> {
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
        let place = self.lock.place(&self.id);
        let folder = self
            .lock
            .folder
            .enter_ours(&place.name)
            .map_err(failed("open", &place.path()))?;
        durable(self.store.disk, &folder.place(SERVER_TOLD), b"")?;
        self.store
            .disk
            .sync_folder(&folder)
            .map_err(failed("write", folder.path()))
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
        if let Err(error) = self.store.forget(self.lock) {
            // Whether the mark is gone is not sure; the manifest is still there to go back by.
            self.store.undo(self.lock, &self.id, Believed::Own)?;
            return Err(error);
        }
        self.store.prune(self.lock);
        Ok(self.written)
    }

    /// It is not: everything goes back.
    ///
    /// # Errors
    /// [`ApplyError::NotRestored`].
    pub fn undo(self) -> Result<Vec<PathBuf>, ApplyError> {
        self.store.undo(self.lock, &self.id, Believed::Own)
    }
}

/// Makes several new files, or none; without backup and journal, as nothing is there that could be lost.
///
/// # Errors
/// See [`ApplyError`].
pub fn create_all(disk: &dyn Disk, files: &[NewFile]) -> Result<(), ApplyError> {
    let mut created: Vec<Place> = Vec::new();
    let id = std::process::id().to_string();
    for (number, file) in files.iter().enumerate() {
        let make = || {
            let place = replace::place_of_new(&file.path)?;
            sweep(disk, &place.folder);
            let step = Step {
                place: place.clone(),
                temporary: temporary_name(&id, number),
                after: &Content::File(file.bytes.clone()),
                over: None,
                private: file.private,
                attributes: Attributes::default(),
            };
            let made = step
                .prepare(disk)
                .and_then(|fresh| step.finish(disk, fresh.as_ref()));
            made.inspect_err(|_| step.clean(disk)).map(|()| place)
        };
        match make() {
            Ok(place) => created.push(place),
            Err(error) => {
                for place in created {
                    let _ = disk.remove(&place);
                }
                return Err(failed("create", &file.path)(error));
            }
        }
    }
    Ok(())
}

/// Who else than root and we may write to a folder, or to where it will be made.
pub fn others_at(folder: &Path) -> Option<Others> {
    let there = folder.ancestors().find(|folder| folder.exists())?;
    Folder::open(there).ok()?.others().cloned()
}

/// Where in a backup's folder the new bytes are.
const WRITTEN: &str = "esync-ssl-written";

fn make_folder(disk: &dyn Disk, place: &Place, made: &mut Vec<Folder>) -> Result<Folder, ApplyError> {
    // On Windows the access list of the folder around is inherited.
    let make = || {
        disk.create_folder(place, cfg!(unix))?;
        place.folder.enter_ours(&place.name)
    };
    let folder = make().map_err(failed("create the backup folder", &place.path()))?;
    made.push(folder.clone());
    Ok(folder)
}

/// The place of a file below a folder; the folders on the way are made where they are not there.
fn make_folders(
    disk: &dyn Disk,
    folder: &Folder,
    path: &Path,
    made: &mut Vec<Folder>,
) -> Result<Place, ApplyError> {
    let cannot = || failed("create the backup folder", path);
    let mut names = names(path).map_err(cannot())?;
    let last = names.pop().unwrap_or_default();
    let mut folder = folder.clone();
    for name in names {
        folder = match folder.enter_ours(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_folder(disk, &folder.place(name), made)?
            }
            other => other.map_err(cannot())?,
        };
    }
    Ok(folder.place(last))
}

fn durable(disk: &dyn Disk, place: &Place, bytes: &[u8]) -> Result<(), ApplyError> {
    let write = || {
        let fresh = disk.create(place, bytes, false)?;
        disk.sync(&fresh)
    };
    write().map_err(failed("write the backup", &place.path()))
}

#[cfg(test)]
mod tests;
