//! How changes are written and put back, as the user meets it: one run at a time, Apache is asked, a killed run is
//! undone, backups are listed and restored, and every exit status from 4 on that says why not.

use std::fs;
use std::time::Duration;

use crate::support;
use crate::support::process::Outcome;
use crate::support::site::{BACKUPS, Site};
use esync_ssl::apply::{Holder, NameChange, Transaction};
use serde_json::Value;

fn holder() -> Holder {
    Holder::this("2026-01-02T03:04:05Z".into(), "esync-ssl enable".into())
}

/// Leaves the server root as a run does that is killed between writing and being sure.
fn killed_run(site: &Site, after: &str) {
    let store = site.store();
    let lock = store.lock(Duration::ZERO, &holder()).expect("the lock");
    let changes = vec![
        NameChange::create(site.root().join("conf/new.conf"), b"# new\n".to_vec()),
        NameChange::replace(site.main(), site.text().into_bytes(), after.as_bytes().to_vec()),
    ];
    let transaction = Transaction {
        changes,
        ..Transaction::default()
    };
    let now = time::OffsetDateTime::now_utc();
    drop(transaction.write(&store, &lock, now).expect("a change"));
}

#[track_caller]
fn json(outcome: &Outcome) -> Value {
    outcome.data()
}

#[test]
fn a_second_run_learns_who_is_at_work_and_may_wait() {
    let site = Site::new();
    let store = site.store();
    let lock = store.lock(Duration::ZERO, &holder()).expect("the lock");
    let before = site.snapshot();
    let outcome = site.enable().run().expect_code(9);
    let said = outcome.stderr_text();
    for part in [
        &std::process::id().to_string(),
        "2026-01-02T03:04:05Z",
        "esync-ssl enable",
    ] {
        assert!(said.contains(part), "{part}: {}", outcome.report());
    }
    assert_eq!(before, site.snapshot());
    let waiting = std::thread::scope(|scope| {
        let run = scope.spawn(|| site.enable().args(["--lock-timeout", "30"]).run());
        std::thread::sleep(Duration::from_millis(300));
        drop(lock);
        run.join().expect("a run")
    });
    waiting.expect_code(0);
}

#[test]
fn a_killed_run_is_undone_by_the_next() {
    let site = Site::new();
    let before = site.snapshot();
    killed_run(&site, "Listen 81\n");
    assert!(site.snapshot() != before);
    let told = site.run(&["backups"]).run().expect_code(0);
    assert!(told.stderr_text().contains("interrupted"), "{}", told.report());
    let outcome = site.run(&["restore", "--recover"]).run().expect_code(0);
    assert_eq!(before, site.snapshot(), "{}", outcome.report());
    site.run(&["restore", "--recover"]).run().expect_code(0);

    killed_run(&site, "Listen 81\n");
    let outcome = site.enable().run().expect_code(0);
    assert!(
        outcome.stderr_text().contains("interrupted"),
        "{}",
        outcome.report()
    );
    assert!(site.text().contains("Listen 443"), "{}", outcome.report());
    assert!(!site.root().join("conf/new.conf").exists());
}

#[test]
fn edits_made_after_a_kill_are_not_lost() {
    let site = Site::new();
    let original = site.text();
    killed_run(&site, "Listen 81\n");
    fs::write(site.main(), "Listen 82\n").expect("an edit");
    for arguments in [&["restore", "--recover"][..], &["restore", "--yes"]] {
        let outcome = site.run(arguments).run().expect_code(7);
        assert!(
            outcome.stderr_text().contains("httpd.conf"),
            "{}",
            outcome.report()
        );
        assert_eq!(site.text(), "Listen 82\n");
    }
    site.run(&["restore", "--recover", "--force", "LEFTOVERS-NOT-UNDOABLE"])
        .run()
        .expect_code(0);
    assert_eq!(site.text(), original);
}

