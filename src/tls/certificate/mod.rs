//! What a certificate says: names, dates, key, purposes; and whether another one signed it.
//!
//! Reads tolerantly and judges nothing: a certificate that no client would accept is read as well. Building
//! chains is [`crate::tls::chain`]'s work, comparing names [`crate::tls::name`]'s.

use std::fmt;
use std::net::IpAddr;

use sha1::Sha1;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use x509_parser::error::X509Error;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::Error;
use super::container::{Contents, Fault, Item, Kind};
use super::der::{Reader, SEQUENCE, dotted};
use super::public_key::{KeyKind, PublicKey};

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

/// The digest that a signature is made over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SignatureDigest {
    Md2,
    Md4,
    Md5,
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    /// Part of the algorithm (Ed25519, Ed448).
    Intrinsic,
    /// An object identifier that we do not know.
    Other(String),
}

impl SignatureDigest {
    /// Whether clients and OpenSSL's security level 1 refuse signatures with it.
    pub fn is_broken(&self) -> bool {
        matches!(self, Self::Md2 | Self::Md4 | Self::Md5 | Self::Sha1)
    }
}

impl fmt::Display for SignatureDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md2 => "MD2",
            Self::Md4 => "MD4",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha224 => "SHA-224",
            Self::Sha256 => "SHA-256",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
            Self::Intrinsic => "none of its own",
            Self::Other(oid) => oid,
        })
    }
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
    /// Reads one certificate from DER. Bytes behind it are allowed, as `TRUSTED CERTIFICATE` has them.
    pub fn from_der(der: &[u8]) -> Result<Certificate, Error> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| Error::DamagedCertificate)?;
        let der = &der[..der.len() - rest.len()];
        let validity = parsed.validity();
        let spki = parsed.public_key().raw;
        let mut certificate = Certificate {
            der: der.to_vec(),
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            subject_folded: folded(&words(parsed.subject())),
            issuer_folded: folded(&words(parsed.issuer())),
            subject: words(parsed.subject()),
            issuer: words(parsed.issuer()),
            common_names: parsed
                .subject()
                .iter_common_name()
                .filter_map(|name| name.as_str().ok().map(printable))
                .collect(),
            dns_names: Vec::new(),
            addresses: Vec::new(),
            has_alternative_names: false,
            not_before: validity.not_before.to_datetime(),
            not_after: validity.not_after.to_datetime(),
            serial: parsed
                .raw_serial()
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            public_key: PublicKey::from_spki(spki).unwrap_or_else(|| PublicKey::opaque(spki)),
            signature_digest: signature_digest(&parsed),
            ca: None,
            key_usage: None,
            purposes: None,
            must_staple: false,
            transparency: false,
            unknown_critical: Vec::new(),
            ocsp: Vec::new(),
            issuer_urls: Vec::new(),
            subject_key_id: None,
            authority_key_id: None,
        };
        for extension in parsed.extensions() {
            certificate.take(extension.parsed_extension(), extension.critical, extension.value);
            let oid = extension.oid.to_id_string();
            certificate.must_staple |= oid == "1.3.6.1.5.5.7.1.24";
            certificate.transparency |= oid == "1.3.6.1.4.1.11129.2.4.2";
            // Of the Netscape family and others only these are known to every client (RFC 5280, 4.2).
            let known = oid.starts_with("2.5.29.") || oid.starts_with("1.3.6.1.5.5.7.1.");
            if extension.critical && !known {
                certificate.unknown_critical.push(oid);
            }
        }
        Ok(certificate)
    }

    /// Reads one recognised item.
    pub fn from_item(item: &Item) -> Result<Certificate, Error> {
        match (&item.kind, item.fault) {
            (_, Some(Fault::Pem(_) | Fault::Incomplete)) => Err(Error::DamagedCertificate),
            (Kind::Certificate | Kind::TrustedCertificate, _) => Self::from_der(&item.der),
            (other, _) => Err(Error::NoCertificate(other.describe())),
        }
    }

    /// Reads every certificate of a file in PEM, DER or base64, in order; at least one, or an error.
    /// For archives see [`crate::tls::pkcs12`].
    pub fn read_all(file: &[u8]) -> Result<Vec<Certificate>, Error> {
        let contents = Contents::recognise(file);
        let certificates: Result<Vec<_>, _> = contents.certificates().map(Self::from_item).collect();
        match certificates {
            Ok(none) if none.is_empty() => Err(match contents.archive() {
                Some(_) => Error::InArchive(contents.describe()),
                None => Error::NoCertificate(contents.describe()),
            }),
            result => result,
        }
    }

    fn take(&mut self, extension: &ParsedExtension<'_>, critical: bool, raw: &[u8]) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                self.has_alternative_names = true;
                for name in &names.general_names {
                    match name {
                        GeneralName::DNSName(dns) => self.dns_names.push(printable(dns)),
                        GeneralName::IPAddress(bytes) => self.addresses.extend(address(bytes)),
                        // Names that are not ASCII stand here though they must not.
                        GeneralName::Invalid(tag, bytes) if tag.0 == 2 => {
                            self.dns_names.push(printable(&String::from_utf8_lossy(bytes)));
                        }
                        _ => {}
                    }
                }
            }
            ParsedExtension::BasicConstraints(basic) => self.ca = Some(basic.ca),
            ParsedExtension::KeyUsage(usage) => {
                self.key_usage = Some(KeyUsage {
                    digital_signature: usage.digital_signature(),
                    key_encipherment: usage.key_encipherment(),
                    key_agreement: usage.key_agreement(),
                    certificate_signing: usage.key_cert_sign(),
                });
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.purposes = Some(Purposes {
                    server: usage.server_auth,
                    client: usage.client_auth,
                    any: usage.any,
                });
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(authority) => {
                self.authority_key_id = authority.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in &access.accessdescs {
                    if let GeneralName::URI(url) = description.access_location {
                        match description.access_method.to_id_string().as_str() {
                            "1.3.6.1.5.5.7.48.1" => self.ocsp.push(printable(url)),
                            "1.3.6.1.5.5.7.48.2" => self.issuer_urls.push(printable(url)),
                            _ => {}
                        }
                    }
                }
            }
            // An extension that must be understood and cannot be read.
            ParsedExtension::ParseError { .. } if critical => {
                self.unknown_critical
                    .push(format!("unreadable, {} bytes", raw.len()));
            }
            _ => {}
        }
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

