//! What logs say, as data.

use serde::Serialize;

use crate::check::Finding;
use crate::check::log::Group;
use crate::place::{Moment, ShownPath};

/// So many entries that are not known and worse than errors are kept.
const GRAVE: usize = 3;

/// A log that was read, or why it was not.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Log {
    /// Its file, as an absolute path; or what it is in words, such as `syslog`.
    #[cfg_attr(test, schemars(with = "String"))]
    pub(crate) name: ShownPath,
    /// Why it was not read; null where it was.
    pub(crate) trouble: Option<String>,
    /// It is there, and must or can not be read.
    #[serde(skip)]
    pub(crate) is_refused: bool,
    /// What it holds.
    #[serde(skip)]
    pub(crate) bytes: Vec<u8>,
}

impl Log {
    /// What was read.
    pub(crate) fn of(name: ShownPath, bytes: Vec<u8>) -> Log {
        Log {
            name,
            trouble: None,
            is_refused: false,
            bytes,
        }
    }

    /// Nothing, and why.
    pub(crate) fn not_read(name: ShownPath, trouble: String, is_refused: bool) -> Log {
        Log {
            trouble: Some(trouble),
            is_refused,
            ..Log::of(name, Vec::new())
        }
    }
}

/// What the logs say.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ExplainReport"))]
pub struct LogReport {
    /// The logs that were looked for.
    pub(crate) logs: Vec<Log>,
    /// How the last start went; null with `--since`.
    pub(crate) outcome: Option<StartOutcome>,
    /// The time of the first entry that counts; null where none tells one. Logs tell no zone: this machine's is taken.
    pub(crate) from: Option<Moment>,
    /// The same as in the log.
    #[serde(skip)]
    pub(crate) from_text: Option<String>,
    /// What the entries say, the worst first.
    pub(crate) findings: Vec<Explained>,
    /// How many less grave findings are not among these.
    pub(crate) more_finding_count: usize,
    /// Lines that are not known.
    pub(crate) unknown_lines: Vec<String>,
    /// How many lines that are not known are left out before these.
    pub(crate) more_unknown_line_count: usize,
    /// What among them are errors.
    #[serde(skip)]
    pub(crate) unknown_errors: UnknownErrors,
}

/// Entries of errors that are not known.
#[derive(Debug, Default)]
pub struct UnknownErrors {
    /// How many are about the server.
    pub(crate) of_server_count: usize,
    /// How many are about a request of a client: anybody can cause them.
    pub(crate) of_request_count: usize,
    /// The last few of those about the server that are worse than an error: `crit`, `alert`, `emerg`.
    pub(crate) grave: Vec<String>,
}

/// How the last start of a server went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StartOutcome {
    /// It came up.
    Running,
    /// It did not.
    Failed,
    /// It came up, and was stopped.
    Stopped,
    /// The log does not say.
    Unknown,
}

/// A finding, with the entries of the log that say it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ExplainedFinding"))]
pub struct Explained {
    /// What it means.
    #[serde(flatten)]
    pub(crate) finding: Finding,
    /// The files and settings were looked at, and show this.
    pub(crate) seen: bool,
    /// What else is to be said about the files as they are now; null where nothing is.
    pub(crate) note: Option<String>,
    /// How often it was said.
    pub(crate) occurrence_count: usize,
    /// The entries of the log, each once.
    pub(crate) lines: Vec<String>,
}

impl UnknownErrors {
    /// Counts a group that is not known, if it is an error.
    pub(crate) fn count(&mut self, group: &Group<'_>) {
        let level = group.lead.level.as_str();
        let is_grave = matches!(level, "crit" | "alert" | "emerg");
        if !is_grave && level != "error" {
            return;
        }
        if group.lead.text.contains("[client ") {
            self.of_request_count += group.count;
            return;
        }
        self.of_server_count += group.count;
        if is_grave {
            if self.grave.len() == GRAVE {
                self.grave.remove(0);
            }
            self.grave.push(group.lead.text.clone());
        }
    }
}

impl LogReport {
    /// Was there no log at all that could be read? That of the system is always there, and may have nothing of a server.
    pub(crate) fn is_without_log(&self) -> bool {
        let mut logs = self.logs.iter();
        logs.clone().any(|log| log.trouble.is_some())
            && logs.all(|log| log.trouble.is_some() || log.bytes.is_empty())
    }

    /// Findings, the worst first.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().map(|one| &one.finding)
    }
}
