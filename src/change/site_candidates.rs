//! Which virtual hosts may be the site of the domain: those without TLS that answer it. Chooses none of them.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::httpd::{Address, Configuration, Host, Listen, SectionId, Truth, VirtualHost};

use crate::mod_ssl::speaks_tls;

use super::existing::{NOBODY, is_nameless, own_settings, shows_by_name, stands_in};
use super::redirection::only_leads_to_itself;
use super::request::Request;

/// Directives that hand requests to something else than files.
const PROGRAMS: [&str; 4] = ["ProxyPass", "ProxyPassMatch", "WSGIScriptAlias", "JkMount"];

/// The TLS virtual hosts of the port that have the domain for their own name.
pub(super) fn secure<'a>(
    configuration: &'a Configuration,
    request: &Request,
) -> impl Iterator<Item = &'a VirtualHost> {
    configuration.hosts_named(&request.domain).filter(|host| {
        host.names_exactly(&request.domain)
            && host
                .addresses
                .iter()
                .any(|address| address.port == Some(request.port))
            && speaks_tls(configuration, host)
    })
}

/// The virtual hosts without TLS that answer the domain: on port 80 if there are any, else on others; those that only
/// redirect if they are wanted.
pub(super) fn candidates<'a>(
    configuration: &'a Configuration,
    request: &Request,
    with_redirects: bool,
) -> Vec<&'a VirtualHost> {
    let search = Search::new(configuration, request, with_redirects);
    let elsewhere = || search.by_name_on(&search.ports, true);
    // Nobody reaches it, or not any more, but whose site it is is said.
    let unreached = || search.by_name_on(&search.named_ports(), false);
    let searches: [&dyn Fn() -> Vec<&'a VirtualHost>; 4] = [
        &|| search.by_name(80, true),
        &elsewhere,
        &|| search.by_name(80, false),
        &unreached,
    ];
    let mut found = searches
        .into_iter()
        .map(|search| search())
        .filter(|found| !found.is_empty());
    let Some(first) = found.next() else {
        return match request.has_no_default {
            true => Vec::new(),
            false => search.defaults(),
        };
    };
    // With HTTPS there, the listener of the site may be gone: who has the name for its own goes before a wildcard that still
    // has one.
    let is_own = |found: &[&VirtualHost]| found.iter().any(|host| host.names_exactly(&request.domain));
    match search.is_secure && !is_own(&first) {
        true => found.find(|found| is_own(found)).unwrap_or(first),
        false => first,
    }
}

/// The virtual hosts without TLS that have the domain for their own name on any port: beside one that takes it by a wildcard,
/// nobody knows which is meant. None where HTTPS is spoken for the domain: that was decided then.
pub(super) fn exactly_named<'a>(configuration: &'a Configuration, request: &Request) -> Vec<&'a VirtualHost> {
    let search = Search::new(configuration, request, false);
    if search.is_secure {
        return Vec::new();
    }
    let mut found = search.by_name_on(&search.ports, true);
    found.retain(|host| host.names_exactly(&request.domain));
    found
}

/// What a site shows: two that agree in this are one under two names.
pub(super) fn content(configuration: &Configuration, section: SectionId) -> Vec<Vec<u8>> {
    let root = configuration.setting(section, "DocumentRoot");
    let programs = configuration.inside(section).filter(|entry| {
        let is = |name: &&str| configuration.is_named(entry, name);
        entry.truth == Truth::True && PROGRAMS.iter().any(is)
    });
    let entries = root.into_iter().chain(programs);
    entries.flat_map(|entry| configuration.arguments(entry)).collect()
}

/// What is looked for, and where HTTP is spoken.
struct Search<'a, 'r> {
    configuration: &'a Configuration,
    request: &'r Request,
    with_redirects: bool,
    /// The ports that are listened on, less that of HTTPS.
    ports: Vec<u16>,
    /// HTTPS is spoken for the domain already.
    is_secure: bool,
    /// The virtual hosts that have the domain among their names, be it by a wildcard.
    named: Vec<&'a VirtualHost>,
}

impl<'a, 'r> Search<'a, 'r> {
    fn new(configuration: &'a Configuration, request: &'r Request, with_redirects: bool) -> Self {
        let mut search = Search {
            configuration,
            request,
            with_redirects,
            ports: Vec::new(),
            is_secure: secure(configuration, request).next().is_some(),
            named: configuration.hosts_named(&request.domain).collect(),
        };
        search.ports = search.others(search.listens().map(|listen| listen.port));
        search
    }

    fn listens(&self) -> impl Iterator<Item = &'a Listen> + use<'a> {
        self.configuration.active_listens()
    }

    /// The ports that virtual hosts name, less that of HTTPS.
    fn named_ports(&self) -> Vec<u16> {
        self.others(
            self.configuration
                .address_sets()
                .written()
                .filter_map(|(_, port)| port),
        )
    }

