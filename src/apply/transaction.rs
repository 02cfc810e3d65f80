//! All changes of one run: everything or nothing, whatever fails and wherever the run is killed.
//!
//! 1. nothing that was read has changed, and nothing stands in the way;
//! 2. copies of what is there, and a manifest of what will be, on the disk;
//! 3. a mark that the run is unfinished: from here on [`Store::recover`] undoes it;
//! 4. all new bytes beside their targets, where they are not seen;
//! 5. one atomic operation for each name;
//! 6. what the caller wants to see proven; then the mark goes, and with it the way back to before.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::backup::{DIFF, Store, place};
use super::change::{NameChange, Target};
use super::content::Content;
use super::disk::Disk;
use super::error::{ApplyError, failed};
use super::folder::{Folder, Fresh, Place, names};
use super::journal::{Entry, MANIFEST, Manifest, Name, PENDING, SERVER_TOLD, State, checksum, former_name};
use super::lock::Lock;
use super::making::Folders;
use super::recover::Believed;
use super::replace::{self, Step, sweep, temporary_name};
use crate::acl::Readers;
use crate::foreign;
use crate::parallel::in_parallel;

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
pub struct Transaction<'a> {
    /// The names that change.
    pub changes: Vec<NameChange>,
    /// Further files that were read, which must still have these bytes.
    pub reads: Vec<(&'a Path, &'a [u8])>,
    /// The same of certificates and keys; wiped when dropped.
    pub tls_reads: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// Who may read private files among them, on Windows.
    pub readers: Readers,
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
    /// The folder with the copies; nothing where there is nothing to go back by, as certificates and keys got other bytes and
    /// that was all.
    pub backup: Option<PathBuf>,
}

/// Everything is written and can still be undone. Dropped without a word, the next run undoes it.
pub struct Pending<'a> {
    store: &'a Store<'a>,
    lock: &'a Lock,
    id: String,
    written: Written,
}

