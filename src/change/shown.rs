//! What the domain has over HTTP and lacks over HTTPS: lines that decide what is shown and where clients are sent, as Apache
//! evaluates them. Edits nothing.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::httpd::{Address, Configuration, Entry, SectionId, Truth, VirtualHost, word};
use crate::mod_ssl::speaks_tls;

use super::existing::{NOBODY, REDIRECTS, within};
use super::redirection::{
    Side, States, Waiting, both_ways, by_way, is_gone, only_leads_to_itself, with_conditions,
};
use super::request::Request;
use super::requests::path_of;
use super::site;
use super::site_candidates::only_at;
use super::step::tls_side::Instead;

/// Directives that decide what is shown.
const SHOWING: [&str; 15] = [
    "VirtualDocumentRoot",
    "VirtualScriptAlias",
    "Alias",
    "AliasMatch",
    "ScriptAlias",
    "ScriptAliasMatch",
    "ProxyPass",
    "ProxyPassMatch",
    "WSGIScriptAlias",
    "WSGIScriptAliasMatch",
    "JkMount",
    "SetHandler",
    "ErrorDocument",
    "RequestHeader",
    "SetEnv",
];

/// Those of them that decide it for a whole virtual host.
const BY_WHOLE: [&str; 3] = ["VirtualDocumentRoot", "VirtualScriptAlias", "SetHandler"];

/// More are counted only.
const MOST: usize = 3;

/// One line that decides, as it would be over HTTPS, with its place.
struct Showing<'a> {
    entry: &'a Entry,
    words: Vec<Vec<u8>>,
    place: String,
    /// What it decides about; none where that is no matter of paths.
    path: Option<String>,
}

/// What the names of the request have over HTTP in one configuration, and lack over HTTPS in the other. Not `asleep`: what
/// HTTP has no longer either, which is told as that.
pub(super) fn lacking(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
    asleep: &[&Entry],
) -> Vec<String> {
    let mut told = Vec::new();
    for (plain, tls) in pairs(original, result, request) {
        let mut lacking = lines_lacking(original, plain, result, tls, request);
        lacking.retain(|line| !asleep.iter().any(|entry| std::ptr::eq(*entry, line.entry)));
        told.extend(compared(&lacking, &result.place(result.entry(tls.entry))));
    }
    told
}

/// Names that another virtual host answers over HTTP, as the default of its address, where HTTPS shows something else.
pub(super) fn answered_by_default(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
) -> Vec<String> {
    let mut told = Vec::new();
    let shown = request.names().flat_map(|name| result.hosts_named(name));
    let ends = ends_at(original, shown, |port| port != request.port);
    let site = section_of_site(original, request);
    for name in request.names() {
        let other = ends.iter().find_map(|&(end, port)| {
            let plain = original.answering(end, port, name)?;
            let tls = result.answering(end, request.port, name)?;
            let is_copied = Some(plain.section) == site;
            let is_nobodys = plain.has_name(NOBODY) || is_copied;
            let is_other = !plain.has_name(name) && !is_nobodys && !speaks_tls(original, plain);
            let is_ours = speaks_tls(result, tls) && tls.has_name(name);
            let differs = || !lines_lacking(original, plain, result, tls, request).is_empty();
            (is_other && is_ours && differs()).then_some(plain)
        });
        told.extend(other.map(|plain| {
            format!(
                "over HTTP {name} is answered by the virtual host {}, which does not have that name and is the default of \
                 its address; HTTPS does not show the same. If its site is wanted for {name}, add `ServerAlias {name}` to it",
                plain.describe(original)
            )
        }));
    }
    told
}

/// The paths of which that was told: all below one of them may be answered otherwise over HTTPS.
pub(super) fn announced(original: &Configuration, result: &Configuration, request: &Request) -> Vec<String> {
    let mut paths = Vec::new();
    for (plain, tls) in pairs(original, result, request) {
        let lines = lines_lacking(original, plain, result, tls, request);
        paths.extend(lines.into_iter().filter_map(|line| line.path));
    }
    paths
}

