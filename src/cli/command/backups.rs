//! `esync-ssl backups`.

use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, World, backups};

/// Runs the command.
pub fn run(place: &Where, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let listed = backups::run(place, world, printer)?;
    printer.document(End::looked(ExitStatus::Done, Vec::new()), &listed);
    printer.answer(&render::backups::text(&listed));
    Ok(ExitStatus::Done)
}
