//! One name on disk: from what is there to what shall be there, atomically. Knows no transaction.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
pub(super) mod system;

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::time::Duration;

use super::content::Content;
use super::disk::Disk;
use super::folder::{Folder, Found, Fresh, Kind, Place};
use super::owner::{Attributes, is_ours};
use crate::acl::Sid;

/// A name that no `Include` pattern for `*.conf` matches, should we be killed before it gets its real one.
pub(super) fn temporary_name(id: &str, number: usize) -> OsString {
    format!(".esync-ssl-{id}-{number}.tmp").into()
}

/// Whether a name is such a one: of a backup's run, or of a process that had no backup.
fn is_temporary(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    name.strip_prefix(".esync-ssl-")
        .and_then(|rest| rest.strip_suffix(".tmp")?.rsplit_once('-'))
        .is_some_and(|(id, number)| {
            is_number(number) && (is_number(id) || super::journal::number(id).is_some())
        })
}

/// Removes the temporary files that killed runs left in a folder: regular files of ours with just such a name, which
/// nobody is writing.
pub(super) fn sweep(disk: &dyn Disk, folder: &Folder) {
    for name in folder.names().unwrap_or_default() {
        if !name.to_str().is_some_and(is_temporary) {
            continue;
        }
        let place = folder.place(name);
        let is_ours = |found: Found| found.kind == Kind::File && is_ours(found.attributes.uid);
        if place.look().ok().flatten().is_some_and(is_ours) && is_abandoned(&place) {
            let _ = disk.remove(&place);
        }
    }
}

/// Whoever makes a file holds its lock. On Windows, where it is not kept open, it is done in an hour.
fn is_abandoned(place: &Place) -> bool {
    const LONG: Duration = Duration::from_secs(3600);
    let is_old = |file: &File| {
        let modified = file.metadata().and_then(|metadata| metadata.modified());
        modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > LONG))
    };
    place.open().is_ok_and(|file| {
        if cfg!(windows) {
            is_old(&file)
        } else {
            file.try_lock().is_ok()
        }
    })
}

/// Why a file cannot be replaced without harm, the end of a sentence, and what to do.
pub(super) type Obstacle = (&'static str, &'static str);

/// Why a file cannot be replaced without harm.
pub(super) fn obstacle(place: &Place, found: &Found) -> io::Result<Option<Obstacle>> {
    if found.kind != Kind::File {
        return Ok(Some(("is not a regular file", "only regular files are changed")));
    }
    if is_read_only(place, found) {
        return Ok(Some((
            "is marked read-only",
            "make it writable for its owner, then run again",
        )));
    }
    #[cfg(unix)]
    return system::obstacle(place, found);
    #[cfg(not(unix))]
    Ok(None)
}

fn is_read_only(place: &Place, found: &Found) -> bool {
    match found.attributes.mode {
        Some(mode) => mode & 0o222 == 0,
        None => std::fs::metadata(place.path()).is_ok_and(|metadata| metadata.permissions().readonly()),
    }
}

/// One name and what it becomes.
pub(super) struct Step<'a> {
    /// The name, links resolved where they shall stay.
    pub place: Place,
    /// The name of its new bytes while they wait, in the same folder.
    pub temporary: OsString,
    /// What shall be there.
    pub after: &'a Content,
    /// What is there and is replaced; else nothing may be there.
    pub over: Option<Found>,
    /// Only its owner may read it; on Windows these accounts too.
    pub private: Option<&'a [Sid]>,
    /// Owner and mode where there is no file to take them from.
    pub attributes: Attributes,
    /// This very run noted those.
    pub noted_by_us: bool,
    /// What is private has the rights of what it replaces.
    pub keeps_rights: bool,
}

