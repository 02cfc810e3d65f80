//! Archives: PFX (PKCS#12) and `.p7b` (PKCS#7), taken apart into what Apache reads.
//!
//! Writes no file. A `.p7b` has no key; who calls must have one already.

use p12_keystore::{Pkcs12Archive, error::Error as P12Error};

use super::Error;
use super::certificate::Certificate;
use super::chain::Chain;
use super::container::{Contents, Fault, Kind};
use super::der::{CONTEXT_0, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, dotted, from_ber};
use super::private_key::PrivateKey;

/// Archives beyond this size (in bytes) are refused unread.
pub const MAX_SIZE: usize = crate::foreign::CERTIFICATE as usize;

/// So many parts of an archive may be under the pass-phrase, each with a computation of its own. Others are refused before any.
const LOCKS: usize = 32;

/// What was in an archive, in the order in which Apache wants it.
#[derive(Debug)]
pub struct Archive {
    /// The private key that belongs to the leaf, or the only one.
    pub key: Option<PrivateKey>,
    /// The server's certificate.
    pub leaf: Certificate,
    /// Its issuers, from the leaf's upwards, without the root.
    pub chain: Vec<Certificate>,
    /// The root, if it was there. Servers do not send it.
    pub root: Option<Certificate>,
    /// Certificates that do not belong to the leaf's chain.
    pub spare: Vec<Certificate>,
}

impl Archive {
    /// Reads a PFX or `.p7b` in any of its spellings. `pass_phrase` is only looked at for a PFX; an empty one
    /// is a pass-phrase too.
    pub fn read(file: &[u8], pass_phrase: &str) -> Result<Archive, Error> {
        if file.len() > MAX_SIZE {
            return Err(Error::DamagedArchive(
                "it is larger than any archive of certificates",
            ));
        }
        let contents = Contents::recognise(file);
        let Some(item) = contents.archive() else {
            return Err(Error::NoArchive(contents.describe()));
        };
        if matches!(item.fault, Some(Fault::Pem(_) | Fault::Incomplete)) {
            return Err(Error::DamagedArchive("it is incomplete"));
        }
        let der = if item.der.get(1) == Some(&0x80) {
            from_ber(&item.der).ok_or(Error::DamagedArchive("its structure is broken"))?
        } else {
            item.der.clone()
        };
        let (keys, certificates) = if item.kind == Kind::Pfx {
            pfx(&der, pass_phrase)?
        } else {
            (
                Vec::new(),
                p7b(&der).ok_or(Error::DamagedArchive("its structure is broken"))?,
            )
        };
        Self::put_in_order(keys, certificates)
    }

    fn put_in_order(mut keys: Vec<PrivateKey>, heap: Vec<Certificate>) -> Result<Archive, Error> {
        // Windows exports may hold several keys; the one with a certificate beside it is meant.
        let belongs = |key: &PrivateKey| heap.iter().any(|c| key.matches(&c.public_key) == Some(true));
        let at = keys.iter().position(belongs).unwrap_or(0);
        let key = if keys.is_empty() {
            None
        } else {
            Some(keys.swap_remove(at))
        };
        let public = key.as_ref().and_then(PrivateKey::public_key);
        let Some(chain) = Chain::order(&heap, public) else {
            return Err(Error::NoCertificate("an archive without any certificate".into()));
        };
        let mut heap: Vec<Option<Certificate>> = heap.into_iter().map(Some).collect();
        let mut take = |at: usize| heap.get_mut(at).and_then(Option::take);
        let leaf = take(chain.leaf).ok_or(Error::DamagedArchive("it has no server certificate"))?;
        let root = chain.root.and_then(&mut take);
        let intermediates: Vec<Certificate> = chain.intermediates.iter().filter_map(|at| take(*at)).collect();
        let spare = chain.spare.iter().filter_map(|at| take(*at)).collect();
        Ok(Archive {
            key,
            leaf,
            chain: intermediates,
            root,
            spare,
        })
    }

    /// Leaf and chain in one file, as `SSLCertificateFile` of Apache 2.4.8 and later takes them.
    pub fn full_chain_pem(&self) -> String {
        std::iter::once(&self.leaf)
            .chain(&self.chain)
            .map(Certificate::to_pem)
            .collect()
    }

