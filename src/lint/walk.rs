//! What the pass knows and has found so far, and how a finding gets its place. Judges nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::context::{Contexts, Directive};
use super::hosts::Hosts;
use crate::finding::{Finding, Phase};
use crate::httpd::{
    Configuration, Entry, EntryId, Listen, Platform, SERVER, SectionId, Spot, Truth, known, resolve,
};

/// What the pass knows at an entry: of the whole, or of a part of it that begins at the server level.
pub struct Walk<'a> {
    pub c: &'a Configuration,
    /// Nothing is looked for but errors.
    pub errors_only: bool,
    pub found: Vec<Finding<Spot>>,
    pub contexts: Contexts,
    /// The finding, by index, of the first `<Else>` of a part at the server level: it is none if an `<If>` stands in a
    /// part before.
    pub orphan: Option<usize>,
    pub table: Table,
    pub listens: Vec<Listen>,
    pub hosts: Hosts,
    /// The main server has an `ErrorLog`.
    pub error_log: bool,
    /// By module: where its `LoadModule` is commented out.
    pub commented: HashMap<&'static str, Option<String>>,
    /// Paths that were looked at and are right, as written: files with something in them, folders, and files whose
    /// folder is there. The same one stands in many virtual hosts.
    pub right: [HashSet<Vec<u8>, RandomState>; 3],
    /// Findings, by index, that lack their summary: with the unknown name that another one may be meant by.
    pub unknown: Vec<(usize, Vec<u8>)>,
}

/// What holds everywhere in a configuration of the modules and directives of the table.
#[derive(Clone)]
pub struct Table {
    /// By module: is it there after the last line?
    pub modules: Arc<[Truth]>,
    /// By directive: are its values judged?
    pub judged: Arc<[bool]>,
    /// A module is loaded that is not in the table.
    pub foreign: bool,
}

/// What a path must lead to.
#[derive(Clone, Copy)]
pub enum Path {
    File,
    Folder,
    Log,
}

/// A path as Apache opens it, and whether a variable in it may be defined after all.
pub struct Literal {
    pub full: Vec<u8>,
    pub unsure: bool,
}

fn holds_variable(path: &[u8]) -> bool {
    memchr::memmem::find(path, b"${").is_some()
}

impl<'a> Walk<'a> {
    /// Before the first entry.
    pub fn new(c: &'a Configuration, errors_only: bool, judged: Arc<[bool]>) -> Self {
        let modules = known::modules().iter();
        let table = Table {
            modules: modules.map(|module| c.modules().has(module.as_bytes())).collect(),
            judged,
            foreign: c.modules().has_foreign(),
        };
        Walk::before(c, 0, errors_only, table)
    }

    /// Before a part of the same that begins with this entry.
    pub fn part(&self, from: EntryId) -> Self {
        Walk::before(self.c, from, self.errors_only, self.table.clone())
    }

    fn before(c: &'a Configuration, from: EntryId, errors_only: bool, table: Table) -> Self {
        Walk {
            c,
            errors_only,
            found: Vec::new(),
            contexts: Contexts::before(c, from),
            orphan: None,
            table,
            listens: Vec::new(),
            hosts: Hosts::default(),
            error_log: false,
            commented: HashMap::new(),
            right: Default::default(),
            unknown: Vec::new(),
        }
    }

    /// Nothing inside a section that Apache does not carry out is judged.
    pub fn kill(&mut self, opened: Option<SectionId>) {
        if let Some(section) = opened {
            self.contexts[section].dead = true;
        }
    }

    /// Apache refuses the directive.
    pub fn refuse(
        &mut self,
        directive: &Directive<'_>,
        rule: &'static str,
        apache: impl Into<String>,
        summary: impl Into<String>,
    ) {
        self.refuse_perhaps(directive, rule, (apache.into(), summary.into()), false);
    }

