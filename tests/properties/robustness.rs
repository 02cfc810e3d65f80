//! What nobody wrote on purpose: arbitrary bytes, and configurations built to be slow or huge. Reading them must not
//! panic and must take time and memory in proportion to their size. Says nothing about what is read out of them.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use esync_ssl::httpd::{Configuration, Document, Facts, Platform, Source, Truth};
use esync_ssl::mod_ssl::ssl_engine;
use proptest::prelude::*;

/// The main file in a server root that holds these files and exists only in memory.
fn read(files: &[(&str, Vec<u8>)]) -> Configuration {
    let platform = Platform::HOST;
    let root = std::env::temp_dir().join("esync-ssl-no-such-root");
    let overlay: BTreeMap<PathBuf, Vec<u8>> = files
        .iter()
        .map(|(name, bytes)| (root.join(name), bytes.clone()))
        .collect();
    let source = Source::new(root.clone(), platform).with_overlay(overlay);
    let main = [&source.initial_root(), &b"/httpd.conf"[..]].concat();
    Configuration::read(&main, source, Facts::assumed(platform)).expect("a main file in memory")
}

fn read_one(bytes: Vec<u8>) -> Configuration {
    read(&[("httpd.conf", bytes)])
}

/// Times are taken one at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// What nothing here takes on a slow machine with an unoptimised build, and what does not end takes.
const LONG: Duration = Duration::from_secs(240);

/// Fails when twice the size takes far more than twice the time, or one size more than a few seconds.
#[track_caller]
fn linear<T>(what: &str, size: usize, make: impl Fn(usize) -> T, run: impl Fn(T)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let time = |size| {
        let mut best = Duration::MAX;
        for _ in 0..2 {
            let input = make(size);
            let start = Instant::now();
            run(input);
            best = best.min(start.elapsed());
        }
        best
    };
    // Whatever else the machine does makes one size slow, and hardly the same one each time.
    for left in (0..3).rev() {
        let (half, full) = (time(size), time(2 * size));
        println!("{what}: {size} in {half:?}, {} in {full:?}", 2 * size);
        assert!(full < LONG, "{what} takes {full:?}");
        // Small times are noise; quadratic work would show as four times.
        if full < half * 3 + Duration::from_millis(500) {
            return;
        }
        assert!(left > 0, "{what} is not linear: {half:?}, then {full:?}");
    }
}

/// Everything that other parts ask of a configuration.
fn ask_everything(configuration: &Configuration) {
    for entry in configuration.entries() {
        configuration.name(entry);
        configuration.arguments(entry);
        configuration.rest(entry);
        configuration.section_argument(entry);
        configuration.place(entry);
        configuration.context(entry);
    }
    let hosts = configuration.virtual_hosts();
    configuration.address_set(None, 80);
    configuration.answering(None, 443, "www.example.com");
    for host in hosts {
        ssl_engine(configuration, host.section);
        configuration.inside(host.section).count();
    }
    for line in 0..configuration.file(0).document.lines().len() {
        configuration.is_server_level(0, line as u32);
    }
}

fn check(bytes: &[u8], platform: Platform) {
    let document = Document::new(bytes.to_vec(), platform);
    assert_eq!(document.bytes(), bytes);
    let mut at = document
        .lines()
        .first()
        .map_or(bytes.len(), |line| line.start as usize);
    assert!(at == 0 || at == 3 && bytes.starts_with(b"\xef\xbb\xbf"), "{at}");
    let mut number = 0;
    for (index, line) in document.lines().iter().enumerate() {
        assert_eq!(line.start as usize, at, "spans follow each other");
        let span = document.span(index);
        assert!(!span.is_empty() && document.number(index) > number);
        (at, number) = (span.end, document.number(index));
        document.text(index);
        document.indentation(index);
        document.commented(index);
        document.separator_after(index);
        for word in document.word_spans(index).into_iter().flatten() {
            assert!(word.start >= span.start && word.end <= span.end);
        }
        assert!(document.last_number(index) >= number);
    }
    assert_eq!(at, bytes.len(), "spans reach the end");
}

