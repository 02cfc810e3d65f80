//! What Windows has: access lists, which `ReplaceFileW` keeps, and files that others hold open.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::symlink_file;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use winsafe::{ReplaceFile, co};

use super::patiently;
use crate::apply::disk::Attributes;

/// Access lists are kept by the system; there is nothing to note.
pub fn attributes(_metadata: &Metadata) -> Attributes {
    Attributes::default()
}

pub fn create_folder(path: &Path, closed: bool) -> io::Result<()> {
    fs::create_dir(path)?;
    if closed && let Err(error) = grant(path, &["(OI)(CI)F", "(OI)(CI)F", "(OI)(CI)F"]) {
        let _ = fs::remove_dir(path);
        return Err(error);
    }
    Ok(())
}

pub fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub fn adopt(_path: &Path, _other: &Path) -> io::Result<()> {
    // `ReplaceFileW` keeps the access list, attributes and alternate streams of the file that is replaced.
    Ok(())
}

pub fn set_attributes(_path: &Path, _attributes: Attributes) -> io::Result<()> {
    // The new file inherits the folder's access list.
    Ok(())
}

/// Only the owner, the system and the administrators keep access.
pub fn restrict(path: &Path) -> io::Result<()> {
    grant(path, &["F", "F", "F"])
}

/// `icacls` is part of Windows and takes well-known identities by number, so that translated names do not matter.
fn grant(path: &Path, rights: &[&str; 3]) -> io::Result<()> {
    let [owner, system, administrators] = rights;
    let output = Command::new("icacls")
        .arg(path)
        .args(["/inheritance:r", "/grant:r"])
        .args([
            format!("*S-1-3-4:{owner}"),
            format!("*S-1-5-18:{system}"),
            format!("*S-1-5-32-544:{administrators}"),
        ])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        Ok(())
    } else {
        Err(io::Error::other("icacls could not restrict access"))
    }
}

pub fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let aside = aside(from);
    let done = patiently(|| {
        tidy(from, to);
        match (to.to_str(), from.to_str()) {
            (Some(replaced), Some(replacement)) if to.symlink_metadata().is_ok() => {
                // Without a name of ours the system takes one of its own, and leaves that file behind when it fails.
                let aside = aside.to_str();
                ReplaceFile(replaced, replacement, aside, co::REPLACEFILE::WRITE_THROUGH)
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

pub fn obstacle(_real: &Path, _metadata: &Metadata) -> io::Result<Option<&'static str>> {
    Ok(None)
}
