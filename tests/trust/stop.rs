//! How a run stops: signals in a rehearsal and in the middle of a change leave nothing behind, a killed run is tidied up
//! by the next; nobody is asked for a pass-phrase; a restart that fails says what is the case.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::support;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::{faulty, files, mounts, others, process};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What is to happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Makes the server's start last: it waits for a program of this name.
const SLOW: &str = "<IfModule ssl_module>\nSSLRandomSeed startup \"exec:FOLDER/slow\" 16\n</IfModule>\n";

fn program(path: &Path, script: &str) {
    files::write(path, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

/// Processes with their arguments.
fn processes() -> Vec<(u32, Vec<String>)> {
    let entries = fs::read_dir("/proc").expect("processes").flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
            let words = line.split(|byte| *byte == 0);
            Some((
                pid,
                words
                    .map(|word| String::from_utf8_lossy(word).into_owned())
                    .collect(),
            ))
        })
        .collect()
}

fn any_process_names(words: &str) -> bool {
    processes()
        .iter()
        .any(|(_, arguments)| arguments.iter().any(|argument| argument.contains(words)))
}

fn waited_for(until: impl FnMut() -> bool) -> bool {
    process::waited_within(PATIENCE, until)
}

/// How a program ends that has been told to; one that does not is killed.
#[track_caller]
fn end_of(child: &mut Child) -> ExitStatus {
    process::end_within(PATIENCE, child)
}

/// The folder of the rehearsal that a process has started.
fn rehearsal_of(parent: u32) -> Option<PathBuf> {
    let is_child = |pid: u32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        status.lines().any(|line| line == format!("PPid:\t{parent}"))
    };
    let all = processes();
    let (_, arguments) = all
        .iter()
        .find(|(pid, arguments)| arguments.iter().any(|word| word == "-X") && is_child(*pid))?;
    let at = arguments.iter().position(|word| word == "-d")?;
    arguments.get(at + 1).map(PathBuf::from)
}

fn send(child: &Child, signal: Signal) {
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
}

/// A site whose rehearsals last half a second, and a run in the middle of one.
struct Rehearsing {
    site: ApacheSite,
    slept: String,
}

impl Rehearsing {
    fn new(number: u32) -> Option<Rehearsing> {
        let site = ApacheSite::new(SLOW)?;
        // Known again among all processes.
        let slept = format!("0.5{:08}{number}", std::process::id());
        let slow = format!("sleep {slept}\nhead -c 64 /dev/urandom");
        program(&site.folder.path().join("slow"), &slow);
        Some(Rehearsing { site, slept })
    }

    fn command(&self) -> Command {
        self.site
            .enable(&self.site.leaf, &["--copy-certs"])
            .into_command()
    }

    fn start(&self) -> (Child, PathBuf) {
        self.started(&mut self.command())
    }

    fn started(&self, command: &mut Command) -> (Child, PathBuf) {
        let log = fs::File::create(self.site.folder.path().join("said")).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("a child");
        let mut folder = None;
        let began = waited_for(|| {
            folder = rehearsal_of(child.id());
            folder.is_some()
        });
        assert!(began, "no rehearsal: {}", self.said());
        (child, folder.expect("a folder"))
    }

    fn said(&self) -> String {
        fs::read_to_string(self.site.folder.path().join("said")).unwrap_or_default()
    }

    /// Nothing of a key lies there, whoever may read it.
    #[track_caller]
    fn no_key_in(&self, folder: &Path) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let bytes = fs::read(entry.path()).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!text.contains("PRIVATE KEY"), "{}", entry.path().display());
        }
    }

    #[track_caller]
    fn nothing_left_of(&self, folder: &Path, when: &str) {
        let named = folder.display().to_string();
        // Another test's run may be at it.
        assert!(
            waited_for(|| !folder.exists()),
            "{when}: {named} is there; {}",
            self.said()
        );
        assert!(
            waited_for(|| !any_process_names(&named) && !any_process_names(&self.slept)),
            "{when}: a process is left; {}",
            self.said()
        );
    }
}

#[test]
fn a_signal_in_a_rehearsal_leaves_nothing() {
    let Some(rehearsing) = Rehearsing::new(1) else {
        return;
    };
    let before = rehearsing.site.files();
    let signals = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT];
    for moment in 0..12 {
        let signal = signals[moment as usize % signals.len()];
        let when = format!("{signal} at moment {moment}");
        let (mut child, folder) = rehearsing.start();
        std::thread::sleep(Duration::from_millis(35 * moment));
        rehearsing.no_key_in(&folder);
        send(&child, signal);
        let status = child.wait().expect("its end");
        assert_eq!(status.code(), Some(10), "{when}: {}", rehearsing.said());
        assert!(
            rehearsing.said().contains("interrupted"),
            "{when}: {}",
            rehearsing.said()
        );
        rehearsing.nothing_left_of(&folder, &when);
        assert_eq!(rehearsing.site.files(), before, "{when}");
    }
}

