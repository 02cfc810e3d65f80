//! Virtual hosts: addresses, names, reach, and TLS side by side with plain. Resolves no host names.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::context::Directive;
use super::hosts::{HostTls, Hosts, Tls};
use super::listen::{in_range, parse_address_port};
use super::reach::{Reach, reach_among};
use super::walk::Walk;
use crate::finding::{Finding, Phase};
use crate::httpd::word::words;
use crate::httpd::{
    Address, AddressSets, Configuration, EntryId, Host, SectionId, Truth, VirtualHost, host_part, is_no_host,
    matches_alias, without_scheme,
};
use crate::mod_ssl::has_https_listener;

/// The opening of a virtual host.
pub(super) fn opening(walk: &mut Walk<'_>, directive: &Directive<'_>, section: SectionId, argument: &[u8]) {
    let mut addresses = Vec::new();
    for (n, word) in words(argument).enumerate() {
        let word = &word.value;
        if !is_address(walk, directive, n + 1, word) {
            continue;
        }
        let mut portless = false;
        let address = Address::parse(word, || {
            portless = true;
            None
        });
        if portless && address.is_some() && !walk.errors_only {
            walk.hosts.portless.push((walk.hosts.all.len(), addresses.len()));
        }
        addresses.extend(address.filter(|_| !walk.errors_only));
    }
    walk.contexts[section].host = Some(walk.hosts.tls.len() as u32);
    walk.hosts.tls.push(HostTls {
        opening: directive.id,
        truth: directive.entry.truth,
        name: None,
        settings: Tls::default(),
    });
    if walk.errors_only {
        return;
    }
    addresses.shrink_to_fit();
    walk.hosts.all.push(VirtualHost {
        section,
        entry: directive.id,
        addresses,
        server_name: None,
        aliases: Vec::new(),
        truth: directive.entry.truth,
    });
}

/// Does Apache take a word of an opening for an address? What it does not is reported.
fn is_address(walk: &mut Walk<'_>, directive: &Directive<'_>, number: usize, word: &[u8]) -> bool {
    let bare = word.strip_suffix(b":*").unwrap_or(word);
    if matches!(bare, b"*" | b"_default_") {
        return true;
    }
    let apache = match parse_address_port(bare) {
        None => "The address or port is invalid",
        Some((None, _)) => "Missing address for VirtualHost",
        Some((Some(host), _)) => {
            let host = host
                .strip_prefix(b"[")
                .and_then(|h| h.strip_suffix(b"]"))
                .unwrap_or(host);
            if host == b"*" || !is_no_host(host) {
                return true;
            }
            let shown = String::from_utf8_lossy(word).into_owned();
            let finding = Finding {
                rule: "dead-address",
                apache: Some(format!(
                    "AH00547: Could not resolve host name {shown} -- ignoring!"
                )),
                summary: format!(
                    "`{shown}` is not an address that Apache understands, so it ignores it; addresses are separated by \
                     blanks"
                ),
                ..Finding::accepted(Phase::Checking)
            };
            walk.report(&directive.entry, Some(number), finding);
            return false;
        }
    };
    let finding = Finding {
        rule: "host-address",
        apache: Some(apache.into()),
        summary: "an address is `ADDRESS[:PORT]` or `*[:PORT]`, with a port from 1 to 65535".into(),
        ..Finding::refused(Phase::Checking)
    };
    walk.report(&directive.entry, Some(number), finding);
    false
}

/// `ServerName`, `ServerAlias`, `NameVirtualHost`.
pub(super) fn directive(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let host = directive.context.host;
    match directive.name {
        "ServerName" => server_name(walk, directive, host),
        "ServerAlias" => {
            let Some(host) = host else {
                return walk.refuse(
                    directive,
                    "server-name",
                    "ServerAlias only used in <VirtualHost>",
                    "`ServerAlias` has an effect only in a virtual host",
                );
            };
            let Some(host) = walk.hosts.all.get_mut(host as usize) else {
                return;
            };
            let aliases = words(directive.rest).take_while(|word| !word.value.is_empty());
            host.aliases
                .extend(aliases.map(|word| String::from_utf8_lossy(&word.value).into_owned()));
        }
        _ => {
            let finding = Finding {
                rule: "no-effect",
                apache: Some(
                    "AH00548: NameVirtualHost has no effect and will be removed in the next release".into(),
                ),
                summary: "`NameVirtualHost` has had no effect since Apache 2.4; remove it".into(),
                ..Finding::accepted(Phase::Checking)
            };
            walk.report(&directive.entry, Some(0), finding);
        }
    }
}

