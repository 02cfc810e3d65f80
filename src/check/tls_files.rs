//! The files behind one TLS virtual host, read once, so that rules are functions of their bytes.
//!
//! Does not resolve relative paths: who knows the server root does.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

use crate::acl::{Account, Descriptor, Exposure, Sid};
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
    /// Who may read it.
    pub access: Access,
    /// The account of the service that has to read it, where there is one that is known.
    pub service: Option<Account>,
}

/// Who may read a file.
#[derive(Clone, Debug, Default)]
pub enum Access {
    /// It is not on disk, or was not to be learned.
    #[default]
    Unknown,
    /// Its mode.
    Mode(u32),
    /// Its owner and access list, and the account that we run as.
    List(Descriptor, Option<Sid>),
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
            access: Access::Unknown,
            service: None,
        }
    }

    /// Reads a file; what prevents it is part of the result. No more than [`MAX_SIZE`] bytes are looked at.
    pub fn load(path: &Path) -> File {
        let shown = path.display().to_string();
        let (bytes, access) = match read(path) {
            Ok((bytes, access)) => (Ok(bytes), access),
            Err(trouble) => (Err(trouble), Access::Unknown),
        };
        let contents = Contents::recognise(bytes.as_ref().map_or(&[][..], |bytes| bytes.as_slice()));
        File {
            path: shown,
            bytes,
            contents,
            access,
            service: None,
        }
    }
}

impl File {
    /// The same file as what a service that runs as this account has to read.
    pub fn for_service(self, service: Option<&Account>) -> File {
        File {
            service: service.cloned(),
            ..self
        }
    }

    /// Who may read it that should not, if it is a key.
    pub fn exposure(&self) -> Option<Exposure> {
        match &self.access {
            Access::Mode(mode) if mode & 0o004 != 0 => Some(Exposure {
                who: "every user of this machine".into(),
                fix: format!("chmod 600 {}", self.path),
            }),
            Access::List(list, us) => Exposure::of(list, &self.path, self.service.as_ref(), us.as_ref()),
            _ => None,
        }
    }

    /// The account of the service, where it certainly may not read the file.
    pub fn shut_out(&self) -> Option<&Account> {
        let service = self.service.as_ref()?;
        match (&self.access, &service.sid) {
            (Access::List(list, _), Some(sid)) if list.is_closed_to_service(sid) => Some(service),
            _ => None,
        }
    }
}

fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Access), Trouble> {
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
    Ok((bytes, access(path, &metadata)))
}

#[cfg(unix)]
fn access(_path: &Path, metadata: &fs::Metadata) -> Access {
    Access::Mode(std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()))
}

#[cfg(windows)]
fn access(path: &Path, _metadata: &fs::Metadata) -> Access {
    crate::acl::descriptor(path).map_or(Access::Unknown, |list| Access::List(list, crate::acl::us()))
}
