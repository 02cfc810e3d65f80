//! What the administrator should know beside the changes. Refuses nothing.

use std::collections::BTreeSet;

use crate::httpd::{Address, Configuration, Host, Truth};
use crate::mod_ssl::speaks_tls;

use super::request::{Http, Request};
use super::step::listen;

/// What the administrator should know beside the changes.
pub(super) fn notes(original: &Configuration, result: &Configuration, request: &Request) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(redirected_beyond(result, request));
    if request.http == Some(Http::Off) {
        for host in listen::losing_hosts(original, request) {
            notes.push(format!(
                "the virtual host {} loses its listener, as asked by --http off",
                host.describe(original)
            ));
        }
    }
    notes
}

/// Where the redirect sends clients of all addresses to HTTPS that single addresses have.
fn redirected_beyond(result: &Configuration, request: &Request) -> Option<String> {
    if request.http != Some(Http::Redirect) {
        return None;
    }
    let (tls, plain): (Vec<_>, Vec<_>) = result
        .virtual_hosts()
        .iter()
        .filter(|host| host.truth == Truth::True && host.names_exactly(&request.domain))
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
