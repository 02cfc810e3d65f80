//! The running server as a client sees it: connection, TLS handshake, certificates as served, one request.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Error, Stream, SupportedProtocolVersion};

use super::deadline::{Connection, Deadline};
use super::http::{Answer, Request, exchange};
use super::tls_probe::{self, Client, Signatures};
pub use super::tls_probe::{Roots, Trust};
use crate::httpd::in_url;
use crate::wording::reason;

/// What a TLS handshake showed.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Protocol, `TLSv1.3`.
    pub version: String,
    /// Cipher.
    pub cipher: String,
    /// Certificates in the order in which they were served, DER.
    pub chain: Vec<Vec<u8>>,
    /// Whether they lead to a trusted root.
    pub trust: Trust,
    /// The answer to a request for `/` over this connection.
    pub answer: Option<Answer>,
}

/// Why there was no handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody accepts connections; the system's number and words.
    NotConnected(String),
    /// The port answers plain HTTP.
    PlainHttp,
    /// Connected, and no handshake came about.
    NoHandshake(String),
    /// Connected, and what came is no answer over HTTP.
    NoAnswer(String),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::NotConnected(words) => write!(f, "no connection: {words}"),
            Failure::PlainHttp => f.write_str("the port speaks plain HTTP"),
            Failure::NoHandshake(words) => write!(f, "no TLS handshake: {words}"),
            Failure::NoAnswer(words) => write!(f, "no answer over HTTP: {words}"),
        }
    }
}

/// Connects, shakes hands and asks for `/`. `name` is sent as server name (SNI) and as `Host`; without one, or when it
/// is an address, no server name is sent.
///
/// # Errors
/// See [`Failure`]. A certificate that clients would refuse is none.
pub fn probe(
    address: SocketAddr,
    name: Option<&str>,
    roots: &Roots,
    deadline: Deadline,
) -> Result<Seen, Failure> {
    let mut session = Session::open(address, name, roots, rustls::DEFAULT_VERSIONS, deadline)?;
    let connection = &session.connection;
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_string(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_string(),
        other => format!("{other:?}"),
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()));
    let chain = tls_probe::certificates(connection);
    let host = name.map_or_else(|| address.ip().to_string(), str::to_string);
    let answer = session.exchange(&Request::look(&in_url(&host), "/")).ok();
    Ok(Seen {
        version,
        cipher: cipher.unwrap_or_default(),
        chain,
        trust: session.client.trust(),
        answer,
    })
}

/// Whether a client comes to terms that knows TLS 1.2 and nothing later.
///
/// # Errors
/// See [`Failure`].
pub fn tls12(address: SocketAddr, name: Option<&str>, deadline: Deadline) -> Result<(), Failure> {
    let versions = &[&rustls::version::TLS12];
    Session::open(address, name, &Roots::only([]), versions, deadline).map(|_| ())
}

/// The protocol that the server takes of HTTP/2 and HTTP/1.1 (ALPN); `None`: it takes none, as servers do that know
/// nothing but HTTP/1.1.
///
/// # Errors
/// See [`Failure`].
pub fn protocol(
    address: SocketAddr,
    name: Option<&str>,
    deadline: Deadline,
) -> Result<Option<String>, Failure> {
    let client = Client::new(rustls::DEFAULT_VERSIONS, &Roots::only([]), Signatures::All).map_err(no_tls)?;
    let session = Session::by(client.offering(&[b"h2", b"http/1.1"]), address, name, deadline)?;
    let taken = session.connection.alpn_protocol();
    Ok(taken.map(|name| String::from_utf8_lossy(name).into_owned()))
}

