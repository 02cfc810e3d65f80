//! How bad something is, in the words of all commands; and when Apache notices it.

use std::fmt;

use serde::Serialize;

/// How bad a finding is, worst first. `severity` says what comes of it, `level` how a compiler would call it: the first
/// two are errors, the third is a warning, the last a note. What depends on a condition that could not be decided
/// (`uncertain`) is a warning at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The server does not start, or a running one ends when it reads this.
    StopsStart,
    /// The server starts and clients refuse it.
    BreaksClients,
    /// It works for most, and not as it should.
    WorksButWrong,
    /// Good to know.
    Advice,
}

impl Severity {
    /// Whether `enable` refuses because of it.
    pub fn is_error(self) -> bool {
        matches!(self, Severity::StopsStart | Severity::BreaksClients)
    }

    /// The same in the words of a compiler.
    pub fn level(self, uncertain: bool) -> Level {
        match self {
            Severity::StopsStart | Severity::BreaksClients if !uncertain => Level::Error,
            Severity::StopsStart | Severity::BreaksClients | Severity::WorksButWrong => Level::Warning,
            Severity::Advice => Level::Note,
        }
    }
}

/// How bad a finding is in three words, by its severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// `stops-start` or `breaks-clients`: `enable` and `restart` refuse, `check`, `lint`, `verify`, `ports` and `devices`
    /// say so by their status.
    Error,
    /// `works-but-wrong`, or an error that depends on a condition that could not be decided.
    Warning,
    /// `advice`.
    Note,
}

/// How many findings there are of each level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Counts {
    /// How many findings are errors: those that stop the start or break clients.
    pub error_count: usize,
    /// How many findings are warnings.
    pub warning_count: usize,
    /// How many findings are notes.
    pub note_count: usize,
}

impl FromIterator<Level> for Counts {
    fn from_iter<T: IntoIterator<Item = Level>>(levels: T) -> Self {
        let mut counts = Counts::default();
        for level in levels {
            match level {
                Level::Error => counts.error_count += 1,
                Level::Warning => counts.warning_count += 1,
                Level::Note => counts.note_count += 1,
            }
        }
        counts
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::StopsStart => "stops the start",
            Severity::BreaksClients => "breaks clients",
            Severity::WorksButWrong => "works, but wrong",
            Severity::Advice => "advice",
        })
    }
}

/// When Apache would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// While it reads the files.
    Reading,
    /// When it carries the stored directives out; `httpd -t` tells it.
    Checking,
    /// Only at the start: `httpd -t` reports no error.
    Starting,
}
