//! Who answers the domain, where, and over what: the questions that the steps and the proof ask. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Competitors, Configuration, Host, Listen, SERVER, Truth, VirtualHost};
use crate::mod_ssl::{speaks_tls, ssl_engine};

use super::request::Request;
use super::site;
use super::site_candidates::only_at;

/// The configuration seen from one port and one domain.
pub(super) struct Answers<'a> {
    configuration: &'a Configuration,
    /// All virtual hosts, inactive ones included.
    pub hosts: &'a [VirtualHost],
    /// All listeners that can be read, inactive ones included.
    pub listens: &'a [Listen],
    port: u16,
    request: &'a Request,
    /// Where the site answers at single addresses only today, these: it is not to become reachable elsewhere.
    scope: Option<Vec<IpAddr>>,
}

impl<'a> Answers<'a> {
    pub fn new(configuration: &'a Configuration, request: &'a Request) -> Self {
        let hosts = configuration.virtual_hosts();
        let scope = site::scope(configuration, request);
        Answers {
            configuration,
            hosts,
            listens: configuration.listens(),
            port: request.port,
            request,
            scope,
        }
    }

    /// The configuration seen from another port.
    pub fn on(configuration: &'a Configuration, request: &'a Request, port: u16) -> Self {
        Answers {
            port,
            ..Answers::new(configuration, request)
        }
    }

    /// The active listeners.
    pub fn active_listens(&self) -> Vec<&Listen> {
        self.listens
            .iter()
            .filter(|listen| listen.truth == Truth::True)
            .collect()
    }

    /// Is the port listened on at all?
    pub fn is_listened_on(&self) -> bool {
        self.active_listens()
            .iter()
            .any(|listen| listen.port == self.port)
    }

    /// The local ends at which connections to the port may arrive, as far as the configuration tells them apart:
    /// each listened-on address, each address that a virtual host names, and `None` for all others.
    pub fn local_ends(&self) -> Vec<Option<IpAddr>> {
        let homes = self.homes_with_listener();
        if homes.is_empty() {
            return self.all_ends(None);
        }
        let domain = &self.request.domain;
        let only = only_at(self.configuration.hosts_named(domain));
        let mut ends = self.all_ends(only.as_deref());
        // Where the domain has HTTPS already it is at home as well.
        ends.retain(|end| {
            let own = self.at(*end).filter(|host| host.names_exactly(domain));
            own.is_some_and(|host| speaks_tls(self.configuration, host))
        });
        ends.extend(homes.into_iter().map(Some));
        ends.sort();
        ends.dedup();
        ends
    }

    /// The local ends wherever the site is at home, of all addresses or of some of them only.
    fn all_ends(&self, only: Option<&[IpAddr]>) -> Vec<Option<IpAddr>> {
        let mut ends: Vec<Option<IpAddr>> = Vec::new();
        let mut wildcard = false;
        for listen in self
            .active_listens()
            .iter()
            .filter(|listen| listen.port == self.port)
        {
            wildcard |= listen.is_wildcard();
            ends.push(if listen.is_wildcard() { None } else { listen.ip() });
        }
        if wildcard {
            match only {
                Some(only) => ends.extend(only.iter().copied().filter(|ip| self.is_named(*ip)).map(Some)),
                None => ends.extend(self.named_ips(self.port).map(Some)),
            }
        }
        ends.sort();
        ends.dedup();
        ends
    }

    fn homes_with_listener(&self) -> Vec<IpAddr> {
        let mut homes = self.scope.clone().unwrap_or_default();
        homes.retain(|ip| {
            let mut listens = self.listens.iter();
            listens.any(|listen| listen.port == self.port && listen.takes(*ip))
        });
        homes
    }

    /// Is the site at home at single addresses, all of which are listened on?
    pub fn is_at_home(&self) -> bool {
        let scope = self.scope.as_ref();
        scope.is_some_and(|scope| scope.len() == self.homes_with_listener().len())
    }

    /// The addresses at which alone the site answers, where the port is listened on at others only.
    pub fn homes_without_listener(&self) -> Vec<IpAddr> {
        if !self.is_listened_on() || !self.homes_with_listener().is_empty() {
            return Vec::new();
        }
        let mut homes = match &self.scope {
            Some(scope) => scope.clone(),
            None => self.left_by_others(),
        };
        homes.sort();
        homes.dedup();
        homes
    }

