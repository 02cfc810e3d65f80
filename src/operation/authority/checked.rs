//! What is known before an order, as data.

use serde::Serialize;

use super::super::ports::Holder;
use crate::finding::Finding;
use crate::severity::Counts;

/// What is known before an order.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeCheckReport"))]
pub struct Report {
    /// The authority, in words.
    pub(crate) authority: String,
    /// The address of its directory.
    pub(super) directory: String,
    /// What it says of itself; null where it cannot be reached.
    pub(crate) reached: Option<Reached>,
    /// This server has an account there; null where this account may not look.
    pub(crate) has_account: Option<bool>,
    /// The names that a certificate would be for.
    pub(crate) names: Vec<Named>,
    /// The ports that it looks at; empty where they were not looked at.
    pub(crate) ports: Vec<Port>,
    /// Who would answer it, the first that it offers; empty where nobody can.
    pub(crate) answering: Vec<Answering>,
    /// What Apache showed for a probe, where it is Apache that answers.
    pub(crate) probes: Vec<Asked>,
    /// Everything that would keep it from making a certificate, or may.
    pub(crate) findings: Vec<Finding>,
    /// How many findings there are.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    /// What is wrong.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter()
    }
}

/// What an authority says of itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeReached"))]
pub(crate) struct Reached {
    /// Where its terms are; null where it has none.
    pub(crate) terms: Option<String>,
    /// Seconds that its clock is ahead of ours; negative where it is behind, null where it does not say.
    pub(crate) clock_ahead: Option<i64>,
}

/// A name that a certificate would be for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeName"))]
pub(crate) struct Named {
    /// Itself.
    pub(crate) name: String,
    /// Where it leads to, as this machine sees it.
    pub(crate) addresses: Vec<Address>,
}

/// Where a name leads to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeAddress"))]
pub(crate) struct Address {
    /// IPv4 or IPv6.
    pub(crate) address: String,
    /// It is one of this machine.
    pub(crate) here: bool,
}

/// A port that an authority looks at.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmePort"))]
pub(crate) struct Port {
    /// Its number.
    pub(crate) port: u16,
    /// Who listens there now.
    pub(crate) holders: Vec<Holder>,
}

/// Who would answer an authority.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeAnswering"))]
pub(crate) struct Answering {
    /// `esync-ssl`, for some seconds, `apache`, `dns-hook`, a program that makes records in DNS, `handover`, as `esync-ssl`
    /// while Apache is stopped, or `mod_md`, within Apache.
    pub(crate) by: String,
    /// Where.
    pub(crate) port: u16,
    /// What the authority calls it, such as `http-01`.
    pub(crate) challenge: String,
}

/// What a probe showed.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AcmeProbe"))]
pub(crate) struct Asked {
    /// The name that was asked for.
    pub(crate) name: String,
    /// Address and port that were asked; null in a rehearsal with the server's own httpd.
    pub(crate) address: Option<String>,
    /// What came instead of the answer; null where it came.
    pub(crate) wrong: Option<String>,
}
