//! What became of a plan, for people.

use std::fmt::Write as _;

use super::server;
use crate::cli::printer::Printer;
use crate::document::{End, Ending, Error, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::{Effect, Failure, PlanReport, Progress};
use crate::shown::printable;

/// What is told with the end of a run.
#[derive(Default)]
pub struct Told<'a> {
    /// What was tried besides `httpd -t`, or was not.
    pub trials: &'a [(bool, &'a str)],
    /// What stays after a run that wrote.
    pub stays: &'a str,
    /// Whether there would be changes is asked.
    pub asks: bool,
    /// What was asked for as well and is not done.
    pub undone: Option<&'a Failure>,
}

/// The end of a run. After one that writes nothing it is said what of it was tried.
pub fn tell(report: &PlanReport, told: &Told, printer: &Printer) -> ExitStatus {
    let Told { trials, stays, .. } = *told;
    let is_dry = report.result == "would-change";
    if is_dry {
        // Where the server alone would be told, there was nothing to try.
        let all = match report.would {
            None => [trials, &[(report.is_tested, "httpd -t")]].concat(),
            Some(_) => Vec::new(),
        };
        let words = format!("Nothing was written (--dry-run).{}", tried(&all));
        printer.note(NoteCode::NotTried, &words);
    }
    printer.document(end(report, told), report);
    let server = report.server.as_ref().map(server::farewell).unwrap_or_default();
    match report.result {
        "would-change" => {
            if let (Some(plan), Some(_)) = (&report.plan, &report.next) {
                printer.answer(&format!("Plan: {plan}\n{}", after(&None, &report.next)));
            }
            if let Some(would) = report.would {
                printer.answer(server::foretold(would));
            }
        }
        "written" => {
            printer.answer(&(written(report) + stays + &server + &after(&report.undo, &report.next)))
        }
        _ => printer.answer(&(server + &after(&None, &report.next))),
    }
    status(report, told)
}

fn status(report: &PlanReport, told: &Told) -> ExitStatus {
    match report.result {
        _ if told.undone.is_some() => ExitStatus::ErrorsFound,
        "would-change" if told.asks => ExitStatus::WouldChange,
        _ => ExitStatus::Done,
    }
}

fn end(report: &PlanReport, told: &Told) -> End {
    let effect = report.server.as_ref();
    let objections = effect.map(Effect::findings).unwrap_or_default();
    let end = End::of(Ending::of(report.result));
    End {
        status: status(report, told),
        changed: end.changed || effect.is_some_and(Effect::is_change),
        restart_needed: effect.map_or(end.result == Ending::Written, Effect::is_open),
        error: told.undone.map(Error::of),
        findings: report.findings.iter().cloned().chain(objections).collect(),
        ..end
    }
}

/// What can be typed after a run that wrote.
pub fn after(undo: &Option<String>, next: &Option<String>) -> String {
    let line = |word: &str, command: &Option<String>| match command {
        Some(command) => format!("{word}: {}\n", printable(command.as_bytes())),
        None => String::new(),
    };
    line("Next", next) + &line("Undo", undo)
}

/// What of a dry run went well, and what was left out.
fn tried(trials: &[(bool, &str)]) -> String {
    let those = |done: bool| {
        let those = trials.iter().filter(|(was_done, _)| *was_done == done);
        those.map(|(_, what)| *what).collect::<Vec<_>>().join(" and ")
    };
    let part = |words: &str, those: String| match those.as_str() {
        "" => String::new(),
        those => format!(" {words}: {those}."),
    };
    part("Went well", those(true)) + &part("Not tried", those(false))
}

fn written(report: &PlanReport) -> String {
    let mut text = String::from("\nWritten:\n");
    for file in &report.written {
        let _ = writeln!(text, "  {file}");
    }
    if let Some(backup) = &report.backup {
        let _ = writeln!(text, "Backup: {backup}");
    }
    text
}
