//! Runs programs of the administrator's that do something for us: without a shell, for a bounded time, with nothing of our
//! environment.

use std::time::Duration;

use crate::server::child::{self, Unfinished};
use crate::server::environment::Environment;
use crate::server::program::Program;
use crate::shown::{sentence, shown};
use crate::wording::reason;

/// Why a program did not do it.
pub enum Failed {
    /// It never ran.
    NotStarted(String),
    /// We are to end ourselves, and it was ended.
    Interrupted,
    /// It says so, or took too long.
    Ended(String),
}

impl Failed {
    /// In words.
    pub fn why(&self) -> &str {
        match self {
            Failed::NotStarted(why) | Failed::Ended(why) => why,
            Failed::Interrupted => "interrupted",
        }
    }
}

/// One run of it; `input` is what it may read. It gets no variables but those of every program of ours: whatever else it needs
/// to know lies in files of its own.
///
/// # Errors
/// See [`Failed`].
pub fn run(
    program: &Program,
    arguments: &[&str],
    input: Option<Vec<u8>>,
    patience: Duration,
) -> Result<(), Failed> {
    let path = shown(program.path());
    let mut command = program.command(&Environment::default());
    command.args(arguments);
    let answered = match input {
        Some(input) => child::answer_to(&mut command, input, patience),
        None => child::answer(&mut command, patience),
    };
    let ended = answered
        .map_err(|error| Failed::NotStarted(format!("{path} cannot be started: {}", reason(&error))))?;
    let output = ended.map_err(|unfinished| match unfinished {
        Unfinished::Interrupted => Failed::Interrupted,
        Unfinished::TimedOut => {
            let seconds = patience.as_secs();
            Failed::Ended(format!(
                "{path} did not end within {seconds} seconds, and was ended"
            ))
        }
        Unfinished::Failed(error) => Failed::Ended(format!("{path}: {}", reason(&error))),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().rev().find(|line| !line.trim().is_empty());
    let said = match said {
        Some(line) => format!(" and said: {}", sentence(line.trim())),
        None => " and printed no reason".to_owned(),
    };
    let how = match output.status.code() {
        Some(code) => format!("with status {code}"),
        None => "by a signal".to_owned(),
    };
    Err(Failed::Ended(format!("{path} ended {how}{said}")))
}
