//! The support code itself, where a fault in it would make other tests lie.

use std::path::Path;
use std::time::Duration;

use crate::support::certificates::{self, Authority};
use crate::support::client::{Failure, http_get};
use crate::support::normal::Normaliser;
use crate::support::{files, process, program};

#[test]
fn paths_become_placeholders_in_every_spelling() {
    let normal = |path: &str, text: &str| {
        let text = Normaliser::new(Path::new(path)).apply(text.as_bytes());
        String::from_utf8(text).expect("text stays text")
    };
    for spelled in [
        r"in C:\Temp\root\conf\httpd.conf: x",
        r"in C:/Temp/root/conf/httpd.conf: x",
        r"in C:\\Temp\\root\\conf\\httpd.conf: x",
        r"in \\?\C:\Temp\root\conf\httpd.conf: x",
    ] {
        assert_eq!(
            normal(r"C:\Temp\root", spelled),
            "in {root}/conf/httpd.conf: x",
            "{spelled}"
        );
    }
    assert_eq!(
        normal(r"C:\Temp\root", r"C:\Temp\rooted and \n"),
        r"C:\Temp\rooted and \n"
    );
    assert_eq!(normal("/tmp/a", "\"/tmp/a\" /tmp/a/b"), "\"{root}\" {root}/b");
}

#[test]
fn copied_trees_are_equal_until_something_changes() {
    let folder = files::folder();
    files::write(&folder.path().join("from/a/b.txt"), b"\xff\r\n");
    files::write(&folder.path().join("from/c.txt"), "");
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    files::copy_tree(&from, &to);
    assert_eq!(
        files::snapshot(&from).keys().collect::<Vec<_>>(),
        ["a/", "a/b.txt", "c.txt"]
    );
    assert_eq!(files::snapshot(&from), files::snapshot(&to));
    files::write(&to.join("a/b.txt"), "other");
    assert_ne!(files::snapshot(&from), files::snapshot(&to));
}

#[test]
fn program_under_test_is_where_cargo_says() {
    assert!(program::binary().is_file(), "{}", program::binary().display());
}

#[test]
#[should_panic(expected = "not done after")]
fn program_that_does_not_end_fails_the_test() {
    let mut command = std::process::Command::new(if cfg!(windows) { "ping" } else { "sleep" });
    command.args(if cfg!(windows) {
        ["-n", "60", "127.0.0.1"].as_slice()
    } else {
        &["60"]
    });
    process::finish(&mut command, Duration::from_millis(300));
}

#[test]
fn certificates_are_written_as_pem_with_their_keys() {
    let folder = files::folder();
    let authority = Authority::new(folder.path());
    let signed = authority.leaf("leaf", &["esync.example.com", "127.0.0.1"]);
    let own = certificates::self_signed(folder.path(), "self", &["esync.example.com"]);
    for file in [
        authority.root(),
        authority.intermediate(),
        signed.certificate,
        own.certificate,
    ] {
        let text = std::fs::read_to_string(&file).expect("a PEM file");
        assert!(
            text.starts_with("-----BEGIN CERTIFICATE-----"),
            "{}",
            file.display()
        );
    }
    let key = std::fs::read_to_string(&signed.key).expect("a PEM file");
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_ne!(signed.der, own.der);
}

#[test]
fn nobody_listening_is_a_refusal_and_silence_is_not() {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("its address").port();
    let server = std::thread::spawn(move || drop(socket.accept()));
    let answer = http_get(port, "localhost", "/");
    assert!(matches!(answer, Err(Failure::Answer(_))), "{answer:?}");
    server.join().expect("the server's thread");
    let answer = http_get(port, "localhost", "/");
    assert!(matches!(answer, Err(Failure::Refused(_))), "{answer:?}");
}
