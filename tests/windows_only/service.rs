//! A real Apache for Windows as a service of the real service manager: found, started, looked at, restarted, and explained
//! when it does not start.
#![cfg(windows)]

use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use crate::alone;
use crate::support::apache::Httpd;
use crate::support::certificates::{Authority, Leaf};
use crate::support::client::{TlsClient, http_get};
use crate::support::files::{self, forward};
use crate::support::installed::openssl;
use crate::support::process::{self, Outcome};
use crate::support::program::esync_ssl;
use serde_json::Value;

const NAME: &str = "machines.example.com";
const SERVICE: &str = "eSync Apache Web Server";
/// Where eSync has its tree; the first place that is looked at.
const ROOT: &str = r"C:\eSync\Apache24";

/// A virtual host with TLS, when the service has the flag.
const WITH_TLS: &str = "LoadModule ssl_module modules/mod_ssl.so\r\n<IfDefine TLS>\r\nListen 127.0.0.1:8443 https\r\n\
                        <VirtualHost 127.0.0.1:8443>\r\nServerName machines.example.com\r\nSSLEngine on\r\n\
                        SSLCertificateFile conf/server.crt\r\nSSLCertificateKeyFile conf/server.key\r\n\
                        </VirtualHost>\r\n</IfDefine>\r\n";

/// The installed service; uninstalled when dropped.
struct Site {
    authority: Authority,
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Site {
    fn new(more: &str) -> Option<Site> {
        let built = Httpd::find()?;
        let alone = alone();
        clear();
        files::copy_tree(built.installation(), Path::new(ROOT));
        let folder = files::folder();
        let site = Site {
            authority: Authority::new(folder.path()),
            folder,
            _alone: alone,
        };
        std::fs::create_dir_all(root().join("logs")).unwrap();
        files::write(&root().join("htdocs/index.html"), "hello");
        site.install(&site.authority.leaf("server", &[NAME]));
        let load: String = ["authz_core", "dir", "alias", "rewrite", "socache_shmcb"]
            .iter()
            .map(|module| format!("LoadModule {module}_module modules/mod_{module}.so\r\n"))
            .collect();
        let text = format!(
            "Define SRVROOT \"{}\"\r\nServerRoot \"${{SRVROOT}}\"\r\n{load}ServerName {NAME}\r\nListen 127.0.0.1:8080\r\n\
             DocumentRoot \"${{SRVROOT}}/htdocs\"\r\n{more}",
            forward(&root())
        );
        files::write(&root().join("conf/httpd.conf"), text);
        httpd(&[
            "-k",
            "install",
            "-n",
            SERVICE,
            "-d",
            ROOT,
            "-f",
            r"conf\httpd.conf",
            "-D",
            "TLS",
        ])
        .expect_code(0);
        Some(site)
    }

    fn install(&self, leaf: &Leaf) {
        let read = |path: &Path| std::fs::read(path).unwrap();
        let text = [read(&leaf.certificate), read(&self.authority.intermediate())].concat();
        files::write(&root().join("conf/server.crt"), text);
        files::write(&root().join("conf/server.key"), read(&leaf.key));
    }

    /// Nothing names the server: it is found by its service.
    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        let program = esync_ssl().args(words).arg("--json");
        let outcome = program.limit(Duration::from_secs(200)).run();
        let outcome = outcome.expect_code(status);
        // A restore only says so when it tells it.
        if words[0] != "restore" {
            assert!(outcome.stderr_text().contains(SERVICE), "{}", outcome.report());
        }
        outcome.data()
    }

    #[track_caller]
    fn verify(&self, status: i32) -> Vec<String> {
        let ca = self.authority.root().display().to_string();
        codes(&self.json(&["verify", "--ca", &ca], status)["targets"][0]["findings"])
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Other tests read configurations that name this place, and it must not be there for them.
        clear();
    }
}

fn httpd(arguments: &[&str]) -> Outcome {
    let mut command = Command::new(root().join(r"bin\httpd.exe"));
    process::finish(command.args(arguments), Duration::from_secs(120))
}

