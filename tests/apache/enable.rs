//! `esync-ssl enable` before a real Apache: what answered over HTTP answers over TLS afterwards, to a client that
//! verifies. It does not look at the text of the configuration; `cases.rs` does.

use std::fs;
use std::path::PathBuf;

use crate::support;
use crate::support::apache::{Apache, Ask, Httpd};
use crate::support::certificates::{Authority, Leaf};
use crate::support::client::{Answer, Failure, TlsClient, http_get};
use crate::support::files::{self, forward};
use crate::support::installed::openssl;
use crate::support::network::Network;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;

const DOMAIN: &str = "esync.example.com";

/// A server root of an HTTP server for [`DOMAIN`], as an administrator would have it before.
struct Site {
    folder: tempfile::TempDir,
    httpd: Httpd,
    network: Network,
    leaf: Leaf,
    anchor: PathBuf,
    chain: PathBuf,
}

impl Site {
    /// One listener (`{http}` in `listen` stands for its port) and further lines of the main server.
    fn new(listen: &str, more: &str) -> Option<Self> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let folder = files::folder();
        let root = folder.path().join("Apache24");
        for needed in ["logs", "conf"] {
            fs::create_dir_all(root.join(needed)).expect("a folder of the server root");
        }
        files::write(&root.join("htdocs/index.html"), "the main site");
        files::write(&root.join("other/index.html"), "the other site");
        let authority = Authority::new(&folder.path().join("certificates"));
        let leaf = authority.leaf("server", &[DOMAIN]);
        let modules = forward(&httpd.modules);
        let text = format!(
            "ServerRoot \"{root}\"\n{loaded}#LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so\n\
             #LoadModule ssl_module {modules}/mod_ssl.so\n\n{listen}\nServerName {DOMAIN}\n\
             DocumentRoot \"{root}/htdocs\"\nDirectoryIndex index.html\n{more}",
            root = forward(&root),
            loaded = httpd.load(&["mpm_event", "authz_core", "dir", "rewrite", "unixd"]),
            listen = listen.replace("{http}", &network.http.to_string()),
        );
        files::write(&root.join("conf/httpd.conf"), text);
        Some(Site {
            folder,
            httpd,
            network,
            leaf,
            anchor: authority.root(),
            chain: authority.intermediate(),
        })
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("Apache24")
    }

    fn ask(&self) -> Ask {
        self.httpd.ask(&self.root(), &self.root().join("conf/httpd.conf"))
    }

    #[track_caller]
    fn start(&self, ports: &[u16]) -> Apache {
        self.ask()
            .start(ports)
            .unwrap_or_else(|error| panic!("{error}\n{}", self.configuration()))
    }

    fn configuration(&self) -> String {
        fs::read_to_string(self.root().join("conf/httpd.conf")).expect("the main file")
    }

    /// Runs `enable` with the certificate and its chain.
    #[track_caller]
    fn enable(&self, more: &[&str]) -> Outcome {
        let files = [
            ("--cert", &self.leaf.certificate),
            ("--key", &self.leaf.key),
            ("--chain", &self.chain),
        ];
        let files = files.map(|(option, file)| [option.to_owned(), file.display().to_string()]);
        let files: Vec<String> = files.into_iter().flatten().collect();
        let all: Vec<&str> = files
            .iter()
            .map(String::as_str)
            .chain(more.iter().copied())
            .collect();
        self.enable_bare(self.network.https, &all)
    }

    /// Runs `enable`, and once more, which changes nothing; Apache accepts the result.
    #[track_caller]
    fn enable_bare(&self, port: u16, more: &[&str]) -> Outcome {
        let run = || {
            esync_ssl()
                .args([
                    "enable",
                    "--yes",
                    "--domain",
                    DOMAIN,
                    "--port",
                    &port.to_string(),
                    "--root",
                ])
                .arg(self.root())
                .args(more)
                .run()
                .expect_code(0)
        };
        let outcome = run();
        let after = files::snapshot(&self.root());
        run();
        assert_eq!(
            after,
            files::snapshot(&self.root()),
            "a second run changes something"
        );
        self.ask().syntax().expect_code(0);
        outcome
    }

    fn over_tls(&self, path: &str) -> Result<Answer, Failure> {
        TlsClient::trusting_file(&self.anchor).get(self.network.https, DOMAIN, path)
    }

    #[track_caller]
    fn assert_serves_leaf(&self, server: &Apache) {
        let answer = self.over_tls("/");
        let answer = answer.unwrap_or_else(|error| panic!("{error}\n{}", server.said()));
        let tls = answer.tls.expect("a secured connection");
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (200, &b"the main site"[..])
        );
        assert_eq!(tls.leaf, self.leaf.der, "another certificate");
        assert_eq!(tls.chain.len(), 1, "the intermediate is not sent");
    }

    fn refuses_http(&self) -> bool {
        matches!(http_get(self.network.http, DOMAIN, "/"), Err(Failure::Refused(_)))
    }
}

