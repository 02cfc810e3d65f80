//! What is believed of the folder with the backups: nothing that somebody else may have put there, and of a backup
//! nothing that no run of ours could have noted. What killed runs leave there goes.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::{MetadataExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support;
use crate::support::files;
use crate::support::others::{NOBODY, Victim, fifo, give, is_root, mode};
use crate::support::process::Outcome;
use crate::support::site::{BACKUPS, Site};
use esync_ssl::apply::{
    Attributes, Entry, Holder, Manifest, Name, NameChange, State, Store, Transaction, checksum,
};

/// Puts something into the place of an entry of ours.
type InPlace<'a> = &'a dyn Fn(&Path, &Victim);
/// The same, into that of the folder with the backups.
type Prepare<'a> = &'a dyn Fn(&Site, &Path, &Victim);

fn holder() -> Holder {
    Holder::this(String::new(), String::new())
}

/// Runs `enable` after something was put into the place of the backups, or among them.
fn beside_backups(prepare: Prepare) -> (Site, Victim, Outcome) {
    let site = Site::new();
    let victim = Victim::new(&site);
    prepare(&site, &site.root().join(BACKUPS), &victim);
    let outcome = site.enable().limit(Duration::from_secs(30)).run();
    victim.is_unharmed(&outcome.report());
    (site, victim, outcome)
}

#[test]
fn what_is_no_folder_of_ours_takes_no_backup() {
    if !is_root() {
        return;
    }
    let made = |folder: &Path| fs::create_dir(folder).expect("a folder");
    let cases: [(&str, Prepare); 8] = [
        ("symbolic link", &|_, folder, _| {
            symlink("/nonexistent/x", folder).expect("a link");
        }),
        ("symbolic link", &|site, folder, _| {
            made(&site.beside("elsewhere"));
            symlink(site.beside("elsewhere"), folder).expect("a link");
        }),
        ("symbolic link", &|_, folder, _| {
            symlink(folder, folder).expect("a link")
        }),
        ("not a folder", &|_, folder, _| fifo(folder)),
        ("not a folder", &|_, folder, victim| {
            fs::hard_link(&victim.path, folder).expect("a name");
        }),
        ("uid 65534", &|_, folder, _| {
            made(folder);
            give(folder);
        }),
        ("everybody", &|_, folder, _| {
            made(folder);
            mode(folder, 0o777);
        }),
        ("group", &|_, folder, _| {
            made(folder);
            chown(folder, None, Some(NOBODY)).expect("a group");
            mode(folder, 0o770);
        }),
    ];
    for (words, prepare) in cases {
        let (site, _, outcome) = beside_backups(prepare);
        let outcome = outcome.expect_code(4);
        assert!(
            outcome.stderr_text().contains(words),
            "{words}: {}",
            outcome.report()
        );
        let main = Site::new().text();
        assert_eq!(site.text(), main, "{}", outcome.report());
        let folder = site.root().join(BACKUPS);
        if folder.is_dir() {
            let left = fs::read_dir(&folder).expect("the folder").count();
            assert_eq!(left, 0, "{}", outcome.report());
        }
        // Nothing there is believed either.
        for arguments in [&["restore", "--yes"][..], &["restore", "--recover"]] {
            let outcome = site.run(arguments).limit(Duration::from_secs(30)).run();
            assert_ne!(outcome.code, Some(0), "{}", outcome.report());
        }
        site.run(&["status"]).limit(Duration::from_secs(30)).run();
    }
}

#[test]
fn what_stands_in_the_place_of_our_entries_is_neither_followed_nor_waited_for() {
    if !is_root() {
        return;
    }
    // Who holds the lock is only told to others: what is there goes. The rest is refused.
    for (name, code) in [("lock-holder.json", 0), ("lock", 4), ("unfinished", 4)] {
        let kinds: [InPlace; 3] = [
            &|path, victim| symlink(&victim.path, path).expect("a link"),
            &|path, _| symlink("/nonexistent/x", path).expect("a link"),
            &|path, _| fifo(path),
        ];
        for (kind, prepare) in kinds.into_iter().enumerate() {
            let (_site, _, outcome) = beside_backups(&|_, folder, victim| {
                fs::create_dir(folder).expect("a folder");
                mode(folder, 0o700);
                prepare(&folder.join(name), victim);
            });
            assert_eq!(outcome.code, Some(code), "{name} {kind}: {}", outcome.report());
        }
    }
}

