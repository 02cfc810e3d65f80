//! What a new TLS virtual host says beside its names and files. Decides nothing about where it stands.

use crate::httpd::{Configuration, Entry, SERVER, Truth};

use super::plan::{PlanError, refuse};
use super::request::Request;

/// What Mozilla calls the intermediate level, in words that every Apache 2.4 with OpenSSL 1.0.1 or later takes:
/// protocols are switched off by name, and ciphers that a library does not know are skipped by it.
const PROTOCOLS: &str = "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1";
const CIPHERS: [&str; 2] = [
    "SSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:\
     ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:\
     DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-CHACHA20-POLY1305",
    "SSLHonorCipherOrder off",
];

/// Protocols and ciphers, less what the server has set for all its virtual hosts at least as strictly; and the one
/// thing of the main server that a virtual host does not inherit by itself, its rewrite rules.
pub(super) fn lines(configuration: &Configuration) -> Vec<Vec<u8>> {
    let mut lines = Vec::new();
    if !protocols_are_strict(configuration) {
        lines.push(PROTOCOLS);
    }
    lines.extend(CIPHERS);
    if rewrites(configuration) {
        lines.extend(["RewriteEngine on", "RewriteOptions Inherit"]);
    }
    lines.into_iter().map(|line| line.as_bytes().to_vec()).collect()
}

/// Does the main server allow TLS 1.2 or later only?
fn protocols_are_strict(configuration: &Configuration) -> bool {
    let Some(entry) = configuration.setting(SERVER, "SSLProtocol") else {
        return false;
    };
    let words = configuration.arguments(entry);
    let is = |word: &[u8], names: &[&str]| {
        names
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name.as_bytes()))
    };
    !words.is_empty()
        && words.iter().enumerate().all(|(at, word)| match word.as_slice() {
            [b'-', rest @ ..] => at > 0 || is(rest, &["all"]),
            [b'+', rest @ ..] => at > 0 && is(rest, &["TLSv1.2", "TLSv1.3"]),
            word => is(word, &["TLSv1.2", "TLSv1.3"]),
        })
}

/// Refuses when what the virtual host inherits would send its clients back to where they are.
pub(super) fn refuse_loop(configuration: &Configuration, request: &Request) -> Result<(), PlanError> {
    let names = ["Redirect", "RedirectPermanent", "RedirectTemp", "RedirectMatch"];
    let redirects = names.iter().flat_map(|name| server_level(configuration, name));
    let rewrites = server_level(configuration, "RewriteRule").filter(|_| rewrites(configuration));
    let to_https = redirects.chain(rewrites).find(|entry| {
        configuration
            .arguments(entry)
            .iter()
            .any(|word| leads_to(word, &request.domain))
    });
    match to_https {
        // A rule that asks whether the request came over TLS does not loop.
        Some(entry) if !asks_for_https(configuration, entry) => Err(refuse(format!(
            "the main server redirects to https at {}; the new virtual host would inherit that and redirect to itself \
             without end. Move the redirect into a virtual host for HTTP (<VirtualHost *:80>), then run again",
            configuration.place(entry)
        ))),
        _ => Ok(()),
    }
}

/// Is the word an https address of that domain, or of whatever name was asked for?
fn leads_to(word: &[u8], domain: &str) -> bool {
    let text = String::from_utf8_lossy(word).to_ascii_lowercase();
    let Some(host) = text.strip_prefix("https://") else {
        return false;
    };
    host.starts_with('%')
        || host.starts_with('$')
        || host
            .strip_prefix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '$']))
}

/// Does a condition with `HTTPS`, `REQUEST_SCHEME` or the port stand right before a rule?
fn asks_for_https(configuration: &Configuration, rule: &Entry) -> bool {
    server_level(configuration, "RewriteCond").any(|condition| {
        let words = configuration.arguments(condition);
        let asks = words.first().is_some_and(|word| {
            let word = String::from_utf8_lossy(word).to_ascii_uppercase();
            ["HTTPS", "REQUEST_SCHEME", "SERVER_PORT"]
                .iter()
                .any(|name| word.contains(name))
        });
        asks && condition.file == rule.file && condition.line < rule.line
    })
}

fn rewrites(configuration: &Configuration) -> bool {
    let engine = configuration
        .setting(SERVER, "RewriteEngine")
        .map(|entry| configuration.arguments(entry));
    let on = engine.is_some_and(|words| words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"on")));
    on && server_level(configuration, "RewriteRule").next().is_some()
}

fn server_level<'a>(configuration: &'a Configuration, name: &'a str) -> impl Iterator<Item = &'a Entry> {
    configuration
        .inside(SERVER)
        .filter(move |entry| entry.truth == Truth::True && configuration.is_named(entry, name))
}