    /// The same, if what is not known does not speak for it.
    pub fn refuse_perhaps(
        &mut self,
        directive: &Directive<'_>,
        rule: &'static str,
        (apache, summary): (String, String),
        uncertain: bool,
    ) {
        let finding = Finding {
            rule,
            apache: Some(apache),
            summary,
            uncertain,
            ..Finding::refused(Phase::Checking)
        };
        self.report(&directive.entry, None, finding);
    }

    /// Apache accepts it; we have doubts. `word` counts from the name, which is 0.
    pub fn warn(
        &mut self,
        entry: &Entry,
        word: Option<usize>,
        rule: &'static str,
        summary: impl Into<String>,
    ) {
        let finding = Finding {
            rule,
            summary: summary.into(),
            ..Finding::accepted(Phase::Checking)
        };
        self.report(entry, word, finding);
    }

    /// Fills in the place of a finding and keeps it.
    pub fn report(&mut self, entry: &Entry, word: Option<usize>, finding: Finding<Spot>) {
        if self.errors_only && !finding.severity.is_error() {
            return;
        }
        let document = &self.c.files()[entry.file as usize].document;
        let plain = entry.is_as_written();
        let span = word.filter(|_| plain).and_then(|word| {
            let spans = document.word_spans(entry.line as usize)?;
            spans.get(word).cloned()
        });
        self.found.push(Finding {
            place: Spot {
                file: entry.file,
                line: entry.line,
                span,
                macro_place: self.c.macro_place(entry).cloned(),
            },
            uncertain: finding.uncertain || entry.truth == Truth::Unknown,
            ..finding
        });
    }

    /// Was this path found to be right before?
    pub fn is_right(&self, what: Path, path: &[u8]) -> bool {
        self.right[what as usize].contains(path)
    }

    /// Is it, as it turned out?
    pub fn found_right(&mut self, what: Path, path: &[u8]) {
        self.right[what as usize].insert(path.to_vec());
    }

    /// A path as Apache completes it in this phase: with the last server root of all. `None` when nothing can be
    /// said about it here: it lies on another machine, or hangs on a variable that is not defined.
    pub fn full(&self, path: &[u8]) -> Option<Vec<u8>> {
        if self.c.source().platform != Platform::HOST || self.c.source().relocated().is_some() {
            return None;
        }
        let full = resolve(self.c.server_root(), path, self.c.source().platform);
        let open = self.c.source().is_foreign(&full) || holds_variable(&full);
        (!open).then_some(full)
    }

    /// The same where Apache itself looks: a variable that is not defined it takes for a part of the name. Whether it
    /// is defined by the server's environment is certain only where the server was asked.
    pub fn literal(&self, path: &[u8]) -> Option<Literal> {
        if !holds_variable(path) {
            let full = self.full(path)?;
            return Some(Literal { full, unsure: false });
        }
        let source = self.c.source();
        if source.platform != Platform::HOST || source.relocated().is_some() {
            return None;
        }
        let full = resolve(self.c.server_root(), path, source.platform);
        let unsure = !self.c.facts().built_in_is_certain;
        (!source.is_foreign(&full)).then_some(Literal { full, unsure })
    }

    /// Adds what the part behind it found.
    pub fn append(mut self, mut more: Self) -> Self {
        if let Some(orphan) = more.orphan.filter(|_| self.contexts[SERVER].after_if) {
            more.found.remove(orphan);
            let behind = more.unknown.iter_mut().filter(|(finding, _)| *finding > orphan);
            behind.for_each(|(finding, _)| *finding -= 1);
        }
        if more.contexts.settled {
            self.contexts[SERVER].after_if = more.contexts[SERVER].after_if;
        }
        let before = self.found.len();
        let unknown = more.unknown.into_iter();
        self.unknown
            .extend(unknown.map(|(finding, name)| (before + finding, name)));
        self.found.extend(more.found);
        self.listens.extend(more.listens);
        self.hosts.append(more.hosts);
        self.error_log |= more.error_log;
        self
    }
}
