//! `esync-ssl certificates`.

use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending};
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, World, certificates};

/// Runs the command.
pub fn run(place: &Where, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = certificates::run(place, world, printer)?;
    printer.document(End::of(Ending::Ok), &report);
    printer.answer(&render::certificates::text(&report));
    Ok(ExitStatus::Done)
}
