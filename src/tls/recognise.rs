//! Telling by content what a file is: text encoding, PEM or not, and the structure of binary data.
//!
//! The words for the result are [`crate::tls::container`]'s. Nothing is decrypted or validated here.

use zeroize::Zeroizing;

use super::base64::first_base64_run;
use super::container::{Contents, Encoding, Fault, Item, KeyForm, Kind, MAX_SIZE, Shape};
use super::der::{
    BIT_STRING, CONTEXT_0, INTEGER, OCTET_STRING, OID, Reader, SEQUENCE, SET, Stop, dotted, trimmed,
};
use super::encryption;
use super::pem::{self, Block};
use super::protection::Encryption;

impl Contents {
    /// Recognises a file's content. Never fails: what is nothing known is [`Shape::Unknown`].
    pub fn recognise(bytes: &[u8]) -> Contents {
        if bytes.len() > MAX_SIZE {
            return Contents::too_large();
        }
        if let Some(text) = utf16(bytes) {
            let (shape, items) = look(&text);
            return Contents {
                encoding: Encoding::Utf16,
                shape,
                items,
            };
        }
        match bytes.strip_prefix(b"\xef\xbb\xbf") {
            // PEM is searched with the mark, so that the block behind it knows of it.
            Some(rest) if !contains(bytes, b"-----BEGIN ") => {
                let (shape, items) = look(rest);
                Contents {
                    encoding: Encoding::Utf8Bom,
                    shape,
                    items,
                }
            }
            mark => {
                let encoding = if mark.is_some() {
                    Encoding::Utf8Bom
                } else {
                    Encoding::Plain
                };
                let (shape, items) = look(bytes);
                Contents {
                    encoding,
                    shape,
                    items,
                }
            }
        }
    }
}

/// Would a private key be shown with these bytes? Whatever else is there, a line that begins one in PEM is enough.
pub fn holds_private_key(bytes: &[u8]) -> bool {
    let text = utf16(bytes);
    let bytes = text.as_deref().map_or(bytes, Vec::as_slice);
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let begins = |line: &[u8]| {
        let line = line.trim_ascii();
        line.starts_with(b"-----BEGIN ") && line.ends_with(b"PRIVATE KEY-----")
    };
    // Hardly any configuration has one, and this is quick to see.
    let is_there = memchr::memmem::find(bytes, b"PRIVATE KEY-----").is_some();
    is_there && bytes.split(|&byte| byte == b'\n' || byte == b'\r').any(begins)
        || bytes.len() <= MAX_SIZE
            && (bytes.starts_with(b"PuTTY-User-Key-File-")
                || bytes.first() == Some(&SEQUENCE) && look(bytes).1.iter().any(|item| item.kind.is_key()))
}

/// What the text or binary is, its encoding aside.
fn look(bytes: &[u8]) -> (Shape, Vec<Item>) {
    if bytes.is_empty() {
        return (Shape::Empty, Vec::new());
    }
    // A binary file may contain anything, also the bytes of a BEGIN line; DER that ends with the file is DER.
    let mut reader = Reader::new(bytes);
    if bytes[0] == SEQUENCE && reader.next().is_some() && reader.rest().len() <= 2 {
        return (Shape::Der, vec![binary(bytes)]);
    }
    let blocks = pem::blocks(bytes);
    if !blocks.is_empty() {
        return (
            Shape::Pem,
            keys_anyhow(bytes, blocks.into_iter().map(of_block).collect()),
        );
    }
    if bytes.iter().all(|byte| byte.is_ascii_whitespace()) {
        return (Shape::Blank, Vec::new());
    }
    let start = &bytes[..bytes.len().min(2048)];
    let text = String::from_utf8_lossy(start);
    let lower = text.to_ascii_lowercase();
    if lower.contains("<html") || lower.contains("<!doctype") {
        return (Shape::Html, Vec::new());
    }
    if text.trim_start().starts_with("PuTTY-User-Key-File-") {
        return (Shape::Putty, Vec::new());
    }
    // The dashes as UTF-8 and, from an old Windows program, as bytes of code page 1252.
    let windows_dash = |byte: &u8| matches!(byte, 0x96 | 0x97);
    let dashes = text.contains([
        '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}',
    ]) || start.iter().any(windows_dash);
    if dashes && text.contains("BEGIN ") {
        return (Shape::TypographicDashes, Vec::new());
    }
    if let Some(der) = first_base64_run(bytes).filter(|der| der.first() == Some(&SEQUENCE)) {
        return (Shape::BareBase64, vec![binary(&der)]);
    }
    if matches!(bytes, [SEQUENCE, 0x80..=0x84, ..]) {
        return (Shape::Der, vec![binary(bytes)]);
    }
    (Shape::Unknown, Vec::new())
}

