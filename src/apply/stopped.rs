//! That a run stopped the server for a while: noted before it does, for the next run, should it be killed meanwhile.

use std::io;
use std::path::PathBuf;

use super::backup::Store;
use super::error::ApplyError;
use super::lock::is_held;
use super::put::{Readable, put, remove};
use crate::foreign;

/// The file beside the backups that says so.
const STOPPED: &str = "server-stopped";

impl Store<'_> {
    /// Notes it, with what is stopped and why, for people.
    ///
    /// # Errors
    /// That it cannot be noted.
    pub fn note_stopped(&self, why: &str) -> Result<(), ApplyError> {
        let file = self.stopped_note();
        put(self.disk, &file, format!("{why}\n").as_bytes(), Readable::ByOwner)
    }

    /// The file that notes it.
    pub fn stopped_note(&self) -> PathBuf {
        self.folder.join(STOPPED)
    }

    /// The server runs again.
    ///
    /// # Errors
    /// That the note cannot be removed.
    pub fn forget_stopped(&self) -> Result<(), ApplyError> {
        remove(self.disk, &self.stopped_note())
    }

    /// Whether a run has stopped the server, and has not started it again.
    pub fn has_stopped(&self) -> bool {
        let folder = self.open().ok().flatten();
        let read = folder.map(|folder| folder.place(STOPPED).read_ours(foreign::NOTE));
        read.is_some_and(|read| !matches!(read, Err(error) if error.kind() == io::ErrorKind::NotFound))
    }

    /// The same of a run that is gone.
    pub fn was_left_stopped(&self) -> bool {
        self.has_stopped() && self.open().ok().flatten().is_some_and(|folder| !is_held(&folder))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::apply::{Holder, RealDisk};

    #[test]
    fn it_is_known_until_it_runs_again() {
        let root = tempfile::tempdir().unwrap();
        let store = Store {
            disk: &RealDisk,
            root: root.path().to_path_buf(),
            folder: root.path().join("esync-ssl-backup"),
        };
        assert!(!store.has_stopped());
        let me = Holder::this("now".into(), "renew".into());
        let lock = store.lock(Duration::ZERO, &me).unwrap();
        store.note_stopped("httpd").unwrap();
        assert!(store.has_stopped() && !store.was_left_stopped());
        drop(lock);
        assert!(store.was_left_stopped());
        let lock = store.lock(Duration::ZERO, &me).unwrap();
        assert!(store.has_stopped());
        store.forget_stopped().unwrap();
        assert!(!store.has_stopped());
        drop(lock);
        // On Windows the file of the lock stays.
        assert!(cfg!(windows) || !store.folder.exists());
    }
}