#[test]
fn backups_are_listed_and_restored() {
    let site = Site::new();
    let nothing = site.run(&["backups"]).run().expect_code(0);
    assert!(
        nothing.stdout_text().contains("no backups"),
        "{}",
        nothing.report()
    );
    site.run(&["restore", "--yes"]).run().expect_code(4);
    let before = site.snapshot();
    site.enable().run().expect_code(0);
    let after = site.snapshot();
    let listed = json(&site.run(&["backups", "--json"]).run().expect_code(0));
    let backup = &listed["backups"][0];
    let id = backup["id"].as_str().expect("an id").to_owned();
    assert!(
        backup["command"]
            .as_str()
            .is_some_and(|text| text.contains("enable --yes"))
    );
    assert_eq!(backup["files"].as_array().map(Vec::len), Some(1));
    let told = site.run(&["backups"]).run().expect_code(0).stdout_text();
    assert!(told.contains(&format!("esync-ssl restore {id} --root")), "{told}");
    assert!(
        told.contains("just now, 20") && !told.contains("restore ID"),
        "{told}"
    );
    assert_eq!(backup["changed_since"].as_array().map(Vec::len), Some(0));
    let diff = fs::read_to_string(site.backups()[0].join("change.diff")).expect("a diff");
    assert!(diff.contains("+Listen 443"), "{diff}");

    let shown = site.run(&["restore", "--dry-run"]).run().expect_code(0);
    assert!(shown.stdout_text().contains("-Listen 443"), "{}", shown.report());
    site.run(&["restore"]).run().expect_code(14);
    assert_eq!(after, site.snapshot());
    site.run(&["restore", &id, "--yes"]).run().expect_code(0);
    assert_eq!(before, site.snapshot());
    let again = site.run(&["restore", &id, "--yes"]).run().expect_code(0);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
    // The newest backup is that of the restore itself.
    site.run(&["restore", "--yes"]).run().expect_code(0);
    assert_eq!(after, site.snapshot());
    site.run(&["restore", "20010101T000000Z-99", "--yes"])
        .run()
        .expect_code(4);
}

#[test]
fn a_restore_needs_no_readable_configuration() {
    let site = Site::new();
    let before = site.text();
    site.enable().run().expect_code(0);
    fs::write(site.main(), b"<<<\xff\xfe broken").expect("a broken file");
    site.run(&["restore", "--yes"]).run().expect_code(4);
    site.restore_over(&["--yes"]).run().expect_code(0);
    assert_eq!(site.text(), before);
    site.enable().run().expect_code(0);
    fs::remove_file(site.main()).expect("no main file");
    site.restore_over(&["--yes"]).run().expect_code(0);
    assert_eq!(site.text(), before);
}

#[test]
fn later_edits_are_shown_and_can_be_kept() {
    let site = Site::new();
    let before = site.text();
    site.enable().run().expect_code(0);
    let enabled = site.text();
    fs::write(site.main(), format!("# by hand\n{enabled}")).expect("an edit");
    let outcome = site.run(&["restore", "--yes"]).run().expect_code(4);
    assert!(outcome.stderr_text().contains("--merge"), "{}", outcome.report());
    assert!(
        outcome.stdout_text().contains("-# by hand"),
        "{}",
        outcome.report()
    );
    let listed = site.run(&["backups"]).run().expect_code(0);
    assert!(
        listed.stdout_text().contains("edited since"),
        "{}",
        listed.report()
    );
    site.run(&["restore", "--yes", "--merge"]).run().expect_code(0);
    assert_eq!(site.text(), format!("# by hand\n{before}"));

    // Directly beside our lines: behind the last one, with lines as ours, and before and behind the listener.
    let site = Site::new();
    site.enable().run().expect_code(0);
    let (enabled, section) = (
        site.text(),
        "\n<VirtualHost *:81>\nServerName b\n</VirtualHost>\n",
    );
    let edited = enabled.replace("Listen 443\n", "# before\nListen 443\n# behind\n") + section;
    assert_ne!(edited, enabled.clone() + section, "{enabled}");
    fs::write(site.main(), &edited).expect("an edit");
    site.run(&["restore", "--yes", "--merge"]).run().expect_code(0);
    let expected = before.replace("Listen 80\n", "# before\nListen 80\n# behind\n") + section;
    assert_eq!(site.text(), expected);

    let site = Site::new();
    site.enable().run().expect_code(0);
    fs::write(site.main(), site.text().replace("SSLEngine on", "SSLEngine off")).expect("an edit");
    let outcome = site.run(&["restore", "--yes", "--merge"]).run().expect_code(4);
    assert!(outcome.stderr_text().contains("--force"), "{}", outcome.report());
    site.restore_over(&["--yes"]).run().expect_code(0);
    assert_eq!(site.text(), before);
}

