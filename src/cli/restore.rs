//! `esync-ssl restore`: bytes back, as a change with a backup of its own. Reads no configuration.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::arguments::{Global, Restore};
use super::commit::{ended, not_interrupted, say_shared};
use super::effect::{Before, Effect};
use super::interrupted::stores;
use super::known::KnownFiles;
use super::printer::Printer;
use super::settings::{Loaded, root};
use super::tell::Way;
use super::turn::{Settled, Turn, lock, recover};
use super::world::World;
use super::{Failure, diff, restart};
use crate::apply::{Backup, Record, Return, Since, Store, Transaction};
use crate::exit_status::ExitStatus;
use crate::shown::shown;

/// Runs the command.
pub fn run(
    arguments: Restore,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let root = root(global)?;
    if arguments.recover {
        return only_recover(&root, &arguments, global, world, printer);
    }
    let told = (arguments.yes, arguments.dry_run);
    let turn = Turn::new(global, told, &arguments.writing, world, printer);
    turn.attempt(|turn| attempt(&root, &arguments, global, world, printer, turn))
}

/// Looks at the backup, shows, and writes when it is time to.
fn attempt(
    root: &Path,
    arguments: &Restore,
    global: &Global,
    world: &World,
    printer: &Printer,
    turn: &mut Turn,
) -> Result<Option<ExitStatus>, Failure> {
    turn.begin(root)?;
    let stores = stores(root, world.disk);
    let (store, backup) = choose(&stores, arguments.id.as_deref())?;
    let known = KnownFiles::new(global);
    let returns = backup.returns(arguments.merge, root, &|path| known.has(path), &turn.undone);
    let returns = returns.map_err(|(path, error)| Failure {
        status: ExitStatus::NotRestored,
        ..Failure::error(anyhow::anyhow!(
            "{} cannot be restored: {error}; nothing was written. The copies are in {}",
            shown(&path),
            shown(&backup.folder)
        ))
    })?;
    let mut report = Report::new(&backup, &returns);
    if returns.is_empty() {
        report.result = "unchanged";
        printer.document(&report);
        printer.answer(&format!(
            "Nothing needs to change: everything is as it was before {}.\n",
            backup.id
        ));
        return Ok(Some(ExitStatus::Done));
    }
    printer.answer(&preview(&backup, &returns));
    for note in &report.notes {
        printer.talk(&format!("note: {note}"));
    }
    refuse_edited(arguments, &returns)?;
    say_shared(returns.iter().map(|back| &back.change), printer)?;
    if arguments.dry_run {
        report.result = "would-change";
        printer.document(&report);
        printer.talk("Nothing was written (--dry-run).");
        return Ok(Some(ExitStatus::Done));
    }
    if !turn.is_mine(store)? || !turn.is_agreed("Put this back?", store, &report)? {
        return Ok(None);
    }
    let transaction = Transaction {
        changes: returns.into_iter().map(|back| back.change).collect(),
        record: Record {
            command: world.command.clone(),
            reasons: vec![format!("restore what was there before {}", backup.id)],
            diff: report.diff.clone(),
        },
        ..Transaction::default()
    };
    // Only to restart it is the server's configuration looked at, and it may be what is broken.
    let loaded = arguments.writing.restarts().then(|| Loaded::find(global).ok());
    let loaded = loaded.flatten();
    let before = Before {
        old: loaded.as_ref(),
        global,
        writing: &arguments.writing,
        world,
        printer,
        server_told: turn.settled.server_told,
    };
    let restore = || {
        let before = before.look()?;
        not_interrupted()?;
        let pending = transaction.write(store, turn.lock(store)?, (world.now)())?;
        before.keep(pending, None, &[])
    };
    let (written, effect) = ended(restore())?;
    report.result = "restored";
    report.backup = Some(shown(&written.backup));
    printer.answer(&format!(
        "\nRestored; what was there is kept in {}.\n{}",
        shown(&written.backup),
        effect.farewell()
    ));
    report.server = Some(effect);
    printer.document(&report);
    Ok(Some(ExitStatus::Done))
}

