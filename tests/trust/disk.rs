//! What we follow on disk: another account of the machine owns a folder, or put something into one, and gains nothing by
//! it. Nothing but its own files ever gets other bytes, another owner or another mode through us.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support;
use crate::support::files;
use crate::support::others::{NOBODY, Victim, give, give_all, is_root, mode};
use crate::support::site::{BACKUPS, DOMAIN, Site};
use crate::support::stranger::Background;
use esync_ssl::acl::Sid;
use esync_ssl::apply::{
    Attributes, Disk, Folder, Fresh, Holder, Last, NameChange, Place, RealDisk, Store, Transaction,
};

/// Tells a child which folder to attack, and what to put there as a link.
const ATTACKED: &str = "ESYNC_SSL_TEST_ATTACKED";
const VICTIM: &str = "ESYNC_SSL_TEST_VICTIM";
/// Where a child notes each swap: all of them have this length.
const SWAPS: &str = "swaps";

/// Makes this process one of nobody's, in the folder that it attacks. What to put there.
fn become_nobody() -> Option<PathBuf> {
    let (folder, victim) = (std::env::var_os(ATTACKED)?, std::env::var_os(VICTIM)?);
    nix::unistd::setgroups(&[]).expect("no groups");
    nix::unistd::setgid(nix::unistd::Gid::from_raw(NOBODY)).expect("a group");
    nix::unistd::setuid(nix::unistd::Uid::from_raw(NOBODY)).expect("an account");
    std::env::set_current_dir(folder).expect("the folder");
    Some(victim.into())
}

/// Notes that something was swapped.
fn note(swaps: &mut fs::File) {
    use std::io::Write;
    swaps.write_all(b".").expect("a note");
}

/// Nobody, who waits for files in a folder, moves each away and puts a link to the victim in its place. Not a test of
/// its own.
#[test]
fn swapper() {
    use rustix::fs::inotify::{CreateFlags, Reader, WatchFlags, add_watch, init};
    let Some(victim) = become_nobody() else {
        return;
    };
    let mut swaps = fs::File::create(SWAPS).expect("the notes");
    let events = init(CreateFlags::CLOEXEC).expect("inotify");
    let flags = WatchFlags::CREATE | WatchFlags::MODIFY | WatchFlags::CLOSE_WRITE | WatchFlags::ATTRIB;
    add_watch(&events, ".", flags).expect("a watch");
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
    let mut reader = Reader::new(&events, &mut buffer);
    fs::write("ready", "").expect("a sign");
    for number in 0.. {
        let Ok(event) = reader.next() else { return };
        let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
        let Some(name) = name.filter(|name| name.starts_with(".esync-ssl")) else {
            continue;
        };
        let is_link = fs::symlink_metadata(&name).is_ok_and(|metadata| metadata.is_symlink());
        if !is_link && fs::rename(&name, format!("away-{number}")).is_ok() {
            let _ = symlink(&victim, &name);
            note(&mut swaps);
        }
    }
}

/// Nobody, who puts a link in the place of the folder `below` and takes it back, as fast as that goes. Not a test of its
/// own.
#[test]
fn folder_swapper() {
    let Some(victim) = become_nobody() else {
        return;
    };
    let mut swaps = fs::File::create(SWAPS).expect("the notes");
    symlink(&victim, "link").expect("a link");
    fs::write("ready", "").expect("a sign");
    loop {
        exchange(Path::new("below"), Path::new("link"));
        note(&mut swaps);
    }
}

/// Two names change what they mean, in one moment.
fn exchange(one: &Path, other: &Path) {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("an exchange");
}

/// An attack as long as this lives.
struct Attack {
    folder: PathBuf,
    _child: Background,
}

impl Attack {
    fn start(test: &str, folder: &Path, victim: &Path) -> Attack {
        let mut command = support::process::this_test(&format!("disk::{test}"));
        command.env(ATTACKED, folder).env(VICTIM, victim);
        Attack {
            folder: folder.to_path_buf(),
            _child: Background::start(&mut command, || folder.join("ready").exists()),
        }
    }

    /// How often something was swapped so far.
    fn swaps(&self) -> u64 {
        fs::metadata(self.folder.join(SWAPS)).expect("the notes").len()
    }
}