#[test]
fn a_manifest_that_is_no_file_of_ours_is_not_read() {
    let kinds: [InPlace; 4] = [
        &|path, _| fifo(path),
        &|path, victim| symlink(&victim.path, path).expect("a link"),
        &|path, _| symlink("/dev/zero", path).expect("a link"),
        // Larger than any manifest; it takes no room.
        &|path, _| {
            let file = fs::File::create(path).expect("a file");
            file.set_len(4 << 30).expect("a hole");
        },
    ];
    for (kind, prepare) in kinds.into_iter().enumerate() {
        let site = Site::new();
        let victim = Victim::new(&site);
        let id = "20260102T030405Z-9";
        let folder = site.root().join(BACKUPS);
        let plant = || {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(folder.join(id)).expect("a folder");
            mode(&folder, 0o700);
            prepare(&folder.join(id).join("manifest.json"), &victim);
        };
        plant();
        let run = |arguments: &[&str]| site.run(arguments).limit(Duration::from_secs(30)).run();
        run(&["backups"]).expect_code(0);
        run(&["restore", id, "--yes"]).expect_code(4);
        // Whoever has the lock may have swept what is no backup.
        plant();
        fs::write(folder.join("unfinished"), id).expect("a mark");
        let outcome = run(&["restore", "--recover"]);
        assert_ne!(outcome.code, Some(0), "{kind}: {}", outcome.report());
        let outcome = site.enable().limit(Duration::from_secs(30)).run();
        assert_ne!(outcome.code, Some(0), "{kind}: {}", outcome.report());
        assert!(
            outcome.stderr_text().contains("manifest.json"),
            "{}",
            outcome.report()
        );
        assert_eq!(site.text(), Site::new().text(), "{kind}");
    }
}

#[test]
fn a_dated_folder_of_somebody_else_is_passed_over() {
    if !is_root() {
        return;
    }
    // The folder around it was taken over, as it stands in the message, but not what is inside.
    let site = Site::new();
    let path = site.root().join("conf/new.conf");
    let planted = Entry {
        after: State::Absent,
        ..entry(&path, &path, evil())
    };
    let id = plant(&site, &manifest(&site.store(), planted, &[]));
    give(&site.root().join(BACKUPS).join(&id));
    site.run(&["restore", &id, "--yes"]).run().expect_code(4);
    fs::write(site.root().join(BACKUPS).join("unfinished"), &id).expect("a mark");
    let outcome = site.run(&["restore", "--recover"]).run();
    assert_ne!(outcome.code, Some(0), "{}", outcome.report());
    assert!(!path.exists(), "{}", outcome.report());
}

#[test]
fn a_mark_that_names_none_of_our_runs_is_not_obeyed() {
    let site = Site::new();
    let victim = Victim::new(&site);
    let folder = site.root().join(BACKUPS);
    let elsewhere = site.beside("20260102T030405Z-1");
    let store = site.store();
    let planted = manifest(&store, entry(&victim.path, &victim.path, State::Absent), &[]);
    files::write(
        &elsewhere.join("manifest.json"),
        serde_json::to_vec(&planted).expect("text"),
    );
    for mark in [
        "../../../20260102T030405Z-1",
        "..",
        "",
        "/",
        "20260102T030405Z-1/../x",
    ] {
        files::write(&folder.join("unfinished"), mark);
        mode(&folder, 0o700);
        for arguments in [
            &["restore", "--recover"][..],
            &["restore", "--recover", "--force", "LEFTOVERS-NOT-UNDOABLE"],
        ] {
            let outcome = site.run(arguments).run();
            assert_ne!(outcome.code, Some(0), "{mark:?}: {}", outcome.report());
            let said = outcome.stderr_text();
            assert!(
                said.contains("does not name a run of esync-ssl"),
                "{mark:?}: {}",
                outcome.report()
            );
        }
        victim.is_unharmed(mark);
        assert!(elsewhere.join("manifest.json").exists(), "{mark:?}");
    }
    // Nor is an identifier on the command line.
    for id in ["../../../20260102T030405Z-1", ".."] {
        fs::remove_file(folder.join("unfinished")).ok();
        site.restore_over(&[id, "--yes"]).run().expect_code(4);
        victim.is_unharmed(id);
    }
}

