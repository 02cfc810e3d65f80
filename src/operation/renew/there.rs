//! The file or folder from which a certificate is renewed, opened once: whoever may put something else in its place leads us
//! nowhere by a link, and makes no file of a folder.

use std::io;

use super::super::failure::Failure;
use super::super::obtain::Source;
use crate::apply::{Folder, Kind, Last, Place};
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::shown;
use crate::wording::reason;

/// What is there.
pub enum There {
    /// A folder, held open.
    Folder(Folder),
    /// A file, or what is in its place, in its folder that is held open.
    File(Place),
    /// No file yet, or not anymore.
    Nothing,
}

impl There {
    /// Opens it.
    ///
    /// # Errors
    /// Refused where a folder is not there, or a link is in its place; where somebody else could say by a link where it is.
    pub fn open(source: &Source) -> Result<There, Failure> {
        let path = source.path.path();
        let named = shown(&path);
        let cannot = |error: &io::Error| {
            let cause = format!("{named} cannot be looked through ({})", reason(error));
            unusable(cause, "check what it is and who may read it")
        };
        let gone = |what: &dyn std::fmt::Display| {
            let cause = format!("{what} is not there, from which the certificate is renewed");
            unusable(cause, "put it back, or name another place with --from")
        };
        if path.parent().is_none() {
            return Folder::open(&path)
                .map(There::Folder)
                .map_err(|error| cannot(&error));
        }
        let place = match Place::of(&path, Last::Keep) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(gone(&shown(path.parent().unwrap_or(&path))));
            }
            place => place.map_err(|error| cannot(&error))?,
        };
        if let Some(others) = place.via() {
            let cause =
                format!("{named} is not used: a link leads there that somebody else may change ({others})");
            return Err(unusable(cause, "name the place itself with --from"));
        }
        let kind = place
            .look()
            .map_err(|error| cannot(&error))?
            .map(|found| found.kind);
        let is_folder = source.is_folder.unwrap_or(kind == Some(Kind::Folder));
        match (is_folder, kind) {
            (true, None) => Err(gone(&named)),
            (false, None) => Ok(There::Nothing),
            (true, Some(_)) => {
                let folder = place.folder.enter(&place.name);
                folder.map(There::Folder).map_err(|error| cannot(&error))
            }
            (false, Some(_)) => Ok(There::File(place)),
        }
    }
}

/// What is there is of no use; what is wrong with it, and what to do.
pub fn unusable(cause: String, fix: &'static str) -> Failure {
    Failure::refused(Refusal::new(RefusalCode::SourceUnusable, cause, "; ", fix))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::apply::Name;

    fn source(path: &Path, is_folder: bool) -> Source {
        Source {
            path: Name::from(path),
            is_folder: Some(is_folder),
            pass_phrase: None,
            others_may_write: true,
        }
    }

    fn refused(path: &Path, is_folder: bool) -> String {
        match There::open(&source(path, is_folder)) {
            Err(failure) => format!("{:#}", failure.error),
            Ok(_) => panic!("{path:?} was opened"),
        }
    }

    #[test]
    fn a_folder_stays_a_folder_and_is_missed() {
        let folder = tempfile::tempdir().unwrap();
        let drop = folder.path().join("drop");
        assert!(refused(&drop, true).contains("drop is not there"));
        assert!(matches!(There::open(&source(&drop, false)), Ok(There::Nothing)));
        assert!(refused(&drop.join("below"), false).contains("drop is not there"));
        std::fs::create_dir(&drop).unwrap();
        assert!(matches!(There::open(&source(&drop, true)), Ok(There::Folder(_))));
        std::fs::remove_dir(&drop).unwrap();
        std::fs::write(&drop, "a file").unwrap();
        assert!(refused(&drop, true).contains("it is not a folder"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_the_folder_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let (drop, secret) = (folder.path().join("drop"), folder.path().join("secret"));
        std::fs::create_dir(&secret).unwrap();
        std::os::unix::fs::symlink(&secret, &drop).unwrap();
        assert!(refused(&drop, true).contains("symbolic link, which is not followed"));
        let Ok(There::File(place)) = There::open(&source(&drop, false)) else {
            panic!("a place of a file");
        };
        assert!(place.open().is_err());
    }
}
