//! Which processes are believed: those of root's and ours that are servers, and a PidFile that nobody else may write.
#![cfg(unix)]

mod support;

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use support::apache_site::{ApacheSite, DOMAIN};
use support::network::Network;
use support::others::{NOBODY, give_all, is_root};
use support::process::Outcome;
use support::program::esync_ssl;
use support::running::Site;
use support::site::Site as Small;
use support::stranger::{Background, Notes, as_nobody};
use support::{files, mounts};

/// A server root beside which a program lies that belongs to somebody else, and passes for a running Apache.
struct Planted {
    site: Small,
    notes: Notes,
    _running: Background,
}

impl Planted {
    /// Run by somebody else, or by root.
    fn new(is_strangers: bool) -> Option<Planted> {
        if !is_root() {
            return None;
        }
        Network::enter();
        let site = Small::new();
        let notes = Notes::new(site.beside("notes"));
        let program = site.beside("own/apache2");
        fs::create_dir(site.beside("own")).expect("a folder");
        notes.compiled(&program, false)?;
        let mut command = if is_strangers {
            give_all(&site.beside("own"));
            as_nobody(&program)
        } else {
            Command::new(&program)
        };
        let running = Background::start(command.args(["-k", "start"]), || !notes.lines().is_empty());
        notes.clear();
        Some(Planted {
            site,
            notes,
            _running: running,
        })
    }

    /// Commands with this and that named, and with nothing.
    fn commands(&self) -> Vec<Outcome> {
        let httpd = self.site.beside("httpd");
        Notes::new(self.site.beside("named")).httpd(&httpd);
        let mut outcomes = vec![
            esync_ssl().arg("status").run(),
            esync_ssl().arg("lint").run(),
            self.site.run(&["lint"]).arg("--httpd").arg(&httpd).run(),
            self.site.run(&["status"]).arg("--httpd").arg(&httpd).run(),
        ];
        let enable = self.site.self_signed().args(["--dry-run", "--no-rehearsal"]);
        outcomes.push(enable.arg("--httpd").arg(&httpd).run());
        outcomes
    }
}

#[test]
fn a_strangers_program_is_never_run() {
    let Some(planted) = Planted::new(true) else { return };
    let mut outcomes = planted.commands();
    for words in [&["status"][..], &["lint"], &["check"], &["report", "--yes", "-"]] {
        outcomes.push(planted.site.run(words).run());
    }
    for outcome in outcomes {
        assert_eq!(
            planted.notes.lines(),
            Vec::<String>::new(),
            "{}",
            outcome.report()
        );
        assert!(
            !outcome.stderr_text().contains("the running Apache"),
            "{}",
            outcome.report()
        );
    }
}

#[test]
fn with_root_and_httpd_named_no_other_is_asked() {
    let Some(planted) = Planted::new(false) else {
        return;
    };
    let httpd = planted.site.beside("httpd");
    Notes::new(planted.site.beside("named")).httpd(&httpd);
    for words in [&["status"][..], &["lint"], &["check"], &["backups"]] {
        let outcome = planted.site.run(words).arg("--httpd").arg(&httpd).run();
        assert_eq!(
            planted.notes.lines(),
            Vec::<String>::new(),
            "{}",
            outcome.report()
        );
    }
    // Without that it is: it is root's, and only it knows where it has its files.
    planted.site.run(&["status"]).run().expect_code(0);
    assert!(!planted.notes.lines().is_empty());
}

#[test]
fn a_strangers_environment_is_not_handed_on() {
    if !is_root() {
        return;
    }
    let Some(site) = ApacheSite::new("") else { return };
    let notes = Notes::new(site.folder.path().join("notes"));
    let library = site.folder.path().join("own/evil.so");
    fs::create_dir(site.folder.path().join("own")).expect("a folder");
    if notes.compiled(&library, true).is_none() {
        return;
    }
    let main = site.root().join("conf/httpd.conf");
    // Only into the server: setpriv would wait as well.
    let mut preloaded = as_nobody(Path::new("/usr/bin/env"));
    preloaded
        .arg(format!("LD_PRELOAD={}", library.display()))
        .arg(&site.httpd.binary);
    preloaded.arg("-d").arg(site.root()).arg("-f").arg(&main);
    let _running = Background::start(&mut preloaded, || !notes.lines().is_empty());
    notes.clear();
    let port = site.network.https.to_string();
    for named in [true, false] {
        let mut program = esync_ssl().args(["enable", "--self-signed", "--domain", DOMAIN, "--port", &port]);
        program = program.arg(if named { "--yes" } else { "--dry-run" });
        program = program.arg("--root").arg(site.root());
        if named {
            program = program.arg("--httpd").arg(&site.httpd.binary);
        }
        let outcome = program.run().expect_code(0);
        assert_eq!(notes.by_root(), Vec::<String>::new(), "{}", outcome.report());
    }
}

#[test]
fn a_server_that_is_started_finds_what_its_configuration_names() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    fs::write(&main, format!("{text}ServerAdmin ${{SITE_ADMIN}}\n")).expect("the main file");
    let names = ["SITE_ADMIN", "APACHE_SITE", "OTHER", "PYTHONPATH", "LD_BIND_NOW"];
    let text: String = names
        .iter()
        .map(|name| format!("export {name}=admin@example.com\n"))
        .collect();
    files::write(&site.root().join("envvars"), text);
    site.run(&["restart"], 0);
    let pid = site.daemon.pid().expect("a server");
    let environment = fs::read(format!("/proc/{}/environ", pid.trim())).expect("its environment");
    let environment = String::from_utf8(environment).expect("text");
    let mut names: Vec<&str> = environment
        .split_terminator('\0')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["APACHE_SITE", "LANG", "LC_ALL", "PATH", "SITE_ADMIN"]);
    site.daemon.stop();
}

