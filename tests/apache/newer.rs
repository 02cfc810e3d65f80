//! The same before an Apache and an OpenSSL of years after those of the machine: `ESYNC_SSL_TEST_NEWER`, the folder that
//! `tests/newer-apache` prints. OpenSSL 3.5 is the first with a key exchange that withstands quantum computers.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::support;
use crate::support::process::{Outcome, finish};

/// This binary before the newer programs, for some of its tests: beginnings of names.
fn before_newer(tests: &[&str]) -> Option<Outcome> {
    let Some(folder) = std::env::var_os("ESYNC_SSL_TEST_NEWER").map(PathBuf::from) else {
        support::skip("no newer Apache; tests/run brings one");
        return None;
    };
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(tests)
        .env("ESYNC_SSL_TEST_HTTPD", folder.join("usr/sbin/apache2"))
        .env(
            "ESYNC_SSL_TEST_HTTPD_MODULES",
            folder.join("usr/lib/apache2/modules"),
        )
        .env("ESYNC_SSL_TEST_OPENSSL", folder.join("usr/bin/openssl"))
        .env("ESYNC_SSL_TEST_HYBRID", "yes");
    Some(finish(&mut command, Duration::from_secs(900)))
}

/// All of `enable` and of what is compared with Apache: the protocols and suites of every level, and the groups.
#[test]
fn what_is_read_and_written_holds_with_them() {
    let Some(outcome) = before_newer(&["enable::", "differential::"]) else {
        return;
    };
    let outcome = outcome.expect_code(0);
    let said = outcome.stdout_text();
    for test in [
        "enable::groups_of_the_key_exchange",
        "enable::levels_of_protocols",
    ] {
        assert!(said.contains(&format!("test {test} ... ok")), "{test}: {said}");
    }
}
