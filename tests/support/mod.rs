//! What integration tests stand on: a real Apache, clients, certificates, and the binary under test.
//! It knows nothing of what `esync-ssl` changes; that belongs into the tests themselves.

// Every binary of tests compiles this module anew and uses a part of it.
#![allow(dead_code)]

pub mod apache;
pub mod apache_site;
pub mod case;
pub mod certificates;
pub mod client;
pub mod clock;
pub mod containers;
pub mod contract;
#[cfg(unix)]
pub mod conversation;
pub mod daemon;
#[cfg(unix)]
pub mod dns;
pub mod dsc;
pub mod faulty;
pub mod files;
pub mod gateway;
pub mod installed;
#[cfg(unix)]
pub mod limited;
#[cfg(unix)]
pub mod mounts;
pub mod network;
pub mod normal;
#[cfg(unix)]
pub mod others;
#[cfg(unix)]
pub mod pebble;
pub mod plain;
pub mod process;
pub mod program;
pub mod running;
pub mod scripted_ca;
pub mod server_process;
#[cfg(windows)]
pub mod service;
pub mod site;
#[cfg(unix)]
pub mod stranger;
#[cfg(unix)]
pub mod systemd;
#[cfg(unix)]
pub mod terminal;

use std::io::Write;

/// One of how many cases is tried: all, and one of so many under wine, where programs start slowly. `ESYNC_SSL_TEST_EVERY=1`
/// tries all of them there, too.
pub fn one_of(under_wine: usize) -> usize {
    let asked = std::env::var("ESYNC_SSL_TEST_EVERY");
    let asked = asked.ok().and_then(|number| number.parse().ok());
    asked.unwrap_or(if cfg!(windows) { under_wine } else { 1 })
}

/// Says loudly that the running test cannot be done on this machine, and why. The caller returns after it.
/// `tests/run` counts these lines as skipped tests. In CI (`CI=true`) it fails the test instead.
///
/// Never for tests that make no sense on a system: those are compiled out with `#[cfg(unix)]` and the like.
pub fn skip(reason: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{test} would be skipped, which CI does not allow: {reason}"
    );
    // Written to the stream itself: the macros' output is captured and dropped when a test passes.
    let mut stderr = std::io::stderr().lock();
    let _ = writeln!(stderr, "\nSKIPPED {test}: {reason}");
}
