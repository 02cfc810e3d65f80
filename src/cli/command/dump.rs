//! `esync-ssl dump`.

use crate::cli::arguments::Dump;
use crate::cli::printer::Printer;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Loaded, Where, dump, lint};

/// Runs the command.
pub fn run(arguments: &Dump, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(printer);
    loaded.refuse_private_keys()?;
    loaded.refuse_no_configuration()?;
    let (file, name) = (arguments.file.as_deref(), arguments.directive.as_deref());
    let problems = lint::problems(&loaded);
    let document = dump::document(&loaded, &problems, file, name);
    let end = End::looked(ExitStatus::Done, lint::findings(&loaded, problems));
    printer.dump(end, document);
    Ok(ExitStatus::Done)
}
