//! A run that was interrupted and left its changes half done: told before anything else, and undone in previews.

use std::path::Path;

use serde_json::json;

use super::Failure;
use super::arguments::Global;
use super::known::KnownFiles;
use super::printer::{Printer, printable};
use crate::apply::{Disk, Holder, RealDisk, Store, Undone, Unfinished, Working, backup_folders};

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

/// Says that a run left its changes half done, or is at work right now; in the document as well.
pub fn tell(root: &Path, printer: &Printer) {
    for store in stores(root, &RealDisk) {
        if let Some(run) = store.interrupted() {
            say(root, &run, printer);
        }
    }
}

/// What will be undone before anything is written, for a preview; says so first.
///
/// # Errors
/// Refused when it cannot be undone as it is.
pub fn undone(root: &Path, global: &Global, printer: &Printer) -> Result<Undone, Failure> {
    let mut all = Undone::default();
    let known = KnownFiles::new(global);
    for store in stores(root, &RealDisk) {
        let Some(run) = store.interrupted() else {
            continue;
        };
        say(root, &run, printer);
        if run.at_work.is_some() {
            continue;
        }
        let undone = store.undone(&run.id, &|path| known.has(path)).map_err(|problems| {
            let told = problems.iter().map(|(path, why)| format!("{}: {why}", path.display()));
            Failure::refused(format!(
                "what an interrupted run left cannot be undone as it is, so there is nothing to preview ({}). Look at \
                 these files, then: {} --force",
                told.collect::<Vec<_>>().join("; "),
                remedy(root)
            ))
        })?;
        printer.talk("note: what follows is as it will be once that is undone");
        all.id = undone.id;
        all.names.extend(undone.names);
    }
    Ok(all)
}

fn remedy(root: &Path) -> String {
    let root = printable(root.display().to_string().as_bytes());
    let quote = if root.contains(' ') { "\"" } else { "" };
    format!("esync-ssl restore --recover --root {quote}{root}{quote}")
}

fn say(root: &Path, run: &Unfinished, printer: &Printer) {
    let command = printable(run.command.get(1..).unwrap_or_default().join(" ").as_bytes());
    let id = printable(run.id.as_bytes());
    let remedy = remedy(root);
    let is_new = printer.add(
        "interrupted",
        json!({
            "run": id,
            "command": command,
            "at_work": run.at_work.is_some(),
            "fix": run.at_work.is_none().then_some(&remedy),
        }),
    );
    if !is_new {
        return;
    }
    match &run.at_work {
        Some(Working(holder)) => {
            let who = holder.as_ref().map(|Holder { pid, user, since, command }| {
                format!(": process {pid} of {user}, since {since}: {command}")
            });
            let who = printable(who.unwrap_or_default().as_bytes());
            printer.talk(&format!(
                "note: another run of esync-ssl is at work here{who}; what follows may show its changes half done. Look \
                 again when it is done"
            ));
        }
        None => printer.talk(&format!(
            "warning: an earlier run was interrupted and left its changes half done ({id}: {command}); {remedy} undoes \
             them, as does the next run that writes"
        )),
    }
}
