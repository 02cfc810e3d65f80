//! Files as OpenSSL's command line writes them, in every format and protection that administrators bring.
//!
//! Needs the `openssl` command (version 3, with its legacy provider); its absence is a failure, not a skip.

use std::path::PathBuf;

use esync_ssl::tls::Error;
use esync_ssl::tls::certificate::{Certificate, Link};
use esync_ssl::tls::container::{Contents, Encoding, Kind, Shape};
use esync_ssl::tls::pem::encode;
use esync_ssl::tls::pkcs12::Archive;
use esync_ssl::tls::private_key::PrivateKey;
use esync_ssl::tls::public_key::{Curve, KeyKind};
use tempfile::TempDir;

use crate::httpd;
use crate::support::process;

/// A folder in which openssl works.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs openssl with these words, which must succeed.
    fn openssl(&self, words: &str) {
        let mut openssl = httpd::openssl();
        openssl.args(words.split_whitespace()).current_dir(self.0.path());
        let done = process::output(&mut openssl)
            .expect("the openssl command is needed for these tests: apt-get install openssl");
        assert!(
            done.status.success(),
            "openssl {words}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Key `name.key` (PKCS#8) and self-signed certificate `name.crt`.
    fn pair(&self, name: &str, key: &str) -> Certificate {
        self.openssl(&format!("genpkey {key} -out {name}.key"));
        self.openssl(&format!(
            "req -x509 -new -key {name}.key -subj /CN={name}.example -days 9 -out {name}.crt"
        ));
        Certificate::read_all(&self.read(&format!("{name}.crt")))
            .unwrap()
            .remove(0)
    }
}

fn belongs(file: &[u8], pass_phrase: Option<&str>, certificate: &Certificate) -> bool {
    let key = PrivateKey::read(file, pass_phrase.map(str::as_bytes)).unwrap();
    // What we write is read by OpenSSL's rules too; here at least by our own.
    let again = PrivateKey::read(key.to_pem().as_bytes(), None).unwrap();
    key.matches(&certificate.public_key) == Some(true) && again.matches(&certificate.public_key) == Some(true)
}

const EC: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";

#[test]
fn every_kind_of_key_is_matched_to_its_certificate() {
    let desk = Desk::new();
    for (name, make, shown) in [
        (
            "rsa",
            "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            "RSA 2048 bits",
        ),
        (
            "small",
            "-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
            "RSA 1024 bits",
        ),
        (
            "pss",
            "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
            "RSA-PSS 2048 bits",
        ),
        ("p256", EC, "EC P-256"),
        (
            "p384",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            "EC P-384",
        ),
        (
            "p521",
            "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
            "EC P-521",
        ),
        (
            "k256",
            "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
            "EC secp256k1",
        ),
        ("ed", "-algorithm ED25519", "Ed25519"),
    ] {
        let certificate = desk.pair(name, make);
        assert_eq!(certificate.public_key.kind.to_string(), shown);
        assert!(
            belongs(&desk.read(&format!("{name}.key")), None, &certificate),
            "{name}"
        );
        desk.openssl(&format!("pkey -in {name}.key -outform DER -out {name}.der"));
        assert!(
            belongs(&desk.read(&format!("{name}.der")), None, &certificate),
            "{name} in DER"
        );
        // openssl must read what we write.
        let key = PrivateKey::read(&desk.read(&format!("{name}.key")), None).unwrap();
        std::fs::write(desk.path("ours.key"), key.to_pem().as_bytes()).unwrap();
        desk.openssl("pkey -in ours.key -pubout -out ours.pub");
        desk.openssl(&format!("pkey -in {name}.key -pubout -out theirs.pub"));
        assert_eq!(desk.read("ours.pub"), desk.read("theirs.pub"), "{name}");
    }
    desk.openssl(
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit -out x.key",
    );
    desk.openssl("req -x509 -new -key x.key -subj /CN=x -days 9 -out x.crt");
    let certificate = Certificate::read_all(&desk.read("x.crt")).unwrap().remove(0);
    assert_eq!(certificate.public_key.kind, KeyKind::Ec(Curve::Explicit));
    assert!(belongs(&desk.read("x.key"), None, &certificate));
}

/// The reason for readers of our own: OpenSSL takes these keys, so Apache starts with them, and crates that read DER
/// strictly refuse them: `der` the lengths, `pkcs1` the numbers, `sec1` a curve that is written out.
#[test]
fn keys_that_are_no_der_are_read_as_openssl_reads_them() {
    let desk = Desk::new();
    let rsa = desk.pair("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    desk.openssl("rsa -in rsa.key -traditional -outform DER -out pkcs1.der");
    let der = desk.read("pkcs1.der");
    // A SEQUENCE, the version, and a modulus whose first bit is kept from being a sign by a zero.
    let [0x30, 0x82, _, _, 2, 1, 0, 2, 0x82, high, low, 0, ..] = der[..] else {
        panic!("{:02x?}", &der[..16])
    };
    let end = 11 + usize::from(high) * 256 + usize::from(low);
    let length = |bytes: usize| (bytes as u16).to_be_bytes();
    let with_modulus = |modulus: &[u8]| {
        let number = [&[2, 0x82], &length(modulus.len())[..], modulus].concat();
        let body = [&der[4..7], &number, &der[end..]].concat();
        [&[0x30, 0x82], &length(body.len())[..], &body].concat()
    };
    let modulus = &der[11..end];
    assert_eq!(with_modulus(modulus), der);
    for (what, spelt) in [
        ("a longer length", [&[0x30, 0x83, 0], &der[2..]].concat()),
        ("one more zero", with_modulus(&[&[0], modulus].concat())),
        ("no zero", with_modulus(&modulus[1..])),
        ("bytes behind the key", [&der[..], &[0, 0]].concat()),
    ] {
        std::fs::write(
            desk.path("spelt.key"),
            encode("RSA PRIVATE KEY", &spelt).as_bytes(),
        )
        .unwrap();
        desk.openssl("pkey -in spelt.key -check -noout");
        assert!(belongs(&desk.read("spelt.key"), None, &rsa), "{what}");
    }
    desk.openssl("ecparam -name prime256v1 -param_enc explicit -genkey -noout -out explicit.key");
    desk.openssl("req -x509 -new -key explicit.key -subj /CN=x -days 9 -out explicit.crt");
    let certificate = Certificate::read_all(&desk.read("explicit.crt"))
        .unwrap()
        .remove(0);
    assert!(belongs(&desk.read("explicit.key"), None, &certificate));
}

#[test]
fn the_old_forms_are_read() {
    let desk = Desk::new();
    let rsa = desk.pair("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    desk.openssl("rsa -in rsa.key -traditional -out pkcs1.pem");
    desk.openssl("rsa -in rsa.key -traditional -outform DER -out pkcs1.der");
    let ec = desk.pair("ec", EC);
    desk.openssl("ec -in ec.key -out sec1.pem");
    desk.openssl("ec -in ec.key -no_public -out bare.pem");
    desk.openssl("ec -in ec.key -outform DER -out sec1.der");
    desk.openssl("ec -in ec.key -conv_form compressed -out compressed.pem");
    assert!(belongs(&desk.read("pkcs1.pem"), None, &rsa));
    assert!(belongs(&desk.read("pkcs1.der"), None, &rsa));
    for file in ["sec1.pem", "bare.pem", "sec1.der", "compressed.pem"] {
        assert!(belongs(&desk.read(file), None, &ec), "{file}");
    }
    desk.openssl("ecparam -name prime256v1 -genkey -out params.key");
    let kinds: Vec<Kind> = Contents::recognise(&desk.read("params.key"))
        .items
        .into_iter()
        .map(|item| item.kind)
        .collect();
    assert_eq!(kinds[0], Kind::EcParameters);
    assert!(PrivateKey::read(&desk.read("params.key"), None).is_ok());
}

#[test]
fn odd_spellings_that_openssl_reads_are_read() {
    let desk = Desk::new();
    let ec = desk.pair("ec", EC);
    let text = String::from_utf8(desk.read("ec.key")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    for (what, file) in [
        ("CRLF", text.replace('\n', "\r\n").into_bytes()),
        ("byte order mark", format!("\u{feff}{text}").into_bytes()),
        ("text in front", format!("Key:\n\n{text}").into_bytes()),
        (
            "indented",
            text.lines()
                .map(|line| format!("   {line}\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        ("blanks behind", text.replace('\n', "  \n").into_bytes()),
        ("no newline at the end", text.trim_end().as_bytes().to_vec()),
        (
            "one line",
            format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n").into_bytes(),
        ),
        ("bare base64", format!("{body}\n").into_bytes()),
        ("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
    ] {
        assert!(belongs(&file, None, &ec), "{what}");
    }
}

#[test]
fn a_pass_phrase_is_taken_off_whatever_put_it_on() {
    let desk = Desk::new();
    let rsa = desk.pair("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    let ec = desk.pair("ec", EC);
    let legacy = "-provider legacy -provider default";
    let mut made = Vec::new();
    for cipher in ["des", "des3", "aes128", "aes192", "aes256"] {
        desk.openssl(&format!(
            "rsa {legacy} -in rsa.key -traditional -{cipher} -passout pass:PW -out rsa-{cipher}.key"
        ));
        made.push((format!("rsa-{cipher}.key"), &rsa));
    }
    desk.openssl("ec -in ec.key -aes256 -passout pass:PW -out ec-aes256.key");
    made.push(("ec-aes256.key".into(), &ec));
    for scheme in [
        "-v2 aes-128-cbc",
        "-v2 aes-192-cbc",
        "-v2 aes-256-cbc",
        "-v2 aes-256-cbc -v2prf hmacWithSHA1",
        "-v2 aes-256-cbc -v2prf hmacWithSHA512",
        "-v2 aes-256-cbc -iter 100000",
        "-v2 des3",
        "-scrypt",
        "-v1 PBE-MD5-DES",
        "-v1 PBE-SHA1-DES",
        "-v1 PBE-MD5-RC2-64",
        "-v1 PBE-SHA1-RC2-64",
        "-v1 PBE-SHA1-3DES",
        "-v1 PBE-SHA1-2DES",
        "-v1 PBE-SHA1-RC2-128",
        "-v1 PBE-SHA1-RC2-40",
    ] {
        let name = format!("p8{}.key", scheme.replace(' ', ""));
        desk.openssl(&format!(
            "pkcs8 {legacy} -topk8 -in rsa.key {scheme} -passout pass:PW -out {name}"
        ));
        made.push((name, &rsa));
    }
    desk.openssl("pkcs8 -topk8 -in ec.key -outform DER -passout pass:PW -out p8.der");
    made.push(("p8.der".into(), &ec));
    for (name, certificate) in made {
        let file = desk.read(&name);
        assert!(
            matches!(PrivateKey::read(&file, None), Err(Error::Encrypted(_))),
            "{name}"
        );
        assert!(belongs(&file, Some("PW"), certificate), "{name}");
        for wrong in ["", "pw", "PW ", "quite another"] {
            let refused = PrivateKey::read(&file, Some(wrong.as_bytes())).unwrap_err();
            assert_eq!(refused, Error::WrongPassPhrase, "{name} with {wrong:?}");
        }
    }
    desk.openssl("rsa -in rsa.key -traditional -camellia256 -passout pass:PW -out camellia.key");
    desk.openssl(&format!(
        "pkcs8 {legacy} -topk8 -in rsa.key -v1 PBE-SHA1-RC4-128 -passout pass:PW -out rc4.key"
    ));
    for name in ["camellia.key", "rc4.key"] {
        let refused = PrivateKey::read(&desk.read(name), Some(b"PW")).unwrap_err();
        assert!(
            matches!(refused, Error::UnsupportedEncryption(_)),
            "{name}: {refused}"
        );
    }
}

#[test]
fn absurd_key_derivation_is_refused_at_once() {
    let desk = Desk::new();
    desk.pair("ec", EC);
    desk.openssl("pkcs8 -topk8 -in ec.key -iter 4096 -outform DER -passout pass:PW -out p8.der");
    let mut file = desk.read("p8.der");
    let at = file
        .windows(4)
        .position(|bytes| bytes == [2, 2, 0x10, 0])
        .unwrap();
    // 4096 rounds become a number of the same length that is negative, then one that is huge.
    file[at + 2] = 0xff;
    assert_eq!(
        PrivateKey::read(&file, Some(b"PW")).unwrap_err(),
        Error::AbsurdEncryption
    );
    let begin = std::time::Instant::now();
    desk.openssl("pkcs8 -topk8 -in ec.key -iter 16000000 -outform DER -passout pass:PW -out slow.der");
    let theirs = begin.elapsed();
    let begin = std::time::Instant::now();
    assert_eq!(
        PrivateKey::read(&desk.read("slow.der"), Some(b"PW")).unwrap_err(),
        Error::AbsurdEncryption
    );
    assert!(begin.elapsed() < theirs / 4 + std::time::Duration::from_millis(100));
}

#[test]
fn what_is_no_key_is_named() {
    let desk = Desk::new();
    desk.pair("ec", EC);
    desk.openssl("req -new -key ec.key -subj /CN=x -out ec.csr");
    desk.openssl("req -new -key ec.key -subj /CN=x -outform DER -out csr.der");
    desk.openssl("pkey -in ec.key -pubout -out ec.pub");
    desk.openssl("pkey -in ec.key -pubout -outform DER -out pub.der");
    desk.openssl("x509 -in ec.crt -outform DER -out crt.der");
    desk.openssl("x509 -in ec.crt -trustout -addtrust serverAuth -out trusted.crt");
    desk.openssl("crl2pkcs7 -nocrl -certfile ec.crt -out ec.p7b");
    desk.openssl("crl2pkcs7 -nocrl -certfile ec.crt -outform DER -out p7b.der");
    desk.openssl("pkcs12 -export -in ec.crt -inkey ec.key -passout pass:x -out ec.pfx");
    let text = String::from_utf8(desk.read("ec.crt")).unwrap();
    std::fs::write(
        desk.path("x509.crt"),
        text.replace("CERTIFICATE", "X509 CERTIFICATE"),
    )
    .unwrap();
    let dashes = text.replace("-----", "\u{2014}\u{2014}");
    std::fs::write(desk.path("dashes.crt"), dashes).unwrap();
    std::fs::write(
        desk.path("putty.ppk"),
        "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n",
    )
    .unwrap();
    let ssh =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    std::fs::write(desk.path("id_rsa"), ssh).unwrap();
    for (name, description) in [
        ("ec.crt", "a certificate"),
        ("x509.crt", "a certificate"),
        ("crt.der", "a certificate in binary form (DER)"),
        ("trusted.crt", "a certificate with OpenSSL's trust settings"),
        ("ec.csr", "a certificate request (CSR)"),
        ("csr.der", "a certificate request (CSR) in binary form (DER)"),
        ("ec.pub", "a public key"),
        ("pub.der", "a public key in binary form (DER)"),
        ("ec.p7b", "a PKCS#7 bundle of certificates (.p7b)"),
        (
            "p7b.der",
            "a PKCS#7 bundle of certificates (.p7b) in binary form (DER)",
        ),
        ("putty.ppk", "a private key in PuTTY's format"),
        ("id_rsa", "a private key in OpenSSH's format"),
        (
            "dashes.crt",
            "PEM text whose hyphens a word processor turned into typographic dashes",
        ),
    ] {
        let refused = PrivateKey::read(&desk.read(name), None).unwrap_err();
        assert_eq!(refused, Error::NoPrivateKey(description.to_owned()), "{name}");
    }
    let pfx = Error::InArchive("a PFX archive (PKCS#12) in binary form (DER)".to_owned());
    assert_eq!(PrivateKey::read(&desk.read("ec.pfx"), None).unwrap_err(), pfx);
    for name in ["ec.crt", "x509.crt", "crt.der", "trusted.crt"] {
        let certificate = Certificate::read_all(&desk.read(name)).unwrap().remove(0);
        assert_eq!(certificate.issued_by(&certificate), Link::Verified, "{name}");
    }
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let contents = Contents::recognise(&utf16);
    assert_eq!((contents.encoding, contents.shape), (Encoding::Utf16, Shape::Pem));
}

#[test]
fn certificates_tell_their_fingerprints_and_oddities_as_openssl_does() {
    let desk = Desk::new();
    desk.openssl(&format!("genpkey {EC} -out k.key"));
    let config = "[req]\ndistinguished_name=d\nx509_extensions=e\nprompt=no\n[d]\nCN=k.example\nO=Some Ltd\n[e]\n\
                  subjectAltName=DNS:k.example,IP:192.0.2.1\nextendedKeyUsage=clientAuth\n\
                  tlsfeature=status_request\n1.2.3.4.5=critical,ASN1:NULL\nkeyUsage=critical,keyAgreement\n\
                  authorityInfoAccess=OCSP;URI:http://ocsp.example,caIssuers;URI:http://ca.example/ca.crt\n";
    std::fs::write(desk.path("k.cnf"), config).unwrap();
    desk.openssl("req -x509 -new -sha1 -key k.key -config k.cnf -days 9 -out k.crt");
    let certificate = Certificate::read_all(&desk.read("k.crt")).unwrap().remove(0);
    assert!(certificate.must_staple && certificate.signature_digest.is_broken());
    assert_eq!(certificate.unknown_critical, ["1.2.3.4.5"]);
    assert_eq!(certificate.ocsp, ["http://ocsp.example"]);
    assert_eq!(certificate.issuer_urls, ["http://ca.example/ca.crt"]);
    let purposes = certificate.purposes.unwrap();
    assert!(!purposes.server && purposes.client);
    assert!(!certificate.key_usage.unwrap().digital_signature);
    desk.openssl("x509 -in k.crt -noout -fingerprint -sha256 -out f256.txt");
    desk.openssl("x509 -in k.crt -noout -fingerprint -sha1 -out f1.txt");
    desk.openssl("x509 -in k.crt -noout -serial -out serial.txt");
    let colon = esync_ssl::tls::certificate::colon_hex;
    let shown = |name: &str| String::from_utf8(desk.read(name)).unwrap().trim().to_owned();
    assert!(shown("f256.txt").ends_with(&colon(&certificate.sha256())));
    assert!(shown("f1.txt").ends_with(&colon(&certificate.sha1())));
    let serial = shown("serial.txt").to_lowercase();
    assert!(
        certificate
            .serial
            .trim_start_matches('0')
            .ends_with(serial.trim_start_matches("serial=").trim_start_matches('0'))
    );
}

#[test]
fn archives_of_openssl_are_taken_apart() {
    let desk = Desk::new();
    let leaf = desk.pair("leaf", EC);
    desk.pair("other", EC);
    let text = [desk.read("other.crt"), desk.read("leaf.crt")].concat();
    std::fs::write(desk.path("both.crt"), &text).unwrap();
    for (name, words) in [
        ("new", ""),
        ("old", "-legacy"),
        (
            "windows",
            "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1",
        ),
        ("nomac", "-nomac"),
        ("plaincerts", "-certpbe NONE"),
    ] {
        desk.openssl(&format!(
            "pkcs12 -export -in leaf.crt -certfile other.crt -inkey leaf.key {words} -passout pass:PW -out {name}.pfx"
        ));
        let archive = Archive::read(&desk.read(&format!("{name}.pfx")), "PW").unwrap();
        assert_eq!(archive.leaf, leaf, "{name}");
        assert_eq!(archive.key.unwrap().matches(&leaf.public_key), Some(true));
        assert_eq!(archive.spare.len(), 1);
        let refused = Archive::read(&desk.read(&format!("{name}.pfx")), "pw").unwrap_err();
        assert_eq!(refused, Error::WrongPassPhrase, "{name}");
    }
    for form in ["PEM", "DER"] {
        desk.openssl(&format!(
            "crl2pkcs7 -nocrl -certfile both.crt -outform {form} -out both.p7b"
        ));
        let archive = Archive::read(&desk.read("both.p7b"), "").unwrap();
        assert!(archive.key.is_none());
        assert_eq!(archive.spare.len(), 1);
    }
}
