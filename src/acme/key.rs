//! Account keys: made (ES256) or imported (P-256, P-384, RSA), what they sign with, and how they are named (RFC 7638).
//!
//! Never shown: no `Debug` and no error has bytes of a private key.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::base64url;
use super::error::Error;
use crate::tls::issue::{self, KeyType};
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::{Curve, KeyKind};

/// A key that signs requests to a CA: that of an account, or, for revoking, that of a certificate.
pub struct AccountKey {
    signer: Signer,
    pem: Zeroizing<String>,
}

enum Signer {
    Ec(Ec, EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// Which curve, and what depends on it.
#[derive(Clone, Copy)]
enum Ec {
    P256,
    P384,
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountKey")
            .field("algorithm", &self.algorithm())
            .field("thumbprint", &self.thumbprint())
            .finish_non_exhaustive()
    }
}

impl AccountKey {
    /// A new P-256 key.
    pub fn generate() -> Result<AccountKey, Error> {
        Self::from_key(&issue::private_key(KeyType::P256)?)
    }

    /// The first private key of a file in PEM or DER, or one in JSON as certbot has it: P-256, P-384, or RSA of 2048 to 4096
    /// bits.
    pub fn read(file: &[u8]) -> Result<AccountKey, Error> {
        Self::from_key(&match file.trim_ascii_start().starts_with(b"{") {
            true => PrivateKey::from_jwk(file)?,
            false => PrivateKey::read(file, None)?,
        })
    }

    /// That of a key that was read before.
    pub fn from_key(key: &PrivateKey) -> Result<AccountKey, Error> {
        let damaged =
            |_| Error::AccountKey("it is damaged, or an RSA key of less than 2048 or more than 4096 bits");
        let random = SystemRandom::new();
        let ec = |curve: Ec| {
            let signing = match curve {
                Ec::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                Ec::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
            };
            let pair = EcdsaKeyPair::from_pkcs8(signing, key.pkcs8(), &random).map_err(damaged)?;
            Ok(Signer::Ec(curve, pair))
        };
        let signer = match key.kind() {
            KeyKind::Ec(Curve::P256) => ec(Ec::P256),
            KeyKind::Ec(Curve::P384) => ec(Ec::P384),
            KeyKind::Rsa { .. } => RsaKeyPair::from_pkcs8(key.pkcs8())
                .map(Signer::Rsa)
                .map_err(damaged),
            _ => Err(Error::AccountKey("it is neither EC (P-256, P-384) nor RSA")),
        }?;
        Ok(AccountKey {
            signer,
            pem: key.to_pem(),
        })
    }

    /// One block `PRIVATE KEY`, to be stored for its owner only.
    pub fn to_pem(&self) -> &Zeroizing<String> {
        &self.pem
    }

    /// SHA-256 of the public key as JWK (RFC 7638), in base64url: names the key.
    pub fn thumbprint(&self) -> String {
        // Members in alphabetical order and without blanks, which is what serde_json writes.
        let text = self.jwk().to_string();
        base64url::encode(digest(&SHA256, text.as_bytes()).as_ref())
    }

    /// What proves that the holder of this key answers a challenge (RFC 8555, 8.1): for http-01 this is the whole file.
    pub fn key_authorization(&self, token: &str) -> String {
        format!("{token}.{}", self.thumbprint())
    }

    /// The public key (RFC 7517).
    pub(super) fn jwk(&self) -> Value {
        match &self.signer {
            Signer::Ec(curve, pair) => {
                // 4, then both coordinates.
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let name = match curve {
                    Ec::P256 => "P-256",
                    Ec::P384 => "P-384",
                };
                json!({"crv": name, "kty": "EC", "x": base64url::encode(x), "y": base64url::encode(y)})
            }
            Signer::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({"e": base64url::encode(&public.e), "kty": "RSA", "n": base64url::encode(&public.n)})
            }
        }
    }

    /// `alg` of RFC 7518.
    pub(super) fn algorithm(&self) -> &'static str {
        match &self.signer {
            Signer::Ec(Ec::P256, _) => "ES256",
            Signer::Ec(Ec::P384, _) => "ES384",
            Signer::Rsa(_) => "RS256",
        }
    }

    pub(super) fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let random = SystemRandom::new();
        let failed = |_| Error::Own(crate::tls::Error::Signing("the key does not sign".to_owned()));
        match &self.signer {
            Signer::Ec(_, pair) => {
                let signature = pair.sign(&random, text).map_err(failed)?;
                Ok(signature.as_ref().to_vec())
            }
            Signer::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
                    .map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
        VerificationAlgorithm,
    };

    #[test]
    fn each_kind_signs_and_names_itself() {
        let of = |key_type| AccountKey::from_key(&issue::private_key(key_type).unwrap()).unwrap();
        let kinds: [(KeyType, &str, &'static dyn VerificationAlgorithm); 3] = [
            (KeyType::P256, "ES256", &ECDSA_P256_SHA256_FIXED),
            (KeyType::P384, "ES384", &ECDSA_P384_SHA384_FIXED),
            (KeyType::Rsa2048, "RS256", &RSA_PKCS1_2048_8192_SHA256),
        ];
        for (key_type, algorithm, judge) in kinds {
            let key = of(key_type);
            assert_eq!(key.algorithm(), algorithm);
            let public = match &key.signer {
                Signer::Ec(_, pair) => pair.public_key().as_ref().to_vec(),
                Signer::Rsa(pair) => pair.public_key().as_ref().to_vec(),
            };
            let signature = key.sign(b"text").unwrap();
            assert!(
                UnparsedPublicKey::new(judge, public)
                    .verify(b"text", &signature)
                    .is_ok()
            );
            let again = AccountKey::read(key.to_pem().as_bytes()).unwrap();
            assert_eq!(again.thumbprint(), key.thumbprint());
            assert_eq!(key.key_authorization("t"), format!("t.{}", key.thumbprint()));
            assert_ne!(of(key_type).thumbprint(), key.thumbprint());
        }
    }

    #[test]
    fn members_are_in_the_order_that_the_thumbprint_wants() {
        let jwk = |key_type| {
            AccountKey::from_key(&issue::private_key(key_type).unwrap())
                .unwrap()
                .jwk()
        };
        let text = jwk(KeyType::P256).to_string();
        assert!(
            text.starts_with("{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\""),
            "{text}"
        );
        let text = jwk(KeyType::Rsa2048).to_string();
        assert!(
            text.starts_with("{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\""),
            "{text}"
        );
    }

    #[test]
    fn no_other_file_is_a_key_and_none_is_shown() {
        for file in [
            "",
            "{}",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(AccountKey::read(file.as_bytes()).is_err(), "{file}");
        }
        let key = AccountKey::generate().unwrap();
        let shown = format!("{key:?} {key:#?}");
        let secret = key.to_pem().lines().nth(1).unwrap().to_owned();
        assert!(!shown.contains(&secret) && !shown.contains("PRIVATE"), "{shown}");
        assert!(shown.contains(&key.thumbprint()), "{shown}");
    }
}