impl Step<'_> {
    /// Everything that may fail for want of space or rights, without touching what is there.
    pub fn prepare(&self, disk: &dyn Disk) -> io::Result<Option<Fresh>> {
        let Some(bytes) = self.after.bytes() else {
            return Ok(None);
        };
        let waiting = self.place.folder.place(self.temporary.clone());
        let fresh = disk.create(&waiting, bytes, self.private)?;
        match self
            .over
            .filter(|over| over.kind == Kind::File && self.may_adopt(over))
        {
            _ if self.private.is_some() && !self.keeps_rights => disk.set_attributes(&fresh, OWNER_ONLY)?,
            Some(over) => {
                let from = self.place.open()?;
                // Else what is written would be given to whoever put another file there.
                if Place::found(&from)? != over {
                    return Err(io::Error::other("another program changed it meanwhile"));
                }
                disk.adopt(&fresh, &from)?;
            }
            None => disk.set_attributes(&fresh, self.given()?)?,
        }
        disk.sync(&fresh)?;
        Ok(Some(fresh))
    }

    /// Owner and mode to give: where it is not sure who noted them, only such as do no harm in this very folder.
    fn given(&self) -> io::Result<Attributes> {
        if self.noted_by_us {
            Ok(self.attributes)
        } else {
            self.place.folder.lets_give(self.attributes)
        }
    }

    /// Bytes that were another's are not given to whoever owns the file now.
    fn may_adopt(&self, over: &Found) -> bool {
        is_ours(over.attributes.uid)
            || self.attributes.uid.is_none()
            || self.attributes.uid == over.attributes.uid
    }

    /// The change itself.
    pub fn finish(&self, disk: &dyn Disk, fresh: Option<&Fresh>) -> io::Result<()> {
        match (self.after, fresh) {
            (Content::File(_) | Content::Tls(_), Some(fresh)) if self.over.is_some() => {
                disk.replace(fresh, &self.place.name)?
            }
            (Content::File(_) | Content::Tls(_), Some(fresh)) => disk.publish(fresh, &self.place.name)?,
            (Content::Link(target), _) => {
                if self.over.is_some() {
                    disk.remove(&self.place)?;
                }
                disk.link(target, &self.place)?;
            }
            _ if self.over.is_some() => disk.remove(&self.place)?,
            _ => {}
        }
        disk.sync_folder(&self.place.folder)
    }

    /// Removes the new bytes that still wait.
    pub fn clean(&self, disk: &dyn Disk) {
        let _ = disk.remove(&self.place.folder.place(self.temporary.clone()));
    }
}

/// Makes sure that so many files can be open at once, as far as the system lets us.
pub(super) fn allow_open_files(files: usize) {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        // Each has its folder, and there are those that are open already.
        let wanted = files as u64 * 2 + 200;
        let mut limit = getrlimit(Resource::Nofile);
        if limit.current.is_some_and(|current| current < wanted) {
            limit.current = Some(limit.maximum.map_or(wanted, |maximum| maximum.min(wanted)));
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
    #[cfg(not(unix))]
    let _ = files;
}

/// Owner and mode of what is private.
const OWNER_ONLY: Attributes = Attributes {
    mode: Some(0o600),
    uid: None,
    gid: None,
};

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::apply::{Last, RealDisk};

    fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
        let place = Place::of(path, Last::Follow)?;
        let step = Step {
            temporary: temporary_name("t", 0),
            over: place.look()?,
            place,
            after: &Content::File(bytes.to_vec().into()),
            private: None,
            attributes: Attributes::default(),
            noted_by_us: true,
            keeps_rights: false,
        };
        let fresh = step.prepare(&RealDisk)?;
        step.finish(&RealDisk, fresh.as_ref())
    }

    #[test]
    fn bytes_change_and_nothing_else_appears() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.conf");
        fs::write(&path, "old").unwrap();
        replace(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("real.conf");
        let [inner, link] = ["inner.conf", "link.conf"].map(|name| folder.path().join(name));
        fs::write(&target, "old").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.conf", &inner).unwrap();
        symlink(&inner, &link).unwrap();
        replace(&link, b"new").unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), inner);
        assert_eq!(fs::read_link(&inner).unwrap(), Path::new("real.conf"));
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
