//! A dry run tells the whole truth: whatever refuses the real run refuses it as well, with the same status and words, and
//! nothing is written anywhere to find that out.
#![cfg(unix)]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use esync_ssl::apply::{Holder, Lock, Store};
use serde_json::Value;

use crate::support::others::{NOBODY, is_root, mode};
use crate::support::process::{Outcome, finish};
use crate::support::site::{BACKUPS, DOMAIN, Site, text};
use crate::support::{files, mounts, program};

/// What was said last: why it was refused.
fn why(outcome: &Outcome) -> String {
    let said = outcome.stderr_text();
    said.lines().last().unwrap_or_default().to_owned()
}

/// The command is refused dry and wet in the same way; the first of them leaves no trace.
#[track_caller]
fn is_refused(site: &Site, status: i32, code: &str, run: &dyn Fn(&[&str]) -> Outcome) {
    let before = files::snapshot(&site.root());
    let dry = run(&["--dry-run"]).expect_code(status);
    let document = run(&["--dry-run", "--json"]).expect_code(status);
    assert!(before == files::snapshot(&site.root()), "{}", dry.report());
    let wet = run(&["--yes"]).expect_code(status);
    assert_eq!(why(&dry), why(&wet), "{}\n{}", dry.report(), wet.report());
    let document: Value = serde_json::from_slice(&document.stdout).expect("a document");
    let told = document["error"]["code"].as_str().unwrap_or_default();
    assert_eq!(told, code, "{document}");
}

/// The arguments of `enable` but that it is agreed to.
fn enable(site: &Site, more: &[&str]) -> Vec<String> {
    let all = site.enable_arguments().into_iter();
    let all = all.filter(|word| word != "--yes");
    all.chain(more.iter().map(|word| (*word).to_owned())).collect()
}

#[track_caller]
fn enable_is_refused(site: &Site, status: i32, code: &str, more: &[&str]) {
    is_refused(site, status, code, &|flags| {
        program::esync_ssl().args(enable(site, more)).args(flags).run()
    });
}

/// Of `disable`, `restore` and the like.
#[track_caller]
fn other_is_refused(site: &Site, status: i32, code: &str, words: &[&str]) {
    is_refused(site, status, code, &|flags| site.run(words).args(flags).run());
}

const SELF_SIGNED: [&str; 4] = ["enable", "--self-signed", "--domain", DOMAIN];
const DISLIKES: &str = "grep -q '^SSLEngine\\|    SSLEngine' $main && { echo 'AH00526: Syntax error on line 1 of '$main':' >&2; \
                        exit 1; }; exit 0";

#[test]
fn a_port_that_another_program_holds() {
    let site = Site::new();
    let held = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = held.local_addr().expect("its address").port().to_string();
    enable_is_refused(&site, 4, "PORT-NOT-FREE", &["--port", &port]);
    let free = |flags: &[&str]| {
        let forced = enable(&site, &["--port", &port, "--force", "PORT-TAKEN"]);
        program::esync_ssl().args(forced).args(flags).run()
    };
    free(&["--dry-run"]).expect_code(0);
}

#[test]
fn what_httpd_does_not_accept() {
    let site = Site::new();
    let httpd = text(&site.stand_in(DISLIKES));
    let more = ["--no-rehearsal", "--httpd", &httpd];
    enable_is_refused(&site, 4, "HTTPD-REJECTS", &more);
    other_is_refused(&site, 5, "HTTPD-REJECTS", &[&SELF_SIGNED[..], &more].concat());
    // And what it accepts is said to be so.
    let httpd = text(&site.stand_in("exit 0"));
    let more = ["--dry-run", "--no-rehearsal", "--httpd", &httpd];
    let outcome = program::esync_ssl()
        .args(enable(&site, &more))
        .run()
        .expect_code(0);
    assert!(
        why(&outcome).contains("Went well: httpd -t."),
        "{}",
        outcome.report()
    );
}

