//! What certificate and key files are.

use camino::Utf8PathBuf;
use time::OffsetDateTime;

use super::inspected::{
    FileEncoding, FileShape, Inspected, Part, ReportedCertificate, ReportedKey, ReportedRequest, Unread,
    Validity,
};
use super::key_files;
use super::pass_phrase::PassPhrases;
use super::progress::Progress;
use super::relations::{self, Numbered};
use crate::finding::{Code, Finding, Severity};
use crate::note_code::NoteCode;
use crate::shown::printable;
use crate::tls::Error;
use crate::tls::certificate::{Certificate, colon_hex};
use crate::tls::container::{Contents, Encoding, Item, Kind, Shape};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;
use crate::tls::public_key::PublicKey;
use crate::tls::request::Request;

pub use super::inspected::Report;

/// Looks at files.
pub fn run(files: &[Utf8PathBuf], phrases: PassPhrases, progress: &dyn Progress) -> Report {
    let mut desk = Desk::new(phrases);
    let mut inspected = Vec::new();
    let mut unread = Vec::new();
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
                let told = printable(format!("esync-ssl: error: {words}").as_bytes());
                progress.note(NoteCode::FileNotRead, &told);
                unread.push(Unread {
                    file: path.as_str().into(),
                    reason: printable(words.as_bytes()),
                });
            }
        }
    }
    Report {
        files: inspected,
        together: relations::find(desk.certificates, &desk.keys),
        unread,
    }
}

/// What is being found out, over all files.
struct Desk {
    phrases: PassPhrases,
    items: usize,
    certificates: Vec<Numbered>,
    keys: Vec<(usize, PublicKey)>,
}

impl Report {
    /// Why files could not be read.
    pub fn reasons(&self) -> Vec<&str> {
        self.unread.iter().map(|file| file.reason.as_str()).collect()
    }

    /// Files in which nothing is.
    pub fn findings(&self) -> Vec<Finding> {
        let files = self.files.iter().filter(|file| file.items.is_empty());
        let nothing = files.map(|file| {
            Finding::new(
                Code::CertNotACertificate,
                Severity::StopsStart,
                "the file holds no certificate, key or request",
                "",
                "Name a file of certificates or keys: PEM, DER, PFX or p7b.",
            )
            .at(&file.file, None)
        });
        nothing.collect()
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
        unread: Vec::new(),
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
            file: path.into(),
            what: contents.describe(),
            shape: shape(contents.shape),
            encoding: match contents.encoding {
                Encoding::Plain => FileEncoding::Plain,
                Encoding::Utf8Bom => FileEncoding::Utf8Bom,
                Encoding::Utf16 => FileEncoding::Utf16,
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
        let names = certificate.names();
        let reported = ReportedCertificate {
            subject: certificate.subject.clone(),
            issuer: certificate.issuer.clone(),
            names,
            common_names: certificate.common_names.clone(),
            not_before: certificate.not_before.into(),
            not_after: certificate.not_after.into(),
            validity: if now > certificate.not_after {
                Validity::Expired
            } else if now < certificate.not_before {
                Validity::NotYetValid
            } else {
                Validity::Valid
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

fn shape(shape: Shape) -> FileShape {
    match shape {
        Shape::Empty => FileShape::Empty,
        Shape::Blank => FileShape::Blank,
        Shape::Pem => FileShape::Pem,
        Shape::Der => FileShape::Der,
        Shape::BareBase64 => FileShape::Base64,
        Shape::Html => FileShape::Html,
        Shape::Putty => FileShape::Putty,
        Shape::TypographicDashes => FileShape::TypographicDashes,
        Shape::TooLarge => FileShape::TooLarge,
        Shape::Unknown => FileShape::Unknown,
    }
}
