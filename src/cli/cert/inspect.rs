//! `esync-ssl cert inspect`: what certificate and key files are.

use std::fmt::Write as _;

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::arguments::Inspect;
use super::relations::{self, Numbered, Relations};
use crate::cli::Failure;
use crate::cli::material;
use crate::cli::pass_phrase::PassPhrases;
use crate::cli::printer::Printer;
use crate::exit_status::ExitStatus;
use crate::shown::{printable, sentence};
use crate::tls::Error;
use crate::tls::certificate::{Certificate, colon_hex};
use crate::tls::container::{Contents, Encoding, Item, Kind, Shape};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::PublicKey;
use crate::tls::request::Request;

/// Runs the command.
pub fn run(arguments: &Inspect, printer: &Printer) -> Result<ExitStatus, Failure> {
    let mut desk = Desk::new(PassPhrases::of(&arguments.pass_phrase)?);
    let mut files = Vec::new();
    let mut unreadable = None;
    for path in &arguments.files {
        match material::bytes(path, "given") {
            Ok(bytes) => files.push(desk.look_at(path.as_str(), &bytes)),
            // An empty file is an answer too.
            Err(_)
                if path
                    .metadata()
                    .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) =>
            {
                files.push(desk.look_at(path.as_str(), b""));
            }
            Err(failure) => {
                printer.talk(&printable(
                    format!("esync-ssl: error: {:#}", failure.error).as_bytes(),
                ));
                unreadable = Some(failure.error);
            }
        }
    }
    let report = Report {
        files,
        together: relations::find(desk.certificates, &desk.keys),
        errors: unreadable
            .iter()
            .map(|error| printable(format!("{error:#}").as_bytes()))
            .collect(),
    };
    printer.document(&report);
    printer.answer(&report.text());
    let is_nothing = report.files.iter().any(|file| file.items.is_empty());
    Ok(match unreadable {
        Some(_) => ExitStatus::Error,
        None if is_nothing => ExitStatus::Refused,
        None => ExitStatus::Done,
    })
}

/// What is being found out, over all files.
struct Desk {
    phrases: PassPhrases,
    items: usize,
    certificates: Vec<Numbered>,
    keys: Vec<(usize, PublicKey)>,
}

#[derive(Serialize)]
struct Report {
    files: Vec<Inspected>,
    together: Relations,
    /// Files that could not be read.
    errors: Vec<String>,
}

#[derive(Serialize)]
struct Inspected {
    file: String,
    /// What the whole file is, in words.
    what: String,
    shape: &'static str,
    encoding: &'static str,
    items: Vec<Part>,
}

/// One certificate, key or other structure; exactly one of the last three is there when it could be read.
#[derive(Serialize)]
struct Part {
    id: usize,
    what: String,
    line: Option<usize>,
    /// It was inside an archive.
    in_archive: bool,
    /// Why it cannot be used as it is.
    problem: Option<String>,
    certificate: Option<ReportedCertificate>,
    key: Option<ReportedKey>,
    request: Option<ReportedRequest>,
}

#[derive(Serialize)]
struct ReportedCertificate {
    subject: String,
    issuer: String,
    names: Vec<String>,
    common_names: Vec<String>,
    not_before: String,
    not_after: String,
    /// `valid`, `expired` or `not-yet-valid`, by the clock of this machine.
    validity: &'static str,
    serial: String,
    ca: bool,
    self_signed: bool,
    signature_digest: String,
    public_key: ReportedKey,
    sha256: String,
    sha1: String,
}

/// A key by its public half; nothing here is secret.
#[derive(Serialize)]
struct ReportedKey {
    #[serde(rename = "type")]
    kind: String,
    /// It is under a pass-phrase that was not given.
    encrypted: bool,
    /// SHA-256 over the public key (`SubjectPublicKeyInfo`).
    public_sha256: Option<String>,
}

#[derive(Serialize)]
struct ReportedRequest {
    subject: String,
    names: Vec<String>,
    public_key: ReportedKey,
}

/// What files are, in words; without a pass-phrase for what is under one.
pub fn summary<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut desk = Desk::new(PassPhrases::none());
    let files = files.into_iter().map(|(name, bytes)| desk.look_at(name, bytes));
    let files = files.collect();
    Report {
        files,
        together: relations::find(desk.certificates, &desk.keys),
        errors: Vec::new(),
    }
    .text()
}

impl Desk {
    fn new(phrases: PassPhrases) -> Desk {
        Desk {
            phrases,
            items: 0,
            certificates: Vec::new(),
            keys: Vec::new(),
        }
    }

