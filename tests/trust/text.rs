//! Text that others wrote: a few lines of configuration that ask for gigabytes, names as long as books, and characters
//! that steer terminals. Nothing of it uses up the machine, ends the program, or is printed as it is.
#![cfg(unix)]

use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::support;
use crate::support::files;
use crate::support::limited::run;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use serde_json::Value;

const MACROS: &str = "LoadModule macro_module modules/mod_macro.so\n";

fn root(main: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = files::folder();
    files::write(&folder.path().join("conf/httpd.conf"), main);
    folder
}

fn json(root: &Path, words: &[&str]) -> Value {
    let outcome = run(root, &[words, &["--json"]].concat());
    outcome.data()
}

/// What `lint` finds.
fn linted(root: &Path) -> Vec<Value> {
    let mut told = run(root, &["lint", "--json"]).envelope();
    match told["findings"].take() {
        Value::Array(all) => all,
        other => panic!("no findings: {other}"),
    }
}

/// Nobody gains by it, and it is said where it ends.
#[track_caller]
fn comes_to_an_end(what: &str, main: String, code: &str) {
    let folder = root(format!("Listen 127.0.0.1:1\n{main}"));
    for words in [&["status"][..], &["check"], &["dump"]] {
        run(folder.path(), words);
    }
    let problems = linted(folder.path());
    assert!(
        problems.iter().any(|problem| problem["rule"] == code),
        "{what}: {} problems",
        problems.len()
    );
    // Half a configuration is no ground to build on.
    let words = [
        "enable",
        "--domain",
        "a.example.com",
        "--self-signed",
        "--dry-run",
    ];
    let refused = run(folder.path(), &words);
    assert_ne!(refused.code, Some(0), "{what}: {}", refused.report());
}

#[test]
fn variables_that_double() {
    let doubling = "Define A ${A}${A}\n";
    let many: String = (0..1000).fold(String::new(), |mut text, at| {
        let _ = write!(text, "Define A{at} ${{A}}${{A}}\nDefine A ${{A}}${{A}}\n");
        text
    });
    let start = "Define A 0123456789\n";
    comes_to_an_end(
        "one name",
        format!("{start}{}", doubling.repeat(1000)),
        "variables-too-long",
    );
    comes_to_an_end("many names", format!("{start}{many}"), "variables-too-long");
    let long = format!("Define A {}\n", "x".repeat(1_000_000));
    comes_to_an_end(
        "in many lines",
        format!("{long}{}", "ServerAlias ${A}\n".repeat(10_000)),
        "variables-too-long",
    );
    comes_to_an_end(
        "in one line",
        format!("{long}ServerAlias {}\n", "${A}".repeat(10_000)),
        "variables-too-long",
    );
    // Where several processors read at once as well.
    let host = "<VirtualHost *:1>\nServerName a\nServerAlias ${A}\n</VirtualHost>\n";
    comes_to_an_end(
        "in parts",
        format!("{long}{}", host.repeat(20_000)),
        "variables-too-long",
    );
}

#[test]
fn macros_that_double() {
    let line = format!("IndexIgnore {}\n", "x".repeat(8000));
    let mut doubling = format!("{MACROS}<Macro m0>\n{line}</Macro>\n");
    let mut chain = format!("{MACROS}<Macro m0>\nIndexIgnore x\n</Macro>\n");
    for at in 1..10_000 {
        let before = at - 1;
        if at < 40 {
            let _ = write!(
                doubling,
                "<Macro m{at}>\nUse m{before}\nUse m{before}\n</Macro>\n"
            );
        }
        let _ = write!(chain, "<Macro m{at}>\nUse m{before}\n</Macro>\n");
    }
    comes_to_an_end("doubling", format!("{doubling}Use m39\n"), "macro-size");
    comes_to_an_end(
        "a chain whose names grow",
        format!("{chain}Use m9999\n"),
        "macro-size",
    );
    let parameters: String = (0..100_000).map(|at| format!(" a{at}")).collect();
    let main = format!(
        "{MACROS}<Macro m{parameters}>\nIndexIgnore {}\n</Macro>\nUse m{}\n",
        "a1".repeat(4000),
        " x".repeat(100_000)
    );
    comes_to_an_end("many parameters", main, "macro-size");
}

