//! Makes private keys, of kinds that every Apache 2.4 takes. Shows none and writes no file.

use std::fmt;
use std::str::FromStr;

use rcgen::SignatureAlgorithm;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair};
use rsa::pkcs8::EncodePrivateKey;
use rsa::rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::Error;

/// A kind of new private key. All of them work with every Apache 2.4 and OpenSSL 1.0.1 or later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// EC on curve P-256 (prime256v1): small and fast.
    #[default]
    P256,
    /// EC on curve P-384 (secp384r1).
    P384,
    /// RSA with 2048 bits, for clients that know nothing else.
    Rsa2048,
    /// RSA with 3072 bits.
    Rsa3072,
    /// RSA with 4096 bits: takes seconds to make, and every handshake pays for it.
    Rsa4096,
}

impl KeyType {
    /// Every kind, in the order in which help texts list them.
    pub const ALL: [KeyType; 5] = [
        KeyType::P256,
        KeyType::P384,
        KeyType::Rsa2048,
        KeyType::Rsa3072,
        KeyType::Rsa4096,
    ];

    pub(super) fn is_rsa(self) -> bool {
        matches!(self, KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096)
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            KeyType::P256 => "p256",
            KeyType::P384 => "p384",
            KeyType::Rsa2048 => "rsa2048",
            KeyType::Rsa3072 => "rsa3072",
            KeyType::Rsa4096 => "rsa4096",
        })
    }
}

impl FromStr for KeyType {
    type Err = String;

    /// Reads the word that [`KeyType`] displays, in any case and with or without a hyphen.
    fn from_str(word: &str) -> Result<Self, String> {
        let plain: String = word
            .chars()
            .filter(|c| *c != '-')
            .collect::<String>()
            .to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|t| t.to_string() == plain)
            .ok_or_else(|| {
                let all: Vec<String> = Self::ALL.iter().map(ToString::to_string).collect();
                format!("unknown kind of key; choose one of {}", all.join(", "))
            })
    }
}

impl KeyType {
    /// What a new key signs with.
    pub(super) fn algorithm(self) -> &'static SignatureAlgorithm {
        match self {
            KeyType::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyType::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096 => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

/// A new private key as PKCS#8 DER.
pub(super) fn new_key(key_type: KeyType) -> Result<Zeroizing<Vec<u8>>, Error> {
    let random = SystemRandom::new();
    let ec = |algorithm| {
        EcdsaKeyPair::generate_pkcs8(algorithm, &random)
            .map(|document| Zeroizing::new(document.as_ref().to_vec()))
            .map_err(|_| Error::KeyGeneration)
    };
    let bits = match key_type {
        KeyType::P256 => return ec(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyType::P384 => return ec(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyType::Rsa2048 => 2048,
        KeyType::Rsa3072 => 3072,
        KeyType::Rsa4096 => 4096,
    };
    let key = rsa::PrivateKey::new(&mut Random(random), bits).map_err(|_| Error::KeyGeneration)?;
    Ok(key.to_pkcs8_der().map_err(|_| Error::KeyGeneration)?.to_bytes())
}

/// ring's random numbers in the shape that the rsa crate asks for.
struct Random(SystemRandom);

impl TryRng for Random {
    type Error = rsa::Error;

    fn try_next_u32(&mut self) -> Result<u32, rsa::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, rsa::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rsa::Error> {
        self.0.fill(bytes).map_err(|_| rsa::Error::Rng)
    }
}

impl TryCryptoRng for Random {}
