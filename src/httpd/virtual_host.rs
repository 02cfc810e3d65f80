//! `<VirtualHost>`: addresses, names, and which one answers. Resolves no host names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::listen::is_no_host;
use super::{Configuration, Entry, EntryId, SERVER, SectionId, Truth, word};

/// One address of a virtual host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The host part.
    pub host: Host,
    /// The port; `None` is any.
    pub port: Option<u16>,
}

/// The host part of an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// `*`, `_default_`, `0.0.0.0` or `[::]`.
    Any,
    /// An IP address.
    Ip(IpAddr),
    /// A host name, which Apache resolves while it reads.
    Name(String),
}

/// One `<VirtualHost>`.
#[derive(Clone, Debug)]
pub struct VirtualHost {
    /// Its section.
    pub section: SectionId,
    /// Its opening line.
    pub entry: EntryId,
    /// Its addresses; words that Apache would not understand are left out.
    pub addresses: Vec<Address>,
    /// Host part of its `ServerName`. Without one, on `*`, it has the main server's.
    pub server_name: Option<String>,
    /// Its aliases, wildcards included.
    pub aliases: Vec<String>,
    /// Does Apache see it?
    pub truth: Truth,
}

impl Address {
    /// Its IP address; `None` for `*` and for host names.
    pub fn ip(&self) -> Option<IpAddr> {
        match self.host {
            Host::Ip(ip) => Some(ip),
            Host::Any | Host::Name(_) => None,
        }
    }

