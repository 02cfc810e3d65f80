//! `esync-ssl report`.

use std::path::PathBuf;

use crate::cli::arguments::Report;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::cli::render::html::Whole;
use crate::document::{End, Ending, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::report::{self, Section};
use crate::operation::{Failure, Progress, Where, World, confirm_or, fleet, page};
use crate::shown::shown;

/// Runs the command.
pub fn run(
    arguments: &Report,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    let named = arguments.html.as_ref().or(arguments.file.as_ref());
    let to_stdout = named.is_some_and(|file| file == "-");
    let file = match named {
        Some(file) => PathBuf::from(file),
        None => PathBuf::from(report::usual_name((world.now)())),
    };
    if !to_stdout {
        report::refuse_taken(&file)?;
    }
    let Made {
        sections,
        text,
        fleet,
    } = made(arguments, place, world, printer)?;
    let mut answer = report::Report {
        file: (!to_stdout).then(|| shown(&file).into()),
        written: false,
        text: (to_stdout && !arguments.dry_run).then(|| text.clone()),
        sections,
        fleet,
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

/// What is asked for: its parts, and all of it.
struct Made {
    sections: Vec<Section>,
    text: String,
    fleet: Option<fleet::Summary>,
}

fn made(arguments: &Report, place: &Where, world: &World, printer: &Printer) -> Result<Made, Failure> {
    let of = |whole: Whole, fleet| Made {
        sections: whole.sections,
        text: whole.text,
        fleet,
    };
    if !arguments.fleet.is_empty() {
        let named: Vec<PathBuf> = arguments.fleet.iter().map(Into::into).collect();
        let fleet = fleet::read(&named, (world.now)())?;
        return Ok(of(render::html::fleet_page(&fleet), Some(fleet.summary)));
    }
    if arguments.html.is_some() {
        let page = page::gather(place, world, printer)?;
        let whole = render::html::page(&page, &|text| printer.completed(text));
        return Ok(of(whole, None));
    }
    let gathered = report::gather(place, world, printer)?;
    let packed = report::pack(
        &gathered.loaded,
        render::report::sections(&gathered),
        (world.now)(),
    );
    Ok(Made {
        sections: packed.sections,
        text: packed.text,
        fleet: None,
    })
}
