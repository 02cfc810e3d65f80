//! Where something is in a configuration that was read, and findings about that place. Finds nothing itself.

use std::ops::Range;

use super::entry::{Entry, FileId, MacroPlace};
use crate::finding::{Code, Finding, Origin, Phase, Severity};

/// A line of a configuration, or a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Index of the file in [`super::configuration::Configuration::files`].
    pub file: FileId,
    /// Index of the line in that file's document; [`Spot::NO_LINE`] where no line of it is at fault.
    pub line: u32,
    /// What is meant in that line: a range of the file's bytes. `None` is the whole line.
    pub span: Option<Range<usize>>,
    /// The place in a macro, if the text came out of one; `line` is then that of the `Use`.
    pub macro_place: Option<MacroPlace>,
}

impl Spot {
    /// In place of a line.
    pub const NO_LINE: u32 = u32::MAX;

    /// The main file as a whole: the place of what is missing altogether.
    pub const WHOLE: Spot = Spot {
        file: 0,
        line: Spot::NO_LINE,
        span: None,
        macro_place: None,
    };

    /// Is the file as a whole meant, and no line of it?
    pub fn is_whole(&self) -> bool {
        self.line == Spot::NO_LINE
    }

    /// The line of an entry.
    pub fn of(entry: &Entry) -> Spot {
        Spot::of_line(entry.file, entry.line)
    }

    /// A whole line that stands in no macro.
    pub fn of_line(file: FileId, line: u32) -> Spot {
        Spot {
            file,
            line,
            ..Spot::WHOLE
        }
    }
}

impl Finding<Spot> {
    /// What Apache refuses in that phase; rule, place and summary are to be filled in.
    pub(crate) const fn refused(phase: Phase) -> Finding<Spot> {
        Finding::of_text(Severity::StopsStart, phase)
    }

    /// What Apache accepts although it is hardly meant, noticed in that phase.
    pub(crate) const fn accepted(phase: Phase) -> Finding<Spot> {
        Finding::of_text(Severity::WorksButWrong, phase)
    }

    const fn of_text(severity: Severity, phase: Phase) -> Finding<Spot> {
        Finding {
            code: Code::ConfigProblem,
            severity,
            summary: String::new(),
            place: Spot::WHOLE,
            cause: String::new(),
            fix: String::new(),
            apache_codes: Vec::new(),
            rule: "",
            phase: Some(phase),
            uncertain: false,
            apache: None,
            origin: Origin {
                included_from: Vec::new(),
                macro_line: None,
            },
            fault: None,
            module: None,
        }
    }
}

/// Bytes as Apache escapes them in its messages.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        match byte {
            b'\\' => text += "\\\\",
            b'\n' => text += "\\n",
            b'\r' => text += "\\r",
            b'\t' => text += "\\t",
            0x20..=0x7e => text.push(char::from(byte)),
            _ => text += &format!("\\x{byte:02x}"),
        }
    }
    text
}