/// Without regard to case and number of blanks.
fn folded(words: &str) -> String {
    words
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

fn words(name: &X509Name<'_>) -> String {
    printable(&name.to_string())
}

/// Without control characters, which must reach no terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn signature_digest(certificate: &X509Certificate<'_>) -> SignatureDigest {
    let algorithm = &certificate.signature_algorithm;
    let oid = algorithm.algorithm.to_id_string();
    match oid.as_str() {
        "1.2.840.113549.1.1.2" => SignatureDigest::Md2,
        "1.2.840.113549.1.1.3" => SignatureDigest::Md4,
        "1.2.840.113549.1.1.4" => SignatureDigest::Md5,
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => {
            SignatureDigest::Sha1
        }
        "1.2.840.113549.1.1.14" | "1.2.840.10045.4.3.1" => SignatureDigest::Sha224,
        "1.2.840.113549.1.1.11" | "1.2.840.10045.4.3.2" => SignatureDigest::Sha256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => SignatureDigest::Sha384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => SignatureDigest::Sha512,
        "1.3.101.112" | "1.3.101.113" => SignatureDigest::Intrinsic,
        // RSASSA-PSS: the digest is the first parameter, SHA-1 when it is left out (RFC 4055).
        "1.2.840.113549.1.1.10" => pss_digest(algorithm.parameters.as_ref().map(|p| p.data)),
        _ => SignatureDigest::Other(oid),
    }
}

fn pss_digest(parameters: Option<&[u8]>) -> SignatureDigest {
    let digest = parameters
        .and_then(|body| Reader::new(body).take(super::der::CONTEXT_0))
        .and_then(|body| Reader::new(body).take(SEQUENCE))
        .and_then(|body| Reader::new(body).take(super::der::OID))
        .map(dotted);
    match digest.as_deref() {
        None | Some("1.3.14.3.2.26") => SignatureDigest::Sha1,
        Some("2.16.840.1.101.3.4.2.1") => SignatureDigest::Sha256,
        Some("2.16.840.1.101.3.4.2.2") => SignatureDigest::Sha384,
        Some("2.16.840.1.101.3.4.2.3") => SignatureDigest::Sha512,
        Some(other) => SignatureDigest::Other(other.to_owned()),
    }
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
