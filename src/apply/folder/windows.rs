//! Folders of Windows. Who may write there is a matter of access lists; links need a right that ordinary accounts do not
//! have. So paths do, but no link is followed below a folder, and new files are closed before they have bytes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::{Found, Fresh, Kind, Last, Place, Way, invalid, regular};
use crate::acl::{self, Sid};
use crate::apply::owner::{Attributes, Others};
use crate::apply::patience::patiently;
use crate::apply::replace::system;

/// A folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens a folder, links followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let path = plain(fs::canonicalize(path)?);
        if !path.is_dir() {
            return Err(ErrorKind::NotADirectory.into());
        }
        Ok(Folder { path })
    }

    /// Its path, without any link.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nobody: right below a drive, where eSync's tree lies, everybody may write. What is private is closed by itself, and
    /// `check` tells of the folders.
    pub fn others(&self) -> Option<&Others> {
        None
    }

    /// Nobody; see [`Folder::others`].
    pub(in crate::apply) fn owner(&self) -> io::Result<Option<u32>> {
        Ok(None)
    }

    /// Whether it is the same folder.
    pub(in crate::apply) fn is_same(&self, other: &Folder) -> bool {
        self.path == other.path
    }

    pub(super) fn own_others(&self) -> io::Result<Option<Others>> {
        let why = acl::objection(&self.path)?;
        Ok(why.map(|why| Others::by_list(&self.path, why)))
    }

    /// Opens a folder in this one: a real one, no link to one.
    ///
    /// # Errors
    /// `InvalidInput` when it is something else; what the system says.
    pub fn enter(&self, name: &OsStr) -> io::Result<Folder> {
        match self.look(name)?.kind {
            Kind::Folder => Ok(Folder {
                path: self.path.join(name),
            }),
            Kind::Link => Err(invalid("it is a symbolic link, which is not followed")),
            _ => Err(invalid("it is not a folder")),
        }
    }

    /// The names in it.
    pub(in crate::apply) fn names(&self) -> io::Result<Vec<OsString>> {
        self.some_names(usize::MAX)
    }

    /// So many of the names in it.
    ///
    /// # Errors
    /// What the system says.
    pub fn some_names(&self, most: usize) -> io::Result<Vec<OsString>> {
        fs::read_dir(&self.path)?
            .take(most)
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Found> {
        Ok(found(&self.path.join(name).symlink_metadata()?))
    }

    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        regular(self.look(name)?.kind)?;
        File::open(self.path.join(name))
    }

    /// A file for a lock, which is made when it is not there.
    pub(in crate::apply) fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        match self.look(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => regular(other?.kind)?,
        }
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.path.join(name))
    }

    /// Whether names may come here and go, asked without making one: whoever may may open the folder for that.
    pub(in crate::apply) fn may_change(&self) -> io::Result<()> {
        const ADD_FILE_AND_FOLDER: u32 = 2 | 4;
        opens(&self.path, ADD_FILE_AND_FOLDER)
    }

    /// Whether [`Folder::open_lock`] may open its file.
    pub(in crate::apply) fn may_lock(&self, name: &OsStr) -> io::Result<()> {
        match self.look(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.may_change(),
            other => {
                regular(other?.kind)?;
                OpenOptions::new()
                    .write(true)
                    .open(self.path.join(name))
                    .map(drop)
            }
        }
    }

    /// A replacement keeps the owner.
    pub(in crate::apply) fn may_give(&self, _over: &Found) -> io::Result<()> {
        Ok(())
    }

    /// Whether the name of this file may be taken from it: nobody keeps it open, and its access list lets us.
    pub(in crate::apply) fn may_take_away(&self, name: &OsStr, over: Option<&Found>) -> io::Result<()> {
        const DELETE: u32 = 0x0001_0000;
        match over {
            Some(_) => patiently(|| opens(&self.path.join(name), DELETE)),
            None => Ok(()),
        }
    }

    pub(in crate::apply) fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        fs::read_link(self.path.join(name))
    }

    pub(in crate::apply) fn make_file(&self, name: &OsStr) -> io::Result<File> {
        system::create_new(&self.path.join(name))
    }

    pub(in crate::apply) fn make_folder(&self, name: &OsStr, closed: bool) -> io::Result<()> {
        system::create_folder(&self.path.join(name), closed)
    }

    pub(in crate::apply) fn make_link(&self, target: &Path, name: &OsStr) -> io::Result<()> {
        system::link(target, &self.path.join(name))
    }

    pub(in crate::apply) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    pub(in crate::apply) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        fs::remove_dir(self.path.join(name))
    }

    pub(in crate::apply) fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Place {
    /// Looks a path up, links followed but for the last one where that is meant.
    ///
    /// # Errors
    /// When a folder on the way is not there, or may not be searched.
    pub fn of(path: &Path, last: Last) -> io::Result<Place> {
        let real = match last {
            Last::Follow => Some(plain(fs::canonicalize(path)?)),
            Last::Keep => None,
        };
        let path = real.as_deref().unwrap_or(path);
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(invalid("it is not the path of a file"));
        };
        Ok(Place {
            folder: Folder::open(above)?,
            name: name.to_owned(),
            via: None,
        })
    }
}

