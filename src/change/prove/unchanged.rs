//! That a plan leaves alone what was not asked for: the virtual hosts of others, who answers, and HTTP of the domain
//! where it stays. Edits nothing.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use crate::httpd::{Configuration, SERVER, SectionId, Truth, VirtualHost};
use crate::mod_ssl::{Engines, speaks_tls};

use super::super::answer::Answers;
use super::super::existing::{HostKey, key, secured};
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{RefusalCode, named, say};
use super::super::request::Request;
use super::super::unfinished::is_unfinished;
use super::all_are_there;

/// A virtual host of the domain that spoke HTTP on another port goes on speaking it there.
pub(super) fn refuse_tls_on_http_ports(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let hosts = result.hosts_named(&request.domain);
    for host in hosts.filter(|host| host.names_exactly(&request.domain)) {
        let is_listened = |port: Option<u16>| {
            let active = result.active_listens();
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
        let was_there = || secured(original).any(|old| key(original, old) == key(result, host));
        let is_secured = || secured(result).any(|other| other.section == host.section);
        if other_side && is_secured() && !was_there() {
            let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
            return Err(refuse(
                RefusalCode::TlsAtAllAddresses,
                say![
                    "the virtual host ",
                    named(result, host),
                    " would speak TLS at all its addresses, ",
                    addresses.join(" and "),
                    ", and HTTP at none",
                ],
                "; ",
                "give HTTP a virtual host of its own, without SSLEngine, then run again",
            ));
        }
    }
    Ok(())
}

/// Every virtual host that was active keeps its engine, certificate and key, except the domain's own.
pub(super) fn others_are_unchanged(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let loaded = |configuration: &Configuration| configuration.modules().has(b"ssl_module") == Truth::True;
    let newly_loaded = loaded(result) && !loaded(original);
    // Those of one key, and how many of them have been found to be old ones.
    let mut after: HashMap<HostKey, (Vec<Old>, usize)> = HashMap::new();
    let both = || [original, result].map(|configuration| settings(configuration, request));
    let [before, now] = both();
    if all_are_there(before, now, |old, new| {
        key(original, old.host) == key(result, new.host) && old.is_kept_as(new)
    }) {
        return Ok(());
    }
    let [before, now] = both();
    for new in now {
        after.entry(key(result, new.host)).or_default().0.push(new);
    }
    for old in before {
        let (all, found) = after.entry(key(original, old.host)).or_default();
        let left = &all[*found..];
        // Others of the same name may have come in between; the old ones must be there, in their order.
        if let Some(at) = left.iter().position(|new| old.is_kept_as(new)) {
            *found += at + 1;
            continue;
        }
        let old_host = named(original, old.host);
        if left.iter().any(|new| old.files == new.files) {
            return Err(refuse(
                RefusalCode::EngineNotSaid,
                say![
                    "the virtual host ",
                    old_host,
                    " has a certificate and no SSLEngine of its own, so that a listener for HTTPS would have it speak \
                     TLS at all its addresses",
                ],
                "; ",
                "write `SSLEngine off` or `SSLEngine on` into it, then run again",
            ));
        }
        // Not our edits, but what `<IfModule !ssl_module>` and the like make of the module.
        if newly_loaded {
            return Err(refuse(
                RefusalCode::LostHost,
                say![
                    "with mod_ssl loaded, the virtual host ",
                    old_host,
                    " would change or go, because it depends on a condition such as `<IfModule !ssl_module>`",
                ],
                "; ",
                "move it out of the condition, then run again",
            ));
        }
        return Err(PlanError::Unproven(format!(
            "the virtual host {old_host} would change"
        )));
    }
    Ok(())
}

/// Wherever TLS was spoken on the port, the same virtual hosts answer in the same order, the default first.
pub(super) fn sets_are_unchanged(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Result<(), PlanError> {
    let [before, after] = [original, result].map(|configuration| Answers::new(configuration, request));
    let sides = Sides {
        original,
        result,
        request,
    };
    for end in before.local_ends() {
        let old = before.set(end);
        let Some(first) = old.first().filter(|first| speaks_tls(original, first)) else {
            continue;
        };
        let new: Vec<_> = after.set(end).iter().map(|host| sides.after(host)).collect();
        let mut rest = new.iter();
        let in_order = old
            .iter()
            .all(|host| rest.any(|other| sides.is_kept(host, other)));
        if !in_order || !new.first().is_some_and(|new| sides.is_kept(first, new)) {
            return Err(sides.refuse_default(first));
        }
        // A name that one of them had for its own is still answered by it.
        let names = old
            .iter()
            .flat_map(|host| host.server_name.iter().chain(&host.aliases));
        for name in names {
            if let (Some(was), Some(is)) = (before.answering(end, name), after.answering(end, name))
                && sides.is_taken(name, was, is)
            {
                return Err(sides.refuse_taken(name, was, is));
            }
        }
    }
    Ok(())
}

/// A configuration before and after the edits of a request.
struct Sides<'a> {
    original: &'a Configuration,
    result: &'a Configuration,
    request: &'a Request,
}

/// What a virtual host is known by on both sides, wherever its lines stand now.
type Known<'a> = (&'a OsStr, Option<&'a str>, &'a [String]);

