//! Names that a certificate is for, and whether a certificate's names cover one (RFC 9525, RFC 6125).
//!
//! Does not resolve anything and asks no network.

use std::fmt;
use std::net::IpAddr;

use super::Error;
use super::certificate::Certificate;

/// A host name or address as a certificate carries it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// Lower-case A-labels without final dot; the left-most label may be `*`.
    Dns(String),
    /// An address; certificates carry it as such, never as text.
    Ip(IpAddr),
}

impl Name {
    /// Reads what a person writes: a domain (Unicode is turned into A-labels), a wildcard like
    /// `*.example.com`, an IPv4 address, or an IPv6 address with or without square brackets.
    pub fn parse(text: &str) -> Result<Name, Error> {
        let bad = |reason| Error::BadName {
            name: text.chars().take(300).collect(),
            reason,
        };
        let unbracketed = text
            .strip_prefix('[')
            .and_then(|t| t.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(ip) = unbracketed.parse::<IpAddr>() {
            return Ok(Name::Ip(ip));
        }
        if text.is_empty() {
            return Err(bad("it is empty"));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(bad("it contains a blank or control character"));
        }
        let (wildcard, rest) = match text.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", text),
        };
        if rest.contains('*') {
            return Err(bad(
                "a wildcard must be the whole first label, as in *.example.com",
            ));
        }
        let ascii = idna::domain_to_ascii(rest).map_err(|_| bad("it is not a valid domain name"))?;
        let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
        if ascii.is_empty() {
            return Err(bad("it is empty"));
        }
        if wildcard.len() + ascii.len() > 253 {
            return Err(bad("it is longer than 253 characters"));
        }
        for label in ascii.split('.') {
            if label.is_empty() {
                return Err(bad("there is nothing between two dots"));
            }
            if label.len() > 63 {
                return Err(bad("a part between dots is longer than 63 characters"));
            }
            if label.starts_with('-') || label.ends_with('-') {
                return Err(bad("a part begins or ends with a hyphen"));
            }
            if !label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            {
                return Err(bad("it may hold only letters, digits, hyphens and dots"));
            }
        }
        if ascii
            .rsplit('.')
            .next()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
        {
            return Err(bad(
                "its last part is a number, so it would be read as an IP address",
            ));
        }
        if !wildcard.is_empty() && !ascii.contains('.') {
            return Err(bad("no client accepts a wildcard for a whole top-level domain"));
        }
        Ok(Name::Dns(format!("{wildcard}{ascii}")))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Name::Dns(dns) => f.write_str(dns),
            Name::Ip(ip) => write!(f, "{ip}"),
        }
    }
}

/// Whether a certificate is good for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It is, by this subject alternative name.
    Covered(String),
    /// It is not; the nearest thing to it tells why.
    Missed(Miss),
}

/// Why a certificate is not good for a name, the most telling reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The name is the common name only, and there are no alternative names: old clients accept it,
    /// browsers do not.
    CommonNameWithoutAlternatives,
    /// The name is the common name, but not among the alternative names: no client accepts it, and Apache
    /// does not warn.
    CommonNameBesideAlternatives,
    /// A wildcard of the domain itself: it covers one label below, not the domain.
    WildcardOfDomain(String),
    /// A wildcard stands for exactly one label, and here are more.
    WildcardTooHigh(String),
    /// A wildcard that is not the whole first label, or has no domain of two labels behind it.
    OddWildcard(String),
    /// It equals the name but for a final dot.
    FinalDot(String),
    /// The alternative name is in Unicode; certificates carry A-labels.
    Unicode(String),
    /// An address that stands among the DNS names; clients look among the addresses.
    AddressAsName,
    /// Nothing like it.
    Nothing,
}

