//! Which virtual hosts can be reached by name, all at once. One pass over each address set, however many there are.

use std::collections::{BTreeSet, HashMap};
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::parallel::{self, in_parallel};
use super::virtual_host::{closeness, matches_alias};
use super::{Address, Configuration, EntryId, Host, Truth, VirtualHost};

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

/// By the address that clients connect to.
type Sets<'a> = HashMap<(Option<IpAddr>, u16), Set<'a>, RandomState>;

impl Configuration {
    /// How each virtual host is reached, in the order of `hosts`.
    pub fn reach(&self, hosts: &[VirtualHost]) -> Vec<Reach> {
        let ports: BTreeSet<u16> = self
            .listens()
            .iter()
            .filter(|listen| listen.truth == Truth::True)
            .map(|listen| listen.port)
            .collect();
        let addresses = addresses(hosts);
        let mut sets = Sets::default();
        let mut last = None;
        for own in &addresses {
            for to in ports_of(own.port, &ports).map(|port| (own.ip, port)) {
                // Neighbours mostly have the same address.
                if last.replace(to) != Some(to) {
                    sets.entry(to)
                        .or_insert_with(|| Set::of(&address_set(hosts, &addresses, to)));
                }
            }
        }
        let reach = |part: &[VirtualHost]| -> Vec<_> {
            part.iter().map(|host| reach_of(host, &ports, &sets)).collect()
        };
        in_parts(usize::MAX, hosts, reach).concat()
    }
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

/// The ports of an address at which something listens.
fn ports_of(own: Option<u16>, ports: &BTreeSet<u16>) -> impl Iterator<Item = u16> {
    let fits = move |port: &&u16| own.is_none_or(|own| own == **port);
    ports.iter().filter(fits).copied()
}

/// An address of a virtual host: all of them stand together, as they are gone through for every set.
struct Own {
    /// Index of the virtual host.
    host: usize,
    ip: Option<IpAddr>,
    port: Option<u16>,
    /// It is a host name, which is not resolved and so never matches.
    is_name: bool,
}

/// Those of all active virtual hosts.
fn addresses(hosts: &[VirtualHost]) -> Vec<Own> {
    let active = hosts.iter().enumerate();
    let active = active.filter(|(_, host)| host.truth == Truth::True);
    let own = |(host, address): (usize, &Address)| Own {
        host,
        ip: address.ip(),
        port: address.port,
        is_name: matches!(address.host, Host::Name(_)),
    };
    active
        .flat_map(|(n, host)| host.addresses.iter().map(move |address| (n, address)))
        .map(own)
        .collect()
}

/// As [`Configuration::address_set`].
fn address_set<'a>(
    hosts: &'a [VirtualHost],
    addresses: &[Own],
    (ip, port): (Option<IpAddr>, u16),
) -> Vec<&'a VirtualHost> {
    let closeness = |own: &Own| closeness((own.ip, own.port), ip, port).filter(|_| !own.is_name);
    let Some(nearest) = addresses.iter().filter_map(closeness).max() else {
        return Vec::new();
    };
    let set = addresses.iter().filter(|own| closeness(own) == Some(nearest));
    let mut set: Vec<usize> = set.map(|own| own.host).collect();
    set.dedup();
    set.into_iter().map(|host| &hosts[host]).collect()
}

fn reach_of(host: &VirtualHost, ports: &BTreeSet<u16>, sets: &Sets<'_>) -> Reach {
    if host.truth != Truth::True {
        return Reach::Inactive;
    }
    let mut listened = false;
    let mut shadow = None;
    let to = |address: &Address| {
        let ip = address.ip();
        ports_of(address.port, ports).map(move |port| (ip, port))
    };
    for to in host.addresses.iter().flat_map(to) {
        listened = true;
        let Some(set) = sets.get(&to) else { continue };
        match set.answer(host.server_name.as_deref()) {
            Some(entry) if entry == host.entry => return Reach::Answers,
            _ if set.first == Some(host.entry) => return Reach::Answers,
            answer => shadow = shadow.or(answer),
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