#[track_caller]
fn body(answer: Result<Answer, Failure>) -> String {
    let answer = answer.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(answer.status, 200, "{}", answer.head);
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[test]
fn http_becomes_https() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let server = site.start(&[site.network.http]);
    assert_eq!(body(http_get(site.network.http, DOMAIN, "/")), "the main site");
    assert!(matches!(site.over_tls("/"), Err(Failure::Refused(_))));
    drop(server);

    // Off is what nothing said means, and what `--http off` means.
    site.enable(&[]);
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
    assert!(site.refuses_http());
}

#[test]
fn http_off_refuses_http() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    site.enable(&["--http", "off"]);
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
    assert!(site.refuses_http());
}

#[test]
fn http_keep_answers_both() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    site.enable(&["--http", "keep"]);
    let server = site.start(&[site.network.http, site.network.https]);
    site.assert_serves_leaf(&server);
    assert_eq!(body(http_get(site.network.http, DOMAIN, "/")), "the main site");
}

/// Windows knows no graceful restart; what it has instead is in `restart.rs`.
#[cfg(unix)]
#[test]
fn running_server_takes_it_up_gracefully() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let mut server = site.start(&[site.network.http]);
    site.enable(&["--http", "keep"]);
    server.graceful();
    let start = std::time::Instant::now();
    while !support::client::listens(site.network.https) {
        assert!(
            start.elapsed().as_secs() < 20 && server.is_running(),
            "{}",
            server.said()
        );
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    site.assert_serves_leaf(&server);
}

#[test]
fn another_port() {
    let Some(mut site) = Site::new("Listen {http}", "") else {
        return;
    };
    site.network.https = if site.network.isolated {
        8443
    } else {
        site.network.another()
    };
    site.enable(&["--http", "keep"]);
    let server = site.start(&[site.network.http, site.network.https]);
    site.assert_serves_leaf(&server);
}

#[test]
fn self_signed_certificate_is_trusted_by_who_has_it() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    site.enable_bare(site.network.https, &["--self-signed"]);
    let [key, certificate] =
        ["key", "crt"].map(|ending| site.root().join(format!("conf/ssl/{DOMAIN}.{ending}")));
    is_closed(&key);
    let server = site.start(&[site.network.https]);
    let answer = TlsClient::trusting_file(&certificate).get(site.network.https, DOMAIN, "/");
    assert_eq!(
        body(answer.inspect_err(|error| panic!("{error}\n{}", server.said()))),
        "the main site"
    );
    assert!(
        matches!(site.over_tls("/"), Err(Failure::Handshake(_))),
        "who does not have it must not trust it"
    );
    assert!(site.refuses_http());
}

/// Nobody but its owner may read the key.
#[cfg(unix)]
fn is_closed(key: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(key).expect("the key").permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "the key is open to others");
}

/// Access lists are looked at in `windows_only`.
#[cfg(windows)]
fn is_closed(key: &std::path::Path) {
    assert!(key.is_file());
}

#[test]
fn listener_on_one_address_stays_there() {
    let Some(site) = Site::new("Listen 127.0.0.1:{http}", "") else {
        return;
    };
    site.enable(&[]);
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
    let elsewhere = std::net::TcpStream::connect(("127.0.0.2", site.network.https));
    assert!(elsewhere.is_err(), "it listens on every address now");
}

