//! What others wrote: pipes, devices and huge files in the place of logs, certificates and includes, and a few lines that
//! ask for gigabytes. Every command ends soon, in little memory, and says what it did not read.
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support;
use crate::support::limited::{LONG, limited, run};
use crate::support::process::{Outcome, finish};
use crate::support::program::esync_ssl;
use crate::support::{apache, files, others};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::Value;

/// A server root with these files; what is in the main file.
fn root(main: impl AsRef<[u8]>) -> tempfile::TempDir {
    let folder = files::folder();
    files::write(&folder.path().join("conf/httpd.conf"), main);
    fs::create_dir(folder.path().join("logs")).expect("a folder");
    folder
}

fn pipe(path: &Path) -> PathBuf {
    mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR).expect("a pipe");
    path.to_path_buf()
}

fn sparse(path: &Path, length: u64) {
    File::create(path)
        .and_then(|file| file.set_len(length))
        .expect("a sparse file");
}

/// Both outputs.
fn said(outcome: &Outcome) -> String {
    outcome.stdout_text() + &outcome.stderr_text()
}

/// Commands that read everything a configuration names.
const ALL: [&[&str]; 8] = [
    &["status"],
    &["lint"],
    &["dump"],
    &["check"],
    &["explain"],
    &["report", "-"],
    &["verify"],
    &[
        "enable",
        "--domain",
        "a.example.com",
        "--self-signed",
        "--dry-run",
    ],
];

/// A listener without a virtual host, and one with certificate files.
fn with_tls(file: &str) -> String {
    format!(
        "Listen 127.0.0.1:1\nErrorLog logs/error.log\n<VirtualHost *:1>\nServerName a.example.com\nSSLEngine on\n\
         SSLCertificateFile {file}\nSSLCertificateKeyFile {file}\nSSLCACertificateFile {file}\n</VirtualHost>\n"
    )
}

/// Whoever owns the folder of a log decides what its name leads to; what only root may read is shown to nobody.
#[test]
fn a_link_of_somebody_else_in_place_of_a_log_shows_nothing() {
    if !others::is_root() {
        return;
    }
    let folder = root("Listen 127.0.0.1:1\nErrorLog logs/error.log\n");
    let secret = folder.path().join("secret");
    fs::write(
        &secret,
        "machine api.example.com login root password hunter2\n".repeat(3),
    )
    .expect("a file");
    others::mode(&secret, 0o600);
    let logs = folder.path().join("logs");
    let log = logs.join("error.log");
    std::os::unix::fs::symlink(&secret, &log).expect("a link");
    let shows = |words: &[&str]| {
        let outcome = run(folder.path(), words);
        let all = outcome.stdout_text() + &said(&outcome);
        (all.contains("hunter2"), all.contains("symbolic link"))
    };
    let path = log.to_str().expect("a path");
    let all: [&[&str]; 4] = [
        &["explain"],
        &["explain", "--since", "10d"],
        &["report", "-"],
        &["explain", path],
    ];
    // A link of root's is what root wants.
    assert!(!shows(&["explain", "--since", "10d", path]).1);
    others::give(&logs);
    for words in all {
        assert_eq!(shows(words), (false, true), "{words:?}");
    }
    // What is theirs may be shown.
    others::give(&secret);
    assert!(!shows(&["explain"]).1);
}

#[test]
fn a_link_of_somebody_else_in_place_of_a_htaccess_is_not_followed() {
    if !others::is_root() {
        return;
    }
    let folder = root("");
    let (top, site) = (folder.path().display(), folder.path().join("site"));
    let main = format!(
        "Listen 127.0.0.1:80\n<Directory \"{top}/site\">\nAllowOverride All\n</Directory>\n<VirtualHost *:80>\nServerName \
         a.example.com\nDocumentRoot \"{top}/site\"\n</VirtualHost>\n"
    );
    files::write(&folder.path().join("conf/httpd.conf"), main);
    files::write(&folder.path().join("modules/mod_ssl.so"), "");
    let secret = folder.path().join("secret");
    files::write(&secret, "Redirect /hunter2 http://a.example.com/x\n");
    others::mode(&secret, 0o600);
    fs::create_dir(&site).expect("a folder");
    symlink(&secret, site.join(".htaccess")).expect("a link");
    let shows = || {
        let words = [
            "enable",
            "--domain",
            "a.example.com",
            "--self-signed",
            "--http",
            "keep",
            "-n",
        ];
        let all = said(&run(folder.path(), &words));
        (
            all.contains("hunter2"),
            all.contains(".htaccess is not looked at"),
        )
    };
    // A link of root's is what root wants.
    assert_eq!(shows(), (true, false));
    others::give(&site);
    assert_eq!(shows(), (false, true));
    // What is theirs may be shown.
    others::give(&secret);
    assert_eq!(shows(), (true, false));
}