    /// The chain alone, for `SSLCertificateChainFile`, which Apache before 2.4.8 needs. Empty without chain.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(Certificate::to_pem).collect()
    }
}

fn pfx(der: &[u8], pass_phrase: &str) -> Result<(Vec<PrivateKey>, Vec<Certificate>), Error> {
    if locks(der) > LOCKS {
        return Err(Error::AbsurdEncryption);
    }
    let archive = Pkcs12Archive::from_pkcs12(der, pass_phrase).map_err(|error| match error {
        // A wrong pass-phrase shows in the MAC; in archives without one, in the padding.
        P12Error::MacError(_) | P12Error::UnpadError | P12Error::Pkcs5Error(_) => Error::WrongPassPhrase,
        P12Error::InvalidParameters => Error::AbsurdEncryption,
        P12Error::UnsupportedEncryptionScheme | P12Error::UnsupportedMacAlgorithm => {
            Error::DamagedArchive("it is protected in a way that esync-ssl does not know")
        }
        P12Error::UnsupportedContentType => {
            Error::DamagedArchive("it is protected by a certificate instead of a pass-phrase")
        }
        _ => Error::DamagedArchive("its structure is broken"),
    })?;
    let mut keys = Vec::new();
    let mut failed = None;
    for bag in &archive.keys {
        match PrivateKey::from_pkcs8(bag.key.as_der()) {
            Ok(key) => keys.push(key),
            Err(error) => failed = Some(error),
        }
    }
    if let (true, Some(error)) = (keys.is_empty(), failed) {
        return Err(error);
    }
    let certificates: Result<Vec<_>, _> = archive
        .certs
        .iter()
        .map(|bag| Certificate::from_der(bag.cert.as_der()))
        .collect();
    // The crate's own copies of the keys cannot be wiped from outside; ours are.
    Ok((keys, certificates?))
}

/// How many parts of a PFX are under the pass-phrase, as far as that can be seen without it (RFC 7292): encrypted safes, and bags
/// with keys or secrets in those that are not.
fn locks(der: &[u8]) -> usize {
    let safes = || {
        let mut pfx = Reader::new(der).sequence()?;
        pfx.take(INTEGER)?;
        let mut content = pfx.sequence()?;
        content.take(OID)?;
        Reader::new(Reader::new(content.take(CONTEXT_0)?).take(OCTET_STRING)?).sequence()
    };
    let (mut safes, mut locks) = (safes().unwrap_or(Reader::new(&[])), 0);
    while let Some(mut safe) = safes.sequence() {
        let kind = safe.take(OID).map(dotted).unwrap_or_default();
        if kind == "1.2.840.113549.1.7.6" {
            locks += 1;
            continue;
        }
        let content = safe.take(CONTEXT_0).unwrap_or_default();
        let content = Reader::new(content).take(OCTET_STRING).unwrap_or_default();
        let mut bags = Reader::new(content).sequence().unwrap_or(Reader::new(&[]));
        while let Some(mut bag) = bags.sequence() {
            let kind = bag.take(OID).map(dotted).unwrap_or_default();
            let is_locked = ["1.2.840.113549.1.12.10.1.2", "1.2.840.113549.1.12.10.1.5"].contains(&&*kind);
            locks += usize::from(is_locked);
        }
    }
    locks
}

