//! `esync-ssl report`.

use std::path::PathBuf;

use crate::cli::arguments::Report;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::report::{self, Packed};
use crate::operation::{Failure, Progress, Where, World, confirm_or};
use crate::shown::shown;

/// Runs the command.
pub fn run(
    arguments: &Report,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let now = (world.now)();
    let to_stdout = arguments.file.as_ref().is_some_and(|file| file == "-");
    let file = match &arguments.file {
        Some(file) => PathBuf::from(file),
        None => PathBuf::from(report::usual_name(now)),
    };
    if !to_stdout {
        report::refuse_taken(&file)?;
    }
    let gathered = report::gather(place, world, printer)?;
    let Packed { sections, text } = report::pack(&gathered.loaded, render::report::sections(&gathered), now);
    let mut answer = report::Report {
        file: (!to_stdout).then(|| shown(&file).into()),
        written: false,
        text: (to_stdout && !arguments.dry_run).then(|| text.clone()),
        sections,
    };
    let list = render::report::list(&answer.sections);
    if arguments.dry_run {
        if !to_stdout {
            report::refuse_unwritable(&file)?;
        }
        printer.document(End::of(Ending::WouldChange), &answer);
        printer.answer(&list);
        return Ok(ExitStatus::Done);
    }
    printer.note(NoteCode::ReportContents, list.trim_end());
    if to_stdout {
        printer.document(End::of(Ending::Ok), &answer);
        printer.verbatim(&text);
        return Ok(ExitStatus::Done);
    }
    let name = shown(&file);
    let unasked = "give --yes to write the report, or --dry-run to only list what would be in it";
    confirm_or(unasked, &format!("Write this to {name}?"), arguments.yes, printer)?;
    report::write(&file, text, world)?;
    answer.written = true;
    printer.document(End::of(Ending::Written), &answer);
    printer.answer(&format!(
        "{name} was written. Read it before you give it to others.\n"
    ));
    Ok(ExitStatus::Done)
}
