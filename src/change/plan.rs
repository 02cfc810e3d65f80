//! The steps put together: each reads what the one before left, and at the end the plan proves itself.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use crate::httpd::{Configuration, Document, Edit, Facts, FileId, Source, Truth, apply, real_path};

use super::request::Request;
use super::{listen, module, proof, redirect, site, virtual_host};

/// Everything that turns HTTPS on, not yet written.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// One line for people each, in the order of the steps.
    pub changes: Vec<Change>,
    /// The files that change, with their bytes before and after.
    pub files: Vec<FileChange>,
    /// Symbolic links that are made.
    pub links: Vec<Link>,
    /// Symbolic links that are removed.
    pub unlinks: Vec<Link>,
    /// What the administrator should know beside the changes.
    pub notes: Vec<String>,
}

/// One change and its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: PathBuf,
    /// The line before the change at which it happens, from 1.
    pub line: usize,
    /// The lines that go; empty for an insertion.
    pub before: Vec<u8>,
    /// The lines that stand there afterwards.
    pub after: Vec<u8>,
    /// Why.
    pub reason: String,
}

/// One file before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: PathBuf,
    /// Its bytes when the plan was made.
    pub before: Vec<u8>,
    /// The bytes it gets.
    pub after: Vec<u8>,
}

/// A symbolic link that is made or removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The link.
    pub path: PathBuf,
    /// What it says: a path relative to its folder.
    pub target: PathBuf,
    /// Why.
    pub reason: String,
}

/// One change that a step asks for.
pub(super) enum Act {
    Edit(Edit),
    Link(Link),
}

/// Why there is no plan.
#[derive(Debug)]
pub enum PlanError {
    /// The request cannot be carried out safely; a sentence for people that says what to do.
    Refused(String),
    /// A file could not be read (again).
    Read(PathBuf, std::io::Error),
    /// The plan did not prove itself: a mistake of this program. Nothing may be written.
    Unproven(String),
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanError::Refused(reason) => f.write_str(reason),
            PlanError::Read(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            PlanError::Unproven(what) => write!(
                f,
                "the planned changes did not prove themselves ({what}); nothing was written. This is a mistake in \
                 esync-ssl: please report it with the configuration"
            ),
        }
    }
}

impl std::error::Error for PlanError {}

/// A refusal.
pub(super) fn refuse(reason: String) -> PlanError {
    PlanError::Refused(reason)
}

/// A step: the changes that are missing from a configuration.
type Step = fn(&Configuration, &Request) -> Result<Vec<Act>, PlanError>;

const STEPS: [Step; 7] = [
    |configuration, _| module::ssl(configuration),
    module::headers,
    |configuration, request| Ok(module::stapling_cache(configuration, request)),
    |configuration, _| module::session_cache(configuration),
    |configuration, request| listen::edits(configuration, request).map(acts),
    |configuration, request| virtual_host::edits(configuration, request).map(acts),
    redirect::acts,
];

/// Edits as changes.
pub(super) fn acts(edits: Vec<Edit>) -> Vec<Act> {
    edits.into_iter().map(Act::Edit).collect()
}

/// Each step may bring in a file in which another finds something to do; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans HTTPS for a request on the configuration of `main` and proves the plan. Writes nothing.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn enable(main: &[u8], source: &Source, facts: &Facts, request: &Request) -> Result<Plan, PlanError> {
        let original = read(main, source, facts)?;
        proof::refuse_broken(&original)?;
        let mut work = Work::new(main, source, facts, &original);
        let mut plan = Plan::default();
        let mut configuration = work.read()?;
        proof::refuse_endless(&configuration)?;
        let mut request = request.clone();
        if request.site.is_none() {
            request.site = site::place_of(&original, &request);
        }
        // A cache may become active only through a file that a step brought in, so the steps repeat until none has
        // anything to add.
        for round in 0.. {
            let mut edited = false;
            for step in STEPS {
                let acts = step(&configuration, &request)?;
                if !acts.is_empty() {
                    edited = true;
                    let (edits, links) = split(acts);
                    plan.changes.extend(work.apply(edits, &mut request)?);
                    work.link(&links)?;
                    plan.links.extend(links);
                    configuration = work.read()?;
                    proof::refuse_endless(&configuration)?;
                }
            }
            if !edited {
                break;
            }
            if round == ROUNDS {
                return Err(PlanError::Unproven("planning does not come to an end".into()));
            }
        }
        for step in STEPS {
            if !step(&configuration, &request)?.is_empty() {
                return Err(PlanError::Unproven("a second look finds more to change".into()));
            }
        }
        proof::prove(&original, &configuration, &request)?;
        plan.changes
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        plan.notes = proof::notes(&original, &request);
        plan.files = work.changed();
        Ok(plan)
    }

    /// Nothing has to change.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.links.is_empty() && self.unlinks.is_empty()
    }
}

