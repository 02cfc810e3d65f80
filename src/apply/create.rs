//! Files that are new, each or all of them; nothing is there that could be lost.

use std::io;
use std::path::Path;

use zeroize::Zeroizing;

use super::change::NewFile;
use super::content::Content;
use super::disk::{Disk, RealDisk};
use super::error::{ApplyError, failed, refused};
use super::folder::{Last, Place, Way};
use super::making::Folders;
use super::owner::Attributes;
use super::replace::{Step, sweep, temporary_name};
use crate::acl::Sid;

/// Whether files are made where others than root and we may write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shared {
    /// They are; whoever asks says so.
    #[default]
    Allowed,
    /// They are not: a server will believe them.
    Refused,
}

/// Makes several new files, or none; without backup and journal, as nothing is there that could be lost. What is private
/// among them, `readers` may read as well.
///
/// # Errors
/// See [`ApplyError`].
pub fn create_all(
    disk: &dyn Disk,
    files: &[NewFile],
    readers: &[Sid],
    shared: Shared,
) -> Result<(), ApplyError> {
    let mut folders = Folders::default();
    let mut created: Vec<Place> = Vec::new();
    let id = std::process::id().to_string();
    for (number, file) in files.iter().enumerate() {
        let make = |folders: &mut Folders| {
            let place = place_of_new(disk, &file.path, shared, folders)?;
            let step = Step {
                temporary: temporary_name(&id, number),
                after: &Content::Tls(file.bytes.clone()),
                over: None,
                private: file.private.then_some(readers),
                attributes: Attributes::default(),
                noted_by_us: true,
                keeps_rights: false,
                place,
            };
            make_one(disk, &step).map_err(failed("create", &file.path))?;
            Ok(step.place)
        };
        match make(&mut folders) {
            Ok(place) => created.push(place),
            Err(error) => {
                for place in created {
                    let _ = disk.remove(&place);
                }
                folders.unmake(disk);
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Creates a file that only its owner can read. Fails when there is one already.
///
/// # Errors
/// As [`create_all`].
pub fn create_private(path: &Path, bytes: &[u8]) -> Result<(), ApplyError> {
    let file = NewFile {
        path: path.to_path_buf(),
        bytes: Zeroizing::new(bytes.to_vec()),
        private: true,
    };
    create_all(&RealDisk, &[file], &[], Shared::Allowed)
}

fn make_one(disk: &dyn Disk, step: &Step) -> io::Result<()> {
    sweep(disk, &step.place.folder);
    step.prepare(disk)
        .and_then(|fresh| step.finish(disk, fresh.as_ref()))
        .inspect_err(|_| step.clean(disk))
}

/// The place of a file that is to be made; the folders on the way are made where they are not there. Who else may write
/// there is asked of the folders that are held open, so that the file goes nowhere else.
fn place_of_new(
    disk: &dyn Disk,
    path: &Path,
    shared: Shared,
    folders: &mut Folders,
) -> Result<Place, ApplyError> {
    for _ in 0..TRIES {
        let way = Way::to(path, Last::Keep).map_err(failed("create", path))?;
        way.place.refuse_led().map_err(failed("create", path))?;
        match folders.make(disk, &way, |place| is_fit(place, path, shared)) {
            // Another run has just made one of the folders.
            Err(error) if error.is_stale() => {}
            place => return place,
        }
    }
    Err(failed("create", path)(io::ErrorKind::AlreadyExists.into()))
}

/// Whether a file may go to this place.
pub(super) fn is_fit(place: &Place, path: &Path, shared: Shared) -> Result<(), ApplyError> {
    match place.folder.others() {
        Some(others) if shared == Shared::Refused => Err(refused(path, others)),
        _ => Ok(()),
    }
}

/// As many runs may make the same folders at once.
const TRIES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn an_existing_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/a.key");
        create_private(&path, b"one").unwrap();
        let error = create_private(&path, b"two").unwrap_err();
        assert!(
            matches!(&error, ApplyError::Failed { error, .. } if error.kind() == io::ErrorKind::AlreadyExists),
            "{error}"
        );
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_failure_leaves_no_folder() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| NewFile {
            path: folder.path().join(name),
            bytes: Zeroizing::new(b"x".to_vec()),
            private: false,
        };
        fs::write(folder.path().join("taken"), "").unwrap();
        let files = [file("a/b/c.crt"), file("a/d.crt"), file("taken")];
        create_all(&RealDisk, &files, &[], Shared::Allowed).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        // A folder that was there stays, and so does one in which somebody put something.
        fs::create_dir(folder.path().join("a")).unwrap();
        create_all(&RealDisk, &files, &[], Shared::Allowed).unwrap_err();
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_private_is_closed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("k.key");
        create_private(&key, b"k").unwrap();
        assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