#[test]
fn a_pipe_as_a_log_is_not_read_and_the_others_are() {
    let main = "Listen 127.0.0.1:1\nErrorLog logs/pipe\n<VirtualHost *:1>\nErrorLog logs/own.log\n</VirtualHost>\n\
                <VirtualHost *:1>\nErrorLog logs/socket\n</VirtualHost>\n";
    let folder = root(main);
    let log = folder.path().join("logs/pipe");
    pipe(&log);
    let _socket =
        std::os::unix::net::UnixListener::bind(folder.path().join("logs/socket")).expect("a socket");
    files::write(
        &folder.path().join("logs/own.log"),
        "[Mon Nov 23 21:56:22 2026] [core:emerg] [pid 1] (98)Address already in use: AH00072: make_sock: could not bind to \
         address 0.0.0.0:443\n",
    );
    for words in [&["explain"][..], &["report", "-"], &["check"]] {
        let outcome = run(folder.path(), words);
        if words != ["check"] {
            let text = outcome.stdout_text();
            assert!(text.contains("not read: it is a pipe"), "{}", outcome.report());
            assert!(text.contains("not read: it is a socket"), "{}", outcome.report());
            assert!(text.contains("AH00072"), "{}", outcome.report());
        }
    }
    // Named as the log itself.
    let explained = run(folder.path(), &["explain", log.to_str().expect("a path")]);
    assert_eq!(explained.code, Some(1), "{}", explained.report());
    assert!(
        said(&explained).contains("it is a pipe"),
        "{}",
        explained.report()
    );
}

#[test]
fn neither_pipes_nor_devices_are_read_for_certificates() {
    let folder = root(with_tls("conf/x.pem"));
    let file = folder.path().join("conf/x.pem");
    for device in [None, Some("/dev/zero"), Some("/dev/random"), Some("/dev/tty")] {
        let _ = fs::remove_file(&file);
        match device {
            None => drop(pipe(&file)),
            Some(device) => symlink(device, &file).expect("a link"),
        }
        for words in ALL {
            run(folder.path(), words);
        }
        let checked = run(folder.path(), &["check"]);
        assert!(
            said(&checked).contains("FILE-NOT-REGULAR"),
            "{}",
            checked.report()
        );
        let file = file.to_str().expect("a path");
        for words in [
            &[
                "verify",
                "--domain",
                "a.example.com",
                "--address",
                "127.0.0.1:1",
                "--ca",
                file,
            ][..],
            &[
                "enable",
                "--domain",
                "a.example.com",
                "--cert",
                file,
                "--key",
                file,
                "--dry-run",
            ],
            &["enable", "--domain", "a.example.com", "--pfx", file, "--dry-run"],
            &["cert", "inspect", file],
            &["check", "--cert", file, "--key", file],
        ] {
            assert_ne!(run(folder.path(), words).code, Some(0), "{words:?}");
        }
    }
}

#[test]
fn files_that_are_far_too_large_are_not_read() {
    const HUGE: u64 = 4 << 30;
    let folder = root(with_tls("conf/x.pem"));
    let path = |name: &str| folder.path().join(name);
    for name in ["conf/x.pem", "logs/error.log", "envvars"] {
        sparse(&path(name), HUGE);
    }
    for words in ALL {
        run(folder.path(), words);
    }
    let checked = run(folder.path(), &["check"]);
    assert!(said(&checked).contains("far too large"), "{}", checked.report());
    let certificate = path("conf/x.pem");
    let certificate = certificate.to_str().expect("a path");
    let named = ["--domain", "a.example.com"];
    for words in [
        &["verify", "--address", "127.0.0.1:1", "--ca", certificate][..],
        &["enable", "--dry-run", "--cert", certificate, "--key", certificate],
    ] {
        let words = [words, &named].concat();
        assert_ne!(run(folder.path(), &words).code, Some(0), "{words:?}");
    }
    // As an include, and as the main file.
    for length in [2 << 30, HUGE] {
        let folder = root("Listen 1\nInclude conf/huge.conf\nListen 2\n");
        sparse(&folder.path().join("conf/huge.conf"), length);
        for words in ALL {
            run(folder.path(), words);
        }
        let linted = run(folder.path(), &["lint"]);
        assert!(said(&linted).contains("it is too large"), "{}", linted.report());
        let status = run(folder.path(), &["status", "--json"]);
        let status: Value = status.data();
        assert_eq!(status["listeners"].as_array().map(Vec::len), Some(2), "{status}");
        let main = folder.path().join("conf/httpd.conf");
        sparse(&main, length);
        assert_eq!(run(folder.path(), &["status"]).code, Some(1));
    }
}

