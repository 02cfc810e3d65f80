use super::*;
#[cfg(unix)]
use crate::apply::Undone;
use crate::apply::{Holder, NewFile, RealDisk, backup_folders};
use std::fs;
use std::path::Path;
use std::time::Duration;
use time::macros::datetime;

const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);

struct Place {
    root: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("conf")).unwrap();
        Place { root }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn file(&self, name: &str, bytes: &str) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    fn store(&self) -> Store<'static> {
        Store {
            disk: &RealDisk,
            root: self.root.path().into(),
            folder: backup_folders(self.root.path()).remove(0),
        }
    }

    /// Everything but the backups.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.root.path().to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if path.is_dir() && !path.ends_with("esync-ssl-backup") {
                    folders.push(path);
                } else if !path.is_dir() {
                    names.push(entry.file_name().into_string().unwrap());
                }
            }
        }
        names.sort();
        names
    }
}

fn lock(store: &Store) -> Lock {
    store
        .lock(Duration::ZERO, &Holder::this(String::new(), String::new()))
        .unwrap()
}

fn transaction(changes: Vec<NameChange>) -> Transaction<'static> {
    Transaction {
        changes,
        ..Transaction::default()
    }
}

fn replace(path: &Path, before: &str, after: &str) -> NameChange {
    NameChange::replace(path.into(), before.as_bytes().to_vec(), after.as_bytes().to_vec())
}

#[track_caller]
fn write(store: &Store, changes: Vec<NameChange>) -> Written {
    let lock = lock(store);
    let pending = transaction(changes).write(store, &lock, NOW).unwrap();
    pending.keep().unwrap()
}

#[test]
fn a_change_leaves_a_copy_and_what_it_was() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "old");
    let store = place.store();
    let written = write(&store, vec![replace(&path, "old", "new")]);
    let backup = written.backup.unwrap();
    assert!(backup.ends_with("conf/esync-ssl-backup/20260102T030405Z-1"));
    assert_eq!(fs::read(backup.join("conf/httpd.conf")).unwrap(), b"old");
    assert_eq!(fs::read(&path).unwrap(), b"new");
    let backup = store.backups().unwrap().remove(0);
    let entry = &backup.manifest.entries[0];
    assert_eq!(entry.path.path(), path);
    assert!(matches!(&entry.after, State::File { sha256, .. } if *sha256 == checksum(b"new")));
    assert_eq!(store.unfinished(), None);
}

#[test]
fn a_file_changed_meanwhile_stops_everything() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "other");
    let read = place.file("conf/read.conf", "other");
    let store = place.store();
    let lock = lock(&store);
    let stale = Transaction {
        reads: vec![(&read, b"old")],
        ..transaction(vec![replace(&path, "old", "new")])
    };
    match stale.write(&store, &lock, NOW) {
        Err(ApplyError::Stale(paths)) => assert_eq!(paths, [read, path]),
        _ => panic!("it was written"),
    }
    assert!(store.backups().unwrap().is_empty());
}

#[test]
fn what_is_undone_leaves_nothing() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "old");
    let gone = place.file("conf/gone.conf", "gone");
    let store = place.store();
    let lock = lock(&store);
    let changes = || {
        vec![
            NameChange::from(NewFile {
                path: place.path("conf/ssl/new/a.key"),
                bytes: b"key".to_vec().into(),
                private: true,
            }),
            replace(&path, "old", "new"),
            NameChange::remove(gone.clone(), b"gone".to_vec()),
        ]
    };
    let pending = transaction(changes()).write(&store, &lock, NOW).unwrap();
    assert_eq!(place.names(), ["a.key", "httpd.conf"]);
    pending.undo().unwrap();
    assert_eq!(place.names(), ["gone.conf", "httpd.conf"]);
    assert_eq!(fs::read(&path).unwrap(), b"old");
    assert!(!place.path("conf/ssl").exists());
    // Nobody says a word, as if the process had been killed.
    drop(transaction(changes()).write(&store, &lock, NOW).unwrap());
    let recovered = store.recover(&lock, false, &|_| false).unwrap().unwrap();
    assert_eq!(recovered.restored.len(), 3);
    assert_eq!(place.names(), ["gone.conf", "httpd.conf"]);
    assert!(store.recover(&lock, false, &|_| false).unwrap().is_none());
}

