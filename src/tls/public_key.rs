//! Public keys: their kind and size, and whether two are the same key.
//!
//! Compares numbers, not encodings, so that a certificate's key equals the private key's however each file
//! spells it. Does no arithmetic on curves.

use std::fmt;

use sha2::{Digest, Sha256};

use super::der::{BIT_STRING, INTEGER, NULL, OID, Reader, SEQUENCE, bits, dotted, trimmed, value};

/// A public key as a certificate carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its kind and size.
    pub kind: KeyKind,
    /// `SubjectPublicKeyInfo` in DER.
    pub spki: Vec<u8>,
    /// What makes the key: modulus and exponent, or the point; encodings differ, this does not.
    identity: Vec<u8>,
}

/// Kind and size of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with this many bits of modulus.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// RSA that is restricted to PSS signatures; needs OpenSSL 1.1.1 or later.
    RsaPss {
        /// Bits of the modulus.
        bits: usize,
    },
    /// A point on an elliptic curve.
    Ec(Curve),
    /// Ed25519; needs OpenSSL 1.1.1 or later.
    Ed25519,
    /// Ed448; needs OpenSSL 1.1.1 or later.
    Ed448,
    /// DSA.
    Dsa,
    /// Another algorithm: its object identifier.
    Other(String),
}

/// An elliptic curve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Curve {
    /// prime256v1.
    P256,
    /// secp384r1.
    P384,
    /// secp521r1.
    P521,
    /// A named curve that TLS clients do not offer: its object identifier.
    Other(String),
    /// Parameters written out instead of a name; clients refuse such keys.
    Explicit,
}

impl Curve {
    pub(crate) fn of_oid(body: &[u8]) -> Curve {
        match dotted(body).as_str() {
            "1.2.840.10045.3.1.7" => Curve::P256,
            "1.3.132.0.34" => Curve::P384,
            "1.3.132.0.35" => Curve::P521,
            other => Curve::Other(other.to_owned()),
        }
    }

    /// Length of a scalar in bytes, for the curves that we calculate on.
    pub(crate) fn scalar_length(&self) -> Option<usize> {
        match self {
            Curve::P256 => Some(32),
            Curve::P384 => Some(48),
            Curve::P521 => Some(66),
            Curve::Other(_) | Curve::Explicit => None,
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa { bits } => write!(f, "RSA {bits} bits"),
            KeyKind::RsaPss { bits } => write!(f, "RSA-PSS {bits} bits"),
            KeyKind::Ec(Curve::P256) => f.write_str("EC P-256"),
            KeyKind::Ec(Curve::P384) => f.write_str("EC P-384"),
            KeyKind::Ec(Curve::P521) => f.write_str("EC P-521"),
            KeyKind::Ec(Curve::Other(oid)) => match oid.as_str() {
                "1.3.132.0.10" => f.write_str("EC secp256k1"),
                "1.3.132.0.33" => f.write_str("EC P-224"),
                "1.2.840.10045.3.1.1" => f.write_str("EC P-192"),
                "1.3.36.3.3.2.8.1.1.7" => f.write_str("EC brainpoolP256r1"),
                "1.3.36.3.3.2.8.1.1.11" => f.write_str("EC brainpoolP384r1"),
                "1.3.36.3.3.2.8.1.1.13" => f.write_str("EC brainpoolP512r1"),
                _ => write!(f, "EC on curve {oid}"),
            },
            KeyKind::Ec(Curve::Explicit) => f.write_str("EC with explicit curve parameters"),
            KeyKind::Ed25519 => f.write_str("Ed25519"),
            KeyKind::Ed448 => f.write_str("Ed448"),
            KeyKind::Dsa => f.write_str("DSA"),
            KeyKind::Other(oid) => write!(f, "algorithm {oid}"),
        }
    }
}

