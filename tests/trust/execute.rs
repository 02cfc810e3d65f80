//! What is run, and what that finds in its environment: nothing that somebody else than root could have put there.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::others::{NOBODY, give_all, is_root, mode};
use crate::support::process::{Outcome, says};
use crate::support::running::{OTHER, Site as Running};
use crate::support::site::{DOMAIN, Site};
use crate::support::stranger::{Notes, as_nobody};
use crate::support::{files, mounts, process, systemd};
use serde_json::Value;

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

/// What makes a program one of somebody else's, and how that is named.
type Spoil = (&'static str, fn(&Tree), fn(&Tree) -> (PathBuf, &'static str));

const SPOILS: [Spoil; 11] = [
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
        "a library for another kind of machine",
        |tree| {
            files::write(&tree.path("lib64/libapr-1.so.0"), "");
            give_all(&tree.path("lib64/libapr-1.so.0"));
        },
        |tree| {
            (
                tree.path("lib64/libapr-1.so.0"),
                "belongs to nobody (uid 65534), mode 0644",
            )
        },
    ),
    (
        "what runs it, as it is a script",
        |tree| {
            let shell = tree.path("own/sh");
            fs::create_dir(tree.path("own")).expect("a folder");
            fs::copy("/bin/sh", &shell).expect("a shell");
            let script = fs::read_to_string(tree.httpd()).expect("the script");
            let script = script.replacen("/bin/sh", &shell.display().to_string(), 1);
            fs::write(tree.httpd(), script).expect("the script");
            give_all(&shell);
        },
        |tree| (tree.path("own/sh"), "belongs to nobody (uid 65534), mode 0755"),
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
                matches!(outcome.code, Some(0 | 4 | 12)),
                "{what}: {}",
                outcome.report()
            );
        }
        let status = tree.site.run(&["status", "--json"]).run().expect_code(0);
        let status: Value = status.data();
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

