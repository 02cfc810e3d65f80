//! `packaging/windows-trial.cmd`, which only a real Windows can judge: what of it is seen without one.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn script() -> String {
    read("packaging/windows-trial.cmd")
}

/// The commands of a line, without what `if` and `for` put before them.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("rem ") && !line.starts_with(':') && !line.starts_with("echo "))
}

/// The words behind each of these.
fn behind<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|rest| rest.split_ascii_whitespace().next())
}

#[test]
fn cmd_of_any_windows_reads_it() {
    let text = script();
    assert!(text.is_ascii(), "cmd reads it in the code page of the machine");
    assert!(text.ends_with("\r\n") && text.matches('\n').count() == text.matches("\r\n").count());
    let lower = text.to_lowercase();
    for word in [
        "powershell",
        "wmic",
        "timeout ",
        "enabledelayedexpansion",
        "setx",
        "reg add",
    ] {
        assert!(!lower.contains(word), "{word}");
    }
    // Blocks with a redirection are not understood by wine's cmd, and parentheses in them by nobody.
    assert!(!text.lines().any(|line| line == "(" || line.starts_with(')')));
}

#[test]
fn every_label_is_there_and_used() {
    let text = script();
    let labels: BTreeSet<&str> = text.lines().filter_map(|line| line.strip_prefix(':')).collect();
    let used: BTreeSet<&str> = behind(&text, "goto ").chain(behind(&text, "call :")).collect();
    assert_eq!(labels, used);
    assert_eq!(
        labels.len(),
        text.lines().filter(|line| line.starts_with(':')).count(),
        "one is there twice"
    );
}

#[test]
fn it_writes_in_its_own_folder_and_its_report() {
    const OWN: [&str; 6] = [
        "%TREE%",
        "%ROOT%\\",
        "%MAIN%",
        "%KEYS%",
        "\\\\?\\%LONG%",
        "\\\\?\\%TREE%",
    ];
    let text = script();
    let is_own = |path: &str| OWN.iter().any(|own| path.starts_with(own));
    for (line, _) in text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.starts_with("rem "))
    {
        // What is escaped is written into a file, where it is another command.
        for target in line.replace("^>", "").split('>').skip(1) {
            let target = target.trim_start().trim_start_matches('"');
            let harmless = ["nul", "&1", "%REPORT%"]
                .iter()
                .any(|known| target.starts_with(known));
            assert!(target.is_empty() || harmless || is_own(target), "{line}");
        }
    }
    for line in commands(&text) {
        let words = [
            "md ", "rd ", "del ", "ren ", "copy ", "xcopy ", "icacls ", "mklink ",
        ];
        let Some(at) = words.iter().filter_map(|word| line.find(word)).min() else {
            continue;
        };
        let quoted = line[at..].split('"').skip(1).step_by(2);
        for path in quoted.filter(|path| path.contains('\\')) {
            let is_read = path.starts_with("%APACHE%\\") || path.starts_with("NT SERVICE");
            assert!(is_read || is_own(path), "{line}");
        }
    }
    for name in [
        "TREE=%SystemDrive%\\%NAME%",
        "ROOT=%TREE%\\",
        "LONG=%TREE%\\",
        "REPORT=%~dp0",
    ] {
        assert!(text.contains(&format!("set \"{name}")), "{name}");
    }
}

#[test]
fn what_it_makes_it_takes_away() {
    let text = script();
    let clean = text.split("\r\n:clean\r\n").nth(1).expect("the label");
    for (made, undone) in [
        ("sc create %NAME%", "sc delete %NAME%"),
        ("schtasks /create /tn %NAME%", "schtasks /delete /tn %NAME%"),
        (
            "firewall add rule name=%NAME%",
            "firewall delete rule name=%NAME%",
        ),
        ("ipv4 add excludedportrange", "ipv4 delete excludedportrange"),
        ("subst %DRIVE% ", "subst %%d /d"),
        ("mklink /j \"%TREE%\\junction\"", "rd \"%TREE%\\junction\""),
        ("md \"%ROOT%", "rd /s /q \"%TREE%\""),
        ("md \"\\\\?\\%LONG%", "rd /s /q \"\\\\?\\%LONG%\""),
    ] {
        assert!(text.contains(made), "{made}");
        assert!(clean.contains(undone), "{undone}");
    }
    // Never what bears the name of somebody else's.
    for command in ["sc", "schtasks", "netsh advfirewall"] {
        for line in commands(&text).filter(|line| line.starts_with(&format!("{command} "))) {
            assert!(line.contains("%NAME%"), "{line}");
        }
    }
}

#[test]
fn the_manual_lists_what_it_tries() {
    let text = script();
    let mut tried: BTreeSet<String> = behind(&text, "call :judge ").map(str::to_owned).collect();
    for status in ["PASS ", "FAIL ", "\"NOT TRIED\" "] {
        let before = format!("call :say {status}");
        tried.extend(behind(&text, &before).map(str::to_owned));
    }
    tried.retain(|claim| !claim.starts_with('%'));
    let manual = read("docs/windows.md");
    let section = manual
        .split("\n## Not tried on a real Windows\n")
        .nth(1)
        .expect("the section");
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned()))
        .collect();
    assert_eq!(tried, listed);
}
