//! What Unix has: owner, mode, extended attributes (POSIX access lists and SELinux labels among them), links. Everything
//! is done to the open file.

use std::ffi::OsStr;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use super::Obstacle;
use crate::acl::Sid;
use crate::apply::folder::{Found, Fresh, Kind, Place};
use crate::apply::owner::Attributes;

impl Fresh {
    /// Makes a file that only its owner may read. As long as it is being made, it is locked.
    pub(in crate::apply) fn create(
        place: &Place,
        bytes: &[u8],
        _private: Option<&[Sid]>,
    ) -> io::Result<Fresh> {
        let mut file = place.folder.make_file(&place.name)?;
        // Only tells others that it is no litter; some file systems have no locks.
        let _ = file.try_lock();
        file.write_all(bytes)?;
        Ok(Fresh {
            place: place.clone(),
            file,
        })
    }

    /// Gives it owner, mode, access list and label of another open file.
    pub(in crate::apply) fn adopt(&self, from: &File) -> io::Result<()> {
        let metadata = from.metadata()?;
        set(&self.file, Place::found(from)?.attributes)?;
        copy_extended(from, &self.file)?;
        // Setting an access list changes the mode's group bits, and setting the owner clears set-id bits.
        self.file
            .set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))
    }

    pub(in crate::apply) fn set_attributes(&self, attributes: Attributes) -> io::Result<()> {
        set(
            &self.file,
            Attributes {
                mode: attributes.mode.or(Some(0o644)),
                ..attributes
            },
        )
    }

    pub(in crate::apply) fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Takes the place of what has this name.
    pub(in crate::apply) fn replace(&self, name: &OsStr) -> io::Result<()> {
        self.is_at(&self.place.name)?;
        self.place.folder.rename(&self.place.name, name)?;
        self.is_at(name)
    }

    /// Takes this name, which nothing may have.
    pub(in crate::apply) fn publish(&self, name: &OsStr) -> io::Result<()> {
        self.is_at(&self.place.name)?;
        self.place.folder.rename_new(&self.place.name, name)?;
        self.is_at(name)
    }

    /// Whoever owns the folder may put something else under the name at any time; then it is not ours.
    fn is_at(&self, name: &OsStr) -> io::Result<()> {
        let own = Place::found(&self.file)?;
        let there = self.place.folder.place(name).look()?;
        if there.is_some_and(|there| there.kind == Kind::File && there.identity == own.identity) {
            return Ok(());
        }
        Err(io::Error::other(
            "another program replaced the file that was being written",
        ))
    }
}

fn set(file: &File, attributes: Attributes) -> io::Result<()> {
    let own = file.metadata()?;
    let uid = attributes.uid.filter(|&uid| uid != own.uid());
    let gid = attributes.gid.filter(|&gid| gid != own.gid());
    if uid.is_some() || gid.is_some() {
        fchown(file, uid, gid)?;
    }
    match attributes.mode {
        Some(mode) => file.set_permissions(Permissions::from_mode(mode)),
        None => Ok(()),
    }
}

/// A replacement is never half done here.
pub fn tidy(_from: &Path, _to: &Path) {}

pub fn obstacle(place: &Place, found: &Found) -> io::Result<Option<Obstacle>> {
    if found.names > 1 {
        return Ok(Some((
            "has further names (hard links), which would keep the old bytes",
            "replace them by symbolic links or copies, then run again",
        )));
    }
    if is_immutable(place) {
        return Ok(Some((
            "is marked immutable",
            "remove the mark (chattr -i), then run again",
        )));
    }
    if place.folder.is_mounted(&place.name)? {
        return Ok(Some((
            "is a mount point and cannot be replaced there",
            "change it where it is mounted from",
        )));
    }
    Ok(None)
}

#[cfg(target_os = "linux")]
fn is_immutable(place: &Place) -> bool {
    use rustix::fs::{IFlags, ioctl_getflags};
    // File systems without such flags say so; then there is none.
    place
        .open()
        .ok()
        .and_then(|file| ioctl_getflags(&file).ok())
        .is_some_and(|flags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND))
}

#[cfg(not(target_os = "linux"))]
fn is_immutable(_place: &Place) -> bool {
    false
}

/// Copies every extended attribute that the file system has and we may read and write. A security label that we may
/// not write is the system's to give; anything else that cannot be kept is an error.
#[cfg(any(target_os = "linux", target_os = "macos"))]
fn copy_extended(from: &File, to: &File) -> io::Result<()> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};
    use rustix::io::Errno;
    let names = match grown(|buffer| flistxattr(from, buffer)) {
        Ok(names) => names,
        Err(Errno::NOTSUP) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        let value = match grown(|buffer| fgetxattr(from, name, buffer)) {
            Ok(value) => value,
            Err(Errno::NODATA | Errno::NOTSUP | Errno::ACCESS | Errno::PERM) => continue,
            Err(error) => return Err(error.into()),
        };
        if grown(|buffer| fgetxattr(to, name, buffer)).is_ok_and(|own| own == value) {
            continue;
        }
        match fsetxattr(to, name, &value, XattrFlags::empty()) {
            Ok(()) => {}
            Err(Errno::PERM | Errno::ACCESS | Errno::NOTSUP) if !name.starts_with(b"system.posix_acl") => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn grown(call: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut buffer = vec![0; 1024];
    loop {
        match call(&mut buffer) {
            Ok(length) => {
                buffer.truncate(length);
                return Ok(buffer);
            }
            Err(rustix::io::Errno::RANGE) if buffer.len() < 1 << 20 => buffer.resize(buffer.len() * 4, 0),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "macos")))]
fn copy_extended(_from: &File, _to: &File) -> io::Result<()> {
    Ok(())
}