/// OpenSSL reads a private key without its armour when it meets a block that it cannot read: then the first
/// run of base64 lines counts.
fn keys_anyhow(text: &[u8], mut items: Vec<Item>) -> Vec<Item> {
    let first = items.iter().position(|item| item.kind.is_key());
    let until = first.map_or(items.len(), |first| first + 1);
    if !items[..until]
        .iter()
        .any(|item| matches!(item.fault, Some(Fault::Pem(_))))
    {
        return items;
    }
    let run = first_base64_run(text);
    if let Some(der) = run
        && let (Some(kind @ Kind::PrivateKey(_)), None) = of_der(&der)
    {
        match first.and_then(|first| items.get_mut(first)) {
            Some(item) => {
                item.kind = kind;
                item.fault = None;
                item.der = der;
            }
            None => items.push(Item {
                kind,
                fault: None,
                block: None,
                der,
            }),
        }
    } else if let Some(item) = first.and_then(|first| items.get_mut(first)) {
        item.fault = item.fault.or(Some(Fault::BehindBroken));
    }
    items
}

fn binary(der: &[u8]) -> Item {
    let (kind, fault) = of_der(der);
    Item {
        kind: kind.unwrap_or(Kind::Other(String::new())),
        fault,
        block: None,
        der: der.to_vec().into(),
    }
}

/// An item from a PEM block: what its bytes say, else what its label says.
fn of_block(mut block: Block) -> Item {
    let said = of_label(&block.label);
    let der = std::mem::take(&mut block.der);
    let (kind, fault) = if let Some(fault) = block.fault {
        let kind = encryption::of_headers(&block).map_or(said, Kind::EncryptedKey);
        (kind, Some(Fault::Pem(fault)))
    } else if let Some(encryption) = encryption::of_headers(&block) {
        // The bytes are encrypted, headers and all.
        block.der = der.clone();
        (Kind::EncryptedKey(encryption), None)
    } else {
        match (said, of_der(&der)) {
            // Not DER inside, or too short to tell.
            (Kind::OpenSshKey, _) => (Kind::OpenSshKey, None),
            (Kind::EcParameters, _) => (Kind::EcParameters, None),
            (Kind::DhParameters, _) => (Kind::DhParameters, None),
            (Kind::TrustedCertificate, (Some(Kind::Certificate), fault)) => (Kind::TrustedCertificate, fault),
            (said, (None, fault)) => (said, fault),
            (Kind::Other(_), (Some(found), fault)) => (found, fault.or(Some(Fault::WrongLabel))),
            (said, (Some(found), fault)) if alike(&said, &found) => (found, fault),
            (_, (Some(found), fault)) => (found, fault.or(Some(Fault::WrongLabel))),
        }
    };
    Item {
        kind,
        fault,
        block: Some(block),
        der,
    }
}

/// Whether a label that means `said` may stand over `found`.
fn alike(said: &Kind, found: &Kind) -> bool {
    match (said, found) {
        (Kind::EncryptedKey(_), Kind::EncryptedKey(_)) => true,
        // OpenSSL reads PKCS#8 under the old labels too, and the label ANY is no one's.
        (Kind::PrivateKey(a), Kind::PrivateKey(b)) => a == b,
        _ => said == found,
    }
}

