//! SECURITY.md says what is so: every test that it names exists, and its limits are those of the code.
#![cfg(unix)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use esync_ssl::foreign;
use esync_ssl::operation::renew;
use esync_ssl::operation::telling::{hook, renew_log};
use esync_ssl::server::{binary, child, deadline, rehearsal, service};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_default()
}

#[test]
fn every_test_that_is_named_exists() {
    let text = read("SECURITY.md");
    let named: Vec<(&str, &str)> = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter_map(|code| code.rsplit_once("::"))
        .collect();
    assert!(named.len() > 40, "{}", named.len());
    for (suite, name) in named {
        let source = read(&format!("tests/{}.rs", suite.replace("::", "/")));
        assert!(source.contains(&format!("fn {name}()")), "{suite}::{name}");
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ => format!("{} KiB", bytes >> 10),
    }
}

fn time(patience: Duration) -> String {
    format!("{} s", patience.as_secs())
}

/// How much is read.
fn sizes() -> Vec<(&'static str, String)> {
    let documents = [foreign::DOCUMENT, foreign::DOCUMENTS].map(size).join(", ");
    vec![
        ("one file of the configuration", size(foreign::CONFIGURATION)),
        (
            "all files of a configuration, each as often as it is read",
            size(foreign::WHOLE_CONFIGURATION),
        ),
        ("a `.htaccess`", size(foreign::ACCESS_FILE)),
        ("a certificate, key or archive", size(foreign::CERTIFICATE)),
        ("a bundle of trusted certificates", size(foreign::AUTHORITIES)),
        ("the end of a log", size(foreign::LOG_TAIL)),
        ("the ends of all logs", size(foreign::LOGS)),
        ("a log that is piped in", size(foreign::PIPED_LOG)),
        ("a pass-phrase", size(foreign::PASS_PHRASE)),
        ("an answer file", size(foreign::ANSWERS)),
        ("`envvars`", size(foreign::ENVVARS)),
        ("a PidFile, a note", size(foreign::NOTE)),
        ("a plan", size(foreign::PLAN)),
        ("the manifest of a backup", size(foreign::MANIFEST)),
        ("a change that is shown again", size(foreign::CHANGES)),
        ("one document of `report --fleet`, and all of them", documents),
        ("the command line of a process", size(foreign::COMMAND_LINE)),
        ("the environment of a process", size(foreign::ENVIRONMENT)),
        ("the system's table of connections", size(foreign::PORT_TABLE)),
        ("the answer of a program that we run", size(child::LONGEST)),
    ]
}

/// How long something is waited for, and how often it is tried.
fn times() -> Vec<(&'static str, String)> {
    let rehearsals = [rehearsal::PATIENCE, rehearsal::WITH_DIALOG].map(time).join(", ");
    vec![
        ("one conversation with a server", time(deadline::CONVERSATION)),
        (
            "all that may be lost on silent servers in one command",
            time(deadline::COMMAND),
        ),
        (
            "one answer of a site before and after a restart, and all of them",
            format!("{}, {}", time(deadline::ONE_ANSWER), time(deadline::ALL_ANSWERS)),
        ),
        ("`httpd -v`, `-l`, `-V`", time(binary::PATIENCE)),
        ("`httpd -t`", time(binary::TEST_PATIENCE)),
        (
            "a rehearsal, and one with a program for the pass-phrase",
            rehearsals,
        ),
        (
            "ports that are tried for a rehearsal",
            rehearsal::TRIES.to_string(),
        ),
        ("a service that is to stop or start", time(service::PATIENCE)),
        (
            "a program that makes a record in DNS",
            time(esync_ssl::operation::obtain::DNS_HOOK_PATIENCE),
        ),
        ("a program that is told of failed renewals", time(hook::PATIENCE)),
        (
            "a certificate that is looked for in a file or folder, archives with their pass-phrases included",
            time(renew::SEARCH_PATIENCE),
        ),
        (
            "files that are read for it in a folder, of so many that are listed",
            format!("{}, {}", renew::FILES_READ, renew::FILES_LISTED),
        ),
        (
            "the time for which Apache is stopped while an authority looks",
            time(esync_ssl::operation::obtain::STOPPED_AT_MOST),
        ),
        (
            "`renew.log`, and the one before it",
            format!("{}, {0}", size(renew_log::LONGEST)),
        ),
    ]
}

#[test]
fn the_limits_are_those_of_the_code() {
    let rows = sizes().into_iter().chain(times());
    let rows: Vec<String> = rows
        .map(|(what, limit)| format!("| {what} | {limit} |"))
        .collect();
    let text = read("SECURITY.md");
    let written: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| "))
        .skip(1)
        .collect();
    assert_eq!(written, rows);
}

/// What no test can show: it is a list, and nobody can try what is not there.
const NOT_TESTED: [&str; 1] =
    ["httpd (`-v`, `-l`, `-V`, `-t`, `-X` for a rehearsal, `-k` for a server without a service),"];

/// The sections that promise something.
const PROMISES: [&str; 5] = [
    "What we trust",
    "What we run, and with which environment",
    "What we write, and with which rights",
    "How we stop",
    "What we read, and how long we wait",
];

#[test]
fn every_sentence_names_a_test() {
    let text = read("SECURITY.md");
    let sections = text.split("\n## ").filter_map(|section| section.split_once('\n'));
    let mut promised = Vec::new();
    let mut bare = Vec::new();
    for (title, body) in sections.filter(|(title, _)| PROMISES.contains(title)) {
        promised.push(title);
        bare.extend(
            sentences(body)
                .into_iter()
                .filter(|sentence| !names_a_test(sentence)),
        );
    }
    assert_eq!(promised, PROMISES);
    bare.retain(|sentence| !NOT_TESTED.iter().any(|known| sentence.starts_with(known)));
    assert_eq!(bare, Vec::<String>::new());
}

fn names_a_test(sentence: &str) -> bool {
    let mut code = sentence.split('`').skip(1).step_by(2);
    code.any(|code| code.contains("::"))
}

/// The sentences of a section, each with the tests that are named behind it.
fn sentences(body: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in body.lines().filter(|line| !line.starts_with('|')) {
        for word in line.split_whitespace() {
            if word == "-" {
                found.push(String::new());
                continue;
            }
            let is_test = word.starts_with('`') && word.contains("::");
            let last = found.last().map_or("", String::as_str);
            // A test ends the sentence as a full stop does, and more tests belong to it.
            if found.is_empty() || !is_test && (last.ends_with('.') || last.ends_with('`') && is_over(last)) {
                found.push(String::new());
            }
            let last = found.last_mut().expect("a sentence");
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

/// Does it end with a test behind which no further one is announced?
fn is_over(sentence: &str) -> bool {
    sentence
        .rsplit(' ')
        .next()
        .is_some_and(|word| word.contains("::"))
}
