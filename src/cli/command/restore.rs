//! `esync-ssl restore`.

use crate::cli::arguments::Restore;
use crate::cli::printer::Printer;
use crate::cli::render::{plan, server};
use crate::document::{End, Ending, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::restart::Report as Started;
use crate::operation::restore::{self, Request, Told};
use crate::operation::{Effect, Failure, Progress, Where, World};

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
    if report.result == "would-change" {
        printer.note(NoteCode::NotTried, "Nothing was written (--dry-run).");
    }
    let end = End::of(Ending::of(report.result));
    let effect = report.server.as_ref();
    let end = End {
        restart_needed: effect.is_some_and(Effect::is_open),
        findings: effect.map(Effect::findings).unwrap_or_default(),
        ..end
    };
    printer.document(end, &Told::Restored(&report));
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
    let found = &recovered.found;
    if recovered.server.is_none() {
        found.warn(printer);
    }
    let result = match (found.any, &recovered.server) {
        (true, _) => Ending::Recovered,
        (false, Some(_)) => Ending::Started,
        (false, None) => Ending::Unchanged,
    };
    let end = End {
        restart_needed: found.server_told && recovered.server.is_none(),
        findings: recovered
            .server
            .as_ref()
            .map(Started::findings)
            .unwrap_or_default(),
        ..End::of(result)
    };
    printer.document(end, &Told::Recovered(&recovered));
    printer.answer(if found.any {
        "Everything is as it was before the interrupted run.\n"
    } else {
        "No run was interrupted: there is nothing to do.\n"
    });
    if let Some(server) = &recovered.server {
        printer.answer(&server::restarted(server));
    }
    Ok(ExitStatus::Done)
}