/// The attack on files that are being written.
fn attack(folder: &Path, victim: &Victim) -> Attack {
    Attack::start("swapper", folder, &victim.path)
}

/// So often something is swapped in each attack.
const SWAPPED: u64 = 200;

fn holder() -> Holder {
    Holder::this(String::new(), String::new())
}

/// A site whose virtual host is in a folder of its own, which belongs to nobody.
fn shared_site() -> (Site, PathBuf) {
    let site = Site::new();
    let folder = site.root().join("conf/sites");
    let host = format!("<VirtualHost *:80>\nServerName {DOMAIN}\nDocumentRoot htdocs\n</VirtualHost>\n");
    files::write(&folder.join("a.conf"), host);
    fs::write(site.main(), site.text() + "Include conf/sites/*.conf\n").expect("the main file");
    give_all(&folder);
    (site, folder)
}

/// Removes the links that were put into a folder: with one in its place the next run would not even begin.
fn remove_links(folder: &Path) {
    for entry in fs::read_dir(folder).expect("the folder").flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[test]
fn who_owns_a_folder_of_the_configuration_gains_nothing_by_swapping_files() {
    if !is_root() {
        return;
    }
    let (site, folder) = shared_site();
    let victim = Victim::new(&site);
    let attack = attack(&folder, &victim);
    let (mut written, mut undone) = (0, 0);
    for number in 0..1000 {
        if attack.swaps() >= SWAPPED {
            break;
        }
        remove_links(&folder);
        let store = site.store();
        let path = folder.join("a.conf");
        let before = match fs::read(&path) {
            Ok(before) => before,
            Err(_) => {
                fs::write(&path, "# new\n").expect("a file");
                give(&path);
                continue;
            }
        };
        let changes = vec![
            NameChange::replace(path, before, format!("# {number}\n").into_bytes()),
            NameChange::create(folder.join(format!("{number}.conf")), b"# new\n".to_vec()),
        ];
        let transaction = Transaction {
            changes,
            ..Transaction::default()
        };
        let lock = store.lock(Duration::from_secs(20), &holder()).expect("the lock");
        match transaction.write(&store, &lock, time::OffsetDateTime::now_utc()) {
            Ok(pending) => {
                pending.keep().expect("kept");
                written += 1;
            }
            Err(_) => {
                // What nobody put there is nobody's; the journal goes as somebody who looked at it would do it.
                let _ = store.recover(&lock, true, &|_| false);
                undone += 1;
            }
        }
        victim.is_unharmed(&format!("run {number}"));
    }
    let swaps = attack.swaps();
    eprintln!("{written} written, {undone} undone, {swaps} swapped");
    assert!(swaps >= SWAPPED && undone > 0, "the attack did not take place");
}

#[test]
fn who_owns_the_folder_of_a_new_key_gains_nothing_by_swapping_files() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let victim = Victim::new(&site);
    let folder = site.beside("keys");
    fs::create_dir(&folder).expect("a folder");
    give(&folder);
    let attack = attack(&folder, &victim);
    for number in 0..1000 {
        if attack.swaps() >= SWAPPED {
            break;
        }
        let out = |end: &str| folder.join(format!("{number}.{end}"));
        let program = support::program::esync_ssl()
            .args(["cert", "self-signed", "--domain", DOMAIN, "--out-cert"])
            .arg(out("crt"))
            .arg("--out-key")
            .arg(out("key"));
        let outcome = program.run();
        victim.is_unharmed(&outcome.report());
        if outcome.code == Some(0) {
            assert!(
                outcome.stderr_text().contains("uid 65534"),
                "whose folder it is goes unsaid: {}",
                outcome.report()
            );
        }
    }
    assert!(attack.swaps() >= SWAPPED, "the attack did not take place");
}

