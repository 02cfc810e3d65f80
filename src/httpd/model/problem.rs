//! What is wrong with the text of a configuration. Finds nothing itself.

use std::ops::Range;

use super::entry::MacroPlace;

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Apache accepts it; it probably does not mean what was intended.
    Warning,
    /// Apache refuses the configuration.
    Error,
}

/// When Apache would notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// While it reads the files.
    #[default]
    Reading,
    /// When it carries the stored directives out; `httpd -t` tells it.
    Checking,
    /// Only at the start: `httpd -t` is content.
    Starting,
}

/// One problem and its place.
#[derive(Clone, Debug)]
pub struct Problem {
    /// A stable word for it.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// When Apache notices; for a warning, what we noticed it in.
    pub phase: Phase,
    /// Index of the file in [`super::configuration::Configuration::files`].
    pub file: u32,
    /// Index of the line in that file's document.
    pub line: u32,
    /// What is meant in that line: a range of the file's bytes. `None` is the whole line.
    pub span: Option<Range<usize>>,
    /// The place in a macro, if the text came out of one; `line` is then that of the `Use`.
    pub macro_place: Option<MacroPlace>,
    /// It stands inside a condition that we could not decide, and matters only if that holds.
    pub uncertain: bool,
    /// Apache's own message, where it has one; without the help text that Apache puts behind a comma.
    pub apache: Option<String>,
    /// What is wrong and what to do about it.
    pub message: String,
}

impl Problem {
    /// An error of that phase; code, place and message are to be filled in.
    pub(crate) const fn new(phase: Phase) -> Problem {
        Problem {
            code: "",
            severity: Severity::Error,
            phase,
            file: 0,
            line: 0,
            span: None,
            macro_place: None,
            uncertain: false,
            apache: None,
            message: String::new(),
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
