//! `esync-ssl cert inspect`.

use crate::cli::arguments::Inspect;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, inspect};

/// Runs the command.
pub fn run(arguments: &Inspect, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = inspect::run(&arguments.files, arguments.pass_phrase.read()?, printer);
    let refusal = report.refusal();
    if let Some(refusal) = &refusal {
        printer.add("refusal", render::refusal::parts(refusal));
    }
    printer.document(&report);
    printer.answer(&render::inspect::text(&report));
    Ok(if !report.unread.is_empty() {
        ExitStatus::Error
    } else if refusal.is_some() {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    })
}