fn split(acts: Vec<Act>) -> (Vec<Edit>, Vec<Link>) {
    let (mut edits, mut links) = (Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Edit(edit) => edits.push(edit),
            Act::Link(link) => links.push(link),
        }
    }
    (edits, links)
}

pub(super) fn read(main: &[u8], source: &Source, facts: &Facts) -> Result<Configuration, PlanError> {
    Configuration::read(main, source.clone(), facts.clone())
        .map_err(|error| PlanError::Read(source.host_path(main), error))
}

/// One application of edits: for each, its line before, the lines that went, and the lines that came.
type Shifts = Vec<(usize, usize, usize)>;

/// The state between the steps: edited bytes over the files as they were when they were first read.
pub(super) struct Work<'a> {
    main: &'a [u8],
    source: Source,
    facts: &'a Facts,
    /// By real path: as edited. Files are read from disk once, so that all steps see the same bytes.
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// By real path: the path to show, and the bytes before.
    before: BTreeMap<PathBuf, (PathBuf, Vec<u8>)>,
    /// By real path: how each application of edits moved the lines.
    shifts: BTreeMap<PathBuf, Vec<Shifts>>,
}

impl<'a> Work<'a> {
    pub fn new(main: &'a [u8], source: &Source, facts: &'a Facts, original: &Configuration) -> Self {
        let mut work = Work {
            main,
            source: source.clone(),
            facts,
            files: BTreeMap::new(),
            before: BTreeMap::new(),
            shifts: BTreeMap::new(),
        };
        work.keep(original);
        work
    }

    pub fn read(&mut self) -> Result<Configuration, PlanError> {
        let configuration = read(self.main, &self.source(), self.facts)?;
        // A step may have brought in files that were not read before.
        self.keep(&configuration);
        Ok(configuration)
    }

    fn keep(&mut self, configuration: &Configuration) {
        for file in configuration.files() {
            let bytes = || file.document.bytes().to_vec();
            self.files.entry(real_path(&file.host)).or_insert_with(bytes);
        }
    }

    /// The files as they are now.
    pub fn source(&self) -> Source {
        self.source.with_overlay(self.files.clone())
    }

    /// The files that are different now.
    pub fn changed(self) -> Vec<FileChange> {
        let mut files = self.files;
        let changes = self.before.into_iter().filter_map(|(real, (path, before))| {
            let after = files.remove(&real)?;
            (before != after).then_some(FileChange { path, before, after })
        });
        changes.collect()
    }

    /// What is behind a link is read as a file of its name.
    fn link(&mut self, links: &[Link]) -> Result<(), PlanError> {
        for link in links {
            let file = link
                .path
                .parent()
                .map_or_else(|| link.target.clone(), |folder| folder.join(&link.target));
            let bytes = std::fs::read(&file).map_err(|error| PlanError::Read(file.clone(), error))?;
            self.files.insert(real_path(&link.path), bytes);
        }
        Ok(())
    }

    /// What is behind a link is not read under its name any more.
    pub fn unlink(&mut self, links: &[Link]) {
        self.source = self.source.without(links.iter().map(|link| link.path.as_path()));
    }