#[test]
fn keys_are_in_no_backup_and_stay() {
    let site = Site::new();
    site.self_signed().run().expect_code(0);
    let key = site.root().join("conf/ssl/esync.example.com.key");
    let bytes = fs::read(&key).expect("the key");
    let outcome = site.run(&["restore", "--yes"]).run().expect_code(0);
    assert!(outcome.stderr_text().contains("stays"), "{}", outcome.report());
    assert_eq!(fs::read(&key).expect("the key"), bytes);
    for (name, content) in support::files::snapshot(&site.root().join(BACKUPS)) {
        let text = String::from_utf8_lossy(&content).into_owned();
        assert!(!text.contains("PRIVATE KEY") && content != bytes, "{name}");
    }
}

#[test]
fn a_damaged_copy_is_not_restored() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let enabled = site.text();
    let copy = site.backups()[0].join("conf").join("httpd.conf");
    fs::write(copy, "damaged").expect("a damaged copy");
    let outcome = site.run(&["restore", "--yes"]).run().expect_code(7);
    assert!(outcome.stderr_text().contains("damaged"), "{}", outcome.report());
    assert_eq!(site.text(), enabled);
}

#[test]
fn of_two_runs_at_once_each_is_done_or_refused() {
    // Two hundred edits, of which none is lost.
    for _ in 0..10 {
        twenty_edits_of_two_runs_at_once();
    }
}