/// Pieces that mean something, so that random input gets beyond the first line.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: [&[u8]; 40] = [
        b"<",
        b">",
        b"</",
        b"\n",
        b"\r\n",
        b"\\\n",
        b"\\",
        b"\"",
        b"'",
        b"#",
        b" ",
        b"\t",
        b"\0",
        b"${",
        b"}",
        b"$",
        b"A",
        b"!",
        b"*",
        b"[",
        b":",
        b"/",
        b"80",
        b"Define ",
        b"UnDefine ",
        b"IfDefine ",
        b"IfModule ",
        b"IfVersion ",
        b"IfFile ",
        b"Macro ",
        b"Use ",
        b"UndefMacro ",
        b"Include ",
        b"httpd.conf",
        b"VirtualHost ",
        b"ServerName ",
        b"ServerRoot ",
        b"LoadModule ",
        b"\xff",
        b"Listen ",
    ];
    let piece = prop_oneof![
        4 => (0..PIECES.len()).prop_map(|at| PIECES[at].to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..120).prop_map(|all| all.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes, Platform::Unix);
        check(&bytes, Platform::Windows);
        ask_everything(&read_one(bytes));
    }

    #[test]
    fn any_pieces_of_grammar_are_read(bytes in pieces()) {
        check(&bytes, Platform::Unix);
        check(&bytes, Platform::Windows);
        ask_everything(&read_one(bytes));
    }
}

#[test]
fn a_line_of_16_mib() {
    const SIZE: usize = 16 << 20;
    for piece in [
        &b"x"[..],
        b"x ",
        b"\"",
        b"\\",
        b"\\\n",
        b"\\\r\n",
        b"${",
        b"${A}",
        b">",
        b"#\\\n",
    ] {
        let what = format!("a line of {}", piece.escape_ascii());
        let make = |size: usize| [b"IndexIgnore ", &*piece.repeat(size / piece.len())].concat();
        linear(&what, SIZE / 2, make, |bytes| drop(read_one(bytes)));
    }
}

#[test]
fn sections_in_sections() {
    for (opening, closing) in [
        ("<IfDefine !X>", "</IfDefine>"),
        ("<IfDefine X>", "</IfDefine>"),
        ("<Directory />", "</Directory>"),
        ("<Macro a>", "</Macro>"),
        ("<VirtualHost *:80>", "</VirtualHost>"),
    ] {
        let nested = |size: usize| {
            format!(
                "{}{}",
                format!("{opening}\n").repeat(size),
                format!("{closing}\n").repeat(size)
            )
        };
        let unclosed = |size: usize| format!("{opening}\n").repeat(size);
        let wrong = |size: usize| format!("{}{}", unclosed(size), "</Other>\n".repeat(size));
        let beside = |size: usize| format!("{opening}\n{closing}\n").repeat(size);
        let read = |text: String| drop(read_one(text.into_bytes()));
        linear(&format!("nested {opening}"), 50_000, nested, read);
        linear(&format!("unclosed {opening}"), 50_000, unclosed, read);
        linear(&format!("badly closed {opening}"), 50_000, wrong, read);
        linear(&format!("beside {opening}"), 50_000, beside, read);
    }
}

#[test]
fn variables_without_end() {
    let read = |text: String| drop(read_one(text.into_bytes()));
    linear("unclosed variables", 500_000, |size| "${".repeat(size), read);
    linear(
        "undefined variables",
        100_000,
        |size| "IndexIgnore ${A} ${B}\n".repeat(size),
        read,
    );
    linear(
        "closed late",
        500_000,
        |size| format!("{}}}", "${".repeat(size)),
        read,
    );
    let doubling = |size: usize| {
        let mut text = "Define A0 0123456789\n".to_string();
        for at in 1..size {
            let _ = writeln!(text, "Define A{at} \"${{A{0}}}${{A{0}}}\"", at - 1);
        }
        text
    };
    linear("values that double", 60, doubling, read);
    linear(
        "many names",
        50_000,
        |size| (0..size).map(|at| format!("Define A{at} x\n")).collect(),
        read,
    );
}

