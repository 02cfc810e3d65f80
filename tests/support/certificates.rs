//! Makes certificates while a test runs: an authority with an intermediate, leaves, self-signed ones.
//! Nothing here is reused between tests, and no private key lies in the repository.

use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair, KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// A root and an intermediate below it, written as PEM files into one folder.
pub struct Authority {
    folder: PathBuf,
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate with its private key, as files.
pub struct Leaf {
    /// The certificate, PEM, this one only.
    pub certificate: PathBuf,
    /// Its private key, PKCS#8 PEM, without pass-phrase.
    pub key: PathBuf,
    /// The certificate itself, to compare with what a server shows.
    pub der: Vec<u8>,
}

/// From when to when a certificate is valid, in days from now; negative numbers lie in the past.
#[derive(Clone, Copy)]
pub struct Days(pub i64, pub i64);

/// Valid since yesterday, for about three months.
pub const VALID: Days = Days(-1, 90);

impl Authority {
    /// Makes both authorities and writes `root.pem` and `intermediate.pem` into the folder.
    pub fn new(folder: &Path) -> Self {
        let root = CertifiedIssuer::self_signed(authority("esync-ssl test root"), p256());
        let root = root.expect("a root certificate");
        let intermediate =
            CertifiedIssuer::signed_by(authority("esync-ssl test intermediate"), p256(), &root)
                .expect("an intermediate certificate");
        super::files::write(&folder.join("root.pem"), pem("CERTIFICATE", root.der()));
        super::files::write(
            &folder.join("intermediate.pem"),
            pem("CERTIFICATE", intermediate.der()),
        );
        Self {
            folder: folder.to_owned(),
            root,
            intermediate,
        }
    }

    /// The trust anchor, PEM.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// The certificate between root and leaves, PEM: what a chain file holds.
    pub fn intermediate(&self) -> PathBuf {
        self.folder.join("intermediate.pem")
    }

    /// `server.crt` and `server.key` for the domain (an A-label) and `ca.crt`, what a chain file would hold: the
    /// names that cases use. The authority's own files lie there as well.
    pub fn write_server(folder: &Path, domain: &str) {
        let authority = Self::new(folder);
        let leaf = authority.leaf("server", &[domain]);
        super::files::for_owner_only(&leaf.key);
        std::fs::copy(authority.intermediate(), folder.join("ca.crt")).expect("ca.crt");
    }

    /// A leaf with a P-256 key for these names (or addresses), signed by the intermediate; written as
    /// `FILE.crt` and `FILE.key`.
    pub fn leaf(&self, file: &str, names: &[&str]) -> Leaf {
        self.leaf_of(file, names, VALID, p256())
    }

    /// As [`Authority::leaf`], with given validity and key.
    pub fn leaf_of(&self, file: &str, names: &[&str], days: Days, key: KeyPair) -> Leaf {
        let certificate = leaf(names, days)
            .signed_by(&key, &self.intermediate)
            .expect("a leaf certificate");
        write_leaf(&self.folder, file, &certificate, &key)
    }

    /// A leaf signed by the root itself: no chain needed.
    pub fn leaf_without_chain(&self, file: &str, names: &[&str]) -> Leaf {
        let key = p256();
        let certificate = leaf(names, VALID)
            .signed_by(&key, &self.root)
            .expect("a leaf certificate");
        write_leaf(&self.folder, file, &certificate, &key)
    }
}

/// A certificate that signs itself, as `FILE.crt` and `FILE.key` in the folder.
pub fn self_signed(folder: &Path, file: &str, names: &[&str]) -> Leaf {
    let key = p256();
    let certificate = leaf(names, VALID)
        .self_signed(&key)
        .expect("a self-signed certificate");
    write_leaf(folder, file, &certificate, &key)
}

/// A new P-256 key.
pub fn p256() -> KeyPair {
    KeyPair::generate().expect("a P-256 key")
}

/// A new RSA key of 2048 bits; made by the openssl program, because ring makes none.
pub fn rsa_2048() -> KeyPair {
    use rustls::pki_types::pem::PemObject;
    let mut openssl = super::installed::openssl();
    openssl.args([
        "genpkey",
        "-quiet",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        "rsa_keygen_bits:2048",
    ]);
    let made = super::process::finish(&mut openssl, std::time::Duration::from_secs(60)).expect_code(0);
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(&made.stdout).expect("a key in PEM");
    KeyPair::try_from(&key).expect("an RSA key in PKCS#8")
}

/// PEM text of a DER structure (RFC 7468: lines of 64 characters).
pub fn pem(label: &str, der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines: Vec<&str> = (0..text.len())
        .step_by(64)
        .map(|at| &text[at..text.len().min(at + 64)])
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

fn authority(name: &str) -> CertificateParams {
    let mut parameters = named(name, VALID);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

fn leaf(names: &[&str], days: Days) -> CertificateParams {
    let alternatives: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = named(names.first().copied().unwrap_or("nameless"), days);
    parameters.subject_alt_names = CertificateParams::new(alternatives)
        .expect("names that fit a certificate")
        .subject_alt_names;
    parameters.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
    ];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    parameters.use_authority_key_identifier_extension = true;
    parameters.custom_extensions = vec![responder()];
    parameters
}

/// Where to ask whether it is revoked (RFC 5280, 4.2.2.1): a port of this machine at which nobody answers.
fn responder() -> CustomExtension {
    let url = b"http://127.0.0.1:1/";
    let length = |bytes: usize| u8::try_from(bytes).expect("a short form");
    // AccessDescription { id-ad-ocsp, [6] URL } in a sequence.
    let mut description = vec![0x06, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 0x86, length(url.len())];
    description.extend(url);
    let inner = [&[0x30, length(description.len())], &description[..]].concat();
    let outer = [&[0x30, length(inner.len())], &inner[..]].concat();
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 1], outer)
}

fn named(name: &str, Days(from, to): Days) -> CertificateParams {
    let now = OffsetDateTime::now_utc();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    // A common name holds at most 64 characters; the names that count are the alternative ones.
    let common_name: String = name.chars().take(64).collect();
    parameters
        .distinguished_name
        .push(DnType::CommonName, common_name);
    parameters.not_before = now + Duration::days(from);
    parameters.not_after = now + Duration::days(to);
    parameters
}

fn write_leaf(folder: &Path, file: &str, certificate: &rcgen::Certificate, key: &KeyPair) -> Leaf {
    let leaf = Leaf {
        certificate: folder.join(format!("{file}.crt")),
        key: folder.join(format!("{file}.key")),
        der: certificate.der().to_vec(),
    };
    super::files::write(&leaf.certificate, pem("CERTIFICATE", certificate.der()));
    super::files::write(&leaf.key, pem("PRIVATE KEY", &key.serialize_der()));
    leaf
}
