//! What certificate and key files are.

use camino::Utf8PathBuf;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::key_files;
use super::pass_phrase::PassPhrases;
use super::progress::Progress;
use super::relations::{self, Numbered, Relations};
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::printable;
use crate::tls::Error;
use crate::tls::certificate::{Certificate, colon_hex};
use crate::tls::container::{Contents, Encoding, Item, Kind, Shape};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::PublicKey;
use crate::tls::request::Request;

/// Looks at files.
pub fn run(files: &[Utf8PathBuf], phrases: PassPhrases, progress: &dyn Progress) -> Report {
    let mut desk = Desk::new(phrases);
    let mut inspected = Vec::new();
    let mut errors = Vec::new();
    for path in files {
        match key_files::bytes(path, "given") {
            Ok(bytes) => inspected.push(desk.look_at(path.as_str(), &bytes)),
            // An empty file is an answer too.
            Err(_)
                if path
                    .metadata()
                    .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0) =>
            {
                inspected.push(desk.look_at(path.as_str(), b""));
            }
            Err(failure) => {
                let words = format!("{:#}", failure.error);
                progress.talk(&printable(format!("esync-ssl: error: {words}").as_bytes()));
                errors = vec![printable(words.as_bytes())];
            }
        }
    }
    Report {
        files: inspected,
        together: relations::find(desk.certificates, &desk.keys),
        errors,
    }
}

/// What is being found out, over all files.
struct Desk {
    phrases: PassPhrases,
    items: usize,
    certificates: Vec<Numbered>,
    keys: Vec<(usize, PublicKey)>,
}

#[derive(Serialize)]
/// What files are.
pub struct Report {
    pub(crate) files: Vec<Inspected>,
    pub(crate) together: Relations,
    /// Files that could not be read.
    pub(crate) errors: Vec<String>,
}

#[derive(Serialize)]
pub(crate) struct Inspected {
    pub(crate) file: String,
    /// What the whole file is, in words.
    pub(crate) what: String,
    pub(crate) shape: &'static str,
    pub(crate) encoding: &'static str,
    pub(crate) items: Vec<Part>,
}

/// One certificate, key or other structure; exactly one of the last three is there when it could be read.
#[derive(Serialize)]
pub(crate) struct Part {
    pub(crate) id: usize,
    pub(crate) what: String,
    pub(crate) line: Option<usize>,
    /// It was inside an archive.
    pub(crate) in_archive: bool,
    /// Why it cannot be used as it is.
    pub(crate) problem: Option<String>,
    pub(crate) certificate: Option<ReportedCertificate>,
    pub(crate) key: Option<ReportedKey>,
    pub(crate) request: Option<ReportedRequest>,
}

#[derive(Serialize)]
pub(crate) struct ReportedCertificate {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) names: Vec<String>,
    pub(crate) common_names: Vec<String>,
    pub(crate) not_before: String,
    pub(crate) not_after: String,
    /// `valid`, `expired` or `not-yet-valid`, by the clock of this machine.
    pub(crate) validity: &'static str,
    pub(crate) serial: String,
    pub(crate) ca: bool,
    pub(crate) self_signed: bool,
    pub(crate) signature_digest: String,
    pub(crate) public_key: ReportedKey,
    pub(crate) sha256: String,
    pub(crate) sha1: String,
}

/// A key by its public half; nothing here is secret.
#[derive(Serialize)]
pub(crate) struct ReportedKey {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// It is under a pass-phrase that was not given.
    pub(crate) encrypted: bool,
    /// SHA-256 over the public key (`SubjectPublicKeyInfo`).
    pub(crate) public_sha256: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct ReportedRequest {
    pub(crate) subject: String,
    pub(crate) names: Vec<String>,
    pub(crate) public_key: ReportedKey,
}

impl Report {
    /// Why it is no answer to everything that was asked: files in which nothing is.
    pub fn refusal(&self) -> Option<Refusal> {
        let files = self.files.iter().filter(|file| file.items.is_empty());
        let files: Vec<Text> = files.map(|file| Place::path(&file.file).into()).collect();
        let cause = say![
            Text::joined(files.iter().cloned(), ", "),
            " holds no certificate, key or request"
        ];
        (!files.is_empty()).then(|| Refusal::new(RefusalCode::NothingRecognised, cause, "", ""))
    }
}

/// What files are; without a pass-phrase for what is under one.
pub fn summary<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Report {
    let mut desk = Desk::new(PassPhrases::none());
    let files = files.into_iter().map(|(name, bytes)| desk.look_at(name, bytes));
    let files = files.collect();
    Report {
        files,
        together: relations::find(desk.certificates, &desk.keys),
        errors: Vec::new(),
    }
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
                    part.problem = Some(
                        "is protected by a pass-phrase; give --passphrase-file to look inside".to_owned(),
                    );
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
