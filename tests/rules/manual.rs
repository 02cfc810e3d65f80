//! docs/troubleshooting.md is made of the list of findings in src/finding.rs: what each code means, and what to do.
//! `ESYNC_SSL_UPDATE_MANUAL=1 cargo test --test rules manual::` writes it.

use std::fs;
use std::path::Path;

use esync_ssl::check::Code;

const HEAD: &str = "# Everything that can be found

`esync-ssl doctor` looks at everything and says what to do; `check`, `lint`, `explain`, `ports`, `verify` and `devices` look at parts of it.
What they find has one of these codes, with the place, the facts and the commands of the case at hand: those go before what this table
says in general. `--force` takes the codes where a command refuses.

| code | what is the case | what to do |
|---|---|---|
";

/// The rows, from the comments of the list.
fn table() -> String {
    let source =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/finding.rs")).expect("the list");
    let (_, list) = source.split_once("pub enum Code {").expect("the list of codes");
    let mut text = HEAD.to_owned();
    let mut comment: Vec<&str> = Vec::new();
    for line in list.lines().map(str::trim).take_while(|line| *line != "}") {
        if let Some(words) = line.strip_prefix("///") {
            comment.push(words.trim());
            continue;
        }
        let Some(code) = line.split('"').nth(1) else {
            continue;
        };
        let whole = comment.join(" ");
        let (case, fix) = whole
            .split_once("  ")
            .unwrap_or_else(|| panic!("{code} says not what to do: {whole}"));
        assert!(!case.trim().is_empty() && !fix.trim().is_empty(), "{code}");
        let cell = |text: &str| text.trim().replace('|', "\\|");
        text += &format!("| `{code}` | {} | {} |\n", cell(case), cell(fix));
        comment.clear();
    }
    text
}

#[test]
fn what_can_be_found_is_in_the_manual() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/troubleshooting.md");
    let wanted = table();
    for (_, word) in Code::ALL {
        assert!(wanted.contains(&format!("| `{word}` |")), "{word}");
    }
    if std::env::var_os("ESYNC_SSL_UPDATE_MANUAL").is_some() {
        fs::write(&file, &wanted).expect("the page");
    }
    let there = fs::read_to_string(&file).expect("docs/troubleshooting.md");
    assert!(
        there == wanted,
        "docs/troubleshooting.md is not what src/finding.rs says; ESYNC_SSL_UPDATE_MANUAL=1 writes it again"
    );
}
