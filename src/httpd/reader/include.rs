//! `Include` and `IncludeOptional`: opens the files that [`super::super::include`] finds, within bounds.

use super::super::configuration::Entry;
use super::super::include::{self, Found};
use super::super::parallel::{in_parallel, processors};
use super::super::problem::{Problem, Severity, escape};
use super::super::source::Kind;
use super::super::{Document, Source, path};
use super::lines::Lines;
use super::{EMPTY_PROBLEM, Reader};

/// Files nested deeper than this are a recursion, to Apache and to us.
const MAX_DEPTH: usize = 128;
/// Files read in all. Apache has no such limit and would run out of time.
const MAX_FILES: usize = 120_000;
/// From this number on files are loaded in parallel.
const MANY_FILES: usize = 100;

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
        // Only at the top, where the number of files that wait to be read is that of the disk.
        let many = self.depth == 0 && files.len() > MANY_FILES;
        let mut prepared = many.then(|| Prepared::new(&files, &self.c.source));
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
            let source = &self.c.source;
            let loaded = prepared.as_mut().and_then(|prepared| prepared.next(source));
            let loaded = loaded.unwrap_or_else(|| load(&file, source));
            self.include_file(&file, loaded, entry, lines);
            if self.stopped {
                return;
            }
        }
    }

    fn include_file(&mut self, found: &Found, loaded: Loaded, entry: Entry, lines: &Lines) {
        let document = match loaded {
            Ok(document) => document,
            Err(Unreadable { apache, message }) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Problem {
                        code: "include-unreadable",
                        apache,
                        message,
                        ..EMPTY_PROBLEM
                    },
                );
            }
        };
        let from = Some((lines.file, lines.line as u32));
        let id = self.open(&found.path, document, from, entry.truth);
        self.depth += 1;
        self.read_file(id, entry.section, entry.truth);
        self.depth -= 1;
    }
}

type Loaded = Result<Document, Unreadable>;

/// Why a file was not read: in Apache's words, where it would refuse it too, and in ours.
struct Unreadable {
    apache: Option<String>,
    message: String,
}

/// Many files that are read one behind the other, loaded by several processors before.
struct Prepared {
    /// Where they were looked for.
    relocated: Option<Vec<u8>>,
    loaded: std::vec::IntoIter<Loaded>,
}

impl Prepared {
    fn new(files: &[Found], source: &Source) -> Prepared {
        let parts = files.chunks(files.len().div_ceil(processors()).max(1));
        let load_part =
            |part: &[Found]| -> Vec<Loaded> { part.iter().map(|file| load(file, source)).collect() };
        let loaded: Vec<Loaded> = in_parallel(parts, load_part).into_iter().flatten().collect();
        Prepared {
            relocated: source.relocated().map(<[u8]>::to_vec),
            loaded: loaded.into_iter(),
        }
    }

    /// The next one, unless a file before has moved the server root to where nothing was looked for.
    fn next(&mut self, source: &Source) -> Option<Loaded> {
        let next = self.loaded.next();
        next.filter(|_| source.relocated() == self.relocated.as_deref())
    }
}

fn load(file: &Found, source: &Source) -> Loaded {
    let show = String::from_utf8_lossy(&file.path);
    let read = match file.kind {
        Kind::Other => Err("it is not a regular file".to_string()),
        _ => source.read(&file.path).map_err(|error| error.to_string()),
    };
    match read {
        Ok(bytes) if bytes.len() < u32::MAX as usize => Ok(Document::new(bytes, source.platform)),
        Ok(_) => Err(Unreadable {
            apache: None,
            message: format!("{show} is larger than 4 GiB and was not read"),
        }),
        Err(error) => Err(Unreadable {
            apache: Some(format!(
                "Could not open configuration file {}: ",
                escape(&file.path)
            )),
            message: format!("{show} cannot be read: {error}"),
        }),
    }
}
