//! What a CA says when it refuses (RFC 7807; RFC 8555, 6.7): in its own words, made harmless, and sorted by kind.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::words::{sentence, word};

/// Parts of a problem that are kept.
const MAX_PARTS: usize = 100;
/// What the types of ACME begin with.
const ACME: &str = "urn:ietf:params:acme:error:";

/// A refusal of the CA. All texts are the CA's, printable, and on one line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `type`, a URI; see [`Problem::kind`]. Empty when the CA gave none.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// What it says about it; the `title` where there is no `detail`.
    pub detail: String,
    /// The HTTP status; 0 when the problem came inside another object without one.
    pub status: u16,
    /// Seconds to wait, from the answer's `Retry-After`.
    pub retry_after: Option<u64>,
    /// Where a person can read or do more: `instance`, such as terms to agree to.
    pub instance: Option<String>,
    /// Which names it is about, if the CA tells.
    pub subproblems: Vec<Subproblem>,
}

/// A problem with one name of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subproblem {
    /// The name, as the CA wrote it.
    pub name: String,
    /// What is wrong with it; has no subproblems of its own.
    pub problem: Problem,
}

/// Kinds of problems: those that are treated differently, and [`ProblemKind::Other`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// No account has this key.
    AccountDoesNotExist,
    /// The certificate was replaced before.
    AlreadyReplaced,
    /// The certificate was revoked before.
    AlreadyRevoked,
    /// The certificate request is refused.
    BadCsr,
    /// The nonce is too old; repeated by [`super::Client`].
    BadNonce,
    /// The key is too weak or of a kind that the CA does not take.
    BadPublicKey,
    /// Algorithm of the account key that the CA does not take.
    BadSignatureAlgorithm,
    /// The domain's CAA records forbid this CA.
    Caa,
    /// The CA could not connect to the server that it validated.
    Connection,
    /// The CA could not resolve the name, or did not find the record.
    Dns,
    /// The CA issues only to accounts that it knows: key identifier and MAC key are needed.
    ExternalAccountRequired,
    /// What the CA found at the server is not the answer.
    IncorrectResponse,
    /// A contact that the CA does not take, or of a kind that it does not know.
    InvalidContact,
    /// The profile is unknown, or not for these names.
    InvalidProfile,
    /// The request is malformed; at some CAs also: there is no such order.
    Malformed,
    /// The order is not in the state for this step.
    OrderNotReady,
    /// Too many requests of a kind; see [`Problem::retry_after`].
    RateLimited,
    /// The CA does not issue for this name, by its own policy.
    RejectedIdentifier,
    /// The CA has trouble of its own.
    ServerInternal,
    /// The server showed another certificate, or failed at TLS, when the CA validated it.
    Tls,
    /// The account may not do this, or the server's answer was not the expected one.
    Unauthorized,
    /// A kind of name that the CA does not issue for.
    UnsupportedIdentifier,
    /// A person must visit [`Problem::instance`], for example to agree to new terms.
    UserActionRequired,
    /// Anything else.
    Other,
}

const KINDS: [(&str, ProblemKind); 24] = [
    ("accountDoesNotExist", ProblemKind::AccountDoesNotExist),
    ("alreadyReplaced", ProblemKind::AlreadyReplaced),
    ("alreadyRevoked", ProblemKind::AlreadyRevoked),
    ("badCSR", ProblemKind::BadCsr),
    ("badNonce", ProblemKind::BadNonce),
    ("badPublicKey", ProblemKind::BadPublicKey),
    ("badSignatureAlgorithm", ProblemKind::BadSignatureAlgorithm),
    ("caa", ProblemKind::Caa),
    ("connection", ProblemKind::Connection),
    ("dns", ProblemKind::Dns),
    ("externalAccountRequired", ProblemKind::ExternalAccountRequired),
    ("incorrectResponse", ProblemKind::IncorrectResponse),
    ("invalidContact", ProblemKind::InvalidContact),
    ("unsupportedContact", ProblemKind::InvalidContact),
    ("invalidProfile", ProblemKind::InvalidProfile),
    ("malformed", ProblemKind::Malformed),
    ("orderNotReady", ProblemKind::OrderNotReady),
    ("rateLimited", ProblemKind::RateLimited),
    ("rejectedIdentifier", ProblemKind::RejectedIdentifier),
    ("serverInternal", ProblemKind::ServerInternal),
    ("tls", ProblemKind::Tls),
    ("unauthorized", ProblemKind::Unauthorized),
    ("unsupportedIdentifier", ProblemKind::UnsupportedIdentifier),
    ("userActionRequired", ProblemKind::UserActionRequired),
];

