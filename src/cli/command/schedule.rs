//! `esync-ssl schedule`.

use crate::cli::arguments::ScheduleCommand;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::schedule::{self, IsOn};
use crate::operation::{Failure, Progress, Where, World};

/// Runs the command.
pub fn run(
    command: &ScheduleCommand,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let report = match command {
        ScheduleCommand::On(arguments) => schedule::on(arguments.request(), place, world, printer)?,
        ScheduleCommand::Off(arguments) => schedule::off(arguments.writing.request(), place, world, printer)?,
        ScheduleCommand::Show(_) => {
            let report = schedule::show(place, world, printer)?;
            let status = match report.state {
                IsOn::Broken => ExitStatus::ErrorsFound,
                IsOn::On | IsOn::Off => ExitStatus::Done,
            };
            printer.document(End::looked(status, Vec::new()), &report);
            printer.prose(&render::schedule::text(&report));
            return Ok(status);
        }
    };
    if report.result == "would-change" {
        printer.note(NoteCode::NotTried, "Nothing was written (--dry-run).");
    }
    let status = match (report.result, report.state) {
        ("written", IsOn::Broken) => ExitStatus::ErrorsFound,
        _ => ExitStatus::Done,
    };
    let end = End {
        status,
        ..End::of(Ending::of(report.result))
    };
    printer.document(end, &report);
    if report.result == "written" {
        printer.answer(&render::schedule::text(&report));
    }
    Ok(status)
}