/// The site, with its virtual host a folder further down; also nobody's. A folder of root's beside it with the same file,
/// to which no swap may lead.
fn site_with_folder_below() -> (Site, PathBuf, PathBuf) {
    let (site, folder) = shared_site();
    let below = folder.join("below");
    fs::create_dir(&below).expect("a folder");
    fs::rename(folder.join("a.conf"), below.join("a.conf")).expect("moved");
    fs::write(site.main(), site.text().replace("sites/", "sites/below/")).expect("the main file");
    fs::write(below.join("old.conf"), "# old\n").expect("a file");
    symlink("a.conf", below.join("linked")).expect("a link");
    give_all(&below);
    let elsewhere = site.beside("elsewhere");
    files::copy_tree(&below, &elsewhere);
    let _ = fs::remove_file(elsewhere.join("linked"));
    symlink("a.conf", elsewhere.join("linked")).expect("a link");
    (site, folder, elsewhere)
}

/// Swaps a folder for a link at the moment when the first file is made: when everything was looked at, and nothing is
/// written.
struct Swapping {
    below: PathBuf,
    link: PathBuf,
    done: std::cell::Cell<bool>,
}

impl Disk for Swapping {
    fn create(&self, place: &Place, bytes: &[u8], private: Option<&[Sid]>) -> io::Result<Fresh> {
        if !self.done.replace(true) {
            exchange(&self.below, &self.link);
        }
        RealDisk.create(place, bytes, private)
    }
    fn create_folder(&self, place: &Place, closed: bool) -> io::Result<()> {
        RealDisk.create_folder(place, closed)
    }
    fn adopt(&self, fresh: &Fresh, from: &fs::File) -> io::Result<()> {
        RealDisk.adopt(fresh, from)
    }
    fn set_attributes(&self, fresh: &Fresh, attributes: Attributes) -> io::Result<()> {
        RealDisk.set_attributes(fresh, attributes)
    }
    fn sync(&self, fresh: &Fresh) -> io::Result<()> {
        RealDisk.sync(fresh)
    }
    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }
    fn replace(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        RealDisk.replace(fresh, name)
    }
    fn publish(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        RealDisk.publish(fresh, name)
    }
    fn link(&self, target: &Path, place: &Place) -> io::Result<()> {
        RealDisk.link(target, place)
    }
    fn remove(&self, place: &Place) -> io::Result<()> {
        RealDisk.remove(place)
    }
    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        RealDisk.remove_folder(place)
    }
}

/// Every kind of change, in the folder `below`.
fn every_change(below: &Path) -> Vec<(&'static str, NameChange)> {
    let host = fs::read(below.join("a.conf")).expect("the file");
    vec![
        (
            "create",
            NameChange::create(below.join("new.conf"), b"# new\n".to_vec()),
        ),
        (
            "create in a new folder",
            NameChange::create(below.join("one/two/new.conf"), b"# new\n".to_vec()),
        ),
        (
            "replace",
            NameChange::replace(below.join("a.conf"), host, b"# new\n".to_vec()),
        ),
        (
            "remove",
            NameChange::remove(below.join("old.conf"), b"# old\n".to_vec()),
        ),
        ("link", NameChange::link(below.join("new.conf"), "a.conf".into())),
        (
            "unlink",
            NameChange::unlink(below.join("linked"), "a.conf".into()),
        ),
    ]
}

/// Everything below a folder: names, and where links lead or what files hold, whose they are and with which mode.
fn whole(folder: &Path) -> Vec<String> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).expect("it");
        let content = match (metadata.is_dir(), metadata.is_symlink()) {
            (true, _) => {
                let entries = fs::read_dir(&path).expect("the folder").flatten();
                open.extend(entries.map(|entry| entry.path()));
                String::new()
            }
            (_, true) => fs::read_link(&path).expect("the link").display().to_string(),
            _ => fs::read_to_string(&path).expect("the file"),
        };
        all.push(format!(
            "{} {} {:o} {content}",
            path.display(),
            metadata.uid(),
            metadata.mode()
        ));
    }
    all.sort();
    all
}

