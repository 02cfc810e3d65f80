//! From a heap of certificates to leaf, intermediates and root in order.
//!
//! Knows no trust store: whether clients trust the end of a chain is not decided here, nor whether dates are
//! right now.

use std::collections::HashSet;

use time::OffsetDateTime;

use super::certificate::{Certificate, Link};
use super::public_key::PublicKey;

/// A heap put in order; all numbers are positions in the slice that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The server's certificate.
    pub leaf: usize,
    /// Its issuers, from the leaf's issuer upwards, a root not among them.
    pub intermediates: Vec<usize>,
    /// The self-signed certificate at the end, if it is in the heap (and not the leaf itself).
    pub root: Option<usize>,
    /// Certificates that do not belong to the leaf's chain, and repetitions.
    pub spare: Vec<usize>,
    /// How the chain ends.
    pub end: End,
}

/// How a chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The leaf is signed with its own key.
    SelfSigned,
    /// With a root that is in the heap.
    Root,
    /// With a certificate whose issuer, of this name, is not in the heap: a root that clients must have
    /// themselves, or a missing intermediate.
    Issuer(String),
    /// The issuer's name is in the heap (second number), but the signature of the first does not fit it.
    WrongSignature(usize, usize),
}

impl Chain {
    /// Puts `heap` in order. `key`, the server's public key, decides which certificate is the leaf; without
    /// it, or when none fits, the first one that is no CA and has issued none of the others. `None` for an
    /// empty heap.
    pub fn order(heap: &[Certificate], key: Option<&PublicKey>) -> Option<Chain> {
        let leaf = leaf(heap, key)?;
        Some(Self::from_leaf(heap, leaf))
    }

    /// Puts `heap` in order above a given leaf.
    ///
    /// # Panics
    /// Never; a leaf outside the heap gives a chain without issuers.
    pub fn from_leaf(heap: &[Certificate], leaf: usize) -> Chain {
        let mut chain = Chain {
            leaf,
            intermediates: Vec::new(),
            root: None,
            spare: Vec::new(),
            end: End::SelfSigned,
        };
        let mut used: HashSet<usize> = HashSet::from([leaf]);
        let mut top = leaf;
        while let Some(certificate) = heap.get(top) {
            if certificate.is_self_issued() && certificate.issued_by(certificate) != Link::WrongSignature {
                if top != leaf {
                    chain.intermediates.pop();
                    chain.root = Some(top);
                    chain.end = End::Root;
                }
                break;
            }
            let mut wrong = None;
            let mut best: Option<(u8, usize)> = None;
            for (at, candidate) in heap.iter().enumerate() {
                if used.contains(&at) || candidate.der() == certificate.der() {
                    continue;
                }
                let rank = match certificate.issued_by(candidate) {
                    Link::Verified => 0,
                    Link::Unverifiable => 1,
                    Link::WrongSignature => {
                        wrong = wrong.or(Some(at));
                        continue;
                    }
                    Link::Stranger => continue,
                };
                // Of several with one name, one that lives longer is the renewed one.
                let better = best.is_none_or(|(best_rank, best_at)| {
                    rank < best_rank || (rank == best_rank && candidate.not_after > heap[best_at].not_after)
                });
                if better {
                    best = Some((rank, at));
                }
            }
            let Some((_, issuer)) = best else {
                chain.end = match wrong {
                    Some(issuer) => End::WrongSignature(top, issuer),
                    None => End::Issuer(certificate.issuer.clone()),
                };
                break;
            };
            used.insert(issuer);
            chain.intermediates.push(issuer);
            top = issuer;
        }
        chain.spare = (0..heap.len()).filter(|at| !used.contains(at)).collect();
        chain
    }
}

/// Whether one of these certificates issued the leaf and is valid at that time: what is sent behind one leaf fits another of
/// the same issuer.
pub fn has_issuer(leaf: &Certificate, heap: &[Certificate], now: OffsetDateTime) -> bool {
    heap.iter().any(|issuer| {
        matches!(leaf.issued_by(issuer), Link::Verified | Link::Unverifiable)
            && (issuer.not_before..=issuer.not_after).contains(&now)
    })
}

