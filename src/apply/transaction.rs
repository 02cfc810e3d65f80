//! All changes of one run: new files, then backups, then the replacements. When one fails, what was done is undone.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::{backup, replace};

/// A file that gets other bytes.
#[derive(Clone, Debug)]
pub struct Replacement {
    /// The file.
    pub path: PathBuf,
    /// The bytes it must still have.
    pub before: Vec<u8>,
    /// The bytes it gets.
    pub after: Vec<u8>,
}

/// A file that does not exist yet.
pub struct NewFile {
    /// The file.
    pub path: PathBuf,
    /// Its bytes; wiped when dropped where they hold a key.
    pub bytes: zeroize::Zeroizing<Vec<u8>>,
    /// Only its owner may read it.
    pub private: bool,
}

/// A symbolic link that does not exist yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// The link.
    pub path: PathBuf,
    /// What it says; relative to its folder, as `a2enmod` writes it.
    pub target: PathBuf,
}

/// What is to be written.
#[derive(Default)]
pub struct Transaction {
    /// Files to create.
    pub create: Vec<NewFile>,
    /// Symbolic links to create.
    pub link: Vec<NewLink>,
    /// Files to change.
    pub replace: Vec<Replacement>,
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Files created.
    pub created: Vec<PathBuf>,
    /// Files changed.
    pub replaced: Vec<PathBuf>,
    /// The folder with the copies of the changed files.
    pub backup: Option<PathBuf>,
}

/// Why nothing was written.
#[derive(Debug)]
pub enum ApplyError {
    /// Somebody changed a file since it was read.
    Stale(PathBuf),
    /// A file could not be read, created or replaced; all is as it was.
    Failed {
        /// What was tried, such as `replace`.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file could not be replaced, and another could not be put back.
    NotRestored {
        /// The file that now has its new bytes.
        path: PathBuf,
        /// Its copy.
        backup: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApplyError::Stale(path) => {
                write!(
                    f,
                    "{} was changed by somebody else meanwhile; nothing was written, run again",
                    path.display()
                )
            }
            ApplyError::Failed { path, error, .. } if error.kind() == io::ErrorKind::AlreadyExists => write!(
                f,
                "{} was made by somebody else meanwhile; nothing was written, run again",
                path.display()
            ),
            ApplyError::Failed { act, path, error } => write!(
                f,
                "cannot {act} {}: {error}; everything is as it was. Check who may write there (run as administrator \
                 or root), then run again",
                path.display()
            ),
            ApplyError::NotRestored { path, backup, error } => write!(
                f,
                "{} has its new content and could not be put back: {error}; copy {} over it",
                path.display(),
                backup.display()
            ),
        }
    }
}

impl std::error::Error for ApplyError {}

impl Transaction {
    /// Writes everything, or nothing. Copies of changed files go to a new dated folder below `backups`.
    ///
    /// # Errors
    /// See [`ApplyError`]; after the first two every file is as it was.
    pub fn run(self, root: &Path, backups: &Path, now: OffsetDateTime) -> Result<Written, ApplyError> {
        for file in &self.replace {
            let bytes = fs::read(&file.path).map_err(failed("read", &file.path))?;
            if bytes != file.before {
                return Err(ApplyError::Stale(file.path.clone()));
            }
        }
        let mut done = Done::default();
        match self.write(root, backups, now, &mut done) {
            Ok(()) => Ok(done.written),
            Err(error) => {
                done.undo(&self.replace)?;
                Err(error)
            }
        }
    }

    fn write(
        &self,
        root: &Path,
        backups: &Path,
        now: OffsetDateTime,
        done: &mut Done,
    ) -> Result<(), ApplyError> {
        if !self.replace.is_empty() {
            done.note_missing(backups);
            let folder =
                backup::create_folder(backups, now).map_err(failed("create the backup folder", backups))?;
            done.folders.push(folder.clone());
            done.written.backup = Some(folder.clone());
            for file in &self.replace {
                let copy = backup::place(&folder, root, &file.path);
                replace::create(&copy, &file.before, true).map_err(failed("write the backup", &copy))?;
                done.copies.push(copy);
            }
        }
        for file in &self.create {
            if let Some(parent) = file.path.parent() {
                done.note_missing(parent);
            }
            replace::create(&file.path, &file.bytes, file.private).map_err(failed("create", &file.path))?;
            done.written.created.push(file.path.clone());
        }
        for link in &self.link {
            replace::link(&link.path, &link.target).map_err(failed("link", &link.path))?;
            done.written.created.push(link.path.clone());
        }
        for file in &self.replace {
            replace::replace(&file.path, &file.after).map_err(failed("replace", &file.path))?;
            done.written.replaced.push(file.path.clone());
        }
        Ok(())
    }
}

