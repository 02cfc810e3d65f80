//! Other accounts of the machine, and what they must not reach.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::site::Site;

/// The account of nobody, who attacks.
pub const NOBODY: u32 = 65534;

/// Whether the test may make files of other accounts; says so when it may not.
pub fn is_root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        super::skip("only root can make files of other accounts");
    }
    root
}

/// Gives a file or folder to nobody.
pub fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("another owner");
}

/// Gives a folder with all in it to nobody.
pub fn give_all(path: &Path) {
    give(path);
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => give_all(&entry.path()),
            Ok(kind) if kind.is_file() => give(&entry.path()),
            _ => {}
        }
    }
}

/// Sets a mode.
pub fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

/// Makes a pipe.
pub fn fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
}

/// A file that only root may touch.
pub struct Victim {
    /// Where it is.
    pub path: PathBuf,
    state: (u32, u32, u32),
}

impl Victim {
    /// Beside the server root.
    pub fn new(site: &Site) -> Self {
        let path = site.beside("victim");
        fs::write(&path, "root only\n").expect("the victim");
        mode(&path, 0o600);
        let state = Victim::state(&path).expect("the victim");
        Victim { path, state }
    }

    /// Its bytes, owner and mode are as they were.
    #[track_caller]
    pub fn is_unharmed(&self, what: &str) {
        assert_eq!(Victim::state(&self.path), Some(self.state), "{what}");
        assert_eq!(
            fs::read(&self.path).expect("the victim"),
            b"root only\n",
            "{what}"
        );
    }

    fn state(path: &Path) -> Option<(u32, u32, u32)> {
        let metadata = fs::symlink_metadata(path).ok()?;
        Some((metadata.mode(), metadata.uid(), metadata.gid()))
    }
}