/// The virtual hosts that answer a name over HTTP, each with that which answers it over HTTPS.
fn pairs<'a>(
    original: &'a Configuration,
    result: &'a Configuration,
    request: &Request,
) -> Vec<(&'a VirtualHost, &'a VirtualHost)> {
    let mut told: HashSet<(u32, u32)> = HashSet::new();
    let mut all = Vec::new();
    let ends = ends(original, request);
    let site = section_of_site(original, request);
    for name in request.names() {
        for &(end, port) in &ends {
            let Some(plain) = original.answering(end, port, name) else {
                continue;
            };
            let Some(tls) = result.answering(end, request.port, name) else {
                continue;
            };
            let is_own = plain.has_name(name) || Some(plain.section) == site;
            let is_seen = told.contains(&(plain.section, tls.section));
            if is_seen
                || !speaks_tls(result, tls)
                || speaks_tls(original, plain)
                || plain.has_name(NOBODY)
                || !is_own
                || only_leads_to_itself(original, request, plain)
            {
                continue;
            }
            told.insert((plain.section, tls.section));
            all.push((plain, tls));
        }
    }
    all
}

/// The virtual host that the one for HTTPS is made of.
pub(super) fn section_of_site(configuration: &Configuration, request: &Request) -> Option<SectionId> {
    let site = site::site(configuration, request).ok().flatten();
    site.map(|site| site.section)
}

/// Where HTTP arrives that may be answered by the site of a request, by one of its names or as it is the site.
pub(super) fn ends(configuration: &Configuration, request: &Request) -> Vec<(Option<IpAddr>, u16)> {
    let site = site::site(configuration, request).ok().flatten();
    let named = request.names().flat_map(|name| configuration.hosts_named(name));
    ends_at(configuration, named.chain(&site), |port| port != request.port)
}

/// The ends of such ports: the addresses that are listened on, and of those that virtual hosts are for, all at which one of
/// these may answer.
pub(super) fn ends_at<'h>(
    configuration: &Configuration,
    hosts: impl Iterator<Item = &'h VirtualHost>,
    is_wanted: impl Fn(u16) -> bool,
) -> Vec<(Option<IpAddr>, u16)> {
    let listens = configuration.listens().iter();
    let listens = listens.filter(|listen| listen.truth == Truth::True && is_wanted(listen.port));
    // There may be a hundred thousand addresses.
    let only = only_at(hosts);
    let counts = |ip: &IpAddr| only.as_ref().is_none_or(|only| only.contains(ip));
    let mut ends: Vec<(Option<IpAddr>, u16)> = Vec::new();
    for listen in listens {
        ends.push((listen.ip(), listen.port));
        if listen.is_wildcard() {
            let hosts = configuration.virtual_hosts().iter();
            let active = hosts.filter(|host| host.truth == Truth::True);
            let addresses = active.flat_map(|host| &host.addresses);
            let here = addresses.filter(|address| address.port.is_none_or(|port| port == listen.port));
            let here = here.filter_map(Address::ip).filter(counts);
            ends.extend(here.map(|ip| (Some(ip), listen.port)));
        }
    }
    let mut seen = HashSet::new();
    ends.retain(|end| seen.insert(*end));
    ends
}

/// The lines that the one for HTTPS does not have.
fn lines_lacking<'a>(
    original: &'a Configuration,
    plain: &'a VirtualHost,
    result: &Configuration,
    tls: &VirtualHost,
    request: &Request,
) -> Vec<Showing<'a>> {
    let side = Side::of(original, request, Some(plain));
    let there: Vec<Vec<Vec<u8>>> = showing(result, &side, tls, true)
        .into_iter()
        .map(|showing| showing.words)
        .collect();
    let mut wanted = showing(original, &side, plain, false);
    wanted.retain(|showing| !there.contains(&showing.words));
    wanted
}

