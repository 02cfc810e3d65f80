//! What can go wrong in `tls/`, as values that rules and tests can compare.
//!
//! No variant ever carries bytes of a private key or a pass-phrase.

use std::fmt;

use super::protection::Encryption;
use crate::wording::count;

/// Why a job on a certificate or key could not be done. The text says what and what to do next; the caller
/// knows the file and puts its name in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// No name was given for a certificate or request.
    NoName,
    /// This is no domain name and no IP address that a certificate can carry.
    BadName {
        /// As it was given.
        name: String,
        /// What is wrong with it, as the end of a sentence.
        reason: &'static str,
    },
    /// The validity asked for is not between 1 and so many days.
    BadValidity {
        /// Days asked for.
        days: u32,
        /// The most that can be asked for.
        most: u32,
    },
    /// The system gave no random numbers, or making a key failed.
    KeyGeneration,
    /// A certificate or request could not be put together or signed.
    Signing(String),
    /// The file holds no private key; what it is instead (see [`crate::tls::container::Contents::describe`]).
    NoPrivateKey(String),
    /// The key is protected by a pass-phrase, and none was given.
    Encrypted(Encryption),
    /// The pass-phrase does not open the key or PFX.
    WrongPassPhrase,
    /// The protection is of a kind that we recognise but cannot take off.
    UnsupportedEncryption(Encryption),
    /// The protection asks for more computation than any honest file does.
    AbsurdEncryption,
    /// The key's bytes are incomplete or make no sense.
    DamagedKey,
    /// A key of a kind that serves no TLS server we know: an object identifier or a name.
    UnsupportedKey(String),
    /// The file holds no certificate; what it is instead.
    NoCertificate(String),
    /// The file holds an archive, where a certificate or key in PEM is wanted; which one.
    InArchive(String),
    /// The certificate's bytes are incomplete or make no sense.
    DamagedCertificate,
    /// The request's bytes are incomplete or make no sense.
    DamagedRequest,
    /// The file holds no archive; what it is instead.
    NoArchive(String),
    /// The PFX or p7b cannot be read; why, as the end of a sentence.
    DamagedArchive(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoName => f.write_str("no name was given; name at least one domain or IP address"),
            Error::BadName { name, reason } => write!(
                f,
                "{name:?} is not a name that a certificate can have: {reason}; give a domain like esync.example.com"
            ),
            Error::BadValidity { days, most } => {
                let asked = count(*days as usize, "day");
                write!(f, "a certificate cannot be valid for {asked}; choose between 1 and {most} days")
            }
            Error::KeyGeneration => {
                f.write_str("no private key could be made: the system's random numbers are not available")
            }
            Error::Signing(reason) => write!(f, "the certificate could not be made: {reason}"),
            Error::NoPrivateKey(found) => write!(
                f,
                "this is not a private key but {found}; give the key that the certificate request was made with"
            ),
            Error::Encrypted(encryption) => write!(
                f,
                "the private key is protected by a pass-phrase ({encryption}); give the pass-phrase to remove it"
            ),
            Error::WrongPassPhrase => f.write_str("the pass-phrase is wrong; try again with the right one"),
            Error::UnsupportedEncryption(encryption) => write!(
                f,
                "the private key is protected by {encryption}, which esync-ssl cannot open; export it again under \
                 a pass-phrase with AES, or convert it where OpenSSL is installed: openssl pkey -provider legacy \
                 -provider default"
            ),
            Error::AbsurdEncryption => f.write_str(
                "opening the key would take far too much computation, so the file is damaged or malicious; ask for \
                 the key again",
            ),
            Error::DamagedKey => {
                f.write_str("the private key is damaged or incomplete; copy the file again from its origin")
            }
            Error::UnsupportedKey(kind) => {
                write!(
                    f,
                    "this kind of private key ({kind}) does not work for a TLS server; make a P-256 or RSA key"
                )
            }
            Error::NoCertificate(found) => write!(
                f,
                "this is not a certificate but {found}; give the certificate that the CA sent"
            ),
            Error::InArchive(found) => write!(
                f,
                "this is {found}; unpack it with esync-ssl cert import and give the files that it writes"
            ),
            Error::DamagedCertificate => {
                f.write_str("the certificate is damaged or incomplete; copy the file again from its origin")
            }
            Error::DamagedRequest => {
                f.write_str("the certificate request is damaged or incomplete; make it again")
            }
            Error::NoArchive(found) => {
                write!(
                    f,
                    "this is neither a PFX nor a p7b archive but {found}; give the file that was exported"
                )
            }
            Error::DamagedArchive(reason) => {
                write!(f, "the archive cannot be read: {reason}; export it again")
            }
        }
    }
}

impl std::error::Error for Error {}
