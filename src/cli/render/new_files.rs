//! Files that were made, for people.

use std::fmt::Write as _;

use crate::cli::printer::Printer;
use crate::operation::{Outcome, Progress};
use crate::shown::printable;

/// What became of them.
pub fn tell(outcome: &Outcome, printer: &Printer) {
    for note in &outcome.notes {
        printer.talk(&format!("note: {note}"));
    }
    let mut text = String::new();
    if !outcome.create.is_empty() {
        text += match outcome.result {
            "would-change" => "Would write:\n",
            _ => "Written:\n",
        };
    }
    for file in &outcome.create {
        let _ = writeln!(text, "  {}: {}", file.file, file.reason);
    }
    for file in &outcome.kept {
        let _ = writeln!(text, "Exists already: {file}");
    }
    printer.document(outcome);
    printer.answer(&printable(text.as_bytes()));
}