#[test]
fn a_folder_that_becomes_a_link_after_the_look_leads_nowhere() {
    if !is_root() {
        return;
    }
    let count = every_change(&site_with_folder_below().1.join("below")).len();
    for number in 0..count {
        let (site, folder, elsewhere) = site_with_folder_below();
        let (below, link) = (folder.join("below"), folder.join("link"));
        symlink(&elsewhere, &link).expect("a link");
        let disk = Swapping {
            below: below.clone(),
            link,
            done: false.into(),
        };
        let store = Store {
            disk: &disk,
            ..site.store()
        };
        let (name, change) = every_change(&below).swap_remove(number);
        let before = whole(&elsewhere);
        let transaction = Transaction {
            changes: vec![change],
            ..Transaction::default()
        };
        let lock = store.lock(Duration::from_secs(20), &holder()).expect("the lock");
        let written = transaction.write(&store, &lock, time::OffsetDateTime::now_utc());
        assert!(disk.done.get(), "{name}: nothing was swapped");
        assert_eq!(whole(&elsewhere), before, "{name}: written");
        // Nor does taking it back lead there, be it in the same run or in the next.
        drop(written);
        let _ = store.recover(&lock, true, &|_| true);
        assert_eq!(whole(&elsewhere), before, "{name}: taken back");
    }
}

#[test]
fn a_folder_that_is_a_link_of_somebody_else_takes_no_change() {
    if !is_root() {
        return;
    }
    let count = every_change(&site_with_folder_below().1.join("below")).len();
    for number in 0..count {
        let (site, folder, elsewhere) = site_with_folder_below();
        let below = folder.join("below");
        let (name, change) = every_change(&below).swap_remove(number);
        fs::rename(&below, folder.join("away")).expect("moved away");
        symlink(&elsewhere, &below).expect("a link");
        let before = whole(&elsewhere);
        let said = change.shared().expect_err(name).to_string();
        assert!(said.contains("symbolic link"), "{name}: {said}");
        let transaction = Transaction {
            changes: vec![change],
            ..Transaction::default()
        };
        let said = transaction.check().expect_err(name).to_string();
        assert!(said.contains("symbolic link"), "{name}: {said}");
        assert_eq!(whole(&elsewhere), before, "{name}");
        drop(site);
    }
    // To a folder that is theirs as well, they may lead us.
    let (_site, folder, elsewhere) = site_with_folder_below();
    give_all(&elsewhere);
    let below = folder.join("below");
    fs::rename(&below, folder.join("away")).expect("moved away");
    symlink(&elsewhere, &below).expect("a link");
    for (name, change) in every_change(&below) {
        change.shared().expect(name);
    }
}

#[test]
fn who_swaps_folders_during_a_restore_gains_nothing() {
    if !is_root() {
        return;
    }
    let (site, folder, elsewhere) = site_with_folder_below();
    let below = folder.join("below");
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    let id = site.backups()[0].file_name().expect("a name").to_owned();
    let id = id.to_str().expect("text");
    // Gone, so that it is made anew and not replaced.
    fs::remove_file(below.join("a.conf")).expect("removed");
    fs::remove_file(elsewhere.join("a.conf")).expect("removed");
    let before = whole(&elsewhere);
    let attack = Attack::start("folder_swapper", &folder, &elsewhere);
    let start = attack.swaps();
    for number in 0..20 {
        let outcome = site.restore_over(&[id, "--yes"]).run();
        assert_eq!(whole(&elsewhere), before, "run {number}: {}", outcome.report());
        let outcome = site
            .run(&["restore", "--recover", "--force", "LEFTOVERS-NOT-UNDOABLE"])
            .run();
        assert_eq!(whole(&elsewhere), before, "run {number}: {}", outcome.report());
        for name in ["below/a.conf", "link/a.conf"] {
            let _ = fs::remove_file(folder.join(name));
        }
        assert!(elsewhere.is_dir());
    }
    assert!(attack.swaps() - start >= SWAPPED, "the attack did not take place");
}

/// Runs `enable --self-signed`, which writes a key to `conf/ssl`; it must be refused with these words.
#[track_caller]
fn takes_no_key(site: &Site, words: &[&str]) {
    let before = files::snapshot(&site.root());
    let preview = ["enable", "--dry-run", "--self-signed", "--domain", DOMAIN];
    site.run(&preview).run().expect_code(4);
    let outcome = site.self_signed().run().expect_code(4);
    let said = outcome.stderr_text();
    for word in words {
        assert!(said.contains(word), "{word}: {}", outcome.report());
    }
    assert_eq!(files::snapshot(&site.root()), before, "{}", outcome.report());
}

