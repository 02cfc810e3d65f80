//! The files that cases name: made once, copied into `conf/` of every case.

use std::path::Path;

use rcgen::{KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use tempfile::TempDir;

use crate::staging::{
    NAME, Pair, RSA, converted, leaf, leaf_by_openssl, openssl, parameters, pem, rsa, shop, utf16,
};

/// A folder with all of them.
pub fn make() -> TempDir {
    let folder = crate::support::files::folder();
    let at = folder.path();
    let put = |name: &str, bytes: &[u8]| std::fs::write(at.join(name), bytes).expect("a file");
    let shop = shop();
    let (good, intermediate) = (&shop.good, shop.intermediate.as_str());
    let full = format!("{}{intermediate}", good.certificate);
    put("full.crt", full.as_bytes());
    put("good.crt", good.certificate.as_bytes());
    put("good.key", good.key.as_bytes());
    put("chain.crt", intermediate.as_bytes());
    put("root.crt", shop.root.as_bytes());
    put("both.pem", format!("{}{full}", good.key).as_bytes());
    put("both-behind.pem", format!("{full}{}", good.key).as_bytes());
    pairs(&put);
    protected(at, &put);
    md5(at);
    keys(&put, good);
    rsa_keys(&put);
    certificates(&put, good, intermediate);
    put("empty", b"");
    put("blank", b" \n");
    put("text", b"certificate\n");
    put("page.html", b"<html><body>Not Found</body></html>\n");
    put("Listen.conf", b"\xef\xbb\xbfListen 443\n");
    put("late.conf", b"SSLProtocol all\n");
    std::fs::create_dir(at.join("folder")).expect("a folder");
    put("bl ank.crt", full.as_bytes());
    put("bl ank.key", good.key.as_bytes());
    folder
}

/// Other pairs of certificate and key: `NAME.crt` (with its chain), `NAME.key`.
fn pairs(put: &dyn Fn(&str, &[u8])) {
    let shop = shop();
    let other = leaf(|_| {});
    let of = |algorithm: &'static rcgen::SignatureAlgorithm| {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let certificate = parameters(NAME)
            .signed_by(&key, &shop.intermediate_issuer)
            .expect("a certificate");
        Pair {
            certificate: pem("CERTIFICATE", certificate.der()),
            key: pem("PRIVATE KEY", &key.serialize_der()),
        }
    };
    let curve = |name: &str| {
        leaf_by_openssl(
            &format!("-algorithm EC -pkeyopt ec_paramgen_curve:{name}"),
            "-sha256",
        )
    };
    let bits = |bits: u32| {
        leaf_by_openssl(
            &format!("-algorithm RSA -pkeyopt rsa_keygen_bits:{bits}"),
            "-sha256",
        )
    };
    for (name, pair) in [
        ("rsa", rsa().clone()),
        ("other", other),
        ("p384", of(&PKCS_ECDSA_P384_SHA384)),
        ("ed25519", of(&PKCS_ED25519)),
        ("p521", curve("P-521")),
        ("p224", curve("P-224")),
        ("p192", curve("P-192")),
        ("secp256k1", curve("secp256k1")),
        ("brainpool", curve("brainpoolP256r1")),
        ("explicit", curve("P-256 -pkeyopt ec_param_enc:explicit")),
        ("ed448", leaf_by_openssl("-algorithm ED448", "")),
        (
            "pss",
            leaf_by_openssl("-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048", "-sha256"),
        ),
        ("rsa1024", bits(1024)),
        ("rsa512", bits(512)),
        ("rsa2047", bits(2047)),
        ("rsa3072", bits(3072)),
        ("sha1", leaf_by_openssl(RSA, "-sha1")),
        ("sha224", leaf_by_openssl(RSA, "-sha224")),
        ("sha512", leaf_by_openssl(RSA, "-sha512")),
    ] {
        put(
            &format!("{name}.crt"),
            format!("{}{}", pair.certificate, shop.intermediate).as_bytes(),
        );
        put(&format!("{name}.key"), pair.key.as_bytes());
    }
}