#[test]
fn a_run_killed_in_a_rehearsal_is_tidied_up_by_the_next() {
    let Some(rehearsing) = Rehearsing::new(2) else {
        return;
    };
    let before = rehearsing.site.files();
    let next: [&[&str]; 4] = [
        &["status"],
        &["restore", "--recover"],
        &["check", "--no-rehearsal"],
        &[
            "enable",
            "--dry-run",
            "--no-rehearsal",
            "--self-signed",
            "--domain",
            DOMAIN,
        ],
    ];
    for moment in 0..12 {
        let when = format!("moment {moment}");
        let (mut child, folder) = rehearsing.start();
        std::thread::sleep(Duration::from_millis(40 * moment));
        child.kill().expect("SIGKILL");
        child.wait().expect("its end");
        rehearsing.no_key_in(&folder);
        rehearsing.site.command(next[moment as usize % next.len()]).run();
        rehearsing.nothing_left_of(&folder, &when);
        // The lock of the dead run goes with the next one that takes it.
        rehearsing
            .site
            .command(&["restore", "--recover"])
            .run()
            .expect_code(0);
        assert_eq!(rehearsing.site.files(), before, "{when}");
    }
}

/// The folder of a run that lives is left alone.
#[test]
fn only_what_a_dead_run_left_is_tidied_up() {
    let Some(rehearsing) = Rehearsing::new(3) else {
        return;
    };
    let (mut child, folder) = rehearsing.start();
    rehearsing.site.command(&["status"]).run().expect_code(0);
    assert!(folder.is_dir() || child.try_wait().expect("its state").is_some());
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(0), "{}", rehearsing.said());
    rehearsing.nothing_left_of(&folder, "afterwards");
}

/// The same command by a shell that does something first; not every one can ignore its children.
fn after(what: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &format!("{what}; exec \"$@\""), "bash"])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

#[test]
fn what_a_rehearsal_writes_is_closed_whatever_the_umask() {
    let Some(rehearsing) = Rehearsing::new(4) else {
        return;
    };
    let (mut child, folder) = rehearsing.started(&mut after("umask 0", &rehearsing.command()));
    let named = folder.display().to_string();
    let mut modes = BTreeMap::new();
    let mut umasks = BTreeSet::new();
    while child.try_wait().expect("its state").is_none() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if let Ok(metadata) = entry.metadata() {
                let mode = metadata.permissions().mode() & 0o777;
                modes.insert(entry.file_name().to_string_lossy().into_owned(), mode);
            }
        }
        for (pid, _) in processes().iter().filter(|(_, words)| words.contains(&named)) {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            let umask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
            umasks.extend(umask.map(|umask| umask.trim().to_owned()));
        }
    }
    let status = child.wait().expect("its end");
    assert_eq!(status.code(), Some(0), "{}", rehearsing.said());
    for name in ["httpd.conf", "error.log", "stdout", "stderr"] {
        assert_eq!(modes.get(name), Some(&0o600), "{name}: {modes:?}");
    }
    assert!(modes.values().all(|mode| mode & 0o022 == 0), "{modes:?}");
    // What it starts could not make anything for all either.
    assert_eq!(umasks, BTreeSet::from(["0022".to_owned()]));
}

/// Where children are ignored, the system keeps their end to itself.
#[test]
fn ignored_children_are_seen_to_end() {
    let Some(site) = ApacheSite::new("") else { return };
    let command = site.enable(&site.leaf, &[]).into_command();
    let mut ignoring = after("trap '' CHLD", &command);
    let outcome = support::process::finish(&mut ignoring, Duration::from_secs(100)).expect_code(0);
    let said = outcome.stderr_text();
    let is_silent = |words: &str| !said.contains(words);
    assert!(
        ["no rehearsal", "not run", "did not answer", "cannot be seen"]
            .into_iter()
            .all(is_silent),
        "{said}"
    );
}