#[test]
fn no_key_is_written_where_others_may_write() {
    if !is_root() {
        return;
    }
    let with = |change: &dyn Fn(&Path)| {
        let site = Site::new();
        let folder = site.root().join("conf/ssl");
        fs::create_dir(&folder).expect("a folder");
        change(&folder);
        (site, folder.display().to_string())
    };
    // Its owner, a folder above, everybody, a group.
    let (site, folder) = with(&give);
    takes_no_key(&site, &[&folder, "uid 65534", "chown root"]);
    let (site, _) = with(&|folder| give(folder.parent().expect("a folder")));
    takes_no_key(&site, &["uid 65534", "chown root"]);
    let (site, folder) = with(&|folder| mode(folder, 0o777));
    takes_no_key(&site, &["everybody", &format!("chmod go-w {folder}")]);
    let (site, folder) = with(&|folder| mode(folder, 0o1777));
    takes_no_key(&site, &["everybody", &format!("chmod go-w {folder}")]);
    let (site, folder) = with(&|folder| {
        chown(folder, None, Some(NOBODY)).expect("a group");
        mode(folder, 0o775);
    });
    takes_no_key(&site, &["group", &format!("chmod go-w {folder}")]);
    // A link into a folder of somebody else.
    let site = Site::new();
    let other = site.beside("other");
    fs::create_dir(&other).expect("a folder");
    give(&other);
    symlink(&other, site.root().join("conf/ssl")).expect("a link");
    takes_no_key(&site, &["uid 65534"]);
    // A folder that root and a group of root's may write is ours.
    let (site, _) = with(&|folder| mode(folder, 0o775));
    site.self_signed().run().expect_code(0);
}

#[test]
fn a_group_that_others_are_in_is_not_ours() {
    if !is_root() {
        return;
    }
    let around = files::folder();
    let program = copied_program(around.path());
    // Who runs it, with which group; a folder of that group, which may write there.
    for (user, group, is_ours) in [
        (0, NOBODY, false),
        (1002, 100, false),
        (1002, 1002, true),
        (0, 0, true),
    ] {
        for name in ["conf/ssl", BACKUPS] {
            let site = Site::new();
            fs::create_dir(site.root().join(name)).expect("a folder");
            hand_over(&site.root(), user, group);
            mode(&site.root().join(name), 0o770);
            let mut command = Command::new(&program);
            command.args(["enable", "--yes", "--self-signed", "--domain", DOMAIN, "--root"]);
            command.arg(site.root());
            command.uid(user).gid(group).current_dir("/");
            let outcome = support::process::finish(&mut command, Duration::from_secs(60));
            let outcome = outcome.expect_code(if is_ours { 0 } else { 4 });
            let said = outcome.stderr_text().contains("may be written by its group");
            assert_eq!(said, !is_ours, "{user} {group} {name}: {}", outcome.report());
        }
    }
}

/// Gives a folder with all in it to an account.
fn hand_over(path: &Path, user: u32, group: u32) {
    chown(path, Some(user), Some(group)).expect("another owner");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("the folder").flatten() {
            hand_over(&entry.path(), user, group);
        }
    }
}

#[test]
fn a_command_that_is_told_means_one_path() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let odd = site.beside("it's mine; x");
    fs::create_dir(&odd).expect("a folder");
    give(&odd);
    symlink(&odd, site.root().join("conf/ssl")).expect("a link");
    let outcome = site.self_signed().run().expect_code(4);
    let quoted = format!("'{}'", odd.display().to_string().replace('\'', r"'\''"));
    let command = format!("chown root {quoted}; chmod go-w {quoted}");
    assert!(
        outcome.stderr_text().contains(&command),
        "{command}: {}",
        outcome.report()
    );
    // Of a link it is the link that is taken over, and not what it leads to.
    let link = site.beside("a link");
    symlink("/etc/passwd", &link).expect("a link");
    std::os::unix::fs::lchown(&link, Some(NOBODY), Some(NOBODY)).expect("another owner");
    let distrust = esync_ssl::server::trust::judge(&link).expect_err("it is nobody's");
    assert_eq!(distrust.advice(), format!("chown -h root '{}'", link.display()));
}