fn of_label(label: &str) -> Kind {
    match label {
        "CERTIFICATE" | "X509 CERTIFICATE" => Kind::Certificate,
        "TRUSTED CERTIFICATE" => Kind::TrustedCertificate,
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Kind::Request,
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Kind::PublicKey,
        "RSA PRIVATE KEY" => Kind::PrivateKey(KeyForm::Pkcs1),
        "PRIVATE KEY" => Kind::PrivateKey(KeyForm::Pkcs8),
        "EC PRIVATE KEY" => Kind::PrivateKey(KeyForm::Sec1),
        "DSA PRIVATE KEY" => Kind::PrivateKey(KeyForm::Dsa),
        "ENCRYPTED PRIVATE KEY" => Kind::EncryptedKey(Encryption::Unknown(String::new())),
        "OPENSSH PRIVATE KEY" => Kind::OpenSshKey,
        "X509 CRL" => Kind::RevocationList,
        "PKCS7" | "PKCS #7 SIGNED DATA" | "CMS" => Kind::Pkcs7,
        "PKCS12" => Kind::Pfx,
        "EC PARAMETERS" => Kind::EcParameters,
        "DH PARAMETERS" | "X9.42 DH PARAMETERS" => Kind::DhParameters,
        other => Kind::Other(other.to_owned()),
    }
}

/// What a binary structure is by its first members, and whether it is whole.
fn of_der(der: &[u8]) -> (Option<Kind>, Option<Fault>) {
    if let [SEQUENCE, 0x80, ..] = der {
        // Indefinite lengths: not DER, but how some programs export archives.
        let kind = super::der::from_ber(der).and_then(|der| of_der(&der).0);
        let fault = if kind.is_some() {
            None
        } else {
            Some(Fault::Incomplete)
        };
        return (kind, fault);
    }
    let mut outer = Reader::new(der);
    let body = match outer.read() {
        Ok(value) if value.tag == SEQUENCE => value.body,
        Ok(_) | Err(Stop::End | Stop::Foreign) => return (None, Some(Fault::Damaged)),
        Err(Stop::Short) => {
            // The members in front are often still there and tell what it was.
            let header = match der.get(1) {
                Some(first) if *first >= 0x80 => 2 + usize::from(first & 0x7f),
                _ => 2,
            };
            let kind = der.get(header..).and_then(by_first_members);
            return (kind, Some(Fault::Incomplete));
        }
    };
    match by_members(body) {
        Some(kind) => (Some(kind), None),
        None => (None, Some(Fault::Damaged)),
    }
}

/// A cut structure, told by its first bytes.
fn by_first_members(body: &[u8]) -> Option<Kind> {
    match body {
        [SEQUENCE, 0x81, _, CONTEXT_0, 3, INTEGER, ..]
        | [SEQUENCE, 0x82, _, _, CONTEXT_0, 3, INTEGER, ..]
        | [SEQUENCE, 0x83, _, _, _, CONTEXT_0, 3, INTEGER, ..] => Some(Kind::Certificate),
        [INTEGER, 1, 0, INTEGER, ..] => Some(Kind::PrivateKey(KeyForm::Pkcs1)),
        [INTEGER, 1, 0, SEQUENCE, ..] => Some(Kind::PrivateKey(KeyForm::Pkcs8)),
        [INTEGER, 1, 1, OCTET_STRING, ..] => Some(Kind::PrivateKey(KeyForm::Sec1)),
        [INTEGER, 1, 3, SEQUENCE, ..] => Some(Kind::Pfx),
        _ => None,
    }
}