/// Where a file is included that changes, a copy is read in its place: all that Apache says names the file itself.
#[test]
fn what_httpd_does_not_accept_in_an_included_file() {
    let site = Site::new();
    files::write(&site.root().join("conf/sites/a.conf"), "# the first\n");
    let port = "<VirtualHost *:80>\nServerName esync.example.com\n</VirtualHost>\n";
    files::write(&site.root().join("conf/sites/b.conf"), port);
    files::write(
        &site.main(),
        site.text() + "IncludeOptional conf/sites/*.conf\n# the last\n",
    );
    // Follows the includes as far as lists go.
    let judge = "list() { cat $1; sed -n 's/^Include \"\\(.*\\)\"$/\\1/p' $1 | while read f; do [ -f $f ] && list $f; done; }\n\
                 find() { for f in $(sed -n 's/^Include \"\\(.*\\)\"$/\\1/p' $1); do grep -l SSLEngine $f; find $f; done; }\n\
                 all=$(find $main | head -1); [ -n \"$all\" ] || all=$(grep -l SSLEngine $root/conf/sites/*.conf)\n\
                 [ -n \"$all\" ] || exit 0\n\
                 echo \"AH00526: Syntax error on line $(grep -n SSLEngine $all | head -1 | cut -d: -f1) of $all:\" >&2; exit 1";
    let judge = format!("root={}\n{judge}", site.root().display());
    let httpd = text(&site.stand_in(&judge));
    let more = ["--no-rehearsal", "--http", "keep", "--httpd", &httpd];
    let before = files::snapshot(&site.root());
    let dry = program::esync_ssl()
        .args(enable(&site, &more))
        .arg("--dry-run")
        .run()
        .expect_code(5);
    assert!(before == files::snapshot(&site.root()), "{}", dry.report());
    let wet = program::esync_ssl()
        .args(enable(&site, &more))
        .arg("--yes")
        .run()
        .expect_code(5);
    let named = |outcome: &Outcome| {
        let said = outcome.stderr_text();
        let line = said
            .lines()
            .find(|line| line.contains("AH00526"))
            .map(str::to_owned);
        line.unwrap_or_else(|| panic!("{}", outcome.report()))
    };
    assert_eq!(named(&dry), named(&wet), "{}", dry.report());
    assert!(named(&dry).contains("conf/sites/b.conf"), "{}", dry.report());
}

#[test]
fn an_httpd_that_others_may_write() {
    if !is_root() {
        return;
    }
    let site = Site::new();
    let httpd = site.stand_in("exit 0");
    mode(&httpd, 0o777);
    fs::create_dir(site.root().join("bin")).expect("a folder");
    fs::rename(&httpd, site.root().join("bin/httpd")).expect("a name");
    enable_is_refused(&site, 4, "HTTPD-DISTRUSTED", &[]);
}

#[test]
fn no_server_that_could_be_restarted() {
    let site = Site::new();
    enable_is_refused(&site, 4, "NO-BINARY-TO-RESTART", &["--restart"]);
    site.enable().run().expect_code(0);
    other_is_refused(&site, 4, "NO-BINARY-TO-RESTART", &["disable", "--restart"]);
    other_is_refused(&site, 4, "NO-BINARY-TO-RESTART", &["restore", "--start"]);
}

/// Apache is not asked about what did not start before HTTPS came either.
#[test]
fn what_never_started_goes_back_dry_and_wet() {
    let site = Site::new();
    files::write(&site.main(), site.text() + "ErrorLog logs/no/such/error.log\n");
    site.enable().args(["--force", "LOG-FOLDER"]).run().expect_code(0);
    let httpd = text(&site.stand_in("echo 'AH00526: Syntax error' >&2; exit 1"));
    let disable = |agreed: &str| site.run(&["disable", agreed, "--httpd", &httpd]).run();
    disable("--dry-run").expect_code(0);
    disable("--yes").expect_code(0);
}

#[test]
fn names_that_cannot_be_replaced_and_places_for_backups() {
    let site = Site::new();
    fs::hard_link(site.main(), site.root().join("conf/second.conf")).expect("a link");
    enable_is_refused(&site, 4, "NAME-IN-THE-WAY", &[]);
    let site = Site::new();
    mode(&site.main(), 0o444);
    enable_is_refused(&site, 4, "NAME-IN-THE-WAY", &[]);
    let site = Site::new();
    files::write(
        &site.main(),
        site.text() + "IncludeOptional conf/esync-ssl-backup\nIncludeOptional esync-ssl-backup\n",
    );
    enable_is_refused(&site, 4, "INCLUDE-READS-BACKUPS", &[]);
    let site = Site::new();
    fs::create_dir(site.root().join(BACKUPS)).expect("a folder");
    mode(&site.root().join(BACKUPS), 0o777);
    enable_is_refused(&site, 4, "BACKUPS-NOT-OURS", &[]);
    let site = Site::new();
    fs::create_dir(site.root().join("conf/ssl")).expect("a folder");
    mode(&site.root().join("conf/ssl"), 0o777);
    other_is_refused(&site, 4, "KEY-FOLDER-OPEN", &SELF_SIGNED);
}

