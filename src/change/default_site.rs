//! A site that is the domain's only because it is the default of its address: how people are told of that. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Address, Configuration, Entry, Truth, VirtualHost, trim};

use super::existing::{REDIRECTS, holds_everywhere, is_nameless, takes_all, within};
use super::redirection::{Waiting, flags_of, redirects_everything, with_conditions};
use super::request::Request;
use super::site::site;
use super::site_candidates::{is_anywhere, is_main_server_asked, secure};

/// What to know of a default under another name whose copy HTTPS shows. One without any name is there for whatever nobody
/// else has, and is told of where it shows nothing.
pub(super) fn told(original: &Configuration, request: &Request) -> Option<String> {
    if secure(original, request).next().is_some() {
        return None;
    }
    let host = site(original, request).ok()??;
    if host.has_name(&request.domain) {
        return None;
    }
    let does = shows_nothing(original, &host, &request.domain);
    // Who asks by an address comes in there.
    let is_address = request.domain.parse::<IpAddr>().is_ok();
    let elsewhere = main_server_elsewhere(original, &host).filter(|_| !is_address);
    if does.is_none() && elsewhere.is_none() && is_nameless(original, &host) {
        return None;
    }
    let mut text = format!(
        "over HTTP {domain} is answered by the virtual host {}, which does not have that name and is the default of its \
         address: HTTPS shows a copy of it",
        host.describe(original),
        domain = request.domain
    );
    if let Some((entry, what)) = does {
        let document = &original.file(entry.file).document;
        let line = String::from_utf8_lossy(trim(document.raw(entry.line as usize))).into_owned();
        text += &format!(", which {what} as well (`{line}` at {})", original.place(entry));
    }
    if let Some(ips) = elsewhere {
        let ips: Vec<String> = ips.iter().map(IpAddr::to_string).collect();
        text += &format!(
            ". At other addresses than {} the main server answers it over HTTP, and HTTPS does not",
            ips.join(" and ")
        );
    }
    Some(format!(
        "{text}. If another site is wanted for {domain}, add `ServerName {domain}` or `ServerAlias {domain}` to that one, or \
         name it with --vhost",
        domain = request.domain
    ))
}

/// The single addresses of a virtual host, where the main server answers at all others.
fn main_server_elsewhere(configuration: &Configuration, host: &VirtualHost) -> Option<Vec<IpAddr>> {
    let mut ports = host.addresses.iter().filter_map(|address| address.port);
    let is_asked = ports.any(|port| is_main_server_asked(configuration, port));
    (is_asked && !is_anywhere(host)).then(|| host.addresses.iter().filter_map(Address::ip).collect())
}

/// The line by which a virtual host shows nobody anything, and what it does.
fn shows_nothing<'a>(
    configuration: &'a Configuration,
    host: &'a VirtualHost,
    name: &str,
) -> Option<(&'a Entry, &'static str)> {
    let active = within(configuration, host).filter(|entry| entry.truth == Truth::True);
    let mut all = with_conditions(configuration, active);
    let refuses = all.find(|(entry, waiting)| {
        is_for_all(configuration, host, entry) && refuses_all(configuration, entry, waiting)
    });
    if let Some((entry, _)) = refuses {
        return Some((entry, "refuses every request"));
    }
    if !redirects_everything(configuration, host, name) {
        return None;
    }
    let is_redirect = |entry: &&Entry| {
        let is_one = REDIRECTS.iter().any(|name| configuration.is_named(entry, name));
        let arguments = configuration.arguments(entry);
        is_one && entry.truth == Truth::True && arguments.iter().any(|word| takes_all(word))
    };
    let first = within(configuration, host).find(is_redirect)?;
    Some((first, "sends every request elsewhere"))
}

/// Does a line hold for all of a virtual host, or for its whole folder?
fn is_for_all(configuration: &Configuration, host: &VirtualHost, entry: &Entry) -> bool {
    let root = configuration.setting(host.section, "DocumentRoot");
    let root = root.and_then(|entry| configuration.arguments(entry).into_iter().next());
    let is_whole_folder = || {
        let mut around = configuration.ancestors(entry);
        around.next().is_some_and(|(_, section)| {
            let opening = configuration.entry(section.opening);
            let folder = configuration.section_argument(opening);
            let folder = String::from_utf8_lossy(&folder)
                .trim()
                .trim_matches('"')
                .to_owned();
            let folder = folder.trim_end_matches('/').as_bytes();
            configuration.is_named(opening, "<Directory")
                && (folder.is_empty() || root.as_deref().is_some_and(|root| root == folder))
        })
    };
    holds_everywhere(configuration, entry, host) || is_whole_folder()
}

/// Does a line refuse whatever is asked for?
fn refuses_all(configuration: &Configuration, entry: &Entry, waiting: &[Waiting<'_>]) -> bool {
    let words = configuration.arguments(entry);
    let words: Vec<String> = words
        .iter()
        .map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is = |name: &str| configuration.is_named(entry, name);
    let is_refusal = |status: &str| status == "gone" || matches!(status.parse(), Ok(400..=599));
    match words.as_slice() {
        ["all", "denied"] => is("Require"),
        ["from", "all"] => is("Deny"),
        // In a `<Location>` without its path.
        [status] => is("Redirect") && is_refusal(status),
        [status, path] if is("Redirect") || is("RedirectMatch") => {
            is_refusal(status) && takes_all(path.as_bytes())
        }
        [pattern, _, flags] if is("RewriteRule") => {
            let mut flags = flags_of(flags);
            let refuses = |flag: &str| {
                ["f", "forbidden", "g", "gone"].contains(&flag)
                    || flag
                        .split_once('=')
                        .is_some_and(|(name, status)| ["r", "redirect"].contains(&name) && is_refusal(status))
            };
            waiting.is_empty() && takes_all(pattern.as_bytes()) && flags.any(refuses)
        }
        _ => false,
    }
}
