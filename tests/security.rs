//! SECURITY.md says what is so: every test that it names exists, and its limits are those of the code.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use esync_ssl::foreign;
use esync_ssl::server::deadline;

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
        .filter_map(|code| code.split_once("::"))
        .collect();
    assert!(named.len() > 40, "{}", named.len());
    for (file, name) in named {
        let source = read(&format!("tests/{file}.rs"));
        assert!(source.contains(&format!("fn {name}()")), "{file}::{name}");
    }
}

#[test]
fn the_limits_are_those_of_the_code() {
    let text = read("SECURITY.md");
    let (mib, kib) = (1 << 20, 1 << 10);
    let rows = [
        (
            "one file of the configuration",
            foreign::CONFIGURATION / mib,
            "MiB",
        ),
        (
            "all files of a configuration, each as often as it is read",
            foreign::WHOLE_CONFIGURATION / mib,
            "MiB",
        ),
        ("a certificate, key or archive", foreign::CERTIFICATE / mib, "MiB"),
        (
            "a bundle of trusted certificates",
            foreign::AUTHORITIES / mib,
            "MiB",
        ),
        ("the end of a log", foreign::LOG_TAIL / mib, "MiB"),
        ("the ends of all logs", foreign::LOGS / mib, "MiB"),
        ("a log that is piped in", foreign::PIPED_LOG / mib, "MiB"),
        ("a pass-phrase", foreign::PASS_PHRASE / kib, "KiB"),
        ("`envvars`", foreign::ENVVARS / kib, "KiB"),
        ("a PidFile, a note", foreign::NOTE / kib, "KiB"),
        ("the manifest of a backup", foreign::MANIFEST / mib, "MiB"),
        (
            "one conversation with a server",
            deadline::CONVERSATION.as_secs(),
            "s",
        ),
        (
            "all that may be lost on silent servers in one command",
            deadline::COMMAND.as_secs(),
            "s",
        ),
    ];
    for (what, number, unit) in rows {
        let row = format!("| {what} | {number} {unit} |");
        assert!(text.contains(&row), "{row}");
    }
}
