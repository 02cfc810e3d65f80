//! Why an operation did not do what was asked, and the status that says so.

use std::fmt::Display;
use std::io;

use crate::apply::{ApplyError, LockError};
use crate::check::{Code, Finding};
use crate::exit_status::ExitStatus;
use crate::failure_code::FailureCode;
use crate::interrupt;
use crate::refusal::{Advised, Place, Refusal, RefusalCode};
use crate::server::installation::NotFound;
use crate::wording;

/// Why an operation did not do what was asked, and the status that says so.
#[derive(Debug)]
pub struct Failure {
    /// How the run ends.
    pub status: ExitStatus,
    /// Why, for people.
    pub error: anyhow::Error,
    /// What the refusal is about, for programs; people were told already.
    pub findings: Vec<Finding>,
}

impl Failure {
    /// Something failed.
    pub fn error(error: impl Into<anyhow::Error>) -> Self {
        Failure {
            status: ExitStatus::Error,
            error: error.into(),
            findings: Vec::new(),
        }
    }

    /// What the system refused, why, and what to do about it.
    pub(super) fn of_system(what: impl Display, error: &io::Error, fix: impl Display) -> Self {
        let cause = format!("{what}: {}", wording::reason(error));
        let fix = match wording::is_in_use(error) {
            true => wording::IN_USE_FIX.to_owned(),
            false => fix.to_string(),
        };
        let advised = Advised::new(cause, "; ", fix).by_system();
        Failure {
            status: status_of(error),
            ..Failure::error(advised)
        }
    }

    /// Something failed, and what helps is known.
    pub(super) fn with_advice(cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Failure::error(Advised::new(cause, "; ", fix))
    }

    /// Somebody wants the program to end; what was begun is undone.
    pub fn interrupted() -> Self {
        Failure {
            status: ExitStatus::Interrupted,
            ..Failure::error(anyhow::anyhow!("interrupted"))
        }
    }

    /// The same of one that happened while somebody wanted the program to end, all being as it was.
    pub fn into_interrupted(self) -> Self {
        let words = format!("{:#}", self.error);
        let words = match words.strip_prefix("interrupted") {
            Some("") => "interrupted; everything is as it was".to_owned(),
            Some(_) => words,
            None => format!("interrupted; {words}"),
        };
        Failure {
            status: ExitStatus::Interrupted,
            error: anyhow::Error::msg(words),
            findings: self.findings,
        }
    }

    /// The same with what is the case now.
    pub fn after(self, state: &'static str) -> Self {
        Failure {
            error: self.error.context(state),
            ..self
        }
    }

    /// Refused before anything was written.
    pub fn refused(refusal: Refusal) -> Self {
        let status = match refusal.code {
            RefusalCode::Declined => ExitStatus::Declined,
            RefusalCode::NobodyToAsk => ExitStatus::NobodyToAsk,
            _ => ExitStatus::Refused,
        };
        Failure {
            status,
            ..Failure::error(refusal)
        }
    }

    /// Its kind, where it is no refusal, which has a code of its own.
    pub fn code(&self) -> FailureCode {
        let is_io = |cause: &(dyn std::error::Error + 'static)| {
            cause.is::<std::io::Error>() || cause.is::<wording::SystemError>()
        };
        let is_of_system = self.advised().is_some_and(|advised| advised.of_system);
        let has_io = || is_of_system || self.error.chain().any(is_io);
        match self.status {
            ExitStatus::Usage => FailureCode::Usage,
            ExitStatus::TestFailed => FailureCode::TestFailed,
            ExitStatus::ProofFailed => FailureCode::ProofFailed,
            ExitStatus::NotRestored => FailureCode::NotRestored,
            ExitStatus::NotPermitted => FailureCode::NotPermitted,
            ExitStatus::Locked => FailureCode::Locked,
            ExitStatus::ChangedMeanwhile => FailureCode::ChangedMeanwhile,
            ExitStatus::InUse => FailureCode::InUse,
            ExitStatus::Interrupted => FailureCode::Interrupted,
            ExitStatus::NotServing => FailureCode::NotServing,
            ExitStatus::AuthorityRefused => FailureCode::AuthorityRefused,
            ExitStatus::AuthorityUnreachable => FailureCode::AuthorityUnreachable,
            _ if self.error.is::<NotFound>() => FailureCode::NoServer,
            _ if has_io() => FailureCode::Io,
            _ => FailureCode::Failed,
        }
    }

    /// Its halves, where it has such and is no refusal.
    pub fn advised(&self) -> Option<&Advised> {
        self.error.downcast_ref()
    }

    /// What is the case and what helps, where both are known and it is no refusal.
    pub fn halves(&self) -> Option<&Advised> {
        self.advised().or_else(|| self.not_found())
    }

    /// What helps to find a server; its words say it as well.
    pub fn to_find(&self) -> Option<&str> {
        self.not_found().map(|advised| advised.fix.as_str())
    }

    fn not_found(&self) -> Option<&Advised> {
        self.error
            .downcast_ref::<NotFound>()
            .map(|not_found| &not_found.0)
    }

