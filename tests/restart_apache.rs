//! Commands that write and restart, before a real Apache that runs: it serves what was asked, or files and server are as
//! they were.
#![cfg(unix)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::apache::Httpd;
use support::certificates::{Authority, Leaf};
use support::client::{self, Failure, TlsClient, http_get};
use support::daemon::Daemon;
use support::files;
use support::network::Network;
use support::process::Outcome;
use support::program::{Program, esync_ssl};

const DOMAIN: &str = "esync.example.com";

/// A server root with an Apache that is stopped at first and knows no TLS.
struct Site {
    daemon: Daemon,
    folder: tempfile::TempDir,
    httpd: Httpd,
    network: Network,
    authority: Authority,
    leaf: Leaf,
}

impl Site {
    /// `more` is appended to the configuration, with `FOLDER` for the folder around the server root.
    fn new(more: &str) -> Option<Self> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let folder = files::folder();
        let root = folder.path().join("Apache24");
        fs::create_dir_all(root.join("logs")).expect("the logs");
        files::write(&root.join("htdocs/index.html"), "hello");
        let authority = Authority::new(&folder.path().join("certificates"));
        let user = if nix::unistd::geteuid().is_root() {
            "User www-data\nGroup www-data\n"
        } else {
            ""
        };
        let text = format!(
            "ServerRoot \"{root}\"\n{loaded}#LoadModule ssl_module {modules}/mod_ssl.so\nListen {port}\n\
             ServerName {DOMAIN}\nDocumentRoot \"{root}/htdocs\"\nPidFile logs/httpd.pid\n\
             DefaultRuntimeDir \"{root}/logs\"\nMutex \"file:{root}/logs\" default\nErrorLog logs/error_log\n{user}{more}",
            root = root.display(),
            modules = httpd.modules.display(),
            port = network.http,
            loaded = httpd.load(&[
                "mpm_event",
                "authz_core",
                "socache_shmcb",
                "unixd",
                "dir",
                "alias",
                "log_config"
            ]),
            more = more.replace("FOLDER", &folder.path().display().to_string()),
        );
        files::write(&root.join("conf/httpd.conf"), text);
        Some(Site {
            leaf: authority.leaf_without_chain("server", &[DOMAIN]),
            daemon: Daemon::new(&httpd, &root),
            authority,
            folder,
            httpd,
            network,
        })
    }

    /// The same with the server up.
    fn running(more: &str) -> Option<Self> {
        let site = Site::new(more)?;
        site.daemon.start();
        Some(site)
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    fn command(&self, arguments: &[&str]) -> Program {
        let program = esync_ssl().args(arguments).arg("--root").arg(self.root());
        let program = program.arg("--httpd").arg(&self.httpd.binary);
        program.limit(Duration::from_secs(150))
    }

    fn enable(&self, key: &Leaf, more: &[&str]) -> Program {
        let port = self.network.https.to_string();
        let program = self.command(&["enable", "--yes", "--domain", DOMAIN, "--port", &port]);
        program
            .args(more)
            .arg("--cert")
            .arg(&self.leaf.certificate)
            .arg("--key")
            .arg(&key.key)
    }

    fn client(&self) -> TlsClient {
        TlsClient::trusting_file(&self.authority.root())
    }

    /// What clients get over plain HTTP and over TLS.
    fn answers(&self) -> [String; 2] {
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
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let all = files::snapshot(&self.root()).into_iter();
        all.filter(|(name, _)| !name.starts_with("logs/")).collect()
    }

    /// Runs what ends with this status, after which files and answers are as before.
    #[track_caller]
    fn nothing_stays_of(&self, program: Program, status: i32) -> Outcome {
        let (files, answers, runs) = (self.files(), self.answers(), self.daemon.runs());
        let outcome = program.run().expect_code(status);
        assert_eq!(self.files(), files, "{}", outcome.report());
        assert_eq!(self.answers(), answers, "{}", outcome.report());
        assert_eq!(self.daemon.runs(), runs, "{}", outcome.report());
        outcome
    }
}

