//! Tells a service to restart or to stop, and waits until it did so.

use std::time::Duration;

use super::Failure;
use super::progress::{Progress, during};
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;
use crate::server::service::{self, Error, PATIENCE, Service, State};

/// How a running server is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Requests under way are finished first.
    Graceful,
    /// As the system does it by itself.
    Usual,
    /// Stopped, and started when it is gone.
    Full,
}

/// Restarts a running server, and starts a stopped one.
///
/// # Errors
/// When it may not be told, or does not stop. That it does not start is told in its words: the proof looks.
pub fn restart(service: &dyn Service, way: Way, progress: &dyn Progress) -> Result<Option<String>, Failure> {
    service.may_be_told().map_err(refused)?;
    let name = service.name();
    let was_running = is_running(service)?;
    let told = |result: Result<(), Error>| match result {
        Ok(()) => Ok(None),
        // With the logs it is explained by whoever looks for the proof; a missing right is not.
        Err(error @ (Error::NotPermitted(_) | Error::Distrusted(_) | Error::Interrupted)) => {
            Err(refused(error))
        }
        Err(error) => {
            let words = error.to_string();
            progress.note(NoteCode::ServiceSays, &format!("  its answer: {words}"));
            Ok(Some(words))
        }
    };
    if !was_running {
        progress.talk(&format!("Starting {name}"));
        return told(during(progress, &format!("Starting {name}"), || service.start()));
    }
    progress.talk(&format!("Restarting {name}"));
    if way != Way::Full
        && let Some(result) = during(progress, &format!("Restarting {name}"), || {
            service.reload(way == Way::Graceful)
        })
    {
        return told(result);
    }
    stop(service, progress)?;
    progress.talk(&format!("Starting {name}"));
    told(during(progress, &format!("Starting {name}"), || service.start()))
}

/// Stops a server, and waits until it is gone.
///
/// # Errors
/// When it may not be told, or does not stop.
pub fn stop(service: &dyn Service, progress: &dyn Progress) -> Result<(), Failure> {
    progress.talk(&format!("Stopping {}", service.name()));
    let mut waiting = |passed: Duration| progress.waiting(passed.as_secs(), "");
    let stop = || service::stop(service, PATIENCE, &mut waiting).map_err(refused);
    during(progress, &format!("Stopping {}", service.name()), stop)
}

/// Whether it is not stopped.
///
/// # Errors
/// When that is not known.
pub fn is_running(service: &dyn Service) -> Result<bool, Failure> {
    Ok(service.state().map_err(refused)? != State::Stopped)
}

/// What a service does now, in words.
pub fn state(service: &dyn Service) -> String {
    let state = match service.state() {
        Ok(State::Running) => "runs",
        Ok(State::Stopped) => "is stopped",
        Ok(State::Changing) => "is starting or stopping",
        Err(error) => return format!("the state of {} is not known ({error})", service.name()),
    };
    format!("{} {state}", service.name())
}

/// A failure of the service as one of the command.
pub fn refused(error: Error) -> Failure {
    let status = match error {
        Error::Distrusted(refusal) => return Failure::refused(*refusal),
        Error::NotPermitted(_) => ExitStatus::NotPermitted,
        Error::Interrupted => ExitStatus::Interrupted,
        Error::TimedOut(_) | Error::Busy(_) | Error::Failed(_) => ExitStatus::Error,
    };
    Failure {
        status,
        ..Failure::error(error)
    }
}
