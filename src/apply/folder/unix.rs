//! Open folders of Unix: descriptors, and the system calls that take them.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{Access, AtFlags, Dir, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::{Found, Kind, invalid, regular};
#[cfg(target_os = "linux")]
use crate::account::{self, ACCESS_LIST};
use crate::apply::owner::{self, Attributes, Others};

/// A folder held open, and who else may write to it or to a folder above it.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    handle: Rc<OwnedFd>,
    others: Option<Others>,
}

impl Folder {
    /// A folder that was opened below one of others, if any.
    pub(super) fn of(path: PathBuf, handle: OwnedFd, others: Option<Others>) -> io::Result<Folder> {
        let handle = Rc::new(handle);
        let mut folder = Folder { path, handle, others };
        if folder.others.is_none() {
            folder.others = folder.own_others()?;
        }
        Ok(folder)
    }

    /// Its path, without any link.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who else may write to this folder, or replace it by another.
    pub fn others(&self) -> Option<&Others> {
        self.others.as_ref()
    }

    /// Who owns it: may put into it what they like, and take out what they like.
    pub(in crate::apply) fn owner(&self) -> io::Result<Option<u32>> {
        Ok(of_stat(&rustix::fs::fstat(&*self.handle)?).attributes.uid)
    }

    /// Whether it is the same folder, whatever it is called.
    pub(in crate::apply) fn is_same(&self, other: &Folder) -> bool {
        let identity =
            |folder: &Folder| rustix::fs::fstat(&*folder.handle).map(|stat| of_stat(&stat).identity);
        matches!((identity(self), identity(other)), (Ok(one), Ok(two)) if one == two)
    }

    pub(super) fn own_others(&self) -> io::Result<Option<Others>> {
        let stat = rustix::fs::fstat(&*self.handle)?;
        Ok(others(&self.path, self.handle.as_fd(), &stat))
    }

    /// Opens a folder in this one: a real one, no link to one.
    ///
    /// # Errors
    /// `InvalidInput` when it is something else; what the system says.
    pub fn enter(&self, name: &OsStr) -> io::Result<Folder> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle =
            rustix::fs::openat(&*self.handle, name, flags, Mode::empty()).map_err(|error| {
                match (error, self.look(name).map(|found| found.kind)) {
                    (Errno::LOOP | Errno::NOTDIR, Ok(Kind::Link)) => {
                        invalid("it is a symbolic link, which is not followed")
                    }
                    (Errno::LOOP | Errno::NOTDIR, _) => invalid("it is not a folder"),
                    (error, _) => error.into(),
                }
            })?;
        Folder::of(self.path.join(name), handle, self.others.clone())
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
        let mut names = Vec::new();
        for entry in Dir::read_from(&*self.handle)? {
            if names.len() == most {
                break;
            }
            let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    pub(super) fn look(&self, name: &OsStr) -> io::Result<Found> {
        let stat = rustix::fs::statat(&*self.handle, name, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(of_stat(&stat))
    }

    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        // Opening a device may act.
        regular(self.look(name)?.kind)?;
        let file = File::from(rustix::fs::openat(&*self.handle, name, flags, Mode::empty())?);
        regular(found(&file.metadata()?).kind)?;
        Ok(file)
    }

    /// A file for a lock, which is made when it is not there.
    pub(in crate::apply) fn open_lock(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match self.look(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => regular(other?.kind)?,
        }
        let file = rustix::fs::openat(&*self.handle, name, flags, Mode::RUSR | Mode::WUSR)?;
        let file = File::from(file);
        regular(found(&file.metadata()?).kind)?;
        Ok(file)
    }

    /// Whether names may come here and go, asked without making one.
    pub(in crate::apply) fn may_change(&self) -> io::Result<()> {
        self.may(".", Access::WRITE_OK | Access::EXEC_OK)
    }

    /// Whether [`Folder::open_lock`] may open its file.
    pub(in crate::apply) fn may_lock(&self, name: &OsStr) -> io::Result<()> {
        match self.look(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.may_change(),
            other => {
                regular(other?.kind)?;
                self.may(name, Access::READ_OK | Access::WRITE_OK)
            }
        }
    }

    /// With the rights that count for what is done, not those of whoever started us.
    fn may(&self, name: impl rustix::path::Arg, what: Access) -> io::Result<()> {
        Ok(rustix::fs::accessat(&*self.handle, name, what, AtFlags::EACCESS)?)
    }

    /// Whether a new file here may get the owner of this one.
    pub(in crate::apply) fn may_give(&self, over: &Found) -> io::Result<()> {
        let us = rustix::process::geteuid();
        let Attributes { uid, gid, .. } = over.attributes;
        let is_own_group = |gid: u32| {
            let of_folder = || rustix::fs::fstat(&*self.handle).is_ok_and(|stat| stat.st_gid == gid);
            gid == rustix::process::getegid().as_raw()
                || rustix::process::getgroups().is_ok_and(|all| all.iter().any(|one| one.as_raw() == gid))
                || of_folder()
        };
        let may = us.is_root() || uid == Some(us.as_raw()) && gid.is_none_or(is_own_group);
        if may { Ok(()) } else { Err(Errno::PERM.into()) }
    }

    /// Whether names may also go again here, and that of this file.
    pub(in crate::apply) fn may_take_away(&self, _name: &OsStr, over: Option<&Found>) -> io::Result<()> {
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{IFlags, ioctl_getflags};
            if ioctl_getflags(&*self.handle).is_ok_and(|flags| flags.contains(IFlags::APPEND)) {
                return Err(Errno::PERM.into());
            }
        }
        let stat = rustix::fs::fstat(&*self.handle)?;
        let us = rustix::process::geteuid();
        let is_sticky = stat.st_mode & 0o1000 != 0 && !us.is_root() && stat.st_uid != us.as_raw();
        match over {
            Some(over) if is_sticky && over.attributes.uid != Some(us.as_raw()) => Err(Errno::PERM.into()),
            _ => Ok(()),
        }
    }

