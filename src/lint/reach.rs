//! Which virtual hosts can be reached by name, all at once. One pass over each address set, however many there are.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;
use std::sync::OnceLock;

use foldhash::fast::RandomState;

use crate::httpd::parallel::{self, in_parallel};
use crate::httpd::{Configuration, EntryId, Host, Truth, VirtualHost, matches_alias};

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

/// The virtual hosts of one address set by name, those of its first part first.
struct Set<'a> {
    first: Option<EntryId>,
    parts: Vec<Names<'a>>,
}

#[derive(Default)]
struct Names<'a> {
    exact: HashMap<Caseless<'a>, EntryId, RandomState>,
    /// Aliases of the form `*.example.com`, by what follows the star; there may be thousands.
    suffixes: HashMap<Caseless<'a>, EntryId, RandomState>,
    patterns: Vec<(&'a str, EntryId)>,
}

/// The active virtual hosts with an address; their names are gathered when somebody asks.
#[derive(Default)]
struct Group<'a> {
    hosts: Vec<&'a VirtualHost>,
    set: OnceLock<Set<'a>>,
}

/// By address, `*` and any port being `None`. For a connection those with its port count, or else those with any.
type Groups<'a> = HashMap<(Option<IpAddr>, Option<u16>), Group<'a>, RandomState>;

impl Configuration {
    /// How each virtual host is reached, in the order of `hosts`.
    pub fn reach(&self, hosts: &[VirtualHost]) -> Vec<Reach> {
        let ports: BTreeSet<u16> = self
            .listens()
            .iter()
            .filter(|listen| listen.truth == Truth::True)
            .map(|listen| listen.port)
            .collect();
        let groups = groups(hosts);
        let reach = |part: &[VirtualHost]| -> Vec<_> {
            part.iter().map(|host| reach_of(host, &ports, &groups)).collect()
        };
        in_parts(usize::MAX, hosts, reach).concat()
    }
}

fn groups(hosts: &[VirtualHost]) -> Groups<'_> {
    let mut groups = Groups::default();
    for host in hosts.iter().filter(|host| host.truth == Truth::True) {
        let known = host
            .addresses
            .iter()
            .filter(|address| !matches!(address.host, Host::Name(_)));
        for address in known {
            let group = groups.entry((address.ip(), address.port)).or_default();
            if group.hosts.last().is_none_or(|last| last.entry != host.entry) {
                group.hosts.push(host);
            }
        }
    }
    groups
}

/// Works on so many virtual hosts in so many parts at most.
fn in_parts<H: Sync, T: Send>(most: usize, hosts: &[H], work: impl Fn(&[H]) -> T + Sync) -> Vec<T> {
    /// Fewer are not worth a thread.
    const SMALL: usize = 1000;
    let parts = parallel::parts(hosts.len() / SMALL).min(most);
    let size = hosts.len().div_ceil(parts).max(1);
    let parts: Vec<_> = hosts.chunks(size).collect();
    in_parallel(parts.len(), |part| work(parts[part]))
}

fn reach_of(host: &VirtualHost, ports: &BTreeSet<u16>, groups: &Groups<'_>) -> Reach {
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
            let own = groups.get(&(ip, Some(*port)));
            if own.is_none() && std::mem::replace(&mut any_port_asked, true) {
                continue;
            }
            let Some(group) = own.or_else(|| groups.get(&(ip, None))) else {
                continue;
            };
            let set = group.set.get_or_init(|| Set::of(&group.hosts));
            match set.answer(host.server_name.as_deref()) {
                Some(entry) if entry == host.entry => return Reach::Answers,
                _ if set.first == Some(host.entry) => return Reach::Answers,
                answer => shadow = shadow.or(answer),
            }
        }
    }
    match shadow {
        _ if !listened => Reach::NothingListens,
        Some(entry) if entry < host.entry => Reach::ShadowedBy(entry),
        _ => Reach::NearerAddress,
    }
}

impl<'a> Set<'a> {
    fn of(set: &[&'a VirtualHost]) -> Self {
        Set {
            first: set.first().map(|host| host.entry),
            // Every part more has to be asked for every name.
            parts: in_parts(2, set, Names::of),
        }
    }

    /// The first virtual host that has the name.
    fn answer(&self, name: Option<&str>) -> Option<EntryId> {
        let name = name?.as_bytes();
        self.parts.iter().find_map(|names| names.answer(name))
    }
}

impl<'a> Names<'a> {
    fn of(set: &[&'a VirtualHost]) -> Self {
        let map = |capacity| HashMap::with_capacity_and_hasher(capacity, RandomState::default());
        let mut names = Names {
            exact: map(set.len() * 3),
            suffixes: map(set.len()),
            ..Names::default()
        };
        for host in set {
            for name in host.server_name.iter().chain(&host.aliases) {
                let suffix = name.strip_prefix('*').filter(|rest| rest.starts_with('.'));
                match suffix {
                    Some(suffix) if !is_pattern(suffix) => {
                        names.suffixes.entry(Caseless::of(suffix)).or_insert(host.entry);
                    }
                    None if !is_pattern(name) => {
                        names.exact.entry(Caseless::of(name)).or_insert(host.entry);
                    }
                    _ => names.patterns.push((name, host.entry)),
                }
            }
        }
        names
    }

    /// The first virtual host that has the name.
    fn answer(&self, name: &[u8]) -> Option<EntryId> {
        let exact = self.exact.get(&Caseless(name)).copied();
        let ends = memchr::memchr_iter(b'.', name).filter_map(|at| self.suffixes.get(&Caseless(&name[at..])));
        let nearest = ends.copied().chain(exact).min();
        let mut patterns = self
            .patterns
            .iter()
            .take_while(|(_, entry)| nearest.is_none_or(|nearest| *entry < nearest));
        let pattern = patterns.find(|(pattern, _)| matches_alias(pattern.as_bytes(), name));
        pattern.map(|(_, entry)| *entry).or(nearest)
    }
}

fn is_pattern(name: &str) -> bool {
    memchr::memchr2(b'*', b'?', name.as_bytes()).is_some()
}

/// A name without regard to case.
struct Caseless<'a>(&'a [u8]);

impl<'a> Caseless<'a> {
    fn of(name: &'a str) -> Self {
        Caseless(name.as_bytes())
    }
}

impl PartialEq for Caseless<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}

impl Eq for Caseless<'_> {}

impl Hash for Caseless<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut lower = [0; 32];
        for part in self.0.chunks(lower.len()) {
            let lower = &mut lower[..part.len()];
            lower.copy_from_slice(part);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Reach;
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
                    let set = c.address_set(&hosts, address.ip(), port);
                    let by_name = set.iter().find(|other| other.has_name(name));
                    by_name.is_some_and(|other| other.entry == host.entry)
                        || set.first().is_some_and(|first| first.entry == host.entry)
                })
            });
            prop_assert!(hosts.iter().all(|host| host.addresses.iter().all(|a| !matches!(a.host, Host::Name(_)))));
            for (host, reach) in hosts.iter().zip(c.reach(&hosts)) {
                prop_assert_eq!(reach == Reach::Answers, answers(host), "{:?} {:?}", host, reach);
            }
        }
    }
}
