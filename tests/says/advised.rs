//! Commands that are proposed name the server that they are about, as this run was told of it: wherever they are typed, they
//! mean no other one.

use serde_json::Value;

use crate::support::containers::encrypted_key;
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site, text};

/// What is said to people and to programs of the same run.
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
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("its address").to_string();
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
