//! A real Apache for Windows as a service of the real service manager: found, started, looked at, restarted, and explained
//! when it does not start.
#![cfg(windows)]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::certificates::{Authority, Leaf};
use support::files;
use support::process::{self, Outcome};
use support::program::esync_ssl;
use support::windows_httpd::{WindowsHttpd, forward};

const NAME: &str = "machines.example.com";
const SERVICE: &str = "eSync Apache Web Server";
/// Where eSync has its tree; the first place that is looked at.
const ROOT: &str = r"C:\eSync\Apache24";

/// The installed service; uninstalled when dropped.
struct Site {
    authority: Authority,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Option<Site> {
        let built = WindowsHttpd::find()?;
        clear();
        files::copy_tree(&built.folder, Path::new(ROOT));
        let folder = files::folder();
        let site = Site {
            authority: Authority::new(folder.path()),
            _folder: folder,
        };
        std::fs::create_dir_all(root().join("logs")).unwrap();
        files::write(&root().join("htdocs/index.html"), "hello");
        site.install(&site.authority.leaf("server", &[NAME]));
        let load: String = ["ssl", "authz_core", "dir"]
            .iter()
            .map(|module| format!("LoadModule {module}_module modules/mod_{module}.so\r\n"))
            .collect();
        let text = format!(
            "Define SRVROOT \"{}\"\r\nServerRoot \"${{SRVROOT}}\"\r\n{load}ServerName {NAME}\r\nListen 127.0.0.1:8080\r\n\
             DocumentRoot \"${{SRVROOT}}/htdocs\"\r\n<IfDefine TLS>\r\nListen 127.0.0.1:8443 https\r\n\
             <VirtualHost 127.0.0.1:8443>\r\nServerName {NAME}\r\nSSLEngine on\r\nSSLCertificateFile conf/server.crt\r\n\
             SSLCertificateKeyFile conf/server.key\r\n</VirtualHost>\r\n</IfDefine>\r\n",
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

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        // Nothing names the server: it is found by its service.
        let outcome = esync_ssl()
            .args(words)
            .arg("--json")
            .limit(Duration::from_secs(200))
            .run();
        let outcome = outcome.expect_code(status);
        assert!(outcome.stderr_text().contains(SERVICE), "{}", outcome.report());
        serde_json::from_slice(&outcome.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", outcome.report()))
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
    let Some(site) = Site::new() else { return };
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
    let failed = site.json(&["restart", "--force", "KEY-MISMATCH"], 6);
    assert_eq!(codes(&failed["findings"])[0], "KEY-MISMATCH", "{failed}");
    let told = site.json(&["explain"], 0);
    assert_eq!(told["explained"][0]["code"], "KEY-MISMATCH", "{told}");
    assert_eq!(told["explained"][0]["seen"], true, "{told}");
}
