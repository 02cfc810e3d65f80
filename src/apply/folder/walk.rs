//! The way down a path on Unix, name by name: where it leads, and who else may say so.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;

use super::system::{of_stat, others};
use super::{Folder, Kind, Last, Place, Way, invalid};
use crate::apply::owner::{Others, is_ours};

/// As many as the system follows.
const LINKS: usize = 40;
/// A folder on the way need not be readable.
#[cfg(target_os = "linux")]
const SEARCH: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const SEARCH: OFlags = OFlags::RDONLY;

impl Folder {
    /// Opens a folder, links followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let mut walk = Walk::begin(path, Last::Follow)?;
        walk.ahead.push_back(".".into());
        Ok(walk.run_through()?.folder)
    }
}

impl Place {
    /// Looks a path up, links followed but for the last one where that is meant. Folders on the way that others may
    /// write to are noted, and links in them.
    ///
    /// # Errors
    /// When a folder on the way is not there, or may not be searched.
    pub fn of(path: &Path, last: Last) -> io::Result<Place> {
        Walk::begin(path, last)?.run_through()
    }
}

impl Way {
    /// Looks a path up as far as it is there.
    ///
    /// # Errors
    /// When a folder on the way may not be searched, or what is missing would be left again by `..`.
    pub fn to(path: &Path, last: Last) -> io::Result<Way> {
        let way = Walk::begin(path, last)?.run()?;
        if way.below.iter().any(|name| name == "..") {
            return Err(Errno::NOENT.into());
        }
        Ok(way)
    }
}

/// A path that is being looked up.
struct Walk {
    /// The folders from the root folder to where we are.
    folders: Vec<(PathBuf, Rc<OwnedFd>)>,
    /// What is still to be gone.
    ahead: VecDeque<OsString>,
    last: Last,
    links: usize,
    others: Option<Others>,
    via: Option<Others>,
}

impl Walk {
    fn begin(path: &Path, last: Last) -> io::Result<Walk> {
        if !path.is_absolute() {
            return Err(invalid("it is not an absolute path"));
        }
        let flags = SEARCH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let top = rustix::fs::openat(CWD, "/", flags, Mode::empty())?;
        Ok(Walk {
            folders: vec![("/".into(), Rc::new(top))],
            ahead: parts(path),
            last,
            links: 0,
            others: None,
            via: None,
        })
    }

    /// Where the whole path leads.
    fn run_through(self) -> io::Result<Place> {
        match self.run()? {
            Way { place, below } if below.is_empty() => Ok(place),
            _ => Err(Errno::NOENT.into()),
        }
    }

    /// Where the path leads as far as it is there, and what is left of it.
    fn run(mut self) -> io::Result<Way> {
        while let Some(name) = self.ahead.pop_front() {
            if let Some(name) = self.step(name)? {
                return self.end(name);
            }
        }
        self.end(OsString::from("."))
    }

    fn here(&self) -> (&Path, &Rc<OwnedFd>) {
        let (path, handle) = self.folders.last().expect("the root folder stays");
        (path, handle)
    }

    /// Goes on by one name. Returns it when it is the last one, or nothing is there.
    fn step(&mut self, name: OsString) -> io::Result<Option<OsString>> {
        if name == ".." {
            if self.folders.len() > 1 {
                self.folders.pop();
            }
            return Ok(None);
        }
        let is_last = self.ahead.is_empty();
        if name == "." {
            return Ok(is_last.then_some(name));
        }
        let (path, handle) = self.here();
        let child = match rustix::fs::statat(&**handle, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(Some(name)),
            other => of_stat(&other?),
        };
        // In a sticky folder of root's or ours nobody else can take away what is ours.
        let stat = rustix::fs::fstat(&**handle)?;
        let is_sticky = stat.st_mode & 0o1000 != 0 && is_ours(Some(stat.st_uid));
        let here =
            others(path, handle.as_fd(), &stat).filter(|_| !(is_sticky && is_ours(child.attributes.uid)));
        if child.kind == Kind::Link {
            if is_last && self.last == Last::Keep {
                return Ok(Some(name));
            }
            let target = rustix::fs::readlinkat(&**handle, &name, Vec::new())?;
            return self.follow(Path::new(OsStr::from_bytes(target.as_bytes())), here);
        }
        if is_last {
            return Ok(Some(name));
        }
        let flags = SEARCH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let next = rustix::fs::openat(&**handle, &name, flags, Mode::empty())?;
        let path = path.join(&name);
        self.folders.push((path, Rc::new(next)));
        self.others = self.others.take().or(here);
        Ok(None)
    }

    fn follow(&mut self, target: &Path, here: Option<Others>) -> io::Result<Option<OsString>> {
        self.links += 1;
        if self.links > LINKS {
            return Err(Errno::LOOP.into());
        }
        self.via = self.via.take().or(here.clone());
        self.others = self.others.take().or(here);
        if target.is_absolute() {
            self.folders.truncate(1);
        }
        let mut ahead = parts(target);
        ahead.append(&mut self.ahead);
        self.ahead = ahead;
        Ok(None)
    }

    fn end(self, name: OsString) -> io::Result<Way> {
        let (path, handle) = self.here();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = match rustix::fs::openat(&**handle, ".", flags, Mode::empty()) {
            // It may be passed and not listed, which only who lists it needs.
            Err(Errno::ACCESS) => handle.try_clone()?,
            other => other?,
        };
        let place = Place {
            folder: Folder::of(path.to_path_buf(), handle, self.others)?,
            name,
            via: self.via,
        };
        Ok(Way {
            place,
            below: self.ahead.into(),
        })
    }
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}
