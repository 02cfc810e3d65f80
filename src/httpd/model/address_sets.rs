//! Virtual hosts by address and by name: which compete for a connection, and which of them has a name. Everything is found
//! in one pass, however many there are.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{LazyLock, OnceLock};

use super::truth::Truth;
use super::virtual_host::{Address, Host, VirtualHost, matches_alias};
use crate::parallel::{self, in_parallel};

/// The active virtual hosts by the addresses they are written with, `*` and any port being `None`. A virtual host is its
/// index.
#[derive(Debug, Default)]
pub struct AddressSets {
    sets: HashMap<Written, Set, foldhash::fast::RandomState>,
    /// The ports that host names are written with, each once.
    by_host_name: Vec<Option<u16>>,
    /// The virtual hosts of one set after the other, in order: there may be as many sets as virtual hosts.
    members: Vec<u32>,
    /// Names in the large ones, by where they begin.
    names: HashMap<u32, Known, foldhash::fast::RandomState>,
}

/// An address and a port as virtual hosts write them, `*` and any port being `None`.
pub type Written = (Option<IpAddr>, Option<u16>);

/// So many virtual hosts are asked sooner than their names are gathered.
const FEW: u32 = 8;

/// Where the members of a set stand.
#[derive(Clone, Copy, Debug, Default)]
struct Set {
    start: u32,
    length: u32,
}

/// Names of a set, which are gathered when somebody asks often.
#[derive(Debug, Default)]
struct Known {
    /// How often it was asked for a name.
    asked: AtomicU8,
    names: OnceLock<Vec<Names>>,
}

/// Names of virtual hosts as hashes, which are small and quickly sorted; whoever finds one compares the name itself.
#[derive(Debug, Default)]
struct Names {
    exact: Vec<(u64, u32)>,
    /// Aliases of the form `*.example.com`, by what follows the star; there may be thousands.
    suffixes: Vec<(u64, u32)>,
    /// Those that have other patterns.
    patterns: Vec<u32>,
}

impl AddressSets {
    /// Those of all virtual hosts of a configuration.
    pub fn of(hosts: &[VirtualHost]) -> AddressSets {
        let mut sets: HashMap<Written, Set, _> = HashMap::default();
        let mut by_host_name = Vec::new();
        for (_, address) in addresses(hosts) {
            match address.host {
                Host::Name(_) if by_host_name.contains(&address.port) => {}
                Host::Name(_) => by_host_name.push(address.port),
                _ => sets.entry((address.ip(), address.port)).or_default().length += 1,
            }
        }
        let mut all = 0;
        for set in sets.values_mut() {
            set.start = all;
            all += std::mem::take(&mut set.length);
        }
        let mut members: Vec<u32> = vec![0; all as usize];
        for (index, address) in addresses(hosts) {
            let is_number = !matches!(address.host, Host::Name(_));
            let written = is_number.then_some((address.ip(), address.port));
            let Some(set) = written.and_then(|written| sets.get_mut(&written)) else {
                continue;
            };
            let place = &mut members[set.start as usize..];
            // It may be written twice.
            let is_new = set.length == 0 || place[set.length as usize - 1] != index;
            if is_new {
                place[set.length as usize] = index;
                set.length += 1;
            }
        }
        let large = sets.values().filter(|set| set.length > FEW);
        let names = large.map(|set| (set.start, Known::default())).collect();
        AddressSets {
            sets,
            by_host_name,
            members,
            names,
        }
    }

    /// The addresses that active virtual hosts are written with, in no order; host names as `*`.
    pub fn written(&self) -> impl Iterator<Item = Written> {
        let by_host_name = self.by_host_name.iter().map(|port| (None, *port));
        self.sets.keys().copied().chain(by_host_name)
    }

    /// Is any virtual host written with that very address?
    pub fn has(&self, ip: Option<IpAddr>, port: Option<u16>) -> bool {
        self.sets.contains_key(&(ip, port))
    }

    /// Is any virtual host written with that address, for a port or for all?
    pub fn names(&self, ip: IpAddr, port: u16) -> bool {
        self.has(Some(ip), Some(port)) || self.has(Some(ip), None)
    }

    /// Those that compete for connections to `ip` (`None`: an address that no virtual host names) and `port`: the
    /// nearest ones, as httpd prefers the exact address, and among those the exact port.
    pub fn competitors(&self, ip: Option<IpAddr>, port: u16) -> &[u32] {
        self.members_of(self.nearest(ip, port).unwrap_or_default())
    }

