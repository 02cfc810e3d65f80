//! A TLS client that looks and does not judge: any certificate is taken, and noted what a strict client would say of it.
//! Whoever shows one has to prove that its key is there: a certificate alone is no secret.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, SupportedProtocolVersion,
};

use crate::tls::certificate::Certificate;
use crate::tls::public_key::{Curve, KeyKind};

/// What the certificates that were served are worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// They lead to a root that is trusted.
    Trusted,
    /// No issuer that is trusted.
    UnknownIssuer,
    /// They would, but for this: dates, purposes, a bad signature.
    Refused(String),
}

/// Whom clients trust.
#[derive(Clone)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// The certificates that this machine trusts.
    pub fn of_platform() -> Roots {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Roots(Arc::new(store))
    }

    /// Those of them that are roots: what somebody else also knows, who has none of the intermediates kept here.
    pub fn self_issued_of_platform() -> Roots {
        let all = rustls_native_certs::load_native_certs().certs;
        let is_root = |der: &Vec<u8>| Certificate::from_der(der).is_ok_and(|root| root.is_self_issued());
        Roots::only(all.iter().map(|der| der.to_vec()).filter(is_root))
    }

    /// These certificates (DER) and no others.
    pub fn only(certificates: impl IntoIterator<Item = Vec<u8>>) -> Roots {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(certificates.into_iter().map(CertificateDer::from));
        Roots(Arc::new(store))
    }

    /// What certificates are worth that a server is to show, its own first (DER).
    pub fn judge(&self, chain: &[Vec<u8>]) -> Trust {
        let certificates: Vec<CertificateDer<'_>> = chain.iter().map(|der| der.as_slice().into()).collect();
        let (Some((leaf, rest)), Ok(name)) = (certificates.split_first(), ServerName::try_from("localhost"))
        else {
            return Trust::UnknownIssuer;
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let recorder = Recorder::new(self, &provider, Signatures::All);
        // It lets all pass, and remembers.
        let _ = recorder.verify_server_cert(leaf, rest, &name, &[], UnixTime::now());
        recorder.noted()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// Which signatures of a handshake are verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signatures {
    /// All; there is no handshake with a key that our provider cannot judge.
    All,
    /// Those of keys that our provider can judge. A server may have another one, and start with it.
    OfKnownKeys,
    /// None: a certificate with an extension that our provider does not know, and must. Of a server with keys of several kinds
    /// a client gets what it names first.
    None {
        /// It names RSA first, and EC otherwise.
        rsa_first: bool,
    },
}

/// What a client of ours begins a conversation with, and what came of it.
pub(super) struct Client {
    pub config: Arc<ClientConfig>,
    recorder: Arc<Recorder>,
}

impl Client {
    pub fn new(
        versions: &[&'static SupportedProtocolVersion],
        roots: &Roots,
        signatures: Signatures,
    ) -> Result<Client, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let recorder = Arc::new(Recorder::new(roots, &provider, signatures));
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(recorder.clone())
            .with_no_client_auth();
        Ok(Client {
            config: Arc::new(config),
            recorder,
        })
    }

    /// The same, offering protocols by ALPN (RFC 7301), what is wanted most first.
    pub fn offering(self, protocols: &[&[u8]]) -> Client {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Client {
            config: Arc::new(config),
            ..self
        }
    }

    /// What the certificates are worth that were shown last.
    pub fn trust(&self) -> Trust {
        self.recorder.noted()
    }
}

/// The certificates that a server showed, in its order, DER.
pub(super) fn certificates(connection: &ClientConnection) -> Vec<Vec<u8>> {
    let shown = connection.peer_certificates().unwrap_or_default();
    shown.iter().map(|certificate| certificate.to_vec()).collect()
}

/// Lets every certificate pass and remembers what a strict client would have said of it.
#[derive(Debug)]
struct Recorder {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    signatures: Signatures,
    trust: Mutex<Option<Trust>>,
}

impl Recorder {
    fn new(roots: &Roots, provider: &Arc<CryptoProvider>, signatures: Signatures) -> Recorder {
        let builder = WebPkiServerVerifier::builder_with_provider(roots.0.clone(), provider.clone());
        Recorder {
            // Without a single root nothing is trusted.
            strict: builder.build().ok(),
            provider: provider.clone(),
            signatures,
            trust: Mutex::new(None),
        }
    }

    /// What it said last.
    fn noted(&self) -> Trust {
        let trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        trust.clone().unwrap_or(Trust::UnknownIssuer)
    }

    /// Is it left open whether the key is there?
    fn is_left_open(&self, certificate: &CertificateDer<'_>) -> bool {
        match self.signatures {
            Signatures::All => false,
            Signatures::OfKnownKeys => !is_judged(certificate),
            Signatures::None { .. } => true,
        }
    }
}

/// Can our provider judge signatures of the key in a certificate?
fn is_judged(certificate: &[u8]) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return true;
    };
    match certificate.public_key.kind {
        KeyKind::Rsa { bits } => (2048..=8192).contains(&bits),
        KeyKind::Ec(Curve::P256 | Curve::P384) | KeyKind::Ed25519 => true,
        _ => false,
    }
}

/// Beside those that our provider can judge.
const NOT_JUDGED: [SignatureScheme; 4] = [
    SignatureScheme::ECDSA_NISTP521_SHA512,
    SignatureScheme::ED448,
    SignatureScheme::RSA_PKCS1_SHA1,
    SignatureScheme::ECDSA_SHA1_Legacy,
];

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trust = match self
            .strict
            .as_ref()
            .map(|strict| strict.verify_server_cert(leaf, intermediates, server, ocsp, now))
        {
            None => Trust::UnknownIssuer,
            Some(Ok(_)) => Trust::Trusted,
            // The name is compared last, and judged elsewhere.
            Some(Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ))) => Trust::Trusted,
            Some(Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))) => Trust::UnknownIssuer,
            Some(Err(error)) => Trust::Refused(error.to_string()),
        };
        *self.trust.lock().unwrap_or_else(PoisonError::into_inner) = Some(trust);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.is_left_open(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        if self.is_left_open(certificate) {
            return Ok(HandshakeSignatureValid::assertion());
        }
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let mut schemes = self
            .provider
            .signature_verification_algorithms
            .supported_schemes();
        if self.signatures == Signatures::OfKnownKeys {
            // Last: a server that can do better does.
            schemes.extend(NOT_JUDGED);
        }
        if let Signatures::None { rsa_first } = self.signatures {
            let is_rsa =
                |scheme: &SignatureScheme| scheme.as_str().is_some_and(|name| name.starts_with("RSA"));
            schemes.sort_by_key(|scheme| is_rsa(scheme) != rsa_first);
        }
        schemes
    }
}
