//! `esync-ssl apply`.

use crate::cli::arguments::{Apply, asked_for};
use crate::cli::printer::Printer;
use crate::cli::render::plan::{self, Told};
use crate::exit_status::ExitStatus;
use crate::operation::apply_plan::{self, Request};
use crate::operation::{Failure, Where, World};

/// Runs the command.
pub fn run(
    arguments: &Apply,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let request = Request {
        file: arguments.file.as_std_path(),
        phrases: &|| arguments.pass_phrase.read(),
        root: place.root.as_deref(),
        asked_for,
    };
    let writing = arguments.writing.with(arguments.yes, arguments.dry_run);
    let report = apply_plan::run(&request, &writing, world, printer)?;
    let trials = [(report.is_rehearsed, "a rehearsal")];
    let told = Told {
        trials: &trials,
        ..Told::default()
    };
    Ok(plan::tell(&report, &told, printer))
}