/// Removes the service and its files, also those that a run that was ended left behind.
fn clear() {
    let start = Instant::now();
    while root().exists() && start.elapsed() < Duration::from_secs(20) {
        if root().join(r"bin\httpd.exe").exists() {
            let _ = httpd(&["-k", "stop", "-n", SERVICE]);
            let _ = httpd(&["-k", "uninstall", "-n", SERVICE]);
        }
        let _ = std::fs::remove_dir_all(ROOT);
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn root() -> PathBuf {
    PathBuf::from(ROOT)
}

fn codes(findings: &Value) -> Vec<String> {
    let list = findings
        .as_array()
        .unwrap_or_else(|| panic!("no list: {findings}"));
    list.iter()
        .map(|finding| finding["code"].as_str().unwrap().to_string())
        .collect()
}

#[test]
fn the_service_is_found_started_restarted_and_explained() {
    let Some(site) = Site::new(WITH_TLS) else { return };
    // Its flag stands in the registry alone; without it there would be no TLS to look at.
    let started = site.json(&["restart"], 0);
    assert_eq!(started["was_running"], false, "{started}");
    assert!(
        started["service"].as_str().unwrap().contains(SERVICE),
        "{started}"
    );
    assert_eq!(site.verify(0), Vec::<String>::new());

    let renewed = site.authority.leaf("renewed", &[NAME]);
    site.install(&renewed);
    assert_eq!(site.verify(0), ["SERVED-OTHER-THAN-DISK"]);
    let restarted = site.json(&["restart"], 0);
    assert_eq!(restarted["was_running"], true, "{restarted}");
    assert_eq!(site.verify(0), Vec::<String>::new());

    // The service manager says that it was started well; the log knows better.
    let stranger = site.authority.leaf("stranger", &[NAME]);
    std::fs::copy(&stranger.key, root().join("conf/server.key")).unwrap();
    let refused = site.json(&["restart"], 4);
    assert_eq!(codes(&refused["findings"]), ["KEY-MISMATCH"], "{refused}");
    let failed = site.json(&["restart", "--force", "KEY-MISMATCH"], 11);
    assert_eq!(codes(&failed["findings"])[0], "KEY-MISMATCH", "{failed}");
    let told = site.json(&["explain"], 0);
    assert_eq!(told["findings"][0]["code"], "KEY-MISMATCH", "{told}");
    assert_eq!(told["findings"][0]["seen"], true, "{told}");
}

/// Arguments of `enable` that restart, for a leaf and a key.
fn enable<'a>(leaf: &'a Leaf, key: &'a Leaf, more: &[&'a str]) -> Vec<&'a str> {
    let text = |path: &'a Path| path.to_str().unwrap();
    let (certificate, key) = (text(&leaf.certificate), text(&key.key));
    let named = [
        "enable",
        "--yes",
        "--restart",
        "--http",
        "keep",
        "--domain",
        NAME,
        "--port",
        "8443",
        "--cert",
        certificate,
        "--key",
        key,
    ];
    named.iter().chain(more).copied().collect()
}

/// Everything of the configuration.
fn configuration() -> std::collections::BTreeMap<String, Vec<u8>> {
    let all = files::snapshot(&root().join("conf")).into_iter();
    // The lock stays.
    all.filter(|(name, _)| !name.starts_with("esync-ssl-backup"))
        .collect()
}

/// What clients see: the page over HTTP, and the certificate over TLS.
fn seen(site: &Site) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let client = TlsClient::trusting_file(&site.authority.root());
    (
        http_get(8080, NAME, "/").ok().map(|answer| answer.body),
        client
            .get(8443, NAME, "/")
            .ok()
            .map(|answer| answer.tls.expect("TLS").leaf),
    )
}