impl Way {
    /// Looks a path up as far as it is there.
    ///
    /// # Errors
    /// When a folder on the way may not be searched.
    pub fn to(path: &Path, last: Last) -> io::Result<Way> {
        let is_missing = |error: &io::Error| error.kind() == ErrorKind::NotFound;
        match (Place::of(path, last), path.parent(), path.file_name()) {
            (Err(error), ..) if is_missing(&error) && last == Last::Follow => Way::to(path, Last::Keep),
            (Err(error), Some(above), Some(name)) if is_missing(&error) => {
                let mut way = Way::to(above, Last::Keep)?;
                way.below.push(name.to_owned());
                Ok(way)
            }
            (place, ..) => Ok(Way {
                place: place?,
                below: Vec::new(),
            }),
        }
    }
}

impl Fresh {
    /// Makes a file; a private one is closed before it has any bytes.
    pub(in crate::apply) fn create(
        place: &Place,
        bytes: &[u8],
        private: Option<&[Sid]>,
    ) -> io::Result<Fresh> {
        let path = place.path();
        let mut file = match private {
            Some(readers) => system::create_private(&path, readers)?,
            None => system::create_new(&path)?,
        };
        file.write_all(bytes)?;
        Ok(Fresh { place: place.clone() })
    }

    /// `ReplaceFileW` keeps the access list, attributes and alternate streams of the file that is replaced.
    pub(in crate::apply) fn adopt(&self, _from: &File) -> io::Result<()> {
        Ok(())
    }

    /// A private file was closed when it was made; another inherits the folder's access list.
    pub(in crate::apply) fn set_attributes(&self, _attributes: Attributes) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::apply) fn sync(&self) -> io::Result<()> {
        // Only what may be written is flushed.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.place.path())?;
        file.sync_all()
    }

    /// Takes the place of what has this name.
    pub(in crate::apply) fn replace(&self, name: &OsStr) -> io::Result<()> {
        system::replace(&self.place.path(), &self.place.folder.place(name).path())
    }

    /// Takes this name, which nothing may have.
    pub(in crate::apply) fn publish(&self, name: &OsStr) -> io::Result<()> {
        let temporary = tempfile::TempPath::try_from_path(self.place.path())?;
        let to = self.place.folder.place(name).path();
        temporary.persist_noclobber(to).map_err(|error| {
            // Whoever asked decides what becomes of the file.
            let _ = error.path.keep();
            error.error
        })
    }
}

/// A path without the `\\\\?\\` that stands before one without links: Apache takes that for another machine. It stays where
/// the name would mean something else without it.
fn plain(path: PathBuf) -> PathBuf {
    /// What other programs can do with.
    const LONGEST: usize = 240;
    let is_plain = |rest: &str| {
        rest.as_bytes().get(1) == Some(&b':')
            && rest.len() <= LONGEST
            && !rest.split('\\').any(|name| name.ends_with(['.', ' ']))
    };
    match path.to_str().and_then(|text| text.strip_prefix(r"\\?\")) {
        Some(rest) if is_plain(rest) => rest.into(),
        _ => path,
    }
}

/// Whether a file or folder can be opened with these rights.
fn opens(path: &Path, rights: u32) -> io::Result<()> {
    /// Without it no folder is opened; with the other no link is followed.
    const BACKUP_SEMANTICS: u32 = 0x0200_0000;
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    let mut options = OpenOptions::new();
    options
        .access_mode(rights)
        .custom_flags(BACKUP_SEMANTICS | OPEN_REPARSE_POINT);
    options.open(path).map(drop)
}

/// What an open file is.
pub(super) fn found(metadata: &Metadata) -> Found {
    Found {
        kind: metadata.file_type().into(),
        attributes: Attributes::default(),
        identity: (0, 0),
        names: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_other_programs_take_them() {
        for (path, expected) in [
            (r"\\?\C:\eSync\Apache24", r"C:\eSync\Apache24"),
            (r"\\?\C:\eSync. \conf", r"\\?\C:\eSync. \conf"),
            (r"\\?\UNC\machine\share", r"\\?\UNC\machine\share"),
            (r"C:\a", r"C:\a"),
        ] {
            assert_eq!(plain(path.into()), Path::new(expected));
        }
    }
}
