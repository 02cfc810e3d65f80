//! How much a configuration may make of itself. Files have limits of their own; but a few lines may ask for gigabytes: by
//! variables that double, macros in macros, one file included again and again. What goes beyond ends the reading.

use std::collections::HashSet;

use super::{REFUSED, Reader};
use crate::finding::Finding;
use crate::foreign;
use crate::httpd::model::entry::{Entry, FileId};

/// Bytes by which variables may lengthen lines, besides [`TIMES`] those of the files.
const LENGTHENED: u64 = 8 << 20;
/// Bytes of files that may be read again, besides [`TIMES`] those of the files.
const AGAIN: u64 = 64 << 20;
/// Bytes that may come out of macros, their names included.
const MACROS: u64 = 64 << 20;
/// How many times its own size a configuration may make of itself.
const TIMES: u64 = 4;
/// What is kept of a line beside its bytes.
const LINE: u64 = 24;
/// Sections in each other.
const DEEPEST: u16 = 1000;

/// What was used so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Budget {
    files: u64,
    again: u64,
    lengthened: u64,
    macros: u64,
    names: HashSet<Vec<u8>, foldhash::fast::RandomState>,
}

impl Budget {
    /// That of a part: what it may use is what is left.
    pub fn of_part(&self) -> Budget {
        Budget {
            names: HashSet::default(),
            ..*self
        }
    }

    /// Takes over what a part used that began with what this one had; `false` when that is too much in all.
    pub fn join(&mut self, part: u64) -> bool {
        let all = self.lengthened + part;
        let fits = all <= LENGTHENED + TIMES * self.files;
        if fits {
            self.lengthened = all;
        }
        fits
    }

    /// By how much variables lengthened lines.
    pub fn lengthened(&self) -> u64 {
        self.lengthened
    }

    /// Notes by how much variables lengthen a line.
    pub fn lengthen(&mut self, before: usize, after: usize) -> bool {
        self.lengthened += after.saturating_sub(before) as u64;
        self.lengthened <= LENGTHENED + TIMES * self.files
    }

    /// Notes what comes out of a macro.
    pub fn expand(&mut self, bytes: usize) -> bool {
        self.macros = self.macros.saturating_add(bytes as u64);
        self.macros <= MACROS
    }

    /// Notes that a file is read.
    pub fn read(&mut self, name: &[u8], bytes: usize, lines: usize) -> bool {
        let cost = bytes as u64 + LINE * lines as u64;
        if self.names.insert(name.to_vec()) {
            self.files += cost;
        } else {
            self.again += cost;
        }
        self.files + self.again <= foreign::WHOLE_CONFIGURATION && self.again <= AGAIN + TIMES * self.files
    }
}

/// Has a file more lines than could ever be kept? To be asked before they are looked for.
pub(super) fn too_many_lines(bytes: &[u8]) -> bool {
    let most = foreign::WHOLE_CONFIGURATION;
    // Even one of nothing but line ends needs some bytes to have so many.
    bytes.len() as u64 > most / (LINE + 1)
        && bytes.len() as u64 + LINE * memchr::memchr_iter(b'\n', bytes).count() as u64 > most
}

impl Reader {
    /// Ends the reading: `what` names what is too much.
    pub(super) fn stop_at(&mut self, file: FileId, line: u32, rule: &'static str, what: &str) {
        self.stopped = true;
        let message = format!("{what}; nothing after this line was read");
        self.problem_at(
            file,
            line,
            Finding {
                rule,
                summary: message,
                ..REFUSED
            },
            super::Truth::True,
        );
    }

    /// How deep a section stands that opens in this one; deeper than anybody writes, the reading ends.
    pub(super) fn depth_in(&mut self, opening: Entry) -> u16 {
        let depth = self.c.sections[opening.section as usize].depth + 1;
        if depth == DEEPEST {
            let what = format!("{DEEPEST} sections are inside each other here");
            self.stop_at(opening.file, opening.line, "sections-too-deep", &what);
        }
        depth.min(DEEPEST)
    }
}