#[test]
fn files_and_sections_that_multiply() {
    let main = "Include conf/big.conf\n".repeat(1000);
    let folder = root(&main);
    files::write(
        &folder.path().join("conf/big.conf"),
        "# nothing but a remark, and no more\n".repeat(100_000),
    );
    let found = linted(folder.path());
    let codes: Vec<&str> = found
        .iter()
        .filter_map(|problem| problem["rule"].as_str())
        .collect();
    assert!(codes.contains(&"configuration-too-large"), "{codes:?}");
    files::write(&folder.path().join("conf/big.conf"), "\n".repeat(100 << 20));
    let linted = run(folder.path(), &["lint"]);
    assert!(
        linted.stdout_text().contains("more lines than can be kept"),
        "{}",
        linted.report()
    );
    for opening in [
        "<IfModule !a>",
        "<Directory />",
        "<VirtualHost *:1>",
        "<IfModule a>",
    ] {
        let nested = format!("{opening}\n").repeat(20_000) + &"IndexIgnore x\n".repeat(20_000);
        comes_to_an_end(opening, nested, "sections-too-deep");
    }
}

#[test]
fn what_people_write_is_none_of_that() {
    let mut main = format!("{MACROS}Listen 127.0.0.1:1\nDefine root /srv/www\n<Macro site $name>\n");
    main += "<VirtualHost *:1>\nServerName $name.example.com\nDocumentRoot ${root}/$name\nInclude conf/own.conf\n</VirtualHost>\n</Macro>\n";
    for at in 0..4000 {
        let _ = writeln!(main, "Use site n{at}");
        let _ = write!(
            main,
            "<VirtualHost *:1>\nServerName h{at}.example.com\nDocumentRoot ${{root}}/h{at}\nErrorLog ${{root}}/log\n\
             Include conf/own.conf\n</VirtualHost>\n"
        );
    }
    let folder = root(main);
    files::write(
        &folder.path().join("conf/own.conf"),
        "# own\nIndexIgnore x\n".repeat(20),
    );
    let ends = [
        "variables-too-long",
        "macro-size",
        "configuration-too-large",
        "sections-too-deep",
    ];
    let problems = linted(folder.path());
    assert!(
        problems
            .iter()
            .all(|problem| !ends.iter().any(|end| problem["rule"] == *end)),
        "{}",
        problems[0]
    );
    let status = json(folder.path(), &["status"]);
    assert_eq!(status["virtual_hosts"].as_array().map(Vec::len), Some(8000));
}

#[test]
fn names_as_long_as_books() {
    let long = "a".repeat(70_000);
    let main = format!(
        "Listen 127.0.0.1:1\n<VirtualHost *:1>\nServerName {long}\nServerAlias {}\n</VirtualHost>\n<VirtualHost *:1>\n\
         ServerName b\nSSLEngine on\nSSLCertificateFile conf/{long}\nErrorLog logs/{long}\n</VirtualHost>\n{long} x\n",
        "b ".repeat(70_000)
    );
    let folder = root(main);
    for words in [
        &["status"][..],
        &["lint"],
        &["check"],
        &["ports"],
        &["explain"],
        &["verify"],
        &["report", "-"],
    ] {
        let outcome = run(folder.path(), words);
        let longest = outcome
            .stdout_text()
            .lines()
            .map(str::len)
            .max()
            .unwrap_or_default();
        assert!(longest < 70_000, "{words:?}: {longest}");
        assert!(
            outcome.stdout.len() < 1_000_000,
            "{words:?}: {}",
            outcome.stdout.len()
        );
    }
    let status = run(folder.path(), &["status"]).expect_code(0);
    assert!(status.stdout_text().contains('…'), "{}", status.report());
    let whole = json(folder.path(), &["status"]);
    assert_eq!(whole["virtual_hosts"][0]["server_name"], long);
}