    /// Applies the edits of one step and tells them as changes. The place in the request moves with its line.
    pub fn apply(&mut self, mut edits: Vec<Edit>, request: &mut Request) -> Result<Vec<Change>, PlanError> {
        edits.sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
        // A line that is read twice is edited once.
        edits.dedup_by(|a, b| (&a.file, &a.span, &a.replacement) == (&b.file, &b.span, &b.replacement));
        let mut changes = Vec::new();
        for group in edits.chunk_by(|a, b| a.file == b.file) {
            let path = group[0].file.clone();
            let real = real_path(&path);
            let Some(bytes) = self.files.get_mut(&real) else {
                return Err(PlanError::Unproven(format!(
                    "{} was edited but never read",
                    path.display()
                )));
            };
            self.before
                .entry(real.clone())
                .or_insert_with(|| (path.clone(), bytes.clone()));
            let shifts = self.shifts.entry(real).or_default();
            let mut step = Vec::new();
            let after = apply(bytes, group).map_err(|overlap| PlanError::Unproven(overlap.to_string()))?;
            for edit in group {
                let line = count_lines(&bytes[..edit.span.start.min(bytes.len())]);
                changes.push(change(bytes, edit, original_line(shifts, line)));
                step.push((
                    line,
                    count_lines(&bytes[edit.span.clone()]),
                    count_lines(&edit.replacement),
                ));
            }
            *bytes = after;
            if let Some((file, number)) = &mut request.site
                && (real_path(file) == real_path(&path) || path.ends_with(&*file))
            {
                let above = step.iter().filter(|(at, ..)| *at < *number as usize);
                let shift: i64 = above.map(|(_, gone, come)| *come as i64 - *gone as i64).sum();
                *number = (i64::from(*number) + shift).max(1) as u32;
            }
            shifts.push(step);
        }
        Ok(changes)
    }
}

/// The line (from 0) of the file as it was, for a line of the file after the given applications of edits.
fn original_line(applications: &[Shifts], line: usize) -> usize {
    applications.iter().rev().fold(line, |line, step| {
        let mut shift = 0isize;
        for (at, gone, come) in step {
            if (*at as isize + shift + *come as isize) <= line as isize {
                shift += *come as isize - *gone as isize;
            }
        }
        (line as isize - shift).max(0) as usize
    })
}

fn count_lines(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', bytes).count()
}

/// An edit as whole lines before and after.
fn change(bytes: &[u8], edit: &Edit, line: usize) -> Change {
    let insertion = edit.span.is_empty() && edit.replacement.ends_with(b"\n");
    let start = memchr::memrchr(b'\n', &bytes[..edit.span.start]).map_or(0, |at| at + 1);
    let end = memchr::memchr(b'\n', &bytes[edit.span.end..]).map_or(bytes.len(), |at| edit.span.end + at);
    let (before, after) = if insertion || edit.span.end == bytes.len() && edit.span.is_empty() {
        (Vec::new(), edit.replacement.clone())
    } else if bytes[..edit.span.end].ends_with(b"\n") && !edit.span.is_empty() {
        let head = &bytes[start..edit.span.start];
        (
            [head, &bytes[edit.span.clone()]].concat(),
            [head, &edit.replacement].concat(),
        )
    } else {
        (
            bytes[start..end].to_vec(),
            [
                &bytes[start..edit.span.start],
                &edit.replacement,
                &bytes[edit.span.end..end],
            ]
            .concat(),
        )
    };
    let text = |bytes: Vec<u8>| crate::httpd::trim(&bytes).to_vec();
    Change {
        file: edit.file.clone(),
        line: line + 1,
        before: text(before),
        after: text(after),
        reason: edit.reason.clone(),
    }
}

/// The line of the main file behind which a first line of its kind goes: its `ServerRoot`.
pub(super) fn server_root_line(configuration: &Configuration) -> Option<u32> {
    let roots = configuration.named("ServerRoot").map(|(_, entry)| entry);
    roots
        .filter(|entry| entry.file == 0 && configuration.is_server_level(0, entry.line) == Truth::True)
        .last()
        .map(|entry| entry.line)
}

/// Inserts whole lines behind a line of a file (`None`: at its start), in its indentation and line ending.
pub(super) fn insert_lines(
    configuration: &Configuration,
    file: FileId,
    after: Option<u32>,
    lines: &[Vec<u8>],
    reason: String,
) -> Edit {
    let read = configuration.file(file);
    let document: &Document = &read.document;
    let ending = document.line_ending().as_bytes();
    let mut replacement = Vec::new();
    let (at, indentation) = match after {
        Some(line) => {
            replacement.extend(document.separator_after(line as usize));
            (
                document.span(line as usize).end,
                document.indentation(line as usize),
            )
        }
        None => (
            document
                .lines()
                .first()
                .map_or(document.bytes().len(), |line| line.start as usize),
            &b""[..],
        ),
    };
    for line in lines {
        if !line.is_empty() {
            replacement.extend_from_slice(indentation);
        }
        replacement.extend_from_slice(line);
        replacement.extend_from_slice(ending);
    }
    Edit {
        file: read.host.clone(),
        span: at..at,
        replacement,
        reason,
    }
}
