//! Certificates and keys in folders where people work, as against those where a server's files are kept.

use std::path::{Path, PathBuf};

use camino::Utf8PathBuf;

use super::enable_files::Files;
use super::find::Loaded;
use super::key_files::Origin;
use crate::check::tls_host::TlsHost;
use crate::httpd::real_path;
use crate::place;
use crate::shown::shown;

/// Where files are kept that servers use, besides the server root.
#[cfg(not(windows))]
const KEPT: [&str; 6] = ["/etc", "/opt", "/srv", "/usr", "/var/lib", "/Library"];

/// The files, where they lie in a folder of that kind, are there, and the configuration does not name them already.
pub fn origin(files: &Files, loaded: &Loaded) -> Option<Origin> {
    let [certificate, key, chain] = named(files)?;
    let all = || [certificate, key, chain].into_iter().flatten();
    let root = real_path(&loaded.source_root());
    let is_at_work = |path: &&PathBuf| !is_kept(path, &root, loaded);
    if !all().any(|path| is_at_work(&path))
        || !all().all(|path| path.is_file())
        || is_named(loaded, certificate?)
    {
        return None;
    }
    let text = |path: &PathBuf| Utf8PathBuf::from_path_buf(path.clone()).ok();
    let chain = match chain {
        Some(chain) => Some(text(chain)?),
        None => None,
    };
    Some(Origin::Files(text(certificate?)?, text(key?)?, chain))
}

/// What was found, for people.
pub fn found(files: &Files) -> String {
    let all = named(files).into_iter().flatten().flatten();
    let all: Vec<String> = all.map(|path| shown(path)).collect();
    format!(
        "certificate and key lie outside of the server's folders: {}",
        all.join(", ")
    )
}

fn named(files: &Files) -> Option<[Option<&PathBuf>; 3]> {
    match files {
        Files::Named {
            certificate,
            key,
            chain,
        } => Some([Some(certificate), Some(key), chain.as_ref()]),
        Files::Installed(_) | Files::SelfSigned | Files::Ordered(_) => None,
    }
}

/// As it is spelled, or behind all links.
fn is_kept(path: &Path, root: &Path, loaded: &Loaded) -> bool {
    let spelled = place::whole(path);
    let is_in = |path: &Path| {
        path.starts_with(root)
            || path.starts_with(loaded.source_root())
            || kept().iter().any(|folder| path.starts_with(folder))
    };
    is_in(&spelled) || is_in(&real_path(path))
}

/// The folders where files of servers are kept.
#[cfg(not(windows))]
pub fn kept() -> Vec<PathBuf> {
    KEPT.iter().map(PathBuf::from).collect()
}

/// The folders where files of servers are kept.
#[cfg(windows)]
pub fn kept() -> Vec<PathBuf> {
    let variables = ["ProgramData", "ProgramFiles", "ProgramFiles(x86)"];
    variables
        .iter()
        .filter_map(|name| std::env::var_os(name).map(PathBuf::from))
        .collect()
}

/// A virtual host has it already.
fn is_named(loaded: &Loaded, certificate: &Path) -> bool {
    let source = loaded.configuration.source();
    let wanted = real_path(&place::whole(certificate));
    let hosts = TlsHost::all(&loaded.configuration);
    let mut pairs = hosts.iter().flat_map(|host| &host.pairs);
    pairs.any(|pair| real_path(&source.host_path(&pair.certificate)) == wanted)
}
