//! Folders for rehearsals. A run that is killed leaves its own, with a server that runs there: the next run finds both.

#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::interrupt::Hold;

/// A folder of this run, which goes with it. Only we may write there; the server that rehearses may pass through.
pub struct Scratch {
    /// The folder.
    pub folder: PathBuf,
    /// Beside the folder, and locked as long as this run lives: without it nobody knows whose the folder is.
    _lock: NamedTempFile,
    _parent: Parent,
    // Last: before the program may end, the folder has gone.
    _hold: Hold,
}

/// What a killed run left, and what became of it.
pub struct Swept {
    /// The folder, which went.
    pub folder: PathBuf,
    /// Processes that still ran there, and were ended.
    pub processes: Vec<u32>,
}

impl Scratch {
    /// Makes one.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new() -> io::Result<Scratch> {
        let hold = Hold::new();
        let mut refused = io::Error::from(io::ErrorKind::NotFound);
        let known = known_parents().into_iter().map(Some);
        for place in known.chain([None]) {
            let parent = place.map_or_else(Parent::another, Parent::known);
            match parent.and_then(|parent| Ok((locked(&parent.path)?, parent))) {
                Ok((lock, parent)) => {
                    let folder = lock.path().with_extension("");
                    system::make(&folder)?;
                    return Ok(Scratch {
                        folder,
                        _lock: lock,
                        _parent: parent,
                        _hold: hold,
                    });
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// A new file in it for which nobody else has any rights, whatever a new file gets otherwise.
    ///
    /// # Errors
    /// `AlreadyExists`, or what the system says.
    pub fn create(&self, name: &str) -> io::Result<File> {
        system::create(&self.folder.join(name))
    }
}

/// Where the folders of runs are.
struct Parent {
    path: PathBuf,
    /// It is this run's own, and goes with it.
    is_own: bool,
}

impl Parent {
    /// A folder for all our runs, which is made where it is not there.
    fn known(path: PathBuf) -> io::Result<Parent> {
        system::make_parent(&path)?;
        Ok(Parent { path, is_own: false })
    }

    /// One of another name, because everybody can take a name that he knows.
    fn another() -> io::Result<Parent> {
        let temporary = std::env::temp_dir();
        system::judge_around(&temporary)?;
        let mut builder = tempfile::Builder::new();
        let made = builder
            .prefix(&other_name())
            .rand_bytes(RANDOM)
            .make_in(&temporary, system::make)?;
        Ok(Parent {
            path: made.into_temp_path().keep().map_err(|error| error.error)?,
            is_own: true,
        })
    }
}

impl Drop for Parent {
    fn drop(&mut self) {
        if self.is_own {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A new file that is locked before anybody else gets it.
fn locked(parent: &Path) -> io::Result<NamedTempFile> {
    for _ in 0..100 {
        let file = tempfile::Builder::new()
            .prefix(FOLDER)
            .suffix(LOCK)
            .rand_bytes(RANDOM)
            .tempfile_in(parent)?;
        // Another run that sweeps may have been there in between.
        if file.as_file().try_lock().is_ok() && system::has_name(file.as_file())? {
            return Ok(file);
        }
    }
    Err(io::Error::other("somebody locks every file there"))
}

/// The main file of the server that rehearses in such a folder.
pub(super) const MAIN: &str = "httpd.conf";

/// What the folder of a run is called, and the lock beside it.
const FOLDER: &str = "rehearsal-";
const LOCK: &str = ".lock";
/// So many letters that nobody can guess are behind such names.
const RANDOM: usize = 12;

/// Has it a name that we gave? What has another one is somebody's, be it in a folder of ours.
fn is_made(path: &Path, start: &str, end: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let middle = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    middle.is_some_and(|middle| {
        middle.len() == RANDOM && middle.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// What our folders in a folder for all are called.
fn name() -> String {
    #[cfg(unix)]
    return format!("esync-ssl-{}", rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    "esync-ssl".into()
}

/// What they are called where somebody else took that name, up to the random letters.
fn other_name() -> String {
    format!("{}-rehearsals-", name())
}

/// Where such folders may be, the preferred place first.
fn known_parents() -> Vec<PathBuf> {
    let usual = std::env::temp_dir().join(name());
    preferred().into_iter().chain([usual]).collect()
}

/// Memory, where nobody else may make anything.
#[cfg(target_os = "linux")]
fn preferred() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/run/esync-ssl"));
    }
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)?;
    own.is_absolute().then(|| own.join("esync-ssl"))
}

#[cfg(not(target_os = "linux"))]
fn preferred() -> Option<PathBuf> {
    None
}

/// Those that [`Parent::another`] made, as far as they are ours.
fn other_parents() -> Vec<PathBuf> {
    let start = other_name();
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths
        .filter(|path| is_made(path, &start, "") && system::is_ours(path))
        .collect()
}

/// Ends what killed runs left behind.
pub fn sweep() -> Vec<Swept> {
    let known = known_parents()
        .into_iter()
        .filter(|parent| system::is_ours(parent));
    let mut swept: Vec<Swept> = known.flat_map(|parent| sweep_below(&parent)).collect();
    for parent in other_parents() {
        swept.extend(sweep_below(&parent));
        // That of a run which lives is not empty, and one which is just being made is made again.
        let _ = fs::remove_dir(&parent);
    }
    swept
}

fn sweep_below(parent: &Path) -> Vec<Swept> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let is_lock = |path: &&PathBuf| is_made(path, FOLDER, LOCK);
    let dead = paths.iter().filter(is_lock).filter_map(|lock| sweep_one(lock));
    let mut swept: Vec<Swept> = dead.collect();
    // The lock is there before the folder and goes after it: a folder without one is nobody's.
    let is_folder = |path: &&PathBuf| is_made(path, FOLDER, "") && path.is_dir();
    let folders = paths.iter().filter(is_folder);
    let lost = folders.filter(|folder| !folder.with_extension("lock").exists());
    swept.extend(lost.filter_map(|folder| sweep_folder(folder)));
    swept
}

fn sweep_one(path: &Path) -> Option<Swept> {
    let (lock, _) = crate::foreign::open(path).ok()?;
    match lock.try_lock() {
        Ok(()) => {}
        // Its run lives, or another one sweeps it.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => return None,
    }
    let _hold = Hold::new();
    let folder = path.with_extension("");
    let is_there = folder.symlink_metadata().is_ok();
    let swept = is_there.then(|| sweep_folder(&folder));
    if let Some(None) = swept {
        return None;
    }
    fs::remove_file(path).ok()?;
    swept.flatten()
}

fn sweep_folder(folder: &Path) -> Option<Swept> {
    let _hold = Hold::new();
    let processes = system::end_processes(folder);
    fs::remove_dir_all(folder).ok()?;
    Some(Swept {
        folder: folder.to_path_buf(),
        processes,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_place_that_others_may_write_to_is_not_used() {
        let around = tempfile::tempdir().unwrap();
        let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let parent = around.path().join("parent");
        assert!(system::make_parent(&parent).is_ok() && system::make_parent(&parent).is_ok());
        mode(&parent, 0o777);
        assert!(system::make_parent(&parent).is_err());
        mode(&parent, 0o711);
        let link = around.path().join("link");
        std::os::unix::fs::symlink(&parent, &link).unwrap();
        assert!(system::make_parent(&link).is_err());
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&parent, Some(65534), None).unwrap();
            assert!(system::make_parent(&parent).is_err());
        }
        // Where others may put another in its place.
        mode(around.path(), 0o777);
        assert!(system::make_parent(&around.path().join("new")).is_err());
        mode(around.path(), 0o1777);
        assert!(system::make_parent(&around.path().join("new")).is_ok());
    }

    /// The folder for temporary files holds folders of ours that are somebody's, and these hold what he likes.
    #[test]
    fn only_what_we_made_is_swept() {
        let parent = tempfile::tempdir().unwrap();
        let kept = [
            "rehearsal-1",
            "rehearsal-abcdefghijkl.d",
            "Apache24",
            "esync-ssl-0",
            "x-rehearsal-abcdefghijkl",
        ];
        for name in kept {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let lost = parent.path().join("rehearsal-abcdefghijkl");
        fs::create_dir(&lost).unwrap();
        fs::write(parent.path().join("a.lock"), "").unwrap();
        assert_eq!(sweep_below(parent.path()).len(), 1);
        assert!(!lost.exists());
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), kept.len() + 1);
        let other = |name: &str| is_made(Path::new(name), &other_name(), "");
        assert!(other(&format!("/tmp/{}abcdefghijkl", other_name())));
        assert!(!other("/tmp/esync-ssl-0-rehearsals-mine") && !other("/tmp/esync-ssl-test-abcdef"));
    }

    #[test]
    fn a_locked_folder_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        let lock = locked(parent.path()).unwrap();
        let folder = lock.path().with_extension("");
        system::make(&folder).unwrap();
        fs::write(folder.join("file"), "x").unwrap();
        assert!(sweep_one(lock.path()).is_none() && folder.is_dir());
        let path = lock.path().to_path_buf();
        // As a killed run leaves it.
        let (file, _) = lock.keep().unwrap();
        drop(file);
        assert_eq!(sweep_one(&path).unwrap().folder, folder);
        assert!(!folder.exists() && !path.exists());
        system::make(&folder).unwrap();
        assert_eq!(sweep_below(parent.path()).len(), 1);
        assert!(!folder.exists());
    }
}