/// Signed with MD5, which only an RSA authority does.
fn md5(at: &Path) {
    let words = "req -x509 -newkey rsa:2048 -nodes -subj /CN=Old -days 80 -keyout old.key -out old.crt";
    openssl(at, words);
    openssl(
        at,
        "req -new -newkey rsa:2048 -nodes -subj /CN=www.example.test -keyout md5.key -out md5.request",
    );
    openssl(
        at,
        "x509 -req -in md5.request -CA old.crt -CAkey old.key -days 80 -md5 -out md5.crt",
    );
}

/// Keys under a pass-phrase, and programs that know it or do not.
fn protected(at: &Path, put: &dyn Fn(&str, &[u8])) {
    let key = rsa().key.as_bytes();
    let old = "-provider legacy -provider default";
    for (name, words) in [
        ("des3", "rsa -in in -traditional -des3".to_string()),
        ("aes128", "rsa -in in -traditional -aes128".into()),
        ("aes256", "rsa -in in -traditional -aes256".into()),
        ("aria", "rsa -in in -traditional -aria256".into()),
        ("camellia", "rsa -in in -traditional -camellia256".into()),
        ("des", format!("rsa {old} -in in -traditional -des")),
        ("seed", format!("rsa {old} -in in -traditional -seed")),
        ("pbes2", "pkcs8 -topk8 -in in -v2 aes-256-cbc".into()),
        ("pbes2-128", "pkcs8 -topk8 -in in -v2 aes-128-cbc".into()),
        ("pbes2-192", "pkcs8 -topk8 -in in -v2 aes-192-cbc".into()),
        ("pbes2-des3", "pkcs8 -topk8 -in in -v2 des3".into()),
        (
            "pbes2-sha1",
            "pkcs8 -topk8 -in in -v2 aes-256-cbc -v2prf hmacWithSHA1".into(),
        ),
        (
            "pbes2-sha512",
            "pkcs8 -topk8 -in in -v2 aes-256-cbc -v2prf hmacWithSHA512".into(),
        ),
        (
            "pbes2-camellia",
            "pkcs8 -topk8 -in in -v2 camellia-256-cbc".into(),
        ),
        ("scrypt", "pkcs8 -topk8 -in in -scrypt".into()),
        ("pbe3des", "pkcs8 -topk8 -in in -v1 PBE-SHA1-3DES".into()),
        ("pbe2des", "pkcs8 -topk8 -in in -v1 PBE-SHA1-2DES".into()),
        ("rc2", format!("pkcs8 {old} -topk8 -in in -v1 PBE-SHA1-RC2-40")),
        (
            "rc2-128",
            format!("pkcs8 {old} -topk8 -in in -v1 PBE-SHA1-RC2-128"),
        ),
        ("rc4", format!("pkcs8 {old} -topk8 -in in -v1 PBE-SHA1-RC4-128")),
        ("pbes1", format!("pkcs8 {old} -topk8 -in in -v1 PBE-MD5-DES")),
        (
            "pbes1-sha1",
            format!("pkcs8 {old} -topk8 -in in -v1 PBE-SHA1-DES"),
        ),
        ("pbes2-der", "pkcs8 -topk8 -in in -outform DER".into()),
    ] {
        let made = converted(key, &format!("{words} -passout pass:secret -out out"));
        put(&format!("enc-{name}.key"), &made);
    }
    let ec = shop().good.key.as_bytes();
    put(
        "enc-ec.key",
        &converted(ec, "ec -in in -aes256 -passout pass:secret -out out"),
    );
    std::fs::write(at.join("in.key"), key).expect("a key");
    std::fs::write(at.join("in.crt"), &rsa().certificate).expect("a certificate");
    openssl(
        at,
        "pkcs12 -export -in in.crt -inkey in.key -passout pass:secret -out bag.pfx",
    );
    openssl(
        at,
        "pkcs12 -export -in in.crt -inkey in.key -passout pass: -out open.pfx",
    );
    openssl(at, "req -new -key in.key -subj /CN=x -out request.pem");
    openssl(at, "crl2pkcs7 -nocrl -certfile in.crt -out bag.p7b");
    openssl(at, "dhparam -out dh.pem -dsaparam 2048");
    put("ask", b"#!/bin/sh\necho secret\n");
    put("ask-wrong", b"#!/bin/sh\necho wrong\n");
    put("ask-nothing", b"#!/bin/sh\n");
    put("ask-fails", b"#!/bin/sh\nexit 1\n");
    put("ask-not-run", b"#!/bin/sh\necho secret\n");
    put("ask-no-such-shell", b"#!/no/such/shell\necho secret\n");
    put("ask-forms", b"#!/bin/sh\nwhile read line; do echo secret; done\n");
}

