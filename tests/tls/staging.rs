//! Stages certificate, key and chain files before a real Apache and asks `check` about the same files.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use esync_ssl::check::Finding;
use esync_ssl::check::generation::Generation;
use esync_ssl::check::tls_files::{File, TlsFiles};
use esync_ssl::check::{certificate::check, question::Question};
use esync_ssl::tls::certificate::Certificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use time::{Duration as Days, OffsetDateTime};

use crate::httpd;
use crate::support::files::for_owner_only;
use crate::support::process;

pub const NAME: &str = "www.example.test";

/// A certificate with its private key, both PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// A CA of root and intermediate, and a good leaf for [`NAME`].
pub struct Shop {
    pub dir: TempDir,
    pub root: String,
    pub intermediate: String,
    pub intermediate_issuer: Issuer<'static, KeyPair>,
    pub root_issuer: Issuer<'static, KeyPair>,
    pub good: Pair,
}

pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

pub fn parameters(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - Days::days(10);
    params.not_after = now() + Days::days(80);
    params.use_authority_key_identifier_extension = true;
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params
}

pub fn authority(
    name: &str,
    issuer: Option<&Issuer<'static, KeyPair>>,
) -> (String, Issuer<'static, KeyPair>) {
    let mut params = parameters(name);
    params.subject_alt_names.clear();
    params.extended_key_usages.clear();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    finish_authority(params, issuer)
}

pub fn finish_authority(
    params: CertificateParams,
    issuer: Option<&Issuer<'static, KeyPair>>,
) -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let signed = match issuer {
        Some(issuer) => params.signed_by(&key, issuer),
        None => params.self_signed(&key),
    };
    (
        pem("CERTIFICATE", signed.unwrap().der()),
        Issuer::new(params, key),
    )
}

pub fn pem(label: &str, der: &[u8]) -> String {
    esync_ssl::tls::pem::encode(label, der).to_string()
}

pub fn shop() -> &'static Shop {
    static SHOP: OnceLock<Shop> = OnceLock::new();
    SHOP.get_or_init(|| {
        let (root, root_issuer) = authority("Test Root", None);
        let (intermediate, intermediate_issuer) = authority("Test Intermediate", Some(&root_issuer));
        let good = sign(parameters(NAME), &intermediate_issuer);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("root.pem"), &root).unwrap();
        std::fs::write(dir.path().join("ca.pem"), &intermediate).unwrap();
        let ca_key = pem("PRIVATE KEY", &intermediate_issuer.key().serialize_der());
        std::fs::write(dir.path().join("ca.key"), ca_key).unwrap();
        Shop {
            dir,
            root,
            intermediate,
            intermediate_issuer,
            root_issuer,
            good,
        }
    })
}

pub fn sign(params: CertificateParams, issuer: &Issuer<'static, KeyPair>) -> Pair {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    Pair {
        certificate: pem("CERTIFICATE", certificate.der()),
        key: pem("PRIVATE KEY", &key.serialize_der()),
    }
}

/// A leaf with something changed.
pub fn leaf(change: impl FnOnce(&mut CertificateParams)) -> Pair {
    let mut params = parameters(NAME);
    change(&mut params);
    sign(params, &shop().intermediate_issuer)
}

pub fn openssl(dir: &Path, words: &str) {
    let mut openssl = httpd::openssl();
    let done =
        process::output(openssl.args(words.split_whitespace()).current_dir(dir)).expect("openssl runs");
    assert!(
        done.status.success(),
        "openssl {words}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A leaf made by openssl: any kind of key, any digest.
pub fn leaf_by_openssl(key: &str, sign: &str) -> Pair {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let ext = format!("subjectAltName=DNS:{NAME}\nextendedKeyUsage=serverAuth\nkeyUsage=digitalSignature\n");
    std::fs::write(at.join("ext"), ext).unwrap();
    openssl(at, &format!("genpkey {key} -out k"));
    openssl(at, &format!("req -new -key k -subj /CN={NAME} -out r"));
    let shop = shop().dir.path().display();
    openssl(
        at,
        &format!(
            "x509 -req -in r -CA {shop}/ca.pem -CAkey {shop}/ca.key -days 80 -extfile ext {sign} -out c"
        ),
    );
    let read = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
    Pair {
        certificate: read("c"),
        key: read("k"),
    }
}

/// The output of an openssl command that reads `in` and writes `out`.
pub fn converted(input: &[u8], words: &str) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("in"), input).unwrap();
    openssl(dir.path(), words);
    std::fs::read(dir.path().join("out")).unwrap()
}