/// Undoes what a killed run left; the server, if that run had told it, comes back as well where that is asked for.
fn only_recover(
    root: &Path,
    arguments: &Restore,
    global: &Global,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let mut found = Settled::default();
    for store in &stores(root, world.disk) {
        store.refuse_foreign()?;
        if store.unfinished().is_none() {
            // Whoever has the lock tidies up what a killed run left beside the backups.
            if store.folder.is_dir() {
                let _ = lock(store, Duration::ZERO, world);
            }
            continue;
        }
        let lock = lock(store, Duration::from_secs(arguments.writing.lock_timeout), world)?;
        found.and(recover(store, &lock, arguments.force, global, printer)?);
    }
    let mut server = None;
    if arguments.writing.start || found.server_told && arguments.writing.restart {
        server = Some(restart::now(
            &Loaded::find(global)?,
            Way::Graceful,
            world,
            printer,
        )?);
    }
    printer.document(&serde_json::json!({
        "result": if found.any { "recovered" } else { "unchanged" },
        "server_told": found.server_told,
        "server": server,
    }));
    printer.answer(if found.any {
        "Everything is as it was before the interrupted run.\n"
    } else {
        "No run was interrupted: there is nothing to do.\n"
    });
    match &server {
        Some(server) => printer.answer(&server.text()),
        None => found.warn(printer),
    }
    Ok(ExitStatus::Done)
}

/// The backup of that name, or the newest.
fn choose<'a, 'b>(stores: &'a [Store<'b>], id: Option<&str>) -> Result<(&'a Store<'b>, Backup), Failure> {
    let mut all = Vec::new();
    for store in stores {
        let found = store.backups().map_err(|error| {
            Failure::error(anyhow::anyhow!("cannot list {}: {error}", store.folder.display()))
        })?;
        // What is not finished is undone first, and then there is none of it.
        let unfinished = store.unfinished();
        let found = found
            .into_iter()
            .filter(|backup| Some(&backup.id) != unfinished.as_ref());
        all.extend(found.map(|backup| (store, backup)));
    }
    let found = match id {
        None => all.pop(),
        Some(id) => all.into_iter().find(|(_, backup)| backup.id == id),
    };
    found.ok_or_else(|| {
        let wanted = id.map_or("no backup".into(), |id| format!("no backup {id:?}"));
        Failure::refused(format!(
            "there is {wanted} here; esync-ssl backups lists them. If the server root is another, name it with --root"
        ))
    })
}

/// Later edits are not overwritten unless told.
fn refuse_edited(arguments: &Restore, returns: &[Return]) -> Result<(), Failure> {
    if arguments.force {
        return Ok(());
    }
    let list = |since: Since| {
        let these = returns.iter().filter(|back| back.since == since);
        these.map(|back| shown(&back.path)).collect::<Vec<_>>()
    };
    let (conflicts, merges) = (list(Since::Conflicts), list(Since::Merges));
    if !conflicts.is_empty() {
        return Err(Failure::refused(format!(
            "edited since, at the same places: {}; nothing was written. The lines above marked with - would be lost: \
             give --force if that is meant",
            conflicts.join(", ")
        )));
    }
    if !merges.is_empty() && !arguments.merge {
        return Err(Failure::refused(format!(
            "edited since: {}; nothing was written. --merge takes our changes out and keeps those edits, --force \
             overwrites them",
            merges.join(", ")
        )));
    }
    Ok(())
}

#[derive(Serialize)]
struct Report {
    result: &'static str,
    id: String,
    files: Vec<String>,
    edited_since: Vec<String>,
    notes: Vec<String>,
    diff: String,
    backup: Option<String>,
    server: Option<Effect>,
}

impl Report {
    fn new(backup: &Backup, returns: &[Return]) -> Report {
        let edited = returns.iter().filter(|back| back.since != Since::Untouched);
        let kept = backup.manifest.entries.iter().filter(|entry| entry.tls);
        let diffs = returns
            .iter()
            .map(|back| diff::unified(&shown(&back.path), &back.now, &back.then, false));
        Report {
            result: "",
            id: backup.id.clone(),
            files: returns.iter().map(|back| shown(&back.path)).collect(),
            edited_since: edited.map(|back| shown(&back.path)).collect(),
            notes: kept
                .map(|entry| {
                    format!(
                        "{} stays: certificates and keys are not removed",
                        shown(&entry.path.path())
                    )
                })
                .collect(),
            diff: diffs.collect(),
            backup: None,
            server: None,
        }
    }
}

fn preview(backup: &Backup, returns: &[Return]) -> String {
    let mut text = format!("Before {}:\n", backup.id);
    for back in returns {
        let word = match back.since {
            Since::Untouched => "",
            Since::Merges | Since::Conflicts => " (edited since)",
        };
        let _ = writeln!(text, "  {}{word}", shown(&back.path));
    }
    for back in returns {
        text += "\n";
        text += &diff::unified(&shown(&back.path), &back.now, &back.then, true);
    }
    text
}
