//! Files of our own beside those of the server, one at a time: on the disk before anybody goes on, and without a backup.

use std::path::Path;

use zeroize::Zeroizing;

use super::content::Content;
use super::create::{Shared, is_fit};
use super::disk::Disk;
use super::error::{ApplyError, failed};
use super::folder::{Last, Place, Way};
use super::making::Folders;
use super::owner::Attributes;
use super::replace::{Step, sweep, temporary_name};

/// Who may read a file of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readable {
    /// Its owner only, and on Windows the system and the administrators.
    ByOwner,
    /// Everybody who gets into its folder.
    ByAll,
}

/// Writes a file whether it is there or not, atomically, and waits until it is on the disk. Folders on the way are made:
/// closed ones, where only its owner may read it. Others than root and we may write none of them.
///
/// # Errors
/// [`ApplyError::Refused`] where others may write; that it cannot be written. Then the file is what it was.
pub fn put(disk: &dyn Disk, path: &Path, bytes: &[u8], readable: Readable) -> Result<(), ApplyError> {
    let closed = readable == Readable::ByOwner;
    let place = place_of_own(disk, path, closed)?;
    let step = Step {
        temporary: temporary_name(&std::process::id().to_string(), 0),
        after: &Content::Tls(Zeroizing::new(bytes.to_vec())),
        over: place.look().map_err(failed("look at", path))?,
        private: closed.then_some(&[]),
        attributes: Attributes::default(),
        noted_by_us: true,
        keeps_rights: false,
        place,
    };
    sweep(disk, &step.place.folder);
    let written = step
        .prepare(disk)
        .and_then(|fresh| step.finish(disk, fresh.as_ref()));
    written
        .inspect_err(|_| step.clean(disk))
        .map_err(failed("write", path))
}

/// Whether [`put`] would refuse this file as others may write there. Nothing is made.
///
/// # Errors
/// [`ApplyError::Refused`] where others may write; that it cannot be told.
pub fn refuse_shared(path: &Path) -> Result<(), ApplyError> {
    let way = Way::to(path, Last::Keep).map_err(failed("create", path))?;
    way.place.refuse_led().map_err(failed("create", path))?;
    is_fit(&way.place, path, Shared::Refused)
}

/// Removes a file of our own, if it is there, and waits until that is on the disk.
///
/// # Errors
/// That it cannot be removed.
pub fn remove(disk: &dyn Disk, path: &Path) -> Result<(), ApplyError> {
    let way = Way::to(path, Last::Keep).map_err(failed("remove", path))?;
    way.place.refuse_led().map_err(failed("remove", path))?;
    if !way.below.is_empty() || way.place.look().map_err(failed("look at", path))?.is_none() {
        return Ok(());
    }
    let removed = disk
        .remove(&way.place)
        .and_then(|()| disk.sync_folder(&way.place.folder));
    removed.map_err(failed("remove", path))
}

/// Gives a file of our own the name of another in its folder, which is gone then, and waits until that is on the disk. Its bytes
/// are not looked at.
///
/// # Errors
/// [`ApplyError::Refused`] where others may write; that it cannot be renamed.
pub fn rename(disk: &dyn Disk, path: &Path, to: &str) -> Result<(), ApplyError> {
    let place = place_of_own(disk, path, true)?;
    #[cfg(unix)]
    let renamed = place.folder.rename(&place.name, to.as_ref());
    #[cfg(not(unix))]
    let renamed = std::fs::rename(place.path(), place.path().with_file_name(to));
    renamed
        .and_then(|()| disk.sync_folder(&place.folder))
        .map_err(failed("rename", path))
}

/// Removes what killed runs left half written in a folder of our own, as every [`put`] there does.
pub fn sweep_own(disk: &dyn Disk, folder: &Path) {
    let way = Way::to(&folder.join("any"), Last::Keep);
    if let Ok(way) = way
        && way.below.is_empty()
        && way.place.refuse_led().is_ok()
    {
        sweep(disk, &way.place.folder);
    }
}

fn place_of_own(disk: &dyn Disk, path: &Path, closed: bool) -> Result<Place, ApplyError> {
    let way = Way::to(path, Last::Keep).map_err(failed("create", path))?;
    way.place.refuse_led().map_err(failed("create", path))?;
    let fit = |place: &Place| is_fit(place, path, Shared::Refused);
    match closed {
        true => Folders::closed().make(disk, &way, fit),
        false => Folders::default().make(disk, &way, fit),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::apply::RealDisk;

    #[test]
    fn a_file_comes_changes_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.json");
        for text in ["one", "two"] {
            put(&RealDisk, &path, text.as_bytes(), Readable::ByOwner).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
        remove(&RealDisk, &path).unwrap();
        remove(&RealDisk, &path).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_its_owners_is_closed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            fs::metadata(folder.path().join(name))
                .unwrap()
                .permissions()
                .mode()
                & 0o777
        };
        let put = |name: &str, readable| put(&RealDisk, &folder.path().join(name), b"x", readable).unwrap();
        put("closed/a", Readable::ByOwner);
        put("open/a", Readable::ByAll);
        // Also where another was there before.
        fs::set_permissions(folder.path().join("closed/a"), fs::Permissions::from_mode(0o644)).unwrap();
        put("closed/a", Readable::ByOwner);
        assert_eq!([mode("closed"), mode("closed/a")], [0o700, 0o600]);
        assert_eq!([mode("open"), mode("open/a")], [0o755, 0o644]);
    }

    #[cfg(unix)]
    #[test]
    fn nothing_goes_where_others_may_write() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        let refused = put(&RealDisk, &open.join("a"), b"x", Readable::ByOwner);
        assert!(matches!(refused, Err(ApplyError::Refused(_))), "{refused:?}");
        assert_eq!(fs::read_dir(&open).unwrap().count(), 0);
    }
}
