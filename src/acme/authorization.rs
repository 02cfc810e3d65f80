//! What a CA wants to see before it believes that a name is ours (RFC 8555, 7.1.4 and 8).

use std::fmt;

use ring::digest::{SHA256, digest};
use serde_json::Value;

use super::base64url;
use super::error::Error;
use super::key::AccountKey;
use super::problem::Problem;
use super::words::word;
use crate::tls::name::Name;

/// What a CA asks for over HTTP, before the token (RFC 8555, 8.3).
pub const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// Challenges of one authorisation that are looked at.
const MAX_CHALLENGES: usize = 30;
/// Characters of a token; it becomes a part of addresses and the name of a file.
const MAX_TOKEN: usize = 200;

/// Whether a name is ours, as far as the CA knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    /// The name. Of a wildcard the domain itself; see [`Authorization::wildcard`].
    pub name: Name,
    /// Whether it is for `*.NAME`.
    pub wildcard: bool,
    /// Where it stands.
    pub status: Status,
    /// The ways to prove it, of which one is enough.
    pub challenges: Vec<Challenge>,
}

/// Where an authorisation or a challenge stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was proven yet.
    Pending,
    /// The CA is looking.
    Processing,
    /// It is proven, maybe by an order before.
    Valid,
    /// It failed.
    Invalid,
    /// Expired, revoked, deactivated, or something that we do not know: of no use.
    Over,
}

/// One way to prove that a name is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Which way.
    pub kind: ChallengeKind,
    /// Where the CA is told to look; printable.
    pub url: String,
    /// Chosen by the CA: letters, digits, `-` and `_`, so that it can be the name of a file. Empty for challenges without.
    pub token: String,
    /// Where it stands.
    pub status: Status,
    /// Why it failed.
    pub error: Option<Problem>,
}

/// A way to prove that a name is ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeKind {
    /// A file below `/.well-known/acme-challenge/` on port 80, which holds the key authorisation.
    Http01,
    /// A TLS handshake on port 443 (RFC 8737), see [`super::ChallengeCertificate`].
    TlsAlpn01,
    /// A TXT record at `_acme-challenge.NAME`, see [`dns_record`].
    Dns01,
    /// Another, by the CA's word for it; printable.
    Other(String),
}

impl fmt::Display for ChallengeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ChallengeKind::Http01 => "http-01",
            ChallengeKind::TlsAlpn01 => "tls-alpn-01",
            ChallengeKind::Dns01 => "dns-01",
            ChallengeKind::Other(word) => word,
        })
    }
}

/// The content of the TXT record for dns-01: the digest of the key authorisation.
pub fn dns_record(key: &AccountKey, token: &str) -> String {
    base64url::encode(digest(&SHA256, key.key_authorization(token).as_bytes()).as_ref())
}

impl Authorization {
    /// The challenge of this kind, if it is offered.
    pub fn challenge(&self, kind: &ChallengeKind) -> Option<&Challenge> {
        self.challenges.iter().find(|challenge| challenge.kind == *kind)
    }

    /// Whether nothing has to be proven anymore.
    pub fn is_valid(&self) -> bool {
        self.status == Status::Valid
    }

    /// The name as it stands in an order, a wildcard with its `*.`.
    pub fn ordered_name(&self) -> String {
        match self.wildcard {
            true => format!("*.{}", self.name),
            false => self.name.to_string(),
        }
    }

    pub(super) fn read(url: &str, value: &Value) -> Result<Authorization, Error> {
        let wrong = |what: &str| Error::unexpected(url, what);
        let name = value
            .get("identifier")
            .and_then(named)
            .ok_or_else(|| wrong("the authorisation is for no name"))?;
        let challenges = value.get("challenges").and_then(Value::as_array);
        let challenges = challenges.into_iter().flatten().take(MAX_CHALLENGES);
        let challenges: Result<Vec<_>, _> = challenges.map(|one| Challenge::read(url, one)).collect();
        Ok(Authorization {
            name,
            wildcard: value.get("wildcard").and_then(Value::as_bool).unwrap_or(false),
            status: status(value).ok_or_else(|| wrong("the authorisation has no status"))?,
            challenges: challenges?,
        })
    }
}

impl Challenge {
    fn read(from: &str, value: &Value) -> Result<Challenge, Error> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let wrong = |what: &str| Error::unexpected(from, what);
        let kind = match text("type").ok_or_else(|| wrong("a challenge has no type"))? {
            "http-01" => ChallengeKind::Http01,
            "tls-alpn-01" => ChallengeKind::TlsAlpn01,
            "dns-01" => ChallengeKind::Dns01,
            other => ChallengeKind::Other(word(other)),
        };
        let token = text("token").unwrap_or_default();
        let is_usable = base64url::is_plain(token) && token.len() <= MAX_TOKEN;
        let is_known = !matches!(kind, ChallengeKind::Other(_));
        if is_known && !is_usable {
            return Err(wrong(
                "the token of a challenge is missing, too long, or not base64url",
            ));
        }
        Ok(Challenge {
            kind,
            // Checked when it is asked.
            url: text("url").map(str::to_owned).unwrap_or_default(),
            token: if is_usable {
                token.to_owned()
            } else {
                String::new()
            },
            status: status(value).unwrap_or(Status::Pending),
            error: value.get("error").and_then(Problem::read),
        })
    }
}

fn status(value: &Value) -> Option<Status> {
    Some(match value.get("status")?.as_str()? {
        "pending" => Status::Pending,
        "processing" => Status::Processing,
        "valid" => Status::Valid,
        "invalid" => Status::Invalid,
        _ => Status::Over,
    })
}

/// A name as ACME writes it: `{"type": "dns", "value": "a.example"}` (RFC 8555, 9.7.7; RFC 8738).
pub(super) fn identifier(name: &Name) -> Value {
    let kind = match name {
        Name::Dns(_) => "dns",
        Name::Ip(_) => "ip",
    };
    serde_json::json!({"type": kind, "value": name.to_string()})
}

/// The name that is written so; `None` when it is none, or of another kind.
pub(super) fn named(identifier: &Value) -> Option<Name> {
    let name = Name::parse(identifier.get("value")?.as_str()?).ok()?;
    let kind = identifier.get("type")?.as_str()?;
    matches!((&name, kind), (Name::Dns(_), "dns") | (Name::Ip(_), "ip")).then_some(name)
}
