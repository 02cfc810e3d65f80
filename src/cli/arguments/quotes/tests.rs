//! What shells, file managers and web pages make of a line.

use clap::CommandFactory;

use super::super::Arguments;
use super::*;

/// The words of a line as programs on Windows take it apart: a quotation mark behind an odd number of backslashes is
/// part of the text.
fn windows_words(line: &str) -> Vec<OsString> {
    let (mut words, mut word, mut is_quoted, mut is_word) = (Vec::new(), String::new(), false, false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => {
                let mut slashes = 1;
                while rest.next_if_eq(&'\\').is_some() {
                    slashes += 1;
                }
                let before_quote = rest.peek() == Some(&'"');
                word.extend(std::iter::repeat_n(
                    '\\',
                    if before_quote { slashes / 2 } else { slashes },
                ));
                if before_quote && slashes % 2 == 1 {
                    word.extend(rest.next());
                }
                is_word = true;
            }
            '"' => (is_quoted, is_word) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if std::mem::take(&mut is_word) {
                    words.push(std::mem::take(&mut word).into());
                }
            }
            c => {
                word.push(c);
                is_word = true;
            }
        }
    }
    if is_word {
        words.push(word.into());
    }
    words
}

fn repair(words: &[OsString]) -> Result<Vec<String>, String> {
    let mut command = Arguments::command();
    command.build();
    let words = repaired(&command, words)?;
    Ok(words
        .into_iter()
        .skip(1)
        .map(|word| word.into_string().unwrap())
        .collect())
}

fn on_windows(line: &str) -> Result<Vec<String>, String> {
    repair(&windows_words(&format!("esync-ssl {line}")))
}

/// Typed in a shell that took nothing off.
fn typed(words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<OsString> = ["esync-ssl"].iter().chain(words).map(Into::into).collect();
    repair(&words)
}

#[test]
fn a_backslash_that_swallowed_the_rest_is_explained() {
    for (line, right) in [
        (
            r#"enable --root "C:\eSync\Apache24\" --cert "C:\x\server.crt" --yes"#,
            r#"--root "C:\eSync\Apache24" --cert "C:\x\server.crt" --yes"#,
        ),
        (
            r#"enable --root "C:\eSync\Apache24\" --cert "C:\my files\server.crt" --key "C:\my files\a.key" -y"#,
            r#"--root "C:\eSync\Apache24" --cert "C:\my files\server.crt" --key "C:\my files\a.key" -y"#,
        ),
        (
            r#"enable --root "C:\Program Files\Apache24\" --domain a.example --dry-run"#,
            r#"--root "C:\Program Files\Apache24" --domain a.example --dry-run"#,
        ),
        (r#"enable --pfx="D:\in\" --restart"#, r#"--pfx "D:\in" --restart"#),
        (
            r#"cert import x.pfx --out-dir "C:\new files\" --name a --root "C:\r\" --json"#,
            r#"--out-dir "C:\new files" --name a --root "C:\r" --json"#,
        ),
        (r#"enable --root "C:\" --yes"#, r"--root C:\ --yes"),
        (
            r#"--root "C:\eSync\Apache24\" status"#,
            r#"--root "C:\eSync\Apache24" status"#,
        ),
    ] {
        let why = on_windows(line).expect_err(line);
        assert!(why.contains(right), "{line}\n{why}");
        assert!(
            why.contains("backslash") && why.contains("became part of the value"),
            "{why}"
        );
    }
}

#[test]
fn what_can_mean_one_thing_is_repaired() {
    for (line, words) in [
        (
            r#"status --root "C:\eSync\Apache24\""#,
            &["status", "--root", r"C:\eSync\Apache24"][..],
        ),
        (r#"status --root="C:\a b\""#, &["status", r"--root=C:\a b"]),
        ("check --cert 'server.crt'", &["check", "--cert", "server.crt"]),
        (
            r"check --cert='C:\x\server.crt'",
            &["check", r"--cert=C:\x\server.crt"],
        ),
        (
            r#"check --cert "C:\x y\server.crt""#,
            &["check", "--cert", r"C:\x y\server.crt"],
        ),
        (
            r#"check --cert \"server.crt\""#,
            &["check", "--cert", "server.crt"],
        ),
    ] {
        assert_eq!(on_windows(line).unwrap(), words, "{line}");
    }
    for value in [
        "\u{201c}server.crt\u{201d}",
        "\u{2018}server.crt\u{2019}",
        "\u{201e}server.crt\u{201c}",
    ] {
        assert_eq!(typed(&["--cert", value]).unwrap(), ["--cert", "server.crt"]);
    }
}

#[test]
fn what_came_in_pieces_is_explained() {
    for words in [
        &["enable", "--cert", "'C:\\my", "files\\server.crt'", "--key", "k"][..],
        &["enable", "--cert=\u{201c}C:\\my", "files\\server.crt\u{201d}"],
    ] {
        let why = typed(words).unwrap_err();
        assert!(why.contains("write it \"C:\\my files\\server.crt\""), "{why}");
    }
}

#[test]
fn a_dash_that_is_none_is_explained() {
    for (word, right) in [
        ("\u{2013}domain", "--domain"),
        ("\u{2014}domain=a", "--domain=a"),
        ("\u{2013}\u{2013}domain", "--domain"),
        ("\u{2013}y", "-y"),
        ("\u{2212}n", "-n"),
    ] {
        let why = typed(&["enable", word, "a.example"]).unwrap_err();
        assert!(why.contains(&format!("write it {right}")), "{why}");
    }
}

#[test]
fn everything_else_stays() {
    for words in [
        &["enable", "--domain", "a.example\" \"x"][..],
        &["enable", "--domain", "'a.example'", "--alias=\"b.example\""],
        &["enable", "--domain", "O'Brien", "--alias", "x'"],
        &["dump", "--directive", "\u{2013}"],
        &["check", "--cert", "\u{2013} server.crt", "--key", "'"],
        &["explain", "--since", "2026-03-02 06:45"],
        &["check", "--cert", "/srv/it's here/a.crt"],
        &["x", "", "\"", "\"\"", "''"],
    ] {
        assert_eq!(typed(words).unwrap(), words);
    }
}
