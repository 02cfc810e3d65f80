//! Lines that can be judged by a glance, which are most lines of most files: stored without reading their words.

use std::borrow::Cow;

use super::super::lines::Lines;
use super::super::section::{Decided, Tag};
use super::super::{Frame, Reader, closes};
use crate::httpd::eval::condition::Condition;
use crate::httpd::eval::variable::MAX_SUBSTITUTED;
use crate::httpd::fast::glance::{self, Glance, Tests, split_name};
use crate::httpd::model::entry::Entry;
use crate::httpd::text::document::Document;
use crate::httpd::text::line::Line;
use crate::httpd::text::scan::{LineKind, find_reference, trim};

impl Reader {
    /// Stores what stands next in the file, up to a line that needs a closer look.
    pub(in super::super) fn store_plain(&mut self, lines: &mut Lines, frames: &mut Vec<Frame>, end: usize) {
        if !lines.macros.is_empty() {
            return;
        }
        let document = lines.document.clone();
        // A last line without an end may be lost, and is looked at by itself.
        let ends = |last: &Line| document.bytes().ends_with(b"\n") && !last.is_composed();
        let whole = document.lines().len() - usize::from(!document.lines().last().is_none_or(ends));
        let end = end.min(whole);
        while lines.next < end && !self.stopped {
            let at = lines.next;
            if !self.store_line(&document, at, lines, frames) {
                return;
            }
            // What a false conditional holds is behind already.
            if lines.next == at {
                (lines.line, lines.next) = (at, at + 1);
            }
        }
    }

    /// Stores one line; `false` where it needs a closer look.
    fn store_line(
        &mut self,
        document: &Document,
        at: usize,
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
    ) -> bool {
        let line = document.lines()[at];
        if matches!(line.kind, LineKind::Blank | LineKind::Comment) {
            return true;
        }
        let Some(frame) = frames.last() else { return false };
        let mut entry = Entry {
            file: lines.file,
            line: at as u32,
            section: frame.section,
            text: 0,
            truth: frame.truth,
            opens: false,
            glance: Glance::NOTHING,
        };
        let Some(glance) = self.glance_at(document, at, &mut entry) else {
            return false;
        };
        entry.glance = glance;
        match (line.kind, glance.known()) {
            (LineKind::Directive, _) if !glance.may_act() => self.c.entries.push(entry),
            (LineKind::SectionOpening, Some(known)) if known.is_condition => {
                return self.store_condition(glance, entry, lines, frames);
            }
            (LineKind::SectionOpening, Some(known)) => frames.push(Frame {
                section: self.open_section(entry, false),
                name: Cow::Borrowed(&known.name.as_bytes()[1..]),
                conditional: false,
                truth: entry.truth,
            }),
            (LineKind::SectionClosing, known) if frames.len() > 1 => {
                let is_it = match known {
                    Some(known) => known.name.as_bytes()[1..].eq_ignore_ascii_case(&frame.name),
                    None => closes(trim(document.raw(at)), &frame.name),
                };
                if !is_it {
                    return false;
                }
                lines.line = at;
                self.close(frame.section, lines, &None);
                frames.pop();
            }
            _ => return false,
        }
        true
    }

    /// What a glance at a line shows, in the text that variables make of it, which becomes that of the entry; `None` where
    /// it does not show enough.
    fn glance_at(&mut self, document: &Document, at: usize, entry: &mut Entry) -> Option<Glance> {
        let line = document.lines()[at];
        if line.refers() {
            let (text, glance) = self.substitute_plain(document, at)?;
            entry.text = self.c.texts.push(&text, None);
            return Some(glance);
        }
        let shows = !line.is_composed() || line.glance.known().is_some();
        shows.then_some(line.glance)
    }

    /// Opens a conditional that is decided while reading. Those of one text are decided once, until something acts.
    fn store_condition(
        &mut self,
        glance: Glance,
        entry: Entry,
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
    ) -> bool {
        let Some(known) = glance.known() else { return false };
        let name = &known.name.as_bytes()[1..];
        let Some(condition) = Condition::by_name(name) else {
            return false;
        };
        lines.line = entry.line as usize;
        lines.next = lines.line + 1;
        let test = glance.test();
        let decided = test.and_then(|test| lines.decided(test, self.acted));
        let found = decided.unwrap_or_else(|| {
            let document = lines.document.clone();
            let text = document.text(lines.line);
            let rest = split_name(&text).1;
            let before = self.c.problems.len();
            let found = self.decide(condition, Tag { name, rest }, entry.truth, lines);
            // What is wrong with it is told at each of its lines.
            if let Some(test) = test
                && before == self.c.problems.len()
            {
                lines.decide(test, self.acted, found);
            }
            found
        });
        let name = Cow::Borrowed(name);
        self.enter(Decided { name, found }, entry, lines, frames);
        true
    }

    /// What variables make of a line that stays in every respect what it is; `None` where it needs a closer look.
    fn substitute_plain(&mut self, document: &Document, line: usize) -> Option<(Vec<u8>, Glance)> {
        let Line { kind, .. } = document.lines()[line];
        let text = document.text(line);
        let mut open = kind == LineKind::SectionClosing || find_reference(split_name(&text).0).is_some();
        if open {
            return None;
        }
        let substituted = self.c.variables.substitute(&text, |_| open = true);
        let glance = glance::look(kind, trim(&substituted), &mut Tests::default());
        open |= glance.may_act() || glance.test().is_some();
        let plain = kind == LineKind::Directive && !document.lines()[line].is_composed();
        open |= !plain && glance.known().is_none();
        open |= substituted.len() > text.len() + MAX_SUBSTITUTED;
        if open || !self.budget.lengthen(text.len(), substituted.len()) {
            return None;
        }
        Some((substituted.into_owned(), glance))
    }
}
