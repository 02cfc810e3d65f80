//! How a command talks and asks while the guide carries it out: as it does alone, but with the changes of files only when
//! somebody wants to see them, and with a way back.

use std::cell::RefCell;
use std::io;

use zeroize::Zeroizing;

use super::question::{Asks, Question, Reply};
use crate::apply::Unfinished;
use crate::check::{Code, Finding};
use crate::cli::printer::Printer;
use crate::document::NoteCode;
use crate::operation::{LogReport, Preview, Progress, Questions, Taken, unified};

/// Talks through a printer and asks through the guide.
pub struct Guided<'a> {
    /// What is said.
    pub printer: &'a Printer,
    /// Who answers.
    pub asks: &'a dyn Asks,
    /// The changes of files that were shown last.
    diff: RefCell<String>,
    /// It is only looked what would be written, so that nobody is asked whether to show it.
    is_trial: bool,
}

impl<'a> Guided<'a> {
    /// Nothing was asked yet.
    pub fn new(printer: &'a Printer, asks: &'a dyn Asks, is_trial: bool) -> Guided<'a> {
        Guided {
            printer,
            asks,
            diff: RefCell::default(),
            is_trial,
        }
    }

    /// Asks until the answer is yes or no; the changes are shown as often as somebody wants to see them.
    fn decided(&self, text: &str, usual: usize) -> Option<bool> {
        let diff = self.diff.borrow().clone();
        let mut options = vec!["Yes", "No, back"];
        if !diff.is_empty() {
            options.push("Show every line that changes");
        }
        let question = Question::choice(text, &options, usual);
        loop {
            match self.asks.ask(&question) {
                Ok(Reply::Chosen(0)) => return Some(true),
                Ok(Reply::Chosen(2)) => self.printer.verbatim(&diff),
                Ok(Reply::Interrupted) => return None,
                _ => return Some(false),
            }
        }
    }
}

impl Questions for Guided<'_> {
    fn can_ask(&self) -> bool {
        true
    }

    fn agrees(&self, question: &str) -> Option<bool> {
        self.decided(question, 1)
    }

    fn accepts(&self, question: &str) -> Option<bool> {
        self.decided(question, 0)
    }

    fn reply(&self, question: &str) -> Option<String> {
        match self.asks.ask(&Question::line(question, None)) {
            Ok(Reply::Typed(line)) => Some(format!("{line}\n")),
            Ok(Reply::Interrupted) => None,
            _ => Some(String::new()),
        }
    }

    fn pass_phrase(&self, what: &str) -> io::Result<Option<Zeroizing<String>>> {
        self.printer.pass_phrase(what)
    }
}

impl Progress for Guided<'_> {
    fn preview(&self, preview: &Preview) {
        if self.is_trial {
            return self.printer.preview(preview);
        }
        let files = preview.files.iter();
        let files = files.map(|file| unified(&file.name, file.before, file.after, true));
        *self.diff.borrow_mut() = files.collect();
        self.printer.preview(&Preview {
            title: preview.title.clone(),
            lines: preview.lines.clone(),
            files: Vec::new(),
        });
    }

    fn server(&self, taken: &Taken) {
        self.printer.server(taken);
    }

    fn talk(&self, text: &str) {
        self.printer.talk(text);
    }

    fn note(&self, code: NoteCode, text: &str) {
        // The guide has told them.
        if !matches!(code, NoteCode::ServerRoot | NoteCode::MainFile) {
            self.printer.note(code, text);
        }
    }

    fn detail(&self, text: &str) {
        self.printer.detail(text);
    }

    fn unchanged(&self, why: &str) {
        self.printer.unchanged(why);
    }

    fn summary(&self, lines: &[String]) {
        self.printer.summary(lines);
    }

    fn step(&self, what: &str) {
        self.printer.step(what);
    }

    fn step_done(&self) {
        self.printer.step_done();
    }

    fn waiting(&self, seconds: u64, why: &str) {
        self.printer.waiting(seconds, why);
    }

    fn findings(&self, found: &[Finding], forced: &[Code]) {
        self.printer.findings(found, forced);
    }

    fn logs(&self, report: &LogReport) {
        self.printer.logs(report);
    }

    fn interrupted(&self, run: &Unfinished, remedy: &str) {
        self.printer.interrupted(run, remedy);
    }

    fn hold(&self) {
        self.printer.hold();
    }

    fn release(&self) {
        self.printer.release();
    }

    fn discard(&self) {
        self.printer.discard();
    }

    fn first(&self, text: &str) {
        self.printer.first(text);
    }
}
