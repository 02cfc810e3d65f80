//! What became of a run.

use super::Error;
use crate::codes::codes;
use crate::exit_status::ExitStatus;
use crate::finding::Finding;

codes! {
    /// What became of a run. The list may grow.
    pub enum Ending {
        /// It looked, and found no errors.
        Ok = "ok",
        /// It looked, and found errors.
        ErrorsFound = "errors-found",
        /// Nothing had to be changed.
        Unchanged = "unchanged",
        /// A dry run that would change something.
        WouldChange = "would-change",
        /// Files were written.
        Written = "written",
        /// What was there before is back.
        Restored = "restored",
        /// What an interrupted run had left was undone.
        Recovered = "recovered",
        /// The server was restarted.
        Restarted = "restarted",
        /// The server was started.
        Started = "started",
        /// It was not done, and nothing was changed: it cannot be done safely as it is, or was not agreed to.
        Refused = "refused",
        /// Ctrl-C or a signal came.
        Interrupted = "interrupted",
        /// It did not succeed.
        Failed = "failed",
    }
}

impl Ending {
    /// The one of an operation's own word.
    pub fn of(word: &str) -> Ending {
        let found = Ending::ALL.iter().find(|(_, known)| *known == word);
        found.map_or(Ending::Ok, |(ending, _)| *ending)
    }

    /// The one of a run that failed with this status.
    pub fn of_failure(status: ExitStatus) -> Ending {
        match status {
            ExitStatus::Refused | ExitStatus::Declined | ExitStatus::NobodyToAsk => Ending::Refused,
            ExitStatus::Interrupted => Ending::Interrupted,
            _ => Ending::Failed,
        }
    }

    /// Whether files or the server are not as they were, or would not be.
    pub fn is_change(self) -> bool {
        matches!(
            self,
            Ending::WouldChange
                | Ending::Written
                | Ending::Restored
                | Ending::Recovered
                | Ending::Restarted
                | Ending::Started
        )
    }
}

/// How a run came to its end that did what was asked.
#[derive(Clone, Debug)]
pub struct End {
    /// Its exit status.
    pub status: ExitStatus,
    /// What became of it.
    pub result: Ending,
    /// Files or the server are not as they were, or would not be.
    pub changed: bool,
    /// The server has not read yet what was written.
    pub restart_needed: bool,
    /// Why it is no answer to everything that was asked.
    pub error: Option<Error>,
    /// What it found besides what people were told already.
    pub findings: Vec<Finding>,
}

impl End {
    /// Of a command that changes something.
    pub fn of(result: Ending) -> End {
        End {
            status: ExitStatus::Done,
            result,
            changed: result.is_change(),
            restart_needed: false,
            error: None,
            findings: Vec::new(),
        }
    }

    /// Of a look.
    pub fn looked(status: ExitStatus, findings: Vec<Finding>) -> End {
        let result = match status {
            ExitStatus::ErrorsFound => Ending::ErrorsFound,
            _ => Ending::Ok,
        };
        End {
            status,
            findings,
            ..End::of(result)
        }
    }
}
