//! What can be restored. Reads no configuration.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::environment::Where;
use super::environment::World;
use super::find::root;
use super::interrupted::stores;
use super::progress::Progress;
use super::{Failure, interrupted};
use crate::apply::Backup;
use crate::place::{Moment, ShownPath};
use crate::shown::{printable, shown};

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
            Failure::error(anyhow::anyhow!("cannot list {}: {error}", store.folder.display()))
        })?;
        listed.unfinished = listed.unfinished.or(store.unfinished());
        let done = found
            .iter()
            .filter(|backup| listed.unfinished.as_ref() != Some(&backup.id));
        listed.backups.extend(done.map(Line::of));
    }
    Ok(listed)
}

/// The backups of a server root.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BackupsReport")]
pub struct Listed {
    /// The server root.
    #[serde(skip)]
    pub(crate) root: String,
    /// The backups, in the order of their time.
    pub(crate) backups: Vec<Line>,
    /// The id of a run that was interrupted; null where none is to be undone.
    pub(crate) unfinished: Option<String>,
}

/// What a run of a writing command changed, and can be put back.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Backup")]
pub(crate) struct Line {
    /// What `restore` calls it.
    pub(crate) id: String,
    /// When it was made; null where its record does not tell.
    pub(crate) time: Option<Moment>,
    /// The command line that changed something.
    pub(crate) command: String,
    /// Why, change by change.
    pub(crate) reasons: Vec<String>,
    /// The files that were changed.
    pub(crate) files: Vec<ShownPath>,
    /// Those of the files that somebody changed since.
    pub(crate) changed_since: Vec<ShownPath>,
}

impl Line {
    fn of(backup: &Backup) -> Line {
        let manifest = &backup.manifest;
        Line {
            id: backup.id.clone(),
            time: Moment::parse(&manifest.time),
            command: printable(manifest.command.get(1..).unwrap_or_default().join(" ").as_bytes()),
            reasons: manifest
                .reasons
                .iter()
                .map(|reason| printable(reason.as_bytes()))
                .collect(),
            files: manifest
                .entries
                .iter()
                .map(|entry| shown(&entry.path.path()).into())
                .collect(),
            changed_since: backup
                .changed_since()
                .iter()
                .map(|path| shown(path).into())
                .collect(),
        }
    }
}
