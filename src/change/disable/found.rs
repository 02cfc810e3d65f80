//! What of ours stands in the present configuration: sections that `enable` added, and files with the past of their
//! lines. Decides nothing.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use crate::httpd::{Configuration, Document, Entry, FileId, LineKind, ReadFile, VirtualHost};

use super::super::edit_lines::refuse_unclosed;
use super::super::existing;
use super::super::plan::PlanError;
use super::history::{Traces, trace};
use super::marks::{Block, Mark, blocks, target};
use super::record::{Place, Record, block_of};

/// The present configuration, its files by their real names, and what is ours in them.
pub(super) struct Found<'a> {
    pub configuration: &'a Configuration,
    pub hosts: &'a [VirtualHost],
    pub files: Vec<File<'a>>,
    pub ours: Vec<Ours>,
    /// Index of the file of each reading.
    by_id: Vec<usize>,
    /// What [`Found::written`] gives: it is asked for again and again.
    written: Vec<(usize, usize)>,
}

/// One file, however often it is read.
pub(super) struct File<'a> {
    /// Its first reading.
    pub id: FileId,
    pub document: &'a Document,
    pub traces: Traces,
    /// The virtual hosts that stand in it, not read out of a macro, in order.
    hosts: Vec<usize>,
    /// The virtual host that includes it.
    host: Option<usize>,
}

/// A virtual host that `enable` added.
#[derive(Clone, Debug)]
pub(super) struct Ours {
    /// Index in the files.
    pub file: usize,
    /// Its lines.
    pub lines: Range<usize>,
    /// The comment above it.
    pub marker: Option<usize>,
    pub mark: Mark,
    /// It stands in for the main server beside one that redirects.
    pub stands_in: bool,
    /// What it was added for.
    pub domain: String,
    /// Its readings, as indices of the virtual hosts.
    pub hosts: Vec<usize>,
    /// Where it stands in the records, if it does.
    pub place: Option<Place>,
}

impl<'a> Found<'a> {
    pub fn new(configuration: &'a Configuration, records: &[Record]) -> Result<Self, PlanError> {
        let mut found = Found {
            configuration,
            hosts: configuration.virtual_hosts(),
            files: Vec::new(),
            ours: Vec::new(),
            by_id: Vec::new(),
            written: Vec::new(),
        };
        let index = found.gather(records);
        for (real, at) in index {
            found.find_marked(at);
            found.find_unmarked(at, &real, records)?;
        }
        found.written = found.find_written();
        Ok(found)
    }

    /// The files with the virtual hosts in them; where each is, by its real name.
    fn gather(&mut self, records: &[Record]) -> BTreeMap<PathBuf, usize> {
        let configuration = self.configuration;
        let platform = configuration.source().platform;
        let mut index: BTreeMap<PathBuf, usize> = BTreeMap::new();
        ReadFile::find_real(&configuration.files().iter().collect::<Vec<_>>());
        for (id, file) in (0..).zip(configuration.files()) {
            let at = *index.entry(file.real().to_path_buf()).or_insert_with(|| {
                let document: &Document = &file.document;
                self.files.push(File {
                    id,
                    document,
                    traces: trace(records, file.real(), document, platform),
                    hosts: Vec::new(),
                    host: None,
                });
                self.files.len() - 1
            });
            self.by_id.push(at);
        }
        for (at, host) in self.hosts.iter().enumerate() {
            let entry = configuration.entry(host.entry);
            if configuration.macro_place(entry).is_none() {
                self.files[self.by_id[entry.file as usize]].hosts.push(at);
            }
        }
        for (id, at) in (0..).zip(self.by_id.clone()) {
            let host = self.files[at].host.or_else(|| self.host_including(id));
            self.files[at].host = host;
        }
        index
    }

    /// Index of the file of an entry.
    pub fn file_of(&self, entry: &Entry) -> usize {
        self.by_id[entry.file as usize]
    }

    fn readings(&self, file: usize, line: usize) -> Vec<usize> {
        let is_here = |at: &usize| self.configuration.entry(self.hosts[*at].entry).line as usize == line;
        self.files[file].hosts.iter().copied().filter(is_here).collect()
    }

    /// Sections below a comment of ours, if they are still what it says.
    fn find_marked(&mut self, file: usize) {
        for block in blocks(self.files[file].document) {
            for (lines, stands_in) in [(&block.stand_in, true), (&block.host, false)] {
                let Some(lines) = lines else { continue };
                let hosts = self.readings(file, lines.start);
                let place = self.files[file].traces.lines[lines.start].section;
                let is_it = place.is_some()
                    || match stands_in {
                        true => hosts
                            .iter()
                            .all(|at| existing::stands_in(self.configuration, &self.hosts[*at])),
                        false => hosts
                            .iter()
                            .any(|at| self.hosts[*at].names_exactly(&block.domain)),
                    };
                if hosts.is_empty() || !is_it {
                    continue;
                }
                self.ours.push(Ours {
                    file,
                    lines: lines.clone(),
                    marker: Some(block.marker),
                    mark: block.mark,
                    stands_in,
                    domain: self.domain_of(file, lines, &block, stands_in),
                    hosts,
                    place,
                });
            }
        }
    }

