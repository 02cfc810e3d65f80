//! How requests get to a CA: the seam behind which HTTP, TLS and proxies are, and scripted answers in tests.

use std::fmt;
use std::time::Duration;

use super::words::{sentence, word};

/// What is done with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads it, unsigned.
    Get,
    /// Asks for headers only.
    Head,
    /// Everything else in ACME, signed.
    Post,
}

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// What is done.
    pub method: Method,
    /// Where; it was checked to be one that may be asked.
    pub url: &'a str,
    /// The media type that is wanted.
    pub accept: &'a str,
    /// What is sent with [`Method::Post`]: always of the type `application/jose+json`.
    pub body: &'a [u8],
    /// How long it may take, where that is to be less than usual.
    pub limit: Option<Duration>,
}

/// One answer, whatever its status; no redirect was followed.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header fields by names in lower case.
    pub headers: Vec<(String, String)>,
    /// What follows them, up to [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Bytes of an answer. A chain of certificates has some ten thousand.
pub const MAX_BODY: usize = 1024 * 1024;

impl Reply {
    /// The first header field of this name (lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let field = self.headers.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.as_str())
    }
}

/// Sends requests to a CA.
pub trait Transport {
    /// Sends one request and takes the whole answer, of any status. Follows no redirect, reads no more than [`MAX_BODY`]
    /// bytes, and ends in bounded time.
    fn send(&self, request: &Request<'_>) -> Result<Reply, TransportError>;
}

/// What kept an answer from coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The host's name has no address here.
    NoAddress,
    /// Nobody answers at the address, or there is no way to it.
    NoConnection,
    /// The CA's own certificate is not trusted, or TLS failed otherwise.
    Tls,
    /// The proxy refused, wants a password, or cannot be used.
    Proxy,
    /// It took too long.
    TimedOut,
    /// The connection ended before the answer did.
    CutOff,
    /// The answer is longer than [`MAX_BODY`].
    TooLong,
    /// The answer is not HTTP.
    NotHttp,
}

/// Why there is no answer. Whether the CA got the request is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportError {
    /// The host that was asked, with its port if one was written.
    pub host: String,
    /// What kept the answer from coming.
    pub obstacle: Obstacle,
    /// More about it; printable.
    pub detail: String,
}

impl TransportError {
    /// About a host; what is not printable is taken out of both texts.
    pub fn new(host: &str, obstacle: Obstacle, detail: &str) -> TransportError {
        TransportError {
            host: word(host),
            obstacle,
            detail: sentence(detail),
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TransportError { host, detail, .. } = self;
        write!(f, "the CA at {host} cannot be reached: ")?;
        match self.obstacle {
            Obstacle::NoAddress => f.write_str(
                "the system knows no address for this name; check the network and its DNS servers, or name a proxy",
            ),
            Obstacle::NoConnection => write!(
                f,
                "{detail}; check that this machine may open connections to it, or name a proxy"
            ),
            Obstacle::Tls => write!(
                f,
                "no trusted connection: {detail}; check the clock of this machine, and name the root certificate of a \
                 private CA or of a proxy that opens TLS"
            ),
            Obstacle::Proxy => write!(f, "the proxy cannot be used: {detail}; check its address, user and password"),
            Obstacle::TimedOut => f.write_str("the answer took too long; try again later"),
            Obstacle::CutOff => f.write_str("the connection ended in the middle of the answer; try again later"),
            Obstacle::TooLong => f.write_str("the answer is far too long; check the address of the CA"),
            Obstacle::NotHttp => write!(f, "the answer is not HTTP ({detail}); check the address of the CA"),
        }
    }
}

impl std::error::Error for TransportError {}
