//! Private keys: read in every form that administrators bring, freed of a pass-phrase, written as PKCS#8.
//!
//! Does not make keys (see [`crate::tls::issue`]). Never shows one: no `Debug`, no error text has its bytes.

mod forms;
mod jwk;

use std::fmt;

use zeroize::Zeroizing;

use super::container::{Contents, Fault, Item, KeyForm, Kind};
use super::public_key::{KeyKind, PublicKey};
use super::{Error, encryption, pem};
pub use forms::carries_public_key;

/// A private key without protection. Wiped when dropped.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: Option<PublicKey>,
    kind: KeyKind,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl PrivateKey {
    /// Reads the first private key of a file, as Apache does. A key under a pass-phrase gives
    /// [`Error::Encrypted`] when `pass_phrase` is `None`; for other keys the pass-phrase is not looked at.
    pub fn read(file: &[u8], pass_phrase: Option<&[u8]>) -> Result<PrivateKey, Error> {
        let contents = Contents::recognise(file);
        match contents.keys().next() {
            Some(item) => Self::from_item(item, pass_phrase),
            None => Err(match contents.archive() {
                Some(archive) if archive.kind == Kind::Pfx => Error::InArchive(contents.describe()),
                _ => Error::NoPrivateKey(contents.describe()),
            }),
        }
    }

    /// Reads one recognised item; see [`PrivateKey::read`].
    pub fn from_item(item: &Item, pass_phrase: Option<&[u8]>) -> Result<PrivateKey, Error> {
        if matches!(
            item.fault,
            Some(Fault::Pem(_) | Fault::Incomplete | Fault::Damaged)
        ) {
            return Err(Error::DamagedKey);
        }
        match &item.kind {
            Kind::PrivateKey(form) => forms::read(*form, &item.der),
            Kind::EncryptedKey(encryption) => {
                let pass_phrase = pass_phrase.ok_or_else(|| Error::Encrypted(encryption.clone()))?;
                Self::decrypt(item, pass_phrase)
            }
            other => Err(Error::NoPrivateKey(other.describe())),
        }
    }

    /// Reads a PKCS#8 key without protection.
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
        forms::read(KeyForm::Pkcs8, der)
    }

    /// Reads a key in JSON (JWK), as certbot keeps those of accounts.
    pub fn from_jwk(text: &[u8]) -> Result<PrivateKey, Error> {
        jwk::read(text)
    }

    fn decrypt(item: &Item, pass_phrase: &[u8]) -> Result<PrivateKey, Error> {
        let legacy = item
            .block
            .as_ref()
            .filter(|block| encryption::of_headers(block).is_some());
        let (plain, form) = match legacy {
            Some(block) => {
                let form = match block.label.as_str() {
                    "RSA PRIVATE KEY" => KeyForm::Pkcs1,
                    "EC PRIVATE KEY" => KeyForm::Sec1,
                    "DSA PRIVATE KEY" => KeyForm::Dsa,
                    _ => KeyForm::Pkcs8,
                };
                (encryption::decrypt_block(block, pass_phrase)?, form)
            }
            None => (encryption::decrypt_der(&item.der, pass_phrase)?, KeyForm::Pkcs8),
        };
        // A wrong pass-phrase sometimes leaves what looks like padding: only a key counts as success.
        if !encryption::plausible(&plain) {
            return Err(Error::WrongPassPhrase);
        }
        forms::read(form, &plain).map_err(|error| match error {
            Error::DamagedKey => Error::WrongPassPhrase,
            other => other,
        })
    }

    /// The public key; `None` when the file does not carry it and it is on a curve we do not calculate on.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.public.as_ref()
    }

    /// Its kind and size.
    pub fn kind(&self) -> &KeyKind {
        &self.kind
    }

    /// Whether this key belongs to a certificate's public key; `None` when that cannot be found out.
    pub fn matches(&self, certificate_key: &PublicKey) -> Option<bool> {
        self.public
            .as_ref()
            .map(|public| public.same_key(certificate_key))
    }

    /// One block `PRIVATE KEY` without protection, which every Apache 2.4 reads. Wiped when dropped.
    pub fn to_pem(&self) -> Zeroizing<String> {
        pem::encode("PRIVATE KEY", &self.pkcs8)
    }

    /// PKCS#8 in DER.
    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::issue::{self, KeyType};
    use proptest::prelude::*;

    pub fn made(key_type: KeyType) -> (Zeroizing<String>, PublicKey) {
        let now = time::macros::datetime!(2026-03-01 12:00 UTC);
        let made = issue::self_signed(&["a.example".to_owned()], key_type, 30, now).unwrap();
        let der = pem::blocks(made.certificate_pem.as_bytes()).remove(0).der;
        let (_, certificate) = x509_parser::parse_x509_certificate(&der).unwrap();
        (
            made.key_pem,
            PublicKey::from_spki(certificate.public_key().raw).unwrap(),
        )
    }

    #[test]
    fn a_new_key_belongs_to_its_certificate_and_to_no_other() {
        for key_type in [KeyType::P256, KeyType::P384, KeyType::Rsa2048] {
            let (key_pem, public) = made(key_type);
            let key = PrivateKey::read(key_pem.as_bytes(), None).unwrap();
            assert_eq!(key.matches(&public), Some(true), "{key_type}");
            assert_eq!(key.matches(&made(key_type).1), Some(false), "{key_type}");
            assert_eq!(
                PrivateKey::read(key.to_pem().as_bytes(), None).unwrap().pkcs8(),
                key.pkcs8()
            );
            assert_eq!(key.public_key().unwrap().spki, public.spki);
        }
    }

    #[test]
    fn nothing_shows_the_key() {
        let (key_pem, _) = made(KeyType::P256);
        let key = PrivateKey::read(key_pem.as_bytes(), None).unwrap();
        let shown = format!("{key:?} {:?}", Contents::recognise(key_pem.as_bytes()));
        let line = key_pem.lines().nth(1).unwrap();
        assert!(!shown.contains(line) && !shown.contains("48, 129"), "{shown}");
    }

    #[test]
    fn says_what_a_file_is_instead() {
        let refused = |text: &str| PrivateKey::read(text.as_bytes(), None).unwrap_err();
        assert_eq!(refused(""), Error::NoPrivateKey("an empty file".into()));
        assert_eq!(refused("<html>"), Error::NoPrivateKey("a web page (HTML)".into()));
        let now = time::macros::datetime!(2026-03-01 12:00 UTC);
        let made = issue::self_signed(&["a.example".to_owned()], KeyType::P256, 30, now).unwrap();
        assert_eq!(
            refused(&made.certificate_pem),
            Error::NoPrivateKey("a certificate".into())
        );
        let cut: String = made.key_pem.lines().take(2).collect::<Vec<_>>().join("\n");
        assert_eq!(refused(&cut), Error::DamagedKey);
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = PrivateKey::read(&bytes, Some(b"x"));
            for label in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
                let _ = PrivateKey::read(pem::encode(label, &bytes).as_bytes(), Some(b"x"));
            }
        }

        #[test]
        fn a_damaged_key_is_survived(at in 0_usize..138, byte: u8) {
            let mut der = made_once().to_vec();
            let at = at % der.len();
            der[at] = byte;
            let _ = PrivateKey::read(&der, Some(b"x"));
        }
    }

    fn made_once() -> &'static [u8] {
        static KEY: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        KEY.get_or_init(|| {
            pem::blocks(made(KeyType::P256).0.as_bytes())
                .remove(0)
                .der
                .to_vec()
        })
    }
}
