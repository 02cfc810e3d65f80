//! Where the error logs of a configuration are. Opens none of them.

use std::collections::{HashSet, VecDeque};

use crate::httpd::{Configuration, Platform, SERVER, Truth, names_syslog, resolve};

/// One error log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A file: an absolute path of the configuration.
    File(Vec<u8>),
    /// A program that gets the lines: its command line.
    Program(String),
    /// The log of the system.
    Syslog,
}

/// Files that are looked at besides, because installations log there what belongs to no virtual host.
const USUAL: [&str; 3] = ["logs/error.log", "logs/error_log", "conf/error_log"];

/// Every error log that the configuration names, the main server's first; then the usual ones.
pub fn sources(configuration: &Configuration) -> Vec<Source> {
    let platform = configuration.facts().platform;
    let full = |path: &[u8]| Source::File(resolve(configuration.server_root(), path, platform));
    let default = match platform {
        Platform::Unix => "logs/error_log",
        Platform::Windows => "logs/error.log",
    };
    let main = configuration.setting(SERVER, "ErrorLog");
    let mut found = Vec::new();
    if main.is_none() {
        found.push(full(default.as_bytes()));
    }
    let named = configuration.named("ErrorLog").map(|(_, entry)| entry);
    let (mut own, mut others) = (VecDeque::new(), Vec::new());
    for entry in named.filter(|entry| entry.truth != Truth::False) {
        let Some(value) = configuration.arguments(entry).into_iter().next() else {
            continue;
        };
        let source = if let Some(program) = value.strip_prefix(b"|") {
            Source::Program(
                String::from_utf8_lossy(program.strip_prefix(b"$").unwrap_or(program)).into_owned(),
            )
        } else if names_syslog(&value, platform) {
            Source::Syslog
        } else {
            full(&value)
        };
        if configuration.context(entry) == SERVER {
            own.push_front(source);
        } else {
            others.push(source);
        }
    }
    found.extend(own.into_iter().chain(others));
    found.extend(USUAL.iter().map(|path| full(path.as_bytes())));
    let mut seen = HashSet::new();
    found.retain(|source| seen.insert(source.clone()));
    found
}
