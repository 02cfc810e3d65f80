//! Which addresses of a CA are asked at all.

use std::net::IpAddr;

/// Bytes of an address.
const LONGEST: usize = 2000;

/// What a CA may send us to: `https`, and to this machine itself also `http`, if its directory is there too (for tests).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Urls {
    plain: bool,
}

impl Urls {
    /// As far as the directory is at this address. `Err` says why nothing can be there.
    pub(super) fn of_directory(url: &str) -> Result<Urls, &'static str> {
        let urls = Urls {
            plain: is_plain_here(url),
        };
        urls.check(url)?;
        Ok(urls)
    }

    /// `Err` says why this address is not asked, as the end of a sentence.
    pub(super) fn check(self, url: &str) -> Result<(), &'static str> {
        if url.len() > LONGEST {
            return Err("is far too long");
        }
        if !url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}#".contains(&byte))
        {
            return Err("has characters that no address has");
        }
        let host = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => authority(rest),
            (_, Some(rest)) if self.plain && is_loopback(rest) => authority(rest),
            _ => return Err("does not begin with https://"),
        };
        if host.is_empty() || host.starts_with(':') {
            return Err("has no host");
        }
        if host.contains('@') {
            return Err("has a user name in it");
        }
        Ok(())
    }
}

/// The host of an address, with its port if one is written.
pub(super) fn host(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| authority(rest))
}

/// Scheme and host of an address.
pub(super) fn origin(url: &str) -> &str {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    &url[..scheme + authority(&url[scheme..]).len()]
}

fn authority(rest: &str) -> &str {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    &rest[..end]
}

fn is_plain_here(url: &str) -> bool {
    url.strip_prefix("http://").is_some_and(is_loopback)
}

/// Whether what follows the scheme is on this machine.
fn is_loopback(rest: &str) -> bool {
    let authority = authority(rest);
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_to_pieces() {
        for (url, its_host, its_origin) in [
            ("https://ca.example/a/b", "ca.example", "https://ca.example"),
            ("https://ca.example:1?x", "ca.example:1", "https://ca.example:1"),
            ("ca.example", "ca.example", "ca.example"),
        ] {
            assert_eq!((host(url), origin(url)), (its_host, its_origin), "{url}");
        }
    }

    #[test]
    fn only_https_and_tests_on_this_machine() {
        let real = Urls::of_directory("https://ca.example/directory").unwrap();
        for (url, fits) in [
            ("https://ca.example/a?b=c", true),
            ("https://other.example:14000/", true),
            ("https://[2001:db8::1]/x", true),
            ("http://ca.example/", false),
            ("http://127.0.0.1/", false),
            ("HTTPS://ca.example/", false),
            ("file:///etc/passwd", false),
            ("https://", false),
            ("https:///x", false),
            ("https://:443/", false),
            ("https://user@ca.example/", false),
            ("https://ca.example/\r\nHost: x", false),
            ("https://ca.example/a b", false),
            ("", false),
        ] {
            assert_eq!(real.check(url).is_ok(), fits, "{url}");
        }
        assert!(
            real.check(&format!("https://ca.example/{}", "a".repeat(3000)))
                .is_err()
        );
        assert!(Urls::of_directory("http://ca.example/").is_err());
        for here in ["http://127.0.0.1:1/d", "http://localhost/d", "http://[::1]:80/d"] {
            let urls = Urls::of_directory(here).unwrap();
            assert!(urls.check("http://127.0.0.2:5/x").is_ok());
            assert!(urls.check("http://127.0.0.1.example/x").is_err());
            assert!(urls.check("http://192.0.2.1/x").is_err());
        }
    }
}
