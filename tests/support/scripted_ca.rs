//! A CA of our own on this machine, for what pebble does not have or never does. It is well-behaved by itself, takes all
//! names for proven, and does what it is told instead at single addresses. It verifies no signature: pebble does.
//!
//! Its addresses: `/dir`, `/nonce`, `/account`, `/order` and `/o/N`, `/a/N/I` (authorisations), `/c/N/I` (challenges),
//! `/f/N` (finalize), `/cert/N`, `/ari/ID`, `/revoke`, `/key`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use esync_ssl::tls::request;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, PublicKeyData, SerialNumber, SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::certificates::pem;

/// What is sent instead of the well-behaved answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Status, header fields, body.
    Http(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// These bytes, each after a pause.
    Slowly(Vec<u8>, Duration),
    /// The well-behaved answer is made, and its effects stay, but the connection ends before it.
    Lost,
}

impl Reply {
    /// JSON with a status.
    pub fn json(status: u16, body: &Value) -> Reply {
        Reply::Http(status, Vec::new(), body.to_string().into_bytes())
    }

    /// A problem of ACME.
    pub fn problem(status: u16, kind: &str, detail: &str) -> Reply {
        Reply::json(
            status,
            &json!({"type": format!("urn:ietf:params:acme:error:{kind}"), "detail": detail, "status": status}),
        )
    }

    /// With another header field.
    pub fn with(self, name: &'static str, value: &str) -> Reply {
        match self {
            Reply::Http(status, mut fields, body) => {
                fields.push((name, value.to_owned()));
                Reply::Http(status, fields, body)
            }
            other => other,
        }
    }
}

/// How the connection breaks at one request, of any path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Before the CA has the request.
    Before,
    /// After it did what was asked.
    After,
    /// Before it has the request, and so for all that follow.
    FromThen,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// GET, HEAD, POST.
    pub method: String,
    /// Its path.
    pub path: String,
    /// What was signed; `Null` for reading requests.
    pub payload: Value,
}

/// What it knows and does.
pub struct State {
    /// Its own address.
    pub base: String,
    /// What is sent instead at a path: so often (0: always).
    script: HashMap<String, (usize, Reply)>,
    /// All requests, in order.
    pub asked: Vec<Asked>,
    /// The number of the request at which the connection breaks, from 1, and how.
    pub breaks: Option<(usize, Break)>,
    /// Whether names must be proven; then all are once the CA was told to look at one.
    pub pending: bool,
    /// Why names are found not to be theirs whose account asks, when it looks.
    pub refuses: Option<Value>,
    /// So often an order says `processing` after it was finalized.
    pub processing: usize,
    /// The ways to prove a name that it offers.
    pub offered: Vec<&'static str>,
    /// The directory.
    pub directory: Value,
    /// Names that certificates get instead of those in the request.
    pub other_names: Option<Vec<String>>,
    /// By how much its clock is ahead of ours.
    pub ahead: time::Duration,
    /// Since when its certificates live when they are made, and for how long from then on.
    pub life: (time::Duration, time::Duration),
    /// Whether certificates get a key of the CA's own instead of that in the request.
    pub other_key: bool,
    orders: Vec<Order>,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

#[derive(Clone, Debug)]
struct Order {
    identifiers: Value,
    proven: bool,
    refused: bool,
    chain: Option<String>,
}

/// A running CA; it ends with the test.
#[derive(Clone)]
pub struct ScriptedCa {
    /// Where its directory is.
    pub directory: String,
    /// What a client must trust (DER).
    pub root: Vec<u8>,
    state: Arc<Mutex<State>>,
}

impl ScriptedCa {
    /// Starts one.
    pub fn start() -> ScriptedCa {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let base = format!("https://{}", listener.local_addr().expect("its address"));
        let issuer = CertifiedIssuer::self_signed(authority(), key()).expect("a root certificate");
        let config = Arc::new(tls(&issuer));
        let root = issuer.der().to_vec();
        let state = Arc::new(Mutex::new(State::new(&base, issuer)));
        let for_thread = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, config) = (for_thread.clone(), config.clone());
                std::thread::spawn(move || {
                    let _ = serve(stream, config, &state);
                });
            }
        });
        ScriptedCa {
            directory: format!("{base}/dir"),
            root,
            state,
        }
    }

    /// What it knows and does, to look at and to change.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test fails with it in hand")
    }

    /// At this path from now on.
    pub fn always(&self, path: &str, reply: Reply) {
        self.state().script.insert(path.to_owned(), (0, reply));
    }

    /// At this path the next so many times.
    pub fn next(&self, path: &str, times: usize, reply: Reply) {
        assert!(times > 0);
        self.state().script.insert(path.to_owned(), (times, reply));
    }

    /// From now on all names are proven.
    pub fn prove(&self) {
        let mut state = self.state();
        state.orders.iter_mut().for_each(|order| order.proven = true);
    }

    /// How often something was asked at this path.
    pub fn count(&self, path: &str) -> usize {
        self.state()
            .asked
            .iter()
            .filter(|asked| asked.path == path)
            .count()
    }

    /// What was signed in the last request at this path.
    #[track_caller]
    pub fn payload(&self, path: &str) -> Value {
        let state = self.state();
        let asked = state.asked.iter().rev().find(|asked| asked.path == path);
        asked.expect("it was asked").payload.clone()
    }

    /// What it says of this order now.
    #[track_caller]
    pub fn state_of(&self, order: &esync_ssl::acme::Order) -> Value {
        let nr = order.url.rsplit('/').next().and_then(|word| word.parse().ok());
        self.state().order(nr.expect("a number at its end"))
    }

    /// How many certificates were made of orders.
    pub fn made(&self) -> usize {
        self.state()
            .orders
            .iter()
            .filter(|order| order.chain.is_some())
            .count()
    }

    /// A certificate for these names with a key of its own, as PEM.
    pub fn certificate(&self, names: &[&str], key: &KeyPair) -> String {
        self.state().issue(
            &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>(),
            key,
        )
    }
}

