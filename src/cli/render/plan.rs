//! What became of a plan, for people.

use std::fmt::Write as _;

use super::server;
use crate::cli::printer::Printer;
use crate::document::{End, Ending, NoteCode};
use crate::exit_status::ExitStatus;
use crate::operation::{Effect, PlanReport, Progress};

/// The end of a run: `not_tried` is said after one that writes nothing, `stays` after one that wrote; `asks`: whether
/// there would be changes is asked.
pub fn tell(report: &PlanReport, not_tried: &str, stays: &str, asks: bool, printer: &Printer) -> ExitStatus {
    if report.result == "would-change" {
        let words = format!("Nothing was written (--dry-run). {not_tried}");
        printer.note(NoteCode::NotTried, &words);
    }
    printer.document(end(report, asks), report);
    let server = report.server.as_ref().map(server::farewell).unwrap_or_default();
    match report.result {
        "would-change" => {}
        "written" => printer.answer(&(written(report) + stays + &server)),
        _ => printer.answer(&server),
    }
    status(report, asks)
}

fn status(report: &PlanReport, asks: bool) -> ExitStatus {
    match report.result {
        "would-change" if asks => ExitStatus::WouldChange,
        _ => ExitStatus::Done,
    }
}

fn end(report: &PlanReport, asks: bool) -> End {
    let effect = report.server.as_ref();
    let end = End::of(Ending::of(report.result));
    End {
        status: status(report, asks),
        changed: end.changed || effect.is_some_and(Effect::is_change),
        restart_needed: end.result == Ending::Written && effect.is_none_or(Effect::is_open),
        findings: report.findings.clone(),
        ..end
    }
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
