//! `esync-ssl completions`.

use crate::cli::arguments::Completions;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{Completion, End, Ending};
use crate::exit_status::ExitStatus;
use crate::operation::Failure;

/// Runs the command.
pub fn run(arguments: &Completions, printer: &Printer) -> Result<ExitStatus, Failure> {
    let script = render::completions::script(arguments.shell);
    printer.verbatim(&script);
    let shell = arguments.shell.to_string();
    printer.document(End::of(Ending::Ok), &Completion { shell, script });
    Ok(ExitStatus::Done)
}
