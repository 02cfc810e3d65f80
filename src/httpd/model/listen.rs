//! `Listen`: what one asks for. Binds nothing.

use std::net::{IpAddr, Ipv4Addr};

use super::entry::EntryId;
use super::truth::Truth;

/// One `Listen`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address as Apache compares it: `None` for all addresses (no address, or `*`).
    pub address: Option<String>,
    /// Port, from 1.
    pub port: u16,
    /// Protocol word in lower case, if there is one.
    pub protocol: Option<String>,
    /// Does Apache see it?
    pub truth: Truth,
    /// The line.
    pub entry: EntryId,
}

impl Listen {
    /// Does it accept connections for every local address of some family?
    pub fn is_wildcard(&self) -> bool {
        self.address.is_none() || self.bound().is_some_and(|ip| ip.is_unspecified())
    }

    /// Does it accept connections for every local address of that family, given as `0.0.0.0` or `::`?
    pub fn is_all_of(&self, family: &IpAddr) -> bool {
        self.bound()
            .is_some_and(|ip| ip == *family && ip.is_unspecified())
    }

    /// Its address as an IP address; `None` for all addresses and for host names.
    pub fn ip(&self) -> Option<IpAddr> {
        self.bound().filter(|ip| !ip.is_unspecified())
    }

    /// The address that its socket gets, be it one for a whole family; `None` for all addresses and for host names.
    pub fn bound(&self) -> Option<IpAddr> {
        self.address.as_deref()?.trim_matches(['[', ']']).parse().ok()
    }

    /// Is it active, and accepts connections to the address?
    pub fn takes(&self, ip: IpAddr) -> bool {
        let takes = |own: IpAddr| match own.is_unspecified() {
            // A socket on `[::]` may take IPv4 as well.
            true => own.is_ipv6() || ip.to_canonical().is_ipv4(),
            false => own == ip,
        };
        self.truth == Truth::True && (self.address.is_none() || self.bound().is_some_and(takes))
    }

    /// Would the two stand in each other's way at start: same port, and one takes addresses of the other?
    /// (`80` and `0.0.0.0:80` do, although `httpd -t` is content.)
    pub fn overlaps(&self, other: &Listen) -> bool {
        // `-t` compares the texts; binding fails later, some pairs of wildcards in one order only. All are suspect
        // (fixtures/layouts/hazards/h18).
        self.port == other.port
            && !self.is_of_other_family(other)
            && !other.is_of_other_family(self)
            && (self.is_wildcard() || other.is_wildcard() || same_address(&self.address, &other.address))
    }

    /// Is it on all addresses of IPv4, and the other on a single one of IPv6? A socket on `[::]` may take both families.
    fn is_of_other_family(&self, other: &Listen) -> bool {
        let is_single_ipv6 = |ip: IpAddr| ip.to_canonical().is_ipv6();
        self.is_all_of(&Ipv4Addr::UNSPECIFIED.into()) && other.ip().is_some_and(is_single_ipv6)
    }

    /// The protocol in force: the word, or https on 443 and http elsewhere (listen.c, `ap_set_listener`).
    pub fn effective_protocol(&self) -> &str {
        self.protocol
            .as_deref()
            .unwrap_or(if self.port == 443 { "https" } else { "http" })
    }

    /// `[address:]port`, as it is written in a configuration.
    pub fn endpoint(&self) -> String {
        match &self.address {
            Some(address) => format!("{address}:{}", self.port),
            None => self.port.to_string(),
        }
    }
}

/// Address, port and protocol from the arguments; `None` where Apache refuses them.
pub fn parse_listen(arguments: &[Vec<u8>]) -> Option<(Option<String>, u16, Option<String>)> {
    let (endpoint, protocol) = match arguments {
        [endpoint] => (endpoint, None),
        [endpoint, protocol] => (
            endpoint,
            Some(String::from_utf8_lossy(protocol).to_ascii_lowercase()),
        ),
        _ => return None,
    };
    let endpoint = std::str::from_utf8(endpoint).ok()?;
    let (address, port) = match endpoint.rsplit_once(':') {
        Some((address, port)) => (Some(address), port),
        None => (None, endpoint),
    };
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    let address = match address {
        None | Some("*") => None,
        Some("") => return None,
        Some(address) if address.starts_with('[') != address.ends_with(']') => return None,
        Some(address) => Some(address.to_string()),
    };
    Some((address, port, protocol))
}

/// Can the text not be a host name at all?
pub(crate) fn is_no_host(text: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let ip = std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok());
    text.is_empty() || (!ip && !text.iter().all(allowed))
}

fn same_address(a: &Option<String>, b: &Option<String>) -> bool {
    let ip = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| text.trim_matches(['[', ']']).parse::<IpAddr>().ok())
    };
    match (ip(a), ip(b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<(Option<String>, u16, Option<String>)> {
        parse_listen(&text.split(' ').map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>())
    }

    fn listen(text: &str) -> Listen {
        let (address, port, protocol) = parse(text).unwrap();
        Listen {
            address,
            port,
            protocol,
            truth: Truth::True,
            entry: 0,
        }
    }

    #[test]
    fn forms_of_listen() {
        assert_eq!(parse("80"), Some((None, 80, None)));
        assert_eq!(parse("*:80 HTTP"), Some((None, 80, Some("http".into()))));
        assert_eq!(parse("[::]:443"), Some((Some("[::]".into()), 443, None)));
        assert_eq!(parse("192.0.2.7:80"), Some((Some("192.0.2.7".into()), 80, None)));
        for bad in [
            "0",
            "65536",
            "x",
            "1.2.3.4:",
            ":80",
            "80 a b",
            "127.0.0.1",
            "[::1:80",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn overlap_is_more_than_equality() {
        for (a, b, expected) in [
            ("80", "80", true),
            ("80", "0.0.0.0:80", true),
            ("[::]:80", "127.0.0.1:80", true),
            ("127.0.0.1:80", "127.0.0.2:80", false),
            ("[::1]:80", "[0::1]:80", true),
            ("80", "443", false),
            ("0.0.0.0:80", "[::1]:80", false),
            ("0.0.0.0:80", "[::]:80", true),
            ("0.0.0.0:80", "[::ffff:127.0.0.1]:80", true),
            ("80", "[::1]:80", true),
            ("[::]:80", "[::1]:80", true),
        ] {
            assert_eq!(listen(a).overlaps(&listen(b)), expected, "{a} {b}");
            assert_eq!(listen(b).overlaps(&listen(a)), expected, "{b} {a}");
        }
    }

    #[test]
    fn addresses_of_ipv4_take_no_ipv6() {
        let takes = |text: &str, ip: &str| listen(text).takes(ip.parse().unwrap());
        assert!(takes("80", "::1") && takes("80", "127.0.0.1"));
        assert!(takes("[::]:80", "::1") && takes("[::]:80", "127.0.0.1"));
        assert!(takes("0.0.0.0:80", "127.0.0.1") && !takes("0.0.0.0:80", "::1"));
        assert!(takes("[::1]:80", "::1") && !takes("[::1]:80", "::2"));
        assert!(!takes("localhost:80", "127.0.0.1"));
    }

    #[test]
    fn https_is_the_protocol_of_443() {
        assert_eq!(listen("443").effective_protocol(), "https");
        assert_eq!(listen("8443").effective_protocol(), "http");
        assert_eq!(listen("8443 https").effective_protocol(), "https");
    }
}