    /// The first of them that has the name.
    pub fn named(&self, hosts: &[VirtualHost], ip: Option<IpAddr>, port: u16, name: &str) -> Option<u32> {
        /// All of a set are asked so often in the time in which their names are gathered.
        const SELDOM: u8 = 16;
        let set = self.nearest(ip, port)?;
        let competitors = self.members_of(set);
        let is_large = set.length > FEW;
        let known = is_large.then(|| self.names.get(&set.start)).flatten();
        let often = known.filter(|known| {
            known.names.get().is_some() || known.asked.fetch_add(1, Ordering::Relaxed) >= SELDOM
        });
        let Some(known) = often else {
            let mut members = competitors.iter().copied();
            return members.find(|index| hosts[*index as usize].has_name(name));
        };
        let gather = |part: &[u32]| Names::of(hosts, part);
        // Every part more has to be asked for every name.
        let names = known.names.get_or_init(|| in_parts(2, competitors, gather));
        names.iter().find_map(|names| names.find(hosts, name))
    }

    fn members_of(&self, set: Set) -> &[u32] {
        &self.members[set.start as usize..][..set.length as usize]
    }

    fn nearest(&self, ip: Option<IpAddr>, port: u16) -> Option<Set> {
        // `find_ipaddr` is asked before `find_default_server`, and each takes the exact port before any port: an address
        // hides every `*` (fixtures/layouts/hazards/h14), even one that names the port where it does not.
        let at = |ip, port| self.sets.get(&(ip, port)).copied();
        let exact = ip.and_then(|ip| at(Some(ip), Some(port)).or_else(|| at(Some(ip), None)));
        exact.or_else(|| at(None, Some(port))).or_else(|| at(None, None))
    }
}

/// The addresses of active virtual hosts, each with its virtual host.
fn addresses(hosts: &[VirtualHost]) -> impl Iterator<Item = (u32, &Address)> {
    let active = (0..).zip(hosts).filter(|(_, host)| host.truth == Truth::True);
    active.flat_map(|(index, host)| host.addresses.iter().map(move |address| (index, address)))
}

impl Names {
    fn of(hosts: &[VirtualHost], members: &[u32]) -> Names {
        let mut names = Names {
            exact: Vec::with_capacity(members.len() * 3),
            suffixes: Vec::with_capacity(members.len()),
            patterns: Vec::new(),
        };
        for &index in members {
            let host = &hosts[index as usize];
            if let Some(name) = &host.server_name {
                names.exact.push((hash(name.as_bytes()), index));
            }
            for alias in &host.aliases {
                match suffix(alias) {
                    Some(suffix) => names.suffixes.push((hash(suffix), index)),
                    None if !is_pattern(alias.as_bytes()) => {
                        names.exact.push((hash(alias.as_bytes()), index))
                    }
                    None => names.patterns.push(index),
                }
            }
        }
        names.exact.sort_unstable();
        names.suffixes.sort_unstable();
        names
    }

    /// The first virtual host that has the name.
    fn find(&self, hosts: &[VirtualHost], name: &str) -> Option<u32> {
        let exact = first(&self.exact, name.as_bytes(), |index| {
            hosts[index as usize].names_exactly(name)
        });
        let ends = memchr::memchr_iter(b'.', name.as_bytes()).filter_map(|at| {
            let end = &name.as_bytes()[at..];
            first(&self.suffixes, end, |index| {
                let mut aliases = hosts[index as usize].aliases.iter();
                aliases.any(|alias| suffix(alias).is_some_and(|suffix| suffix.eq_ignore_ascii_case(end)))
            })
        });
        let nearest = ends.chain(exact).min();
        let mut patterns = self
            .patterns
            .iter()
            .copied()
            .take_while(|index| nearest.is_none_or(|nearest| *index < nearest));
        patterns
            .find(|index| {
                let mut aliases = hosts[*index as usize].aliases.iter();
                aliases.any(|alias| matches_alias(alias.as_bytes(), name.as_bytes()))
            })
            .or(nearest)
    }
}

/// The first virtual host with that text that really has it.
fn first(sorted: &[(u64, u32)], text: &[u8], has: impl Fn(u32) -> bool) -> Option<u32> {
    let wanted = hash(text);
    let from = sorted.partition_point(|(hash, _)| *hash < wanted);
    let same = sorted[from..].iter().take_while(|(hash, _)| *hash == wanted);
    same.map(|(_, index)| *index).find(|index| has(*index))
}

/// What follows the star of an alias like `*.example.com`.
fn suffix(alias: &str) -> Option<&[u8]> {
    let rest = alias.strip_prefix('*')?.as_bytes();
    (rest.starts_with(b".") && !is_pattern(rest)).then_some(rest)
}

