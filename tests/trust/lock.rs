//! Runs at once, one after the other in their turn: nothing is lost, whoever waits gets its turn, and what is written was
//! planned on what is there. And what a killed run left half done is told before anything else, and undone in previews.

use std::fs;
use std::time::Duration;

use crate::support;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{BACKUPS, DOMAIN, Site};
use esync_ssl::apply::{Content, Holder, Lock, NameChange, Store, Transaction};
use serde_json::Value;

/// As long as a run may wait for its turn and take for itself; a loaded machine needs a part of it.
const LONG: Duration = Duration::from_secs(300);

/// The program in a world in which it is killed; not a test of its own.
#[test]
fn child() {
    support::faulty::child();
}

fn json(outcome: &Outcome) -> Value {
    outcome.data()
}

/// Several runs at once on one server root.
fn at_once(site: &Site, runs: &[Vec<String>]) -> Vec<Outcome> {
    let root = site.root();
    let started = |arguments: &Vec<String>| {
        let program = esync_ssl().args(arguments).arg("--root").arg(&root);
        program.args(["--lock-timeout", "300"]).limit(LONG)
    };
    std::thread::scope(|scope| {
        let runs: Vec<_> = runs
            .iter()
            .map(started)
            .map(|program| scope.spawn(|| program.run()))
            .collect();
        runs.into_iter().map(|run| run.join().expect("a run")).collect()
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn enable(domain: &str) -> Vec<String> {
    words(&format!(
        "enable --yes --self-signed --http keep --domain {domain}"
    ))
}

/// The names that virtual hosts answer over TLS, with nothing amiss.
fn served(site: &Site) -> Vec<String> {
    let status = json(&site.run(&["status", "--json"]).run().expect_code(0));
    let hosts = status["virtual_hosts"].as_array().expect("virtual hosts");
    let good = hosts.iter().filter(|host| {
        host["tls"] == true
            && host["truth"] == "active"
            && host["remark"].is_null()
            && host["certificate"].is_string()
    });
    let names = good.filter_map(|host| Some(host["server_name"].as_str()?.to_owned()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Nothing is left of the runs but their backups.
fn assert_tidy(site: &Site) {
    for entry in fs::read_dir(site.root().join(BACKUPS))
        .expect("the backups")
        .flatten()
    {
        let name = entry.file_name().into_string().expect("a name");
        let is_backup = entry.path().join("manifest.json").is_file();
        assert!(is_backup || name == "lock", "{name}");
    }
}

#[test]
fn a_hundred_runs_that_wait_are_all_done() {
    let site = Site::new();
    let domains: Vec<String> = (100..200).map(|n| format!("host{n}.example.com")).collect();
    let runs: Vec<Vec<String>> = domains.iter().map(|domain| enable(domain)).collect();
    for outcome in at_once(&site, &runs) {
        outcome.expect_code(0);
    }
    assert_eq!(served(&site), domains);
    for domain in &domains {
        for end in ["crt", "key"] {
            assert!(
                site.root().join(format!("conf/ssl/{domain}.{end}")).is_file(),
                "{domain}"
            );
        }
    }
    assert_tidy(&site);
}

#[test]
fn each_of_different_runs_at_once_follows_on_another() {
    let site = Site::new();
    for domain in ["a.example.com", "b.example.com", "c.example.com"] {
        site.run(&[]).args(enable(domain)).run().expect_code(0);
    }
    let mut runs: Vec<Vec<String>> = (0..6).map(|n| enable(&format!("host{n}.example.com"))).collect();
    runs.extend(["a", "b", "c"].map(|name| words(&format!("disable --yes --domain {name}.example.com"))));
    runs.extend((0..4).map(|_| words("restore --yes")));
    for outcome in at_once(&site, &runs) {
        outcome.expect_code(0);
    }
    // What each found there is what the one before had left: none overwrote what it had not seen.
    let store = site.store();
    let mut now = None;
    for backup in store.backups().expect("the backups") {
        for entry in &backup.manifest.entries {
            if entry.path.path() != site.main() {
                continue;
            }
            let content = |state| match backup.content(state) {
                Some(Content::File(bytes)) => bytes.to_vec(),
                _ => panic!("a copy of {}", backup.id),
            };
            let before = content(&entry.before);
            assert!(
                now.is_none_or(|now| now == before),
                "{} came on something else",
                backup.id
            );
            now = Some(content(&entry.after));
        }
    }
    assert_eq!(now, fs::read(site.main()).ok());
    // Each virtual host is whole.
    let text = site.text();
    let count = |word: &str| text.matches(word).count();
    assert_eq!(count("SSLEngine on"), served(&site).len(), "{text}");
    assert_eq!(count("SSLCertificateFile"), served(&site).len(), "{text}");
    site.run(&["lint"]).run().expect_code(0);
    assert_tidy(&site);
}

/// On a server root where no run has ever written, too.
#[test]
fn of_runs_for_one_name_one_writes_and_the_others_find_it_done() {
    for _ in 0..3 {
        let site = Site::new();
        let runs = vec![enable(DOMAIN); 12];
        let outcomes = at_once(&site, &runs);
        let mut written = 0;
        for outcome in outcomes {
            let outcome = outcome.expect_code(0);
            let said = outcome.stdout_text();
            assert_eq!(
                said.matches("Written:").count() + said.matches("Nothing needs").count(),
                1,
                "{said}"
            );
            written += said.matches("Written:").count();
            // What was planned in vain is not shown.
            assert!(said.matches("Changes:").count() <= 1, "{said}");
        }
        assert_eq!(written, 1);
        assert_eq!(served(&site), [DOMAIN]);
    }
}

/// Who does not wait is told to try again, and of nothing else.
#[test]
fn runs_that_do_not_wait_are_done_or_try_again() {
    let site = Site::new();
    let mut left: Vec<String> = (100..130).map(|n| format!("host{n}.example.com")).collect();
    let all = left.clone();
    for _ in 0..100 {
        let codes: Vec<(String, Option<i32>)> = std::thread::scope(|scope| {
            let site = &site;
            let run = |domain: &String| {
                let domain = domain.clone();
                move || {
                    let outcome = site.run(&[]).args(enable(&domain)).run();
                    assert!(matches!(outcome.code, Some(0 | 9 | 15)), "{}", outcome.report());
                    (domain, outcome.code)
                }
            };
            let runs: Vec<_> = left.iter().map(|domain| scope.spawn(run(domain))).collect();
            runs.into_iter().map(|run| run.join().expect("a run")).collect()
        });
        let again = codes.into_iter().filter(|(_, code)| matches!(code, Some(9 | 15)));
        left = again.map(|(domain, _)| domain).collect();
        if left.is_empty() {
            break;
        }
    }
    assert_eq!(served(&site), all);
    assert_tidy(&site);
}

/// A look takes no lock and waits for none; a dry run takes none either, and says that there is one.
#[test]
fn who_only_looks_waits_for_nobody() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let store = site.store();
    let held = lock(&store);
    let before = site.snapshot();
    for (arguments, status) in [
        (&["disable", "--dry-run"][..], 9),
        (&["restore", "--dry-run"], 9),
        (&["status"], 0),
        (&["backups"], 0),
    ] {
        site.run(arguments).run().expect_code(status);
    }
    assert!(before == site.snapshot());
    drop(held);
}

fn lock(store: &Store) -> Lock {
    let holder = Holder::this("2026-01-02T03:04:05Z".into(), "esync-ssl enable".into());
    store.lock(Duration::ZERO, &holder).expect("the lock")
}

/// Leaves the server root as a run does that is between writing and being sure.
fn half_done(site: &Site, store: &Store, lock: &Lock) {
    let changes = vec![
        NameChange::create(site.root().join("conf/new.conf"), b"# new\n".to_vec()),
        NameChange::replace(site.main(), site.text().into_bytes(), b"Listen 81\n".to_vec()),
    ];
    let transaction = Transaction {
        changes,
        ..Transaction::default()
    };
    let now = time::OffsetDateTime::now_utc();
    drop(transaction.write(store, lock, now).expect("a change"));
}

/// Every command that looks at the configuration or the backups.
const READING: [&[&str]; 11] = [
    &["status"],
    &["check", "--no-rehearsal"],
    &["lint"],
    &["dump"],
    &["ports"],
    &["backups"],
    &["explain"],
    &["verify"],
    &["report", "--dry-run"],
    &["disable", "--dry-run"],
    &["restore", "--dry-run"],
];

#[test]
fn an_interrupted_run_is_told_first() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    fs::create_dir_all(site.root().join("logs")).expect("the logs");
    fs::write(site.root().join("logs/error.log"), "").expect("a log");
    let store = site.store();
    half_done(&site, &store, &lock(&store));
    for arguments in READING {
        let outcome = site.run(arguments).run();
        let said = outcome.stderr_text();
        let first = said
            .lines()
            .find(|line| !line.starts_with("Server root:") && !line.starts_with("Main file:"))
            .unwrap_or_default();
        assert!(first.contains("interrupted"), "{}", outcome.report());
        let remedy = format!("esync-ssl restore --recover --root {}", site.root().display());
        assert!(first.contains(&remedy), "{}", outcome.report());
        assert_eq!(said.matches(&remedy).count(), 1, "{}", outcome.report());
        let outcome = site.run(arguments).arg("--json").run();
        let envelope = outcome.envelope();
        let notes = envelope["notes"].as_array().expect("notes");
        let note = notes
            .iter()
            .find(|note| note["code"] == "RUN-INTERRUPTED")
            .unwrap_or_else(|| panic!("{}", outcome.report()));
        let message = note["message"].as_str().expect("a message");
        assert!(message.contains(&remedy), "{}", outcome.report());
    }
    site.run(&["restore", "--recover"]).run().expect_code(0);
    for arguments in READING {
        let outcome = site.run(arguments).run();
        assert!(
            !outcome.stderr_text().contains("interrupted"),
            "{}",
            outcome.report()
        );
    }
}

#[test]
fn a_run_that_is_still_at_work_was_not_interrupted() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let store = site.store();
    let lock = lock(&store);
    half_done(&site, &store, &lock);
    for arguments in READING {
        let outcome = site.run(arguments).run();
        let said = outcome.stderr_text();
        let first = said
            .lines()
            .find(|line| !line.starts_with("Server root:") && !line.starts_with("Main file:"))
            .unwrap_or_default();
        let me = format!("process {}", std::process::id());
        // A dry run of what would write is refused as that would be.
        let is_told = |words: &str| first.contains(words);
        let is_refused = outcome.code == Some(9) && is_told("is at work here");
        assert!(
            (is_refused || is_told("is active here")) && first.contains(&me),
            "{}",
            outcome.report()
        );
        assert!(!said.contains("interrupted"), "{}", outcome.report());
    }
    let document = site.run(&["status", "--json"]).run().envelope();
    assert_eq!(document["notes"][0]["code"], "RUN-AT-WORK", "{document}");
    // Who would write waits for it, and undoes it should it die.
    site.enable().run().expect_code(9);
    drop(lock);
    site.enable().run().expect_code(0);
    assert!(!site.root().join("conf/new.conf").exists());
}

/// What is half written is not what a server is to serve.
#[test]
fn a_restart_waits_and_undoes_what_a_killed_run_left() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let before = site.snapshot();
    let store = site.store();
    let held = lock(&store);
    half_done(&site, &store, &held);
    site.run(&["restart"]).run().expect_code(9);
    assert!(site.root().join("conf/new.conf").exists());
    drop(held);
    // There is no httpd here to be restarted.
    let outcome = site.run(&["restart"]).run().expect_code(4);
    assert!(
        outcome.stderr_text().contains("its changes were undone"),
        "{}",
        outcome.report()
    );
    assert_eq!(site.snapshot(), before);
    assert!(store.unfinished().is_none());
}

/// What a preview says that is to be done, without where it was run.
fn previewed(site: &Site, arguments: &[&str]) -> Value {
    let mut document = site.run(arguments).args(["--dry-run", "--json"]).run().envelope();
    assert!(document["error"].is_null(), "{arguments:?}: {document}");
    let is_of_leftovers = |note: &Value| {
        ["RUN-INTERRUPTED", "AS-ONCE-UNDONE"]
            .iter()
            .any(|code| note["code"] == *code)
    };
    let notes = document["notes"].as_array_mut().expect("notes");
    notes.retain(|note| !is_of_leftovers(note));
    let root = site.root().display().to_string();
    let text = document.to_string().replace(&root, "ROOT");
    serde_json::from_str(&text).expect("a document")
}

/// Kills a command at every operation and looks whether previews are what they were; how often there was something to
/// undo.
fn previews_survive(site: &dyn Fn() -> Site, command: &[&str], previews: &[&[&str]]) -> usize {
    let given = |site: &Site| -> Vec<String> {
        let root = site.root().display().to_string();
        let all = command
            .iter()
            .copied()
            .chain(["--yes", "--no-test", "--root", &root]);
        all.map(str::to_owned).collect()
    };
    let counted = site();
    let notes = counted.beside("count");
    assert_eq!(
        support::faulty::run(&given(&counted), "none:0", Some(&notes)),
        Some(0)
    );
    let operations = support::faulty::noted(&notes).len();
    let step = operations.div_ceil(if cfg!(windows) { 6 } else { 8 });
    let mut open = 0;
    for at in (1..=operations).step_by(step) {
        for kind in ["kill-before", "kill-after"] {
            let site = site();
            let before: Vec<Value> = previews.iter().map(|preview| previewed(&site, preview)).collect();
            support::faulty::run(&given(&site), &format!("{kind}:{at}"), None);
            let Some(id) = site.store().unfinished() else {
                continue;
            };
            open += 1;
            for (preview, before) in previews.iter().zip(before) {
                assert_eq!(
                    previewed(&site, preview),
                    before,
                    "{kind}:{at} of {operations}: {preview:?}"
                );
                let outcome = site.run(preview).arg("--dry-run").run();
                let said = outcome.stderr_text();
                assert!(
                    said.lines()
                        .find(|line| { !line.starts_with("Server root:") && !line.starts_with("Main file:") })
                        .is_some_and(|line| line.contains("interrupted")),
                    "{}",
                    outcome.report()
                );
                assert!(said.contains("after that is undone"), "{}", outcome.report());
            }
            // Looking changed nothing.
            assert_eq!(site.store().unfinished(), Some(id));
        }
    }
    open
}

#[test]
fn a_preview_is_against_what_an_undo_leaves() {
    let enabled = || {
        let site = Site::new();
        site.run(&[]).args(enable("a.example.com")).run().expect_code(0);
        site
    };
    let self_signed: &[&str] = &["enable", "--self-signed", "--domain", DOMAIN];
    let disable: &[&str] = &["disable"];
    let restore: &[&str] = &["restore"];
    assert!(previews_survive(&Site::new, self_signed, &[self_signed]) > 2);
    assert!(previews_survive(&enabled, self_signed, &[self_signed, disable, restore]) > 2);
    assert!(previews_survive(&enabled, disable, &[disable, restore, self_signed]) > 2);
    assert!(previews_survive(&enabled, restore, &[disable, restore]) > 2);
}

/// A server that loads modules by links, as Debian's does.
#[cfg(unix)]
fn debian() -> Site {
    let site = Site::new();
    let root = site.root();
    fs::remove_dir_all(root.join("conf")).expect("another layout");
    let put = |name: &str, text: &str| support::files::write(&root.join(name), text);
    put(
        "apache2.conf",
        "Include ports.conf\nIncludeOptional mods-enabled/*.load\nIncludeOptional mods-enabled/*.conf\n\
         <VirtualHost *:80>\nServerName a.example.com\nDocumentRoot /srv\n</VirtualHost>\n",
    );
    put(
        "ports.conf",
        "Listen 80\n<IfModule ssl_module>\nListen 443\n</IfModule>\n",
    );
    put(
        "mods-available/ssl.load",
        "# Depends: setenvif\nLoadModule ssl_module modules/mod_ssl.so\n",
    );
    put("mods-available/ssl.conf", "SSLRandomSeed startup builtin\n");
    put(
        "mods-available/setenvif.load",
        "LoadModule setenvif_module modules/mod_setenvif.so\n",
    );
    put("modules/mod_ssl.so", "");
    put("modules/mod_setenvif.so", "");
    put("mods-enabled/README", "");
    site
}

#[cfg(unix)]
#[test]
fn links_are_previewed_as_well() {
    let enable: &[&str] = &["enable", "--self-signed", "--domain", "a.example.com"];
    let disable: &[&str] = &["disable"];
    let killed = |command: &'static [&'static str], prepare: &dyn Fn(&Site), previews: &[&[&str]]| {
        let mut open = 0;
        for at in (1..80).step_by(3) {
            let site = debian();
            prepare(&site);
            let before: Vec<Value> = previews.iter().map(|preview| previewed(&site, preview)).collect();
            let root = site.root().display().to_string();
            let all = command
                .iter()
                .copied()
                .chain(["--yes", "--no-test", "--root", &root]);
            let all: Vec<String> = all.map(str::to_owned).collect();
            if support::faulty::run(&all, &format!("kill-after:{at}"), None).is_some() {
                break;
            }
            let folder = site.root().join("esync-ssl-backup/unfinished");
            if !folder.exists() {
                continue;
            }
            open += 1;
            for (preview, before) in previews.iter().zip(before) {
                assert_eq!(previewed(&site, preview), before, "{at}: {preview:?}");
            }
        }
        open
    };
    let linked = |site: &Site| {
        site.run(enable).arg("--yes").run().expect_code(0);
        assert!(site.root().join("mods-enabled/ssl.load").is_symlink());
    };
    assert!(killed(enable, &|_| (), &[enable]) > 2);
    assert!(killed(disable, &linked, &[disable, enable]) > 2);
}

#[test]
fn what_cannot_be_undone_is_not_previewed() {
    let site = Site::new();
    let store = site.store();
    half_done(&site, &store, &lock(&store));
    fs::write(site.main(), "Listen 82\n").expect("an edit");
    let before = site.snapshot();
    for arguments in [&["disable", "--dry-run"][..], &["disable"]] {
        let outcome = site.run(arguments).run().expect_code(4);
        let said = outcome.stderr_text();
        assert!(
            said.contains("httpd.conf: it was changed"),
            "{}",
            outcome.report()
        );
        assert!(
            said.contains("--recover") && said.contains("--force"),
            "{}",
            outcome.report()
        );
    }
    assert_eq!(before, site.snapshot());
}

/// Without somebody to ask, nothing is undone either.
#[test]
fn who_may_not_write_undoes_nothing() {
    let site = Site::new();
    let store = site.store();
    half_done(&site, &store, &lock(&store));
    let before = site.snapshot();
    let arguments: Vec<String> = site
        .enable_arguments()
        .into_iter()
        .filter(|word| word != "--yes")
        .collect();
    let outcome = esync_ssl().args(arguments).run().expect_code(14);
    assert!(
        outcome.stderr_text().contains("give --yes"),
        "{}",
        outcome.report()
    );
    assert!(
        outcome.stdout_text().contains("+Listen 443"),
        "{}",
        outcome.report()
    );
    assert_eq!(before, site.snapshot());
}

/// Where no run has written, one that does not write leaves nothing, and one that finds nothing to do.
#[test]
fn nothing_is_made_where_nothing_is_written() {
    let site = Site::new();
    site.run(&["disable", "--yes"]).run().expect_code(0);
    let broken = site.beside("no.crt").display().to_string();
    let key = site.beside("certificates/server.key").display().to_string();
    site.run(&[
        "enable", "--yes", "--domain", DOMAIN, "--cert", &broken, "--key", &key,
    ])
    .run()
    .expect_code(1);
    assert!(!site.root().join(BACKUPS).exists());
}

#[cfg(unix)]
mod unix {
    use std::io::{Read, Write};
    use std::process::Stdio;
    use std::sync::mpsc::RecvTimeoutError;
    use std::time::Instant;

    use super::*;
    use crate::support::site::text;
    use crate::support::terminal::Terminal;

    /// Somebody edits once, in the middle of a run: it plans again on what is there then.
    #[test]
    fn what_is_edited_meanwhile_stays_and_the_run_is_done() {
        let site = Site::new();
        let judge = format!(
            "case $main in *candidate*) [ -e {once} ] || {{ echo '# by hand' >> {main}; touch {once}; }};; esac\nexit 0",
            once = site.beside("once").display(),
            main = site.main().display()
        );
        let httpd = text(&site.stand_in(&judge));
        let outcome = site
            .enable()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(0);
        assert!(
            outcome.stderr_text().contains("planned again"),
            "{}",
            outcome.report()
        );
        let now = site.text();
        assert!(
            now.contains("# by hand\n") && now.contains("SSLEngine on"),
            "{now}"
        );
    }

    /// A run with a person at its terminal.
    struct Session(Terminal);

    impl Session {
        fn start(site: &Site) -> Session {
            let arguments = site.enable_arguments();
            let mut command = support::program::command();
            command.args(arguments.iter().filter(|word| *word != "--yes"));
            command.arg("--in-place").env("NO_COLOR", "1");
            Session(Terminal::start(command))
        }

        /// What is said until the next question, or the end.
        #[track_caller]
        fn read(&mut self) -> String {
            let mut said = String::new();
            while !said.ends_with("[y/N] ") {
                match self.0.shown.recv_timeout(Duration::from_secs(60)) {
                    Ok(bytes) => said.push_str(&String::from_utf8_lossy(&bytes)),
                    Err(RecvTimeoutError::Disconnected) => break,
                    Err(RecvTimeoutError::Timeout) => panic!("nothing more: {said}"),
                }
            }
            said
        }

        fn answer(&mut self, text: &str) {
            self.0.typed.write_all(text.as_bytes()).expect("an answer");
        }

        fn code(mut self) -> Option<i32> {
            self.0.child.wait().expect("its end").code()
        }
    }

    #[test]
    fn who_is_asked_keeps_nobody_out_and_agrees_to_what_is_done() {
        let site = Site::new();
        let mut session = Session::start(&site);
        let first = session.read();
        assert!(first.contains("LoadModule ssl_module"), "{first}");
        // Another run, while the person thinks: it does not wait.
        site.run(&[])
            .args(enable("other.example.com"))
            .run()
            .expect_code(0);
        session.answer("y\n");
        let second = session.read();
        assert!(
            second.contains("meanwhile") && second.contains("Changes:"),
            "{second}"
        );
        assert!(!second.contains("+LoadModule ssl_module"), "{second}");
        assert_eq!(served(&site), ["other.example.com"]);
        session.answer("y\n");
        let third = session.read();
        assert!(
            third.contains("Written:") && !third.contains("Changes:"),
            "{third}"
        );
        assert_eq!(session.code(), Some(0));
        assert_eq!(served(&site), [DOMAIN, "other.example.com"]);
    }

    #[test]
    fn what_was_agreed_to_is_not_asked_twice() {
        let site = Site::new();
        fs::write(site.main().with_file_name("read.conf"), "# read\n").expect("a file");
        fs::write(site.main(), site.text() + "Include conf/read.conf\n").expect("the main file");
        let mut session = Session::start(&site);
        session.read();
        // Read, but nothing of it is in what was shown.
        fs::write(site.main().with_file_name("read.conf"), "# read, and edited\n").expect("an edit");
        session.answer("y\n");
        let rest = session.read();
        assert!(rest.contains("Written:") && !rest.contains("Changes:"), "{rest}");
        assert_eq!(session.code(), Some(0));
    }

    #[test]
    fn no_after_a_change_writes_nothing() {
        let site = Site::new();
        let mut session = Session::start(&site);
        session.read();
        fs::write(site.main(), format!("# by hand\n{}", site.text())).expect("an edit");
        let before = site.snapshot();
        session.answer("y\n");
        session.read();
        session.answer("n\n");
        session.read();
        assert_eq!(session.code(), Some(13));
        assert_eq!(before, site.snapshot());
    }

    /// Waiting takes hardly any time of a processor.
    #[test]
    fn who_waits_sleeps() {
        let site = Site::new();
        let store = site.store();
        let lock = lock(&store);
        let mut waiting = esync_ssl()
            .args(site.enable_arguments())
            .args(["--lock-timeout", "300"])
            .into_command();
        waiting
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut waiting = support::process::start(&mut waiting).expect("a run");
        let mut said = String::new();
        let mut stderr = waiting.stderr.take().expect("its words");
        let mut byte = [0; 1];
        while !said.contains("Waiting") && stderr.read(&mut byte).is_ok_and(|count| count > 0) {
            said.push(char::from(byte[0]));
        }
        let used = || -> u64 {
            let stat = fs::read_to_string(format!("/proc/{}/stat", waiting.id())).unwrap_or_default();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split(' ').collect();
            [12, 13]
                .iter()
                .filter_map(|&at| fields.get(at)?.parse::<u64>().ok())
                .sum()
        };
        if cfg!(target_os = "linux") {
            std::thread::sleep(Duration::from_millis(300));
            let before = used();
            std::thread::sleep(Duration::from_secs(2));
            assert!(used() - before <= 5, "{} ticks in two seconds", used() - before);
        }
        let start = Instant::now();
        drop(lock);
        assert!(waiting.wait().expect("its end").success(), "{said}");
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
