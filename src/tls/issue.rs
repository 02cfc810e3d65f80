//! Makes self-signed certificates and requests for a certificate authority (CSR), with new keys or those that are there.
//!
//! Writes no file and never shows a key; the caller puts the PEM where it belongs.

use std::fmt;

use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber, SignatureAlgorithm,
};
use ring::rand::{SecureRandom, SystemRandom};
use time::{Duration, OffsetDateTime};
use zeroize::{Zeroize, Zeroizing};

use super::name::Name;
pub use super::new_key::KeyType;
use super::new_key::new_key;
use super::private_key::PrivateKey;
use super::public_key::{Curve, KeyKind};
use super::{Error, pem};

/// Longest validity of a self-signed certificate, in days: ten years, for a test server nobody looks after.
pub const MAX_DAYS: u32 = 3650;

/// Validity when nothing else is asked for, in days: what browsers accept at most (CA/Browser Forum, 2020).
pub const DEFAULT_DAYS: u32 = 397;

/// How long before now a new certificate becomes valid, so that clients with a late clock accept it too.
const CLOCK_SKEW: Duration = Duration::hours(1);

/// A new certificate with its private key.
pub struct KeyAndCertificate {
    /// One block `CERTIFICATE`.
    pub certificate_pem: String,
    /// One block `PRIVATE KEY` (PKCS#8, no pass-phrase); wiped when dropped.
    pub key_pem: Zeroizing<String>,
}

/// A new request for a certificate authority with its private key.
pub struct KeyAndRequest {
    /// One block `CERTIFICATE REQUEST` (PKCS#10).
    pub request_pem: String,
    /// One block `PRIVATE KEY` (PKCS#8, no pass-phrase); wiped when dropped.
    pub key_pem: Zeroizing<String>,
}

impl fmt::Debug for KeyAndCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAndCertificate")
            .field("certificate_pem", &self.certificate_pem)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for KeyAndRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyAndRequest")
            .field("request_pem", &self.request_pem)
            .finish_non_exhaustive()
    }
}

/// A new key and a certificate signed with itself, for `names` (see [`Name::parse`]), valid for `days` days
/// from an hour before `now`. It is no CA certificate and serves TLS servers only.
pub fn self_signed(
    names: &[String],
    key_type: KeyType,
    days: u32,
    now: OffsetDateTime,
) -> Result<KeyAndCertificate, Error> {
    let mut params = parameters(names, key_type.is_rsa())?;
    if days == 0 || days > MAX_DAYS {
        return Err(Error::BadValidity { days, most: MAX_DAYS });
    }
    params.not_before = now - CLOCK_SKEW;
    // The last second counts as valid (RFC 5280, 4.1.2.5).
    params.not_after = params.not_before + Duration::days(i64::from(days)) - Duration::SECOND;
    params.serial_number = Some(random_serial()?);
    let key = new_key(key_type)?;
    let mut pair = signing_pair(&key, key_type.algorithm())?;
    let signed = params
        .self_signed(&pair)
        .map_err(|e| Error::Signing(e.to_string()));
    pair.zeroize();
    Ok(KeyAndCertificate {
        certificate_pem: pem::encode("CERTIFICATE", signed?.der()).to_string(),
        key_pem: pem::encode("PRIVATE KEY", &key),
    })
}

/// A new key and a request for `names` made with it, to be sent to a certificate authority.
pub fn request(names: &[String], key_type: KeyType) -> Result<KeyAndRequest, Error> {
    let params = parameters(names, key_type.is_rsa())?;
    let key = new_key(key_type)?;
    Ok(KeyAndRequest {
        request_pem: sign_request(&params, &key, key_type.algorithm())?,
        key_pem: pem::encode("PRIVATE KEY", &key),
    })
}

/// A request (PEM) for `names` with a key that exists already. Keys that ring cannot sign with, such as
/// P-521 or RSA below 2048 bits, are refused.
pub fn request_with(names: &[String], key: &PrivateKey) -> Result<String, Error> {
    let algorithm = algorithm_of(key)?;
    let is_rsa = matches!(key.kind(), KeyKind::Rsa { .. });
    sign_request(&parameters(names, is_rsa)?, key.pkcs8(), algorithm)
}

/// A new private key alone.
pub fn private_key(key_type: KeyType) -> Result<PrivateKey, Error> {
    PrivateKey::from_pkcs8(&new_key(key_type)?)
}

/// A request (DER) that says nothing but the names, as certificate authorities want it that decide all else themselves: a
/// common name that is an address, or purposes, are reasons to refuse it.
pub fn request_for(names: &[Name], key: &PrivateKey) -> Result<Vec<u8>, Error> {
    let mut pair = signing_pair(key.pkcs8(), algorithm_of(key)?)?;
    let request = nameless(names)?
        .serialize_request(&pair)
        .map_err(|e| Error::Signing(e.to_string()));
    pair.zeroize();
    Ok(request?.der().to_vec())
}

