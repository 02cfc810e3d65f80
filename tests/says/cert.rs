//! `esync-ssl cert` as people and scripts use it: every command, every container, and nothing secret in any output.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::certificates::{Authority, Leaf};
use crate::support::containers::{der, encrypted_key, p7b, pfx};
use crate::support::files;
use crate::support::process::{self, Outcome};
use crate::support::program::{binary, esync_ssl};
use serde_json::Value;
use tempfile::TempDir;

const PHRASE: &str = "geheim-4711";
const NAME: &str = "www.example.com";

/// A folder with an authority, a leaf of it, and everything that must never be shown.
struct Desk {
    folder: TempDir,
    authority: Authority,
    leaf: Leaf,
}

impl Desk {
    fn new() -> Desk {
        let folder = files::folder();
        let authority = Authority::new(&folder.path().join("in"));
        let leaf = authority.leaf("leaf", &[NAME]);
        files::for_owner_only(&leaf.key);
        files::write(&folder.path().join("phrase"), format!("{PHRASE}\r\n"));
        files::write(&folder.path().join("wrong"), "wrong\n");
        Desk {
            folder,
            authority,
            leaf,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program in the folder; whatever it says, it must not be a secret.
    #[track_caller]
    fn run(&self, words: &[&str], status: i32) -> Outcome {
        let outcome = esync_ssl()
            .args(words)
            .folder(self.folder.path())
            .env("SSL_CERT_FILE", self.authority.root())
            .run()
            .expect_code(status);
        self.nothing_secret(&outcome);
        outcome
    }

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat(), status);
        outcome.data()
    }

    /// What became of it, in one word.
    #[track_caller]
    fn result(&self, words: &[&str], status: i32) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat(), status);
        outcome.envelope()["result"].take()
    }

    /// Looks for the pass-phrase and for any line of any private key in the folder.
    #[track_caller]
    fn nothing_secret(&self, outcome: &Outcome) {
        let said = outcome.report();
        let said = said.split_once("exit code").map_or("", |(_, said)| said);
        assert!(!said.contains(PHRASE), "{said}");
        assert!(!said.contains("PRIVATE KEY"), "{said}");
        for bytes in files::snapshot(self.folder.path()).values() {
            for block in esync_ssl::tls::pem::blocks(bytes) {
                if block.label.contains("PRIVATE KEY") {
                    let text = String::from_utf8_lossy(bytes);
                    for line in text
                        .lines()
                        .filter(|line| line.len() > 20 && !line.starts_with('-'))
                    {
                        assert!(!said.contains(&line[..20]), "{said}");
                    }
                }
            }
        }
    }

    fn fingerprint(&self, name: &str) -> Vec<u8> {
        der(&self.path(name))
    }
}

#[cfg(unix)]
fn assert_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", path.display());
}

#[cfg(windows)]
fn assert_private(path: &Path) {
    use esync_ssl::acl::{self, Exposure};
    let descriptor = acl::descriptor(path).unwrap();
    let open = Exposure::of(&descriptor, "it", None, acl::us().as_ref());
    assert_eq!(open, None, "{}", path.display());
}

#[test]
fn self_signed_makes_key_and_certificate_once() {
    let desk = Desk::new();
    let words = [
        "cert",
        "self-signed",
        "--domain",
        NAME,
        "192.0.2.7",
        "--days",
        "30",
    ];
    let told = desk.run(&[&words[..], &["--json"]].concat(), 0).envelope();
    assert_eq!(told["result"], "written");
    let made = &told["data"]["files"][0];
    let key = desk.folder.path().join(format!("{NAME}.key"));
    assert_eq!(made["path"], key.display().to_string());
    assert_eq!(made["action"], "create");
    assert_private(&desk.path(&format!("{NAME}.key")));
    let before = files::snapshot(desk.folder.path());
    let refused = desk.run(&words, 4);
    assert!(
        refused.stderr_text().contains("exists already"),
        "{}",
        refused.report()
    );
    assert_eq!(files::snapshot(desk.folder.path()), before);

    let certificate = format!("{NAME}.crt");
    let key = format!("{NAME}.key");
    let seen = desk.json(&["cert", "inspect", &certificate, &key], 0);
    let found = &seen["files"][0]["items"][0]["certificate"];
    assert_eq!(found["names"], serde_json::json!([NAME, "192.0.2.7"]));
    assert_eq!(found["validity"], "valid");
    assert_eq!(found["self_signed"], true);
    assert_eq!(found["public_key"]["type"], "EC P-256");
    assert_eq!(
        seen["together"]["pairs"],
        serde_json::json!([{"key": 2, "certificate": 1}])
    );
    assert_eq!(seen["together"]["chains"][0]["end"], "self-signed");
}