impl<'a> Sides<'a> {
    fn before(&self, host: &'a VirtualHost) -> Known<'a> {
        self.known(self.original, host)
    }

    fn after(&self, host: &'a VirtualHost) -> Known<'a> {
        self.known(self.result, host)
    }

    fn known(&self, configuration: &'a Configuration, host: &'a VirtualHost) -> Known<'a> {
        let file = configuration
            .file(configuration.entry(host.entry).file)
            .host
            .as_os_str();
        // The domain's own may get more names.
        let aliases = match host.names_exactly(&self.request.domain) {
            true => &[],
            false => host.aliases.as_slice(),
        };
        (file, host.server_name.as_deref(), aliases)
    }

    /// Is it the same virtual host? One that nobody had finished may have got the domain for its name.
    fn is_kept(&self, old: &'a VirtualHost, new: &Known<'a>) -> bool {
        let before = self.before(old);
        let own = (before.0, Some(self.request.domain.as_str()), &[][..]);
        before == *new || own == *new && is_unfinished(self.original, old)
    }

    /// Does another virtual host answer a name that one had for its own, and that is not the request's?
    fn is_taken(&self, name: &str, was: &VirtualHost, is: &VirtualHost) -> bool {
        let is_own = self.request.names().any(|own| own.eq_ignore_ascii_case(name))
            || was.names_exactly(&self.request.domain);
        !is_own && was.has_name(name) && self.before(was) != self.after(is)
    }

    fn refuse_default(&self, first: &VirtualHost) -> PlanError {
        refuse(
            RefusalCode::DefaultWouldChange,
            say![
                "a virtual host for ",
                &self.request.domain,
                " would take the place of ",
                named(self.original, first),
                " as the one that answers on port ",
                self.request.port,
                " when no name fits",
            ],
            "; ",
            format!(
                "write the port into the address of that one, as in <VirtualHost *:{}>, then run again",
                self.request.port
            ),
        )
    }

    fn refuse_taken(&self, name: &str, was: &VirtualHost, is: &VirtualHost) -> PlanError {
        refuse(
            RefusalCode::NameTakenOver,
            say![
                name,
                " is answered on port ",
                self.request.port,
                " by the virtual host ",
                named(self.original, was),
                ", and that of ",
                is.client_name().unwrap_or(&self.request.domain),
                " would take it over",
            ],
            "; ",
            "remove the name from the ServerAlias of one of them, then run again",
        )
    }
}

/// What a virtual host of others has.
struct Old<'a> {
    host: &'a VirtualHost,
    /// It speaks TLS.
    engine: bool,
    /// Its certificates and keys.
    files: [Vec<Vec<u8>>; 2],
    /// Something listens on one of its ports.
    reached: bool,
}

impl Old<'_> {
    /// A listener for https switches TLS on without a word where there is a certificate; that changes nothing for a
    /// virtual host that nobody could reach.
    fn is_kept_as(&self, new: &Old<'_>) -> bool {
        self.files == new.files && (self.engine == new.engine || new.engine && !self.reached)
    }
}

const FILES: [&str; 2] = ["SSLCertificateFile", "SSLCertificateKeyFile"];

/// Of each virtual host of others that somebody finished, in order.
fn settings<'a>(configuration: &'a Configuration, request: &'a Request) -> impl Iterator<Item = Old<'a>> {
    let loaded = configuration.modules().has(b"ssl_module") != Truth::False;
    let listens = configuration.listens().iter();
    let ports: HashSet<u16> = listens
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port)
        .collect();
    let mut own: HashMap<SectionId, [Vec<Vec<u8>>; 2]> = HashMap::new();
    for (file, name) in FILES.into_iter().enumerate() {
        for (_, entry) in configuration
            .named(name)
            .filter(|(_, entry)| entry.truth == Truth::True)
        {
            let files = own.entry(configuration.context(entry)).or_default();
            files[file].push(configuration.rest(entry));
        }
    }
    let inherited = FILES.map(|name| {
        let entry = configuration.setting(SERVER, name);
        entry.map(|entry| configuration.rest(entry))
    });
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts().iter();
    hosts.filter_map(move |host| {
        let is_own = || host.names_exactly(&request.domain) || is_unfinished(configuration, host);
        if host.truth != Truth::True || is_own() {
            return None;
        }
        let mut files = own.remove(&host.section).unwrap_or_default();
        for (own, inherited) in files.iter_mut().zip(&inherited) {
            if own.is_empty() {
                own.extend(inherited.clone());
            }
        }
        Some(Old {
            host,
            engine: loaded && engines.speak_tls(host),
            files,
            reached: host.addresses.iter().any(|address| {
                address
                    .port
                    .map_or(!ports.is_empty(), |port| ports.contains(&port))
            }),
        })
    })
}
