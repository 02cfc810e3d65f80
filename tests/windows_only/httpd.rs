//! What Windows configurations look like is accepted by a real Apache for Windows. The rest of the ground that tests with it
//! stand on is in `apache::httpd`.
#![cfg(windows)]

use std::path::Path;

use crate::alone;
use crate::support::apache::Httpd;
use crate::support::certificates::{Authority, Leaf};
use crate::support::files::{self, forward};

#[test]
fn crlf_configuration_with_drive_paths_is_accepted() {
    let Some(httpd) = Httpd::find() else { return };
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
        let outcome = httpd.ask(root.path(), &file).syntax();
        assert_eq!(outcome.code, Some(0), "{spelling}: {}", outcome.report());
    }
}

/// A server root with a page, certificates in `conf`, and no configuration yet.
fn server_root() -> (tempfile::TempDir, Leaf) {
    let root = files::folder();
    files::write(&root.path().join("htdocs/index.html"), "it works");
    std::fs::create_dir(root.path().join("logs")).expect("a folder");
    let leaf = Authority::new(&root.path().join("conf")).leaf("leaf", &["esync.example.com"]);
    (root, leaf)
}

fn configuration(httpd: &Httpd, root: &Path, port: u16, certificate: &str) -> std::path::PathBuf {
    let modules = httpd.load(&["authz_core", "dir", "socache_shmcb", "ssl"]);
    let lines = [
        &format!("Define SRVROOT \"{}\"", forward(root)),
        "ServerRoot \"${SRVROOT}\"",
        &format!("Listen 127.0.0.1:{port}"),
        "ServerName esync.example.com",
        &modules.trim_end().replace('\n', "\r\n"),
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
