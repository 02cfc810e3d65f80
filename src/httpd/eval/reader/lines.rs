//! The next logical line, from the file that is being read or from the macros in use, and the last lines that Apache
//! loses. Understands none of them.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Frame, Reader};
use crate::httpd::eval::buffer::Buffer;
use crate::httpd::model::entry::{FileId, MacroPlace, Section, SectionId};
use crate::httpd::model::truth::Truth;
use crate::httpd::text::document::Document;
use crate::httpd::text::line::add_physical;
use crate::httpd::text::scan::{LineKind, trim};

/// Where the next line comes from: the file, or macros in use, innermost last.
pub(super) struct Lines {
    pub file: FileId,
    pub document: Arc<Document>,
    pub next: usize,
    /// The line of the file that is being read, also while a macro is expanded at it.
    pub line: usize,
    pub macros: Vec<Expansion>,
    /// The line at which the file is read on after a macro.
    pub resumed: Option<usize>,
    /// The last line was lost.
    pub lost: bool,
    /// What conditionals of the file were found to be, by the index of their text.
    decided: Vec<Option<Truth>>,
    /// How often something had acted before.
    decided_at: usize,
}

pub(super) struct Expansion {
    pub name: Vec<u8>,
    pub place: Arc<str>,
    pub body: Vec<(u32, Vec<u8>)>,
    pub next: usize,
}

/// A line to work on.
pub(super) struct Current<'a> {
    pub text: Cow<'a, [u8]>,
    pub place: Option<MacroPlace>,
}

impl Lines {
    /// Those of a file, from its first one on.
    pub fn of(file: FileId, document: Arc<Document>) -> Lines {
        Lines {
            file,
            document,
            next: 0,
            line: 0,
            macros: Vec::new(),
            resumed: None,
            lost: false,
            decided: Vec::new(),
            decided_at: 0,
        }
    }

    /// What a conditional of that text was found to be, if nothing has acted since.
    pub fn decided(&self, test: usize, acted: usize) -> Option<Truth> {
        let known = self.decided.get(test).copied().flatten();
        known.filter(|_| self.decided_at == acted)
    }

    /// Notes it.
    pub fn decide(&mut self, test: usize, acted: usize, truth: Truth) {
        if self.decided_at != acted {
            self.decided.clear();
            self.decided_at = acted;
        }
        if self.decided.len() <= test {
            self.decided.resize(test + 1, None);
        }
        self.decided[test] = Some(truth);
    }

    /// Goes back to the file where the macros in use have no more lines.
    pub fn leave_macros(&mut self) {
        while self
            .macros
            .last()
            .is_some_and(|used| used.next >= used.body.len())
        {
            self.macros.pop();
            self.resumed = Some(self.next);
        }
    }

    /// The next line that is not blank or a comment.
    pub fn next<'a>(&mut self, document: &'a Document) -> Option<Current<'a>> {
        loop {
            self.leave_macros();
            let Some(expansion) = self.macros.last_mut() else {
                break;
            };
            let mut buffer = Vec::new();
            let mut number = None;
            while let Some((line, text)) = expansion.body.get(expansion.next) {
                expansion.next += 1;
                number = Some(*line);
                buffer.extend_from_slice(text);
                if !add_physical(&mut buffer, b"\n") {
                    break;
                }
            }
            let Some(line) = number else { continue };
            let text = trim(&buffer);
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let place = Some(MacroPlace {
                name: expansion.place.clone(),
                line,
            });
            return Some(Current {
                text: Cow::Owned(text.to_vec()),
                place,
            });
        }
        loop {
            let line = document.lines().get(self.next)?;
            self.line = self.next;
            self.next += 1;
            let raw = document.raw(self.line);
            if self.resumed == Some(self.line) && !raw.ends_with(b"\n") {
                // mod_macro reads on through its own stream, which forgets the physical line that the file ends in.
                self.lost = true;
                let mut buffer = Vec::new();
                for physical in raw
                    .split_inclusive(|&b| b == b'\n')
                    .filter(|p| p.ends_with(b"\n"))
                {
                    add_physical(&mut buffer, physical);
                }
                let text = trim(&buffer);
                let nothing = text.is_empty() || text.starts_with(b"#");
                return (!nothing).then(|| Current {
                    text: Cow::Owned(text.to_vec()),
                    place: None,
                });
            }
            if !matches!(line.kind, LineKind::Blank | LineKind::Comment) {
                return Some(Current {
                    text: document.text(self.line),
                    place: None,
                });
            }
        }
    }
}

impl Reader {
    /// Does Apache lose the line that was just taken, the last of its file? Only a line without an end can be lost.
    pub(super) fn loses_last(&self, lines: &Lines, frames: &[Frame]) -> bool {
        let document = &lines.document;
        let Some(last) = document.lines().len().checked_sub(1) else {
            return false;
        };
        let complete = document.bytes().ends_with(b"\n") && !document.dangles(last);
        if complete || !lines.macros.is_empty() {
            return false;
        }
        // The lines that went through the buffer in use: those of the innermost conditional, less those of
        // conditionals in it.
        let opening = |section: SectionId| &self.c.entries[self.c.sections[section as usize].opening];
        let innermost = frames.iter().skip(1).rev().find(|frame| frame.conditional);
        let start = innermost.map_or(0, |frame| opening(frame.section).line as usize + 1);
        let mut own = vec![true; document.lines().len()];
        // Files that this one includes have later numbers, and all others were read before.
        let opened = |section: &&Section| &self.c.entries[section.opening];
        let since = self.c.sections[1..].iter().rev();
        let since = since.take_while(|section| opened(section).file >= lines.file);
        for section in since.filter(|section| section.transparent) {
            let opened = opened(&section);
            if opened.file == lines.file
                && opened.line as usize >= start
                && let Some(closing) = section.closing
            {
                own[opened.line as usize + 1..=closing as usize].fill(false);
            }
        }
        let mut buffer = Buffer::new();
        let mut lost = false;
        for at in (start..own.len()).filter(|at| own[*at]) {
            lost = buffer.loses(document.raw(at));
            if !matches!(document.lines()[at].kind, LineKind::Blank | LineKind::Comment) {
                buffer.disturb();
            }
        }
        lost
    }
}
