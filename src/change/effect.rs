//! What a plan does to the ports that clients use. Changes nothing.

use std::collections::BTreeSet;

use crate::httpd::{Configuration, Listen, SERVER, Truth};
use crate::mod_ssl::{Engines, ssl_engine};

/// Ports on which plain HTTP begins, stays or stops, or HTTPS stops.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effect {
    /// Plain HTTP stops there.
    pub http_stops: Vec<u16>,
    /// Plain HTTP begins there.
    pub http_begins: Vec<u16>,
    /// Plain HTTP stays there.
    pub http_stays: Vec<u16>,
    /// HTTPS stops there.
    pub https_stops: Vec<u16>,
    /// Where Apache listens then.
    pub listens: Vec<Listen>,
}

impl Effect {
    /// From one configuration to another.
    pub(super) fn between(old: &Configuration, new: &Configuration) -> Effect {
        let ([old_http, old_https], [http, https]) = (ports(old), ports(new));
        let less = |all: &BTreeSet<u16>, but: &BTreeSet<u16>| all.difference(but).copied().collect();
        Effect {
            http_stops: less(&old_http, &http),
            http_begins: less(&http, &old_http),
            http_stays: http.intersection(&old_http).copied().collect(),
            https_stops: less(&old_https, &https),
            listens: new.active_listens().cloned().collect(),
        }
    }
}

/// The ports of plain HTTP, and those of HTTPS.
fn ports(configuration: &Configuration) -> [BTreeSet<u16>; 2] {
    let listens: Vec<_> = configuration.active_listens().collect();
    let all: BTreeSet<u16> = listens.iter().map(|listen| listen.port).collect();
    if ssl_engine(configuration, SERVER) {
        return [BTreeSet::new(), all];
    }
    let mut https = BTreeSet::new();
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts().iter();
    for host in hosts.filter(|host| host.truth == Truth::True) {
        let mut ports = host.addresses.iter().filter_map(|address| address.port);
        let is_open = |port: &u16| all.contains(port) && !https.contains(port);
        if ports.any(|port| is_open(&port)) && engines.speak_tls(host) {
            let ports = host.addresses.iter().filter_map(|address| address.port);
            https.extend(ports.filter(|port| all.contains(port)));
        }
    }
    // Nobody posts to a port that is for HTTPS and only lacks it.
    let plain = listens
        .iter()
        .filter(|listen| listen.effective_protocol() != "https");
    let plain = plain.map(|listen| listen.port);
    [plain.filter(|port| !https.contains(port)).collect(), https]
}
