//! What Windows has: access lists, which `ReplaceFileW` keeps, and files that others hold open.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::windows::fs::symlink_file;
use std::path::{Path, PathBuf};

use winsafe::{ReplaceFile, co};

use crate::acl::{self, Sid, for_system};
use crate::apply::patience::patiently;

pub fn create_folder(path: &Path, closed: bool) -> io::Result<()> {
    if closed {
        acl::create_folder(path)
    } else {
        fs::create_dir(path)
    }
}

/// A file with what its folder's access list gives on.
pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

/// A file that nobody but its owner, the system, the administrators and `readers` can ever have opened.
pub fn create_private(path: &Path, readers: &[Sid]) -> io::Result<File> {
    acl::create_file(path, readers)
}

pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let aside = aside(from);
    let done = patiently(|| {
        tidy(from, to);
        match (for_system(to), for_system(from)) {
            (Ok(replaced), Ok(replacement)) if to.symlink_metadata().is_ok() => {
                // Without a name of ours the system takes one of its own, and leaves that file behind when it fails.
                let aside = for_system(&aside).ok();
                ReplaceFile(
                    &replaced,
                    &replacement,
                    aside.as_deref(),
                    co::REPLACEFILE::WRITE_THROUGH,
                )
                .map_err(|error| io::Error::from_raw_os_error(error.raw() as i32))
            }
            _ => fs::rename(from, to),
        }
    });
    tidy(from, to);
    done
}

/// Where the old file is while the new one `from` takes its place.
fn aside(from: &Path) -> PathBuf {
    from.with_extension("old")
}

/// After a replacement that ended half-way the old file gets its name back; after a whole one it goes.
pub fn tidy(from: &Path, to: &Path) {
    let aside = aside(from);
    if aside.symlink_metadata().is_err() {
        return;
    }
    let _ = patiently(|| match to.symlink_metadata() {
        Ok(_) => fs::remove_file(&aside),
        Err(_) => fs::rename(&aside, to),
    });
}

pub fn link(target: &Path, path: &Path) -> io::Result<()> {
    symlink_file(target, path)
}
