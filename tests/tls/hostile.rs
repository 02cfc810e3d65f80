//! Arbitrary and hostile files: no panic, no hang, whatever is given as certificate, key, chain or archive.

use std::time::{Duration, Instant};

use esync_ssl::check::generation::Generation;
use esync_ssl::check::tls_files::{File, TlsFiles};
use esync_ssl::check::{certificate::check, question::Question};
use esync_ssl::tls::issue::{self, KeyType};
use esync_ssl::tls::{pem, pkcs12::Archive};
use proptest::prelude::*;
use time::OffsetDateTime;

fn judged(certificate: &[u8], key: &[u8], chain: &[u8], server: Generation) -> usize {
    let files = TlsFiles {
        certificate: File::from_bytes("c", certificate),
        key: Some(File::from_bytes("k", key)),
        chain: (!chain.is_empty()).then(|| File::from_bytes("h", chain)),
    };
    let aliases = [
        "*.example.com".to_owned(),
        "bücher.example".to_owned(),
        "a b".to_owned(),
    ];
    check(&Question {
        files: &files,
        server_name: Some("a.example"),
        aliases: &aliases,
        server,
        now: OffsetDateTime::UNIX_EPOCH,
        stapling: false,
        pass_phrase_dialog: true,
        anchors: &[],
    })
    .len()
}

/// Bytes that look like something.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let made = issue::self_signed(
        &["a.example".into()],
        KeyType::P256,
        9,
        OffsetDateTime::UNIX_EPOCH,
    )
    .unwrap();
    let certificate = made.certificate_pem.into_bytes();
    let key = made.key_pem.as_bytes().to_vec();
    let damaged = (
        prop_oneof![Just(certificate), Just(key)],
        any::<usize>(),
        any::<Vec<u8>>(),
    )
        .prop_map(|(mut file, at, insert)| {
            let at = at % file.len();
            file.splice(at..at, insert);
            file
        });
    let label = prop_oneof![
        Just("CERTIFICATE"),
        Just("PRIVATE KEY"),
        Just("ENCRYPTED PRIVATE KEY"),
        Just("PKCS12")
    ];
    let block =
        (label, any::<Vec<u8>>()).prop_map(|(label, der)| pem::encode(label, &der).as_bytes().to_vec());
    let parts = prop_oneof![damaged, block, any::<Vec<u8>>()];
    proptest::collection::vec(parts, 0..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_files_are_judged(certificate in bytes(), key in bytes(), chain in bytes()) {
        judged(&certificate, &key, &chain, Generation::CURRENT);
        judged(&certificate, &key, &chain, Generation::OF_2014);
        let _ = Archive::read(&certificate, "x");
    }
}

#[test]
fn large_hostile_files_take_no_time() {
    let made = issue::self_signed(
        &["a.example".into()],
        KeyType::P256,
        9,
        OffsetDateTime::UNIX_EPOCH,
    )
    .unwrap();
    let size = 1_000_000;
    let repeated = |part: &str| part.repeat(size / part.len()).into_bytes();
    for (what, file) in [
        ("BEGIN without end", repeated("-----BEGIN ")),
        ("empty BEGIN lines", repeated("-----BEGIN X-----")),
        (
            "glued blocks",
            repeated("-----BEGIN X-----\nAAAA\n-----END X-----"),
        ),
        ("one line of base64", repeated("MIIB")),
        ("zeros", vec![0; size]),
        ("nested sequences", [0x30, 0x80].repeat(size / 2)),
        ("same certificates", repeated(&made.certificate_pem)),
        ("same keys", repeated(&made.key_pem)),
        ("larger than anything", vec![b'a'; 40_000_000]),
    ] {
        let begin = Instant::now();
        judged(&file, &file, &file, Generation::CURRENT);
        judged(&file, &file, &[], Generation::OF_2014);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(20), "{what} took {took:?}");
        println!("{what}: {took:?}");
    }
}