/// Whether `certificate` is good for `wanted` by the rules that clients follow (RFC 9525): alternative names
/// only, a wildcard only as the whole first label for exactly one label, an address only as address.
pub fn coverage(certificate: &Certificate, wanted: &Name) -> Coverage {
    let common = |text: &str| {
        certificate
            .common_names
            .iter()
            .any(|name| name.eq_ignore_ascii_case(text))
            || matches!(wanted, Name::Dns(_))
                && certificate
                    .common_names
                    .iter()
                    .any(|name| wildcard_covers(&name.to_lowercase(), text))
    };
    let nearest = match wanted {
        Name::Ip(address) => {
            if let Some(found) = certificate
                .addresses
                .iter()
                .find(|found| canonical(**found) == canonical(*address))
            {
                return Coverage::Covered(found.to_string());
            }
            let text = address.to_string();
            certificate
                .dns_names
                .contains(&text)
                .then_some(Miss::AddressAsName)
        }
        Name::Dns(wanted) => {
            let mut nearest: Option<Miss> = None;
            for presented in &certificate.dns_names {
                let lower = presented.to_ascii_lowercase();
                if lower == *wanted || wildcard_covers(&lower, wanted) {
                    return Coverage::Covered(presented.clone());
                }
                nearest = nearest.or_else(|| near_miss(&lower, wanted, presented));
            }
            nearest
        }
    };
    let text = wanted.to_string();
    Coverage::Missed(match nearest {
        Some(miss) => miss,
        None if common(&text) && certificate.has_alternative_names => Miss::CommonNameBesideAlternatives,
        None if common(&text) => Miss::CommonNameWithoutAlternatives,
        None => Miss::Nothing,
    })
}

/// Whether one of the alternative names of a certificate, as they are told, is good for `wanted`.
pub fn is_covered_by(names: &[String], wanted: &Name) -> bool {
    names.iter().any(|presented| match wanted {
        Name::Ip(address) => presented
            .parse()
            .is_ok_and(|presented| canonical(presented) == canonical(*address)),
        Name::Dns(wanted) => {
            let lower = presented.to_ascii_lowercase();
            lower == *wanted || wildcard_covers(&lower, wanted)
        }
    })
}

/// `*.example.com` covers `a.example.com` only; both lower-case. At least two labels must follow the star.
fn wildcard_covers(pattern: &str, wanted: &str) -> bool {
    let (Some(domain), Some((label, rest))) = (pattern.strip_prefix("*."), wanted.split_once('.')) else {
        return false;
    };
    !label.is_empty() && label != "*" && domain == rest && domain.contains('.') && !domain.contains('*')
}

fn near_miss(lower: &str, wanted: &str, presented: &str) -> Option<Miss> {
    let presented = presented.to_owned();
    if lower
        .strip_suffix('.')
        .is_some_and(|bare| bare == wanted || wildcard_covers(bare, wanted))
    {
        return Some(Miss::FinalDot(presented));
    }
    if !lower.is_ascii() {
        let same = idna::domain_to_ascii(lower).is_ok_and(|ascii| ascii == wanted);
        return same.then_some(Miss::Unicode(presented));
    }
    let Some(domain) = lower.strip_prefix("*.") else {
        // Partial wildcards such as w*.example.com, refused by nearly all clients.
        let (label, rest) = lower.split_once('.')?;
        let (before, after) = label.split_once('*')?;
        let (wanted_label, wanted_rest) = wanted.split_once('.')?;
        let fits = rest == wanted_rest && wanted_label.starts_with(before) && wanted_label.ends_with(after);
        return fits.then_some(Miss::OddWildcard(presented));
    };
    if domain == wanted {
        Some(Miss::WildcardOfDomain(presented))
    } else if wanted
        .strip_suffix(domain)
        .is_some_and(|front| front.ends_with('.'))
    {
        let odd = !domain.contains('.');
        Some(if odd {
            Miss::OddWildcard(presented)
        } else {
            Miss::WildcardTooHigh(presented)
        })
    } else {
        None
    }
}

