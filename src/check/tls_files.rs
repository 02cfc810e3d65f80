//! The files behind one TLS virtual host, read once, so that rules are functions of their bytes.
//!
//! Does not resolve relative paths: who knows the server root does.

use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

use crate::foreign;
use crate::tls::container::Contents;

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
    /// It has more than [`foreign::CERTIFICATE`] bytes, and none of them was read.
    TooLarge,
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

    /// Reads a file; what prevents it is part of the result. One of more than [`foreign::CERTIFICATE`] bytes is not.
    pub fn load(path: &Path) -> File {
        let shown = path.display().to_string();
        let (bytes, world_readable) = match read(path) {
            Ok((bytes, world_readable)) => (Ok(bytes), world_readable),
            Err(trouble) => (Err(trouble), false),
        };
        let contents = match &bytes {
            Ok(bytes) => Contents::recognise(bytes),
            Err(Trouble::TooLarge) => Contents::too_large(),
            Err(_) => Contents::recognise(&[]),
        };
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
        ErrorKind::InvalidInput => Trouble::NotRegular,
        ErrorKind::FileTooLarge => Trouble::TooLarge,
        _ => Trouble::Unreadable(error.to_string()),
    };
    let (file, metadata) = foreign::open(path).map_err(trouble)?;
    let bytes = foreign::read_from(&file, &metadata, foreign::CERTIFICATE).map_err(trouble)?;
    Ok((Zeroizing::new(bytes), world_readable(&metadata)))
}

#[cfg(unix)]
fn world_readable(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o004 != 0
}

#[cfg(not(unix))]
fn world_readable(_: &std::fs::Metadata) -> bool {
    false
}
