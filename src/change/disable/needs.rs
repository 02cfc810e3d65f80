//! Who needs what `enable` put in beside the virtual host: listeners, modules, caches. Edits nothing.

use std::collections::BTreeSet;

use crate::httpd::{Configuration, Entry, SERVER, Truth, known, real_path, source_name};

use super::super::listen::describe;
use super::super::module;

/// What stands in a configuration, active or not, to tell what was there before.
#[derive(Default)]
pub(super) struct Known {
    all: BTreeSet<Vec<u8>>,
    active: BTreeSet<Vec<u8>>,
}

impl Known {
    pub fn of(configuration: &Configuration) -> Known {
        let entries = configuration.entries().iter();
        let active = entries.clone().filter(|entry| entry.truth != Truth::False);
        Known {
            all: entries.map(|entry| key(configuration, entry)).collect(),
            active: active.map(|entry| key(configuration, entry)).collect(),
        }
    }

    fn has(&self, configuration: &Configuration, entry: &Entry) -> bool {
        self.all.contains(&key(configuration, entry))
    }
}

/// File, sections around it, and text, variables not substituted: they may be defined in what goes.
pub(super) fn key(configuration: &Configuration, entry: &Entry) -> Vec<u8> {
    let text = |entry: &Entry| match configuration.macro_place(entry) {
        Some(_) => configuration.text(entry),
        None => configuration.file(entry.file).document.text(entry.line as usize),
    };
    let file = real_path(&configuration.file(entry.file).host);
    let mut key = file.into_os_string().into_encoded_bytes();
    for (_, section) in configuration.ancestors(entry) {
        key.push(b'\n');
        key.extend_from_slice(&text(configuration.entry(section.opening)));
    }
    key.push(b'\n');
    key.extend_from_slice(&text(entry));
    key
}

/// The virtual host (or the main server) that is served over a port and was not there before.
pub(super) fn user_of_port(configuration: &Configuration, port: u16, before: &Known) -> Option<String> {
    let hosts = configuration.virtual_hosts();
    let user = hosts.iter().find(|host| {
        host.truth != Truth::False
            && host.addresses.iter().any(|address| address.port == Some(port))
            && !before.has(configuration, configuration.entry(host.entry))
    });
    if let Some(host) = user {
        return Some(format!("the virtual host {}", describe(configuration, host)));
    }
    let engine = configuration.setting(SERVER, "SSLEngine")?;
    (configuration.ssl_engine(SERVER) && !before.has(configuration, engine))
        .then(|| format!("the main server speaks TLS ({})", configuration.place(engine)))
}

/// What would be lost without a module, and was not there before.
pub(super) fn user_of_module(
    with: &Configuration,
    without: &Configuration,
    identifier: &str,
    before: &Known,
) -> Option<String> {
    if let Some(problem) = super::super::proof::errors(without).next() {
        return Some(format!(
            "{} ({})",
            super::super::proof::place(without, problem),
            problem.message
        ));
    }
    if identifier == "socache_shmcb_module"
        && let Some(entry) =
            module::shmcb_users(without).find(|entry| !before.active.contains(&key(without, entry)))
    {
        return Some(format!("the cache at {}", without.place(entry)));
    }
    let is_ssl = identifier == "ssl_module";
    if is_ssl {
        let hosts = with.virtual_hosts();
        let user = hosts.iter().find(|host| {
            host.truth != Truth::False && with.speaks_tls(host) && !before.has(with, with.entry(host.entry))
        });
        if let Some(host) = user {
            return Some(format!("the virtual host {}", describe(with, host)));
        }
    }
    let remaining: BTreeSet<Vec<u8>> = without
        .entries()
        .iter()
        .filter(|entry| entry.truth == Truth::True)
        .map(|entry| key(without, entry))
        .collect();
    let source = source_name(identifier.as_bytes());
    let lost = with.entries().iter().find(|entry| {
        let name = with.name(entry);
        let plain = !entry.opens && !name.eq_ignore_ascii_case(b"LoadModule");
        let is_host = entry.opens && name.eq_ignore_ascii_case(b"<VirtualHost");
        // What only says how TLS would be spoken does nothing by itself.
        let idle = is_ssl
            && with.context(entry) == SERVER
            && known::find(&name)
                .iter()
                .any(|known| known::module_name(known.module).as_bytes() == source)
            && !name.to_ascii_lowercase().starts_with(b"sslproxy");
        entry.truth == Truth::True
            && (plain || is_host)
            && !idle
            && !before.has(with, entry)
            && !remaining.contains(&key(with, entry))
    });
    lost.map(|entry| with.place(entry))
}

/// What uses the cache of stapled answers, and was not there before.
pub(super) fn user_of_stapling(configuration: &Configuration, before: &Known) -> Option<String> {
    let mut users = configuration.named("SSLUseStapling").map(|(_, entry)| entry);
    let user = users.find(|entry| {
        entry.truth != Truth::False
            && !before.has(configuration, entry)
            && configuration
                .arguments(entry)
                .first()
                .is_some_and(|word| word.eq_ignore_ascii_case(b"on"))
    });
    user.map(|entry| configuration.place(entry))
}
