//! `enable` without a certificate, without a name, without a key: what is missing is told, or asked where somebody sits.

use crate::support::certificates::{Authority, self_signed};
use crate::support::containers::encrypted_key;
use crate::support::files;
use crate::support::process::{Outcome, says};
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site, text};
use serde_json::Value;

/// A run that must not write.
#[track_caller]
fn refused(site: &Site, words: &[&str]) -> Outcome {
    let before = site.snapshot();
    let outcome = site.run(words).run().expect_code(2);
    assert!(site.snapshot() == before, "{}", outcome.report());
    outcome
}

#[test]
fn without_a_certificate_all_ways_are_told() {
    let site = Site::new();
    let root = format!("--root {}", site.root().display());
    let enable = format!("esync-ssl enable --domain {DOMAIN}");
    let ways = [
        "--cert FILE --key FILE [--chain FILE]",
        "--pfx FILE",
        "--self-signed",
        "--copy-certs",
        "esync-ssl cert import FILE",
        &format!("esync-ssl cert request --domain {DOMAIN}"),
        &enable,
    ];
    let outcome = refused(&site, &["enable", "--domain", DOMAIN]);
    says(&outcome, &ways);
    if !root.contains(['\\', ' ']) {
        says(&outcome, &[&root]);
    }
    says(&refused(&site, &["enable", "--yes", "--domain", DOMAIN]), &ways);
    // Nothing at all, and something else than a certificate.
    says(
        &refused(&site, &["enable"]),
        &["--domain NAME", "--pfx FILE", "--self-signed", "cert request"],
    );
    let outcome = refused(&site, &["enable", "--json", "--domain", DOMAIN]);
    let told: Value = serde_json::from_slice(&outcome.stdout).expect("one document");
    assert_eq!(told["status"], 2, "{told}");
    let (message, fix) = (&told["error"]["message"], &told["error"]["fix"]);
    assert_eq!(
        message,
        &format!("the certificate of {DOMAIN} was not named"),
        "{told}"
    );
    let fix = fix.as_str().expect("what helps");
    assert!(ways.iter().all(|way| fix.contains(way)), "{told}");
    let told = refused(&site, &["enable", "--json"]).envelope();
    assert!(
        !told["error"]["message"].as_str().unwrap().contains('\n'),
        "{told}"
    );
    assert!(
        told["error"]["fix"].as_str().unwrap().contains("--pfx FILE"),
        "{told}"
    );
}

#[test]
fn a_missing_name_is_asked_for_with_those_of_the_certificate() {
    let site = Site::new();
    let certificate = text(&site.beside("certificates/server.crt"));
    says(
        &refused(&site, &["enable", "--cert", &certificate]),
        &[&format!("--domain {DOMAIN}; the certificate is for {DOMAIN}")],
    );
    says(&refused(&site, &["enable", "--self-signed"]), &["--domain NAME"]);
}

#[test]
fn the_key_of_a_certificate_is_found_beside_it_or_in_it() {
    let site = Site::new();
    let desk = site.beside("desk");
    let leaf = Authority::new(&site.beside("ca")).leaf("a", &[DOMAIN]);
    let (certificate, key) = (
        std::fs::read_to_string(&leaf.certificate).unwrap(),
        std::fs::read_to_string(&leaf.key).unwrap(),
    );
    let enable = |name: &str, status: i32| {
        let path = text(&desk.join(name));
        let words = ["enable", "--domain", DOMAIN, "--cert", &path];
        match status {
            2 => refused(&site, &words),
            _ => site.run(&words).arg("-n").run().expect_code(status),
        }
    };
    // Not there: the file beside it that could be it is named, with what is wrong with it.
    files::write(&desk.join("server.crt"), &certificate);
    says(&enable("server.crt", 2), &["--key FILE", "--pfx FILE"]);
    let other = self_signed(&site.beside("other"), "other", &[DOMAIN]);
    files::write(&desk.join("server.key"), std::fs::read(&other.key).unwrap());
    says(&enable("server.crt", 2), &["server.key", "another certificate"]);
    files::write(&desk.join("server.key"), encrypted_key(&leaf.key, "x"));
    says(
        &enable("server.crt", 2),
        &["server.key", "pass-phrase", "--copy-certs"],
    );
    files::write(&desk.join("server.key"), &key);
    says(
        &enable("server.crt", 0),
        &["private key is taken from", "server.key"],
    );
    files::write(&desk.join("fullchain.pem"), &certificate);
    files::write(&desk.join("privkey.pem"), &key);
    says(&enable("fullchain.pem", 0), &["privkey.pem"]);
    files::write(&desk.join("both.pem"), certificate + &key);
    let both = enable("both.pem", 0);
    says(&both, &["both.pem as well"]);
    assert_eq!(
        both.stdout_text().matches("both.pem\"").count(),
        2,
        "{}",
        both.report()
    );
    says(
        &enable("gone.crt", 2),
        &["gone.crt", "does not exist", "--key FILE"],
    );
}

