//! Certificate, key and chain files of one virtual host: everything that `httpd -t` does not look at.
//!
//! The rules for the certificate file itself are here; those for key, names, profile and chain beside it.
//! Nothing here reads the disk (see [`super::tls_files`]) or knows a trust store.

use super::question::{Question, Served, readable};
use super::remedy::cert_import;
use super::tls_files::File;
use super::{chain, key, name, profile};
use crate::finding::{Code, Finding, Severity};
use crate::tls::Error;
use crate::tls::certificate::Certificate;
use crate::tls::container::{Encoding, Fault, Item, Kind, Shape};
use crate::tls::pem::Margin;

/// Runs every rule; the findings come worst first, otherwise in the order in which Apache would meet them.
pub fn check(question: &Question<'_>) -> Vec<Finding> {
    judged(question).0
}

/// The same, and the certificates that the server will send, its own first; none where it does not come as far.
pub fn check_and_sent(question: &Question<'_>) -> (Vec<Finding>, Vec<Certificate>) {
    let (findings, served) = judged(question);
    let sent = served.map_or_else(Vec::new, |served| chain::sent(question, &served));
    (findings, sent)
}

fn judged(question: &Question<'_>) -> (Vec<Finding>, Option<Served>) {
    let mut findings = Vec::new();
    let served = served(question, &mut findings);
    if let Some(served) = &served {
        profile::check(question, served, &mut findings);
        name::check(question, &served.leaf, &mut findings);
    }
    chain::check(question, served.as_ref(), &mut findings);
    Finding::worst_first(&mut findings);
    (findings, served)
}

/// What the certificate file yields, with the certificate first that the key belongs to.
fn served(question: &Question<'_>, findings: &mut Vec<Finding>) -> Option<Served> {
    let mut served = certificate_file(question, findings);
    let right = key::check(question, served.as_ref(), findings);
    if let (Some(at), Some(served)) = (right, &mut served) {
        // Only out of order: the other rules look at the certificate that is meant.
        let first = std::mem::replace(&mut served.leaf, served.rest.remove(at));
        served.rest.insert(0, first);
    }
    served
}

/// The rules for `SSLCertificateFile`, and what Apache takes from it.
fn certificate_file(question: &Question<'_>, findings: &mut Vec<Finding>) -> Option<Served> {
    let file = &question.files.certificate;
    if !readable(file, "SSLCertificateFile", findings) {
        return None;
    }
    let mut reading = Reading {
        question,
        file,
        whole: question.server.reads_chain_from_certificate_file() && question.files.chain.is_none(),
        line: None,
        findings,
        found: None,
        leaf_is_seen: true,
    };
    if file.contents.certificates().next().is_none() {
        reading.stop(
            Code::CertNotACertificate,
            "the certificate file holds no certificate",
            format!("It is {}.", file.contents.describe()),
            instead_of_certificate(question, file),
        );
        return None;
    }
    reading.judge_form();
    for item in &file.contents.items {
        reading.line = item.block.as_ref().map(|block| block.line);
        if !reading.take(item) {
            return None;
        }
    }
    reading.line = None;
    if reading.found.is_none() {
        reading.stop(
            Code::CertNotACertificate,
            "the certificate file holds no certificate under the right label",
            format!("It is {}.", file.contents.describe()),
            "The lines must read -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----.",
        );
    }
    reading.found
}

/// The certificate file while its blocks are gone through as this server would.
struct Reading<'a> {
    question: &'a Question<'a>,
    file: &'a File,
    /// What follows the leaf is sent too.
    whole: bool,
    /// Where the block begins that is looked at.
    line: Option<usize>,
    findings: &'a mut Vec<Finding>,
    found: Option<Served>,
    /// Nothing hides the leaf's BEGIN from OpenSSL.
    leaf_is_seen: bool,
}