/// Somebody else who takes the port of each rehearsal before its server does, so often at most.
fn take_ports(wrapper: &str, most: usize, is_over: &AtomicBool) -> usize {
    let mut seen = BTreeSet::new();
    let mut taken = Vec::new();
    while taken.len() < most && !is_over.load(Ordering::Relaxed) {
        for (_, words) in processes()
            .iter()
            .filter(|(_, words)| words.iter().any(|word| word == wrapper))
        {
            let at = words.iter().position(|word| word == "-f");
            let main = at.and_then(|at| words.get(at + 1)).cloned().unwrap_or_default();
            // Only as root it can be read at all.
            let text = fs::read_to_string(&main).unwrap_or_default();
            let port = text.lines().find_map(|line| {
                line.trim()
                    .strip_prefix("Listen \"127.0.0.1:")
                    .or(line.strip_prefix("Listen 127.0.0.1:"))
            });
            let port = port.and_then(|port| port.trim_end_matches('"').parse::<u16>().ok());
            let Some(port) = port.filter(|_| main.contains("rehearsal-") && !seen.contains(&main)) else {
                continue;
            };
            seen.insert(main);
            nix::unistd::setfsuid(others::NOBODY.into());
            taken.push(std::net::TcpListener::bind(("127.0.0.1", port)).expect("its port"));
            nix::unistd::setfsuid(0.into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    while !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
    taken.len()
}

#[test]
fn who_takes_the_port_of_a_rehearsal_changes_nothing() {
    if !others::is_root() {
        return;
    }
    let Some(mut site) = ApacheSite::new("") else {
        return;
    };
    let wrapper = site.folder.path().join("httpd");
    let slow = format!(
        "case \" $* \" in *' -X '*) sleep 0.5;; esac\nexec {} \"$@\"",
        site.httpd.binary.display()
    );
    program(&wrapper, &slow);
    site.httpd.binary.clone_from(&wrapper);
    let wrapper = wrapper.display().to_string();
    let robbed = |most: usize, run: support::program::Program| {
        let is_over = AtomicBool::new(false);
        // Threads that are started here are in the network of this one.
        std::thread::scope(|scope| {
            let thief = scope.spawn(|| take_ports(&wrapper, most, &is_over));
            let outcome = run.run();
            is_over.store(true, Ordering::Relaxed);
            (thief.join().expect("a thief"), outcome)
        })
    };
    // A few are only a matter of time.
    let (taken, outcome) = robbed(2, site.enable(&site.leaf, &["--http", "keep"]));
    let outcome = outcome.expect_code(0);
    assert_eq!(taken, 2, "{}", outcome.report());
    assert!(
        !outcome.stderr_text().contains("no rehearsal"),
        "{}",
        outcome.report()
    );
    // All of them say nothing of the configuration.
    let (taken, outcome) = robbed(100, site.command(&["check"]));
    let outcome = outcome.expect_code(0);
    assert_eq!(taken, 5, "{}", outcome.report());
    assert!(
        outcome
            .stderr_text()
            .contains("no rehearsal: other programs took"),
        "{}",
        outcome.report()
    );
}

#[test]
fn a_name_that_somebody_else_took_does_not_prevent_a_rehearsal() {
    if !others::is_root() || !mounts::isolate() {
        return;
    }
    // As on a machine where we have no place of our own.
    mounts::lay_memory(Path::new("/run"));
    files::write(Path::new("/run/esync-ssl"), "");
    let Some(rehearsing) = Rehearsing::new(5) else {
        return;
    };
    let shared = tempfile::Builder::new()
        .prefix("esync-ssl-test-")
        .tempdir_in("/tmp")
        .expect("a folder");
    others::mode(shared.path(), 0o1777);
    let taken = shared.path().join("esync-ssl-0");
    fs::create_dir(&taken).expect("a folder");
    others::give(&taken);
    let before = files::snapshot(shared.path());
    let mut command = rehearsing.command();
    command.env("TMPDIR", shared.path());
    let (mut child, folder) = rehearsing.started(&mut command);
    assert!(
        folder.starts_with(shared.path()) && !folder.starts_with(&taken),
        "{folder:?}"
    );
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    // The next one finds what it left.
    rehearsing
        .site
        .command(&["status"])
        .env("TMPDIR", shared.path())
        .run();
    rehearsing.nothing_left_of(&folder, "killed");
    let (mut child, folder) = rehearsing.started(&mut command);
    assert_eq!(
        child.wait().expect("its end").code(),
        Some(0),
        "{}",
        rehearsing.said()
    );
    rehearsing.nothing_left_of(&folder, "done");
    assert_eq!(files::snapshot(shared.path()), before);
    assert_eq!(fs::read_dir(shared.path()).expect("the folder").count(), 1);
    // Where even that is not safe, it is said what to do.
    others::give(shared.path());
    let outcome = rehearsing
        .site
        .command(&["check"])
        .env("TMPDIR", shared.path())
        .run();
    assert!(
        outcome.stderr_text().contains("set TMPDIR to a folder"),
        "{}",
        outcome.report()
    );
}

/// A run that changes and restarts, in the middle of it.
struct Changing {
    site: ApacheSite,
    arguments: Vec<String>,
}

impl Changing {
    fn new() -> Option<Changing> {
        let site = ApacheSite::running("")?;
        let port = site.network.https.to_string();
        let [root, httpd, certificate, key] = [
            &site.root(),
            &site.httpd.binary,
            &site.leaf.certificate,
            &site.leaf.key,
        ]
        .map(|path| path.display().to_string());
        let arguments = [
            "enable",
            "--yes",
            "--restart",
            "--http",
            "off",
            "--domain",
            DOMAIN,
            "--port",
            &port,
            "--root",
            &root,
            "--httpd",
            &httpd,
            "--cert",
            &certificate,
            "--key",
            &key,
        ];
        Some(Changing {
            arguments: arguments.map(str::to_owned).to_vec(),
            site,
        })
    }

    /// Interrupts a run at so many milliseconds after its first change; whether it came in time.
    fn interrupted(&self, signal: Signal, after: u64, again: bool) -> bool {
        let (before, answers) = (self.site.files(), self.site.answers());
        let main = self.site.root().join("conf/httpd.conf");
        let old = fs::read(&main).expect("the main file");
        let said = self.site.folder.path().join("said");
        let mut child = faulty::command(&self.arguments, "none:0")
            .stderr(fs::File::create(&said).expect("a file"))
            .spawn()
            .expect("a child");
        assert!(waited_for(|| fs::read(&main).is_ok_and(|now| now != old)
            || child.try_wait().is_ok_and(|status| status.is_some())));
        std::thread::sleep(Duration::from_millis(after));
        send(&child, signal);
        if again {
            std::thread::sleep(Duration::from_millis(50));
            send(&child, signal);
        }
        let code = child.wait().expect("its end").code();
        let said = fs::read_to_string(said).expect("what it said");
        let when = format!("{signal} after {after} ms: {said}");
        let backups = self.site.root().join("conf/esync-ssl-backup");
        assert!(!backups.join("unfinished").exists(), "{when}");
        assert!(!backups.join("lock-holder.json").exists(), "{when}");
        if code == Some(0) {
            // It was done already. What was agreed to is the case, and goes for the next try.
            assert_ne!(self.site.files(), before, "{when}");
            self.site
                .command(&["restore", "--yes", "--restart"])
                .run()
                .expect_code(0);
            return false;
        }
        assert_eq!(code, Some(10), "{when}");
        assert!(said.contains("interrupted"), "{when}");
        assert_eq!(self.site.files(), before, "{when}");
        assert_eq!(self.site.answers(), answers, "{when}");
        assert!(self.site.daemon.runs(), "{when}");
        true
    }
}

fn undone_at(moments: &[(Signal, u64, bool)]) {
    let Some(changing) = Changing::new() else { return };
    let in_time = moments
        .iter()
        .filter(|(signal, after, again)| changing.interrupted(*signal, *after, *again))
        .count();
    assert!(in_time >= moments.len() / 2, "{in_time} of {}", moments.len());
}

#[test]
fn a_signal_in_the_middle_of_a_change_undoes_it() {
    undone_at(&[
        (Signal::SIGINT, 0, false),
        (Signal::SIGTERM, 20, false),
        (Signal::SIGHUP, 60, false),
        (Signal::SIGINT, 120, true),
    ]);
}

#[test]
fn a_signal_in_the_middle_of_a_restart_undoes_it() {
    undone_at(&[
        (Signal::SIGTERM, 180, true),
        (Signal::SIGHUP, 250, false),
        (Signal::SIGINT, 320, true),
        (Signal::SIGTERM, 400, false),
    ]);
}

/// Without a server, at ten moments of the run; nothing is ever half done.
#[test]
fn a_signal_at_any_moment_is_all_or_nothing() {
    let site = support::site::Site::new();
    let before = site.snapshot();
    let start = Instant::now();
    site.enable().run().expect_code(0);
    let whole = start.elapsed();
    site.run(&["restore", "--yes"]).run().expect_code(0);
    let keys: Vec<String> = site
        .snapshot()
        .into_keys()
        .filter(|name| !before.contains_key(name))
        .collect();
    for name in keys {
        fs::remove_file(site.root().join(name)).expect("a certificate or key that was left");
    }
    for moment in 0..10 {
        let signal = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP][moment as usize % 3];
        let mut child = site
            .enable()
            .into_command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        std::thread::sleep(whole * moment / 10);
        send(&child, signal);
        let status = child.wait().expect("its end");
        let backups = site.root().join(support::site::BACKUPS);
        assert!(!backups.join("unfinished").exists(), "{signal} at {moment}");
        assert!(!backups.join("lock-holder.json").exists(), "{signal} at {moment}");
        let stray = |name: &&String| name.contains(".esync-ssl-");
        let now = files::snapshot(&site.root());
        assert_eq!(now.keys().find(stray), None, "{signal} at {moment}");
        match status.code() {
            Some(0) => {
                assert_ne!(site.snapshot(), before, "{signal} at {moment}");
                site.run(&["restore", "--yes"]).run().expect_code(0);
                for name in site
                    .snapshot()
                    .into_keys()
                    .filter(|name| !before.contains_key(name))
                {
                    fs::remove_file(site.root().join(name)).expect("a certificate or key that was left");
                }
            }
            // Before it listens, a signal ends it as any program.
            Some(10) | None => assert_eq!(site.snapshot(), before, "{signal} at {moment}"),
            other => panic!("{signal} at {moment}: {other:?}"),
        }
    }
}

/// At a prompt it ends at once.
#[test]
fn ctrl_c_at_the_prompt() {
    let site = support::site::Site::new();
    let before = site.snapshot();
    let terminal = nix::pty::openpty(None, None).expect("a terminal");
    let mut command = site
        .run(&["enable", "--self-signed", "--domain", "a.example.com"])
        .into_command();
    let mut child = command
        .stdin(Stdio::from(terminal.slave))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut said = child.stderr.take().expect("its talk");
    let asked = std::thread::spawn(move || {
        let mut all = Vec::new();
        let mut some = [0; 1000];
        while let Ok(count @ 1..) = std::io::Read::read(&mut said, &mut some) {
            all.extend(&some[..count]);
            if String::from_utf8_lossy(&all).contains("[y/N]") {
                break;
            }
        }
        (said, all)
    });
    let (_said, all) = asked.join().expect("a question");
    assert!(
        String::from_utf8_lossy(&all).contains("[y/N]"),
        "{}",
        String::from_utf8_lossy(&all)
    );
    send(&child, Signal::SIGINT);
    assert_eq!(end_of(&mut child).code(), Some(10));
    assert_eq!(site.snapshot(), before);
    assert!(site.backups().is_empty());
}

/// A server that runs over TLS; its key goes under a pass-phrase then.
fn protected(dialog: impl FnOnce(&Path) -> String) -> Option<ApacheSite> {
    protected_by(|folder| format!("SSLPassPhraseDialog {}", dialog(folder)))
}

/// The same with these lines about it.
fn protected_by(lines: impl FnOnce(&Path) -> String) -> Option<ApacheSite> {
    let site = ApacheSite::running("")?;
    site.enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    let under = site.folder.path().join("under.key");
    let mut openssl = Command::new("openssl");
    openssl
        .args(["pkey", "-aes256", "-passout", "pass:secret", "-in"])
        .arg(&site.leaf.key)
        .arg("-out")
        .arg(&under);
    support::process::finish(&mut openssl, Duration::from_secs(30)).expect_code(0);
    fs::copy(&site.leaf.key, site.folder.path().join("open.key")).expect("a copy");
    let key = fs::read(&under).expect("the key");
    let mut file = fs::File::create(&site.leaf.key).expect("the key file");
    file.write_all(&key).expect("the key file");
    let lines = lines(site.folder.path());
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    // What waits must not wait twice.
    let second = second_host(&site, "");
    files::write(&main, format!("{text}\n{lines}\n{second}"));
    Some(site)
}

/// The same site on another port.
fn second_host(site: &ApacheSite, more: &str) -> String {
    let port = site.network.another();
    format!(
        "Listen {port} https\n<VirtualHost *:{port}>\nServerName {DOMAIN}\nSSLEngine on\nSSLCertificateFile {}\n\
         SSLCertificateKeyFile {}\n{more}</VirtualHost>\n",
        site.leaf.certificate.display(),
        site.leaf.key.display()
    )
}

#[track_caller]
fn codes_of_check(site: &ApacheSite, status: i32) -> (Vec<String>, Duration) {
    let start = Instant::now();
    let outcome = site.command(&["check", "--json"]).run().expect_code(status);
    let took = start.elapsed();
    let found = outcome.data();
    let mut codes = Vec::new();
    gather(&found, &mut codes);
    (codes, took)
}

/// Every code in a document.
fn gather(value: &serde_json::Value, codes: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(code) if name == "code" => codes.push(code.to_owned()),
                    _ => gather(value, codes),
                }
            }
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| gather(value, codes)),
        _ => {}
    }
}

