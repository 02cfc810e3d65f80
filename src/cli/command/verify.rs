//! `esync-ssl verify`.

use std::path::PathBuf;

use crate::cli::arguments::Verify;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::expiring;
use crate::operation::verify::{self, Request};
use crate::operation::{Failure, Where};

/// Runs the command.
pub fn run(arguments: &Verify, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let request = Request {
        domain: arguments.domain.clone(),
        address: arguments.address,
        authorities: arguments.ca.clone().map(PathBuf::from),
    };
    let report = verify::run(&request, place, printer)?;
    let status = ExitStatus::of_errors(report.counts.error_count);
    let all = expiring::first(&report.expiring, report.findings().cloned());
    printer.document(End::looked(status, all), &report);
    printer.prose(&render::verify::text(&report));
    Ok(status)
}
