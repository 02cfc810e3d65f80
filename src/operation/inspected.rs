//! What certificate and key files are, as data.

use serde::Serialize;

use super::relations::Relations;
use crate::place::{Moment, ShownPath};

/// What files are.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "InspectReport"))]
pub struct Report {
    /// The files, in the order in which they were named.
    pub(crate) files: Vec<Inspected>,
    /// What fits together.
    pub(crate) together: Relations,
    /// Files that could not be read.
    pub(crate) unread: Vec<Unread>,
}

/// A file that could not be read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UnreadFile"))]
pub(crate) struct Unread {
    /// The file.
    pub(crate) file: ShownPath,
    /// Why, with what helps.
    pub(crate) reason: String,
}

/// A file that was looked at.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "InspectedFile"))]
pub(crate) struct Inspected {
    /// The file.
    pub(crate) file: ShownPath,
    /// What the whole file is, in words.
    pub(crate) what: String,
    /// In which form its contents are.
    pub(crate) shape: FileShape,
    /// How its characters are written.
    pub(crate) encoding: FileEncoding,
    /// What is in it.
    pub(crate) items: Vec<Part>,
}

/// In which form the contents of a file are. More may come with any version.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FileShape {
    /// No bytes.
    Empty,
    /// Blanks and line ends only.
    Blank,
    /// PEM: base64 between lines of BEGIN and END.
    Pem,
    /// DER: binary.
    Der,
    /// Base64 without the lines of BEGIN and END.
    Base64,
    /// A web page.
    Html,
    /// A key as PuTTY writes it.
    Putty,
    /// PEM whose dashes a word processor has changed.
    TypographicDashes,
    /// More than any such file holds.
    TooLarge,
    /// None of these.
    Unknown,
}

/// How the characters of a file are written.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum FileEncoding {
    /// As Apache reads them.
    #[serde(rename = "plain")]
    Plain,
    /// UTF-8 with a byte order mark.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// UTF-16.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// One certificate, key or other structure; exactly one of the last three is there when it could be read.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FileItem"))]
pub(crate) struct Part {
    /// Its number among all items of all files, from 1.
    pub(crate) id: usize,
    /// What it is, in words.
    pub(crate) what: String,
    /// The line in the file where it begins; null where the file has no lines.
    pub(crate) line: Option<usize>,
    /// It was inside an archive.
    pub(crate) in_archive: bool,
    /// Why it cannot be used as it is.
    pub(crate) problem: Option<String>,
    /// What the certificate says.
    pub(crate) certificate: Option<ReportedCertificate>,
    /// What the private key is; nothing of it.
    pub(crate) key: Option<ReportedKey>,
    /// What the request for a certificate says.
    pub(crate) request: Option<ReportedRequest>,
}

/// What a certificate says.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Certificate"))]
pub(crate) struct ReportedCertificate {
    /// Whose it is.
    pub(crate) subject: String,
    /// Who signed it.
    pub(crate) issuer: String,
    /// The names and addresses that clients accept it for (`subjectAltName`).
    pub(crate) names: Vec<String>,
    /// The common names of the subject, which current clients do not look at.
    pub(crate) common_names: Vec<String>,
    /// When it begins to be valid.
    pub(crate) not_before: Moment,
    /// When it ends.
    pub(crate) not_after: Moment,
    /// Whether it is valid now, by the clock of this machine.
    pub(crate) validity: Validity,
    /// The serial number, in hexadecimal.
    pub(crate) serial: String,
    /// It may sign others.
    pub(crate) ca: bool,
    /// Subject and issuer are the same.
    pub(crate) self_signed: bool,
    /// The digest that its signature is made over.
    pub(crate) signature_digest: String,
    /// The key that it vouches for.
    pub(crate) public_key: ReportedKey,
    /// SHA-256 over it, its fingerprint.
    pub(crate) sha256: String,
    /// SHA-1 over it.
    pub(crate) sha1: String,
}

/// Whether a certificate is valid now.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Validity {
    /// It is.
    Valid,
    /// No longer.
    Expired,
    /// Not yet.
    NotYetValid,
}

/// A key by its public half; nothing here is secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Key"))]
pub(crate) struct ReportedKey {
    /// Its kind and size, such as `EC P-256` or `RSA, 2048 bits`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// It is under a pass-phrase that was not given.
    pub(crate) encrypted: bool,
    /// SHA-256 over the public key (`SubjectPublicKeyInfo`).
    pub(crate) public_sha256: Option<String>,
}

/// What a request for a certificate says.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CertificateRequest"))]
pub(crate) struct ReportedRequest {
    /// Whose certificate is wanted.
    pub(crate) subject: String,
    /// The names and addresses that it is wanted for.
    pub(crate) names: Vec<String>,
    /// The key that it is wanted for.
    pub(crate) public_key: ReportedKey,
}
