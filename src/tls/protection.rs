//! The schemes by which a private key is protected by a pass-phrase, and what they are called.

use std::fmt;

/// The scheme that protects a key. Generations of OpenSSL differ in what they read even with the right
/// pass-phrase: OpenSSL 3 has single DES, MD5 and RC2 in a provider that Apache does not load; 1.0.2 knows no
/// scrypt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// `Proc-Type: 4,ENCRYPTED`, as OpenSSL 1.x wrote it.
    LegacyPem(Cipher),
    /// PKCS#8 with PBES2 (RFC 8018).
    Pbes2 {
        /// How the key is derived.
        derivation: Derivation,
        /// The cipher.
        cipher: Cipher,
    },
    /// PKCS#8 with PBES1 (RFC 8018).
    Pbes1(Pbes1),
    /// PKCS#8 with a scheme of PKCS#12 (RFC 7292).
    Pkcs12(Pkcs12Scheme),
    /// An object identifier that we do not know.
    Unknown(String),
}

/// The cipher that `DEK-Info` or PBES2 names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Cipher {
    Des,
    TripleDes,
    Aes128,
    Aes192,
    Aes256,
    /// Another name, or object identifier, as it stands there.
    Other(String),
}

/// Key derivation within PBES2.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Derivation {
    Pbkdf2,
    Scrypt,
    Other(String),
}

/// Schemes of PBES1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pbes1 {
    Md2Des,
    Md5Des,
    Md2Rc2,
    Md5Rc2,
    Sha1Des,
    Sha1Rc2,
}

/// Schemes of PKCS#12, all with SHA-1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Pkcs12Scheme {
    Rc4With128Bits,
    Rc4With40Bits,
    TripleDes,
    TwoKeyTripleDes,
    Rc2With128Bits,
    Rc2With40Bits,
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encryption::LegacyPem(cipher) => write!(
                f,
                "legacy PEM encryption with {}",
                match cipher {
                    Cipher::Des => "DES-CBC",
                    Cipher::TripleDes => "DES-EDE3-CBC",
                    Cipher::Aes128 => "AES-128-CBC",
                    Cipher::Aes192 => "AES-192-CBC",
                    Cipher::Aes256 => "AES-256-CBC",
                    Cipher::Other(name) => return write!(f, "legacy PEM encryption with {name:?}"),
                }
            ),
            Encryption::Pbes2 { derivation, cipher } => {
                f.write_str("PKCS#8 with ")?;
                match derivation {
                    Derivation::Pbkdf2 => f.write_str("PBKDF2")?,
                    Derivation::Scrypt => f.write_str("scrypt")?,
                    Derivation::Other(oid) => write!(f, "key derivation {oid}")?,
                }
                f.write_str(match cipher {
                    Cipher::Des => " and DES",
                    Cipher::TripleDes => " and 3DES",
                    Cipher::Aes128 => " and AES-128",
                    Cipher::Aes192 => " and AES-192",
                    Cipher::Aes256 => " and AES-256",
                    Cipher::Other(oid) => return write!(f, " and cipher {oid}"),
                })
            }
            Encryption::Pbes1(scheme) => write!(
                f,
                "PKCS#8 with PBES1 ({})",
                match scheme {
                    Pbes1::Md2Des => "MD2 and DES",
                    Pbes1::Md5Des => "MD5 and DES",
                    Pbes1::Md2Rc2 => "MD2 and RC2",
                    Pbes1::Md5Rc2 => "MD5 and RC2",
                    Pbes1::Sha1Des => "SHA-1 and DES",
                    Pbes1::Sha1Rc2 => "SHA-1 and RC2",
                }
            ),
            Encryption::Pkcs12(scheme) => write!(
                f,
                "PKCS#8 with the PKCS#12 scheme SHA-1 and {}",
                match scheme {
                    Pkcs12Scheme::Rc4With128Bits => "RC4-128",
                    Pkcs12Scheme::Rc4With40Bits => "RC4-40",
                    Pkcs12Scheme::TripleDes => "3DES",
                    Pkcs12Scheme::TwoKeyTripleDes => "two-key 3DES",
                    Pkcs12Scheme::Rc2With128Bits => "RC2-128",
                    Pkcs12Scheme::Rc2With40Bits => "RC2-40",
                }
            ),
            Encryption::Unknown(oid) => write!(f, "PKCS#8 with the unknown scheme {oid}"),
        }
    }
}
