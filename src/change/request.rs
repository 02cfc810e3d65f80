//! What the administrator wants. Decides nothing.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use super::challenge::AnswerPlace;
use super::mozilla::{self, Level};
use crate::finding::Code;
use crate::httpd::in_url;

/// What becomes of plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Http {
    /// The port moves to HTTPS; nothing listens for HTTP anymore.
    Off,
    /// HTTP stays beside HTTPS.
    Keep,
    /// HTTP stays, and sends the names of the request to HTTPS.
    Redirect,
}

/// Mozilla's levels of protocols and ciphers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// TLS 1.3 only.
    Modern,
    /// TLS 1.2 and later.
    #[default]
    Intermediate,
    /// TLS 1.0 and later, for very old clients.
    Old,
}

impl Profile {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Profile::Modern => "modern",
            Profile::Intermediate => "intermediate",
            Profile::Old => "old",
        }
    }

    /// What it means.
    pub(super) fn level(self) -> &'static Level {
        match self {
            Profile::Modern => &mozilla::MODERN,
            Profile::Intermediate => &mozilla::INTERMEDIATE,
            Profile::Old => &mozilla::OLD,
        }
    }
}

/// A wish for HTTPS.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The domain, in lower case, international parts as A-labels; see [`domain_name`].
    pub domain: String,
    /// Further names of the same site, in the same form.
    pub aliases: Vec<String>,
    /// The port to serve HTTPS on.
    pub port: u16,
    /// What becomes of HTTP; `None`: not said, which means off unless somebody else would lose by it.
    pub http: Option<Http>,
    /// File and line of the virtual host whose site it is, where that was said.
    pub site: Option<(PathBuf, u32)>,
    /// No virtual host answers it as the default: what is said before listeners move holds afterwards.
    pub has_no_default: bool,
    /// Certificate file as it is to be written in the configuration (absolute, or relative to the server root).
    pub certificate: Vec<u8>,
    /// Private key file, likewise.
    pub key: Vec<u8>,
    /// File with the intermediate certificates, likewise.
    pub chain: Option<Vec<u8>>,
    /// Files with intermediate certificates that fit the certificate, likewise: where no `chain` is given, a line that names
    /// one of them stays beside a new certificate.
    pub fitting_chains: Vec<Vec<u8>>,
    /// Protocols and ciphers; `None`: not said, which means intermediate in a new virtual host and leaves those of
    /// an old one alone.
    pub profile: Option<Profile>,
    /// Seconds for which browsers are told to use HTTPS only; `None`: they are not told.
    pub hsts: Option<u32>,
    /// The server fetches proofs that its certificate is not revoked.
    pub stapling: bool,
    /// Faults with which Apache does not start and that are left as they are.
    pub forced: Vec<Code>,
    /// HTTP/2 over TLS, beside HTTP/1.1.
    pub http2: bool,
    /// Certificate authorities are to be answered over HTTP, where HTTP is listened for afterwards.
    pub answer_place: Option<AnswerPlace>,
}

impl Request {
    /// Every name that is to be served.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.domain)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// Is HTTP to stay beside HTTPS?
    pub(super) fn http_stays(&self) -> bool {
        matches!(self.http, Some(Http::Keep | Http::Redirect))
    }

    /// `https://DOMAIN`, with the port where it is not the usual one.
    pub(super) fn address(&self) -> String {
        match self.port {
            443 => format!("https://{}", in_url(&self.domain)),
            port => format!("https://{}:{port}", in_url(&self.domain)),
        }
    }
}

