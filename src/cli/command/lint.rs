//! `esync-ssl lint`.

use serde::Serialize;

use crate::cli::arguments::Lint;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::End;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;
use crate::operation::lint::{self, Linted, reports};
use crate::operation::{Failure, Where};

/// Runs the command.
pub fn run(arguments: &Lint, place: &Where, printer: &Printer) -> Result<ExitStatus, Failure> {
    let only_errors = arguments.quiet && !printer.is_json();
    let Linted { loaded, mut problems } = lint::run(only_errors, place, printer)?;
    let errors = problems.iter().filter(|problem| problem.is_error()).count();
    let status = ExitStatus::of_errors(errors);
    if printer.is_json() {
        let warnings = problems.len() - errors;
        if arguments.quiet {
            problems.retain(Finding::is_error);
        }
        let end = End::looked(status, lint::findings(&loaded, &problems));
        let document = Document {
            errors,
            warnings,
            problems: reports(&loaded, &problems),
        };
        printer.document(end, &document);
    } else {
        printer.answer(&render::lint::text(&loaded, &problems, arguments.quiet));
    }
    // The process ends: to give memory back piece by piece would only take time.
    std::mem::forget(loaded);
    Ok(status)
}

#[derive(Serialize)]
struct Document {
    errors: usize,
    warnings: usize,
    problems: Vec<lint::Report>,
}
