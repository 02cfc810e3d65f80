//! The time, and waiting: a seam, so that tests need not wait and whoever waits can be interrupted.

use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::interrupt;

/// The wait was broken off, because the program is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupted;

/// What knows the time.
pub trait Clock {
    /// What time it is, by the clock of this machine.
    fn now(&self) -> OffsetDateTime;
    /// Time since some moment in the past; setting the clock does not change it.
    fn elapsed(&self) -> Duration;
    /// Waits for so long.
    fn pause(&self, length: Duration) -> Result<(), Interrupted>;
}

/// The clock of this machine. A pause ends early when the program is to end ([`crate::interrupt`]).
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    started: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock {
            started: Instant::now(),
        }
    }
}

/// How often a pause looks whether the program is to end.
const GLANCE: Duration = Duration::from_millis(100);

impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn pause(&self, length: Duration) -> Result<(), Interrupted> {
        let start = Instant::now();
        loop {
            if interrupt::came() {
                return Err(Interrupted);
            }
            let left = length.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            std::thread::sleep(left.min(GLANCE));
        }
    }
}
