//! One writing run per server root. Who holds the lock is written beside it, for the one who waits.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::interrupt::{self, Hold};

/// Held until it is dropped, or the process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    // The system releases the lock when this is closed.
    file: File,
    folder: PathBuf,
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
                "another run of esync-ssl is at work here; nothing was written. Run again when it is done, or wait for \
                 it with --lock-timeout SECONDS",
            ),
            LockError::Failed(path, error) => write!(
                f,
                "cannot lock {}: {error}; nothing was written. Check who may write there (run as administrator or root), \
                 then run again",
                path.display()
            ),
        }
    }
}

impl std::error::Error for LockError {}

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
    /// Takes the lock of a folder that exists, waiting for it as long as `patience`.
    ///
    /// # Errors
    /// When it stays held, or the lock file cannot be made.
    pub fn acquire(folder: &Path, patience: Duration, me: &Holder) -> Result<Lock, LockError> {
        let path = folder.join("lock");
        let failed = |error| LockError::Failed(path.clone(), error);
        let open = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        };
        let mut file = open().map_err(failed)?;
        let holder = folder.join(HOLDER);
        let start = Instant::now();
        let hold = Hold::new();
        loop {
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => break,
                // Who held it took it away with the folder.
                Ok(()) => file = open().map_err(failed)?,
                Err(TryLockError::WouldBlock) if start.elapsed() < patience && !interrupt::came() => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => return Err(LockError::Held(read(&holder))),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        // Only told to others; not being able to tell harms nobody.
        if let Ok(text) = serde_json::to_vec(me) {
            let _ = fs::write(&holder, text);
        }
        Ok(Lock {
            file,
            folder: folder.to_path_buf(),
            _hold: hold,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.folder.join(HOLDER));
        let path = self.folder.join("lock");
        // A run that wrote nothing leaves nothing. Where it cannot be told whether a name still means the same file,
        // the lock file must stay: two runs could hold two locks of one name.
        let alone = || fs::read_dir(&self.folder).is_ok_and(|entries| entries.count() == 1);
        if cfg!(unix) && is_at(&self.file, &path) && alone() {
            let _ = fs::remove_file(path);
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Tells who holds the lock.
const HOLDER: &str = "lock-holder.json";

/// Whether the name still means this file.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let identity = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if identity(&a) == identity(&b))
}

#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// The holder writes this just after it has the lock.
fn read(path: &Path) -> Option<Holder> {
    for _ in 0..10 {
        let holder = fs::read(path)
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
        let first = Lock::acquire(folder.path(), Duration::ZERO, &me).unwrap();
        match Lock::acquire(folder.path(), Duration::from_millis(50), &me) {
            Err(LockError::Held(Some(holder))) => assert_eq!(holder, me),
            other => panic!("{other:?}"),
        }
        drop(first);
        // It took its folder away, as there was nothing else in it.
        fs::create_dir_all(folder.path()).unwrap();
        Lock::acquire(folder.path(), Duration::ZERO, &me).unwrap();
    }
}
