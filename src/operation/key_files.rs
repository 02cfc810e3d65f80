//! Certificate, key and archive files as they were named on the command line, opened. Judges nothing.

use camino::{Utf8Path, Utf8PathBuf};
use zeroize::Zeroizing;

use super::Failure;
use super::pass_phrase::PassPhrases;
use super::questions::Voice;
use crate::check::tls_files::{File, TlsFiles, Trouble};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::tls::Error;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::Certificate;
use crate::tls::container::{Contents, Kind};
use crate::tls::pkcs12::Archive;
use crate::tls::private_key::PrivateKey;
use crate::wording::IN_USE_FIX;

/// What certificate, key and chain are taken out of.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A PFX archive.
    Archive(Utf8PathBuf),
    /// Certificate, key and chain.
    Files(Utf8PathBuf, Utf8PathBuf, Option<Utf8PathBuf>),
}

impl Origin {
    /// Opened: whoever has to type a pass-phrase does so.
    ///
    /// # Errors
    /// When something of it cannot be read or opened.
    pub fn open(&self, phrases: &PassPhrases, voice: &dyn Voice) -> Result<Bundle, Failure> {
        match self {
            Origin::Archive(path) => archive(path, phrases, voice),
            Origin::Files(certificate, key, chain) => {
                files(certificate, key, chain.as_deref(), phrases, voice)
            }
        }
    }

    /// What the three come from: certificate, key and chain.
    pub fn names(&self) -> [String; 3] {
        match self {
            Origin::Archive(path) => [path; 3].map(ToString::to_string),
            Origin::Files(certificate, key, chain) => {
                [certificate, key, chain.as_ref().unwrap_or(certificate)].map(ToString::to_string)
            }
        }
    }
}

/// The bytes of a file that must be there. `what` says what it is for, such as `certificate`.
pub fn bytes(path: &Utf8Path, what: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let (problem, fix) = match File::load(path.as_std_path()).bytes {
        Ok(bytes) if !bytes.is_empty() => return Ok(bytes),
        Ok(_) => ("is empty".to_owned(), "copy it again from its origin"),
        Err(Trouble::Missing) => ("does not exist".to_owned(), "check the path"),
        Err(Trouble::NotRegular) => (
            "is a folder or something else that is not a file".to_owned(),
            "name a file",
        ),
        Err(Trouble::TooLarge) => (
            format!("has more than {} bytes and was not read", foreign::CERTIFICATE),
            "name a file of certificates or keys",
        ),
        Err(Trouble::InUse) => {
            let cause = format!("the {what} file {path} is in use by another program");
            return Err(Failure {
                status: ExitStatus::InUse,
                ..Failure::with_advice(cause, IN_USE_FIX)
            });
        }
        Err(Trouble::Closed(reason) | Trouble::Unreadable(reason)) => {
            (format!("cannot be read: {reason}"), "check who may read it")
        }
    };
    Err(Failure::with_advice(
        format!("the {what} file {path} {problem}"),
        fix,
    ))
}

/// The first private key of a file, without pass-phrase.
pub fn key(path: &Utf8Path, phrases: &PassPhrases, voice: &dyn Voice) -> Result<PrivateKey, Failure> {
    key_of(path, &bytes(path, "key")?, phrases, voice)
}

/// The same of a file that was read.
///
/// # Errors
/// When it cannot be opened.
pub fn key_of(
    path: &Utf8Path,
    bytes: &[u8],
    phrases: &PassPhrases,
    voice: &dyn Voice,
) -> Result<PrivateKey, Failure> {
    match PrivateKey::read(bytes, None) {
        Err(Error::Encrypted(_)) => phrases.open(&format!("the key {path}"), voice, |phrase| {
            PrivateKey::read(bytes, Some(phrase.as_bytes()))
        }),
        result => result.map_err(|error| named(path, error)),
    }
}

/// Everything of a PFX or p7b.
pub fn archive(path: &Utf8Path, phrases: &PassPhrases, voice: &dyn Voice) -> Result<Bundle, Failure> {
    let bytes = bytes(path, "archive")?;
    archive_by(path, &bytes, phrases, voice, &|phrase| {
        Archive::read(&bytes, phrase)
    })
}

/// The same of a file that was read, where it is opened with a pass-phrase so.
///
/// # Errors
/// When it cannot be opened.
pub fn archive_by(
    path: &Utf8Path,
    bytes: &[u8],
    phrases: &PassPhrases,
    voice: &dyn Voice,
    read: &dyn Fn(&str) -> Result<Archive, Error>,
) -> Result<Bundle, Failure> {
    // Without a pass-phrase given, the empty one is tried before anybody is asked: many archives have it.
    let quiet = match phrases.given() {
        Some(_) if is_pfx(bytes) => Err(Error::WrongPassPhrase),
        _ => read(""),
    };
    let archive = match quiet {
        Err(Error::WrongPassPhrase) => phrases.open(&format!("the archive {path}"), voice, read)?,
        result => result.map_err(|error| named(path, error))?,
    };
    Ok(Bundle::of_archive(archive))
}

/// Certificate, key and chain out of their files.
pub fn files(
    certificate: &Utf8Path,
    key_path: &Utf8Path,
    chain: Option<&Utf8Path>,
    phrases: &PassPhrases,
    voice: &dyn Voice,
) -> Result<Bundle, Failure> {
    let read = |path: &Utf8Path, what: &str| {
        Certificate::read_all(&bytes(path, what)?).map_err(|error| named(path, error))
    };
    let mut certificates = read(certificate, "certificate")?;
    if let Some(chain) = chain {
        certificates.append(&mut read(chain, "chain")?);
    }
    let key = key(key_path, phrases, voice)?;
    Bundle::assemble(certificates, Some(key)).ok_or_else(|| {
        named(
            certificate,
            Error::NoCertificate("a file without certificates".into()),
        )
    })
}

/// An error with the file it is about.
pub fn named(path: &Utf8Path, error: Error) -> Failure {
    Failure::error(anyhow::Error::from(error).context(path.to_string()))
}

fn is_pfx(bytes: &[u8]) -> bool {
    Contents::recognise(bytes)
        .items
        .iter()
        .any(|item| item.kind == Kind::Pfx)
}

/// The files of a bundle before they are written, under the names of what they come from.
pub fn judged(bundle: &Bundle, certificate: &str, key: &str, chain: &str) -> TlsFiles {
    TlsFiles {
        certificate: File::from_bytes(certificate, bundle.certificate_pem().as_bytes()),
        key: bundle.key_pem().map(|pem| File::from_bytes(key, pem.as_bytes())),
        chain: bundle.chain_pem().map(|pem| {
            // One name for two files means something else to the rules.
            let name = if chain == certificate {
                format!("{chain} (chain)")
            } else {
                chain.to_owned()
            };
            File::from_bytes(&name, pem.as_bytes())
        }),
    }
}

/// An archive without a key cannot serve.
pub fn without_key(origin: &str) -> Failure {
    Failure::error(anyhow::anyhow!(
        "{origin} holds no private key; export it together with the key, or unpack it with esync-ssl cert import \
         and give --cert and --key"
    ))
}
