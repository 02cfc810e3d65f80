//! Opening and closing tags, and bodies that are another language's. Decides no condition.

use std::borrow::Cow;

use super::lines::{Current, Lines};
use super::{Frame, REFUSED, Reader, closes, nearest};
use crate::finding::Finding;
use crate::httpd::eval::condition::Condition;
use crate::httpd::model::entry::{Entry, EntryId, MacroPlace, Section, SectionId};
use crate::httpd::model::truth::Truth;

/// An opening tag: its name without `<`, and what follows.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a> {
    pub name: &'a [u8],
    pub rest: &'a [u8],
}

/// A conditional, and whether it was found to hold.
pub(super) struct Decided {
    pub name: Cow<'static, [u8]>,
    pub found: Truth,
}

impl Reader {
    pub(super) fn opening(&mut self, tag: Tag, entry: Entry, lines: &mut Lines, frames: &mut Vec<Frame>) {
        let Tag { name, rest } = tag;
        // One that Apache does not know, or not yet, is a section like any other here, and refused when it is walked.
        let condition = Condition::by_name(name).filter(|condition| match condition {
            Condition::Version => {
                !self.c.facts.built_in_is_certain || self.c.modules.has(b"version_module") != Truth::False
            }
            Condition::File | Condition::Directive | Condition::Section => {
                self.c.facts.version.at_least(34) != Some(false)
            }
            Condition::Module | Condition::Define => true,
        });
        if let Some(condition) = condition {
            let found = self.decide(condition, tag, entry.truth, lines);
            let name = match condition.name() {
                same if same == name => Cow::Borrowed(same),
                _ => Cow::Owned(name.to_vec()),
            };
            return self.enter(Decided { name, found }, entry, lines, frames);
        }
        if name.eq_ignore_ascii_case(b"Macro") && self.c.modules.has(b"macro_module") != Truth::False {
            self.acted += 1;
            self.stopped |= self.in_part;
            if !self.in_part {
                self.define_macro(rest, entry, lines);
            }
            return;
        }
        let section = self.open_section(entry, false);
        if self.has_raw_body(name) {
            return self.skip_raw_body(name, section, lines);
        }
        frames.push(Frame {
            section,
            name: Cow::Owned(name.to_vec()),
            conditional: false,
            truth: entry.truth,
        });
    }

    /// Opens a conditional that was decided.
    pub(super) fn enter(
        &mut self,
        Decided { name, found }: Decided,
        entry: Entry,
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
    ) {
        let section = self.open_section(entry, true);
        let truth = entry.truth.and(found);
        self.c.sections[section as usize].truth = truth;
        match truth {
            Truth::False => self.skim(&name, section, lines),
            truth => frames.push(Frame {
                section,
                name,
                conditional: true,
                truth,
            }),
        }
    }

    pub(super) fn open_section(&mut self, mut entry: Entry, transparent: bool) -> SectionId {
        entry.opens = true;
        let depth = self.depth_in(entry);
        let opening = self.c.entries.len() as EntryId;
        self.c.entries.push(entry);
        let truth = entry.truth;
        self.c.sections.push(Section {
            parent: entry.section,
            opening,
            closing: None,
            transparent,
            depth,
            truth,
        });
        (self.c.sections.len() - 1) as SectionId
    }

