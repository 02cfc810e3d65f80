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
    // Only where the file is there.
    let is_possible =
        |remedy: &Remedy| *remedy != Remedy::CompleteChain || chain(group, &looked.loaded).is_some();
    by_code(group, stops).filter(is_possible)
}

/// What would help against a cause of its kind.
fn by_code(group: &Group, stops: bool) -> Option<Remedy> {
    match group.lead().code() {
        Code::RunUnfinished => Some(Remedy::Recover),
        Code::ServerStopped | Code::ServedOtherThanDisk if !stops => Some(Remedy::Restart),
        // What `verify` sees there may have other reasons.
        Code::NotListening if !stops && group.lead().by == Source::Ports => Some(Remedy::Restart),
        // A change that clients do not miss may be one that somebody is still at.
        Code::ConfigNotRead if !stops && group.severity() != Severity::Advice => Some(Remedy::Restart),
        Code::RenewalNotScheduled => Some(Remedy::Schedule),
        Code::ChainMissing | Code::ChainNotSent => Some(Remedy::CompleteChain),
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

#[cfg(test)]
mod tests {
    use super::super::observed::Observation;
    use super::*;
    use crate::check::Finding;

    fn group(by: Source, code: Code, severity: Severity) -> Group {
        Group {
            same: vec![Observation::new(by, Finding::new(code, severity, "", "", ""))],
            effects: Vec::new(),
        }
    }

    #[test]
    fn nothing_is_started_that_cannot_start_and_no_change_disturbed_that_nobody_misses() {
        use Severity::{Advice, BreaksClients};
        for (by, code, severity, offered) in [
            (
                Source::Status,
                Code::ServerStopped,
                BreaksClients,
                Some(Remedy::Restart),
            ),
            (
                Source::Verify,
                Code::ServedOtherThanDisk,
                BreaksClients,
                Some(Remedy::Restart),
            ),
            (
                Source::Ports,
                Code::NotListening,
                BreaksClients,
                Some(Remedy::Restart),
            ),
            (Source::Verify, Code::NotListening, BreaksClients, None),
            (Source::Status, Code::ConfigNotRead, Advice, None),
            (
                Source::Status,
                Code::ConfigNotRead,
                BreaksClients,
                Some(Remedy::Restart),
            ),
            (Source::Check, Code::CertExpired, BreaksClients, None),
        ] {
            let group = group(by, code, severity);
            assert_eq!(by_code(&group, false), offered, "{code} {severity}");
            assert_eq!(by_code(&group, true), None, "{code} {severity}");
        }
        for (code, offered) in [
            (Code::RunUnfinished, Remedy::Recover),
            (Code::RenewalNotScheduled, Remedy::Schedule),
            (Code::ChainMissing, Remedy::CompleteChain),
        ] {
            assert_eq!(by_code(&group(Source::Check, code, Advice), true), Some(offered));
        }
    }

    #[test]
    fn of_many_files_the_first_by_name_are_looked_at() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for number in 0..300 {
            std::fs::write(at(&format!("{number:03}.txt")), "").expect("a file");
            std::fs::write(at(&format!("{number:03}.pem")), "").expect("a file");
        }
        let found = beside(&at("000.pem"));
        assert_eq!(found.len(), MOST_FILES);
        assert_eq!(found.first(), Some(&at("001.pem")));
        assert!(found.is_sorted());
    }
}
