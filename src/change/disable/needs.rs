//! Who needs what `enable` put in beside the virtual host: listeners, modules, caches. Edits nothing.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use crate::httpd::{Configuration, Entry, FileId, SERVER, Truth, VirtualHost, known, source_name};
use crate::mod_ssl::{speaks_tls, ssl_engine};

use super::super::existing::shmcb_users;
use super::super::plan::Link;
use super::super::prove::broken::errors;
use super::super::refusal::Place;

/// Directives that bring in what stands elsewhere.
const BRINGING: [&str; 3] = ["Include", "IncludeOptional", "Use"];

/// What stood in a configuration, active or not, to tell what is new. A directive with other arguments is not.
#[derive(Clone, Default)]
pub(super) struct Known {
    all: HashMap<Vec<u8>, usize>,
    /// The same of what may have been active.
    awake: HashMap<Vec<u8>, usize>,
    /// What may have been active, by its whole text.
    active: BTreeSet<Vec<u8>>,
    /// Lines that bring in macros and files; whether one is active, so that it is known what it brings in.
    brings: HashMap<(PathBuf, Vec<u8>), bool>,
    /// mod_ssl may have been loaded.
    ssl: bool,
}

impl Known {
    pub fn of(configuration: &Configuration) -> Known {
        let mut known = Known {
            ssl: has_ssl(configuration),
            ..Known::default()
        };
        for entry in configuration.entries() {
            let kind = kind(configuration, entry);
            *known.all.entry(kind.clone()).or_default() += 1;
            if entry.truth != Truth::False {
                *known.awake.entry(kind).or_default() += 1;
                known.active.insert(key(configuration, entry));
            }
            if BRINGING.iter().any(|name| configuration.is_named(entry, name)) {
                let active = known
                    .brings
                    .entry(line_key(configuration, entry.file, entry.line));
                *active.or_default() |= entry.truth != Truth::False;
            }
        }
        known
    }

    /// What stood in either.
    pub fn or(mut self, other: &Known) -> Known {
        for (own, other) in [(&mut self.all, &other.all), (&mut self.awake, &other.awake)] {
            for (key, count) in other {
                let own = own.entry(key.clone()).or_default();
                *own = (*own).max(*count);
            }
        }
        self.active.extend(other.active.iter().cloned());
        for (key, active) in &other.brings {
            *self.brings.entry(key.clone()).or_default() |= active;
        }
        self.ssl |= other.ssl;
        self
    }

    /// Was the entry brought in by a line that was there before, but did nothing?
    fn is_awake(&self, configuration: &Configuration, entry: &Entry) -> bool {
        let slept = |file, line| self.brings.get(&line_key(configuration, file, line)) == Some(&false);
        let mut file = entry.file;
        let mut asleep = configuration.macro_place(entry).is_some() && slept(file, entry.line);
        while let Some((outer, line)) = configuration.file(file).included_from {
            asleep |= slept(outer, line);
            file = outer;
        }
        asleep
    }

    /// The first entry that is new.
    fn first_new<'a>(
        &self,
        configuration: &Configuration,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Option<&'a Entry> {
        first_beyond(&self.all, configuration, entries)
    }

    /// The first entry that is new, or was asleep.
    fn first_new_awake<'a>(
        &self,
        configuration: &Configuration,
        entries: impl IntoIterator<Item = &'a Entry>,
    ) -> Option<&'a Entry> {
        first_beyond(&self.awake, configuration, entries)
    }
}

/// The first entry of which there were not as many.
fn first_beyond<'a>(
    known: &HashMap<Vec<u8>, usize>,
    configuration: &Configuration,
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Option<&'a Entry> {
    let mut seen: HashMap<Vec<u8>, usize> = HashMap::new();
    entries.into_iter().find(|entry| {
        let kind = kind(configuration, entry);
        let before = known.get(&kind).copied().unwrap_or_default();
        let count = seen.entry(kind).or_default();
        *count += 1;
        *count > before
    })
}

fn has_ssl(configuration: &Configuration) -> bool {
    configuration.modules().has(b"ssl_module") != Truth::False
}

/// File, sections around it, and text, variables not substituted: they may be defined in what goes.
pub(super) fn key(configuration: &Configuration, entry: &Entry) -> Vec<u8> {
    let file = configuration.file(entry.file).real();
    let mut key = file.as_os_str().as_encoded_bytes().to_vec();
    for (_, section) in configuration.ancestors(entry) {
        key.push(b'\n');
        key.extend(text(configuration, configuration.entry(section.opening)));
    }
    key.push(b'\n');
    key.extend(text(configuration, entry));
    key
}

/// File and text of a line.
fn line_key(configuration: &Configuration, file: FileId, line: u32) -> (PathBuf, Vec<u8>) {
    let read = configuration.file(file);
    let text = read.document.text(line as usize).into_owned();
    (read.real().to_path_buf(), text)
}

