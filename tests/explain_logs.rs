//! What stands in logs of two generations of Apache, and the finding that explains it, without any file to look at.

mod support;

use esync_ssl::check::log::groups;
use esync_ssl::server::error_log::{last_attempt, parse};

/// Each log of the fixture with the word of its finding.
fn cases(name: &str) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(support::files::fixture(&format!("logs/{name}"))).expect("a fixture");
    let sections = text.split("\n=== ").skip(1);
    sections
        .map(|section| {
            let (head, log) = section.split_once('\n').expect("a head and a log");
            let (id, code) = head.split_once(' ').expect("an id and a code");
            (id.to_string(), code.trim().to_string(), log.to_string())
        })
        .collect()
}

/// The findings, the worst first, otherwise in the order of the log.
fn explained(log: &str) -> Vec<String> {
    let entries = parse(log.as_bytes(), 0);
    let (entries, _) = last_attempt(&entries);
    let groups = groups(entries);
    let mut found: Vec<_> = groups.iter().filter_map(|group| group.explain()).collect();
    found.sort_by_key(|finding| finding.severity);
    found.iter().map(|finding| finding.code.to_string()).collect()
}

fn all_are_explained(name: &str) {
    let cases = cases(name);
    assert!(cases.len() > 30, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(id, code, log)| {
            let found = explained(log);
            // A missing ServerName is told beside what follows from it.
            let right = found.first() == Some(code) || id == "V31" && found.contains(code);
            (!right).then(|| format!("{id}: {code} expected, {found:?}\n{log}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
fn logs_of_today() {
    all_are_explained("current.txt");
}

#[test]
fn logs_of_2014() {
    all_are_explained("of_2014.txt");
}
