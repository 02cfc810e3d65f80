//! A server root before a real Apache that runs, with what clients see of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::apache::{Httpd, runtime, user};
use super::certificates::{Authority, Leaf};
use super::client::{self, Failure, TlsClient, http_get};
use super::daemon::Daemon;
use super::files::{self, forward};
use super::network::Network;
#[cfg(unix)]
use super::pebble::{Options, Pebble};
use super::process::Outcome;
use super::program::{Program, esync_ssl};

/// The name that the server answers.
pub const DOMAIN: &str = "esync.example.com";

/// A server root with an Apache that is stopped at first and knows no TLS.
pub struct ApacheSite {
    /// The server.
    pub daemon: Daemon,
    /// Around the server root.
    pub folder: tempfile::TempDir,
    /// Its program.
    pub httpd: Httpd,
    /// Its ports.
    pub network: Network,
    /// Who makes its certificates.
    pub authority: Authority,
    /// The certificate of [`DOMAIN`].
    pub leaf: Leaf,
}

impl ApacheSite {
    /// One that runs, beside an authority that wants names to be proven anew by each order.
    #[cfg(unix)]
    pub fn beside_pebble() -> Option<(Pebble, Self)> {
        let httpd = Httpd::find()?;
        let options = Options {
            environment: vec![("PEBBLE_AUTHZREUSE", "0")],
            ..Options::default()
        };
        let pebble = Pebble::start(&options)?;
        let site = ApacheSite::within(pebble.network, httpd, "");
        site.daemon.start();
        Some((pebble, site))
    }

    /// `more` is appended to the configuration, with `FOLDER` for the folder around the server root.
    pub fn new(more: &str) -> Option<Self> {
        let httpd = Httpd::find()?;
        Some(ApacheSite::within(Network::enter(), httpd, more))
    }

    /// The same in a network that is there.
    pub fn within(network: Network, httpd: Httpd, more: &str) -> Self {
        let folder = files::folder();
        let root = folder.path().join("Apache24");
        fs::create_dir_all(root.join("logs")).expect("the logs");
        files::write(&root.join("htdocs/index.html"), "hello");
        let authority = Authority::new(&folder.path().join("certificates"));
        let text = format!(
            "ServerRoot \"{place}\"\n{loaded}#LoadModule ssl_module {modules}/mod_ssl.so\nListen {port}\n\
             ServerName {DOMAIN}\nDocumentRoot \"{place}/htdocs\"\n{runtime}ErrorLog logs/error_log\n{user}{more}",
            place = forward(&root),
            modules = forward(&httpd.modules),
            port = network.http,
            runtime = runtime(&root),
            user = user(),
            loaded = httpd.load(&[
                "mpm_event",
                "authz_core",
                "socache_shmcb",
                "unixd",
                "dir",
                "alias",
                "log_config"
            ]),
            more = more.replace("FOLDER", &forward(folder.path())),
        );
        files::write(&root.join("conf/httpd.conf"), text);
        ApacheSite {
            leaf: authority.leaf_without_chain("server", &[DOMAIN]),
            daemon: Daemon::new(&httpd, &root),
            authority,
            folder,
            httpd,
            network,
        }
    }

    /// The same with the server up.
    pub fn running(more: &str) -> Option<Self> {
        let site = ApacheSite::new(more)?;
        site.daemon.start();
        Some(site)
    }

    /// The server root.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    /// Any command about it.
    pub fn command(&self, arguments: &[&str]) -> Program {
        let program = esync_ssl().args(arguments).arg("--root").arg(self.root());
        let program = program.arg("--httpd").arg(&self.httpd.binary);
        program.limit(Duration::from_secs(150))
    }

    /// `enable` of [`DOMAIN`] with its certificate and the key of a leaf.
    pub fn enable(&self, key: &Leaf, more: &[&str]) -> Program {
        self.enable_with(DOMAIN, &self.leaf, key, more)
    }

    /// HTTPS beside HTTP, with a certificate that nobody signed, on ports that the server has both then.
    #[track_caller]
    pub fn keep_http_beside_https(&self) {
        let site = ["enable", "--domain", DOMAIN, "--self-signed", "--http", "keep"];
        let program = self.command(&site).args(["--yes", "--restart"]);
        program.run().expect_code(0);
    }

    /// `enable` of a domain with this certificate and this key.
    pub fn enable_with(&self, domain: &str, certificate: &Leaf, key: &Leaf, more: &[&str]) -> Program {
        let port = self.network.https.to_string();
        let program = self.command(&["enable", "--yes", "--domain", domain, "--port", &port]);
        program
            .args(more)
            .arg("--cert")
            .arg(&certificate.certificate)
            .arg("--key")
            .arg(&key.key)
    }

    /// A client that trusts its certificates.
    pub fn client(&self) -> TlsClient {
        TlsClient::trusting_file(&self.authority.root())
    }

    /// What clients get over plain HTTP and over TLS.
    pub fn answers(&self) -> [String; 2] {
        let shown = |answer: Result<client::Answer, Failure>| match answer {
            Ok(answer) => format!(
                "{} {:?} {}",
                answer.status,
                answer.header("Location"),
                String::from_utf8_lossy(&answer.body)
            ),
            Err(Failure::Refused(_)) => "refused".to_owned(),
            Err(other) => other.to_string(),
        };
        [
            shown(http_get(self.network.http, DOMAIN, "/")),
            shown(self.client().get(self.network.https, DOMAIN, "/")),
        ]
    }

    /// Everything below the server root but logs.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let all = files::snapshot_of_server(&self.root()).into_iter();
        all.filter(|(name, _)| !name.starts_with("logs/")).collect()
    }

    /// Runs what ends with this status, after which files and answers are as before.
    #[track_caller]
    pub fn nothing_stays_of(&self, program: Program, status: i32) -> Outcome {
        let (files, answers, runs) = (self.files(), self.answers(), self.daemon.runs());
        let outcome = program.run().expect_code(status);
        assert_eq!(self.files(), files, "{}", outcome.report());
        assert_eq!(self.answers(), answers, "{}", outcome.report());
        assert_eq!(self.daemon.runs(), runs, "{}", outcome.report());
        outcome
    }
}
