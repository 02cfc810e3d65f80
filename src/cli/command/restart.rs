//! `esync-ssl restart`.

use crate::cli::arguments::Restart;
use crate::cli::printer::Printer;
use crate::cli::render::server;
use crate::document::{End, Ending};
use crate::exit_status::ExitStatus;
use crate::operation::restart::{self, Request};
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    arguments: &Restart,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let request = Request {
        graceful: arguments.graceful,
        force: arguments.force.clone(),
        no_rehearsal: arguments.no_rehearsal,
        lock_timeout: arguments.lock_timeout,
    };
    let report = restart::run(&request, place, world, printer)?;
    let result = match report.was_running {
        true => Ending::Restarted,
        false => Ending::Started,
    };
    let end = End {
        findings: report.findings(),
        ..End::of(result)
    };
    printer.document(end, &report);
    printer.prose(&server::restarted(&report));
    Ok(ExitStatus::Done)
}
