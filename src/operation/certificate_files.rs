//! The files with the certificates that virtual hosts show, and what is first in such a file.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::find::Loaded;
use crate::check::tls_host::TlsHost;
use crate::foreign;
use crate::server::same_file::identity;
use crate::tls::certificate::Certificate;

/// Those of these hosts, as this machine opens them; one that several name comes as often.
pub fn of_hosts<'a>(hosts: &'a [TlsHost], loaded: &'a Loaded) -> impl Iterator<Item = PathBuf> + 'a {
    let source = loaded.configuration.source();
    let pairs = hosts.iter().flat_map(|host| &host.pairs);
    pairs.map(|pair| source.host_path(&pair.certificate))
}

/// The same with their keys and chains.
pub fn all_of_hosts<'a>(hosts: &'a [TlsHost], loaded: &'a Loaded) -> impl Iterator<Item = PathBuf> + 'a {
    let source = loaded.configuration.source();
    let named = |host: &'a TlsHost| {
        let pairs = host.pairs.iter();
        let files = pairs.flat_map(|pair| [Some(&pair.certificate), pair.key.as_ref()]);
        files.chain([host.chain.as_ref()]).flatten()
    };
    hosts.iter().flat_map(named).map(|file| source.host_path(file))
}

/// Those with certificates, each once by its [`identity`].
pub fn used(hosts: &[TlsHost], loaded: &Loaded) -> HashSet<PathBuf> {
    of_hosts(hosts, loaded).map(|file| identity(&file)).collect()
}

/// The first certificate of a file, which is the one that clients are shown for themselves; nothing where none can be read.
pub fn leaf(file: &Path) -> Option<Certificate> {
    Certificate::first(&foreign::read(file, foreign::CERTIFICATE).ok()?)
}
