//! Rules for the private key: readable without a pass-phrase, of a kind the library knows, and the leaf's.
//!
//! Findings show fingerprints of public keys only, never anything of the private one.

use super::generation::{Generation, OpenSsl};
use super::question::{Question, Served, readable};
use super::tls_files::File;
use crate::finding::{Code, Finding, Severity};
use crate::quoted::quoted;
use crate::tls::Error;
use crate::tls::certificate::{Certificate, colon_hex};
use crate::tls::container::{Encoding, Fault, Item, KeyForm, Kind, Shape};
use crate::tls::pem::Margin;
use crate::tls::private_key::{PrivateKey, carries_public_key};
use crate::tls::protection::{Cipher, Derivation, Encryption, Pkcs12Scheme};
use crate::tls::public_key::{KeyKind, PublicKey};

/// Gives the position among [`Served::rest`] of the certificate that the key belongs to, when that is not the
/// leaf.
pub(super) fn check(
    question: &Question<'_>,
    served: Option<&Served>,
    findings: &mut Vec<Finding>,
) -> Option<usize> {
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
        findings.push(no_key(question, file, own));
        return None;
    };
    findings.extend(exposed(file));
    let mut rules = Rules {
        question,
        file,
        first,
        findings,
    };
    rules.judge_encoding();
    if let Kind::EncryptedKey(encryption) = &first.kind
        && first.fault.is_none()
    {
        rules.judge_protection(encryption);
        return None;
    }
    rules.judge_block();
    let key = rules.read()?;
    rules.judge_age(&key);
    served.and_then(|served| rules.judge_match(&key, served))
}

fn exposed(file: &File) -> Option<Finding> {
    let exposure = file.exposure()?;
    let severity = if exposure.is_customary {
        Severity::Advice
    } else {
        Severity::WorksButWrong
    };
    let finding = Finding::new(
        Code::KeyExposed,
        severity,
        format!("{} may read the private key", exposure.who),
        "Whoever has the key can pose as this server. Apache itself does not complain.",
        exposure.fix,
    );
    Some(finding.at(&file.path, None))
}

/// The key file and its first key, the only one that Apache reads.
struct Rules<'a> {
    question: &'a Question<'a>,
    file: &'a File,
    first: &'a Item,
    findings: &'a mut Vec<Finding>,
}