    fn others(&self, ports: impl Iterator<Item = u16>) -> Vec<u16> {
        let mut ports: Vec<u16> = ports.filter(|port| *port != self.request.port).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Whoever answers the domain on a port, by its name or as the first of an address; `reached`: where clients come
    /// in today, else wherever virtual hosts name the port. Where `only` says addresses, at those and no others.
    fn on(&self, port: u16, reached: bool, only: Option<&[IpAddr]>) -> Vec<&'a VirtualHost> {
        self.at(self.ends(port, reached, only), port)
    }

    /// Whoever answers the domain at these local ends.
    fn at(&self, mut ends: Vec<Option<IpAddr>>, port: u16) -> Vec<&'a VirtualHost> {
        let mut known = HashSet::new();
        let mut found: Vec<&VirtualHost> = Vec::new();
        ends.sort();
        ends.dedup();
        for end in ends {
            let answers = self.configuration.answering(end, port, &self.request.domain);
            if let Some(host) = answers
                && known.insert(host.section)
            {
                found.push(host);
            }
        }
        found
    }

    /// Is it without TLS, and no mere redirect where those are not wanted?
    fn counts(&self, host: &VirtualHost) -> bool {
        !speaks_tls(self.configuration, host)
            && (self.with_redirects || !only_leads_to_itself(self.configuration, self.request, host))
    }

    /// The local ends of a port that may differ in who answers.
    fn ends(&self, port: u16, reached: bool, only: Option<&[IpAddr]>) -> Vec<Option<IpAddr>> {
        // Where HTTPS is spoken for the domain already, a listener that went is the one for HTTPS now.
        let listened = if reached { port } else { self.request.port };
        let here: Vec<_> = self.listens().filter(|listen| listen.port == listened).collect();
        let by_listens = (reached || self.is_secure) && !here.iter().any(|listen| listen.is_wildcard());
        if by_listens {
            let counts =
                |end: &Option<IpAddr>| only.is_none_or(|only| end.is_some_and(|ip| only.contains(&ip)));
            return here.iter().map(|listen| listen.ip()).filter(counts).collect();
        }
        let sets = self.configuration.address_sets();
        match only {
            Some(only) => {
                let only = only.iter().filter(|ip| sets.names(**ip, port));
                only.copied().map(Some).collect()
            }
            None => {
                let written = sets.written();
                let here = written.filter(|(_, own)| own.is_none_or(|own| own == port));
                here.map(|(ip, _)| ip).collect()
            }
        }
    }

    /// Those of them that have the name.
    fn by_name(&self, port: u16, reached: bool) -> Vec<&'a VirtualHost> {
        let domain = &self.request.domain;
        // There may be a hundred thousand addresses. Whoever answers at one by its name has that address, or `*`.
        let only = only_at(self.named.iter().copied());
        let only = only.as_deref();
        let mut found = self.on(port, reached, only);
        // A wildcard is nobody's word for this name where nobody reaches it by that, unless its listener is for HTTPS by now.
        let is_asked = |host: &VirtualHost| {
            let asked = self.on(port, true, only);
            asked.iter().any(|other| other.section == host.section)
        };
        let counts =
            |host: &VirtualHost| reached || !self.ports.contains(&port) || self.is_secure && !is_asked(host);
        found.retain(|host| {
            has_own_name(self.configuration, host, domain)
                && (host.names_exactly(domain) || counts(host))
                && self.counts(host)
        });
        // A name of its own goes before a wildcard that fits.
        if found.iter().any(|host| host.names_exactly(domain)) {
            found.retain(|host| host.names_exactly(domain));
        }
        found
    }

    fn by_name_on(&self, ports: &[u16], reached: bool) -> Vec<&'a VirtualHost> {
        ports
            .iter()
            .flat_map(|port| self.by_name(*port, reached))
            .collect()
    }

    /// Those that answer it without having its name, because they are the first of their address: what they show is what
    /// HTTP shows of the domain, whatever their own name is. One that shows nothing of its own is the main server's stand-in.
    fn defaults(&self) -> Vec<&'a VirtualHost> {
        if let Some(host) = self.copied() {
            return vec![host];
        }
        let port = match self.ports.as_slice() {
            [only] => *only,
            _ => 80,
        };
        let mut found = match self.own_address(port) {
            Some(ip) => Vec::from_iter(self.configuration.answering(Some(ip), port, &self.request.domain)),
            None => self.on(port, true, None),
        };
        // Where a listener is for HTTPS by now, HTTP came in there.
        if self.is_secure && self.own_address(port).is_none() {
            found.extend(self.moved(port));
            let mut known = HashSet::new();
            found.retain(|host| known.insert(host.section));
        }
        found.retain(|host| {
            let shows = || !stands_in(self.configuration, host) || shows_by_name(self.configuration, host);
            // Whoever gave the main server the domain for its name means that one: what takes its place is told.
            let is_meant = || !self.is_main_servers() || self.is_for_anybody(host);
            self.counts(host) && !host.has_name(NOBODY) && shows() && is_meant()
        });
        let everywhere: Vec<&VirtualHost> = found.iter().copied().filter(|host| is_anywhere(host)).collect();
        match everywhere.as_slice() {
            [] if self.own_address(port).is_some() => found,
            // One for a single address is not asked by those who come in at others, and of several nobody knows which.
            [] if is_main_server_asked(self.configuration, port) => {
                found.retain(|host| !is_of_this_machine_only(host));
                if found.len() > 1 || self.is_main_servers() {
                    found.clear();
                }
                found
            }
            [] => found,
            [_] => everywhere,
            _ => {
                let all = everywhere.into_iter();
                all.filter(|host| self.is_for_anybody(host)).collect()
            }
        }
    }

    /// With HTTPS there, the one default that shows what HTTPS shows, whose listener may be gone since.
    fn copied(&self) -> Option<&'a VirtualHost> {
        let mut own =
            secure(self.configuration, self.request).map(|host| content(self.configuration, host.section));
        let own = own.next().filter(|first| own.all(|other| other == *first))?;
        let mut ports = self.ports.clone();
        ports.push(80);
        let mut found = Vec::new();
        for port in ports {
            found.extend(self.on(port, true, None));
            found.extend(self.moved(port));
        }
        let mut known = HashSet::new();
        found.retain(|host| {
            known.insert(host.section)
                && self.counts(host)
                && !host.has_name(NOBODY)
                && content(self.configuration, host.section) == own
        });
        <[_; 1]>::try_from(found).ok().map(|[only]| only)
    }

    /// Has it no name, or shows each name something of its own?
    fn is_for_anybody(&self, host: &VirtualHost) -> bool {
        is_nameless(self.configuration, host) || shows_by_name(self.configuration, host)
    }

    /// The address that the domain is, where clients who ask by it come in.
    fn own_address(&self, port: u16) -> Option<IpAddr> {
        let ip = self.request.domain.parse().ok()?;
        let mut here = self.listens().filter(|listen| listen.port == port);
        here.any(|listen| listen.takes(ip)).then_some(ip)
    }

    /// Whoever answered the domain on the port where a listener is for its HTTPS by now; not where HTTPS is that of others.
    fn moved(&self, port: u16) -> Vec<&'a VirtualHost> {
        let mut ends = self.ends(port, false, None);
        ends.retain(|end| self.is_home(*end));
        self.at(ends, port)
    }

    /// Answers a TLS virtual host of its own the domain there?
    fn is_home(&self, end: Option<IpAddr>) -> bool {
        let answers = self
            .configuration
            .answering(end, self.request.port, &self.request.domain);
        answers.is_some_and(|host| {
            host.names_exactly(&self.request.domain) && speaks_tls(self.configuration, host)
        })
    }

    /// Has the main server the domain for its own name?
    fn is_main_servers(&self) -> bool {
        let main = self.configuration.main_server_name();
        main.is_some_and(|main| main.eq_ignore_ascii_case(&self.request.domain))
    }
}

