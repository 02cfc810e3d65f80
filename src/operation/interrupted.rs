//! A run that was interrupted and left its changes half done: told before anything else.

use std::path::Path;

use anyhow::Context as _;

use super::failure::Failure;
use super::progress::{Progress, Taken};
use crate::apply::{Backup, Disk, RealDisk, Store, backup_folders};
use crate::note_code::NoteCode;
use crate::quoted::quoted;
use crate::shown::printable;
use crate::trail;
use crate::wording::count;

/// The stores below a server root that may hold backups.
pub fn stores<'a>(root: &Path, disk: &'a dyn Disk) -> Vec<Store<'a>> {
    let folders = backup_folders(root).into_iter();
    folders
        .map(|folder| Store {
            disk,
            root: root.to_path_buf(),
            folder,
        })
        .collect()
}

/// Its backups, the oldest first.
///
/// # Errors
/// When they cannot be listed.
pub fn backups_of<'a>(store: &Store<'a>) -> Result<Vec<Backup>, Failure> {
    let cannot = || format!("cannot list {}", store.folder.display());
    let backups = store.backups().with_context(cannot)?;
    trail::decided(|| {
        let number = count(backups.len(), "backup");
        format!("{number} in {}", store.folder.display())
    });
    Ok(backups)
}

/// Its backups that can be undone: without that of a run that is not finished, which is undone first.
///
/// # Errors
/// When they cannot be listed.
pub fn finished_of(store: &Store<'_>) -> Result<Vec<Backup>, Failure> {
    let unfinished = store.unfinished();
    let mut backups = backups_of(store)?;
    backups.retain(|backup| Some(&backup.id) != unfinished.as_ref());
    Ok(backups)
}

/// Says that a run left its changes half done, or is at work right now; in the document as well.
pub fn tell(root: &Path, progress: &dyn Progress) {
    progress.server(&Taken::at(root));
    for store in stores(root, &RealDisk) {
        if let Some(run) = store.interrupted() {
            progress.interrupted(&run, &remedy(root));
        }
        if store.was_left_stopped() {
            let words = "warning: an earlier run stopped Apache for some seconds and was killed, so Apache may be stopped; run \
                         esync-ssl restart";
            progress.note(NoteCode::ServerMayDiffer, words);
        }
    }
}

/// What undoes it, typed as it is.
pub fn remedy(root: &Path) -> String {
    let root = printable(quoted(root).as_bytes());
    format!("esync-ssl restore --recover --root {root}")
}