/// Checks a domain name or an IP address and gives it the form in which it is written: lower case, A-labels, no final
/// dot; an IPv6 address, with or without brackets, without them and as short as clients write it (RFC 5952).
///
/// # Errors
/// A sentence that says what is wrong with it (RFC 1123 names of at most 253 bytes, labels of at most 63).
pub fn domain_name(typed: &str) -> Result<String, String> {
    let name = typed.strip_suffix('.').unwrap_or(typed);
    if name.is_empty() {
        return Err("the domain is empty".into());
    }
    if let Some(bad) = name.chars().find(|c| c.is_whitespace() || c.is_control()) {
        let what = if bad == ' ' {
            "blanks".to_string()
        } else {
            bad.escape_default().to_string()
        };
        return Err(format!("a domain must not contain {what}"));
    }
    if name.contains("://") {
        return Err("give the domain alone, without `http://` or `https://`".into());
    }
    if name.contains('*') {
        return Err("a wildcard cannot be the name of a server; give one name".into());
    }
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = inner.unwrap_or(name).parse::<Ipv6Addr>() {
        return ipv6(address);
    }
    if let Some((_, port)) = name.strip_prefix('[').and_then(|rest| rest.split_once("]:"))
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return Err("give the address alone, without the port".into());
    }
    if name.contains(['[', ']']) {
        return Err("only an IPv6 address may be in brackets, as in [2001:db8::7]".into());
    }
    if name.contains('%') && name.contains(':') {
        return Err(
            "an IPv6 address with a zone (%) is only valid on one machine; give it without the zone".into(),
        );
    }
    if name
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err("give the domain alone, without the port".into());
    }
    let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::STD3).map_err(|_| {
        "it is not a valid domain name: only letters, digits, hyphens and dots are allowed".to_string()
    })?;
    if ascii.len() > 253 {
        return Err("the domain is longer than 253 bytes".into());
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return Err("there are two dots in a row, or one at the start".into());
        }
        if label.len() > 63 {
            return Err(format!("the part `{label}` is longer than 63 bytes"));
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(format!("the part `{label}` starts or ends with a hyphen"));
        }
    }
    let last = ascii.rsplit('.').next().unwrap_or_default();
    if last.bytes().all(|b| b.is_ascii_digit()) && ascii.parse::<std::net::Ipv4Addr>().is_err() {
        return Err("a name cannot end in a number; an IP address has four".into());
    }
    Ok(ascii.into_owned())
}

/// An IPv6 address as clients write it in the `Host` of a request, by which Apache compares it.
fn ipv6(address: Ipv6Addr) -> Result<String, String> {
    match address.to_canonical() {
        IpAddr::V6(_) if address.is_unspecified() || address.is_multicast() => Err(format!(
            "no client can connect to {address}; give an address of the server"
        )),
        IpAddr::V6(_) => Ok(address.to_string()),
        // Clients differ in how they write it.
        IpAddr::V4(inner) => Err(format!(
            "{address} is an IPv4 address written as IPv6; give {inner}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_brought_to_one_form() {
        assert_eq!(domain_name("eSync.Example.COM.").unwrap(), "esync.example.com");
        assert_eq!(
            domain_name("esync.müller.example").unwrap(),
            "esync.xn--mller-kva.example"
        );
        assert_eq!(domain_name("192.0.2.7").unwrap(), "192.0.2.7");
        assert_eq!(domain_name("localhost").unwrap(), "localhost");
    }

    #[test]
    fn an_ipv6_address_is_written_as_clients_do() {
        for typed in ["2001:db8::7", "[2001:db8::7]", "[2001:DB8:0:0::0007]"] {
            assert_eq!(domain_name(typed).unwrap(), "2001:db8::7");
        }
        let request = Request {
            domain: "2001:db8::7".into(),
            port: 8443,
            ..Request::default()
        };
        assert_eq!(request.address(), "https://[2001:db8::7]:8443");
    }

    #[test]
    fn an_ipv6_address_that_no_client_uses_says_why() {
        for (typed, says) in [
            ("::", "no client can connect"),
            ("ff02::1", "no client can connect"),
            ("::ffff:192.0.2.7", "give 192.0.2.7"),
            ("fe80::1%eth0", "zone"),
            ("[::1]:8443", "without the port"),
            ("[::1", "brackets"),
            ("[a.test]", "brackets"),
        ] {
            let error = domain_name(typed).unwrap_err();
            assert!(error.contains(says), "{typed}: {error}");
        }
    }

    #[test]
    fn nothing_else_gets_through() {
        let long = format!("{}.example", "a".repeat(64));
        let very_long = "a.".repeat(130);
        for bad in [
            "",
            ".",
            "a b",
            "a\nListen 81",
            "a\"b",
            "${X}",
            "a..b",
            ".a",
            "-a.b",
            "a-.b",
            "*.a",
            "a:443",
            "http://a",
            "a/b",
            "a>b",
            "a#b",
            "a\\b",
            "a\0b",
            "a_b",
            &long,
            &very_long,
        ] {
            assert!(domain_name(bad).is_err(), "{bad:?}");
        }
    }
}
