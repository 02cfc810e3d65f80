//! Copies of files before they change: where they go and what they are called.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use time::OffsetDateTime;
use time::macros::format_description;

/// The folders below a server root that backups may go to, the preferred one first: beside the main configuration,
/// where people look.
pub fn backup_folders(root: &Path) -> Vec<PathBuf> {
    let conf = root.join("conf");
    let beside = root.join("esync-ssl-backup");
    if conf.is_dir() {
        vec![conf.join("esync-ssl-backup"), beside]
    } else {
        vec![beside]
    }
}

/// Makes the dated folder of one run: `<UTC time>-<n>`, new, and closed to others where the system can.
pub(super) fn create_folder(backups: &Path, now: OffsetDateTime) -> io::Result<PathBuf> {
    create_closed(backups)?;
    let time = now
        .format(format_description!("[year][month][day]T[hour][minute][second]Z"))
        .map_err(|error| io::Error::other(error.to_string()))?;
    for n in 1..10_000 {
        let folder = backups.join(format!("{time}-{n}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("no free name for a backup"))
}

/// Where a file's copy goes: at its path below the server root, or below `elsewhere` for files outside of it.
pub(super) fn place(folder: &Path, root: &Path, file: &Path) -> PathBuf {
    match file.strip_prefix(root) {
        Ok(relative) => folder.join(relative),
        Err(_) => {
            let parts = file.components().filter_map(|part| match part {
                Component::Normal(name) => Some(name),
                _ => None,
            });
            parts.fold(folder.join("elsewhere"), |path, part| path.join(part))
        }
    }
}

#[cfg(unix)]
fn create_closed(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_closed(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