#[test]
fn what_was_edited_after_a_kill_is_not_overwritten() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "old");
    let store = place.store();
    let lock = lock(&store);
    drop(
        transaction(vec![replace(&path, "old", "new")])
            .write(&store, &lock, NOW)
            .unwrap(),
    );
    fs::write(&path, "edited").unwrap();
    assert!(matches!(
        store.recover(&lock, false, &|_| false),
        Err(ApplyError::NotRestored { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"edited");
    store.recover(&lock, true, &|_| false).unwrap().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"old");
}

#[test]
fn a_read_only_file_stops_everything_before_it_begins() {
    let place = Place::new();
    let [one, two] = ["one.conf", "two.conf"].map(|name| place.file(name, name));
    let mut permissions = fs::metadata(&two).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&two, permissions).unwrap();
    let store = place.store();
    let lock = lock(&store);
    let changes = vec![replace(&one, "one.conf", "1"), replace(&two, "two.conf", "2")];
    assert!(matches!(
        transaction(changes).write(&store, &lock, NOW),
        Err(ApplyError::Refused(why)) if why.places()[0].file == two
    ));
    assert_eq!(fs::read(&one).unwrap(), b"one.conf");
}

#[test]
fn the_newest_and_the_first_are_kept_whatever_the_clock_says() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "0");
    let store = place.store();
    for n in 0..25u32 {
        let lock = lock(&store);
        let change = replace(&path, &n.to_string(), &(n + 1).to_string());
        // A clock that runs backwards.
        let now = NOW - time::Duration::hours(n.into());
        let pending = transaction(vec![change]).write(&store, &lock, now).unwrap();
        pending.keep().unwrap();
    }
    let kept: Vec<String> = store
        .backups()
        .unwrap()
        .into_iter()
        .map(|backup| backup.id.split_once('-').unwrap().1.to_string())
        .collect();
    let wanted: Vec<String> = std::iter::once(1).chain(6..=25).map(|n| n.to_string()).collect();
    assert_eq!(kept, wanted);
}

#[cfg(unix)]
#[test]
fn a_hard_linked_file_is_refused() {
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "old");
    fs::hard_link(&path, place.path("conf/other.conf")).unwrap();
    let store = place.store();
    let lock = lock(&store);
    assert!(matches!(
        transaction(vec![replace(&path, "old", "new")]).write(&store, &lock, NOW),
        Err(ApplyError::Refused(why)) if why.cause.to_string().contains("hard links")
    ));
}

#[cfg(unix)]
#[test]
fn links_come_and_go_with_the_change() {
    let place = Place::new();
    let store = place.store();
    let link = place.path("conf/mods-enabled/ssl.load");
    let target = Path::new("../mods-available/ssl.load");
    write(&store, vec![NameChange::link(link.clone(), target.into())]);
    assert_eq!(fs::read_link(&link).unwrap(), target);
    let returns = store.backups().unwrap()[0]
        .returns(false, &store.root, &|_| false, &Undone::default())
        .unwrap();
    write(&store, returns.into_iter().map(|back| back.change).collect());
    assert!(link.symlink_metadata().is_err());
    let returns = store.backups().unwrap()[1]
        .returns(false, &store.root, &|_| false, &Undone::default())
        .unwrap();
    write(&store, returns.into_iter().map(|back| back.change).collect());
    assert_eq!(fs::read_link(&link).unwrap(), target);
}