/// The certificates (DER) that a server shows to clients of this protocol (ALPN) and of no other, as certificate authorities are
/// some: first one that wants keys for RSA most, then one that wants others. Whether it has their keys is not asked.
///
/// # Errors
/// See [`Failure`].
pub fn shown_by(
    address: SocketAddr,
    name: &str,
    protocol: &[u8],
    deadline: Deadline,
) -> Result<[Vec<u8>; 2], Failure> {
    let shown = |rsa_first| {
        let signatures = Signatures::None { rsa_first };
        let client = Client::new(rustls::DEFAULT_VERSIONS, &Roots::only([]), signatures).map_err(no_tls)?;
        let session = Session::by(client.offering(&[protocol]), address, Some(name), deadline)?;
        let shown = tls_probe::certificates(&session.connection).into_iter().next();
        shown.ok_or_else(|| Failure::NoHandshake("no certificate was shown".into()))
    };
    Ok([shown(true)?, shown(false)?])
}

/// Sends a request over TLS and gives the answer. Whose certificate it is and whether it is trusted is not asked.
///
/// # Errors
/// See [`Failure`].
pub fn request(
    address: SocketAddr,
    name: Option<&str>,
    request: &Request<'_>,
    deadline: Deadline,
) -> Result<Answer, Failure> {
    let versions = rustls::DEFAULT_VERSIONS;
    let mut session = Session::open(address, name, &Roots::only([]), versions, deadline)?;
    session
        .exchange(request)
        .map_err(|error| Failure::NoAnswer(reason(&error)))
}

/// A connection after its handshake.
struct Session {
    connection: ClientConnection,
    socket: Connection,
    client: Client,
}

impl Session {
    fn open(
        address: SocketAddr,
        name: Option<&str>,
        roots: &Roots,
        versions: &[&'static SupportedProtocolVersion],
        deadline: Deadline,
    ) -> Result<Session, Failure> {
        let client = Client::new(versions, roots, Signatures::All).map_err(no_tls)?;
        Session::by(client, address, name, deadline)
    }

    fn by(
        client: Client,
        address: SocketAddr,
        name: Option<&str>,
        deadline: Deadline,
    ) -> Result<Session, Failure> {
        let server = match name.and_then(|name| ServerName::try_from(name.to_string()).ok()) {
            Some(server) => server,
            None => ServerName::from(address.ip()),
        };
        let mut connection = ClientConnection::new(Arc::clone(&client.config), server).map_err(no_tls)?;
        let mut socket = connect(address, deadline)?;
        while connection.is_handshaking() {
            if let Err(error) = connection.complete_io(&mut socket) {
                // A record that begins with the letters of "HTTP/" is none of TLS.
                return Err(match http(address, name.unwrap_or("localhost"), deadline) {
                    Ok(answer) if answer.status != 400 => Failure::PlainHttp,
                    Ok(_) if error.kind() == ErrorKind::InvalidData && speaks_no_tls(&error) => {
                        Failure::PlainHttp
                    }
                    _ => Failure::NoHandshake(reason(&error)),
                });
            }
        }
        Ok(Session {
            connection,
            socket,
            client,
        })
    }

    fn exchange(&mut self, request: &Request<'_>) -> std::io::Result<Answer> {
        exchange(&mut Stream::new(&mut self.connection, &mut self.socket), request)
    }
}

fn no_tls(error: Error) -> Failure {
    Failure::NoHandshake(error.to_string())
}

fn speaks_no_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(inner, Some(Error::InvalidMessage(_)))
}

/// Asks for `/` over plain HTTP, calling the server `name`.
///
/// # Errors
/// See [`Failure`].
pub fn http(address: SocketAddr, name: &str, deadline: Deadline) -> Result<Answer, Failure> {
    plain(address, &Request::look(&in_url(name), "/"), deadline)
}

/// Sends a request over plain HTTP and gives the answer.
///
/// # Errors
/// See [`Failure`].
pub fn plain(address: SocketAddr, request: &Request<'_>, deadline: Deadline) -> Result<Answer, Failure> {
    let mut socket = connect(address, deadline)?;
    exchange(&mut socket, request).map_err(|error| Failure::NoAnswer(reason(&error)))
}

fn connect(address: SocketAddr, deadline: Deadline) -> Result<Connection, Failure> {
    if deadline.left().is_err() {
        let words = "other servers used up the time; check this one alone, with --domain and --address";
        return Err(Failure::NoHandshake(words.into()));
    }
    deadline
        .connect(address)
        .map_err(|error| Failure::NotConnected(reason(&error)))
}
