//! Reading a certificate, tolerantly: what it says into words and numbers.

use std::net::IpAddr;

use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::digest::signature_digest;
use super::{Certificate, KeyUsage, Purposes};
use crate::tls::Error;
use crate::tls::container::{Contents, Fault, Item, Kind};
use crate::tls::public_key::PublicKey;

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

    /// The first of those, where all can be read.
    pub fn first(file: &[u8]) -> Option<Certificate> {
        Self::read_all(file).ok()?.into_iter().next()
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
pub(in crate::tls) fn printable(text: &str) -> String {
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

pub(in crate::tls) fn address(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}