/// Debian's own settings and a program like its own, which asks through systemd.
#[test]
fn debian_asks_nobody_for_a_pass_phrase() {
    let place = Path::new("/usr/share/apache2");
    if !support::others::is_root() || !support::mounts::isolate() {
        return;
    }
    if !place.exists() {
        return support::skip("no /usr/share/apache2, in whose place another could be put");
    }
    let Some(httpd) = support::apache::Httpd::find() else {
        return;
    };
    support::mounts::lay_memory(place);
    support::others::mode(place, 0o755);
    let mut run = PathBuf::new();
    let site = protected_by(|folder| {
        run = folder.join("was-run");
        let asks = format!(
            "touch {}\nexec /usr/bin/systemd-ask-password --id=apache:$1 --timeout=0 \"Pass-phrase of $1:\"",
            run.display()
        );
        program(&place.join("ask-for-passphrase"), &asks);
        // Not read where it lies, as whoever has the sources may write there.
        let settings = fs::read(files::fixture("debian/ssl.conf")).expect("Debian's settings");
        files::write(&folder.join("ssl.conf"), settings);
        format!(
            "LoadModule mime_module {modules}/mod_mime.so\nTypesConfig /dev/null\n\
             Define APACHE_RUN_DIR {folder}\nInclude {folder}/ssl.conf",
            modules = httpd.modules.display(),
            folder = folder.display(),
        )
    });
    let Some(site) = site else { return };
    let answers = site.answers();
    let (codes, took) = codes_of_check(&site, 12);
    assert!(codes.iter().any(|code| code == "PASSPHRASE-ASKED"), "{codes:?}");
    assert!(!codes.iter().any(|code| code == "OTHERS-WRITE"), "{codes:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    for words in [&["restart"][..], &["restart", "--graceful"]] {
        let refused = site.nothing_stays_of(site.command(words), 4);
        assert!(
            refused.stderr_text().contains("PASSPHRASE-ASKED"),
            "{}",
            refused.report()
        );
    }
    // Once there is nothing to ask for, it is as good as any.
    let open = fs::read(site.folder.path().join("open.key")).expect("the key without a pass-phrase");
    let under = fs::read(&site.leaf.key).expect("the key");
    fs::write(&site.leaf.key, open).expect("the key file");
    codes_of_check(&site, 0);
    fs::write(&site.leaf.key, under).expect("the key file");
    // Without the package.
    fs::remove_file(place.join("ask-for-passphrase")).expect("the program");
    let (codes, _) = codes_of_check(&site, 12);
    assert!(codes.iter().any(|code| code == "PASSPHRASE-DIALOG"), "{codes:?}");
    site.nothing_stays_of(site.command(&["restart"]), 4);
    assert_eq!(site.answers(), answers);
    assert!(!run.exists(), "somebody is asked");
    assert!(!any_process_names("apache:esync.example.com"));
}

