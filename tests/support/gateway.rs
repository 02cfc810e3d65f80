//! A gateway that takes requests over plain HTTP and passes them on over HTTPS, as M2U does for field devices: it
//! verifies chain and name, follows nothing, and answers 502 when it does not come through.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};

const PATIENCE: Duration = Duration::from_secs(15);

/// A running gateway; it ends with the test.
pub struct Gateway {
    /// Where devices connect, on 127.0.0.1.
    pub port: u16,
}

impl Gateway {
    /// Starts one for the server `name` on `port` of 127.0.0.1. It trusts the certificates of a PEM file.
    pub fn start(name: &str, port: u16, anchors: &Path) -> Gateway {
        let mut store = RootCertStore::empty();
        for anchor in CertificateDer::pem_file_iter(anchors).expect("a PEM file") {
            store.add(anchor.expect("a certificate")).expect("a trust anchor");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        // What such gateways know.
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12])
            .expect("TLS 1.2")
            .with_root_certificates(store)
            .with_no_client_auth();
        let config = Arc::new(config);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port for the gateway");
        let own = listener.local_addr().expect("its address").port();
        let name = name.to_owned();
        std::thread::spawn(move || {
            for device in listener.incoming().flatten() {
                let _ = serve(device, &config, &name, port);
            }
        });
        Gateway { port: own }
    }

    /// What a device does: posts to the gateway, which it calls by its own name. Status and body of the answer.
    #[track_caller]
    pub fn post(&self, path: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("the gateway");
        post(&mut stream, "m2u.example.com", path, body).expect("an answer of the gateway")
    }
}

/// Posts over an open connection, and reads the answer to its end.
pub fn post(
    stream: &mut (impl Read + Write),
    host: &str,
    path: &str,
    body: &[u8],
) -> std::io::Result<(u16, String)> {
    write!(
        stream,
        "POST {path} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )?;
    stream.write_all(body)?;
    stream.flush()?;
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if bytes.is_empty() => return Err(error),
        _ => {}
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let no_http = || std::io::Error::new(std::io::ErrorKind::InvalidData, text.clone());
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    let (_, answer) = text.split_once("\r\n\r\n").ok_or_else(no_http)?;
    Ok((status.ok_or_else(no_http)?, answer.to_owned()))
}

fn serve(mut device: TcpStream, config: &Arc<ClientConfig>, name: &str, port: u16) -> std::io::Result<()> {
    device.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(device.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or("/").to_owned();
    let mut length = 0;
    loop {
        let mut field = String::new();
        reader.read_line(&mut field)?;
        let Some((name, value)) = field.trim_end().split_once(':') else {
            break;
        };
        if name.eq_ignore_ascii_case("Content-Length") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let (status, answer) =
        pass_on(config, name, port, &path, &body).unwrap_or_else(|error| (502, error.to_string()));
    write!(
        device,
        "HTTP/1.0 {status} Gateway\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
}

fn pass_on(
    config: &Arc<ClientConfig>,
    name: &str,
    port: u16,
    path: &str,
    body: &[u8],
) -> std::io::Result<(u16, String)> {
    let server = ServerName::try_from(name.to_owned()).map_err(std::io::Error::other)?;
    let mut connection = ClientConnection::new(config.clone(), server).map_err(std::io::Error::other)?;
    let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    post(&mut Stream::new(&mut connection, &mut socket), name, path, body)
}
