//! Folders for rehearsals on Windows: by access lists.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::acl;

/// The server runs as we do: nobody else needs to pass.
pub fn make(folder: &Path) -> io::Result<()> {
    acl::create_folder(folder)
}

pub fn create(file: &Path) -> io::Result<File> {
    acl::create_file(file, &[])
}

/// Everybody may make folders where the system has its temporary files; ours are closed.
pub fn judge_around(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes it, or takes the one that is there if nobody else may write to it.
pub fn make_parent(parent: &Path) -> io::Result<()> {
    match make(parent) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ if is_ours(parent) => Ok(()),
        _ => Err(io::Error::other(format!(
            "{} is not a folder that only this account may write to; remove it",
            parent.display()
        ))),
    }
}

pub fn is_ours(folder: &Path) -> bool {
    let is_folder = folder.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
    is_folder && matches!(acl::objection(folder), Ok(None))
}

pub fn has_name(_: &File) -> io::Result<bool> {
    Ok(true)
}

/// They are in a job that ended with their run.
pub fn end_processes(_: &Path) -> Vec<u32> {
    Vec::new()
}
