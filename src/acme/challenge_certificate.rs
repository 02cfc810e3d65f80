//! The certificate that answers tls-alpn-01 (RFC 8737, RFC 8738). Who shows it to the CA is decided elsewhere.

use std::fmt;
use std::net::IpAddr;

use ring::digest::{SHA256, digest};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use super::error::Error;
use crate::tls::issue::{self, KeyType};
use crate::tls::name::Name;
use crate::tls::pem;
use crate::tls::private_key::PrivateKey;

/// The protocol (ALPN) with which the CA connects, and which alone gets this certificate.
pub const ALPN: &[u8] = b"acme-tls/1";

/// Proves to the CA that a name is ours, in a TLS handshake.
pub struct ChallengeCertificate {
    server_name: String,
    der: Vec<u8>,
    key: PrivateKey,
}

impl fmt::Debug for ChallengeCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChallengeCertificate")
            .field("server_name", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl ChallengeCertificate {
    /// For a name and the key authorisation of its challenge. The kind of key matters only to a server that has another
    /// certificate too.
    pub fn new(
        name: &Name,
        key_authorization: &str,
        key_type: KeyType,
    ) -> Result<ChallengeCertificate, Error> {
        let key = issue::private_key(key_type)?;
        let digest = digest(&SHA256, key_authorization.as_bytes());
        Ok(ChallengeCertificate {
            server_name: server_name(name),
            der: issue::challenge_certificate(name, digest.as_ref(), &key)?,
            key,
        })
    }

    /// The server name (SNI) with which the CA asks for it; it asks for others too, of other orders.
    pub fn server_name(&self) -> &str {
        &self.server_name
    }

    /// The certificate.
    pub fn certificate_der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate as PEM.
    pub fn certificate_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// Its key as PEM.
    pub fn key_pem(&self) -> Zeroizing<String> {
        self.key.to_pem()
    }

    /// What a resolver of rustls hands out. `ServerConfig::with_single_cert` would refuse it for its critical extension.
    pub fn certified_key(&self) -> Result<CertifiedKey, Error> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.pkcs8()));
        let signing = any_supported_type(&key)
            .map_err(|error| Error::Own(crate::tls::Error::Signing(error.to_string())))?;
        Ok(CertifiedKey::new(
            vec![CertificateDer::from(self.der.clone())],
            signing,
        ))
    }
}

/// The server name (SNI) with which a CA asks for a name. No address may stand there, so it is the name under which DNS
/// would look it up (RFC 8738, 6).
pub fn server_name(name: &Name) -> String {
    match name {
        Name::Dns(dns) => dns.clone(),
        Name::Ip(IpAddr::V4(ip)) => {
            let [a, b, c, d] = ip.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        Name::Ip(IpAddr::V6(ip)) => {
            let digits = ip.octets().into_iter().rev();
            let digits = digits.map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4));
            format!("{}ip6.arpa", digits.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_parser::prelude::{FromDer, X509Certificate};

    #[test]
    fn it_carries_the_digest_and_one_name() {
        for (name, key_type) in [("a.example", KeyType::P256), ("192.0.2.7", KeyType::Rsa2048)] {
            let name = Name::parse(name).unwrap();
            let made = ChallengeCertificate::new(&name, "token.thumbprint", key_type).unwrap();
            let (_, read) = X509Certificate::from_der(&made.der).unwrap();
            assert!(read.verify_signature(None).is_ok());
            let names = read.subject_alternative_name().unwrap().unwrap();
            assert_eq!(names.value.general_names.len(), 1);
            let extension = read.extensions().iter();
            let extension = extension
                .clone()
                .find(|one| one.oid.to_id_string() == "1.3.6.1.5.5.7.1.31");
            let extension = extension.unwrap();
            assert!(extension.critical);
            assert_eq!(extension.value[..2], [4, 32]);
            assert_eq!(
                extension.value[2..],
                *digest(&SHA256, b"token.thumbprint").as_ref()
            );
            assert!(made.certified_key().is_ok());
            let shown = format!("{made:?}");
            assert!(
                !shown.contains("PRIVATE") && shown.contains(made.server_name()),
                "{shown}"
            );
        }
    }

    #[test]
    fn addresses_are_asked_for_as_dns_would() {
        let of = |text: &str| server_name(&Name::parse(text).unwrap());
        assert_eq!(of("a.example"), "a.example");
        assert_eq!(of("192.0.2.7"), "7.2.0.192.in-addr.arpa");
        assert_eq!(
            of("2001:db8::567:89ab"),
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
        );
    }
}
