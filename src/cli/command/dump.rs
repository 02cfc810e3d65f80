//! `esync-ssl dump`.

use crate::cli::arguments::Dump;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Loaded, Where};

/// Runs the command.
pub fn run(arguments: &Dump, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(printer);
    loaded.refuse_private_keys()?;
    loaded.refuse_no_configuration()?;
    let (file, name) = (arguments.file.as_deref(), arguments.directive.as_deref());
    printer.document(&render::dump::document(&loaded, file, name));
    Ok(ExitStatus::Done)
}
