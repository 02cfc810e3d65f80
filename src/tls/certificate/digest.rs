//! The digests of signatures, by the object identifiers of the algorithms.

use std::fmt;

use x509_parser::prelude::X509Certificate;

use crate::tls::der::{CONTEXT_0, OID, Reader, SEQUENCE, dotted};

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

pub(super) fn signature_digest(certificate: &X509Certificate<'_>) -> SignatureDigest {
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
        .and_then(|body| Reader::new(body).take(CONTEXT_0))
        .and_then(|body| Reader::new(body).take(SEQUENCE))
        .and_then(|body| Reader::new(body).take(OID))
        .map(dotted);
    match digest.as_deref() {
        None | Some("1.3.14.3.2.26") => SignatureDigest::Sha1,
        Some("2.16.840.1.101.3.4.2.1") => SignatureDigest::Sha256,
        Some("2.16.840.1.101.3.4.2.2") => SignatureDigest::Sha384,
        Some("2.16.840.1.101.3.4.2.3") => SignatureDigest::Sha512,
        Some(other) => SignatureDigest::Other(other.to_owned()),
    }
}
