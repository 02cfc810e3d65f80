//! The files behind one TLS virtual host, read once, so that rules are functions of their bytes.
//!
//! Does not resolve relative paths: who knows the server root does.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

use crate::tls::container::{Contents, MAX_SIZE};

/// Certificate, key and chain as the configuration names them.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// `SSLCertificateFile`.
    pub certificate: File,
    /// `SSLCertificateKeyFile`; without it Apache looks for the key in the certificate file.
    pub key: Option<File>,
    /// `SSLCertificateChainFile`.
    pub chain: Option<File>,
}

/// One file.
#[derive(Clone)]
pub struct File {
    /// As it was named; shown in findings.
    pub path: String,
    /// Its bytes, or why there are none. Wiped when dropped.
    pub bytes: Result<Zeroizing<Vec<u8>>, Trouble>,
    /// What the bytes are.
    pub contents: Contents,
    /// Whether every user of the machine may read it. Always false on Windows, where this is not asked.
    pub world_readable: bool,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There is none.
    Missing,
    /// It is a directory, a device or something else that Apache refuses.
    NotRegular,
    /// The system refused; its words.
    Unreadable(String),
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("File")
            .field("path", &self.path)
            .field("contents", &self.contents)
            .finish_non_exhaustive()
    }
}

impl File {
    /// A file with these bytes, for what is not on disk yet.
    pub fn from_bytes(path: &str, bytes: &[u8]) -> File {
        File {
            path: path.to_owned(),
            bytes: Ok(Zeroizing::new(bytes.to_vec())),
            contents: Contents::recognise(bytes),
            world_readable: false,
        }
    }

    /// Reads a file; what prevents it is part of the result. No more than [`MAX_SIZE`] bytes are looked at.
    pub fn load(path: &Path) -> File {
        let shown = path.display().to_string();
        let (bytes, world_readable) = match read(path) {
            Ok((bytes, world_readable)) => (Ok(bytes), world_readable),
            Err(trouble) => (Err(trouble), false),
        };
        let contents = Contents::recognise(bytes.as_ref().map_or(&[][..], |bytes| bytes.as_slice()));
        File {
            path: shown,
            bytes,
            contents,
            world_readable,
        }
    }
}

fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, bool), Trouble> {
    let trouble = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Trouble::Missing,
        _ => Trouble::Unreadable(error.to_string()),
    };
    let metadata = fs::metadata(path).map_err(trouble)?;
    if !metadata.is_file() {
        return Err(Trouble::NotRegular);
    }
    let limit = MAX_SIZE as u64 + 1;
    // Large enough from the start: growing would leave pieces of a key behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(metadata.len().min(limit) as usize + 32));
    let file = fs::File::open(path).map_err(trouble)?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, limit), &mut bytes).map_err(trouble)?;
    Ok((bytes, world_readable(&metadata)))
}

#[cfg(unix)]
fn world_readable(metadata: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o004 != 0
}

#[cfg(not(unix))]
fn world_readable(_: &fs::Metadata) -> bool {
    false
}