    /// A closing line of an ordinary section.
    pub(super) fn closing(
        &mut self,
        name: &[u8],
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
        place: &Option<MacroPlace>,
    ) {
        let truth = frames.last().map_or(Truth::True, |frame| frame.truth);
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Some(closed) = name.strip_suffix(b">") else {
            // A conditional that holds is closed by its exact line only (`ap_build_cont_config` compares all of it), and this
            // is none; text behind the tag is harmless behind every other section.
            let apache = if frames.last().is_some_and(|frame| frame.conditional) {
                format!("{} without matching <{} section", show(name), show(&name[2..]))
            } else {
                format!("{}> directive missing closing '>'", show(name))
            };
            // The tag still says which section is meant.
            if frames
                .last()
                .is_some_and(|frame| !frame.conditional && frame.name.eq_ignore_ascii_case(&name[2..]))
            {
                self.pop(frames, lines, place);
            }
            return self.problem(
                lines,
                truth,
                Finding {
                    rule: "closing-tag",
                    apache: Some(apache),
                    summary: format!("`{}` lacks its closing `>`", show(name)),
                    ..REFUSED
                },
            );
        };
        let closed = &closed[2..];
        match frames.last() {
            Some(frame) if frame.conditional => {
                let problem = Finding {
                    rule: "closing-without-opening",
                    apache: Some(format!(
                        "{} without matching <{} section",
                        show(name),
                        show(&name[2..])
                    )),
                    summary: format!("`{}` closes nothing: no such section is open here", show(name)),
                    ..REFUSED
                };
                // `</IfModule> # text` is meant to close what it does not close.
                if frames.len() > 1 && frame.name.eq_ignore_ascii_case(closed) {
                    self.pop(frames, lines, place);
                }
                self.problem(lines, truth, problem);
            }
            Some(frame) if frame.name.eq_ignore_ascii_case(closed) => self.pop(frames, lines, place),
            Some(frame) => {
                let problem = Finding {
                    rule: "closing-mismatch",
                    apache: Some(format!(
                        "Expected </{}> but saw {}",
                        show(&frame.name),
                        show(name)
                    )),
                    summary: format!(
                        "`<{}>` is still open here and must be closed first",
                        show(&frame.name)
                    ),
                    ..REFUSED
                };
                self.problem(lines, truth, problem);
                let open = nearest(frames, |frame| frame.name.eq_ignore_ascii_case(closed));
                if let Some(at) = open.filter(|at| *at > 0) {
                    frames.truncate(at + 1);
                    self.pop(frames, lines, place);
                }
            }
            None => {}
        }
    }

    pub(super) fn pop(&mut self, frames: &mut Vec<Frame>, lines: &Lines, place: &Option<MacroPlace>) {
        if frames.len() > 1
            && let Some(frame) = frames.pop()
        {
            self.close(frame.section, lines, place);
        }
    }

    /// Notes the closing line, if it stands in the same file as the opening and not in a macro.
    pub(super) fn close(&mut self, section: SectionId, lines: &Lines, place: &Option<MacroPlace>) {
        let opening = self.c.entries[self.c.sections[section as usize].opening];
        if place.is_none() && self.c.macro_place(&opening).is_none() && opening.file == lines.file {
            self.c.sections[section as usize].closing = Some(lines.line as u32);
        }
    }

    /// Sections whose bodies are another language's: mod_lua's and mod_perl's.
    pub(super) fn has_raw_body(&self, name: &[u8]) -> bool {
        if !matches!(name.first(), Some(b'p' | b'P' | b'l' | b'L')) {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        let module: &[u8] = match lower.as_slice() {
            b"perl" => b"perl_module",
            b"luaquickhandler" => b"lua_module",
            hook if hook.starts_with(b"luahook") => b"lua_module",
            _ => return false,
        };
        self.c.modules.has(module) != Truth::False
    }

    pub(super) fn skip_raw_body(&mut self, name: &[u8], section: SectionId, lines: &mut Lines) {
        let document = lines.document.clone();
        let opening = lines.line;
        while let Some(Current { text, place }) = lines.next(&document) {
            if closes(&text, name) {
                return self.close(section, lines, &place);
            }
        }
        self.unclosed_body(name, opening, lines);
    }

    pub(super) fn unclosed_body(&mut self, name: &[u8], opening: usize, lines: &Lines) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.problem_at(
            lines.file,
            opening as u32,
            Finding {
                rule: "section-not-closed",
                apache: Some(format!("expected token not found: </{name}>")),
                summary: format!("`<{name}>` is never closed; add `</{name}>`"),
                ..REFUSED
            },
            Truth::True,
        );
    }
}
