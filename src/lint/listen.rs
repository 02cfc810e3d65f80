//! `Listen`: arguments as httpd's `listen.c` and APR read them, duplicates, and what cannot be bound side by side.
//! Binds nothing and resolves no names.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::context::Directive;
use super::walk::Walk;
use crate::finding::{Finding, Phase};
use crate::httpd::{Listen, Platform, Truth, is_no_host};

/// An address and a port as APR's `apr_parse_addr_port` takes them apart: `[address][:port]`; 0 is no port.
pub(super) fn parse_address_port(text: &[u8]) -> Option<(Option<&[u8]>, u16)> {
    let digits = text.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (mut address, number) = text.split_at(text.len() - digits);
    let mut port = 0;
    if address.is_empty() {
        return Some((None, in_range(number)?));
    }
    if let Some(before) = address.strip_suffix(b":")
        && digits > 0
    {
        if before.is_empty() {
            return None;
        }
        port = in_range(number)?;
        address = before;
    } else {
        address = text;
    }
    if let [b'[', inner @ ..] = address {
        let inner = inner.strip_suffix(b"]").filter(|inner| !inner.contains(&b']'))?;
        let bare = inner.split(|b| *b == b'%').next().unwrap_or_default();
        if inner.ends_with(b"%") {
            return None;
        }
        let bare = std::str::from_utf8(bare).ok()?;
        bare.parse::<std::net::Ipv6Addr>().ok()?;
    }
    Some((Some(address), port))
}

/// A port that is one.
pub(super) fn in_range(digits: &[u8]) -> Option<u16> {
    std::str::from_utf8(digits)
        .ok()?
        .parse()
        .ok()
        .filter(|port| *port > 0)
}

/// Checks one `Listen`.
pub(super) fn directive(walk: &mut Walk<'_>, directive: &Directive<'_>) {
    let words = directive.words();
    let refuse = |walk: &mut Walk<'_>, apache: &str, message: &str| {
        walk.refuse(directive, "listen", apache, message);
    };
    let (address, protocol) = match words.as_slice() {
        [address] if !address.is_empty() => (address, None),
        [address, protocol] => (address, Some(protocol)),
        _ => {
            return refuse(
                walk,
                "Listen requires 1 or 2 arguments.",
                "`Listen` takes `[address:]port` and optionally a protocol",
            );
        }
    };
    let Some((host, port)) = parse_address_port(address) else {
        return refuse(
            walk,
            "Invalid address or port",
            "the address or the port is not valid; ports are 1 to 65535, IPv6 addresses are in brackets",
        );
    };
    if port == 0 {
        return refuse(
            walk,
            "Port must be specified",
            "`Listen` needs a port, after a colon if there is an address",
        );
    }
    let host = host.filter(|host| *host != b"*");
    if let Some(host) = host
        && !host.starts_with(b"[")
        && is_no_host(host)
    {
        return refuse(
            walk,
            "Listen setup failed",
            "this is neither an address nor a host name",
        );
    }
    walk.listens.push(Listen {
        address: host.map(|host| String::from_utf8_lossy(host).into_owned()),
        port,
        protocol: protocol.map(|word| String::from_utf8_lossy(word).to_ascii_lowercase()),
        truth: directive.entry.truth,
        entry: directive.id,
    });
}

