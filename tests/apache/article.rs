//! The whole job before a real Apache, as the instructions for eSync have it: HTTPS on, the service restarted, the data
//! of a device sent through a gateway; then what goes wrong most often.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::apache::{Httpd, runtime};
use crate::support::certificates::{Authority, Leaf};
use crate::support::client::listens;
use crate::support::daemon::Daemon;
use crate::support::files;
use crate::support::gateway::{Gateway, post};
use crate::support::network::Network;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::running::codes;
use serde_json::Value;

const DOMAIN: &str = "esync.example.com";
const PATH: &str = "/dataserver/receive";

/// An eSync installation whose Apache is the one of this machine.
struct Esync {
    /// Stopped when this is dropped.
    _daemon: Daemon,
    folder: tempfile::TempDir,
    httpd: Httpd,
    network: Network,
    authority: Authority,
}

impl Esync {
    fn new() -> Option<Esync> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let folder = files::folder();
        let authority = Authority::new(&folder.path().join("certificates"));
        let esync = Esync {
            _daemon: Daemon::new(&httpd, &folder.path().join("Apache24")),
            folder,
            httpd,
            network,
            authority,
        };
        let root = esync.root();
        files::copy_tree(&files::fixture("esync/Apache24"), &root);
        esync.httpd.bring_modules(&root);
        // What Windows has built in or needs not.
        let main = root.join("conf/httpd.conf");
        let text = fs::read_to_string(&main)
            .unwrap()
            .replace("Listen 80\r\n", &format!("Listen {}\r\n", network.http));
        let more = esync.httpd.load(&["mpm_event", "unixd"]) + &runtime(&root);
        files::write(&main, text + &more.replace('\n', "\r\n"));
        files::write(&esync.data(), "");
        receiver(&root.join("dataserver/receive"), &esync.data());
        Some(esync)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    /// What arrived.
    fn data(&self) -> PathBuf {
        self.folder.path().join("arrived")
    }

    fn arrived(&self) -> String {
        fs::read_to_string(self.data()).unwrap()
    }

    /// Puts certificate and key where the configuration names them.
    fn bring(&self, certificate: &Path, key: &Path) {
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            files::write(&self.root().join("conf").join(name), fs::read(from).unwrap());
        }
        files::for_owner_only(&self.root().join("conf/server.key"));
    }

    fn bring_leaf(&self, leaf: &Leaf) {
        self.bring(&leaf.certificate, &leaf.key);
    }

    #[track_caller]
    fn run(&self, words: &[&str], status: i32) -> Outcome {
        let run = esync_ssl().args(words).arg("--root").arg(self.root());
        // A machine that trusts this authority.
        run.arg("--httpd")
            .arg(&self.httpd.binary)
            .env("SSL_CERT_FILE", self.authority.root())
            .run()
            .expect_code(status)
    }

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        let run = self.run(&[words, &["--json"]].concat(), status);
        run.data()
    }

    /// The codes of `verify`.
    #[track_caller]
    fn verify(&self, status: i32) -> Vec<String> {
        let ca = self.authority.root().display().to_string();
        let seen = self.json(&["verify", "--domain", DOMAIN, "--ca", &ca], status);
        let targets = seen["targets"].as_array().unwrap();
        targets
            .iter()
            .flat_map(|target| codes(&target["findings"]))
            .collect()
    }

    #[track_caller]
    fn check(&self, status: i32) -> Vec<String> {
        let checked = self.json(&["check"], status);
        let all = checked["checked"].as_array().unwrap();
        all.iter().flat_map(|one| codes(&one["findings"])).collect()
    }

    fn explain(&self) -> Value {
        self.json(&["explain"], 0)
    }
}

/// A program that appends what is posted to a file, and says how much it was.
#[cfg(unix)]
fn receiver(program: &Path, data: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let text = format!(
        "#!/bin/sh\ncat >> '{}'\nprintf 'Content-Type: text/plain\\r\\n\\r\\nstored %s\\n' \"$CONTENT_LENGTH\"\n",
        data.display()
    );
    files::write(program, text);
    fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data, fs::Permissions::from_mode(0o666)).unwrap();
}

/// The same; Apache for Windows reads the line of the interpreter, too.
#[cfg(windows)]
fn receiver(program: &Path, data: &Path) {
    let receive = std::env::var("ESYNC_SSL_TEST_RECEIVE").expect("what tests/windows/session builds");
    files::write(
        program,
        format!("#!\"{receive}\" \"{}\"\r\n", files::forward(data)),
    );
}