#[test]
fn virtual_host_elsewhere_keeps_its_site() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let port = site.network.another();
    let more = format!(
        "Listen {port}\n<VirtualHost *:{port}>\n  ServerName other.example.com\n  DocumentRoot \"{}/other\"\n</VirtualHost>\n",
        forward(&site.root())
    );
    files::write(&site.root().join("conf/httpd.conf"), site.configuration() + &more);
    site.enable(&[]);
    let server = site.start(&[site.network.https, port]);
    site.assert_serves_leaf(&server);
    assert_eq!(body(http_get(port, "other.example.com", "/")), "the other site");
    // Of several ports, HTTP is known to be on 80 only.
    assert!(!site.network.isolated || site.refuses_http());
}

#[test]
fn virtual_host_on_the_same_port_is_asked_about_and_kept() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let port = site.network.http;
    let more = format!(
        "<VirtualHost *:{port}>\n  ServerName other.example.com\n  DocumentRoot \"{}/other\"\n</VirtualHost>\n",
        forward(&site.root())
    );
    files::write(&site.root().join("conf/httpd.conf"), site.configuration() + &more);
    let before = files::snapshot_of_server(&site.root());
    let refused = esync_ssl()
        .args(["enable", "--yes", "--self-signed", "--domain", DOMAIN, "--root"])
        .arg(site.root())
        .run()
        .expect_code(4);
    assert!(
        refused.stderr_text().contains("other.example.com"),
        "{}",
        refused.report()
    );
    assert_eq!(before, files::snapshot_of_server(&site.root()));

    site.enable(&["--http", "keep"]);
    let server = site.start(&[port, site.network.https]);
    site.assert_serves_leaf(&server);
    assert_eq!(body(http_get(port, "other.example.com", "/")), "the other site");
}

#[test]
fn rewrite_rules_of_the_main_server_are_inherited() {
    let rules = "RewriteEngine on\nRewriteRule ^/old$ /new [R=302,L]\n";
    let Some(site) = Site::new("Listen {http}", rules) else {
        return;
    };
    site.enable(&[]);
    let server = site.start(&[site.network.https]);
    let answer = site
        .over_tls("/old")
        .unwrap_or_else(|error| panic!("{error}\n{}", server.said()));
    assert_eq!(answer.status, 302, "{}", answer.head);
    // Who asked named no port.
    let location = format!("https://{DOMAIN}/new");
    assert_eq!(answer.header("Location"), Some(&*location));
}

#[test]
fn active_session_cache_gets_its_module() {
    let cache = "<IfModule ssl_module>\n  SSLSessionCache \"shmcb:logs/ssl_scache(512000)\"\n</IfModule>\n";
    let Some(site) = Site::new("Listen {http}", cache) else {
        return;
    };
    site.enable(&[]);
    let loaded = site.ask().run(&["-M"]).expect_code(0).stdout_text();
    assert!(loaded.contains("socache_shmcb_module"), "{loaded}");
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
}

#[test]
fn old_clients_get_tls_1_2_and_nothing_older() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    site.enable(&[]);
    let server = site.start(&[site.network.https]);
    let old = TlsClient::trusting_file(&site.anchor).only(&rustls::version::TLS12);
    let tls = old
        .get(site.network.https, DOMAIN, "/")
        .unwrap_or_else(|error| panic!("{error}\n{}", server.said()))
        .tls
        .expect("a secured connection");
    assert_eq!(tls.version, rustls::ProtocolVersion::TLSv1_2);
    let mut openssl = openssl();
    openssl.args(["s_client", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-connect"]);
    openssl.arg(format!("127.0.0.1:{}", site.network.https));
    let outcome = support::process::finish(&mut openssl, std::time::Duration::from_secs(20));
    assert_ne!(outcome.code, Some(0), "{}", outcome.report());
    assert!(
        outcome.report().contains("alert protocol version"),
        "{}",
        outcome.report()
    );
}

/// The intermediate certificate behind the leaf in one file: it is sent, and no directive for a chain is written.
#[test]
fn one_file_of_leaf_and_chain() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let full = [&site.leaf.certificate, &site.chain].map(|file| fs::read(file).expect("a certificate"));
    let certificate = site.folder.path().join("full.crt");
    files::write(&certificate, full.concat());
    let (certificate, key) = (
        certificate.display().to_string(),
        site.leaf.key.display().to_string(),
    );
    // Whether one file is enough hangs on the version of the server.
    let httpd = site.httpd.binary.display().to_string();
    let files = ["--cert", &certificate, "--key", &key, "--httpd", &httpd];
    site.enable_bare(site.network.https, &files);
    assert!(!site.configuration().contains("SSLCertificateChainFile"));
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
}

