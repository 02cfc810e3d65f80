//! Rules for the private key: readable without a pass-phrase, of a kind the library knows, and the leaf's.
//!
//! Findings show fingerprints of public keys only, never anything of the private one.

use super::generation::{Generation, OpenSsl};
use super::question::{Question, Served, readable};
use super::tls_files::File;
use crate::finding::{Code, Finding, Severity};
use crate::tls::Error;
use crate::tls::certificate::colon_hex;
use crate::tls::container::{Encoding, Fault, Item, KeyForm, Kind, Shape};
use crate::tls::pem::Margin;
use crate::tls::private_key::{PrivateKey, carries_public_key};
use crate::tls::protection::{Derivation, Encryption, LegacyCipher, Pbes2Cipher, Pkcs12Scheme};
use crate::tls::public_key::{KeyKind, PublicKey};

/// Gives the position among [`Served::rest`] of the certificate that the key belongs to, when that is not the
/// leaf.
pub(super) fn check(
    question: &Question<'_>,
    served: Option<&Served>,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
    let server = question.server;
    let (file, own) = match &question.files.key {
        Some(file) => (file, true),
        None => (&question.files.certificate, false),
    };
    if own && !readable(file, "SSLCertificateKeyFile", findings) {
        return None;
    }
    if !own && !file.bytes.as_ref().is_ok_and(|bytes| !bytes.is_empty()) {
        // The certificate's own rule has told.
        return None;
    }
    let Some(first) = file.contents.keys().next() else {
        findings.push(no_key(file, own, server));
        return None;
    };
    if let Some(exposure) = file.exposure() {
        findings.push(
            Finding::new(
                Code::KeyExposed,
                if exposure.is_customary {
                    Severity::Advice
                } else {
                    Severity::WorksButWrong
                },
                format!("{} may read the private key", exposure.who),
                "Whoever has the key can pose as this server. Apache itself does not mind.",
                exposure.fix,
            )
            .at(&file.path, None),
        );
    }
    let line = first.block.as_ref().map(|block| block.line);
    let mut stop = |code, summary: &str, cause: String, fix: String, logged: &[&'static str]| {
        let finding = Finding::new(code, Severity::StopsStart, summary, cause, fix);
        findings.push(finding.at(&file.path, line).logged(logged));
    };
    let unreadable = server.logs("AH02579", "AH02203");
    if file.contents.encoding == Encoding::Utf16 {
        stop(
            Code::KeyUtf16,
            "the private key is saved as UTF-16",
            "\"Unicode\" in Notepad means UTF-16, which no Apache reads.".into(),
            "Save it as ANSI or UTF-8.".into(),
            &unreadable,
        );
    }
    if let Kind::EncryptedKey(encryption) = &first.kind
        && first.fault.is_none()
    {
        protected(question, file, first, encryption, &mut stop);
        return None;
    }
    if first
        .block
        .as_ref()
        .is_some_and(|block| block.margin == Margin::PreviousEnd)
    {
        let cause = "An END line goes straight on with the BEGIN of the key; two files were joined without a \
                     line break.";
        let fix = "Insert a line break between the END and the BEGIN.";
        stop(
            Code::KeyDamaged,
            "two blocks stand in one line",
            cause.into(),
            fix.into(),
            &unreadable,
        );
    }
    if first.fault == Some(Fault::BehindBroken) {
        stop(
            Code::KeyDamaged,
            "a broken block stands before the private key",
            format!("The key {}.", Fault::BehindBroken.describe()),
            "Remove the broken block.".into(),
            &unreadable,
        );
    }
    if first.kind == Kind::PrivateKey(KeyForm::Pkcs8) && carries_public_key(&first.der) {
        stop(
            Code::KeyDamaged,
            "OpenSSL does not read the private key in this form",
            "It is PKCS#8 version 2, with the public key behind the private one.".into(),
            "Make a P-256 or RSA key and request: esync-ssl cert request --domain NAME".into(),
            &unreadable,
        );
    }
    let key = match PrivateKey::from_item(first, None) {
        Ok(key) => key,
        Err(Error::UnsupportedKey(kind)) => {
            let cause = format!("Keys of this kind ({kind}) are used by no TLS client of today.");
            let fix = "Make a new key and request: esync-ssl cert request --domain NAME";
            findings.push(
                Finding::new(
                    Code::KeyUnusable,
                    Severity::BreaksClients,
                    "no client can use this key",
                    cause,
                    fix,
                )
                .at(&file.path, line),
            );
            return None;
        }
        Err(_) => {
            let why = first.fault.unwrap_or(Fault::Damaged);
            stop(
                Code::KeyDamaged,
                "the private key cannot be read",
                format!("The key {}.", why.describe()),
                "Copy the file again from where the key was made.".into(),
                &unreadable,
            );
            return None;
        }
    };
    if server.openssl == OpenSsl::V1_0
        && matches!(
            key.kind(),
            KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::RsaPss { .. }
        )
    {
        stop(
            Code::KeyTypeTooNew,
            "this server's OpenSSL does not know this kind of key",
            format!("{} needs OpenSSL 1.1.1; this Apache has 1.0.", key.kind()),
            "Make a P-256 or RSA key and have a certificate made for it: esync-ssl cert request --domain NAME"
                .into(),
            &unreadable,
        );
    }
    served.and_then(|served| matching(file, &key, served, server, findings))
}

