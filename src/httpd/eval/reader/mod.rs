//! The read phase: walks the main file and what it includes as httpd does, carries out the directives that act
//! while reading, and stores the rest. Judges no stored directive.
//!
//! `lines` says which line is next, `section` keeps what is open, `conditional` decides about conditionals, and `act`,
//! `include` and `macros` carry out what acts at once. `parts` reads where nothing acts on several processors at once.

mod act;
mod budget;
mod conditional;
mod fast;
mod include;
mod lines;
mod macros;
mod section;

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::macros::Macros;
use super::variable::{MAX_SUBSTITUTED, Variables};
use crate::finding::{Finding, Phase};
use crate::httpd::fast::glance::Glance;
use crate::httpd::model::configuration::Configuration;
use crate::httpd::model::entries::Entries;
use crate::httpd::model::entry::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId};
use crate::httpd::model::facts::Facts;
use crate::httpd::model::module::Modules;
use crate::httpd::model::source::Source;
use crate::httpd::model::spot::Spot;
use crate::httpd::model::texts::Texts;
use crate::httpd::model::truth::Truth;
use crate::httpd::text::document::Document;
use crate::httpd::text::word::words;
use budget::{Budget, too_many_lines};
use lines::{Current, Lines};
use section::Tag;

impl Configuration {
    /// Reads the main file (an absolute path of the configuration) and everything it includes.
    ///
    /// # Errors
    /// Only when the main file itself cannot be read; all else becomes a [`Finding`].
    pub fn read(main: &[u8], source: Source, facts: Facts) -> std::io::Result<Configuration> {
        if let Some(opened) = Opened::kept(main, &source) {
            return Ok(read(opened, source, facts));
        }
        let bytes = source.read(main)?;
        if bytes.len() >= u32::MAX as usize {
            return Err(std::io::Error::other("it is larger than 4 GiB"));
        }
        Ok(Configuration::from_bytes(main, bytes, source, facts))
    }

    /// The same with the bytes of the main file (less than 4 GiB), which need not be read again.
    pub fn from_bytes(main: &[u8], bytes: Vec<u8>, source: Source, facts: Facts) -> Configuration {
        if !too_many_lines(&bytes) {
            let opened = Opened::read(main, bytes, &source);
            return read(opened, source, facts);
        }
        let nothing = Opened::read(main, Vec::new(), &source);
        let mut reader = Reader::new(source, facts);
        let file = reader.open(nothing, None, Truth::True);
        let what = "the file has more lines than can be kept";
        reader.stop_at(file, 0, "configuration-too-large", what);
        reader.c
    }
}

fn read(main: Opened, source: Source, facts: Facts) -> Configuration {
    let mut reader = Reader::new(source, facts);
    let file = reader.open(main, None, Truth::True);
    reader.read_file(file, SERVER, Truth::True);
    reader.c
}

struct Reader {
    c: Configuration,
    macros: Macros,
    depth: usize,
    macro_lines: usize,
    budget: Budget,
    stopped: bool,
    /// How often something acted that later lines may hang on.
    acted: usize,
    /// It reads a part in which nothing may act, and stops where something does.
    in_part: bool,
}

/// A file that is there to be read.
struct Opened {
    /// As Apache prints it.
    name: Vec<u8>,
    /// Its path on this machine.
    host: PathBuf,
    /// What is behind all links of that path, where it is known.
    real: Option<Arc<OsStr>>,
    document: Arc<Document>,
}

impl Opened {
    /// One that need not be read from the disk.
    fn kept(name: &[u8], source: &Source) -> Option<Opened> {
        let host = source.host_path(name);
        let document = source.document_at(&host)?;
        let real = source.kept_real_path(&host).cloned();
        Some(Opened {
            name: name.to_vec(),
            host,
            real,
            document,
        })
    }

    /// One of which these are the bytes.
    fn read(name: &[u8], bytes: Vec<u8>, source: &Source) -> Opened {
        Opened {
            name: name.to_vec(),
            host: source.host_path(name),
            real: None,
            document: Arc::new(Document::new(bytes, source.platform)),
        }
    }
}

/// A section that is open in the file being read.
struct Frame {
    section: SectionId,
    /// Name as typed, without `<`.
    name: Cow<'static, [u8]>,
    conditional: bool,
    /// Truth of what is inside.
    truth: Truth,
}

