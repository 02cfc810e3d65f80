//! The read phase: walks the main file and what it includes as httpd does, carries out the directives that act
//! while reading, and stores the rest. Judges no stored directive.

use std::borrow::Cow;
use std::sync::Arc;

use super::buffer::Buffer;
use super::condition::{Condition, Test, if_version};
use super::configuration::{Entry, EntryId, FileId, MacroPlace, ReadFile, SERVER, Section, SectionId, Text};
use super::line::{LineKind, add_physical, is_space, trim};
use super::macros::{Macro, Macros, check_signature, signature};
use super::module::{LoadModule, Modules};
use super::problem::{Phase, Problem, Severity, escape};
use super::source::Kind;
use super::word::words;
use super::{Configuration, Document, Facts, Source, Truth, Variables, include, known, macros, path};

/// Files nested deeper than this are a recursion, to Apache and to us.
const MAX_DEPTH: usize = 128;
/// Files read in all. Apache has no such limit and would run out of time.
const MAX_FILES: usize = 200_000;
/// Lines out of macros in all; nested macros that double at each level would never end.
const MAX_MACRO_LINES: usize = 300_000;

/// See [`Configuration::read`].
pub(super) fn read(main: &[u8], bytes: Vec<u8>, source: Source, facts: Facts) -> Configuration {
    let server_root = source.initial_root();
    let configuration = Configuration {
        files: Vec::new(),
        entries: Vec::new(),
        sections: vec![Section {
            parent: SERVER,
            opening: EntryId::MAX,
            closing: None,
            transparent: false,
            truth: Truth::True,
        }],
        texts: Vec::new(),
        problems: Vec::new(),
        load_modules: Vec::new(),
        modules: Modules::new(&facts),
        variables: Variables::new(&facts.flags, &facts.environment),
        server_root,
        source,
        facts,
        index: Default::default(),
    };
    let mut reader = Reader {
        c: configuration,
        macros: Macros::default(),
        depth: 0,
        macro_lines: 0,
        stopped: false,
    };
    let file = reader.open(main, bytes, None, Truth::True);
    reader.read_file(file, SERVER, Truth::True);
    reader.c
}

struct Reader {
    c: Configuration,
    macros: Macros,
    depth: usize,
    macro_lines: usize,
    stopped: bool,
}

/// A section that is open in the file being read.
struct Frame {
    section: SectionId,
    /// Name as typed, without `<`.
    name: Vec<u8>,
    conditional: bool,
    /// Truth of what is inside.
    truth: Truth,
}

/// Where the next line comes from: the file, or macros in use, innermost last.
struct Lines {
    file: FileId,
    document: Arc<Document>,
    next: usize,
    /// The line of the file that is being read, also while a macro is expanded at it.
    line: usize,
    macros: Vec<Expansion>,
    /// The line at which the file is read on after a macro.
    resumed: Option<usize>,
    /// The last line was lost.
    lost: bool,
}

struct Expansion {
    name: Vec<u8>,
    place: Arc<str>,
    body: Vec<(u32, Vec<u8>)>,
    next: usize,
}

/// A line to work on.
struct Current<'a> {
    text: Cow<'a, [u8]>,
    place: Option<MacroPlace>,
}

impl Lines {
    /// The next line that is not blank or a comment.
    fn next<'a>(&mut self, document: &'a Document) -> Option<Current<'a>> {
        while let Some(expansion) = self.macros.last_mut() {
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
            let Some(line) = number else {
                self.macros.pop();
                self.resumed = Some(self.next);
                continue;
            };
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
                    text: line.text(document.bytes()),
                    place: None,
                });
            }
        }
    }
}

impl Reader {
    /// Registers a file that is about to be read.
    fn open(&mut self, name: &[u8], bytes: Vec<u8>, from: Option<(FileId, u32)>, truth: Truth) -> FileId {
        let document = Arc::new(Document::new(bytes, self.c.facts.platform));
        let host = self.c.source.host_path(name);
        self.c.files.push(ReadFile {
            name: name.to_vec(),
            host,
            document,
            included_from: from,
            truth,
        });
        (self.c.files.len() - 1) as FileId
    }

