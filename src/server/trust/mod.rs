//! Whom we trust. What is run here, or handed to what is run here, belongs to root (on Windows: the system and its
//! administrators) or to us, and nobody else may write it or put something else in its place: neither it nor any folder
//! on the way to it, symbolic links followed step by step.

mod configuration;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

pub use configuration::{Reach, of_configuration};

use crate::quoted::quoted;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// More symbolic links on one way are a loop, as for Linux.
const LINKS: usize = 40;

/// What is wrong with `/tmp`.
const SHARED: &str = "is a folder into which others may put files";

/// Why something is not run, or nothing is run on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distrust {
    /// What was judged.
    pub subject: PathBuf,
    /// It, or what on the way to it somebody else may write.
    pub culprit: PathBuf,
    /// Who may: the end of a sentence.
    pub why: String,
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.culprit != self.subject {
            write!(f, "{}: ", self.subject.display())?;
        }
        write!(f, "{} {}", self.culprit.display(), self.why)
    }
}

impl std::error::Error for Distrust {}

impl Distrust {
    /// How to make it trusted.
    pub fn advice(&self) -> String {
        let culprit = quoted(&self.culprit);
        #[cfg(windows)]
        if let Some(commands) = crate::acl::remedy_at(&self.culprit) {
            return commands;
        }
        if self.why == SHARED {
            format!("put it into a folder that only root may write to, not into {culprit}")
        } else if cfg!(windows) {
            format!("let only the system and administrators write to {culprit}")
        } else if self.culprit.is_symlink() {
            // Not what it leads to, which has an owner of its own.
            format!("chown -h root {culprit}")
        } else {
            format!("chown root {culprit} && chmod go-w {culprit}")
        }
    }
}

/// Judges paths, and remembers the folders.
#[derive(Default)]
pub struct Judge {
    /// Folders by the names that were asked for, and where they really are.
    folders: HashMap<PathBuf, Place>,
}

/// Where a way led to.
#[derive(Clone, Default)]
struct Place {
    real: PathBuf,
    /// Of the folder that it is: others may put files there, though not take ours away.
    shared: bool,
    /// Nothing is there, but only root and we could make it.
    missing: bool,
}

impl Judge {
    /// The real path of a file or folder that nobody else may write, or, where nothing is there, make.
    ///
    /// # Errors
    /// What somebody else may write.
    pub fn judge(&mut self, path: &Path) -> Result<PathBuf, Distrust> {
        let distrust = |culprit: PathBuf, why: String| Distrust {
            subject: path.to_path_buf(),
            culprit,
            why,
        };
        let absolute = std::path::absolute(path)
            .map_err(|error| distrust(path.to_path_buf(), format!("cannot be looked at: {error}")))?;
        let place = match (absolute.parent(), absolute.file_name()) {
            (Some(folder), Some(name)) => {
                let at = match self.folders.get(folder) {
                    Some(known) => Ok(known.clone()),
                    None => walk(Place::default(), folder),
                };
                let at = at.map_err(|(culprit, why)| distrust(culprit, why))?;
                self.folders.insert(folder.to_path_buf(), at.clone());
                walk(at, Path::new(name))
            }
            _ => walk(Place::default(), &absolute),
        };
        let place = place.map_err(|(culprit, why)| distrust(culprit, why))?;
        if place.shared {
            return Err(distrust(place.real, SHARED.into()));
        }
        Ok(place.real)
    }
}

/// Judges one path; see [`Judge::judge`].
///
/// # Errors
/// What somebody else may write.
pub fn judge(path: &Path) -> Result<PathBuf, Distrust> {
    Judge::default().judge(path)
}

/// Goes on from a place that was judged, one name after the other, as the system does.
fn walk(from: Place, path: &Path) -> Result<Place, (PathBuf, String)> {
    let mut at = from;
    let mut links = 0;
    let mut ahead: Vec<OsString> = names(path);
    while let Some(name) = ahead.pop() {
        let unreadable = |error: io::Error, path: &Path| {
            let why = format!("cannot be looked at: {error}");
            (path.to_path_buf(), why)
        };
        match Path::new(&name).components().next() {
            None | Some(Component::CurDir) => {}
            Some(Component::ParentDir) if at.missing => {
                return Err((at.real, "does not exist".into()));
            }
            Some(Component::Prefix(_)) => {
                at = Place {
                    real: name.into(),
                    ..Place::default()
                }
            }
            Some(part @ (Component::ParentDir | Component::RootDir)) => {
                match part {
                    Component::ParentDir => _ = at.real.pop(),
                    _ => at.real.push(&name),
                }
                let metadata = fs::symlink_metadata(&at.real).map_err(|error| unreadable(error, &at.real))?;
                at.shared = system::look(&at.real, &metadata, None)?;
            }
            Some(Component::Normal(_)) => {
                let next = at.real.join(&name);
                if at.missing {
                    at.real = next;
                    continue;
                }
                let metadata = match fs::symlink_metadata(&next) {
                    Ok(metadata) => metadata,
                    Err(error) if error.kind() == io::ErrorKind::NotFound && !at.shared => {
                        at = Place {
                            real: next,
                            shared: false,
                            missing: true,
                        };
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err((at.real, SHARED.into()));
                    }
                    Err(error) => return Err(unreadable(error, &next)),
                };
                let shared = system::look(&next, &metadata, at.shared.then_some(&at.real))?;
                if !metadata.is_symlink() {
                    at.real = next;
                    at.shared = shared;
                    continue;
                }
                links += 1;
                if links > LINKS {
                    return Err((next, "is a symbolic link that leads in circles".into()));
                }
                let target = fs::read_link(&next).map_err(|error| unreadable(error, &next))?;
                ahead.extend(names(&target));
            }
        }
    }
    Ok(at)
}

/// The parts of a path, the last first.
fn names(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev();
    parts.map(|part| part.as_os_str().to_owned()).collect()
}

/// Whether a process with these user numbers (real, effective, saved, of file access) is root's or ours: the real one
/// alone would be that of a program which gave its rights to somebody else.
#[cfg(unix)]
pub(super) fn is_by_root_or_us(users: &[u32]) -> bool {
    users.len() == 4 && users.iter().all(|user| crate::account::is_root_or_us(*user))
}
