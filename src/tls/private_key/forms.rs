//! The forms in which files hold a private key without protection - PKCS#1, SEC1, PKCS#8 - brought into one: PKCS#8.

use zeroize::Zeroizing;

use super::PrivateKey;
use crate::tls::Error;
use crate::tls::container::KeyForm;
use crate::tls::der::{
    BIT_STRING, CONTEXT_0, CONTEXT_1, INTEGER, NULL, OCTET_STRING, OID, Reader, SEQUENCE, dotted, value,
};
use crate::tls::public_key::{Curve, EC, KeyKind, PublicKey, RSA, abscissa};

/// Reads a key of this form. `DamagedKey` when it is none.
pub(super) fn read(form: KeyForm, der: &[u8]) -> Result<PrivateKey, Error> {
    match form {
        KeyForm::Pkcs1 => pkcs1(der),
        KeyForm::Sec1 => sec1(der, None),
        KeyForm::Dsa => Err(Error::UnsupportedKey("DSA".into())),
        KeyForm::Pkcs8 => pkcs8(der),
    }
}

fn pkcs1(der: &[u8]) -> Result<PrivateKey, Error> {
    let algorithm = value(SEQUENCE, &[&value(OID, &[RSA]), &value(NULL, &[])]);
    let public = rsa_public(der).ok_or(Error::DamagedKey)?;
    let public = PublicKey::from_rsa(&public).ok_or(Error::DamagedKey)?;
    Ok(PrivateKey {
        pkcs8: wrap(&algorithm, der),
        kind: public.kind.clone(),
        public: Some(public),
    })
}

/// `parameters`: those of the PKCS#8 around it, in DER, when there is one.
fn sec1(der: &[u8], parameters: Option<&[u8]>) -> Result<PrivateKey, Error> {
    let key = Sec1::read(der).ok_or(Error::DamagedKey)?;
    let parameters = parameters.or(key.parameters).ok_or(Error::DamagedKey)?;
    let curve = match Reader::new(parameters).take(OID) {
        Some(oid) => Curve::of_oid(oid),
        None => Curve::Explicit,
    };
    let computed = point(&curve, key.scalar);
    let carried = key.public.map(<[u8]>::to_vec);
    if let (Some(computed), Some(carried)) = (&computed, &carried)
        && abscissa(computed) != abscissa(carried)
    {
        // OpenSSL refuses it too: one of the two was changed.
        return Err(Error::DamagedKey);
    }
    let point = carried.or(computed);
    let algorithm = value(SEQUENCE, &[&value(OID, &[EC]), parameters]);
    let public = point
        .as_ref()
        .and_then(|point| PublicKey::from_parts(&algorithm, point));
    // Written anew: always with the public point, which ring insists on, and without a second copy of the
    // curve's name.
    let mut scalar = Zeroizing::new(key.scalar.to_vec());
    if let Some(length) = curve.scalar_length() {
        while scalar.len() < length {
            scalar.insert(0, 0);
        }
    }
    let version = value(INTEGER, &[&[1]]);
    let scalar = value(OCTET_STRING, &[&scalar]);
    let inner = match &point {
        Some(point) => {
            let bits = value(CONTEXT_1, &[&value(BIT_STRING, &[&[0], point])]);
            value(SEQUENCE, &[&version, &scalar, &bits])
        }
        None => value(SEQUENCE, &[&version, &scalar]),
    };
    Ok(PrivateKey {
        pkcs8: wrap(&algorithm, &inner),
        public,
        kind: KeyKind::Ec(curve),
    })
}

/// What a SEC1 `ECPrivateKey` (RFC 5915) holds. The crate `sec1` knows named curves only, OpenSSL those written out too.
struct Sec1<'a> {
    scalar: &'a [u8],
    parameters: Option<&'a [u8]>,
    public: Option<&'a [u8]>,
}

impl<'a> Sec1<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let mut members = Reader::new(der).sequence()?;
        if members.small()? != 1 {
            return None;
        }
        let scalar = members.take(OCTET_STRING)?;
        let parameters = members.take(CONTEXT_0);
        let public = match members.take(CONTEXT_1) {
            Some(bits) => Some(Reader::new(bits).take(BIT_STRING)?.split_first()?.1),
            None => None,
        };
        if !members.rest().is_empty() {
            return None;
        }
        Some(Sec1 {
            scalar,
            parameters,
            public,
        })
    }
}

/// Is this PKCS#8 with a public key behind the private one (version 2, RFC 5958)? OpenSSL does not read it.
pub fn carries_public_key(pkcs8: &[u8]) -> bool {
    let Some(mut members) = Reader::new(pkcs8).sequence() else {
        return false;
    };
    let head = members.small().is_some() && members.next().is_some() && members.next().is_some();
    head && std::iter::from_fn(|| members.next()).any(|member| matches!(member.tag, CONTEXT_1 | 0x81))
}