#[test]
fn a_program_that_asks_is_known_and_never_run() {
    let slept = format!("98765.{}", std::process::id());
    let ask = |folder: &Path| {
        let ask = folder.join("ask-for-passphrase");
        let run = folder.join("was-run");
        program(&ask, &format!("touch {}\nexec sleep {slept}", run.display()));
        format!("exec:{}", ask.display())
    };
    let Some(site) = protected(ask) else { return };
    let (codes, took) = codes_of_check(&site, 12);
    assert!(codes.iter().any(|code| code == "PASSPHRASE-ASKED"), "{codes:?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    for words in [&["restart"][..], &["restart", "--graceful"]] {
        let refused = site.nothing_stays_of(site.command(words), 4);
        assert!(
            refused.stderr_text().contains("PASSPHRASE-ASKED"),
            "{}",
            refused.report()
        );
    }
    // Another site is not put into effect through such a restart either.
    let other = site.authority.leaf_without_chain("other", &["other.example.com"]);
    let enable = site.enable_with(
        "other.example.com",
        &other,
        &other,
        &["--restart", "--http", "keep"],
    );
    site.nothing_stays_of(enable, 4);
    assert!(!site.folder.path().join("was-run").exists());
    assert!(!any_process_names(&slept));
}

#[test]
fn a_program_that_hangs_is_waited_for_once_and_ended() {
    let slept = format!("87654.{}", std::process::id());
    let hang = |folder: &Path| {
        let own = folder.join("phrase.sh");
        program(&own, &format!("sleep {slept}\necho secret"));
        format!("exec:{}", own.display())
    };
    let Some(site) = protected(hang) else { return };
    let (codes, took) = codes_of_check(&site, 12);
    assert!(codes.iter().any(|code| code == "PASSPHRASE-DIALOG"), "{codes:?}");
    // Five seconds for both virtual hosts together; the rest is for a machine that is busy.
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(waited_for(|| !any_process_names(&slept)));
    site.nothing_stays_of(site.command(&["restart"]), 4);
    assert!(waited_for(|| !any_process_names(&slept)));
}

