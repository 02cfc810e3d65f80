//! What a server answers at an address, port and name, over TCP or TLS, whatever certificate it shows. It judges
//! nothing.

use std::hash::{Hash, Hasher};
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, Stream};

use crate::support::client::bracketed;

const PATIENCE: Duration = Duration::from_secs(10);

/// One answer, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Nobody listens.
    Refused,
    /// The server speaks no TLS there, or does not like the client.
    NoHandshake,
    /// Connected, but no HTTP came.
    NoHttp,
    /// An HTTP answer.
    Http {
        /// Leaf certificate, see [`digest`], over TLS.
        leaf: Option<u64>,
        status: u16,
        location: Option<String>,
        /// Value of `Strict-Transport-Security`.
        hsts: Option<String>,
        body: String,
    },
}

impl Reply {
    /// The same with another name for the one that was asked for.
    pub fn of_name(mut self, name: &str) -> Reply {
        if let Reply::Http { location, .. } = &mut self {
            *location = location.as_ref().map(|to| to.replace(name, "name"));
        }
        self
    }

    /// The page, where there is one.
    pub fn body(&self) -> Option<&String> {
        match self {
            Reply::Http {
                status: 200, body, ..
            } => Some(body),
            _ => None,
        }
    }
}

/// Tells certificates apart, shorter to print than themselves.
pub fn digest(der: &[u8]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    der.hash(&mut hasher);
    hasher.finish()
}

/// Asks for a path. Addresses are sent as Host but not as server name indication.
pub fn ask(ip: IpAddr, port: u16, tls: bool, name: &str, path: &str) -> Reply {
    let Ok(mut socket) = TcpStream::connect_timeout(&SocketAddr::new(ip, port), PATIENCE) else {
        return Reply::Refused;
    };
    for set in [TcpStream::set_read_timeout, TcpStream::set_write_timeout] {
        set(&socket, Some(PATIENCE)).expect("a time limit");
    }
    if !tls {
        return exchange(&mut socket, name, path, None);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("protocol versions that ring supports")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anything(provider)))
        .with_no_client_auth();
    let server = ServerName::try_from(name.to_owned()).expect("a name that TLS can send");
    let mut connection = ClientConnection::new(Arc::new(config), server).expect("a TLS client");
    while connection.is_handshaking() {
        if connection.complete_io(&mut socket).is_err() {
            return Reply::NoHandshake;
        }
    }
    let leaf = connection
        .peer_certificates()
        .and_then(|all| all.first())
        .map(|der| digest(der));
    exchange(&mut Stream::new(&mut connection, &mut socket), name, path, leaf)
}

fn exchange(stream: &mut (impl Read + Write), name: &str, path: &str, leaf: Option<u64>) -> Reply {
    // HTTP/1.0: the answer ends with the connection.
    let host = bracketed(name);
    let asked = write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    let mut bytes = Vec::new();
    let read = asked
        .and_then(|()| stream.flush())
        .and_then(|()| stream.read_to_end(&mut bytes));
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        let _ = read;
        return Reply::NoHttp;
    };
    let Some(status) = head.split(' ').nth(1).and_then(|number| number.parse().ok()) else {
        return Reply::NoHttp;
    };
    let field = |wanted: &str| {
        let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim().to_owned())
    };
    Reply::Http {
        leaf,
        status,
        location: field("location"),
        hsts: field("strict-transport-security"),
        // Apache's own pages name the port in their last line.
        body: if status == 200 {
            body.to_owned()
        } else {
            String::new()
        },
    }
}

/// Takes every certificate: the tests compare it themselves.
#[derive(Debug)]
struct Anything(Arc<rustls::crypto::CryptoProvider>);

impl ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
