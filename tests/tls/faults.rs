//! Faults of certificate, key and chain files, staged before a real Apache: what `check` says must be what the
//! server does (starts or not) and what a client does (accepts or not).
#![cfg(unix)]

use crate::staging::*;
use esync_ssl::check::generation::Generation;
use esync_ssl::check::tls_files::{File, TlsFiles};
use esync_ssl::check::{Code, Severity};
use esync_ssl::check::{certificate::check, question::Question};
use rcgen::{
    BasicConstraints, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use time::Duration as Days;

/// The case must raise exactly these errors, and the world must agree with the worst of them.
fn fault(id: &str, files: Files, expected: &[Code]) {
    judged(id, files, expected, true);
}

/// As [`fault`], for faults that OpenSSL's client is known to tolerate while others refuse.
fn fault_for_others(id: &str, files: Files, expected: &[Code]) {
    judged(id, files, expected, false);
}

fn judged(id: &str, files: Files, expected: &[Code], client_agrees: bool) {
    let outcome = stage(&files);
    let codes: Vec<Code> = outcome.findings.iter().map(|finding| finding.code).collect();
    for code in expected {
        assert!(
            codes.contains(code),
            "{id}: {code} is missing in {:#?}",
            outcome.findings
        );
    }
    for finding in outcome
        .findings
        .iter()
        .filter(|finding| finding.severity.is_error())
    {
        assert!(
            expected.contains(&finding.code),
            "{id}: {} is not expected: {finding:#?}",
            finding.code
        );
    }
    let worst = outcome.findings.iter().map(|finding| finding.severity).min();
    let said = match worst {
        Some(Severity::StopsStart) => Verdict::DoesNotStart,
        Some(Severity::BreaksClients) if client_agrees => Verdict::ClientRefuses,
        _ => Verdict::Works,
    };
    assert_eq!(
        outcome.verdict, said,
        "{id}: {:#?}\n{}",
        outcome.findings, outcome.log
    );
    // What a stopped server logs is what we announce.
    if said == Verdict::DoesNotStart {
        let announced: Vec<&str> = outcome
            .findings
            .iter()
            .flat_map(|f| f.apache_codes.clone())
            .collect();
        assert!(
            announced.iter().any(|code| outcome.log.contains(code)) || announced.contains(&"AH00526"),
            "{id}: announced {announced:?}\n{}",
            outcome.log
        );
    }
}

/// The case works and raises nothing, advice aside.
fn healthy(id: &str, files: Files) {
    let outcome = stage(&files);
    let alarms: Vec<_> = outcome
        .findings
        .iter()
        .filter(|f| f.severity < Severity::Advice)
        .collect();
    assert!(alarms.is_empty(), "{id}: {alarms:#?}");
    assert_eq!(outcome.verdict, Verdict::Works, "{id}: {}", outcome.log);
}

#[test]
fn keys_under_a_pass_phrase() {
    let key = rsa().key.as_bytes();
    for (id, words) in [
        (
            "K01",
            "rsa -in in -traditional -des3 -passout pass:secret -out out",
        ),
        (
            "K02",
            "rsa -in in -traditional -aes256 -passout pass:secret -out out",
        ),
        (
            "K03",
            "rsa -provider legacy -provider default -in in -traditional -des -passout pass:secret -out out",
        ),
        (
            "K04",
            "pkcs8 -topk8 -in in -v2 aes-256-cbc -passout pass:secret -out out",
        ),
        ("K05", "pkcs8 -topk8 -in in -scrypt -passout pass:secret -out out"),
        (
            "K07",
            "pkcs8 -topk8 -in in -outform DER -passout pass:secret -out out",
        ),
    ] {
        let files = Files {
            key: Some(converted(key, words)),
            ..Files::of(rsa())
        };
        fault(id, files, &[Code::KeyPassPhrase]);
    }
    let ec = converted(
        shop().good.key.as_bytes(),
        "ec -in in -aes256 -passout pass:secret -out out",
    );
    fault("K56", Files::key(ec), &[Code::KeyPassPhrase]);
}

#[test]
fn keys_that_a_program_opens() {
    let key = rsa().key.as_bytes();
    let case = |words: &str| {
        let legacy = words.contains("PBE") || words.contains(" -des ");
        let words = if legacy {
            words.replacen(' ', " -provider legacy -provider default ", 1)
        } else {
            words.into()
        };
        let words = format!("{words} -passout pass:secret -out out");
        Files {
            key: Some(converted(key, &words)),
            dialog: Some("secret"),
            ..Files::of(rsa())
        }
    };
    for (id, words) in [
        ("K08", "rsa -in in -traditional -des3"),
        ("K60", "rsa -in in -traditional -aes128"),
        ("K61", "rsa -in in -traditional -aes256"),
        ("K63", "pkcs8 -topk8 -in in -v2 aes-256-cbc"),
        ("K65", "pkcs8 -topk8 -in in -scrypt"),
        ("K66", "pkcs8 -topk8 -in in -v1 PBE-SHA1-3DES"),
        ("two-key 3DES", "pkcs8 -topk8 -in in -v1 PBE-SHA1-2DES"),
        ("PBES2 with 3DES", "pkcs8 -topk8 -in in -v2 des3"),
        ("Camellia", "rsa -in in -traditional -camellia256"),
    ] {
        healthy(id, case(words));
    }
    for (id, words) in [
        ("K16", "rsa -in in -traditional -des "),
        ("K67", "pkcs8 -topk8 -in in -v1 PBE-SHA1-RC2-40"),
        ("RC4", "pkcs8 -topk8 -in in -v1 PBE-SHA1-RC4-128"),
        ("PBES1", "pkcs8 -topk8 -in in -v1 PBE-MD5-DES"),
    ] {
        fault(id, case(words), &[Code::KeyCipherUnknown]);
    }
    let der = case("pkcs8 -topk8 -in in -outform DER");
    fault("K07 with a program", der, &[Code::KeyPassPhrase]);
}

#[test]
fn files_that_are_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("folder")).unwrap();
    write_private(&at("good"), &Files::good().certificate);
    write_private(&at("key"), shop().good.key.as_bytes());
    for (id, certificate, key, chain, code) in [
        ("C01", "none", "key", None, Code::FileMissing),
        ("C03", "folder", "key", None, Code::FileNotRegular),
        ("missing key", "good", "none", None, Code::FileMissing),
        ("directory as key", "good", "folder", None, Code::FileNotRegular),
        ("H07", "good", "key", Some("none"), Code::FileMissing),
        (
            "directory as chain",
            "good",
            "key",
            Some("folder"),
            Code::FileNotRegular,
        ),
    ] {
        let files = TlsFiles {
            certificate: File::load(&at(certificate)),
            key: Some(File::load(&at(key))),
            chain: chain.map(|name| File::load(&at(name))),
        };
        let findings = check(&question(&files));
        assert!(
            findings
                .iter()
                .any(|f| f.code == code && f.severity == Severity::StopsStart),
            "{id}: {findings:#?}"
        );
        let path = |name: &str| at(name).display().to_string();
        let mut lines = format!(
            "SSLCertificateFile {}\nSSLCertificateKeyFile {}\n",
            path(certificate),
            path(key)
        );
        if let Some(chain) = chain {
            lines += &format!("SSLCertificateChainFile {}\n", path(chain));
        }
        assert_eq!(
            serve(dir.path(), "", &lines, NAME).0,
            Verdict::DoesNotStart,
            "{id}"
        );
    }
    std::fs::set_permissions(at("key"), std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let key = Some(File::load(&at("key")));
    let files = TlsFiles {
        certificate: File::load(&at("good")),
        key,
        chain: None,
    };
    let findings = check(&question(&files));
    assert_eq!(
        findings.iter().map(|f| f.code).collect::<Vec<_>>(),
        [Code::KeyExposed]
    );
}

