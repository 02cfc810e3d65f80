//! Commands that are proposed name the server that they are about, as this run was told of it: wherever they are typed, they
//! mean no other one.

use serde_json::Value;

use crate::support::certificates::Authority;
#[cfg(unix)]
use crate::support::containers::encrypted_key;
use crate::support::files;
#[cfg(unix)]
use crate::support::network::HeldPort;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site, text};

/// What is said to people and to programs of the same run.
#[cfg(unix)]
#[track_caller]
fn says(site: &Site, words: &[&str], expected: &str) {
    let run = |more: &[&str]| site.run(words).args(more).run();
    let (people, programs) = (run(&[]), run(&["--json"]));
    assert!(
        (people.stdout_text() + &people.stderr_text()).contains(expected),
        "{expected}\n{}",
        people.report()
    );
    let document: Value = serde_json::from_slice(&programs.stdout).expect("a document");
    assert!(
        strings(&document).iter().any(|said| said.contains(expected)),
        "{expected}\n{document}"
    );
}

/// Every string of a document.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(all) => all.iter().flat_map(strings).collect(),
        Value::Object(all) => all.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

#[test]
#[cfg(unix)]
fn what_findings_refusals_and_notes_propose_names_the_server() {
    let site = Site::new();
    let root = text(&site.root());
    let [certificate, key] = ["server.crt", "server.key"].map(|name| site.beside("certificates").join(name));
    let locked = site.beside("enc.key");
    files::write(&locked, encrypted_key(&key, "geheim"));
    let (certificate, locked) = (text(&certificate), text(&locked));
    let files = ["--cert", &certificate, "--key", &locked, "--domain", DOMAIN];
    let copies =
        format!("esync-ssl enable --domain {DOMAIN} --cert {certificate} --key {locked} --copy-certs");
    let ours = format!("{copies} --root {root}");
    says(&site, &[&["enable", "-n"], &files[..]].concat(), &ours);
    says(&site, &[&["check"], &files[..]].concat(), &ours);
    let flag = format!("{copies} --root {root} --define X");
    says(&site, &[&["check", "--define", "X"], &files[..]].concat(), &flag);
    says(
        &site,
        &["explain"],
        &format!("esync-ssl restart --root {root} starts it"),
    );
    // Nothing listens there.
    let free = HeldPort::at("127.0.0.1:0");
    let address = free.address().to_string();
    drop(free);
    let verify = ["verify", "--domain", DOMAIN, "--address", &address];
    says(
        &site,
        &verify,
        &format!("esync-ssl ports --root {root} shows what listens"),
    );
    files::write(&site.main(), site.text() + "Nonsense on\n");
    let lint = format!("(esync-ssl lint --root {root} shows all of them)");
    says(
        &site,
        &["enable", "-n", "--self-signed", "--domain", DOMAIN],
        &lint,
    );
    says(&site, &["check"], &format!("Run esync-ssl lint --root {root}"));
}

/// What is shown of a file stays as it is.
#[test]
fn a_preview_is_not_completed() {
    let site = Site::new();
    let comment = "# esync-ssl restart, then look";
    files::write(
        &site.main(),
        site.text()
            .replacen("Listen 80", &format!("{comment}\nListen 80"), 1),
    );
    let shown = site
        .run(&["enable", "-n", "--self-signed", "--domain", DOMAIN])
        .run()
        .expect_code(0)
        .stdout_text();
    assert!(shown.contains(&format!(" {comment}\n")), "{shown}");
}

/// A root that is usual here is none for who types the command elsewhere; one that is found needs no words.
#[test]
fn a_root_of_the_environment_is_named() {
    let site = Site::new();
    files::write(&site.main(), site.text() + "Nonsense on\n");
    let outcome: Outcome = esync_ssl()
        .args(["status"])
        .env("ESYNC_SSL_ROOT", site.root())
        .run();
    let said = outcome.expect_code(0).stdout_text();
    let lint = format!("esync-ssl lint --root {}", text(&site.root()));
    assert!(said.contains(&lint) || said.contains(" --root \""), "{said}");
}

