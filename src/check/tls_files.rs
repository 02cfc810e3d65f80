//! The files behind one TLS virtual host, read once, so that rules are functions of their bytes.
//!
//! Does not resolve relative paths: who knows the server root does.

use std::io::ErrorKind;
use std::path::Path;

use zeroize::Zeroizing;

#[cfg(unix)]
use crate::account;
use crate::acl::{Account, Descriptor, Exposure, Sid};
use crate::foreign;
#[cfg(unix)]
use crate::quoted::quoted;
use crate::tls::container::Contents;
use crate::wording::{is_in_use, reason};

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
    /// Its mode, owner and group.
    Mode(u32, u32, u32),
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
    /// It has more than [`foreign::CERTIFICATE`] bytes, and none of them was read.
    TooLarge,
    /// Another program has it open.
    InUse,
    /// This account may not read it; the words of the system.
    Closed(String),
    /// The system refused for another reason; its words.
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

    /// Reads a file; what prevents it is part of the result. One of more than [`foreign::CERTIFICATE`] bytes is not.
    pub fn load(path: &Path) -> File {
        let shown = path.display().to_string();
        let (bytes, access) = match read(path) {
            Ok((bytes, access)) => (Ok(bytes), access),
            Err(trouble) => (Err(trouble), Access::Unknown),
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
            #[cfg(unix)]
            Access::Mode(mode, owner, group) => self.exposure_by(*mode, *owner, *group),
            Access::List(list, us) => Exposure::of(list, &self.path, self.service.as_ref(), us.as_ref()),
            _ => None,
        }
    }

    /// Everybody, or the group; Debian's ssl-cert is there to read keys, and is told as what it is.
    #[cfg(unix)]
    fn exposure_by(&self, mode: u32, owner: u32, group: u32) -> Option<Exposure> {
        let fix = format!("chmod 600 {}", quoted(Path::new(&self.path)));
        if mode & 0o004 != 0 {
            return Some(Exposure {
                who: "every user of this machine".into(),
                fix,
                is_customary: false,
            });
        }
        let group = account::Group::of(owner, group).filter(|_| mode & 0o040 != 0)?;
        Some(Exposure {
            fix: if group.is_of_system {
                format!("Leave it if a service in that group reads the key. Otherwise: {fix}")
            } else {
                fix
            },
            who: format!("the group {}", group.name),
            is_customary: group.is_of_system,
        })
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
        ErrorKind::InvalidInput => Trouble::NotRegular,
        ErrorKind::FileTooLarge => Trouble::TooLarge,
        _ if is_in_use(&error) => Trouble::InUse,
        ErrorKind::PermissionDenied => Trouble::Closed(reason(&error)),
        _ => Trouble::Unreadable(reason(&error)),
    };
    let (file, metadata) = foreign::open(path).map_err(trouble)?;
    let bytes = foreign::read_from(&file, &metadata, foreign::CERTIFICATE).map_err(trouble)?;
    Ok((Zeroizing::new(bytes), access(path, &metadata)))
}

#[cfg(unix)]
fn access(_path: &Path, metadata: &std::fs::Metadata) -> Access {
    use std::os::unix::fs::MetadataExt;
    Access::Mode(metadata.mode(), metadata.uid(), metadata.gid())
}

#[cfg(windows)]
fn access(path: &Path, _metadata: &std::fs::Metadata) -> Access {
    crate::acl::descriptor(path).map_or(Access::Unknown, |list| Access::List(list, crate::acl::us()))
}