    /// What helps against any of its kind, where that is known; what helps against this one its words say.
    pub fn fix(&self) -> Option<&'static str> {
        Some(match self.status {
            ExitStatus::Locked => {
                "try again when the other run is done, or wait for it with --lock-timeout SECONDS"
            }
            ExitStatus::ChangedMeanwhile => "give the same command again",
            ExitStatus::InUse => {
                "close the program that has the file open, or wait a little, then give the same command again"
            }
            ExitStatus::Interrupted => "give the same command again to do what was asked",
            ExitStatus::NotPermitted if cfg!(windows) => "give the same command as Administrator",
            ExitStatus::NotPermitted => "give the same command as root, with sudo",
            ExitStatus::NotServing => "esync-ssl explain says what the server's logs tell",
            _ => return None,
        })
    }

    /// Refused because of those findings that nobody forced; it is about their places.
    pub fn refused_for(refusal: Refusal, findings: Vec<Finding>, forced: &[Code]) -> Self {
        let open = findings.iter().filter(|finding| finding.is_open(forced));
        let places = open.filter_map(|finding| finding.place.as_ref()).map(|place| {
            let line = place.line.and_then(|line| line.try_into().ok());
            Place::file(&*place.file.absolute(), place.file.as_bytes()).line(line)
        });
        let refusal = refusal.about(places);
        Failure {
            findings,
            ..Failure::refused(refusal)
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        let system = error.chain().find_map(|cause| cause.downcast_ref());
        Failure {
            status: system.map_or(ExitStatus::Error, status_of),
            error: wording::in_words(error),
            findings: Vec::new(),
        }
    }
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Failure {
        let is_stale = error.is_stale();
        let status = match error {
            // As it is, so that programs are told its parts.
            ApplyError::Refused(refusal) => return Failure::refused(*refusal),
            _ if is_stale => ExitStatus::ChangedMeanwhile,
            ApplyError::Stale(_) => ExitStatus::ChangedMeanwhile,
            ApplyError::Failed { ref error, .. } => status_of(error),
            ApplyError::NotRestored { .. } => ExitStatus::NotRestored,
        };
        Failure {
            status,
            ..Failure::error(error)
        }
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Failure {
        let status = match error {
            LockError::NotOurs(refusal) => return Failure::refused(*refusal),
            LockError::Held(_) => ExitStatus::Locked,
            LockError::Failed(_, ref error) => status_of(error),
        };
        Failure {
            status,
            ..Failure::error(error)
        }
    }
}

/// The status of something that the system refused.
fn status_of(error: &io::Error) -> ExitStatus {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match error.kind() {
        PermissionDenied | ReadOnlyFilesystem => ExitStatus::NotPermitted,
        _ if wording::is_in_use(error) => ExitStatus::InUse,
        _ => ExitStatus::Error,
    }
}

/// Goes on only while nobody wants the program to end.
///
/// # Errors
/// Interrupted.
pub fn not_interrupted() -> Result<(), Failure> {
    if interrupt::came() {
        return Err(Failure::interrupted());
    }
    Ok(())
}

/// How a run ended that wrote, or was to. What was interrupted and is as it was is told so; whatever comes from now on
/// changes nothing of it.
///
/// # Errors
/// Those of the run.
pub fn ended<T>(result: Result<T, Failure>) -> Result<T, Failure> {
    let result = result.map_err(|failure| match failure.status {
        ExitStatus::NotRestored => failure,
        ExitStatus::Interrupted => failure.into_interrupted(),
        _ if interrupt::came() => failure.into_interrupted(),
        _ => failure,
    });
    match &result {
        Ok(_) => interrupt::settle(ExitStatus::Done),
        Err(Failure {
            status: status @ (ExitStatus::NotRestored | ExitStatus::Interrupted),
            ..
        }) => interrupt::settle(*status),
        // Nothing was changed, which is what is said of it.
        Err(_) => {}
    }
    result
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::refusal::RefusalCode;

    #[test]
    fn what_another_try_may_do_is_said_so() {
        let path = PathBuf::from("/a");
        let failed = |kind: std::io::ErrorKind| ApplyError::Failed {
            act: "create",
            path: path.clone(),
            error: kind.into(),
        };
        let taken = failed(std::io::ErrorKind::AlreadyExists);
        for (error, status) in [
            (
                ApplyError::Stale(vec![path.clone()]),
                ExitStatus::ChangedMeanwhile,
            ),
            (taken, ExitStatus::ChangedMeanwhile),
            (
                ApplyError::Refused(Box::new(Refusal::new(
                    RefusalCode::NameInTheWay,
                    "is odd",
                    "",
                    "",
                ))),
                ExitStatus::Refused,
            ),
            (
                failed(std::io::ErrorKind::PermissionDenied),
                ExitStatus::NotPermitted,
            ),
            (failed(std::io::ErrorKind::StorageFull), ExitStatus::Error),
            #[cfg(windows)]
            (
                ApplyError::Failed {
                    act: "replace",
                    path: path.clone(),
                    error: std::io::Error::from_raw_os_error(32),
                },
                ExitStatus::InUse,
            ),
        ] {
            let words = error.to_string();
            assert_eq!(Failure::from(error).status, status, "{words}");
        }
    }
}