    fn look_at(&mut self, path: &str, bytes: &[u8]) -> Inspected {
        let contents = Contents::recognise(bytes);
        let mut items = Vec::new();
        for item in &contents.items {
            let mut part = self.part(item.kind.describe());
            part.line = item.block.as_ref().map(|block| block.line);
            part.problem = item.fault.map(|fault| fault.describe().to_owned());
            let inner = self.fill(&mut part, item, bytes);
            items.push(part);
            items.extend(inner);
        }
        Inspected {
            file: path.to_owned(),
            what: contents.describe(),
            shape: shape(contents.shape),
            encoding: match contents.encoding {
                Encoding::Plain => "plain",
                Encoding::Utf8Bom => "utf-8-bom",
                Encoding::Utf16 => "utf-16",
            },
            items,
        }
    }

    fn part(&mut self, what: String) -> Part {
        self.items += 1;
        Part {
            id: self.items,
            what,
            line: None,
            in_archive: false,
            problem: None,
            certificate: None,
            key: None,
            request: None,
        }
    }

    /// Reads what can be read; gives what was inside an archive.
    fn fill(&mut self, part: &mut Part, item: &Item, file: &[u8]) -> Vec<Part> {
        let problem = match &item.kind {
            kind if kind.is_certificate() => Certificate::from_item(item).map(|certificate| {
                part.certificate = Some(self.certificate(part.id, certificate));
            }),
            kind if kind.is_key() => self.key(part, item),
            Kind::Request if item.fault.is_none() => Request::from_der(&item.der).map(|request| {
                part.request = Some(ReportedRequest {
                    subject: request.subject,
                    names: request.names,
                    public_key: public(&request.public_key),
                });
                self.keys.push((part.id, request.public_key));
            }),
            Kind::Pfx | Kind::Pkcs7 => match self.archive(file) {
                Ok(inner) => return inner,
                Err(Error::WrongPassPhrase) if self.phrases.given().is_none() => {
                    part.problem =
                        Some("is under a pass-phrase; give --passphrase-file to look inside".to_owned());
                    Ok(())
                }
                Err(error) => Err(error),
            },
            _ => Ok(()),
        };
        if let (Err(error), None) = (problem, &part.problem) {
            part.problem = Some(error.to_string());
        }
        Vec::new()
    }

    fn certificate(&mut self, id: usize, certificate: Certificate) -> ReportedCertificate {
        let now = OffsetDateTime::now_utc();
        let mut names = certificate.dns_names.clone();
        names.extend(certificate.addresses.iter().map(ToString::to_string));
        let reported = ReportedCertificate {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names,
            common_names: certificate.common_names.clone(),
            not_before: rfc3339(certificate.not_before),
            not_after: rfc3339(certificate.not_after),
            validity: if now > certificate.not_after {
                "expired"
            } else if now < certificate.not_before {
                "not-yet-valid"
            } else {
                "valid"
            },
            serial: certificate.serial.clone(),
            ca: certificate.ca == Some(true),
            self_signed: certificate.is_self_issued(),
            signature_digest: certificate.signature_digest.to_string(),
            public_key: public(&certificate.public_key),
            sha256: colon_hex(&certificate.sha256()),
            sha1: colon_hex(&certificate.sha1()),
        };
        self.certificates.push(Numbered { id, certificate });
        reported
    }

    fn key(&mut self, part: &mut Part, item: &Item) -> Result<(), Error> {
        match PrivateKey::from_item(item, self.phrases.given().map(str::as_bytes)) {
            Ok(key) => {
                part.key = Some(self.opened(part.id, &key));
                Ok(())
            }
            Err(error @ (Error::Encrypted(_) | Error::WrongPassPhrase)) => {
                part.key = Some(ReportedKey {
                    kind: "not known without the pass-phrase".into(),
                    encrypted: true,
                    public_sha256: None,
                });
                if error == Error::WrongPassPhrase {
                    Err(error)
                } else {
                    Ok(())
                }
            }
            Err(error) => Err(error),
        }
    }

    fn opened(&mut self, id: usize, key: &PrivateKey) -> ReportedKey {
        if let Some(public) = key.public_key() {
            self.keys.push((id, public.clone()));
        }
        ReportedKey {
            kind: key.kind().to_string(),
            encrypted: false,
            public_sha256: key.public_key().map(|public| colon_hex(&public.fingerprint())),
        }
    }

