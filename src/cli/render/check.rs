//! What the rules say, for people.

use std::fmt::Write as _;

use super::findings;
use crate::check::Finding;
use crate::operation::check;
use crate::shown::sentence;

/// For people.
pub fn text(report: &check::Report) -> String {
    let mut text = super::first(&report.expiring);
    let clean = sentence;
    for checked in &report.checked {
        let name = checked.name.as_deref().unwrap_or("(no name)");
        let place = checked.place.as_ref().map(|place| format!(" ({place})"));
        let _ = writeln!(
            text,
            "\x1b[1m{}{}\x1b[0m",
            clean(name),
            clean(&place.unwrap_or_default())
        );
        for (word, file) in [
            ("certificate", &checked.certificate),
            ("key", &checked.key),
            ("chain", &checked.chain),
        ] {
            if let Some(file) = file {
                let _ = writeln!(text, "  {word:<12} {}", clean(file));
            }
        }
        if checked.findings.is_empty() {
            text += "  no problems found\n";
        }
        text += &findings::lines(&checked.findings, &[]);
        text.push('\n');
    }
    if !report.findings.is_empty() {
        text += "\x1b[1mconfiguration and ports\x1b[0m\n";
        text += &findings::lines(&report.findings, &[]);
        text.push('\n');
    }
    for skipped in &report.skipped {
        let place = skipped.place.as_ref().map(ToString::to_string);
        let _ = writeln!(
            text,
            "not checked: {}: {}",
            clean(&place.unwrap_or_else(|| "main server".into())),
            clean(&skipped.reason)
        );
    }
    if report.checked.is_empty() {
        text += "Nothing uses TLS in this configuration; esync-ssl enable turns it on.\n";
        if report.findings.is_empty() {
            return text;
        }
    }
    let all: Vec<Finding> = report.findings().cloned().collect();
    let _ = writeln!(
        text,
        "{}; judged for {}",
        findings::count(&all),
        report.server_text
    );
    text
}
