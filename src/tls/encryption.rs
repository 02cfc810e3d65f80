//! Telling how a private key is protected by a pass-phrase, and taking the protection off.
//!
//! Does not guess pass-phrases and does not ask for one. Nothing here shows decrypted bytes.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipherDecrypt, BlockModeDecrypt, KeyInit, KeyIvInit};
use md5::{Digest, Md5};
use pkcs12::kdf::{Pkcs12KeyType, derive_key_utf8};
use sha1::Sha1;
use zeroize::Zeroizing;

use super::Error;
use super::der::{OCTET_STRING, OID, Reader, SEQUENCE, dotted};
use super::pem::Block;
use super::protection::{Cipher, Derivation, Encryption, Pbes1, Pkcs12Scheme};

/// Rounds of key derivation beyond which a file is refused: a hundred times what careful tools use, a few
/// seconds of work. A file that asks for more is damaged or made to stop us.
pub const MAX_ROUNDS: u64 = 10_000_000;

/// Memory and work of scrypt (128 · N · r · p, in bytes) beyond which a file is refused.
const MAX_SCRYPT: u64 = 1 << 30;

/// The encryption of a PEM block of the old kind, if its headers say so.
pub(crate) fn of_headers(block: &Block) -> Option<Encryption> {
    let encrypted = block
        .header("Proc-Type")
        .is_some_and(|value| value.to_uppercase().contains("ENCRYPTED"));
    if !encrypted {
        return None;
    }
    let name = block
        .header("DEK-Info")
        .and_then(|info| info.split(',').next())
        .unwrap_or("")
        .trim();
    Some(Encryption::LegacyPem(match name.to_ascii_uppercase().as_str() {
        "DES-CBC" => Cipher::Des,
        "DES-EDE3-CBC" => Cipher::TripleDes,
        "AES-128-CBC" => Cipher::Aes128,
        "AES-192-CBC" => Cipher::Aes192,
        "AES-256-CBC" => Cipher::Aes256,
        _ => Cipher::Other(name.chars().filter(char::is_ascii_graphic).take(40).collect()),
    }))
}

/// The encryption of a PKCS#8 `EncryptedPrivateKeyInfo`, if these bytes are one.
pub(crate) fn of_der(der: &[u8]) -> Option<Encryption> {
    let mut outer = Reader::new(der).sequence()?;
    let mut algorithm = outer.sequence()?;
    let oid = dotted(algorithm.take(OID)?);
    outer.take(OCTET_STRING)?;
    if let Some(number) = oid.strip_prefix("1.2.840.113549.1.5.") {
        return Some(match number {
            "1" => Encryption::Pbes1(Pbes1::Md2Des),
            "3" => Encryption::Pbes1(Pbes1::Md5Des),
            "4" => Encryption::Pbes1(Pbes1::Md2Rc2),
            "6" => Encryption::Pbes1(Pbes1::Md5Rc2),
            "10" => Encryption::Pbes1(Pbes1::Sha1Des),
            "11" => Encryption::Pbes1(Pbes1::Sha1Rc2),
            "13" => pbes2(algorithm),
            _ => Encryption::Unknown(oid),
        });
    }
    let number = oid.strip_prefix("1.2.840.113549.1.12.1.")?;
    Some(Encryption::Pkcs12(match number {
        "1" => Pkcs12Scheme::Rc4With128Bits,
        "2" => Pkcs12Scheme::Rc4With40Bits,
        "3" => Pkcs12Scheme::TripleDes,
        "4" => Pkcs12Scheme::TwoKeyTripleDes,
        "5" => Pkcs12Scheme::Rc2With128Bits,
        "6" => Pkcs12Scheme::Rc2With40Bits,
        _ => return Some(Encryption::Unknown(oid)),
    }))
}

fn pbes2(mut algorithm: Reader<'_>) -> Encryption {
    let mut parameters = algorithm.sequence();
    let mut oid = || {
        let mut part = parameters.as_mut()?.sequence()?;
        part.take(OID).map(dotted)
    };
    let derivation = oid().unwrap_or_default();
    let cipher = oid().unwrap_or_default();
    Encryption::Pbes2 {
        derivation: match derivation.as_str() {
            "1.2.840.113549.1.5.12" => Derivation::Pbkdf2,
            "1.3.6.1.4.1.11591.4.11" => Derivation::Scrypt,
            _ => Derivation::Other(derivation),
        },
        cipher: match cipher.as_str() {
            "1.3.14.3.2.7" => Cipher::Des,
            "1.2.840.113549.3.7" => Cipher::TripleDes,
            "2.16.840.1.101.3.4.1.2" => Cipher::Aes128,
            "2.16.840.1.101.3.4.1.22" => Cipher::Aes192,
            "2.16.840.1.101.3.4.1.42" => Cipher::Aes256,
            _ => Cipher::Other(cipher),
        },
    }
}