/// Checks all of them together.
pub(super) fn check(walk: &mut Walk<'_>) {
    let listens = std::mem::take(&mut walk.listens);
    let has_bad = walk.found.iter().any(|finding| finding.rule == "listen");
    if listens.is_empty() && !has_bad {
        let why = if walk.c.named("Listen").next().is_some() {
            "no `Listen` is active"
        } else {
            "there is no `Listen`"
        };
        walk.found.push(Finding {
            rule: "no-listen",
            apache: Some("no listening sockets available, shutting down".into()),
            summary: format!("{why}: the server will not start"),
            ..Finding::refused(Phase::Starting)
        });
    }
    let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
    for (index, listen) in listens.iter().enumerate() {
        let earlier = by_port.entry(listen.port).or_default();
        // One complaint for each Listen is enough.
        let found = earlier.iter().find_map(|other| {
            let conflict = conflict(&listens, *other, index, walk.c.source().platform)?;
            Some((conflict, &listens[*other]))
        });
        // Exact duplicates of one address would all be compared with each other.
        earlier.push(index);
        if let Some((conflict, other)) = found {
            earlier.pop();
            let place = walk.c.place(walk.c.entry(other.entry));
            let entry = *walk.c.entry(listen.entry);
            let unsure = listen.truth.and(other.truth) == Truth::Unknown;
            let endpoint = listen.endpoint();
            let finding = match conflict {
                Conflict::Duplicate => Finding {
                    rule: "listen-duplicate",
                    apache: Some("Cannot define multiple Listeners on the same IP:port".into()),
                    summary: format!("{place} listens on {endpoint} already; remove one of the two"),
                    ..Finding::refused(Phase::Checking)
                },
                Conflict::Fails => Finding {
                    rule: "listen-overlap",
                    apache: Some(format!(
                        "AH00072: make_sock: could not bind to address {endpoint}"
                    )),
                    summary: format!(
                        "{endpoint} is taken by `Listen {}` at {place}: `httpd -t` reports no error, but the \
                         server does not start",
                        other.endpoint()
                    ),
                    ..Finding::refused(Phase::Starting)
                },
                Conflict::Suspect => Finding {
                    rule: "listen-overlap",
                    summary: format!(
                        "{endpoint} overlaps with `Listen {}` at {place}; only one of the two may be served",
                        other.endpoint()
                    ),
                    ..Finding::accepted(Phase::Starting)
                },
            };
            let finding = Finding {
                uncertain: unsure,
                ..finding
            };
            walk.report(&entry, Some(1), finding);
        }
    }
    walk.listens = listens;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conflict {
    /// The same text.
    Duplicate,
    /// The second cannot be bound.
    Fails,
    /// It hangs on the system.
    Suspect,
}

/// What two listeners of one port do to each other, in this order, where IPv6 sockets take IPv4 as well.
fn conflict<'a>(all: &'a [Listen], first: usize, second: usize, platform: Platform) -> Option<Conflict> {
    let (a, b) = (&all[first], &all[second]);
    if a.address == b.address {
        return Some(Conflict::Duplicate);
    }
    if !a.overlaps(b) {
        return names_same_host(a, b).then_some(Conflict::Suspect);
    }
    let neighbours = second == first + 1;
    // However the address of a whole family is written.
    let form = |listen: &'a Listen| match listen.address.as_deref() {
        Some(_) if listen.is_all_of(&Ipv4Addr::UNSPECIFIED.into()) => Some("0.0.0.0"),
        Some(_) if listen.is_all_of(&Ipv6Addr::UNSPECIFIED.into()) => Some("[::]"),
        written => written,
    };
    match (form(a), form(b)) {
        // One socket for both families serves both.
        (None, Some("0.0.0.0")) if platform == Platform::Unix => None,
        (Some("0.0.0.0"), Some("[::]")) | (Some("[::]"), Some("0.0.0.0")) if neighbours => {
            (platform == Platform::Windows).then_some(Conflict::Suspect)
        }
        _ if platform == Platform::Windows => Some(Conflict::Suspect),
        (Some("[::]"), None) => Some(Conflict::Suspect),
        _ => Some(Conflict::Fails),
    }
}

/// Is one `localhost`, and the other an address that it usually has? Other names are not resolved.
fn names_same_host(a: &Listen, b: &Listen) -> bool {
    let local = |listen: &Listen| {
        let name = listen.address.as_deref();
        name.is_some_and(|name| name.eq_ignore_ascii_case("localhost"))
    };
    let own = |listen: &Listen| listen.ip().is_some_and(|ip| ip.is_loopback());
    a.port == b.port && ((local(a) && own(b)) || (own(a) && local(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_apr_reads_them() {
        for (text, expected) in [
            ("80", Some((None, 80))),
            ("*:80", Some((Some("*"), 80))),
            ("1.2.3.4", Some((Some("1.2.3.4"), 0))),
            ("::1:80", Some((Some("::1"), 80))),
            ("[::1]:80", Some((Some("[::1]"), 80))),
            ("a:b", Some((Some("a:b"), 0))),
            ("80a", Some((Some("80a"), 0))),
            ("0", None),
            ("65536", None),
            ("a:0", None),
            (":80", None),
            ("[::1:80", None),
            ("[x]:80", None),
            ("[fe80::1%]:80", None),
            ("[fe80::1%x]:80", Some((Some("[fe80::1%x]"), 80))),
            ("", None),
        ] {
            let found = parse_address_port(text.as_bytes());
            let expected = expected.map(|(host, port): (Option<&str>, u16)| (host.map(str::as_bytes), port));
            assert_eq!(found, expected, "{text}");
        }
    }
}
