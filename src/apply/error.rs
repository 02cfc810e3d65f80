//! Why a change was not written.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::owner::Others;
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::wording::{IN_USE_FIX, is_in_use, reason};

/// Why nothing was written, or worse.
#[derive(Debug)]
pub enum ApplyError {
    /// Somebody changed these files since they were read.
    Stale(Vec<PathBuf>),
    /// A file cannot be replaced or made without harm.
    Refused(Box<Refusal>),
    /// Something could not be read or written; all is as it was.
    Failed {
        /// What was tried, such as `replace`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Files could not be put back. The next run tries again.
    NotRestored {
        /// The names, and what the system says.
        problems: Vec<(PathBuf, String)>,
        /// The folder with their copies.
        backup: PathBuf,
    },
}

/// What is tried that writes nothing.
const READING: [&str; 4] = ["look at", "list the backups in", "open", "open the folder"];

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::Stale(paths) => write!(
                f,
                "{} {} changed by another program meanwhile; nothing was written, run again",
                list(paths),
                if paths.len() == 1 { "was" } else { "were" }
            ),
            ApplyError::Refused(refusal) => refusal.fmt(f),
            ApplyError::Failed { path, error, .. } if error.kind() == io::ErrorKind::AlreadyExists => write!(
                f,
                "{} was created by another program meanwhile; nothing was written, run again",
                path.display()
            ),
            ApplyError::Failed { act, path, error } if is_in_use(error) => write!(
                f,
                "cannot {act} {}: {}; everything is as it was. To continue, {IN_USE_FIX}",
                path.display(),
                reason(error)
            ),
            ApplyError::Failed { act, path, error } => {
                let check = match READING.contains(act) {
                    true => "who may read there (run as administrator or root)",
                    false => "who may write there (run as administrator or root) and that there is space",
                };
                write!(
                    f,
                    "cannot {act} {}: {}; everything is as it was. Check {check}, then run again",
                    path.display(),
                    reason(error)
                )
            }
            ApplyError::NotRestored { problems, backup } => {
                for (path, error) in problems {
                    write!(f, "{} could not be put back: {error}. ", path.display())?;
                }
                write!(
                    f,
                    "The copies are in {}; esync-ssl restore --recover tries again",
                    backup.display()
                )
            }
        }
    }
}

impl std::error::Error for ApplyError {}

impl ApplyError {
    /// Nothing was written, as files are not what they were when they were read: another try may do.
    pub fn is_stale(&self) -> bool {
        match self {
            ApplyError::Stale(_) => true,
            ApplyError::Failed { error, .. } => error.kind() == io::ErrorKind::AlreadyExists,
            ApplyError::Refused(_) | ApplyError::NotRestored { .. } => false,
        }
    }
}

fn list(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    shown.join(", ")
}

/// A file that stands in the way: `why` goes on from its name.
pub(super) fn in_the_way(
    code: RefusalCode,
    path: &Path,
    why: impl Into<Text>,
    joint: &'static str,
    fix: impl Into<Text>,
) -> ApplyError {
    let cause = say![Place::path(path), " ", why];
    let fix = say![fix, "; nothing was written"];
    ApplyError::Refused(Box::new(Refusal::new(code, cause, joint, fix)))
}

/// Where a server believes what is written, nobody else may write.
pub(super) fn refused(path: &Path, others: &Others) -> ApplyError {
    let why = format!(
        "is not written, because no private key is written where accounts other than root and this one may write: \
         {others}"
    );
    let fix = format!("Remove their rights ({}), then run again", others.remedy());
    in_the_way(RefusalCode::KeyFolderOpen, path, why, ". ", fix)
}

pub(super) fn failed<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ApplyError + 'a {
    move |error| ApplyError::Failed {
        act,
        path: path.to_path_buf(),
        error,
    }
}