impl Transaction<'_> {
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
            .and_then(|()| self.act(store.disk, &targets, &id));
        if let Err(error) = done {
            store.undo(lock, &id, Believed::Own)?;
            return Err(error);
        }
        let (created, replaced): (Vec<_>, Vec<_>) = self
            .changes
            .iter()
            .partition(|change| matches!(change.before, Content::Absent));
        let paths =
            |changes: Vec<&NameChange>| changes.into_iter().map(|change| change.path.clone()).collect();
        let written = Written {
            created: paths(created),
            replaced: paths(replaced),
            backup: (!manifest.is_passing()).then(|| store.folder.join(&id)),
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
    /// [`ApplyError::Stale`], [`ApplyError::Refused`], or that something cannot be looked at.
    pub fn check(&self) -> Result<Vec<Target>, ApplyError> {
        self.targets(self.stale_reads())
    }

    /// The same of what it changes alone; `stale` is what is known to be otherwise than it was read.
    ///
    /// # Errors
    /// As of all of it.
    pub(super) fn targets(&self, mut stale: Vec<PathBuf>) -> Result<Vec<Target>, ApplyError> {
        replace::allow_open_files(self.changes.len());
        let mut folders = Folders::default();
        let mut targets = Vec::new();
        for change in &self.changes {
            match change.target() {
                Ok(Some(mut target)) => {
                    folders.share(&mut target.way);
                    targets.push(target);
                }
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

    /// Of the files that were read, those that are no longer what they were; but for those that it changes, which are
    /// looked at by themselves.
    fn stale_reads(&self) -> Vec<PathBuf> {
        const MANY_FILES: usize = 100;
        let is_stale = |path: &Path, bytes: &[u8]| !foreign::holds(path, bytes).is_ok_and(|holds| holds);
        let tls = self
            .tls_reads
            .iter()
            .filter(|(path, bytes)| is_stale(path, bytes));
        let mut stale: Vec<PathBuf> = tls.map(|(path, _)| path.clone()).collect();
        let changed = self
            .changes
            .iter()
            .filter(|change| matches!(change.before, Content::File(_)));
        let changed: HashSet<&Path> = changed.map(|change| &*change.path).collect();
        let parts: Vec<_> = self.reads.chunks(MANY_FILES).collect();
        let stale_of = |part: usize| -> Vec<PathBuf> {
            let reads = parts[part].iter().filter(|(path, _)| !changed.contains(path));
            let stale = reads.filter(|(path, bytes)| is_stale(path, bytes));
            stale.map(|(path, _)| path.to_path_buf()).collect()
        };
        stale.extend(in_parallel(parts.len(), stale_of).into_iter().flatten());
        stale
    }

    fn manifest(&self, store: &Store, targets: &[Target], now: OffsetDateTime) -> Manifest {
        let state = |content: &Content, target: &Target, copy: Option<PathBuf>| match content {
            Content::Absent => State::Absent,
            Content::Link(target) => State::Link {
                target: Name::from(&**target),
            },
            Content::File(_) | Content::Tls(_) => State::File {
                sha256: checksum(content.bytes().unwrap_or_default()),
                attributes: target.over.map(|over| over.attributes).unwrap_or_default(),
                copy: copy.map(|copy| Name::from(&*copy)),
            },
        };
        let mut entries = Vec::new();
        let mut folders: Vec<PathBuf> = Vec::new();
        for (change, target) in self.changes.iter().zip(targets) {
            let copy = |below: &str| Some(place(Path::new(below), &store.root, &change.path));
            let written = copy(WRITTEN).filter(|_| !change.is_tls());
            entries.push(Entry {
                path: Name::from(&*change.path),
                real: Name::from(&*target.way.path()),
                before: state(&change.before, target, copy("").filter(|_| !change.renews())),
                after: state(&change.after, target, written),
                tls: change.is_tls(),
            });
            for folder in target.way.missing() {
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
        durable(disk, &folder.place(DIFF), self.record.diff.as_bytes())?;
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
            let fresh = store.disk.create(&waiting, id.as_bytes(), None)?;
            store.disk.sync(&fresh)?;
            store.disk.publish(&fresh, &mark.name)?;
            store.disk.sync_folder(&lock.folder)
        };
        write().map_err(|error| {
            let _ = store.disk.remove(&waiting);
            failed("write", &mark.path())(error)
        })
    }

    fn act(&self, disk: &dyn Disk, targets: &[Target], id: &str) -> Result<(), ApplyError> {
        let steps = self.steps(disk, targets, id)?;
        let mut waiting: Vec<Option<Fresh>> = Vec::new();
        for (change, step) in self.changes.iter().zip(&steps) {
            let fresh = step.prepare(disk);
            waiting.push(fresh.map_err(failed("write beside", &change.path))?);
        }
        self.keep_former(disk, &steps, id)?;
        for (change, (step, fresh)) in self.changes.iter().zip(steps.iter().zip(&waiting)) {
            step.finish(disk, fresh.as_ref())
                .map_err(failed(change.act(), &change.path))?;
        }
        Ok(())
    }

    /// The way back of certificates and keys: those that are there, once more beside themselves and closed.
    fn keep_former(&self, disk: &dyn Disk, steps: &[Step], id: &str) -> Result<(), ApplyError> {
        let mut folders: Vec<&Folder> = Vec::new();
        for (number, (change, step)) in self.changes.iter().zip(steps).enumerate() {
            let (true, Some(bytes)) = (change.renews(), change.before.bytes()) else {
                continue;
            };
            let folder = &step.place.folder;
            let write = || {
                let fresh = disk.create(&folder.place(former_name(id, number)), bytes, Some(&[]))?;
                disk.sync(&fresh)
            };
            write().map_err(failed("write beside", &change.path))?;
            if !folders.iter().any(|known| known.path() == folder.path()) {
                folders.push(folder);
            }
        }
        for folder in folders {
            disk.sync_folder(folder).map_err(failed("write", folder.path()))?;
        }
        Ok(())
    }

    /// What is to be done in which folder: in the very one that was looked at. Those that are missing are made.
    fn steps(&self, disk: &dyn Disk, targets: &[Target], id: &str) -> Result<Vec<Step<'_>>, ApplyError> {
        let mut folders = Folders::default();
        let mut swept = BTreeSet::new();
        let mut steps = Vec::new();
        for (number, (change, target)) in self.changes.iter().zip(targets).enumerate() {
            let place = folders.make(disk, &target.way, |place| {
                change.refuse_others(place.folder.others())
            })?;
            if swept.insert(place.folder.path().to_path_buf()) {
                sweep(disk, &place.folder);
            }
            steps.push(Step {
                place,
                temporary: temporary_name(id, number),
                after: &change.after,
                over: target.over,
                private: change.private.then_some(&*self.readers),
                attributes: change.attributes,
                noted_by_us: false,
                keeps_rights: change.renews(),
            });
        }
        Ok(steps)
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
        // From here on nothing leads back.
        self.store.tidy_newest(self.lock, |_| true);
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
        let fresh = disk.create(place, bytes, None)?;
        disk.sync(&fresh)
    };
    write().map_err(failed("write the backup", &place.path()))
}

#[cfg(test)]
mod tests;