fn is_pattern(name: &[u8]) -> bool {
    memchr::memchr2(b'*', b'?', name).is_some()
}

/// Of a name without regard to case. Not to be foreseen, so that nobody can make all names of a configuration one.
fn hash(name: &[u8]) -> u64 {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    let mut hasher = STATE.build_hasher();
    let mut lower = [0; 32];
    for part in name.chunks(lower.len()) {
        let lower = &mut lower[..part.len()];
        lower.copy_from_slice(part);
        lower.make_ascii_lowercase();
        hasher.write(lower);
    }
    hasher.finish()
}

/// Works on things in so many parts at most, side by side.
pub(crate) fn in_parts<H: Sync, T: Send>(
    most: usize,
    things: &[H],
    work: impl Fn(&[H]) -> T + Sync,
) -> Vec<T> {
    /// Fewer are not worth a thread.
    const SMALL: usize = 1000;
    let parts = parallel::parts(things.len() / SMALL).min(most);
    let size = things.len().div_ceil(parts).max(1);
    let parts: Vec<_> = things.chunks(size).collect();
    in_parallel(parts.len(), |part| work(parts[part]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;
    use crate::httpd::SERVER;

    /// How near an address is to a connection's local end, by the words of httpd's documentation.
    fn closeness(address: &Address, ip: Option<IpAddr>, port: u16) -> Option<u8> {
        let host = match &address.host {
            Host::Any => 0,
            Host::Ip(own) if Some(*own) == ip => 2,
            Host::Ip(_) | Host::Name(_) => return None,
        };
        match address.port {
            None => Some(host),
            Some(own) if own == port => Some(host + 1),
            Some(_) => None,
        }
    }

    fn competitors(hosts: &[VirtualHost], ip: Option<IpAddr>, port: u16) -> Vec<u32> {
        let near = |host: &VirtualHost| {
            let all = host.addresses.iter();
            all.filter_map(|address| closeness(address, ip, port)).max()
        };
        let active = || (0..).zip(hosts).filter(|(_, host)| host.truth == Truth::True);
        let nearest = active().filter_map(|(_, host)| near(host)).max();
        let is_nearest = |address: &Address| nearest.is_some() && closeness(address, ip, port) == nearest;
        active()
            .filter(|(_, host)| host.addresses.iter().any(is_nearest))
            .map(|(index, _)| index)
            .collect()
    }

    fn host() -> impl Strategy<Value = VirtualHost> {
        let ip = |last| Host::Ip(IpAddr::from([10, 0, 0, last]));
        let place = prop::sample::select(vec![Host::Any, ip(1), ip(2), Host::Name("a".into())]);
        let port = prop::sample::select(vec![None, Some(80), Some(81)]);
        let address = (place, port).prop_map(|(host, port)| Address { host, port });
        let name = || prop::sample::select(vec!["a.test", "A.test", "b.test", "x.b.test", "*.test"]);
        let alias = || prop::sample::select(vec!["*.test", "?.test", "*", "*.b.test", "A.TEST", "x.*", ""]);
        (
            prop::collection::vec(address, 0..3),
            prop::option::of(name()),
            prop::collection::vec(alias(), 0..3),
            prop::sample::select(vec![Truth::True, Truth::True, Truth::Unknown]),
        )
            .prop_map(|(addresses, name, aliases, truth)| VirtualHost {
                section: SERVER,
                entry: 0,
                addresses,
                server_name: name.map(str::to_owned),
                aliases: aliases.into_iter().map(str::to_owned).collect(),
                truth,
            })
    }

    proptest! {
        #[test]
        fn all_at_once_as_one_by_one(hosts in prop::collection::vec(host(), 0..30)) {
            let sets = AddressSets::of(&hosts);
            let active = || hosts.iter().filter(|host| host.truth == Truth::True);
            let addresses = active().flat_map(|host| &host.addresses);
            let all: BTreeSet<_> = addresses.map(|address| (address.ip(), address.port)).collect();
            prop_assert_eq!(sets.written().collect::<BTreeSet<_>>(), all);
            for ip in [None, Some(1), Some(2), Some(3)] {
                let ip = ip.map(|last| IpAddr::from([10, 0, 0, last]));
                for port in [80, 81, 82] {
                    let all = competitors(&hosts, ip, port);
                    prop_assert_eq!(sets.competitors(ip, port), all.as_slice());
                    for name in ["a.test", "B.test", "x.b.TEST", "z.test", "x.", "*.test", ""] {
                        let first = all.iter().copied().find(|index| hosts[*index as usize].has_name(name));
                        prop_assert_eq!(sets.named(&hosts, ip, port, name), first, "{}", name);
                    }
                }
            }
        }
    }
}
