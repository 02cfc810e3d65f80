//! `esync-ssl guide` at a terminal, before a real Apache.

use std::fs;
use std::net::Ipv4Addr;

use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::containers::{encrypted_key, pfx};
use crate::support::conversation::{CTRL_C, Conversation, ENTER, ESC};
use crate::support::files;
use crate::support::network::HeldPort;
use crate::support::others::{NOBODY, is_root, mode};
use crate::support::program::{binary, esync_ssl};

/// The guide about a site, in the folder around it.
pub fn guide(site: &ApacheSite) -> Conversation {
    let program = site.command(&["guide"]).folder(site.folder.path());
    Conversation::start(program.into_command())
}

/// The paths of the certificate's files, as somebody drops them into the window.
pub fn dropped(site: &ApacheSite, name: &str) -> String {
    format!(
        "'{}'\r",
        site.folder.path().join("certificates").join(name).display()
    )
}

pub const SERVER: &str = "Is this the server?";
pub const SOURCE: &str = "What certificate is there?";
pub const CERTIFICATE: &str = "File of the certificate:";
pub const KEY: &str = "File of the private key:";
pub const PHRASE: &str = "Pass-phrase (not shown";
pub const NAME: &str = "By which name do clients reach this site?";
const PORT: &str = "Which port is HTTPS on?";
pub const HTTP: &str = "What becomes of HTTP?";
pub const RESTART: &str = "Restart Apache afterwards";
pub const APPLY: &str = "Apply these changes?";
pub const SAVE: &str = "Save the answers";

/// An eSync-like tree with an archive: Enter for all but what only somebody can know.
#[test]
fn with_an_archive_under_a_pass_phrase() {
    let Some(site) = ApacheSite::running("CustomLog logs/access.log common\n") else {
        return;
    };
    let archive = pfx(&site.leaf.key, &[&site.leaf.certificate], "secret");
    files::write(&site.folder.path().join("certificates/my site.pfx"), archive);
    let mut talk = guide(&site);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, "2\r");
    talk.answer("File of the archive", &dropped(&site, "my site.pfx"));
    talk.answer(PHRASE, "guess\n");
    talk.answer(PHRASE, "secret\n");
    talk.answer(NAME, ENTER);
    talk.answer(HTTP, ENTER);
    talk.answer(RESTART, ENTER);
    talk.answer(APPLY, "3\r");
    talk.answer(APPLY, "1\r");
    talk.answer(SAVE, "2\r");
    talk.answer("File:", ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    let [http, https] = site.answers();
    assert!(
        http == "refused" && https.starts_with("200"),
        "{http} {https}\n{said}"
    );
    for words in [
        "That is not the pass-phrase; try again.",
        "it is in the archive",
        "(the certificate is for it, and the configuration names it)",
        "+Listen 443",
        "answers as configured",
        "Undo: esync-ssl restore",
        "m2u.talk2m.com",
        "https://esync.example.com",
        "--pfx",
        "--passphrase-file FILE",
        "Saved. Use it with: esync-ssl enable --answers",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert!(!said.contains("secret"), "{said}");
    // The file gives the same run; the pass-phrase is in another.
    let answers = site.folder.path().join(format!("esync-ssl-{DOMAIN}.toml"));
    let text = fs::read_to_string(&answers).expect("the answers");
    assert!(!text.contains("secret"), "{text}");
    let phrase = site.folder.path().join("phrase");
    files::write(&phrase, "secret\n");
    let again = esync_ssl().args(["enable", "--answers"]).arg(&answers);
    let again = again.arg("--passphrase-file").arg(&phrase).run().expect_code(0);
    assert!(
        again.stdout_text().contains("Nothing needs to change"),
        "{}",
        again.report()
    );
}

/// The article's first trouble: the key of another certificate; and then one under a pass-phrase.
#[test]
fn with_pem_files_and_a_wrong_key_first() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let locked = encrypted_key(&site.leaf.key, "secret");
    files::write(&site.folder.path().join("certificates/locked.pem"), locked);
    assert!(other.key.is_file());
    let mut talk = guide(&site);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, ENTER);
    talk.answer(CERTIFICATE, &dropped(&site, "no such.crt"));
    talk.answer(CERTIFICATE, &dropped(&site, "server.crt"));
    talk.answer(KEY, &dropped(&site, "other.key"));
    talk.answer(KEY, &dropped(&site, "locked.pem"));
    // Enter alone leads back.
    talk.answer(PHRASE, "\n");
    talk.answer(KEY, &dropped(&site, "locked.pem"));
    talk.answer(PHRASE, "secret\n");
    talk.answer("File of the intermediate certificates:", ENTER);
    talk.answer(NAME, ENTER);
    talk.answer(HTTP, "3\r");
    talk.answer(RESTART, ESC);
    talk.answer(HTTP, "2\r");
    talk.answer(RESTART, ENTER);
    talk.answer(APPLY, "1\r");
    talk.answer(SAVE, ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "no such.crt does not exist",
        "belongs to another certificate",
        "it belongs to the certificate",
        "--copy-certs --http keep --restart",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    let [http, https] = site.answers();
    assert!(
        http.starts_with("200") && https.starts_with("200"),
        "{http} {https}"
    );
}

#[test]
fn a_port_that_is_taken_is_told_and_tried_again() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let other = HeldPort::at((Ipv4Addr::UNSPECIFIED, site.network.https));
    let files = site.files();
    let mut talk = guide(&site);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, "5\r");
    talk.answer(NAME, ENTER);
    talk.answer(PORT, "2\r");
    talk.answer(HTTP, "2\r");
    talk.answer(RESTART, ENTER);
    talk.wait_for("What now?");
    assert_eq!(site.files(), files);
    assert!(
        talk.said().contains("That was not done: port 443"),
        "{}",
        talk.said()
    );
    drop(other);
    talk.answer("What now?", "1\r");
    talk.answer(APPLY, "1\r");
    talk.answer(SAVE, ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    assert!(site.answers()[0].starts_with("200"), "{said}");
}

