//! What is asked for when a certificate authority is to make the certificate.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::super::renewers::By;
use crate::apply::Name;

/// A certificate that is ordered by ACME (RFC 8555).
#[derive(Clone)]
pub struct Wanted {
    /// Of whom.
    pub authority: Authority,
    /// A file with root certificates that are trusted beside those of this machine: those of a company's authority.
    pub authority_root: Option<PathBuf>,
    /// Whom the authority may write to.
    pub email: Vec<String>,
    /// The terms of the authority are agreed to.
    pub agrees_to_terms: bool,
    /// Which of its kinds of certificates; its usual one where that is not said.
    pub profile: Option<String>,
    /// What binds the account to one that the authority knows: its identifier, and the file with the key.
    pub external_account: Option<(String, PathBuf)>,
    /// The HTTP proxy on the way to it; that of the environment where none is named. It may hold a password.
    pub proxy: Option<String>,
    /// Who answers when it looks whether the names are ours.
    pub answer: AnswerBy,
    /// The certificate that this one replaces, by the authority's name of it ([`certificate_id`](crate::acme::certificate_id)).
    pub replaces: Option<String>,
    /// It takes the place of one that runs out.
    pub renewal: Option<Renewal>,
    /// The program that answers in DNS, where that is chosen.
    pub dns_hook: Option<DnsHook>,
    /// Further names, all of the form `*.example.com`, that the certificate is for and the configuration is not told of.
    pub wildcards: Vec<String>,
    /// It is taken over from another program, and ordered on trial first.
    pub adopts: bool,
    /// From which, once that is known.
    pub adopted: Option<Adopted>,
    /// All is done but what is written is nothing: at an authority that has a place for trials there, and the certificate
    /// is thrown away.
    pub rehearses: bool,
}

/// What an order has to know of the certificate whose place it takes.
#[derive(Clone, Copy, Debug)]
pub struct Renewal {
    /// That one is over or nearly.
    pub is_late: bool,
    /// What the authority's clock says, as far as it is known.
    pub now: OffsetDateTime,
}

/// Who makes certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// Let's Encrypt.
    LetsEncrypt,
    /// Its place for trials, whose certificates nobody trusts.
    LetsEncryptStaging,
    /// The address of any other's directory.
    Directory(String),
}

impl Wanted {
    /// Nothing is ordered, and an authority is only asked: this one.
    pub fn of(authority: Authority) -> Wanted {
        Wanted {
            authority,
            authority_root: None,
            email: Vec::new(),
            agrees_to_terms: false,
            profile: None,
            external_account: None,
            proxy: None,
            answer: AnswerBy::Any,
            replaces: None,
            renewal: None,
            dns_hook: None,
            wildcards: Vec::new(),
            adopts: false,
            adopted: None,
            rehearses: false,
        }
    }

    /// The names of the certificate for a site of these names: those that a wildcard covers are not ordered beside it, which
    /// authorities refuse.
    pub fn names(&self, site: &[String]) -> Vec<String> {
        let is_covered = |name: &&String| {
            let rest = name.split_once('.').map(|(_, rest)| rest);
            let mut wildcards = self.wildcards.iter();
            wildcards.any(|wildcard| wildcard.strip_prefix("*.") == rest)
        };
        let alone = site.iter().filter(|name| !is_covered(name));
        alone.chain(&self.wildcards).cloned().collect()
    }
}

/// From whom a certificate was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// The program.
    pub by: By,
    /// The file with its settings for that certificate.
    pub settings: Name,
}

/// A program that makes records in DNS and takes them out again.
#[derive(Clone)]
pub struct DnsHook {
    /// Where it is.
    pub program: PathBuf,
    /// How long the name servers are waited for until they show a record.
    pub patience: Duration,
}

impl DnsHook {
    /// How many seconds the name servers are waited for where nobody says it.
    pub const USUAL_WAIT: u32 = 60;
}