/// The three files of a case.
#[derive(Clone)]
pub struct Files {
    pub certificate: Vec<u8>,
    pub key: Option<Vec<u8>>,
    pub chain: Option<Vec<u8>>,
    /// Chain directive names the certificate file.
    pub chain_is_certificate: bool,
    pub name: &'static str,
    pub aliases: Vec<String>,
    /// What a pass-phrase program answers, if there is one.
    pub dialog: Option<&'static str>,
    /// Another security level than the system's 2.
    pub level: Option<u8>,
}

impl Files {
    pub fn of(pair: &Pair) -> Files {
        Files {
            certificate: [pair.certificate.as_bytes(), shop().intermediate.as_bytes()].concat(),
            key: Some(pair.key.clone().into_bytes()),
            chain: None,
            chain_is_certificate: false,
            name: NAME,
            aliases: Vec::new(),
            dialog: None,
            level: None,
        }
    }

    pub fn good() -> Files {
        Files::of(&shop().good)
    }

    pub fn key(bytes: impl Into<Vec<u8>>) -> Files {
        Files {
            key: Some(bytes.into()),
            ..Files::good()
        }
    }

    pub fn certificate(bytes: impl Into<Vec<u8>>) -> Files {
        Files {
            certificate: bytes.into(),
            ..Files::good()
        }
    }

    /// The good leaf alone, and this chain file.
    pub fn chain(bytes: impl Into<Vec<u8>>) -> Files {
        let certificate = shop().good.certificate.clone().into_bytes();
        Files {
            certificate,
            chain: Some(bytes.into()),
            ..Files::good()
        }
    }
}

/// What the world does with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    DoesNotStart,
    /// OpenSSL's client refuses.
    ClientRefuses,
    Works,
}

pub struct Outcome {
    pub findings: Vec<Finding>,
    pub verdict: Verdict,
    pub log: String,
}

pub fn write_private(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    for_owner_only(path);
}

/// Runs the case through `check` and before Apache.
pub fn stage(files: &Files) -> Outcome {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    write_private(&at("c.pem"), &files.certificate);
    let mut lines = format!("SSLCertificateFile {}\n", at("c.pem").display());
    if let Some(key) = &files.key {
        write_private(&at("k.pem"), key);
        lines += &format!("SSLCertificateKeyFile {}\n", at("k.pem").display());
    }
    let chain_path = if files.chain_is_certificate {
        at("c.pem")
    } else {
        at("h.pem")
    };
    if let Some(chain) = &files.chain {
        std::fs::write(at("h.pem"), chain).unwrap();
    }
    let chain = (files.chain.is_some() || files.chain_is_certificate).then_some(chain_path);
    if let Some(path) = &chain {
        lines += &format!("SSLCertificateChainFile {}\n", path.display());
    }
    let mut server = Generation::CURRENT;
    if let Some(level) = files.level {
        lines += &format!("SSLCipherSuite DEFAULT:@SECLEVEL={level}\n");
        server.security_level = level;
    }
    let tls_files = TlsFiles {
        certificate: File::load(&at("c.pem")),
        key: files.key.as_ref().map(|_| File::load(&at("k.pem"))),
        chain: chain.as_deref().map(File::load),
    };
    let findings = check(&Question {
        server_name: Some(files.name),
        aliases: &files.aliases,
        pass_phrase_dialog: files.dialog.is_some(),
        server,
        ..question(&tls_files)
    });
    let mut global = String::new();
    if let Some(answer) = files.dialog {
        let program = answering(dir.path(), answer);
        global = format!("SSLPassPhraseDialog exec:{}\n", program.display());
    }
    let (verdict, log) = serve(dir.path(), &global, &lines, files.name);
    Outcome {
        findings,
        verdict,
        log,
    }
}

/// A program that answers with a pass-phrase.
fn answering(dir: &Path, answer: &str) -> PathBuf {
    #[cfg(unix)]
    {
        let program = dir.join("ask");
        std::fs::write(&program, format!("#!/bin/sh\necho {answer}\n")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&program, mode).unwrap();
        program
    }
    #[cfg(windows)]
    {
        let program = dir.join("ask.bat");
        std::fs::write(&program, format!("@echo {answer}\r\n")).unwrap();
        program
    }
}