/// An IPv4 address that is written as IPv6 is the same address.
fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        Name::parse(text).map_or_else(|e| e.to_string(), |n| n.to_string())
    }

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parsed("eSync.Example.COM"), "esync.example.com");
        assert_eq!(parsed("esync.example.com."), "esync.example.com");
        assert_eq!(parsed("bücher.example"), "xn--bcher-kva.example");
        assert_eq!(parsed("*.example.com"), "*.example.com");
        assert_eq!(parsed("localhost"), "localhost");
        assert_eq!(parsed("192.0.2.7"), "192.0.2.7");
        assert_eq!(parsed("[2001:DB8::1]"), "2001:db8::1");
    }

    #[test]
    fn refuses_what_no_certificate_can_carry() {
        for bad in [
            "",
            ".",
            "a b",
            "a\nb",
            "w*.example.com",
            "*.*.example.com",
            "*.com",
            "*",
            "a..b",
            "-a.example",
            "a-.example",
            "1.2.3.256",
            "a\"b",
            "${x}",
            "https://a.example",
            "a.example:443",
            "a,b",
        ] {
            assert!(
                matches!(Name::parse(bad), Err(Error::BadName { .. })),
                "{bad:?} was accepted"
            );
        }
        assert!(Name::parse(&format!("{}.example", "a".repeat(64))).is_err());
        assert!(Name::parse(&"a.".repeat(200)).is_err());
    }

    fn covered(alternatives: &[&str], common: &str, wanted: &str) -> Coverage {
        use rcgen::{CertificateParams, CustomExtension, DnType, KeyPair};
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common);
        // Written by hand: rcgen refuses the odd names that are wanted here.
        let mut names = Vec::new();
        for name in alternatives {
            let bytes = match name.parse::<IpAddr>() {
                Ok(IpAddr::V4(ip)) => [&[0x87, 4][..], &ip.octets()].concat(),
                Ok(IpAddr::V6(ip)) => [&[0x87, 16][..], &ip.octets()].concat(),
                Err(_) => {
                    let name = name.trim_start_matches('!');
                    [&[0x82, name.len() as u8][..], name.as_bytes()].concat()
                }
            };
            names.extend(bytes);
        }
        if !alternatives.is_empty() {
            let content = crate::tls::der::value(crate::tls::der::SEQUENCE, &[&names]).to_vec();
            params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 17], content)];
        }
        let der = params.self_signed(&key).unwrap();
        let certificate = Certificate::from_der(der.der()).unwrap();
        coverage(&certificate, &Name::parse(wanted).unwrap())
    }

    #[test]
    fn covers_what_clients_accept() {
        let yes = |alternatives: &[&str], wanted| {
            let coverage = covered(alternatives, "x", wanted);
            assert!(
                matches!(coverage, Coverage::Covered(_)),
                "{alternatives:?} {wanted}: {coverage:?}"
            );
        };
        yes(&["a.example.com"], "a.example.com");
        yes(&["A.Example.COM"], "a.example.com");
        yes(&["b.example", "*.example.com"], "a.example.com");
        yes(&["*.example.com"], "*.example.com");
        yes(&["*.example.com"], "xn--bcher-kva.example.com");
        yes(&["xn--bcher-kva.example"], "bücher.example");
        yes(&["192.0.2.7"], "192.0.2.7");
        yes(&["2001:db8::1"], "[2001:DB8:0::1]");
    }

    #[test]
    fn says_why_a_name_is_not_covered() {
        let miss = |alternatives: &[&str], common, wanted| match covered(alternatives, common, wanted) {
            Coverage::Missed(miss) => miss,
            Coverage::Covered(by) => panic!("{wanted} covered by {by}"),
        };
        let name = "a.example.com";
        assert_eq!(miss(&[], name, name), Miss::CommonNameWithoutAlternatives);
        assert_eq!(
            miss(&[], "*.example.com", name),
            Miss::CommonNameWithoutAlternatives
        );
        assert_eq!(
            miss(&["b.example"], name, name),
            Miss::CommonNameBesideAlternatives
        );
        assert_eq!(
            miss(&["*.example.com"], "x", "example.com"),
            Miss::WildcardOfDomain("*.example.com".into())
        );
        assert_eq!(
            miss(&["*.example.com"], "x", "b.a.example.com"),
            Miss::WildcardTooHigh("*.example.com".into())
        );
        assert_eq!(
            miss(&["*.com"], "x", "example.com"),
            Miss::OddWildcard("*.com".into())
        );
        assert_eq!(
            miss(&["a*.example.com"], "x", "ab.example.com"),
            Miss::OddWildcard("a*.example.com".into())
        );
        assert_eq!(
            miss(&["a.example.com."], "x", name),
            Miss::FinalDot("a.example.com.".into())
        );
        assert_eq!(
            miss(&["bücher.example"], "x", "bücher.example"),
            Miss::Unicode("bücher.example".into())
        );
        assert_eq!(miss(&["!192.0.2.7"], "x", "192.0.2.7"), Miss::AddressAsName);
        assert_eq!(
            miss(&["192.0.2.8"], "192.0.2.7", "192.0.2.7"),
            Miss::CommonNameBesideAlternatives
        );
        assert_eq!(miss(&["notexample.com"], "x", "example.com"), Miss::Nothing);
        assert_eq!(
            miss(&["*.example.com"], "x", "*.a.example.com"),
            Miss::WildcardTooHigh("*.example.com".into())
        );
    }
}
