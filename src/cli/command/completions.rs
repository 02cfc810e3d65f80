//! `esync-ssl completions`.

use serde::Serialize;

use crate::cli::arguments::Completions;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::exit_status::ExitStatus;
use crate::operation::Failure;

/// Runs the command.
pub fn run(arguments: &Completions, printer: &Printer) -> Result<ExitStatus, Failure> {
    let script = render::completions::script(arguments.shell);
    printer.document(&Document {
        shell: arguments.shell.to_string(),
        script: &script,
    });
    printer.answer(&script);
    Ok(ExitStatus::Done)
}

#[derive(Serialize)]
struct Document<'a> {
    shell: String,
    script: &'a str,
}