impl Rules<'_> {
    /// What keeps Apache from starting, where the first key begins.
    fn stop(&mut self, code: Code, summary: &str, cause: impl Into<String>, fix: impl Into<String>) {
        let unreadable = self.question.server.logs("AH02579", "AH02203");
        self.stop_with(
            Finding::new(code, Severity::StopsStart, summary, cause, fix),
            &unreadable,
        );
    }

    fn stop_with(&mut self, finding: Finding, logged: &[&'static str]) {
        let finding = finding.at(&self.file.path, line(self.first));
        self.findings.push(finding.logged(logged));
    }

    fn judge_encoding(&mut self) {
        if self.file.contents.encoding == Encoding::Utf16 {
            self.stop(
                Code::KeyUtf16,
                "the private key is saved as UTF-16",
                "\"Unicode\" in Notepad means UTF-16, which no Apache reads.",
                self.question.or_copy("Save it as ANSI or UTF-8."),
            );
        }
    }

    /// The first key is under a pass-phrase: does this server get it open?
    fn judge_protection(&mut self, encryption: &Encryption) {
        let server = self.question.server;
        let remove = self.question.without_pass_phrase();
        let finding = |code, summary, cause| Finding::new(code, Severity::StopsStart, summary, cause, remove);
        let is_der = self.first.block.is_none();
        if is_der {
            let cause = format!(
                "{encryption}, in binary form: Apache never asks for a pass-phrase then, not even with a \
                 configured program."
            );
            let summary = "the private key is protected by a pass-phrase";
            let logged = server.logs("AH02579", "AH02203");
            self.stop_with(finding(Code::KeyPassPhrase, summary, cause), &logged);
        } else if !self.question.pass_phrase_dialog {
            let nobody = if server.windows {
                "Apache on Windows cannot ask for it."
            } else {
                "A service has no terminal on which Apache could ask for it."
            };
            let cause = format!("{encryption}. {nobody}");
            let summary = "the private key is protected by a pass-phrase";
            self.stop_with(
                finding(Code::KeyPassPhrase, summary, cause),
                server.pass_phrase_codes(),
            );
        } else if !known_to(encryption, server) {
            let cause = format!("{encryption}. Apache reports this as a wrong pass-phrase.");
            let summary =
                "this server's OpenSSL cannot open the protected key, even with the right pass-phrase";
            let logged = server.logs("AH02580", "AH02204");
            self.stop_with(finding(Code::KeyCipherUnknown, summary, cause), &logged);
        }
    }

    /// What OpenSSL stumbles over before it comes to the key itself, or that it does not take.
    fn judge_block(&mut self) {
        let first = self.first;
        let glued = first
            .block
            .as_ref()
            .is_some_and(|block| block.margin == Margin::PreviousEnd);
        if glued {
            self.stop(
                Code::KeyDamaged,
                "two blocks are on one line",
                "The BEGIN of the key follows the END of the block before it on the same line; two files were \
                 joined without a line break.",
                self.question.or_copy("Insert a line break between the END and the BEGIN."),
            );
        }
        if first.fault == Some(Fault::BehindBroken) {
            self.stop(
                Code::KeyDamaged,
                "a broken block comes before the private key",
                format!("The key {}.", Fault::BehindBroken.describe()),
                "Remove the broken block.",
            );
        }
        if first.kind == Kind::PrivateKey(KeyForm::Pkcs8) && carries_public_key(&first.der) {
            self.stop(
                Code::KeyDamaged,
                "OpenSSL does not read the private key in this form",
                "It is PKCS#8 version 2, which includes the public key.",
                format!(
                    "Make a P-256 or RSA key and request: {}",
                    self.question.new_request()
                ),
            );
        }
    }

    fn read(&mut self) -> Option<PrivateKey> {
        match PrivateKey::from_item(self.first, None) {
            Ok(key) => return Some(key),
            Err(Error::UnsupportedKey(kind)) => {
                let finding = Finding::new(
                    Code::KeyUnusable,
                    Severity::BreaksClients,
                    "no client can use this key",
                    format!("No current TLS client uses keys of this kind ({kind})."),
                    format!("Make a new key and request: {}", self.question.new_request()),
                );
                self.findings.push(finding.at(&self.file.path, line(self.first)));
            }
            Err(_) => {
                let why = self.first.fault.unwrap_or(Fault::Damaged);
                self.stop(
                    Code::KeyDamaged,
                    "the private key cannot be read",
                    format!("The key {}.", why.describe()),
                    "Copy the file again from where the key was made.",
                );
            }
        }
        None
    }

    /// Does this server's OpenSSL know keys of that kind yet?
    fn judge_age(&mut self, key: &PrivateKey) {
        let is_new = matches!(
            key.kind(),
            KeyKind::Ed25519 | KeyKind::Ed448 | KeyKind::RsaPss { .. }
        );
        if is_new && self.question.server.openssl == OpenSsl::V1_0 {
            self.stop(
                Code::KeyTypeTooNew,
                "this server's OpenSSL does not know this kind of key",
                format!("{} needs OpenSSL 1.1.1; this Apache has 1.0.", key.kind()),
                format!(
                    "Make a P-256 or RSA key and get a certificate for it: {}",
                    self.question.new_request()
                ),
            );
        }
    }

    /// Key and certificate must belong together. Gives what [`check`] gives.
    fn judge_match(&mut self, key: &PrivateKey, served: &Served) -> Option<usize> {
        let certificate_key = &served.leaf.public_key;
        if key.matches(certificate_key) != Some(false) {
            self.findings.extend(several(self.file));
            return None;
        }
        let mut others = self.file.contents.keys().skip(1);
        let is_behind = others.any(|item| {
            PrivateKey::from_item(item, None).is_ok_and(|other| other.matches(certificate_key) == Some(true))
        });
        let mut rest = served.rest.iter();
        let right_leaf = match is_behind {
            true => None,
            false => rest.position(|certificate| key.matches(&certificate.public_key) == Some(true)),
        };
        let (finding, place) = match right_leaf {
            _ if is_behind => (not_first(), line(self.first)),
            Some(at) => (
                leaf_not_first(self.question, &served.leaf, &served.rest[at]),
                None,
            ),
            None => (mismatch(self.question, self.file, key, certificate_key), None),
        };
        let logged = self.question.server.logs("AH02565", "AH02238");
        self.findings
            .push(finding.at(&self.file.path, place).logged(&logged));
        right_leaf
    }
}

/// Where a block begins.
fn line(item: &Item) -> Option<usize> {
    item.block.as_ref().map(|block| block.line)
}

