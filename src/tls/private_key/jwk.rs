//! Private keys as JWK (RFC 7517, 7518), the form in which certbot keeps those of accounts.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{PrivateKey, forms};
use crate::tls::Error;
use crate::tls::container::KeyForm;
use crate::tls::der::{CONTEXT_0, INTEGER, OCTET_STRING, OID, SEQUENCE, trimmed, value};

/// Its members as they stand in the text, so that no copy of the key is left.
#[derive(Deserialize)]
struct Jwk<'a> {
    kty: &'a str,
    crv: Option<&'a str>,
    d: Option<&'a str>,
    n: Option<&'a str>,
    e: Option<&'a str>,
    p: Option<&'a str>,
    q: Option<&'a str>,
    dp: Option<&'a str>,
    dq: Option<&'a str>,
    qi: Option<&'a str>,
}

type Bytes = Zeroizing<Vec<u8>>;

/// Reads a JWK. `DamagedKey` when it is none.
pub(super) fn read(text: &[u8]) -> Result<PrivateKey, Error> {
    let jwk: Jwk<'_> = serde_json::from_slice(text).map_err(|_| Error::DamagedKey)?;
    match jwk.kty {
        "RSA" => forms::read(KeyForm::Pkcs1, &rsa(&jwk).ok_or(Error::DamagedKey)?),
        "EC" => forms::read(KeyForm::Sec1, &ec(&jwk)?),
        other => Err(Error::UnsupportedKey(crate::tls::certificate::printable(other))),
    }
}

fn rsa(jwk: &Jwk<'_>) -> Option<Bytes> {
    let members = [jwk.n, jwk.e, jwk.d, jwk.p, jwk.q, jwk.dp, jwk.dq, jwk.qi];
    let members: Option<Vec<Bytes>> = members
        .into_iter()
        .map(|member| Some(integer(&decoded(member?)?)))
        .collect();
    let version = value(INTEGER, &[&[0]]);
    let members = members?;
    let parts: Vec<&[u8]> = std::iter::once(&version)
        .chain(&members)
        .map(|part| part.as_slice())
        .collect();
    Some(value(SEQUENCE, &parts))
}

fn ec(jwk: &Jwk<'_>) -> Result<Bytes, Error> {
    let curve: &[u8] = match jwk.crv {
        Some("P-256") => &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        Some("P-384") => &[0x2b, 0x81, 0x04, 0x00, 0x22],
        _ => return Err(Error::UnsupportedKey("EC on a curve that no CA takes".to_owned())),
    };
    let scalar = jwk.d.and_then(decoded).ok_or(Error::DamagedKey)?;
    let curve = value(CONTEXT_0, &[&value(OID, &[curve])]);
    let scalar = value(OCTET_STRING, &[&scalar]);
    Ok(value(SEQUENCE, &[&value(INTEGER, &[&[1]]), &scalar, &curve]))
}

fn decoded(text: &str) -> Option<Bytes> {
    Base64UrlUnpadded::decode_vec(text).ok().map(Zeroizing::new)
}

/// A positive INTEGER.
fn integer(bytes: &[u8]) -> Bytes {
    let digits = trimmed(bytes);
    let sign: &[u8] = if digits.first().is_none_or(|first| first & 0x80 != 0) {
        &[0]
    } else {
        &[]
    };
    value(INTEGER, &[sign, digits])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::der::Reader;
    use crate::tls::issue::{self, KeyType};
    use serde_json::json;

    fn base64(bytes: &[u8]) -> String {
        Base64UrlUnpadded::encode_string(trimmed(bytes))
    }

    #[test]
    fn a_key_of_certbot_is_the_same_key() {
        let key = issue::private_key(KeyType::Rsa2048).unwrap();
        let mut outer = Reader::new(key.pkcs8()).sequence().unwrap();
        outer.next().unwrap();
        outer.next().unwrap();
        let mut pkcs1 = Reader::new(outer.take(OCTET_STRING).unwrap()).sequence().unwrap();
        pkcs1.next().unwrap();
        let mut jwk = json!({"kty": "RSA", "key_ops": ["sign"]});
        for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
            jwk[name] = base64(pkcs1.take(INTEGER).unwrap()).into();
        }
        let read = PrivateKey::from_jwk(jwk.to_string().as_bytes()).unwrap();
        assert_eq!(read.pkcs8(), key.pkcs8());
    }

    #[test]
    fn a_curve_and_a_number_are_enough() {
        for (crv, length, kind) in [("P-256", 32, "EC P-256"), ("P-384", 48, "EC P-384")] {
            let jwk =
                json!({"kty": "EC", "crv": crv, "d": Base64UrlUnpadded::encode_string(&vec![7; length])});
            let read = PrivateKey::from_jwk(jwk.to_string().as_bytes()).unwrap();
            assert_eq!(read.kind().to_string(), kind);
            assert!(read.public_key().is_some());
        }
    }

    #[test]
    fn what_is_no_key_is_refused_without_its_bytes() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"kty\":\"RSA\"}",
            "{\"kty\":\"RSA\",\"n\":\"*\",\"e\":\"AQAB\",\"d\":\"AQ\",\"p\":\"AQ\",\"q\":\"AQ\",\"dp\":\"AQ\",\"dq\":\"AQ\",\"qi\":\"AQ\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\"}",
            "{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"secret!\"}",
            "{\"kty\":\"oct\",\"k\":\"secret\"}",
        ] {
            let error = PrivateKey::from_jwk(text.as_bytes()).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("secret"),
                "{text}: {error}"
            );
        }
    }
}