    /// Reads a word of a `<VirtualHost>` tag; `None` where Apache does not understand it. `main_port` is the port in
    /// the main server's `ServerName`.
    pub(super) fn parse(word: &[u8], main_port: impl FnOnce() -> Option<u16>) -> Option<Address> {
        let text = std::str::from_utf8(word).ok()?;
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (host, port) = match text.rsplit_once(':') {
            _ if text.ends_with(']') => (text, None),
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let port = match port {
            Some("*") => None,
            Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port > 0)?),
            None if host == "*" => None,
            None => main_port(),
        };
        let host = match host {
            "*" | "_default_" | "0.0.0.0" | "[::]" => Host::Any,
            _ => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
                Ok(ip) if ip.is_unspecified() => Host::Any,
                Ok(ip) => Host::Ip(ip),
                Err(_) if is_no_host(host.as_bytes()) => return None,
                Err(_) => Host::Name(host.to_string()),
            },
        };
        Some(Address { host, port })
    }

    /// How near the address is to a connection's local end; `None` when it does not match. Apache prefers the exact
    /// address, and among those the exact port.
    fn closeness(&self, ip: Option<IpAddr>, port: u16) -> Option<u8> {
        let host = match &self.host {
            Host::Any => 0,
            Host::Ip(own) if Some(*own) == ip => 2,
            Host::Ip(_) | Host::Name(_) => return None,
        };
        match self.port {
            None => Some(host),
            Some(own) if own == port => Some(host + 1),
            Some(_) => None,
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Host::Any => f.write_str("*")?,
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
            Host::Ip(ip) => write!(f, "{ip}")?,
            Host::Name(name) => f.write_str(name)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl VirtualHost {
    /// The first of its names that a client may ask for.
    pub fn client_name(&self) -> Option<&str> {
        let mut names = self.server_name.iter().chain(&self.aliases);
        let name = names.find(|name| !is_nobodys(name) && !name.contains(['*', '?']));
        name.or(self.server_name.as_ref()).map(String::as_str)
    }

    /// Does it answer to that name, by `ServerName` or `ServerAlias`?
    pub fn has_name(&self, name: &str) -> bool {
        self.server_name
            .as_deref()
            .is_some_and(|own| own.eq_ignore_ascii_case(name))
            || self
                .aliases
                .iter()
                .any(|alias| matches_alias(alias.as_bytes(), name.as_bytes()))
    }
}

impl Configuration {
    /// Every virtual host, in order, inactive ones included.
    pub fn virtual_hosts(&self) -> Vec<VirtualHost> {
        let main = self.main_server_name();
        // The port in the main server's name counts for the virtual hosts behind it only.
        let mut ports = self
            .named("ServerName")
            .filter(|(_, entry)| entry.truth == Truth::True && self.context(entry) == SERVER)
            .map(|(id, entry)| {
                let port = self.arguments(entry).first().and_then(|name| host_part(name).1);
                (id, port)
            })
            .peekable();
        let mut port = None;
        let sections = (0..).zip(&self.sections).skip(1);
        let by_opening: HashMap<EntryId, SectionId> =
            sections.map(|(id, section)| (section.opening, id)).collect();
        // Elsewhere Apache refuses one, or passes over all that is around it.
        let found = self
            .named("<VirtualHost")
            .filter(|(_, entry)| self.context(entry) == SERVER);
        found
            .filter_map(|(opening, _)| {
                while let Some((_, own)) = ports.next_if(|(id, _)| *id < opening) {
                    port = own;
                }
                Some(self.virtual_host(*by_opening.get(&opening)?, opening, main.as_deref(), port))
            })
            .collect()
    }

    fn virtual_host(
        &self,
        section: SectionId,
        opening: EntryId,
        main: Option<&str>,
        main_port: Option<u16>,
    ) -> VirtualHost {
        let entry = self.entry(opening);
        let argument = self.section_argument(entry);
        let addresses = word::words(&argument)
            .filter_map(|w| Address::parse(&w.value, || main_port))
            .collect::<Vec<_>>();
        let inherits = addresses.iter().any(|address| address.host == Host::Any);
        let mut host = VirtualHost {
            section,
            entry: opening,
            addresses,
            server_name: None,
            aliases: Vec::new(),
            truth: entry.truth,
        };
        for inner in self.inside(section) {
            if inner.truth < entry.truth {
                continue;
            }
            if self.is_named(inner, "ServerName") {
                if let [name] = self.arguments(inner).as_slice() {
                    host.server_name = Some(host_part(name).0);
                }
            } else if self.is_named(inner, "ServerAlias") {
                let all = self.arguments(inner).into_iter();
                host.aliases
                    .extend(all.map(|alias| String::from_utf8_lossy(&alias).into_owned()));
            }
        }
        if host.server_name.is_none() && inherits {
            host.server_name = main.map(str::to_string);
        }
        host
    }
}

impl VirtualHost {
    /// Is the name its own, by `ServerName` or an alias without wildcards, so that it is no catch-all for it?
    pub(crate) fn names_exactly(&self, name: &str) -> bool {
        let mut own = self.server_name.iter().chain(&self.aliases);
        own.any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Name and place, for people.
    pub(crate) fn describe(&self, configuration: &Configuration) -> String {
        let name = self.server_name.as_deref().unwrap_or("(no ServerName)");
        format!(
            "{name} at {}",
            configuration.place(configuration.entry(self.entry))
        )
    }
}

impl Configuration {
    /// Directives directly in a section, or in conditionals in it that Apache decides while reading.
    pub fn inside(&self, section: SectionId) -> Box<dyn Iterator<Item = &Entry> + '_> {
        if section == SERVER {
            return Box::new(self.server_level().iter().map(|id| self.entry(*id)));
        }
        // Entries of a section stand together; the first one outside ends it.
        let from = self.sections[section as usize].opening + 1;
        Box::new(
            self.entries
                .from(from)
                .take_while(move |entry| self.is_within(entry.section, section))
                .filter(move |entry| self.context(entry) == section),
        )
    }

    /// Is a section the other one, or inside it?
    pub fn is_within(&self, mut section: SectionId, outer: SectionId) -> bool {
        while section != outer {
            if section == SERVER {
                return false;
            }
            section = self.sections[section as usize].parent;
        }
        true
    }

    /// The virtual host that answers a request for `name` which arrives at `ip` (`None`: an address that no virtual
    /// host names) and `port`: `None` is the main server. Only active virtual hosts count. The rules are those of
    /// httpd's `vhost.c`: the nearest address set, in it the first one with the name, else its first.
    pub fn answering<'a>(
        &self,
        hosts: &'a [VirtualHost],
        ip: Option<IpAddr>,
        port: u16,
        name: &str,
    ) -> Option<&'a VirtualHost> {
        let set = self.address_set(hosts, ip, port);
        set.iter()
            .find(|host| host.has_name(name))
            .or_else(|| set.first())
            .copied()
    }

    /// The virtual hosts that compete for connections to `ip` and `port`, in order.
    pub fn address_set<'a>(
        &self,
        hosts: &'a [VirtualHost],
        ip: Option<IpAddr>,
        port: u16,
    ) -> Vec<&'a VirtualHost> {
        let closeness =
            |host: &VirtualHost| host.addresses.iter().filter_map(|a| a.closeness(ip, port)).max();
        let active = || hosts.iter().filter(|host| host.truth == Truth::True);
        let Some(nearest) = active().filter_map(closeness).max() else {
            return Vec::new();
        };
        let within = |host: &&VirtualHost| {
            host.addresses
                .iter()
                .any(|address| address.closeness(ip, port) == Some(nearest))
        };
        active().filter(within).collect()
    }

    /// The last active setting of a directive in a section, or else in the main server.
    pub fn setting(&self, section: SectionId, name: &str) -> Option<&Entry> {
        let own = || {
            self.inside(section)
                .filter(|entry| entry.truth == Truth::True && self.is_named(entry, name))
                .last()
        };
        let main = || self.server_setting(name);
        if section == SERVER {
            main()
        } else {
            own().or_else(main)
        }
    }

    /// Is `SSLEngine on` in effect in a section (own or inherited from the main server)?
    pub fn ssl_engine(&self, section: SectionId) -> bool {
        self.engine_setting(section) == Some(true)
    }

    fn engine_setting(&self, section: SectionId) -> Option<bool> {
        let words = self.arguments(self.setting(section, "SSLEngine")?);
        words.first().map(|value| value.eq_ignore_ascii_case(b"on"))
    }

    /// Does a virtual host speak TLS: by `SSLEngine on`, or without that directive because it has a certificate and
    /// one of its addresses is, as address and port, a listener whose protocol is https?
    pub fn speaks_tls(&self, host: &VirtualHost) -> bool {
        if let Some(engine) = self.engine_setting(host.section) {
            return engine;
        }
        if self.setting(host.section, "SSLCertificateFile").is_none() {
            return false;
        }
        self.has_https_listener(host)
    }

    /// Is one of its addresses, as address and port, a listener whose protocol is https?
    pub(super) fn has_https_listener(&self, host: &VirtualHost) -> bool {
        let listens = self.listens();
        let mut https = listens
            .iter()
            .filter(|l| l.truth == Truth::True && l.effective_protocol() == "https");
        https.any(|listen| {
            host.addresses.iter().any(|address| {
                let same_address = match &address.host {
                    Host::Any => listen.is_wildcard(),
                    Host::Ip(ip) => listen.ip() == Some(*ip),
                    Host::Name(name) => listen.address.as_deref() == Some(name),
                };
                same_address && address.port == Some(listen.port)
            })
        })
    }

    /// Host part of the main server's `ServerName`.
    pub fn main_server_name(&self) -> Option<String> {
        let name = self.setting(SERVER, "ServerName")?;
        Some(host_part(self.arguments(name).first()?).0)
    }
}

