//! What integration tests stand on: a real Apache, clients, certificates, and the binary under test.
//! It knows nothing of what `esync-ssl` changes; that belongs into the tests themselves.

// Every binary of tests compiles this module anew and uses a part of it.
#![allow(dead_code)]

#[cfg(unix)]
pub mod apache;
#[cfg(unix)]
pub mod apache_site;
pub mod case;
pub mod certificates;
pub mod client;
pub mod containers;
pub mod contract;
#[cfg(unix)]
pub mod daemon;
pub mod faulty;
pub mod files;
pub mod gateway;
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
#[cfg(unix)]
pub mod running;
pub mod scripted_ca;
pub mod site;
#[cfg(unix)]
pub mod stranger;
#[cfg(unix)]
pub mod systemd;
#[cfg(unix)]
pub mod terminal;
#[cfg(windows)]
pub mod windows_httpd;

use std::io::Write;

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
