//! Whom we trust. What is run here, or handed to what is run here, belongs to root (on Windows: the system and its
//! administrators) or to us, and nobody else may write it or put something else in its place: neither it nor any folder
//! on the way to it, symbolic links followed step by step.

mod configuration;
mod distrust;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

pub use configuration::{Reach, of_configuration};
pub use distrust::{Distrust, Others};

use distrust::Step;

use crate::wording::reason;
#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// More symbolic links on one way are a loop, as for Linux.
const LINKS: usize = 40;

/// What is wrong with `/tmp`.
const SHARED: &str = "is a folder into which others may put files";

/// Judges paths, and remembers the folders.
#[derive(Default)]
pub struct Judge {
    /// Folders by the names that were asked for, where they really are, and who may write there.
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
    /// What others may write on the way.
    flaws: Vec<Flaw>,
    /// The way could not be followed to its end.
    ended: bool,
}

/// What others may write.
#[derive(Clone)]
struct Flaw {
    culprit: PathBuf,
    why: String,
    step: Step,
}

impl Flaw {
    fn of(culprit: &Path, why: impl Into<String>, step: Step) -> Flaw {
        Flaw {
            culprit: culprit.to_path_buf(),
            why: why.into(),
            step,
        }
    }

    fn shared(folder: &Path) -> Flaw {
        Flaw::of(folder, SHARED, Step::Elsewhere)
    }

    fn unreadable(path: &Path, error: &io::Error) -> Flaw {
        Flaw::of(
            path,
            format!("cannot be looked at: {}", reason(error)),
            Step::Permission,
        )
    }
}

impl Judge {
    /// The real path of a file or folder that nobody else may write, or, where nothing is there, make.
    ///
    /// # Errors
    /// What somebody else may write.
    pub fn judge(&mut self, path: &Path) -> Result<PathBuf, Distrust> {
        let place = self.look(path);
        match place.flaws.into_iter().next() {
            None => Ok(place.real),
            Some(first) => Err(first.of_subject(path)),
        }
    }

    /// All that somebody else may write of a path and the way to it.
    pub fn flaws(&mut self, path: &Path) -> Vec<Distrust> {
        let flaws = self.look(path).flaws.into_iter();
        flaws.map(|flaw| flaw.of_subject(path)).collect()
    }

    fn look(&mut self, path: &Path) -> Place {
        let absolute = match std::path::absolute(path) {
            Ok(absolute) => absolute,
            Err(error) => return Place::default().end(Flaw::unreadable(path, &error)),
        };
        let mut place = match (absolute.parent(), absolute.file_name()) {
            (Some(folder), Some(name)) => {
                let known = self.folders.entry(folder.to_path_buf());
                let at = known.or_insert_with(|| walk(Place::default(), folder));
                walk(at.clone(), Path::new(name))
            }
            _ => walk(Place::default(), &absolute),
        };
        if place.shared && !place.ended {
            place.flaws.push(Flaw::shared(&place.real));
        }
        place
    }
}

impl Flaw {
    fn of_subject(self, subject: &Path) -> Distrust {
        Distrust {
            subject: subject.to_path_buf(),
            culprit: self.culprit,
            why: self.why,
            step: self.step,
        }
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
fn walk(from: Place, path: &Path) -> Place {
    let mut at = from;
    let mut links = 0;
    let mut ahead: Vec<OsString> = names(path);
    while !at.ended
        && let Some(name) = ahead.pop()
    {
        at = match Path::new(&name).components().next() {
            None | Some(Component::CurDir) => at,
            Some(Component::ParentDir) if at.missing => {
                let flaw = Flaw::of(&at.real, "does not exist", Step::Name);
                at.end(flaw)
            }
            Some(Component::Prefix(_)) => Place {
                real: name.into(),
                flaws: at.flaws,
                ..Place::default()
            },
            Some(part @ (Component::ParentDir | Component::RootDir)) => at.up(part),
            Some(Component::Normal(_)) => at.down(&name, &mut links, &mut ahead),
        };
    }
    at
}

impl Place {
    /// Nothing further can be said of the way.
    fn end(mut self, flaw: Flaw) -> Place {
        self.flaws.push(flaw);
        self.ended = true;
        self
    }

    /// To the folder above, or to the top.
    fn up(mut self, part: Component) -> Place {
        match part {
            Component::ParentDir => _ = self.real.pop(),
            part => self.real.push(part),
        }
        match fs::symlink_metadata(&self.real) {
            Ok(metadata) => {
                let looked = system::look(&self.real, &metadata, None);
                self.note(looked)
            }
            Err(error) => {
                let flaw = Flaw::unreadable(&self.real, &error);
                self.end(flaw)
            }
        }
    }

    /// To a name in this folder, or, if that is a link, to where its way begins.
    fn down(mut self, name: &OsString, links: &mut usize, ahead: &mut Vec<OsString>) -> Place {
        let next = self.real.join(name);
        if self.missing {
            self.real = next;
            return self;
        }
        let metadata = match fs::symlink_metadata(&next) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.shared {
                    self.flaws.push(Flaw::shared(&self.real));
                }
                self.real = next;
                self.shared = false;
                self.missing = true;
                return self;
            }
            Err(error) => return self.end(Flaw::unreadable(&next, &error)),
        };
        let looked = system::look(&next, &metadata, self.shared.then_some(&self.real));
        if !metadata.is_symlink() {
            self.real = next;
            return self.note(looked);
        }
        *links += 1;
        match (looked, fs::read_link(&next)) {
            // Where a link of somebody else's leads is nobody's business.
            (Err(flaw), _) => self.end(flaw),
            _ if *links > LINKS => self.end(Flaw::of(
                &next,
                "is a symbolic link that leads in circles",
                Step::Name,
            )),
            (_, Err(error)) => self.end(Flaw::unreadable(&next, &error)),
            (_, Ok(target)) => {
                ahead.extend(names(&target));
                self
            }
        }
    }

    fn note(mut self, looked: Result<bool, Flaw>) -> Place {
        match looked {
            Ok(shared) => self.shared = shared,
            Err(flaw) => {
                self.flaws.push(flaw);
                self.shared = false;
            }
        }
        self
    }
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
