//! A certificate that is served and came from anywhere, as one that is renewed from a file or folder from now on.

use std::path::{Path, PathBuf};

use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::names::file_name;
use super::super::obtain::{Installed, Managed, Source, State};
use super::request::From;
use super::source::covers;
use crate::apply::Name;
use crate::check::tls_host::TlsHost;
use crate::foreign;
use crate::place;
use crate::quoted::word;
use crate::refusal::{Refusal, RefusalCode, say};
use crate::server::same_file::{identity, same};
use crate::tls::certificate::Certificate;
use crate::tls::private_key::PrivateKey;
use crate::wording::reason;
use zeroize::Zeroizing;

/// Files of virtual hosts.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    chain: Option<PathBuf>,
}

/// The certificate of a name, to be renewed from there. What is kept of it already stays its history.
///
/// # Errors
/// Refused where no virtual host has one, or its files are not of the form that can be replaced.
pub fn adopted(
    name: &str,
    from: &From,
    (loaded, hosts): (&Loaded, &[TlsHost]),
    state: &State,
) -> Result<(String, Managed), Failure> {
    let files = files(name, (loaded, hosts))?;
    let read = |path: &Path| {
        let bytes = foreign::read(path, foreign::CERTIFICATE).map(Zeroizing::new);
        bytes.map_err(|error| {
            unfit(
                loaded,
                path,
                format!("cannot be read ({})", reason(&error)),
                "check who may read it",
            )
        })
    };
    for path in [&files.certificate, &files.key].into_iter().chain(&files.chain) {
        if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
            let why = "is a link, and what it leads to is not overwritten".to_owned();
            let fix = "have Apache read files of its own: esync-ssl enable --copy-certs";
            return Err(unfit(loaded, path, why, fix));
        }
    }
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let chain = files.chain.as_deref().map(read).transpose()?;
    let leaf = Certificate::first(&certificate).ok_or_else(|| {
        let why = "holds no certificate that can be read".to_owned();
        unfit(loaded, &files.certificate, why, "correct the configuration first")
    })?;
    let fits = PrivateKey::read(&key, None).is_ok_and(|key| key.matches(&leaf.public_key) == Some(true));
    if !fits {
        let why = "is not the private key of the certificate, or is under a pass-phrase".to_owned();
        let fix = "have Apache read a key without pass-phrase: esync-ssl enable --copy-certs";
        return Err(unfit(loaded, &files.key, why, fix));
    }
    let mut names = names((loaded, hosts), &files.certificate, &leaf);
    names.sort_by_key(|one| one != name);
    let whole = |path: &Path| Name::from(&*place::absolute(path).unwrap_or_else(|_| path.to_path_buf()));
    let source = Source {
        path: whole(&from.path),
        is_folder: Some(from.path.symlink_metadata().is_ok_and(|found| found.is_dir())),
        pass_phrase: from.pass_phrase.as_deref().map(whole),
        others_may_write: from.others_may_write,
    };
    let both = [(&*files.certificate, &certificate[..]), (&*files.key, &key[..])];
    let chain = files.chain.as_deref().zip(chain.as_deref().map(Vec::as_slice));
    let installed = Installed::of_source(source, names, &leaf).at(both, chain);
    let known = state.all_managed().into_iter().find_map(|known| {
        let managed = state.managed(&known).ok()??;
        let is_it = same(&managed.installed.certificate.path(), &files.certificate);
        is_it.then_some((known, managed))
    });
    let (known, history) = match known {
        Some((known, managed)) => (known, managed.history),
        None => (file_name(name), crate::renewal::History::default()),
    };
    let mut managed = Managed::new(installed);
    managed.history = history;
    Ok((known, managed))
}

