//! Requests to a CA over HTTPS, directly or through an HTTP proxy: [`Transport`] by ureq, rustls and ring.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, AsSendBody, Body, Timeout};

use super::transport::{MAX_BODY, Method, Obstacle, Reply, Request, Transport, TransportError};
use super::url;
use crate::wording::reason;

/// How a CA is reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Root certificates (DER) that are trusted besides those of this machine: of a private CA, or of a proxy that opens
    /// TLS.
    pub roots: Vec<Vec<u8>>,
    /// Whether those of this machine are trusted too.
    pub system_roots: bool,
    /// Through which proxy.
    pub proxy: Proxy,
    /// The longest that connecting may take, with TLS and proxy.
    pub connect: Duration,
    /// The longest that one request may take in all.
    pub whole: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            roots: Vec::new(),
            system_roots: true,
            proxy: Proxy::Environment,
            connect: Duration::from_secs(20),
            whole: Duration::from_secs(90),
        }
    }
}

/// Through which proxy a CA is reached.
#[derive(Clone, Default)]
pub enum Proxy {
    /// The one of the environment (`ALL_PROXY`, `HTTPS_PROXY`, `HTTP_PROXY`, in capitals or not), but for hosts in `NO_PROXY`.
    #[default]
    Environment,
    /// None.
    Direct,
    /// This one: `http://user:password@host:port`, of which all but the host may be missing.
    Url(String),
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may have a password in it.
        f.write_str(match self {
            Proxy::Environment => "Environment",
            Proxy::Direct => "Direct",
            Proxy::Url(_) => "Url(..)",
        })
    }
}

/// Bytes of the head of an answer.
const MAX_HEAD: usize = 64 * 1024;
/// Connections are kept for so long: polling asks again within some seconds, and what is older the CA may have closed.
const KEPT: Duration = Duration::from_secs(4);

/// Requests over HTTPS.
pub struct Https {
    agent: Agent,
    /// The proxy's host.
    through: Option<String>,
    /// The longest that one request may take in all.
    whole: Duration,
}

impl fmt::Debug for Https {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The agent knows the proxy's password.
        f.debug_struct("Https").finish_non_exhaustive()
    }
}

impl Https {
    /// Nothing is asked yet. Fails when the proxy's address cannot be read.
    pub fn new(settings: &Settings) -> Result<Https, TransportError> {
        let system = match settings.system_roots {
            true => rustls_native_certs::load_native_certs().certs,
            false => Vec::new(),
        };
        let system = system.iter().map(|root| Certificate::from_der(root).to_owned());
        let given = settings
            .roots
            .iter()
            .map(|root| Certificate::from_der(root).to_owned());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(system.chain(given)))
            // There is no provider for the whole process.
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let proxy = proxy(&settings.proxy)?;
        let config = Agent::config_builder()
            .tls_config(tls)
            .proxy(proxy.clone())
            .timeout_connect(Some(settings.connect))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_response_header_size(MAX_HEAD)
            .max_idle_age(KEPT)
            .user_agent(concat!("esync-ssl/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Https {
            agent: Agent::new_with_config(config),
            through: proxy.map(|proxy| format!("{}:{}", proxy.host(), proxy.port())),
            whole: settings.whole,
        })
    }

    fn run(
        &self,
        request: http::Request<impl AsSendBody>,
        whole: Duration,
    ) -> Result<http::Response<Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(whole))
            .build();
        self.agent.run(request)
    }
}

