//! A small server root with a certificate beside it, for tests of how changes are written.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use esync_ssl::apply::{RealDisk, Store};

use super::certificates::Authority;
use super::files;
use super::program::{Program, esync_ssl};

/// The name that `enable` serves.
pub const DOMAIN: &str = "esync.example.com";
/// Where backups are, below the server root.
pub const BACKUPS: &str = "conf/esync-ssl-backup";

/// The server root in a temporary folder.
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    /// A copy of the small fixture.
    pub fn new() -> Self {
        let folder = files::folder();
        files::copy_tree(&files::fixture("small"), &folder.path().join("Apache24"));
        Authority::write_server(&folder.path().join("certificates"), DOMAIN);
        Site { folder }
    }

    /// The server root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    /// The main file.
    pub fn main(&self) -> PathBuf {
        self.root().join("conf").join("httpd.conf")
    }

    /// The bytes of the main file as text.
    pub fn text(&self) -> String {
        fs::read_to_string(self.main()).expect("the main file")
    }

    /// Arguments of `enable` with a certificate, which is agreed to.
    pub fn enable_arguments(&self) -> Vec<String> {
        let file = |name: &str| {
            let path = self.folder.path().join("certificates").join(name);
            path.display().to_string()
        };
        let (certificate, key) = (file("server.crt"), file("server.key"));
        [
            "enable",
            "--yes",
            "--domain",
            DOMAIN,
            "--cert",
            &certificate,
            "--key",
            &key,
            "--root",
        ]
        .iter()
        .map(|text| (*text).to_owned())
        .chain([self.root().display().to_string()])
        .collect()
    }

    /// `enable` with a certificate.
    pub fn enable(&self) -> Program {
        esync_ssl().args(self.enable_arguments())
    }

    /// `enable` with a certificate that is made.
    pub fn self_signed(&self) -> Program {
        let program = esync_ssl().args(["enable", "--yes", "--self-signed", "--domain", DOMAIN, "--root"]);
        program.arg(self.root())
    }

    /// Any command about this server root.
    pub fn run(&self, arguments: &[&str]) -> Program {
        esync_ssl().args(arguments).arg("--root").arg(self.root())
    }

    /// `restore` that overwrites what was edited since, wherever.
    pub fn restore_over(&self, arguments: &[&str]) -> Program {
        let over = [
            "restore",
            "--force",
            "EDITED-SINCE",
            "--force",
            "EDITED-SAME-LINES",
        ];
        self.run(&[&over, arguments].concat())
    }

    /// Everything below the server root but the backups.
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        files::snapshot(&self.root())
            .into_iter()
            .filter(|(name, _)| !name.starts_with(BACKUPS))
            .collect()
    }

    /// The dated folders.
    pub fn backups(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root().join(BACKUPS))
            .into_iter()
            .flatten()
            .flatten();
        let mut folders: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.is_dir())
            .collect();
        folders.sort();
        folders
    }

    /// The means to write there and to go back.
    pub fn store(&self) -> Store<'static> {
        Store {
            disk: &RealDisk,
            root: self.root(),
            folder: self.root().join(BACKUPS),
        }
    }

    /// A path beside the server root.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that passes for httpd 2.4 and judges configurations by a shell command, in which `$main` is the
    /// configuration.
    #[cfg(unix)]
    pub fn stand_in(&self, judge: &str) -> PathBuf {
        self.stand_in_with(&["core.c", "mod_so.c"], judge)
    }

    /// The same, with these modules compiled in.
    #[cfg(unix)]
    pub fn stand_in_with(&self, modules: &[&str], judge: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.beside("httpd");
        let script = format!(
            "#!/bin/sh\nmain=\nfor argument; do\n  case $previous in -f) main=$argument;; esac\n  previous=$argument\n\
             done\ncase $1 in\n-v|-V) echo 'Server version: Apache/2.4.58 (Unix)'; exit 0;;\n\
             -l) printf 'Compiled in modules:\\n  {}\\n'; exit 0;;\nesac\n{judge}\n",
            modules.join("\\n  ")
        );
        // Written under another name: a file that is open for writing cannot be run.
        let waiting = self.beside("httpd.new");
        files::write(&waiting, script);
        fs::set_permissions(&waiting, fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::rename(&waiting, &path).expect("its name");
        path
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> String {
    path.display().to_string()
}
