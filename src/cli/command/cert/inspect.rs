//! `esync-ssl cert inspect`.

use crate::cli::arguments::Inspect;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, inspect};

/// Runs the command.
pub fn run(arguments: &Inspect, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = inspect::run(&arguments.files, arguments.pass_phrase.read()?, printer);
    printer.document(&report);
    printer.answer(&render::inspect::text(&report));
    Ok(if !report.errors.is_empty() {
        ExitStatus::Error
    } else if report.files.iter().any(|file| file.items.is_empty()) {
        ExitStatus::Refused
    } else {
        ExitStatus::Done
    })
}
