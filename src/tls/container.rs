//! What a file IS, judged by its content and never by its name.
//!
//! Administrators bring keys as certificates, requests, web pages, exports in a dozen formats. This tells
//! them apart and says so in plain words. It decodes nothing beyond what recognition needs, decrypts nothing,
//! and does not judge whether Apache would take the file.

use std::fmt;

use zeroize::Zeroizing;

use super::pem::{self, Block};
use super::protection::Encryption;

/// Files beyond this size (in bytes) are not certificates or keys; they are not looked into.
pub const MAX_SIZE: usize = crate::foreign::CERTIFICATE as usize;

/// Everything recognised in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How the text is stored.
    pub encoding: Encoding,
    /// What the file is as a whole.
    pub shape: Shape,
    /// What was found in it, in order. Empty unless the shape is PEM, DER or bare base64.
    pub items: Vec<Item>,
}

/// How text is stored in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// ASCII, UTF-8 or a binary format.
    Plain,
    /// Begins with the byte order mark of UTF-8. OpenSSL 3 skips it; 1.0.2 loses the first certificate.
    Utf8Bom,
    /// UTF-16 ("Unicode" in Notepad): no Apache reads it. Recognised with and without byte order mark.
    Utf16,
}

/// The file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// No bytes at all.
    Empty,
    /// Blanks and line breaks only.
    Blank,
    /// At least one BEGIN line.
    Pem,
    /// One binary structure.
    Der,
    /// Base64 of a binary structure, without BEGIN and END.
    BareBase64,
    /// A web page.
    Html,
    /// A key in PuTTY's format.
    Putty,
    /// BEGIN with typographic dashes, as word processors and mail programs make them.
    TypographicDashes,
    /// Larger than [`MAX_SIZE`].
    TooLarge,
    /// None of these.
    Unknown,
}

/// One certificate, key or other structure.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// What it is, by its content where that can be read, else by its label.
    pub kind: Kind,
    /// Why it cannot be used as it is.
    pub fault: Option<Fault>,
    /// The PEM block it stands in, if it does.
    pub block: Option<Block>,
    /// Its bytes; still encrypted if it is; empty with a PEM fault. Wiped when dropped.
    pub der: Zeroizing<Vec<u8>>,
}

/// What an item is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An X.509 certificate.
    Certificate,
    /// A certificate with OpenSSL's trust settings behind it (label `TRUSTED CERTIFICATE`).
    TrustedCertificate,
    /// A request for a certificate (CSR).
    Request,
    /// A public key.
    PublicKey,
    /// A private key without pass-phrase.
    PrivateKey(KeyForm),
    /// A private key under a pass-phrase.
    EncryptedKey(Encryption),
    /// A private key in OpenSSH's own format.
    OpenSshKey,
    /// A revocation list.
    RevocationList,
    /// PKCS#7, usually `.p7b`: certificates without key.
    Pkcs7,
    /// PKCS#12, usually `.pfx` or `.p12`: key and certificates under a pass-phrase.
    Pfx,
    /// Parameters of an elliptic curve; they precede the key that `openssl ecparam -genkey` makes.
    EcParameters,
    /// Diffie-Hellman parameters.
    DhParameters,
    /// Something else: its PEM label, or empty.
    Other(String),
}

/// The structure of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// `RSA PRIVATE KEY`.
    Pkcs1,
    /// `PRIVATE KEY`.
    Pkcs8,
    /// `EC PRIVATE KEY`.
    Sec1,
    /// `DSA PRIVATE KEY`.
    Dsa,
}

/// Why an item cannot be used as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The PEM block itself is broken.
    Pem(pem::Fault),
    /// The structure says that it is longer than it is: a line or the end is missing.
    Incomplete,
    /// The bytes are not the structure that they should be.
    Damaged,
    /// A key behind a broken block, which OpenSSL cannot pass over.
    BehindBroken,
    /// The block is well-formed but its label names something else than it holds.
    WrongLabel,
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the bytes: they may be a key.
        f.debug_struct("Item")
            .field("kind", &self.kind)
            .field("fault", &self.fault)
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}

