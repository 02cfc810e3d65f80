//! `esync-ssl status`.

use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Where, expiring, status};

/// Runs the command.
pub fn run(place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let status = status::run(place, printer)?;
    printer.document(
        End::looked(
            ExitStatus::Done,
            expiring::first(&status.expiring, std::iter::empty()),
        ),
        &status,
    );
    printer.answer(&render::status::table(&status));
    Ok(ExitStatus::Done)
}
