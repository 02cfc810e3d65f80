//! One certificate on its way (RFC 8555, 7.4): a value that can be stored after every step and taken up by another process.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::authorization::{identifier, named};
use super::client::Answer;
use super::error::{Error, Rejection};
use super::problem::Problem;
use crate::tls;
use crate::tls::name::Name;

/// Authorisations of one order: each name has one, and a CA with more than we can ask for makes no sense.
const MAX_AUTHORIZATIONS: usize = 1000;

/// What is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Names and addresses, as [`Name::parse`] reads them.
    pub names: Vec<String>,
    /// The profile, one of [`super::Directory::profiles`]; else the CA's own choice.
    pub profile: Option<String>,
    /// The certificate that this one replaces ([`super::certificate_id`]). Sent only to CAs that tell when to renew.
    pub replaces: Option<String>,
}

/// How far an order has come. Store it ([`Order`] is `Serialize`) whenever it has changed, and where it says so *before* the
/// next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The CA has the order; the answers to its challenges are being laid out.
    Ordered,
    /// The answers are laid out; from now on the CA may have been told to look. Set by [`Order::answering`].
    Answering,
    /// All names are proven.
    Ready,
    /// The key is stored; from now on the CA may have the request. Set by [`Order::finalizing`].
    Finalizing,
    /// The CA has made the certificate, and it can be fetched as often as needed.
    Made,
    /// The certificate is in [`Order::chain`].
    Issued,
}

/// One certificate on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its address at the CA.
    pub url: String,
    /// How far it has come.
    pub step: Step,
    /// What was ordered.
    pub wanted: Wanted,
    /// Where the authorisations are.
    pub authorizations: Vec<String>,
    /// Where the request goes.
    pub finalize: String,
    /// Where the certificate is, once it was made.
    pub certificate: Option<String>,
    /// The certificate and its issuers as PEM, once it was fetched.
    pub chain: Option<String>,
}

impl Order {
    /// The answers to all challenges are laid out. Store the order before [`super::Session::respond`].
    pub fn answering(&mut self) {
        self.step = self.step.max(Step::Answering);
    }

    /// The private key of the certificate is stored. Store the order before [`super::Session::finalize`].
    pub fn finalizing(&mut self) {
        self.step = self.step.max(Step::Finalizing);
    }

    /// The names that were ordered.
    pub fn names(&self) -> Result<Vec<Name>, Error> {
        names(&self.wanted.names)
    }

    /// From the answer to a new order.
    pub(super) fn new(url: String, wanted: Wanted, answer: &Answer) -> Result<Order, Error> {
        let mut order = Order {
            url,
            step: Step::Ordered,
            wanted,
            authorizations: Vec::new(),
            finalize: String::new(),
            certificate: None,
            chain: None,
        };
        order.take(answer)?;
        Ok(order)
    }

    /// What the CA says of it now.
    pub(super) fn take(&mut self, answer: &Answer) -> Result<(), Error> {
        let value = answer.json()?;
        let wrong = |what: &str| Error::unexpected(&answer.url, what);
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let status = text("status").ok_or_else(|| wrong("the order has no status"))?;
        let listed = value.get("authorizations").and_then(Value::as_array);
        let listed: Vec<String> = listed
            .into_iter()
            .flatten()
            .take(MAX_AUTHORIZATIONS)
            .filter_map(|url| url.as_str().map(str::to_owned))
            .collect();
        if !listed.is_empty() {
            self.authorizations = listed;
        }
        if let Some(finalize) = text("finalize") {
            self.finalize = finalize.to_owned();
        }
        if self.finalize.is_empty() {
            return Err(wrong("the order has no finalize"));
        }
        if let Some(others) = value.get("identifiers").and_then(Value::as_array) {
            let theirs: Option<BTreeSet<Name>> = others.iter().map(named).collect();
            if theirs != Some(self.names()?.into_iter().collect()) {
                return Err(wrong("the order is for other names"));
            }
        }
        match status {
            "pending" => {}
            "ready" => self.step = self.step.max(Step::Ready),
            "processing" => self.step = self.step.max(Step::Finalizing),
            "valid" => {
                let certificate = text("certificate").ok_or_else(|| wrong("the order has no certificate"))?;
                self.certificate = Some(certificate.to_owned());
                self.step = self.step.max(Step::Made);
            }
            "invalid" => {
                return Err(Error::OrderFailed(Box::new(Rejection {
                    order: value.get("error").and_then(Problem::read),
                    names: Vec::new(),
                })));
            }
            _ => return Err(wrong("the order has an unknown status")),
        }
        Ok(())
    }
}

/// Names as they are written, at least one, each once.
pub(super) fn names(texts: &[String]) -> Result<Vec<Name>, Error> {
    let mut found = Vec::new();
    for text in texts {
        let name = Name::parse(text)?;
        if !found.contains(&name) {
            found.push(name);
        }
    }
    match found.is_empty() {
        true => Err(Error::Own(tls::Error::NoName)),
        false => Ok(found),
    }
}

/// What is sent to order it.
pub(super) fn payload(wanted: &Wanted, with_replaces: bool) -> Result<Value, Error> {
    let identifiers: Vec<Value> = names(&wanted.names)?.iter().map(identifier).collect();
    let mut payload = json!({"identifiers": identifiers});
    if let Some(profile) = &wanted.profile {
        payload["profile"] = json!(profile);
    }
    if let Some(replaces) = wanted.replaces.as_ref().filter(|_| with_replaces) {
        payload["replaces"] = json!(replaces);
    }
    Ok(payload)
}