#[test]
fn a_program_that_knows_the_pass_phrase_is_good() {
    let knows = |folder: &Path| {
        let own = folder.join("phrase.sh");
        program(
            &own,
            &format!("touch {}\necho secret", folder.join("was-run").display()),
        );
        format!("exec:{}", own.display())
    };
    let Some(site) = protected(knows) else { return };
    let (codes, _) = codes_of_check(&site, 0);
    assert!(
        !codes.iter().any(|code| code.starts_with("PASSPHRASE")),
        "{codes:?}"
    );
    assert!(site.folder.path().join("was-run").exists());
    site.command(&["restart"]).run().expect_code(0);
    assert!(site.daemon.runs());

    // One that others may change is not run by us.
    let own = site.folder.path().join("phrase.sh");
    fs::remove_file(site.folder.path().join("was-run")).expect("the mark");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o757)).expect("its mode");
    let named = format!("{} may be written by everybody, mode 0757", own.display());
    let (codes, _) = codes_of_check(&site, 0);
    assert!(codes.iter().any(|code| code == "OTHERS-WRITE"), "{codes:?}");
    let other = site.authority.leaf_without_chain("other", &["other.example.com"]);
    let enable = ["--no-test", "--restart", "--http", "keep"];
    for program in [
        site.command(&["restart"]),
        site.command(&["restart", "--force", "OTHERS-WRITE"]),
        site.enable_with("other.example.com", &other, &other, &enable),
    ] {
        let refused = site.nothing_stays_of(program, 4);
        assert!(refused.stderr_text().contains(&named), "{}", refused.report());
    }
    assert!(!site.folder.path().join("was-run").exists());
    // Where no key needs it, nobody runs it.
    let open = fs::read(site.folder.path().join("open.key")).expect("the key without a pass-phrase");
    fs::write(&site.leaf.key, open).expect("the key file");
    site.command(&["restart"]).run().expect_code(0);
    assert!(!site.folder.path().join("was-run").exists());
}

