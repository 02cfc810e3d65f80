//! The proof of a plan: that the result does what was asked, and leaves alone what was not. Edits nothing.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::httpd::{Configuration, Entry, Kind, Problem, SERVER, Severity, Truth, VirtualHost, resolve};

use super::answer::{Answers, names_exactly};
use super::listen::{self, describe};
use super::plan::{PlanError, refuse};
use super::redirect;
use super::request::{Http, Request};

/// Refuses to plan on a configuration that Apache does not start with: no change could be told from what was broken.
pub(super) fn refuse_broken(original: &Configuration) -> Result<(), PlanError> {
    match errors(original).next() {
        None => Ok(()),
        Some(problem) => Err(refuse(format!(
            "Apache does not start with this configuration as it is: {}: {}. Mend that first, then run again",
            place(original, problem),
            problem.message
        ))),
    }
}

/// Refuses what ends the reading early, such as a file that includes itself once mod_ssl is there, be it certain or
/// not: the steps would look in vain for what they added behind it.
pub(super) fn refuse_endless(configuration: &Configuration) -> Result<(), PlanError> {
    let mut problems = configuration.problems().iter();
    match problems.find(|problem| problem.code == "include-depth") {
        None => Ok(()),
        Some(problem) => Err(refuse(format!(
            "Apache would not come to the end of the configuration: {}: {}. Mend that first, then run again",
            place(configuration, problem),
            problem.message
        ))),
    }
}

/// The domain is answered over TLS, nothing is wrong that was not wrong before, and every other virtual host keeps
/// what it had.
pub(super) fn prove(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    if !Answers::new(result, request).served() {
        return Err(PlanError::Unproven(format!(
            "{} would not be answered over TLS",
            request.domain
        )));
    }
    if let Some(problem) = errors(result).next() {
        return Err(awakened(result, problem));
    }
    refuse_awakened_errors(original, result)?;
    refuse_tls_on_http_ports(original, result, request)?;
    refuse_bare_hosts(original, result, request)?;
    refuse_lost_hosts(original, result)?;
    refuse_awakened_hosts(original, result, request)?;
    sets_are_unchanged(original, result, request)?;
    others_are_unchanged(original, result, request)
}

fn awakened(result: &Configuration, problem: &Problem) -> PlanError {
    refuse(format!(
        "with HTTPS on, a part of the configuration becomes active that Apache refuses: {}: {}",
        place(result, problem),
        problem.message
    ))
}

/// What Apache refuses when it carries the directives out, such as a `Listen` in a virtual host that only counts with
/// mod_ssl. What the values of directives lead to is not judged: the tree may be another machine's, and our certificate
/// may not have been made yet.
fn refuse_awakened_errors(original: &Configuration, result: &Configuration) -> Result<(), PlanError> {
    let refused = |configuration: &Configuration| {
        let mut problems = configuration.check();
        problems.retain(|problem| {
            let is_error = problem.severity == Severity::Error && !problem.uncertain;
            is_error && matches!(problem.code, "context" | "arguments")
        });
        problems
    };
    let now = refused(result);
    if now.is_empty() {
        return Ok(());
    }
    let before: HashSet<_> = refused(original)
        .into_iter()
        .map(|old| (old.code, old.message))
        .collect();
    let new = now
        .iter()
        .find(|new| !before.contains(&(new.code, new.message.clone())));
    match new {
        None => Ok(()),
        Some(problem) => Err(awakened(result, problem)),
    }
}

/// What the administrator should know beside the changes.
pub(super) fn notes(original: &Configuration, request: &Request) -> Vec<String> {
    let mut notes = Vec::new();
    if request.http == Some(Http::Off) {
        for host in listen::losing_hosts(original, request) {
            notes.push(format!(
                "the virtual host {} loses its listener, as asked by --http off",
                describe(original, &host)
            ));
        }
    }
    if request.domain.parse::<std::net::Ipv4Addr>().is_ok() {
        notes.push(
            "clients that ask by IP address send no name, and get the first virtual host of the address"
                .to_string(),
        );
    }
    notes
}