#[cfg(target_os = "linux")]
#[test]
fn attributes_and_access_lists_stay() {
    use rustix::fs::{XattrFlags, getxattr, setxattr};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let place = Place::new();
    let path = place.file("conf/httpd.conf", "old");
    // user::rw-, user:7:r--, group::r--, mask::r--, other::---
    let list: Vec<u8> = [
        (1u16, 6u16, u32::MAX),
        (2, 4, 7),
        (4, 4, u32::MAX),
        (16, 4, u32::MAX),
        (32, 0, u32::MAX),
    ]
    .iter()
    .fold(vec![2, 0, 0, 0], |mut bytes, (tag, rights, id)| {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(rights.to_le_bytes());
        bytes.extend(id.to_le_bytes());
        bytes
    });
    let names = [("user.note", b"kept".to_vec()), ("system.posix_acl_access", list)];
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let set: Vec<_> = names
        .iter()
        .filter(|(name, value)| setxattr(&path, *name, value, XattrFlags::empty()).is_ok())
        .collect();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12), Some(34)).unwrap();
    }
    let before = fs::metadata(&path).unwrap();
    let store = place.store();
    write(&store, vec![replace(&path, "old", "new")]);
    let after = fs::metadata(&path).unwrap();
    let owner = |metadata: &fs::Metadata| (metadata.uid(), metadata.gid(), metadata.mode());
    assert_eq!(owner(&before), owner(&after));
    for (name, value) in set {
        let mut buffer = [0u8; 256];
        let length = getxattr(&path, *name, &mut buffer[..]).unwrap();
        assert_eq!(&buffer[..length], &value[..], "{name}");
    }
    assert_eq!(
        fs::metadata(&store.folder).unwrap().mode() & 0o777,
        0o700,
        "others can look into the backups"
    );
}

/// A certificate with its key, as a run of ours left them.
fn pair(place: &Place) -> [PathBuf; 2] {
    fs::create_dir_all(place.path("conf/ssl")).unwrap();
    ["conf/ssl/a.crt", "conf/ssl/a.key"].map(|name| place.file(name, &format!("old {name}")))
}

fn renewal(pair: &[PathBuf; 2]) -> Vec<NameChange> {
    let change = |path: &PathBuf, private| {
        let before = fs::read(path).unwrap();
        let after = format!("new {}", path.display()).into_bytes();
        NameChange::renew(path.clone(), before.into(), after.into(), private)
    };
    vec![change(&pair[0], false), change(&pair[1], true)]
}

fn texts(pair: &[PathBuf; 2]) -> [String; 2] {
    [&pair[0], &pair[1]].map(|path| fs::read_to_string(path).unwrap())
}

#[test]
fn a_renewed_pair_leaves_neither_a_backup_nor_the_old_key() {
    let place = Place::new();
    let main = place.file("conf/httpd.conf", "old");
    let pair = pair(&place);
    let store = place.store();
    write(&store, vec![replace(&main, "old", "new")]);
    let lock = lock(&store);
    let changes = transaction(renewal(&pair));
    let pending = changes.write(&store, &lock, NOW).unwrap();
    assert!(texts(&pair).iter().all(|text| text.starts_with("new ")));
    // The way back is beside, and in no backup.
    let names = place.names();
    assert_eq!(
        names.iter().filter(|name| name.ends_with(".former")).count(),
        2,
        "{names:?}"
    );
    let copies = fs::read_dir(store.folder.join(store.unfinished().unwrap()))
        .unwrap()
        .flatten();
    let mut copies: Vec<_> = copies
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    copies.sort();
    assert_eq!(copies, ["change.diff", "manifest.json"]);
    assert_eq!(pending.keep().unwrap().backup, None);
    assert_eq!(place.names(), ["a.crt", "a.key", "httpd.conf"]);
    assert_eq!(store.backups().unwrap().len(), 1);
}

#[test]
fn a_renewal_that_is_killed_or_undone_brings_the_old_pair_back() {
    let place = Place::new();
    let pair = pair(&place);
    let store = place.store();
    let old = texts(&pair);
    let first = lock(&store);
    let changes = transaction(renewal(&pair));
    changes.write(&store, &first, NOW).unwrap().undo().unwrap();
    assert_eq!(texts(&pair), old);
    // Killed: nothing is cleaned up.
    std::mem::forget(changes.write(&store, &first, NOW).unwrap());
    assert_ne!(texts(&pair), old);
    let id = store.unfinished().unwrap();
    let undone = store.undone(&id, &|_| false).unwrap();
    assert!(matches!(undone.content(&pair[1]), Some(Content::Tls(bytes)) if **bytes == *old[1].as_bytes()));
    drop(first);
    let again = lock(&store);
    store.recover(&again, false, &|_| false).unwrap().unwrap();
    assert_eq!(texts(&pair), old);
    assert_eq!(place.names(), ["a.crt", "a.key"]);
    assert!(store.backups().unwrap().is_empty());
}