impl Kind {
    /// What it is, with its article, as people call it.
    pub fn describe(&self) -> String {
        match self {
            Kind::Certificate => "a certificate".into(),
            Kind::TrustedCertificate => "a certificate with OpenSSL's trust settings".into(),
            Kind::Request => "a certificate request (CSR)".into(),
            Kind::PublicKey => "a public key".into(),
            Kind::PrivateKey(KeyForm::Pkcs1) => "a private key (RSA, PKCS#1)".into(),
            Kind::PrivateKey(KeyForm::Pkcs8) => "a private key (PKCS#8)".into(),
            Kind::PrivateKey(KeyForm::Sec1) => "a private key (EC, SEC1)".into(),
            Kind::PrivateKey(KeyForm::Dsa) => "a private key (DSA)".into(),
            Kind::EncryptedKey(encryption) => format!("a private key under a pass-phrase ({encryption})"),
            Kind::OpenSshKey => "a private key in OpenSSH's format".into(),
            Kind::RevocationList => "a certificate revocation list (CRL)".into(),
            Kind::Pkcs7 => "a PKCS#7 bundle of certificates (.p7b)".into(),
            Kind::Pfx => "a PFX archive (PKCS#12)".into(),
            Kind::EcParameters => "elliptic curve parameters".into(),
            Kind::DhParameters => "Diffie-Hellman parameters".into(),
            Kind::Other(label) if label.is_empty() => "an unknown binary structure".into(),
            Kind::Other(label) => format!("a block {label:?}"),
        }
    }

    /// A certificate of either label.
    pub fn is_certificate(&self) -> bool {
        matches!(self, Kind::Certificate | Kind::TrustedCertificate)
    }

    /// A private key that a TLS server could use, protected or not.
    pub fn is_key(&self) -> bool {
        matches!(self, Kind::PrivateKey(_) | Kind::EncryptedKey(_))
    }
}

impl Fault {
    /// The fault as the end of a sentence about an item.
    pub fn describe(self) -> &'static str {
        match self {
            Fault::Pem(fault) => fault.describe(),
            Fault::Incomplete => "is incomplete: a line or its end is missing",
            Fault::Damaged => "is damaged: its bytes cannot be read",
            Fault::BehindBroken => "comes after a broken block, which OpenSSL cannot skip",
            Fault::WrongLabel => "comes after a BEGIN line that names something else",
        }
    }
}

impl Contents {
    /// Those of a file of more than [`MAX_SIZE`] bytes, which need not be read.
    pub fn too_large() -> Contents {
        Contents {
            encoding: Encoding::Plain,
            shape: Shape::TooLarge,
            items: Vec::new(),
        }
    }

    /// What the file is, in plain words with an article, to follow "this is" or "not a key but".
    pub fn describe(&self) -> String {
        let thing = match self.shape {
            Shape::Empty => return "an empty file".into(),
            Shape::Blank => return "a file with only blanks".into(),
            Shape::Html => "a web page (HTML)".into(),
            Shape::Putty => "a private key in PuTTY's format".into(),
            Shape::TypographicDashes => {
                "PEM text whose hyphens a word processor turned into typographic dashes".into()
            }
            Shape::TooLarge => return "a file far too large for certificates or keys".into(),
            Shape::Unknown => "neither a certificate nor a key in any format known here".into(),
            Shape::Pem | Shape::Der | Shape::BareBase64 => self.list(),
        };
        match (self.encoding, self.shape) {
            (Encoding::Utf16, _) => format!("{thing}, saved as UTF-16 (\"Unicode\" in Notepad)"),
            (_, Shape::Der) => format!("{thing} in binary form (DER)"),
            (_, Shape::BareBase64) => format!("{thing} as base64 without BEGIN and END lines"),
            _ => thing,
        }
    }

    /// The items in words, equal neighbours counted once: "a certificate (3 times) and a private key".
    fn list(&self) -> String {
        let mut words: Vec<(String, usize)> = Vec::new();
        for item in &self.items {
            let mut word = item.kind.describe();
            if let Some(fault) = item.fault {
                word = format!("{word} that {}", fault.describe());
            }
            match words.last_mut() {
                Some((last, count)) if *last == word => *count += 1,
                _ => words.push((word, 1)),
            }
        }
        let mut words: Vec<String> = words
            .into_iter()
            .map(|(word, count)| {
                if count == 1 {
                    word
                } else {
                    format!("{word} ({count} times)")
                }
            })
            .collect();
        let rest = words.len().saturating_sub(6);
        words.truncate(6);
        if rest > 0 {
            words.push(format!("{rest} more"));
        }
        match words.pop() {
            None => "PEM text without a readable block".into(),
            Some(last) if words.is_empty() => last,
            Some(last) => format!("{} and {last}", words.join(", ")),
        }
    }

    /// The items that are certificates, in order.
    pub fn certificates(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.kind.is_certificate())
    }

    /// The PFX or p7b, if it is one.
    pub fn archive(&self) -> Option<&Item> {
        let is_archive = |item: &&Item| matches!(item.kind, Kind::Pfx | Kind::Pkcs7);
        self.items.iter().find(is_archive)
    }

    /// The items that are private keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(|item| item.kind.is_key())
    }
}