#[test]
fn another_port_than_the_one_that_is_taken() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let _other = HeldPort::at((Ipv4Addr::UNSPECIFIED, site.network.https));
    let mut talk = guide(&site);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, "5\r");
    talk.answer(NAME, ENTER);
    talk.answer(PORT, "3\r");
    talk.answer("Port for HTTPS:", "https\r");
    talk.answer("Port for HTTPS:", ESC);
    talk.answer(PORT, ENTER);
    talk.answer(HTTP, "2\r");
    talk.answer(RESTART, ENTER);
    talk.answer(APPLY, "1\r");
    talk.answer(SAVE, ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(0), "{said}");
    for words in [
        "is taken by another program",
        "A port is a number",
        "--self-signed --port 8443 --http keep --restart",
        "https://esync.example.com:8443",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    let main = fs::read_to_string(site.root().join("conf/httpd.conf")).expect("the main file");
    assert!(main.contains("Listen 8443"), "{main}");
}

#[test]
fn ctrl_c_at_every_question_changes_nothing() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let (before, runs) = (site.files(), site.daemon.runs());
    let locked = encrypted_key(&site.leaf.key, "secret");
    files::write(&site.folder.path().join("certificates/locked.pem"), locked);
    let script = [
        (SERVER, ENTER.to_owned()),
        (SOURCE, ENTER.to_owned()),
        (CERTIFICATE, dropped(&site, "server.crt")),
        (KEY, dropped(&site, "locked.pem")),
        (PHRASE, "secret\n".to_owned()),
        ("File of the intermediate", ENTER.to_owned()),
        (NAME, ENTER.to_owned()),
        (HTTP, ENTER.to_owned()),
        (RESTART, ENTER.to_owned()),
        (APPLY, String::new()),
    ];
    for end in 0..script.len() {
        let mut talk = guide(&site);
        for (question, keys) in &script[..end] {
            talk.answer(question, keys);
        }
        talk.answer(script[end].0, CTRL_C);
        let (status, said) = talk.end();
        assert_eq!(status, Some(10), "{}:\n{said}", script[end].0);
        assert!(said.contains("interrupted"), "{said}");
        assert_eq!(site.files(), before, "{said}");
        assert_eq!(site.daemon.runs(), runs, "{said}");
    }
}

#[test]
fn who_may_not_write_is_told_so_at_the_first_question() {
    if !is_root() {
        return;
    }
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    mode(site.folder.path(), 0o755);
    let before = site.files();
    let start = || {
        let mut command = std::process::Command::new("setpriv");
        let id = NOBODY.to_string();
        command.args(["--reuid", &id, "--regid", &id, "--clear-groups"]);
        command.arg(binary()).arg("guide").arg("--root").arg(site.root());
        Conversation::start(command)
    };
    let mut talk = start();
    talk.answer("What now?", ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(8), "{said}");
    assert!(said.contains("This account may not write"), "{said}");
    let in_a_line: Vec<&str> = said.split_whitespace().collect();
    assert!(
        in_a_line.join(" ").contains("sudo esync-ssl guide --root "),
        "{said}"
    );
    // What would be written can be looked at.
    let mut talk = start();
    talk.answer("What now?", "1\r");
    talk.answer(SOURCE, "5\r");
    talk.answer(NAME, ENTER);
    talk.answer(HTTP, ENTER);
    talk.answer(RESTART, ENTER);
    let (status, said) = talk.end();
    assert_eq!(status, Some(8), "{said}");
    for words in [
        "+Listen 443",
        "nothing was written",
        "The same as one command",
        "--self-signed",
    ] {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    assert_eq!(site.files(), before);
}

/// Without any word, at a terminal and elsewhere.
#[test]
fn the_program_alone_is_the_guide_at_a_terminal_only() {
    let Some(site) = ApacheSite::running("CustomLog logs/access.log common\n") else {
        return;
    };
    let now = time::OffsetDateTime::now_utc();
    let log: String = ["10.0.0.1", "10.0.0.2", "10.0.0.1"]
        .iter()
        .map(|sender| {
            let format = time::macros::format_description!(
                "[day]/[month repr:short]/[year]:[hour]:[minute]:[second] +0000"
            );
            let moment = now.format(format).expect("a moment");
            format!("{sender} - - [{moment}] \"POST /esync HTTP/1.1\" 200 5\n")
        })
        .collect();
    files::write(&site.root().join("logs/access.log"), log);
    let mut command = std::process::Command::new(binary());
    command.env("ESYNC_SSL_ROOT", site.root());
    let mut talk = Conversation::start(command);
    talk.answer(SERVER, ENTER);
    talk.answer(SOURCE, "5\r");
    talk.answer(NAME, ENTER);
    talk.wait_for(HTTP);
    let told = "2 devices posted over HTTP in the last 7 days";
    assert!(talk.said().contains(told), "{}", talk.said());
    assert!(talk.said().contains("> 2 Keep"), "{}", talk.said());
    talk.answer(HTTP, CTRL_C);
    assert_eq!(talk.end().0, Some(10));
    let piped = esync_ssl().run().expect_code(2);
    assert!(
        piped.stderr_text().contains("Usage: esync-ssl"),
        "{}",
        piped.report()
    );
    for words in [&["guide"][..], &["guide", "--json"]] {
        let piped = esync_ssl().args(words).run().expect_code(2);
        assert!(
            piped.stderr_text().contains("guide asks people at a terminal"),
            "{}",
            piped.report()
        );
    }
}
