//! The record of one change: what was there, what came, and how to go back. Written durably before the first change,
//! it is the journal of the run, and afterwards the description of its backup.

use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::content::Content;
use super::folder::{Folder, Found, Kind, Last, Place, Way, is_below};
use super::owner::Attributes;
use crate::foreign;

/// The manifest in a backup's folder.
pub(super) const MANIFEST: &str = "manifest.json";
/// The file beside the backups that names the one whose run is not done.
pub(super) const PENDING: &str = "unfinished";
/// The file in a backup's folder that says that the run told the server.
pub(super) const SERVER_TOLD: &str = "server-told";

/// The name beside a certificate or key under which the one before waits until the new one has proved itself: no backup
/// holds it.
pub(super) fn former_name(id: &str, number: usize) -> OsString {
    format!(".esync-ssl-{id}-{number}.former").into()
}

/// What a backup holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this form; 1.
    pub format: u32,
    /// The program and its version.
    pub tool: String,
    /// When, in UTC.
    pub time: String,
    /// The command line.
    pub command: Vec<String>,
    /// One sentence for each change.
    pub reasons: Vec<String>,
    /// The server root.
    pub root: Name,
    /// The names that changed, in the order in which they did.
    pub entries: Vec<Entry>,
    /// Folders that were made, outermost first.
    pub folders: Vec<Name>,
}

/// One name before and after.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// As the configuration knows it.
    pub path: Name,
    /// Behind all symbolic links that stayed.
    pub real: Name,
    /// What was there.
    pub before: State,
    /// What came.
    pub after: State,
    /// Its content is a certificate or key: it is in no backup, and a later restore leaves it where it is. One that gets other
    /// bytes waits beside them until the run is done.
    pub tls: bool,
}

/// What a name leads to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// Nothing.
    Absent,
    /// A file.
    File {
        /// Checksum of its bytes.
        sha256: String,
        /// Owner and mode.
        #[serde(flatten)]
        attributes: Attributes,
        /// Where in the backup's folder its bytes are.
        copy: Option<Name>,
    },
    /// A symbolic link.
    Link {
        /// Where it leads, as it says itself.
        target: Name,
    },
}

/// A path that survives JSON whatever its bytes are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Name {
    /// Nearly always.
    Text(String),
    /// A path that is no UTF-8.
    Bytes(Vec<u8>),
}

impl From<&Path> for Name {
    fn from(path: &Path) -> Name {
        match path.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Bytes(path.as_os_str().as_encoded_bytes().to_vec()),
        }
    }
}

impl Name {
    /// The path itself.
    pub fn path(&self) -> PathBuf {
        match self {
            Name::Text(text) => PathBuf::from(text),
            #[cfg(unix)]
            Name::Bytes(bytes) => {
                use std::os::unix::ffi::OsStrExt;
                PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
            }
            #[cfg(not(unix))]
            Name::Bytes(bytes) => PathBuf::from(String::from_utf8_lossy(bytes).into_owned()),
        }
    }
}

/// SHA-256 in hexadecimal.
pub fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl From<&Content> for State {
    fn from(content: &Content) -> State {
        match content {
            Content::Absent => State::Absent,
            Content::Link(target) => State::Link {
                target: Name::from(&**target),
            },
            Content::File(_) | Content::Tls(_) => State::File {
                sha256: checksum(content.bytes().unwrap_or_default()),
                attributes: Attributes::default(),
                copy: None,
            },
        }
    }
}

impl State {
    /// What a name leads to now, links not followed.
    ///
    /// # Errors
    /// When it is there but cannot be read, or is a folder; when a link of somebody else leads there.
    pub fn of(path: &Path) -> io::Result<State> {
        let Way { place, below } = Way::to(path, Last::Keep)?;
        place.refuse_led()?;
        if below.is_empty() {
            Ok(State::at(&place)?.0)
        } else {
            Ok(State::Absent)
        }
    }

    /// What is at a place, and which file it is.
    pub(super) fn at(place: &Place) -> io::Result<(State, Option<Found>)> {
        let found = place.look()?;
        let state = match found {
            None => State::Absent,
            Some(found) if found.kind == Kind::Link => State::Link {
                target: Name::from(&*place.folder.read_link(&place.name)?),
            },
            Some(found) => State::File {
                sha256: checksum(&Zeroizing::new(place.read(foreign::CONFIGURATION)?)),
                attributes: found.attributes,
                copy: None,
            },
        };
        Ok((state, found))
    }