/// Whether the library opens this protection when it is given the pass-phrase.
fn known_to(encryption: &Encryption, server: Generation) -> bool {
    let old_ciphers = server.openssl != OpenSsl::V3;
    match encryption {
        Encryption::LegacyPem(Cipher::Des) => old_ciphers,
        Encryption::LegacyPem(_) => true,
        Encryption::Pbes2 {
            derivation: Derivation::Scrypt,
            ..
        } => server.openssl != OpenSsl::V1_0,
        Encryption::Pbes2 {
            cipher: Cipher::Des, ..
        } => old_ciphers,
        Encryption::Pbes2 { .. } => true,
        Encryption::Pbes1(_) => old_ciphers,
        Encryption::Pkcs12(Pkcs12Scheme::TripleDes | Pkcs12Scheme::TwoKeyTripleDes) => true,
        Encryption::Pkcs12(_) => old_ciphers,
        Encryption::Unknown(_) => true,
    }
}

fn no_key(question: &Question<'_>, file: &File, own: bool) -> Finding {
    let server = question.server;
    let kind = file.contents.items.first().map(|item| &item.kind);
    if !own {
        return Finding::new(
            Code::KeyNotAKey,
            Severity::StopsStart,
            "there is no private key",
            "Without SSLCertificateKeyFile, Apache looks for the key in the certificate file, and there is none.",
            "Add SSLCertificateKeyFile with the key that the certificate request was made with.",
        )
        .at(&file.path, None)
        .logged(&server.logs("AH02579", "AH02203"));
    }
    let fix = match (file.contents.shape, kind) {
        (_, Some(kind)) if kind.is_certificate() => {
            "Name the private key in SSLCertificateKeyFile; the two paths may be swapped.".into()
        }
        (_, Some(Kind::OpenSshKey)) => {
            format!(
                "On a copy of it: ssh-keygen -p -m PEM -f {}. Or make a new key and request: {}",
                quoted(&file.path),
                question.new_request()
            )
        }
        (_, Some(Kind::Pfx)) => question.pfx(&file.path),
        (Shape::Putty, _) => "In PuTTYgen: Conversions, Export OpenSSH key (the old PEM format).".into(),
        (Shape::TypographicDashes, _) => {
            "Replace the dashes by five hyphens, before and after BEGIN and END.".into()
        }
        _ => "Name the private key that the certificate request was made with.".into(),
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

/// More keys behind the right one.
fn several(file: &File) -> Option<Finding> {
    let second = file.contents.keys().nth(1)?;
    let finding = Finding::new(
        Code::KeySeveral,
        Severity::Advice,
        "the key file holds several private keys",
        "Apache reads only the first one, and it is the right one.",
        "Remove the others to avoid confusion.",
    );
    Some(finding.at(&file.path, line(second)))
}

fn not_first() -> Finding {
    Finding::new(
        Code::KeySeveral,
        Severity::StopsStart,
        "the certificate's private key is not the first one in the key file",
        "Apache reads only the first key, and it belongs to another certificate.",
        "Remove the old key before it.",
    )
}

fn leaf_not_first(question: &Question<'_>, first: &Certificate, right: &Certificate) -> Finding {
    Finding::new(
        Code::ChainLeafNotFirst,
        Severity::StopsStart,
        "the server's certificate is not the first one in its file",
        format!(
            "Apache takes the first certificate ({}) as the server's, and the key does not match it. The key \
             belongs to {}.",
            first.title(),
            right.title()
        ),
        question.or_copy("Put the server's certificate first, then its issuer, then the issuer's issuer."),
    )
}

fn mismatch(question: &Question<'_>, file: &File, key: &PrivateKey, certificate_key: &PublicKey) -> Finding {
    let shown = key.public_key().map_or_else(|| "unknown".to_owned(), describe);
    Finding::new(
        Code::KeyMismatch,
        Severity::StopsStart,
        "the private key does not belong to the certificate",
        format!(
            "The certificate's key: {}. The key file's: {shown}.",
            describe(certificate_key)
        ),
        format!(
            "Name the key that the request for this certificate was made with, or get a certificate for this key: {} \
             --key {}",
            question.new_request(),
            quoted(&file.path)
        ),
    )
}

/// A public key as people compare it: kind, fingerprint and, for RSA, the end of the modulus.
fn describe(key: &PublicKey) -> String {
    let mut text = format!("{}, SHA-256 {}", key.kind, colon_hex(&key.fingerprint()[..8]));
    if let Some(tail) = key.modulus_tail(8) {
        text.push_str(&format!(", modulus ends with {}", colon_hex(&tail)));
    }
    text
}