impl Transport for Https {
    fn send(&self, request: &Request<'_>) -> Result<Reply, TransportError> {
        let host = url::host(request.url);
        let method = match request.method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Post => http::Method::POST,
        };
        let builder = http::Request::builder()
            .method(method)
            .uri(request.url)
            .header("accept", request.accept);
        let whole = match request.limit {
            Some(limit) => limit.min(self.whole),
            None => self.whole,
        };
        let answer = match request.method {
            Method::Post => {
                let request = builder
                    .header("content-type", "application/jose+json")
                    .body(request.body);
                request
                    .map_err(ureq::Error::from)
                    .and_then(|request| self.run(request, whole))
            }
            Method::Get | Method::Head => {
                let request = builder.body(());
                request
                    .map_err(ureq::Error::from)
                    .and_then(|request| self.run(request, whole))
            }
        };
        answer.and_then(taken).map_err(|error| match &self.through {
            Some(proxy) => told(&format!("{host} (through the proxy {proxy})"), &error),
            None => told(host, &error),
        })
    }
}

/// The whole answer.
fn taken(mut answer: http::Response<Body>) -> Result<Reply, ureq::Error> {
    let body = answer
        .body_mut()
        .with_config()
        .limit(MAX_BODY as u64)
        .read_to_vec()?;
    let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    };
    Ok(Reply {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(field).collect(),
        body,
    })
}

fn proxy(wanted: &Proxy) -> Result<Option<ureq::Proxy>, TransportError> {
    let found = match wanted {
        Proxy::Direct => None,
        Proxy::Environment => ureq::Proxy::try_from_env(),
        Proxy::Url(url) => Some(ureq::Proxy::new(url).map_err(|_| {
            // Never the address itself, which may have a password in it.
            let shape = "its address is not of the form http://user:password@host:port";
            TransportError::new("the proxy", Obstacle::Proxy, shape)
        })?),
    };
    use ureq::ProxyProtocol::{Http, Https};
    match found {
        Some(socks) if !matches!(socks.protocol(), Http | Https) => {
            let kind = "only HTTP proxies are supported";
            Err(TransportError::new(socks.host(), Obstacle::Proxy, kind))
        }
        found => Ok(found),
    }
}

fn told(host: &str, error: &ureq::Error) -> TransportError {
    use ureq::Error as E;
    let (obstacle, detail) = match error {
        E::HostNotFound => (Obstacle::NoAddress, String::new()),
        E::Timeout(Timeout::Resolve) => (Obstacle::NoAddress, String::new()),
        E::Timeout(Timeout::Connect) => (Obstacle::NoConnection, "nobody answered in time".to_owned()),
        E::Timeout(_) => (Obstacle::TimedOut, String::new()),
        E::Rustls(error) => (Obstacle::Tls, error.to_string()),
        E::Tls(words) => (Obstacle::Tls, (*words).to_owned()),
        E::ConnectProxyFailed(words) => (Obstacle::Proxy, words.clone()),
        E::InvalidProxyUrl => (Obstacle::Proxy, String::new()),
        E::BodyExceedsLimit(_) | E::LargeResponseHeader(..) => (Obstacle::TooLong, String::new()),
        E::ConnectionFailed => (Obstacle::NoConnection, "nobody answers".to_owned()),
        E::Io(error) => of_io(error),
        other => (Obstacle::NotHttp, other.to_string()),
    };
    TransportError::new(host, obstacle, &detail)
}

fn of_io(error: &std::io::Error) -> (Obstacle, String) {
    use std::io::ErrorKind as K;
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    if let Some(tls) = tls {
        return (Obstacle::Tls, tls.to_string());
    }
    if is_lookup(error) {
        return (Obstacle::NoAddress, String::new());
    }
    let obstacle = match error.kind() {
        K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => Obstacle::CutOff,
        K::TimedOut | K::WouldBlock => Obstacle::TimedOut,
        K::InvalidData => Obstacle::NotHttp,
        _ => Obstacle::NoConnection,
    };
    (obstacle, reason(error))
}

/// Whether a name could not be resolved. For that the standard library has no kind, only its own words, and the numbers of
/// Windows: WSAHOST_NOT_FOUND, WSATRY_AGAIN, WSANO_RECOVERY, WSANO_DATA.
fn is_lookup(error: &std::io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(11001..=11004))
        || error.to_string().contains("failed to lookup address")
}