/// The files of the one certificate that virtual hosts of this name show.
fn files(name: &str, (loaded, hosts): (&Loaded, &[TlsHost])) -> Result<Files, Failure> {
    let source = loaded.configuration.source();
    let has_name = |host: &&TlsHost| {
        let mut names = host.server_name.iter().chain(&host.aliases);
        names.any(|one| one.eq_ignore_ascii_case(name))
    };
    let mut found: Vec<Files> = Vec::new();
    for host in hosts.iter().filter(has_name) {
        let chain = host.chain.as_ref().map(|chain| source.host_path(chain));
        for pair in &host.pairs {
            let certificate = source.host_path(&pair.certificate);
            let key = pair.key.as_ref().map(|key| source.host_path(key));
            let key = key.filter(|key| !same(key, &certificate)).ok_or_else(|| {
                let why = "holds certificate and private key in one".to_owned();
                let fix = "have Apache read two files: esync-ssl enable --copy-certs";
                unfit(loaded, &certificate, why, fix)
            })?;
            if !found.iter().any(|known| same(&known.certificate, &certificate)) {
                found.push(Files {
                    certificate,
                    key,
                    chain: chain.clone(),
                });
            }
        }
    }
    let only = found.pop().ok_or_else(|| {
        Failure::refused(Refusal::new(
            RefusalCode::NotManaged,
            format!("no virtual host serves {name} over TLS"),
            "; ",
            format!("turn HTTPS on first: esync-ssl enable --domain {}", word(name)),
        ))
    })?;
    if let Some(other) = found.pop() {
        let why = format!(
            "and {} are both served under {name}, and it is not known which of them is meant",
            loaded.show(&other.certificate)
        );
        return Err(unfit(
            loaded,
            &only.certificate,
            why,
            "name one that has only one certificate",
        ));
    }
    let mut own = hosts.iter().filter(|host| {
        let mut pairs = host.pairs.iter();
        pairs.any(|pair| same(&source.host_path(&pair.certificate), &only.certificate))
    });
    if own.any(|host| host.chain.as_ref().map(|chain| source.host_path(chain)) != only.chain) {
        let why = "is sent with different files of issuers by different virtual hosts".to_owned();
        let fix = "have them name the same SSLCertificateChainFile";
        return Err(unfit(loaded, &only.certificate, why, fix));
    }
    if let Some(chain) = &only.chain {
        refuse_shared((loaded, hosts), chain, &only.certificate)?;
    }
    Ok(only)
}

/// A file with issuers that goes with other certificates too is not replaced by the issuers of this one.
///
/// # Errors
/// Refused where it does.
pub fn refuse_shared(
    (loaded, hosts): (&Loaded, &[TlsHost]),
    chain: &Path,
    certificate: &Path,
) -> Result<(), Failure> {
    let source = loaded.configuration.source();
    let is_other = |host: &&TlsHost| {
        let has_chain = host
            .chain
            .as_ref()
            .is_some_and(|other| same(&source.host_path(other), chain));
        let mut pairs = host.pairs.iter();
        has_chain && pairs.any(|pair| !same(&source.host_path(&pair.certificate), certificate))
    };
    match hosts.iter().find(is_other) {
        None => Ok(()),
        Some(_) => {
            let why = "is sent with another certificate as well".to_owned();
            let fix = "give each certificate an SSLCertificateChainFile of its own";
            Err(unfit(loaded, chain, why, fix))
        }
    }
}

/// The names under which virtual hosts show this certificate and that it is for: what takes its place must be for them too.
/// Those that it is not for are not asked of the next; where it is for none of them, as it was a stand-in, all are.
pub fn names((loaded, hosts): (&Loaded, &[TlsHost]), certificate: &Path, leaf: &Certificate) -> Vec<String> {
    let source = loaded.configuration.source();
    let file = identity(certificate);
    let hosts = hosts.iter().filter(|host| {
        let mut pairs = host.pairs.iter();
        pairs.any(|pair| identity(&source.host_path(&pair.certificate)) == file)
    });
    let mut served: Vec<String> = Vec::new();
    for name in hosts.flat_map(|host| host.server_name.iter().chain(&host.aliases)) {
        let name = name.to_ascii_lowercase();
        if !served.contains(&name) {
            served.push(name);
        }
    }
    let covered: Vec<String> = served.iter().filter(|name| covers(leaf, name)).cloned().collect();
    match (covered.is_empty(), served.is_empty()) {
        (false, _) => covered,
        (true, false) => served,
        (true, true) => leaf.names(),
    }
}

fn unfit(loaded: &Loaded, path: &Path, why: String, fix: &'static str) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NotReplaceable,
        say![loaded.place(path), format!(" {why}")],
        "; ",
        fix,
    ))
}
