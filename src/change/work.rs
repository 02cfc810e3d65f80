//! The state between the steps: files as they are edited, and how that moved their lines. Plans nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use regex::Regex;

use crate::httpd::{Configuration, Document, Edit, Facts, Source, apply, real_path};

use super::plan::{FileChange, LineChange, Link, PlanError};
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
    /// By real path: as edited. Files are read from disk once, so that all steps see the same bytes.
    files: BTreeMap<PathBuf, Arc<Document>>,
    /// By real path: the path to show, and the file before.
    before: BTreeMap<PathBuf, (PathBuf, Arc<Document>)>,
    /// By real path: how each application of edits moved the lines.
    shifts: BTreeMap<PathBuf, Vec<Shifts>>,
}

impl<'a> Work<'a> {
    pub fn new(original: &'a Configuration) -> Self {
        let mut work = Work {
            main: &original.files()[0].name,
            source: original.source().at_the_start(),
            facts: original.facts(),
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
            let document = || file.document.clone();
            self.files.entry(real_path(&file.host)).or_insert_with(document);
        }
    }

    /// The files as they are now.
    pub fn source(&self) -> Source {
        self.source.with_documents(self.files.clone())
    }

    /// The files that are different now.
    pub fn changed(self) -> Vec<FileChange> {
        let mut files = self.files;
        let changes = self.before.into_iter().filter_map(|(real, (path, before))| {
            let after = files.remove(&real)?;
            (before.bytes() != after.bytes()).then(|| FileChange {
                path,
                before: before.bytes().to_vec(),
                after: after.bytes().to_vec(),
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

    /// A refusal with the places that it names as the lines are numbered in the files on disk.
    pub fn as_it_was(&self, configuration: &Configuration, error: PlanError) -> PlanError {
        let PlanError::Refused(mut text) = error else {
            return error;
        };
        let edited = configuration.files().iter().filter_map(|file| {
            let shifts = self.shifts.get(&real_path(&file.host))?;
            Some((String::from_utf8_lossy(&file.name), shifts))
        });
        // A file may be read several times.
        for (name, shifts) in edited.collect::<BTreeMap<_, _>>() {
            text = renumbered(&text, &name, shifts);
        }
        PlanError::Refused(text)
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
            let Some(document) = self.files.get_mut(&real) else {
                return Err(PlanError::Unproven(format!(
                    "{} was edited but never read",
                    path.display()
                )));
            };
            self.before
                .entry(real.clone())
                .or_insert_with(|| (path.clone(), document.clone()));
            let bytes = document.bytes();
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
            *document = Arc::new(Document::new(after, self.facts.platform));
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

/// A text with the places in a file as they were before the given applications of edits.
fn renumbered(text: &str, name: &str, applications: &[Shifts]) -> String {
    let Ok(places) = Regex::new(&format!("{}:([0-9]+)", regex::escape(name))) else {
        return text.to_owned();
    };
    let old = |found: &regex::Captures<'_>| match found[1].parse::<usize>() {
        Ok(number) if number > 0 => format!("{name}:{}", original_line(applications, number - 1) + 1),
        _ => found[0].to_owned(),
    };
    places.replace_all(text, old).into_owned()
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
    use super::renumbered;

    #[test]
    fn places_are_told_as_they_are_on_disk() {
        // One line came behind the second, then two came behind what is the fifth now.
        let shifts = [vec![(2, 0, 1)], vec![(5, 0, 2)]];
        let told = |text: &str| renumbered(text, "/c/httpd.conf", &shifts);
        assert_eq!(
            told("a at /c/httpd.conf:2, b at /c/httpd.conf:4 and /c/httpd.conf:9, c at /c/other.conf:9"),
            "a at /c/httpd.conf:2, b at /c/httpd.conf:3 and /c/httpd.conf:6, c at /c/other.conf:9"
        );
    }
}