/// A virtual host of the domain that spoke HTTP on another port goes on speaking it there.
fn refuse_tls_on_http_ports(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let old: HashSet<_> = secured(original).iter().map(|host| key(original, host)).collect();
    for host in secured(result) {
        let is_listened = |port: Option<u16>| {
            let active = result.listens().iter().filter(|l| l.truth == Truth::True);
            active
                .filter(|listen| listen.port != request.port)
                .any(|listen| port.is_none_or(|port| port == listen.port))
        };
        let own_port = |port: Option<u16>| port == Some(request.port);
        let other_side = host.addresses.iter().all(|a| !own_port(a.port))
            || host
                .addresses
                .iter()
                .any(|a| !own_port(a.port) && is_listened(a.port));
        if names_exactly(&host, &request.domain) && other_side && !old.contains(&key(result, &host)) {
            let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
            return Err(refuse(format!(
                "the virtual host {} would speak TLS at all its addresses, {}, and HTTP at none; give HTTP a virtual \
                 host of its own, without SSLEngine, then run again",
                describe(result, &host),
                addresses.join(" and ")
            )));
        }
    }
    Ok(())
}

/// The active virtual hosts that speak TLS.
fn secured(configuration: &Configuration) -> Vec<VirtualHost> {
    let loaded = configuration.modules().has(b"ssl_module") == Truth::True;
    let mut hosts = configuration.virtual_hosts();
    hosts.retain(|host| loaded && host.truth == Truth::True && configuration.speaks_tls(host));
    hosts
}

/// What identifies a virtual host across edits: its file, addresses and name.
type HostKey = (PathBuf, Vec<String>, Option<String>);

fn key(configuration: &Configuration, host: &VirtualHost) -> HostKey {
    let opening = configuration.entry(host.entry);
    let addresses = host.addresses.iter().map(ToString::to_string);
    (
        configuration.file(opening.file).host.clone(),
        addresses.collect(),
        host.server_name.clone(),
    )
}

/// TLS virtual hosts that the plan brings to life must have a certificate, or Apache will not start.
fn refuse_bare_hosts(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let before: HashSet<_> = secured(original).iter().map(|host| key(original, host)).collect();
    for host in &secured(result) {
        // The domain's own files are the request's, and may be made only when it is carried out.
        if before.contains(&key(result, host)) || names_exactly(host, &request.domain) {
            continue;
        }
        let problem = match result.setting(host.section, "SSLCertificateFile") {
            None => "has no SSLCertificateFile".to_string(),
            Some(entry) => match missing_file(result, entry) {
                Some(file) => format!("names the certificate {file}, which does not exist"),
                None if has_key(result, host, entry) => continue,
                None => "names no private key for its certificate".to_string(),
            },
        };
        return Err(refuse(format!(
            "with HTTPS on, the virtual host {} speaks TLS too, but {problem}, and Apache would not start; give it a \
             certificate and key or take it out, then run again",
            describe(result, host)
        )));
    }
    Ok(())
}

/// Virtual hosts of other ports that come to life with a module would take requests from those that answer them now.
fn refuse_awakened_hosts(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let others = |configuration: &Configuration| -> Vec<(Vec<String>, VirtualHost)> {
        let mut hosts = configuration.virtual_hosts();
        hosts.retain(|host| {
            let elsewhere = host
                .addresses
                .iter()
                .any(|address| address.port != Some(request.port));
            host.truth == Truth::True && elsewhere
        });
        let key = |host: &VirtualHost| {
            let file = configuration
                .file(configuration.entry(host.entry).file)
                .host
                .display()
                .to_string();
            let addresses = host.addresses.iter().map(ToString::to_string);
            let names = host.server_name.iter().chain(&host.aliases).cloned();
            std::iter::once(file).chain(addresses).chain(names).collect()
        };
        hosts.into_iter().map(|host| (key(&host), host)).collect()
    };
    let before = others(original);
    let [slept, sleeps] = [original, result].map(|configuration| by_opening_line(configuration, false));
    let mut known = before.iter().map(|(key, _)| key).peekable();
    for (key, host) in others(result) {
        if known.peek() == Some(&&key) {
            known.next();
            continue;
        }
        let is_ours = |name: &String| name == redirect::NOBODY || request.names().any(|own| own == name);
        let main = result.main_server_name();
        let inherited = |name: &String| main.as_ref() == Some(name);
        let mut names = host.server_name.iter().chain(&host.aliases);
        let line = opening_line(result, &host);
        let woke = slept.get(&line).map_or(0, Vec::len) > sleeps.get(&line).map_or(0, Vec::len);
        let redirects = request.http == Some(Http::Redirect) && !woke;
        if redirects && names.all(|name| is_ours(name) || inherited(name)) {
            continue;
        }
        return Err(refuse(format!(
            "with mod_ssl loaded, the virtual host {} becomes active on another port than {}, and could take requests \
             from those that answer them now; take it out of the condition around it, or out of the configuration, \
             then run again",
            describe(result, &host),
            request.port
        )));
    }
    Ok(())
}

