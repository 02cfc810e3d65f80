//! What the domain has over HTTP and lacks over HTTPS: lines that decide what is shown and where clients are sent, as Apache
//! evaluates them. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Configuration, Entry, Truth, VirtualHost, word};
use crate::mod_ssl::speaks_tls;

use super::existing::{NOBODY, REDIRECTS, within};
use super::request::Request;
use super::step::tls_side::Instead;
use super::redirection::{Condition, Side, States, Waiting, by_way, is_gone, only_leads_to_itself};

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

/// More are counted only.
const MOST: usize = 3;

/// One line that decides, as it would be over HTTPS, with its place.
struct Showing {
    words: Vec<Vec<u8>>,
    place: String,
}

/// What the names of the request have over HTTP in one configuration, and lack over HTTPS in the other.
pub(super) fn lacking(original: &Configuration, result: &Configuration, request: &Request) -> Vec<String> {
    let mut told: Vec<(u32, u32)> = Vec::new();
    let mut all = Vec::new();
    for name in request.names() {
        for (end, port) in ends(original, request) {
            let Some(plain) = original.answering(end, port, name) else {
                continue;
            };
            let Some(tls) = result.answering(end, request.port, name) else {
                continue;
            };
            let is_seen = told.contains(&(plain.section, tls.section));
            if is_seen
                || !speaks_tls(result, tls)
                || speaks_tls(original, plain)
                || plain.has_name(NOBODY)
                || !plain.has_name(name)
                || only_leads_to_itself(original, request, plain)
            {
                continue;
            }
            told.push((plain.section, tls.section));
            all.extend(compared(original, plain, result, tls, request));
        }
    }
    all
}

/// Where HTTP arrives.
fn ends(configuration: &Configuration, request: &Request) -> Vec<(Option<IpAddr>, u16)> {
    let listens = configuration.listens().iter();
    let mut ends: Vec<(Option<IpAddr>, u16)> = listens
        .filter(|listen| listen.truth == Truth::True && listen.port != request.port)
        .map(|listen| (listen.ip(), listen.port))
        .collect();
    ends.dedup();
    ends
}

fn compared(
    original: &Configuration,
    plain: &VirtualHost,
    result: &Configuration,
    tls: &VirtualHost,
    request: &Request,
) -> Vec<String> {
    let side = Side::of(original, request, Some(plain));
    let there: Vec<Vec<Vec<u8>>> = showing(result, &side, tls, true)
        .into_iter()
        .map(|showing| showing.words)
        .collect();
    let wanted = showing(original, &side, plain, false);
    let lacking: Vec<&Showing> = wanted
        .iter()
        .filter(|showing| !there.contains(&showing.words))
        .collect();
    let home = result.place(result.entry(tls.entry));
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
fn showing(configuration: &Configuration, side: &Side<'_>, host: &VirtualHost, is_tls: bool) -> Vec<Showing> {
    let mut all = Vec::new();
    // The one thing of these that is the main server's where a virtual host has none.
    if let Some(entry) = configuration.setting(host.section, "DocumentRoot") {
        all.push(Showing {
            words: over_tls(configuration, side, entry, is_tls),
            place: configuration.place(entry),
        });
    }
    let mut conditions: Vec<Waiting<'_>> = Vec::new();
    for entry in within(configuration, host).filter(|entry| entry.truth == Truth::True) {
        let is = |names: &[&str]| names.iter().any(|name| configuration.is_named(entry, name));
        if is(&["RewriteCond"]) {
            conditions.push((entry, Condition::new(&configuration.arguments(entry))));
            continue;
        }
        let waiting = match is(&["RewriteRule"]) {
            true => std::mem::take(&mut conditions),
            false => Vec::new(),
        };
        if !is(&SHOWING) && !is(&REDIRECTS) || !is_tls && is_gone(configuration, side, entry, &waiting) {
            continue;
        }
        let ways = by_way(side, &waiting);
        let mut words = Vec::new();
        for (at, (condition, _)) in waiting.iter().enumerate() {
            if ways.get(at) != Some(&States::Plain) {
                words.extend(over_tls(configuration, side, condition, is_tls));
            }
        }
        words.extend(over_tls(configuration, side, entry, is_tls));
        all.push(Showing {
            words,
            place: configuration.place(entry),
        });
    }
    all
}

/// The words of a line, its name in lower case, as they are over HTTPS.
fn over_tls(configuration: &Configuration, side: &Side<'_>, entry: &Entry, is_tls: bool) -> Vec<Vec<u8>> {
    let name = configuration.name(entry);
    let arguments = configuration.arguments(entry);
    let mut words = vec![name.to_ascii_lowercase()];
    let quoted: Option<Vec<Vec<u8>>> = arguments.iter().map(|word| word::quote(word).ok()).collect();
    let text = quoted.map(|quoted| quoted.join(&b' ')).filter(|_| !is_tls);
    let instead = text.and_then(|text| side.instead(&name, &arguments, &text));
    match instead {
        Some((Instead::Line(line), _)) => {
            words.extend(word::words(&line).map(|word| word.value.into_owned()));
        }
        _ => words.extend(arguments),
    }
    words
}
