//! What Unix has: owner, mode, extended attributes (POSIX access lists and SELinux labels among them), links.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown, symlink};
use std::path::Path;

use crate::apply::disk::Attributes;

/// Owner and mode of a file.
pub fn attributes(metadata: &Metadata) -> Attributes {
    Attributes {
        mode: Some(metadata.mode() & 0o7777),
        uid: Some(metadata.uid()),
        gid: Some(metadata.gid()),
    }
}

pub fn create_folder(path: &Path, closed: bool) -> io::Result<()> {
    DirBuilder::new()
        .mode(if closed { 0o700 } else { 0o755 })
        .create(path)
}

pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

pub fn adopt(path: &Path, other: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    let from = File::open(other)?;
    let metadata = from.metadata()?;
    set(&file, attributes(&metadata))?;
    copy_extended(&from, &file)?;
    // Setting an access list changes the mode's group bits, and setting the owner clears set-id bits.
    file.set_permissions(Permissions::from_mode(metadata.mode() & 0o7777))
}

pub fn set_attributes(path: &Path, attributes: Attributes) -> io::Result<()> {
    set(
        &File::open(path)?,
        Attributes {
            mode: attributes.mode.or(Some(0o644)),
            ..attributes
        },
    )
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

pub fn restrict(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(0o600))
}

pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// A replacement is never half done here.
pub fn tidy(_from: &Path, _to: &Path) {}

pub fn link(target: &Path, path: &Path) -> io::Result<()> {
    symlink(target, path)
}

pub fn obstacle(real: &Path, metadata: &Metadata) -> io::Result<Option<&'static str>> {
    if metadata.nlink() > 1 {
        return Ok(Some(
            "has further names (hard links), which would keep the old bytes; replace them by symbolic links or \
             copies, then run again",
        ));
    }
    if is_immutable(real) {
        return Ok(Some(
            "is marked immutable; take the mark off (chattr -i), then run again",
        ));
    }
    let folder = real.parent().unwrap_or(Path::new("/"));
    if fs::metadata(folder)?.dev() != metadata.dev() {
        return Ok(Some(
            "is mounted by itself and cannot be replaced there; change it where it is mounted from",
        ));
    }
    Ok(None)
}

#[cfg(target_os = "linux")]
fn is_immutable(path: &Path) -> bool {
    use rustix::fs::{IFlags, ioctl_getflags};
    // File systems without such flags say so; then there is none.
    File::open(path)
        .ok()
        .and_then(|file| ioctl_getflags(&file).ok())
        .is_some_and(|flags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND))
}

#[cfg(not(target_os = "linux"))]
fn is_immutable(_path: &Path) -> bool {
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