#[test]
fn a_certificate_with_a_book_of_names() {
    let folder = files::folder();
    let names: Vec<String> = (0..10_000).map(|at| format!("host-{at}.example.com")).collect();
    let list: Vec<&str> = names.iter().map(String::as_str).collect();
    let leaf = support::certificates::self_signed(folder.path(), "many", &list);
    let inspect = |more: &[&str]| {
        let program = esync_ssl().args(["cert", "inspect"]).arg(&leaf.certificate);
        program.args(more).run().expect_code(0)
    };
    let shown = inspect(&[]);
    assert!(shown.stdout.len() < 20_000, "{}", shown.stdout.len());
    assert!(shown.stdout_text().contains("more bytes]"), "{}", shown.report());
    let whole: Value = inspect(&["--json"]).data();
    let told = whole.to_string();
    assert!(names.iter().all(|name| told.contains(name.as_str())));
}

#[test]
fn large_files_are_not_loaded_ahead_of_their_turn() {
    let folder = root("Listen 127.0.0.1:1\nInclude conf/many/*.conf\n");
    let file = folder.path().join("huge");
    let length = std::fs::File::create(&file).and_then(|file| file.set_len(100 << 20));
    length.expect("a sparse file");
    std::fs::create_dir(folder.path().join("conf/many")).expect("a folder");
    for at in 0..300 {
        let link = folder.path().join(format!("conf/many/{at}.conf"));
        std::os::unix::fs::symlink(&file, link).expect("a link");
    }
    // It ends within the memory that all files of a configuration may have.
    let limited = "ulimit -v 2500000; ulimit -t 60; exec \"$@\"";
    let mut status = std::process::Command::new("sh");
    status.args(["-c", limited, "sh"]).arg(support::program::binary());
    status
        .args(["status", "--root"])
        .arg(folder.path())
        .env("MALLOC_ARENA_MAX", "1");
    let outcome = support::process::finish(&mut status, support::limited::LONG);
    assert_eq!(outcome.code, Some(0), "{}", outcome.report());
}

/// Characters that steer a terminal, hide, or turn the direction of text.
const DECEIVING: &str = "\u{7f}\u{80}\u{9b}31m\u{9f}\u{ad}\u{200b}\u{200d}\u{200e}\u{202e}\u{2028}\u{2029}\u{2066}\u{2060}\u{feff}\u{e0041}";

#[track_caller]
fn nothing_deceives(outcome: &Outcome) {
    for text in [outcome.stdout_text(), outcome.stderr_text()] {
        let found = text
            .chars()
            .find(|c| *c == '\u{1b}' || *c == '\u{9b}' || (DECEIVING.contains(*c) && !c.is_ascii_graphic()));
        assert_eq!(found, None, "{}", outcome.report());
    }
}

#[test]
fn what_deceives_the_eye_is_escaped_everywhere() {
    let main = format!(
        "Listen 127.0.0.1:1\nDefine a{DECEIVING} b{DECEIVING}\n<VirtualHost *:1>\nServerName n{DECEIVING}\nServerAlias \
         \"x{DECEIVING}\"\nErrorLog logs/{DECEIVING}\nSSLEngine on\nSSLCertificateFile conf/{DECEIVING}\n</VirtualHost>\n\
         un{DECEIVING} known\n"
    );
    let folder = root(main);
    files::write(
        &folder.path().join(format!("logs/{DECEIVING}")),
        format!("[core:error] AH00072: x{DECEIVING}\n"),
    );
    for words in [
        &["status"][..],
        &["lint"],
        &["check"],
        &["explain"],
        &["dump"],
        &["report", "-"],
        &["ports"],
        &["verify"],
    ] {
        nothing_deceives(&run(folder.path(), words));
        nothing_deceives(&run(folder.path(), &[words, &["--json"]].concat()));
    }
    let value = run(folder.path(), &["dump"]).envelope();
    let all = value["directives"].as_array().expect("directives");
    let name = all
        .iter()
        .find(|one| one["name"] == "ServerName")
        .expect("the name");
    assert_eq!(
        name["arguments"][0],
        format!("n{DECEIVING}"),
        "programs get the same"
    );
    // What was typed, or came from a script.
    let typed = format!("x{DECEIVING}\u{1b}[31m");
    for words in [
        ["enable", "--force", &typed],
        ["check", "--force", &typed],
        ["status", "--root", &typed],
        [&typed, "a", "b"],
    ] {
        nothing_deceives(&esync_ssl().args(words).run());
    }
    let bytes = std::ffi::OsStr::from_bytes(b"--\x9b31m\xff");
    nothing_deceives(&esync_ssl().arg("status").arg(bytes).run());
}