impl State {
    fn new(base: &str, issuer: CertifiedIssuer<'static, KeyPair>) -> State {
        let at = |path: &str| format!("{base}{path}");
        State {
            base: base.to_owned(),
            script: HashMap::new(),
            asked: Vec::new(),
            breaks: None,
            pending: false,
            refuses: None,
            processing: 0,
            offered: vec!["http-01", "tls-alpn-01", "new-kind-07"],
            directory: json!({
                "newNonce": at("/nonce"), "newAccount": at("/account"), "newOrder": at("/order"),
                "revokeCert": at("/revoke"), "keyChange": at("/key"), "renewalInfo": at("/ari"),
                "meta": {
                    "termsOfService": at("/terms"),
                    "caaIdentities": ["ca.example"],
                    "profiles": {"classic": "as ever", "shortlived": "six days"},
                },
            }),
            other_names: None,
            ahead: time::Duration::ZERO,
            life: (time::Duration::HOUR, time::Duration::hours(159)),
            other_key: false,
            orders: Vec::new(),
            issuer,
        }
    }

    fn answer(&mut self, asked: &Asked) -> Reply {
        let words: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        let number = words.get(1).and_then(|word| word.parse::<usize>().ok());
        let index = words.get(2).and_then(|word| word.parse::<usize>().ok());
        match (words[0], number, index) {
            ("dir", ..) => Reply::json(200, &self.directory),
            ("nonce", ..) => Reply::Http(200, Vec::new(), Vec::new()),
            ("account", ..) => {
                let url = format!("{}/account/1", self.base);
                let contact = asked.payload.get("contact").cloned().unwrap_or(json!([]));
                Reply::json(201, &json!({"status": "valid", "contact": contact})).with("Location", &url)
            }
            ("order", ..) => {
                self.orders.push(Order {
                    identifiers: asked.payload["identifiers"].clone(),
                    proven: !self.pending,
                    refused: false,
                    chain: None,
                });
                let nr = self.orders.len() - 1;
                let url = format!("{}/o/{nr}", self.base);
                Reply::json(201, &self.order(nr)).with("Location", &url)
            }
            ("o", Some(nr), _) if nr < self.orders.len() => Reply::json(200, &self.order(nr)),
            ("a", Some(nr), Some(i)) if nr < self.orders.len() => {
                Reply::json(200, &self.authorization(nr, i))
            }
            ("c", Some(nr), Some(_)) if nr < self.orders.len() => {
                let is_refused = self.refuses.is_some();
                (self.orders[nr].proven, self.orders[nr].refused) = (!is_refused, is_refused);
                Reply::json(200, &json!({"status": "processing"}))
            }
            ("f", Some(nr), _) if nr < self.orders.len() => self.finalize(nr, &asked.payload),
            ("cert", Some(nr), _) => match self.orders.get(nr).and_then(|order| order.chain.clone()) {
                Some(chain) => Reply::Http(200, Vec::new(), chain.into_bytes()),
                None => Reply::problem(404, "malformed", "no such certificate"),
            },
            ("ari", ..) => {
                let window = json!({"start": "2031-02-03T04:05:06Z", "end": "2031-02-05T04:05:06.5+01:00"});
                let answer = json!({"suggestedWindow": window, "explanationURL": "https://ca.example/why"});
                Reply::json(200, &answer).with("Retry-After", "21600")
            }
            ("revoke" | "key", ..) => Reply::Http(200, Vec::new(), Vec::new()),
            _ => Reply::problem(404, "malformed", "no such thing"),
        }
    }

