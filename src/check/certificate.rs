//! Certificate, key and chain files of one virtual host: everything that `httpd -t` does not look at.
//!
//! The rules for the certificate file itself are here; those for key, names, profile and chain beside it.
//! Nothing here reads the disk (see [`super::tls_files`]) or knows a trust store.

use super::question::{Question, Served, readable};
use super::{chain, key, name, profile};
use crate::finding::{Code, Finding, Severity};
use crate::tls::Error;
use crate::tls::certificate::Certificate;
use crate::tls::container::{Contents, Encoding, Fault, Kind, Shape};
use crate::tls::pem::Margin;

/// Runs every rule; the findings come worst first, otherwise in the order in which Apache would meet them.
pub fn check(question: &Question<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut served = certificate_file(question, &mut findings);
    let right = key::check(question, served.as_ref(), &mut findings);
    if let (Some(at), Some(served)) = (right, &mut served) {
        // Only out of order: the other rules look at the certificate that is meant.
        let first = std::mem::replace(&mut served.leaf, served.rest.remove(at));
        served.rest.insert(0, first);
    }
    if let Some(served) = &served {
        profile::check(question, served, &mut findings);
        name::check(question, &served.leaf, &mut findings);
    }
    chain::check(question, served.as_ref(), &mut findings);
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// The rules for `SSLCertificateFile`, and what Apache takes from it.
fn certificate_file(question: &Question<'_>, findings: &mut Vec<Finding>) -> Option<Served> {
    let file = &question.files.certificate;
    if !readable(file, "SSLCertificateFile", findings) {
        return None;
    }
    let server = question.server;
    // With a chain file 2.4.8 and later use another reader, with its own message.
    let later = if question.files.chain.is_some() {
        "AH02561"
    } else {
        "AH02562"
    };
    let logged = server.logs(later, "AH02241");
    let mut stop = |code, line, summary: &str, cause: String, fix: String| {
        let finding = Finding::new(code, Severity::StopsStart, summary, cause, fix);
        findings.push(finding.at(&file.path, line).logged(&logged));
    };
    if file.contents.certificates().next().is_none() {
        let found = file.contents.describe();
        stop(
            Code::CertNotACertificate,
            None,
            "the certificate file holds no certificate",
            format!("It is {found}."),
            instead_of_certificate(&file.contents).to_owned(),
        );
        return None;
    }
    if file.contents.encoding == Encoding::Utf16 {
        stop(
            Code::CertUtf16,
            None,
            "the certificate is saved as UTF-16",
            "\"Unicode\" in Notepad means UTF-16, which no Apache reads.".into(),
            "Save it as ANSI or UTF-8.".into(),
        );
    } else if file.contents.shape != Shape::Pem && !server.reads_any_certificate_form() {
        stop(
            Code::CertNotPem,
            None,
            "the certificate is not in PEM form",
            format!(
                "It is {}; Apache 2.4.8 and later read PEM only.",
                file.contents.describe()
            ),
            "openssl x509 -inform DER -in OLD -out NEW, or save it as \"Base-64 encoded X.509\".".into(),
        );
    }
    let whole = server.reads_chain_from_certificate_file() && question.files.chain.is_none();
    let mut found: Option<Served> = None;
    let mut leaf_seen = true;
    for item in &file.contents.items {
        let line = item.block.as_ref().map(|block| block.line);
        let margin = item.block.as_ref().map_or(Margin::None, |block| block.margin);
        let first = found.is_none();
        if !first && !whole {
            if let Ok(certificate) = Certificate::from_item(item) {
                found
                    .as_mut()
                    .into_iter()
                    .for_each(|served| served.rest.push(certificate.clone()));
            }
            continue;
        }
        if margin == Margin::PreviousEnd && server.reads_chain_from_certificate_file() {
            stop(
                Code::CertGlued,
                line,
                "two blocks stand in one line",
                "An END line goes straight on with the BEGIN of the next block; two files were joined \
                 without a line break."
                    .into(),
                "Insert a line break between the END and the BEGIN.".into(),
            );
        }
        if !first && leaf_seen && !margin.is_seen() {
            continue;
        }
        if !item.kind.is_certificate() || item.fault == Some(Fault::WrongLabel) {
            // OpenSSL passes over blocks of other kinds, but not over broken ones.
            if let Some(Fault::Pem(fault)) = item.fault
                && server.reads_chain_from_certificate_file()
            {
                stop(
                    Code::CertDamaged,
                    line,
                    "a block in the certificate file is broken",
                    format!("{} {}.", item.kind.describe(), fault.describe()),
                    "Copy the file again from its origin, or remove the block.".into(),
                );
            }
            continue;
        }
        if margin == Margin::ByteOrderMark && first && server.loses_block_behind_mark() {
            stop(
                Code::CertByteOrderMark,
                line,
                "a byte order mark hides the certificate",
                "The file begins with the bytes EF BB BF; OpenSSL 1.0 overlooks the certificate behind them."
                    .into(),
                "Save the file as ANSI or as UTF-8 without byte order mark.".into(),
            );
        }
        if first && !margin.is_seen() && !server.reads_any_certificate_form() && item.fault.is_none() {
            leaf_seen = false;
            stop(
                Code::CertNotAtLineStart,
                line,
                "the certificate's BEGIN does not stand alone in its line",
                "OpenSSL looks for lines with -----BEGIN CERTIFICATE----- and nothing else, from the first column on.".into(),
                "Remove what stands before or behind BEGIN in its line, and the indentation below it.".into(),
            );
        }
        let read = Certificate::from_item(item).and_then(|certificate| {
            // The reader of a leaf without chain file takes what follows as trust settings.
            let more = item.der.len() > certificate.der().len() && item.kind == Kind::Certificate;
            if more && first && whole {
                Err(Error::DamagedCertificate)
            } else {
                Ok(certificate)
            }
        });
        match read {
            Ok(certificate) => match &mut found {
                None => {
                    found = Some(Served {
                        leaf: certificate,
                        line,
                        rest: Vec::new(),
                        rest_is_broken: false,
                    })
                }
                Some(served) => served.rest.push(certificate),
            },
            Err(error) => {
                let cause = item.fault.map_or_else(
                    || error.to_string(),
                    |fault| format!("The block {}.", fault.describe()),
                );
                stop(
                    Code::CertDamaged,
                    line,
                    "a certificate cannot be read",
                    cause,
                    "Copy it again from its origin, or ask the CA for it again.".into(),
                );
                match &mut found {
                    Some(served) => served.rest_is_broken = true,
                    None => return None,
                }
            }
        }
        if first
            && item.kind == Kind::TrustedCertificate
            && question.files.chain.is_some()
            && server.reads_chain_from_certificate_file()
        {
            stop(
                Code::CertTrustedLabel,
                line,
                "the label TRUSTED CERTIFICATE does not go with SSLCertificateChainFile",
                "As soon as a chain file is given, Apache reads the certificate with a reader that knows \
                 only the label CERTIFICATE."
                    .into(),
                "openssl x509 -in OLD -out NEW writes the ordinary label.".into(),
            );
        }
    }
    if found.is_none() {
        stop(
            Code::CertNotACertificate,
            None,
            "the certificate file holds no certificate under the right label",
            format!("It is {}.", file.contents.describe()),
            "The lines must read -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----.".into(),
        );
    }
    found
}

/// What to do when something else was given as certificate.
fn instead_of_certificate(contents: &Contents) -> &'static str {
    match (contents.shape, contents.items.first().map(|item| &item.kind)) {
        (_, Some(kind)) if kind.is_key() => {
            "Name the certificate in SSLCertificateFile and this file in SSLCertificateKeyFile; perhaps the \
             two paths are swapped."
        }
        (_, Some(Kind::Request)) => "Install what the CA sent back; a request is only the question.",
        (_, Some(Kind::Pfx)) => "esync-ssl cert import FILE takes key, certificate and chain out of it.",
        (_, Some(Kind::Pkcs7)) => "esync-ssl cert import FILE takes certificate and chain out of it.",
        (_, Some(Kind::PublicKey)) => "Name the certificate that the CA made for this key.",
        (Shape::Html, _) => "Download the certificate itself, not the page around it.",
        (Shape::TypographicDashes, _) => {
            "Put five hyphens in place of the dashes, before and behind BEGIN and END."
        }
        (Shape::Putty, _) => {
            "Name the certificate; this is a key, and in a format that Apache does not read."
        }
        _ => "Name the certificate that the CA sent, in PEM form.",
    }
}
