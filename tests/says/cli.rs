//! The command line as scripts see it.

use crate::support;
use crate::support::files::write;
use crate::support::program::{Program, esync_ssl};
use crate::support::site::{DOMAIN, Site};
use serde_json::Value;

#[test]
fn version_is_printed() {
    let outcome = esync_ssl().arg("--version").run().expect_code(0);
    assert_eq!(
        outcome.stdout_text().trim_end(),
        concat!("esync-ssl ", env!("CARGO_PKG_VERSION"))
    );
    assert!(outcome.stderr.is_empty(), "{}", outcome.report());
    let whole = esync_ssl().arg("version").run().expect_code(0);
    let lines: Vec<String> = whole.stdout_text().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], concat!("esync-ssl ", env!("CARGO_PKG_VERSION")));
    for line in ["target: ", "commit: "] {
        assert!(lines.iter().any(|found| found.starts_with(line)), "{lines:?}");
    }
    let told = |words: &[&str]| esync_ssl().args(words).arg("--json").run().expect_code(0).stdout;
    assert_eq!(told(&["version"]), told(&["--version"]));
}

/// What follows the name of the program where it is the subject of a sentence.
const PROSE: [&str; 9] = [
    "cannot", "is", "was", "has", "did", "made", "does", "already", "from",
];

