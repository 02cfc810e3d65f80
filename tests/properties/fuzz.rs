//! Fuzzing with a seeded generator of its own, on stable Rust: files of the fixtures, and certificates and keys made
//! here, are mutated and read. Nothing may panic, and nothing may take long.
//!
//!     ESYNC_SSL_FUZZ_SECONDS=3600 cargo test --release --test properties fuzz:: -- --nocapture
//!
//! Without the variable each target runs for a few seconds. `ESYNC_SSL_TEST_SEED` repeats a run. An input that fails
//! is written to the folder for temporary files, under the name that the failure tells.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use esync_ssl::check::generation::Generation;
use esync_ssl::check::tls_files::{File, TlsFiles};
use esync_ssl::check::{certificate::check, question::Question};
use esync_ssl::httpd::{Configuration, Document, Facts, Platform, Source};
use esync_ssl::lint;
use esync_ssl::tls::issue::{self, KeyType};
use esync_ssl::tls::pkcs12::Archive;
use time::OffsetDateTime;

/// No input of at most [`MAX`] bytes takes that long, unoptimised and on a busy machine.
const LONG: Duration = Duration::from_secs(20);
const MAX: usize = 64 << 10;

/// Words that mean something to one of the targets.
const WORDS: [&[u8]; 40] = [
    b"\\\n",
    b"\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b"${A}",
    b"${",
    b"Define A ",
    b"UnDefine A\n",
    b"Include httpd.conf\n",
    b"Include *.conf\n",
    b"ServerRoot /\n",
    b"<IfDefine A>\n",
    b"<IfModule !mod_ssl.c>\n",
    b"</IfModule>\n",
    b"<IfVersion >= 2.4>\n",
    b"<If \"true\">\n",
    b"<Else>\n",
    b"<VirtualHost *:443>\n",
    b"</VirtualHost>\n",
    b"<Macro M $a>\n",
    b"</Macro>\n",
    b"Use M x\n",
    b"Listen 443 https\n",
    b"LoadModule ssl_module a.so\n",
    b"\"",
    b"'",
    b"#",
    b">",
    b"-----BEGIN CERTIFICATE-----\n",
    b"-----END CERTIFICATE-----\n",
    b"-----BEGIN PRIVATE KEY-----\n",
    b"-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
    b"Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\n",
    b"\x30\x82",
    b"\x30\x80",
    b"\x02\x01\x00",
    b"\x06\x03\x55\x1d\x11",
    b"\x04\x84\xff\xff\xff\xff",
    b"\xff\xfe",
    b"\x02\x04\x7f\xff\xff\xff",
];

/// xorshift64*
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(8) {
            let at = self.below(bytes.len() + 1);
            let end = (at + self.below(64)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.splice(at..at, WORDS[self.below(WORDS.len())].iter().copied())),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    let times = 1 + self.below(50);
                    bytes.splice(at..at, piece.repeat(times));
                }
                4 => {
                    let other = &corpus[self.below(corpus.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(400)).min(other.len());
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
                _ => bytes.truncate(bytes.len() - self.below(bytes.len() / 4 + 1)),
            }
        }
        bytes.truncate(MAX);
        bytes
    }
}

fn fuzz(name: &str, corpus: &[Vec<u8>], target: impl Fn(&[u8])) {
    let variable = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse::<u64>().ok())
    };
    let seconds = variable("ESYNC_SSL_FUZZ_SECONDS").unwrap_or(3);
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |now| now.as_nanos() as u64);
    let seed = variable("ESYNC_SSL_TEST_SEED").unwrap_or(now).max(1);
    println!("{name}: ESYNC_SSL_TEST_SEED={seed}");
    let mut random = Random(seed);
    let start = Instant::now();
    let mut count = 0u64;
    while start.elapsed() < Duration::from_secs(seconds) {
        let input = random.mutated(corpus);
        let begun = Instant::now();
        let done = catch_unwind(AssertUnwindSafe(|| target(&input)));
        if done.is_err() || begun.elapsed() > LONG {
            let path = std::env::temp_dir().join(format!("esync-ssl-fuzz-{name}-{seed}-{count}"));
            std::fs::write(&path, &input).expect("the input that fails");
            panic!(
                "{name}: fails or takes {:?}: {} (seed {seed})",
                begun.elapsed(),
                path.display()
            );
        }
        count += 1;
    }
    println!("{name}: {count} inputs in {seconds} s");
}

/// Every file below a folder that is not large.
fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Some(bytes) = std::fs::read(&path).ok().filter(|bytes| bytes.len() < MAX) {
            found.push(bytes);
        }
    }
}

#[test]
fn configurations() {
    let mut corpus = Vec::new();
    files(
        &PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
        &mut corpus,
    );
    fuzz("configurations", &corpus, |bytes| {
        for platform in [Platform::Unix, Platform::Windows] {
            let document = Document::new(bytes.to_vec(), platform);
            let joined: Vec<u8> = (0..document.lines().len())
                .flat_map(|line| document.raw(line).to_vec())
                .collect();
            assert!(bytes.ends_with(&joined) && bytes.len() - joined.len() <= 3);
        }
        let root = std::env::temp_dir().join("esync-ssl-no-such-root");
        let overlay = BTreeMap::from([(root.join("httpd.conf"), bytes.to_vec())]);
        let source = Source::new(root, Platform::HOST).with_overlay(overlay);
        let main = [&source.initial_root(), &b"/httpd.conf"[..]].concat();
        let configuration =
            Configuration::read(&main, source, Facts::assumed(Platform::HOST)).expect("a file in memory");
        lint::check(&configuration);
        lint::reach(&configuration);
        configuration.answering(None, 443, "www.example.com");
    });
}

#[test]
fn certificates_and_keys() {
    let made = |key_type| {
        issue::self_signed(&["a.example".into()], key_type, 9, OffsetDateTime::now_utc())
            .expect("a certificate")
    };
    let mut corpus = Vec::new();
    for made in [made(KeyType::P256), made(KeyType::P384)] {
        for text in [made.certificate_pem.as_str(), made.key_pem.as_str()] {
            corpus.push(text.as_bytes().to_vec());
            let blocks = File::from_bytes("x", text.as_bytes()).contents;
            corpus.extend(blocks.items.iter().map(|item| item.der.to_vec()));
        }
    }
    let first = corpus[0].clone();
    fuzz("certificates-and-keys", &corpus, |bytes| {
        for (certificate, key) in [(bytes, bytes), (&first[..], bytes)] {
            let files = TlsFiles {
                certificate: File::from_bytes("c", certificate),
                key: Some(File::from_bytes("k", key)),
                chain: Some(File::from_bytes("h", bytes)),
            };
            for server in [Generation::CURRENT, Generation::OF_2014] {
                check(&Question {
                    files: &files,
                    server_name: Some("a.example"),
                    aliases: &[],
                    server,
                    now: OffsetDateTime::UNIX_EPOCH,
                    stapling: false,
                    pass_phrase_dialog: true,
                    anchors: &[],
                });
            }
        }
        let _ = Archive::read(bytes, "x");
    });
}