/// The addresses at which alone virtual hosts can answer; nothing where one of them may answer at all.
pub(super) fn only_at<'h>(mut hosts: impl Iterator<Item = &'h VirtualHost>) -> Option<Vec<IpAddr>> {
    hosts.try_fold(Vec::new(), |mut all, host| {
        for address in &host.addresses {
            all.push(address.ip()?);
        }
        Some(all)
    })
}

/// Do clients come in where no virtual host is for their address?
pub(super) fn is_main_server_asked(configuration: &Configuration, port: u16) -> bool {
    let listens = configuration.listens().iter();
    let mut here = listens.filter(|listen| listen.truth == Truth::True && listen.port == port);
    here.any(Listen::is_wildcard) && configuration.address_set(None, port).is_empty()
}

/// Is one of its addresses that of all?
pub(super) fn is_anywhere(host: &VirtualHost) -> bool {
    host.addresses.iter().any(|address| address.host == Host::Any)
}

/// Are its addresses those by which a machine reaches itself?
fn is_of_this_machine_only(host: &VirtualHost) -> bool {
    let mut ips = host.addresses.iter().map(Address::ip);
    ips.all(|ip| ip.is_some_and(|ip| ip.to_canonical().is_loopback()))
}

/// Does it answer to the name by itself, and not because the main server has it?
fn has_own_name(configuration: &Configuration, host: &VirtualHost, name: &str) -> bool {
    if !host.has_name(name) {
        return false;
    }
    let mut host = host.clone();
    if own_settings(configuration, host.section, "ServerName").is_empty() {
        host.server_name = None;
    }
    host.has_name(name)
}
