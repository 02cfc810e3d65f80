//! A run that was interrupted and left its changes half done: told before anything else.

use std::path::Path;

use serde_json::json;

use super::printer::Printer;
use crate::apply::{Disk, Holder, RealDisk, Store, Unfinished, Working, backup_folders};
use crate::shown::printable;

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

/// What undoes it, typed as it is.
pub fn remedy(root: &Path) -> String {
    let root = printable(root.display().to_string().as_bytes());
    let quote = if root.contains(' ') { "\"" } else { "" };
    format!("esync-ssl restore --recover --root {quote}{root}{quote}")
}

/// Says it of one run.
pub fn say(root: &Path, run: &Unfinished, printer: &Printer) {
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
