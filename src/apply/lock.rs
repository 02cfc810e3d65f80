//! One writing run per server root. Who holds the lock is written beside it, for the one who waits.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::folder::{Folder, Last, Place};
use crate::foreign;
use crate::interrupt::{self, Hold};
use crate::refusal::{self, Refusal, RefusalCode, say};
use crate::wording::reason;

/// Held until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    // The system releases the lock when this is closed.
    file: File,
    /// The folder with the backups, held open: everything that is done there is done in this very folder.
    pub(super) folder: Folder,
    // Last: before the program may end, the lock has gone with all that tells of it.
    _hold: Hold,
}

/// Who holds a lock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its user.
    pub user: String,
    /// When it began, as text.
    pub since: String,
    /// Its command line.
    pub command: String,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another run holds it; who that is, if it could be read.
    Held(Option<Holder>),
    /// The lock file cannot be used.
    Failed(PathBuf, io::Error),
    /// What is in the place of the folder for backups, or in it, is none of ours.
    NotOurs(Box<Refusal>),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockError::Held(Some(holder)) => write!(
                f,
                "another run of esync-ssl is at work here: process {} of {}, since {}: {}; nothing was written. Run \
                 again when it is done, or wait for it with --lock-timeout SECONDS",
                holder.pid, holder.user, holder.since, holder.command
            ),
            LockError::Held(None) => f.write_str(
                "another run of esync-ssl is at work here; nothing was written. Run again when it is done, or wait \
                 for it with --lock-timeout SECONDS",
            ),
            LockError::Failed(path, error) => write!(
                f,
                "cannot lock {}: {}; nothing was written. Check who may write there (run as administrator or root), then run \
                 again",
                path.display(),
                reason(error)
            ),
            LockError::NotOurs(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for LockError {}

impl LockError {
    /// `fix` is what helps besides what the error says.
    pub(super) fn not_ours(path: &Path, error: &io::Error, fix: Option<&str>) -> LockError {
        let cause = say![
            refusal::Place::path(path),
            format!(" cannot be used for backups: {}", reason(error))
        ];
        let left = ". Nothing was written";
        let code = RefusalCode::BackupsNotOurs;
        LockError::NotOurs(Box::new(match fix {
            Some(fix) => Refusal::new(code, cause, "; ", say![fix, left]),
            None => Refusal::new(code, say![cause, left], "", ""),
        }))
    }
}

impl Holder {
    /// This process.
    pub fn this(since: String, command: String) -> Self {
        Holder {
            pid: std::process::id(),
            user: user(),
            since,
            command,
        }
    }
}

fn user() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .filter(|name| !name.is_empty());
    #[cfg(unix)]
    {
        let id = rustix::process::geteuid().as_raw();
        name.map_or_else(|| format!("user {id}"), |name| format!("{name} (user {id})"))
    }
    #[cfg(not(unix))]
    name.unwrap_or_else(|| "an unknown user".into())
}