/// The access list that new files in a folder get.
const DEFAULT_LIST: &str = "system.posix_acl_default";

/// Lets nobody write by a folder's access list of this name; says so where the file system has none.
fn let_nobody_write(folder: &Path, name: &str) -> bool {
    use rustix::fs::{XattrFlags, setxattr};
    // user::rwx, user:nobody:rwx, group::r-x, mask::rwx, other::r-x
    let entries = [
        (1u16, 7u16, u32::MAX),
        (2, 7, NOBODY),
        (4, 5, u32::MAX),
        (16, 7, u32::MAX),
        (32, 5, u32::MAX),
    ];
    let mut list = vec![2, 0, 0, 0];
    for (tag, rights, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let is_set = setxattr(folder, name, &list, XattrFlags::empty()).is_ok();
    if !is_set {
        support::skip("the file system of the temporary folder has no access lists");
    }
    is_set
}

#[test]
fn an_access_list_counts_as_well() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let folder = site.root().join("conf/ssl");
    fs::create_dir(&folder).expect("a folder");
    if let_nobody_write(&folder, "system.posix_acl_access") {
        takes_no_key(&site, &["access list"]);
    }
}

#[test]
fn who_is_named_in_a_default_access_list_gets_no_rights_by_our_files() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let conf = site.root().join("conf");
    if !let_nobody_write(&conf, DEFAULT_LIST) {
        return;
    }
    let listed = |path: &Path| {
        let mut none: [u8; 0] = [];
        let found = rustix::fs::getxattr(path, "system.posix_acl_access", &mut none);
        !matches!(found, Err(rustix::io::Errno::NODATA))
    };
    // Made before, so it has no list; its group may write it, as some like it.
    mode(&site.main(), 0o664);
    assert!(!listed(&site.main()));
    let nobodys = |site: &Site, what: &str| {
        let mut files: Vec<PathBuf> = vec![site.main()];
        let ssl = fs::read_dir(conf.join("ssl")).into_iter().flatten().flatten();
        files.extend(ssl.map(|entry| entry.path()));
        for path in &files {
            assert!(!listed(path), "{what}: {}", path.display());
        }
        files.len()
    };
    site.self_signed().run().expect_code(0);
    assert!(nobodys(&site, "written") >= 3, "no certificate was made");
    site.run(&["restore", "--yes"]).run().expect_code(0);
    nobodys(&site, "put back");
    // A file that went, and comes back with the mode that was noted.
    site.self_signed().run().expect_code(0);
    fs::remove_file(site.main()).expect("removed");
    site.restore_over(&["--yes"]).run().expect_code(0);
    nobodys(&site, "made again");
    let metadata = fs::metadata(site.main()).expect("the main file");
    assert_eq!(metadata.mode() & 0o777, 0o664);
}

#[test]
fn certificates_are_not_installed_where_others_may_write() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let folder = site.root().join("conf/ssl");
    fs::create_dir(&folder).expect("a folder");
    give(&folder);
    let arguments = site.enable_arguments();
    let outcome = site
        .run(&["cert", "install", "--cert", &arguments[5], "--key", &arguments[7]])
        .run()
        .expect_code(4);
    assert!(
        outcome.stderr_text().contains("uid 65534"),
        "{}",
        outcome.report()
    );
    assert_eq!(fs::read_dir(&folder).expect("the folder").count(), 0);

    // A link to what is not there yet: it would be made in a folder of somebody else.
    fs::remove_dir(&folder).expect("removed");
    let other = site.beside("other");
    fs::create_dir(&other).expect("a folder");
    give(&other);
    symlink(other.join("ssl"), &folder).expect("a link");
    for dry_run in [&["--dry-run"][..], &[]] {
        let mut command = vec!["cert", "install", "--cert", &arguments[5], "--key", &arguments[7]];
        command.extend(dry_run);
        let outcome = site.run(&command).run().expect_code(4);
        let said = outcome.stderr_text();
        assert!(said.contains("uid 65534"), "{}", outcome.report());
        assert_eq!(fs::read_dir(&other).expect("the folder").count(), 0);
    }
}