fn lock(store: &Store) -> Lock {
    let holder = Holder::this("2026-01-02T03:04:05Z".into(), "esync-ssl enable".into());
    store.lock(Duration::ZERO, &holder).expect("the lock")
}

#[test]
fn another_run_at_work_is_waited_for_as_long_as_was_said() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let store = site.store();
    let held = lock(&store);
    let run = |words: &[&str]| site.run(words).run();
    for words in [&["disable"][..], &["restore"], &SELF_SIGNED] {
        other_is_refused(&site, 9, "LOCKED", words);
    }
    let before = site.snapshot();
    let waited = run(&["disable", "--dry-run", "--lock-timeout", "1"]).expect_code(9);
    assert!(
        waited.stderr_text().contains("Waiting for another run"),
        "{}",
        waited.report()
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(&["disable", "--dry-run", "--lock-timeout", "60"]));
        std::thread::sleep(Duration::from_millis(500));
        drop(held);
        waiting.join().expect("a run").expect_code(0);
    });
    assert!(before == site.snapshot());
}

/// On a file system that is read only nothing can be written, whoever one is.
#[test]
fn a_file_system_that_is_read_only() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    let site = Site::new();
    site.enable().run().expect_code(0);
    let on = |root: &Path, flags: &str| {
        let mut command = Command::new("mount");
        command.args(["-o", flags]).arg(root);
        finish(&mut command, Duration::from_secs(10)).expect_code(0);
    };
    mounts::lay(&site.root(), &site.root());
    on(&site.root(), "remount,bind,ro");
    let crt = text(&site.beside("certificates/server.crt"));
    let key = text(&site.beside("certificates/server.key"));
    let install = ["cert", "install", "--cert", &crt, "--key", &key];
    let before = files::snapshot(&site.root());
    for words in [&["disable"][..], &["restore"], &install] {
        let flag = |flag: &str| match words[0] {
            "cert" if flag == "--yes" => site.run(words).run(),
            _ => site.run(words).arg(flag).run(),
        };
        let (dry, wet) = (flag("--dry-run").expect_code(8), flag("--yes").expect_code(8));
        assert_eq!(why(&dry), why(&wet));
        assert!(before == files::snapshot(&site.root()));
    }
}

/// Runs it as an account to which modes apply.
fn as_nobody(site: &Site, words: &[String]) -> Outcome {
    let copy = site.beside("esync-ssl");
    if !copy.exists() {
        let mut install = Command::new("install");
        install.args(["-m", "755"]).arg(program::binary()).arg(&copy);
        finish(&mut install, Duration::from_secs(60)).expect_code(0);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"]);
    finish(command.arg(copy).args(words), Duration::from_secs(60))
}

#[test]
fn folders_and_files_that_this_account_may_not_write() {
    if !is_root() {
        return;
    }
    // Who may write what: everything but one folder; everything but the owner of one file.
    for (closed, foreign) in [
        ("conf", ""),
        ("conf/ssl", ""),
        (BACKUPS, ""),
        ("", "conf/httpd.conf"),
    ] {
        let site = Site::new();
        for name in ["conf/ssl", BACKUPS] {
            fs::create_dir_all(site.root().join(name).join("kept")).expect("a folder");
        }
        let user = |path: &Path, id: u32| chown(path, Some(id), Some(id)).expect("another owner");
        user(&site.root(), NOBODY);
        for name in files::snapshot(&site.root()).keys() {
            user(&site.root().join(name), NOBODY);
        }
        if !closed.is_empty() {
            mode(&site.root().join(closed), 0o555);
        }
        if !foreign.is_empty() {
            user(&site.root().join(foreign), 0);
            mode(&site.root().join(foreign), 0o644);
        }
        let root = text(&site.root());
        let words = [&SELF_SIGNED[..], &["--root", &root]].concat();
        is_refused(&site, 8, "NOT-PERMITTED", &|flags| {
            let words = [&words, flags].concat();
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            as_nobody(&site, &words)
        });
        let _ = fs::set_permissions(site.root().join("conf"), fs::Permissions::from_mode(0o755));
    }
}