/// A running server, ended when dropped.
struct Server(Child);

impl Server {
    /// Starts Apache and waits until it is up; none when it ends instead.
    fn start(dir: &Path, port: u16) -> Option<Server> {
        let mut command = httpd::ending_with_us(&httpd::httpd(), &[]);
        command.args(["-X", "-d"]).arg(dir);
        command.arg("-f").arg(dir.join("httpd.conf"));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = process::start(&mut command).expect("Apache runs");
        let mut server = Server(child);
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if server.0.try_wait().unwrap().is_some() {
                return None;
            }
            // Apache listens before it looks at any certificate; the pid file comes after.
            if dir.join("pid").exists() && TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            assert!(
                Instant::now() < until,
                "Apache neither listens nor ends: {}",
                std::fs::read_to_string(dir.join("error.log")).unwrap_or_default()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts Apache in a folder with these lines for the server and for its virtual host, and asks it as a client does. The
/// verdict, and what was logged and said.
pub fn serve(dir: &Path, global: &str, tls: &str, name: &str) -> (Verdict, String) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let load = httpd::load(["mpm_event", "authz_core", "socache_shmcb", "ssl"]);
    let at = dir.to_string_lossy().replace('\\', "/");
    let system = httpd::OF_SYSTEM.join("\n");
    let conf = format!(
        "{load}ServerRoot {at}\nPidFile {at}/pid\nErrorLog {at}/error.log\nServerName localhost\n{system}\n\
         DocumentRoot {at}\n{global}Listen 127.0.0.1:{port} https\n\
         <VirtualHost *:{port}>\nServerName {name}\nSSLEngine on\n{tls}</VirtualHost>\n"
    );
    std::fs::write(dir.join("httpd.conf"), conf).unwrap();
    let log = || std::fs::read_to_string(dir.join("error.log")).unwrap_or_default();
    let Some(_server) = Server::start(dir, port) else {
        return (Verdict::DoesNotStart, log());
    };
    let (accepts, said) = asked(port, name);
    let verdict = if accepts {
        Verdict::Works
    } else {
        Verdict::ClientRefuses
    };
    (verdict, log() + &said)
}

/// Whether OpenSSL's client accepts the server, and what it says.
fn asked(port: u16, name: &str) -> (bool, String) {
    let root = shop().dir.path().join("root.pem");
    let mut client = httpd::openssl();
    client
        .args([
            "s_client",
            "-connect",
            &format!("127.0.0.1:{port}"),
            "-servername",
            name,
        ])
        .args(["-CAfile", &root.display().to_string(), "-verify_return_error"])
        .args(if name.parse::<std::net::IpAddr>().is_ok() {
            ["-verify_ip", name]
        } else {
            ["-verify_hostname", name]
        })
        .stdin(Stdio::null());
    let client = process::output(&mut client).unwrap();
    let said = String::from_utf8_lossy(&client.stdout).into_owned();
    let accepts = client.status.success()
        && said.contains("Verify return code: 0 (ok)")
        && said.contains("-----BEGIN CERTIFICATE-----");
    (accepts, said)
}

/// The usual question about these files.
pub fn question(files: &TlsFiles) -> Question<'_> {
    Question {
        files,
        server_name: Some(NAME),
        aliases: &[],
        server: Generation::CURRENT,
        now: now(),
        stapling: false,
        pass_phrase_dialog: false,
        anchors: anchors(),
    }
}

/// What the clients of these tests trust: the shop's root. Without it a missing chain would be doubtful only, as the
/// issuer might be a root.
fn anchors() -> &'static [Certificate] {
    static ANCHORS: OnceLock<Vec<Certificate>> = OnceLock::new();
    ANCHORS.get_or_init(|| Certificate::read_all(shop().root.as_bytes()).expect("the shop's root"))
}

pub const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";

pub fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(|| leaf_by_openssl(RSA, "-sha256"))
}

/// A text as UTF-16 with its byte order mark.
pub fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units
        .flat_map(|unit| {
            if big {
                unit.to_be_bytes()
            } else {
                unit.to_le_bytes()
            }
        })
        .collect()
}
