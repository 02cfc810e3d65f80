//! Which virtual hosts can be reached by name, all at once. One pass over each address set, however many there are.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::virtual_host::matches_alias;
use super::{Configuration, EntryId, Truth, VirtualHost};

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

/// The hosts of one address set by name.
#[derive(Default)]
struct Names<'a> {
    first: Option<EntryId>,
    exact: HashMap<Cow<'a, str>, EntryId, RandomState>,
    /// Aliases of the form `*.example.com`, by what follows the star; there may be thousands.
    suffixes: HashMap<Cow<'a, str>, EntryId, RandomState>,
    patterns: Vec<(&'a str, EntryId)>,
}

impl Configuration {
    /// How each virtual host is reached, in the order of `hosts`.
    pub fn reach(&self, hosts: &[VirtualHost]) -> Vec<Reach> {
        let ports: BTreeSet<u16> = self
            .listens()
            .iter()
            .filter(|listen| listen.truth == Truth::True)
            .map(|listen| listen.port)
            .collect();
        let mut sets: HashMap<(Option<IpAddr>, u16), Names<'_>> = HashMap::new();
        hosts
            .iter()
            .map(|host| self.reach_of(host, hosts, &ports, &mut sets))
            .collect()
    }

    fn reach_of<'a>(
        &self,
        host: &VirtualHost,
        hosts: &'a [VirtualHost],
        ports: &BTreeSet<u16>,
        sets: &mut HashMap<(Option<IpAddr>, u16), Names<'a>>,
    ) -> Reach {
        if host.truth != Truth::True {
            return Reach::Inactive;
        }
        let mut listened = false;
        let mut shadow = None;
        for address in &host.addresses {
            for port in ports
                .iter()
                .filter(|port| address.port.is_none_or(|own| own == **port))
            {
                listened = true;
                let set = sets
                    .entry((address.ip(), *port))
                    .or_insert_with(|| Names::of(self.address_set(hosts, address.ip(), *port)));
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
}

impl<'a> Names<'a> {
    fn of(set: Vec<&'a VirtualHost>) -> Self {
        let mut names = Names {
            first: set.first().map(|host| host.entry),
            exact: HashMap::with_capacity_and_hasher(set.len() * 3, RandomState::default()),
            ..Names::default()
        };
        for host in set {
            let own = host.server_name.iter().chain(&host.aliases);
            for name in own {
                let suffix = name
                    .strip_prefix('*')
                    .filter(|rest| rest.starts_with('.') && !rest.contains(['*', '?']));
                if let Some(suffix) = suffix {
                    names.suffixes.entry(lower(suffix)).or_insert(host.entry);
                } else if name.contains(['*', '?']) {
                    names.patterns.push((name, host.entry));
                } else {
                    names.exact.entry(lower(name)).or_insert(host.entry);
                }
            }
        }
        names
    }

    /// The first virtual host that has the name.
    fn answer(&self, name: Option<&str>) -> Option<EntryId> {
        let name = lower(name?);
        let exact = self.exact.get(&*name).copied();
        let ends = name
            .match_indices('.')
            .filter_map(|(at, _)| self.suffixes.get(&name[at..]));
        let nearest = ends.copied().chain(exact).min();
        let mut patterns = self
            .patterns
            .iter()
            .take_while(|(_, entry)| nearest.is_none_or(|nearest| *entry < nearest));
        let pattern = patterns.find(|(pattern, _)| matches_alias(pattern.as_bytes(), name.as_bytes()));
        pattern.map(|(_, entry)| *entry).or(nearest)
    }
}

/// In lower case, as most names are anyway.
fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}
