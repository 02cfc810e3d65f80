//! What programs get: the one envelope of every command, whatever came of it. All front ends share these types, and the
//! schemas are made from them. Prints nothing.

mod ending;
mod run;
pub mod schema;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use crate::failure_code::FailureCode;
pub use crate::finding::{Finding, Place};
pub use crate::note_code::NoteCode;
pub use ending::{End, Ending};
pub use run::Run;

use crate::operation::dump;

/// A script that completes what is typed in a shell.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Completion {
    /// The shell, as it is named in the command.
    pub shell: String,
    /// What the shell is to read.
    pub script: String,
}

/// Raised when a field goes or changes its meaning; fields and words of open lists are added without.
pub const SCHEMA: u32 = 1;

/// The document of a run with `--json`: exactly one on stdout, also of a wrong command line, of an interrupted run and
/// of a mistake of the program itself.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Envelope<T> {
    /// The version of this contract; unknown fields are to be ignored.
    pub schema: u32,
    /// The command as it is typed, such as `enable` or `cert inspect`; empty where a wrong command line names none.
    pub command: String,
    /// The version of this program.
    pub version: String,
    /// The exit status of the run.
    pub status: u8,
    /// What became of it.
    pub result: Ending,
    /// Files or the server were changed; of a dry run, would be.
    pub changed: bool,
    /// The server has not read yet what was written.
    pub restart_needed: bool,
    /// The server root, absolute; null where no server was looked for, or none was found.
    pub root: Option<String>,
    /// The main configuration file, absolute; null where it was not looked for, or not found.
    pub config: Option<String>,
    /// Why the run did not do what was asked; null where it did.
    pub error: Option<Error>,
    /// What is wrong with server, configuration and files, as far as the command looked.
    pub findings: Vec<Finding>,
    /// Everything that people are told beside the answer.
    pub notes: Vec<Note>,
    /// What the command itself answers; null where it failed before it had an answer.
    pub data: Option<T>,
}

/// The document of `dump`: what it answers stands beside the fields of the envelope, where it was before there was one, and
/// `data` only counts it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Dump {
    /// As of every command.
    #[serde(flatten)]
    pub envelope: Envelope<dump::Summary>,
    /// The answer; missing where there is none.
    #[serde(flatten)]
    pub answer: Option<dump::Document>,
}

/// Why a run did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Error {
    /// The stable name of the reason, of a list that may grow.
    pub code: String,
    /// What is the case, for people.
    pub message: String,
    /// What to do; null where nothing is known to help, or the message says it.
    pub fix: Option<String>,
    /// Where; null where it has no place.
    pub place: Option<Place>,
    /// All places that it is about; `place` is the first.
    pub places: Vec<Place>,
}

/// Something that is told beside the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Note {
    /// What it is about.
    pub code: NoteCode,
    /// A sentence for people.
    pub message: String,
}

/// What `--version` says, for programs; `command` is `version`.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Version {
    /// The version of this program.
    pub version: String,
    /// What it was built for: processor, vendor, system.
    pub target: String,
    /// What was built in that is not always there.
    pub features: Vec<String>,
    /// The commit that it was built from; null where it was not built by `packaging/build` or from a registry.
    pub commit: Option<String>,
    /// The time of that commit, in UTC; null where it is not known.
    pub date: Option<String>,
}

impl Version {
    /// Of this program.
    pub fn of_this() -> Version {
        let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Version {
            version: env!("CARGO_PKG_VERSION").into(),
            target: env!("ESYNC_BUILD_TARGET").into(),
            features: Vec::new(),
            commit: known(env!("ESYNC_BUILD_COMMIT")),
            date: utc(env!("ESYNC_BUILD_EPOCH")),
        }
    }
}

/// The time of so many seconds since 1970, as programs get it.
fn utc(seconds: &str) -> Option<String> {
    let time = OffsetDateTime::from_unix_timestamp(seconds.parse().ok()?).ok()?;
    time.format(&Rfc3339).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_of_a_build_is_that_of_its_commit() {
        assert_eq!(utc("1796045000").as_deref(), Some("2026-11-30T13:23:20Z"));
        assert_eq!(utc(""), None);
        assert_eq!(utc("soon"), None);
        let this = Version::of_this();
        assert!(this.target.starts_with(std::env::consts::ARCH), "{this:?}");
    }
}
