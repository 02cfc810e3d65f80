//! Folders for tests: temporary ones, and copies of fixtures.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// An empty temporary folder, removed when dropped. Unlike tempfile's default everybody may read it: Apache's
/// children run as another user than the tests.
pub fn folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("esync-ssl-test-")
        .tempdir()
        .expect("a temporary folder");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("mode of the folder");
    }
    folder
}

/// A file or folder below `fixtures/` of this package; `path` uses forward slashes.
pub fn fixture(path: &str) -> PathBuf {
    let mut found = super::program::native(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    found.extend(path.split('/'));
    assert!(found.exists(), "no such fixture: {}", found.display());
    found
}

/// Copies a folder with all below it. The copies are writable, whatever the originals are.
#[track_caller]
pub fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap_or_else(|error| panic!("cannot make {}: {error}", to.display()));
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("cannot list {}: {error}", from.display()))
    {
        let entry = entry.expect("an entry of a listed folder");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("the type of an entry").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            write(&target, fs::read(entry.path()).expect("a readable fixture"));
        }
    }
}

/// Writes a file, and the folders above it when they are missing.
#[track_caller]
pub fn write(path: &Path, content: impl AsRef<[u8]>) {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", folder.display()));
    }
    fs::write(path, content).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// Everything below a folder: its path from there with forward slashes, and its bytes. Folders are there too, with
/// a slash at the end of their name and without bytes. Two of them compared say whether anything was changed, made
/// or removed.
#[track_caller]
pub fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|e| panic!("cannot list {}: {e}", folder.display()));
        for entry in entries {
            let entry = entry.expect("an entry of a listed folder");
            let path = entry.path();
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("the type of an entry").is_dir() {
                found.insert(format!("{name}/"), Vec::new());
                folders.push((path, format!("{name}/")));
            } else {
                let bytes = match fs::read_link(&path) {
                    // A link to a folder, or to nothing.
                    Ok(target) if !path.is_file() => target.into_os_string().into_encoded_bytes(),
                    _ => fs::read(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display())),
                };
                found.insert(name, bytes);
            }
        }
    }
    found
}

/// The same of a server root; on Windows without the lock of `esync-ssl`, which stays there with its folder.
#[track_caller]
pub fn snapshot_of_server(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = snapshot(root);
    let folder = "conf/esync-ssl-backup/";
    let inside = found.range(folder.to_owned()..).skip(1);
    let mut others = inside.filter(|(name, _)| name.starts_with(folder) && !name.ends_with("/lock"));
    if cfg!(windows) && others.next().is_none() {
        found.retain(|name, _| !name.starts_with(folder));
    }
    found
}

/// A path as configurations spell it.
pub fn forward(path: &Path) -> String {
    let path = path.to_str().expect("a printable path");
    if cfg!(windows) {
        path.replace('\\', "/")
    } else {
        path.to_owned()
    }
}

/// Closes a file to everybody but its owner, on Windows also the system and the administrators.
pub fn for_owner_only(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).expect("the mode of the file");
    }
    // Wine does not take away what a file had from its folder: it is made anew.
    #[cfg(windows)]
    {
        let bytes = fs::read(file).expect("the file");
        fs::remove_file(file).expect("the file gone");
        let mut closed = esync_ssl::acl::create_file(file, &[]).expect("a closed file");
        std::io::Write::write_all(&mut closed, &bytes).expect("its bytes");
    }
}