/// What was measured on Apache 2.4.7 with OpenSSL 1.0.2, which cannot be staged here: the same files, another
/// judgement.
#[test]
fn the_generation_of_2014_is_judged_by_its_own_rules() {
    use Severity::{BreaksClients, StopsStart};
    let shop = shop();
    let good = &shop.good;
    let with_chain = Files::chain(shop.intermediate.clone());
    assert_eq!(judged_as_in_2014(&with_chain), []);
    assert_eq!(
        judged_as_in_2014(&Files::good()),
        [(Code::ChainNotSent, BreaksClients)],
        "OK1 and section 3"
    );
    let der = converted(good.certificate.as_bytes(), "x509 -in in -outform DER -out out");
    let indented: String = good
        .certificate
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    let marked = format!("\u{feff}{}", good.certificate).into_bytes();
    let marked_stops = [(Code::CertByteOrderMark, StopsStart)];
    for (id, certificate, expected) in [
        ("DER is read", der, &[][..]),
        ("C44", indented.into(), &[]),
        ("C08", marked, &marked_stops),
    ] {
        let files = Files {
            certificate,
            ..with_chain.clone()
        };
        assert_eq!(judged_as_in_2014(&files), expected, "{id}");
    }
}

/// What `check` says of files before Apache 2.4.7 with OpenSSL 1.0.2.
fn judged_as_in_2014(files: &Files) -> Vec<(Code, Severity)> {
    let tls_files = TlsFiles {
        certificate: File::from_bytes("c.pem", &files.certificate),
        key: files.key.as_ref().map(|key| File::from_bytes("k.pem", key)),
        chain: files.chain.as_ref().map(|chain| File::from_bytes("h.pem", chain)),
    };
    let question = Question {
        server: Generation::OF_2014,
        server_name: Some(files.name),
        ..question(&tls_files)
    };
    let question = Question {
        pass_phrase_dialog: files.dialog.is_some(),
        ..question
    };
    check(&question)
        .into_iter()
        .map(|f| (f.code, f.severity))
        .collect()
}

