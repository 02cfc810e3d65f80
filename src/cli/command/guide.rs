//! `esync-ssl guide` where there is no terminal; the guide itself is in [`crate::cli`].

use crate::cli::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::operation::Failure;
use crate::refusal::Advised;

/// Says what to type instead.
pub fn run(printer: &Printer) -> Result<ExitStatus, Failure> {
    let cause = match printer.is_json() {
        true => "guide asks people at a terminal, so it has no document for --json",
        false => "guide asks people at a terminal, and there is none",
    };
    let fix = "esync-ssl enable takes what it asks for as options: esync-ssl enable --help";
    Err(Failure {
        status: ExitStatus::Usage,
        ..Failure::error(Advised::new(cause, "; ", fix))
    })
}
