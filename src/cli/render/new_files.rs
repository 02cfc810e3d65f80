//! Files that were made, for people.

use std::fmt::Write as _;

use crate::cli::printer::Printer;
use crate::document::{End, Ending, NoteCode};
use crate::operation::{Outcome, Progress};
use crate::shown::printable;

/// What became of them.
pub fn tell(outcome: &Outcome, printer: &Printer) {
    for note in &outcome.notes {
        printer.note(NoteCode::NewFiles, &format!("note: {note}"));
    }
    let mut text = String::new();
    if !outcome.files.is_empty() {
        text += match outcome.result {
            "would-change" => "Would write:\n",
            _ => "Written:\n",
        };
    }
    for file in &outcome.files {
        let _ = writeln!(
            text,
            "  {}: {}",
            file.path,
            file.reason.as_deref().unwrap_or_default()
        );
    }
    for file in &outcome.kept {
        let _ = writeln!(text, "Exists already: {file}");
    }
    printer.document(End::of(Ending::of(outcome.result)), outcome);
    printer.answer(&printable(text.as_bytes()));
}
