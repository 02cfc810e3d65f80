//! Faults staged before a real Apache: what it says of them, on the terminal and in its logs, is explained with the
//! right cause, and `check` sees them beforehand.

use std::fs;
use std::path::Path;

use crate::support;
use crate::support::files;
use crate::support::network::HeldPort;
use crate::support::running::{NAME, Site, codes};
use serde_json::Value;

/// One fault: its lines in front of the virtual host and in it, what changes of the main file, and both answers.
pub struct Fault {
    /// What it is.
    pub about: &'static str,
    /// Lines before the virtual host.
    pub before: String,
    /// Lines in it.
    pub inside: &'static str,
    /// What the log means.
    pub explained: &'static str,
    /// What `check` finds.
    pub checked: &'static str,
}

fn fault(about: &'static str, before: impl Into<String>, codes: [&'static str; 2]) -> Fault {
    Fault {
        about,
        before: before.into(),
        inside: "",
        explained: codes[0],
        checked: codes[1],
    }
}

fn inside(about: &'static str, inside: &'static str, codes: [&'static str; 2]) -> Fault {
    Fault {
        inside,
        ..fault(about, "", codes)
    }
}

/// A certificate that ends in the middle, as `conf/cut.crt`, which some of them name.
pub fn cut(site: &Site) {
    let whole = fs::read_to_string(site.root().join("conf/server.crt")).unwrap();
    // The second certificate of the file, or the only one, ends in the middle.
    let first = &whole[..whole.find("-----END").unwrap() - 40];
    files::write(
        &site.root().join("conf/cut.crt"),
        format!("{first}\n-----END CERTIFICATE-----\n"),
    );
}

/// Those in front of the virtual host.
pub fn faults_before(site: &Site) -> Vec<Fault> {
    let port = site.network.https;
    vec![
        fault(
            "a module without its file",
            "LoadModule other_module modules/none.so\n",
            ["MODULE-MISSING", "MODULE-MISSING"],
        ),
        fault(
            "a log in a folder that is not there",
            "ErrorLog nowhere/error_log\n",
            ["LOG-FOLDER", "LOG-FOLDER"],
        ),
        fault(
            "the same Listen twice",
            format!("Listen {port} https\n"),
            ["LISTEN-TWICE", "LISTEN-TWICE"],
        ),
        fault(
            "Listen inside another",
            format!("Listen 127.0.0.1:{port} https\n"),
            ["PORT-TAKEN", "LISTEN-TWICE"],
        ),
        fault(
            "an address of another machine",
            "Listen 192.0.2.77:8443\n",
            ["ADDRESS-NOT-HERE", "ADDRESS-NOT-HERE"],
        ),
        fault(
            "a port that is none",
            "Listen 70000\n",
            ["DIRECTIVE-VALUE", "DIRECTIVE-VALUE"],
        ),
        fault(
            "a word that nobody knows",
            "SLLEngine on\n",
            ["DIRECTIVE-UNKNOWN", "CONFIG-PROBLEM"],
        ),
        fault(
            "a directive of a module that is not loaded",
            "Header set A b\n",
            ["MODULE-NOT-LOADED", "CONFIG-PROBLEM"],
        ),
        fault(
            "a section that does not end",
            "<Directory />\n",
            ["SECTION-NOT-CLOSED", "CONFIG-PROBLEM"],
        ),
    ]
}

/// Those in the virtual host.
pub fn faults_inside() -> Vec<Fault> {
    vec![
        inside(
            "no such protocol",
            "SSLProtocol TLSv9\n",
            ["TLS-PROTOCOLS", "DIRECTIVE-VALUE"],
        ),
        inside(
            "no such cipher",
            "SSLCipherSuite NOTHING\n",
            ["TLS-CIPHERS", "REHEARSAL-FAILED"],
        ),
        inside(
            "a chain that is not there",
            "SSLCertificateChainFile conf/none.crt\n",
            ["FILE-MISSING", "FILE-MISSING"],
        ),
        inside(
            "a damaged chain",
            "SSLCertificateChainFile conf/cut.crt\n",
            ["CHAIN-FILE-DAMAGED", "CHAIN-FILE-DAMAGED"],
        ),
        inside(
            "a damaged certificate",
            "SSLCertificateFile conf/cut.crt\nSSLCertificateKeyFile conf/server.key\n",
            ["CERT-DAMAGED", "CERT-DAMAGED"],
        ),
        inside(
            "client certificates by a file that holds none",
            "SSLCACertificateFile conf/server.key\n",
            ["CLIENT-CA-UNREADABLE", "CLIENT-CA-UNREADABLE"],
        ),
    ]
}

/// Every code of `check`.
fn checked(site: &Site) -> (Vec<String>, Value) {
    let run = support::program::esync_ssl()
        .args(["check", "--json", "--root"])
        .arg(site.root())
        .arg("--httpd")
        .arg(&site.httpd.binary)
        .run();
    let answer: Value = run.data();
    let mut all = codes(&answer["findings"]);
    for one in answer["checked"].as_array().unwrap() {
        all.extend(codes(&one["findings"]));
    }
    (all, answer)
}

#[test]
fn what_apache_says_is_explained_and_was_foreseen() {
    let Some(site) = Site::new() else { return };
    cut(&site);
    let mut wrong = Vec::new();
    for fault in faults_before(&site).into_iter().chain(faults_inside()) {
        let log = site.root().join("logs/error_log");
        let _ = fs::remove_file(&log);
        site.configure(&(fault.before.clone() + &site.host(NAME, "server", fault.inside)));
        let (foreseen, answer) = checked(&site);
        // What is known of a line is not said a second time by a rehearsal.
        let rehearsed = foreseen.iter().any(|code| code == "REHEARSAL-FAILED");
        // Wine lets a socket have any address.
        let is_beyond = cfg!(windows) && fault.checked == "ADDRESS-NOT-HERE";
        if !is_beyond && !foreseen.iter().any(|code| code == fault.checked)
            || rehearsed && fault.checked != "REHEARSAL-FAILED"
        {
            wrong.push(format!("{}: check finds {foreseen:?}\n{answer}", fault.about));
        }
        let said = site.daemon.fails();
        let text = [said.stderr.clone(), read(&log)].concat();
        let captured = site.folder.path().join("captured");
        files::write(&captured, &text);
        let told = site.json(&["explain", captured.to_str().unwrap()], 0);
        let told = codes(&told["findings"]);
        if told.first().map(String::as_str) != Some(fault.explained) {
            let text = String::from_utf8_lossy(&text);
            wrong.push(format!("{}: explain finds {told:?}\n{text}", fault.about));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn read(file: &Path) -> Vec<u8> {
    fs::read(file).unwrap_or_default()
}

#[test]
fn a_taken_port_is_refused_before_anything_is_written() {
    let Some(site) = Site::new() else { return };
    // A server without TLS, so that `enable` has all to do.
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).unwrap();
    let plain = text.split("<VirtualHost").next().unwrap();
    let plain: String = plain
        .lines()
        .filter(|line| !line.ends_with(" https"))
        .map(|line| format!("{line}\n"))
        .collect();
    files::write(&main, &plain);
    let before = files::snapshot_of_server(&site.root());
    let _holder = HeldPort::at(("0.0.0.0", site.network.https));
    let port = site.network.https.to_string();
    let words = [
        "enable",
        "--yes",
        "--self-signed",
        "--domain",
        NAME,
        "--port",
        &port,
    ];
    let refused = site.json(&words, 4);
    assert_eq!(codes(&refused["findings"]), ["PORT-TAKEN"], "{refused}");
    assert_eq!(files::snapshot_of_server(&site.root()), before);
}
