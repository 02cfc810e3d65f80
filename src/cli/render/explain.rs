//! What logs say, for people.

use std::fmt::Write as _;

use super::findings;
use crate::operation::{LogReport, StartOutcome};
use crate::shown::sentence;
use crate::wording::count;

/// What it means that there is no log.
pub const NO_LOG: &str = "No log yet: Apache was not started with this configuration, or its words go elsewhere. esync-ssl \
                          restart starts it and explains what goes wrong; a log from elsewhere is read with esync-ssl \
                          explain FILE.";

/// For people.
pub fn text(report: &LogReport) -> String {
    let mut text = String::new();
    let clean = |text: &str| sentence(text);
    for log in &report.logs {
        match &log.trouble {
            None => _ = writeln!(text, "log: {}", clean(&log.name)),
            Some(trouble) => _ = writeln!(text, "log: {} (not read: {})", clean(&log.name), clean(trouble)),
        }
    }
    if report.is_without_log() {
        return format!("{text}{NO_LOG}\n");
    }
    let from = report
        .from_text
        .as_deref()
        .map(|from| format!(" of {from}"))
        .unwrap_or_default();
    let _ = match report.outcome {
        Some(StartOutcome::Running) => writeln!(text, "The last start{from} succeeded."),
        Some(StartOutcome::Failed) => writeln!(text, "The last start{from} failed."),
        Some(StartOutcome::Stopped) => writeln!(text, "Apache was stopped after the start{from}."),
        Some(StartOutcome::Unknown) => {
            writeln!(text, "The log does not show how the last start{from} ended.")
        }
        None => Ok(()),
    };
    text.push('\n');
    for one in &report.findings {
        text += &findings::lines(std::slice::from_ref(&one.finding), &[]);
        if one.seen {
            text += "  seen:  the current files and settings confirm it\n";
        }
        if let Some(note) = &one.note {
            let _ = writeln!(text, "  note:  {}", clean(note));
        }
        for line in one.lines.iter().flat_map(|entry| entry.lines()) {
            let _ = writeln!(text, "  | {}", clean(line));
        }
        if one.occurrence_count > 1 {
            let _ = writeln!(text, "  | ({} times)", one.occurrence_count);
        }
        text.push('\n');
    }
    if report.more_finding_count > 0 {
        let _ = writeln!(
            text,
            "Not shown: {} that are not more serious than these.\n",
            count(report.more_finding_count, "entry")
        );
    }
    if !report.unknown_lines.is_empty() {
        text += "Not known here:\n";
        if report.more_unknown_line_count > 0 {
            let _ = writeln!(
                text,
                "  | [left out before these: {}]",
                count(report.more_unknown_line_count, "line")
            );
        }
        for line in report.unknown_lines.iter().flat_map(|entry| entry.lines()) {
            let _ = writeln!(text, "  | {}", clean(line));
        }
    }
    if report.findings.is_empty() && report.unknown_lines.is_empty() {
        text += "There is nothing to explain.\n";
    }
    text
}
