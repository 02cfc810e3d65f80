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
            // A machine that trusts this authority, such as one of the company's own.
            .env("SSL_CERT_FILE", self.authority.root())
            .run()
            .expect_code(status)
    }

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat(), status);
        outcome.data()
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
        (
            &report["error_count"],
            &report["warning_count"],
            &report["note_count"]
        ),
        (&0.into(), &0.into(), &0.into())
    );
    let text = desk.run(&good, 0).stdout_text();
    assert!(
        text.contains("no problems found") && text.contains("0 errors, 0 warnings, 0 notes"),
        "{text}"
    );
}

/// Clients may trust an authority that this machine does not know: that is said, and is no error.
#[test]
fn an_authority_that_this_machine_does_not_trust_is_said() {
    let desk = Desk::new();
    let other = Authority::new(&desk.folder.path().join("other")).leaf("leaf", &[NAME]);
    let names = [&other.certificate, &other.key].map(|path| path.display().to_string());
    let chain = desk
        .folder
        .path()
        .join("other/intermediate.pem")
        .display()
        .to_string();
    let words = [
        "check", "--domain", NAME, "--cert", &names[0], "--key", &names[1], "--chain", &chain,
    ];
    // The machine as it is.
    let run = |words: &[&str]| {
        let outcome = esync_ssl().args(words).folder(desk.folder.path()).run();
        outcome.expect_code(0)
    };
    let json = |words: &[&str]| run(&[words, &["--json"]].concat()).data();
    files::for_owner_only(&other.key);
    let report = json(&words);
    let finding = &report["checked"][0]["findings"][0];
    assert_eq!(
        (&finding["code"], &finding["severity"]),
        (&"SERVED-UNTRUSTED".into(), &"works-but-wrong".into()),
        "{report}"
    );
    let text = run(&words).stdout_text();
    assert!(
        text.contains("clients must trust CN=esync-ssl test root"),
        "{text}"
    );
    // One that is signed by itself is told once, by its own word.
    let own = crate::support::certificates::self_signed(&desk.folder.path().join("own"), "own", &[NAME]);
    files::for_owner_only(&own.key);
    let names = [&own.certificate, &own.key].map(|path| path.display().to_string());
    let report = desk.json(
        &["check", "--domain", NAME, "--cert", &names[0], "--key", &names[1]],
        0,
    );
    assert_eq!(codes(&report["checked"][0]), ["CERT-SELF-SIGNED"], "{report}");
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
        let report = desk.json(&words, 12);
        for code in wanted {
            assert!(codes(&report["checked"][0]).contains(code), "{code}: {report:#}");
        }
        assert_eq!(report["error_count"], wanted.len());
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
    let text = desk.run(&words, 12).stdout_text();
    assert!(
        text.contains("error[KEY-PASSPHRASE]: the private key is protected by a pass-phrase (stops the start)\n  --> enc.key:1\n"),
        "{text}"
    );
    let file = |names: &[&str]| {
        let path = desk
            .folder
            .path()
            .join(names.iter().collect::<std::path::PathBuf>());
        path.display().to_string()
    };
    let (certificate, key) = (file(&["in", "leaf.crt"]), file(&["enc.key"]));
    let command = format!("--domain www.example.com --cert {certificate} --key {key} --copy-certs");
    assert!(text.contains(&command), "{text}");
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
    let old = with("2.4.7", 12);
    assert_eq!(codes(&old["checked"][0]), ["CHAIN-NOT-SENT"]);
    assert_eq!(
        (
            &old["server"]["apache_version"],
            &old["server"]["openssl_version"]
        ),
        (&"2.4.7".into(), &"1.0".into())
    );
    let new = with("2.4.62", 0);
    assert_eq!(codes(&new["checked"][0]), Vec::<&str>::new());
    assert_eq!(new["server"]["apache_version_assumed"], false);
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
    let report = desk.json(&["check", "--root", "Apache24"], 12);
    let checked = report["checked"].as_array().unwrap();
    assert_eq!(checked.len(), 3, "{report:#}");
    // The wildcard alias is Apache's own; the other one is asked for by clients.
    assert_eq!(codes(&checked[0]), ["NAME-NOT-COVERED"]);
    assert_eq!(checked[0]["findings"][0]["severity"], "works-but-wrong");
    assert!(
        checked[0]["place"]["file"]
            .as_str()
            .unwrap()
            .ends_with("httpd.conf"),
        "{report:#}"
    );
    assert_eq!(codes(&checked[1]), ["KEY-MISMATCH"]);
    assert_eq!(codes(&checked[2]), ["CERT-NOT-NAMED"]);
    assert_eq!(
        (&report["error_count"], &report["warning_count"]),
        (&2.into(), &1.into())
    );

    let one = desk.json(&["check", "--root", "Apache24", "--domain", NAME], 0);
    assert_eq!(one["checked"].as_array().unwrap().len(), 1, "{one:#}");
    assert_eq!(codes(&one["checked"][0]), Vec::<&str>::new());
    let two = desk.json(
        &["check", "--root", "Apache24", "--domain", "two.example.com"],
        12,
    );
    assert_eq!(codes(&two["checked"][0]), ["KEY-MISMATCH"]);
    // Who asks for a name that nobody has gets the first virtual host of the port.
    let none = desk.json(
        &["check", "--root", "Apache24", "--domain", "nobody.example.com"],
        12,
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
fn what_enable_left_on_purpose_is_no_fault() {
    let desk = Desk::new();
    let plain = "<VirtualHost *:80>\n    ServerName plain.example.com\n</VirtualHost>\n";
    let main = desk.root().join("conf/httpd.conf");
    let text = std::fs::read_to_string(&main).unwrap() + plain;
    files::write(&main, text);
    let about = |desk: &Desk| {
        let words = ["check", "--root", "Apache24", "--no-rehearsal", "--json"];
        let report = desk.run(&words, 0).envelope();
        let found = report["findings"].as_array().unwrap().iter();
        let found = found.filter(|finding| finding["code"] == "LISTEN-MISSING");
        found.cloned().collect::<Vec<Value>>()
    };
    let enable = [
        "enable",
        "--yes",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--cert",
        "in/leaf.crt",
        "--key",
        "in/leaf.key",
        "--chain",
        "in/intermediate.pem",
        "--http",
        "off",
    ];
    desk.run(&enable, 0);
    let found = about(&desk);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["severity"], "advice", "{found:?}");
    let words = found[0].to_string();
    assert!(
        words.contains("esync-ssl enable switched HTTP on port 80 off") && !words.contains("Add Listen"),
        "{words}"
    );
    // Without the records, our lines tell it.
    let backups = desk.root().join("conf/esync-ssl-backup");
    std::fs::remove_dir_all(&backups).unwrap();
    assert_eq!(about(&desk)[0]["severity"], "advice");
    // Somebody else's doing is not ours.
    let text = std::fs::read_to_string(&main)
        .unwrap()
        .replace(", added by esync-ssl", "");
    files::write(&main, text);
    let found = about(&desk);
    assert_eq!(found[0]["severity"], "works-but-wrong", "{found:?}");
    assert!(
        found[0]["fix"].as_str().unwrap().contains("Listen 80"),
        "{found:?}"
    );
}

/// The chain line of the virtual host stays where its certificate does.
#[test]
fn a_chain_that_is_there_is_not_missed() {
    let desk = Desk::new();
    desk.serve(NAME, &desk.leaf);
    let certificate = format!("Apache24/conf/ssl/{NAME}.crt");
    let key = format!("Apache24/conf/ssl/{NAME}.key");
    let words = [
        "enable",
        "-n",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--cert",
        &certificate,
        "--key",
        &key,
    ];
    let said = |more: &[&str], status: i32| desk.run(&[&words[..], more].concat(), status).stderr_text();
    desk.configure("");
    assert!(said(&[], 0).contains("CHAIN-MISSING"));
    desk.configure(&host(NAME, ""));
    assert!(!said(&[], 0).contains("CHAIN-"), "{}", said(&[], 0));
    // One that does not fit is no chain either.
    let other = Authority::new(&desk.folder.path().join("other"));
    let chain = desk.root().join(format!("conf/ssl/{NAME}.chain.crt"));
    std::fs::copy(other.root(), &chain).unwrap();
    assert!(said(&[], 4).contains("CHAIN-WRONG"));
    // That of the main server is inherited.
    desk.configure(&format!("SSLCertificateChainFile conf/ssl/{NAME}.chain.crt\n"));
    std::fs::copy(desk.authority.intermediate(), &chain).unwrap();
    assert!(!said(&[], 0).contains("CHAIN-"), "{}", said(&[], 0));
}

#[test]
fn a_certificate_of_an_authority_is_not_taken_for_a_self_signed_one() {
    let desk = Desk::new();
    desk.serve(NAME, &desk.leaf);
    let before = files::snapshot(&desk.root());
    let words = [
        "enable",
        "--root",
        "Apache24",
        "--domain",
        NAME,
        "--self-signed",
        "--yes",
    ];
    let refused = desk.json(&words, 4);
    let error = &refused["error"];
    assert_eq!(error["code"], "FILE-EXISTS", "{refused}");
    let said = |field: &str, words: &str| error[field].as_str().is_some_and(|said| said.contains(words));
    assert!(said("message", "is not self-signed"), "{refused}");
    assert!(said("fix", "--cert"), "{refused}");
    assert_eq!(files::snapshot(&desk.root()), before);
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
    let files = dry["files"].as_array().unwrap().iter();
    let created = files.filter(|file| file["action"] == "create");
    assert_eq!(created.count(), 3, "{dry:#}");
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
    let again = desk.run(&[words, &["--yes", "--json"]].concat(), 0).envelope();
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