/// A state with these bytes, in a copy of this name.
fn state(bytes: &[u8], copy: &str) -> State {
    State::File {
        sha256: checksum(bytes),
        attributes: Attributes {
            mode: Some(0o4777),
            uid: Some(NOBODY),
            gid: Some(NOBODY),
        },
        copy: Some(Name::Text(copy.into())),
    }
}

fn evil() -> State {
    state(b"evil", "evil")
}

fn entry(path: &Path, real: &Path, before: State) -> Entry {
    Entry {
        path: Name::from(path),
        real: Name::from(real),
        before,
        after: state(b"root only\n", "evil"),
        tls: false,
    }
}

fn manifest(store: &Store, entry: Entry, folders: &[PathBuf]) -> Manifest {
    Manifest {
        format: 1,
        tool: "esync-ssl".into(),
        time: "2026-01-02T03:04:05Z".into(),
        command: vec!["esync-ssl".into(), "enable".into()],
        reasons: Vec::new(),
        root: Name::from(&*store.root),
        entries: vec![entry],
        folders: folders.iter().map(|folder| Name::from(&**folder)).collect(),
    }
}

/// Puts a backup there that was never made, and tells its name.
fn plant(site: &Site, manifest: &Manifest) -> String {
    let id = "20260102T030405Z-9".to_owned();
    let folder = site.root().join(BACKUPS).join(&id);
    files::write(&folder.join("evil"), "evil");
    files::write(
        &folder.join("manifest.json"),
        serde_json::to_vec(manifest).expect("text"),
    );
    mode(&site.root().join(BACKUPS), 0o700);
    id
}

#[test]
fn a_planted_manifest_reaches_nothing_but_the_configuration() {
    type Planted = dyn Fn(&Site, &Victim) -> (Entry, Vec<PathBuf>);
    let cases: [(&str, &Planted); 8] = [
        ("the path itself", &|_, victim| {
            (entry(&victim.path, &victim.path, evil()), vec![])
        }),
        ("behind a link", &|site, victim| {
            (entry(&site.main(), &victim.path, evil()), vec![])
        }),
        ("before a link", &|site, victim| {
            (entry(&victim.path, &site.main(), evil()), vec![])
        }),
        ("up and down", &|site, _| {
            let path = site.root().join("conf/../../victim");
            (entry(&path, &path, evil()), vec![])
        }),
        ("a relative path", &|_, _| {
            (entry(Path::new("victim"), Path::new("victim"), evil()), vec![])
        }),
        ("through a folder that is a link", &|site, _| {
            symlink(site.beside(""), site.root().join("conf/way")).expect("a link");
            let path = site.root().join("conf/way/victim");
            (entry(&path, &path, evil()), vec![])
        }),
        ("removed", &|_, victim| {
            (entry(&victim.path, &victim.path, State::Absent), vec![])
        }),
        ("a copy from elsewhere", &|site, victim| {
            let path = site.root().join("conf/new.conf");
            let up = format!(
                "../../../../{}",
                victim.path.file_name().expect("a name").display()
            );
            let entry = Entry {
                after: State::Absent,
                ..entry(&path, &path, state(b"root only\n", &up))
            };
            (entry, vec![])
        }),
    ];
    for (name, planted) in cases {
        for way in ["restore", "recover", "enable", "disable"] {
            let site = Site::new();
            let victim = Victim::new(&site);
            let store = site.store();
            let (entry, folders) = planted(&site, &victim);
            let id = plant(&site, &manifest(&store, entry, &folders));
            if way != "restore" && way != "disable" {
                fs::write(site.root().join(BACKUPS).join("unfinished"), &id).expect("a mark");
            }
            let before = site.snapshot();
            let program = match way {
                "restore" => site.restore_over(&[&id, "--yes"]),
                "recover" => site.run(&["restore", "--recover", "--force", "LEFTOVERS-NOT-UNDOABLE"]),
                "enable" => site.enable(),
                _ => site.run(&["disable", "--yes"]),
            };
            let outcome = program.folder(site.beside("")).run();
            victim.is_unharmed(&format!("{name}, {way}: {}", outcome.report()));
            assert_eq!(site.snapshot(), before, "{name}, {way}: {}", outcome.report());
            if way != "disable" {
                assert_eq!(outcome.code, Some(7), "{name}, {way}: {}", outcome.report());
            }
        }
    }
}

