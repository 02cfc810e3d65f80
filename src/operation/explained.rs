//! What logs say, as data.

use serde::Serialize;

use crate::check::Finding;

/// A log that was read, or why it was not.
#[derive(Serialize)]
pub struct Log {
    pub(crate) name: String,
    pub(crate) trouble: Option<String>,
    /// It is there, and must or can not be read.
    #[serde(skip)]
    pub(crate) is_refused: bool,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

impl Log {
    /// What was read.
    pub(crate) fn of(name: String, bytes: Vec<u8>) -> Log {
        Log {
            name,
            trouble: None,
            is_refused: false,
            bytes,
        }
    }

    /// Nothing, and why.
    pub(crate) fn not_read(name: String, trouble: String, is_refused: bool) -> Log {
        Log {
            trouble: Some(trouble),
            is_refused,
            ..Log::of(name, Vec::new())
        }
    }
}

/// What the logs say.
#[derive(Serialize)]
pub struct LogReport {
    pub(crate) logs: Vec<Log>,
    /// How the last start went: `running`, `failed`, `stopped`, `unknown`; nothing with `--since`.
    pub(crate) outcome: Option<&'static str>,
    /// The time of the first entry that counts.
    pub(crate) from: Option<String>,
    pub(crate) explained: Vec<Explained>,
    /// How many less grave ones are not among these.
    pub(crate) more_explained: usize,
    /// Lines that are not known.
    pub(crate) unknown: Vec<String>,
    /// How many before them are left out.
    pub(crate) more_unknown: usize,
}

/// What is said of one thing.
#[derive(Serialize)]
pub struct Explained {
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// The files and settings were looked at, and show this.
    pub(crate) seen: bool,
    /// What else is to be said about the files as they are now.
    pub(crate) note: Option<String>,
    pub(crate) count: usize,
    pub(crate) lines: Vec<String>,
}

impl LogReport {
    /// Was there no log at all that could be read?
    pub(crate) fn is_without_log(&self) -> bool {
        self.logs.iter().all(|log| log.trouble.is_some())
    }

    /// Findings, the worst first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.explained.iter().map(|one| &one.finding)
    }
}