fn pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
    let mut members = Reader::new(der).sequence().ok_or(Error::DamagedKey)?;
    members.small().ok_or(Error::DamagedKey)?;
    let algorithm = members
        .next()
        .filter(|value| value.tag == SEQUENCE)
        .ok_or(Error::DamagedKey)?;
    let inner = members.take(OCTET_STRING).ok_or(Error::DamagedKey)?;
    let mut identifier = Reader::new(algorithm.body);
    let oid = dotted(identifier.take(OID).ok_or(Error::DamagedKey)?);
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => pkcs1(inner),
        "1.2.840.113549.1.1.10" => {
            // Restricted to PSS: the algorithm must stay as it is.
            let public = rsa_public(inner).ok_or(Error::DamagedKey)?;
            let public = PublicKey::from_parts(algorithm.whole, &public).ok_or(Error::DamagedKey)?;
            let pkcs8 = wrap(algorithm.whole, inner);
            Ok(PrivateKey {
                pkcs8,
                kind: public.kind.clone(),
                public: Some(public),
            })
        }
        "1.2.840.10045.2.1" => sec1(inner, Some(identifier.rest())),
        "1.3.101.112" => {
            let seed = Reader::new(inner).take(OCTET_STRING).ok_or(Error::DamagedKey)?;
            let pair =
                ring::signature::Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| Error::DamagedKey)?;
            let point = ring::signature::KeyPair::public_key(&pair).as_ref().to_vec();
            let public = PublicKey::from_parts(algorithm.whole, &point);
            Ok(PrivateKey {
                pkcs8: wrap(algorithm.whole, inner),
                public,
                kind: KeyKind::Ed25519,
            })
        }
        "1.3.101.113" => {
            let pkcs8 = Zeroizing::new(der.to_vec());
            Ok(PrivateKey {
                pkcs8,
                public: None,
                kind: KeyKind::Ed448,
            })
        }
        "1.2.840.10040.4.1" => Err(Error::UnsupportedKey("DSA".into())),
        _ => Err(Error::UnsupportedKey(oid)),
    }
}

/// `RSAPublicKey` out of `RSAPrivateKey` (both PKCS#1). The crate `pkcs1` refuses numbers with a zero too many or too few
/// in front, which OpenSSL reads.
fn rsa_public(der: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut members = Reader::new(der).sequence()?;
    members.small()?;
    let (modulus, exponent) = (members.next()?, members.next()?);
    // The remaining six numbers must be there: a key with less is cut.
    for _ in 0..6 {
        members.take(INTEGER)?;
    }
    let numbers = [modulus, exponent]
        .iter()
        .all(|number| number.tag == INTEGER && !number.body.is_empty());
    numbers.then(|| value(SEQUENCE, &[modulus.whole, exponent.whole]))
}

/// The public point of a private scalar on the curves that servers use.
fn point(curve: &Curve, scalar: &[u8]) -> Option<Vec<u8>> {
    let length = curve.scalar_length()?;
    let skip = scalar.len().saturating_sub(length);
    if scalar[..skip].iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut padded = Zeroizing::new(vec![0; length]);
    let scalar = &scalar[skip..];
    padded[length - scalar.len()..].copy_from_slice(scalar);
    let bytes = match curve {
        Curve::P256 => p256::SecretKey::from_slice(&padded)
            .ok()?
            .public_key()
            .to_sec1_bytes(),
        Curve::P384 => p384::SecretKey::from_slice(&padded)
            .ok()?
            .public_key()
            .to_sec1_bytes(),
        Curve::P521 => p521::SecretKey::from_slice(&padded)
            .ok()?
            .public_key()
            .to_sec1_bytes(),
        Curve::Other(_) | Curve::Explicit => return None,
    };
    // Some curves' default is the compressed form; certificates carry both coordinates.
    (bytes.first() == Some(&4)).then(|| bytes.to_vec())
}

fn wrap(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    value(
        SEQUENCE,
        &[&value(INTEGER, &[&[0]]), algorithm, &value(OCTET_STRING, &[key])],
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::made;
    use super::*;
    use crate::tls::issue::KeyType;
    use crate::tls::pem;

    #[test]
    fn the_inner_forms_are_read_and_the_public_point_is_computed() {
        for key_type in [KeyType::P256, KeyType::P384] {
            let (key_pem, public) = made(key_type);
            let key = PrivateKey::read(key_pem.as_bytes(), None).unwrap();
            let mut members = Reader::new(key.pkcs8()).sequence().unwrap();
            members.small();
            let mut algorithm = members.sequence().unwrap();
            algorithm.take(OID);
            let parameters = algorithm.rest();
            let sec1 = Sec1::read(members.take(OCTET_STRING).unwrap()).unwrap();
            // A key of openssl's kind with the curve and no public point.
            let bare = value(
                SEQUENCE,
                &[
                    &value(INTEGER, &[&[1]]),
                    &value(OCTET_STRING, &[sec1.scalar]),
                    &value(CONTEXT_0, &[parameters]),
                ],
            );
            let read = PrivateKey::read(pem::encode("EC PRIVATE KEY", &bare).as_bytes(), None).unwrap();
            assert_eq!(read.matches(&public), Some(true));
            assert_eq!(read.pkcs8(), key.pkcs8());
        }
    }
}
