//! What findings propose is carried out as it is printed: afterwards the fault is gone.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::certificates::{Authority, Leaf};
use crate::support::containers::{der, encrypted_key, pfx};
use crate::support::files;
use crate::support::program::esync_ssl;

const NAME: &str = "www.example.com";
const PHRASE: &str = "geheim-4711";

/// A server root, and the files of a certificate in a folder whose name needs quoting.
struct Desk {
    folder: tempfile::TempDir,
    leaf: Leaf,
    authority: Authority,
}

impl Desk {
    fn new() -> Desk {
        let folder = files::folder();
        files::copy_tree(&files::fixture("small"), &folder.path().join("Apache24"));
        let authority = Authority::new(&folder.path().join("in"));
        let leaf = authority.leaf("leaf", &[NAME]);
        files::write(&folder.path().join("phrase"), PHRASE);
        files::write(
            &folder.path().join("my files/server.crt"),
            fs::read(&leaf.certificate).unwrap(),
        );
        files::write(
            &folder.path().join("my files/server.key"),
            fs::read(&leaf.key).unwrap(),
        );
        Desk {
            folder,
            leaf,
            authority,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("my files").join(name)
    }

    /// What `enable` with these files says about one code.
    #[track_caller]
    fn fix(&self, words: &[&str], code: &str) -> String {
        let outcome = esync_ssl()
            .args([
                "enable", "--root", "Apache24", "--yes", "--json", "--domain", NAME,
            ])
            .args(words)
            .folder(self.folder.path())
            .run();
        let answer: Value = serde_json::from_slice(&outcome.stdout).expect("JSON");
        let findings = answer["findings"].as_array().expect("findings");
        let found = findings.iter().find(|finding| finding["code"] == code);
        let found = found.unwrap_or_else(|| panic!("no {code}: {}", outcome.report()));
        found["fix"].as_str().expect("a fix").to_owned()
    }

    /// The command at the end of what is proposed, as a shell takes it wherever it is typed; agreed to, and with what would be
    /// asked for.
    #[track_caller]
    fn carry_out(&self, fix: &str) {
        let (_, command) = fix
            .split_once("esync-ssl ")
            .unwrap_or_else(|| panic!("no command: {fix}"));
        let program = crate::support::program::binary();
        let line = format!(
            "'{}' {command} --yes --no-test --no-rehearsal --passphrase-file phrase",
            program.display()
        );
        let mut shell = std::process::Command::new("sh");
        shell.arg("-c").arg(&line).current_dir(self.folder.path());
        let output = shell.output().expect("a shell");
        assert!(output.status.success(), "{line}\n{output:?}");
        let check = esync_ssl()
            .args(["check", "--root", "Apache24", "--json"])
            .folder(self.folder.path())
            .run()
            .expect_code(0);
        let text = fs::read_to_string(self.folder.path().join("Apache24/conf/httpd.conf")).unwrap();
        assert!(text.contains("conf/ssl/"), "{text}\n{}", check.report());
    }
}

const FILES: [&str; 4] = ["--cert", "my files/server.crt", "--key", "my files/server.key"];

/// Stages a fault, and takes what is proposed at its word.
#[track_caller]
fn is_corrected(code: &str, words: &[&str], stage: impl FnOnce(&Desk)) {
    let desk = Desk::new();
    stage(&desk);
    let fix = desk.fix(words, code);
    assert!(
        !fix.contains("NAME") && !fix.contains("FILE") && !fix.contains("NEW"),
        "{fix}"
    );
    desk.carry_out(&fix);
}

#[test]
fn a_key_under_a_pass_phrase_is_copied_without_it() {
    is_corrected("KEY-PASSPHRASE", &FILES, |desk| {
        files::write(&desk.path("server.key"), encrypted_key(&desk.leaf.key, PHRASE));
    });
}

#[test]
fn a_pfx_named_as_certificate_or_key_is_taken_as_one() {
    for at in ["--cert", "--key"] {
        let code = if at == "--cert" {
            "CERT-NOT-A-CERTIFICATE"
        } else {
            "KEY-NOT-A-KEY"
        };
        let words = FILES.map(|word| match (word, at) {
            ("my files/server.crt", "--cert") | ("my files/server.key", "--key") => "my files/all.pfx",
            (word, _) => word,
        });
        is_corrected(code, &words, |desk| {
            let (intermediate, root) = (desk.authority.intermediate(), desk.authority.root());
            let bytes = pfx(
                &desk.leaf.key,
                &[&desk.leaf.certificate, &intermediate, &root],
                PHRASE,
            );
            files::write(&desk.path("all.pfx"), bytes);
        });
    }
}

#[test]
fn a_certificate_in_another_form_is_copied_as_pem() {
    let crt = |desk: &Desk| fs::read_to_string(desk.path("server.crt")).unwrap();
    is_corrected("CERT-NOT-PEM", &FILES, |desk| {
        files::write(&desk.path("server.crt"), der(&desk.leaf.certificate));
    });
    is_corrected("CERT-UTF16", &FILES, |desk| {
        let wide = crt(desk)
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>();
        files::write(&desk.path("server.crt"), [&[0xff, 0xfe][..], &wide].concat());
    });
    is_corrected("CERT-NOT-AT-LINE-START", &FILES, |desk| {
        files::write(
            &desk.path("server.crt"),
            crt(desk).replace("-----BEGIN", "  -----BEGIN"),
        );
    });
    is_corrected("CERT-GLUED", &FILES, |desk| {
        let more = fs::read_to_string(desk.authority.intermediate()).unwrap();
        files::write(&desk.path("server.crt"), crt(desk).trim_end().to_owned() + &more);
    });
}

/// Whoever types a command sits in another folder by then.
#[test]
fn what_is_to_be_typed_names_files_from_any_folder() {
    let desk = Desk::new();
    files::write(&desk.path("enc.key"), encrypted_key(&desk.leaf.key, PHRASE));
    files::write(&desk.path("der.crt"), der(&desk.leaf.certificate));
    let typed = |name: &str| format!("my files/{name}");
    let named = |name: &str| format!("'{}'", desk.path(name).display());
    for (certificate, key, code) in [
        ("server.crt", "enc.key", "KEY-PASSPHRASE"),
        ("der.crt", "server.key", "CERT-NOT-PEM"),
    ] {
        let fix = desk.fix(&["--cert", &typed(certificate), "--key", &typed(key)], code);
        let command = format!("--cert {} --key {} --copy-certs", named(certificate), named(key));
        assert!(fix.contains(&command), "{code}: {fix}");
    }
    // What is only shown stays as it was typed.
    let said = esync_ssl()
        .args(["enable", "--root", "Apache24", "--yes", "--domain", NAME])
        .args(["--cert", "my files/server.crt", "--key", "my files/enc.key"])
        .folder(desk.folder.path())
        .run();
    assert!(
        said.stderr_text().contains("--> my files/enc.key"),
        "{}",
        said.report()
    );
}
