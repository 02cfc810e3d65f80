//! Owners and modes.

use std::fs::Metadata;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::Flaw;
use super::distrust::Step;
use crate::account::{self, Writer};

const ALL_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// Judges one file, folder or link by itself; `shared` is the folder that it lies in, if others may put files there.
/// Whether it is such a folder itself.
///
/// In `/tmp` a folder of root's stays where it is. A file or a link there may be somebody's second name for a file
/// of root's, and what is mounted there shows what owners it likes.
pub(super) fn look(path: &Path, metadata: &Metadata, shared: Option<&PathBuf>) -> Result<bool, Flaw> {
    let mode = metadata.mode();
    let shown = format!("mode {:04o}", mode & 0o7777);
    let list = || account::access_list(|list| rustix::fs::lgetxattr(path, account::ACCESS_LIST, list));
    let writer = |owner, mode| Writer::of(owner, metadata.gid(), mode, list);
    let too_much = if metadata.is_symlink() || metadata.file_type().is_char_device() {
        None
    } else {
        too_much(writer(0, mode & !ALL_WRITE).is_some(), mode & ALL_WRITE != 0)
    };
    if let Some(other @ Writer::Owner(user)) = writer(metadata.uid(), mode) {
        let step = Step::Owner {
            user,
            is_link: metadata.is_symlink(),
            mode: too_much,
        };
        return Err(Flaw::of(path, format!("{other}, {shown}"), step));
    }
    if let Some(folder) = shared {
        let is_of_folder = folder
            .metadata()
            .is_ok_and(|folder| folder.dev() == metadata.dev());
        if !metadata.is_dir() || !is_of_folder {
            return Err(Flaw::shared(folder));
        }
    }
    let Some(too_much) = too_much else {
        return Ok(false);
    };
    if metadata.is_dir() && mode & STICKY != 0 {
        return Ok(true);
    }
    let who = writer(0, mode)
        .map(|writer| writer.to_string())
        .unwrap_or_default();
    Err(Flaw::of(path, format!("{who}, {shown}"), Step::Mode(too_much)))
}

/// What of a mode others have too much, for `chmod`.
fn too_much(by_group: bool, by_all: bool) -> Option<&'static str> {
    match (by_group, by_all) {
        (true, true) => Some("go-w"),
        (true, false) => Some("g-w"),
        (false, true) => Some("o-w"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Distrust, judge};
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A folder with `bin/httpd`, which is trusted.
    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bin")).unwrap();
        fs::write(folder.path().join("bin/httpd"), "").unwrap();
        folder
    }

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    fn culprit(path: &Path) -> Option<PathBuf> {
        judge(path).err().map(|distrust| distrust.culprit)
    }

    #[test]
    fn what_only_we_may_write_is_trusted() {
        let folder = tree();
        let program = folder.path().join("bin/httpd");
        assert_eq!(judge(&program), Ok(program.canonicalize().unwrap()));
        // What is not there yet, only we could make.
        let missing = folder.path().join("bin/no/such");
        assert_eq!(judge(&missing), Ok(missing));
        assert!(judge(Path::new("/bin/sh")).is_ok() && judge(Path::new("/")).is_ok());
    }

    #[test]
    fn each_writer_is_named() {
        let folder = tree();
        let (bin, program) = (folder.path().join("bin"), folder.path().join("bin/httpd"));
        for (path, open, closed) in [
            (&program, 0o757, 0o755),
            (&bin, 0o757, 0o755),
            (&bin, 0o1777, 0o755),
        ] {
            mode(path, open);
            assert_eq!(culprit(&program).as_ref(), Some(path), "{open:o}");
            mode(path, closed);
            assert_eq!(culprit(&program), None, "{open:o}");
        }
        mode(&program, 0o666);
        let Err(Distrust { why, .. }) = judge(&program) else {
            panic!("it is trusted")
        };
        assert_eq!(why, "may be written by everybody, mode 0666");
    }

    #[test]
    fn each_step_of_a_link_counts() {
        let folder = tree();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        let program = folder.path().join("bin/httpd");
        // Two links; the second lies in the folder that others may write.
        symlink("../bin/httpd", open.join("second")).unwrap();
        symlink("open/second", folder.path().join("first")).unwrap();
        let first = folder.path().join("first");
        assert_eq!(judge(&first), Ok(program.canonicalize().unwrap()));
        mode(&open, 0o777);
        assert_eq!(culprit(&first), Some(open.clone()));
        // Through it and back out of it.
        assert_eq!(culprit(&open.join("../bin/httpd")), Some(open));
        symlink("loop", folder.path().join("loop")).unwrap();
        assert!(judge(&folder.path().join("loop")).is_err());
    }

    #[test]
    fn in_a_folder_for_all_only_folders_are_safe() {
        let folder = tree();
        let shared = folder.path().join("shared");
        fs::create_dir_all(shared.join("own")).unwrap();
        fs::write(shared.join("own/httpd"), "").unwrap();
        fs::write(shared.join("httpd"), "").unwrap();
        symlink("own/httpd", shared.join("link")).unwrap();
        mode(&shared, 0o1777);
        assert_eq!(culprit(&shared.join("own/httpd")), None);
        for name in ["httpd", "link", "missing", "."] {
            assert_eq!(culprit(&shared.join(name)), Some(shared.clone()), "{name}");
        }
    }
}
