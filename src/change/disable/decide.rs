//! What goes and what comes back, step by step: virtual hosts, lines in those of others, listeners, caches, modules,
//! and at last the blank lines and line ends around them. Every step looks at the configuration that the steps before
//! leave.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::Arc;

use crate::httpd::{Configuration, Document, Edit, Facts, KeptFiles, ReadFile, Source, trim};

use super::super::plan::{Link, PlanError};
use super::super::work::read;
use super::found::Found;
use super::needs::Known;
use super::record::Record;
use super::request::Disable;

/// Main file, where bytes come from, and what is known about the server.
pub(super) type Given<'a> = (&'a [u8], &'a Source, &'a Facts);

/// What is to be done.
#[derive(Default)]
pub(super) struct Decided {
    pub edits: Vec<Edit>,
    /// Links that go.
    pub links: Vec<Link>,
    pub notes: Vec<String>,
    /// The virtual hosts that go, as indices; those of others only by force.
    pub gone: Vec<usize>,
    /// Virtual hosts of others in which lines change.
    pub changed: BTreeSet<usize>,
}

/// Decides what goes and what comes back.
pub(super) fn decide(
    given: Given,
    found: &Found,
    request: &Disable,
    records: &[Record],
) -> Result<Decided, PlanError> {
    let mut decision = Decision {
        given,
        found,
        request,
        records,
        decided: Decided::default(),
        lines: BTreeMap::new(),
        kept: BTreeSet::new(),
        unrecorded: false,
        ports: BTreeSet::new(),
        befores: BTreeMap::new(),
    };
    decision.refuse_others()?;
    decision.sections();
    decision.answer_places();
    decision.lines_of_others();
    decision.stand_ins()?;
    decision.listeners()?;
    decision.caches()?;
    decision.modules()?;
    if !decision.lines.is_empty() || !decision.decided.edits.is_empty() {
        decision.blanks();
    }
    decision.finish()
}

/// What becomes of a line: other bytes, or none; and why.
type Fate = (Option<Vec<u8>>, String);

/// A decision that is being made.
pub(super) struct Decision<'a> {
    pub given: Given<'a>,
    pub found: &'a Found<'a>,
    pub request: &'a Disable,
    pub records: &'a [Record],
    pub decided: Decided,
    /// By file and line.
    pub lines: BTreeMap<(usize, usize), Fate>,
    /// Lines of ours that stay, because others need them too.
    pub kept: BTreeSet<(usize, usize)>,
    /// Something goes of which there is no record, so that the configuration alone must tell what it needed.
    pub unrecorded: bool,
    /// The ports of the virtual hosts that go.
    pub ports: BTreeSet<u16>,
    /// What was there before a record.
    pub befores: BTreeMap<usize, Known>,
}

