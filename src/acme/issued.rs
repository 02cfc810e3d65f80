//! The certificate that a CA sends, judged by what was ordered before anything is done with it.

use super::error::Error;
use super::words::word;
use crate::tls::certificate::Certificate;
use crate::tls::name::{Coverage, Name, coverage};
use crate::tls::pem;
use crate::tls::public_key::PublicKey;

/// Certificates of one chain.
const MAX_CHAIN: usize = 20;

/// A certificate for what was ordered, with its issuers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: Certificate,
    /// Its issuers, as the CA sent them.
    pub issuers: Vec<Certificate>,
}

impl Issued {
    /// From PEM. It must be for this key and all of these names; whether it is valid now, and who trusts it, is not decided
    /// here.
    pub fn read(text: &[u8], names: &[Name], key: &PublicKey) -> Result<Issued, Error> {
        let foreign = |why: String| Error::ForeignCertificate(why);
        let blocks = pem::blocks(text);
        if blocks.iter().any(|block| block.label != "CERTIFICATE") {
            return Err(foreign("it contains something else than certificates".to_owned()));
        }
        if blocks.is_empty() || blocks.len() > MAX_CHAIN {
            return Err(foreign(
                "the answer is not a chain of certificates in PEM".to_owned(),
            ));
        }
        let mut all = Vec::new();
        for block in &blocks {
            let read = Certificate::from_der(&block.der)
                .ok()
                .filter(|_| block.fault.is_none());
            all.push(read.ok_or_else(|| foreign("it is damaged or incomplete".to_owned()))?);
        }
        let certificate = all.remove(0);
        if !key.same_key(&certificate.public_key) {
            return Err(foreign("it is for another key".to_owned()));
        }
        let missed = names
            .iter()
            .find(|name| !matches!(coverage(&certificate, name), Coverage::Covered(_)));
        if let Some(name) = missed {
            return Err(foreign(format!("it is not for {}", word(&name.to_string()))));
        }
        if certificate.ca == Some(true) {
            return Err(foreign("it is that of a CA".to_owned()));
        }
        Ok(Issued {
            certificate,
            issuers: all,
        })
    }

    /// The certificate and its issuers, as PEM.
    pub fn chain_pem(&self) -> String {
        self.certificate.to_pem() + &self.issuers_pem()
    }

    /// The issuers alone, as PEM.
    pub fn issuers_pem(&self) -> String {
        self.issuers.iter().map(Certificate::to_pem).collect()
    }
}