/// Something like a mail address, as it was typed: who gets no mail there notices it only in years.
///
/// # Errors
/// When it is none.
pub fn mail_address(text: &str) -> Result<String, String> {
    let parts = text
        .split_once('@')
        .filter(|(name, host)| !name.is_empty() && !host.is_empty());
    let is_plain = |text: &str| !text.contains(|letter: char| letter.is_whitespace() || letter.is_control());
    match parts {
        Some((_, host)) if !host.contains('@') && is_plain(text) => Ok(text.to_owned()),
        _ => Err("give an address such as admin@example.com".into()),
    }
}

/// Where Let's Encrypt has its directories.
const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";
const LETS_ENCRYPT_STAGING: &str = "https://acme-staging-v02.api.letsencrypt.org/directory";

impl Authority {
    /// The address of its directory.
    pub fn directory(&self) -> &str {
        match self {
            Authority::LetsEncrypt => LETS_ENCRYPT,
            Authority::LetsEncryptStaging => LETS_ENCRYPT_STAGING,
            Authority::Directory(url) => url,
        }
    }

    /// Where it can be tried out; nothing where it has no such place that is known.
    pub fn staging(&self) -> Option<Authority> {
        (*self == Authority::LetsEncrypt).then_some(Authority::LetsEncryptStaging)
    }

    /// Whether everybody's programs trust it, so that it makes no certificate for names that only a company knows.
    pub fn is_public(&self) -> bool {
        !matches!(self, Authority::Directory(_))
    }

    /// The folder for what is kept of it: its host, and the port where that is not the usual one.
    pub fn folder(&self) -> String {
        let url = self.directory();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let plain = |letter: char| match letter {
            '-' | '.' => letter,
            letter if letter.is_ascii_alphanumeric() => letter,
            _ => '_',
        };
        let name: String = host.chars().map(plain).collect();
        // No host is called so, and a folder has no such name of its own.
        match name.trim_matches('.') {
            "" => "_".to_owned(),
            name => name.to_owned(),
        }
    }
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Authority::LetsEncrypt => formatter.write_str("Let's Encrypt"),
            Authority::LetsEncryptStaging => formatter.write_str("Let's Encrypt's staging"),
            Authority::Directory(url) => formatter.write_str(url),
        }
    }
}

impl FromStr for Authority {
    type Err = String;

    /// `letsencrypt`, `letsencrypt-staging`, or the address of a directory.
    fn from_str(text: &str) -> Result<Authority, String> {
        match text {
            "letsencrypt" | LETS_ENCRYPT => Ok(Authority::LetsEncrypt),
            "letsencrypt-staging" | LETS_ENCRYPT_STAGING => Ok(Authority::LetsEncryptStaging),
            _ if text.starts_with("https://") && text.len() > "https://".len() => {
                Ok(Authority::Directory(text.to_owned()))
            }
            _ => Err(
                "give letsencrypt, letsencrypt-staging, or the address of an ACME directory, which begins with https://"
                    .to_owned(),
            ),
        }
    }
}

/// Who answers when the authority looks whether the names are ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerBy {
    /// Whoever can, by who has the ports now.
    #[default]
    Any,
    /// This program, on a port that nobody else has.
    Listener,
    /// Apache, on port 80.
    Apache,
    /// A program, in DNS.
    DnsHook,
    /// This program, on a port 443 for which Apache is stopped meanwhile.
    Handover,
    /// Apache's mod_md, on port 443.
    ModMd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_wildcard_covers_is_not_ordered() {
        let mut wanted = Wanted::of(Authority::LetsEncrypt);
        let site = ["a.example.com", "a.b.example.com", "example.com"].map(str::to_owned);
        assert_eq!(wanted.names(&site), site);
        wanted.wildcards = vec!["*.example.com".into()];
        assert_eq!(
            wanted.names(&site),
            ["a.b.example.com", "example.com", "*.example.com"]
        );
    }

    #[test]
    fn authorities_by_their_words() {
        assert_eq!("letsencrypt".parse(), Ok(Authority::LetsEncrypt));
        let own: Authority = "https://CA.example.com:9000/acme/directory".parse().unwrap();
        assert_eq!(own.folder(), "ca.example.com_9000");
        assert_eq!("https://../x".parse::<Authority>().unwrap().folder(), "_");
        "http://ca.example.com/".parse::<Authority>().unwrap_err();
        "https://".parse::<Authority>().unwrap_err();
    }
}
