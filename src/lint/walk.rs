//! What the pass knows and has found so far, and how a problem gets its place. Judges nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::context::{Contexts, Directive};
use super::hosts::Hosts;
use crate::httpd::{
    Configuration, Entry, EntryId, Listen, Phase, Platform, Problem, SERVER, SectionId, Severity, Truth,
    known, resolve,
};

/// What the pass knows at an entry: of the whole, or of a part of it that begins at the server level.
pub struct Walk<'a> {
    pub c: &'a Configuration,
    /// Problems that weigh less are not looked for.
    pub least: Severity,
    pub problems: Vec<Problem>,
    pub contexts: Contexts,
    /// The problem, by index, of the first `<Else>` of a part at the server level: it is none if an `<If>` stands in a
    /// part before.
    pub orphan: Option<usize>,
    /// By module of the table: is it there after the last line?
    pub modules: Arc<[Truth]>,
    /// A module is loaded that is not in the table.
    pub foreign: bool,
    pub listens: Vec<Listen>,
    pub hosts: Hosts,
    /// The main server has an `ErrorLog`.
    pub error_log: bool,
    /// By module: where its `LoadModule` is commented out.
    pub commented: HashMap<&'static str, Option<String>>,
    /// Paths that were looked at and are right, as written: files with something in them, folders, and files whose
    /// folder is there. The same one stands in many virtual hosts.
    pub right: [HashSet<Vec<u8>, RandomState>; 3],
    /// Problems, by index, that lack their message: with the unknown name that another one may be meant by.
    pub unknown: Vec<(usize, Vec<u8>)>,
}

/// What a path must lead to.
#[derive(Clone, Copy)]
pub enum Path {
    File,
    Folder,
    Log,
}

impl<'a> Walk<'a> {
    /// Before the first entry.
    pub fn new(c: &'a Configuration, least: Severity) -> Self {
        let modules = known::modules().iter();
        let modules = modules.map(|module| c.modules().has(module.as_bytes())).collect();
        Walk::before(c, 0, least, modules, c.modules().has_foreign())
    }

    /// Before a part of the same that begins with this entry.
    pub fn part(&self, from: EntryId) -> Self {
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
    pub fn errors_only(&self) -> bool {
        self.least == Severity::Error
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
    pub fn warn(
        &mut self,
        entry: &Entry,
        word: Option<usize>,
        code: &'static str,
        message: impl Into<String>,
    ) {
        let problem = Problem {
            code,
            severity: Severity::Warning,
            message: message.into(),
            ..Problem::new(Phase::Checking)
        };
        self.report(entry, word, problem);
    }

    /// Fills in the place of a problem and keeps it.
    pub fn report(&mut self, entry: &Entry, word: Option<usize>, problem: Problem) {
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
        let open = self.c.source().is_foreign(&full) || full.windows(2).any(|pair| pair == b"${");
        (!open).then_some(full)
    }

    /// Adds what the part behind it found.
    pub fn append(mut self, mut more: Self) -> Self {
        if let Some(orphan) = more.orphan.filter(|_| self.contexts[SERVER].after_if) {
            more.problems.remove(orphan);
            let behind = more.unknown.iter_mut().filter(|(problem, _)| *problem > orphan);
            behind.for_each(|(problem, _)| *problem -= 1);
        }
        if more.contexts.settled {
            self.contexts[SERVER].after_if = more.contexts[SERVER].after_if;
        }
        let before = self.problems.len();
        let unknown = more.unknown.into_iter();
        self.unknown
            .extend(unknown.map(|(problem, name)| (before + problem, name)));
        self.problems.extend(more.problems);
        self.listens.extend(more.listens);
        self.hosts.append(more.hosts);
        self.error_log |= more.error_log;
        self
    }
}