fn twenty_edits_of_two_runs_at_once() {
    let site = Site::new();
    let domains: Vec<String> = (0..20).map(|n| format!("host{n}.example.com")).collect();
    let codes = std::thread::scope(|scope| {
        let run = |half: usize| {
            let (site, domains) = (&site, &domains);
            move || {
                let mut done = Vec::new();
                for domain in domains.iter().skip(half * 10).take(10) {
                    // Again until it is done.
                    for _ in 0..100 {
                        let mut arguments = site.enable_arguments();
                        arguments[3].clone_from(domain);
                        let outcome = support::program::esync_ssl()
                            .args(arguments)
                            .args([
                                "--http",
                                "keep",
                                "--force",
                                "NAME-NOT-COVERED",
                                "--lock-timeout",
                                "1",
                            ])
                            .run();
                        match outcome.code {
                            Some(0) => {
                                done.push(0);
                                break;
                            }
                            Some(9 | 15) => done.push(9),
                            _ => panic!("{}", outcome.report()),
                        }
                    }
                }
                done
            }
        };
        let runs = [scope.spawn(run(0)), scope.spawn(run(1))];
        runs.map(|run| run.join().expect("runs"))
    });
    let text = site.text();
    for domain in &domains {
        let count = text.matches(&format!("ServerName {domain}\n")).count()
            + text.matches(&format!("ServerName {domain}\r\n")).count();
        assert_eq!(count, 1, "{domain} after {codes:?}");
    }
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::support::site::text;

    /// Rejects what listens on 443, as if it did not like our change.
    const DISLIKES: &str = "if grep -q '^Listen 443' \"$main\"; then\n  n=$(grep -n '^Listen 443' \"$main\" | cut -d: -f1)\n  \
                            echo \"AH00526: Syntax error on line $n of $main:\" >&2; exit 1\nfi\nexit 0";

    #[test]
    fn a_module_that_is_built_in_is_not_loaded() {
        let site = Site::new();
        let httpd = text(&site.stand_in_with(&["core.c", "mod_so.c", "mod_ssl.c"], "exit 0"));
        site.enable()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(0);
        let configuration = site.text();
        assert!(configuration.contains("SSLEngine on"), "{configuration}");
        let loads = |line: &str| line.trim_start().starts_with("LoadModule ssl_module");
        assert!(!configuration.lines().any(loads), "{configuration}");
    }

    #[test]
    fn what_apache_dislikes_is_not_written() {
        let site = Site::new();
        let httpd = text(&site.stand_in(DISLIKES));
        let before = support::files::snapshot(&site.root());
        let outcome = site
            .enable()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(4);
        assert_eq!(
            before,
            support::files::snapshot(&site.root()),
            "{}",
            outcome.report()
        );
        let said = outcome.stderr_text();
        // Its own words, about the file that people know, and what stands there.
        let place = format!("of {}:", site.main().display());
        assert!(
            said.contains(&place) && said.contains(": Listen 443"),
            "{}",
            outcome.report()
        );
        assert!(
            said.contains("It accepts the configuration as it is now"),
            "{}",
            outcome.report()
        );
    }

    #[test]
    fn what_apache_dislikes_when_it_is_there_goes_back() {
        let site = Site::new();
        let httpd = text(&site.stand_in(DISLIKES));
        let before = support::files::snapshot(&site.root());
        // The certificate must exist before Apache can be asked.
        let outcome = site
            .self_signed()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(5);
        assert_eq!(
            before,
            support::files::snapshot(&site.root()),
            "{}",
            outcome.report()
        );
        assert!(outcome.stderr_text().contains("AH00526"), "{}", outcome.report());
        let outcome = site
            .self_signed()
            .args(["--no-rehearsal", "--httpd", &httpd, "--no-test"])
            .run()
            .expect_code(0);
        assert!(
            outcome.stderr_text().contains("NOT tested"),
            "{}",
            outcome.report()
        );
    }

    #[test]
    fn what_was_broken_before_is_told_apart() {
        let site = Site::new();
        let httpd = text(&site.stand_in("echo 'AH00526: no' >&2; exit 1"));
        let outcome = site
            .enable()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(4);
        assert!(
            outcome.stderr_text().contains("did not accept it before"),
            "{}",
            outcome.report()
        );
    }

    #[test]
    fn a_warning_is_no_rejection() {
        let site = Site::new();
        let httpd = text(&site.stand_in("echo 'AH00526: Syntax error' >&2; exit 0"));
        site.enable()
            .args(["--no-rehearsal", "--httpd", &httpd])
            .run()
            .expect_code(0);
    }

    #[test]
    fn a_binary_that_does_not_answer_stops_all_but_no_test() {
        let site = Site::new();
        support::files::write(&site.root().join("bin/httpd"), "#!/bin/sh\nexit 3\n");
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(site.root().join("bin/httpd"), mode).expect("its mode");
        let outcome = site.enable().run().expect_code(4);
        assert!(
            outcome.stderr_text().contains("--no-test"),
            "{}",
            outcome.report()
        );
        site.enable().arg("--no-test").run().expect_code(0);
    }

    #[test]
    fn a_change_between_question_of_apache_and_writing_is_noticed() {
        // Of a file that changes, and of one that is only read.
        for name in ["httpd.conf", "read.conf"] {
            let site = Site::new();
            let main = site.text() + "Include conf/read.conf\n";
            fs::write(site.main(), main).expect("the main file");
            let edited = site.main().with_file_name(name);
            fs::write(site.main().with_file_name("read.conf"), "# read\n").expect("another file");
            // The judge itself plays the somebody who edits meanwhile.
            let judge = format!(
                "case $main in *candidate*) echo '# edit' >> {};; esac\nexit 0",
                edited.display()
            );
            let httpd = text(&site.stand_in(&judge));
            let before = site.text();
            let bytes = fs::read_to_string(&edited).expect("the file");
            let refused = site
                .enable()
                .args(["--no-rehearsal", "--httpd", &httpd])
                .run()
                .expect_code(15);
            assert!(refused.stderr_text().contains(name), "{}", refused.report());
            let now = fs::read_to_string(&edited).expect("the file");
            assert_eq!(now.replace("# edit\n", ""), bytes);
            assert_eq!(site.text().replace("# edit\n", ""), before);
        }
    }
}
