//! What a change with a restart does to files and server when the service fails, the server dies or the run is killed,
//! at every operation from the first look at the server on: both are the old or both are the new ones.
//!
//! The program runs in a child process of this very test (see [`crate::support::faulty`]); the server is a real Apache.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support;
use crate::support::apache_site::ApacheSite;
use crate::support::faulty::{noted, run};
use crate::support::site::{BACKUPS, text};

const KINDS: [&str; 6] = ["error", "full", "denied", "dies", "kill-before", "kill-after"];

fn enable(site: &ApacheSite, more: &[&str]) -> Vec<String> {
    let port = site.network.https.to_string();
    let root = text(&site.root());
    let binary = text(&site.httpd.binary);
    let (certificate, key) = (text(&site.leaf.certificate), text(&site.leaf.key));
    let named = [
        "enable",
        "--yes",
        "--no-rehearsal",
        "--http",
        "off",
        "--domain",
        support::apache_site::DOMAIN,
        "--port",
        &port,
        "--root",
        &root,
        "--httpd",
        &binary,
        "--cert",
        &certificate,
        "--key",
        &key,
    ];
    named.iter().chain(more).map(|word| (*word).to_owned()).collect()
}

/// The server of a configuration that was not changed, or was.
#[derive(Debug, PartialEq, Eq)]
enum Is {
    Old,
    New,
    /// Between the two, or neither.
    Neither(String),
}

/// Every fault in a run of `enable` with `more`, with the server up or not; how many there were.
fn every_fault(is_running: bool, more: &[&str]) -> Option<usize> {
    let site = || {
        let site = ApacheSite::new("")?;
        if is_running {
            site.daemon.start();
        }
        Some(site)
    };
    let first = site()?;
    let notes = first.folder.path().join("notes");
    let old = first.answers();
    assert_eq!(run(&enable(&first, more), "none:0", Some(&notes)), Some(0));
    let new = first.answers();
    assert_ne!(old, new);
    let operations = noted(&notes);
    drop(first);
    let told = operations
        .iter()
        .position(|one| one != "disk")
        .expect("a look at the server");
    // The waiting in between is one like the other.
    let is_alike = |at: usize| {
        (at.saturating_sub(3)..=at).all(|near| operations.get(near).is_some_and(|one| one == "state"))
            && operations.get(at + 1).is_some_and(|one| one == "state")
    };
    let numbers = (told..operations.len()).filter(|at| !is_alike(*at));
    let all: Vec<(&str, usize)> = numbers
        .flat_map(|at| KINDS.map(|kind| (kind, at)))
        .filter(|(kind, at)| *kind != "dies" || operations[*at] != "disk")
        .collect();
    let next = AtomicUsize::new(0);
    let codes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                // Each site has a network of its own.
                while let Some((kind, at)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let what = format!("{kind} at {} {}", at + 1, operations[*at]);
                    let site = site().expect("a site");
                    let code = one(
                        &site,
                        &enable(&site, more),
                        &format!("{kind}:{}", at + 1),
                        &what,
                        (&old, &new),
                    );
                    *codes.lock().expect("the codes").entry(code).or_insert(0) += 1;
                }
            });
        }
    });
    eprintln!(
        "{} faults: {:?}",
        all.len(),
        codes.into_inner().expect("the codes")
    );
    Some(all.len())
}

type Answers = [String; 2];

/// One fault; how the run ended.
fn one(
    site: &ApacheSite,
    arguments: &[String],
    fault: &str,
    what: &str,
    (old, new): (&Answers, &Answers),
) -> Option<i32> {
    let files = || {
        let all = site.files().into_iter();
        all.filter(|(name, _)| !name.starts_with(BACKUPS))
            .collect::<BTreeMap<_, _>>()
    };
    let before = files();
    let code = run(arguments, fault, None);
    let is = || {
        let (files, answers) = (files(), site.answers());
        if files == before && answers == *old {
            Is::Old
        } else if files != before && answers == *new {
            Is::New
        } else {
            Is::Neither(format!("{answers:?}"))
        }
    };
    let now = is();
    match code {
        Some(0) => assert_eq!(now, Is::New, "{what}"),
        // What is half done the next run undoes.
        None => {
            let mut arguments = vec!["restore", "--recover", "--json"];
            let was_stopped = old[0] == "refused";
            if !was_stopped {
                arguments.push("--restart");
            }
            let recovered = site.command(&arguments).run().expect_code(0);
            let now = is();
            let report = recovered.report();
            if was_stopped && report.contains("\"server_told\": true") {
                // Whether it was stopped on purpose only the administrator knows now.
                assert_eq!(files(), before, "{what}: {report}");
                assert!(report.contains("esync-ssl restart"), "{what}: {report}");
            } else {
                assert!(matches!(now, Is::Old | Is::New), "{what}: {now:?}: {report}");
            }
        }
        // The files are back, and the server needs help.
        Some(7) => {
            assert_eq!(files(), before, "{what}");
            site.command(&["restart"]).run().expect_code(0);
        }
        Some(_) => assert_eq!(now, Is::Old, "{what}: {code:?}"),
    }
    code
}

#[test]
fn a_running_server() {
    let Some(count) = every_fault(true, &["--restart"]) else {
        return;
    };
    eprintln!("{count} faults around the restart of a running server");
}

#[test]
fn a_stopped_server() {
    let Some(count) = every_fault(false, &["--start"]) else {
        return;
    };
    eprintln!("{count} faults around the start of a stopped server");
}
