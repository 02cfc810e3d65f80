//! Requests to a certificate authority (PKCS#10), as far as people need to tell them apart. Judges nothing.

use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::prelude::FromDer;

use super::Error;
use super::certificate::{address, printable};
use super::public_key::PublicKey;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The subject in words; printable.
    pub subject: String,
    /// DNS names and addresses that are asked for.
    pub names: Vec<String>,
    /// The key that the certificate will be for.
    pub public_key: PublicKey,
}

impl Request {
    /// Reads one request from DER.
    pub fn from_der(der: &[u8]) -> Result<Request, Error> {
        let (_, parsed) = X509CertificationRequest::from_der(der).map_err(|_| Error::DamagedRequest)?;
        let info = &parsed.certification_request_info;
        let spki = info.subject_pki.raw;
        let mut names = Vec::new();
        for extension in parsed.requested_extensions().into_iter().flatten() {
            if let ParsedExtension::SubjectAlternativeName(alternatives) = extension {
                for name in &alternatives.general_names {
                    match name {
                        GeneralName::DNSName(dns) => names.push(printable(dns)),
                        GeneralName::IPAddress(bytes) => {
                            names.extend(address(bytes).map(|ip| ip.to_string()))
                        }
                        _ => {}
                    }
                }
            }
        }
        Ok(Request {
            subject: printable(&info.subject.to_string()),
            names,
            public_key: PublicKey::from_spki(spki).unwrap_or_else(|| PublicKey::opaque(spki)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::container::Contents;
    use crate::tls::issue::{KeyType, request};

    #[test]
    fn a_request_says_what_it_asks_for() {
        let names = ["esync.example.com".to_owned(), "192.0.2.1".to_owned()];
        let made = request(&names, KeyType::P256).unwrap();
        let contents = Contents::recognise(made.request_pem.as_bytes());
        let read = Request::from_der(&contents.items[0].der).unwrap();
        assert_eq!(read.subject, "CN=esync.example.com");
        assert_eq!(read.names, names);
        assert_eq!(read.public_key.kind.to_string(), "EC P-256");
        assert_eq!(Request::from_der(b"0"), Err(Error::DamagedRequest));
    }
}
