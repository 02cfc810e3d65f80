//! What logs say, as data.

use serde::Serialize;

use crate::check::Finding;

/// A log that was read, or why it was not.
#[derive(Serialize)]
pub struct Log {
    pub(crate) name: String,
    pub(crate) trouble: Option<String>,
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
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
    /// Findings, the worst first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.explained.iter().map(|one| &one.finding)
    }
}