/// The certificates of a PKCS#7 `SignedData` (RFC 2315), whose signature nobody looks at.
fn p7b(der: &[u8]) -> Option<Vec<Certificate>> {
    let mut content = Reader::new(der).sequence()?;
    content.take(OID)?;
    let explicit = content.take(CONTEXT_0)?;
    let mut signed = Reader::new(explicit).sequence()?;
    signed.take(INTEGER)?;
    signed.take(SET)?;
    signed.take(SEQUENCE)?;
    let mut members = Reader::new(signed.take(CONTEXT_0).unwrap_or_default());
    let mut certificates = Vec::new();
    while let Some(member) = members.next() {
        if member.tag == SEQUENCE {
            certificates.push(Certificate::from_der(member.whole).ok()?);
        }
    }
    Some(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::chain::tests::made;
    use p12_keystore::{Certificate as P12Certificate, EncryptionAlgorithm, KeyStore, KeyStoreEntry};
    use p12_keystore::{MacAlgorithm, PrivateKey as P12Key, PrivateKeyChain};
    use proptest::prelude::*;

    fn sample(algorithm: EncryptionAlgorithm, mac: MacAlgorithm, pass_phrase: &str) -> Vec<u8> {
        let root = made("root", true, None);
        let lower = made("lower", true, Some(&root.issuer));
        let leaf = made("leaf.example", false, Some(&lower.issuer));
        let key = P12Key::from_der(&leaf.issuer.key().serialize_der()).unwrap();
        let certificates =
            [&leaf, &lower, &root].map(|c| P12Certificate::from_der(c.certificate.der()).unwrap());
        let mut store = KeyStore::new();
        let chain = PrivateKeyChain::new("id", key, certificates);
        store.add_entry("leaf", KeyStoreEntry::PrivateKeyChain(chain));
        let writer = store
            .writer(pass_phrase)
            .encryption_algorithm(algorithm)
            .mac_algorithm(mac);
        writer
            .encryption_iterations(100)
            .mac_iterations(100)
            .write()
            .unwrap()
    }

    #[test]
    fn a_pfx_of_any_age_is_taken_apart() {
        for (algorithm, mac) in [
            (
                EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
                MacAlgorithm::HmacSha256,
            ),
            (
                EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
                MacAlgorithm::HmacSha1,
            ),
            (
                EncryptionAlgorithm::PbeWithShaAnd40BitRc4Cbc,
                MacAlgorithm::HmacSha1,
            ),
        ] {
            for pass_phrase in ["secret", "", "pässwörd"] {
                let file = sample(algorithm, mac, pass_phrase);
                let archive = Archive::read(&file, pass_phrase).unwrap();
                assert_eq!(archive.leaf.common_names, ["leaf.example"]);
                assert_eq!(archive.key.unwrap().matches(&archive.leaf.public_key), Some(true));
                assert_eq!(archive.chain.len(), 1);
                assert_eq!(archive.root.unwrap().common_names, ["root"]);
                assert!(archive.spare.is_empty());
                assert_eq!(Archive::read(&file, "wrong").unwrap_err(), Error::WrongPassPhrase);
            }
        }
    }

    #[test]
    fn an_archive_of_many_locks_is_refused_before_any_is_tried() {
        use crate::tls::der::value;
        const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
        const ENCRYPTED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];
        const SHROUDED: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
        let content =
            |kind: &[u8], body: &[u8]| value(SEQUENCE, &[&value(OID, &[kind]), &value(CONTEXT_0, &[body])]);
        let octets = |body: &[u8]| content(DATA, &value(OCTET_STRING, &[body]));
        let pfx_of = |safes: &[u8]| {
            value(
                SEQUENCE,
                &[&value(INTEGER, &[&[3]]), &octets(&value(SEQUENCE, &[safes]))],
            )
        };
        for many in [1, LOCKS, LOCKS + 1] {
            let safes = pfx_of(&content(ENCRYPTED, b"").repeat(many));
            let bags = value(SEQUENCE, &[&content(SHROUDED, b"").repeat(many)]);
            let bags = pfx_of(&octets(&bags));
            for der in [safes, bags] {
                assert_eq!(locks(&der), many);
                let refused = pfx(&der, "").err() == Some(Error::AbsurdEncryption);
                assert_eq!(refused, many > LOCKS);
            }
        }
        let real = sample(
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
            "x",
        );
        assert_eq!(locks(&real), 2);
    }

    #[test]
    fn says_what_a_file_is_instead() {
        let refused = Archive::read(b"<html>", "").unwrap_err();
        assert_eq!(refused, Error::NoArchive("a web page (HTML)".into()));
        let file = sample(
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
            "x",
        );
        let refused = Archive::read(&file[..file.len() - 9], "x").unwrap_err();
        assert_eq!(refused, Error::DamagedArchive("it is incomplete"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn damage_is_survived(at: usize, byte: u8) {
            static FILE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
            let file = FILE.get_or_init(|| {
                sample(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc, MacAlgorithm::HmacSha1, "x")
            });
            let mut file = file.clone();
            let at = at % file.len();
            file[at] = byte;
            let _ = Archive::read(&file, "x");
        }
    }
}
