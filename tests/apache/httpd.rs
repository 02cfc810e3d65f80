//! The ground that tests with a real Apache stand on: it starts, answers, is verified, and rejects.

use crate::support;
use crate::support::apache::Httpd;
use crate::support::certificates::Authority;
use crate::support::client::{Failure, TlsClient, http_get};
use crate::support::files;
use crate::support::network::Network;

const MODULES: [&str; 4] = ["mpm_event", "authz_core", "dir", "unixd"];

#[test]
fn plain_server_answers_and_is_gone_afterwards() {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let root = server_root();
    let file = root.path().join("httpd.conf");
    files::write(&file, configuration(&httpd, network.http, ""));

    let mut server = httpd
        .ask(root.path(), &file)
        .start(&[network.http])
        .unwrap_or_else(|error| panic!("{error}"));
    let answer = http_get(network.http, "esync.example.com", "/").expect("an answer over http");
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"it works".as_slice())
    );
    assert!(matches!(
        http_get(network.https, "esync.example.com", "/"),
        Err(Failure::Refused(_))
    ));
    assert!(server.is_running());

    drop(server);
    assert!(matches!(
        http_get(network.http, "esync.example.com", "/"),
        Err(Failure::Refused(_))
    ));
}

#[test]
fn verifying_client_sees_the_leaf_and_refuses_others() {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let root = server_root();
    let authority = Authority::new(root.path());
    let rsa = support::certificates::rsa_2048();
    for (name, leaf) in [
        ("p256.example.com", authority.leaf("p256", &["p256.example.com"])),
        (
            "rsa.example.com",
            authority.leaf_of("rsa", &["rsa.example.com"], support::certificates::VALID, rsa),
        ),
    ] {
        let tls = format!(
            "{}SSLEngine on\nSSLCertificateFile \"{}\"\nSSLCertificateKeyFile \"{}\"\nSSLCertificateChainFile \"{}\"\n",
            httpd.load(&["socache_shmcb", "ssl"]),
            leaf.certificate.display(),
            leaf.key.display(),
            authority.intermediate().display(),
        );
        let file = root.path().join("httpd.conf");
        files::write(&file, configuration(&httpd, network.https, &tls));
        let ask = httpd.ask(root.path(), &file);
        ask.syntax().expect_code(0);
        let _server = ask
            .start(&[network.https])
            .unwrap_or_else(|error| panic!("{error}"));

        let client = TlsClient::trusting_file(&authority.root());
        let answer = client.get(network.https, name, "/").expect("a verified answer");
        let tls = answer.tls.expect("a secured connection");
        assert_eq!((answer.status, tls.leaf), (200, leaf.der));
        assert_eq!(
            (tls.chain.len(), tls.version),
            (1, rustls::ProtocolVersion::TLSv1_3)
        );
        let old = TlsClient::trusting_file(&authority.root()).only(&rustls::version::TLS12);
        let tls = old
            .get(network.https, name, "/")
            .expect("TLS 1.2")
            .tls
            .expect("a secured connection");
        assert_eq!(tls.version, rustls::ProtocolVersion::TLSv1_2);

        let elsewhere = client.get(network.https, "other.example.com", "/");
        assert!(matches!(elsewhere, Err(Failure::Handshake(_))), "{elsewhere:?}");
        let stranger = Authority::new(&root.path().join("stranger"));
        let refused = TlsClient::trusting_file(&stranger.root()).get(network.https, name, "/");
        assert!(matches!(refused, Err(Failure::Handshake(_))), "{refused:?}");
    }
}