#[track_caller]
fn json(outcome: &Outcome) -> Value {
    serde_json::from_slice(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {}", outcome.report()))
}

const HELLO: &str = "200 None hello";
/// Kills the server that started it.
const KILLER: &str = "CustomLog \"|FOLDER/killer\" common\n";

fn killer(site: &Site, script: &str) {
    let path = site.folder.path().join("killer");
    files::write(&path, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn what_is_enabled_is_served_and_what_is_restored_too() {
    let Some(site) = Site::running("") else { return };
    let before = site.answers();
    assert_eq!(before, [HELLO, "refused"].map(String::from));
    let pid = site.daemon.pid();
    let done = json(
        &site
            .enable(&site.leaf, &["--restart", "--json", "--http", "off"])
            .run()
            .expect_code(0),
    );
    assert_eq!(done["server"]["result"], "restarted", "{done}");
    let probe = &done["server"]["probe"]["targets"][0];
    assert_eq!(probe["name"], DOMAIN, "{done}");
    assert_eq!(probe["tls"]["version"], "TLSv1.3", "{done}");
    assert_eq!(site.answers(), ["refused", HELLO].map(String::from));
    let shown = site
        .client()
        .get(site.network.https, DOMAIN, "/")
        .expect("an answer");
    assert_eq!(shown.tls.expect("TLS").leaf, site.leaf.der);
    assert_eq!(site.daemon.pid(), pid, "requests under way were not cut off");

    let back = json(
        &site
            .command(&["restore", "--yes", "--restart", "--json"])
            .run()
            .expect_code(0),
    );
    assert_eq!(back["server"]["result"], "restarted", "{back}");
    assert_eq!(site.answers(), before);

    let kept = site
        .enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    assert!(
        kept.stdout_text()
            .contains("was restarted and answers as configured"),
        "{}",
        kept.report()
    );
    assert_eq!(site.answers(), [HELLO, HELLO].map(String::from));
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);

    site.enable(&site.leaf, &["--restart", "--http", "redirect"])
        .run()
        .expect_code(0);
    let answer = http_get(site.network.http, DOMAIN, "/").expect("an answer");
    assert_eq!(answer.status, 301);
    assert!(
        answer
            .header("Location")
            .is_some_and(|to| to.starts_with("https://"))
    );
}

#[test]
fn without_being_asked_the_server_is_left_alone() {
    let Some(site) = Site::running("") else { return };
    let before = site.answers();
    let done = site.enable(&site.leaf, &[]).run().expect_code(0);
    assert!(done.stdout_text().contains("Restart Apache"), "{}", done.report());
    assert_eq!(site.answers(), before);
}

#[test]
fn a_key_that_does_not_match() {
    let Some(site) = Site::running("") else { return };
    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let forced = ["--restart", "--no-rehearsal", "--force", "KEY-MISMATCH", "--json"];
    let failed = json(&site.nothing_stays_of(site.enable(&other, &forced), 6));
    let told = failed["error"].as_str().expect("an error");
    assert!(
        told.contains("Every file is as it was, and Apache runs as it did before"),
        "{failed}"
    );
    assert_eq!(failed["findings"][0]["code"], "KEY-MISMATCH", "{failed}");
    // The lines of the log are shown with it.
    let failed = site.nothing_stays_of(site.enable(&other, &forced), 6);
    assert!(failed.stderr_text().contains("AH02565"), "{}", failed.report());
}

#[test]
fn a_port_that_is_taken() {
    let Some(site) = Site::running("") else { return };
    let socket = TcpListener::bind(("0.0.0.0", site.network.https)).expect("the port");
    let before = site.files();
    site.enable(&site.leaf, &["--restart"]).run().expect_code(4);
    // Accepting nothing, it lets every client wait: only files and HTTP are compared.
    let page = http_get(site.network.http, DOMAIN, "/").expect("an answer").body;
    let failed = site
        .enable(&site.leaf, &["--restart", "--force", "PORT-TAKEN", "--json"])
        .run()
        .expect_code(6);
    assert_eq!(site.files(), before, "{}", failed.report());
    let again = http_get(site.network.http, DOMAIN, "/").expect("an answer").body;
    assert_eq!(page, again);
    drop(socket);
    site.enable(&site.leaf, &["--restart"]).run().expect_code(0);
    assert_eq!(site.answers()[1], HELLO);
}

#[test]
fn a_module_that_is_not_there() {
    let Some(site) = Site::running("") else { return };
    // Loaded from a folder in which there is all but this one.
    let modules = site.folder.path().join("modules");
    fs::create_dir(&modules).expect("a folder");
    for entry in fs::read_dir(&site.httpd.modules).expect("modules").flatten() {
        if entry.file_name() != "mod_ssl.so" {
            std::os::unix::fs::symlink(entry.path(), modules.join(entry.file_name())).expect("a link");
        }
    }
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    let [from, to] = [&site.httpd.modules, &modules].map(|folder| folder.display().to_string());
    files::write(&main, text.replace(&from, &to));
    site.daemon.tell("graceful").expect_code(0);
    let all = ["--restart", "--no-rehearsal", "--no-test"];
    site.nothing_stays_of(site.enable(&site.leaf, &all[..1]), 4);
    site.nothing_stays_of(site.enable(&site.leaf, &all), 4);
}

#[test]
fn an_included_file_that_is_broken() {
    let Some(site) = Site::running("<IfModule ssl_module>\nIncludeOptional conf/broken.inc\n</IfModule>\n")
    else {
        return;
    };
    files::write(&site.root().join("conf/broken.inc"), "NoSuchDirective on\n");
    let mut all = vec!["--restart", "--no-rehearsal"];
    // Before a candidate, on our own word, and when it is told to restart.
    for (more, status) in [
        (&[][..], 4),
        (&["--no-test"], 4),
        (&["--force", "CONFIG-PROBLEM"], 6),
    ] {
        all.extend(more);
        let failed = site.nothing_stays_of(site.enable(&site.leaf, &all), status);
        assert!(
            failed.stderr_text().contains("NoSuchDirective"),
            "{}",
            failed.report()
        );
    }
}

#[test]
fn a_server_that_dies_two_seconds_after_the_restart() {
    let Some(site) = Site::running(&format!("<IfModule ssl_module>\n{KILLER}</IfModule>\n")) else {
        return;
    };
    killer(&site, "sleep 2\nkill $PPID");
    let failed = site.nothing_stays_of(site.enable(&site.leaf, &["--restart"]), 6);
    assert!(
        failed.stderr_text().contains("it does not run"),
        "{}",
        failed.report()
    );
}

#[test]
fn a_server_that_does_not_come_back() {
    let Some(site) = Site::new(KILLER) else { return };
    killer(
        &site,
        &format!(
            "[ -e {}/kills ] && kill $PPID\nexec cat >/dev/null",
            site.folder.path().display()
        ),
    );
    site.daemon.start();
    // The one that was started with it has looked by then.
    std::thread::sleep(Duration::from_secs(1));
    files::write(&site.folder.path().join("kills"), "");
    let before = site.files();
    let failed = site
        .enable(&site.leaf, &["--restart", "--json"])
        .run()
        .expect_code(7);
    assert_eq!(site.files(), before, "{}", failed.report());
    let told = json(&failed)["error"].as_str().expect("an error").to_owned();
    assert!(
        told.contains("Every file is as it was, but the server is not") && told.contains("is stopped"),
        "{told}"
    );
}

#[test]
fn a_server_that_was_stopped() {
    let Some(site) = Site::new("") else { return };
    let done = site.enable(&site.leaf, &["--restart"]).run().expect_code(0);
    assert!(done.stdout_text().contains("is left so"), "{}", done.report());
    assert!(!site.daemon.runs());
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);
    assert!(!site.daemon.runs());

    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let forced = ["--start", "--no-rehearsal", "--force", "KEY-MISMATCH"];
    let failed = site.nothing_stays_of(site.enable(&other, &forced), 6);
    assert!(
        failed.stderr_text().contains("is stopped, as it was"),
        "{}",
        failed.report()
    );

    let done = json(
        &site
            .enable(&site.leaf, &["--start", "--json"])
            .run()
            .expect_code(0),
    );
    assert_eq!(done["server"]["result"], "started", "{done}");
    assert_eq!(site.answers()[1], HELLO);
}

#[test]
fn clients_do_not_notice_one_domain_after_another() {
    let Some(site) = Site::running("") else { return };
    let done = AtomicBool::new(false);
    let (port, https) = (site.network.http, site.network.https);
    let second = site
        .authority
        .leaf_without_chain("second", &["second.example.com"]);
    let counts = std::thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let (mut good, mut bad) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                match http_get(port, DOMAIN, "/") {
                    Ok(answer) if answer.status == 200 => good += 1,
                    other => bad.push(format!("{other:?}")),
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            (good, bad)
        });
        site.enable(&site.leaf, &["--restart", "--http", "keep"])
            .run()
            .expect_code(0);
        let next = site.command(&[
            "enable",
            "--yes",
            "--restart",
            "--http",
            "keep",
            "--domain",
            "second.example.com",
        ]);
        next.args(["--port", &https.to_string(), "--cert"])
            .arg(&second.certificate)
            .arg("--key")
            .arg(&second.key)
            .run()
            .expect_code(0);
        done.store(true, Ordering::Relaxed);
        requests.join().expect("requests")
    });
    eprintln!("{} requests, failed: {:?}", counts.0, counts.1);
    assert!(counts.0 > 100 && counts.1.is_empty(), "{counts:?}");
    for leaf in [(DOMAIN, &site.leaf), ("second.example.com", &second)] {
        let shown = site.client().get(https, leaf.0, "/").expect("an answer");
        assert_eq!(shown.tls.expect("TLS").leaf, leaf.1.der);
    }
}

#[test]
fn killed_between_restart_and_proof() {
    let Some(site) = Site::running("") else { return };
    let (files, answers) = (site.files(), site.answers());
    assert_eq!(answers[0], HELLO);
    let log = site.folder.path().join("said");
    let mut command = site
        .enable(&site.leaf, &["--restart", "--http", "off"])
        .into_command();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("a child");
    let start = Instant::now();
    while client::listens(site.network.http) && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    let said = fs::read_to_string(&log).expect("what it said");
    assert!(said.contains("Restarting"), "{said}");
    assert_ne!(site.files(), files, "it was killed too late: {said}");
    let recovered = site
        .command(&["restore", "--recover", "--restart"])
        .run()
        .expect_code(0);
    assert_eq!(site.files(), files, "{}", recovered.report());
    assert_eq!(site.answers(), answers, "{}", recovered.report());
}