#[test]
fn files_that_include_each_other() {
    let every: Vec<(String, Vec<u8>)> = (0..128)
        .map(|at| {
            (
                format!("f{at}"),
                (0..128)
                    .map(|other| format!("Include f{other}\n"))
                    .collect::<String>()
                    .into(),
            )
        })
        .collect();
    let mut files: Vec<(&str, Vec<u8>)> = every
        .iter()
        .map(|(name, bytes)| (name.as_str(), bytes.clone()))
        .collect();
    files.push(("httpd.conf", b"Include f0\n".to_vec()));
    let start = Instant::now();
    let configuration = read(&files);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    assert!(
        configuration
            .problems()
            .iter()
            .any(|problem| problem.rule == "include-depth")
    );

    // Each includes the next twice: 2^40 files to Apache, which would not come to an end.
    let names: Vec<String> = (0..40).map(|at| format!("d{at}")).collect();
    let mut files: Vec<(&str, Vec<u8>)> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        files.push((
            name,
            format!("IncludeOptional d{0}\nIncludeOptional d{0}\n", at + 1).into(),
        ));
    }
    files.push(("httpd.conf", b"Include d0\n".to_vec()));
    let start = Instant::now();
    let configuration = read(&files);
    println!(
        "doubling includes: {} files in {:?}",
        configuration.files().len(),
        start.elapsed()
    );
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    assert!(!configuration.problems().is_empty());
}

#[test]
fn macros_that_double() {
    let mut text = "LoadModule macro_module m.so\n<Macro m0>\nIndexIgnore x\n</Macro>\n".to_string();
    for at in 1..40 {
        let _ = writeln!(text, "<Macro m{at}>\nUse m{0}\nUse m{0}\n</Macro>", at - 1);
    }
    text.push_str("Use m39\n");
    let start = Instant::now();
    let configuration = read_one(text.into_bytes());
    println!(
        "doubling macros: {} entries in {:?}",
        configuration.entries().count(),
        start.elapsed()
    );
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());
    let [problem] = configuration.problems() else {
        panic!("{:?}", configuration.problems());
    };
    assert_eq!((problem.rule, problem.apache.as_deref()), ("macro-size", None));
    let many = |size: usize| {
        let mut text = "LoadModule macro_module m.so\n<Macro m $a>\nIndexIgnore $a\n</Macro>\n".to_string();
        for at in 0..size {
            let _ = writeln!(text, "Use m {at}");
        }
        text.into_bytes()
    };
    linear("macros in use", 20_000, many, |bytes| drop(read_one(bytes)));
}

#[test]
fn questions_about_many_virtual_hosts() {
    let make = |size: usize| {
        let mut text = "Listen 80\nServerName main.test\n".to_string();
        for at in 0..size {
            let _ = write!(
                text,
                "<VirtualHost *:80>\n  ServerName h{at}.test\n  ServerAlias www.h{at}.test *.h{at}.test\n  \
                 <IfModule mod_ssl.c>\n    SSLEngine on\n  </IfModule>\n  <Directory /srv/{at}>\n    Require all \
                 granted\n  </Directory>\n</VirtualHost>\n"
            );
        }
        read_one(text.into_bytes())
    };
    linear("every question", 5_000, make, |configuration| {
        ask_everything(&configuration)
    });
    linear("virtual hosts", 5_000, make, |configuration| {
        let hosts = configuration.virtual_hosts();
        assert!(hosts.iter().all(|host| host.truth == Truth::True));
    });
}
