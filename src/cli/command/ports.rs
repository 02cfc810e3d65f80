//! `esync-ssl ports`.

use crate::cli::arguments::Ports;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, ports};

/// Runs the command.
pub fn run(arguments: &Ports, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = ports::run(arguments.port, place, printer)?;
    let status = ExitStatus::of_errors(report.counts.error_count);
    printer.document(End::looked(status, report.findings().cloned().collect()), &report);
    printer.answer(&render::ports::text(&report));
    Ok(status)
}