impl Frame {
    /// The section in which a file is read.
    fn around(section: SectionId, truth: Truth) -> Frame {
        Frame {
            section,
            name: Cow::Borrowed(b""),
            conditional: true,
            truth,
        }
    }
}

impl Reader {
    /// One that has read nothing.
    fn new(source: Source, facts: Facts) -> Reader {
        Reader {
            c: Configuration {
                files: Vec::new(),
                entries: Entries::default(),
                sections: vec![Section {
                    parent: SERVER,
                    opening: EntryId::MAX,
                    closing: None,
                    transparent: false,
                    depth: 0,
                    truth: Truth::True,
                }],
                texts: Texts::default(),
                problems: Vec::new(),
                load_modules: Vec::new(),
                modules: Modules::new(&facts),
                variables: Variables::new(&facts),
                server_root: source.initial_root(),
                source,
                facts,
                index: Default::default(),
            },
            macros: Macros::default(),
            depth: 0,
            macro_lines: 0,
            budget: Budget::default(),
            stopped: false,
            acted: 0,
            in_part: false,
        }
    }

    /// Registers a file that is about to be read.
    fn open(&mut self, opened: Opened, from: Option<(FileId, u32)>, truth: Truth) -> FileId {
        let Opened {
            name,
            host,
            real,
            document,
        } = opened;
        let fits = self
            .budget
            .read(&name, document.bytes().len(), document.lines().len());
        self.c.files.push(ReadFile {
            name,
            host,
            real: real.map(OnceLock::from).unwrap_or_default(),
            document,
            included_from: from,
            truth,
        });
        let file = (self.c.files.len() - 1) as FileId;
        if !fits {
            let (at, line) = from.unwrap_or((file, 0));
            let what = "with this file, those of the configuration are too large, or read too often";
            self.stop_at(at, line, "configuration-too-large", what);
        }
        file
    }

    fn read_file(&mut self, file: FileId, section: SectionId, truth: Truth) {
        let document = self.c.files[file as usize].document.clone();
        let mut lines = Lines::of(file, document.clone());
        let mut frames = vec![Frame::around(section, truth)];
        self.read_in_parts(&mut lines, &mut frames);
        if self.stopped {
            return;
        }
        self.read_lines(&mut lines, &mut frames, document.lines().len());
        if self.stopped {
            return;
        }
        if lines.lost {
            self.problem(
                &lines,
                truth,
                Finding {
                    rule: "last-line-dropped",
                    summary:
                        "Apache silently ignores this last line, because the file does not end with a line \
                              feed; add one"
                            .into(),
                    ..ACCEPTED
                },
            );
        }
        // A conditional that holds need not be closed, and what is open inside it neither.
        let outside = frames
            .iter()
            .skip(1)
            .take_while(|frame| !frame.conditional)
            .count();
        for frame in frames[1..=outside].iter().rev() {
            let opening = self.c.entries[self.c.sections[frame.section as usize].opening];
            let place = self.c.place(&opening);
            let name = String::from_utf8_lossy(&frame.name).into_owned();
            self.problem_at(
                opening.file,
                opening.line,
                Finding {
                    rule: "section-not-closed",
                    apache: Some(format!("{place}: <{name}> was not closed.")),
                    summary: format!("`<{name}>` is never closed; add `</{name}>`"),
                    ..REFUSED
                },
                frame.truth,
            );
        }
    }

    /// Reads on up to a line of the file, or to where nothing is to be read any more.
    fn read_lines(&mut self, lines: &mut Lines, frames: &mut Vec<Frame>, end: usize) {
        let document = lines.document.clone();
        loop {
            lines.leave_macros();
            self.store_plain(lines, frames, end);
            if self.stopped {
                return;
            }
            if lines.next >= end && end < document.lines().len() && lines.macros.is_empty() {
                return;
            }
            let Some(current) = lines.next(&document) else {
                return;
            };
            if lines.next == document.lines().len() && self.loses_last(lines, frames) {
                lines.lost = true;
                return;
            }
            self.line(current, lines, frames);
            if self.stopped {
                return;
            }
        }
    }