#[test]
fn a_rehearsal_is_never_taken_for_the_server() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let done = AtomicBool::new(false);
    let look = |words: &[&str]| esync_ssl().args(words).run();
    // Threads that are started here are in the network of this one.
    std::thread::scope(|scope| {
        let rehearsing = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) && count < 200 {
                site.run(&["check"], 0);
                count += 1;
            }
            count
        });
        let wrong: Vec<String> = (0..25)
            .flat_map(|_| {
                [
                    look(&["status"]),
                    look(&[
                        "enable",
                        "--dry-run",
                        "--no-rehearsal",
                        "--self-signed",
                        "--domain",
                        DOMAIN,
                    ]),
                ]
            })
            .map(|outcome| outcome.stderr_text() + &outcome.stdout_text())
            .filter(|said| said.contains("the running Apache") || said.contains("rehearsal-"))
            .collect();
        done.store(true, Ordering::Relaxed);
        assert!(rehearsing.join().expect("rehearsals") > 0);
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_pid_file_that_others_may_write_is_not_believed() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    let pid = site.daemon.pid().expect("a server");
    // Another server of root's, which `httpd -k` would end.
    let logs = site.root().join("logs");
    let file = logs.join("httpd.pid");
    chown(&logs, Some(NOBODY), None).expect("another owner");
    for words in [&["restart"][..], &["restart", "--graceful"]] {
        let outcome = esync_ssl()
            .args(words)
            .arg("--root")
            .arg(site.root())
            .arg("--httpd")
            .arg(&site.httpd.binary)
            .run();
        assert!(matches!(outcome.code, Some(1 | 4)), "{}", outcome.report());
        let said = outcome.stderr_text();
        let named = format!("{} belongs to nobody (uid 65534), mode 0755", logs.display());
        assert!(
            said.contains("PidFile") && said.contains(&named),
            "{}",
            outcome.report()
        );
    }
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["running"], serde_json::Value::Null, "{ports}");
    assert_eq!(fs::read_to_string(&file).expect("the PidFile"), pid);
    assert!(site.daemon.runs());
    chown(&logs, Some(0), None).expect("the owner");
    // A number that is left over may be that of somebody's own process, be it of the very program.
    site.daemon.stop();
    let own = site.folder.path().join("own");
    let shown = own.display();
    let text = format!(
        "ServerRoot \"{shown}\"\n{}Listen 8099\nServerName {DOMAIN}\nPidFile pid\nErrorLog error.log\n\
         DefaultRuntimeDir \"{shown}\"\nMutex \"file:{shown}\" default\n",
        site.httpd.load(&["mpm_event", "authz_core", "unixd"])
    );
    files::write(&own.join("httpd.conf"), text);
    give_all(&own);
    let mut command = as_nobody(&site.httpd.binary);
    command.arg("-X").arg("-f").arg(own.join("httpd.conf"));
    let stranger = Background::start(&mut command, || own.join("pid").exists());
    files::write(&file, stranger.pid().to_string());
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["running"], serde_json::Value::Null, "{ports}");
}

/// Debian's unit gives its server a `/tmp` of its own, and so mounts of its own. In a container it has other files.
#[test]
fn a_server_with_mounts_of_its_own_is_found() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let root = site.root();
    for (is_container, script) in [
        (false, "mount -t tmpfs none /mnt && exec \"$@\""),
        (
            true,
            "mount -t tmpfs none /mnt && for name in usr lib lib64 bin etc dev proc tmp; do \
             mkdir /mnt/$name && mount --rbind /$name /mnt/$name || exit; done && exec chroot /mnt \"$@\"",
        ),
    ] {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]);
        command.arg(&site.httpd.binary).arg("-DFOREGROUND");
        command
            .arg("-d")
            .arg(&root)
            .arg("-f")
            .arg(root.join("conf/httpd.conf"));
        let _server = Background::start(&mut command, || site.daemon.pid().is_some());
        let status = esync_ssl().arg("status").run();
        let is_found = status.stdout_text().contains("the running Apache, process");
        assert_eq!(is_found, !is_container, "{}", status.report());
        site.daemon.stop();
    }
}

#[test]
fn a_mount_in_a_folder_for_all_is_not_trusted() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    // What others may mount there shows files of root's as they like.
    let site = Small::new();
    let notes = Notes::new(site.beside("notes"));
    notes.httpd(&site.root().join("bin/httpd"));
    let over = tempfile::Builder::new()
        .prefix("esync-ssl-test-")
        .tempdir()
        .expect("a folder");
    mounts::lay_memory(over.path());
    files::copy_tree(&site.root(), over.path());
    notes.httpd(&over.path().join("bin/httpd"));
    notes.clear();
    let outcome = esync_ssl().arg("lint").arg("--root").arg(over.path()).run();
    assert!(
        outcome.stderr_text().contains("is not run"),
        "{}",
        outcome.report()
    );
    assert_eq!(notes.lines(), Vec::<String>::new());
}
