//! `esync-ssl restore`.

use crate::cli::arguments::Restore;
use crate::cli::printer::Printer;
use crate::cli::render::{plan, server};
use crate::exit_status::ExitStatus;
use crate::operation::restore::{self, Request};
use crate::operation::{Failure, Progress, Where, World};

/// Runs the command.
pub fn run(
    arguments: &Restore,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    if arguments.recover {
        return recover(arguments, place, world, printer);
    }
    let request = Request {
        id: arguments.id.clone(),
        forced: arguments.force.clone(),
        merge: arguments.merge,
    };
    let writing = arguments.writing.with(arguments.yes, arguments.dry_run);
    let report = restore::run(&request, &writing, place, world, printer)?;
    printer.document(&report);
    if report.result == "would-change" {
        printer.talk("Nothing was written (--dry-run).");
    }
    if let Some(backup) = &report.backup {
        let server = report.server.as_ref().map(server::farewell).unwrap_or_default();
        printer.answer(&format!(
            "\nRestored; what was there before is kept in {backup}.\n{server}{}",
            plan::after(&report.undo, &report.next)
        ));
    }
    Ok(ExitStatus::Done)
}

/// Undoes what a killed run left, and nothing else.
fn recover(
    arguments: &Restore,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let writing = arguments.writing.with(arguments.yes, false);
    let recovered = restore::recover(&arguments.force, &writing, place, world, printer)?;
    let found = recovered.found;
    printer.document(&serde_json::json!({
        "result": if found.any { "recovered" } else { "unchanged" },
        "server_told": found.server_told,
        "server": recovered.server,
    }));
    printer.answer(if found.any {
        "Everything is as it was before the interrupted run.\n"
    } else {
        "No run was interrupted: there is nothing to do.\n"
    });
    match &recovered.server {
        Some(server) => printer.answer(&server::restarted(server)),
        None => found.warn(printer),
    }
    Ok(ExitStatus::Done)
}