/// Advice names commands in many texts; each of them must be one.
#[test]
fn commands_that_are_advised_exist() {
    let commands = |words: &[&str]| -> Vec<String> {
        let help = esync_ssl()
            .args(words)
            .arg("--help")
            .run()
            .expect_code(0)
            .stdout_text();
        let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        list.take_while(|line| !line.is_empty())
            .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .collect()
    };
    let (all, of_cert) = (commands(&[]), commands(&["cert"]));
    assert!(all.len() > 10 && of_cert.len() > 4, "{all:?} {of_cert:?}");
    let mut folders = vec![support::program::native(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut wrong = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            // A backslash at the end of a line joins it with the next one.
            let lines: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            let text = lines.concat();
            for after in text.split("esync-ssl ").skip(1) {
                let is_word = |c: char| c.is_ascii_lowercase() || c == '-';
                let word = |text: &str| text.chars().take_while(|c| is_word(*c)).collect::<String>();
                let first = word(after);
                let second = after
                    .strip_prefix("cert ")
                    .map(word)
                    .filter(|word| !word.is_empty() && !word.starts_with('-'));
                let is_known = first.is_empty()
                    || first.starts_with('-')
                    || PROSE.contains(&first.as_str())
                    || all.contains(&first) && second.as_ref().is_none_or(|word| of_cert.contains(word));
                if !is_known {
                    wrong.push(format!(
                        "{}: {first} {}",
                        path.display(),
                        second.unwrap_or_default()
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_main_file_that_is_none_is_said_to_be_none() {
    let folder = support::files::folder();
    for (bytes, words) in [
        (&b"hello world\n"[..], "Invalid command 'hello'"),
        (
            b"\x7fELF\x02\x01\x01\0\0\n\0\0\n",
            "is not a configuration of Apache",
        ),
        (b"", "no listening sockets available"),
        (b"# nothing\n", "no listening sockets available"),
        (b"\xff\xfeL\0i\0s\0t\0e\0n\0 \0x\0\n\0", "UTF-16"),
    ] {
        support::files::write(&folder.path().join("conf/httpd.conf"), bytes);
        for command in [
            &["status"][..],
            &["dump"],
            &["enable", "-n", "--self-signed", "--domain", "a.example"],
        ] {
            let outcome = esync_ssl().args(command).arg("--root").arg(folder.path()).run();
            let outcome = outcome.expect_code(4);
            assert!(outcome.stderr_text().contains(words), "{}", outcome.report());
        }
    }
}

/// Code and places of a refusal, each place a file's name without its folders and the line, if there is one.
fn refusal(command: Program) -> (String, Vec<String>) {
    let outcome = command.arg("--json").run();
    // A look that found nothing to look at is one with errors.
    assert!(matches!(outcome.code, Some(4 | 12)), "{}", outcome.report());
    let document = outcome.envelope();
    let refusal = &document["error"];
    let place = |place: &Value| {
        let file = place["file"].as_str().expect("a file").replace('\\', "/");
        let name = file.rsplit('/').next().unwrap_or_default().to_owned();
        let line = place["line"].as_u64();
        line.map_or(name.clone(), |line| format!("{name}:{line}"))
    };
    let places = refusal["places"].as_array();
    let places = places.unwrap_or_else(|| panic!("no places: {}", outcome.report()));
    let code = refusal["code"].as_str().expect("a code").to_owned();
    assert!(refusal["message"].is_string(), "{refusal}");
    (code, places.iter().map(place).collect())
}

#[test]
fn every_command_tells_programs_why_it_refuses_and_where() {
    let site = Site::new();
    let key = site.beside("certificates/server.key");
    let at = |name: &str| site.beside(name).display().to_string();
    let key_to = |name: &str| esync_ssl().args(["cert", "decrypt-key"]).arg(&key).arg(at(name));
    let is = |command: Program, code: &str, places: &[&str]| {
        let (told, at) = refusal(command);
        assert_eq!(
            (told.as_str(), at),
            (code, places.iter().map(ToString::to_string).collect())
        );
    };
    is(
        esync_ssl().arg("explain").arg(&key),
        "LOG-IS-A-KEY",
        &["server.key"],
    );
    is(key_to("new.key"), "KEY-NOT-PROTECTED", &["server.key"]);
    write(&site.beside("note.txt"), "nothing of interest\n");
    is(key_to("note.txt"), "FILE-EXISTS", &["note.txt"]);
    is(
        site.run(&["report", "--yes", &at("note.txt")]),
        "FILE-EXISTS",
        &["note.txt"],
    );
    is(site.run(&["restore", "--yes"]), "BACKUP-NOT-THERE", &[]);
    let of_other = site.enable_arguments().into_iter();
    let of_other = of_other.map(|word| word.replace(DOMAIN, "other.example"));
    is(
        esync_ssl().args(of_other),
        "FILES-WOULD-NOT-WORK",
        &["server.crt"],
    );
    let lines = site.text().lines().count();
    write(&site.main(), site.text() + "Include conf/ssl\n");
    let place = format!("httpd.conf:{}", lines + 1);
    is(site.self_signed(), "INCLUDE-READS-CERTIFICATES", &[&place]);
    write(&site.main(), "# nothing\n");
    is(site.run(&["status"]), "CONFIG-EMPTY", &["httpd.conf"]);
    write(&site.main(), "# nothing\nhello world\n");
    is(
        site.run(&["dump"]),
        "NOT-A-CONFIG",
        &["httpd.conf", "httpd.conf:2"],
    );
    let text = format!("Listen 80\nInclude {}\n", key.display());
    write(&site.main(), text.replace('\\', "/"));
    is(site.run(&["dump"]), "CONFIG-IS-A-KEY", &["server.key"]);
}

#[test]
fn what_was_edited_since_is_named_to_programs() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let text = site.text();
    write(&site.main(), format!("# of somebody else\n{text}"));
    let (code, places) = refusal(site.run(&["restore", "--yes"]));
    assert_eq!(
        (code.as_str(), places),
        ("EDITED-SINCE", vec!["httpd.conf".to_owned()])
    );
}

/// Apache counts the lines of what would be written; programs are told those of the file as it is.
#[cfg(unix)]
#[test]
fn the_place_that_httpd_names_is_told_to_programs() {
    let site = Site::new();
    let text = site.text();
    let last = text.lines().count();
    write(&site.main(), format!("{text}ServerTokens Prod\n"));
    let number = "n=$(grep -n '^ServerTokens' $main | cut -d: -f1)\n";
    let rejects = "echo \"AH00526: Syntax error on line $n of $main:\" >&2; echo 'odd' >&2; exit 1";
    let always = site.stand_in(&format!("{number}{rejects}")).display().to_string();
    let place = format!("httpd.conf:{}", last + 1);
    // The modules of that httpd do not do for this configuration.
    let restart = site.run(&["restart", "--httpd", &always]);
    let places = ["httpd.conf", "httpd.conf:2"].map(str::to_owned).to_vec();
    assert_eq!(refusal(restart), ("PREFLIGHT-FAILED".to_owned(), places));
    let enable = site.enable().args(["--httpd", &always, "--no-rehearsal"]);
    assert_eq!(refusal(enable), ("HTTPD-REJECTS".to_owned(), vec![place.clone()]));
    let late = format!("{number}grep -q SSLEngine $main || exit 0\n{rejects}");
    let late = site.stand_in(&late).display().to_string();
    let enable = site.enable().args(["--httpd", &late, "--no-rehearsal"]);
    assert_eq!(refusal(enable), ("HTTPD-REJECTS".to_owned(), vec![place]));
}