    /// The same bytes or the same link; owner and mode do not count.
    pub fn is_same(&self, other: &State) -> bool {
        match (self, other) {
            (State::File { sha256: a, .. }, State::File { sha256: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// What it was, out of the backup's folder; checked against its checksum.
    pub(super) fn content(&self, folder: &Folder) -> io::Result<Content> {
        Ok(match self {
            State::Absent => Content::Absent,
            State::Link { target } => Content::Link(target.path()),
            State::File { copy: None, .. } => {
                return Err(io::Error::other("the backup holds no copy of it"));
            }
            State::File {
                sha256,
                copy: Some(copy),
                ..
            } => {
                let place = folder.below(&copy.path())?;
                let bytes = place.read_ours(foreign::CONFIGURATION)?;
                if checksum(&bytes) != *sha256 {
                    return Err(damaged(&place));
                }
                Content::File(bytes.into())
            }
        })
    }

    /// Owner and mode as they were.
    pub(super) fn recorded(&self) -> Attributes {
        match self {
            State::File { attributes, .. } => *attributes,
            _ => Attributes::default(),
        }
    }
}

/// Whether the configuration reads a file.
pub type Known<'a> = &'a dyn Fn(&Path) -> bool;

impl Manifest {
    /// A later restore would find nothing: certificates and keys got other bytes, and that was all.
    pub(super) fn is_passing(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(Entry::is_renewal)
    }
}

impl Entry {
    /// A certificate or key got other bytes.
    pub(super) fn is_renewal(&self) -> bool {
        self.tls && matches!(self.before, State::File { .. })
    }

    /// What it was before, out of the backup's folder; a certificate or key from beside where it was, as the entry with
    /// this number of the run `id`. Checked against its checksum.
    pub(super) fn former(&self, folder: &Folder, id: &str, number: usize) -> io::Result<Content> {
        let (true, State::File { sha256, .. }) = (self.is_renewal(), &self.before) else {
            return self.before.content(folder);
        };
        let place = Place::of(&self.real.path(), Last::Keep)?;
        let waiting = place.folder.place(former_name(id, number));
        let bytes = Zeroizing::new(waiting.read_ours(foreign::CERTIFICATE)?);
        match checksum(&bytes) == *sha256 {
            true => Ok(Content::Tls(bytes)),
            false => Err(damaged(&waiting)),
        }
    }

    /// Whether it is a name that a run of ours may have changed: below the server root, or a file of the
    /// configuration.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub fn check(&self, root: &Path, known: Known) -> io::Result<()> {
        for path in [self.path.path(), self.real.path()] {
            if !may_name(&path, root, known)? {
                return Err(io::Error::other(format!(
                    "the backup names {}, which is neither below the server root {} nor read by its configuration, \
                     so nothing from this backup is put back; check who made it, and restore by hand what is right",
                    path.display(),
                    root.display()
                )));
            }
        }
        Ok(())
    }
}

fn damaged(copy: &Place) -> io::Error {
    io::Error::other(format!("its copy {} is damaged", copy.path().display()))
}

/// Whether a backup may name this file: one below the server root, or one that the configuration reads.
///
/// # Errors
/// When it cannot be looked up.
pub fn may_name(path: &Path, root: &Path, known: Known) -> io::Result<bool> {
    let goes_up = path.components().any(|part| part == Component::ParentDir);
    Ok(!goes_up && (is_below(path, root)? || known(path)))
}

/// Whether the run of this backup's folder told the server.
pub(super) fn told_server(folder: &Folder) -> bool {
    folder
        .place(SERVER_TOLD)
        .look()
        .is_ok_and(|found| found.is_some())
}

/// The manifest in a backup's folder, if it is there.
pub(super) fn read_manifest(folder: &Folder) -> io::Result<Option<Manifest>> {
    match folder.place(MANIFEST).read_ours(foreign::MANIFEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        bytes => Ok(Some(serde_json::from_slice(&bytes?)?)),
    }
}

/// The number in a backup's name.
pub(super) fn number(name: &str) -> Option<u64> {
    let (time, number) = name.split_once('-')?;
    let is_time = time.len() == 16
        && time.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    (is_time && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn only_our_own_names_count() {
        assert_eq!(number("20260102T030405Z-7"), Some(7));
        for name in [
            "20260102T030405Z",
            "20260102T030405Z-7a",
            "lock",
            "2026-7",
            "20260102x030405Z-7",
        ] {
            assert_eq!(number(name), None, "{name}");
        }
    }
}