#[test]
fn pipes_and_devices_are_no_configuration_as_for_apache() {
    for device in [None, Some("/dev/zero"), Some("/dev/full")] {
        let folder = root("Listen 127.0.0.1:1\nInclude conf/odd.conf\nListen 127.0.0.1:2\n");
        let odd = folder.path().join("conf/odd.conf");
        match device {
            None => drop(pipe(&odd)),
            Some(device) => symlink(device, &odd).expect("a link"),
        }
        let linted = run(folder.path(), &["lint", "--json"]);
        let found: Value = linted.envelope();
        let problem = &found["findings"][0];
        assert_eq!(problem["rule"], "include-unreadable", "{found}");
        let what = if device.is_none() {
            "it is a pipe"
        } else {
            "it is a device"
        };
        assert!(
            problem["summary"]
                .as_str()
                .is_some_and(|text| text.contains(what)),
            "{found}"
        );
        // At a pipe Apache itself would wait for ever.
        if let (Some(_), Some(httpd)) = (device, apache::Httpd::find()) {
            let main = folder.path().join("conf/httpd.conf");
            let ask = httpd.ask(folder.path(), &main).supply_mpm();
            assert_ne!(ask.syntax().code, Some(0), "{device:?}");
        }
    }
    // An empty file to Apache and to us.
    let folder = root("Listen 127.0.0.1:1\nInclude /dev/null\n");
    let linted = run(folder.path(), &["lint"]);
    assert!(
        !said(&linted).contains("include-unreadable"),
        "{}",
        linted.report()
    );
}

#[test]
fn pipes_and_devices_beside_the_configuration() {
    for device in [None, Some("/dev/zero")] {
        let folder = root("Listen 127.0.0.1:1\nPidFile logs/pid\n");
        for name in ["envvars", "logs/pid", "logs/error_log"] {
            let path = folder.path().join(name);
            match device {
                None => drop(pipe(&path)),
                Some(device) => symlink(device, &path).expect("a link"),
            }
        }
        for words in ALL.iter().copied().chain([&["ports"][..]]) {
            run(folder.path(), words);
        }
        let main = folder.path().join("conf/httpd.conf");
        fs::remove_file(&main).expect("the main file");
        match device {
            None => drop(pipe(&main)),
            Some(device) => symlink(device, &main).expect("a link"),
        }
        let outcome = run(folder.path(), &["status"]);
        assert_eq!(outcome.code, Some(1), "{}", outcome.report());
    }
}

#[test]
fn a_pass_phrase_may_come_out_of_a_pipe() {
    let folder = files::folder();
    let leaf = support::certificates::self_signed(folder.path(), "own", &["a.example.com"]);
    let key = folder.path().join("encrypted.key");
    files::write(&key, support::containers::encrypted_key(&leaf.key, "open sesame"));
    let inspect = |file: &Path| {
        let program = esync_ssl()
            .args(["cert", "inspect"])
            .arg(&key)
            .arg("--passphrase-file");
        program.arg(file).limit(LONG).run()
    };
    let regular = folder.path().join("phrase");
    files::write(&regular, "open sesame\n");
    let expected = inspect(&regular);
    assert_eq!(expected.code, Some(0), "{}", expected.report());
    let fifo = pipe(&folder.path().join("pipe"));
    let writer = std::thread::spawn({
        let fifo = fifo.clone();
        move || fs::write(fifo, "open sesame\n").expect("somebody who reads")
    });
    let outcome = inspect(&fifo);
    writer.join().expect("the pass-phrase");
    assert_eq!(outcome.stdout, expected.stdout, "{}", outcome.report());
    // What does not end ends at the limit.
    let outcome = inspect(Path::new("/dev/zero"));
    assert_eq!(outcome.code, Some(1), "{}", outcome.report());
    assert!(
        outcome.stderr_text().contains("too large"),
        "{}",
        outcome.report()
    );
}

#[test]
fn a_hostile_line_of_a_log_is_cut() {
    let folder = root("Listen 127.0.0.1:1\nErrorLog logs/error.log\n");
    let log = folder.path().join("logs/error.log");
    let endless = "x".repeat(33 << 20);
    let control = "\u{1}".repeat(33 << 20);
    let many: String = (0..200_000)
        .map(|at| format!("[core:error] AH09999: number {at} \u{9b}31m\n"))
        .collect();
    let indented = format!("AH00526: Syntax error\n{}", " and so on\n".repeat(500_000));
    for (what, bytes) in [
        ("one line", endless.clone()),
        ("nothing that can be shown", control),
        (
            "a line that is known",
            format!("[core:emerg] AH00072: make_sock: {endless}"),
        ),
        ("many lines", many),
        ("an entry of many lines", indented),
    ] {
        files::write(&log, bytes);
        for words in [
            &["explain"][..],
            &["explain", "--json"],
            &["explain", log.to_str().expect("a path")],
        ] {
            let outcome = run(folder.path(), words);
            assert!(
                outcome.stdout.len() < 1_000_000,
                "{what} {words:?}: {}",
                outcome.stdout.len()
            );
            let text = outcome.stdout_text();
            assert!(
                ["more bytes]", "left out", "more_unknown"]
                    .iter()
                    .any(|note| text.contains(note)),
                "{what}\n{text}"
            );
        }
    }
    // Without an end, over the standard input.
    let outcome = finish(&mut limited(folder.path(), &["explain", "-"], "/dev/zero"), LONG);
    assert_eq!(
        outcome.code,
        Some(0),
        "{}",
        String::from_utf8_lossy(&outcome.stderr)
    );
    assert!(outcome.stdout.len() < 1_000_000, "{}", outcome.stdout.len());
}