#[test]
fn an_archive_given_as_certificate_is_named_as_what_it_is() {
    let site = Site::new();
    let leaf = Authority::new(&site.beside("ca")).leaf("a", &[DOMAIN]);
    let pfx = site.beside("server.pfx");
    files::write(
        &pfx,
        crate::support::containers::pfx(&leaf.key, &[&leaf.certificate], ""),
    );
    let outcome = refused(&site, &["enable", "--domain", DOMAIN, "--cert", &text(&pfx)]);
    says(&outcome, &["--pfx", "server.pfx"]);
}

#[test]
fn help_names_the_ways() {
    let help = esync_ssl()
        .args(["enable", "--help"])
        .run()
        .expect_code(0)
        .stdout_text();
    for way in ["--cert", "--pfx", "--self-signed", "cert request"] {
        assert!(help.contains(way), "{way}: {help}");
    }
}

#[cfg(unix)]
mod at_a_terminal {
    use std::io::Write;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::support::program::command;
    use crate::support::terminal::Terminal;

    /// Answers each question in turn, and gives status and all that was said.
    #[track_caller]
    fn talk(site: &Site, words: &[&str], answers: &[(&str, &str)]) -> (Option<i32>, String) {
        let mut program = command();
        program
            .args(words)
            .arg("--root")
            .arg(site.root())
            .env("NO_COLOR", "1");
        let mut at = Terminal::start(program);
        let mut said = String::new();
        for (question, answer) in answers {
            let start = said.len();
            while !said[start..].contains(question) {
                match at.shown.recv_timeout(Duration::from_secs(30)) {
                    Ok(bytes) => said.push_str(&String::from_utf8_lossy(&bytes)),
                    Err(error) => panic!("no {question:?} ({error}):\n{said}"),
                }
            }
            at.typed.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
        let start = Instant::now();
        let status = loop {
            if let Some(status) = at.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{said}");
            std::thread::sleep(Duration::from_millis(5));
        };
        while let Ok(bytes) = at.shown.recv_timeout(Duration::from_secs(5)) {
            said.push_str(&String::from_utf8_lossy(&bytes));
        }
        (status.code(), said)
    }

    #[test]
    fn everything_is_asked_for() {
        let site = Site::new();
        let answers = [("clients use", DOMAIN), ("Number", "6"), ("[y/N]", "y")];
        let (status, said) = talk(&site, &["enable"], &answers);
        assert_eq!(status, Some(0), "{said}");
        assert!(site.text().contains(&format!("ServerName {DOMAIN}")), "{said}");
        // The name that was answered is known to whoever undoes it.
        let off = site.run(&["disable", "--yes", "--domain", DOMAIN]).run();
        off.expect_code(0);
        assert!(!site.text().contains("SSLEngine"), "{}", site.text());
    }

    #[test]
    fn files_and_archives_are_asked_for() {
        let site = Site::new();
        let certificate = text(&site.beside("certificates/server.crt"));
        let files = [
            ("Number", "1"),
            ("Certificate file", certificate.as_str()),
            ("Private key", ""),
            ("intermediate", ""),
            ("[Y/n]", "n"),
            ("[y/N]", "y"),
        ];
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN], &files);
        assert_eq!(status, Some(0), "{said}");
        assert!(site.text().contains("server.crt"), "{}", site.text());