/// Spellings of the good key, right and wrong.
fn keys(put: &dyn Fn(&str, &[u8]), good: &Pair) {
    let key = good.key.as_str();
    let other = leaf(|_| {}).key;
    let bytes = key.as_bytes();
    let body: String = key
        .lines()
        .filter(|line| !line.starts_with('-'))
        .map(|line| format!("{line}\n"))
        .collect();
    let sec1 = converted(bytes, "ec -in in -out out");
    let sec1 = String::from_utf8(sec1).expect("PEM");
    let lines = |change: fn(&str) -> String| -> String { key.lines().map(change).collect() };
    for (name, bytes) in [
        ("public", converted(bytes, "pkey -in in -pubout -out out")),
        ("der", converted(bytes, "pkey -in in -outform DER -out out")),
        ("sec1-der", converted(bytes, "ec -in in -outform DER -out out")),
        ("sec1", sec1.clone().into_bytes()),
        ("parameters", format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{sec1}").into_bytes()),
        ("utf16le", utf16(key, false)),
        ("utf16be", utf16(key, true)),
        ("cut", bytes[..bytes.len() / 2].to_vec()),
        ("no-end", key.lines().filter(|line| !line.contains("END")).map(|line| format!("{line}\n")).collect::<String>().into_bytes()),
        ("no-begin", key.lines().filter(|line| !line.contains("BEGIN")).map(|line| format!("{line}\n")).collect::<String>().into_bytes()),
        ("two-wrong-first", format!("{other}{key}").into_bytes()),
        ("two-right-first", format!("{key}{other}").into_bytes()),
        ("one-line", key.replace('\n', "").into_bytes()),
        ("one-base64-line", format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", body.replace('\n', "")).into_bytes()),
        ("line-lost", key.lines().enumerate().filter(|(n, _)| *n != 2).map(|(_, line)| format!("{line}\n")).collect::<String>().into_bytes()),
        ("dashes", key.replace("-----", "\u{2014}\u{2014}").into_bytes()),
        ("four-dashes", key.replace("-----", "----").into_bytes()),
        ("indented", lines(|line| format!("  {line}\n")).into_bytes()),
        ("trailing", lines(|line| format!("{line}   \n")).into_bytes()),
        ("crlf", key.replace('\n', "\r\n").into_bytes()),
        ("cr", key.replace('\n', "\r").into_bytes()),
        ("mark", format!("\u{feff}{key}").into_bytes()),
        ("bare", body.clone().into_bytes()),
        ("no-newline", key.trim_end().as_bytes().to_vec()),
        ("text-before", format!("Bag Attributes\n    friendlyName: x\n{key}").into_bytes()),
        ("text-behind", format!("{key}the end\n").into_bytes()),
        ("lower-case", key.replace("BEGIN PRIVATE KEY", "begin private key").into_bytes()),
        ("wrong-label", key.replace("PRIVATE KEY", "RSA PRIVATE KEY").into_bytes()),
        ("ec-label", key.replace("PRIVATE KEY", "EC PRIVATE KEY").into_bytes()),
        ("any-label", key.replace("PRIVATE KEY", "ANY PRIVATE KEY").into_bytes()),
        ("ends-differ", key.replace("END PRIVATE KEY", "END RSA PRIVATE KEY").into_bytes()),
        ("blank-line", key.replacen("-----\n", "-----\n\n", 1).into_bytes()),
        ("junk-behind-begin", key.replacen("-----\n", "----- x\n", 1).into_bytes()),
        ("star", key.replacen("MI", "M*", 1).into_bytes()),
        ("mbox", lines(|line| format!("> {line}\n")).into_bytes()),
        ("putty", b"PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\nComment: x\nPublic-Lines: 1\nAAAA\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: 00\n".to_vec()),
        ("openssh", b"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU=\n-----END OPENSSH PRIVATE KEY-----\n".to_vec()),
        ("nul", [b"\0", bytes].concat()),
        ("garbage", (0..=255).cycle().take(2000).collect()),
        ("json", b"{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"x\"}\n".to_vec()),
    ] {
        put(&format!("k-{name}.key"), &bytes);
    }
}

/// The RSA key in other forms.
fn rsa_keys(put: &dyn Fn(&str, &[u8])) {
    let rsa_key = rsa().key.as_bytes();
    put(
        "rsa-pkcs1.key",
        &converted(rsa_key, "rsa -in in -traditional -out out"),
    );
    put(
        "rsa-pkcs1-der.key",
        &converted(rsa_key, "rsa -in in -traditional -outform DER -out out"),
    );
    put(
        "rsa-pvk.key",
        &converted(rsa_key, "rsa -in in -outform PVK -pvk-none -out out"),
    );
    put(
        "rsa-msblob.key",
        &converted(rsa_key, "rsa -in in -outform MSBLOB -out out"),
    );
}

/// Spellings of the good certificate, right and wrong.
#[expect(clippy::too_many_lines, reason = "a table")]
fn certificates(put: &dyn Fn(&str, &[u8]), good: &Pair, intermediate: &str) {
    let leaf_text = good.certificate.as_str();
    let full = format!("{leaf_text}{intermediate}");
    let without_line = |text: &str, lost: usize| -> String {
        text.lines()
            .enumerate()
            .filter(|(n, _)| *n != lost)
            .map(|(_, line)| format!("{line}\n"))
            .collect()
    };
    let der = converted(leaf_text.as_bytes(), "x509 -in in -outform DER -out out");
    let verbose =
        String::from_utf8(converted(leaf_text.as_bytes(), "x509 -in in -text -out out")).expect("text");
    let trusted = converted(leaf_text.as_bytes(), "x509 -in in -trustout -out out");
    let cut = &leaf_text.as_bytes()[..leaf_text.len() / 2];
    for (name, bytes) in [
        ("utf16le", utf16(&full, false)),
        ("utf16be", utf16(&full, true)),
        ("cut", cut.to_vec()),
        ("der", der),
        ("verbose", format!("{verbose}{intermediate}").into_bytes()),
        ("trusted", [&trusted[..], intermediate.as_bytes()].concat()),
        (
            "x509-label",
            full.replace("CERTIFICATE", "X509 CERTIFICATE").into_bytes(),
        ),
        ("line-lost", without_line(leaf_text, 3).into_bytes()),
        (
            "last-line-lost",
            without_line(leaf_text, leaf_text.lines().count() - 2).into_bytes(),
        ),
        (
            "indented",
            full.lines()
                .map(|line| format!("  {line}\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        (
            "trailing",
            full.lines()
                .map(|line| format!("{line}  \n"))
                .collect::<String>()
                .into_bytes(),
        ),
        ("crlf", full.replace('\n', "\r\n").into_bytes()),
        ("cr", full.replace('\n', "\r").into_bytes()),
        ("mark", format!("\u{feff}{full}").into_bytes()),
        (
            "bare",
            leaf_text
                .lines()
                .filter(|line| !line.starts_with('-'))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
                .into_bytes(),
        ),
        ("one-line", leaf_text.replace('\n', "").into_bytes()),
        (
            "one-base64-line",
            format!(
                "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
                leaf_text
                    .lines()
                    .filter(|line| !line.starts_with('-'))
                    .collect::<String>()
            )
            .into_bytes(),
        ),
        ("turned", format!("{intermediate}{leaf_text}").into_bytes()),
        (
            "second-cut",
            [
                leaf_text.as_bytes(),
                &intermediate.as_bytes()[..intermediate.len() / 2],
            ]
            .concat(),
        ),
        (
            "second-damaged",
            format!("{leaf_text}{}", without_line(intermediate, 3)).into_bytes(),
        ),
        (
            "glued",
            format!("{}{intermediate}", leaf_text.trim_end()).into_bytes(),
        ),
        (
            "second-marked",
            format!("{leaf_text}\u{feff}{intermediate}").into_bytes(),
        ),
        (
            "second-indented",
            format!(
                "{leaf_text}{}",
                intermediate
                    .lines()
                    .map(|line| format!(" {line}\n"))
                    .collect::<String>()
            )
            .into_bytes(),
        ),
        ("second-key", format!("{leaf_text}{}", good.key).into_bytes()),
        (
            "second-request",
            [
                leaf_text.as_bytes(),
                b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
            ]
            .concat(),
        ),
        (
            "second-garbage",
            format!("{leaf_text}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").into_bytes(),
        ),
        (
            "first-garbage",
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{leaf_text}").into_bytes(),
        ),
        (
            "first-unknown",
            format!("-----BEGIN SOMETHING-----\nAAAA\n-----END SOMETHING-----\n{full}").into_bytes(),
        ),
        (
            "first-unknown-broken",
            format!("-----BEGIN SOMETHING-----\nA*A\n-----END SOMETHING-----\n{full}").into_bytes(),
        ),
        (
            "text-between",
            format!("{leaf_text}issuer=x\n\n{intermediate}").into_bytes(),
        ),
        ("control-z", format!("{full}some text\u{1a}").into_bytes()),
        ("no-newline", full.trim_end().as_bytes().to_vec()),
        (
            "four-dashes",
            leaf_text.replacen("-----BEGIN", "----BEGIN", 1).into_bytes(),
        ),
        ("six-dashes", leaf_text.replace("-----", "------").into_bytes()),
        (
            "ends-differ",
            leaf_text
                .replace("END CERTIFICATE", "END X509 CERTIFICATE")
                .into_bytes(),
        ),
        ("lower-case", leaf_text.to_lowercase().into_bytes()),
        (
            "blank-line",
            leaf_text.replacen("-----\n", "-----\n\n", 1).into_bytes(),
        ),
        (
            "blank-inside",
            leaf_text.replacen("\nMI", "\n MI", 1).into_bytes(),
        ),
        ("nul", [b"\0", full.as_bytes()].concat()),
        (
            "comment",
            format!("# the certificate of www\n{full}").into_bytes(),
        ),
        (
            "pem-header",
            full.replacen("-----\n", "-----\nX-Header: y\n\n", 1).into_bytes(),
        ),
        ("root-too", format!("{full}{}", shop().root).into_bytes()),
        ("leaf-twice", format!("{leaf_text}{leaf_text}").into_bytes()),
        (
            "crl-behind",
            [
                full.as_bytes(),
                b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n",
            ]
            .concat(),
        ),
        (
            "dh-behind",
            format!("{full}-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n").into_bytes(),
        ),
        (
            "ec-behind",
            format!("{full}-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n")
                .into_bytes(),
        ),
        (
            "ec-behind-broken",
            format!("{full}-----BEGIN EC PARAMETERS-----\nAAAA\n-----END EC PARAMETERS-----\n").into_bytes(),
        ),
        ("garbage", (0..=255).cycle().take(2000).collect()),
    ] {
        put(&format!("c-{name}.crt"), &bytes);
    }
}

/// What of them a copy does not keep: modes, links.
pub fn permissions(conf: &Path) {
    for (from, name) in [
        ("good.key", "secret.key"),
        ("full.crt", "secret.crt"),
        ("chain.crt", "secret-chain.crt"),
    ] {
        std::fs::copy(conf.join(from), conf.join(name)).expect("a copy");
    }
    #[cfg(unix)]
    modes_and_links(conf);
}

#[cfg(unix)]
fn modes_and_links(conf: &Path) {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(conf.join(name), std::fs::Permissions::from_mode(mode)).expect("a mode");
    };
    for entry in std::fs::read_dir(conf).expect("the files").flatten() {
        let name = entry.file_name().into_string().expect("a printable name");
        if name.starts_with("ask") {
            mode(&name, 0o755);
        }
    }
    mode("ask-not-run", 0o644);
    for name in ["secret.key", "secret.crt", "secret-chain.crt"] {
        mode(name, 0o600);
    }
    symlink("good.key", conf.join("link.key")).expect("a link");
    symlink("no-such", conf.join("dangling.key")).expect("a link");
}
