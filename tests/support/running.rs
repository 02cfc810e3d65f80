//! A server root in which a real Apache is started as an administrator would: in the background.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;

use super::apache::{Httpd, runtime, user};
use super::certificates::{Authority, Leaf};
use super::daemon::Daemon;
use super::files::{self, forward};
use super::network::Network;
use super::process::Outcome;
use super::program::esync_ssl;

/// What the server is called.
pub const NAME: &str = "machines.example.com";
/// What another site is called.
pub const OTHER: &str = "other.example.com";

/// The server root with a certificate, and what it needs.
pub struct Site {
    /// The server, stopped when this is dropped.
    pub daemon: Daemon,
    /// Everything of this test.
    pub folder: TempDir,
    /// The program.
    pub httpd: Httpd,
    /// Its ports.
    pub network: Network,
    /// Who signs its certificates.
    pub authority: Authority,
}

impl Site {
    /// One with a virtual host for [`NAME`]; none where there is no Apache.
    pub fn new() -> Option<Site> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let folder = files::folder();
        let authority = Authority::new(&folder.path().join("in"));
        let site = Site {
            daemon: Daemon::new(&httpd, &folder.path().join("Apache24")),
            folder,
            httpd,
            network,
            authority,
        };
        fs::create_dir_all(site.root().join("logs")).unwrap();
        files::write(&site.root().join("htdocs/index.html"), "hello");
        let leaf = site.authority.leaf("leaf", &[NAME]);
        site.install("server", &leaf);
        site.configure(&site.host(NAME, "server", ""));
        Some(site)
    }

    /// The server root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    /// Leaf and chain as `conf/NAME.crt`, key as `conf/NAME.key`.
    pub fn install(&self, name: &str, leaf: &Leaf) {
        let chain = fs::read(self.authority.intermediate()).unwrap();
        let text = [fs::read(&leaf.certificate).unwrap(), chain].concat();
        files::write(&self.root().join(format!("conf/{name}.crt")), text);
        let key = self.root().join(format!("conf/{name}.key"));
        files::write(&key, fs::read(&leaf.key).unwrap());
        files::for_owner_only(&key);
    }

    /// A virtual host for TLS.
    pub fn host(&self, name: &str, file: &str, more: &str) -> String {
        format!(
            "<VirtualHost *:{}>\nServerName {name}\nSSLEngine on\nSSLCertificateFile conf/{file}.crt\n\
             SSLCertificateKeyFile conf/{file}.key\n{more}</VirtualHost>\n",
            self.network.https
        )
    }

    /// Writes the main file with these virtual hosts.
    pub fn configure(&self, hosts: &str) {
        let place = forward(&self.root());
        let text = format!(
            "ServerRoot \"{place}\"\n{}{user}ServerName {NAME}\nListen {}\nListen {} https\n{runtime}\
             ErrorLog logs/error_log\nDocumentRoot \"{place}/htdocs\"\n{hosts}",
            self.httpd
                .load(&["mpm_event", "authz_core", "unixd", "dir", "ssl"]),
            self.network.http,
            self.network.https,
            user = user(),
            runtime = runtime(&self.root()),
        );
        files::write(&self.root().join("conf/httpd.conf"), text);
    }

    /// Any command about this server root.
    #[track_caller]
    pub fn run(&self, words: &[&str], status: i32) -> Outcome {
        esync_ssl()
            .args(words)
            .args([
                "--root",
                self.root().to_str().unwrap(),
                "--httpd",
                self.httpd.binary.to_str().unwrap(),
            ])
            .run()
            .expect_code(status)
    }

    /// The same, as JSON.
    #[track_caller]
    pub fn json(&self, words: &[&str], status: i32) -> Value {
        let outcome = self.run(&[words, &["--json"]].concat(), status);
        outcome.data()
    }

    /// The file of the root certificate.
    pub fn ca(&self) -> String {
        self.authority.root().display().to_string()
    }

    /// The codes that `verify` finds.
    #[track_caller]
    pub fn verify(&self, status: i32) -> Vec<String> {
        let seen = self.json(&["verify", "--ca", &self.ca()], status);
        let targets = seen["targets"].as_array().unwrap();
        targets
            .iter()
            .flat_map(|target| codes(&target["findings"]))
            .collect()
    }
}

/// The codes of findings.
pub fn codes(findings: &Value) -> Vec<String> {
    let list = findings
        .as_array()
        .unwrap_or_else(|| panic!("no list: {findings}"));
    list.iter()
        .map(|finding| finding["code"].as_str().unwrap().to_string())
        .collect()
}
