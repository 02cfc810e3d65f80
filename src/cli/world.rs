//! What commands use of the world outside, so that tests can bring their own.

use time::OffsetDateTime;

use crate::apply::{Disk, RealDisk};

/// The disk and the clock. Everything else that is asked is a program, which tests replace as such.
pub struct World<'a> {
    /// What writes files.
    pub disk: &'a dyn Disk,
    /// The time.
    pub now: &'a dyn Fn() -> OffsetDateTime,
    /// The command line, as it is noted in backups.
    pub command: Vec<String>,
}

impl World<'_> {
    /// The real one.
    pub fn real() -> World<'static> {
        World {
            disk: &RealDisk,
            now: &OffsetDateTime::now_utc,
            command: Vec::new(),
        }
    }
}
