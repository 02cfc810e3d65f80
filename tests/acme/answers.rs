//! Answers to a CA's challenges: the smallest listeners that do.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use esync_ssl::acme::{ALPN, AccountKey, Authorization, ChallengeCertificate, ChallengeKind};
use esync_ssl::tls::issue::KeyType;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection, Stream};

/// What is answered on both ports.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    files: Arc<Mutex<HashMap<String, String>>>,
    certificates: Arc<Mutex<HashMap<String, Arc<CertifiedKey>>>>,
}

impl Answers {
    /// Listens on these ports from now on.
    pub fn listen(http: u16, https: u16) -> Answers {
        let answers = Answers::default();
        let listener = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        let (plain, tls) = (listener(http), listener(https));
        let (for_plain, for_tls) = (answers.clone(), answers.clone());
        std::thread::spawn(move || {
            for stream in plain.incoming().flatten() {
                for_plain.serve(stream);
            }
        });
        std::thread::spawn(move || {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
            let builder = builder.expect("versions of TLS").with_no_client_auth();
            let mut config = builder.with_cert_resolver(Arc::new(for_tls));
            config.alpn_protocols = vec![ALPN.to_vec()];
            let config = Arc::new(config);
            for mut stream in tls.incoming().flatten() {
                let mut connection = ServerConnection::new(config.clone()).expect("a connection");
                let _ = Stream::new(&mut connection, &mut stream).flush();
            }
        });
        answers
    }

    /// Lays out the answer to this challenge of an authorisation.
    pub fn lay_out(&self, key: &AccountKey, authorization: &Authorization, kind: &ChallengeKind) {
        let challenge = authorization.challenge(kind).expect("the challenge is offered");
        let content = key.key_authorization(&challenge.token);
        if *kind == ChallengeKind::Http01 {
            let path = format!("/.well-known/acme-challenge/{}", challenge.token);
            self.files.lock().unwrap().insert(path, content);
            return;
        }
        let made =
            ChallengeCertificate::new(&authorization.name, &content, KeyType::P256).expect("a certificate");
        let certified = Arc::new(made.certified_key().expect("a certified key"));
        let mut all = self.certificates.lock().unwrap();
        all.insert(made.server_name().to_owned(), certified);
    }

    fn serve(&self, stream: TcpStream) {
        let mut line = String::new();
        let mut reader = BufReader::new(stream);
        let _ = reader.read_line(&mut line);
        let path = line.split(' ').nth(1).unwrap_or_default();
        let found = self.files.lock().unwrap().get(path).cloned();
        let (status, body) = match found {
            Some(body) => ("200 OK", body),
            None => ("404 Not Found", String::new()),
        };
        // All of the request is read: a reset would take the answer away.
        while reader.read_line(&mut line).is_ok_and(|read| read > 2) {}
        let length = body.len();
        let text =
            format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
        let _ = reader.get_mut().write_all(text.as_bytes());
    }
}

impl ResolvesServerCert for Answers {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_acme = hello.alpn()?.any(|protocol| protocol == ALPN);
        let all = self.certificates.lock().unwrap();
        all.get(hello.server_name()?).filter(|_| is_acme).cloned()
    }
}