    /// Opens an archive with the pass-phrase given or the empty one. Nobody is asked.
    fn archive(&mut self, file: &[u8]) -> Result<Vec<Part>, Error> {
        let archive = Archive::read(file, self.phrases.given().unwrap_or_default())?;
        let mut parts = Vec::new();
        if let Some(key) = &archive.key {
            let mut part = self.part("a private key".into());
            part.key = Some(self.opened(part.id, key));
            parts.push(part);
        }
        let rest = archive.chain.into_iter().chain(archive.root).chain(archive.spare);
        for certificate in std::iter::once(archive.leaf).chain(rest) {
            let mut part = self.part(Kind::Certificate.describe());
            part.certificate = Some(self.certificate(part.id, certificate));
            parts.push(part);
        }
        for part in &mut parts {
            part.in_archive = true;
        }
        Ok(parts)
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            let _ = writeln!(text, "{}: {}", file.file, file.what);
            for part in &file.items {
                part.write(&mut text);
            }
            text.push('\n');
        }
        for pair in &self.together.pairs {
            let _ = writeln!(text, "#{} belongs to certificate #{}", pair.key, pair.certificate);
        }
        for chain in &self.together.chains {
            let order = std::iter::once(&chain.leaf)
                .chain(&chain.intermediates)
                .chain(&chain.root);
            let order: Vec<String> = order.map(|id| format!("#{id}")).collect();
            let end = match (chain.end, &chain.missing) {
                (_, Some(missing)) => format!("its issuer is not here: {missing}"),
                ("wrong-signature", _) => "the signature of the last one is wrong".into(),
                ("root", _) => "the last one is a root".into(),
                _ => "signed by itself".into(),
            };
            let _ = writeln!(text, "chain: {} ({end})", order.join(", issued by "));
        }
        printable(text.as_bytes())
    }
}

impl Part {
    fn write(&self, text: &mut String) {
        let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let inside = if self.in_archive { ", in the archive" } else { "" };
        let _ = writeln!(text, "  #{} {}{line}{inside}", self.id, self.what);
        let mut row = |name: &str, value: &str| {
            let _ = writeln!(text, "     {name:<12} {}", sentence(value));
        };
        if let Some(problem) = &self.problem {
            row("problem", problem);
        }
        if let Some(certificate) = &self.certificate {
            row("subject", &certificate.subject);
            row("names", &listed(&certificate.names));
            row("issuer", &certificate.issuer);
            let validity = match certificate.validity {
                "valid" => "",
                "expired" => " (expired)",
                _ => " (not valid yet)",
            };
            row(
                "valid",
                &format!(
                    "{} to {}{validity}",
                    certificate.not_before, certificate.not_after
                ),
            );
            let kind = match (certificate.ca, certificate.self_signed) {
                (true, true) => "root of a certificate authority",
                (true, false) => "certificate authority (intermediate)",
                (false, true) => "signed by itself",
                (false, false) => "server or client",
            };
            row("kind", kind);
            row("key", &certificate.public_key.kind);
            row("signed with", &certificate.signature_digest);
            row("serial", &certificate.serial);
            row("SHA-256", &certificate.sha256);
            row("SHA-1", &certificate.sha1);
        }
        if let Some(request) = &self.request {
            row("subject", &request.subject);
            row("names", &listed(&request.names));
            row("key", &request.public_key.kind);
        }
        if let Some(key) = &self.key {
            row("key", &key.kind);
        }
        let key = self
            .key
            .as_ref()
            .or(self.request.as_ref().map(|request| &request.public_key));
        if let Some(sha256) = key.and_then(|key| key.public_sha256.as_deref()) {
            row("public key", &format!("SHA-256 {sha256}"));
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

fn public(key: &PublicKey) -> ReportedKey {
    ReportedKey {
        kind: key.kind.to_string(),
        encrypted: false,
        public_sha256: Some(colon_hex(&key.fingerprint())),
    }
}

fn rfc3339(moment: OffsetDateTime) -> String {
    moment.format(&Rfc3339).unwrap_or_else(|_| moment.to_string())
}

fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Empty => "empty",
        Shape::Blank => "blank",
        Shape::Pem => "pem",
        Shape::Der => "der",
        Shape::BareBase64 => "base64",
        Shape::Html => "html",
        Shape::Putty => "putty",
        Shape::TypographicDashes => "typographic-dashes",
        Shape::TooLarge => "too-large",
        Shape::Unknown => "unknown",
    }
}