#[test]
fn key_types_and_names_of_files_are_chosen() {
    let desk = Desk::new();
    for (key_type, shown) in [
        ("p384", "EC P-384"),
        ("rsa2048", "RSA 2048 bits"),
        ("rsa3072", "RSA 3072 bits"),
    ] {
        let (certificate, key) = (format!("x/{key_type}.crt"), format!("x/{key_type}.key"));
        let words = ["cert", "self-signed", "--domain", NAME, "--key-type", key_type];
        desk.run(
            &[&words[..], &["--out-cert", &certificate, "--out-key", &key]].concat(),
            0,
        );
        let seen = desk.json(&["cert", "inspect", &key], 0);
        assert_eq!(seen["files"][0]["items"][0]["key"]["type"], shown);
        let check = ["check", "--cert", &certificate, "--key", &key, "--domain", NAME];
        assert_eq!(desk.json(&check, 0)["error_count"], 0);
    }
    desk.run(&["cert", "self-signed", "--domain", NAME, "--days", "99999"], 1);
    desk.run(&["cert", "self-signed", "--domain", "no name"], 1);
    desk.run(&["cert", "self-signed", "--domain", NAME, "--key-type", "dsa"], 2);
    desk.run(&["cert", "self-signed"], 2);
}

#[test]
fn a_request_for_a_new_key_or_an_old_one() {
    let desk = Desk::new();
    desk.run(
        &["cert", "request", "--domain", NAME, "--domain", "example.com"],
        0,
    );
    let seen = desk.json(
        &["cert", "inspect", &format!("{NAME}.csr"), &format!("{NAME}.key")],
        0,
    );
    let request = &seen["files"][0]["items"][0]["request"];
    assert_eq!(request["names"], serde_json::json!([NAME, "example.com"]));
    let key = &seen["files"][1]["items"][0]["key"];
    assert_eq!(request["public_key"]["public_sha256"], key["public_sha256"]);
    assert_private(&desk.path(&format!("{NAME}.key")));

    files::write(&desk.path("enc.key"), encrypted_key(&desk.leaf.key, PHRASE));
    let words = [
        "cert",
        "request",
        "--domain",
        NAME,
        "--key",
        "enc.key",
        "--out-request",
        "old.csr",
    ];
    desk.run(&words, 4);
    desk.run(&[&words[..], &["--passphrase-file", "wrong"]].concat(), 4);
    desk.run(&[&words[..], &["--passphrase-file", "phrase"]].concat(), 0);
    let seen = desk.json(&["cert", "inspect", "old.csr", "in/leaf.crt"], 0);
    assert_eq!(
        seen["together"]["pairs"][0],
        serde_json::json!({"key": 1, "certificate": 2})
    );
    desk.run(&[&words[..], &["--passphrase-file", "phrase"]].concat(), 4);
}

#[test]
fn a_pass_phrase_is_taken_off() {
    let desk = Desk::new();
    files::write(&desk.path("enc.key"), encrypted_key(&desk.leaf.key, PHRASE));
    let decrypt = ["cert", "decrypt-key", "enc.key", "plain.key"];
    let refused = desk.run(&decrypt, 4);
    assert!(
        refused.stderr_text().contains("--passphrase-file"),
        "{}",
        refused.report()
    );
    let wrong = desk.run(&[&decrypt[..], &["--passphrase-file", "wrong"]].concat(), 4);
    assert!(
        wrong.stderr_text().contains("pass-phrase is wrong"),
        "{}",
        wrong.report()
    );
    assert!(!desk.path("plain.key").exists());
    desk.run(&[&decrypt[..], &["--passphrase-file", "phrase"]].concat(), 0);
    assert_private(&desk.path("plain.key"));
    let seen = desk.json(&["cert", "inspect", "plain.key", "in/leaf.crt"], 0);
    assert_eq!(
        seen["together"]["pairs"][0],
        serde_json::json!({"key": 1, "certificate": 2})
    );
    // Never over an existing file, and nothing to do for a key without pass-phrase.
    desk.run(&[&decrypt[..], &["--passphrase-file", "phrase"]].concat(), 4);
    desk.run(&["cert", "decrypt-key", "plain.key", "again.key"], 4);
    desk.run(&["cert", "decrypt-key", "in/leaf.crt", "again.key"], 1);
    desk.run(&["cert", "decrypt-key", "nobody.key", "again.key"], 1);
    assert!(!desk.path("again.key").exists());
}

