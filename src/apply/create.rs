//! Files that are new, each or all of them; nothing is there that could be lost.

use std::io;
use std::path::Path;

use super::change::{Content, NewFile};
use super::disk::{Disk, RealDisk};
use super::error::{ApplyError, failed};
use super::folder::{Last, Place};
use super::owner::Attributes;
use super::replace::{Step, sweep, temporary_name};
use crate::acl::Sid;

/// Makes several new files, or none; without backup and journal, as nothing is there that could be lost. What is private
/// among them, `readers` may read as well.
///
/// # Errors
/// See [`ApplyError`].
pub fn create_all(disk: &dyn Disk, files: &[NewFile], readers: &[Sid]) -> Result<(), ApplyError> {
    let mut created: Vec<Place> = Vec::new();
    let id = std::process::id().to_string();
    for (number, file) in files.iter().enumerate() {
        let make = || {
            let place = place_of_new(&file.path)?;
            sweep(disk, &place.folder);
            let step = Step {
                place: place.clone(),
                temporary: temporary_name(&id, number),
                after: &Content::File(file.bytes.clone()),
                over: None,
                private: file.private.then_some(readers),
                attributes: Attributes::default(),
            };
            let made = step
                .prepare(disk)
                .and_then(|fresh| step.finish(disk, fresh.as_ref()));
            made.inspect_err(|_| step.clean(disk)).map(|()| place)
        };
        match make() {
            Ok(place) => created.push(place),
            Err(error) => {
                for place in created {
                    let _ = disk.remove(&place);
                }
                return Err(failed("create", &file.path)(error));
            }
        }
    }
    Ok(())
}

/// Creates a file that only its owner can read. Fails when there is one already.
///
/// # Errors
/// `AlreadyExists`, or what the system says.
pub fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let step = Step {
        place: place_of_new(path)?,
        temporary: temporary_name(&std::process::id().to_string(), 0),
        after: &Content::file(bytes.to_vec()),
        over: None,
        private: Some(&[]),
        attributes: Attributes::default(),
    };
    step.prepare(&RealDisk)
        .and_then(|fresh| step.finish(&RealDisk, fresh.as_ref()))
        .inspect_err(|_| step.clean(&RealDisk))
}

/// The place of a file that is to be made; the folders on the way are made where they are not there.
fn place_of_new(path: &Path) -> io::Result<Place> {
    let place = match (Place::of(path, Last::Keep), path.parent()) {
        (Err(error), Some(folder)) if error.kind() == io::ErrorKind::NotFound => {
            let place = place_of_new(folder)?;
            match place.folder.make_folder(&place.name, false) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => Place::of(path, Last::Keep)?,
            }
        }
        (place, _) => place?,
    };
    place.refuse_led()?;
    Ok(place)
}

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
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
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