#[test]
fn self_signed_certificate_is_its_own_trust_anchor() {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let root = server_root();
    let leaf = support::certificates::self_signed(root.path(), "self", &["esync.example.com"]);
    let tls = format!(
        "{}SSLEngine on\nSSLCertificateFile self.crt\nSSLCertificateKeyFile self.key\n",
        httpd.load(&["socache_shmcb", "ssl"])
    );
    let file = root.path().join("httpd.conf");
    files::write(&file, configuration(&httpd, network.https, &tls));
    let _server = httpd
        .ask(root.path(), &file)
        .start(&[network.https])
        .unwrap_or_else(|error| panic!("{error}"));
    let answer = TlsClient::trusting_file(&leaf.certificate).get(network.https, "esync.example.com", "/");
    assert_eq!(
        answer.expect("a verified answer").tls.map(|tls| tls.leaf),
        Some(leaf.der)
    );
}

#[test]
fn broken_configuration_is_rejected_with_its_place() {
    let Some(httpd) = Httpd::find() else { return };
    let root = server_root();
    let file = root.path().join("httpd.conf");
    files::write(
        &file,
        format!("{}Listen 80\nNoSuchDirective on\n", httpd.load(&MODULES)),
    );
    let outcome = httpd.ask(root.path(), &file).syntax();
    assert_eq!(outcome.code, Some(1), "{}", outcome.report());
    assert!(
        outcome.stderr_text().contains("NoSuchDirective"),
        "{}",
        outcome.report()
    );
}

#[test]
fn server_that_cannot_start_says_why() {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let root = server_root();
    let authority = Authority::new(root.path());
    let (leaf, other) = (
        authority.leaf("one", &["one.example.com"]),
        authority.leaf("two", &["two.example.com"]),
    );
    let tls = format!(
        "{}SSLEngine on\nSSLCertificateFile \"{}\"\nSSLCertificateKeyFile \"{}\"\n",
        httpd.load(&["socache_shmcb", "ssl"]),
        leaf.certificate.display(),
        other.key.display(),
    );
    let file = root.path().join("httpd.conf");
    files::write(&file, configuration(&httpd, network.https, &tls));
    let error = httpd
        .ask(root.path(), &file)
        .start(&[network.https])
        .expect_err("a server that cannot start");
    assert!(error.contains("AH02565"), "{error}");
}

#[test]
fn dumps_and_command_line_directives_reach_apache() {
    let Some(httpd) = Httpd::find() else { return };
    let root = server_root();
    let file = root.path().join("conf/httpd.conf");
    files::write(
        &file,
        "<IfDefine EXTRA>\nInclude conf/extra.conf\n</IfDefine>\nListen 8080\nServerName ${HOST_NAME}\n",
    );
    files::write(&root.path().join("conf/extra.conf"), "Timeout 7\n");
    let ask = httpd
        .ask(root.path(), &file)
        .supply_mpm()
        .env("HOST_NAME", "named.example.com")
        .define("EXTRA");
    ask.syntax().expect_code(0);
    assert!(
        ask.dump("DUMP_INCLUDES")
            .expect_code(0)
            .stdout_text()
            .contains("conf/extra.conf")
    );
    assert!(
        ask.dump("DUMP_CONFIG")
            .expect_code(0)
            .stdout_text()
            .contains("Timeout 7")
    );
    let mpm = if cfg!(windows) {
        "mpm_winnt_module"
    } else {
        "mpm_event_module"
    };
    assert!(ask.run(&["-M"]).expect_code(0).stdout_text().contains(mpm));
    let twice = ask.after("ThisIsNoDirective").syntax();
    assert_eq!(twice.code, Some(1), "{}", twice.report());
}

/// A server root without configuration: the one folder that Apache does not do without, and one page.
fn server_root() -> tempfile::TempDir {
    let root = files::folder();
    std::fs::create_dir(root.path().join("logs")).expect("a folder");
    files::write(&root.path().join("htdocs/index.html"), "it works");
    root
}

/// A server on one port of the loopback that serves `htdocs`.
fn configuration(httpd: &Httpd, port: u16, more: &str) -> String {
    format!(
        "{}Listen 127.0.0.1:{port}\nServerName esync.example.com\nDocumentRoot htdocs\nDirectoryIndex index.html\n{more}",
        httpd.load(&MODULES)
    )
}
