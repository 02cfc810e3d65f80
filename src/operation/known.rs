//! Which files the configuration reads, asked only where a backup names one outside of the server root.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::environment::Where;
use super::find::Loaded;
use crate::check::tls_host::TlsHost;

/// The files that the present configuration reads.
pub struct KnownFiles<'a> {
    place: &'a Where,
    files: OnceCell<Vec<PathBuf>>,
}

impl<'a> KnownFiles<'a> {
    /// Nothing is read before it is asked for.
    pub fn new(place: &'a Where) -> Self {
        KnownFiles {
            place,
            files: OnceCell::new(),
        }
    }

    /// Whether the configuration reads this file. One that cannot be read knows none.
    pub fn has(&self, path: &Path) -> bool {
        let files = self.files.get_or_init(|| {
            let Ok(loaded) = Loaded::find(self.place) else {
                return Vec::new();
            };
            let files = loaded.configuration.files().iter();
            let files = files.flat_map(|file| [file.host.clone(), file.real().to_path_buf()]);
            files.chain(certificates(&loaded)).collect()
        });
        files.iter().any(|file| file == path)
    }
}

/// Certificates, keys and issuers, by the way that the configuration names and by the one without links.
fn certificates(loaded: &Loaded) -> Vec<PathBuf> {
    let source = loaded.configuration.source();
    let hosts = TlsHost::all(&loaded.configuration).into_iter();
    let files = hosts.flat_map(|host| {
        let pairs = host.pairs.into_iter();
        let pairs = pairs.flat_map(|pair| [Some(pair.certificate), pair.key]);
        pairs.chain([host.chain]).flatten()
    });
    let files = files.map(|file| source.host_path(&file));
    files
        .flat_map(|file| [file.canonicalize().ok(), Some(file)])
        .flatten()
        .collect()
}
