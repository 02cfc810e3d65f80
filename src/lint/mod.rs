//! Judges directives: what Apache checks when it carries out the stored ones, and the silent traps beside it. All of it
//! in one pass over the entries; what is wrong with the reading itself, the reader has found. Does not know what modules
//! make of the values of their directives, mod_ssl's excepted.

mod arity;
mod context;
mod expression;
mod host;
mod listen;
mod parts;
mod reach;
mod section;
mod server;
mod ssl;
mod text;
mod trap;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::{Index, IndexMut, Range};
use std::sync::Arc;

use foldhash::fast::RandomState;

use crate::httpd::word::words;
use crate::httpd::{
    Configuration, Entry, EntryId, Line, Listen, Phase, Platform, Problem, SERVER, SectionId, Severity,
    Truth, escape, glance, known, resolve, source_name,
};
use context::Context;
use host::Hosts;

pub use reach::Reach;
pub use ssl::names_no_protocol;

impl Configuration {
    /// Everything that is wrong: what [`Configuration::problems`] has from reading, what Apache finds when it
    /// carries the directives out or starts, and what it accepts although it probably does not mean what was
    /// intended. In the order of files and lines. Costs a pass over all entries.
    pub fn check(&self) -> Vec<Problem> {
        self.check_in(parts::worthwhile(self), Severity::Warning)
    }

    /// Those of [`Configuration::check`] that are errors. Costs less.
    pub fn errors(&self) -> Vec<Problem> {
        self.check_in(parts::worthwhile(self), Severity::Error)
    }

    fn check_in(&self, most: usize, least: Severity) -> Vec<Problem> {
        let mut walk = Walk::new(self, least);
        text::check(&mut walk);
        let mut walk = parts::carry_out(walk, most);
        walk.guess();
        listen::check(&mut walk);
        server::check(&mut walk);
        host::check(&mut walk);
        let mut problems = walk.problems;
        let reading = self.problems().iter();
        problems.extend(reading.filter(|problem| problem.severity >= least).cloned());
        problems.sort_by_key(|problem| (problem.file, problem.line));
        problems
    }
}

/// What the pass knows at an entry: of the whole, or of a part of it that begins at the server level.
struct Walk<'a> {
    c: &'a Configuration,
    /// Problems that weigh less are not looked for.
    least: Severity,
    problems: Vec<Problem>,
    contexts: Contexts,
    /// The problem, by index, of the first `<Else>` of a part at the server level: it is none if an `<If>` stands in a
    /// part before.
    orphan: Option<usize>,
    /// By module of the table: is it there after the last line?
    modules: Arc<[Truth]>,
    /// A module is loaded that is not in the table.
    foreign: bool,
    listens: Vec<Listen>,
    hosts: Hosts,
    /// The main server has an `ErrorLog`.
    error_log: bool,
    /// By module: where its `LoadModule` is commented out.
    commented: HashMap<&'static str, Option<String>>,
    /// Paths that were looked at and are right, as written: files with something in them, folders, and files whose
    /// folder is there. The same one stands in many virtual hosts.
    right: [HashSet<Vec<u8>, RandomState>; 3],
    /// Problems, by index, that lack their message: with the unknown name that another one may be meant by.
    unknown: Vec<(usize, Vec<u8>)>,
}

/// What the sections of a part allow. The server level is in all of them.
struct Contexts {
    /// The first section that the part opens.
    first: SectionId,
    all: Vec<Context>,
    /// Whether an `<If>` precedes at the server level hangs on nothing before the part.
    settled: bool,
}

impl Contexts {
    /// Before a part that begins with this entry.
    fn before(c: &Configuration, from: EntryId) -> Contexts {
        let before = c.sections()[1..].partition_point(|section| section.opening < from);
        Contexts {
            first: before as SectionId + 1,
            all: vec![Context::server()],
            settled: from == 0,
        }
    }

    /// The section that comes next.
    fn next(&self) -> SectionId {
        self.first + self.all.len() as SectionId - 1
    }

    fn index(&self, section: SectionId) -> usize {
        debug_assert!(
            section == SERVER || section >= self.first,
            "a section of another part"
        );
        section.checked_sub(self.first).map_or(0, |at| at as usize + 1)
    }
}

impl Index<SectionId> for Contexts {
    type Output = Context;

    fn index(&self, section: SectionId) -> &Context {
        &self.all[self.index(section)]
    }
}

