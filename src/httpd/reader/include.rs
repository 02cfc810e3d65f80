//! `Include` and `IncludeOptional`: opens the files that [`super::super::include`] finds, within bounds.

use super::super::configuration::Entry;
use super::super::problem::{Problem, Severity, escape};
use super::super::source::Kind;
use super::super::{include, path};
use super::lines::Lines;
use super::{EMPTY_PROBLEM, Reader};

/// Files nested deeper than this are a recursion, to Apache and to us.
const MAX_DEPTH: usize = 128;
/// Files read in all. Apache has no such limit and would run out of time.
const MAX_FILES: usize = 120_000;

impl Reader {
    pub(super) fn include(&mut self, rest: &[u8], entry: Entry, lines: &Lines, optional: bool) {
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
}
