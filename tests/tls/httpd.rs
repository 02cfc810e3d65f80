//! What configurations of these tests say of the Apache and the OpenSSL that they ask.
//!
//! Their absence is a failure, not a skip: Debian has them as `apache2-bin` and `openssl`, `tests/run --windows` builds them.

use std::path::PathBuf;

pub use crate::support::installed::{ending_with_us, openssl};

use crate::support::files::forward;
use crate::support::installed;

/// The program of the server.
pub fn httpd() -> PathBuf {
    installed::httpd()
        .expect("Apache is needed for this test: apt-get install apache2-bin, or tests/run --windows")
}

/// A module's file, as configurations name it.
pub fn module(name: &str) -> String {
    let modules = installed::modules().expect("modules of Apache are needed for this test");
    forward(&modules.join(format!("mod_{name}.so")))
}

/// `LoadModule` lines, less those of modules that this server has built in or cannot have.
pub fn load<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let loaded = names
        .into_iter()
        .filter(|name| cfg!(unix) || *name != "mpm_event");
    loaded
        .map(|name| format!("LoadModule {name}_module {}\n", module(name)))
        .collect()
}

/// What only a server of Unix is told: whose its children are, and how they wait for each other.
pub const OF_SYSTEM: &[&str] = if cfg!(unix) {
    &["User nobody", "Group nogroup", "Mutex posixsem"]
} else {
    &[]
};
