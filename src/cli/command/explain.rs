//! `esync-ssl explain`.

use crate::cli::arguments::Explain;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::{Failure, Progress, Where, explain};

/// Runs the command.
pub fn run(arguments: &Explain, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let file = arguments.file.as_ref().map(|path| path.as_std_path());
    let report = explain::run(file, arguments.since, place, printer)?;
    // People read it in the answer.
    if printer.is_json() && report.is_without_log() {
        printer.note(NoteCode::NoLog, render::explain::NO_LOG);
    }
    printer.document(
        End::looked(ExitStatus::Done, report.findings().cloned().collect()),
        &report,
    );
    printer.prose(&render::explain::text(&report));
    Ok(ExitStatus::Done)
}
