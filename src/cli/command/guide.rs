//! `esync-ssl guide` where there is no terminal; the guide itself is in [`crate::cli`].

use crate::exit_status::ExitStatus;
use crate::operation::Failure;
use crate::refusal::Advised;

/// Says what to type instead.
pub fn run() -> Result<ExitStatus, Failure> {
    let cause = "guide asks at a terminal, and there is none";
    let fix = "esync-ssl enable takes what it asks for as options: esync-ssl enable --help";
    Err(Failure {
        status: ExitStatus::Usage,
        ..Failure::error(Advised::new(cause, "; ", fix))
    })
}
