//! `esync-ssl devices`.

use std::path::PathBuf;

use crate::cli::arguments::Devices;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::devices::{self, Asking};
use crate::operation::{Failure, Where};

/// Runs the command.
pub fn run(arguments: &Devices, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let asking = Asking {
        domain: arguments.domain.clone(),
        path: arguments.path.clone(),
        port: arguments.port,
        send: arguments.send,
        address: arguments.address,
        authorities: arguments.ca.clone().map(PathBuf::from),
    };
    let report = devices::run(&asking, place, printer)?;
    let status = ExitStatus::of_errors(report.counts.error_count);
    printer.document(End::looked(status, report.findings().cloned().collect()), &report);
    printer.prose(&render::devices::text(&report));
    Ok(status)
}