/// A certificate renewed by the same intermediate, named without a chain: the chain that is there goes on being sent.
#[test]
fn a_renewed_certificate_keeps_its_chain() {
    let Some(mut site) = Site::new("Listen {http}", "") else {
        return;
    };
    let authority = Authority::new(&site.folder.path().join("again"));
    site.leaf = authority.leaf("server", &[DOMAIN]);
    site.anchor = authority.root();
    site.chain = authority.intermediate();
    site.enable(&[]);
    site.leaf = authority.leaf("renewed", &[DOMAIN]);
    let [certificate, key] = [&site.leaf.certificate, &site.leaf.key].map(|file| file.display().to_string());
    let outcome = site.enable_bare(site.network.https, &["--cert", &certificate, "--key", &key]);
    assert!(
        !outcome.stderr_text().contains("CHAIN-MISSING"),
        "{}",
        outcome.report()
    );
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
}

/// Each level is in effect with the OpenSSL that is there: the oldest protocol that it admits, and none before it.
#[test]
fn levels_of_protocols() {
    let Some(mut site) = Site::new("Listen {http}", "") else {
        return;
    };
    let handshake = |site: &Site, protocol: &str| {
        let mut openssl = openssl();
        openssl.args(["s_client", protocol, "-cipher", "ALL@SECLEVEL=0", "-connect"]);
        openssl.arg(format!("127.0.0.1:{}", site.network.https));
        support::process::finish(&mut openssl, std::time::Duration::from_secs(20)).code == Some(0)
    };
    let configuration = site.configuration();
    for (level, admitted, refused) in [
        ("modern", "-tls1_3", "-tls1_2"),
        ("intermediate", "-tls1_2", "-tls1_1"),
        ("old", "-tls1", "-ssl3"),
    ] {
        files::write(&site.root().join("conf/httpd.conf"), &configuration);
        // What OpenSSL admits hangs on the version of the server.
        let httpd = site.httpd.binary.display().to_string();
        site.enable(&["--profile", level, "--httpd", &httpd]);
        let server = site.start(&[site.network.https]);
        site.assert_serves_leaf(&server);
        assert!(handshake(&site, admitted), "{level} without {admitted}");
        assert!(!handshake(&site, refused), "{level} with {refused}");
        drop(server);
        // A port of a server that is gone may be held for a while.
        site.network = Network::enter();
    }
}

/// Shakes hands as openssl's client, and gives what it says; `None`: no handshake.
fn s_client(site: &Site, options: &[&str]) -> Option<String> {
    let mut openssl = openssl();
    openssl.args([
        "s_client",
        "-connect",
        &format!("127.0.0.1:{}", site.network.https),
    ]);
    openssl.args(["-servername", DOMAIN]).args(options);
    let done = support::process::finish(&mut openssl, std::time::Duration::from_secs(20));
    (done.code == Some(0)).then(|| String::from_utf8_lossy(&done.stdout).into_owned())
}

#[test]
fn the_suites_of_the_guideline_are_spoken_and_dhe_is_not() {
    let Some(mut site) = Site::new("Listen {http}", "") else {
        return;
    };
    // DHE needs a key that can sign for it: RSA.
    let authority = Authority::new(&site.folder.path().join("rsa"));
    let key = support::certificates::rsa_2048();
    site.leaf = authority.leaf_of("server", &[DOMAIN], support::certificates::VALID, key);
    site.anchor = authority.root();
    site.chain = authority.intermediate();
    site.enable(&[]);
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
    let tls12 = |suite: &str| s_client(&site, &["-tls1_2", "-cipher", suite]);
    for suite in [
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ] {
        assert!(tls12(suite).is_some_and(|said| said.contains(suite)), "{suite}");
    }
    for suite in [
        "DHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES256-GCM-SHA384",
        "AES128-SHA",
    ] {
        assert!(tls12(suite).is_none(), "{suite}");
    }
}

