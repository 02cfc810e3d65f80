//! The ground that tests with a real Apache for Windows stand on: what Windows configurations look like is accepted,
//! what is broken is rejected, and a started server shows its certificate.
#![cfg(windows)]

use std::path::Path;

use crate::alone;
use crate::support;
use crate::support::certificates::{Authority, Leaf};
use crate::support::client::TlsClient;
use crate::support::files;
use crate::support::network::Network;
use crate::support::windows_httpd::{WindowsHttpd, forward};

#[test]
fn crlf_configuration_with_drive_paths_is_accepted() {
    let Some(httpd) = WindowsHttpd::find() else { return };
    // A running httpd is one that other tests would find.
    let _alone = alone();
    let (root, leaf) = server_root();
    let backward = leaf.certificate.to_string_lossy().into_owned();
    let spellings = [
        "conf/leaf.crt",
        r"conf\leaf.crt",
        &forward(&leaf.certificate),
        &backward,
        "${SRVROOT}/conf/leaf.crt",
    ];
    for spelling in spellings {
        let file = configuration(&httpd, root.path(), 443, spelling);
        let outcome = httpd.syntax(root.path(), &file);
        assert_eq!(outcome.code, Some(0), "{spelling}: {}", outcome.report());
    }
}

#[test]
fn broken_configuration_is_rejected_with_its_place() {
    let Some(httpd) = WindowsHttpd::find() else { return };
    // A running httpd is one that other tests would find.
    let _alone = alone();
    let root = files::folder();
    let file = root.path().join("httpd.conf");
    files::write(&file, "Listen 80\r\nNoSuchDirective on\r\n");
    let outcome = httpd.syntax(root.path(), &file);
    assert_eq!(outcome.code, Some(1), "{}", outcome.report());
    let said = outcome.stderr_text();
    assert!(
        said.contains("line 2") && said.contains("NoSuchDirective"),
        "{}",
        outcome.report()
    );
}

#[test]
fn started_server_shows_the_leaf_and_is_gone_afterwards() {
    let Some(httpd) = WindowsHttpd::find() else { return };
    // A running httpd is one that other tests would find.
    let _alone = alone();
    let (root, leaf) = server_root();
    let port = Network::enter().https;
    let file = configuration(&httpd, root.path(), port, "conf/leaf.crt");
    let server = httpd
        .start(root.path(), &file, &[port])
        .unwrap_or_else(|error| panic!("{error}"));
    let client = TlsClient::trusting_file(&root.path().join("conf/root.pem"));
    let answer = client
        .get(port, "esync.example.com", "/")
        .unwrap_or_else(|e| panic!("{e}: {}", server.said()));
    assert_eq!(
        (answer.status, answer.tls.map(|tls| tls.leaf)),
        (200, Some(leaf.der))
    );
    drop(server);
    assert!(!support::client::listens(port));
}

/// A server root with a page, certificates in `conf`, and no configuration yet.
fn server_root() -> (tempfile::TempDir, Leaf) {
    let root = files::folder();
    files::write(&root.path().join("htdocs/index.html"), "it works");
    std::fs::create_dir(root.path().join("logs")).expect("a folder");
    let leaf = Authority::new(&root.path().join("conf")).leaf("leaf", &["esync.example.com"]);
    (root, leaf)
}

fn configuration(httpd: &WindowsHttpd, root: &Path, port: u16, certificate: &str) -> std::path::PathBuf {
    let modules = httpd.load(&["authz_core", "dir", "socache_shmcb", "ssl"]);
    let lines = [
        &format!("Define SRVROOT \"{}\"", forward(root)),
        "ServerRoot \"${SRVROOT}\"",
        &format!("Listen 127.0.0.1:{port}"),
        "ServerName esync.example.com",
        modules.trim_end(),
        "DocumentRoot \"${SRVROOT}/htdocs\"",
        "DirectoryIndex index.html",
        "ErrorLog \"logs/error.log\"",
        &format!("<VirtualHost *:{port}>"),
        "    ServerName esync.example.com",
        "    SSLEngine on",
        &format!("    SSLCertificateFile \"{certificate}\""),
        "    SSLCertificateKeyFile \"conf/leaf.key\"",
        "    SSLCertificateChainFile \"conf/intermediate.pem\"",
        "</VirtualHost>",
        "",
    ];
    let file = root.join("conf").join("httpd.conf");
    files::write(&file, lines.join("\r\n"));
    file
}
