//! How long the program waits for servers: whatever they do, a command that looks at them ends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::program::{Program, esync_ssl};
use crate::support::{certificates, files};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

const NAME: &str = "slow.example.com";
/// The program says 30 s; the machine may be busy with others.
const LONG: Duration = Duration::from_secs(45);

/// What a server does to whoever connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    /// Takes the connection and says nothing.
    Mute,
    /// A byte of a handshake now and then.
    DripsHandshake,
    /// A byte of an answer over plain HTTP now and then.
    DripsPlain,
    /// Over TLS, a byte of the head now and then.
    DripsHead,
    /// Over TLS, a head, and a byte of the body now and then.
    DripsBody,
    /// Over TLS, a head that does not end, as fast as it can.
    EndlessHead,
    /// Over TLS, an answer that does not end, as fast as it can.
    EndlessBody,
}

const ALL: [Server; 7] = [
    Server::Mute,
    Server::DripsHandshake,
    Server::DripsPlain,
    Server::DripsHead,
    Server::DripsBody,
    Server::EndlessHead,
    Server::EndlessBody,
];

impl Server {
    /// Starts it; its port. It ends with the test.
    fn start(self, config: &Arc<ServerConfig>) -> u16 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let config = config.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let config = config.clone();
                thread::spawn(move || self.serve(client, config));
            }
        });
        port
    }

    fn serve(self, mut client: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
        match self {
            Server::Mute => drip(&mut client, b"", b""),
            // A record of a ServerHello that is longer than anybody waits for.
            Server::DripsHandshake => drip(&mut client, b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb", b"\x03"),
            Server::DripsPlain => drip(&mut client, b"HTTP/1.1 200 OK\r\n", b"x"),
            _ => {
                let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
                let mut stream = StreamOwned::new(connection, client);
                // The request comes with the end of the handshake.
                let _ = stream.read(&mut [0; 4096])?;
                let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
                match self {
                    Server::DripsHead => drip(&mut stream, b"HTTP/1.1 200 OK\r\nX-A: ", b"x"),
                    Server::DripsBody => drip(&mut stream, head, b"x"),
                    Server::EndlessHead => flood(&mut stream, b"HTTP/1.1 200 OK\r\n", b"X-A: x\r\n"),
                    _ => flood(&mut stream, head, b"x"),
                }
            }
        }
    }
}

fn drip(stream: &mut impl Write, start: &[u8], drop: &[u8]) -> std::io::Result<()> {
    stream.write_all(start)?;
    stream.flush()?;
    for _ in 0..600 {
        thread::sleep(Duration::from_millis(500));
        stream.write_all(drop)?;
        stream.flush()?;
    }
    Ok(())
}

fn flood(stream: &mut impl Write, start: &[u8], more: &[u8]) -> std::io::Result<()> {
    stream.write_all(start)?;
    let more = more.repeat(1000);
    loop {
        stream.write_all(&more)?;
    }
}

fn configuration() -> Arc<ServerConfig> {
    let folder = files::folder();
    let leaf = certificates::self_signed(folder.path(), "slow", &[NAME]);
    let chain = CertificateDer::pem_file_iter(&leaf.certificate).expect("a PEM file");
    let chain = chain.map(|one| one.expect("a certificate")).collect();
    let key = PrivateKeyDer::from_pem_file(&leaf.key).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(chain, key);
    Arc::new(config.expect("a server"))
}

/// Runs all at once: they wait, and do not work. Every one must end in time; what each said.
fn all_end(programs: Vec<(String, Program)>) -> Vec<(String, String)> {
    let running: Vec<_> = programs
        .into_iter()
        .map(|(what, program)| {
            thread::spawn(move || {
                let start = Instant::now();
                let outcome = program.limit(LONG).run();
                println!("{what}: {:?}", start.elapsed());
                assert!(
                    matches!(outcome.code, Some(0 | 4 | 12)),
                    "{what}: {}",
                    outcome.report()
                );
                (what, outcome.stdout_text())
            })
        })
        .collect();
    running
        .into_iter()
        .map(|one| one.join().expect("a run that ended"))
        .collect()
}

#[test]
fn looking_at_any_server_comes_to_an_end() {
    let config = configuration();
    let nothing = files::folder();
    let mut programs = Vec::new();
    for server in ALL {
        let address = format!("127.0.0.1:{}", server.start(&config));
        for command in [
            &["verify"][..],
            &["devices"],
            &["devices", "--send", "--path", "/x"],
        ] {
            let program = esync_ssl()
                .args(command)
                .args(["--domain", NAME, "--address", &address, "--root"])
                .arg(nothing.path());
            programs.push((format!("{command:?} {server:?}"), program));
        }
    }
    for (what, said) in all_end(programs) {
        let is_handshake = ["Mute", "DripsHandshake", "DripsPlain"]
            .iter()
            .any(|one| what.ends_with(one));
        // What came by then is told.
        assert_eq!(
            said.contains("protocol     TLSv1.3"),
            !is_handshake,
            "{what}\n{said}"
        );
        if what.ends_with("Mute") {
            assert!(
                said.contains("HANDSHAKE-FAILED") && said.contains("in time"),
                "{said}"
            );
        }
        if what.contains("verify") && what.ends_with("DripsBody") {
            assert!(said.contains("answer       200"), "{said}");
        }
    }
}

#[test]
fn many_virtual_hosts_share_what_may_be_lost() {
    let config = configuration();
    let [handshake, head, plain] =
        [Server::DripsHandshake, Server::DripsHead, Server::Mute].map(|server| server.start(&config));
    let folder = files::folder();
    let mut text = format!("Listen {plain}\n");
    for port in [handshake, head] {
        text += &format!("Listen {port}\n");
        for at in 0..20 {
            text += &format!(
                "<VirtualHost *:{port}>\nServerName h{at}.example.com\nSSLEngine on\nSSLCertificateFile conf/x.pem\n</VirtualHost>\n"
            );
        }
    }
    files::write(&folder.path().join("conf/httpd.conf"), text);
    let program = |command: &[&str]| esync_ssl().args(command).arg("--root").arg(folder.path());
    let said = all_end(vec![
        ("verify".into(), program(&["verify"])),
        (
            "devices".into(),
            program(&["devices", "--domain", "h3.example.com"]),
        ),
    ]);
    assert!(said[0].1.contains("used up the time"), "{}", said[0].1);
}