impl IndexMut<SectionId> for Contexts {
    fn index_mut(&mut self, section: SectionId) -> &mut Context {
        let at = self.index(section);
        &mut self.all[at]
    }
}

/// What a path must lead to.
#[derive(Clone, Copy)]
enum Path {
    File,
    Folder,
    Log,
}

/// A directive being checked.
struct Directive<'a> {
    id: EntryId,
    entry: Entry,
    /// As httpd spells it.
    name: &'static str,
    rest: &'a [u8],
    context: Context,
}

impl Directive<'_> {
    /// Its arguments, split.
    fn words(&self) -> Vec<Vec<u8>> {
        words(self.rest).map(|word| word.value.into_owned()).collect()
    }

    /// Its first argument, empty if there is none.
    fn first(&self) -> Cow<'_, [u8]> {
        words(self.rest).next().map(|word| word.value).unwrap_or_default()
    }
}

impl<'a> Walk<'a> {
    /// Before the first entry.
    fn new(c: &'a Configuration, least: Severity) -> Self {
        let modules = known::modules().iter();
        let modules = modules.map(|module| c.modules().has(module.as_bytes())).collect();
        Walk::before(c, 0, least, modules, c.modules().has_foreign())
    }

    /// Before a part of the same that begins with this entry.
    fn part(&self, from: EntryId) -> Self {
        Walk::before(self.c, from, self.least, self.modules.clone(), self.foreign)
    }

    fn before(
        c: &'a Configuration,
        from: EntryId,
        least: Severity,
        modules: Arc<[Truth]>,
        foreign: bool,
    ) -> Self {
        Walk {
            c,
            least,
            problems: Vec::new(),
            contexts: Contexts::before(c, from),
            orphan: None,
            modules,
            foreign,
            listens: Vec::new(),
            hosts: Hosts::default(),
            error_log: false,
            commented: HashMap::new(),
            right: Default::default(),
            unknown: Vec::new(),
        }
    }

    /// Is nothing looked for but errors?
    fn errors_only(&self) -> bool {
        self.least == Severity::Error
    }

    fn entries(&mut self, part: Range<EntryId>) {
        let c = self.c;
        for (id, entry) in part.clone().zip(c.entries_from(part.start)) {
            let section = self.contexts.next();
            let opens = entry.opens
                && c.sections()
                    .get(section as usize)
                    .is_some_and(|s| s.opening == id);
            if opens {
                let inner = self.contexts[entry.section];
                self.contexts.all.push(inner);
            }
            let opened = opens.then_some(section);
            if entry.truth != Truth::False && !self.is_plain(id, entry, opened) {
                self.entry(id, *entry, opened);
            }
        }
    }

    /// Is nothing wrong with it, by what a glance at its line has shown? Most entries need no more than that.
    fn is_plain(&mut self, id: EntryId, entry: &Entry, opened: Option<SectionId>) -> bool {
        let Some(known) = self.line(entry).glance.known() else {
            return false;
        };
        let context = self.contexts[entry.section];
        let good = entry.is_as_written()
            && !known.has_checked_values
            && self.modules[known.module as usize] != Truth::False
            && context.allows(known);
        match opened {
            Some(section) if good => {
                let inner = &self.c.sections()[section as usize];
                if inner.transparent {
                    return inner.truth != Truth::True || inner.closing.is_some();
                }
                let good = glance::takes_one_path(known);
                if good {
                    self.contexts[section] = context.enter(known.name, id);
                }
                good
            }
            _ => good,
        }
    }