    fn order(&mut self, nr: usize) -> Value {
        let order = &self.orders[nr];
        let count = order.identifiers.as_array().map_or(0, Vec::len);
        let mut told = json!({
            "identifiers": order.identifiers,
            "authorizations": (0..count).map(|i| format!("{}/a/{nr}/{i}", self.base)).collect::<Vec<_>>(),
            "finalize": format!("{}/f/{nr}", self.base),
            "status": match (order.proven, &order.chain) {
                _ if order.refused => "invalid",
                (_, Some(_)) if self.processing > 0 => "processing",
                (_, Some(_)) => "valid",
                (true, None) => "ready",
                (false, None) => "pending",
            },
        });
        if told["status"] == "valid" {
            told["certificate"] = json!(format!("{}/cert/{nr}", self.base));
        }
        if told["status"] == "processing" {
            self.processing -= 1;
        }
        told
    }

    fn authorization(&self, nr: usize, index: usize) -> Value {
        let (proven, refused) = (self.orders[nr].proven, self.orders[nr].refused);
        if refused {
            let kind = self.offered.first().copied().unwrap_or_default();
            let failed = json!({"type": kind, "url": format!("{}/c/{nr}/{index}", self.base), "status": "invalid", "token": "to-ken_1", "error": self.refuses});
            return json!({"status": "invalid", "identifier": self.orders[nr].identifiers[index], "challenges": [failed]});
        }
        let challenge = |kind: &str| json!({"type": kind, "url": format!("{}/c/{nr}/{index}", self.base), "status": "pending", "token": "to-ken_1"});
        json!({
            "status": if proven { "valid" } else { "pending" },
            "identifier": self.orders[nr].identifiers[index],
            "challenges": self.offered.iter().map(|kind| challenge(kind)).collect::<Vec<_>>(),
        })
    }

    fn finalize(&mut self, nr: usize, payload: &Value) -> Reply {
        if !self.orders[nr].proven || self.orders[nr].chain.is_some() {
            return Reply::problem(403, "orderNotReady", "not in this state");
        }
        let csr =
            Base64UrlUnpadded::decode_vec(payload["csr"].as_str().unwrap_or_default()).expect("base64url");
        let asked = request::Request::from_der(&csr).expect("a request");
        let names = self.other_names.clone().unwrap_or(asked.names);
        let chain = match self.other_key {
            true => self.issue(&names, &key()),
            false => self.issue(&names, &TheirKey(asked.public_key.spki)),
        };
        self.orders[nr].chain = Some(chain);
        Reply::json(200, &self.order(nr))
    }

    /// A certificate and its issuer.
    fn issue(&self, names: &[String], key: &impl PublicKeyData) -> String {
        let mut params = CertificateParams::new(names.to_vec()).expect("names");
        params.distinguished_name = DistinguishedName::new();
        params.use_authority_key_identifier_extension = true;
        // With a zero byte in front, as every second one has.
        params.serial_number = Some(SerialNumber::from_slice(&[0x87, 0x65, 0x43, 0x21]));
        let now = OffsetDateTime::now_utc() + self.ahead;
        (params.not_before, params.not_after) = (now - self.life.0, now + self.life.1);
        let made = params.signed_by(key, &self.issuer).expect("a certificate");
        pem("CERTIFICATE", made.der()) + &pem("CERTIFICATE", self.issuer.der())
    }
}

