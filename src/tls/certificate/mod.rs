//! What a certificate says: names, dates, key, purposes; and whether another one signed it.
//!
//! Reads tolerantly and judges nothing: a certificate that no client would accept is read as well. Building
//! chains is [`crate::tls::chain`]'s work, comparing names [`crate::tls::name`]'s.

mod digest;
mod read;

use std::fmt;
use std::net::IpAddr;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::error::X509Error;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::public_key::{KeyKind, PublicKey};
pub use digest::SignatureDigest;
pub(super) use read::{address, printable};

/// One certificate.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    subject_folded: String,
    issuer_folded: String,
    /// The subject in words, most specific part last as in the certificate; printable.
    pub subject: String,
    /// The issuer in words; printable.
    pub issuer: String,
    /// Common names of the subject. Clients ignore them; Apache counts them when it warns (AH01909).
    pub common_names: Vec<String>,
    /// DNS names among the subject alternative names, as they stand there.
    pub dns_names: Vec<String>,
    /// Addresses among the subject alternative names.
    pub addresses: Vec<IpAddr>,
    /// Whether there are subject alternative names at all.
    pub has_alternative_names: bool,
    /// First moment of validity.
    pub not_before: OffsetDateTime,
    /// Last moment of validity.
    pub not_after: OffsetDateTime,
    /// Serial number as hexadecimal digits.
    pub serial: String,
    /// The key it certifies.
    pub public_key: PublicKey,
    /// The digest within its signature.
    pub signature_digest: SignatureDigest,
    /// `cA` of the basic constraints; `None` without that extension.
    pub ca: Option<bool>,
    /// Key usage; `None` without that extension, which means everything.
    pub key_usage: Option<KeyUsage>,
    /// Extended key usage; `None` without that extension, which means everything.
    pub purposes: Option<Purposes>,
    /// Whether it demands that the server staples an OCSP answer (RFC 7633).
    pub must_staple: bool,
    /// Whether it carries proofs of certificate transparency (RFC 6962), as browsers demand of every CA that
    /// they know: whoever lacks them is no public CA.
    pub transparency: bool,
    /// Critical extensions that clients do not know and must therefore refuse (object identifiers).
    pub unknown_critical: Vec<String>,
    /// Where to ask for its revocation status.
    pub ocsp: Vec<String>,
    /// Where its issuer's certificate can be fetched.
    pub issuer_urls: Vec<String>,
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
}

/// What the key may be used for, as far as TLS servers are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct KeyUsage {
    pub digital_signature: bool,
    pub key_encipherment: bool,
    pub key_agreement: bool,
    pub certificate_signing: bool,
}

/// What the certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Purposes {
    pub server: bool,
    pub client: bool,
    pub any: bool,
}

/// Whether one certificate was issued by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Names agree and the signature is right.
    Verified,
    /// Names agree; the signature is of a kind that we cannot check (a weak or rare algorithm).
    Unverifiable,
    /// Names agree, the signature is wrong: another key of the same name, or damage.
    WrongSignature,
    /// The issuer has another name or another key identifier.
    Stranger,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .field("serial", &self.serial)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// All names that clients accept it for, addresses behind the others.
    pub fn names(&self) -> Vec<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        self.dns_names.iter().cloned().chain(addresses).collect()
    }

    /// Its bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// One block `CERTIFICATE`.
    pub fn to_pem(&self) -> String {
        super::pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// SHA-256 over all of it, as browsers show it.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// SHA-1 over all of it, as Windows shows it ("thumbprint").
    pub fn sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.der).into()
    }

    /// Whether issuer and subject are the same: a root or a self-signed certificate.
    pub fn is_self_issued(&self) -> bool {
        self.names_as_issuer(self)
    }

    /// Names agree in bytes, or in what they say when only string types, case or blanks differ (RFC 5280,
    /// 7.1).
    fn names_as_issuer(&self, other: &Certificate) -> bool {
        let (issuer, subject) = (&self.issuer_folded, &other.subject_folded);
        self.issuer_der == other.subject_der || (!issuer.is_empty() && issuer == subject)
    }

    /// Whether `issuer` issued it. Looks at names, key identifiers and the signature, not at dates or at
    /// whether the issuer may issue at all.
    pub fn issued_by(&self, issuer: &Certificate) -> Link {
        if !self.names_as_issuer(issuer) {
            return Link::Stranger;
        }
        // OpenSSL does not even try the signature when these disagree.
        if let (Some(wanted), Some(has)) = (&self.authority_key_id, &issuer.subject_key_id)
            && wanted != has
        {
            return Link::Stranger;
        }
        let Ok((_, parsed)) = X509Certificate::from_der(&self.der) else {
            return Link::Unverifiable;
        };
        let Ok((_, parsed_issuer)) = X509Certificate::from_der(&issuer.der) else {
            return Link::Unverifiable;
        };
        match parsed.verify_signature(Some(parsed_issuer.public_key())) {
            Ok(()) => Link::Verified,
            Err(X509Error::SignatureVerificationError) if issuer.is_checkable() => Link::WrongSignature,
            Err(_) => Link::Unverifiable,
        }
    }

    /// Whether ring checks signatures of this key at all; it reports others as wrong.
    fn is_checkable(&self) -> bool {
        match self.public_key.kind {
            KeyKind::Rsa { bits } => (2048..=8192).contains(&bits),
            KeyKind::Ec(_) | KeyKind::Ed25519 => true,
            _ => false,
        }
    }

    /// The first of its names that a server can have for its own: no wildcard is one.
    pub fn first_name(&self) -> Option<&str> {
        let mut names = self.dns_names.iter();
        names.find(|name| !name.contains('*')).map(String::as_str)
    }

    /// A short name for people: the common name, else the first alternative name, else the subject.
    pub fn title(&self) -> &str {
        let first = self.common_names.first().or_else(|| self.dns_names.first());
        first.map_or(self.subject.as_str(), String::as_str)
    }
}