fn leaf(heap: &[Certificate], key: Option<&PublicKey>) -> Option<usize> {
    let by_key = key.and_then(|key| heap.iter().position(|c| c.public_key.same_key(key)));
    let issued_other = |at: usize| {
        heap.iter().enumerate().any(|(other, certificate)| {
            other != at
                && matches!(
                    certificate.issued_by(&heap[at]),
                    Link::Verified | Link::Unverifiable
                )
        })
    };
    by_key
        .or_else(|| (0..heap.len()).find(|at| heap[*at].ca != Some(true) && !issued_other(*at)))
        .or_else(|| (0..heap.len()).find(|at| !issued_other(*at)))
        .or(if heap.is_empty() { None } else { Some(0) })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::slice;

    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

    /// A certificate with this common name, signed by `issuer` or by itself.
    pub(crate) fn made(name: &str, ca: bool, issuer: Option<&Issuer<'static, KeyPair>>) -> Signer {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(if ca { vec![] } else { vec![name.to_owned()] }).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = time::macros::datetime!(2020-01-01 0:00 UTC);
        params.use_authority_key_identifier_extension = true;
        if ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let signed = match issuer {
            Some(issuer) => params.signed_by(&key, issuer),
            None => params.self_signed(&key),
        };
        let certificate = Certificate::from_der(signed.unwrap().der()).unwrap();
        Signer {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    pub(crate) struct Signer {
        pub certificate: Certificate,
        pub issuer: Issuer<'static, KeyPair>,
    }

    #[test]
    fn a_heap_is_put_in_order() {
        let root = made("root", true, None);
        let upper = made("upper", true, Some(&root.issuer));
        let lower = made("lower", true, Some(&upper.issuer));
        let leaf = made("leaf.example", false, Some(&lower.issuer));
        let other = made("other", true, None);
        let heap = [&root, &other, &lower, &leaf, &upper, &lower].map(|s| s.certificate.clone());
        let chain = Chain::order(&heap, None).unwrap();
        assert_eq!(chain.leaf, 3);
        assert_eq!(chain.intermediates, [2, 4]);
        assert_eq!((chain.root, chain.end), (Some(0), End::Root));
        assert_eq!(chain.spare, [1, 5]);
        let by_key = Chain::order(&heap, Some(&leaf.certificate.public_key)).unwrap();
        assert_eq!(by_key.leaf, 3);
    }

    #[test]
    fn says_how_a_chain_ends() {
        let root = made("root", true, None);
        let lower = made("lower", true, Some(&root.issuer));
        let leaf = made("leaf.example", false, Some(&lower.issuer));
        let alone = Chain::order(std::slice::from_ref(&leaf.certificate), None).unwrap();
        assert_eq!(alone.end, End::Issuer("CN=lower".into()));
        let without_root = [leaf.certificate.clone(), lower.certificate.clone()];
        assert_eq!(
            Chain::order(&without_root, None).unwrap().end,
            End::Issuer("CN=root".into())
        );
        let own = made("self.example", false, None);
        assert_eq!(
            Chain::order(&[own.certificate], None).unwrap().end,
            End::SelfSigned
        );
        assert_eq!(Chain::order(&[], None), None);
    }

    #[test]
    fn a_chain_fits_every_leaf_of_its_issuer_while_it_is_valid() {
        let root = made("root", true, None);
        let lower = made("lower", true, Some(&root.issuer));
        let other = made("lower", true, Some(&root.issuer));
        let now = time::macros::datetime!(2026-01-01 0:00 UTC);
        for name in ["old.example", "new.example"] {
            let leaf = made(name, false, Some(&lower.issuer)).certificate;
            assert!(has_issuer(&leaf, slice::from_ref(&lower.certificate), now));
            assert!(!has_issuer(&leaf, slice::from_ref(&other.certificate), now));
            let early = lower.certificate.not_before - time::Duration::DAY;
            assert!(!has_issuer(&leaf, slice::from_ref(&lower.certificate), early));
        }
    }

    #[test]
    fn another_ca_of_the_same_name_is_noticed() {
        let root = made("root", true, None);
        let one = made("lower", true, Some(&root.issuer));
        let two = made("lower", true, Some(&root.issuer));
        let leaf = made("leaf.example", false, Some(&one.issuer));
        let chain = Chain::order(&[leaf.certificate, two.certificate], None).unwrap();
        // The key identifiers differ, so the second is a stranger to OpenSSL.
        assert_eq!(chain.end, End::Issuer("CN=lower".into()));
        assert_eq!(chain.spare, [1]);
    }
}
