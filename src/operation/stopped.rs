//! An Apache that a run of ours stopped for some seconds: that is noted, so that the next run starts it, should that one have
//! been killed.

use std::time::Instant;

use super::environment::{Pace, Where, World};
use super::find::Loaded;
use super::progress::{Progress, during};
use super::running;
use crate::apply::Store;
use crate::interrupt::{Hold, Undoing};
use crate::note_code::NoteCode;
use crate::server::service::{Service, State};
use crate::shown::printable;

/// So often it is told to start.
const TRIES: usize = 3;
const GLANCE: std::time::Duration = std::time::Duration::from_millis(100);

/// Starts it, and waits until it runs; nothing stops that.
///
/// # Errors
/// Why it does not run, in its words.
pub fn start_again(service: &dyn Service, pace: Pace, progress: &dyn Progress) -> Result<(), String> {
    let _undoing = Undoing::new();
    let mut why = String::new();
    let attempt = || {
        let start = Instant::now();
        let mut told: Option<Instant> = None;
        loop {
            match service.state() {
                Ok(State::Running) => return Ok(()),
                Ok(State::Stopped) if told.is_none() => {
                    service.start().map_err(|error| error.to_string())?;
                    told = Some(Instant::now());
                }
                // It writes its PidFile only after a moment.
                Ok(State::Stopped) if told.is_some_and(|told| told.elapsed() > pace.short) => {
                    return Err("it ended again".to_owned());
                }
                Ok(_) if start.elapsed() < pace.patience => {}
                Ok(_) if told.is_none() => return Err("it is still starting or stopping".to_owned()),
                Ok(_) => return Err("it does not come up".to_owned()),
                Err(error) => return Err(error.to_string()),
            }
            std::thread::sleep(GLANCE);
        }
    };
    during(progress, &format!("Starting {}", service.name()), || {
        for _ in 0..TRIES {
            match attempt() {
                Ok(()) => return Ok(()),
                Err(words) => why = words,
            }
            std::thread::sleep(GLANCE);
        }
        Err(why)
    })
}

/// Starts it where a run was killed that had stopped it. Whoever calls holds the lock. That it does not start keeps nobody
/// from what was asked: it is told, and tried again by the next run.
pub fn settle(store: &Store, place: &Where, world: &World, progress: &dyn Progress) {
    if !store.has_stopped() {
        return;
    }
    let _hold = Hold::new();
    let loaded = match Loaded::find(place) {
        Ok(loaded) => loaded,
        Err(failure) => return tell_stopped(&format!("{:#}", failure.error), progress),
    };
    let service = (world.service)(running::to_be_told(&loaded));
    if service.state() != Ok(State::Running) {
        if let Err(why) = start_again(&*service, world.pace, progress) {
            return tell_stopped(&why, progress);
        }
        let words = format!(
            "An earlier run had stopped {} for some seconds and was killed; it was started again",
            service.name()
        );
        progress.note(NoteCode::ServerStarted, &printable(words.as_bytes()));
    }
    if let Err(error) = store.forget_stopped() {
        let words = format!("warning: {error}");
        progress.note(NoteCode::Warning, &printable(words.as_bytes()));
    }
}

fn tell_stopped(why: &str, progress: &dyn Progress) {
    let words = format!(
        "warning: an earlier run had stopped Apache for some seconds and was killed; it does not start again: {why}; run \
         esync-ssl explain to see what its logs say"
    );
    progress.note(NoteCode::ServerMayDiffer, &printable(words.as_bytes()));
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::time::Duration;

    use super::super::questions::Silent;
    use super::*;
    use crate::server::service::Error;

    /// One that still stops when it is to be started.
    struct Stopping {
        /// What it does when it is asked, the last first.
        states: RefCell<Vec<State>>,
        started: RefCell<usize>,
    }

    impl Service for Stopping {
        fn name(&self) -> String {
            "Apache".to_owned()
        }

        fn state(&self) -> Result<State, Error> {
            Ok(self.states.borrow_mut().pop().unwrap_or(State::Running))
        }

        fn start(&self) -> Result<(), Error> {
            *self.started.borrow_mut() += 1;
            Ok(())
        }

        fn stop(&self) -> Result<(), Error> {
            Ok(())
        }

        fn reload(&self, _graceful: bool) -> Option<Result<(), Error>> {
            None
        }
    }

    #[test]
    fn one_that_still_stops_is_waited_for() {
        let pace = Pace {
            patience: Duration::from_secs(20),
            short: Duration::from_secs(4),
            steady: Duration::ZERO,
        };
        let service = Stopping {
            states: RefCell::new(vec![State::Stopped, State::Changing, State::Changing]),
            started: RefCell::new(0),
        };
        assert_eq!(start_again(&service, pace, &Silent), Ok(()));
        assert_eq!(*service.started.borrow(), 1);
    }
}
