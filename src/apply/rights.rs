//! What the system would refuse, asked without writing anything: for previews. What it answers only to who writes (no space,
//! a limit on what an account may store), nobody can ask.

use std::time::Duration;

use super::backup::Store;
use super::change::{NameChange, NewFile, Target};
use super::content::Content;
use super::create::{Shared, is_fit};
use super::error::{ApplyError, failed};
use super::folder::{Last, Way};
use super::lock::{Lock, LockError};
use super::transaction::Transaction;

impl Transaction<'_> {
    /// Whether it could be written: refused in the order, and with the words, of [`Transaction::write`]. Files that it only
    /// read are not compared with the disk: they are when it is written, and may change until then.
    ///
    /// # Errors
    /// Those of [`Transaction::write`], as far as they are known before.
    pub fn may_be_written(&self, store: &Store) -> Result<(), ApplyError> {
        let targets = self.targets(Vec::new())?;
        if let Ok(Some(backups)) = store.open() {
            let may_change = backups.may_change();
            may_change.map_err(failed("create the backup folder", &store.folder))?;
        }
        let all = || self.changes.iter().zip(&targets);
        for (_, Target { way, .. }) in all().filter(|(_, target)| !target.way.below.is_empty()) {
            let may_change = way.place.folder.may_change();
            may_change.map_err(failed("create the folder", &way.place.path()))?;
        }
        for (change, target) in all().filter(|(change, _)| change.after.bytes().is_some()) {
            target
                .may_be_prepared()
                .map_err(failed("write beside", &change.path))?;
        }
        for (change, target) in all() {
            target
                .may_be_finished()
                .map_err(failed(change.act(), &change.path))?;
        }
        Ok(())
    }
}

impl NameChange {
    /// What is done to the name, in a word.
    pub(super) fn act(&self) -> &'static str {
        match (&self.before, &self.after) {
            (Content::Absent, _) => "create",
            (_, Content::Absent) => "remove",
            _ => "replace",
        }
    }
}

impl Target {
    /// Whether its new bytes may wait beside it, with the owner that it has now.
    fn may_be_prepared(&self) -> std::io::Result<()> {
        if !self.way.below.is_empty() {
            return Ok(());
        }
        let folder = &self.way.place.folder;
        folder.may_change()?;
        self.over.map_or(Ok(()), |over| folder.may_give(&over))
    }

    /// Whether the name may then be given to them.
    fn may_be_finished(&self) -> std::io::Result<()> {
        if !self.way.below.is_empty() {
            return Ok(());
        }
        let place = &self.way.place;
        place.folder.may_change()?;
        place.folder.may_take_away(&place.name, self.over.as_ref())
    }
}

impl Store<'_> {
    /// Whether its lock could be had; whoever holds it is waited for.
    ///
    /// # Errors
    /// Those of [`Store::lock`].
    pub fn may_be_locked(&self, patience: Duration) -> Result<(), LockError> {
        self.refuse_foreign()?;
        let failed = |error| LockError::Failed(self.folder.clone(), error);
        let may_be_made = || {
            let above = self.place().map_err(failed)?;
            above.folder.may_change().map_err(failed)
        };
        match self.open().map_err(failed)? {
            Some(folder) => match Lock::may_be_had(&folder, patience) {
                // An empty one that does not let us is taken away and made anew.
                Err(LockError::Failed(..)) if folder.names().is_ok_and(|names| names.is_empty()) => {
                    may_be_made()
                }
                answer => answer,
            },
            None => may_be_made(),
        }
    }
}

/// Whether [`create_all`](super::create_all) could make these files.
///
/// # Errors
/// Those of it, as far as they are known before.
pub fn may_be_created(files: &[NewFile], shared: Shared) -> Result<(), ApplyError> {
    for file in files {
        let way = Way::to(&file.path, Last::Keep).map_err(failed("create", &file.path))?;
        way.place.refuse_led().map_err(failed("create", &file.path))?;
        is_fit(&way.place, &file.path, shared)?;
        let (act, path) = match way.below.is_empty() {
            true => ("create", file.path.clone()),
            false => ("create the folder", way.place.path()),
        };
        let folder = &way.place.folder;
        let may = folder
            .may_change()
            .and_then(|()| folder.may_take_away(&way.place.name, None));
        may.map_err(failed(act, &path))?;
    }
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt;

    use super::super::folder::Folder;

    /// Root may write everywhere: then there is nothing to see.
    #[test]
    fn a_closed_folder_is_seen_without_a_trace() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Folder::open(folder.path()).unwrap();
        open().may_change().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
        let answer = open().may_change();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        if !rustix::process::geteuid().is_root() {
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::PermissionDenied);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
