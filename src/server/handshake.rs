//! The running server as a client sees it: connection, TLS handshake, certificates as served, one request.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Error, Stream, SupportedProtocolVersion};

use super::deadline::{Connection, Deadline};
use super::tls_probe::{self, Client, Signatures};
pub use super::tls_probe::{Roots, Trust};
use crate::httpd::in_url;

/// No answer that matters is longer.
const MAX_ANSWER: usize = 64 << 10;

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

/// An answer over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its number.
    pub status: u16,
    /// `Location`.
    pub location: Option<String>,
    /// `Strict-Transport-Security`.
    pub hsts: Option<String>,
    /// `Server`.
    pub server: Option<String>,
    /// It is a file as it lies on the disk, by what servers say of those: its tag, its date, and that it can be had in
    /// parts.
    pub is_file: bool,
    /// What follows the head.
    pub body: Vec<u8>,
}

/// What is asked over HTTP.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `HEAD`, `POST`.
    pub method: &'a str,
    /// `Host`: an IPv6 address in brackets, with the port where it is not the usual one.
    pub host: &'a str,
    /// Path, from its `/` on.
    pub path: &'a str,
    /// Type and bytes that are sent.
    pub body: Option<(&'a str, &'a [u8])>,
}

impl<'a> Request<'a> {
    /// A look that changes nothing.
    pub fn look(host: &'a str, path: &'a str) -> Request<'a> {
        Request {
            method: "HEAD",
            host,
            path,
            body: None,
        }
    }
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
        .map_err(|error| Failure::NoAnswer(error.to_string()))
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
        let no_tls = |error: Error| Failure::NoHandshake(error.to_string());
        let client = Client::new(versions, roots, Signatures::All).map_err(no_tls)?;
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
                    _ => Failure::NoHandshake(error.to_string()),
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

fn speaks_no_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
    matches!(inner, Some(Error::InvalidMessage(_)))
}

/// Asks for `/` over plain HTTP, calling the server `name`.
///
/// # Errors
/// See [`Failure`].
pub fn http(address: SocketAddr, name: &str, deadline: Deadline) -> Result<Answer, Failure> {
    let mut socket = connect(address, deadline)?;
    exchange(&mut socket, &Request::look(&in_url(name), "/"))
        .map_err(|error| Failure::NoAnswer(error.to_string()))
}

fn connect(address: SocketAddr, deadline: Deadline) -> Result<Connection, Failure> {
    if deadline.left().is_err() {
        let words = "other servers took all the time; ask for this one alone, with --domain and --address";
        return Err(Failure::NoHandshake(words.into()));
    }
    deadline
        .connect(address)
        .map_err(|error| Failure::NotConnected(error.to_string()))
}

fn exchange(stream: &mut (impl Read + Write), request: &Request<'_>) -> std::io::Result<Answer> {
    let Request {
        method, host, path, ..
    } = request;
    let mut bytes =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nUser-Agent: esync-ssl\r\n")
            .into_bytes();
    if let Some((kind, body)) = request.body {
        bytes.extend(format!("Content-Type: {kind}\r\nContent-Length: {}\r\n", body.len()).bytes());
        bytes.extend(b"\r\n");
        bytes.extend(body);
    } else {
        bytes.extend(b"\r\n");
    }
    stream.write_all(&bytes)?;
    stream.flush()?;
    let bytes = answer(stream, *method == "HEAD")?;
    Answer::parse(&bytes).ok_or_else(|| std::io::Error::new(ErrorKind::InvalidData, "the answer is no HTTP"))
}

/// What comes until the server closes, or is out of time: what came by then counts. Behind the head of an answer that
/// has no body nothing is waited for.
fn answer(stream: &mut impl Read, is_head: bool) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    let mut looked = 0;
    while bytes.len() < MAX_ANSWER {
        match stream.read(&mut part) {
            Ok(0) => break,
            Ok(length) => bytes.extend_from_slice(&part[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if bytes.is_empty() => return Err(error),
            Err(_) => break,
        }
        if is_head && memchr::memmem::find(&bytes[looked..], b"\r\n\r\n").is_some() {
            break;
        }
        looked = bytes.len().saturating_sub(3);
    }
    Ok(bytes)
}

impl Answer {
    fn parse(bytes: &[u8]) -> Option<Answer> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let (head, body) = bytes.split_at(end.map_or(bytes.len(), |end| end + 4));
        let head = String::from_utf8_lossy(head);
        let status = head
            .strip_prefix("HTTP/")?
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        let header = |name: &str| {
            let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
            fields
                .find(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_string())
        };
        let is_chunked =
            header("Transfer-Encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
        Some(Answer {
            status,
            location: header("Location"),
            hsts: header("Strict-Transport-Security"),
            server: header("Server"),
            is_file: ["ETag", "Last-Modified", "Accept-Ranges"]
                .iter()
                .all(|name| header(name).is_some()),
            body: if is_chunked { joined(body) } else { body.to_vec() },
        })
    }
}

/// A body that came in chunks, as far as it came.
fn joined(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&chunks[..end]);
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let rest = &chunks[end + 2..];
        if size == 0 {
            break;
        }
        body.extend(&rest[..size.min(rest.len())]);
        chunks = rest.get(size.saturating_add(2)..).unwrap_or_default();
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_apart() {
        let answer = Answer::parse(
            b"HTTP/1.1 201 Created\r\nlocation: /x\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        )
        .unwrap();
        assert_eq!((answer.status, answer.location.as_deref()), (201, Some("/x")));
        assert_eq!(answer.body, b"abcde");
        assert_eq!(joined(b"ffffffffffffffff\r\nab"), b"ab");
        assert_eq!(joined(b"zz\r\nab"), b"");
        assert_eq!(Answer::parse(b"SSH-2.0-x\r\n"), None);
        assert_eq!(
            Answer::parse(b"HTTP/1.0 200 OK\r\n\r\nbody").unwrap().body,
            b"body"
        );
    }
}