    fn line(&mut self, current: Current<'_>, lines: &mut Lines, frames: &mut Vec<Frame>) {
        let Current { text, place } = current;
        let Some(frame) = frames.last() else { return };
        if frame.conditional && frames.len() > 1 && closes(&text, &frame.name) {
            self.close(frame.section, lines, &place);
            frames.pop();
            return;
        }
        let (section, truth) = (frame.section, frame.truth);
        let mut undefined = Vec::new();
        let substituted = self.c.variables.substitute(&text, |name: &[u8]| {
            if undefined.len() < MOST_UNDEFINED {
                undefined.push(name.to_vec());
            }
        });
        if !self.budget.lengthen(text.len(), substituted.len())
            || substituted.len() > text.len() + MAX_SUBSTITUTED
        {
            let what = "the values of variables make lines too long";
            return self.stop_at(lines.file, lines.line as u32, "variables-too-long", what);
        }
        for name in undefined {
            self.undefined(&name, truth, lines);
        }
        let mut split = words(&substituted);
        let Some(first) = split.next() else { return };
        let rest = split.rest();
        if first.value.is_empty() {
            self.problem(
                lines,
                truth,
                Finding {
                    rule: "ignored-line",
                    summary: "the line starts with an empty word, so Apache ignores all of it".into(),
                    ..ACCEPTED
                },
            );
            return;
        }
        let name = without_bracket(&first.value);
        // A text of its own is needed only where it differs from what stands in the file.
        let is_own = place.is_some() || lines.lost || matches!(substituted, Cow::Owned(_));
        let (text, glance) = match is_own {
            true => (self.c.texts.push(&substituted, place.as_ref()), Glance::NOTHING),
            false => (0, lines.document.lines()[lines.line].glance),
        };
        let entry = Entry {
            file: lines.file,
            line: lines.line as u32,
            section,
            text,
            truth,
            opens: false,
            glance,
        };
        match name {
            [b'<', b'/', ..] => self.closing(name, lines, frames, &place),
            [b'<', name @ ..] => self.opening(Tag { name, rest }, entry, lines, frames),
            _ => {
                self.c.entries.push(entry);
                self.act(name, rest, entry, lines);
            }
        }
    }

    fn undefined(&mut self, name: &[u8], truth: Truth, lines: &Lines) {
        let name = String::from_utf8_lossy(name);
        self.problem(
            lines,
            truth,
            Finding {
                rule: "undefined-variable",
                apache: Some(format!("AH00111: Config variable ${{{name}}} is not defined")),
                summary: format!(
                    "`${{{name}}}` is not defined here and stays unchanged; put `Define {name}` before this line"
                ),
                ..ACCEPTED
            },
        );
    }

    fn problem(&mut self, lines: &Lines, truth: Truth, problem: Finding<Spot>) {
        let macro_place = lines.macros.last().map(|expansion| MacroPlace {
            name: expansion.place.clone(),
            line: expansion
                .body
                .get(expansion.next.saturating_sub(1))
                .map_or(0, |(line, _)| *line),
        });
        let problem = Finding {
            place: Spot {
                macro_place,
                ..problem.place
            },
            ..problem
        };
        self.problem_at(lines.file, lines.line as u32, problem, truth);
    }

    fn problem_at(&mut self, file: FileId, line: u32, problem: Finding<Spot>, truth: Truth) {
        self.c.problems.push(Finding {
            place: Spot {
                file,
                line,
                ..problem.place
            },
            uncertain: truth == Truth::Unknown,
            ..problem
        });
    }
}

/// The innermost section of those that a wrong closing tag may mean; which one is ours to guess, as Apache stops there.
fn nearest<T>(open: &[T], is_meant: impl Fn(&T) -> bool) -> Option<usize> {
    const FAR: usize = 100;
    let from = open.len().saturating_sub(FAR);
    open[from..].iter().rposition(is_meant).map(|at| from + at)
}

/// Names of one line that are told.
const MOST_UNDEFINED: usize = 100;

const REFUSED: Finding<Spot> = Finding::refused(Phase::Reading);
const ACCEPTED: Finding<Spot> = Finding::accepted(Phase::Reading);

/// Is the line exactly `</name>`? That, and nothing else, closes a conditional that holds.
fn closes(text: &[u8], name: &[u8]) -> bool {
    text.len() == name.len() + 3
        && text.starts_with(b"</")
        && text.ends_with(b">")
        && text[2..text.len() - 1].eq_ignore_ascii_case(name)
}

/// The first word less one `>` at its end, as Apache has it for everything but closing tags.
fn without_bracket(name: &[u8]) -> &[u8] {
    match name {
        [_, b'/', ..] => name,
        [rest @ .., b'>'] => rest,
        _ => name,
    }
}
