//! What is run, and what that finds in its environment: nothing that somebody else than root could have put there.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::files;
use support::others::{NOBODY, give_all, is_root, mode};
use support::process::Outcome;
use support::site::{DOMAIN, Site};
use support::stranger::Notes;

/// Commands that only read.
const READING: [&[&str]; 8] = [
    &["lint"],
    &["status"],
    &["dump"],
    &["check"],
    &["ports"],
    &["explain"],
    &["report", "--yes", "-"],
    &["enable", "--dry-run", "--self-signed", "--domain", DOMAIN],
];

/// A server root with `bin/httpd`, which notes its runs.
struct Tree {
    site: Site,
    notes: Notes,
}

impl Tree {
    /// None where we cannot act as another user.
    fn new() -> Option<Tree> {
        if !is_root() {
            return None;
        }
        let site = Site::new();
        let notes = Notes::new(site.beside("notes"));
        let tree = Tree { site, notes };
        files::write(&tree.path("logs/error.log"), "");
        fs::create_dir(tree.path("bin")).expect("a folder");
        tree.notes.httpd(&tree.httpd());
        Some(tree)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.site.root().join(name)
    }

    fn httpd(&self) -> PathBuf {
        self.path("bin/httpd")
    }

    fn append(&self, line: &str) {
        let text = format!("{}{line}\n", self.site.text());
        files::write(&self.site.main(), text);
    }

    /// Runs that read the configuration.
    fn readings(&self) -> Vec<String> {
        let mut lines = self.notes.lines();
        lines.retain(|line| [" -t", " -X", " -k"].iter().any(|flag| line.contains(flag)));
        lines
    }

    fn enable(&self, more: &[&str], status: i32) -> Outcome {
        // A stand-in serves nobody.
        let program = self.site.enable().arg("--no-rehearsal");
        let outcome = program.args(more).run();
        outcome.expect_code(status)
    }
}

#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    let said = outcome.stderr_text();
    for word in words {
        assert!(said.contains(word), "{word}: {}", outcome.report());
    }
}

/// What makes a program one of somebody else's, and how that is named.
type Spoil = (&'static str, fn(&Tree), fn(&Tree) -> (PathBuf, &'static str));

const SPOILS: [Spoil; 9] = [
    (
        "it belongs to somebody",
        |tree| give_all(&tree.httpd()),
        |tree| (tree.httpd(), "belongs to nobody (uid 65534), mode 0755"),
    ),
    (
        "its folder does",
        |tree| {
            give_all(&tree.path("bin"));
            std::os::unix::fs::chown(tree.httpd(), Some(0), Some(0)).unwrap();
        },
        |tree| (tree.path("bin"), "belongs to nobody (uid 65534), mode 0755"),
    ),
    (
        "everybody may write it",
        |tree| mode(&tree.httpd(), 0o757),
        |tree| (tree.httpd(), "may be written by everybody, mode 0757"),
    ),
    (
        "a group may write its folder",
        |tree| {
            std::os::unix::fs::chown(tree.path("bin"), Some(0), Some(NOBODY)).unwrap();
            mode(&tree.path("bin"), 0o775);
        },
        |tree| {
            (
                tree.path("bin"),
                "may be written by its group nogroup (gid 65534), mode 0775",
            )
        },
    ),
    (
        "it lies in a folder for all",
        |tree| mode(&tree.path("bin"), 0o1777),
        |tree| (tree.path("bin"), "is a folder into which others may put files"),
    ),
    (
        "the root belongs to somebody",
        |tree| {
            std::os::unix::fs::chown(tree.site.root(), Some(NOBODY), None).unwrap();
        },
        |tree| (tree.site.root(), "belongs to nobody (uid 65534), mode 0755"),
    ),
    (
        "a link on the way lies with somebody",
        |tree| {
            let open = tree.site.beside("open");
            fs::create_dir(&open).unwrap();
            fs::rename(tree.path("bin"), tree.path("real")).unwrap();
            symlink(tree.path("real"), open.join("bin")).unwrap();
            symlink(open.join("bin"), tree.path("bin")).unwrap();
            std::os::unix::fs::chown(&open, Some(NOBODY), None).unwrap();
        },
        |tree| {
            (
                tree.site.beside("open"),
                "belongs to nobody (uid 65534), mode 0755",
            )
        },
    ),
    (
        "a library beside it",
        |tree| {
            files::write(&tree.path("lib/libapr-1.so.0"), "");
            give_all(&tree.path("lib/libapr-1.so.0"));
        },
        |tree| {
            (
                tree.path("lib/libapr-1.so.0"),
                "belongs to nobody (uid 65534), mode 0644",
            )
        },
    ),
    (
        "an access list names somebody",
        |tree| {
            mode(&tree.httpd(), 0o775);
            allow(&tree.httpd());
        },
        |tree| {
            (
                tree.httpd(),
                "may be written by accounts in its access list, mode 0775",
            )
        },
    ),
];

