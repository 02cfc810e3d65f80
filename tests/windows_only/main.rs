//! What only Windows has: its services, its access lists, and an Apache that was built for it.
#![cfg(windows)]

mod events;
mod found;
mod httpd;
mod machine;
mod schedule;
mod service;
#[path = "../support/mod.rs"]
mod support;
mod trial;
mod trust;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The services of the machine, and the place where eSync has its tree, are the same for all tests: one at a time has them.
fn alone() -> MutexGuard<'static, ()> {
    static MACHINE: Mutex<()> = Mutex::new(());
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}