/// The key of a request: P-256.
struct TheirKey(Vec<u8>);

impl PublicKeyData for TheirKey {
    fn der_bytes(&self) -> &[u8] {
        // The point at the end of it.
        &self.0[self.0.len() - 65..]
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a P-256 key")
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "scripted CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

/// TLS of its own, signed by its root.
fn tls(issuer: &CertifiedIssuer<'static, KeyPair>) -> ServerConfig {
    let own = key();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).expect("names");
    let certificate = params.signed_by(&own, issuer).expect("its certificate");
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let own = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("versions of TLS").with_no_client_auth();
    builder
        .with_single_cert(chain, own)
        .expect("its key and certificate")
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, state: &Mutex<State>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    let (mut line, mut length) = (String::new(), 0);
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    loop {
        let mut field = String::new();
        if reader.read_line(&mut field)? <= 2 {
            break;
        }
        if let Some(value) = field.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked = Asked {
        payload: payload(&body),
        method,
        path,
    };
    let (bytes, pause) = reply(state, &asked);
    let stream = reader.get_mut();
    match pause {
        Some(pause) => {
            for byte in bytes {
                stream.write_all(&[byte])?;
                stream.flush()?;
                std::thread::sleep(pause);
            }
        }
        None => stream.write_all(&bytes)?,
    }
    stream.conn.send_close_notify();
    stream.flush()
}

fn payload(body: &[u8]) -> Value {
    let signed: Value = serde_json::from_slice(body).unwrap_or_default();
    let payload = signed["payload"].as_str().unwrap_or_default();
    let payload = Base64UrlUnpadded::decode_vec(payload).unwrap_or_default();
    serde_json::from_slice(&payload).unwrap_or_default()
}

/// What goes back, and how slowly.
fn reply(state: &Mutex<State>, asked: &Asked) -> (Vec<u8>, Option<Duration>) {
    let mut state = state.lock().expect("no test fails with it in hand");
    state.asked.push(asked.clone());
    let number = state.asked.len();
    match state.breaks {
        Some((at, Break::Before)) if at == number => return (Vec::new(), None),
        Some((at, Break::FromThen)) if at <= number => return (Vec::new(), None),
        Some((at, Break::After)) if at == number => {
            state.answer(asked);
            return (Vec::new(), None);
        }
        _ => {}
    }
    let scripted = state.script.get_mut(&asked.path).map(|(left, reply)| {
        let is_last = *left == 1;
        *left = left.saturating_sub(1);
        (is_last, reply.clone())
    });
    if scripted.as_ref().is_some_and(|(is_last, _)| *is_last) {
        state.script.remove(&asked.path);
    }
    let nonce = format!("nonce-{}", state.asked.len());
    let (status, mut fields, body) = match scripted {
        Some((_, Reply::Http(status, fields, body))) => (status, fields, body),
        Some((_, Reply::Bytes(bytes))) => return (bytes, None),
        Some((_, Reply::Slowly(bytes, pause))) => return (bytes, Some(pause)),
        Some((_, Reply::Lost)) => {
            state.answer(asked);
            return (Vec::new(), None);
        }
        None => match state.answer(asked) {
            Reply::Http(status, fields, body) => (status, fields, body),
            other => unreachable!("{other:?}"),
        },
    };
    if !fields.iter().any(|(name, _)| *name == "Replay-Nonce") {
        fields.push(("Replay-Nonce", nonce));
    }
    if !state.ahead.is_zero() {
        let form = time::macros::format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        let now = OffsetDateTime::now_utc() + state.ahead;
        fields.push(("Date", now.format(&form).expect("a date")));
    }
    let mut text = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n",
        body.len()
    );
    for (name, value) in fields {
        text += &format!("{name}: {value}\r\n");
    }
    let mut bytes = (text + "\r\n").into_bytes();
    if asked.method != "HEAD" {
        bytes.extend(body);
    }
    (bytes, None)
}