/// A certificate (DER) by which a server proves to an ACME authority that a name is its own (RFC 8737, 3): with the SHA-256
/// of what is to be proven.
pub(crate) fn challenge_certificate(name: &Name, digest: &[u8], key: &PrivateKey) -> Result<Vec<u8>, Error> {
    let mut params = nameless(std::slice::from_ref(name))?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    params.serial_number = Some(random_serial()?);
    let mut pair = signing_pair(key.pkcs8(), algorithm_of(key)?)?;
    let signed = params
        .self_signed(&pair)
        .map_err(|e| Error::Signing(e.to_string()));
    pair.zeroize();
    Ok(signed?.der().to_vec())
}

/// Alternative names, and an empty subject.
fn nameless(names: &[Name]) -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for name in names {
        params.subject_alt_names.push(alternative(name)?);
    }
    Ok(params)
}

fn alternative(name: &Name) -> Result<SanType, Error> {
    Ok(match name {
        Name::Dns(dns) => SanType::DnsName(dns.as_str().try_into().map_err(|_| Error::BadName {
            name: dns.clone(),
            reason: "it is not plain ASCII",
        })?),
        Name::Ip(ip) => SanType::IpAddress(*ip),
    })
}

fn algorithm_of(key: &PrivateKey) -> Result<&'static SignatureAlgorithm, Error> {
    match key.kind() {
        KeyKind::Rsa { .. } => Ok(&rcgen::PKCS_RSA_SHA256),
        KeyKind::Ec(Curve::P256) => Ok(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyKind::Ec(Curve::P384) => Ok(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyKind::Ed25519 => Ok(&rcgen::PKCS_ED25519),
        other => Err(Error::UnsupportedKey(other.to_string())),
    }
}

/// What a server certificate says besides key, serial number and dates.
fn parameters(names: &[String], rsa: bool) -> Result<CertificateParams, Error> {
    let mut wanted: Vec<Name> = Vec::new();
    for name in names {
        let name = Name::parse(name)?;
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    if wanted.is_empty() {
        return Err(Error::NoName);
    }
    let mut params = CertificateParams::default();
    for name in &wanted {
        params.subject_alt_names.push(alternative(name)?);
    }
    params.distinguished_name = DistinguishedName::new();
    // X.520 ends a common name at 64 characters. Clients look at the alternative names only.
    let common_name = wanted.iter().map(ToString::to_string).find(|n| n.len() <= 64);
    let common_name = common_name.unwrap_or_else(|| "TLS server".to_owned());
    params
        .distinguished_name
        .push(DnType::CommonName, DnValue::Utf8String(common_name));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    if rsa {
        // Only the RSA key exchange of TLS 1.2 and older encrypts with the certificate's key.
        params.key_usages.push(KeyUsagePurpose::KeyEncipherment);
    }
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// 16 random bytes, positive and never zero (RFC 5280, 4.1.2.2).
fn random_serial() -> Result<SerialNumber, Error> {
    let mut bytes = [0_u8; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Error::KeyGeneration)?;
    bytes[0] = (bytes[0] & 0x7f) | 0x40;
    Ok(SerialNumber::from_slice(&bytes))
}

fn signing_pair(pkcs8: &[u8], algorithm: &'static SignatureAlgorithm) -> Result<KeyPair, Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), algorithm).map_err(|e| Error::Signing(e.to_string()))
}

fn sign_request(
    params: &CertificateParams,
    pkcs8: &[u8],
    algorithm: &'static SignatureAlgorithm,
) -> Result<String, Error> {
    let mut pair = signing_pair(pkcs8, algorithm)?;
    let request = params
        .serialize_request(&pair)
        .map_err(|e| Error::Signing(e.to_string()));
    pair.zeroize();
    Ok(pem::encode("CERTIFICATE REQUEST", request?.der()).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use x509_parser::prelude::{FromDer, X509Certificate, X509CertificationRequest};

    const NOW: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn der(pem: &str) -> Vec<u8> {
        x509_parser::pem::parse_x509_pem(pem.as_bytes())
            .unwrap()
            .1
            .contents
    }

    #[test]
    fn a_self_signed_certificate_is_a_server_certificate_and_nothing_more() {
        for key_type in [KeyType::P256, KeyType::P384, KeyType::Rsa2048] {
            let names = [
                "esync.example.com",
                "bücher.example",
                "*.example.org",
                "192.0.2.7",
                "2001:db8::1",
            ];
            let names = names.map(String::from);
            let made = self_signed(&names, key_type, DEFAULT_DAYS, NOW).unwrap();
            let bytes = der(&made.certificate_pem);
            let (_, cert) = X509Certificate::from_der(&bytes).unwrap();
            assert!(cert.verify_signature(None).is_ok(), "{key_type}");
            assert_eq!(cert.subject().to_string(), "CN=esync.example.com");
            assert!(!cert.is_ca());
            assert!(cert.basic_constraints().unwrap().is_some());
            let usage = cert.key_usage().unwrap().unwrap().value;
            assert!(usage.digital_signature());
            assert_eq!(usage.key_encipherment(), key_type == KeyType::Rsa2048);
            assert!(!usage.key_cert_sign());
            assert!(cert.extended_key_usage().unwrap().unwrap().value.server_auth);
            let names: Vec<String> = cert
                .subject_alternative_name()
                .unwrap()
                .unwrap()
                .value
                .general_names
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(names.len(), 5, "{names:?}");
            let from = cert.validity().not_before.to_datetime();
            let to = cert.validity().not_after.to_datetime();
            assert!(from < NOW && NOW - from <= Duration::DAY);
            assert!(to - from + Duration::SECOND == Duration::days(397));
            assert!(made.key_pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
            assert!(!format!("{made:?}").contains("PRIVATE"));
        }
    }

    #[test]
    fn serial_numbers_differ_and_keys_too() {
        let make = || self_signed(&["a.example".to_owned()], KeyType::P256, 30, NOW).unwrap();
        let (one, two) = (make(), make());
        assert_ne!(*one.key_pem, *two.key_pem);
        let (one, two) = (der(&one.certificate_pem), der(&two.certificate_pem));
        let serial = |bytes: &[u8]| X509Certificate::from_der(bytes).unwrap().1.raw_serial().to_vec();
        assert_ne!(serial(&one), serial(&two));
    }

    #[test]
    fn a_request_is_signed_by_its_key_and_asks_for_the_names() {
        let made = request(
            &["esync.example.com".to_owned(), "192.0.2.7".to_owned()],
            KeyType::P256,
        )
        .unwrap();
        let bytes = der(&made.request_pem);
        let (_, request) = X509CertificationRequest::from_der(&bytes).unwrap();
        assert!(request.verify_signature().is_ok());
        let text = format!(
            "{:?}",
            request.requested_extensions().unwrap().collect::<Vec<_>>()
        );
        assert!(
            text.contains("esync.example.com") && text.contains("[192, 0, 2, 7]"),
            "{text}"
        );
    }

    #[test]
    fn a_key_that_exists_can_ask_too() {
        for key_type in [KeyType::P256, KeyType::P384, KeyType::Rsa2048] {
            let names = ["esync.example.com".to_owned()];
            let made = request(&names, key_type).unwrap();
            let key = PrivateKey::read(made.key_pem.as_bytes(), None).unwrap();
            let bytes = der(&request_with(&names, &key).unwrap());
            let (_, request) = X509CertificationRequest::from_der(&bytes).unwrap();
            assert!(request.verify_signature().is_ok());
            let spki = request.certification_request_info.subject_pki.raw;
            assert_eq!(spki, key.public_key().unwrap().spki);
        }
    }

    #[test]
    fn nonsense_is_refused_with_its_reason() {
        let refused = |names: &[&str], days| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            self_signed(&names, KeyType::P256, days, NOW).unwrap_err()
        };
        assert_eq!(refused(&[], 30), Error::NoName);
        assert_eq!(
            refused(&["a.example"], 0),
            Error::BadValidity {
                days: 0,
                most: MAX_DAYS
            }
        );
        assert_eq!(
            refused(&["a.example"], 9999),
            Error::BadValidity {
                days: 9999,
                most: MAX_DAYS
            }
        );
        assert!(matches!(
            refused(&["a.example\nServerName x"], 30),
            Error::BadName { .. }
        ));
    }

    #[test]
    fn a_name_too_long_for_a_common_name_still_gets_a_certificate() {
        let long = format!("{}.{}.example", "a".repeat(40), "b".repeat(40));
        let made = self_signed(&[long], KeyType::P256, 30, NOW).unwrap();
        let bytes = der(&made.certificate_pem);
        let (_, cert) = X509Certificate::from_der(&bytes).unwrap();
        assert_eq!(cert.subject().to_string(), "CN=TLS server");
    }

    #[test]
    fn kinds_of_keys_are_read_as_they_are_written() {
        for key_type in KeyType::ALL {
            assert_eq!(key_type.to_string().parse(), Ok(key_type));
        }
        assert_eq!("RSA-4096".parse(), Ok(KeyType::Rsa4096));
        assert!("rsa1024".parse::<KeyType>().unwrap_err().contains("p256"));
    }
}
