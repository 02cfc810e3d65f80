//! What a run says beside its answer, as DSC reads it: lines of JSON on the standard error, each with one field that says how
//! loud it is. Nobody is asked.

use crate::check::{Code, Finding};
use crate::cli::json;
use crate::cli::output::{self, Stream};
use crate::cli::printer::Printer;
use crate::document::{Error, NoteCode};
use crate::operation::{Failure, LogReport, Progress, Questions};
use crate::shown::printable;

/// Writes them.
pub struct Trace<'a> {
    /// Knows how commands are completed.
    printer: &'a Printer,
}

impl Trace<'_> {
    /// With commands that can be typed anywhere.
    pub fn new(printer: &Printer) -> Trace<'_> {
        Trace { printer }
    }

    fn line(&self, level: &str, words: &str) {
        let words = printable(self.printer.completed(words).trim().as_bytes());
        let line = json::line(&serde_json::json!({ level: words }));
        output::write(Stream::Talk, line.trim_end());
    }

    /// Why a run failed.
    pub fn failure(&self, failure: &Failure) {
        for finding in &failure.findings {
            self.line("error", &finding_words(finding));
        }
        let error = Error::of(failure);
        let fix = error.fix.map(|fix| format!("; {fix}")).unwrap_or_default();
        self.line("error", &format!("{}: {}{fix}", error.code, error.message));
    }
}

fn finding_words(finding: &Finding) -> String {
    let place = finding.place.as_ref().map(|place| format!(" ({place})"));
    let place = place.unwrap_or_default();
    format!("{}: {}{place}. {}", finding.code, finding.summary, finding.fix)
}

impl Progress for Trace<'_> {
    fn talk(&self, text: &str) {
        self.line("debug", text);
    }

    fn note(&self, _code: NoteCode, text: &str) {
        match text.strip_prefix("warning: ") {
            Some(rest) => self.line("warn", rest),
            None => self.line("info", text.strip_prefix("note: ").unwrap_or(text)),
        }
    }

    fn detail(&self, text: &str) {
        self.line("trace", text);
    }

    fn unchanged(&self, why: &str) {
        self.line("info", why);
    }

    fn findings(&self, found: &[Finding], forced: &[Code]) {
        for finding in found {
            let level = if finding.is_open(forced) { "error" } else { "warn" };
            self.line(level, &finding_words(finding));
        }
    }

    fn logs(&self, report: &LogReport) {
        self.line("error", &super::explain::text(report));
    }

    fn summary(&self, lines: &[String]) {
        lines.iter().for_each(|line| self.line("info", line));
    }
}

impl Questions for Trace<'_> {}