impl Lock {
    /// Takes the lock of an open folder, waiting for it as long as `patience`.
    ///
    /// # Errors
    /// When it stays held, or the lock file cannot be made.
    pub fn acquire(folder: &Folder, patience: Duration, me: &Holder) -> Result<Lock, LockError> {
        // Before anything is made that would have to go again.
        let hold = Hold::new();
        let place = folder.place(LOCK);
        let failed = |error: io::Error| refused(&place, error);
        let open = || folder.open_lock(&place.name);
        let mut file = open().map_err(failed)?;
        let start = Instant::now();
        let file = loop {
            let locked = match file.try_lock() {
                Ok(()) => Some(file),
                Err(TryLockError::WouldBlock) => {
                    let left = patience.saturating_sub(start.elapsed());
                    queue(file, left.max(GLANCE)).map_err(failed)?
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            };
            match locked {
                Some(file) if is_at(&file, &place) => break file,
                // Who held it took it away with the folder.
                Some(_) => file = open().map_err(failed)?,
                None => return Err(LockError::Held(read_holder(folder))),
            }
        };
        tell(folder, me);
        Ok(Lock {
            file,
            folder: folder.clone(),
            _hold: hold,
        })
    }

    /// Whether the lock of an open folder could be had within `patience`. Nothing is made there.
    ///
    /// # Errors
    /// As [`Lock::acquire`].
    pub(super) fn may_be_had(folder: &Folder, patience: Duration) -> Result<(), LockError> {
        let place = folder.place(LOCK);
        folder
            .may_lock(&place.name)
            .map_err(|error| refused(&place, error))?;
        let start = Instant::now();
        while is_held(folder) {
            // Who looks takes it for an instant as well.
            if start.elapsed() > patience.max(GLANCE) || interrupt::came() {
                return Err(LockError::Held(read_holder(folder)));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// A name in the folder with the backups.
    pub fn place(&self, name: &str) -> Place {
        self.folder.place(name)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.folder.remove_file(HOLDER.as_ref());
        // A run that wrote nothing leaves nothing. Where it cannot be told whether a name still means the same file,
        // the lock file must stay: two runs could hold two locks of one name.
        let alone = || self.folder.names().is_ok_and(|names| names.len() == 1);
        if cfg!(unix) && is_at(&self.file, &self.folder.place(LOCK)) && alone() {
            let _ = self.folder.remove_file(LOCK.as_ref());
            if let Ok(place) = Place::of(self.folder.path(), Last::Keep)
                && place
                    .folder
                    .enter(&place.name)
                    .is_ok_and(|there| there.is_same(&self.folder))
            {
                let _ = place.folder.remove_folder(&place.name);
            }
        }
    }
}

/// Is locked.
const LOCK: &str = "lock";
/// So long somebody may look whether it is held; see [`is_held`].
const GLANCE: Duration = Duration::from_millis(100);

/// Whether another run holds the lock of a folder. Nothing is made there.
pub(super) fn is_held(folder: &Folder) -> bool {
    let shared = folder.place(LOCK).open().map(|file| file.try_lock_shared());
    matches!(shared, Ok(Err(TryLockError::WouldBlock)))
}

/// Why a lock file is not opened.
fn refused(place: &Place, error: io::Error) -> LockError {
    match error.kind() {
        io::ErrorKind::InvalidInput => LockError::not_ours(&place.path(), &error, Some("remove it")),
        _ => LockError::Failed(place.path(), error),
    }
}

/// Waits for the lock in the system's own queue: who comes later is served later, and waiting takes no time of a
/// processor. Nothing when it stays held.
fn queue(file: File, patience: Duration) -> io::Result<Option<File>> {
    let start = Instant::now();
    let (sender, locked) = mpsc::channel();
    // Left behind when it takes too long: then nobody takes the file, and closing it gives the lock back.
    std::thread::Builder::new().spawn(move || {
        let result = file.lock().map(|()| file);
        let _ = sender.send(result);
    })?;
    loop {
        let left = patience.saturating_sub(start.elapsed());
        match locked.recv_timeout(left.min(Duration::from_millis(100))) {
            Ok(result) => return result.map(Some),
            Err(RecvTimeoutError::Timeout) if !left.is_zero() && !interrupt::came() => {}
            Err(_) => return Ok(None),
        }
    }
}

/// Tells who holds the lock.
const HOLDER: &str = "lock-holder.json";

/// Whether the name still means this file.
fn is_at(file: &File, place: &Place) -> bool {
    cfg!(not(unix))
        || matches!((Place::found(file), place.look()), (Ok(a), Ok(Some(b))) if a.identity == b.identity)
}

/// Only told to others; not being able to tell harms nobody.
fn tell(folder: &Folder, me: &Holder) {
    // What a killed run left, or somebody put there.
    let _ = folder.remove_file(HOLDER.as_ref());
    if let (Ok(text), Ok(mut file)) = (serde_json::to_vec(me), folder.make_file(HOLDER.as_ref())) {
        let _ = file.write_all(&text);
    }
}

/// The holder writes this just after it has the lock.
pub(super) fn read_holder(folder: &Folder) -> Option<Holder> {
    for _ in 0..10 {
        let holder = folder
            .place(HOLDER)
            .read_ours(foreign::NOTE)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        if holder.is_some() {
            return holder;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_learns_who_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let me = Holder::this("now".into(), "enable".into());
        let open = || Folder::open(folder.path()).unwrap();
        let first = Lock::acquire(&open(), Duration::ZERO, &me).unwrap();
        match Lock::acquire(&open(), Duration::from_millis(50), &me) {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder, me),
            other => panic!("{other:?}"),
        }
        drop(first);
        // It took its folder away, as there was nothing else in it.
        std::fs::create_dir_all(folder.path()).unwrap();
        Lock::acquire(&open(), Duration::ZERO, &me).unwrap();
    }

    #[test]
    fn who_looks_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let me = Holder::this("now".into(), "enable".into());
        let open = || Folder::open(folder.path()).unwrap();
        assert!(!is_held(&open()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(folder.path().join("kept"), "").unwrap();
        let held = Lock::acquire(&open(), Duration::ZERO, &me).unwrap();
        assert!(is_held(&open()) && is_held(&open()));
        drop(held);
        assert!(!is_held(&open()));
        std::thread::scope(|scope| {
            scope.spawn(|| (0..2000).for_each(|_| _ = is_held(&open())));
            for _ in 0..200 {
                Lock::acquire(&open(), Duration::ZERO, &me).unwrap();
            }
        });
    }

    #[test]
    fn everybody_who_waits_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let me = Holder::this("now".into(), "enable".into());
        let open = || Folder::open(folder.path()).unwrap();
        std::fs::write(folder.path().join("kept"), "").unwrap();
        let first = Lock::acquire(&open(), Duration::ZERO, &me).unwrap();
        let results: Vec<_> = std::thread::scope(|scope| {
            let wait = || Lock::acquire(&open(), Duration::from_secs(60), &me).map(drop);
            let runs: Vec<_> = (0..8).map(|_| scope.spawn(wait)).collect();
            std::thread::sleep(Duration::from_millis(50));
            drop(first);
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "{results:?}");
    }
}