#[test]
fn who_else_may_write_a_configuration_file_is_said() {
    if !is_root() {
        return;
    }
    let (site, folder) = shared_site();
    let path = folder.join("a.conf");
    mode(&path, 0o640);
    let outcome = site.enable().args(["--http", "keep"]).run().expect_code(0);
    let said = outcome.stderr_text();
    let note = format!("{} belongs to", folder.display());
    assert!(
        said.contains(&note) && said.contains("uid 65534"),
        "{}",
        outcome.report()
    );
    // It stays whose it was.
    let metadata = fs::metadata(&path).expect("the file");
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (NOBODY, 0o640));
}

/// A copy of the program in a folder, for other accounts. By a program of its own: what another test starts meanwhile would
/// hold open for writing what this process writes, and then it cannot be run.
fn copied_program(folder: &Path) -> PathBuf {
    let program = folder.join("esync-ssl");
    let mut copy = Command::new("cp");
    copy.arg(support::program::binary()).arg(&program);
    support::process::finish(&mut copy, Duration::from_secs(60)).expect_code(0);
    mode(&program, 0o755);
    program
}

#[test]
fn an_account_that_works_on_its_own_tree_hears_nothing() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let program = copied_program(&site.beside(""));
    give_all(&site.root());
    mode(&site.root().join("conf"), 0o775);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).arg("--root").arg(site.root());
        command.uid(NOBODY).gid(NOBODY).current_dir("/");
        support::process::finish(&mut command, Duration::from_secs(60)).expect_code(0)
    };
    let outcome = run(&["enable", "--yes", "--self-signed", "--domain", DOMAIN]);
    let said = outcome.stderr_text() + &outcome.stdout_text();
    for word in ["belongs to", "may be written", "others than"] {
        assert!(!said.contains(word), "{}", outcome.report());
    }
    run(&["restore", "--yes"]);
}

#[test]
fn what_is_put_back_is_not_given_to_who_owns_the_file_now() {
    if !is_root() {
        return;
    }
    // A secret in a folder of somebody else, who puts a file of theirs in its place to be given the secret.
    let (site, folder) = shared_site();
    let path = folder.join("a.conf");
    chown(&path, Some(0), Some(0)).expect("root's");
    mode(&path, 0o600);
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    fs::rename(&path, folder.join("away")).expect("moved away");
    fs::write(&path, "# theirs\n").expect("a file");
    mode(&path, 0o644);
    give(&path);
    site.restore_over(&["--yes"]).run().expect_code(0);
    let metadata = fs::metadata(&path).expect("the file");
    assert_eq!((metadata.uid(), metadata.mode() & 0o777), (0, 0o600));
}

/// Who has both the link and the file behind it gains nothing by it, on the way there and on the way back.
#[test]
fn through_a_link_to_what_is_theirs_there_is_a_way_back() {
    if !is_root() {
        return;
    }
    let (site, folder) = shared_site();
    let path = folder.join("a.conf");
    let available = folder.join("available.conf.txt");
    fs::rename(&path, &available).expect("moved");
    symlink("available.conf.txt", &path).expect("a link");
    std::os::unix::fs::lchown(&path, Some(NOBODY), Some(NOBODY)).expect("theirs");
    let before = fs::read(&available).expect("the file");
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    assert_ne!(fs::read(&available).expect("the file"), before);
    site.run(&["restore", "--yes"]).run().expect_code(0);
    assert_eq!(fs::read(&available).expect("the file"), before);
}

