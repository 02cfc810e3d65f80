//! Conditionals that Apache decides while it reads, and the bodies of those that do not hold.

use super::lines::{Current, Lines};
use super::section::Tag;
use super::{REFUSED, Reader, nearest, without_bracket};
use crate::finding::Finding;
use crate::httpd::eval::condition::{Condition, Test, if_version};
use crate::httpd::fast::glance::Glance;
use crate::httpd::model::entry::{Entry, MacroPlace, SectionId};
use crate::httpd::model::path;
use crate::httpd::model::source::Kind;
use crate::httpd::model::truth::Truth;
use crate::httpd::text::word::words;

impl Reader {
    /// Does the condition hold at this moment of reading?
    pub(super) fn decide(
        &mut self,
        condition: Condition,
        Tag { name, rest }: Tag,
        truth: Truth,
        lines: &Lines,
    ) -> Truth {
        let show = || String::from_utf8_lossy(name);
        if condition == Condition::Version {
            // A tag without an argument has its bracket in the name.
            let rest = if rest.is_empty() { b">" } else { rest };
            return if_version(rest, self.c.facts.version).unwrap_or_else(|message| {
                self.problem(
                    lines,
                    truth,
                    Finding {
                        rule: "version-test",
                        summary: format!("`<{}>` cannot be decided: {message}", show()),
                        apache: Some(message),
                        ..REFUSED
                    },
                );
                Truth::Unknown
            });
        }
        // Apache itself adds the `>` where nothing stands behind the name.
        let rest = if rest.is_empty() { b">" } else { rest };
        let Some(end) = rest.iter().rposition(|&b| b == b'>') else {
            self.problem(
                lines,
                truth,
                Finding {
                    rule: "opening-tag",
                    apache: Some(format!("<{}> directive missing closing '>'", show())),
                    summary: format!("`<{}` lacks its closing `>`", show()),
                    ..REFUSED
                },
            );
            return Truth::Unknown;
        };
        let argument = &rest[..end];
        let Some(test) = Test::parse(argument, self.c.facts.version) else {
            self.problem(
                lines,
                truth,
                Finding {
                    rule: "opening-tag",
                    apache: Some(format!("<{}> directive requires additional arguments", show())),
                    summary: format!("`<{}>` needs to say what it asks for", show()),
                    ..REFUSED
                },
            );
            return Truth::Unknown;
        };
        let found = match condition {
            Condition::Module => self.c.modules.has(&test.name),
            Condition::Define => self.c.variables.flag(&test.name),
            Condition::File => {
                let full = path::resolve(&self.c.server_root, &test.name, self.c.source.platform);
                if self.c.source.is_foreign(&full) {
                    Truth::Unknown
                } else {
                    Truth::from(self.c.source.kind(&full) != Kind::Missing)
                }
            }
            Condition::Directive => self.c.modules.have_directive(&test.name),
            Condition::Section => self.c.modules.have_directive(&[b"<", &*test.name].concat()),
            Condition::Version => Truth::Unknown,
        };
        if test.negated { !found } else { found }
    }

    /// The body of a conditional that does not hold: only the tags count, and nothing acts.
    pub(super) fn skim(&mut self, name: &[u8], section: SectionId, lines: &mut Lines) {
        let document = lines.document.clone();
        let opening = lines.line;
        let mut open: Vec<(Vec<u8>, SectionId)> = vec![(name.to_vec(), section)];
        while let Some(Current { text, place }) = lines.next(&document) {
            if self.stopped {
                return;
            }
            let mut split = words(&text);
            let Some(first) = split.next() else {
                continue;
            };
            let Some((innermost, section)) = open.last() else {
                return;
            };
            let entry = self.skimmed(&text, &place, *section, lines);
            match &*first.value {
                [b'<', b'/', closed @ ..] => {
                    // `ap_soak_end_container` drops the last byte of the word, whatever it is.
                    let closed = &closed[..closed.len().saturating_sub(1)];
                    let matching = nearest(&open, |(name, _)| name.eq_ignore_ascii_case(closed));
                    if matching != Some(open.len() - 1) {
                        self.skimmed_mismatch(innermost, closed, opening, lines);
                    }
                    if let Some(at) = matching {
                        self.close(open[at].1, lines, &place);
                        open.truncate(at);
                    }
                    if open.is_empty() {
                        return;
                    }
                }
                [b'<', ..] => {
                    // Here, and only here, a tag with text behind it keeps its bracket and cannot be closed.
                    let name = match split.rest() {
                        b"" => without_bracket(&first.value),
                        _ => &first.value,
                    };
                    let name = name[1..].to_vec();
                    let section = self.open_section(entry, Condition::by_name(&name).is_some());
                    open.push((name, section));
                }
                // Unknown names, bad quotes and `${}` are no matter here: nothing else is looked at.
                _ => {
                    self.c.entries.push(entry);
                    let mut split = words(&text);
                    let name = split.next().map(|w| w.value.into_owned()).unwrap_or_default();
                    if name.eq_ignore_ascii_case(b"LoadModule") {
                        self.load_module(split.rest(), entry, lines);
                    }
                }
            }
        }
        if let Some((name, _)) = open.last() {
            let message = format!(
                "Expected </{}> before end of configuration",
                String::from_utf8_lossy(name)
            );
            let problem = Finding {
                rule: "section-not-closed",
                summary: format!("the section that starts here is false and must be closed: {message}"),
                apache: Some(message),
                ..REFUSED
            };
            self.problem_at(lines.file, opening as u32, problem, Truth::True);
        }
    }

    /// A line of such a body.
    fn skimmed(
        &mut self,
        text: &[u8],
        place: &Option<MacroPlace>,
        section: SectionId,
        lines: &Lines,
    ) -> Entry {
        let (text, glance) = match place {
            Some(_) => (self.c.texts.push(text, place.as_ref()), Glance::NOTHING),
            None => (0, lines.document.lines()[lines.line].glance),
        };
        Entry {
            file: lines.file,
            line: lines.line as u32,
            section,
            text,
            truth: Truth::False,
            opens: false,
            glance,
        }
    }

    fn skimmed_mismatch(&mut self, innermost: &[u8], closed: &[u8], opening: usize, lines: &Lines) {
        let message = format!(
            "Expected </{}> but saw </{}>",
            String::from_utf8_lossy(innermost),
            String::from_utf8_lossy(closed)
        );
        let problem = Finding {
            rule: "closing-mismatch",
            summary: format!("inside the false section that starts here: {message}"),
            apache: Some(message),
            ..REFUSED
        };
        self.problem_at(lines.file, opening as u32, problem, Truth::True);
    }
}