/// Bytes as the colon-separated hexadecimal that certificate viewers show.
pub fn colon_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::issue::{self, KeyType};
    use proptest::prelude::*;

    fn sample() -> &'static Certificate {
        static MADE: std::sync::OnceLock<Certificate> = std::sync::OnceLock::new();
        MADE.get_or_init(|| {
            let names = [
                "esync.example.com".to_owned(),
                "192.0.2.7".to_owned(),
                "::1".to_owned(),
            ];
            let now = time::macros::datetime!(2026-03-01 12:00 UTC);
            let made = issue::self_signed(&names, KeyType::P256, 30, now).unwrap();
            Certificate::read_all(made.certificate_pem.as_bytes())
                .unwrap()
                .remove(0)
        })
    }

    #[test]
    fn says_what_a_certificate_says() {
        let certificate = sample();
        assert_eq!(certificate.common_names, ["esync.example.com"]);
        assert_eq!(certificate.dns_names, ["esync.example.com"]);
        assert_eq!(certificate.addresses.len(), 2);
        assert_eq!(
            certificate.not_before,
            time::macros::datetime!(2026-03-01 11:00 UTC)
        );
        assert_eq!(certificate.public_key.kind.to_string(), "EC P-256");
        assert_eq!(certificate.signature_digest, SignatureDigest::Sha256);
        assert_eq!(certificate.ca, Some(false));
        assert!(certificate.key_usage.unwrap().digital_signature);
        assert!(certificate.purposes.unwrap().server);
        assert!(certificate.is_self_issued() && !certificate.must_staple);
        assert!(certificate.unknown_critical.is_empty());
        assert_eq!(certificate.issued_by(certificate), Link::Verified);
        let again = Certificate::read_all(certificate.to_pem().as_bytes()).unwrap();
        assert_eq!(again, std::slice::from_ref(certificate));
        assert_eq!(
            Certificate::read_all(certificate.der()).unwrap(),
            std::slice::from_ref(certificate)
        );
    }

    #[test]
    fn a_touched_signature_is_noticed() {
        let mut der = sample().der().to_vec();
        let last = der.len() - 1;
        der[last] ^= 1;
        let touched = Certificate::from_der(&der).unwrap();
        assert_eq!(touched.issued_by(sample()), Link::WrongSignature);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Certificate::read_all(&bytes);
            let _ = Certificate::from_der(&bytes);
        }

        #[test]
        fn damage_is_survived(at: usize, byte: u8, cut: usize) {
            let mut der = sample().der().to_vec();
            let at = at % der.len();
            der[at] = byte;
            if let Ok(certificate) = Certificate::from_der(&der) {
                let _ = certificate.issued_by(sample());
                let _ = certificate.title();
            }
            let _ = Certificate::read_all(&der[..cut % der.len()]);
        }
    }
}