impl Problem {
    /// From JSON of any shape; what has a wrong type counts as missing. `None` when it says nothing at all.
    pub(super) fn read(value: &Value) -> Option<Problem> {
        let mut problem = Self::read_one(value)?;
        let parts = value.get("subproblems").and_then(Value::as_array);
        let parts = parts.into_iter().flatten().take(MAX_PARTS);
        problem.subproblems = parts
            .filter_map(|part| {
                let name = part.get("identifier").and_then(|name| name.get("value"));
                Some(Subproblem {
                    name: word(name.and_then(Value::as_str).unwrap_or_default()),
                    problem: Self::read_one(part)?,
                })
            })
            .collect();
        Some(problem)
    }

    fn read_one(value: &Value) -> Option<Problem> {
        let text = |name: &str| {
            value
                .get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
        };
        let detail = text("detail").or_else(|| text("title")).map(sentence);
        let type_uri = text("type").map(word);
        if detail.is_none() && type_uri.is_none() {
            return None;
        }
        let status = value.get("status").and_then(Value::as_u64);
        Some(Problem {
            type_uri: type_uri.unwrap_or_default(),
            detail: detail.unwrap_or_default(),
            status: status.and_then(|status| status.try_into().ok()).unwrap_or(0),
            retry_after: None,
            instance: text("instance").map(word),
            subproblems: Vec::new(),
        })
    }

    /// What kind of problem it is, by its `type`.
    pub fn kind(&self) -> ProblemKind {
        let Some(word) = self.type_uri.strip_prefix(ACME) else {
            return ProblemKind::Other;
        };
        let known = KINDS.iter().find(|(name, _)| *name == word);
        known.map_or(ProblemKind::Other, |(_, kind)| *kind)
    }

    /// Whether what was asked for does not exist at the CA, or not anymore: an order that has expired.
    pub fn is_gone(&self) -> bool {
        matches!(self.status, 404 | 410)
    }

    /// The last word of its type, as CAs' documents name it, such as `rateLimited`.
    fn short_type(&self) -> &str {
        self.type_uri.rsplit(':').next().unwrap_or_default()
    }
}

impl fmt::Display for Problem {
    /// The CA's words, with the word for its kind, and those about single names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.detail.is_empty(), self.short_type()) {
            (false, "") => f.write_str(&self.detail)?,
            (false, kind) => write!(f, "{} ({kind})", self.detail)?,
            (true, kind) => f.write_str(kind)?,
        }
        for part in &self.subproblems {
            write!(f, "; {}: {}", part.name, part.problem)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_is_read_with_its_names() {
        let problem = Problem::read(&json!({
            "type": "urn:ietf:params:acme:error:rejectedIdentifier",
            "detail": "Some\u{1b}[31m names\nare refused",
            "status": 403,
            "subproblems": [
                {"type": "urn:ietf:params:acme:error:caa", "detail": "CAA forbids", "identifier": {"type": "dns", "value": "a.example"}},
                "nonsense",
            ],
        }))
        .unwrap();
        assert_eq!(problem.kind(), ProblemKind::RejectedIdentifier);
        assert_eq!(problem.status, 403);
        assert_eq!(problem.subproblems[0].problem.kind(), ProblemKind::Caa);
        assert_eq!(
            problem.to_string(),
            "Some\\x1b[31m names are refused (rejectedIdentifier); a.example: CAA forbids (caa)"
        );
        let stored = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<Problem>(&stored).unwrap(), problem);
    }

    #[test]
    fn wrong_types_count_as_missing() {
        for nothing in [
            json!(null),
            json!([]),
            json!("x"),
            json!({"type": 1, "detail": {}}),
            json!({}),
        ] {
            assert_eq!(Problem::read(&nothing), None, "{nothing}");
        }
        let odd = json!({"title": "no", "status": -5, "subproblems": {"a": 1}, "type": "about:blank"});
        let odd = Problem::read(&odd).unwrap();
        assert_eq!(
            (odd.kind(), odd.status, odd.to_string().as_str()),
            (ProblemKind::Other, 0, "no (blank)")
        );
    }

    #[test]
    fn every_kind_has_its_word() {
        for (word, kind) in KINDS {
            let problem = json!({"type": format!("{ACME}{word}")});
            assert_eq!(Problem::read(&problem).unwrap().kind(), kind);
        }
    }
}