/// What has been done so far, to be undone.
#[derive(Default)]
struct Done {
    written: Written,
    copies: Vec<PathBuf>,
    /// Folders that were made, outermost first.
    folders: Vec<PathBuf>,
}

impl Done {
    /// Remembers the folders that do not exist yet and are about to be made.
    fn note_missing(&mut self, folder: &Path) {
        let missing: Vec<PathBuf> = folder
            .ancestors()
            .take_while(|path| !path.exists())
            .map(Path::to_path_buf)
            .collect();
        self.folders.extend(missing.into_iter().rev());
    }

    fn undo(&self, replacements: &[Replacement]) -> Result<(), ApplyError> {
        for path in &self.written.replaced {
            let Some(at) = replacements.iter().position(|file| file.path == *path) else {
                continue;
            };
            replace::replace(path, &replacements[at].before).map_err(|error| ApplyError::NotRestored {
                path: path.clone(),
                backup: self.copies[at].clone(),
                error,
            })?;
        }
        // What is left behind from here on is litter, not harm.
        for path in &self.written.created {
            let _ = fs::remove_file(path);
        }
        if let Some(folder) = &self.written.backup {
            let _ = fs::remove_dir_all(folder);
        }
        for folder in self.folders.iter().rev() {
            let _ = fs::remove_dir(folder);
        }
        Ok(())
    }
}

fn failed<'a>(act: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> ApplyError + 'a {
    move |error| ApplyError::Failed {
        act,
        path: path.to_path_buf(),
        error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::backup_folders;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

    fn replacement(path: &Path, before: &str, after: &str) -> Replacement {
        Replacement {
            path: path.into(),
            before: before.into(),
            after: after.into(),
        }
    }

    #[test]
    fn a_change_leaves_a_copy() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("conf/httpd.conf");
        fs::create_dir(root.path().join("conf")).unwrap();
        fs::write(&path, "old").unwrap();
        let transaction = Transaction {
            replace: vec![replacement(&path, "old", "new")],
            ..Default::default()
        };
        let written = transaction
            .run(root.path(), &backup_folders(root.path())[0], NOW)
            .unwrap();
        let backup = written.backup.unwrap();
        assert!(backup.ends_with("conf/esync-ssl-backup/20260102T030405Z-1"));
        assert_eq!(fs::read(backup.join("conf/httpd.conf")).unwrap(), b"old");
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn a_file_changed_meanwhile_stops_everything() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("httpd.conf");
        fs::write(&path, "other").unwrap();
        let transaction = Transaction {
            replace: vec![replacement(&path, "old", "new")],
            ..Default::default()
        };
        let error = transaction
            .run(root.path(), &backup_folders(root.path())[0], NOW)
            .unwrap_err();
        assert!(matches!(error, ApplyError::Stale(_)));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn when_the_second_file_fails_the_first_goes_back() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = ["one.conf", "two.conf"].map(|name| root.path().join(name));
        fs::write(&one, "1").unwrap();
        fs::write(&two, "2").unwrap();
        let mut permissions = fs::metadata(&two).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(&two, permissions).unwrap();
        let transaction = Transaction {
            create: vec![NewFile {
                path: root.path().join("ssl/k"),
                bytes: b"k".to_vec().into(),
                private: true,
            }],
            replace: vec![replacement(&one, "1", "one"), replacement(&two, "2", "two")],
            link: Vec::new(),
        };
        transaction
            .run(root.path(), &backup_folders(root.path())[0], NOW)
            .unwrap_err();
        assert_eq!(fs::read(&one).unwrap(), b"1");
        assert_eq!(fs::read(&two).unwrap(), b"2");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }
}
