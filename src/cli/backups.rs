//! `esync-ssl backups`: what can be restored. Reads no configuration.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::Failure;
use super::arguments::Global;
use super::commit::stores;
use super::printer::{Printer, printable};
use super::world::World;
use crate::apply::Backup;
use crate::exit_status::ExitStatus;
use crate::server::installation::Installation;

/// Runs the command.
pub fn run(global: &Global, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let root = root(global)?;
    let listed = list(&root, world)?;
    printer.document(&listed);
    printer.answer(&listed.text());
    if listed.unfinished.is_some() {
        super::commit::mention_unfinished(&root, world, printer);
    }
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

/// The server root, found without reading any configuration.
pub fn root(global: &Global) -> Result<PathBuf, Failure> {
    if let Some(root) = global.root.as_ref().filter(|root| root.is_dir()) {
        return std::path::absolute(root).map_err(|error| Failure::error(anyhow::Error::from(error)));
    }
    let variable = std::env::var_os("ESYNC_SSL_ROOT").filter(|value| !value.is_empty());
    let main = global.config.as_ref().map(|path| path.as_std_path());
    let found = Installation::find(
        global.root.as_ref().map(|path| path.as_std_path()),
        main,
        variable.map(PathBuf::from).as_deref(),
        global.httpd.as_ref().map(|path| path.as_std_path()),
    );
    Ok(found.map_err(Failure::error)?.root)
}

/// A path for people.
pub fn shown(path: &Path) -> String {
    printable(path.display().to_string().as_bytes())
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
        if self.backups.is_empty() {
            return format!(
                "There are no backups of {}; if the server root is another, name it with --root.\n",
                self.root
            );
        }
        let mut text = String::new();
        for line in &self.backups {
            let _ = writeln!(text, "{}  {}", line.id, line.command);
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