/// Lets somebody else write a file, by an access list; the bits of its group, root's, speak of that only.
fn allow(path: &Path) {
    let mut list = vec![2, 0, 0, 0];
    for (kind, rights, id) in [
        (1_u16, 7_u16, u32::MAX),
        (2, 7, NOBODY),
        (4, 5, u32::MAX),
        (16, 7, u32::MAX),
        (32, 5, u32::MAX),
    ] {
        list.extend(kind.to_le_bytes());
        list.extend(rights.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(path, "system.posix_acl_access", &list, flags).expect("an access list");
}

#[test]
fn a_program_that_others_may_write_is_named_and_never_run() {
    for (what, spoil, wanted) in SPOILS {
        let Some(tree) = Tree::new() else { return };
        spoil(&tree);
        let (culprit, why) = wanted(&tree);
        let named = format!("{} {why}", culprit.display());
        for words in READING {
            let outcome = tree.site.run(words).run();
            says(
                &outcome,
                &[&tree.httpd().display().to_string(), "is not run", &named],
            );
            assert!(
                matches!(outcome.code, Some(0 | 4)),
                "{what}: {}",
                outcome.report()
            );
        }
        let status = tree.site.run(&["status", "--json"]).run().expect_code(0);
        let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
        assert!(status["told_by"].as_str().unwrap().contains(&named), "{status}");
        // Not by name either, and not for a test of what was written.
        for words in [&["status"][..], &["restart"]] {
            let by_name = tree
                .site
                .run(words)
                .arg("--httpd")
                .arg(tree.httpd())
                .run()
                .expect_code(1);
            says(&by_name, &["is not run", &named]);
        }
        let before = tree.site.text();
        says(&tree.enable(&[], 4), &["is not run", &named, "--no-test"]);
        assert_eq!(tree.site.text(), before, "{what}");
        assert_eq!(tree.notes.lines(), Vec::<String>::new(), "{what}");
        tree.enable(&["--no-test"], 0);
        assert_eq!(tree.notes.lines(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn a_program_of_roots_is_run_and_marked() {
    let Some(tree) = Tree::new() else { return };
    // In root's group there is nobody else, and in /tmp root's folders stay what they are.
    mode(&tree.httpd(), 0o775);
    tree.enable(&[], 0);
    let lines = tree.notes.lines();
    assert!(!tree.readings().is_empty(), "{lines:#?}");
    for line in &lines {
        assert!(
            line.starts_with("0 ") && line.ends_with(" -D ESYNC_SSL_NOT_THE_SERVER"),
            "{lines:#?}"
        );
    }
    // The settings are asked without the server's own configuration, which may be anybody's.
    assert!(
        lines.contains(&"0 -V -f /dev/null -D ESYNC_SSL_NOT_THE_SERVER".to_owned()),
        "{lines:#?}"
    );
}

/// What makes a configuration one of somebody else's, and what is named.
type Open = (&'static str, fn(&Tree), fn(&Tree) -> PathBuf);

const OPEN_FILES: [Open; 6] = [
    (
        "the main file",
        |tree| give_all(&tree.site.main()),
        |tree| tree.site.main(),
    ),
    (
        "its folder",
        |tree| mode(&tree.path("conf"), 0o777),
        |tree| tree.path("conf"),
    ),
    (
        "an included file",
        |tree| {
            files::write(&tree.path("conf/more.conf"), "# nothing\n");
            mode(&tree.path("conf/more.conf"), 0o666);
            tree.append("Include conf/more.conf");
        },
        |tree| tree.path("conf/more.conf"),
    ),
    (
        "a folder where an Include looks, and finds nothing",
        |tree| {
            fs::create_dir(tree.path("sites")).unwrap();
            give_all(&tree.path("sites"));
            tree.append("IncludeOptional sites/*.conf");
        },
        |tree| tree.path("sites"),
    ),
    (
        "a folder in which a wildcard finds a folder",
        |tree| {
            fs::create_dir_all(tree.path("sites/a/b")).unwrap();
            give_all(&tree.path("sites/a"));
            tree.append("IncludeOptional sites/*/b/*.conf");
        },
        |tree| tree.path("sites/a"),
    ),
    (
        "the environment",
        |tree| {
            files::write(&tree.path("envvars"), "export APACHE_LIB=/x\n");
            give_all(&tree.path("envvars"));
        },
        |tree| tree.path("envvars"),
    ),
];

const OPEN_PROGRAMS: [Open; 5] = [
    (
        "a module",
        |tree| give_all(&tree.path("modules/mod_authz_core.so")),
        |tree| tree.path("modules/mod_authz_core.so"),
    ),
    (
        "the folder of modules",
        |tree| mode(&tree.path("modules"), 0o777),
        |tree| tree.path("modules"),
    ),
    (
        "a library",
        |tree| {
            files::write(&tree.path("own/lib.so"), "");
            give_all(&tree.path("own"));
            tree.append("LoadFile own/lib.so");
        },
        |tree| tree.path("own"),
    ),
    (
        "a module for which a file must come",
        |tree| {
            fs::create_dir(tree.path("own")).unwrap();
            give_all(&tree.path("own"));
            tree.append("<IfFile own/now>\nLoadModule own_module own/mod_own.so\n</IfFile>");
        },
        |tree| tree.path("own"),
    ),
    (
        "a program that gives random numbers",
        |tree| {
            files::write(&tree.path("own/random"), "");
            give_all(&tree.path("own"));
            tree.append("<IfModule ssl_module>\nSSLRandomSeed startup exec:own/random\n</IfModule>");
        },
        |tree| tree.path("own"),
    ),
];

#[test]
fn a_configuration_that_others_may_write_is_read_by_no_httpd() {
    for (open, is_program) in OPEN_FILES
        .map(|open| (open, false))
        .into_iter()
        .chain(OPEN_PROGRAMS.map(|open| (open, true)))
    {
        let (what, spoil, culprit) = open;
        let Some(tree) = Tree::new() else { return };
        spoil(&tree);
        let named = culprit(&tree).display().to_string();
        let check = tree.site.run(&["check", "--json"]).run();
        let found: Value = serde_json::from_slice(&check.stdout).expect("JSON");
        let found = found["configuration"].as_array().expect("findings").iter();
        let found = found
            .filter(|finding| finding["code"] == "OTHERS-WRITE")
            .collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{what}: {}", check.report());
        assert_eq!(found[0]["place"]["file"], named, "{what}");
        let before = tree.site.text();
        says(
            &tree.enable(&[], 4),
            &["httpd is not run on this configuration", &named, "--no-test"],
        );
        let restart = tree.site.run(&["restart"]).run().expect_code(4);
        says(&restart, &[&named, "--force OTHERS-WRITE"]);
        for words in READING {
            tree.site.run(words).run();
        }
        assert_eq!(tree.site.text(), before, "{what}");
        assert_eq!(tree.readings(), Vec::<String>::new(), "{what}");
        // The one is to be decided by who runs us, the other is not.
        tree.enable(&["--force", "OTHERS-WRITE"], if is_program { 4 } else { 0 });
        assert_eq!(
            tree.readings().is_empty(),
            is_program,
            "{what}: {:#?}",
            tree.readings()
        );
    }
}

#[test]
fn neither_search_path_nor_current_folder_is_looked_at() {
    let Some(tree) = Tree::new() else { return };
    let spy = Notes::new(tree.site.beside("spied"));
    let folder = tree.site.beside("tools");
    for name in [
        "systemctl",
        "journalctl",
        "openssl",
        "httpd",
        "apache2",
        "sh",
        "id",
        "env",
    ] {
        spy.program(&folder.join(name));
    }
    for words in READING.into_iter().chain([&["restart"][..]]) {
        let program = tree.site.run(words).env("PATH", &folder);
        program.folder(&folder).run();
    }
    tree.site
        .self_signed()
        .arg("--no-rehearsal")
        .env("PATH", &folder)
        .folder(&folder)
        .run()
        .expect_code(0);
    assert_eq!(spy.lines(), Vec::<String>::new());
    assert!(!tree.readings().is_empty());
}

#[test]
fn children_find_only_what_the_configuration_names() {
    let Some(tree) = Tree::new() else { return };
    tree.append("ServerAdmin ${ADMIN}@example.com\nDefine FAR ${LD_BIND_NOW}${GCONV_PATH}${PYTHONPATH}${PATH}${HIDDEN_NO}");
    let names = [
        "ADMIN",
        "OTHER",
        "APACHE_RUN_USER",
        "LD_BIND_NOW",
        "GCONV_PATH",
        "PYTHONPATH",
        "PATH",
        "IFS",
        "TMPDIR",
        "MALLOC_ARENA_MAX",
        "OPENSSL_CONF",
        "PERL5LIB",
    ];
    let text: String = names
        .iter()
        .map(|name| format!("export {name}=/of-envvars\n"))
        .collect();
    files::write(&tree.path("envvars"), text);
    let mut program = tree.site.self_signed().arg("--no-rehearsal");
    // Our own caller's are no others.
    for name in [
        "MALLOC_ARENA_MAX",
        "OPENSSL_CONF",
        "GCONV_PATH",
        "HIDDEN",
        "PERL5LIB",
        "TMPDIR",
    ] {
        program = program.env(
            name,
            if name == "TMPDIR" {
                "/tmp"
            } else {
                "/of-our-caller"
            },
        );
    }
    program.run().expect_code(0);
    let mut found = tree.notes.environment();
    // What the shell itself adds.
    found.retain(|line| {
        !["PWD=", "OLDPWD=", "SHLVL=", "_="]
            .iter()
            .any(|name| line.starts_with(name))
    });
    found.sort();
    let wanted = [
        "ADMIN=/of-envvars",
        "APACHE_RUN_USER=/of-envvars",
        "LANG=C",
        "LC_ALL=C",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    ];
    assert_eq!(found, wanted);
}
