//! Findings as people read them, in the manner of a compiler.

use std::fmt::Write as _;

use crate::check::{Code, Finding, Severity};
use crate::shown::sentence;
use crate::wording;

/// Every finding: what, where, why, what to do. Those of `forced` are told as overridden.
pub fn lines(findings: &[Finding], forced: &[Code]) -> String {
    let mut text = String::new();
    for finding in findings {
        let (word, colour) = match finding.severity {
            _ if finding.is_forced(forced) => ("overridden", "33"),
            severity if severity.is_error() => ("error", "31"),
            Severity::Advice => ("note", "36"),
            _ => ("warning", "33"),
        };
        let clean = |text: &str| sentence(text).replace('\n', "\n         ");
        let _ = writeln!(
            text,
            "\x1b[1;{colour}m{word}[{}]\x1b[0m: {} ({})",
            finding.code,
            clean(&finding.summary),
            finding.severity
        );
        if let Some(place) = &finding.place {
            let _ = writeln!(text, "  --> {}", clean(&place.to_string()));
        }
        for (title, words) in [("cause:", &finding.cause), ("fix:", &finding.fix)] {
            if !words.is_empty() {
                let _ = writeln!(text, "  {title:<6} {}", clean(words));
            }
        }
        if !finding.apache_codes.is_empty() {
            let _ = writeln!(text, "  Apache's log: {}", finding.apache_codes.join(", "));
        }
    }
    text
}

/// How many of each kind, in words.
pub fn count(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|f| f.severity.is_error()).count();
    let notes = findings.iter().filter(|f| f.severity == Severity::Advice).count();
    format!(
        "{}, {}, {}",
        wording::count(errors, "error"),
        wording::count(findings.len() - errors - notes, "warning"),
        wording::count(notes, "note")
    )
}
