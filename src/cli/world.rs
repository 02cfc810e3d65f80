//! What commands use of the world outside, so that tests can bring their own.

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
}

impl World<'_> {
    /// The real one.
    pub fn real() -> World<'static> {
        World {
            disk: &RealDisk,
            now: &OffsetDateTime::now_utc,
            service: &service::of,
        }
    }
}