#[test]
fn data_of_devices_arrives_over_https() {
    let Some(esync) = Esync::new() else { return };
    // As it was delivered: HTTP.
    esync.run(&["restart"], 0);
    let mut plain = TcpStream::connect((Ipv4Addr::LOCALHOST, esync.network.http)).unwrap();
    assert_eq!(post(&mut plain, DOMAIN, PATH, b"over HTTP;").unwrap().0, 200);
    assert_eq!(esync.arrived(), "over HTTP;");

    let leaf = https_on(&esync);
    let gateway = Gateway::start(DOMAIN, esync.network.https, &esync.authority.root());
    assert_eq!(gateway.post(PATH, b"over HTTPS;"), (200, "stored 11\n".into()));
    assert_eq!(esync.arrived(), "over HTTP;over HTTPS;");
    assert_eq!(esync.verify(0), Vec::<String>::new());
    let ca = esync.authority.root().display().to_string();
    let devices = [
        "devices", "--domain", DOMAIN, "--ca", &ca, "--path", PATH, "--send",
    ];
    assert_eq!(esync.json(&devices, 0)["sent"]["status"], 200);
    assert!(esync.arrived().contains("sample"));

    another_key(&esync, &gateway, &leaf);
    another_name(&esync, &gateway);
    // The right one again.
    esync.bring_leaf(&leaf);
    esync.run(&["restart"], 0);
    assert_eq!(gateway.post(PATH, b"again;").0, 200);
    let arrived = esync.arrived();
    assert!(
        arrived.ends_with("still;again;") && !arrived.contains("lost"),
        "{arrived}"
    );
    // With a pass-phrase, as some authorities deliver keys.
    esync.bring(&leaf.certificate, &under_pass_phrase(&esync, &leaf.key));
    assert_eq!(esync.check(12), ["KEY-PASSPHRASE"]);
    esync.json(&["restart"], 4);
    assert_eq!(gateway.post(PATH, b"to the end").0, 200);
}

/// Takes the server from HTTP to HTTPS; with which certificate.
fn https_on(esync: &Esync) -> Leaf {
    let leaf = esync.authority.leaf("server", &[DOMAIN]);
    esync.bring_leaf(&leaf);
    let file = |name: &str| esync.root().join("conf").join(name).display().to_string();
    files::write(
        &esync.root().join("conf/ca.crt"),
        fs::read(esync.authority.intermediate()).unwrap(),
    );
    let port = esync.network.https.to_string();
    let (certificate, key, chain) = (file("server.crt"), file("server.key"), file("ca.crt"));
    let enable = [
        "enable",
        "--yes",
        "--restart",
        "--domain",
        DOMAIN,
        "--port",
        &port,
        "--cert",
        &certificate,
        "--key",
        &key,
        "--chain",
        &chain,
    ];
    esync.run(&enable, 0);
    assert!(!listens(esync.network.http), "plain HTTP is over");
    leaf
}

/// Another key than the certificate's: named before anything happens, and the old service goes on.
fn another_key(esync: &Esync, gateway: &Gateway, leaf: &Leaf) {
    let stranger = esync.authority.leaf("stranger", &[DOMAIN]);
    esync.bring(&stranger.certificate, &leaf.key);
    assert_eq!(esync.check(12), ["KEY-MISMATCH"]);
    let refused = esync.json(&["restart"], 4);
    assert_eq!(codes(&refused["findings"]), ["KEY-MISMATCH"], "{refused}");
    assert_eq!(esync.verify(0), ["SERVED-OTHER-THAN-DISK"]);
    assert_eq!(gateway.post(PATH, b"still;").0, 200);
    // Without the look beforehand it would be gone; the logs say why.
    let gone = esync.json(&["restart", "--force", "KEY-MISMATCH"], 11);
    assert_eq!(codes(&gone["findings"])[0], "KEY-MISMATCH", "{gone}");
    let told = esync.explain();
    assert_eq!(
        (&told["outcome"], &told["findings"][0]["code"]),
        (&"failed".into(), &"KEY-MISMATCH".into()),
        "{told}"
    );
    assert_eq!(esync.verify(12), ["NOT-LISTENING"]);
    assert_eq!(gateway.post(PATH, b"lost;").0, 502);
}

/// A certificate for another name: Apache serves it, and the gateway refuses.
fn another_name(esync: &Esync, gateway: &Gateway) {
    esync.bring_leaf(&esync.authority.leaf("other", &["other.example.com"]));
    assert_eq!(esync.check(12), ["NAME-NOT-COVERED"]);
    esync.run(&["restart"], 0);
    assert_eq!(esync.verify(12), ["NAME-NOT-COVERED"]);
    let told = esync.explain();
    assert_eq!(codes(&told["findings"])[0], "NAME-NOT-COVERED", "{told}");
    assert_eq!(gateway.post(PATH, b"lost;").0, 502);
}

fn under_pass_phrase(esync: &Esync, key: &Path) -> PathBuf {
    let locked = esync.folder.path().join("locked.key");
    let mut openssl = support::installed::openssl();
    openssl.args([
        "pkcs8",
        "-topk8",
        "-v2",
        "aes256",
        "-passout",
        "pass:secret",
        "-in",
    ]);
    openssl.arg(key).arg("-out").arg(&locked);
    support::process::finish(&mut openssl, std::time::Duration::from_secs(20)).expect_code(0);
    locked
}