/// What ends the first server that it meets, and lets the next live.
#[test]
fn one_that_comes_up_the_second_time_is_told() {
    let Some(site) = ApacheSite::new("CustomLog \"|FOLDER/killer\" common\n") else {
        return;
    };
    let met = site.folder.path().join("met");
    let killer = format!(
        "if [ ! -e {met} ]; then sleep 1; touch {met}; kill $PPID; fi\nexec cat >/dev/null",
        met = met.display()
    );
    program(&site.folder.path().join("killer"), &killer);
    let up = site.command(&["restart"]).run().expect_code(0);
    assert!(
        up.stderr_text().contains("warning:") && up.stderr_text().contains("started again"),
        "{}",
        up.report()
    );
    assert!(site.daemon.runs());
}

#[test]
fn a_restart_that_fails_says_what_is_the_case() {
    let Some(site) = ApacheSite::new("CustomLog \"|FOLDER/killer\" common\n") else {
        return;
    };
    program(&site.folder.path().join("killer"), "exec cat >/dev/null");
    site.daemon.start();
    // Two changes, the first of which was seen to be served.
    site.enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    let other = site.authority.leaf_without_chain("other", &["other.example.com"]);
    site.enable_with("other.example.com", &other, &other, &["--http", "keep"])
        .run()
        .expect_code(0);
    let newest = fs::read_dir(site.root().join("conf/esync-ssl-backup"))
        .expect("the backups")
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with("-2"))
        .max()
        .expect("a second backup");
    let before = site.files();
    program(&site.folder.path().join("killer"), "sleep 1\nkill $PPID");
    let failed = site.command(&["restart"]).run().expect_code(11);
    let said = failed.stderr_text();
    assert!(
        said.contains("nothing to put back") && said.contains("is stopped"),
        "{}",
        failed.report()
    );
    assert!(!said.contains("verything is as it was"), "{}", failed.report());
    assert!(
        said.contains(&format!("esync-ssl restore {newest} --restart")),
        "{}",
        failed.report()
    );
    assert_eq!(site.files(), before);
}

/// Interrupted, a restart of its own leaves a server that runs.
#[test]
fn a_signal_in_a_restart_leaves_a_server_that_runs() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let (before, answers) = (site.files(), site.answers());
    for (signal, after) in [
        (Signal::SIGINT, 0),
        (Signal::SIGTERM, 100),
        (Signal::SIGHUP, 400),
        (Signal::SIGINT, 1000),
    ] {
        let said = site.folder.path().join("said");
        let mut child = site
            .command(&["restart"])
            .into_command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&said).expect("a file"))
            .spawn()
            .expect("a child");
        let said = || fs::read_to_string(&said).expect("what it said");
        assert!(waited_for(|| said().contains("Restarting")), "{}", said());
        std::thread::sleep(Duration::from_millis(after));
        send(&child, signal);
        assert_eq!(
            child.wait().expect("its end").code(),
            Some(10),
            "{signal}: {}",
            said()
        );
        assert!(!said().contains("verything is as it was"), "{}", said());
        site.daemon.wait(|| site.answers() == answers);
        assert!(site.daemon.runs(), "{signal}: {}", said());
        assert_eq!((site.files(), site.answers()), (before.clone(), answers.clone()));
    }
}

