//! `esync-ssl acme check`.

use crate::cli::arguments::AcmeCheck;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::authority::check;
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    arguments: &AcmeCheck,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let report = check::run(&arguments.names, &arguments.wanted(), place, world, printer)?;
    let status = ExitStatus::of_errors(report.counts.error_count);
    printer.document(End::looked(status, report.findings().cloned().collect()), &report);
    printer.prose(&render::acme::checked(&report));
    Ok(status)
}
