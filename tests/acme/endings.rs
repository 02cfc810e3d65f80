//! How `enable --acme` begins and ends beside others: interrupted while the authority looks, two at once, at a terminal, with
//! a clock that is wrong; before a CA of our own that waits where it is told to, and a real Apache.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use time::format_description::well_known::Rfc2822;
use time::{Duration as Span, OffsetDateTime};

use crate::served::{World, YES, end_of};
use crate::support::client::listens;
use crate::support::mounts;
use crate::support::process::start;
use crate::support::scripted_ca::Reply;
use crate::support::terminal::Terminal;

impl World {
    /// The files of the server itself.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.site.files().into_iter();
        files
            .filter(|(name, _)| !name.starts_with("conf/esync-ssl-"))
            .collect()
    }

    fn answers_left(&self) -> usize {
        let folder = self.site.root().join("conf/esync-ssl-acme/answers");
        fs::read_dir(folder).into_iter().flatten().count()
    }
}

fn interrupt(child: &Child) {
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("told");
}

/// Whoever answers, nothing is left of it, and the same command once more is the first one's end.
#[test]
fn ctrl_c_while_the_authority_looks_leaves_nothing() {
    for has_both in [false, true] {
        let Some(world) = World::start(has_both) else {
            return;
        };
        let (files, answers) = (world.files(), world.site.answers());
        let mut child = world.waiting(&YES);
        if has_both {
            assert_eq!(world.answers_left(), 1);
        } else {
            assert!(listens(world.site.network.https));
        }
        interrupt(&child);
        assert_eq!(end_of(&mut child).code(), Some(10), "{}", world.said());
        assert!(world.said().contains("interrupted"), "{}", world.said());
        assert_eq!(world.files(), files);
        assert_eq!(world.site.answers(), answers);
        assert_eq!(world.answers_left(), 0);
        world.ca.prove();
        world.run(&YES, 0);
        assert_eq!((world.ca.made(), world.ca.count("/order")), (1, 1));
    }
}

/// The second says who is at work, or waits for its end; a trial as well, as it answers too.
#[test]
fn two_at_once_order_one_after_the_other() {
    let Some(world) = World::start(false) else { return };
    let mut first = world.waiting(&YES);
    for words in [&YES[..], &["--rehearse", "--agree-terms"]] {
        let told = world
            .run(&[words, &["--lock-timeout", "0"]].concat(), 9)
            .stderr_text();
        assert!(
            told.contains(&format!("process {}", first.id())) && told.contains("enable"),
            "{told}"
        );
    }
    let mut command = world
        .command(&[&YES[..], &["--lock-timeout", "60"]].concat())
        .into_command();
    let mut second = start(command.stdout(Stdio::null()).stderr(Stdio::piped())).expect("a child");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(second.try_wait().expect("its state"), None);
    world.ca.prove();
    assert_eq!(end_of(&mut first).code(), Some(0), "{}", world.said());
    assert_eq!(end_of(&mut second).code(), Some(0));
    let mut said = String::new();
    second
        .stderr
        .take()
        .expect("its words")
        .read_to_string(&mut said)
        .expect("text");
    assert!(said.contains("Waiting for another run of esync-ssl"), "{said}");
    assert_eq!(world.ca.made(), 1);
}

/// Nothing is ordered: the certificate would be judged by that clock.
#[test]
fn a_clock_that_is_wrong_is_told_before_the_order() {
    let Some(world) = World::start(false) else { return };
    let at = |ahead: Span| {
        let date = (OffsetDateTime::now_utc() + ahead)
            .format(&Rfc2822)
            .expect("a date");
        let directory = world.ca.state().directory.clone();
        world.ca.always(
            "/dir",
            Reply::json(200, &directory).with("Date", &date.replace("+0000", "GMT")),
        );
    };
    for (ahead, words) in [
        (Span::hours(3), "minutes behind that of"),
        (-Span::hours(3), "minutes ahead of that of"),
    ] {
        at(ahead);
        let told = world.run(&YES, 4).stderr_text();
        assert!(
            told.contains(words) && told.contains("correct the clock"),
            "{told}"
        );
        let told = world.run(&[&YES[..], &["--json"]].concat(), 4);
        assert_eq!(
            told.envelope()["error"]["code"],
            "CLOCK-WRONG",
            "{}",
            told.report()
        );
        assert_eq!(world.ca.count("/order") + world.ca.count("/account"), 0);
    }
    // Less is told, and does no harm.
    at(Span::minutes(-10));
    let told = world.run(&YES, 0).stderr_text();
    assert!(told.contains("minutes ahead of that of"), "{told}");
    assert_eq!(world.ca.made(), 1);
}

/// Answers questions at a terminal, in their order.
fn session(world: &World, answers: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = world.command(&["--restart"]).into_command();
    command.env("TERM", "dumb").env("NO_COLOR", "1");
    let mut at = Terminal::start(command);
    let (mut said, mut from) = (String::new(), 0);
    for (question, answer) in answers {
        while !said[from..].replace(['\r', '\n'], "").contains(question) {
            let bytes = at.shown.recv_timeout(Duration::from_secs(60));
            said.push_str(&String::from_utf8_lossy(
                &bytes.unwrap_or_else(|_| panic!("no {question}: {said}")),
            ));
        }
        from = said.len();
        at.typed.write_all(answer.as_bytes()).expect("an answer");
    }
    let code = end_of(&mut at.child).code();
    while let Ok(bytes) = at.shown.recv_timeout(Duration::from_secs(1)) {
        said.push_str(&String::from_utf8_lossy(&bytes));
    }
    (code, said)
}

/// The files of cron.
pub fn in_cron() -> Vec<String> {
    let files = fs::read_dir(mounts::CRON).expect("the folder of cron");
    files
        .map(|file| fs::read_to_string(file.expect("a file").path()).expect("its lines"))
        .collect()
}