#[test]
fn a_planted_manifest_makes_no_links_and_removes_no_folders() {
    let site = Site::new();
    let victim = Victim::new(&site);
    let link = site.beside("link");
    let planted = Entry {
        before: State::Link {
            target: Name::from(&*victim.path),
        },
        after: State::Absent,
        ..entry(&link, &link, State::Absent)
    };
    let store = site.store();
    let id = plant(&site, &manifest(&store, planted, &[]));
    site.run(&["restore", &id, "--yes"]).run().expect_code(7);
    site.run(&["disable", "--yes"]).run();
    assert!(link.symlink_metadata().is_err());

    let empty = site.beside("empty");
    fs::create_dir(&empty).expect("a folder");
    let nothing = Manifest {
        entries: Vec::new(),
        ..manifest(
            &store,
            entry(&link, &link, State::Absent),
            std::slice::from_ref(&empty),
        )
    };
    let id = plant(&site, &nothing);
    fs::write(site.root().join(BACKUPS).join("unfinished"), id).expect("a mark");
    site.run(&["restore", "--recover"]).run().expect_code(7);
    assert!(empty.is_dir());
}

#[test]
fn what_is_put_back_never_gets_rights_that_it_did_not_have() {
    if !is_root() {
        return;
    }
    // A file of root's, made to run as somebody.
    let site = Site::new();
    let path = site.root().join("conf/new.conf");
    let planted = Entry {
        after: State::Absent,
        ..entry(&path, &path, state(b"evil", "evil"))
    };
    let store = site.store();
    let id = plant(&site, &manifest(&store, planted, &[]));
    site.run(&["restore", &id, "--yes"]).run().expect_code(0);
    let metadata = fs::metadata(&path).expect("the file");
    assert_eq!((metadata.uid(), metadata.mode() & 0o7000), (0, 0));
}

#[test]
fn a_file_outside_of_the_root_is_put_back_when_the_configuration_reads_it() {
    for is_read in [true, false] {
        let site = Site::new();
        let outside = site.beside("outside.conf");
        fs::write(&outside, "# old\n").expect("a file");
        if is_read {
            let include = format!("Include {}\n", outside.display());
            fs::write(site.main(), site.text() + &include).expect("the main file");
        }
        let store = site.store();
        let lock = store.lock(Duration::ZERO, &holder()).expect("the lock");
        let transaction = Transaction {
            changes: vec![NameChange::replace(
                outside.clone(),
                b"# old\n".to_vec(),
                b"# new\n".to_vec(),
            )],
            ..Transaction::default()
        };
        let now = time::OffsetDateTime::now_utc();
        // As if the process had been killed.
        drop(transaction.write(&store, &lock, now).expect("a change"));
        drop(lock);
        let outcome = site.run(&["restore", "--recover"]).run();
        let bytes = fs::read(&outside).expect("the file");
        if is_read {
            assert_eq!(
                (outcome.code, &*bytes),
                (Some(0), &b"# old\n"[..]),
                "{}",
                outcome.report()
            );
        } else {
            assert_eq!(
                (outcome.code, &*bytes),
                (Some(7), &b"# new\n"[..]),
                "{}",
                outcome.report()
            );
            let name = outside.display().to_string();
            assert!(outcome.stderr_text().contains(&name), "{}", outcome.report());
        }
    }
}