#[test]
fn enable_restarts_the_service_and_goes_back_when_it_does_not_start() {
    let Some(site) = Site::new("#LoadModule ssl_module modules/mod_ssl.so\r\n") else {
        return;
    };
    let leaf = site.authority.leaf_without_chain("site", &[NAME]);
    let other = site.authority.leaf_without_chain("other", &[NAME]);
    let hello = Some(b"hello".to_vec());

    // Stopped, it stays so.
    let done = site.json(&enable(&leaf, &leaf, &[]), 0);
    assert_eq!(done["server"]["result"], "left-stopped", "{done}");
    let back = site.json(&["restore", "--yes", "--restart"], 0);
    assert_eq!(back["server"]["result"], "left-stopped", "{back}");

    let started = site.json(&["restart"], 0);
    assert_eq!(started["was_running"], false, "{started}");
    let before = configuration();
    assert_eq!(seen(&site), (hello.clone(), None));

    // A key that does not match: the service manager says that it was started well.
    let forced = ["--no-rehearsal", "--force", "KEY-MISMATCH"];
    let failed = site.json(&enable(&leaf, &other, &forced), 6);
    let told = failed["error"]["message"].as_str().unwrap();
    assert!(
        told.contains("Every file is as it was, and Apache runs as it did before"),
        "{failed}"
    );
    assert_eq!(codes(&failed["findings"])[0], "KEY-MISMATCH", "{failed}");
    assert_eq!(before, configuration());
    assert_eq!(seen(&site), (hello.clone(), None));

    // A key with a pass-phrase, which Apache for Windows cannot ask for.
    let locked = site.folder.path().join("locked.key");
    let mut openssl = openssl();
    openssl.args([
        "pkcs8",
        "-topk8",
        "-v2",
        "aes-256-cbc",
        "-passout",
        "pass:secret",
        "-in",
    ]);
    openssl.arg(&leaf.key).arg("-out").arg(&locked);
    process::finish(&mut openssl, Duration::from_secs(60)).expect_code(0);
    let locked = Leaf {
        certificate: leaf.certificate.clone(),
        key: locked,
        der: Vec::new(),
    };
    let refused = site.json(&enable(&leaf, &locked, &["--no-rehearsal"]), 4);
    let code = codes(&refused["findings"]).remove(0);
    site.json(&enable(&leaf, &locked, &["--no-rehearsal", "--force", &code]), 6);
    assert_eq!(before, configuration());
    assert_eq!(seen(&site), (hello.clone(), None));

    // A new listener and a new module: the service is stopped and started, and the certificate is shown.
    let done = site.json(&enable(&leaf, &leaf, &[]), 0);
    assert_eq!(done["server"]["result"], "restarted", "{done}");
    assert_eq!(done["server"]["probe"]["targets"][0]["name"], NAME, "{done}");
    assert_eq!(seen(&site), (hello.clone(), Some(leaf.der.clone())));

    let back = site.json(&["restore", "--yes", "--restart"], 0);
    assert_eq!(back["server"]["result"], "restarted", "{back}");
    assert_eq!(seen(&site), (hello, None));
}

#[test]
fn a_file_that_somebody_holds_open() {
    let Some(site) = Site::new("#LoadModule ssl_module modules/mod_ssl.so\r\n") else {
        return;
    };
    let leaf = site.authority.leaf_without_chain("site", &[NAME]);
    // As an editor or a virus scanner does it: others may read and write, and not replace.
    let hold = || {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).share_mode(3);
        options.open(root().join(r"conf\httpd.conf")).unwrap()
    };
    site.json(&["restart"], 0);
    let before = configuration();
    let held = hold();
    let failed = esync_ssl()
        .args(enable(&leaf, &leaf, &["--no-rehearsal"]))
        .arg("--json");
    let failed = failed
        .limit(Duration::from_secs(200))
        .run()
        .expect_code(16)
        .envelope();
    let error = &failed["error"];
    assert_eq!(error["code"], "IN-USE", "{failed}");
    let told = error["message"].as_str().unwrap();
    for words in [
        "httpd.conf",
        "in use by another program",
        "close the program that has it open",
    ] {
        assert!(told.contains(words), "{failed}");
    }
    drop(held);
    for (name, bytes) in configuration() {
        let (bytes, old) = (String::from_utf8_lossy(&bytes), before.get(&name));
        assert_eq!(
            Some(&*bytes),
            old.map(|old| String::from_utf8_lossy(old)).as_deref(),
            "{name}"
        );
    }
    assert_eq!(before.len(), configuration().len());
    assert_eq!(seen(&site), (Some(b"hello".to_vec()), None));

    // For a moment only.
    let done = std::thread::scope(|scope| {
        let held = hold();
        let run = scope.spawn(|| site.json(&enable(&leaf, &leaf, &["--no-rehearsal"]), 0));
        let start = Instant::now();
        // Until the new bytes wait beside it.
        let waits = || {
            let entries = std::fs::read_dir(root().join("conf")).unwrap().flatten();
            entries
                .map(|entry| entry.file_name())
                .any(|name| name.to_string_lossy().ends_with(".tmp"))
        };
        while !waits() && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(5));
        }
        std::thread::sleep(Duration::from_millis(500));
        drop(held);
        run.join().unwrap()
    });
    assert_eq!(done["server"]["result"], "restarted", "{done}");
    assert_eq!(seen(&site), (Some(b"hello".to_vec()), Some(leaf.der.clone())));
}