const OPEN_PROGRAMS: [Open; 6] = [
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
        "a library below another server root, which is in force at that line",
        |tree| {
            let (root, other) = (tree.site.root(), tree.path("other"));
            files::write(&other.join("own/lib.so"), "");
            give_all(&other.join("own"));
            tree.append(&format!(
                "ServerRoot {}\nLoadFile own/lib.so\nServerRoot {}",
                other.display(),
                root.display()
            ));
        },
        |tree| tree.path("other/own"),
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
        let found: Value = check.data();
        let found = found["findings"].as_array().expect("findings").iter();
        let found = found
            .filter(|finding| finding["code"] == "OTHERS-WRITE")
            .collect::<Vec<_>>();
        assert_eq!(found.len(), 1, "{what}: {}", check.report());
        assert_eq!(found[0]["place"]["file"], named, "{what}");
        let before = tree.site.text();
        let enable = tree.enable(&[], 4);
        says(
            &enable,
            &["httpd is not run on this configuration", &named, "--no-test"],
        );
        let restart = tree.site.run(&["restart"]).run().expect_code(4);
        says(&restart, &[&named]);
        // What would not help is not offered.
        for outcome in [&enable, &restart] {
            let offers = outcome.stderr_text().contains("--force OTHERS-WRITE");
            assert_eq!(offers, !is_program, "{what}: {}", outcome.report());
        }
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

/// A server that runs as a unit.
fn unit() -> Option<Running> {
    if !is_root() || !systemd::isolate() {
        return None;
    }
    let site = Running::new()?;
    systemd::stand_in(&site, false);
    systemd::with_systemd(&site, &["restart"]).expect_code(0);
    // On a machine that is busy it may have been started a second time.
    fs::write(site.root().join("told"), "start\n").expect("what it was told");
    Some(site)
}

/// Has its configuration name a module that everybody may write. Gives the folder of that.
fn open_module(site: &Running) -> PathBuf {
    let own = site.folder.path().join("modules");
    fs::create_dir(&own).expect("a folder");
    fs::copy(site.httpd.modules.join("mod_alias.so"), own.join("mod_alias.so")).expect("a module");
    append(
        site,
        &format!("LoadModule alias_module {}/mod_alias.so\n", own.display()),
    );
    mode(&own, 0o777);
    own
}

/// `enable` of another site, without a test.
fn change(site: &Running) -> Vec<String> {
    let port = site.network.https.to_string();
    let words = ["enable", "--yes", "--self-signed", "--no-test", "--domain", OTHER];
    let words = [&words[..], &["--http", "keep", "--port", &port]].concat();
    words.into_iter().map(str::to_owned).collect()
}

fn append(site: &Running, line: &str) {
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    files::write(&main, format!("{text}{line}"));
}

fn told(site: &Running) -> Vec<String> {
    let told = fs::read_to_string(site.root().join("told")).unwrap_or_default();
    told.lines().map(str::to_owned).collect()
}

/// What manages the server makes no difference: a unit runs httpd with all rights too.
#[test]
fn no_service_is_told_to_read_what_others_may_write() {
    let Some(site) = unit() else { return };
    let modules = open_module(&site);
    let change = change(&site);
    let change: Vec<&str> = change.iter().map(String::as_str).collect();
    let enable = [&change[..], &["--restart"]].concat();
    let before = fs::read(site.root().join("conf/httpd.conf")).expect("the main file");
    for words in [
        &enable[..],
        &["restart"],
        &["restart", "--graceful", "--force", "OTHERS-WRITE"],
    ] {
        let outcome = systemd::with_systemd(&site, words).expect_code(4);
        says(&outcome, &["modules may be written by everybody, mode 0777"]);
        assert_eq!(told(&site), ["start"], "{}", outcome.report());
        let now = fs::read(site.root().join("conf/httpd.conf")).expect("the main file");
        assert_eq!(now, before, "{}", outcome.report());
    }
    // The same where files are put back, and where nothing had to be written.
    systemd::with_systemd(&site, &change).expect_code(0);
    for words in [&enable[..], &["restore", "--yes", "--restart"]] {
        let outcome = systemd::with_systemd(&site, words).expect_code(4);
        says(&outcome, &["modules may be written by everybody, mode 0777"]);
        assert_eq!(told(&site), ["start"], "{}", outcome.report());
    }
    // Once nobody else may write there any more, all goes on.
    mode(&modules, 0o755);
    systemd::with_systemd(&site, &["restart", "--graceful"]).expect_code(0);
    assert_eq!(told(&site), ["start", "reload"]);
}

/// What counts is what would be read: the way back from such a line is open.
#[test]
fn a_service_is_told_to_go_back_to_what_can_be_trusted() {
    let Some(site) = unit() else { return };
    let change = change(&site);
    let change: Vec<&str> = change.iter().map(String::as_str).collect();
    systemd::with_systemd(&site, &change).expect_code(0);
    open_module(&site);
    let back = [
        "restore",
        "--yes",
        "--force",
        "EDITED-SINCE",
        "--force",
        "EDITED-SAME-LINES",
        "--restart",
    ];
    systemd::with_systemd(&site, &back).expect_code(0);
    assert_eq!(told(&site), ["start", "reload"]);
}

/// What `check` holds against the configuration, if it does, and what it says is to be done.
fn others_write(tree: &Tree) -> Option<(String, String)> {
    let check = tree.site.run(&["check", "--json"]).run();
    let found: Value = check.data();
    let found = found["findings"].as_array().expect("findings").iter();
    let found: Vec<_> = found.filter(|one| one["code"] == "OTHERS-WRITE").collect();
    assert!(found.len() <= 1, "{}", check.report());
    let text = |name: &str| found.first()?[name].as_str().map(str::to_owned);
    Some((text("cause")?, text("fix")?))
}

/// What makes a configuration one of somebody else's, to be mended.
type Curable = (&'static str, fn(&Tree));

const CURABLE: [Curable; 6] = [
    ("a module", |tree| {
        give_all(&tree.path("modules/mod_authz_core.so"))
    }),
    ("a group", |tree| {
        std::os::unix::fs::chown(tree.path("modules"), None, Some(NOBODY)).unwrap();
        mode(&tree.path("modules"), 0o775);
    }),
    ("a link of somebody", |tree| {
        symlink(tree.path("conf"), tree.path("link")).unwrap();
        std::os::unix::fs::lchown(tree.path("link"), Some(NOBODY), None).unwrap();
        tree.append("IncludeOptional link/*.none");
    }),
    ("a name with blanks and more", |tree| {
        fs::create_dir(tree.path("its $(own) folder")).unwrap();
        mode(&tree.path("its $(own) folder"), 0o777);
        tree.append("IncludeOptional \"its $(own) folder/*.conf\"");
    }),
    ("several at once", |tree| {
        mode(&tree.path("modules"), 0o777);
        give_all(&tree.site.main());
    }),
    ("all of it, many files", |tree| {
        for number in 0..20 {
            files::write(&tree.path(&format!("conf/more/{number}.conf")), "# nothing\n");
        }
        tree.append("Include conf/more/*.conf");
        give_all(&tree.site.root());
    }),
];

/// The first step that is named suffices, as it is typed.
#[test]
fn what_is_named_makes_a_configuration_trusted() {
    for (what, spoil) in CURABLE {
        let Some(tree) = Tree::new() else { return };
        spoil(&tree);
        let (cause, fix) = others_write(&tree).unwrap_or_else(|| panic!("{what}: nothing is found"));
        let mut shell = std::process::Command::new("sh");
        let mended = process::finish(shell.args(["-ec", &fix]), Duration::from_secs(10));
        mended.expect_code(0);
        assert_eq!(others_write(&tree), None, "{what}: {cause}\n{fix}");
        assert_eq!(fs::metadata(tree.path("conf")).unwrap().uid(), 0, "{what}");
    }
}

/// Somebody's home stays his.
#[test]
fn nobody_is_told_to_take_a_home_away() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    let Some(tree) = Tree::new() else { return };
    mounts::lay_memory(Path::new("/home"));
    let module = Path::new("/home/deploy/mod_own.so");
    files::write(module, "");
    give_all(Path::new("/home/deploy"));
    tree.append(&format!("LoadModule own_module {}", module.display()));
    let (cause, fix) = others_write(&tree).expect("a finding");
    assert!(cause.contains("/home/deploy belongs to nobody"), "{cause}");
    assert!(
        fix.starts_with("copy /home/deploy/mod_own.so to a folder below"),
        "{fix}"
    );
    assert!(!fix.contains("chown"), "{fix}");
}

/// What this account may not look at is nobody's fault, and what only root can do is said to be so.
#[test]
fn what_cannot_be_looked_at_is_told_as_that() {
    let Some(tree) = Tree::new() else { return };
    mode(tree.site.root().parent().expect("a folder"), 0o755);
    let check = || {
        let mut command = as_nobody(Path::new(env!("CARGO_BIN_EXE_esync-ssl")));
        command.arg("check").arg("--root").arg(tree.site.root());
        process::finish(&mut command, Duration::from_secs(30))
    };
    mode(&tree.path("modules"), 0o700);
    let unseen = check();
    says_in_answer(
        &unseen,
        &[
            "cannot be looked at: permission denied",
            "run as an account that may look at",
        ],
    );
    assert!(!unseen.stdout_text().contains("chown"), "{}", unseen.report());
    mode(&tree.path("modules"), 0o777);
    says_in_answer(&check(), &["may be written by everybody", "as root: chmod o-w"]);
}

#[track_caller]
fn says_in_answer(outcome: &Outcome, words: &[&str]) {
    // Lines are broken for a terminal.
    let said = outcome
        .stdout_text()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    for word in words {
        assert!(said.contains(word), "{word}: {}", outcome.report());
    }
}

/// A unit may run the server, so without systemd nothing is told around it.
#[test]
fn a_systemctl_that_others_may_write_is_named() {
    if !is_root() || !systemd::isolate() {
        return;
    }
    let Some(site) = Running::new() else { return };
    systemd::stand_in(&site, false);
    mode(Path::new("/usr/bin/systemctl"), 0o757);
    let outcome = systemd::with_systemd(&site, &["restart"]).expect_code(4);
    says(&outcome, &["systemctl may be written by everybody, mode 0757"]);
    assert_eq!(told(&site), Vec::<String>::new());
    assert!(!site.daemon.runs());
}

/// The finding about a key that others may read: how bad it is, and who may.
fn exposed(value: &Value) -> Option<(String, String)> {
    if value["code"] == "KEY-EXPOSED" {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        return Some((text("severity")?, text("summary")?));
    }
    match value {
        Value::Object(fields) => fields.values().find_map(exposed),
        Value::Array(values) => values.iter().find_map(exposed),
        _ => None,
    }
}

/// A group that the system has for services is customary, as Debian's ssl-cert; one of people is not.
#[test]
fn check_says_which_group_may_read_a_key() {
    if !is_root() {
        return;
    }
    let Some(site) = Running::new() else { return };
    let key = site.root().join("conf/server.key");
    for (group, rights, expected) in [
        (0, 0o640, None),
        (NOBODY, 0o600, None),
        (
            1,
            0o640,
            Some(("advice", "the group daemon may read the private key")),
        ),
        (
            100,
            0o640,
            Some(("works-but-wrong", "the group users may read the private key")),
        ),
        (
            NOBODY,
            0o640,
            Some(("works-but-wrong", "the group nogroup may read the private key")),
        ),
        (
            4_000_001,
            0o640,
            Some(("works-but-wrong", "the group 4000001 may read the private key")),
        ),
        (
            1,
            0o644,
            Some((
                "works-but-wrong",
                "every user of this machine may read the private key",
            )),
        ),
    ] {
        std::os::unix::fs::chown(&key, None, Some(group)).expect("a group");
        mode(&key, rights);
        let check = site.json(&["check", "--no-rehearsal"], 0);
        let expected = expected.map(|(severity, summary)| (severity.to_owned(), summary.to_owned()));
        assert_eq!(exposed(&check), expected, "{group} {rights:o}");
    }
}