/// The same for kinds of keys and their protection.
#[test]
fn keys_of_the_generation_of_2014_are_judged_by_its_own_rules() {
    use Severity::{BreaksClients, StopsStart};
    let judged = judged_as_in_2014;
    let with_chain = Files::chain(shop().intermediate.clone());
    let weak = leaf_by_openssl("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "-sha256");
    let case = |pair: &Pair| Files {
        certificate: pair.certificate.clone().into(),
        key: Some(pair.key.clone().into()),
        ..with_chain.clone()
    };
    assert_eq!(judged(&case(&weak)), [(Code::KeyWeak, BreaksClients)], "K42");
    assert_eq!(
        judged(&case(&leaf_by_openssl(RSA, "-sha1"))),
        [(Code::SignatureWeak, BreaksClients)],
        "C16"
    );
    let ed = leaf_by_openssl("-algorithm ED25519", "-sha256");
    assert_eq!(judged(&case(&ed)), [(Code::KeyTypeTooNew, StopsStart)], "OK5");
    let protected = |words: &str| Files {
        key: Some(converted(
            rsa().key.as_bytes(),
            &format!("{words} -passout pass:x -out out"),
        )),
        dialog: Some("x"),
        ..case(rsa())
    };
    let legacy = "-provider legacy -provider default -in in";
    assert_eq!(
        judged(&protected("pkcs8 -topk8 -in in -scrypt")),
        [(Code::KeyCipherUnknown, StopsStart)],
        "K65"
    );
    assert_eq!(
        judged(&protected(&format!("rsa {legacy} -traditional -des"))),
        [],
        "K16"
    );
    assert_eq!(
        judged(&protected(&format!("pkcs8 {legacy} -topk8 -v1 PBE-SHA1-RC2-40"))),
        [],
        "K67"
    );
}

#[test]
fn what_is_no_readable_key() {
    let good = &shop().good;
    fault("K20", Files::key(""), &[Code::FileEmpty]);
    fault("K24", Files::key(good.certificate.clone()), &[Code::KeyNotAKey]);
    let public = converted(good.key.as_bytes(), "pkey -in in -pubout -out out");
    fault("K25", Files::key(public), &[Code::KeyNotAKey]);
    fault("K30", Files::key(utf16(&good.key, false)), &[Code::KeyUtf16]);
    let cut: String = good.key.lines().take(2).map(|line| format!("{line}\n")).collect();
    fault("K31", Files::key(cut), &[Code::KeyDamaged]);
    let ssh =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    fault("K40", Files::key(ssh), &[Code::KeyNotAKey]);
    fault(
        "K41",
        Files::key("PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n"),
        &[Code::KeyNotAKey],
    );
    fault("K46", Files::key(without_line(&good.key, 2)), &[Code::KeyDamaged]);
    fault("K48", Files::key(good.key.replace('\n', "")), &[Code::KeyDamaged]);
    fault(
        "K51",
        Files::key(good.key.replace("-----", "\u{2014}\u{2014}")),
        &[Code::KeyNotAKey],
    );
    fault("K54", Files::key(" \n"), &[Code::KeyNotAKey]);
    let pfx = "pkcs12 -export -nocerts -inkey in -in in -passout pass:x -out out";
    fault(
        "PFX as key",
        Files::key(converted(good.key.as_bytes(), pfx)),
        &[Code::KeyNotAKey],
    );
    fault(
        "web page as key",
        Files::key("<!DOCTYPE html><html>"),
        &[Code::KeyNotAKey],
    );
    fault(
        "no key at all",
        Files {
            key: None,
            ..Files::good()
        },
        &[Code::KeyNotAKey],
    );
}

#[test]
fn keys_that_do_not_belong() {
    let good = &shop().good;
    let other = leaf(|_| {});
    fault("K34", Files::key(other.key.clone()), &[Code::KeyMismatch]);
    fault(
        "K34 of another kind",
        Files::key(rsa().key.clone()),
        &[Code::KeyMismatch],
    );
    fault(
        "K39",
        Files::key(format!("{}{}", other.key, good.key)),
        &[Code::KeySeveral],
    );
    let shop = shop();
    let turned = format!("{}{}", shop.intermediate, good.certificate);
    fault("H02", Files::certificate(turned), &[Code::ChainLeafNotFirst]);
}

#[test]
fn keys_of_no_use() {
    let weak = leaf_by_openssl("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "-sha256");
    fault("K42", Files::of(&weak), &[Code::KeyWeak]);
    let explicit = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit";
    fault(
        "K44",
        Files::of(&leaf_by_openssl(explicit, "-sha256")),
        &[Code::KeyUnusable],
    );
    let koblitz = "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1";
    fault(
        "K45",
        Files::of(&leaf_by_openssl(koblitz, "-sha256")),
        &[Code::KeyUnusable],
    );
    fault(
        "C16",
        Files::of(&leaf_by_openssl(RSA, "-sha1")),
        &[Code::SignatureWeak],
    );
}

#[test]
fn what_is_no_readable_certificate() {
    let shop = shop();
    let good = &shop.good;
    let both = String::from_utf8(Files::good().certificate).unwrap();
    fault("C02", Files::certificate(""), &[Code::FileEmpty]);
    fault("C09", Files::certificate(utf16(&both, false)), &[Code::CertUtf16]);
    fault("C48", Files::certificate(utf16(&both, true)), &[Code::CertUtf16]);
    let cut: String = good
        .certificate
        .lines()
        .take(4)
        .map(|line| format!("{line}\n"))
        .collect();
    fault("C11", Files::certificate(cut), &[Code::CertDamaged]);
    fault(
        "C12",
        Files::certificate(good.key.clone()),
        &[Code::CertNotACertificate],
    );
    let request = converted(good.key.as_bytes(), "req -new -key in -subj /CN=x -out out");
    fault("C13", Files::certificate(request), &[Code::CertNotACertificate]);
    let p7b = converted(both.as_bytes(), "crl2pkcs7 -nocrl -certfile in -out out");
    fault("C38", Files::certificate(p7b), &[Code::CertNotACertificate]);
    let trusted = converted(
        good.certificate.as_bytes(),
        "x509 -in in -trustout -addtrust serverAuth -out out",
    );
    let files = Files {
        chain: Some(shop.intermediate.clone().into()),
        ..Files::certificate(trusted)
    };
    fault("C39", files, &[Code::CertTrustedLabel]);
    fault(
        "C41",
        Files::certificate(without_line(&both, 3)),
        &[Code::CertDamaged],
    );
}

#[test]
fn what_is_no_readable_text_of_a_certificate() {
    let shop = shop();
    let good = &shop.good;
    let both = String::from_utf8(Files::good().certificate).unwrap();
    let indented: String = both.lines().map(|line| format!("  {line}\n")).collect();
    fault("C44", Files::certificate(indented), &[Code::CertNotAtLineStart]);
    let der = converted(good.certificate.as_bytes(), "x509 -in in -outform DER -out out");
    fault(
        "certificate in DER",
        Files::certificate(der),
        &[Code::CertNotPem, Code::ChainMissing],
    );
    fault(
        "web page as certificate",
        Files::certificate("<html>"),
        &[Code::CertNotACertificate],
    );
    fault(
        "certificate with typographic dashes",
        Files::certificate(both.replace("-----", "\u{2013}\u{2013}")),
        &[Code::CertNotACertificate],
    );
    fault(
        "certificate without line breaks",
        Files::certificate(both.replace('\n', "")),
        &[Code::CertDamaged],
    );
    fault(
        "H19",
        Files::certificate(&both[..both.len() - 60]),
        &[Code::CertDamaged],
    );
    let lines = good.certificate.lines().count();
    fault(
        "H20",
        Files::certificate(without_line(&both, lines + 3)),
        &[Code::CertDamaged],
    );
    fault(
        "H22",
        Files::certificate(format!("{}{}", good.certificate.trim_end(), shop.intermediate)),
        &[Code::CertGlued],
    );
}

#[test]
fn dates_and_purposes() {
    let expired = leaf(|params| params.not_after = now() - Days::days(1));
    fault("C14", Files::of(&expired), &[Code::CertExpired]);
    let early = leaf(|params| params.not_before = now() + Days::days(1));
    fault("C15", Files::of(&early), &[Code::CertNotYetValid]);
    let soon = leaf(|params| params.not_after = now() + Days::days(2));
    fault("C37", Files::of(&soon), &[Code::CertExpiresSoon]);
    let ca = leaf(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    fault_for_others("C29", Files::of(&ca), &[Code::CertIsCa]);
    let client = leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    fault("C30", Files::of(&client), &[Code::CertNoServerAuth]);
    let signer = leaf(|params| params.key_usages = vec![KeyUsagePurpose::KeyCertSign]);
    fault("C31", Files::of(&signer), &[Code::CertKeyUsage]);
    let encipherer = leaf(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]);
    fault("C32", Files::of(&encipherer), &[Code::CertKeyUsage]);
    let critical = leaf(|params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    fault("C33", Files::of(&critical), &[Code::CertCriticalExtension]);
    let staple = leaf(|params| {
        let feature =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5]);
        params.custom_extensions.push(feature);
    });
    fault("C36", Files::of(&staple), &[Code::CertMustStaple]);
    let key = KeyPair::generate().unwrap();
    let own = parameters(NAME).self_signed(&key).unwrap();
    let own = Pair {
        certificate: pem("CERTIFICATE", own.der()),
        key: pem("PRIVATE KEY", &key.serialize_der()),
    };
    let files = Files {
        certificate: own.certificate.clone().into(),
        ..Files::of(&own)
    };
    let outcome = stage(&files);
    assert!(
        outcome
            .findings
            .iter()
            .any(|f| f.code == Code::CertSelfSigned && !f.severity.is_error())
    );
    assert_eq!(outcome.verdict, Verdict::ClientRefuses);
}

/// A leaf for these names and addresses.
fn named(names: &[&str], common: &str) -> Pair {
    let names: Vec<SanType> = names
        .iter()
        .map(|name| match name.parse() {
            Ok(ip) => SanType::IpAddress(ip),
            Err(_) => SanType::DnsName((*name).try_into().unwrap()),
        })
        .collect();
    leaf(|params| {
        params.subject_alt_names = names;
        params.distinguished_name.push(DnType::CommonName, common);
    })
}

#[test]
fn names() {
    fault(
        "C18",
        Files::of(&named(&["other.example.test"], "other.example.test")),
        &[Code::NameNotCovered],
    );
    fault_for_others("C19", Files::of(&named(&[], NAME)), &[Code::NameOnlyCommonName]);
    fault(
        "C20",
        Files::of(&named(&["other.example.test"], NAME)),
        &[Code::NameOnlyCommonName],
    );
    let wildcard = named(&["*.example.test"], "*.example.test");
    healthy("C21", Files::of(&wildcard));
    fault(
        "C23",
        Files {
            name: "example.test",
            ..Files::of(&wildcard)
        },
        &[Code::NameNotCovered],
    );
    fault(
        "deep wildcard",
        Files {
            name: "a.b.example.test",
            ..Files::of(&wildcard)
        },
        &[Code::NameNotCovered],
    );
    let address = named(&["127.0.0.1"], "x");
    let files = Files {
        name: "127.0.0.1",
        ..Files::of(&address)
    };
    healthy("C25", files.clone());
    assert!(
        stage(&files).log.contains("AH01909"),
        "the false alarm that we announce"
    );
    healthy(
        "C27",
        Files {
            name: "xn--bcher-kva.example.test",
            ..Files::of(&wildcard)
        },
    );
    fault(
        "C49",
        Files::of(&named(&["www.example.test."], "x")),
        &[Code::NameNotCovered],
    );
    let alias = Files {
        name: "example.test",
        aliases: vec![NAME.into()],
        ..Files::good()
    };
    let outcome = stage(&alias);
    assert!(
        outcome
            .findings
            .iter()
            .all(|f| f.severity == Severity::WorksButWrong),
        "C50"
    );
    assert!(
        outcome.findings.iter().any(|f| f.code == Code::NameNotCovered),
        "C50"
    );
}

#[test]
fn chains_in_the_file_of_the_certificate() {
    let shop = shop();
    let good = &shop.good;
    fault(
        "H01",
        Files::certificate(good.certificate.clone()),
        &[Code::ChainMissing],
    );
    let order =
        |parts: &[&String]| Files::certificate(parts.iter().map(|part| part.as_str()).collect::<String>());
    fault(
        "H03",
        order(&[&good.certificate, &shop.root, &shop.intermediate]),
        &[Code::ChainOrder],
    );
    let (other, _) = authority("Other Intermediate", Some(&shop.root_issuer));
    fault("H04", order(&[&good.certificate, &other]), &[Code::ChainWrong]);
    healthy("H05", order(&[&good.certificate, &shop.intermediate, &shop.root]));
    fault(
        "H06",
        order(&[&good.certificate, &good.certificate, &shop.intermediate]),
        &[Code::ChainLeafRepeated],
    );
    healthy(
        "H21",
        Files::certificate(format!("{}\u{feff}{}", good.certificate, shop.intermediate)),
    );
}

#[test]
fn chains_in_their_own_file() {
    let shop = shop();
    let good = &shop.good;
    fault("H08", Files::chain(""), &[Code::FileEmpty]);
    fault(
        "H12",
        Files::chain(&shop.intermediate[..shop.intermediate.len() - 60]),
        &[Code::ChainFileDamaged],
    );
    fault("H14", Files::chain("<html>"), &[Code::ChainFileNoCertificate]);
    let der = converted(shop.intermediate.as_bytes(), "x509 -in in -outform DER -out out");
    fault("H09", Files::chain(der), &[Code::ChainFileNoCertificate]);
    fault(
        "H10",
        Files::chain(good.key.clone()),
        &[Code::ChainFileNoCertificate],
    );
    let p7b = converted(
        shop.intermediate.as_bytes(),
        "crl2pkcs7 -nocrl -certfile in -out out",
    );
    fault("H26", Files::chain(p7b), &[Code::ChainFileNoCertificate]);
    fault(
        "H27",
        Files::chain(format!("{}{}", good.certificate, shop.intermediate)),
        &[Code::ChainLeafRepeated],
    );
    fault(
        "UTF-16 chain",
        Files::chain(utf16(&shop.intermediate, false)),
        &[Code::ChainFileNoCertificate],
    );
    let glued = format!("{}{}", shop.intermediate.trim_end(), shop.root);
    fault("glued chain", Files::chain(glued), &[Code::ChainFileDamaged]);
    healthy("chain in its own file", Files::chain(shop.intermediate.clone()));
    healthy("H25", Files::chain(format!("\u{feff}{}", shop.intermediate)));
}

/// Where both directives have their file, and which is sent.
#[test]
fn chains_in_two_places() {
    let shop = shop();
    let good = &shop.good;
    let same = Files {
        chain_is_certificate: true,
        ..Files::certificate(good.certificate.clone())
    };
    fault("H11", same, &[Code::ChainMissing]);
    let whole = Files {
        chain_is_certificate: true,
        ..Files::good()
    };
    healthy("full chain in both directives", whole);
    let (other, _) = authority("Other Intermediate", Some(&shop.root_issuer));
    fault(
        "H15",
        Files {
            chain: Some(other.into()),
            ..Files::good()
        },
        &[Code::ChainNotSent],
    );
}

#[test]
fn a_chain_that_expired() {
    let shop = shop();
    let mut old = parameters("Test Intermediate");
    old.subject_alt_names.clear();
    old.extended_key_usages.clear();
    old.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    old.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    old.not_after = now() - Days::days(1);
    let (old, old_issuer) = finish_authority(old, Some(&shop.root_issuer));
    let under_old = sign(parameters(NAME), &old_issuer);
    let certificate = format!("{}{old}", under_old.certificate).into_bytes();
    fault(
        "H23",
        Files {
            certificate,
            ..Files::of(&under_old)
        },
        &[Code::ChainExpired],
    );
}

/// An intermediate made by openssl, and a good leaf under it.
fn under_odd_intermediate(key: &str, sign_with: &str, extensions: &str) -> (String, Pair) {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    let shop = shop();
    std::fs::write(
        at.join("root.key"),
        pem("PRIVATE KEY", &shop.root_issuer.key().serialize_der()),
    )
    .unwrap();
    std::fs::write(at.join("root.pem"), &shop.root).unwrap();
    std::fs::write(at.join("ext"), extensions).unwrap();
    std::fs::write(at.join("leaf"), format!("subjectAltName=DNS:{NAME}\n")).unwrap();
    openssl(at, &format!("genpkey {key} -out k"));
    openssl(at, "req -new -key k -subj /CN=Odd -out r");
    openssl(
        at,
        &format!("x509 -req -in r -CA root.pem -CAkey root.key -days 80 -extfile ext {sign_with} -out ca"),
    );
    openssl(
        at,
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out lk",
    );
    openssl(at, &format!("req -new -key lk -subj /CN={NAME} -out lr"));
    openssl(
        at,
        "x509 -req -in lr -CA ca -CAkey k -days 80 -extfile leaf -sha256 -out lc",
    );
    let read = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
    (
        read("ca"),
        Pair {
            certificate: read("lc"),
            key: read("lk"),
        },
    )
}

#[test]
fn odd_intermediates() {
    let ca = "basicConstraints=critical,CA:TRUE\n";
    let ec = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
    let short = "-algorithm RSA -pkeyopt rsa_keygen_bits:1024";
    for (id, key, digest, extensions, code) in [
        ("SHA-1 intermediate", ec, "-sha1", ca, Code::ChainWeakSignature),
        (
            "short intermediate",
            short,
            "-sha256",
            ca,
            Code::ChainWeakSignature,
        ),
        (
            "issuer that is no CA",
            ec,
            "-sha256",
            "basicConstraints=CA:FALSE\n",
            Code::ChainWrong,
        ),
    ] {
        let (intermediate, pair) = under_odd_intermediate(key, digest, extensions);
        let together = format!("{}{intermediate}", pair.certificate).into_bytes();
        fault(
            id,
            Files {
                certificate: together,
                ..Files::of(&pair)
            },
            &[code],
        );
        let own_file = Files {
            certificate: pair.certificate.clone().into(),
            chain: Some(intermediate.into()),
            ..Files::of(&pair)
        };
        fault(&format!("{id} in its own file"), own_file, &[code]);
    }
}

#[test]
fn another_ca_of_the_same_name() {
    let shop = shop();
    // Without key identifiers only the signature tells.
    let mut params = parameters(NAME);
    params.use_authority_key_identifier_extension = false;
    let pair = sign(params, &shop.intermediate_issuer);
    let (twin, _) = authority("Test Intermediate", Some(&shop.root_issuer));
    let certificate = format!("{}{twin}", pair.certificate).into_bytes();
    fault(
        "twin",
        Files {
            certificate,
            ..Files::of(&pair)
        },
        &[Code::ChainSignature],
    );
}

#[test]
fn lower_security_levels() {
    let weak = leaf_by_openssl("-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "-sha256");
    fault(
        "K58",
        Files {
            level: Some(1),
            ..Files::of(&weak)
        },
        &[Code::KeyWeak],
    );
    let old = leaf_by_openssl(RSA, "-sha1");
    fault(
        "C55",
        Files {
            level: Some(0),
            ..Files::of(&old)
        },
        &[Code::SignatureWeak],
    );
    fault(
        "SHA-1 at level 1",
        Files {
            level: Some(1),
            ..Files::of(&old)
        },
        &[Code::SignatureWeak],
    );
}

#[test]
fn self_signed_certificates_start() {
    for digest in ["-sha256", "-sha1"] {
        let dir = tempfile::tempdir().unwrap();
        openssl(dir.path(), &format!("genpkey {RSA} -out k"));
        let names = format!("-addext subjectAltName=DNS:{NAME} -addext basicConstraints=CA:FALSE");
        openssl(
            dir.path(),
            &format!("req -x509 -new -key k {digest} -days 60 -subj /CN={NAME} {names} -out c"),
        );
        let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        let outcome = stage(&Files {
            certificate: read("c"),
            key: Some(read("k")),
            ..Files::good()
        });
        let codes: Vec<_> = outcome.findings.iter().map(|f| (f.code, f.severity)).collect();
        assert_eq!(
            codes,
            [(Code::CertSelfSigned, Severity::WorksButWrong)],
            "{digest}"
        );
        assert_eq!(
            outcome.verdict,
            Verdict::ClientRefuses,
            "{digest}: starts, and nobody trusts it yet"
        );
    }
}

#[test]
fn odd_spellings_of_keys_that_work_raise_nothing() {
    let good = &shop().good;
    let der = "pkey -in in -outform DER -out out";
    healthy("K26", Files::key(converted(good.key.as_bytes(), der)));
    let pkcs1 = converted(
        rsa().key.as_bytes(),
        "rsa -in in -traditional -outform DER -out out",
    );
    healthy(
        "K27",
        Files {
            key: Some(pkcs1),
            ..Files::of(rsa())
        },
    );
    let sec1 = String::from_utf8(converted(good.key.as_bytes(), "ec -in in -out out")).unwrap();
    let parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    healthy("K43", Files::key(format!("{parameters}{sec1}")));
    let body: String = good.key.lines().filter(|line| !line.starts_with('-')).collect();
    healthy(
        "K47",
        Files::key(format!(
            "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
        )),
    );
    healthy(
        "K49",
        Files::key(
            good.key
                .lines()
                .map(|line| format!("  {line}\n"))
                .collect::<String>(),
        ),
    );
    healthy("K50", Files::key(good.key.replace('\n', "   \n")));
    healthy("K52", Files::key(good.key.trim_end()));
    healthy("K53", Files::key(format!("{body}\n")));
    healthy(
        "key with byte order mark",
        Files::key(format!("\u{feff}{}", good.key)),
    );
}

#[test]
fn odd_spellings_of_certificates_that_work_raise_nothing() {
    let shop = shop();
    let good = &shop.good;
    let both = String::from_utf8(Files::good().certificate).unwrap();
    healthy("as it should be", Files::good());
    healthy("C07", Files::certificate(both.replace('\n', "\r\n")));
    healthy("C08", Files::certificate(format!("\u{feff}{both}")));
    healthy(
        "C10",
        Files::certificate(format!("Bag Attributes\n  friendlyName: x\n{both}")),
    );
    healthy(
        "C40",
        Files::certificate(both.replace("CERTIFICATE", "X509 CERTIFICATE")),
    );
    healthy("C47", Files::certificate(format!("{both}some text\u{1a}")));
    healthy(
        "C53",
        Files {
            key: None,
            ..Files::certificate(format!("{}{both}", good.key))
        },
    );
    healthy(
        "key behind the certificate",
        Files {
            key: None,
            ..Files::certificate(format!("{both}{}", good.key))
        },
    );
    let trusted = converted(
        good.certificate.as_bytes(),
        "x509 -in in -trustout -addtrust serverAuth -out out",
    );
    let trusted = [trusted, shop.intermediate.clone().into_bytes()].concat();
    healthy("C56 with its chain", Files::certificate(trusted));
}

#[test]
fn every_kind_of_key_that_works_raises_nothing() {
    for (id, key) in [
        ("RSA", RSA),
        ("RSA 3072", "-algorithm RSA -pkeyopt rsa_keygen_bits:3072"),
        ("RSA-PSS", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"),
        ("P-384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        ("P-521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
        ("Ed25519", "-algorithm ED25519"),
    ] {
        healthy(id, Files::of(&leaf_by_openssl(key, "-sha256")));
    }
}

fn without_line(text: &str, number: usize) -> String {
    text.lines()
        .enumerate()
        .filter(|(at, _)| *at != number)
        .map(|(_, line)| format!("{line}\n"))
        .collect()
}