/// The first key is under a pass-phrase.
fn protected(
    question: &Question<'_>,
    file: &File,
    item: &Item,
    encryption: &Encryption,
    stop: &mut impl FnMut(Code, &str, String, String, &[&'static str]),
) {
    let server = question.server;
    let remove = format!(
        "esync-ssl cert decrypt-key \"{}\" NEW.key, then use the new file",
        file.path
    );
    let in_der = item.block.is_none();
    if in_der {
        stop(
            Code::KeyPassPhrase,
            "the private key is protected by a pass-phrase",
            format!(
                "{encryption}, in binary form: for that Apache never asks, not even a configured program."
            ),
            remove,
            &server.logs("AH02579", "AH02203"),
        );
    } else if !question.pass_phrase_dialog {
        let nobody = if server.windows {
            "Apache on Windows cannot ask for it."
        } else {
            "A service has no terminal on which Apache could ask for it."
        };
        stop(
            Code::KeyPassPhrase,
            "the private key is protected by a pass-phrase",
            format!("{encryption}. {nobody}"),
            remove,
            server.pass_phrase_codes(),
        );
    } else if !known_to(encryption, server) {
        stop(
            Code::KeyCipherUnknown,
            "this server's OpenSSL cannot open the protected key, even with the right pass-phrase",
            format!("{encryption}. Apache reports this as a wrong pass-phrase."),
            remove,
            &server.logs("AH02580", "AH02204"),
        );
    }
}

/// Whether the library opens this protection when it is given the pass-phrase.
fn known_to(encryption: &Encryption, server: Generation) -> bool {
    let old_ciphers = server.openssl != OpenSsl::V3;
    match encryption {
        Encryption::LegacyPem(LegacyCipher::Des) => old_ciphers,
        Encryption::LegacyPem(_) => true,
        Encryption::Pbes2 {
            derivation: Derivation::Scrypt,
            ..
        } => server.openssl != OpenSsl::V1_0,
        Encryption::Pbes2 {
            cipher: Pbes2Cipher::Des,
            ..
        } => old_ciphers,
        Encryption::Pbes2 { .. } => true,
        Encryption::Pbes1(_) => old_ciphers,
        Encryption::Pkcs12(Pkcs12Scheme::TripleDes | Pkcs12Scheme::TwoKeyTripleDes) => true,
        Encryption::Pkcs12(_) => old_ciphers,
        Encryption::Unknown(_) => true,
    }
}

fn no_key(file: &File, own: bool, server: Generation) -> Finding {
    let kind = file.contents.items.first().map(|item| &item.kind);
    if !own {
        return Finding::new(
            Code::KeyNotAKey,
            Severity::StopsStart,
            "there is no private key",
            "Without SSLCertificateKeyFile Apache looks for the key in the certificate file, and there is none.",
            "Add SSLCertificateKeyFile with the key that was made together with the request.",
        )
        .at(&file.path, None)
        .logged(&server.logs("AH02579", "AH02203"));
    }
    let fix = match (file.contents.shape, kind) {
        (_, Some(kind)) if kind.is_certificate() => {
            "Name the private key in SSLCertificateKeyFile; perhaps the two paths are swapped."
        }
        (_, Some(Kind::OpenSshKey)) => {
            "On a copy: ssh-keygen -p -m PEM -f FILE, or make a new key and request."
        }
        (_, Some(Kind::Pfx)) => "esync-ssl cert import FILE takes key, certificate and chain out of it.",
        (Shape::Putty, _) => "In PuTTYgen: Conversions, Export OpenSSH key (the old PEM format).",
        (Shape::TypographicDashes, _) => {
            "Put five hyphens in place of the dashes, before and behind BEGIN and END."
        }
        _ => "Name the private key that was made together with the request.",
    };
    Finding::new(
        Code::KeyNotAKey,
        Severity::StopsStart,
        "the key file holds no private key",
        format!("It is {}.", file.contents.describe()),
        fix,
    )
    .at(&file.path, None)
    .logged(&server.logs("AH02579", "AH02203"))
}

/// Key and certificate must belong together.
fn matching(
    file: &File,
    key: &PrivateKey,
    served: &Served,
    server: Generation,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
    let certificate_key = &served.leaf.public_key;
    let others = || {
        file.contents
            .keys()
            .skip(1)
            .filter_map(|item| PrivateKey::from_item(item, None).ok())
    };
    let line = |item: Option<&Item>| item.and_then(|item| item.block.as_ref()).map(|block| block.line);
    if key.matches(certificate_key) != Some(false) {
        if let Some(second) = file.contents.keys().nth(1) {
            findings.push(
                Finding::new(
                    Code::KeySeveral,
                    Severity::Advice,
                    "the key file holds several private keys",
                    "Apache reads the first one only. It is the right one.",
                    "Remove the others, so that nobody mistakes them.",
                )
                .at(&file.path, line(Some(second))),
            );
        }
        return None;
    }
    let mut right_leaf = None;
    let logged = server.logs("AH02565", "AH02238");
    if others().any(|other| other.matches(certificate_key) == Some(true)) {
        findings.push(
            Finding::new(
                Code::KeySeveral,
                Severity::StopsStart,
                "the certificate's private key is not the first one in the key file",
                "Apache reads the first key only; it belongs to another certificate.",
                "Remove the stale key in front of it.",
            )
            .at(&file.path, line(file.contents.keys().next()))
            .logged(&logged),
        );
    } else if let Some(at) = served
        .rest
        .iter()
        .position(|c| key.matches(&c.public_key) == Some(true))
    {
        right_leaf = Some(at);
        let right = &served.rest[at];
        findings.push(
            Finding::new(
                Code::ChainLeafNotFirst,
                Severity::StopsStart,
                "the server's certificate is not the first one in its file",
                format!(
                    "Apache takes the first certificate ({}) as the server's, and the key does not fit it. The \
                     key belongs to {}.",
                    served.leaf.title(),
                    right.title()
                ),
                "Put the server's certificate first, then its issuer, then the issuer's issuer.",
            )
            .at(&file.path, None)
            .logged(&logged),
        );
    } else {
        let shown = key.public_key().map_or_else(|| "unknown".to_owned(), describe);
        findings.push(
            Finding::new(
                Code::KeyMismatch,
                Severity::StopsStart,
                "the private key does not belong to the certificate",
                format!(
                    "The certificate's key: {}. The key file's: {shown}.",
                    describe(certificate_key)
                ),
                "Find the key that was made together with the request for this certificate, or have the \
                 certificate issued again for this key: esync-ssl cert request --domain NAME --key FILE",
            )
            .at(&file.path, None)
            .logged(&logged),
        );
    }
    right_leaf
}

/// A public key as people compare it: kind, fingerprint and, for RSA, the end of the modulus.
fn describe(key: &PublicKey) -> String {
    let mut text = format!("{}, SHA-256 {}", key.kind, colon_hex(&key.fingerprint()[..8]));
    if let Some(tail) = key.modulus_tail(8) {
        text.push_str(&format!(", modulus ends with {}", colon_hex(&tail)));
    }
    text
}
