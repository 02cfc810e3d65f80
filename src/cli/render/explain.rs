//! What logs say, for people.

use std::fmt::Write as _;

use super::findings;
use crate::operation::LogReport;
use crate::shown::sentence;
use crate::wording::count;

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
    let from = report
        .from
        .as_deref()
        .map(|from| format!(" of {from}"))
        .unwrap_or_default();
    let _ = match report.outcome {
        Some("running") => writeln!(text, "The last start{from} succeeded."),
        Some("failed") => writeln!(text, "The last start{from} failed."),
        Some("stopped") => writeln!(text, "Apache was stopped after the start{from}."),
        Some(_) => writeln!(text, "The log does not show how the last start{from} ended."),
        None => Ok(()),
    };
    text.push('\n');
    for one in &report.explained {
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
        if one.count > 1 {
            let _ = writeln!(text, "  | ({} times)", one.count);
        }
        text.push('\n');
    }
    if report.more_explained > 0 {
        let _ = writeln!(
            text,
            "Not shown: {} that are not more serious than these.\n",
            count(report.more_explained, "entry")
        );
    }
    if !report.unknown.is_empty() {
        text += "Not known here:\n";
        if report.more_unknown > 0 {
            let _ = writeln!(
                text,
                "  | [left out before these: {}]",
                count(report.more_unknown, "line")
            );
        }
        for line in report.unknown.iter().flat_map(|entry| entry.lines()) {
            let _ = writeln!(text, "  | {}", clean(line));
        }
    }
    if report.explained.is_empty() && report.unknown.is_empty() {
        text += "There is nothing to explain.\n";
    }
    text
}
