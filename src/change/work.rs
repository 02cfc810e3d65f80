//! The state between the steps: files as they are edited, and how that moved their lines. Plans nothing.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::httpd::{Configuration, Document, Edit, Facts, KeptFiles, Overlap, ReadFile, Source, real_path};

use super::plan::{FileChange, LineChange, Link, PlanError};
use super::refusal::{Counted, Place};
use super::request::Request;

/// One application of edits: for each, its line before, the lines that went, and the lines that came.
type Shifts = Vec<(usize, usize, usize)>;

/// The configuration of `main`.
pub(super) fn read(main: &[u8], source: &Source, facts: &Facts) -> Result<Configuration, PlanError> {
    Configuration::read(main, source.clone(), facts.clone())
        .map_err(|error| PlanError::Read(source.host_path(main), error))
}

/// The state between the steps: edited bytes over the files as they were when they were first read.
pub(super) struct Work<'a> {
    main: &'a [u8],
    source: Source,
    facts: &'a Facts,
    /// By real path: as edited.
    files: HashMap<Arc<OsStr>, Arc<Document>>,
    /// Files are read from disk once, so that all steps see the same bytes.
    kept: Arc<KeptFiles>,
    /// By real path: the path to show, and the file before.
    before: BTreeMap<PathBuf, (PathBuf, Arc<Document>)>,
    /// By real path: how each application of edits moved the lines.
    shifts: BTreeMap<PathBuf, Vec<Shifts>>,
}

