//! New keys, and what is made with them: certificates signed with themselves, and requests for an authority.

use std::path::{Path, PathBuf};

use camino::Utf8Path;
use time::OffsetDateTime;

use super::Failure;
use super::file_action::Reported;
use super::key_files::{key, named};
use super::names::file_name;
use super::new_files::{NewFiles, Outcome, exists, private_key};
use super::pass_phrase::ReadPhrases;
use super::questions::Voice;
use crate::quoted::{quoted, word};
use crate::refusal::Place;
use crate::tls::issue::{self, KeyType};
use crate::tls::private_key::PrivateKey;
use crate::wording::count;

/// What is made.
pub struct New<'a> {
    /// Domain names and addresses that it is for.
    pub domains: &'a [String],
    /// Kind of the new key.
    pub key_type: KeyType,
    /// Where it goes, if not into a file of the domain's name.
    pub out: Option<&'a Utf8Path>,
    /// Where the new key goes, if not into a file of the domain's name.
    pub out_key: Option<&'a Utf8Path>,
}

/// Makes a key and a certificate signed with itself.
///
/// # Errors
/// When they are there already, or cannot be made.
pub fn self_signed(new: &New, days: u32) -> Result<Outcome, Failure> {
    let certificate = target(new.out, new.domains, "crt");
    let key = target(new.out_key, new.domains, "key");
    free(&[&certificate, &key])?;
    let now = OffsetDateTime::now_utc();
    let made = issue::self_signed(new.domains, new.key_type, days, now).map_err(Failure::error)?;
    let mut files = NewFiles::default();
    add_key(&mut files, &key, &made.key_pem)?;
    let what = format!(
        "self-signed certificate of {}, valid for {}; browsers warn about it",
        new.domains.join(", "),
        count(days as usize, "day")
    );
    files.add(&certificate, &made.certificate_pem, told(&certificate, what))?;
    files.finish(false, Vec::new())
}

/// Makes a request for an authority, with a key that is there or a new one.
///
/// # Errors
/// When it is there already, or cannot be made.
pub fn request(
    new: &New,
    old_key: Option<(&Utf8Path, ReadPhrases)>,
    voice: &dyn Voice,
) -> Result<Outcome, Failure> {
    let out = target(new.out, new.domains, "csr");
    let mut files = NewFiles::default();
    let mut next = Next::of(new, &out);
    let pem = if let Some((path, phrases)) = old_key {
        free(&[&out])?;
        let opened = key(path, &phrases()?, voice)?;
        next.key = path.to_string();
        issue::request_with(new.domains, &opened).map_err(|error| named(path, error))?
    } else {
        let key = target(new.out_key, new.domains, "key");
        free(&[&out, &key])?;
        let made = issue::request(new.domains, new.key_type).map_err(Failure::error)?;
        add_key(&mut files, &key, &made.key_pem)?;
        next.key = key.display().to_string();
        made.request_pem
    };
    let what = format!(
        "request for {}; send it to the certificate authority, and keep the key",
        new.domains.join(", ")
    );
    files.add(&out, &pem, told(&out, what))?;
    files.finish(false, vec![next.note()])
}

/// What comes after a request.
struct Next {
    request: String,
    domains: String,
    key: String,
}

impl Next {
    fn of(new: &New, request: &Path) -> Next {
        // A virtual host has a name of its own beside such as *.example.com.
        let names = new.domains.iter().filter(|name| !name.contains('*'));
        let domains: String = names.map(|name| format!(" --domain {}", word(name))).collect();
        Next {
            request: request.display().to_string(),
            domains: if domains.is_empty() {
                " --domain NAME".into()
            } else {
                domains
            },
            key: String::new(),
        }
    }

    fn note(&self) -> String {
        format!(
            "send {} to the certificate authority. With the certificate that it sends back: esync-ssl enable{} --cert FILE \
             --key {} --chain FILE (its intermediate certificates)",
            self.request,
            self.domains,
            quoted(&self.key)
        )
    }
}

fn add_key(files: &mut NewFiles, path: &Path, pem: &str) -> Result<(), Failure> {
    let key = PrivateKey::read(pem.as_bytes(), None).map_err(Failure::error)?;
    let what = format!("new {}", private_key(&key));
    files.add_key(path, pem, told(path, what))
}

/// Nothing is made in vain: keys take time.
fn free(paths: &[&Path]) -> Result<(), Failure> {
    match paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(path) => Err(exists(Place::path(*path))),
    }
}

fn target(given: Option<&Utf8Path>, domains: &[String], end: &str) -> PathBuf {
    match (given, domains.first()) {
        (Some(path), _) => path.into(),
        (None, domain) => {
            let name = file_name(domain.map_or("server", String::as_str));
            PathBuf::from(format!("{name}.{end}"))
        }
    }
}

fn told(path: &Path, reason: String) -> Reported {
    Reported {
        file: path.display().to_string(),
        reason,
    }
}
