//! What stands in logs of two generations of Apache, and the finding that explains it, without any file to look at.

use crate::support;
use crate::support::program::esync_ssl;
use esync_ssl::check::log::groups;
use esync_ssl::server::error_log::parse;
use esync_ssl::server::start_attempt::last_attempt;

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

#[test]
fn a_private_key_given_as_a_log_is_not_shown() {
    let folder = support::files::folder();
    let text = "log\n-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END RSA PRIVATE KEY-----\n";
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("a.key", text.as_bytes().to_vec()),
        ("wide.key", [b"\xff\xfe", &*wide].concat()),
    ] {
        let file = folder.path().join(name);
        support::files::write(&file, bytes);
        for given in [file.to_str().expect("text"), "-"] {
            let mut command = esync_ssl().args(["explain", given]).into_command();
            command.stdin(std::fs::File::open(&file).expect("the file"));
            let outcome = support::process::output(&mut command).expect("its output");
            let said = String::from_utf8_lossy(&[outcome.stdout, outcome.stderr].concat()).into_owned();
            assert_eq!(outcome.status.code(), Some(4), "{said}");
            assert!(said.contains("holds a private key"), "{said}");
            assert!(!said.contains("MIIEvQ"), "{said}");
        }
    }
}