/// A certificate that is for another machine than this: it can be copied, and nothing else.
#[test]
fn files_that_cannot_be_named_can_be_copied() {
    let site = Site::new();
    let main = format!("ServerRoot \"/not/here\"\n{}", site.text());
    files::write(&site.main(), main);
    let refused = site.enable().run().expect_code(4);
    assert!(
        refused
            .stderr_text()
            .contains("run again with --copy-certs, which copies the files into"),
        "{}",
        refused.report()
    );
    site.enable().arg("--copy-certs").run().expect_code(0);
}

#[test]
fn the_certificate_names_who_is_not_named() {
    let site = Site::new();
    let [certificate, key] =
        ["server.crt", "server.key"].map(|name| text(&site.beside("certificates").join(name)));
    let other = Authority::new(&site.beside("other")).leaf("other", &["other.example.com"]);
    let wrong = text(&other.key);
    let told = esync_ssl()
        .args(["check", "--cert", &certificate, "--key", &wrong, "--json"])
        .run();
    let document: Value = serde_json::from_slice(&told.stdout).expect("a document");
    let proposed = format!("cert request --domain {DOMAIN}");
    assert!(
        strings(&document).iter().any(|said| said.contains(&proposed)),
        "{document}"
    );
    let told = site
        .run(&["enable", "--cert", &certificate, "--key", &key])
        .run()
        .expect_code(2);
    assert!(
        told.stderr_text()
            .contains(&format!("--domain {DOMAIN}; the certificate is for")),
        "{}",
        told.report()
    );
}

/// What is wrong comes before what to do about it.
#[test]
fn the_reason_comes_before_the_fix() {
    let site = Site::new();
    let key = text(&site.beside("certificates/server.key"));
    let apply = esync_ssl()
        .args(["apply", "nope.plan", "--yes"])
        .folder(site.root())
        .run()
        .expect_code(1);
    let said = apply.stderr_text();
    assert!(
        said.contains("nope.plan cannot be read: it does not exist; nothing was written. Name the file"),
        "{said}"
    );
    let missing: [&[&str]; 4] = [
        &[
            "enable", "-n", "--domain", DOMAIN, "--cert", "nope", "--key", &key,
        ],
        &[
            "verify",
            "--domain",
            DOMAIN,
            "--address",
            "127.0.0.1:1",
            "--ca",
            "nope",
        ],
        &["explain", "nope"],
        &[
            "enable",
            "-n",
            "--domain",
            DOMAIN,
            "--pfx",
            &key,
            "--passphrase-file",
            "nope",
        ],
    ];
    for words in missing {
        let outcome = site.run(words).run();
        assert_ne!(outcome.code, Some(0), "{}", outcome.report());
        assert!(
            outcome
                .stderr_text()
                .contains("cannot be read: it does not exist; check"),
            "{}",
            outcome.report()
        );
    }
}

#[test]
fn a_report_has_no_changes_to_apply() {
    let site = Site::new();
    let refused = site.run(&["report", &text(&site.beside("report.txt"))]).run();
    let said = refused.stderr_text();
    assert!(
        said.contains("give --yes to write the report") && !said.contains("apply"),
        "{said}"
    );
}

#[test]
fn a_host_that_nobody_reaches_has_cause_and_fix() {
    let site = Site::new();
    files::write(
        &site.main(),
        site.text() + "<VirtualHost *:81>\nServerName a.test\n</VirtualHost>\n",
    );
    let told = site.run(&["lint", "--json"]).run();
    let document: Value = serde_json::from_slice(&told.stdout).expect("a document");
    let all = document["findings"].as_array().expect("findings");
    let dead = all
        .iter()
        .find(|finding| finding["rule"] == "dead-host")
        .expect("one");
    assert!(
        ["cause", "fix"]
            .iter()
            .all(|field| dead[field].as_str().is_some_and(|words| !words.is_empty())),
        "{dead}"
    );
}