    fn line(&self, entry: &Entry) -> &'a Line {
        &self.c.files()[entry.file as usize].document.lines()[entry.line as usize]
    }

    fn entry(&mut self, id: EntryId, entry: Entry, opened: Option<SectionId>) {
        let context = self.contexts[entry.section];
        if context.dead {
            return;
        }
        let text = self.c.text(&entry);
        let transparent = opened.is_some_and(|section| self.c.sections()[section as usize].transparent);
        let there = |known: &&known::Known| self.modules[known.module as usize] != Truth::False;
        let glanced = (entry.is_as_written() && !transparent)
            .then(|| self.line(&entry).glance.known().filter(there))
            .flatten();
        let (known, rest) = if let Some(known) = glanced {
            (known, glance::split_name(&text).1)
        } else {
            let mut split = words(&text);
            let Some(first) = split.next() else { return };
            let name = match &*first.value {
                [name @ .., b'>'] => name,
                name => name,
            };
            if transparent {
                return trap::conditional(self, id, entry, opened, name, split.rest());
            }
            let all = known::find(name);
            let Some(known) = all.iter().find(there) else {
                self.kill(opened);
                return self.unknown(entry, name, all);
            };
            (known, split.rest())
        };
        let directive = Directive {
            id,
            entry,
            name: known.name,
            rest,
            context,
        };
        if known.acts_while_reading {
            return trap::while_reading(self, &directive);
        }
        if let Some(section) = opened {
            return section::check(self, &directive, known, section);
        }
        if glanced.is_some() && context.allows(known) || self.is_in_order(&directive, known) {
            self.values(&directive);
        }
    }

    /// Does Apache take the directive at this place with this number of arguments?
    fn is_in_order(&mut self, directive: &Directive<'_>, known: &known::Known) -> bool {
        let Directive { context, rest, .. } = *directive;
        if let Some(apache) = context.refuses(self.c, known, directive) {
            self.refuse(directive, "context", apache, where_it_may_stand(known));
        } else if let Some(wanted) = arity::refuses(known.arity, rest) {
            let message = format!("`{}` {wanted}{}", known.name, arity::hint(known.arity, rest));
            let apache = format!("{} {wanted}", known.name);
            self.refuse(directive, "arguments", apache, message);
        } else if let Some(apache) = context.forbids(self.c, known, directive) {
            self.refuse(directive, "context", apache, where_it_may_stand(known));
        } else {
            trap::arguments(self, directive, known.arity);
            return true;
        }
        false
    }

    /// What httpd itself, or mod_ssl, checks in the values.
    fn values(&mut self, directive: &Directive<'_>) {
        match directive.name {
            "Listen" => listen::directive(self, directive),
            "ServerName" | "ServerAlias" | "NameVirtualHost" => host::directive(self, directive),
            "DocumentRoot" | "ErrorLog" | "CustomLog" | "TransferLog" | "Error" | "Port" => {
                server::directive(self, directive);
            }
            name if name.starts_with("SSL") => ssl::directive(self, directive),
            _ => {}
        }
    }

    /// A name that no module provides which is there.
    fn unknown(&mut self, entry: Entry, name: &[u8], all: &[known::Known]) {
        if all.is_empty() && self.foreign {
            // It may belong to a module that we do not know.
            return;
        }
        let shown = escape(name);
        let message = match all.first() {
            Some(known) => Some(self.provider(known)),
            None => never_a_name(name).map(str::to_string),
        };
        if message.is_none() {
            self.unknown.push((self.problems.len(), name.to_vec()));
        }
        self.report(
            &entry,
            Some(0),
            Problem {
                code: "unknown-directive",
                apache: Some(format!(
                    "Invalid command '{shown}', perhaps misspelled or defined by a module not included in the \
                     server configuration"
                )),
                message: message.unwrap_or_default(),
                ..Problem::new(Phase::Checking)
            },
        );
    }

    /// Who would provide a directive, and what about its `LoadModule`.
    fn provider(&mut self, known: &known::Known) -> String {
        let file = known::module_name(known.module);
        let name = known.name;
        let load = self
            .c
            .load_modules()
            .iter()
            .find(|load| source_name(&load.identifier) == file.as_bytes());
        match load {
            Some(load) => format!(
                "`{name}` belongs to {file}, whose LoadModule at {} is inactive",
                self.c.place(self.c.entry(load.entry))
            ),
            None => match self.commented_load(file) {
                Some(place) => {
                    format!("`{name}` belongs to {file}, whose LoadModule at {place} is commented out")
                }
                None => format!("`{name}` belongs to {file}, which is not loaded"),
            },
        }
    }

    /// Where the `LoadModule` of a module stands in a comment.
    fn commented_load(&mut self, file: &'static str) -> Option<String> {
        if let Some(known) = self.commented.get(file) {
            return known.clone();
        }
        let found = self.find_commented_load(file);
        self.commented.insert(file, found.clone());
        found
    }

    fn find_commented_load(&self, file: &str) -> Option<String> {
        self.c.files().iter().find_map(|read| {
            (0..read.document.lines().len()).find_map(|line| {
                let words = read.document.commented(line)?.words;
                let [name, identifier, _] = words.as_slice() else {
                    return None;
                };
                let same =
                    name.eq_ignore_ascii_case(b"LoadModule") && source_name(identifier) == file.as_bytes();
                same.then(|| {
                    let number = read.document.number(line);
                    format!("{}:{number}", String::from_utf8_lossy(&read.name))
                })
            })
        })
    }

    /// Says which names are like the unknown ones; not for all of thousands, as to look for one is slow.
    fn guess(&mut self) {
        const MOST: usize = 100;
        for (n, (problem, name)) in std::mem::take(&mut self.unknown).into_iter().enumerate() {
            let shown = escape(&name);
            let similar = (n < MOST).then(|| known::similar(&name)).flatten();
            self.problems[problem].message = match similar {
                Some(similar) => format!("there is no directive `{shown}`; `{similar}` may be meant"),
                None => format!("no module of Apache has a directive `{shown}`"),
            };
        }
    }

    /// Nothing inside a section that Apache does not carry out is judged.
    fn kill(&mut self, opened: Option<SectionId>) {
        if let Some(section) = opened {
            self.contexts[section].dead = true;
        }
    }

    /// Apache refuses the directive.
    fn refuse(
        &mut self,
        directive: &Directive<'_>,
        code: &'static str,
        apache: impl Into<String>,
        message: impl Into<String>,
    ) {
        let problem = Problem {
            code,
            apache: Some(apache.into()),
            message: message.into(),
            ..Problem::new(Phase::Checking)
        };
        self.report(&directive.entry, None, problem);
    }

    /// Apache accepts it; we have doubts. `word` counts from the name, which is 0.
    fn warn(&mut self, entry: &Entry, word: Option<usize>, code: &'static str, message: impl Into<String>) {
        let problem = Problem {
            code,
            severity: Severity::Warning,
            message: message.into(),
            ..Problem::new(Phase::Checking)
        };
        self.report(entry, word, problem);
    }

    /// Fills in the place of a problem and keeps it.
    fn report(&mut self, entry: &Entry, word: Option<usize>, problem: Problem) {
        if problem.severity < self.least {
            return;
        }
        let document = &self.c.files()[entry.file as usize].document;
        let plain = entry.is_as_written();
        let span = word.filter(|_| plain).and_then(|word| {
            let spans = document.word_spans(entry.line as usize)?;
            spans.get(word).cloned()
        });
        self.problems.push(Problem {
            file: entry.file,
            line: entry.line,
            span,
            macro_place: self.c.macro_place(entry).cloned(),
            uncertain: problem.uncertain || entry.truth == Truth::Unknown,
            ..problem
        });
    }

    /// Was this path found to be right before?
    fn is_right(&self, what: Path, path: &[u8]) -> bool {
        self.right[what as usize].contains(path)
    }

    /// Is it, as it turned out?
    fn found_right(&mut self, what: Path, path: &[u8]) {
        self.right[what as usize].insert(path.to_vec());
    }

    /// A path as Apache completes it in this phase: with the last server root of all. `None` when nothing can be
    /// said about it here: it lies on another machine, or hangs on a variable that is not defined.
    fn full(&self, path: &[u8]) -> Option<Vec<u8>> {
        if self.c.source().platform != Platform::HOST || self.c.source().relocated().is_some() {
            return None;
        }
        let full = resolve(self.c.server_root(), path, self.c.source().platform);
        let open = self.c.source().is_foreign(&full) || full.windows(2).any(|pair| pair == b"${");
        (!open).then_some(full)
    }
}

/// What is wrong with a first word that cannot be the name of any directive.
fn never_a_name(name: &[u8]) -> Option<&'static str> {
    if name.starts_with(b"\xef\xbb\xbf") {
        return Some(
            "the file starts with a byte order mark, which Apache on Unix takes for part of the first word; save it \
             without",
        );
    }
    name.starts_with(b"#")
        .then_some("a `#` that comes out of a variable does not make a comment")
}

fn where_it_may_stand(known: &known::Known) -> String {
    let places = match (known.places.server, known.places.directory) {
        (true, _) if known.places.global_only => "at server level, outside of virtual hosts",
        (true, false) => {
            "at server level and in virtual hosts, not in <Directory>, <Location>, <Files> or <If>"
        }
        (false, true) => "inside <Directory>, <Location>, <Files> or <If>",
        _ => "elsewhere",
    };
    format!("`{}` may stand {places}", shown_name(known.name))
}

/// The name as people write it: sections with both brackets.
fn shown_name(name: &str) -> String {
    if name.starts_with('<') {
        format!("{name}>")
    } else {
        name.to_string()
    }
}

#[cfg(test)]
mod tests;
