//! `esync-ssl renew`.

use crate::cli::arguments::Renew;
use crate::cli::printer::Printer;
use crate::cli::render;
use crate::document::{End, Ending, Error, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::renew::{self, Fate, Report, Request};
use crate::operation::simulate::{self, Answer};
use crate::operation::telling::{self, Happened, Whom};
use crate::operation::{Effect, Failure, Where, World, Writing};

/// So long a scheduled run waits for another one, unless told otherwise.
const PATIENCE: u64 = 300;

/// Runs the command.
pub fn run(
    arguments: &Renew,
    place: &Where,
    world: &World,
    printer: &Printer,
) -> Result<ExitStatus, Failure> {
    if let Some(simulation) = arguments.simulation() {
        let report = simulate::run(&simulation, place, world, printer)?;
        let status = match report.is_too_late() {
            true => ExitStatus::ErrorsFound,
            false => ExitStatus::Done,
        };
        printer.document(End::looked(status, Vec::new()), &Answer::Simulated(&report));
        printer.prose(&render::simulation::text(&report));
        return Ok(status);
    }
    renew(arguments, place, world, printer)
}

fn renew(arguments: &Renew, place: &Where, world: &World, printer: &Printer) -> Result<ExitStatus, Failure> {
    let request = Request {
        names: arguments.names.clone(),
        now: arguments.now,
        rehearses: arguments.rehearse,
        is_scheduled: arguments.scheduled,
        proxy: arguments.proxy.clone(),
        window: arguments.window,
        from: arguments.from(),
        forgets: arguments.forget,
    };
    let writing = Writing {
        dry_run: arguments.dry_run,
        lock_timeout: match (arguments.scheduled, arguments.lock_timeout) {
            (true, 0) => PATIENCE,
            (_, seconds) => seconds,
        },
        ..Writing::default()
    };
    let report = match renew::run(&request, &writing, place, world, printer) {
        Ok(report) => report,
        Err(failure) => {
            let document = || printer.draft_of_failure(&failure);
            if failure.status != ExitStatus::Interrupted || arguments.scheduled {
                tell(
                    arguments,
                    vec![Happened::of_failure(&failure)],
                    (place, world),
                    (printer, &document),
                );
            }
            return Err(failure);
        }
    };
    let end = end(&report);
    let status = end.status;
    let document = || printer.draft(end.clone(), &Answer::Renewed(&report));
    tell(
        arguments,
        Happened::of_report(&report),
        (place, world),
        (printer, &document),
    );
    printer.document(end, &Answer::Renewed(&report));
    if !arguments.scheduled || report.trouble().is_some() {
        printer.answer(&render::renew::text(&report));
    }
    for (told, trouble) in report.troubles() {
        printer.complain(&format!("{} was not renewed: {}", told.name, trouble.words()));
    }
    Ok(status)
}

/// Tells whoever is to know what failed. A run that writes nothing is for its reader alone.
fn tell(
    arguments: &Renew,
    mut all: Vec<Happened>,
    at: (&Where, &World),
    (printer, document): (&Printer, &dyn Fn() -> String),
) {
    if arguments.dry_run || arguments.rehearse {
        return;
    }
    for happened in &mut all {
        happened.why = printer.completed(&happened.why);
    }
    let whom = Whom {
        hook: arguments.hook.as_deref(),
        is_scheduled: arguments.scheduled,
    };
    for words in telling::tell(&all, whom, at, document) {
        printer.warn(NoteCode::NotTold, &words);
    }
}

fn end(report: &Report) -> End {
    let trouble = report.trouble();
    let status = trouble.map_or(ExitStatus::Done, |(_, trouble)| trouble.status);
    let result = match (report.has(Fate::Renewed), trouble) {
        (true, _) => Ending::Written,
        (false, Some((_, trouble))) => Ending::of_failure(trouble.status),
        (false, None) if report.has(Fate::WouldRenew) => Ending::WouldChange,
        (false, None) => Ending::Unchanged,
    };
    let effect = report.server.as_ref();
    End {
        status,
        error: trouble.map(|(told, trouble)| Error {
            code: trouble.code.clone(),
            message: format!("{} was not renewed: {}", told.name, trouble.message),
            fix: trouble.fix.clone(),
            place: None,
            places: Vec::new(),
        }),
        restart_needed: effect.is_some_and(Effect::is_open),
        findings: effect.map(Effect::findings).unwrap_or_default(),
        ..End::of(result)
    }
}
