//! HTTP over plain TCP and over TLS to a server on 127.0.0.1. The TLS client verifies like a browser does:
//! chain to a given trust anchor, validity, name. It has no way to look past a bad certificate.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, ProtocolVersion, RootCertStore, Stream};

const PATIENCE: Duration = Duration::from_secs(15);

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    /// The number in the status line.
    pub status: u16,
    /// Status line and header fields, as sent, without the empty line.
    pub head: String,
    /// All that follows.
    pub body: Vec<u8>,
    /// How the connection was secured; none over plain HTTP.
    pub tls: Option<Tls>,
}

/// What a verified handshake showed.
#[derive(Debug)]
pub struct Tls {
    /// The leaf certificate, DER.
    pub leaf: Vec<u8>,
    /// The certificates sent after the leaf, DER, in the server's order.
    pub chain: Vec<Vec<u8>>,
    /// The protocol version agreed on.
    pub version: ProtocolVersion,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Nobody listens on the port.
    Refused(String),
    /// The TLS handshake or the verification of the certificate failed.
    Handshake(String),
    /// Connected, but what came is no HTTP answer in time.
    Answer(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Refused(text) => write!(formatter, "connection refused: {text}"),
            Failure::Handshake(text) => write!(formatter, "handshake failed: {text}"),
            Failure::Answer(text) => write!(formatter, "no answer: {text}"),
        }
    }
}

impl Answer {
    /// The value of a header field, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields
            .into_iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }
}

/// Asks for `path` over plain HTTP, calling the server `host`.
pub fn http_get(port: u16, host: &str, path: &str) -> Result<Answer, Failure> {
    let mut stream = connect(port)?;
    exchange(&mut stream, host, path, None).map_err(|error| Failure::Answer(error.to_string()))
}

/// A name as URLs and requests have it.
pub fn bracketed(name: &str) -> String {
    match name.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => name.to_owned(),
    }
}

/// Whether anybody accepts connections on the port.
pub fn listens(port: u16) -> bool {
    connect(port).is_ok()
}

/// A TLS client that trusts the given certificates and nothing else.
pub struct TlsClient {
    anchors: RootCertStore,
    versions: Vec<&'static rustls::SupportedProtocolVersion>,
}

impl TlsClient {
    /// Trusts every certificate in the PEM text: authorities, or one that signed itself.
    #[track_caller]
    pub fn trusting(pem: impl AsRef<[u8]>) -> Self {
        let mut anchors = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem.as_ref()) {
            let certificate = certificate.expect("a certificate in PEM");
            anchors
                .add(certificate)
                .expect("a certificate that can be a trust anchor");
        }
        assert!(!anchors.is_empty(), "no certificate to trust in the PEM text");
        Self {
            anchors,
            versions: rustls::DEFAULT_VERSIONS.to_vec(),
        }
    }

    /// Trusts the certificates in a PEM file.
    #[track_caller]
    pub fn trusting_file(path: &std::path::Path) -> Self {
        Self::trusting(
            std::fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display())),
        )
    }

    /// Offers only this protocol version: `rustls::version::TLS12` or `TLS13`.
    pub fn only(mut self, version: &'static rustls::SupportedProtocolVersion) -> Self {
        self.versions = vec![version];
        self
    }

    /// Asks for `path`. `name` is sent as server name indication (unless it is an address), verified against
    /// the certificate, and is the Host.
    pub fn get(&self, port: u16, name: &str, path: &str) -> Result<Answer, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&self.versions)
            .expect("protocol versions that ring supports")
            .with_root_certificates(self.anchors.clone())
            .with_no_client_auth();
        let server = ServerName::try_from(name.to_owned()).expect("a name that TLS can send");
        let mut connection = ClientConnection::new(Arc::new(config), server).expect("a TLS client");
        let mut socket = connect(port)?;
        while connection.is_handshaking() {
            connection
                .complete_io(&mut socket)
                .map_err(|error| Failure::Handshake(error.to_string()))?;
        }
        let mut shown = connection
            .peer_certificates()
            .unwrap_or_default()
            .iter()
            .map(|der| der.to_vec());
        let tls = Tls {
            leaf: shown
                .next()
                .ok_or_else(|| Failure::Handshake("no certificate".into()))?,
            chain: shown.collect(),
            version: connection
                .protocol_version()
                .expect("a version after the handshake"),
        };
        exchange(
            &mut Stream::new(&mut connection, &mut socket),
            name,
            path,
            Some(tls),
        )
        .map_err(|error| Failure::Answer(error.to_string()))
    }
}

fn connect(port: u16) -> Result<TcpStream, Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, PATIENCE)
        .map_err(|error| Failure::Refused(format!("port {port}: {error}")))?;
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&stream, Some(PATIENCE)).map_err(|error| Failure::Answer(error.to_string()))?;
    }
    Ok(stream)
}

fn exchange(
    stream: &mut (impl Read + Write),
    host: &str,
    path: &str,
    tls: Option<Tls>,
) -> std::io::Result<Answer> {
    let host = bracketed(host);
    // HTTP/1.0: the answer ends with the connection and is never chunked.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    stream.flush()?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // Some servers close without a TLS close_notify; what came counts.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && !bytes.is_empty() => {}
        Err(error) => return Err(error),
    }
    let no_http = || {
        std::io::Error::new(
            ErrorKind::InvalidData,
            String::from_utf8_lossy(&bytes).into_owned(),
        )
    };
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or_else(no_http)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|number| number.parse().ok())
        .ok_or_else(no_http)?;
    Ok(Answer {
        status,
        head,
        body: bytes[end + 4..].to_vec(),
        tls,
    })
}
