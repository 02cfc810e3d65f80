//! What the disk will be when an interrupted run is undone, without undoing it: what previews are made against.

use std::path::{Path, PathBuf};

use super::backup::Store;
use super::content::Content;
use super::journal::{Known, State};
use super::lock::{Holder, is_held, read_holder};
use crate::wording::reason;

/// A run that was neither finished nor undone.
pub struct Unfinished {
    /// It, by its backup's name.
    pub id: String,
    /// Its command line, as far as it is known.
    pub command: Vec<String>,
    /// It is still at work, or another run is already undoing it.
    pub at_work: Option<Working>,
}

/// Who is at work, if it could be read.
pub struct Working(pub Option<Holder>);

/// The names that an undo changes, with what they will lead to.
#[derive(Default)]
pub struct Undone {
    /// The run, by its backup's name.
    pub id: String,
    /// The names, links followed that stay, and what will be there.
    pub names: Vec<(PathBuf, Content)>,
}

impl Store<'_> {
    /// The run that was not finished, and whether somebody is at it.
    pub fn interrupted(&self) -> Option<Unfinished> {
        let id = self.unfinished()?;
        let all = self.backups().unwrap_or_default();
        let of_it = all.into_iter().find(|backup| backup.id == id);
        let folder = self.open().ok().flatten();
        Some(Unfinished {
            command: of_it.map(|backup| backup.manifest.command).unwrap_or_default(),
            at_work: folder.and_then(|folder| is_held(&folder).then(|| Working(read_holder(&folder)))),
            id,
        })
    }

    /// What undoing that run will bring back, in files below the server root or `known` to the configuration.
    ///
    /// # Errors
    /// The names that cannot be put back, and why.
    pub fn undone(&self, id: &str, known: Known) -> Result<Undone, Vec<(PathBuf, String)>> {
        let mut undone = Undone {
            id: id.to_owned(),
            ..Undone::default()
        };
        let mut problems = Vec::new();
        let all = self.backups().unwrap_or_default();
        for backup in all.iter().filter(|backup| backup.id == id) {
            if let Err((path, error)) = backup.check(&self.root, known) {
                problems.push((path, reason(&error)));
                continue;
            }
            for (number, entry) in backup.manifest.entries.iter().enumerate() {
                let real = entry.real.path();
                let now = match State::of(&real) {
                    Ok(now) => now,
                    Err(error) => {
                        problems.push((real, reason(&error)));
                        continue;
                    }
                };
                let is_ours = now.is_same(&entry.after) || now == State::Absent;
                match entry.former(&backup.open, id, number).ok() {
                    _ if now.is_same(&entry.before) => {}
                    Some(content) if is_ours => undone.names.push((real, content)),
                    Some(_) => problems.push((real, "it was changed since".into())),
                    None => problems.push((real, "its copy is gone or damaged".into())),
                }
            }
        }
        if problems.is_empty() {
            Ok(undone)
        } else {
            Err(problems)
        }
    }
}

impl Undone {
    /// What will be at a name, where that is not what is there now.
    pub fn content(&self, real: &Path) -> Option<&Content> {
        let (_, content) = self.names.iter().find(|(name, _)| name == real)?;
        Some(content)
    }
}
