//! Files that somebody else puts somewhere, at any moment: read once they are whole, by no link, and not for ever.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use zeroize::Zeroizing;

use super::super::failure::{Failure, not_interrupted};
use super::super::obtain::Source;
use super::there::{There, unusable};
use crate::apply::Place;
use crate::foreign;
use crate::shown::shown;
use crate::trail;
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
pub fn is_young(source: &Source) -> bool {
    let is_young = |place: &Place| {
        let written = place.open().and_then(|file| file.metadata());
        written.is_ok_and(|found| age(&found).is_some_and(|age| age < YOUNG))
    };
    match There::open(source) {
        // Of a folder its own time says nothing: it changes when something goes.
        Ok(There::Folder(folder)) => {
            let names = folder.some_names(MOST).unwrap_or_default();
            names.into_iter().any(|name| is_young(&folder.place(name)))
        }
        Ok(There::File(place)) => is_young(&place),
        Ok(There::Nothing) | Err(_) => false,
    }
}

/// How long ago it was written to; nothing where the clock says that it will be.
fn age(found: &Metadata) -> Option<Duration> {
    SystemTime::now().duration_since(found.modified().ok()?).ok()
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
pub fn settled(place: &Place, path: &Path, begun: Instant) -> Result<Zeroizing<Vec<u8>>, Failure> {
    loop {
        not_interrupted()?;
        match bytes(place, path) {
            Ok(Some(bytes)) => return Ok(bytes),
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
/// it was written to just now, or another file took its place meanwhile.
fn bytes(place: &Place, path: &Path) -> std::io::Result<Option<Zeroizing<Vec<u8>>>> {
    let file = place.open()?;
    trail::read(path);
    let metadata = file.metadata()?;
    let bytes = foreign::read_from(&file, &metadata, foreign::CERTIFICATE).map(Zeroizing::new)?;
    let is_settled = age(&file.metadata()?).is_none_or(|age| age >= SETTLES);
    let named = place.look()?.map(|named| named.identity);
    let is_same = named == Some(Place::found(&file)?.identity);
    Ok((is_settled && is_same).then_some(bytes))
}
