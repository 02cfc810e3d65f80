//! `esync-ssl check`, and what `enable` does with the same rules before it shows anything.

use std::path::{Path, PathBuf};

use crate::support::certificates::{Authority, Days, Leaf, p256};
use crate::support::containers::{der, encrypted_key, pfx};
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use serde_json::Value;
use tempfile::TempDir;

const PHRASE: &str = "geheim-4711";
const NAME: &str = "www.example.com";

/// A server root with an authority and a leaf beside it.
struct Desk {
    folder: TempDir,
    authority: Authority,
    leaf: Leaf,
}

impl Desk {
    fn new() -> Desk {
        let folder = files::folder();
        files::copy_tree(&files::fixture("small"), &folder.path().join("Apache24"));
        let authority = Authority::new(&folder.path().join("in"));
        let leaf = authority.leaf("leaf", &[NAME]);
        files::for_owner_only(&leaf.key);
        files::write(&folder.path().join("phrase"), PHRASE);
        Desk {
            folder,
            authority,
            leaf,
        }
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    #[track_caller]
    fn run(&self, words: &[&str], status: i32) -> Outcome {
        esync_ssl()
            .args(words)
            .folder(self.folder.path())
            .run()
            .expect_code(status)
    }

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat(), status);
        serde_json::from_slice(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", outcome.report()))
    }

    /// Adds virtual hosts to the configuration, with mod_ssl loaded.
    fn configure(&self, hosts: &str) {
        let file = self.root().join("conf/httpd.conf");
        let text = std::fs::read_to_string(files::fixture("small").join("conf/httpd.conf")).unwrap();
        let text = text.replace("#LoadModule ssl", "LoadModule ssl");
        files::write(&file, format!("{text}\nListen 443\n{hosts}"));
    }

    /// Puts a leaf and its chain into conf/ssl under this name.
    fn serve(&self, name: &str, leaf: &Leaf) {
        let folder = self.root().join("conf/ssl");
        let copy = |from: &Path, end: &str| {
            let to = folder.join(format!("{name}.{end}"));
            files::write(&to, std::fs::read(from).unwrap());
            files::for_owner_only(&to);
        };
        copy(&leaf.certificate, "crt");
        copy(&leaf.key, "key");
        copy(&self.authority.intermediate(), "chain.crt");
    }
}

fn host(name: &str, more: &str) -> String {
    format!(
        "<VirtualHost *:443>\n    ServerName {name}\n    SSLEngine on\n    SSLCertificateFile conf/ssl/{name}.crt\n    \
         SSLCertificateKeyFile conf/ssl/{name}.key\n    SSLCertificateChainFile conf/ssl/{name}.chain.crt\n{more}\
         </VirtualHost>\n"
    )
}

