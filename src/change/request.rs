//! What the administrator wants. Decides nothing.

use std::path::PathBuf;

/// What becomes of plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    /// The port moves to HTTPS; nothing listens for HTTP any more.
    Off,
    /// HTTP stays beside HTTPS.
    Keep,
    /// HTTP stays, and sends the names of the request to HTTPS.
    Redirect,
}

/// Mozilla's levels of protocols and ciphers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// TLS 1.3 only.
    Modern,
    /// TLS 1.2 and later.
    #[default]
    Intermediate,
    /// TLS 1.0 and later, for clients of long ago.
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
    /// Certificate file as it is to be written in the configuration (absolute, or relative to the server root).
    pub certificate: Vec<u8>,
    /// Private key file, likewise.
    pub key: Vec<u8>,
    /// File with the intermediate certificates, likewise.
    pub chain: Option<Vec<u8>>,
    /// Protocols and ciphers; `None`: not said, which means intermediate in a new virtual host and leaves those of
    /// an old one alone.
    pub profile: Option<Profile>,
    /// Seconds for which browsers are told to use HTTPS only; `None`: they are not told.
    pub hsts: Option<u32>,
    /// The server fetches proofs that its certificate is not revoked.
    pub stapling: bool,
}

impl Request {
    /// Every name that is to be served.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.domain)
            .chain(&self.aliases)
            .map(String::as_str)
    }

    /// `https://DOMAIN`, with the port where it is not the usual one.
    pub(super) fn address(&self) -> String {
        match self.port {
            443 => format!("https://{}", self.domain),
            port => format!("https://{}:{port}", self.domain),
        }
    }
}

/// Checks a domain name and gives it the form in which it is written: lower case, A-labels, no final dot.
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
        return Err("a wildcard cannot be a server's own name; give one name".into());
    }
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<std::net::Ipv6Addr>().is_ok() {
        return Err(
            "HTTPS for an IPv6 address as a name is not supported; give a domain name that leads there"
                .into(),
        );
    }
    if name
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Err("give the domain alone, and the port with --port".into());
    }
    let ascii = idna::domain_to_ascii_cow(name.as_bytes(), idna::AsciiDenyList::STD3).map_err(|_| {
        "it is not a valid domain name: only letters, digits, hyphens and dots may occur".to_string()
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
    fn an_ipv6_address_is_told_as_one() {
        for address in ["::1", "[::1]", "2001:db8::7"] {
            assert!(domain_name(address).unwrap_err().contains("IPv6"), "{address}");
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
