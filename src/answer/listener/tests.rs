use super::*;
use crate::tls::issue::KeyType;
use crate::tls::name::Name;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

/// A port that is free now, on all addresses.
fn free() -> u16 {
    let socket = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)).or_else(|_| TcpListener::bind("0.0.0.0:0"));
    socket.unwrap().local_addr().unwrap().port()
}

fn files() -> (Listener, u16) {
    let tokens = [("token-1_A".to_owned(), "token-1_A.thumb".to_owned())];
    let port = free();
    (Listener::of_files(tokens.into(), port).unwrap(), port)
}

fn said(port: u16, request: &str) -> String {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    client.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = client.read_to_string(&mut answer);
    answer
}

#[test]
fn only_the_answers_are_given_away() {
    let (listener, port) = files();
    let get = |path: &str| said(port, &format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    let answer = get("/.well-known/acme-challenge/token-1_A");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\ntoken-1_A.thumb"), "{answer}");
    for path in [
        "/",
        "/.well-known/acme-challenge/",
        "/.well-known/acme-challenge/token-1_a",
        "/x/../.well-known/acme-challenge/token-1_A",
    ] {
        let answer = get(path);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{path}: {answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{path}: {answer}");
    }
    assert!(said(port, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(said(port, "what is this?\r\n\r\n").starts_with("HTTP/1.1 400 "));
    assert!(said(port, &"x".repeat(REQUEST)).starts_with("HTTP/1.1 400 "));
    assert_eq!(listener.answered(), 1);
}

#[test]
fn both_families_are_served_and_the_port_is_free_afterwards() {
    let (listener, port) = files();
    for address in ["127.0.0.1", "::1"] {
        let address: IpAddr = address.parse().unwrap();
        if TcpListener::bind((address, 0)).is_ok() {
            TcpStream::connect((address, port)).unwrap();
        }
    }
    drop(listener);
    drop(Listener::of_files(Tokens::new(), port).unwrap());
}

#[test]
fn silent_and_slow_clients_keep_nobody_out() {
    let (_listener, port) = files();
    let _silent: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap())
        .collect();
    let answer = said(port, "GET /.well-known/acme-challenge/token-1_A HTTP/1.0\r\n\r\n");
    assert!(answer.contains("200 OK"), "{answer}");
}

#[test]
fn a_taken_port_is_said() {
    let port = free();
    let _other = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).unwrap();
    let Err(error) = Listener::of_files(Tokens::new(), port) else {
        panic!("it listens");
    };
    assert!(error.to_string().contains(&port.to_string()), "{error}");
}

/// What a client sees on port 443: the certificate that it was shown.
fn shown(port: u16, name: &str, protocol: &[u8]) -> Result<Vec<u8>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(TakesAll))
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    while connection.is_handshaking() {
        connection
            .complete_io(&mut stream)
            .map_err(|error| error.to_string())?;
    }
    // Until the server has seen all of it, and goes.
    let _ = connection.complete_io(&mut stream);
    Ok(connection.peer_certificates().unwrap()[0].to_vec())
}

#[test]
fn a_certificate_is_shown_to_who_asks_for_it_by_the_protocol() {
    let name = Name::parse("a.test").unwrap();
    let challenge = ChallengeCertificate::new(&name, "token.thumb", KeyType::P256).unwrap();
    let made = challenge.certified_key().unwrap().cert[0].to_vec();
    let port = free();
    let listener = Listener::of_certificates([challenge], port).unwrap();
    assert_eq!(shown(port, "A.test", ALPN).as_deref(), Ok(&made[..]));
    shown(port, "b.test", ALPN).unwrap_err();
    shown(port, "a.test", b"http/1.1").unwrap_err();
    let until = Instant::now() + PATIENCE;
    while listener.answered() == 0 && Instant::now() < until {
        thread::sleep(PAUSE);
    }
    assert_eq!(listener.answered(), 1);
}

#[derive(Debug)]
struct TakesAll;

impl ServerCertVerifier for TakesAll {
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
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