#[test]
fn a_pass_phrase_comes_from_standard_input() {
    let desk = Desk::new();
    files::write(&desk.path("enc.key"), encrypted_key(&desk.leaf.key, PHRASE));
    let mut command = Command::new(binary());
    command
        .args([
            "cert",
            "decrypt-key",
            "enc.key",
            "plain.key",
            "--passphrase-file",
            "-",
        ])
        .current_dir(desk.folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = process::start(&mut command).unwrap();
    writeln!(child.stdin.take().unwrap(), "{PHRASE}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(desk.path("plain.key").is_file());
}

#[test]
fn a_pfx_is_taken_apart() {
    let desk = Desk::new();
    let (root, intermediate) = (desk.authority.root(), desk.authority.intermediate());
    // The root in front: what comes out is in order all the same.
    let bytes = pfx(
        &desk.leaf.key,
        &[&desk.leaf.certificate, &root, &intermediate],
        PHRASE,
    );
    files::write(&desk.path("all.pfx"), bytes);
    let import = ["cert", "import", "all.pfx", "--out-dir", "out"];
    desk.run(&import, 4);
    desk.run(&[&import[..], &["--passphrase-file", "wrong"]].concat(), 4);
    assert!(!desk.path("out").exists());
    let told = desk.run(&[&import[..], &["--passphrase-file", "phrase"]].concat(), 0);
    assert!(
        told.stderr_text().contains("esync-ssl test root"),
        "{}",
        told.report()
    );
    assert_eq!(desk.fingerprint("out/www.example.com.crt"), desk.leaf.der);
    assert_eq!(
        desk.fingerprint("out/www.example.com.chain.crt"),
        der(&intermediate)
    );
    assert_private(&desk.path("out/www.example.com.key"));
    let check = [
        "check",
        "--domain",
        NAME,
        "--cert",
        "out/www.example.com.crt",
        "--key",
        "out/www.example.com.key",
        "--chain",
        "out/www.example.com.chain.crt",
    ];
    let report = desk.json(&check, 0);
    assert_eq!(
        (&report["error_count"], &report["warning_count"]),
        (&0.into(), &0.into()),
        "{report}"
    );
    // The same again is already there; something else of that name is in the way.
    let again = desk.result(&[&import[..], &["--passphrase-file", "phrase"]].concat(), 0);
    assert_eq!(again, "unchanged");
    files::write(&desk.path("out/www.example.com.crt"), "mine");
    desk.run(&[&import[..], &["--passphrase-file", "phrase"]].concat(), 4);
    assert_eq!(
        std::fs::read(desk.path("out/www.example.com.crt")).unwrap(),
        b"mine"
    );
    desk.run(
        &[&import[..], &["--passphrase-file", "phrase", "--name", "new"]].concat(),
        0,
    );
    assert!(desk.path("out/new.key").is_file());
    desk.run(
        &[&import[..], &["--passphrase-file", "phrase", "--name", "../new"]].concat(),
        1,
    );

    // Many archives have the empty pass-phrase: nobody needs to be asked.
    files::write(
        &desk.path("empty.pfx"),
        pfx(&desk.leaf.key, &[&desk.leaf.certificate], ""),
    );
    desk.run(&["cert", "import", "empty.pfx", "--out-dir", "empty"], 0);
}

#[test]
fn a_p7b_is_put_in_order() {
    let desk = Desk::new();
    let (root, intermediate) = (desk.authority.root(), desk.authority.intermediate());
    files::write(
        &desk.path("all.p7b"),
        p7b(&[&root, &intermediate, &desk.leaf.certificate]),
    );
    let told = desk.run(&["cert", "import", "all.p7b", "--name", "site"], 0);
    assert!(told.stderr_text().contains("no private key"), "{}", told.report());
    assert_eq!(desk.fingerprint("site.crt"), desk.leaf.der);
    assert_eq!(desk.fingerprint("site.chain.crt"), der(&intermediate));
    assert!(!desk.path("site.key").exists());
    // Given as a certificate, it is said what to do with it.
    files::write(&desk.path("root/conf/httpd.conf"), "Listen 80\n");
    let words = [
        "cert",
        "install",
        "--root",
        "root",
        "--domain",
        NAME,
        "--cert",
        "all.p7b",
        "--key",
        "in/leaf.key",
    ];
    let refused = desk.run(&words, 1);
    assert!(
        refused.stderr_text().contains("esync-ssl cert import"),
        "{}",
        refused.report()
    );
    desk.run(&["cert", "import", "in/leaf.crt"], 1);
    files::write(&desk.path("page.pfx"), "<html><body>404</body></html>");
    let refused = desk.run(&["cert", "import", "page.pfx"], 1);
    assert!(refused.stderr_text().contains("web page"), "{}", refused.report());
}

#[test]
fn inspect_says_what_everything_is() {
    let desk = Desk::new();
    let chain = [
        &desk.leaf.certificate,
        &desk.authority.intermediate(),
        &desk.authority.root(),
    ]
    .map(|file| std::fs::read_to_string(file).unwrap())
    .concat();
    let key = std::fs::read_to_string(&desk.leaf.key).unwrap();
    let utf16: Vec<u8> = chain.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (name, bytes) in [
        ("all.pem", format!("{key}{chain}").into_bytes()),
        ("leaf.der", desk.leaf.der.clone()),
        ("utf16.pem", [&b"\xff\xfe"[..], &utf16].concat()),
        ("enc.key", encrypted_key(&desk.leaf.key, PHRASE).into_bytes()),
        ("all.pfx", pfx(&desk.leaf.key, &[&desk.leaf.certificate], PHRASE)),
        ("page.html", b"<html></html>".to_vec()),
        ("empty", Vec::new()),
        ("cut.pem", chain.as_bytes()[..300].to_vec()),
    ] {
        files::write(&desk.path(name), bytes);
    }
    let all = [
        "all.pem",
        "leaf.der",
        "utf16.pem",
        "enc.key",
        "all.pfx",
        "page.html",
        "empty",
        "cut.pem",
    ];
    let words = [&["cert", "inspect"], &all[..]].concat();
    // Two of them are nothing.
    let seen = desk.json(&words, 12);
    let file = |at: usize| &seen["files"][at];
    assert_eq!(file(0)["items"].as_array().unwrap().len(), 4);
    assert_eq!(file(0)["items"][1]["line"], key.lines().count() + 1);
    assert_eq!(file(1)["shape"], "der");
    assert_eq!(file(2)["encoding"], "utf-16");
    assert_eq!(file(3)["items"][0]["key"]["encrypted"], true);
    assert!(
        file(4)["items"][0]["problem"]
            .as_str()
            .unwrap()
            .contains("--passphrase-file")
    );
    assert_eq!(
        (&file(5)["shape"], &file(6)["shape"]),
        (&"html".into(), &"empty".into())
    );
    assert!(!file(7)["items"][0]["problem"].is_null());
    let chains = &seen["together"]["chains"][0];
    assert_eq!(
        (&chains["leaf"], &chains["intermediates"][0], &chains["root"]),
        (&2.into(), &3.into(), &4.into())
    );
    assert_eq!(chains["end"], "root");
    // With the pass-phrase it looks inside, and knows whose key it is.
    let opened = desk.json(&[&words[..], &["--passphrase-file", "phrase"]].concat(), 12);
    assert_eq!(opened["files"][4]["items"][1]["in_archive"], true);
    assert_eq!(opened["files"][3]["items"][0]["key"]["encrypted"], false);
    desk.json(&words[..7], 0);
    let text = desk.run(&words, 12).stdout_text();
    assert!(
        text.contains("chain: #2, issued by #3, issued by #4 (the last one is a root)"),
        "{text}"
    );
    let missing = desk.json(&["cert", "inspect", "nobody", "all.pem"], 1);
    assert_eq!(missing["files"].as_array().unwrap().len(), 1);
    assert_eq!(missing["unread"].as_array().unwrap().len(), 1);
}

#[test]
fn install_puts_files_where_the_server_finds_them() {
    let desk = Desk::new();
    let root = desk.path("Apache24");
    files::copy_tree(&files::fixture("small"), &root);
    let intermediate = desk.authority.intermediate();
    let chain = intermediate.to_str().unwrap();
    let (certificate, key) = (
        desk.leaf.certificate.to_str().unwrap(),
        desk.leaf.key.to_str().unwrap(),
    );
    let words = [
        "cert",
        "install",
        "--root",
        "Apache24",
        "--cert",
        certificate,
        "--key",
        key,
        "--chain",
        chain,
    ];
    let before = files::snapshot(&root);
    let dry = desk.result(&[&words[..], &["--dry-run"]].concat(), 0);
    assert_eq!(dry, "would-change");
    assert_eq!(files::snapshot(&root), before);
    // Errors are told and refused, unless overridden by name.
    let wrong = desk.json(&[&words[..], &["--domain", "other.example.com"]].concat(), 4);
    assert_eq!(wrong["findings"][0]["code"], "NAME-NOT-COVERED");
    assert_eq!(files::snapshot(&root), before);
    desk.run(&words, 0);
    assert_private(&root.join("conf/ssl/www.example.com.key"));
    assert_eq!(
        desk.fingerprint("Apache24/conf/ssl/www.example.com.crt"),
        desk.leaf.der
    );
    assert_eq!(desk.result(&words, 0), "unchanged");
    let forced = ["--domain", "other.example.com", "--force", "NAME-NOT-COVERED"];
    desk.run(&[&words[..], &forced].concat(), 0);
    assert!(root.join("conf/ssl/other.example.com.crt").is_file());
    // A renewed certificate finds the name taken and gets one with its day.
    let renewed = desk.authority.leaf("renewed", &[NAME]);
    let (certificate, key) = (
        renewed.certificate.to_str().unwrap(),
        renewed.key.to_str().unwrap(),
    );
    let words = [
        "cert",
        "install",
        "--root",
        "Apache24",
        "--cert",
        certificate,
        "--key",
        key,
        "--chain",
        chain,
    ];
    let report = desk.json(&words, 0);
    let file = report["files"][0]["path"].as_str().unwrap();
    assert!(
        file.contains("www.example.com-20") && file.ends_with(".key"),
        "{file}"
    );
    assert_eq!(
        desk.fingerprint("Apache24/conf/ssl/www.example.com.crt"),
        desk.leaf.der
    );
    assert_eq!(
        desk.run(&["cert", "install", "--root", "Apache24"], 2).code,
        Some(2)
    );
}

/// The question at a terminal: asked without echo, again after a wrong answer.
#[cfg(unix)]
#[test]
fn a_pass_phrase_is_asked_for_without_echo() {
    use std::io::Read;
    let desk = Desk::new();
    files::write(&desk.path("enc.key"), encrypted_key(&desk.leaf.key, PHRASE));
    let terminal = nix::pty::openpty(None, None).expect("a pseudo-terminal");
    let slave = || Stdio::from(terminal.slave.try_clone().unwrap());
    // setsid makes the pseudo-terminal the one that the program controls.
    let mut child = Command::new("setsid")
        .args(["--ctty", "--wait"])
        .arg(binary())
        .args(["cert", "decrypt-key", "enc.key", "plain.key"])
        .current_dir(desk.folder.path())
        .stdin(slave())
        .stdout(slave())
        .stderr(slave())
        .spawn()
        .expect("setsid of util-linux");
    drop(terminal.slave);
    let mut master = std::fs::File::from(terminal.master);
    let mut seen = String::new();
    let mut answered = 0;
    let mut buffer = [0; 1024];
    // Reading fails when the program has gone.
    while let Ok(count @ 1..) = master.read(&mut buffer) {
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if seen.matches("Pass-phrase of").count() > answered {
            answered += 1;
            // The prompt comes first, then echo goes off.
            std::thread::sleep(std::time::Duration::from_millis(300));
            let answer = if answered == 1 { "not it" } else { PHRASE };
            master.write_all(format!("{answer}\n").as_bytes()).unwrap();
        }
    }
    assert!(child.wait().unwrap().success(), "{seen}");
    assert_eq!(answered, 2, "{seen}");
    assert!(!seen.contains(PHRASE) && !seen.contains("not it"), "{seen}");
    assert!(desk.path("plain.key").is_file(), "{seen}");
}
