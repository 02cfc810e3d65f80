//! What helps against a cause without anybody's knowledge but this machine's: what other operations do.

use std::path::{Path, PathBuf};

use super::super::certificate_files;
use super::super::find::Loaded;
use super::look::Looked;
use super::observed::Source;
use super::report::Remedy;
use super::same_cause::Group;
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Severity};
use crate::tls::certificate::Link;

/// So many files beside a certificate are looked at, in the order of their names.
const MOST_FILES: usize = 200;

/// What helps against a cause. `stops`: something keeps Apache from starting.
pub fn remedy(group: &Group, stops: bool, looked: &Looked) -> Option<Remedy> {
    looked.is_up?;
    match group.lead().code() {
        Code::RunUnfinished => Some(Remedy::Recover),
        Code::ServerStopped | Code::ServedOtherThanDisk if !stops => Some(Remedy::Restart),
        // What `verify` sees there may have other reasons.
        Code::NotListening if !stops && group.lead().by == Source::Ports => Some(Remedy::Restart),
        // A change that clients do not miss may be one that somebody is still at.
        Code::ConfigNotRead if !stops && group.severity() != Severity::Advice => Some(Remedy::Restart),
        Code::RenewalNotScheduled => Some(Remedy::Schedule),
        Code::ChainMissing | Code::ChainNotSent => {
            chain(group, &looked.loaded).map(|_| Remedy::CompleteChain)
        }
        _ => None,
    }
}

/// A certificate without its intermediates, and a file beside it that has them.
pub struct Chain {
    /// What the virtual host is called.
    pub name: String,
    /// The port that it is for.
    pub port: u16,
    /// The certificate.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The intermediates.
    pub chain: PathBuf,
}

/// The file beside a certificate that completes it, the first by name where there are several.
pub fn chain(group: &Group, loaded: &Loaded) -> Option<Chain> {
    let configuration = &loaded.configuration;
    let place = group.same.iter().find_map(|one| one.host.as_ref())?;
    let hosts = TlsHost::all(configuration);
    let host = hosts.iter().find(|host| {
        let at = host
            .entry
            .map(|entry| loaded.place_of(configuration.entry(entry)));
        at.as_ref() == Some(place)
    })?;
    let [pair] = &host.pairs[..] else { return None };
    let virtual_host = configuration
        .virtual_hosts()
        .iter()
        .find(|one| one.section == host.section)?;
    let certificate = configuration.source().host_path(&pair.certificate);
    let key = configuration
        .source()
        .host_path(pair.key.as_ref().unwrap_or(&pair.certificate));
    let leaf = certificate_files::leaf(&certificate)?;
    let mut fitting = beside(&certificate).into_iter().filter(|file| {
        let first = certificate_files::leaf(file);
        first.is_some_and(|first| !first.is_self_issued() && leaf.issued_by(&first) == Link::Verified)
    });
    let chain = fitting.next()?;
    Some(Chain {
        name: host.server_name.clone()?,
        port: virtual_host.addresses.iter().find_map(|address| address.port)?,
        certificate,
        key,
        chain,
    })
}

/// The other files of a folder that may hold certificates.
fn beside(file: &Path) -> Vec<PathBuf> {
    let entries = file.parent().and_then(|folder| folder.read_dir().ok());
    let entries = entries.into_iter().flatten().flatten();
    let is_candidate = |path: &PathBuf| {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default();
        path != file && ["crt", "pem", "cer", "cert", "ca-bundle"].contains(&&*end.to_ascii_lowercase())
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_candidate).collect();
    files.sort();
    files.truncate(MOST_FILES);
    files
}