/// Does a name match an alias with `*` and `?` in it, without regard to case?
pub(super) fn matches_alias(alias: &[u8], name: &[u8]) -> bool {
    let (mut a, mut n) = (0, 0);
    // Where the last `*` stands, and how much of the name it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match alias.get(a) {
            Some(b'*') => {
                star = Some((a, n));
                a += 1;
            }
            Some(byte) if *byte == b'?' || byte.eq_ignore_ascii_case(&name[n]) => {
                a += 1;
                n += 1;
            }
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                a = at + 1;
                n = taken + 1;
            }
        }
    }
    alias[a..].iter().all(|byte| *byte == b'*')
}

/// A name as URLs and the `Host` field of requests have it: an IPv6 address stands in brackets, which Apache takes off
/// before it compares.
pub fn in_url(name: &str) -> Cow<'_, str> {
    match name.parse::<Ipv6Addr>() {
        Ok(_) => Cow::Owned(format!("[{name}]")),
        Err(_) => Cow::Borrowed(name),
    }
}

/// Is it a name that nobody asks for, because it never exists (RFC 6761)? Virtual hosts without a name of their own
/// that clients use have such a one.
pub fn is_nobodys(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".invalid")
}

/// `[scheme://]name[:port]` without its scheme: name and port. The first colon ends the name, also in an IPv6 address.
pub(super) fn host_part(server_name: &[u8]) -> (String, Option<u16>) {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let bare = without_scheme(server_name);
    match memchr::memchr(b':', bare) {
        Some(colon) => (text(&bare[..colon]), text(&bare[colon + 1..]).parse().ok()),
        None => (text(bare), None),
    }
}

/// `[scheme://]name[:port]` without its scheme.
pub(super) fn without_scheme(server_name: &[u8]) -> &[u8] {
    memchr::memmem::find(server_name, b"://").map_or(server_name, |at| &server_name[at + 3..])
}

#[cfg(test)]
mod tests {
    use super::matches_alias;

    #[test]
    fn aliases_take_wildcards() {
        for (alias, name, expected) in [
            ("*.example.com", "www.EXAMPLE.com", true),
            ("*.example.com", "example.com", false),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyyb", false),
            ("w?w.x", "www.x", true),
            ("*", "", true),
            ("[a]", "a", false),
        ] {
            assert_eq!(
                matches_alias(alias.as_bytes(), name.as_bytes()),
                expected,
                "{alias} {name}"
            );
        }
    }
}
