//! `<VirtualHost>`: one and its addresses and names. Resolves no host names.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use super::entry::{EntryId, SectionId};
use super::listen::is_no_host;
use super::truth::Truth;
use crate::httpd::text::scan::text_of;

/// One address of a virtual host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The host part.
    pub host: Host,
    /// The port; `None` is any.
    pub port: Option<u16>,
}

/// The host part of an [`Address`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub(crate) fn parse(word: &[u8], main_port: impl FnOnce() -> Option<u16>) -> Option<Address> {
        let text = std::str::from_utf8(word).ok()?;
        // `apr_parse_addr_port` takes a bare number for a port, and `get_addresses` then misses the address.
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
            // `get_addresses` takes the `*` at the end for that of a port, which is any; `_default_` has none and gets the
            // main server's.
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

/// Does a name match an alias with `*` and `?` in it, without regard to case?
pub(crate) fn matches_alias(alias: &[u8], name: &[u8]) -> bool {
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
pub(crate) fn host_part(server_name: &[u8]) -> (String, Option<u16>) {
    let bare = without_scheme(server_name);
    match memchr::memchr(b':', bare) {
        Some(colon) => (text_of(&bare[..colon]), text_of(&bare[colon + 1..]).parse().ok()),
        None => (text_of(bare), None),
    }
}

/// `[scheme://]name[:port]` without its scheme.
pub(crate) fn without_scheme(server_name: &[u8]) -> &[u8] {
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
