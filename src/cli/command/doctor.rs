//! `esync-ssl doctor`.

use crate::cli::arguments::Doctor;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::doctor::{self, FixResult};
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    arguments: &Doctor,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let request = arguments.request();
    let report = match arguments.fix {
        true => doctor::fix(&request, arguments.yes, place, (world, printer))?,
        false => doctor::run(&request, place, world, printer)?,
    };
    let status = ExitStatus::of_errors(report.counts.error_count);
    let end = End {
        changed: report.fixes.iter().any(|fixed| fixed.result == FixResult::Done),
        ..End::looked(status, report.findings().cloned().collect())
    };
    printer.document(end, &report);
    printer.prose(&render::doctor::text(&report));
    Ok(status)
}