impl Reading<'_> {
    /// What keeps Apache from starting, in the block that is looked at.
    fn stop(&mut self, code: Code, summary: &str, cause: impl Into<String>, fix: impl Into<String>) {
        // With a chain file 2.4.8 and later use another reader, with its own message.
        let later = if self.question.files.chain.is_some() {
            "AH02561"
        } else {
            "AH02562"
        };
        let logged = self.question.server.logs(later, "AH02241");
        let finding = Finding::new(code, Severity::StopsStart, summary, cause, fix);
        self.findings
            .push(finding.at(&self.file.path, self.line).logged(&logged));
    }

    /// Is the file written in a way that this server reads at all?
    fn judge_form(&mut self) {
        let contents = &self.file.contents;
        if contents.encoding == Encoding::Utf16 {
            self.stop(
                Code::CertUtf16,
                "the certificate is saved as UTF-16",
                "\"Unicode\" in Notepad means UTF-16, which no Apache reads.",
                self.question.or_copy("Save it as ANSI or UTF-8."),
            );
        } else if contents.shape != Shape::Pem && !self.question.server.reads_any_certificate_form() {
            self.stop(
                Code::CertNotPem,
                "the certificate is not in PEM form",
                format!(
                    "It is {}; Apache 2.4.8 and later read only PEM.",
                    contents.describe()
                ),
                self.question.or_copy("Save it as \"Base-64 encoded X.509\"."),
            );
        }
    }

    /// One block. `false`: without the leaf Apache reads no further.
    fn take(&mut self, item: &Item) -> bool {
        let server = self.question.server;
        let margin = item.block.as_ref().map_or(Margin::None, |block| block.margin);
        let is_first = self.found.is_none();
        if !is_first && !self.whole {
            // Not sent, but what the other rules can tell of it helps.
            if let (Some(served), Ok(certificate)) = (&mut self.found, Certificate::from_item(item)) {
                served.rest.push(certificate);
            }
            return true;
        }
        if margin == Margin::PreviousEnd && server.reads_chain_from_certificate_file() {
            self.stop(
                Code::CertGlued,
                "two blocks are on one line",
                "The BEGIN of a block follows the END of the block before it on the same line; two files were \
                 joined without a line break.",
                self.question.or_copy("Insert a line break between the END and the BEGIN."),
            );
        }
        if !is_first && self.leaf_is_seen && !margin.is_seen() {
            return true;
        }
        if !item.kind.is_certificate() || item.fault == Some(Fault::WrongLabel) {
            self.pass_over(item);
            return true;
        }
        if is_first {
            self.judge_beginning(item, margin);
        }
        self.read(item, is_first)
    }

    /// OpenSSL passes over blocks of other kinds, but not over broken ones.
    fn pass_over(&mut self, item: &Item) {
        if let Some(Fault::Pem(fault)) = item.fault
            && self.question.server.reads_chain_from_certificate_file()
        {
            self.stop(
                Code::CertDamaged,
                "a block in the certificate file is broken",
                format!("{} {}.", item.kind.describe(), fault.describe()),
                "Copy the file again from where it came from, or remove the block.",
            );
        }
    }

    /// Does OpenSSL see the BEGIN of the leaf?
    fn judge_beginning(&mut self, item: &Item, margin: Margin) {
        let server = self.question.server;
        if margin == Margin::ByteOrderMark && server.loses_block_behind_mark() {
            self.stop(
                Code::CertByteOrderMark,
                "a byte order mark hides the certificate",
                "The file begins with the bytes EF BB BF; OpenSSL 1.0 does not see the certificate after them.",
                self.question.or_copy("Save the file as ANSI, or as UTF-8 without a byte order mark."),
            );
        }
        if !margin.is_seen() && !server.reads_any_certificate_form() && item.fault.is_none() {
            self.leaf_is_seen = false;
            self.stop(
                Code::CertNotAtLineStart,
                "the certificate's BEGIN is not alone on its line",
                "OpenSSL looks for lines that hold -----BEGIN CERTIFICATE----- and nothing else, starting in the \
                 first column.",
                self.question.or_copy("Remove everything before and after BEGIN on its line, and the indentation of the lines below it."),
            );
        }
    }

    fn read(&mut self, item: &Item, is_first: bool) -> bool {
        let read = Certificate::from_item(item).and_then(|certificate| {
            // The reader of a leaf without chain file takes what follows as trust settings.
            let more = item.der.len() > certificate.der().len() && item.kind == Kind::Certificate;
            if more && is_first && self.whole {
                Err(Error::DamagedCertificate)
            } else {
                Ok(certificate)
            }
        });
        match (read, &mut self.found) {
            (Ok(certificate), Some(served)) => served.rest.push(certificate),
            (Ok(certificate), None) => {
                self.found = Some(Served {
                    leaf: certificate,
                    line: self.line,
                    rest: Vec::new(),
                    rest_is_broken: false,
                });
                self.judge_label(item);
            }
            (Err(error), found) => {
                if let Some(served) = found {
                    served.rest_is_broken = true;
                }
                let cause = item.fault.map_or_else(
                    || error.to_string(),
                    |fault| format!("The block {}.", fault.describe()),
                );
                self.stop(
                    Code::CertDamaged,
                    "a certificate cannot be read",
                    cause,
                    "Copy it again from where it came from, or ask the CA for it again.",
                );
            }
        }
        self.found.is_some()
    }

    fn judge_label(&mut self, item: &Item) {
        if item.kind == Kind::TrustedCertificate
            && self.question.files.chain.is_some()
            && self.question.server.reads_chain_from_certificate_file()
        {
            self.stop(
                Code::CertTrustedLabel,
                "the label TRUSTED CERTIFICATE does not work together with SSLCertificateChainFile",
                "When a chain file is named, Apache reads only certificates with the label CERTIFICATE.",
                self.question
                    .or_copy("Change the label to CERTIFICATE: ask the CA for it without trust settings."),
            );
        }
    }
}

/// What to do when something else was given as certificate.
fn instead_of_certificate(question: &Question<'_>, file: &File) -> String {
    let contents = &file.contents;
    let fix = match (contents.shape, contents.items.first().map(|item| &item.kind)) {
        (_, Some(kind)) if kind.is_key() => {
            "Name the certificate in SSLCertificateFile and this file in SSLCertificateKeyFile; the two paths may \
             be swapped."
        }
        (_, Some(Kind::Request)) => "Name the certificate that the CA sent back for this request.",
        (_, Some(Kind::Pfx)) => return question.pfx(&file.path),
        (_, Some(Kind::Pkcs7)) => return cert_import(&file.path),
        (_, Some(Kind::PublicKey)) => "Name the certificate that the CA made for this key.",
        (Shape::Html, _) => "Download the certificate file itself; this is a web page.",
        (Shape::TypographicDashes, _) => {
            "Replace the dashes by five hyphens, before and after BEGIN and END."
        }
        (Shape::Putty, _) => "Name the certificate; this is a key, in a format that Apache does not read.",
        _ => "Name the certificate that the CA sent, in PEM form.",
    };
    fix.to_owned()
}