/// A renewal of this pair that is killed when it is done; what is left beside the pair.
fn killed_at_the_end(store: &Store, pair: &[PathBuf; 2]) {
    let lock = lock(store);
    std::mem::forget(transaction(renewal(pair)).write(store, &lock, NOW).unwrap());
    store.forget(&lock).unwrap();
}

fn recover(store: &Store, known: &dyn Fn(&Path) -> bool) {
    let found = store.recover(&lock(store), false, known).unwrap();
    assert!(found.is_none());
}

#[test]
fn what_a_renewal_left_when_it_was_killed_at_its_very_end_goes() {
    let place = Place::new();
    let pair = pair(&place);
    let store = place.store();
    killed_at_the_end(&store, &pair);
    assert_eq!(place.names().len(), 4);
    recover(&store, &|_| false);
    assert_eq!(place.names(), ["a.crt", "a.key"]);
    assert!(store.backups().unwrap().is_empty());
    assert!(texts(&pair).iter().all(|text| text.starts_with("new ")));
}

#[test]
fn elsewhere_it_goes_where_the_configuration_names_the_pair() {
    let [place, elsewhere] = [Place::new(), Place::new()];
    let pair = pair(&elsewhere);
    let store = place.store();
    killed_at_the_end(&store, &pair);
    recover(&store, &|_| false);
    assert_eq!(elsewhere.names().len(), 4);
    recover(&store, &|path| path == pair[0]);
    assert_eq!(elsewhere.names().len(), 3);
    recover(&store, &|path| pair.iter().any(|known| known == path));
    assert_eq!(elsewhere.names(), ["a.crt", "a.key"]);
    assert!(store.backups().unwrap().is_empty());
    // The configuration is asked about what is left, and not about what is gone.
    recover(&store, &|path| panic!("{} is asked for", path.display()));
}

#[test]
fn a_pair_that_somebody_else_changed_is_not_renewed() {
    let place = Place::new();
    let pair = pair(&place);
    let store = place.store();
    let lock = lock(&store);
    let changes = transaction(renewal(&pair));
    fs::write(&pair[1], "somebody else's").unwrap();
    match changes.write(&store, &lock, NOW) {
        Err(ApplyError::Stale(paths)) => assert_eq!(paths, [pair[1].clone()]),
        _ => panic!("it was written"),
    }
    assert!(texts(&pair)[0].starts_with("old "));
}

#[cfg(unix)]
#[test]
fn a_renewed_key_has_the_rights_of_the_one_before_and_follows_no_link() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let place = Place::new();
    let pair = pair(&place);
    let store = place.store();
    let lock = lock(&store);
    let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::set_permissions(&pair[0], fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&pair[1], fs::Permissions::from_mode(0o400)).unwrap();
    let changes = transaction(renewal(&pair));
    let pending = changes.write(&store, &lock, NOW).unwrap();
    assert_eq!([mode(&pair[0]), mode(&pair[1])], [0o644, 0o400]);
    let beside = fs::read_dir(place.path("conf/ssl")).unwrap().flatten();
    let former = beside
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "former"));
    assert!(former.map(|path| mode(&path)).all(|mode| mode == 0o600));
    pending.undo().unwrap();
    assert_eq!([mode(&pair[0]), mode(&pair[1])], [0o644, 0o400]);
    // The same bytes behind a link are another file.
    let moved = place.path("conf/moved.key");
    fs::rename(&pair[1], &moved).unwrap();
    symlink(&moved, &pair[1]).unwrap();
    assert!(matches!(
        changes.write(&store, &lock, NOW),
        Err(ApplyError::Stale(_))
    ));
}