    pub(in crate::apply) fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(&*self.handle, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// A new file that only its owner may read. Of its folder's default access list it keeps nothing: any mode that it gets
    /// later would give rights to the accounts named there.
    pub(in crate::apply) fn make_file(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(
            &*self.handle,
            name,
            flags,
            Mode::RUSR | Mode::WUSR,
        )?);
        without_access_list(&file).inspect_err(|_| {
            let _ = self.remove_file(name);
        })?;
        Ok(file)
    }

    pub(in crate::apply) fn make_folder(&self, name: &OsStr, closed: bool) -> io::Result<()> {
        let mode = if closed { 0o700 } else { 0o755 };
        Ok(rustix::fs::mkdirat(
            &*self.handle,
            name,
            Mode::from_raw_mode(mode),
        )?)
    }

    pub(in crate::apply) fn make_link(&self, target: &Path, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, &*self.handle, name)?)
    }

    pub(in crate::apply) fn remove_file(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&*self.handle, name, AtFlags::empty())?)
    }

    pub(in crate::apply) fn remove_folder(&self, name: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(&*self.handle, name, AtFlags::REMOVEDIR)?)
    }

    /// Renames over whatever `to` is.
    pub(in crate::apply) fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        Ok(rustix::fs::renameat(&*self.handle, from, &*self.handle, to)?)
    }

    /// Renames only where `to` is nothing.
    pub(in crate::apply) fn rename_new(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        let folder = &*self.handle;
        #[cfg(any(target_os = "linux", target_os = "macos"))]
        {
            use rustix::fs::{RenameFlags, renameat_with};
            match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
                // Not every file system can.
                Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
                other => return Ok(other?),
            }
        }
        rustix::fs::linkat(folder, from, folder, to, AtFlags::empty())?;
        Ok(rustix::fs::unlinkat(folder, from, AtFlags::empty())?)
    }

    pub(in crate::apply) fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&*self.handle)?)
    }

    /// Whether something is mounted on the name itself.
    #[cfg(target_os = "linux")]
    pub(in crate::apply) fn is_mounted(&self, name: &OsStr) -> io::Result<bool> {
        use rustix::fs::{StatxFlags, statx};
        let mount = |name: &OsStr, flags| {
            let found = statx(&*self.handle, name, flags, StatxFlags::MNT_ID);
            found
                .ok()
                .filter(|found| StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID))
                .map(|found| found.stx_mnt_id)
        };
        let own = mount(OsStr::new(""), AtFlags::EMPTY_PATH);
        match (mount(name, AtFlags::SYMLINK_NOFOLLOW), own) {
            (Some(one), Some(other)) => Ok(one != other),
            // Before Linux 5.8 only other file systems are seen.
            _ => self.is_on_another_device(name),
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub(in crate::apply) fn is_mounted(&self, name: &OsStr) -> io::Result<bool> {
        self.is_on_another_device(name)
    }

    fn is_on_another_device(&self, name: &OsStr) -> io::Result<bool> {
        let own = of_stat(&rustix::fs::fstat(&*self.handle)?);
        Ok(self.look(name)?.identity.0 != own.identity.0)
    }
}

pub(super) fn others(path: &Path, folder: BorrowedFd, stat: &Stat) -> Option<Others> {
    owner::of(path, of_stat(stat).attributes, || access_list(folder))
}

/// Takes the access list from a file, if it has one; its mode is all that counts then.
#[cfg(target_os = "linux")]
fn without_access_list(file: &File) -> io::Result<()> {
    match rustix::fs::fremovexattr(file, ACCESS_LIST) {
        Ok(()) | Err(Errno::NODATA | Errno::NOTSUP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn without_access_list(_file: &File) -> io::Result<()> {
    Ok(())
}

/// The access list of a folder, or nothing.
#[cfg(target_os = "linux")]
fn access_list(folder: BorrowedFd) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    account::access_list(|list| {
        let folder = rustix::fs::openat(folder, ".", flags, Mode::empty())?;
        rustix::fs::fgetxattr(&folder, ACCESS_LIST, list)
    })
}

#[cfg(not(target_os = "linux"))]
fn access_list(_folder: BorrowedFd) -> Option<Vec<u8>> {
    Some(Vec::new())
}

#[allow(clippy::unnecessary_cast, reason = "the widths differ between systems")]
pub(super) fn of_stat(stat: &Stat) -> Found {
    Found {
        kind: match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Other,
        },
        attributes: Attributes {
            mode: Some(stat.st_mode as u32 & 0o7777),
            uid: Some(stat.st_uid),
            gid: Some(stat.st_gid),
        },
        identity: (stat.st_dev as u64, stat.st_ino as u64),
        names: stat.st_nlink as u64,
    }
}

/// What an open file is.
pub(super) fn found(metadata: &Metadata) -> Found {
    Found {
        kind: metadata.file_type().into(),
        attributes: Attributes {
            mode: Some(metadata.mode() & 0o7777),
            uid: Some(metadata.uid()),
            gid: Some(metadata.gid()),
        },
        identity: (metadata.dev(), metadata.ino()),
        names: metadata.nlink(),
    }
}
