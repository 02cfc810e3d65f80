//! What the administrator should know beside the changes. Refuses nothing.

use std::collections::BTreeSet;

use crate::httpd::{Address, Configuration, Host, SERVER, Truth};
use crate::mod_ssl::speaks_tls;

use super::asleep;
use super::default_site;
use super::existing::own_settings;
use super::mozilla;
use super::outside::Outside;
use super::own_port;
use super::prove::broken;
use super::request::{Http, Request};
use super::shown;
use super::site;
use super::site_candidates::secure;
use super::step::{copy, listen, main_rules};

/// What the administrator should know beside the changes. `request` names the site by its place in the original.
pub(super) fn notes(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
    outside: &Outside,
) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(broken::forced(result, request));
    notes.extend(redirected_beyond(result, request));
    notes.extend(default_site::told(original, request));
    notes.extend(copied_otherwise(original, request));
    notes.extend(waits_for_flag(original, result, request));
    let asleep = asleep::lines(original, result);
    notes.extend(asleep::told(original, result, request, &asleep));
    notes.extend(shown::lacking(original, result, request, &asleep));
    notes.extend(shown::answered_by_default(original, result, request));
    notes.extend(outside.notes(original, result));
    notes.extend(narrow_groups(result, request));
    if request.http == Some(Http::Off) {
        for host in listen::losing_hosts(original, request) {
            notes.push(format!(
                "the virtual host {} loses its listener, because HTTP is turned off",
                host.describe(original)
            ));
        }
    }
    notes.extend(own_port::told(original, result, request));
    notes
}

/// The paths of which it is told that HTTPS does not show the same: all below one of them may be answered otherwise.
pub fn announced(original: &Configuration, result: &Configuration, request: &Request) -> Vec<String> {
    let mut paths = shown::announced(original, result, request);
    paths.extend(Outside::of(original, result, request).paths());
    paths
}

/// A list of groups for the key exchange without the hybrid one. OpenSSL 3.5 and later have it first by themselves, and
/// earlier ones refuse a list with a name that they do not know, so it is never written; but a list that is there keeps it
/// out.
fn narrow_groups(result: &Configuration, request: &Request) -> Option<String> {
    let mut hosts = result
        .hosts_named(&request.domain)
        .filter(|host| host.names_exactly(&request.domain) && speaks_tls(result, host));
    let lists_in = |section| {
        let lines = own_settings(result, section, "SSLOpenSSLConfCmd").into_iter();
        lines.filter_map(|entry| {
            let words = result.arguments(entry);
            let [command, list] = words.as_slice() else {
                return None;
            };
            let names = ["Curves", "Groups"];
            let is_list = names
                .iter()
                .any(|name| command.eq_ignore_ascii_case(name.as_bytes()));
            is_list.then(|| (entry, list.clone()))
        })
    };
    // Those of the main server go before those of the virtual host, and the last one counts.
    let own = lists_in(hosts.next()?.section).last();
    let (entry, list) = own.or_else(|| lists_in(SERVER).last())?;
    let hybrid = mozilla::HYBRID;
    let list = String::from_utf8_lossy(&list).into_owned();
    let is_hybrid = |name: &str| name.trim_start_matches(['?', '*']).eq_ignore_ascii_case(hybrid);
    (!list.split([':', '/']).any(is_hybrid)).then(|| {
        format!(
            "the list of groups for the key exchange at {} has no {hybrid}, which protects from those who record now and \
             decrypt later: with OpenSSL 3.5 or later remove the line (it is the default there), with an earlier one leave it",
            result.place(entry)
        )
    })
}

/// A listener that a flag switches on, beside which ours steps aside.
fn waits_for_flag(original: &Configuration, result: &Configuration, request: &Request) -> Option<String> {
    let active = |configuration: &Configuration| {
        let listens = configuration.listens().iter();
        listens
            .filter(|listen| listen.truth == Truth::True && listen.port == request.port)
            .count()
    };
    let mut sleeping = listen::sleeping(original, request.port).into_iter();
    let (first, flag) = sleeping.next().filter(|_| active(result) > active(original))?;
    let by = match flag.starts_with('!') {
        true => "is switched off by a condition".to_owned(),
        false => format!(
            "is switched on by the flag {flag} (`-D {flag}`: APACHE_SERVER_FLAGS in /etc/sysconfig/apache2 on SUSE, OPTIONS \
             in /etc/sysconfig/httpd on Red Hat, APACHE_ARGUMENTS in envvars on Debian, the arguments of the service on \
             Windows)"
        ),
    };
    Some(format!(
        "`Listen {}` at {} {by}; where it is on, the new listener steps aside",
        first.endpoint(),
        original.place(original.entry(first.entry))
    ))
}

/// What a new virtual host for HTTPS says otherwise than the one for HTTP that it is a copy of, or than the main server.
/// Looked at once more, as the step did that on lines that had moved by then.
fn copied_otherwise(original: &Configuration, request: &Request) -> Vec<String> {
    if secure(original, request).next().is_some() {
        return Vec::new();
    }
    let Ok(site) = site::site(original, request) else {
        return Vec::new();
    };
    let own = site
        .as_ref()
        .and_then(|site| copy::body(original, request, site).ok());
    let (_, mut notes) = copy::inherited(original, request, site.as_ref());
    notes.extend(own.into_iter().flat_map(|copied| copied.notes));
    let rules = main_rules::instead(original, request, site.as_ref());
    notes.extend(rules.into_iter().flat_map(|rules| rules.notes));
    let opening = site.as_ref().map(|site| original.entry(site.entry));
    if let Some(opening) = opening.filter(|opening| original.macro_place(opening).is_some()) {
        notes.push(format!(
            "the virtual host at {} comes from a macro, which stays as it is: the one for HTTPS has the lines that the macro \
             makes today, and not what is changed in the macro later",
            original.place(opening)
        ));
    }
    notes
}

/// Where the redirect sends clients of all addresses to HTTPS that single addresses have.
fn redirected_beyond(result: &Configuration, request: &Request) -> Option<String> {
    if request.http != Some(Http::Redirect) {
        return None;
    }
    let (tls, plain): (Vec<_>, Vec<_>) = result
        .hosts_named(&request.domain)
        .filter(|host| host.names_exactly(&request.domain))
        .partition(|host| speaks_tls(result, host));
    let all_tls = || tls.iter().flat_map(|host| &host.addresses);
    let everywhere = |address: &Address| address.host == Host::Any;
    let sends_all = plain.iter().find(|host| host.addresses.iter().any(everywhere))?;
    if all_tls().any(everywhere) || tls.is_empty() {
        return None;
    }
    let addresses: BTreeSet<String> = all_tls().map(ToString::to_string).collect();
    Some(format!(
        "HTTP is sent to HTTPS at all addresses, by the virtual host {}, but {} has HTTPS at {} only: make sure \
         that the name resolves to that address only",
        sends_all.describe(result),
        request.domain,
        addresses.into_iter().collect::<Vec<_>>().join(" and ")
    ))
}