    /// The addresses at which the site answers over HTTP where others take it at some of those that are listened on, as
    /// those of theirs say them exactly; none where HTTPS is listened for at one of them.
    fn left_by_others(&self) -> Vec<IpAddr> {
        let active = self.active_listens();
        let plain = active
            .iter()
            .filter(|listen| listen.port != self.port && !self.listener_speaks_tls(listen));
        let Some(ends) = plain
            .map(|listen| Some((listen.ip().filter(|_| !listen.is_wildcard())?, listen.port)))
            .collect::<Option<Vec<(IpAddr, u16)>>>()
        else {
            return Vec::new();
        };
        let Some(site) = site::site(self.configuration, self.request).ok().flatten() else {
            return Vec::new();
        };
        let is_own = |&(ip, port): &(IpAddr, u16)| {
            let host = self.configuration.answering(Some(ip), port, &self.request.domain);
            host.is_some_and(|host| host.section == site.section)
        };
        let own: Vec<IpAddr> = ends.iter().filter(|end| is_own(end)).map(|(ip, _)| *ip).collect();
        let is_listened_for = |ip: &IpAddr| {
            let mut secure = active.iter().filter(|listen| listen.port == self.port);
            secure.any(|listen| listen.takes(*ip))
        };
        match own.len() == ends.len() || own.iter().any(is_listened_for) {
            true => Vec::new(),
            false => own,
        }
    }

    /// Are single addresses all that is wanted?
    pub fn is_scoped(&self) -> bool {
        self.scope.is_some()
    }

    /// The virtual hosts that compete for the port at a local end, in order.
    pub fn set(&self, end: Option<IpAddr>) -> Competitors<'a> {
        self.configuration.address_set(end, self.port)
    }

    /// Those of them that name the port, and so compete with a new virtual host that does.
    pub fn competitors(&self, end: Option<IpAddr>) -> Vec<&VirtualHost> {
        let names_port = |host: &&VirtualHost| host.addresses.iter().any(|a| a.port == Some(self.port));
        self.set(end).iter().filter(names_port).collect()
    }

    /// The single addresses that active virtual hosts name for a port.
    fn named_ips(&self, port: u16) -> impl Iterator<Item = IpAddr> {
        let written = self.configuration.address_sets().written();
        let on_port = written.filter(move |(_, own)| own.is_none_or(|own| own == port));
        on_port.filter_map(|(ip, _)| ip)
    }

    /// Does an active virtual host name that address for the port?
    pub fn is_named(&self, ip: IpAddr) -> bool {
        self.configuration.address_sets().names(ip, self.port)
    }

    /// The virtual host that answers the domain at a local end; `None` is the main server.
    pub fn at(&self, end: Option<IpAddr>) -> Option<&VirtualHost> {
        self.answering(end, &self.request.domain)
    }

    /// The virtual host that answers a name at a local end; `None` is the main server.
    pub fn answering(&self, end: Option<IpAddr>, name: &str) -> Option<&VirtualHost> {
        self.configuration.answering(end, self.port, name)
    }

    /// Does TLS reach the domain and its aliases by their names at every local end of the port?
    pub fn served(&self) -> bool {
        let ends = self.local_ends();
        let tls = |end, name: &str| {
            self.answering(end, name)
                .is_some_and(|host| host.has_name(name) && speaks_tls(self.configuration, host))
        };
        !ends.is_empty()
            && ends.iter().all(|end| {
                self.request.names().all(|name| tls(*end, name))
                    && self
                        .set(*end)
                        .first()
                        .is_some_and(|first| speaks_tls(self.configuration, first))
            })
    }

    /// Does anything speak TLS on the port already, a virtual host or the main server?
    pub fn port_speaks_tls(&self) -> bool {
        self.local_ends().iter().any(|end| match self.set(*end).first() {
            Some(first) => speaks_tls(self.configuration, first),
            None => ssl_engine(self.configuration, SERVER),
        })
    }

    /// Would connections to a listener be answered over TLS? At addresses that no virtual host is there for, the main
    /// server's word does not count where others speak TLS.
    pub fn listener_speaks_tls(&self, listen: &Listen) -> bool {
        let mut ends = vec![listen.ip()];
        if listen.is_wildcard() {
            ends.extend(self.named_ips(listen.port).map(Some));
        }
        let set = |end: &Option<IpAddr>| self.configuration.address_set(*end, listen.port);
        let mut firsts = ends.iter().filter_map(|end| set(end).first()).peekable();
        firsts.peek().is_some() && firsts.all(|first| speaks_tls(self.configuration, first))
    }

    /// A virtual host whose part in the port cannot be told: it hangs on a condition that only the server could
    /// decide, or its address is a host name.
    pub fn undecided(&self) -> Option<&VirtualHost> {
        self.hosts.iter().find(|host| {
            host.truth != Truth::False
                && host.addresses.iter().any(|address| {
                    address.port.is_none_or(|port| port == self.port)
                        && (host.truth == Truth::Unknown || matches!(address.host, Host::Name(_)))
                })
        })
    }
}