/// A virtual host that an `<IfModule !ssl_module>` takes away answers no more, be it the domain's own.
fn refuse_lost_hosts(original: &Configuration, result: &Configuration) -> Result<(), PlanError> {
    let after = by_opening_line(result, true);
    for (line, before) in by_opening_line(original, true) {
        if after.get(&line).is_some_and(|after| after.len() >= before.len()) {
            continue;
        }
        return Err(refuse(format!(
            "with mod_ssl loaded, the virtual host {} would go, because it depends on a condition such as \
             `<IfModule !ssl_module>`; take it out of the condition, then run again",
            describe(original, &before[0])
        )));
    }
    Ok(())
}

/// The active or inactive virtual hosts by their opening lines: the variables of inactive ones have no values.
fn by_opening_line(
    configuration: &Configuration,
    active: bool,
) -> BTreeMap<(PathBuf, Vec<u8>), Vec<VirtualHost>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let hosts = configuration.virtual_hosts().into_iter();
    for host in hosts.filter(|host| (host.truth == Truth::True) == active) {
        all.entry(opening_line(configuration, &host))
            .or_default()
            .push(host);
    }
    all
}

fn opening_line(configuration: &Configuration, host: &VirtualHost) -> (PathBuf, Vec<u8>) {
    let entry = configuration.entry(host.entry);
    let file = configuration.file(entry.file);
    (file.host.clone(), file.document.raw(entry.line as usize).to_vec())
}

/// Is there a private key for a certificate: by a directive, or in the certificate's own file?
fn has_key(configuration: &Configuration, host: &VirtualHost, certificate: &Entry) -> bool {
    if configuration
        .setting(host.section, "SSLCertificateKeyFile")
        .is_some()
    {
        return true;
    }
    let source = configuration.source();
    let arguments = configuration.arguments(certificate);
    arguments.first().is_some_and(|argument| {
        let full = resolve(configuration.server_root(), argument, source.platform);
        let names_key = |bytes: Vec<u8>| memchr::memmem::find(&bytes, b"PRIVATE KEY-----").is_some();
        source.is_foreign(&full) || source.read(&full).is_ok_and(names_key)
    })
}

/// The file that a directive names, if it is not there.
fn missing_file(configuration: &Configuration, entry: &Entry) -> Option<String> {
    let argument = configuration.arguments(entry).into_iter().next()?;
    let source = configuration.source();
    let full = resolve(configuration.server_root(), &argument, source.platform);
    let there = source.is_foreign(&full) || source.kind(&full) != Kind::Missing;
    (!there).then(|| String::from_utf8_lossy(&full).into_owned())
}

/// Every virtual host that was active keeps its engine, certificate and key, except the domain's own.
fn others_are_unchanged(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let loaded = |configuration: &Configuration| configuration.modules().has(b"ssl_module") == Truth::True;
    let newly_loaded = loaded(result) && !loaded(original);
    let mut after = settings(result, request);
    for (key, before) in settings(original, request) {
        let rest = after.remove(&key).unwrap_or_default();
        let mut rest = rest.iter();
        // Others of the same name may have come in between; the old ones must be there, in their order.
        for old in before {
            let left = rest.clone();
            if rest.any(|new| old.is_kept_as(new)) {
                continue;
            }
            let place = &old.place;
            if left.into_iter().any(|new| old.files == new.files) {
                return Err(refuse(format!(
                    "the virtual host {place} has a certificate and no SSLEngine of its own, so that a listener for \
                     HTTPS would have it speak TLS at all its addresses; write `SSLEngine off` or `SSLEngine on` \
                     into it, then run again"
                )));
            }
            // Not our edits, but what `<IfModule !ssl_module>` and the like make of the module.
            if newly_loaded {
                return Err(refuse(format!(
                    "with mod_ssl loaded, the virtual host {place} would change or go, because it depends on a \
                     condition such as `<IfModule !ssl_module>`; take it out of the condition, then run again"
                )));
            }
            return Err(PlanError::Unproven(format!(
                "the virtual host {place} would change"
            )));
        }
    }
    Ok(())
}