fn server_name(walk: &mut Walk<'_>, directive: &Directive<'_>, host: Option<u32>) {
    let name = directive.first();
    let shown = || String::from_utf8_lossy(&name);
    let is_ipv6 = || shown().trim_matches(['[', ']']).parse::<Ipv6Addr>().is_ok();
    const ALIAS: &str =
        "Apache does not accept an IPv6 address here; put it into `ServerAlias`, without brackets";
    if is_pattern(&name) {
        return walk.refuse(
            directive,
            "server-name",
            format!(
                "Invalid ServerName \"{}\" use ServerAlias to set multiple server names.",
                shown()
            ),
            match is_ipv6() {
                true => ALIAS,
                false => "`ServerName` takes one plain name; patterns belong in `ServerAlias`",
            },
        );
    }
    let bare = without_scheme(&name);
    if let Some(colon) = memchr::memchr(b':', bare) {
        let port = &bare[colon + 1..];
        let digits = port.iter().take_while(|digit| digit.is_ascii_digit()).count();
        if in_range(&port[..digits]).is_none() {
            return walk.refuse(
                directive,
                "server-name",
                format!(
                    "The port number \"{}\" is outside the appropriate range (i.e., 1..65535).",
                    shown()
                ),
                match is_ipv6() {
                    true => ALIAS,
                    false => "the port in `ServerName` must be a number from 1 to 65535",
                },
            );
        }
        if is_ipv6() {
            let message = format!("the name of `{}` ends at the first colon; {ALIAS}", shown());
            walk.warn(&directive.entry, Some(0), "server-name", message);
        }
    }
    let Some(host) = host.map(|host| host as usize) else {
        return walk.hosts.ports.push((directive.id, host_part(&name).1));
    };
    walk.hosts.tls[host].name = Some(directive.id);
    if let Some(host) = walk.hosts.all.get_mut(host) {
        host.server_name = Some(host_part(&name).0);
    }
}

/// APR's `apr_fnmatch_test`.
fn is_pattern(text: &[u8]) -> bool {
    let mut open = false;
    let mut skip = false;
    text.iter().any(|byte| {
        if skip {
            skip = false;
            return false;
        }
        match byte {
            b'?' | b'*' => return true,
            b'\\' => skip = true,
            b'[' => open = true,
            b']' if open => return true,
            _ => {}
        }
        false
    })
}

/// All virtual hosts together.
pub(super) fn check(walk: &mut Walk<'_>) {
    // The questions below would gather the listeners a second time.
    let mut hosts = std::mem::take(&mut walk.hosts);
    hosts.fill_in_ports();
    let any = |host: &VirtualHost| host.addresses.iter().any(|address| address.host == Host::Any);
    let mut main = None;
    for host in hosts
        .all
        .iter_mut()
        .filter(|host| host.server_name.is_none() && any(host))
    {
        let main = main.get_or_insert_with(|| walk.c.main_server_name());
        host.server_name.clone_from(main);
    }
    tls_errors(walk, &hosts);
    if !walk.errors_only {
        unreached(walk, &hosts.all);
        tls_and_plain(walk, &hosts);
        nearer(walk, &hosts.all);
    }
}

/// Virtual hosts that answer nobody.
fn unreached(walk: &mut Walk<'_>, hosts: &[VirtualHost]) {
    let reach = reach_among(walk.c, hosts, &AddressSets::of(hosts));
    for (host, reach) in hosts.iter().zip(reach) {
        let name = host.server_name.as_deref().unwrap_or("this virtual host");
        let message = match reach {
            Reach::Answers | Reach::Inactive => continue,
            Reach::NothingListens if walk.listens.is_empty() => continue,
            Reach::NothingListens => {
                format!("{name} is never reached: no `Listen` opens one of its ports")
            }
            Reach::ShadowedBy(other) => format!(
                "{name} is never reached: the virtual host at {} answers to that name first",
                walk.c.place(walk.c.entry(other))
            ),
            Reach::NearerAddress => {
                format!("{name} is never reached: virtual hosts with a more specific address answer instead")
            }
        };
        let entry = *walk.c.entry(host.entry);
        walk.warn(&entry, None, "dead-host", message);
    }
}

/// At how many single addresses it is looked for what they hide.
const ADDRESSES: usize = 100;

/// Virtual hosts for all addresses that clients of a single one do not get, whatever name they ask for: told once for
/// each such address, at its first virtual host.
fn nearer(walk: &mut Walk<'_>, hosts: &[VirtualHost]) {
    let active = || hosts.iter().filter(|host| host.truth == Truth::True);
    let mut near: BTreeMap<(IpAddr, u16), Vec<&VirtualHost>> = BTreeMap::new();
    for host in active() {
        for address in &host.addresses {
            if let (Host::Ip(ip), Some(port)) = (&address.host, address.port) {
                near.entry((*ip, port)).or_default().push(host);
            }
        }
    }
    for ((ip, port), set) in near.into_iter().take(ADDRESSES) {
        let listened = |ip: &IpAddr| {
            let mut listens = walk.listens.iter();
            listens.any(|l| l.port == port && (l.is_wildcard() || l.ip() == Some(*ip)))
        };
        let names = set
            .iter()
            .flat_map(|host| host.server_name.iter().chain(&host.aliases));
        let (patterns, names): (Vec<String>, Vec<String>) = names
            .map(|name| name.to_ascii_lowercase())
            .partition(|name| name.contains(['*', '?']));
        let names: HashSet<String> = names.into_iter().collect();
        let mut hidden = active().filter(|host| {
            let everywhere = |address: &Address| address.host == Host::Any && address.port == Some(port);
            let is_near = |address: &Address| address.ip() == Some(ip) && address.port == Some(port);
            let name = host.server_name.as_deref().map(str::to_ascii_lowercase);
            let is_there = |name: &String| {
                names.contains(name)
                    || patterns
                        .iter()
                        .any(|pattern| matches_alias(pattern.as_bytes(), name.as_bytes()))
            };
            host.addresses.iter().any(everywhere)
                && !host.addresses.iter().any(is_near)
                && name.is_some_and(|name| !is_there(&name))
        });
        let Some(one) = hidden.next().filter(|_| listened(&ip)) else {
            continue;
        };
        let more = match hidden.count() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!(
            "clients of {} never get {} at {}{more}, whatever name they ask for: a specific address comes before \
             `*`",
            SocketAddr::new(ip, port),
            one.server_name.as_deref().unwrap_or_default(),
            walk.c.place(walk.c.entry(one.entry)),
        );
        let entry = *walk.c.entry(set[0].entry);
        walk.warn(&entry, None, "hides-others", message);
    }
}