/// OpenSSL 3.5 and later agree on the hybrid group by themselves, earlier ones do not know it: no list is written that would
/// keep it out of the one or stop the other. A list that is there and keeps it out is named.
#[test]
fn groups_of_the_key_exchange() {
    const HYBRID: &str = "X25519MLKEM768";
    let Some(mut site) = Site::new("Listen {http}", "") else {
        return;
    };
    let openssl_has_it = std::env::var_os("ESYNC_SSL_TEST_HYBRID").is_some();
    let configuration = site.configuration();
    for (list, expected) in [
        ("", if openssl_has_it { HYBRID } else { "X25519" }),
        ("SSLOpenSSLConfCmd Curves X25519:prime256v1\n", "X25519"),
    ] {
        // Apache knows it once mod_ssl is there.
        let list = format!("<IfModule ssl_module>\n{list}</IfModule>\n");
        files::write(
            &site.root().join("conf/httpd.conf"),
            configuration.clone() + &list,
        );
        let outcome = site.enable(&[]);
        let is_named = outcome.stderr_text().contains(HYBRID);
        assert_eq!(is_named, list.contains("Curves"), "{}", outcome.report());
        let server = site.start(&[site.network.https]);
        site.assert_serves_leaf(&server);
        let said = s_client(&site, &["-tls1_3"]).expect("a handshake");
        let told = said
            .lines()
            .find(|line| line.contains("Temp Key") || line.contains("TLS1.3 group"));
        let told = told.unwrap_or_else(|| panic!("{said}"));
        let is_hybrid = told.contains(HYBRID);
        assert_eq!(is_hybrid, expected == HYBRID, "{told}");
        drop(server);
        site.network = Network::enter();
    }
}

/// The Apache that is built for Windows has no mod_http2.
#[cfg(unix)]
#[test]
fn http2_is_agreed_on_where_it_was_asked_for() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let before = site.configuration();
    let alpn = ["-alpn", "h2,http/1.1"];
    site.enable(&["--http2"]);
    let server = site.start(&[site.network.https]);
    site.assert_serves_leaf(&server);
    let said = s_client(&site, &alpn).expect("a handshake");
    assert!(said.contains("ALPN protocol: h2"), "{said}");
    let verify = || {
        let address = format!("127.0.0.1:{}", site.network.https);
        esync_ssl()
            .args(["verify", "--domain", DOMAIN, "--address", &address, "--root"])
            .arg(site.root())
            .arg("--ca")
            .arg(&site.anchor)
            .run()
    };
    let text = String::from_utf8_lossy(&verify().stdout).into_owned();
    assert!(
        text.contains("ALPN         h2") && !text.contains("HTTP2-NOT-AGREED"),
        "{text}"
    );
    drop(server);

    // Without the module the line is there and does nothing.
    let with = site.configuration();
    let main = site.root().join("conf/httpd.conf");
    files::write(
        &main,
        with.replace("LoadModule http2_module", "#LoadModule http2_module"),
    );
    let server = site.start(&[site.network.https]);
    let text = String::from_utf8_lossy(&verify().stdout).into_owned();
    assert!(text.contains("HTTP2-NOT-AGREED"), "{text}");
    drop(server);
    files::write(&main, with);

    let off = esync_ssl().args(["disable", "--yes", "--root"]).arg(site.root());
    off.args(["--domain", DOMAIN]).run().expect_code(0);
    assert_eq!(site.configuration(), before);
}

/// Windows has one multi-processing module.
#[cfg(unix)]
#[test]
fn prefork_does_not_carry_http2() {
    let Some(site) = Site::new("Listen {http}", "") else {
        return;
    };
    let main = site.root().join("conf/httpd.conf");
    let text = site.configuration();
    files::write(&main, text.replace("mpm_event", "mpm_prefork"));
    let before = files::snapshot(&site.root());
    let run = esync_ssl()
        .args([
            "enable",
            "--yes",
            "--self-signed",
            "--http2",
            "--domain",
            DOMAIN,
            "--root",
        ])
        .arg(site.root())
        .run();
    let said = run.expect_code(4).stderr_text();
    assert!(said.contains("prefork") && said.contains("AH10034"), "{said}");
    assert_eq!(before, files::snapshot(&site.root()));
}