impl Decision<'_> {
    /// Lines of the server level that a run of `enable` wrote and that are not decided yet.
    pub(super) fn server_level(&self) -> Vec<(usize, usize)> {
        let is_left = |at: &(usize, usize)| {
            self.found.host_around(at.0, at.1).is_none() && !self.lines.contains_key(at)
        };
        self.found.written().filter(is_left).collect()
    }

    pub(super) fn remove(&mut self, at: (usize, usize), reason: String) {
        self.lines.insert(at, (None, reason));
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.decided.notes.contains(&note) {
            self.decided.notes.push(note);
        }
    }

    /// A line gets what stood there before all runs; one that came goes.
    pub(super) fn put_back(&mut self, file: usize, line: usize, reason: String) {
        let read = &self.found.files[file];
        let past = &read.traces.lines[line].past;
        let (Some(latest), Some(oldest)) = (past.first(), past.last()) else {
            return;
        };
        let raw = read.document.raw(line);
        let Some(old) = &oldest.old else {
            return self.remove((file, line), reason);
        };
        let new = if raw == latest.new {
            old.clone()
        } else {
            // Somebody gave the line another indentation or line ending.
            let ending = match line_ending(raw) {
                same if same == line_ending(&latest.new) => line_ending(old),
                other => other,
            };
            [read.document.indentation(line), trim(old), ending].concat()
        };
        self.lines.insert((file, line), (Some(new), reason));
    }

    /// What was there before a record, or before all of them.
    pub(super) fn before(&mut self, record: usize) -> Result<&Known, PlanError> {
        if !self.befores.contains_key(&record) {
            let mut known = Known::of(&state_before(self.given, self.records, record)?);
            if record > 0 {
                known = known.or(self.before(0)?);
            }
            self.befores.insert(record, known);
        }
        Ok(&self.befores[&record])
    }

    /// The configuration as decided so far.
    pub(super) fn view(&self) -> Result<Configuration, PlanError> {
        let read_files: Vec<&ReadFile> = self.found.configuration.files().iter().collect();
        let kept: KeptFiles = ReadFile::kept(&read_files).collect();
        let (main, source, facts) = self.given;
        let edits = self.edits();
        let mut files: HashMap<Arc<OsStr>, Arc<Document>> = HashMap::new();
        for group in edits.chunk_by(|a, b| a.file == b.file) {
            let Some(file) = kept.get(group[0].file.as_os_str()) else {
                continue;
            };
            let document = files
                .entry(file.real.clone())
                .or_insert_with(|| file.document.clone());
            let edited = Document::edit(document, group, facts.platform);
            edited.map_err(|error| PlanError::Unproven(error.to_string()))?;
        }
        let links = self.decided.links.iter().map(|link| link.path.as_path());
        let source = source.without(links).with_documents(files);
        read(main, &source.with_kept_files(kept.into()), facts)
    }

    /// Everything decided so far as edits, by file and place.
    fn edits(&self) -> Vec<Edit> {
        let found = self.found;
        let mut edits = self.decided.edits.clone();
        let mut latest: Option<(usize, usize)> = None;
        for (&(file, line), (new, reason)) in &self.lines {
            let document = found.files[file].document;
            let span = document.span(line);
            let mut new = new.clone();
            let follows = (line + 1..document.lines().len())
                .any(|at| !matches!(self.lines.get(&(file, at)), Some((None, _))));
            if let Some(new) = &mut new
                && follows
                && !new.ends_with(b"\n")
            {
                new.extend_from_slice(document.line_ending().as_bytes());
            }
            let path = found.configuration.file(found.files[file].id).host.clone();
            if let (None, Some(edit)) = (&new, edits.last_mut())
                && latest == Some((file, line.wrapping_sub(1)))
                && edit.reason == *reason
                && edit.replacement.is_empty()
            {
                edit.span.end = span.end;
            } else {
                edits.push(Edit {
                    file: path,
                    span,
                    replacement: new.unwrap_or_default(),
                    reason: reason.clone(),
                });
            }
            latest = Some((file, line));
        }
        edits.sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
        edits
    }

    fn finish(mut self) -> Result<Decided, PlanError> {
        self.decided.edits = self.edits();
        Ok(self.decided)
    }
}

/// The configuration as it was before a record; files of which there is none, as they are.
pub(super) fn state_before(
    given: Given,
    records: &[Record],
    record: usize,
) -> Result<Configuration, PlanError> {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let later = &records[record.min(records.len())..];
    for version in later.iter().flat_map(|record| &record.files) {
        files
            .entry(version.path.clone())
            .or_insert_with(|| version.before.clone());
    }
    let links = later.iter().flat_map(|record| &record.made);
    let links = links.map(|link| link.path.as_path());
    let (main, source, facts) = given;
    read(main, &source.without(links).with_overlay(files), facts)
}

/// The bytes that end a line.
pub(super) fn line_ending(raw: &[u8]) -> &[u8] {
    match raw {
        [.., b'\r', b'\n'] => &raw[raw.len() - 2..],
        [.., b'\n'] => &raw[raw.len() - 1..],
        _ => b"",
    }
}
