//! An answer file that is saved for the next server.

use camino::{Utf8Path, Utf8PathBuf};

use super::new_files::exists;
use super::{Failure, ended};
use crate::apply::create_private;
use crate::interrupt::Hold;
use crate::place;
use crate::refusal::Place;

/// Writes it where nothing is yet. Only its owner may read it and write it: who may write it decides what is done.
///
/// # Errors
/// When something is there, or it cannot be written.
pub fn save(path: &Utf8Path, text: &str) -> Result<Utf8PathBuf, Failure> {
    let whole = place::absolute(path.as_std_path())
        .map_err(|error| Failure::of_system(format!("{path} cannot be used"), &error, "check the path"))?;
    if whole.symlink_metadata().is_ok() {
        return Err(exists(Place::path(&whole)));
    }
    let _hold = Hold::new();
    ended(create_private(&whole, text.as_bytes()).map_err(Failure::from))?;
    Ok(Utf8PathBuf::from_path_buf(whole).unwrap_or_else(|_| path.to_owned()))
}