impl<'a> Work<'a> {
    pub fn new(original: &'a Configuration) -> Self {
        let mut work = Work {
            main: &original.files()[0].name,
            source: original.source().at_the_start().edited(),
            facts: original.facts(),
            files: HashMap::new(),
            kept: Arc::default(),
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
        let files = configuration.files().iter();
        let new: Vec<_> = files
            .filter(|file| !self.kept.contains_key(file.host.as_os_str()))
            .collect();
        if new.is_empty() {
            return;
        }
        Arc::make_mut(&mut self.kept).extend(ReadFile::kept(&new));
    }

    /// The files as they are now.
    pub fn source(&self) -> Source {
        let edited = self.files.iter();
        let source = self
            .source
            .with_documents(edited.map(|(real, document)| (real.clone(), document.clone())));
        source.with_kept_files(self.kept.clone())
    }

    /// Takes up a file that was read, to be edited.
    fn take_up(&mut self, path: &Path, real: &Path) {
        if self.files.contains_key(real.as_os_str()) {
            return;
        }
        let by_path = self.kept.get(path.as_os_str());
        let by_real = || self.kept.values().find(|file| *file.real == *real.as_os_str());
        if let Some(file) = by_path.or_else(by_real) {
            self.files.insert(file.real.clone(), file.document.clone());
        }
    }

    /// The files that are different now; they are given away.
    pub fn changed(&mut self) -> Vec<FileChange> {
        let mut files = std::mem::take(&mut self.files);
        let before = std::mem::take(&mut self.before).into_iter();
        let changes = before.filter_map(|(real, (path, before))| {
            let after = files.remove(real.as_os_str())?;
            (before.bytes() != after.bytes()).then(|| FileChange {
                path,
                before: before.shared_bytes(),
                after: after.shared_bytes(),
            })
        });
        changes.collect()
    }

    /// What is behind a link is read as a file of its name.
    pub fn link(&mut self, links: &[Link]) -> Result<(), PlanError> {
        for link in links {
            let with = self.source.with_link(&link.path, &link.target);
            self.source = with.map_err(|error| {
                let file = link.path.parent().map(|folder| folder.join(&link.target));
                PlanError::Read(file.unwrap_or_else(|| link.target.clone()), error)
            })?;
        }
        Ok(())
    }

    /// What is behind a link is not read under its name any more.
    pub fn unlink(&mut self, links: &[Link]) {
        self.source = self.source.without(links.iter().map(|link| link.path.as_path()));
    }

    /// A refusal with the lines of its places as they are numbered on disk. The site that was asked for by its place is
    /// told as it was asked for.
    pub fn on_disk(&self, asked: &Request, error: PlanError) -> PlanError {
        let PlanError::Refused(mut refusal) = error else {
            return error;
        };
        for place in refusal.places_mut() {
            match (place.counted, &asked.site) {
                (Counted::OnDisk, _) => {}
                (Counted::AsAsked, Some((file, line))) => *place = Place::asked(file, *line),
                (Counted::AsAsked, None) | (Counted::Edited, _) => {
                    let shifts = self.shifts.get(&real_path(&place.file));
                    let line = place.line.zip(shifts).map(|(line, shifts)| {
                        original_line(shifts, line.saturating_sub(1) as usize) as u32 + 1
                    });
                    place.line = line.or(place.line);
                }
            }
            place.counted = Counted::OnDisk;
        }
        PlanError::Refused(refusal)
    }

    /// Applies the edits of one step and tells them as changes. The place in the request moves with its line.
    pub fn apply(
        &mut self,
        mut edits: Vec<Edit>,
        request: &mut Request,
    ) -> Result<Vec<LineChange>, PlanError> {
        edits.sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
        // A line that is read twice is edited once.
        edits.dedup_by(|a, b| (&a.file, &a.span, &a.replacement) == (&b.file, &b.span, &b.replacement));
        let mut changes = Vec::new();
        for group in edits.chunk_by(|a, b| a.file == b.file) {
            let path = group[0].file.clone();
            let real = real_path(&path);
            self.take_up(&path, &real);
            let Some(document) = self.files.get_mut(real.as_os_str()) else {
                return Err(PlanError::Unproven(format!(
                    "{} was edited but never read",
                    path.display()
                )));
            };
            self.before
                .entry(real.clone())
                .or_insert_with(|| (path.clone(), document.clone()));
            let bytes = document.bytes();
            let unproven = |overlap: Overlap| PlanError::Unproven(overlap.to_string());
            if let Some(edit) = group.iter().find(|edit| bytes.get(edit.span.clone()).is_none()) {
                return Err(unproven(Overlap { edit: edit.clone() }));
            }
            let shifts = self.shifts.entry(real).or_default();
            let mut step = Vec::new();
            for edit in group {
                let line = document.lines_before(edit.span.start);
                changes.push(change(bytes, edit, original_line(shifts, line)));
                step.push((
                    line,
                    count_lines(&bytes[edit.span.clone()]),
                    count_lines(&edit.replacement),
                ));
            }
            Document::edit(document, group, self.facts.platform).map_err(unproven)?;
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
fn change(bytes: &[u8], edit: &Edit, line: usize) -> LineChange {
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
    LineChange {
        file: edit.file.clone(),
        line: line + 1,
        before: text(before),
        after: text(after),
        reason: edit.reason.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::change::plan::refuse;
    use crate::change::refusal::{RefusalCode, Text, say};
    use crate::httpd::Platform;

    const MAIN: &str = "/nowhere/c/httpd.conf";
    const OTHER: &str = "/nowhere/c/other.conf";

    /// A refusal as a plan tells it in which one line came behind the second, then two behind what is the fifth now.
    fn told(asked: &Request, cause: Text) -> String {
        let facts = Facts::assumed(Platform::HOST);
        let mut work = Work {
            main: MAIN.as_bytes(),
            source: Source::new("/nowhere/c".into(), Platform::HOST),
            facts: &facts,
            files: HashMap::new(),
            kept: Arc::default(),
            before: BTreeMap::new(),
            shifts: BTreeMap::new(),
        };
        let shifts = vec![vec![(2, 0, 1)], vec![(5, 0, 2)]];
        work.shifts.insert(real_path(Path::new(MAIN)), shifts);
        let error = refuse(RefusalCode::SiteNotThere, cause, "", "");
        let told = work.on_disk(asked, error);
        // What was put right stays so.
        assert_eq!(told.to_string(), work.on_disk(asked, clone(&told)).to_string());
        told.to_string()
    }

    fn clone(error: &PlanError) -> PlanError {
        match error {
            PlanError::Refused(refusal) => PlanError::Refused(refusal.clone()),
            other => panic!("{other}"),
        }
    }

    fn at(file: &str, line: u32, counted: Counted) -> Place {
        Place {
            counted,
            ..Place::asked(Path::new(file), line)
        }
    }

    #[test]
    fn places_are_told_as_they_are_on_disk() {
        let edited = |file, line| at(file, line, Counted::Edited);
        let cause = say![
            "a at ",
            edited(MAIN, 2),
            ", b at ",
            edited(MAIN, 4),
            " and ",
            edited(MAIN, 9),
            ", c at ",
            edited(OTHER, 9),
            ", d at ",
            at(MAIN, 9, Counted::OnDisk),
        ];
        assert_eq!(
            told(&Request::default(), cause),
            native(format!(
                "a at {MAIN}:2, b at {MAIN}:3 and {MAIN}:6, c at {OTHER}:9, d at {MAIN}:9"
            ))
        );
    }

    #[test]
    fn a_site_is_told_as_it_was_asked_for() {
        let asked = |file: &str| Request {
            site: Some((file.into(), 6)),
            ..Request::default()
        };
        // The end of a path, and a whole one.
        for file in ["httpd.conf", MAIN] {
            let cause = say![at(MAIN, 9, Counted::AsAsked)];
            assert_eq!(told(&asked(file), cause), native(format!("{file}:6")));
        }
        // One that was found, and not asked for.
        let cause = say![at(MAIN, 9, Counted::AsAsked)];
        assert_eq!(told(&Request::default(), cause), native(format!("{MAIN}:6")));
    }

    /// Places are shown as the system writes them.
    fn native(text: String) -> String {
        match cfg!(windows) {
            true => text.replace('/', "\\"),
            false => text,
        }
    }
}
