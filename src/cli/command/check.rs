//! `esync-ssl check`.

use std::path::PathBuf;

use crate::cli::arguments::Check;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::check::{self, Request};
use crate::operation::expiring;
use crate::operation::{Failure, Where};

/// Runs the command.
pub fn run(arguments: &Check, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let request = Request {
        domain: arguments.domain.clone(),
        certificate: arguments.cert.clone().map(PathBuf::from),
        key: arguments.key.clone().map(PathBuf::from),
        chain: arguments.chain.clone().map(PathBuf::from),
        no_rehearsal: arguments.no_rehearsal,
    };
    let report = check::run(&request, place, printer)?;
    let status = ExitStatus::of_errors(report.counts.error_count);
    let all = expiring::first(&report.expiring, report.findings().cloned());
    printer.document(End::looked(status, all), &report);
    printer.prose(&render::check::text(&report));
    Ok(status)
}