fn codes(checked: &Value) -> Vec<&str> {
    let findings = checked["findings"].as_array().expect("findings");
    findings
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

#[test]
fn given_files_that_are_good_raise_nothing() {
    let desk = Desk::new();
    let good = [
        "check",
        "--domain",
        NAME,
        "--cert",
        "in/leaf.crt",
        "--key",
        "in/leaf.key",
        "--chain",
        "in/intermediate.pem",
    ];
    let report = desk.json(&good, 0);
    assert_eq!(report["checked"][0]["findings"], serde_json::json!([]));
    assert_eq!(
        (&report["errors"], &report["warnings"], &report["notes"]),
        (&0.into(), &0.into(), &0.into())
    );
    let text = desk.run(&good, 0).stdout_text();
    assert!(
        text.contains("no problems found") && text.contains("0 errors, 0 warnings, 0 notes"),
        "{text}"
    );
}

#[test]
fn what_is_wrong_with_given_files_is_said_by_codes() {
    let desk = Desk::new();
    let other = desk
        .authority
        .leaf_of("other", &["other.example.com"], Days(-90, -1), p256());
    files::write(
        &desk.folder.path().join("enc.key"),
        encrypted_key(&desk.leaf.key, PHRASE),
    );
    let bad = |certificate: &str, key: &str, wanted: &[&str]| {
        let words = [
            "check",
            "--domain",
            NAME,
            "--cert",
            certificate,
            "--key",
            key,
            "--chain",
            "in/intermediate.pem",
        ];
        let report = desk.json(&words, 4);
        for code in wanted {
            assert!(codes(&report["checked"][0]).contains(code), "{code}: {report:#}");
        }
        assert_eq!(report["errors"], wanted.len());
    };
    bad("in/leaf.crt", "in/other.key", &["KEY-MISMATCH"]);
    bad("in/leaf.crt", "enc.key", &["KEY-PASSPHRASE"]);
    bad(
        "in/leaf.key",
        "in/leaf.crt",
        &["CERT-NOT-A-CERTIFICATE", "KEY-NOT-A-KEY"],
    );
    bad(
        "in/other.crt",
        "in/other.key",
        &["CERT-EXPIRED", "NAME-NOT-COVERED"],
    );
    bad("in/nobody.crt", "in", &["FILE-MISSING", "FILE-NOT-REGULAR"]);
    assert_eq!(other.certificate.file_name().unwrap(), "other.crt");
}

/// In the manner of a compiler: what, where, why, what to do.
#[test]
fn what_is_wrong_with_given_files_is_said_to_people() {
    let desk = Desk::new();
    files::write(
        &desk.folder.path().join("enc.key"),
        encrypted_key(&desk.leaf.key, PHRASE),
    );
    let words = [
        "check",
        "--domain",
        NAME,
        "--cert",
        "in/leaf.crt",
        "--key",
        "enc.key",
    ];
    let text = desk.run(&words, 4).stdout_text();
    assert!(
        text.contains("error[KEY-PASSPHRASE]: the private key is protected by a pass-phrase (stops the start)\n  --> enc.key:1\n"),
        "{text}"
    );
    assert!(
        text.contains("--domain www.example.com --cert in/leaf.crt --key enc.key --copy-certs"),
        "{text}"
    );
    desk.run(&["check", "--key", "enc.key"], 2);
    desk.run(&["check", "--cert", "in/leaf.crt", "--root", "nowhere"], 1);
    desk.run(&["check", "--cert", "in/leaf.crt", "--domain", "a b"], 1);
}

#[test]
fn the_generation_of_the_server_decides() {
    let desk = Desk::new();
    let full = [&desk.leaf.certificate, &desk.authority.intermediate()]
        .map(|file| std::fs::read_to_string(file).unwrap())
        .concat();
    files::write(&desk.folder.path().join("full.crt"), full);
    let words = [
        "check",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--cert",
        "full.crt",
        "--key",
        "in/leaf.key",
    ];
    let with =
        |version: &str, status| desk.json(&[&words[..], &["--apache-version", version]].concat(), status);
    let old = with("2.4.7", 4);
    assert_eq!(codes(&old["checked"][0]), ["CHAIN-NOT-SENT"]);
    assert_eq!(
        (&old["server"]["apache"], &old["server"]["openssl"]),
        (&"2.4.7".into(), &"1.0".into())
    );
    let new = with("2.4.62", 0);
    assert_eq!(codes(&new["checked"][0]), Vec::<&str>::new());
    assert_eq!(new["server"]["assumed"], false);
}

#[test]
fn every_virtual_host_that_speaks_tls_is_judged() {
    let desk = Desk::new();
    let stranger = desk.authority.leaf("stranger", &["two.example.com"]);
    desk.serve(NAME, &desk.leaf);
    desk.serve("two.example.com", &stranger);
    // The second one's key is that of the first.
    std::fs::copy(&desk.leaf.key, desk.root().join("conf/ssl/two.example.com.key")).unwrap();
    files::for_owner_only(&desk.root().join("conf/ssl/two.example.com.key"));
    desk.configure(&format!(
        "{}{}<VirtualHost *:443>\n    ServerName three.example.com\n    SSLEngine on\n</VirtualHost>\n\
         <VirtualHost *:80>\n    ServerName plain.example.com\n</VirtualHost>\n\
         <IfDefine NEVER>\n{}</IfDefine>\n",
        host(NAME, "    ServerAlias uncovered.example.com *.example.org\n"),
        host("two.example.com", ""),
        host("never.example.com", "")
    ));
    let report = desk.json(&["check", "--root", "Apache24"], 4);
    let checked = report["checked"].as_array().unwrap();
    assert_eq!(checked.len(), 3, "{report:#}");
    // The wildcard alias is Apache's own; the other one is asked for by clients.
    assert_eq!(codes(&checked[0]), ["NAME-NOT-COVERED"]);
    assert_eq!(checked[0]["findings"][0]["severity"], "works-but-wrong");
    assert!(
        checked[0]["place"].as_str().unwrap().contains("httpd.conf:"),
        "{report:#}"
    );
    assert_eq!(codes(&checked[1]), ["KEY-MISMATCH"]);
    assert_eq!(codes(&checked[2]), ["CERT-NOT-NAMED"]);
    assert_eq!((&report["errors"], &report["warnings"]), (&2.into(), &1.into()));

    let one = desk.json(&["check", "--root", "Apache24", "--domain", NAME], 0);
    assert_eq!(one["checked"].as_array().unwrap().len(), 1, "{one:#}");
    assert_eq!(codes(&one["checked"][0]), Vec::<&str>::new());
    let two = desk.json(&["check", "--root", "Apache24", "--domain", "two.example.com"], 4);
    assert_eq!(codes(&two["checked"][0]), ["KEY-MISMATCH"]);
    // Who asks for a name that nobody has gets the first virtual host of the port.
    let none = desk.json(
        &["check", "--root", "Apache24", "--domain", "nobody.example.com"],
        4,
    );
    assert_eq!(codes(&none["checked"][0]), ["NAME-NOT-COVERED"]);
}

#[test]
fn a_server_without_tls_has_nothing_to_check() {
    let desk = Desk::new();
    let outcome = desk.run(&["check", "--root", "Apache24"], 0);
    assert!(
        outcome.stdout_text().contains("Nothing uses TLS"),
        "{}",
        outcome.report()
    );
    desk.run(&["check", "--root", "Apache24", "--domain", NAME], 1);
}

#[test]
fn enable_refuses_what_would_not_work() {
    let desk = Desk::new();
    desk.authority.leaf("other", &["other.example.com"]);
    let before = files::snapshot(&desk.root());
    let words = [
        "enable",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--cert",
        "in/other.crt",
        "--key",
        "in/leaf.key",
        "--chain",
        "in/intermediate.pem",
        "--yes",
    ];
    let refused = desk.run(&words, 4);
    // All of it, not the first.
    for code in ["error[KEY-MISMATCH]", "error[NAME-NOT-COVERED]"] {
        assert!(refused.stderr_text().contains(code), "{}", refused.report());
    }
    assert!(refused.stdout.is_empty(), "{}", refused.report());
    let report = desk.json(&words, 4);
    assert_eq!(report["status"], 4);
    assert_eq!(codes(&report), ["KEY-MISMATCH", "NAME-NOT-COVERED"]);
    desk.run(&[&words[..], &["--force", "KEY-MISMATCH"]].concat(), 4);
    desk.run(&[&words[..], &["--force", "NO-SUCH-RULE"]].concat(), 2);
    assert_eq!(files::snapshot(&desk.root()), before);
    let forced = desk.run(
        &[
            &words[..],
            &["--force", "KEY-MISMATCH", "--force", "name-not-covered"],
        ]
        .concat(),
        0,
    );
    assert!(
        forced.stderr_text().contains("overridden[KEY-MISMATCH]"),
        "{}",
        forced.report()
    );
}

#[test]
fn enable_copies_what_it_is_given() {
    let desk = Desk::new();
    files::write(
        &desk.folder.path().join("enc.key"),
        encrypted_key(&desk.leaf.key, PHRASE),
    );
    let words = [
        "enable",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--cert",
        "in/leaf.crt",
        "--key",
        "enc.key",
        "--chain",
        "in/intermediate.pem",
    ];
    // As it is, the key would stop the server; copied, it loses its pass-phrase.
    desk.run(&[&words[..], &["--yes"]].concat(), 4);
    let words = [&words[..], &["--copy-certs", "--passphrase-file", "phrase"]].concat();
    let before = files::snapshot(&desk.root());
    let dry = desk.json(&[&words[..], &["--dry-run"]].concat(), 0);
    assert_eq!(dry["create"].as_array().unwrap().len(), 3, "{dry:#}");
    assert_eq!(files::snapshot(&desk.root()), before);
    enabled(&desk, &words);
}

#[test]
fn enable_takes_a_pfx() {
    let desk = Desk::new();
    let (intermediate, root) = (desk.authority.intermediate(), desk.authority.root());
    let bytes = pfx(
        &desk.leaf.key,
        &[&desk.leaf.certificate, &intermediate, &root],
        PHRASE,
    );
    files::write(&desk.folder.path().join("all.pfx"), bytes);
    let words = [
        "enable", "--root", "Apache24", "--domain", NAME, "--pfx", "all.pfx",
    ];
    desk.run(&[&words[..], &["--yes"]].concat(), 4);
    enabled(&desk, &[&words[..], &["--passphrase-file", "phrase"]].concat());
    desk.run(
        &[&words[..], &["--cert", "in/leaf.crt", "--key", "in/leaf.key"]].concat(),
        2,
    );
}

/// Applies it: key, certificate and chain are in conf/ssl, the check is content, and there is nothing more to do.
#[track_caller]
fn enabled(desk: &Desk, words: &[&str]) {
    let outcome = desk.run(&[words, &["--yes"]].concat(), 0);
    assert!(!outcome.report().contains(PHRASE), "{}", outcome.report());
    let folder = desk.root().join("conf/ssl");
    assert_eq!(der(&folder.join("www.example.com.crt")), desk.leaf.der);
    assert_eq!(
        der(&folder.join("www.example.com.chain.crt")),
        der(&desk.authority.intermediate())
    );
    assert_eq!(der(&folder.join("www.example.com.key")), der(&desk.leaf.key));
    let report = desk.json(&["check", "--root", "Apache24"], 0);
    assert_eq!(codes(&report["checked"][0]), Vec::<&str>::new());
    let again = desk.json(&[words, &["--yes"]].concat(), 0);
    assert_eq!(again["result"], "unchanged", "{again:#}");
}

/// What was copied is what a real Apache starts with and a verifying client accepts.
#[cfg(unix)]
#[test]
fn apache_serves_what_enable_copied() {
    use crate::support::apache::Httpd;
    use crate::support::client::TlsClient;
    use crate::support::network::Network;
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let desk = Desk::new();
    let (intermediate, root) = (desk.authority.intermediate(), desk.authority.root());
    let bytes = pfx(
        &desk.leaf.key,
        &[&root, &intermediate, &desk.leaf.certificate],
        PHRASE,
    );
    files::write(&desk.folder.path().join("all.pfx"), bytes);
    let file = desk.root().join("conf/httpd.conf");
    files::write(&desk.root().join("htdocs/index.html"), "it works");
    files::write(
        &file,
        format!(
            "ServerRoot \"{}\"\nListen {}\n{}{}ServerName main.example.com\nDocumentRoot htdocs\nErrorLog logs/error.log\n\
             PidFile logs/pid\nDefaultRuntimeDir logs\n",
            desk.root().display(),
            network.https,
            httpd.load(&["mpm_event", "authz_core", "dir", "unixd"]),
            httpd.load(&["socache_shmcb", "ssl"]),
        ),
    );
    std::fs::create_dir_all(desk.root().join("logs")).unwrap();
    let port = network.https.to_string();
    desk.run(
        &[
            "enable",
            "--root",
            "Apache24",
            "--domain",
            NAME,
            "--pfx",
            "all.pfx",
            "--passphrase-file",
            "phrase",
            "--port",
            &port,
            "--yes",
        ],
        0,
    );
    let _server = httpd
        .ask(&desk.root(), &file)
        .start(&[network.https])
        .unwrap_or_else(|error| panic!("{error}"));
    let answer = TlsClient::trusting_file(&desk.authority.root()).get(network.https, NAME, "/");
    let tls = answer
        .expect("a verified answer")
        .tls
        .expect("a secured connection");
    assert_eq!((tls.leaf, tls.chain.len()), (desk.leaf.der.clone(), 1));
}
