//! Answers a certificate authority ourselves, for some seconds, on a port that nobody else has: on port 80 by files
//! (http-01, RFC 8555 section 8.3), on port 443 by certificates (tls-alpn-01, RFC 8737).
//!
//! Anybody may come meanwhile: little is read, not for long, and not from many at once, and nothing but the answers is
//! given away.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use crate::acme::{ALPN, CHALLENGES, ChallengeCertificate};
use crate::wording::reason;

/// So long a client may take for all it has to say.
const PATIENCE: Duration = Duration::from_secs(5);
/// So many clients at once.
const CLIENTS: usize = 64;
/// So much of a request is read.
const REQUEST: usize = 4 << 10;
/// So long nobody looks whether somebody came.
const PAUSE: Duration = Duration::from_millis(10);

/// The answers on port 80: for each token what it is answered with, its key authorisation.
pub type Tokens = BTreeMap<String, String>;

/// Why nobody listens there.
#[derive(Debug)]
pub enum ListenError {
    /// The port is another's, or is not given to us.
    Port {
        /// Address and port.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
    /// A certificate for the answer cannot be shown.
    Certificate(String),
}

impl fmt::Display for ListenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenError::Port { address, error } => {
                write!(formatter, "{address} cannot be listened on: {}", reason(error))
            }
            ListenError::Certificate(why) => {
                write!(formatter, "the certificate for the answer cannot be shown: {why}")
            }
        }
    }
}

impl std::error::Error for ListenError {}

/// Answers as long as it lives.
pub struct Listener {
    shared: Arc<Shared>,
    acceptors: Vec<JoinHandle<()>>,
}

struct Shared {
    answers: Answers,
    is_over: AtomicBool,
    /// Clients that are being served.
    clients: AtomicUsize,
    /// How often an answer was fetched.
    answered: AtomicUsize,
}

enum Answers {
    Files(Tokens),
    Certificates(Arc<ServerConfig>),
}

impl Listener {
    /// Answers with files on a port of all addresses, which an authority takes to be 80.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub fn of_files(tokens: Tokens, port: u16) -> Result<Listener, ListenError> {
        Listener::start(Answers::Files(tokens), port)
    }

    /// Answers with certificates on a port of all addresses, which an authority takes to be 443.
    ///
    /// # Errors
    /// When the port cannot be had, or a certificate is none.
    pub fn of_certificates(
        certificates: impl IntoIterator<Item = impl Borrow<ChallengeCertificate>>,
        port: u16,
    ) -> Result<Listener, ListenError> {
        let answers = Answers::Certificates(Arc::new(showing(certificates)?));
        Listener::start(answers, port)
    }

    /// How often an answer was fetched.
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::Relaxed)
    }

    fn start(answers: Answers, port: u16) -> Result<Listener, ListenError> {
        let sockets = sockets(port)?;
        let shared = Arc::new(Shared {
            answers,
            is_over: AtomicBool::new(false),
            clients: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
        });
        let accept = |socket| {
            let shared = shared.clone();
            thread::spawn(move || shared.accept(&socket))
        };
        let acceptors = sockets.into_iter().map(accept).collect();
        Ok(Listener { shared, acceptors })
    }
}

impl Drop for Listener {
    /// The port is free again when this returns. Clients that are still served need not be waited for.
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        for acceptor in self.acceptors.drain(..) {
            let _ = acceptor.join();
        }
    }
}