        let site = Site::new();
        let leaf = Authority::new(&site.beside("ca")).leaf("a", &[DOMAIN]);
        let pfx = site.beside("server.pfx");
        files::write(
            &pfx,
            crate::support::containers::pfx(&leaf.key, &[&leaf.certificate], ""),
        );
        let archive = [("Number", "2"), ("Archive", &format!("\"{}\"", pfx.display()))];
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN, "-n"], &archive);
        assert_eq!(status, Some(0), "{said}");
    }

    #[test]
    fn whoever_has_none_or_does_not_want_to_ends_there() {
        let site = Site::new();
        let before = site.snapshot();
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN], &[("Number", "5")]);
        assert_eq!(status, Some(2), "{said}");
        assert!(
            said.contains(&format!("cert request --domain {DOMAIN}")),
            "{said}"
        );
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN], &[("Number", "")]);
        assert_eq!(status, Some(13), "{said}");
        // 0x04 is what the terminal sends for the end of the input; what cannot be is asked again.
        let end = [("Number", "9"), ("none of these numbers", "\x04")];
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN], &end);
        assert_eq!(status, Some(13), "{said}");
        assert!(site.snapshot() == before);
    }

    #[test]
    fn a_file_that_is_not_there_is_asked_for_again() {
        let site = Site::new();
        let (crt, key) = (
            text(&site.beside("certificates/server.crt")),
            text(&site.beside("certificates/server.key")),
        );
        let (gone, folder) = (crt.replace("server", "gone"), text(&site.beside("certificates")));
        let answers = [
            ("Number", "1"),
            ("Certificate file", &*gone),
            ("Certificate file", ""),
        ];
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN], &answers);
        assert!(said.contains("cannot be read: it does not"), "{said}");
        assert_eq!(status, Some(13), "{said}");
        let answers = [
            ("Number", "1"),
            ("Certificate file", &*folder),
            ("Certificate file", &*crt),
            ("Private key", &*gone),
            ("Private key", &*key),
            ("intermediate", ""),
        ];
        let (status, said) = talk(&site, &["enable", "--domain", DOMAIN, "-n"], &answers);
        assert_eq!(status, Some(0), "{said}");
        // A name that is none is asked for again as well.
        let answers = [("clients use", "a b"), ("clients use", DOMAIN)];
        let (status, said) = talk(&site, &["enable", "--self-signed", "-n"], &answers);
        assert_eq!(status, Some(0), "{said}");
    }

    #[test]
    fn the_key_of_a_certificate_that_came_alone_is_asked_for() {
        let site = Site::new();
        let (from, key) = (
            site.beside("certificates/server.crt"),
            text(&site.beside("certificates/server.key")),
        );
        let crt = site.beside("desk/alone.crt");
        files::write(&crt, std::fs::read(from).unwrap());
        let crt = text(&crt);
        let words = ["enable", "--domain", DOMAIN, "--cert", &crt, "-n"];
        let (status, said) = talk(&site, &words, &[("Private key file", &key)]);
        assert_eq!(status, Some(0), "{said}");
        assert!(said.contains("was not named"), "{said}");
        let (status, said) = talk(&site, &words, &[("Private key file", "")]);
        assert_eq!(status, Some(13), "{said}");
        // Who said yes to all is not asked.
        let (status, said) = talk(&site, &[&words[..5], &["--yes"]].concat(), &[]);
        assert_eq!(status, Some(2), "{said}");
    }
}

#[test]
fn what_is_no_name_is_refused_before_any_command_is_proposed() {
    let site = Site::new();
    for words in [
        &["enable", "--domain", "bad domain"][..],
        &["enable", "--domain", DOMAIN, "--alias", "bad domain"],
        &["enable", "--alias", "bad domain"],
    ] {
        let before = site.snapshot();
        let outcome = site.run(words).run();
        assert!(site.snapshot() == before, "{}", outcome.report());
        says(&outcome, &["bad domain"]);
        let said = outcome.stderr_text();
        assert!(!said.contains("esync-ssl enable"), "{}", outcome.report());
        // As it is refused with a certificate.
        let with = site
            .run(&[words, &["--self-signed", "--domain", DOMAIN]].concat())
            .run();
        assert_eq!(with.code, outcome.code, "{}", with.report());
    }
}