/// Decrypts a PKCS#8 `EncryptedPrivateKeyInfo`. The result may be nonsense after a wrong pass-phrase in one
/// of 256 cases: the caller must parse it.
pub(crate) fn decrypt_der(der: &[u8], pass_phrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let encryption = of_der(der).ok_or(Error::DamagedKey)?;
    let mut outer = Reader::new(der).sequence().ok_or(Error::DamagedKey)?;
    let mut algorithm = outer.sequence().ok_or(Error::DamagedKey)?;
    let data = outer.take(OCTET_STRING).ok_or(Error::DamagedKey)?;
    algorithm.take(OID).ok_or(Error::DamagedKey)?;
    let mut parameters = algorithm.sequence().ok_or(Error::DamagedKey)?;
    let unsupported = || Error::UnsupportedEncryption(encryption.clone());
    match &encryption {
        Encryption::Pbes2 {
            derivation: Derivation::Pbkdf2 | Derivation::Scrypt,
            cipher: Cipher::Des | Cipher::TripleDes | Cipher::Aes128 | Cipher::Aes192 | Cipher::Aes256,
        } => {
            bounded_derivation(&mut parameters)?;
            let info = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der).map_err(|_| unsupported())?;
            match info.encryption_algorithm.decrypt(pass_phrase, data) {
                Ok(plain) => Ok(Zeroizing::new(plain)),
                Err(pkcs8::pkcs5::Error::DecryptFailed) => Err(Error::WrongPassPhrase),
                Err(_) => Err(unsupported()),
            }
        }
        Encryption::Pbes1(scheme) => {
            let (salt, rounds) = salt_and_rounds(&mut parameters)?;
            let derived = match scheme {
                Pbes1::Md5Des | Pbes1::Md5Rc2 => pbkdf1::<Md5>(pass_phrase, salt, rounds),
                Pbes1::Sha1Des | Pbes1::Sha1Rc2 => pbkdf1::<Sha1>(pass_phrase, salt, rounds),
                Pbes1::Md2Des | Pbes1::Md2Rc2 => return Err(unsupported()),
            };
            let (key, iv) = (&derived[..8], &derived[8..16]);
            match scheme {
                Pbes1::Md5Rc2 | Pbes1::Sha1Rc2 => cbc_decrypt::<rc2::Rc2>(key, iv, data),
                _ => cbc_decrypt::<des::Des>(key, iv, data),
            }
        }
        Encryption::Pkcs12(scheme) => {
            let (salt, rounds) = salt_and_rounds(&mut parameters)?;
            let text = std::str::from_utf8(pass_phrase).map_err(|_| Error::WrongPassPhrase)?;
            let derive = |purpose, length| {
                let rounds = i32::try_from(rounds).map_err(|_| Error::AbsurdEncryption)?;
                derive_key_utf8::<Sha1>(text, salt, purpose, rounds, length)
                    .map(Zeroizing::new)
                    .map_err(|_| Error::WrongPassPhrase)
            };
            let key = |length| derive(Pkcs12KeyType::EncryptionKey, length);
            let iv = derive(Pkcs12KeyType::Iv, 8)?;
            match scheme {
                Pkcs12Scheme::TripleDes => cbc_decrypt::<des::TdesEde3>(&key(24)?, &iv, data),
                Pkcs12Scheme::TwoKeyTripleDes => cbc_decrypt::<des::TdesEde2>(&key(16)?, &iv, data),
                Pkcs12Scheme::Rc2With128Bits => cbc_decrypt::<rc2::Rc2>(&key(16)?, &iv, data),
                Pkcs12Scheme::Rc2With40Bits => cbc_decrypt::<rc2::Rc2>(&key(5)?, &iv, data),
                Pkcs12Scheme::Rc4With128Bits | Pkcs12Scheme::Rc4With40Bits => Err(unsupported()),
            }
        }
        _ => Err(unsupported()),
    }
}