#[test]
fn the_terms_are_asked_for_at_a_terminal_and_renewal_is_offered() {
    let Some(world) = mounts::with_cron().then(|| World::start(false)).flatten() else {
        return;
    };
    let (code, said) = session(&world, &[("Do you agree to the terms", "n\n")]);
    assert_eq!(code, Some(13), "{said}");
    assert!(
        said.contains("/terms") && world.ca.count("/account") == 0,
        "{said}"
    );
    let (code, said) = session(
        &world,
        &[
            ("Do you agree to the terms", "y\n"),
            ("Apply these changes?", "y\n"),
            ("Schedule renewal?", "n\n"),
        ],
    );
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("Do you agree").count(), 1, "{said}");
    assert!(said.contains("renewal is not scheduled;"), "{said}");
    assert_eq!((world.ca.made(), in_cron()), (1, vec![]));
}

/// Unattended it is a word of the command, and what keeps it from being done is known before the order.
#[test]
fn renewal_is_scheduled_with_the_order() {
    let Some(world) = mounts::with_cron().then(|| World::start(false)).flatten() else {
        return;
    };
    let scheduled = [&YES[..], &["--schedule", "--json"]].concat();
    mounts::lay_folder("/etc");
    let told = world.run(&scheduled, 4);
    assert_eq!(
        told.envelope()["error"]["code"],
        "NO-SCHEDULER",
        "{}",
        told.report()
    );
    assert_eq!(world.ca.count("/order") + world.ca.count("/account"), 0);
    nix::mount::umount("/etc").expect("it is there again");
    let told = world.run(&scheduled, 0);
    assert_eq!(told.envelope()["result"], "written", "{}", told.report());
    let [line] = &in_cron()[..] else {
        panic!("{:?}", in_cron())
    };
    assert!(line.contains(" renew --scheduled --root "), "{line}");
    // There already, it stays.
    let told = world.run(&scheduled, 0);
    assert_eq!(told.envelope()["result"], "unchanged", "{}", told.report());
    // What was asked for and is not done is told beside what is.
    let file = fs::read_dir(mounts::CRON)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    fs::write(&file, line.clone() + "# mine\n").unwrap();
    let told = world.run(&scheduled, 4);
    assert_eq!(
        told.envelope()["error"]["code"],
        "SCHEDULE-EDITED",
        "{}",
        told.report()
    );
    assert_eq!(world.ca.made(), 1);
}

/// The first lines of the README and of docs/acme.md with an authority, as they stand there but for the authority.
#[test]
fn the_lines_of_the_manual_turn_https_on() {
    if !mounts::with_cron() {
        return;
    }
    for page in ["README.md", "docs/acme.md"] {
        let text =
            fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).expect(page);
        let line = text.lines().find_map(|line| {
            let line = line.strip_prefix("    esync-ssl ")?;
            line.contains(" --acme ").then_some(line)
        });
        let line = line.unwrap_or_else(|| panic!("{page} has none"));
        let Some(world) = World::start(false) else { return };
        // At a terminal somebody is asked.
        let yes = (!line.contains(" --yes")).then_some("--yes");
        let words: Vec<&str> = line.split(' ').chain(yes).collect();
        let told = world.asking(&words).run().expect_code(0);
        assert_eq!(world.ca.made(), 1, "{page}: {}", told.report());
        assert!(listens(world.site.network.https), "{page}: {}", told.report());
        let is_scheduled = usize::from(line.contains(" --schedule"));
        assert_eq!(in_cron().len(), is_scheduled, "{page}: {}", told.report());
        for file in fs::read_dir(mounts::CRON).expect("the folder of cron") {
            fs::remove_file(file.expect("a file").path()).expect("it is gone");
        }
    }
}

/// What doctor finds of a certificate that nobody renews, and does about it.
#[test]
fn doctor_schedules_renewal() {
    let Some(world) = mounts::with_cron().then(|| World::start(false)).flatten() else {
        return;
    };
    world.run(&YES, 0);
    let ca = world.site.folder.path().join("ca.pem").display().to_string();
    let doctor = |words: &[&str]| {
        let command = [&["doctor", "--ca", &ca, "--json"], words].concat();
        let outcome = world.site.command(&command).run();
        assert!(matches!(outcome.code, Some(0 | 12)), "{}", outcome.report());
        outcome.data()
    };
    let has_cause = |report: &serde_json::Value| {
        let causes = report["causes"].as_array().expect("causes");
        causes
            .iter()
            .any(|cause| cause["code"] == "RENEWAL-NOT-SCHEDULED")
    };
    let report = doctor(&[]);
    assert!(has_cause(&report) && in_cron().is_empty(), "{report:#}");
    let report = doctor(&["--fix", "--yes"]);
    let fixes = report["fixes"].as_array().expect("fixes");
    let done = fixes.iter().find(|fixed| fixed["remedy"] == "schedule");
    assert_eq!(
        done.map(|fixed| &fixed["result"]),
        Some(&"done".into()),
        "{report:#}"
    );
    assert!(!has_cause(&report), "{report:#}");
    let [line] = &in_cron()[..] else {
        panic!("{:?}", in_cron())
    };
    assert!(line.contains(" renew --scheduled --root "), "{line}");
    let report = doctor(&["--fix", "--yes"]);
    assert_eq!(report["fixes"], serde_json::json!([]), "{report:#}");
}

#[test]
fn who_wants_it_quiet_hears_nothing() {
    let Some(world) = World::start(true) else { return };
    let told = world.run(&[&YES[..], &["--quiet"]].concat(), 0);
    assert_eq!(told.stderr_text(), "", "{}", told.report());
    assert_eq!(world.ca.made(), 1);
}