/// The names in the folder with the backups that are none of a finished run.
fn litter(site: &Site) -> Vec<String> {
    let folder = site.root().join(BACKUPS);
    let entries = fs::read_dir(&folder).expect("the folder").flatten();
    entries
        .filter(|entry| {
            let is_backup = entry.path().join("manifest.json").is_file();
            !is_backup && entry.file_name() != "lock"
        })
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// The program in a world that fails; not a test of its own.
#[test]
fn child() {
    support::faulty::child();
}

#[test]
fn who_is_interrupted_before_it_writes_leaves_nothing() {
    let site = Site::new();
    let before = files::snapshot(&site.root());
    // The first thing that is made is the folder for the backups.
    let code = support::faulty::run(&site.enable_arguments(), "interrupt-after:1", None);
    assert_eq!(code, Some(10));
    assert_eq!(files::snapshot(&site.root()), before);
    let folder = site.root().join(BACKUPS);
    assert!(folder.symlink_metadata().is_err(), "the folder stays");
}

#[test]
fn installing_a_certificate_undoes_an_interrupted_run_first() {
    let site = Site::new();
    let text = site.text();
    let store = site.store();
    let lock = store.lock(Duration::ZERO, &holder()).expect("the lock");
    let transaction = Transaction {
        changes: vec![NameChange::replace(
            site.main(),
            text.clone().into_bytes(),
            b"# half done\n".to_vec(),
        )],
        ..Transaction::default()
    };
    // As if the process had been killed.
    let now = time::OffsetDateTime::now_utc();
    drop(transaction.write(&store, &lock, now).expect("a change"));
    drop(lock);
    let arguments = site.enable_arguments();
    let install = ["cert", "install", "--cert", &arguments[5], "--key", &arguments[7]];
    let outcome = site.run(&install).run().expect_code(0);
    assert_eq!(site.text(), text, "{}", outcome.report());
    assert!(
        outcome.stderr_text().contains("was interrupted"),
        "{}",
        outcome.report()
    );
    assert!(site.root().join("conf/ssl").is_dir(), "{}", outcome.report());
}

#[test]
fn a_killed_run_leaves_nothing_that_the_next_does_not_sweep() {
    let arguments = |site: &Site| {
        let mut arguments = site.enable_arguments();
        arguments.push("--copy-certs".into());
        arguments
    };
    let site = Site::new();
    let counter = site.beside("count");
    assert_eq!(
        support::faulty::run(&arguments(&site), "none:0", Some(&counter)),
        Some(0)
    );
    let operations = support::faulty::noted(&counter).len();
    assert!(operations > 20, "{operations}");
    for at in 1..=operations {
        let site = Site::new();
        let code = support::faulty::run(&arguments(&site), &format!("kill-after:{at}"), None);
        assert_eq!(code, None, "{at}");
        // The last one may be killed when all is done.
        site.enable().run().expect_code(0);
        site.run(&["disable", "--yes"]).run().expect_code(0);
        assert_eq!(litter(&site), Vec::<String>::new(), "{at}");
        let left = site.snapshot().into_keys().find(|name| name.ends_with(".tmp"));
        assert_eq!(left, None, "{at}");
    }
}

#[test]
fn only_our_own_litter_is_swept() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let victim = Victim::new(&site);
    let folder = site.root().join(BACKUPS);
    let ssl = site.root().join("conf/ssl");
    let stray = |name: &str| folder.join(name);
    for name in [
        ".esync-ssl-20260102T030405Z-1-0.tmp",
        ".esync-ssl-4711-12.tmp",
        "candidate.tmp",
        "lock-holder.json",
        "20260102T030405Z-1/change.diff",
    ] {
        files::write(&stray(name), "left");
    }
    mode(&folder, 0o700);
    files::write(&ssl.join(".esync-ssl-4711-0.tmp"), "left");
    // Neither another's, nor a link or folder, nor one that is being written, nor anything of another name.
    let kept = [
        ".esync-ssl-4711-1.tmp",
        ".esync-ssl-4711-2.tmp",
        ".esync-ssl-4711-4.tmp",
        ".esync-ssl-x-1.tmp",
    ];
    for name in kept {
        files::write(&ssl.join(name), "kept");
    }
    give(&ssl.join(kept[0]));
    fs::remove_file(ssl.join(kept[1])).expect("room");
    symlink(&victim.path, ssl.join(kept[1])).expect("a link");
    let written = fs::File::open(ssl.join(kept[2])).expect("the file");
    written.lock().expect("a lock");
    site.self_signed().run().expect_code(0);
    victim.is_unharmed("swept");
    assert_eq!(litter(&site), Vec::<String>::new());
    assert!(!ssl.join(".esync-ssl-4711-0.tmp").exists());
    for name in kept {
        assert!(ssl.join(name).symlink_metadata().is_ok(), "{name}");
    }
}