/// One socket for IPv6 and one for IPv4; where one takes both (Linux, as a rule) the second is not needed, and a machine
/// may have only one of the families.
fn sockets(port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let all: [IpAddr; 2] = [Ipv6Addr::UNSPECIFIED.into(), Ipv4Addr::UNSPECIFIED.into()];
    let mut sockets = Vec::new();
    let mut failed = None;
    for address in all.map(|ip| SocketAddr::new(ip, port)) {
        match listen(address) {
            Ok(socket) => sockets.push(socket),
            // Ours for IPv6 takes clients of IPv4 as well: else somebody had kept us from it.
            Err(error) if cfg!(unix) && error.kind() == ErrorKind::AddrInUse && !sockets.is_empty() => {}
            Err(error) => failed = failed.or(Some(ListenError::Port { address, error })),
        }
    }
    match failed {
        // Somebody has the port of the other family: an authority may come there.
        Some(ListenError::Port { address, error }) if is_taken(&error) || sockets.is_empty() => {
            Err(ListenError::Port { address, error })
        }
        _ => Ok(sockets),
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpListener::bind(address)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Not that there is no such family here.
fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

impl Shared {
    fn accept(self: Arc<Shared>, socket: &TcpListener) {
        while !self.is_over.load(Ordering::Relaxed) {
            match socket.accept() {
                Ok((stream, _)) if self.clients.fetch_add(1, Ordering::Relaxed) < CLIENTS => {
                    let shared = self.clone();
                    thread::spawn(move || {
                        let _ = shared.serve(stream);
                        shared.clients.fetch_sub(1, Ordering::Relaxed);
                    });
                }
                Ok(_) => _ = self.clients.fetch_sub(1, Ordering::Relaxed),
                // Nobody there, or gone again already.
                Err(_) => thread::sleep(PAUSE),
            }
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        // On some systems a client's socket takes over that it does not wait.
        stream.set_nonblocking(false)?;
        let mut client = Client {
            stream,
            until: Instant::now() + PATIENCE,
        };
        let is_answer = match &self.answers {
            Answers::Files(tokens) => file(&mut client, tokens)?,
            Answers::Certificates(config) => certificate(&mut client, config)?,
        };
        if is_answer {
            self.answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// A connection that ends at its time, however slowly a client reads and writes.
struct Client {
    stream: TcpStream,
    until: Instant,
}

impl Client {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

impl Read for Client {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Client {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Answers one request for a file; whether it was for one of ours.
fn file(client: &mut Client, tokens: &Tokens) -> io::Result<bool> {
    let head = head(client)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let is_whole = request.parse(&head).is_ok_and(|status| status.is_complete());
    let (method, path) = (
        request.method.unwrap_or_default(),
        request.path.unwrap_or_default(),
    );
    let answer = path.strip_prefix(CHALLENGES).and_then(|token| tokens.get(token));
    let (status, body) = match (is_whole, method, answer) {
        (false, ..) => ("400 Bad Request", ""),
        (_, "GET" | "HEAD", Some(answer)) => ("200 OK", answer.as_str()),
        (_, "GET" | "HEAD", None) => ("404 Not Found", ""),
        _ => ("405 Method Not Allowed", ""),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes())?;
    if method != "HEAD" {
        client.write_all(body.as_bytes())?;
    }
    client.flush()?;
    Ok(is_whole && !body.is_empty())
}

/// A request's head, or as much as is read of one.
fn head(client: &mut Client) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while head.len() < REQUEST && !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match client.read(&mut piece)? {
            0 => break,
            read => head.extend(&piece[..read]),
        }
    }
    Ok(head)
}

/// Shows a certificate; whether the client took it for an answer.
fn certificate(client: &mut Client, config: &Arc<ServerConfig>) -> io::Result<bool> {
    let mut connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(client)?;
    }
    let is_answer = connection.alpn_protocol() == Some(ALPN);
    connection.send_close_notify();
    connection.write_tls(client)?;
    Ok(is_answer)
}

/// A server that shows each of the certificates to whom asks for its name by this protocol, and nothing to others.
fn showing(
    certificates: impl IntoIterator<Item = impl Borrow<ChallengeCertificate>>,
) -> Result<ServerConfig, ListenError> {
    let mut keys = BTreeMap::new();
    for certificate in certificates {
        let certificate = certificate.borrow();
        let shown = certificate.certified_key();
        let shown = shown.map_err(|error| ListenError::Certificate(error.to_string()))?;
        keys.insert(certificate.server_name().to_ascii_lowercase(), Arc::new(shown));
    }
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| ListenError::Certificate(error.to_string()))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(ByName(keys)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

#[derive(Debug)]
struct ByName(BTreeMap<String, Arc<CertifiedKey>>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let speaks = hello
            .alpn()
            .is_some_and(|mut offered| offered.any(|protocol| protocol == ALPN));
        let name = hello.server_name().filter(|_| speaks)?;
        self.0.get(&name.to_ascii_lowercase()).cloned()
    }
}

#[cfg(test)]
mod tests;