/// Wherever TLS was spoken on the port, the same virtual hosts answer in the same order, the default first.
fn sets_are_unchanged(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let [before, after] = [original, result].map(|configuration| Answers::new(configuration, request));
    let key = |configuration: &Configuration, host: &VirtualHost| {
        let file = configuration
            .file(configuration.entry(host.entry).file)
            .host
            .clone();
        // The domain's own may get more names.
        let aliases = if names_exactly(host, &request.domain) {
            Vec::new()
        } else {
            host.aliases.clone()
        };
        (file, host.server_name.clone(), aliases)
    };
    for end in before.local_ends() {
        let old = before.set(end);
        let Some(first) = old.first().filter(|first| original.speaks_tls(first)) else {
            continue;
        };
        let new: Vec<_> = after.set(end).into_iter().map(|host| key(result, host)).collect();
        let mut rest = new.iter();
        let in_order = old
            .iter()
            .all(|host| rest.any(|other| *other == key(original, host)));
        if !in_order || new.first() != Some(&key(original, first)) {
            return Err(refuse(format!(
                "a virtual host for {} would take the place of {} as the one that answers on port {} when no name \
                 fits; add `ServerAlias {}` to the one that is to serve it, or give it an address of its own",
                request.domain,
                describe(original, first),
                request.port,
                request.domain
            )));
        }
        // A name that one of them had for its own is still answered by it.
        let names: Vec<&String> = old
            .iter()
            .flat_map(|host| host.server_name.iter().chain(&host.aliases))
            .collect();
        for name in names {
            let (Some(was), Some(is)) = (before.answering(end, name), after.answering(end, name)) else {
                continue;
            };
            let is_own = request.names().any(|own| own.eq_ignore_ascii_case(name))
                || names_exactly(was, &request.domain);
            if !is_own && was.has_name(name) && key(original, was) != key(result, is) {
                return Err(refuse(format!(
                    "{name} is answered on port {} by the virtual host {}, and {} would take it over; take the name \
                     out of the ServerAlias of one of them, then run again",
                    request.port,
                    describe(original, was),
                    describe(result, is)
                )));
            }
        }
    }
    Ok(())
}

/// What a virtual host of others has.
struct Old {
    /// It speaks TLS.
    engine: bool,
    /// Its certificates and keys.
    files: [Vec<Vec<u8>>; 2],
    /// Something listens on one of its ports.
    reached: bool,
    /// For people.
    place: String,
}

impl Old {
    /// A listener for https switches TLS on without a word where there is a certificate; that changes nothing for a
    /// virtual host that nobody could reach.
    fn is_kept_as(&self, new: &Old) -> bool {
        self.files == new.files && (self.engine == new.engine || new.engine && !self.reached)
    }
}

fn settings(configuration: &Configuration, request: &Request) -> BTreeMap<HostKey, Vec<Old>> {
    let mut all: BTreeMap<HostKey, Vec<Old>> = BTreeMap::new();
    let loaded = configuration.modules().has(b"ssl_module") != Truth::False;
    let listens = configuration.listens().iter();
    let ports: HashSet<u16> = listens
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port)
        .collect();
    for host in configuration.virtual_hosts() {
        if host.truth != Truth::True || names_exactly(&host, &request.domain) {
            continue;
        }
        let values = |name: &str| -> Vec<Vec<u8>> {
            let own: Vec<&Entry> = configuration
                .inside(host.section)
                .filter(|entry| entry.truth == Truth::True && configuration.is_named(entry, name))
                .collect();
            let inherited = || configuration.setting(SERVER, name).into_iter().collect();
            let entries = if own.is_empty() { inherited() } else { own };
            entries
                .into_iter()
                .map(|entry| configuration.rest(entry))
                .collect()
        };
        all.entry(key(configuration, &host)).or_default().push(Old {
            engine: loaded && configuration.speaks_tls(&host),
            files: [values("SSLCertificateFile"), values("SSLCertificateKeyFile")],
            reached: host.addresses.iter().any(|address| {
                address
                    .port
                    .map_or(!ports.is_empty(), |port| ports.contains(&port))
            }),
            place: describe(configuration, &host),
        });
    }
    all
}

pub(super) fn errors(configuration: &Configuration) -> impl Iterator<Item = &Problem> {
    configuration
        .problems()
        .iter()
        .filter(|problem| problem.severity == Severity::Error && !problem.uncertain)
}

pub(super) fn place(configuration: &Configuration, problem: &Problem) -> String {
    let file = configuration.file(problem.file);
    let number = file
        .document
        .lines()
        .get(problem.line as usize)
        .map_or(0, |line| line.number);
    format!("{}:{number}", String::from_utf8_lossy(&file.name))
}