/// Servers that speak TLS and have no certificate.
fn tls_errors(walk: &mut Walk<'_>, hosts: &Hosts) {
    if walk.c.modules().has(b"ssl_module") == Truth::False {
        return;
    }
    let managed = walk.c.modules().has(b"md_module") != Truth::False;
    let engine = |tls: &Tls| tls.engine.or(hosts.main.engine);
    let certificate = |tls: &Tls| tls.certificate || hosts.main.certificate;
    let mut inherited = None;
    for host in &hosts.tls {
        let tls = &host.settings;
        if host.truth == Truth::False || certificate(tls) || managed {
            continue;
        }
        match engine(tls) {
            Some((true, at)) if tls.engine.is_some() => {
                without_certificate(walk, at, name_of(walk.c, host).as_deref())
            }
            Some((true, at)) => inherited = Some(at),
            _ => {}
        }
    }
    let main = hosts
        .main
        .engine
        .filter(|(on, _)| *on && !hosts.main.certificate && !managed);
    if let Some(at) = main.map(|(_, at)| at).or(inherited) {
        without_certificate(walk, at, None);
    }
}

/// The name of a virtual host: its own, or on `*` that of the main server.
fn name_of(c: &Configuration, host: &HostTls) -> Option<String> {
    if let Some(name) = host.name {
        return Some(host_part(c.arguments(c.entry(name)).first()?).0);
    }
    let argument = c.section_argument(c.entry(host.opening));
    let addresses = words(&argument).filter_map(|word| Address::parse(&word.value, || None));
    let mut anywhere = addresses.filter(|address| address.host == Host::Any);
    anywhere.next().and_then(|_| c.main_server_name())
}

/// Virtual hosts of one address of which some speak TLS.
fn tls_and_plain(walk: &mut Walk<'_>, hosts: &Hosts) {
    if walk.c.modules().has(b"ssl_module") == Truth::False {
        return;
    }
    let engine = |tls: &Tls| tls.engine.or(hosts.main.engine);
    let certificate = |tls: &Tls| tls.certificate || hosts.main.certificate;
    let mut first: HashMap<(Option<IpAddr>, Option<u16>), (bool, EntryId)> = HashMap::new();
    for (host, HostTls { settings: tls, .. }) in hosts.all.iter().zip(&hosts.tls) {
        if host.truth != Truth::True {
            continue;
        }
        let speaks = match engine(tls) {
            Some((engine, _)) => engine,
            None => certificate(tls) && has_https_listener(walk.c, host),
        };
        let pairs = host
            .addresses
            .iter()
            .filter(|address| !matches!(address.host, Host::Name(_)));
        let mut other = None;
        for address in pairs {
            let (before, at) = *first
                .entry((address.ip(), address.port))
                .or_insert((speaks, host.entry));
            if before != speaks {
                other = Some((before, at, address.to_string()));
            }
        }
        if let Some((before, at, address)) = other {
            let place = walk.c.place(walk.c.entry(at));
            let message = if before {
                format!(
                    "this plain virtual host shares {address} with {place}, which speaks TLS: it is served over \
                     TLS, with the certificate of that one"
                )
            } else {
                format!(
                    "this TLS virtual host shares {address} with {place}, which comes first and has no TLS: TLS \
                     connections fail there"
                )
            };
            let entry = *walk.c.entry(host.entry);
            walk.warn(&entry, None, "tls-and-plain", message);
        }
    }
}

fn without_certificate(walk: &mut Walk<'_>, at: EntryId, name: Option<&str>) {
    let entry = *walk.c.entry(at);
    let whose = name.map_or_else(|| "a server".to_string(), |name| format!("`{name}`"));
    let finding = Finding {
        rule: "tls-without-certificate",
        apache: Some("AH02572: Failed to configure at least one certificate and key".into()),
        summary: format!(
            "TLS is on for {whose} without a certificate: `httpd -t` reports no error, but the server does not \
             start; add SSLCertificateFile"
        ),
        ..Finding::refused(Phase::Starting)
    };
    walk.report(&entry, None, finding);
}