#[test]
fn a_link_of_somebody_else_leads_nobody() {
    if !is_root() {
        return;
    }
    // To a file that they may not write, before a change.
    let (site, folder) = shared_site();
    let path = folder.join("a.conf");
    let theirs = site.beside("b.conf");
    fs::rename(&path, &theirs).expect("moved away");
    chown(&theirs, Some(0), Some(0)).expect("root's");
    symlink(&theirs, &path).expect("a link");
    let before = fs::read(&theirs).expect("the file");
    let outcome = site.enable().args(["--http", "keep"]).run().expect_code(4);
    assert!(
        outcome.stderr_text().contains("symbolic link"),
        "{}",
        outcome.report()
    );
    assert_eq!(fs::read(&theirs).expect("the file"), before);

    // After it, before it is taken back.
    let (site, folder) = shared_site();
    let victim = Victim::new(&site);
    let path = folder.join("a.conf");
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    fs::rename(&path, folder.join("away")).expect("moved away");
    symlink(&victim.path, &path).expect("a link");
    for arguments in [
        &["restore", "--yes"][..],
        &[
            "restore",
            "--yes",
            "--force",
            "EDITED-SINCE",
            "--force",
            "EDITED-SAME-LINES",
        ],
    ] {
        let outcome = site.run(arguments).run();
        victim.is_unharmed(&outcome.report());
    }

    // A folder of theirs that became a link.
    let (site, folder) = shared_site();
    let below = folder.join("below");
    fs::create_dir(&below).expect("a folder");
    fs::rename(folder.join("a.conf"), below.join("a.conf")).expect("moved");
    fs::write(site.main(), site.text().replace("sites/", "sites/below/")).expect("the main file");
    site.enable().args(["--http", "keep"]).run().expect_code(0);
    let elsewhere = site.beside("elsewhere");
    fs::create_dir(&elsewhere).expect("a folder");
    let other = elsewhere.join("a.conf");
    fs::copy(below.join("a.conf"), &other).expect("the same bytes");
    let before = fs::read(&other).expect("the file");
    fs::rename(&below, folder.join("away")).expect("moved away");
    symlink(&elsewhere, &below).expect("a link");
    for arguments in [
        &["restore", "--yes"][..],
        &[
            "restore",
            "--yes",
            "--force",
            "EDITED-SINCE",
            "--force",
            "EDITED-SAME-LINES",
        ],
        &["disable", "--yes"],
    ] {
        site.run(arguments).run();
        assert_eq!(fs::read(&other).expect("the file"), before);
    }
}

#[test]
fn paths_lead_where_the_system_says_and_links_of_others_are_noted() {
    let folder = files::folder();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("a/b/c")).expect("folders");
    files::write(&at("a/file"), "");
    symlink("../file", at("a/b/up")).expect("a link");
    symlink(at("a/b"), at("a/whole")).expect("a link");
    symlink("whole/c/../up", at("a/chain")).expect("a link");
    symlink("loop", at("loop")).expect("a link");
    for name in [
        "a/file",
        "a/b/up",
        "a/whole/up",
        "a/chain",
        "a/b/c/../../file",
        "a/whole/c/.././up",
    ] {
        let place = Place::of(&at(name), Last::Follow).expect("a place");
        assert_eq!(
            place.path(),
            fs::canonicalize(at(name)).expect("a path"),
            "{name}"
        );
        assert!(place.via().is_none() && place.folder.others().is_none(), "{name}");
    }
    assert!(Place::of(&at("loop"), Last::Follow).is_err());
    assert!(Place::of(&at("a/file/x"), Last::Keep).is_err());
    let kept = Place::of(&at("a/whole/up"), Last::Keep).expect("a place");
    assert_eq!(
        kept.path(),
        fs::canonicalize(at("a/b")).expect("a path").join("up")
    );
    if !is_root() {
        return;
    }
    give(&at("a"));
    let through = Place::of(&at("a/chain"), Last::Follow).expect("a place");
    assert_eq!(through.via().and_then(|others| others.owner()), Some(NOBODY));
    let below = Place::of(&at("a/b/x"), Last::Follow).expect("a place");
    assert!(below.via().is_none() && below.folder.others().is_some());
}

#[test]
fn a_file_mounted_on_itself_is_refused() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let before = site.text();
    let other = site.beside("one");
    fs::copy(site.main(), &other).expect("a copy");
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-euc",
        "mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"",
        "sh",
    ]);
    command.arg(&other).arg(site.main());
    command
        .arg(support::program::binary())
        .args(site.enable_arguments());
    let outcome = support::process::finish(&mut command, Duration::from_secs(60));
    if outcome.stderr_text().contains("unshare:") {
        support::skip("no mount namespaces here");
        return;
    }
    let outcome = outcome.expect_code(4);
    assert!(
        outcome.stderr_text().contains("is a mount point"),
        "{}",
        outcome.report()
    );
    assert_eq!(
        (site.text(), fs::read_to_string(&other).expect("the file")),
        (before.clone(), before)
    );
}