/// A rehearsal that fails in any way is a reason not to restart.
#[test]
fn a_rehearsal_that_only_breaks_clients_refuses_a_restart() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    site.enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    let second = second_host(&site, "SSLProtocol TLSv1.2\nSSLCipherSuite AES128-SHA\n");
    files::write(&main, format!("{text}\n{second}"));
    let refused = site.command(&["restart"]).run().expect_code(4);
    assert!(
        refused.stderr_text().contains("REHEARSAL-FAILED"),
        "{}",
        refused.report()
    );
    let other = site.authority.leaf_without_chain("other", &["other.example.com"]);
    let enable = ["--restart", "--http", "keep"];
    let refused = site.nothing_stays_of(site.enable_with("other.example.com", &other, &other, &enable), 4);
    assert!(
        refused.stderr_text().contains("REHEARSAL-FAILED"),
        "{}",
        refused.report()
    );
    assert!(site.daemon.runs());
    assert_eq!(site.answers()[1], "200 None hello");
}

/// While a pass-phrase is typed the terminal shows nothing, and Ctrl-C is a letter like others.
#[test]
fn the_terminal_is_as_it_was_after_a_prompt_for_a_pass_phrase() {
    use nix::sys::termios::{LocalFlags, tcgetattr};
    use std::io::Read;
    let folder = files::folder();
    let key = folder.path().join("enc.key");
    let made = Command::new("openssl")
        .args([
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-aes256", "-pass", "pass:secret", "-out"])
        .arg(&key)
        .status();
    assert!(made.expect("openssl").success());
    for end in [
        Some(Signal::SIGTERM),
        Some(Signal::SIGINT),
        Some(Signal::SIGHUP),
        None,
    ] {
        let terminal = nix::pty::openpty(None, None).expect("a terminal");
        let side = || Stdio::from(terminal.slave.try_clone().expect("a second handle"));
        let mut child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_esync-ssl"), "cert", "decrypt-key"])
            .args([&key, &folder.path().join("plain.key")])
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .expect("a child");
        let mut typed = fs::File::from(terminal.master);
        let is_shown = |typed: &fs::File| {
            let wanted = LocalFlags::ECHO | LocalFlags::ICANON | LocalFlags::ISIG;
            let settings = tcgetattr(typed).expect("its settings");
            settings.local_flags.contains(wanted)
        };
        let mut all = Vec::new();
        let mut some = [0; 1000];
        while !String::from_utf8_lossy(&all).contains("Pass-phrase of") {
            let count = typed.read(&mut some).expect("a question");
            all.extend(&some[..count]);
        }
        assert!(waited_for(|| !is_shown(&typed)), "{end:?}");
        match end {
            Some(signal) => send(&child, signal),
            None => typed.write_all(&[3]).expect("Ctrl-C"),
        }
        assert_eq!(end_of(&mut child).code(), Some(10), "{end:?}");
        assert!(is_shown(&typed), "{end:?}");
        assert!(!folder.path().join("plain.key").exists());
    }
}

/// The output is locked by what nobody takes.
#[test]
fn a_reader_that_stopped_does_not_keep_us() {
    let site = support::site::Site::new();
    let host = "<VirtualHost *:80>\nServerName a.example.com\nDocumentRoot /srv/www/htdocs\n</VirtualHost>\n";
    files::write(&site.main(), format!("Listen 80\n{}", host.repeat(3000)));
    for command in ["dump", "status"] {
        for signal in [Signal::SIGTERM, Signal::SIGINT] {
            let mut child = site
                .run(&[command, "--json"])
                .into_command()
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("a child");
            let mut first = [0; 10];
            let mut out = child.stdout.take().expect("its answer");
            std::io::Read::read_exact(&mut out, &mut first).expect("the beginning of the answer");
            send(&child, signal);
            assert_eq!(end_of(&mut child).code(), Some(10), "{command} {signal}");
            // No second document follows the half of one.
            let mut rest = String::new();
            std::io::Read::read_to_string(&mut out, &mut rest).expect("what was written");
            assert!(!rest.contains("interrupted; nothing"), "{command} {signal}");
        }
    }
}

/// A run that writes and is not read: it holds the lock, and gives it back when it is to end.
#[test]
fn a_reader_that_stopped_does_not_keep_a_run_that_writes() {
    let site = support::site::Site::new();
    let before = site.snapshot();
    // More than a pipe holds.
    let aliases = (0..4000).flat_map(|n| ["--alias".to_owned(), format!("host{n}.machines.example.com")]);
    let mut child = site
        .run(&[
            "enable",
            "--yes",
            "--self-signed",
            "--domain",
            "a.example.com",
            "--http",
            "keep",
        ])
        .args(aliases)
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let lock = site.root().join(support::site::BACKUPS).join("lock");
    assert!(waited_for(|| lock.exists()));
    std::thread::sleep(Duration::from_secs(2));
    assert!(
        child.try_wait().expect("its state").is_none(),
        "it waits for its reader"
    );
    send(&child, Signal::SIGTERM);
    assert_eq!(end_of(&mut child).code(), Some(10));
    assert_eq!(site.snapshot(), before);
    site.self_signed().run().expect_code(0);
}
