//! `esync-ssl lint`.

use crate::cli::arguments::Lint;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::operation::lint::{self, Linted};
use crate::operation::{Failure, Where};
use crate::severity::Counts;

/// Runs the command.
pub fn run(arguments: &Lint, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let only_errors = arguments.quiet && !printer.is_json();
    let Linted { loaded, mut problems } = lint::run(only_errors, place, printer)?;
    let counts: Counts = problems.iter().map(Finding::level).collect();
    let status = ExitStatus::of_errors(counts.error_count);
    if printer.is_json() {
        if arguments.quiet {
            problems.retain(Finding::is_error);
        }
        let report = lint::Report {
            counts,
            file_count: loaded.configuration.files().len(),
        };
        printer.document(End::looked(status, lint::findings(&loaded, problems)), &report);
    } else {
        printer.answer(&render::lint::text(&loaded, &problems, arguments.quiet));
    }
    // The process ends: to give memory back piece by piece would only take time.
    std::mem::forget(loaded);
    Ok(status)
}