/// Decrypts a PEM block with the headers of legacy encryption; see [`decrypt_der`] about the result.
pub(crate) fn decrypt_block(block: &Block, pass_phrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
    let Some(encryption @ Encryption::LegacyPem(_)) = of_headers(block) else {
        return Err(Error::DamagedKey);
    };
    let Encryption::LegacyPem(cipher) = &encryption else {
        return Err(Error::DamagedKey);
    };
    let iv = block
        .header("DEK-Info")
        .and_then(|info| info.split_once(','))
        .map(|(_, iv)| iv.trim());
    let iv = iv.and_then(hex).ok_or(Error::DamagedKey)?;
    let (key_length, iv_length) = match cipher {
        Cipher::Des => (8, 8),
        Cipher::TripleDes => (24, 8),
        Cipher::Aes128 => (16, 16),
        Cipher::Aes192 => (24, 16),
        Cipher::Aes256 => (32, 16),
        Cipher::Other(_) => return Err(Error::UnsupportedEncryption(encryption)),
    };
    if iv.len() != iv_length {
        return Err(Error::DamagedKey);
    }
    // OpenSSL's EVP_BytesToKey: MD5 chained over itself, pass-phrase and salt, one round.
    let mut key: Zeroizing<Vec<u8>> = Zeroizing::new(Vec::with_capacity(48));
    let mut last: Zeroizing<Vec<u8>> = Zeroizing::default();
    while key.len() < key_length {
        let mut md5 = Md5::new();
        md5.update(&*last);
        md5.update(pass_phrase);
        md5.update(&iv[..8]);
        last = Zeroizing::new(md5.finalize().to_vec());
        key.extend_from_slice(&last);
    }
    let (key, data) = (&key[..key_length], block.der.as_slice());
    match cipher {
        Cipher::Des => cbc_decrypt::<des::Des>(key, &iv, data),
        Cipher::TripleDes => cbc_decrypt::<des::TdesEde3>(key, &iv, data),
        Cipher::Aes128 => cbc_decrypt::<aes::Aes128>(key, &iv, data),
        Cipher::Aes192 => cbc_decrypt::<aes::Aes192>(key, &iv, data),
        _ => cbc_decrypt::<aes::Aes256>(key, &iv, data),
    }
}

/// Refuses PBES2 parameters that would cost too much, before anything is computed.
fn bounded_derivation(parameters: &mut Reader<'_>) -> Result<(), Error> {
    let mut derivation = parameters.sequence().ok_or(Error::DamagedKey)?;
    let scrypt = dotted(derivation.take(OID).ok_or(Error::DamagedKey)?).starts_with("1.3.6.1.4.1.11591");
    let mut inner = derivation.sequence().ok_or(Error::DamagedKey)?;
    inner.take(OCTET_STRING).ok_or(Error::DamagedKey)?;
    if !scrypt {
        let rounds = inner.small().ok_or(Error::AbsurdEncryption)?;
        return if rounds <= MAX_ROUNDS {
            Ok(())
        } else {
            Err(Error::AbsurdEncryption)
        };
    }
    let mut cost: u64 = 128;
    for _ in 0..3 {
        let factor = inner.small().ok_or(Error::AbsurdEncryption)?;
        cost = cost.checked_mul(factor.max(1)).ok_or(Error::AbsurdEncryption)?;
    }
    if cost <= MAX_SCRYPT {
        Ok(())
    } else {
        Err(Error::AbsurdEncryption)
    }
}

/// `SEQUENCE { salt OCTET STRING, rounds INTEGER }`, as PBES1 and PKCS#12 have it.
fn salt_and_rounds<'a>(parameters: &mut Reader<'a>) -> Result<(&'a [u8], u64), Error> {
    let salt = parameters.take(OCTET_STRING).ok_or(Error::DamagedKey)?;
    let rounds = parameters.small().ok_or(Error::AbsurdEncryption)?;
    if rounds == 0 || rounds > MAX_ROUNDS || salt.len() > 1024 {
        return Err(Error::AbsurdEncryption);
    }
    Ok((salt, rounds))
}

/// PBKDF1 (RFC 8018, 5.1): 16 bytes or more.
fn pbkdf1<D: Digest>(pass_phrase: &[u8], salt: &[u8], rounds: u64) -> Zeroizing<Vec<u8>> {
    let mut digest = D::new();
    digest.update(pass_phrase);
    digest.update(salt);
    let mut derived = Zeroizing::new(digest.finalize().to_vec());
    for _ in 1..rounds {
        derived = Zeroizing::new(D::digest(&*derived).to_vec());
    }
    derived
}

fn cbc_decrypt<C>(key: &[u8], iv: &[u8], data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| Error::DamagedKey)?;
    cipher
        .decrypt_padded_vec::<Pkcs7>(data)
        .map(Zeroizing::new)
        .map_err(|_| Error::WrongPassPhrase)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// Whether decrypted bytes look like a SEQUENCE and nothing after it.
pub(crate) fn plausible(der: &[u8]) -> bool {
    let mut reader = Reader::new(der);
    reader.next().is_some_and(|value| value.tag == SEQUENCE) && reader.rest().is_empty()
}