    fn read_file(&mut self, file: FileId, section: SectionId, truth: Truth) {
        let document = self.c.files[file as usize].document.clone();
        let mut lines = Lines {
            file,
            document: document.clone(),
            next: 0,
            line: 0,
            macros: Vec::new(),
            resumed: None,
            lost: false,
        };
        let mut frames = vec![Frame {
            section,
            name: Vec::new(),
            conditional: true,
            truth,
        }];
        loop {
            self.store_plain(&document, &mut lines, &frames);
            let Some(current) = lines.next(&document) else {
                break;
            };
            if lines.next == document.lines().len() && self.loses_last(&lines, &frames) {
                lines.lost = true;
                break;
            }
            self.line(current, &mut lines, &mut frames);
            if self.stopped {
                return;
            }
        }
        if lines.lost {
            self.problem(
                &lines,
                truth,
                Problem {
                    code: "last-line-dropped",
                    severity: Severity::Warning,
                    message: "Apache drops this last line without a word, as the file does not end in a line feed; \
                              end the file with one"
                        .into(),
                    ..EMPTY_PROBLEM
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
            let opening = self.c.entries[self.c.sections[frame.section as usize].opening as usize];
            let place = self.c.place(&opening);
            let name = String::from_utf8_lossy(&frame.name).into_owned();
            self.problem_at(
                opening.file,
                opening.line,
                Problem {
                    code: "section-not-closed",
                    apache: Some(format!("{place}: <{name}> was not closed.")),
                    message: format!("`<{name}>` is never closed; add `</{name}>`"),
                    ..EMPTY_PROBLEM
                },
                frame.truth,
            );
        }
    }

    /// Stores the directives that stand next in the file and can do nothing while reading: most lines of most files.
    fn store_plain(&mut self, document: &Document, lines: &mut Lines, frames: &[Frame]) {
        let Some(frame) = frames.last().filter(|_| lines.macros.is_empty()) else {
            return;
        };
        let source = document.bytes();
        // A last line without an end may be lost, and is looked at by itself.
        let whole = document.lines().len() - usize::from(!source.ends_with(b"\n") && !source.is_empty());
        for (at, line) in document.lines().iter().enumerate().take(whole).skip(lines.next) {
            match line.kind {
                LineKind::Blank | LineKind::Comment => {}
                LineKind::Directive if !line.composed => {
                    let bytes = &source[line.span()];
                    if may_act(bytes)
                        || (document.has_references() && memchr::memmem::find(bytes, b"${").is_some())
                    {
                        return;
                    }
                    self.c.entries.push(Entry {
                        file: lines.file,
                        line: at as u32,
                        section: frame.section,
                        text: 0,
                        truth: frame.truth,
                        opens: false,
                    });
                }
                _ => return,
            }
            lines.line = at;
            lines.next = at + 1;
        }
    }

    /// Does Apache lose the line that was just taken, the last of its file? Only a line without an end can be lost.
    fn loses_last(&self, lines: &Lines, frames: &[Frame]) -> bool {
        let document = &lines.document;
        let Some(last) = document.lines().last() else {
            return false;
        };
        let complete = document.bytes().ends_with(b"\n") && !last.dangles(document.bytes());
        if complete || !lines.macros.is_empty() {
            return false;
        }
        // The lines that went through the buffer in use: those of the innermost conditional, less those of
        // conditionals in it.
        let opening =
            |section: SectionId| &self.c.entries[self.c.sections[section as usize].opening as usize];
        let innermost = frames.iter().skip(1).rev().find(|frame| frame.conditional);
        let start = innermost.map_or(0, |frame| opening(frame.section).line as usize + 1);
        let mut own = vec![true; document.lines().len()];
        for section in self
            .c
            .sections
            .iter()
            .skip(1)
            .filter(|section| section.transparent)
        {
            let opened = &self.c.entries[section.opening as usize];
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
        let substituted = self
            .c
            .variables
            .substitute(&text, |name| undefined.push(name.to_vec()));
        for name in undefined {
            let name = String::from_utf8_lossy(&name).into_owned();
            self.problem(lines, truth, Problem {
                code: "undefined-variable",
                severity: Severity::Warning,
                apache: Some(format!("AH00111: Config variable ${{{name}}} is not defined")),
                message: format!("`${{{name}}}` is not defined here and stays as it is; `Define {name}` before this line"),
                ..EMPTY_PROBLEM
            });
        }
        let mut split = words(&substituted);
        let Some(first) = split.next() else { return };
        let rest = split.rest();
        if first.value.is_empty() {
            self.problem(
                lines,
                truth,
                Problem {
                    code: "ignored-line",
                    severity: Severity::Warning,
                    message: "the line starts with an empty word, and Apache ignores all of it".into(),
                    ..EMPTY_PROBLEM
                },
            );
            return;
        }
        let name = without_bracket(&first.value);
        // A text of its own is needed only where it differs from what stands in the file.
        let text_id = if place.is_some() || lines.lost || matches!(substituted, Cow::Owned(_)) {
            self.c.texts.push(Text {
                bytes: substituted.to_vec(),
                place: place.clone(),
            });
            self.c.texts.len() as u32
        } else {
            0
        };
        let entry = Entry {
            file: lines.file,
            line: lines.line as u32,
            section,
            text: text_id,
            truth,
            opens: false,
        };
        match name {
            [b'<', b'/', ..] => self.closing(name, lines, frames, &place),
            [b'<', section_name @ ..] => self.opening(section_name, rest, entry, lines, frames),
            _ => {
                self.c.entries.push(entry);
                self.act(name, rest, entry, lines);
            }
        }
    }

    /// A closing line of an ordinary section.
    fn closing(
        &mut self,
        name: &[u8],
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
        place: &Option<MacroPlace>,
    ) {
        let truth = frames.last().map_or(Truth::True, |frame| frame.truth);
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let Some(closed) = name.strip_suffix(b">") else {
            // A conditional that holds is closed by its exact tag only, and this is none.
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
                Problem {
                    code: "closing-tag",
                    apache: Some(apache),
                    message: format!("`{}` lacks its closing `>`", show(name)),
                    ..EMPTY_PROBLEM
                },
            );
        };
        let closed = &closed[2..];
        match frames.last() {
            Some(frame) if frame.conditional => {
                let problem = Problem {
                    code: "closing-without-opening",
                    apache: Some(format!(
                        "{} without matching <{} section",
                        show(name),
                        show(&name[2..])
                    )),
                    message: format!("`{}` closes nothing that is open here", show(name)),
                    ..EMPTY_PROBLEM
                };
                // `</IfModule> # text` is meant to close what it does not close.
                if frames.len() > 1 && frame.name.eq_ignore_ascii_case(closed) {
                    self.pop(frames, lines, place);
                }
                self.problem(lines, truth, problem);
            }
            Some(frame) if frame.name.eq_ignore_ascii_case(closed) => self.pop(frames, lines, place),
            Some(frame) => {
                let problem = Problem {
                    code: "closing-mismatch",
                    apache: Some(format!(
                        "Expected </{}> but saw {}",
                        show(&frame.name),
                        show(name)
                    )),
                    message: format!("`<{}>` is open here and must be closed first", show(&frame.name)),
                    ..EMPTY_PROBLEM
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

    fn pop(&mut self, frames: &mut Vec<Frame>, lines: &Lines, place: &Option<MacroPlace>) {
        if frames.len() > 1
            && let Some(frame) = frames.pop()
        {
            self.close(frame.section, lines, place);
        }
    }

    /// Notes the closing line, if it stands in the same file as the opening and not in a macro.
    fn close(&mut self, section: SectionId, lines: &Lines, place: &Option<MacroPlace>) {
        let opening = self.c.entries[self.c.sections[section as usize].opening as usize];
        if place.is_none() && self.c.macro_place(&opening).is_none() && opening.file == lines.file {
            self.c.sections[section as usize].closing = Some(lines.line as u32);
        }
    }

    fn opening(
        &mut self,
        name: &[u8],
        rest: &[u8],
        entry: Entry,
        lines: &mut Lines,
        frames: &mut Vec<Frame>,
    ) {
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
            let section = self.open_section(entry, true);
            let truth = self.decide(condition, name, rest, entry.truth, lines);
            let truth = entry.truth.and(truth);
            self.c.sections[section as usize].truth = truth;
            match truth {
                Truth::False => self.skim(name, section, lines),
                truth => frames.push(Frame {
                    section,
                    name: name.to_vec(),
                    conditional: true,
                    truth,
                }),
            }
            return;
        }
        if name.eq_ignore_ascii_case(b"Macro") && self.c.modules.has(b"macro_module") != Truth::False {
            return self.define_macro(rest, entry, lines);
        }
        let section = self.open_section(entry, false);
        if self.has_raw_body(name) {
            return self.skip_raw_body(name, section, lines);
        }
        frames.push(Frame {
            section,
            name: name.to_vec(),
            conditional: false,
            truth: entry.truth,
        });
    }

    fn open_section(&mut self, mut entry: Entry, transparent: bool) -> SectionId {
        entry.opens = true;
        let opening = self.c.entries.len() as EntryId;
        self.c.entries.push(entry);
        let truth = entry.truth;
        self.c.sections.push(Section {
            parent: entry.section,
            opening,
            closing: None,
            transparent,
            truth,
        });
        (self.c.sections.len() - 1) as SectionId
    }

    /// Does the condition hold at this moment of reading?
    fn decide(
        &mut self,
        condition: Condition,
        name: &[u8],
        rest: &[u8],
        truth: Truth,
        lines: &Lines,
    ) -> Truth {
        let show = String::from_utf8_lossy(name).into_owned();
        if condition == Condition::Version {
            // A tag without an argument has its bracket in the name.
            let rest = if rest.is_empty() { b">" } else { rest };
            return if_version(rest, self.c.facts.version).unwrap_or_else(|message| {
                self.problem(
                    lines,
                    truth,
                    Problem {
                        code: "version-test",
                        message: format!("`<{show}>` cannot be decided: {message}"),
                        apache: Some(message),
                        ..EMPTY_PROBLEM
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
                Problem {
                    code: "opening-tag",
                    apache: Some(format!("<{show}> directive missing closing '>'")),
                    message: format!("`<{show}` lacks its closing `>`"),
                    ..EMPTY_PROBLEM
                },
            );
            return Truth::Unknown;
        };
        let argument = &rest[..end];
        let Some(test) = Test::parse(argument, self.c.facts.version) else {
            self.problem(
                lines,
                truth,
                Problem {
                    code: "opening-tag",
                    apache: Some(format!("<{show}> directive requires additional arguments")),
                    message: format!("`<{show}>` needs to say what it asks for"),
                    ..EMPTY_PROBLEM
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
            Condition::Directive => known::is_known(&test.name, &self.c.modules),
            Condition::Section => known::is_known(&[b"<", test.name.as_slice()].concat(), &self.c.modules),
            Condition::Version => Truth::Unknown,
        };
        if test.negated { !found } else { found }
    }

    /// The body of a conditional that does not hold: only the tags count, and nothing acts.
    fn skim(&mut self, name: &[u8], section: SectionId, lines: &mut Lines) {
        let document = lines.document.clone();
        let opening = lines.line;
        let mut open: Vec<(Vec<u8>, SectionId)> = vec![(name.to_vec(), section)];
        while let Some(Current { text, place }) = lines.next(&document) {
            let mut split = words(&text);
            let Some(first) = split.next() else {
                continue;
            };
            let Some((innermost, section)) = open.last() else {
                return;
            };
            let text_id = match place {
                Some(_) => {
                    self.c.texts.push(Text {
                        bytes: text.to_vec(),
                        place: place.clone(),
                    });
                    self.c.texts.len() as u32
                }
                None => 0,
            };
            let entry = Entry {
                file: lines.file,
                line: lines.line as u32,
                section: *section,
                text: text_id,
                truth: Truth::False,
                opens: false,
            };
            match &*first.value {
                [b'<', b'/', closed @ ..] => {
                    let closed = &closed[..closed.len().saturating_sub(1)];
                    let matching = nearest(&open, |(name, _)| name.eq_ignore_ascii_case(closed));
                    if matching != Some(open.len() - 1) {
                        let message = format!(
                            "Expected </{}> but saw </{}>",
                            String::from_utf8_lossy(innermost),
                            String::from_utf8_lossy(closed)
                        );
                        self.problem_at(
                            lines.file,
                            opening as u32,
                            Problem {
                                code: "closing-mismatch",
                                message: format!("inside the false section that starts here: {message}"),
                                apache: Some(message),
                                ..EMPTY_PROBLEM
                            },
                            Truth::True,
                        );
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
            self.problem_at(
                lines.file,
                opening as u32,
                Problem {
                    code: "section-not-closed",
                    message: format!("the section that starts here is false and must be closed: {message}"),
                    apache: Some(message),
                    ..EMPTY_PROBLEM
                },
                Truth::True,
            );
        }
    }

    /// Sections whose bodies are another language's: mod_lua's and mod_perl's.
    fn has_raw_body(&self, name: &[u8]) -> bool {
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

    fn skip_raw_body(&mut self, name: &[u8], section: SectionId, lines: &mut Lines) {
        let document = lines.document.clone();
        let opening = lines.line;
        while let Some(Current { text, place }) = lines.next(&document) {
            if closes(&text, name) {
                return self.close(section, lines, &place);
            }
        }
        self.unclosed_body(name, opening, lines);
    }

    fn unclosed_body(&mut self, name: &[u8], opening: usize, lines: &Lines) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.problem_at(
            lines.file,
            opening as u32,
            Problem {
                code: "section-not-closed",
                apache: Some(format!("expected token not found: </{name}>")),
                message: format!("`<{name}>` is never closed; add `</{name}>`"),
                ..EMPTY_PROBLEM
            },
            Truth::True,
        );
    }

    fn define_macro(&mut self, rest: &[u8], entry: Entry, lines: &mut Lines) {
        let section = self.open_section(entry, true);
        // What stands in the body is not read here, only where the macro is used.
        self.c.sections[section as usize].truth = Truth::False;
        let end = rest.iter().rposition(|&b| b == b'>');
        if end.is_none() && !rest.is_empty() {
            self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "opening-tag",
                    apache: Some("<Macro> directive missing closing '>'".into()),
                    message: "`<Macro` lacks its closing `>`".into(),
                    ..EMPTY_PROBLEM
                },
            );
        }
        let (name, parameters) = signature(&rest[..end.unwrap_or(rest.len())]);
        let place = self.quoted_place(lines);
        if let Some(complaint) = check_signature(&name, &parameters, &place) {
            self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "macro",
                    message: complaint.clone(),
                    apache: Some(complaint),
                    ..EMPTY_PROBLEM
                },
            );
        }
        let document = lines.document.clone();
        let opening = lines.line;
        let mut body = Vec::new();
        let mut depth = 1;
        while let Some(text) = raw_macro_line(lines, &document) {
            let first = words(&text)
                .next()
                .map(|w| w.value.into_owned())
                .unwrap_or_default();
            if first.eq_ignore_ascii_case(b"</Macro>") {
                depth -= 1;
                if depth == 0 {
                    self.close(section, lines, &None);
                    let mut inside = opening + 1..lines.line + 1;
                    if inside.any(|line| too_long_for_a_macro(&document, line)) {
                        self.unclosed_body(b"Macro", opening, lines);
                    }
                    return self.macros.define(Macro {
                        name,
                        parameters,
                        body,
                        place,
                    });
                }
            } else if first.eq_ignore_ascii_case(b"<Macro") {
                depth += 1;
            }
            body.push((body.len() as u32 + 1, text));
        }
        self.unclosed_body(b"Macro", opening, lines);
    }

    /// `(defined on line L of "F")` without its frame.
    fn quoted_place(&self, lines: &Lines) -> String {
        let file = self.c.file(lines.file);
        let number = file.document.lines()[lines.line].last_number(file.document.bytes());
        match lines.macros.last() {
            Some(expansion) => {
                let line = expansion
                    .body
                    .get(expansion.next.saturating_sub(1))
                    .map_or(0, |(line, _)| *line);
                format!("line {line} of \"{}\"", expansion.place)
            }
            None => format!("line {number} of \"{}\"", String::from_utf8_lossy(&file.name)),
        }
    }

    /// Carries out a directive that acts while reading; all others wait for the walk.
    fn act(&mut self, name: &[u8], rest: &[u8], entry: Entry, lines: &mut Lines) {
        if !matches!(
            name.first(),
            Some(b'S' | b's' | b'D' | b'd' | b'U' | b'u' | b'I' | b'i' | b'L' | b'l')
        ) {
            return;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("Define") {
            self.define(rest, entry, lines);
        } else if is("UnDefine") {
            if let Some([name]) = self.take::<1>("UnDefine", rest, entry, lines)
                && self.is_variable_name(&name, entry, lines)
            {
                self.c.variables.undefine(&name, entry.truth);
            }
        } else if is("ServerRoot") {
            self.server_root(rest, entry, lines);
        } else if is("LoadModule") {
            self.load_module(rest, entry, lines);
        } else if is("Include") || is("IncludeOptional") {
            self.include(rest, entry, lines, is("IncludeOptional"));
        } else if is("Use") && self.c.modules.has(b"macro_module") != Truth::False {
            self.use_macro(rest, entry, lines);
        } else if is("UndefMacro") && self.c.modules.has(b"macro_module") != Truth::False {
            let name = words(rest)
                .next()
                .map(|w| w.value.into_owned())
                .unwrap_or_default();
            self.macros.undefine(&name);
        }
    }

    /// Exactly N arguments, none of them empty.
    fn take<const N: usize>(
        &mut self,
        name: &str,
        rest: &[u8],
        entry: Entry,
        lines: &Lines,
    ) -> Option<[Vec<u8>; N]> {
        let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
        let complete = all.iter().all(|word| !word.is_empty());
        let arguments = <[Vec<u8>; N]>::try_from(all).ok().filter(|_| complete);
        if arguments.is_none() {
            let count = ["no", "one argument", "two arguments"]
                .get(N)
                .copied()
                .unwrap_or_default();
            self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "arguments",
                    apache: Some(format!("{name} takes {count}")),
                    message: format!("`{name}` takes {count}"),
                    ..EMPTY_PROBLEM
                },
            );
        }
        arguments
    }

    fn define(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
        let (name, value) = match all.as_slice() {
            [name] if !name.is_empty() => (name, None),
            [name, value] if !name.is_empty() => (name, Some(value.as_slice()).filter(|v| !v.is_empty())),
            _ => {
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "arguments",
                        apache: Some("Define takes 1-2 arguments".into()),
                        message: "`Define` takes a name and perhaps a value; quote a value that holds blanks"
                            .into(),
                        ..EMPTY_PROBLEM
                    },
                );
            }
        };
        if !self.is_variable_name(name, entry, lines) {
            return;
        }
        self.c.variables.define(name, value, entry.truth);
    }

    fn is_variable_name(&mut self, name: &[u8], entry: Entry, lines: &Lines) -> bool {
        let colon = name.contains(&b':');
        if colon {
            self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "variable-name",
                    apache: Some("Variable name must not contain ':'".into()),
                    message: "the name of a variable must not contain a colon".into(),
                    ..EMPTY_PROBLEM
                },
            );
        }
        !colon
    }

    fn server_root(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let Some([root]) = self.take::<1>("ServerRoot", rest, entry, lines) else {
            return;
        };
        let root = path::normalize(&root, self.c.source.platform);
        if !path::is_absolute(&root, self.c.source.platform) {
            return self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "server-root",
                    apache: Some("ServerRoot must be a valid directory".into()),
                    message: "the server root must be an absolute path".into(),
                    ..EMPTY_PROBLEM
                },
            );
        }
        if entry.truth == Truth::True {
            self.c.source.enter_root(&root);
            self.c.server_root = root;
        }
    }

    fn load_module(&mut self, rest: &[u8], entry: Entry, lines: &Lines) {
        let arguments = if entry.truth == Truth::False {
            let all: Vec<Vec<u8>> = words(rest).map(|w| w.value.into_owned()).collect();
            <[Vec<u8>; 2]>::try_from(all).ok()
        } else {
            self.take::<2>("LoadModule", rest, entry, lines)
        };
        let Some([identifier, file]) = arguments else {
            return;
        };
        if entry.truth != Truth::False {
            self.c.modules.load(&identifier, entry.truth);
        }
        let id = (self.c.entries.len() - 1) as EntryId;
        let server_root = self.c.server_root.clone();
        self.c.load_modules.push(LoadModule {
            identifier,
            file,
            truth: entry.truth,
            entry: id,
            server_root,
        });
    }

    fn include(&mut self, rest: &[u8], entry: Entry, lines: &Lines, optional: bool) {
        let name = if optional { "IncludeOptional" } else { "Include" };
        let Some([argument]) = self.take::<1>(name, rest, entry, lines) else {
            return;
        };
        let full = path::resolve(&self.c.server_root, &argument, self.c.source.platform);
        if self.c.source.is_foreign(&full) {
            return self.problem(
                lines,
                entry.truth,
                Problem {
                    code: "include-elsewhere",
                    severity: Severity::Warning,
                    message: format!(
                        "{} is on another machine and was not read",
                        String::from_utf8_lossy(&full)
                    ),
                    ..EMPTY_PROBLEM
                },
            );
        }
        let files = match include::files(&argument, &self.c.server_root, &self.c.source, optional) {
            Ok(files) => files,
            Err(failure) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "include-missing",
                        apache: Some(failure.to_string()),
                        message: failure.to_string(),
                        ..EMPTY_PROBLEM
                    },
                );
            }
        };
        for file in files {
            if self.depth >= MAX_DEPTH || self.c.files.len() >= MAX_FILES {
                self.stopped = true;
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "include-depth",
                        apache: Some(
                            "Exceeded maximum include depth of 128, There appears to be a recursion.".into(),
                        ),
                        message: "files include each other without end; nothing after this line was read"
                            .into(),
                        ..EMPTY_PROBLEM
                    },
                );
            }
            self.include_file(&file, entry, lines);
            if self.stopped {
                return;
            }
        }
    }

    fn include_file(&mut self, file: &[u8], entry: Entry, lines: &Lines) {
        let show = String::from_utf8_lossy(file).into_owned();
        let read = match self.c.source.kind(file) {
            Kind::Other => Err("it is not a regular file".to_string()),
            _ => self.c.source.read(file).map_err(|error| error.to_string()),
        };
        let bytes = match read {
            Ok(bytes) if bytes.len() < u32::MAX as usize => bytes,
            Ok(_) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "include-unreadable",
                        message: format!("{show} is larger than 4 GiB and was not read"),
                        ..EMPTY_PROBLEM
                    },
                );
            }
            Err(error) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "include-unreadable",
                        apache: Some(format!("Could not open configuration file {}: ", escape(file))),
                        message: format!("{show} cannot be read: {error}"),
                        ..EMPTY_PROBLEM
                    },
                );
            }
        };
        let id = self.open(file, bytes, Some((lines.file, lines.line as u32)), entry.truth);
        self.depth += 1;
        self.read_file(id, entry.section, entry.truth);
        self.depth -= 1;
    }

    fn use_macro(&mut self, rest: &[u8], entry: Entry, lines: &mut Lines) {
        let mut all = words(rest).map(|w| w.value.into_owned());
        let name = all.next().unwrap_or_default();
        let values: Vec<Vec<u8>> = all.collect();
        let show = String::from_utf8_lossy(&name).into_owned();
        let fail = |reader: &mut Self, apache: String| {
            reader.problem(
                lines,
                entry.truth,
                Problem {
                    code: "macro",
                    message: apache.clone(),
                    apache: Some(apache),
                    ..EMPTY_PROBLEM
                },
            );
        };
        let Some(definition) = self.macros.get(&name) else {
            let apache = match self.macros.is_empty() {
                true => "no macro defined before Use".to_string(),
                false => format!("macro '{}' undefined", show.to_ascii_lowercase()),
            };
            return fail(self, apache);
        };
        if values.len() != definition.parameters.len() {
            let apache = format!(
                "macro '{}' (defined on {}) used with {} arguments instead of {}",
                String::from_utf8_lossy(&definition.name.to_ascii_lowercase()),
                definition.place,
                values.len(),
                definition.parameters.len()
            );
            return fail(self, apache);
        }
        if lines
            .macros
            .iter()
            .any(|expansion| expansion.name.eq_ignore_ascii_case(&name))
        {
            return fail(
                self,
                format!(
                    "recursive use of macro '{}' is invalid",
                    show.to_ascii_lowercase()
                ),
            );
        }
        let body = match definition.expand(&values) {
            Ok(body) => body,
            Err(number) => {
                let known = format!(
                    "macro '{}' (defined on {})",
                    show.to_ascii_lowercase(),
                    definition.place
                );
                let used = format!("{known} used on {}", self.quoted_place(lines));
                return fail(
                    self,
                    format!(
                        "{used} error while substituting: while processing line {number} of {known} cannot \
                         substitute, buffer size too small"
                    ),
                );
            }
        };
        self.macro_lines += body.len();
        if self.macro_lines > MAX_MACRO_LINES {
            self.stopped = true;
            return fail(
                self,
                format!("macro '{show}' expands to too many lines; nothing after this was read"),
            );
        }
        let place: Arc<str> = format!(
            "macro '{}' (defined on {}) used on {}",
            String::from_utf8_lossy(&definition.name.to_ascii_lowercase()),
            definition.place,
            self.quoted_place(lines)
        )
        .into();
        lines.macros.push(Expansion {
            name,
            place,
            body,
            next: 0,
        });
    }

    fn problem(&mut self, lines: &Lines, truth: Truth, problem: Problem) {
        let macro_place = lines.macros.last().map(|expansion| MacroPlace {
            name: expansion.place.clone(),
            line: expansion
                .body
                .get(expansion.next.saturating_sub(1))
                .map_or(0, |(line, _)| *line),
        });
        let problem = Problem {
            macro_place,
            ..problem
        };
        self.problem_at(lines.file, lines.line as u32, problem, truth);
    }

    fn problem_at(&mut self, file: FileId, line: u32, problem: Problem, truth: Truth) {
        self.c.problems.push(Problem {
            file,
            line,
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

const EMPTY_PROBLEM: Problem = Problem::new(Phase::Reading);

/// Could the line begin with a directive that acts while reading, or with a quoted or escaped word that needs a closer
/// look? Errs on the side of yes.
fn may_act(line: &[u8]) -> bool {
    let Some(start) = line.iter().position(|&b| !is_space(b)) else {
        return true;
    };
    let Some(head) = line.get(start..start + 3) else {
        return true;
    };
    match [head[0] | 0x20, head[1] | 0x20, head[2] | 0x20] {
        // ServerRoot, but not ServerName and ServerAlias
        [b's', b'e', b'r'] => line
            .get(start + 6)
            .is_none_or(|b| matches!(b, b'r' | b'R' | b'\\')),
        [b'd', b'e', b'f']
        | [b'u', b'n', b'd']
        | [b'u', b's', b'e']
        | [b'i', b'n', b'c']
        | [b'l', b'o', b'a'] => true,
        [first, second, third] => {
            !(first.is_ascii_lowercase() && second.is_ascii_lowercase() && third.is_ascii_lowercase())
        }
    }
}

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

/// Does mod_macro stop at the line, which does not fit into its buffer, and miss the end of the macro?
fn too_long_for_a_macro(document: &Document, line: usize) -> bool {
    let raw = document.raw(line);
    // The line end and the NUL take a byte each.
    let length = match document.lines()[line].composed {
        true => document.text(line).len(),
        false => raw.strip_suffix(b"\n").unwrap_or(raw).len(),
    };
    length > macros::BUFFER - 2
}

/// The next line of a macro body, blank lines included, comments left out.
fn raw_macro_line(lines: &mut Lines, document: &Document) -> Option<Vec<u8>> {
    if !lines.macros.is_empty() {
        return lines.next(document).map(|current| current.text.into_owned());
    }
    loop {
        let line = document.lines().get(lines.next)?;
        lines.line = lines.next;
        lines.next += 1;
        if line.kind != LineKind::Comment {
            return Some(line.text(document.bytes()).into_owned());
        }
    }
}