/// The same, of a directive with its name only.
fn kind(configuration: &Configuration, entry: &Entry) -> Vec<u8> {
    let mut key = key(configuration, entry);
    if !entry.opens {
        key.truncate(key.len() - text(configuration, entry).len());
        key.extend(configuration.name(entry).to_ascii_lowercase());
    }
    key
}

fn text(configuration: &Configuration, entry: &Entry) -> Vec<u8> {
    match configuration.macro_place(entry) {
        Some(_) => configuration.text(entry).into_owned(),
        None => {
            let document = &configuration.file(entry.file).document;
            document.text(entry.line as usize).into_owned()
        }
    }
}

/// The first of some virtual hosts that is new.
fn new_host(
    configuration: &Configuration,
    before: &Known,
    wanted: impl Fn(&VirtualHost) -> bool,
) -> Option<String> {
    let hosts: Vec<&VirtualHost> = configuration
        .virtual_hosts()
        .iter()
        .filter(|host| host.truth != Truth::False && wanted(host))
        .collect();
    let entries = hosts.iter().map(|host| configuration.entry(host.entry));
    let new = before.first_new(configuration, entries)?;
    let host = hosts
        .iter()
        .find(|host| std::ptr::eq(configuration.entry(host.entry), new))?;
    Some(format!("the virtual host {}", host.describe(configuration)))
}

/// The virtual host (or the main server) that is served over a port and was not there before.
pub(super) fn user_of_port(configuration: &Configuration, port: u16, before: &Known) -> Option<String> {
    let on_port = |host: &VirtualHost| host.addresses.iter().any(|address| address.port == Some(port));
    if let Some(user) = new_host(configuration, before, on_port) {
        return Some(user);
    }
    let engine = configuration.setting(SERVER, "SSLEngine")?;
    let new = before.first_new(configuration, [engine])?;
    ssl_engine(configuration, SERVER)
        .then(|| format!("the main server, which speaks TLS ({})", configuration.place(new)))
}

/// What would be lost without a module, and was not there before. `links` are those that go with it: what the files
/// behind them say came with the module and goes with it, such as the types of files in Debian's `ssl.conf`.
pub(super) fn user_of_module(
    with: &Configuration,
    without: &Configuration,
    identifier: &str,
    links: &[Link],
    before: &Known,
) -> Option<String> {
    if let Some(problem) = errors(without).next() {
        let place = Place::at(without, &problem.place);
        return Some(format!("{place} ({})", problem.summary));
    }
    if identifier == "socache_shmcb_module" && has_ssl(without) {
        let mut users = shmcb_users(without);
        let user = users.find(|entry| !before.ssl || !before.active.contains(&key(without, entry)));
        if let Some(entry) = user {
            return Some(format!("the cache at {}", without.place(entry)));
        }
    }
    let is_ssl = identifier == "ssl_module";
    if is_ssl && let Some(user) = new_host(with, before, |host| speaks_tls(with, host)) {
        return Some(user);
    }
    let remaining: BTreeSet<Vec<u8>> = without
        .entries()
        .filter(|entry| entry.truth == Truth::True)
        .map(|entry| key(without, entry))
        .collect();
    let source = source_name(identifier.as_bytes());
    let provides = |name: &[u8]| {
        let known = known::find(name);
        !known.is_empty()
            && known
                .iter()
                .all(|known| known::module_name(known.module).as_bytes() == source)
    };
    // Apache would not know these any more; what was asleep before did not ask for it then.
    let unknown = without.entries();
    let unknown = unknown.filter(|entry| entry.truth != Truth::False && provides(&without.name(entry)));
    if let Some(entry) = before.first_new_awake(without, unknown) {
        return Some(without.place(entry));
    }
    let lost = with.entries().filter(|entry| {
        let name = with.name(entry);
        let plain = !entry.opens && !name.eq_ignore_ascii_case(b"LoadModule");
        let is_host = entry.opens && name.eq_ignore_ascii_case(b"<VirtualHost");
        // What only says how TLS would be spoken does nothing by itself.
        let idle = is_ssl
            && with.context(entry) == SERVER
            && provides(&name)
            && !name.to_ascii_lowercase().starts_with(b"sslproxy");
        let comes_along = || links.iter().any(|link| link.path == with.file(entry.file).host);
        entry.truth == Truth::True
            && (plain || is_host)
            && !idle
            && !remaining.contains(&key(with, entry))
            && !before.is_awake(with, entry)
            && !comes_along()
    });
    before.first_new(with, lost).map(|entry| with.place(entry))
}

/// What uses the cache of stapled answers, and was not there before.
pub(super) fn user_of_stapling(configuration: &Configuration, before: &Known) -> Option<String> {
    let users = configuration.named("SSLUseStapling").map(|(_, entry)| entry);
    let users = users.filter(|entry| {
        entry.truth != Truth::False
            && configuration
                .arguments(entry)
                .first()
                .is_some_and(|word| word.eq_ignore_ascii_case(b"on"))
    });
    before
        .first_new(configuration, users)
        .map(|entry| configuration.place(entry))
}
