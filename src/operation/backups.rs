//! What can be restored. Reads no configuration.

use std::path::Path;

use serde::Serialize;

use super::environment::Where;
use super::environment::World;
use super::find::root;
use super::interrupted::stores;
use super::progress::Progress;
use super::{Failure, interrupted};
use crate::apply::Backup;
use crate::shown::{printable, shown};
use crate::wording::reason;

/// What can be restored.
///
/// # Errors
/// When there is no server, or it cannot be listed.
pub fn run(place: &Where, world: &World, progress: &dyn Progress) -> Result<Listed, Failure> {
    let root = root(place)?;
    interrupted::tell(&root, progress);
    list(&root, world)
}

/// The backups of a server root.
///
/// # Errors
/// When they cannot be listed.
pub fn list(root: &Path, world: &World) -> Result<Listed, Failure> {
    let mut listed = Listed {
        root: shown(root),
        backups: Vec::new(),
        unfinished: None,
    };
    for store in stores(root, world.disk) {
        let found = store.backups().map_err(|error| {
            Failure::error(anyhow::anyhow!(
                "cannot list {}: {}",
                store.folder.display(),
                reason(&error)
            ))
        })?;
        listed.unfinished = listed.unfinished.or(store.unfinished());
        let done = found
            .iter()
            .filter(|backup| listed.unfinished.as_ref() != Some(&backup.id));
        listed.backups.extend(done.map(Line::of));
    }
    Ok(listed)
}

#[derive(Serialize)]
/// The backups of a server root.
pub struct Listed {
    pub(crate) root: String,
    pub(crate) backups: Vec<Line>,
    /// A run that was interrupted.
    pub(crate) unfinished: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) time: String,
    pub(crate) command: String,
    pub(crate) reasons: Vec<String>,
    pub(crate) files: Vec<String>,
    /// Those of the files that somebody changed since.
    pub(crate) changed_since: Vec<String>,
}

impl Line {
    fn of(backup: &Backup) -> Line {
        let manifest = &backup.manifest;
        Line {
            id: backup.id.clone(),
            time: manifest.time.clone(),
            command: printable(manifest.command.get(1..).unwrap_or_default().join(" ").as_bytes()),
            reasons: manifest
                .reasons
                .iter()
                .map(|reason| printable(reason.as_bytes()))
                .collect(),
            files: manifest
                .entries
                .iter()
                .map(|entry| shown(&entry.path.path()))
                .collect(),
            changed_since: backup.changed_since().iter().map(|path| shown(path)).collect(),
        }
    }
}