fn compared(lacking: &[Showing<'_>], home: &str) -> Vec<String> {
    let told = lacking.iter().take(MOST).map(|showing| {
        let line = showing.words.join(&b' ');
        format!(
            "over HTTP there is `{}` ({}), and the virtual host for HTTPS at {home} does not have it",
            String::from_utf8_lossy(&line),
            showing.place
        )
    });
    let mut told: Vec<String> = told.collect();
    if lacking.len() > MOST {
        told.push(format!(
            "and {} more lines of that virtual host for HTTP are not in the one for HTTPS",
            lacking.len() - MOST
        ));
    }
    told
}

/// The lines of a virtual host that decide what is shown, each with its conditions, as they are over HTTPS.
fn showing<'a>(
    configuration: &'a Configuration,
    side: &Side<'_>,
    host: &'a VirtualHost,
    is_tls: bool,
) -> Vec<Showing<'a>> {
    let mut all = Vec::new();
    // The one thing of these that is the main server's where a virtual host has none.
    if let Some(entry) = configuration.setting(host.section, "DocumentRoot") {
        all.push(Showing {
            entry,
            words: over_tls(configuration, side, (entry, &[]), is_tls),
            place: configuration.place(entry),
            path: Some("/".to_owned()),
        });
    }
    let active = within(configuration, host).filter(|entry| entry.truth == Truth::True);
    for (entry, waiting) in with_conditions(configuration, active) {
        let is = |names: &[&str]| names.iter().any(|name| configuration.is_named(entry, name));
        if !is(&SHOWING) && !is(&REDIRECTS) || !is_tls && is_gone(configuration, side, entry, &waiting) {
            continue;
        }
        let mut words = Vec::new();
        for ((condition, _), states) in waiting.iter().zip(by_way(configuration, side, entry, &waiting)) {
            if states != States::Plain {
                words.extend(over_tls(configuration, side, (condition, &[]), is_tls));
            }
        }
        words.extend(over_tls(configuration, side, (entry, &waiting), is_tls));
        all.push(Showing {
            entry,
            words,
            place: configuration.place(entry),
            path: path(configuration, host, entry),
        });
    }
    all
}

/// What a line decides about: its own path, or that of the section that it stands in.
fn path(configuration: &Configuration, host: &VirtualHost, entry: &Entry) -> Option<String> {
    let sections = configuration.ancestors(entry);
    let mut sections = sections.take_while(|(section, _)| *section != host.section);
    let is = |name: &str| configuration.is_named(entry, name);
    path_of(configuration, entry)
        .or_else(|| {
            sections.find_map(|(_, section)| path_of(configuration, configuration.entry(section.opening)))
        })
        .or_else(|| BY_WHOLE.iter().any(|name| is(name)).then(|| "/".to_owned()))
}

/// The words of a line with its conditions, its name in lower case, as they are over HTTPS.
fn over_tls(
    configuration: &Configuration,
    side: &Side<'_>,
    (entry, conditions): (&Entry, &[Waiting<'_>]),
    is_tls: bool,
) -> Vec<Vec<u8>> {
    let name = configuration.name(entry);
    let arguments = configuration.arguments(entry);
    let mut words = vec![name.to_ascii_lowercase()];
    let quoted: Option<Vec<Vec<u8>>> = arguments.iter().map(|word| word::quote(word).ok()).collect();
    let text = quoted.map(|quoted| quoted.join(&b' ')).filter(|_| !is_tls);
    let instead = text.and_then(|text| {
        side.instead(
            &name,
            &arguments,
            &text,
            &both_ways(configuration, side, entry, conditions),
        )
    });
    match instead {
        Some((Instead::Line(line), _)) => {
            words.extend(word::words(&line).map(|word| word.value.into_owned()));
        }
        _ => words.extend(arguments),
    }
    words
}
