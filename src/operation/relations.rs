//! Which key belongs to which certificate, and who issued whom, over all files that were looked at.

use serde::Serialize;

use crate::tls::certificate::{Certificate, Link};
use crate::tls::chain::{Chain, End};
use crate::tls::public_key::PublicKey;

/// A certificate with its number in the report.
pub struct Numbered {
    /// Its number.
    pub id: usize,
    /// Itself.
    pub certificate: Certificate,
}

/// What fits together; numbers are those of the items in the report.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Relations {
    /// Private keys and requests with the certificates of the same key.
    pub pairs: Vec<Pair>,
    /// One for every certificate that has issued none of the others.
    pub chains: Vec<Order>,
}

/// One and the same key in two places.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "KeyPair"))]
pub struct Pair {
    /// The private key or request.
    pub key: usize,
    /// The certificate.
    pub certificate: usize,
}

/// Certificates in the order in which a server sends them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Chain"))]
pub struct Order {
    /// The server's certificate.
    pub leaf: usize,
    /// Its issuers, from the leaf's upwards, without the root.
    pub intermediates: Vec<usize>,
    /// The root, if it is there.
    pub root: Option<usize>,
    /// How it ends.
    pub end: ChainEnd,
    /// The issuer that is missing; null where the end is another.
    pub missing: Option<String>,
}

/// How a chain of certificates ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ChainEnd {
    /// The server's certificate is signed by itself.
    SelfSigned,
    /// With a root, which is here.
    Root,
    /// The issuer of the last one is not here.
    IssuerMissing,
    /// The signature of the last one is not that of the issuer that it names.
    WrongSignature,
}

/// Finds out what fits together. `keys` are public halves with the numbers of their items.
pub fn find(certificates: Vec<Numbered>, keys: &[(usize, PublicKey)]) -> Relations {
    let mut pairs = Vec::new();
    for (key, public) in keys {
        for numbered in &certificates {
            if numbered.certificate.public_key.same_key(public) {
                pairs.push(Pair {
                    key: *key,
                    certificate: numbered.id,
                });
            }
        }
    }
    let (ids, heap): (Vec<usize>, Vec<Certificate>) = certificates
        .into_iter()
        .map(|numbered| (numbered.id, numbered.certificate))
        .unzip();
    let id = |at: &usize| ids.get(*at).copied().unwrap_or_default();
    let mut chains = Vec::new();
    for at in 0..heap.len() {
        let issued_other = heap.iter().any(|other| {
            other.der() != heap[at].der()
                && matches!(other.issued_by(&heap[at]), Link::Verified | Link::Unverifiable)
        });
        let repeated = heap[..at].contains(&heap[at]);
        if issued_other || repeated {
            continue;
        }
        let chain = Chain::from_leaf(&heap, at);
        let (end, missing) = match chain.end {
            End::SelfSigned => (ChainEnd::SelfSigned, None),
            End::Root => (ChainEnd::Root, None),
            End::Issuer(name) => (ChainEnd::IssuerMissing, Some(name)),
            End::WrongSignature(..) => (ChainEnd::WrongSignature, None),
        };
        chains.push(Order {
            leaf: id(&chain.leaf),
            intermediates: chain.intermediates.iter().map(id).collect(),
            root: chain.root.as_ref().map(id),
            end,
            missing,
        });
    }
    Relations { pairs, chains }
}
