//! What is wrong with a server and what is well, for people: one page.

use std::fmt::Write as _;

use super::findings;
use crate::operation::doctor::{Cause, FixResult, Report, SectionState, Source, Verdict};
use crate::shown::{cell, sentence};
use crate::wording::count;

/// So many causes are told.
const CAUSES: usize = 20;
/// So many further places of a cause are listed.
const PLACES: usize = 5;

/// For people.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    for fixed in &report.fixes {
        let word = match fixed.result {
            FixResult::Done => "done",
            FixResult::Declined => "not done",
            FixResult::Failed => "failed",
        };
        let _ = writeln!(text, "{word}: {}", sentence(&fixed.message));
    }
    if !report.fixes.is_empty() {
        text.push('\n');
    }
    text += &verdict(report);
    for (number, cause) in report.causes.iter().take(CAUSES).enumerate() {
        let _ = write!(text, "\n{}. {}", number + 1, cause_lines(cause));
    }
    if let Some(more) = report.causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        let _ = writeln!(
            text,
            "\nNot shown: {}. esync-ssl doctor --json has all of them.",
            count(more, "more cause")
        );
    }
    if report.more_finding_count > 0 {
        let _ = writeln!(
            text,
            "\nNot shown: {}. The commands below tell all.",
            count(report.more_finding_count, "more finding")
        );
    }
    let good = ("Good", SectionState::Good);
    for (title, state) in [good, ("Not looked at", SectionState::NotLookedAt)] {
        let mut own = report
            .sections
            .iter()
            .filter(|section| section.state == state)
            .peekable();
        if own.peek().is_some() {
            let _ = writeln!(text, "\n\x1b[1m{title}\x1b[0m");
        }
        for section in own {
            let _ = writeln!(
                text,
                "  {:<13} {}",
                section.command.command(),
                cell(&section.message)
            );
        }
    }
    text += "\nThese names, and those after `more`, are commands that tell more.\n";
    let _ = writeln!(text, "\n\x1b[1mNext step:\x1b[0m {}", sentence(&report.next_step));
    text
}

fn verdict(report: &Report) -> String {
    let counts = &report.counts;
    let (errors, warnings) = (
        count(counts.error_count, "error"),
        count(counts.warning_count, "warning"),
    );
    let notes = match counts.note_count {
        0 => String::new(),
        notes => format!(", {}", count(notes, "note")),
    };
    match report.verdict {
        Verdict::Healthy if notes.is_empty() => "\x1b[1;32mHealthy:\x1b[0m no problems found\n".to_owned(),
        Verdict::Healthy => format!("\x1b[1;32mHealthy:\x1b[0m no errors and no warnings{notes}\n"),
        Verdict::HealthyWithWarnings => format!(
            "\x1b[1;33mHealthy, with warnings:\x1b[0m nothing keeps Apache or its clients from working; {warnings}{notes}\n"
        ),
        Verdict::Errors => {
            format!("\x1b[1;31mNot healthy:\x1b[0m {errors}, {warnings}{notes}; the worst comes first\n")
        }
    }
}

fn cause_lines(cause: &Cause) -> String {
    let mut text = findings::lines(std::slice::from_ref(&cause.finding), &[]);
    for place in cause.places.iter().take(PLACES) {
        let _ = writeln!(text, "  and at {}", sentence(&place.to_string()));
    }
    if let Some(more) = cause.places.len().checked_sub(PLACES).filter(|more| *more > 0) {
        let _ = writeln!(text, "  and at {}", count(more, "more place"));
    }
    for line in cause.log_lines.iter().flat_map(|entry| entry.lines()) {
        let _ = writeln!(text, "  | {}", sentence(line));
    }
    if cause.log_count > 1 {
        let _ = writeln!(text, "  | ({} times)", cause.log_count);
    }
    for effect in &cause.effects {
        let place = effect.place.as_ref().map(|place| format!(" ({place})"));
        let at = effect.at.as_ref().map(|at| format!(" at {at}"));
        let past = if effect.is_past {
            ", at an earlier start"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "  so:    {}{}{}{past} [{}]",
            sentence(&effect.summary),
            sentence(&at.unwrap_or_default()),
            sentence(&place.unwrap_or_default()),
            effect.code
        );
    }
    let commands: Vec<&str> = cause.seen_by.iter().copied().map(Source::command).collect();
    let _ = writeln!(text, "  more:  {}", commands.join(", "));
    text
}
