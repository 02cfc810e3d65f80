//! `esync-ssl cert self-signed` and `cert request`: new keys, and what is made with them.

use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;
use time::OffsetDateTime;

use crate::cli::arguments::{Request, SelfSigned};
use crate::cli::printer::Printer;
use crate::cli::render::new_files;
use crate::exit_status::ExitStatus;
use crate::operation::Failure;
use crate::operation::key_files;
use crate::operation::{NewFiles, file_name};
use crate::tls::issue::{self, KeyType};
use crate::tls::private_key::PrivateKey;

/// Runs `cert self-signed`.
pub fn self_signed(arguments: &SelfSigned, printer: &Printer) -> Result<ExitStatus, Failure> {
    let key_type: KeyType = arguments.key_type.into();
    let certificate = target(&arguments.out_cert, &arguments.domains, "crt");
    let key = target(&arguments.out_key, &arguments.domains, "key");
    free(&[&certificate, &key])?;
    let made = issue::self_signed(
        &arguments.domains,
        key_type,
        arguments.days,
        OffsetDateTime::now_utc(),
    )
    .map_err(Failure::error)?;
    let mut files = NewFiles::default();
    add_key(&mut files, &key, &made.key_pem)?;
    let what = format!(
        "self-signed certificate of {}, valid for {} days; browsers warn about it",
        arguments.domains.join(", "),
        arguments.days
    );
    files.add(
        &certificate,
        shown(&certificate),
        what,
        made.certificate_pem.as_bytes(),
        false,
    )?;
    new_files::tell(&files.finish(false, Vec::new())?, printer);
    Ok(ExitStatus::Done)
}

/// Runs `cert request`.
pub fn request(arguments: &Request, printer: &Printer) -> Result<ExitStatus, Failure> {
    let out = target(&arguments.out_request, &arguments.domains, "csr");
    let mut files = NewFiles::default();
    let pem = if let Some(path) = &arguments.key {
        free(&[&out])?;
        let key = key_files::key(path, &arguments.pass_phrase.read()?, printer)?;
        issue::request_with(&arguments.domains, &key).map_err(|error| key_files::named(path, error))?
    } else {
        let key = target(&arguments.out_key, &arguments.domains, "key");
        free(&[&out, &key])?;
        let made = issue::request(&arguments.domains, arguments.key_type.into()).map_err(Failure::error)?;
        add_key(&mut files, &key, &made.key_pem)?;
        made.request_pem
    };
    let what = format!(
        "request for {}; send it to the certificate authority, and keep the key",
        arguments.domains.join(", ")
    );
    files.add(&out, shown(&out), what, pem.as_bytes(), false)?;
    new_files::tell(&files.finish(false, Vec::new())?, printer);
    Ok(ExitStatus::Done)
}

fn add_key(files: &mut NewFiles, path: &Path, pem: &str) -> Result<(), Failure> {
    let key = PrivateKey::read(pem.as_bytes(), None).map_err(Failure::error)?;
    let what = format!("new {}", crate::operation::private_key(&key));
    files.add(path, shown(path), what, pem.as_bytes(), true)
}

/// Nothing is made in vain: keys take time.
fn free(paths: &[&Path]) -> Result<(), Failure> {
    match paths.iter().find(|path| path.symlink_metadata().is_ok()) {
        None => Ok(()),
        Some(path) => Err(Failure::refused(format!(
            "{} exists already, and nothing is overwritten; choose another name, or move it away",
            path.display()
        ))),
    }
}

fn target(given: &Option<Utf8PathBuf>, domains: &[String], end: &str) -> PathBuf {
    match (given, domains.first()) {
        (Some(path), _) => path.into(),
        (None, domain) => {
            let name = file_name(domain.map_or("server", String::as_str));
            PathBuf::from(format!("{name}.{end}"))
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