impl PublicKey {
    /// Reads a DER `SubjectPublicKeyInfo`. `None` when it is not one.
    pub fn from_spki(spki: &[u8]) -> Option<PublicKey> {
        let mut outer = Reader::new(spki).sequence()?;
        let mut algorithm = outer.sequence()?;
        let oid = dotted(algorithm.take(OID)?);
        // The first byte counts unused bits: none in a key.
        let key = outer
            .take(BIT_STRING)?
            .split_first()
            .filter(|(unused, _)| **unused == 0)?
            .1;
        let rsa = || {
            let mut numbers = Reader::new(key).sequence()?;
            let (modulus, exponent) = (numbers.take(INTEGER)?, numbers.take(INTEGER)?);
            Some((
                bits(modulus),
                [trimmed(modulus), b"/", trimmed(exponent)].concat(),
            ))
        };
        let (kind, identity) = match oid.as_str() {
            "1.2.840.113549.1.1.1" => {
                let (bits, identity) = rsa()?;
                (KeyKind::Rsa { bits }, identity)
            }
            "1.2.840.113549.1.1.10" => {
                let (bits, identity) = rsa()?;
                (KeyKind::RsaPss { bits }, identity)
            }
            "1.2.840.10045.2.1" => {
                let curve = match algorithm.next() {
                    Some(value) if value.tag == OID => Curve::of_oid(value.body),
                    _ => Curve::Explicit,
                };
                (KeyKind::Ec(curve), abscissa(key))
            }
            "1.3.101.112" => (KeyKind::Ed25519, key.to_vec()),
            "1.3.101.113" => (KeyKind::Ed448, key.to_vec()),
            "1.2.840.10040.4.1" => (KeyKind::Dsa, key.to_vec()),
            _ => (KeyKind::Other(oid), key.to_vec()),
        };
        Some(PublicKey {
            kind,
            spki: spki.to_vec(),
            identity,
        })
    }

    /// From a DER `RSAPublicKey` (PKCS#1).
    pub(crate) fn from_rsa(pkcs1: &[u8]) -> Option<PublicKey> {
        let algorithm = value(SEQUENCE, &[&value(OID, &[RSA]), &value(NULL, &[])]);
        Self::from_spki(&value(
            SEQUENCE,
            &[&algorithm, &value(BIT_STRING, &[&[0], pkcs1])],
        ))
    }

    /// From the algorithm identifier (DER) of a key and the content of its BIT STRING.
    pub(crate) fn from_parts(algorithm: &[u8], key: &[u8]) -> Option<PublicKey> {
        Self::from_spki(&value(SEQUENCE, &[algorithm, &value(BIT_STRING, &[&[0], key])]))
    }

    /// A key whose structure we cannot read; equal only to the same bytes.
    pub(crate) fn opaque(spki: &[u8]) -> PublicKey {
        PublicKey {
            kind: KeyKind::Other("unreadable".into()),
            spki: spki.to_vec(),
            identity: spki.to_vec(),
        }
    }

    /// Whether both are the same key.
    pub fn same_key(&self, other: &PublicKey) -> bool {
        let family = |kind: &KeyKind| match kind {
            KeyKind::Rsa { .. } | KeyKind::RsaPss { .. } => 0,
            KeyKind::Ec(_) => 1,
            KeyKind::Ed25519 => 2,
            KeyKind::Ed448 => 3,
            KeyKind::Dsa => 4,
            KeyKind::Other(_) => 5,
        };
        family(&self.kind) == family(&other.kind) && self.identity == other.identity
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub fn fingerprint(&self) -> [u8; 32] {
        Sha256::digest(&self.spki).into()
    }

    /// The last `count` bytes of an RSA modulus, which people compare by eye. `None` for other keys.
    pub fn modulus_tail(&self, count: usize) -> Option<Vec<u8>> {
        let modulus = self.modulus()?;
        Some(modulus[modulus.len().saturating_sub(count)..].to_vec())
    }

    fn modulus(&self) -> Option<&[u8]> {
        if !matches!(self.kind, KeyKind::Rsa { .. } | KeyKind::RsaPss { .. }) {
            return None;
        }
        let mut outer = Reader::new(&self.spki).sequence()?;
        outer.sequence()?;
        let (_, key) = outer.take(BIT_STRING)?.split_first()?;
        Reader::new(key).sequence()?.take(INTEGER)
    }
}

/// rsaEncryption.
pub(crate) const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// id-ecPublicKey.
pub(crate) const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The first coordinate of a point. A point may be written with both coordinates or with the first and a
/// sign; two keys that agree in the first one are the same key or its negative, which nobody makes by chance.
pub(crate) fn abscissa(point: &[u8]) -> Vec<u8> {
    match point.split_first() {
        Some((4 | 6 | 7, both)) => both[..both.len() / 2].to_vec(),
        Some((2 | 3, one)) => one.to_vec(),
        _ => point.to_vec(),
    }
}