    /// What a section is for: where it sends clients if that is all it does, or what its comment says.
    fn domain_of(&self, file: usize, lines: &Range<usize>, block: &Block, stands_in: bool) -> String {
        let target = match block.mark {
            Mark::Redirect if !stands_in => target(self.files[file].document, lines.clone()),
            _ => None,
        };
        target.unwrap_or_else(|| block.domain.clone())
    }

    /// Sections that a record tells, with no comment above them any more.
    fn find_unmarked(&mut self, file: usize, real: &Path, records: &[Record]) -> Result<(), PlanError> {
        for at in self.files[file].hosts.clone() {
            let host = &self.hosts[at];
            let line = self.configuration.entry(host.entry).line as usize;
            let known = |ours: &Ours| ours.file == file && ours.lines.start == line;
            if self.ours.iter().any(known) {
                continue;
            }
            let Some(place) = self.files[file].traces.lines[line].section else {
                continue;
            };
            let platform = self.configuration.source().platform;
            let Some(block) = block_of(records, real, place, platform) else {
                continue;
            };
            let Some(closing) = self.configuration.sections()[host.section as usize].closing else {
                return Err(refuse_unclosed(self.configuration, host));
            };
            let lines = line..closing as usize + 1;
            let stands_in = block.stand_in.is_some() && existing::stands_in(self.configuration, host);
            let ours = Ours {
                file,
                domain: self.domain_of(file, &lines, &block, stands_in),
                lines,
                marker: None,
                mark: block.mark,
                stands_in,
                hosts: self.readings(file, line),
                place: Some(place),
            };
            self.ours.push(ours);
        }
        Ok(())
    }

    /// Is the virtual host one that `enable` added?
    pub fn is_ours(&self, host: usize) -> bool {
        self.ours.iter().any(|ours| ours.hosts.contains(&host))
    }

    /// The virtual host around a line of a file, not read out of a macro: in the same file, or around the `Include`
    /// of it.
    pub fn host_around(&self, file: usize, line: usize) -> Option<usize> {
        let own = self.host_at(file, line, |_| true);
        own.or(self.files[file].host)
    }

    /// The first virtual host in a file that has a line, in a reading that is meant.
    fn host_at(&self, file: usize, line: usize, is_meant: impl Fn(FileId) -> bool) -> Option<usize> {
        let here = |at: &usize| {
            let host = &self.hosts[*at];
            let entry = self.configuration.entry(host.entry);
            let closing = self.configuration.sections()[host.section as usize].closing;
            let lines = entry.line as usize..closing.map_or(usize::MAX, |closing| closing as usize + 1);
            lines.contains(&line) && is_meant(entry.file)
        };
        self.files[file].hosts.iter().copied().find(here)
    }

    /// The virtual host that a reading of a file takes place in.
    fn host_including(&self, mut id: FileId) -> Option<usize> {
        while let Some((outer, line)) = self.configuration.file(id).included_from {
            let file = self.by_id[outer as usize];
            let host = self.host_at(file, line as usize, |id| id == outer);
            if host.is_some() {
                return host;
            }
            id = outer;
        }
        None
    }

    /// The lines of files outside of our sections that a run of `enable` wrote.
    pub fn written(&self) -> impl Iterator<Item = (usize, usize)> + use<'_> {
        self.written.iter().copied()
    }

    fn find_written(&self) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        for (at, file) in self.files.iter().enumerate() {
            // Other domains' lines may stand in what stands in for the main server.
            let sections = self.ours.iter().filter(|ours| ours.file == at && !ours.stands_in);
            let sections: Vec<&Ours> = sections.collect();
            let lines = file.traces.lines.iter().enumerate();
            let lines = lines.filter(|(_, trace)| !trace.past.is_empty());
            let outside = lines.filter(|(line, _)| !sections.iter().any(|ours| ours.lines.contains(line)));
            found.extend(outside.map(|(line, _)| (at, line)));
        }
        found
    }

    /// `FILE:LINE`, for people.
    pub fn place(&self, file: usize, line: usize) -> String {
        let read = self.configuration.file(self.files[file].id);
        format!(
            "{}:{}",
            String::from_utf8_lossy(&read.name),
            self.files[file].document.number(line)
        )
    }

    /// Whole blank lines right above or below some lines.
    pub fn is_blank(&self, file: usize, line: usize) -> bool {
        let lines = self.files[file].document.lines();
        lines.get(line).is_some_and(|line| line.kind == LineKind::Blank)
    }
}
