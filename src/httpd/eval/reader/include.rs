//! `Include` and `IncludeOptional`: opens the files that [`crate::httpd::eval::include`] finds, within bounds.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicU64, Ordering};

use super::budget::too_many_lines;
use super::lines::Lines;
use super::{ACCEPTED, Opened, REFUSED, Reader};
use crate::finding::Finding;
use crate::foreign;
use crate::httpd::eval::include::{self, Found};
use crate::httpd::model::entry::Entry;
use crate::httpd::model::path;
use crate::httpd::model::source::{Kind, Source};
use crate::httpd::model::spot::escape;
use crate::parallel::{Ahead, processors};
use crate::wording::reason;

/// Files nested deeper than this are a recursion, to Apache and to us.
const MAX_DEPTH: usize = 128;
/// Files read in all. Apache has no such limit and would run out of time.
const MAX_FILES: usize = 120_000;
/// More files than this are loaded ahead, so many at once.
const MANY_FILES: usize = 100;
/// Bytes of a file that is loaded ahead, and of all that wait for their turn.
const LARGEST_AHEAD: u64 = 1 << 20;
const MOST_AHEAD: u64 = 64 << 20;

impl Reader {
    pub(super) fn include(&mut self, rest: &[u8], entry: Entry, lines: &Lines, optional: bool) {
        let name = if optional { "IncludeOptional" } else { "Include" };
        let Some([argument]) = self.take::<1>(name, rest, entry, lines) else {
            return;
        };
        // By the server root in force at this line, never by the folder of this file.
        let full = path::resolve(&self.c.server_root, &argument, self.c.source.platform);
        if self.c.source.is_foreign(&full) {
            return self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "include-elsewhere",
                    summary: format!(
                        "{} is on another machine and was not read",
                        String::from_utf8_lossy(&full)
                    ),
                    ..ACCEPTED
                },
            );
        }
        let files = match include::files(&argument, &self.c.server_root, &self.c.source, optional) {
            Ok(files) => files,
            Err(failure @ include::Failure::TooMany(_)) => {
                return self.stop_at(
                    lines.file,
                    lines.line as u32,
                    "include-depth",
                    &failure.to_string(),
                );
            }
            Err(failure) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Finding {
                        rule: "include-missing",
                        apache: Some(failure.to_string()),
                        summary: failure.to_string(),
                        ..REFUSED
                    },
                );
            }
        };
        // Only at the top, where the number of files that wait to be read is that of the disk.
        let many = self.depth == 0 && files.len() > MANY_FILES;
        let size = if many { MANY_FILES } else { 1 };
        let source = self.c.source.clone();
        let parts: Vec<&[Found]> = files.chunks(size).collect();
        let waiting = AtomicU64::new(0);
        let load_part = |part: usize| -> Vec<Option<Loaded>> {
            let files = parts[part].iter();
            files.map(|file| load_ahead(file, &source, &waiting)).collect()
        };
        let ahead = Ahead::new(parts.len(), load_part);
        let helpers = if many { processors() - 1 } else { 0 };
        ahead.with_helpers(helpers, || {
            for (part, files) in parts.iter().enumerate() {
                for (file, loaded) in files.iter().zip(ahead.take(part)) {
                    if let Some(Ok(opened)) = &loaded {
                        waiting.fetch_sub(opened.document.bytes().len() as u64, Ordering::Relaxed);
                    }
                    // A file before may have moved the server root to where nothing was looked for.
                    let loaded = loaded.filter(|_| source.relocated() == self.c.source.relocated());
                    self.include_loaded(file, loaded, entry, lines);
                    if self.stopped {
                        return;
                    }
                }
            }
        });
    }

    /// Includes a file that was perhaps loaded ahead.
    fn include_loaded(&mut self, file: &Found, loaded: Option<Loaded>, entry: Entry, lines: &Lines) {
        if self.depth >= MAX_DEPTH || self.c.files.len() >= MAX_FILES {
            self.stopped = true;
            return self.problem(
                lines,
                entry.truth,
                Finding {
                    rule: "include-depth",
                    apache: Some(
                        "Exceeded maximum include depth of 128, There appears to be a recursion.".into(),
                    ),
                    summary: "files include each other in a circle; nothing after this line was read".into(),
                    ..REFUSED
                },
            );
        }
        let loaded = loaded.unwrap_or_else(|| load(file, &self.c.source));
        self.include_file(loaded, entry, lines);
    }

    fn include_file(&mut self, loaded: Loaded, entry: Entry, lines: &Lines) {
        let opened = match loaded {
            Ok(opened) => opened,
            Err(Unreadable {
                message, ends: true, ..
            }) => {
                let code = "configuration-too-large";
                return self.stop_at(lines.file, lines.line as u32, code, &message);
            }
            Err(Unreadable { apache, message, .. }) => {
                return self.problem(
                    lines,
                    entry.truth,
                    Finding {
                        rule: "include-unreadable",
                        apache,
                        summary: message,
                        ..REFUSED
                    },
                );
            }
        };
        let from = Some((lines.file, lines.line as u32));
        let id = self.open(opened, from, entry.truth);
        if self.stopped {
            return;
        }
        self.depth += 1;
        self.read_file(id, entry.section, entry.truth);
        self.depth -= 1;
    }
}

type Loaded = Result<Opened, Unreadable>;

/// Why a file was not read: in Apache's words, where it would refuse it too, and in ours.
struct Unreadable {
    apache: Option<String>,
    message: String,
    /// It was read for nothing, and would be each time.
    ends: bool,
}

/// Loads a file before its turn, unless it is large, or many wait for theirs.
fn load_ahead(file: &Found, source: &Source, waiting: &AtomicU64) -> Option<Loaded> {
    if file.kind == Kind::Other || waiting.load(Ordering::Relaxed) > MOST_AHEAD {
        return None;
    }
    let opened = Opened::kept(&file.path, source).or_else(|| {
        let bytes = source.read_up_to(&file.path, LARGEST_AHEAD).ok()?;
        Some(Opened::read(&file.path, bytes, source))
    })?;
    waiting.fetch_add(opened.document.bytes().len() as u64, Ordering::Relaxed);
    Some(Ok(opened))
}

fn load(file: &Found, source: &Source) -> Loaded {
    if let Some(opened) = Opened::kept(&file.path, source) {
        return Ok(opened);
    }
    let show = String::from_utf8_lossy(&file.path);
    let read = match file.kind {
        // It says what else it is.
        Kind::Other => foreign::read(&source.host_path(&file.path), foreign::CONFIGURATION),
        _ => source.read(&file.path),
    };
    match read {
        Ok(bytes) if too_many_lines(&bytes) => Err(Unreadable {
            apache: None,
            message: format!("{show} has more lines than can be kept"),
            ends: true,
        }),
        Ok(bytes) => Ok(Opened::read(&file.path, bytes, source)),
        Err(error) if error.kind() == ErrorKind::FileTooLarge => Err(Unreadable {
            apache: None,
            message: format!("{show} was not read: {}", reason(&error)),
            ends: false,
        }),
        Err(error) => Err(Unreadable {
            apache: Some(format!(
                "Could not open configuration file {}: ",
                escape(&file.path)
            )),
            message: format!("{show} cannot be read: {}", reason(&error)),
            ends: false,
        }),
    }
}
