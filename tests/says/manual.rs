//! Each example of the README and of docs/ is carried out as it stands there, by a shell of the system: `sh`, or `cmd` where this is a
//! Windows program. Only files and the server root are those of a test.

use std::fs;
use std::path::Path;

use crate::support::certificates::{Authority, Leaf};
use crate::support::containers::pfx;
use crate::support::files::{self, write};
use crate::support::process::{Outcome, finish};
use crate::support::program::{binary, native};
use crate::support::site::{DOMAIN, Site};

/// Lines that need an authority or certificates that one made: here they are only understood. What carries each out.
const ELSEWHERE: [(&str, &str); 5] = [
    (" --acme ", "acme::endings, acme::adopt, acme::dns_hook"),
    ("esync-ssl acme check ", "acme::commands"),
    ("esync-ssl renew --scheduled", "acme::renew"),
    ("esync-ssl renew --simulate ", "acme::commands"),
    ("esync-ssl renew www.example.com --from ", "acme::source"),
];

/// The pages with examples, and how many each has at least: no other way of writing them gets past this.
const PAGES: [(&str, usize); 7] = [
    ("README.md", 5),
    ("docs/acme.md", 9),
    ("docs/answer-file.md", 1),
    ("docs/kb-0058.md", 2),
    ("docs/server.md", 3),
    ("docs/unattended.md", 6),
    ("docs/windows.md", 0),
];

/// The command lines of a page: those that are indented, and those of batch files.
fn lines_of(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fence = None;
    for line in text.replace('\r', "").lines() {
        fence = match (line.strip_prefix("```"), fence) {
            (Some(_), Some(_)) => None,
            (Some(kind), None) => Some(kind.to_owned()),
            (None, fence) => fence,
        };
        let typed = match fence.as_deref() {
            None => line.strip_prefix("    "),
            Some("bat") => Some(line),
            Some(_) => None,
        };
        let Some(typed) = typed.filter(|typed| typed.starts_with("esync-ssl ")) else {
            continue;
        };
        // What is said of it stands behind, and what somebody has to fill in is no line to type.
        let typed = typed.split("  ").next().unwrap_or_default();
        if !typed.contains('\u{2026}') {
            lines.push(typed.to_owned());
        }
    }
    lines
}

/// A server root with the files that the examples name.
fn desk(line: &str) -> Site {
    let site = Site::new();
    let authority = Authority::new(&site.beside("in"));
    let leaf: Leaf = authority.leaf("leaf", &[DOMAIN]);
    let read = |file: &Path| fs::read(file).expect("a file of the certificate");
    write(&site.beside("server.crt"), read(&leaf.certificate));
    write(&site.beside("server.key"), read(&leaf.key));
    write(&site.beside("ca.crt"), read(&authority.intermediate()));
    let phrase = if line.contains("--passphrase-file") {
        "secret"
    } else {
        ""
    };
    let archive = pfx(&leaf.key, &[&leaf.certificate, &authority.intermediate()], phrase);
    for name in ["my.pfx", "server.pfx"] {
        write(&site.beside(name), &archive);
    }
    write(&site.beside("phrase.txt"), "secret\r\n");
    let answers = fs::read(files::fixture("answers/esync.toml")).expect("the example");
    write(&site.beside("esync.toml"), answers);
    site
}

/// The line with the files of this test where it has those of eSync, and what no test can do left out.
fn arranged(line: &str, site: &Site) -> String {
    let quoted = |path: &Path| format!("\"{}\"", path.display());
    let words = line.split(' ').skip(1).filter(|word| *word != "--restart");
    let words = words.map(|word| match word.strip_prefix("C:\\") {
        None => word.to_owned(),
        Some(path) => match path.rsplit('\\').next().unwrap_or_default() {
            "Apache24" => quoted(&site.root()),
            name => quoted(&site.beside(name)),
        },
    });
    let mut words: Vec<String> = words.collect();
    let has = |words: &[String], wanted: &str| words.iter().any(|word| word == wanted);
    if !has(&words, "--root") && !has(&words, "--answers") {
        words.extend(["--root".to_owned(), quoted(&site.root())]);
    }
    // A person is asked there.
    let is_asked = words[0] == "enable"
        && !["--yes", "--answers", "--print-answers"]
            .iter()
            .any(|word| has(&words, word));
    if is_asked {
        words.push("--yes".to_owned());
    }
    if words.starts_with(&["schedule".to_owned(), "on".to_owned()]) {
        words.push("--dry-run".to_owned());
    }
    if ELSEWHERE.iter().any(|(part, _)| line.contains(part)) {
        words.push("--print-answers".to_owned());
    }
    words.join(" ")
}

/// Carried out by the shell, in the folder with the files.
#[cfg(unix)]
fn typed(line: &str, folder: &Path) -> Outcome {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("exec \"$0\" {line}")]).arg(binary());
    finish(shell.current_dir(folder), std::time::Duration::from_secs(60))
}

#[cfg(windows)]
fn typed(line: &str, folder: &Path) -> Outcome {
    use std::os::windows::process::CommandExt;
    let mut shell = std::process::Command::new("cmd");
    shell.raw_arg(format!("/d /s /c \"\"{}\" {line}\"", binary().display()));
    finish(shell.current_dir(folder), std::time::Duration::from_secs(60))
}

#[test]
fn each_example_is_carried_out() {
    let package = native(env!("CARGO_MANIFEST_DIR"));
    for (page, least) in PAGES {
        let text = fs::read_to_string(package.join(page)).expect(page);
        let lines = lines_of(&text);
        assert!(lines.len() >= least, "{page}: {lines:#?}");
        for line in lines {
            // Of these systems there is only the other one here.
            let is_of_unix = line.contains(" /usr/") || line.contains('\'');
            if cfg!(windows) && is_of_unix {
                continue;
            }
            let site = desk(&line);
            let words = arranged(&line, &site);
            let outcome = typed(&words, &site.beside(""));
            // Doctor and lint may find something; that a scheduler is missing is an answer too.
            let wanted: &[i32] = match words.split(' ').next().unwrap_or_default() {
                "doctor" | "lint" => &[0, 12],
                "schedule" => &[0, 4],
                _ => &[0],
            };
            assert!(
                outcome.code.is_some_and(|code| wanted.contains(&code)),
                "{page}: {line}\n{words}\n{}",
                outcome.report()
            );
            if words.contains("enable ") && words.contains(" --yes") && !words.contains("--print-answers") {
                assert!(site.text().contains("SSLEngine on"), "{page}: {line}");
            }
        }
    }
}

/// No page has examples in a way that is not looked at.
#[test]
fn no_page_is_left_out() {
    let package = native(env!("CARGO_MANIFEST_DIR"));
    let folder = fs::read_dir(package.join("docs")).expect("docs");
    for entry in folder {
        let name = entry
            .expect("a page")
            .file_name()
            .into_string()
            .expect("its name");
        let page = format!("docs/{name}");
        if !name.ends_with(".md") || PAGES.iter().any(|(known, _)| *known == page) {
            continue;
        }
        let text = fs::read_to_string(package.join(&page)).expect("a page");
        assert_eq!(lines_of(&text), Vec::<String>::new(), "{page}");
    }
}