fn by_members(body: &[u8]) -> Option<Kind> {
    let mut members = Reader::new(body);
    let tags: Vec<u8> = {
        let mut all = members;
        std::iter::from_fn(|| all.next().map(|value| value.tag))
            .take(12)
            .collect()
    };
    match tags.as_slice() {
        [OID, ..] => {
            let oid = dotted(members.take(OID)?);
            (oid == "1.2.840.113549.1.7.2").then_some(Kind::Pkcs7)
        }
        [INTEGER, SEQUENCE, ..] => {
            let version = members.small()?;
            let mut inner = members.sequence()?;
            let oid = dotted(inner.take(OID)?);
            if version == 3 && oid.starts_with("1.2.840.113549.1.7.") {
                return Some(Kind::Pfx);
            }
            (version <= 1 && tags.get(2) == Some(&OCTET_STRING)).then_some(Kind::PrivateKey(KeyForm::Pkcs8))
        }
        [INTEGER, OCTET_STRING, ..] => {
            (members.small() == Some(1)).then_some(Kind::PrivateKey(KeyForm::Sec1))
        }
        [INTEGER, INTEGER] => {
            members.take(INTEGER)?;
            let second = trimmed(members.take(INTEGER)?);
            // A public key's exponent is nearly always 3, 17 or 65537; a generator is 2 or 5.
            let generator = matches!(second, [2] | [5]) || second.len() > 8;
            Some(if generator {
                Kind::DhParameters
            } else {
                Kind::PublicKey
            })
        }
        [INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, INTEGER] => Some(Kind::PrivateKey(KeyForm::Dsa)),
        [
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            INTEGER,
            ..,
        ] => Some(Kind::PrivateKey(KeyForm::Pkcs1)),
        [SEQUENCE, OCTET_STRING] => {
            let whole = super::der::value(SEQUENCE, &[body]);
            encryption::of_der(&whole).map(Kind::EncryptedKey)
        }
        [SEQUENCE, BIT_STRING] => members.sequence()?.take(OID).map(|_| Kind::PublicKey),
        [SEQUENCE, SEQUENCE, BIT_STRING] => signed(members.sequence()?),
        _ => None,
    }
}

/// Certificate, request and revocation list share their frame; the members of what is signed differ.
fn signed(mut inner: Reader<'_>) -> Option<Kind> {
    let first = inner.next()?;
    let names = |name: &[u8]| Reader::new(name).next().is_none_or(|part| part.tag == SET);
    if first.tag == CONTEXT_0 {
        return Some(Kind::Certificate);
    }
    let second = inner.next()?;
    if first.tag == INTEGER
        && second.tag == SEQUENCE
        && names(second.body)
        && second.body.first() != Some(&OID)
    {
        return Some(Kind::Request);
    }
    let (third, fourth) = (inner.next()?, inner.next()?);
    match (first.tag, fourth.tag) {
        (INTEGER, SEQUENCE) => Some(Kind::Certificate),
        (INTEGER, 0x17 | 0x18) => Some(Kind::RevocationList),
        (SEQUENCE, _) if matches!(third.tag, 0x17 | 0x18) => Some(Kind::RevocationList),
        _ => None,
    }
}

/// The text of a UTF-16 file, with or without byte order mark, as UTF-8.
fn utf16(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (little, rest) = match bytes {
        [0xff, 0xfe, rest @ ..] => (true, rest),
        [0xfe, 0xff, rest @ ..] => (false, rest),
        [SEQUENCE, 0x80..=0x84, ..] => return None,
        _ => {
            let start = &bytes[..bytes.len().min(512)];
            let pairs = start.len() / 2;
            let zero = |offset: usize| start.chunks_exact(2).filter(|pair| pair[offset] == 0).count();
            let printable = |offset: usize| {
                start.chunks_exact(2).all(|pair| {
                    pair[offset] == 0 || pair[offset].is_ascii_graphic() || pair[offset].is_ascii_whitespace()
                })
            };
            match (zero(0), zero(1)) {
                (0, odd) if pairs >= 4 && odd * 10 >= pairs * 9 && printable(0) => (true, bytes),
                (even, 0) if pairs >= 4 && even * 10 >= pairs * 9 && printable(1) => (false, bytes),
                _ => return None,
            }
        }
    };
    let units = rest.chunks_exact(2).map(|pair| {
        let pair = [pair[0], pair[1]];
        if little {
            u16::from_le_bytes(pair)
        } else {
            u16::from_be_bytes(pair)
        }
    });
    let mut text = Zeroizing::new(Vec::with_capacity(rest.len() / 2 * 3));
    for unit in char::decode_utf16(units) {
        let mut buffer = [0; 4];
        let character = unit.unwrap_or(char::REPLACEMENT_CHARACTER);
        text.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
    }
    Some(text)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}
