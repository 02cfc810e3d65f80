//! Pebble, the test CA of Debian, with its DNS server, both for one test: in its network, and gone with the value.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::certificates::Authority;
use super::network::Network;
use super::{files, process};

/// A running pebble.
pub struct Pebble {
    /// Where its directory is.
    pub directory: String,
    /// The root that signed its own certificate (DER): what a client must trust.
    pub root: Vec<u8>,
    /// Where it looks for answers: ports of http-01 and tls-alpn-01.
    pub network: Network,
    root_file: PathBuf,
    folder: TempDir,
    dns_control: u16,
    children: Vec<Child>,
}

/// How a pebble is started.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Its variables besides `PEBBLE_VA_NOSLEEP`.
    pub environment: Vec<(&'static str, &'static str)>,
    /// Key identifiers with their MAC keys: then no account is made without.
    pub external_accounts: Vec<(&'static str, &'static str)>,
}

impl Pebble {
    /// Starts one in a new network of this thread. None, and a word about it, where it is not installed.
    pub fn start(options: &Options) -> Option<Pebble> {
        Self::start_in(Network::enter(), options)
    }

    /// Starts one in the network in which this thread is.
    pub fn start_in(network: Network, options: &Options) -> Option<Pebble> {
        let (pebble, dns) = (program("pebble"), program("pebble-challtestsrv"));
        let (Some(pebble), Some(dns)) = (pebble, dns) else {
            super::skip("pebble is not installed");
            return None;
        };
        let folder = files::folder();
        let authority = Authority::new(folder.path());
        let own = authority.leaf_without_chain("pebble", &["localhost", "127.0.0.1"]);
        let [port, management, dns_port, dns_control] = ports(&network);
        let mut settings = json!({
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": own.certificate,
            "privateKey": own.key,
            "httpPort": network.http,
            "tlsPort": network.https,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": !options.external_accounts.is_empty(),
            "domainBlocklist": ["blocked.example"],
        });
        if !options.external_accounts.is_empty() {
            let keys = options
                .external_accounts
                .iter()
                .map(|(id, key)| ((*id).to_owned(), json!(key)));
            settings["externalAccountMACKeys"] = Value::Object(keys.collect());
        }
        let config = folder.path().join("pebble.json");
        files::write(&config, json!({"pebble": settings}).to_string());
        let mut started = Pebble {
            directory: format!("https://127.0.0.1:{port}/dir"),
            root: der(&authority.root()),
            root_file: authority.root(),
            network,
            folder,
            dns_control,
            children: Vec::new(),
        };
        let mut server = Command::new(dns);
        server.args(["-dns01", &format!("127.0.0.1:{dns_port}")]);
        server.args(["-management", &format!("127.0.0.1:{dns_control}")]);
        server.args([
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
            "-defaultIPv6",
            "",
        ]);
        started.run(server, "dns.log");
        let mut server = Command::new(pebble);
        server.arg("-config").arg(&config);
        server.args(["-strict", "-dnsserver", &format!("127.0.0.1:{dns_port}")]);
        server
            .env("PEBBLE_VA_NOSLEEP", "1")
            .envs(options.environment.iter().copied());
        started.run(server, "pebble.log");
        for port in [dns_control, port] {
            started.wait_for(port);
        }
        Some(started)
    }

    fn run(&mut self, mut command: Command, log: &str) {
        let log = std::fs::File::create(self.folder.path().join(log)).expect("a log");
        command.stdin(Stdio::null());
        command.stdout(log.try_clone().expect("the log again"));
        command.stderr(log);
        self.children.push(process::start(&mut command).expect("pebble"));
    }

    fn wait_for(&self, port: u16) {
        let start = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(
                start.elapsed() < Duration::from_secs(120),
                "it is not up:\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A file with the root that signed its own certificate.
    pub fn root_file(&self) -> PathBuf {
        self.root_file.clone()
    }

    /// It is gone, and nobody answers.
    pub fn end(&mut self) {
        for mut child in self.children.drain(..) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// The port of [`Pebble::dns`], for programs that tell it something themselves.
    pub fn dns_control(&self) -> u16 {
        self.dns_control
    }

    /// What it has written so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("pebble.log")).unwrap_or_default()
    }

    /// Tells its DNS server something, such as `set-txt`, `add-a`, `set-servfail`.
    pub fn dns(&self, what: &str, body: &Value) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.dns_control)).expect("the DNS server");
        let body = body.to_string();
        let length = body.len();
        let text = format!("POST /{what} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(text.as_bytes()).expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.split(' ').nth(1) == Some("200"), "{answer}");
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            eprintln!("--- pebble\n{}", self.log());
        }
    }
}

fn program(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from("/usr/bin").join(name);
    path.is_file().then_some(path)
}

/// Different ports that nobody uses.
fn ports(network: &Network) -> [u16; 4] {
    let mut found = Vec::new();
    while found.len() < 4 {
        let port = network.another();
        if !found.contains(&port) {
            found.push(port);
        }
    }
    found.try_into().expect("four of them")
}

/// The one block of a PEM file.
pub fn der(file: &std::path::Path) -> Vec<u8> {
    let text = std::fs::read_to_string(file).expect("a PEM file");
    let base64: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    Base64::decode_vec(&base64).expect("base64")
}
