//! Which virtual hosts can be reached by name, all at once.

use std::collections::BTreeSet;

use crate::httpd::{AddressSets, Configuration, EntryId, Truth, VirtualHost, in_parts};

/// How a virtual host is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It answers some request.
    Answers,
    /// It is inactive, or may be.
    Inactive,
    /// Nothing listens on any of its ports.
    NothingListens,
    /// Another virtual host, whose opening this is, answers to its name at all its addresses.
    ShadowedBy(EntryId),
    /// Virtual hosts with a nearer address answer in its stead.
    NearerAddress,
}

/// How each virtual host of a configuration is reached, in their order.
pub fn reach(configuration: &Configuration) -> Vec<Reach> {
    reach_among(
        configuration,
        configuration.virtual_hosts(),
        configuration.address_sets(),
    )
}

/// The same of those that somebody else gathered.
pub(super) fn reach_among(
    configuration: &Configuration,
    hosts: &[VirtualHost],
    sets: &AddressSets,
) -> Vec<Reach> {
    let ports: BTreeSet<u16> = configuration.active_listens().map(|listen| listen.port).collect();
    let all: Vec<u32> = (0..hosts.len() as u32).collect();
    let reach = |part: &[u32]| -> Vec<_> {
        let each = part.iter().map(|index| reach_of(*index, hosts, &ports, sets));
        each.collect()
    };
    in_parts(usize::MAX, &all, reach).concat()
}

fn reach_of(index: u32, hosts: &[VirtualHost], ports: &BTreeSet<u16>, sets: &AddressSets) -> Reach {
    let host = &hosts[index as usize];
    if host.truth != Truth::True {
        return Reach::Inactive;
    }
    let mut listened = false;
    let mut shadow = None;
    for address in &host.addresses {
        let ip = address.ip();
        let mut any_port_asked = false;
        for port in ports {
            if address.port.is_some_and(|own| own != *port) {
                continue;
            }
            listened = true;
            // On every port that nobody names the same ones compete.
            if !sets.has(ip, Some(*port)) && std::mem::replace(&mut any_port_asked, true) {
                continue;
            }
            let answer = host
                .server_name
                .as_ref()
                .and_then(|name| sets.named(hosts, ip, *port, name));
            if answer == Some(index) || sets.competitors(ip, *port).first() == Some(&index) {
                return Reach::Answers;
            }
            shadow = shadow.or(answer);
        }
    }
    // The first one with the name answers, so one behind it is shadowed only by what stands before.
    match shadow.map(|index| hosts[index as usize].entry) {
        _ if !listened => Reach::NothingListens,
        Some(entry) if entry < host.entry => Reach::ShadowedBy(entry),
        _ => Reach::NearerAddress,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Reach, reach};
    use crate::httpd::{Configuration, Facts, Host, Platform, Source, VirtualHost};

    fn host() -> impl Strategy<Value = String> {
        let address = || {
            prop::sample::select(vec![
                "*",
                "*:80",
                "*:81",
                "*:83",
                "10.0.0.1:80",
                "10.0.0.1",
                "10.0.0.2:81",
            ])
        };
        let name = || prop::sample::select(vec!["a.test", "B.test", "b.TEST", "c.d.test"]);
        let alias = || prop::sample::select(vec!["*.test", "?.test", "*", "*.d.test", "a.test", "x.test"]);
        (
            prop::collection::vec(address(), 1..3),
            name(),
            prop::collection::vec(alias(), 0..2),
        )
            .prop_map(|(addresses, name, aliases)| {
                let aliases: String = aliases
                    .iter()
                    .map(|alias| format!("ServerAlias {alias}\n"))
                    .collect();
                format!(
                    "<VirtualHost {}>\nServerName {name}\n{aliases}</VirtualHost>\n",
                    addresses.join(" ")
                )
            })
    }

    proptest! {
        /// All at once as one by one.
        #[test]
        fn who_answers_is_who_is_reached(hosts in prop::collection::vec(host(), 1..8)) {
            let text = format!("Listen 80\nListen 81\nListen 82\n{}", hosts.concat());
            let source = Source::new("/none".into(), Platform::HOST);
            let facts = Facts::assumed(Platform::HOST);
            let c = Configuration::from_bytes(b"/none/httpd.conf", text.into_bytes(), source, facts);
            let hosts = c.virtual_hosts();
            let answers = |host: &VirtualHost| host.addresses.iter().any(|address| {
                let ports = [80, 81, 82].into_iter().filter(|port| address.port.is_none_or(|own| own == *port));
                ports.into_iter().any(|port| {
                    let name = host.server_name.as_deref().unwrap_or_default();
                    let set = c.address_set(address.ip(), port);
                    let by_name = set.iter().find(|other| other.has_name(name));
                    by_name.is_some_and(|other| other.entry == host.entry)
                        || set.first().is_some_and(|first| first.entry == host.entry)
                })
            });
            prop_assert!(hosts.iter().all(|host| host.addresses.iter().all(|a| !matches!(a.host, Host::Name(_)))));
            for (host, reach) in hosts.iter().zip(reach(&c)) {
                prop_assert_eq!(reach == Reach::Answers, answers(host), "{:?} {:?}", host, reach);
            }
        }
    }
}
