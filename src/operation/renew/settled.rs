//! Files that somebody else puts somewhere, at any moment: read once they are whole, by no link, and not for ever.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::super::failure::{Failure, not_interrupted};
use crate::foreign;
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::shown;
use crate::wording::{is_in_use, reason};

/// So many are looked at to see whether something is young.
const MOST: usize = 100;
/// A file that was written to within this time may still be: it is looked at again.
const SETTLES: Duration = Duration::from_secs(2);
/// So long it is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What cannot be used and was written to within this time may be on its way: a slow line, a person who is not done.
const YOUNG: Duration = Duration::from_secs(10 * 60);

/// Whether something there may still be on its way.
pub fn is_young(path: &Path) -> bool {
    let is_young = |path: &Path| age(path).is_some_and(|age| age < YOUNG);
    match std::fs::read_dir(path) {
        // Of a folder its own time says nothing: it changes when something goes.
        Ok(entries) => {
            let mut all = entries.flatten().take(MOST);
            all.any(|entry| is_young(&entry.path()))
        }
        Err(_) => is_young(path),
    }
}

/// How long ago it was written to; nothing where the clock says that it will be.
fn age(path: &Path) -> Option<Duration> {
    let written = path.symlink_metadata().and_then(|found| found.modified()).ok()?;
    SystemTime::now().duration_since(written).ok()
}

/// What programs write while they copy, and what editors leave.
pub fn is_passing(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let ends = [
        ".tmp",
        ".part",
        ".partial",
        ".filepart",
        ".crdownload",
        ".swp",
        "~",
    ];
    name.starts_with(['.', '~']) || ends.iter().any(|end| name.ends_with(end))
}

/// The bytes of a file that nobody writes to at the moment. What is waited for is counted from `begun`, so that many files that
/// somebody keeps touching take no longer than one.
///
/// # Errors
/// Where it cannot be read, or is written to for longer than it is waited for.
pub fn settled(path: &Path, begun: Instant) -> Result<Zeroizing<Vec<u8>>, Failure> {
    loop {
        not_interrupted()?;
        let read = bytes(path);
        let is_settled = age(path).is_none_or(|age| age >= SETTLES);
        match read {
            Ok(Some(bytes)) if is_settled => return Ok(bytes),
            Err(error) if !is_in_use(&error) => {
                let cause = format!("{} cannot be read ({})", shown(path), reason(&error));
                return Err(unusable(cause, "check what it is and who may read it"));
            }
            _ if begun.elapsed() > PATIENCE => {
                let cause = format!("{} is still being written", shown(path));
                return Err(unusable(cause, "run again once it is whole"));
            }
            _ => std::thread::sleep(Duration::from_millis(250)),
        }
    }
}

/// The bytes of the file of this very name: no link is followed, even one that is put there at the last moment. Nothing where
/// another file took its place meanwhile.
fn bytes(path: &Path) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let (file, metadata) = foreign::open(path)?;
    let named = path.symlink_metadata()?;
    if !named.is_file() {
        let why = "it is a link to something else, which is not followed";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, why));
    }
    if !is_same(&metadata, &named) {
        return Ok(None);
    }
    foreign::read_from(&file, &metadata, foreign::CERTIFICATE).map(|bytes| Some(Zeroizing::new(bytes)))
}

#[cfg(unix)]
fn is_same(open: &std::fs::Metadata, named: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (open.dev(), open.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_same(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

/// What is there is of no use; what is wrong with it, and what to do.
pub fn unusable(cause: String, fix: &'static str) -> Failure {
    Failure::refused(Refusal::new(RefusalCode::SourceUnusable, cause, "; ", fix))
}
