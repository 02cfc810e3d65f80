//! `esync-ssl cert inspect`.

use crate::cli::arguments::Inspect;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending, Error, FailureCode};
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, inspect};

/// Runs the command.
pub fn run(arguments: &Inspect, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = inspect::run(&arguments.files, arguments.pass_phrase.read()?, printer);
    let findings = report.findings();
    let status = if !report.unread.is_empty() {
        ExitStatus::Error
    } else {
        ExitStatus::of_errors(findings.len())
    };
    let unread = report.reasons().join("; ");
    let unread = (!unread.is_empty()).then(|| Error::new(FailureCode::Io, unread, None));
    let end = End::looked(status, findings);
    let end = End {
        result: if unread.is_some() {
            Ending::Failed
        } else {
            end.result
        },
        error: unread,
        ..end
    };
    printer.document(end, &report);
    printer.answer(&render::inspect::text(&report));
    Ok(status)
}
