//! What became of a plan, for people.

use std::fmt::Write as _;

use super::server;
use crate::cli::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::operation::{PlanReport, Progress};

/// The end of a run: `not_tried` is said after one that writes nothing, `stays` after one that wrote.
pub fn tell(report: &PlanReport, not_tried: &str, stays: &str, printer: &Printer) {
    printer.document(report);
    let server = report.server.as_ref().map(server::farewell).unwrap_or_default();
    match report.result {
        "would-change" => printer.talk(&format!("Nothing was written (--dry-run). {not_tried}")),
        "written" => printer.answer(&(written(report) + stays + &server)),
        _ => printer.answer(&server),
    }
}

/// How it ended; `asks`: whether there would be changes is asked.
pub fn status(report: &PlanReport, asks: bool) -> ExitStatus {
    match report.result {
        "would-change" if asks => ExitStatus::WouldChange,
        _ => ExitStatus::Done,
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
