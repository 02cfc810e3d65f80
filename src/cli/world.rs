//! What commands use of the world outside, so that tests can bring their own.

use std::time::Duration;

use time::OffsetDateTime;

use crate::apply::{Disk, RealDisk};
use crate::server::service::{self, Server, Service};

/// The disk, the clock and the service. Everything else that is asked is a program, which tests replace as such.
pub struct World<'a> {
    /// What writes files.
    pub disk: &'a dyn Disk,
    /// The time.
    pub now: &'a dyn Fn() -> OffsetDateTime,
    /// What starts and stops a server.
    pub service: &'a dyn Fn(Server) -> Box<dyn Service>,
    /// How long a restarted server is waited for and watched.
    pub pace: Pace,
    /// The command line, as it is noted in backups.
    pub command: Vec<String>,
}

/// How long a restarted server is waited for and watched.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// A server that runs may take so long to show what it was told.
    pub patience: Duration,
    /// What is plainly wrong may last so long: it stopped, or answers something else.
    pub short: Duration,
    /// All must be well for so long. Some servers die only when their children start to work.
    pub steady: Duration,
}

impl World<'_> {
    /// The real one.
    pub fn real() -> World<'static> {
        World {
            disk: &RealDisk,
            now: &OffsetDateTime::now_utc,
            service: &service::of,
            pace: Pace {
                patience: Duration::from_secs(20),
                short: Duration::from_secs(4),
                steady: Duration::from_secs(3),
            },
            command: Vec::new(),
        }
    }
}
