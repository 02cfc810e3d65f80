//! `esync-ssl backups`: what can be restored. Reads no configuration.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::arguments::Global;
use super::interrupted::stores;
use super::printer::Printer;
use super::settings::root;
use super::world::World;
use super::{Failure, interrupted};
use crate::apply::Backup;
use crate::exit_status::ExitStatus;
use crate::shown::{cell, printable, shown};

/// Runs the command.
pub fn run(global: &Global, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let root = root(global)?;
    interrupted::tell(&root, printer);
    let listed = list(&root, world)?;
    printer.document(&listed);
    printer.answer(&listed.text());
    Ok(ExitStatus::Done)
}

/// The backups of a server root, for people; or why they are not known.
pub(super) fn text(root: &Path, world: &World) -> String {
    match list(root, world) {
        Ok(listed) => listed.text(),
        Err(failure) => format!("{:#}\n", failure.error),
    }
}

fn list(root: &Path, world: &World) -> Result<Listed, Failure> {
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

#[derive(Serialize)]
struct Listed {
    root: String,
    backups: Vec<Line>,
    /// A run that was interrupted.
    unfinished: Option<String>,
}

#[derive(Serialize)]
struct Line {
    id: String,
    time: String,
    command: String,
    reasons: Vec<String>,
    files: Vec<String>,
    /// Those of the files that somebody changed since.
    changed_since: Vec<String>,
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

impl Listed {
    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(id) = &self.unfinished {
            let _ = writeln!(text, "{id}  (interrupted: esync-ssl restore --recover undoes it)");
        }
        if self.backups.is_empty() {
            let _ = writeln!(
                text,
                "There are no backups of {}; if the server root is another, name it with --root.",
                self.root
            );
            return text;
        }
        for line in &self.backups {
            let _ = writeln!(text, "{}  {}", line.id, cell(&line.command));
            for file in &line.files {
                let mark = if line.changed_since.contains(file) {
                    "  (edited since)"
                } else {
                    ""
                };
                let _ = writeln!(text, "    {file}{mark}");
            }
        }
        text + "Put one back with: esync-ssl restore ID\n"
    }
}
