//! A TLS handshake with a server: which certificate does it show for a name? Judges nothing: any certificate is taken
//! whose key the server has.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use rustls::ClientConnection;
use rustls::pki_types::ServerName;

use super::deadline::Deadline;
use super::tls_probe::{self, Client, Roots, Signatures};

/// What a server shows: DER, as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The server's own certificate.
    pub leaf: Vec<u8>,
    /// The certificates sent behind it.
    pub chain: Vec<Vec<u8>>,
}

/// Shakes hands with the server at an address that is asked for a name (a domain name or an address), within that time.
///
/// # Errors
/// When nobody answers in time, or the handshake does not succeed.
pub fn connect(address: SocketAddr, name: &str, patience: Duration) -> io::Result<Shown> {
    let client = Client::new(
        rustls::DEFAULT_VERSIONS,
        &Roots::only([]),
        Signatures::OfKnownKeys,
    )
    .map_err(io::Error::other)?;
    let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(client.config, name).map_err(io::Error::other)?;
    let mut socket = Deadline::within(patience).connect(address)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let mut certificates = tls_probe::certificates(&connection).into_iter();
    connection.send_close_notify();
    let _ = connection.complete_io(&mut socket);
    Ok(Shown {
        leaf: certificates.next().unwrap_or_default(),
        chain: certificates.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::sync::Arc;

    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::{ServerConfig, ServerConnection, SupportedProtocolVersion};

    #[derive(Debug)]
    struct Server(Arc<CertifiedKey>);

    impl ResolvesServerCert for Server {
        fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(self.0.clone())
        }
    }

    /// What is seen of a server with this certificate and this key.
    fn seen(
        certificate: &rcgen::Certificate,
        key: &KeyPair,
        version: &'static SupportedProtocolVersion,
    ) -> io::Result<Shown> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let key = provider.key_provider.load_private_key(der).unwrap();
        let shown = CertifiedKey::new(vec![certificate.der().clone()], key);
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Server(Arc::new(shown))));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut connection = ServerConnection::new(Arc::new(config)).unwrap();
            while connection
                .complete_io(&mut socket)
                .is_ok_and(|(read, _)| read > 0)
            {}
        });
        let seen = connect(address, "a.example.com", Duration::from_secs(20));
        server.join().unwrap();
        seen
    }

    #[test]
    fn who_shows_a_certificate_has_its_key() {
        let (key, other) = (
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
            KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap(),
        );
        let parameters = CertificateParams::new(["a.example.com".to_owned()]).unwrap();
        let certificate = parameters.self_signed(&key).unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let honest = seen(&certificate, &key, version).unwrap();
            assert_eq!(honest.leaf, &certificate.der()[..]);
            assert!(seen(&certificate, &other, version).is_err(), "{version:?}");
        }
    }
}
