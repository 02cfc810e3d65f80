//! What a command says of what comes next: ports, logs, problems, requests, restarts.

use crate::support::files;
#[cfg(unix)]
use crate::support::network::HeldPort;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site, text};
use serde_json::Value;

fn json(outcome: &Outcome) -> Value {
    outcome.envelope()
}

/// Wine shows no ports.
#[cfg(unix)]
#[test]
fn the_port_that_enable_would_use_is_looked_at() {
    let site = Site::new();
    let held = HeldPort::at("127.0.0.1:0");
    let port = held.address().port().to_string();
    let told = json(&site.run(&["ports", "--json"]).run());
    assert_eq!(told["data"]["would_use"]["port"], 443, "{told}");
    // Whoever names a port wants to have it.
    let taken = site.run(&["ports", "--port", &port]).run().expect_code(12);
    let said = taken.stdout_text();
    assert!(
        said.contains(&format!("Port {port}")) && said.contains("enable would use it: taken by"),
        "{said}"
    );
    let told = json(&site.run(&["ports", "--port", &port, "--json"]).run());
    assert_eq!(
        told["data"]["would_use"]["holders"][0]["pid"],
        std::process::id(),
        "{told}"
    );
    assert_eq!(
        told["data"]["would_use"]["findings"][0]["code"], "PORT-TAKEN",
        "{told}"
    );
    drop(held);
    let free = site.run(&["ports", "--port", &port]).run().expect_code(0);
    assert!(
        free.stdout_text().contains("enable would use it: free"),
        "{}",
        free.report()
    );
    // What the configuration wants itself is told of that line.
    files::write(
        &site.main(),
        site.text().replace("Listen 80", &format!("Listen {port}")),
    );
    let told = json(&site.run(&["ports", "--port", &port, "--json"]).run());
    assert_eq!(told["data"]["would_use"], Value::Null, "{told}");
}

#[test]
fn a_server_without_a_log_has_an_answer() {
    let site = Site::new();
    let said = site.run(&["explain"]).run().expect_code(0);
    assert!(said.stdout_text().contains("No log yet"), "{}", said.report());
    let told = json(&site.run(&["explain", "--json"]).run().expect_code(0));
    assert_eq!(told["findings"], serde_json::json!([]), "{told}");
    assert!(told["data"]["logs"][0]["trouble"].is_string(), "{told}");
    let notes = told["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note["code"] == "NO-LOG"), "{told}");
    // A log that is named and is not there is another matter.
    site.run(&["explain", &text(&site.beside("no.log"))])
        .run()
        .expect_code(1);
    // Empty, it is a log.
    files::write(&site.root().join("logs/error.log"), "");
    let said = site.run(&["explain"]).run().expect_code(0);
    assert!(!said.stdout_text().contains("No log yet"), "{}", said.report());
}

#[test]
fn status_and_lint_count_alike() {
    let site = Site::new();
    let sound = site.text();
    for (more, words, stops) in [
        ("Nonsense on\n", "1 error in", 1),
        ("Nonsense on\nMore nonsense\nListen 80\n", "3 errors in", 3),
        (
            "<VirtualHost *:81>\nServerName a.test\n</VirtualHost>\n",
            "1 warning in",
            0,
        ),
        (
            "Nonsense on\n<VirtualHost *:81>\nServerName a.test\n</VirtualHost>\n",
            "1 error and 1 warning in",
            1,
        ),
    ] {
        files::write(&site.main(), format!("{sound}{more}"));
        let lint = json(&site.run(&["lint", "--json"]).run());
        let said = site.run(&["status"]).run().expect_code(0).stdout_text();
        assert!(said.contains(words), "{words}: {said}\n{lint}");
        let told = json(&site.run(&["status", "--json"]).run().expect_code(0));
        assert_eq!(
            (&told["data"]["error_count"], &told["data"]["warning_count"]),
            (&lint["data"]["error_count"], &lint["data"]["warning_count"]),
            "{told}"
        );
        assert_eq!(
            told["data"]["stops_start"].as_array().map(Vec::len),
            Some(stops),
            "{told}"
        );
        assert_eq!(said.contains("Apache does not start with:"), stops > 0, "{said}");
        assert_eq!(said.contains("Nonsense"), more.contains("Nonsense"), "{said}");
    }
}

/// What our own `--http off` left is no warning for anybody.
#[test]
fn a_virtual_host_whose_http_was_switched_off_is_no_warning() {
    let site = Site::new();
    let host = format!("<VirtualHost *:80>\nServerName {DOMAIN}\n</VirtualHost>\n");
    files::write(&site.main(), site.text() + &host);
    site.enable().args(["--http", "off"]).run().expect_code(0);
    let lint = site.run(&["lint"]).run().expect_code(0).stdout_text();
    assert!(lint.contains("note[dead-host]"), "{lint}");
    assert!(
        lint.contains("= esync-ssl enable switched HTTP on port 80 off"),
        "{lint}"
    );
    assert!(lint.contains("0 errors, 0 warnings, 1 note in"), "{lint}");
    let told = json(&site.run(&["lint", "--json"]).run());
    let counts = ["error_count", "warning_count", "note_count"].map(|name| told["data"][name].as_u64());
    assert_eq!(counts, [0, 0, 1].map(Some), "{told}");
    assert_eq!(told["findings"][0]["severity"], "advice", "{told}");
    let status = site.run(&["status"]).run().expect_code(0).stdout_text();
    assert!(
        !status.contains("warning") && !status.contains("! nothing"),
        "{status}"
    );
    assert!(
        status.contains("(esync-ssl enable switched HTTP on port 80 off"),
        "{status}"
    );
    let told = json(&site.run(&["status", "--json"]).run());
    assert_eq!(told["data"]["warning_count"], 0, "{told}");
    // A virtual host that nothing ever listened for is one.
    let other = "<VirtualHost *:8081>\nServerName other.test\n</VirtualHost>\n";
    files::write(&site.main(), site.text() + other);
    let lint = site.run(&["lint"]).run().expect_code(0).stdout_text();
    assert!(lint.contains("0 errors, 1 warning, 1 note in"), "{lint}");
    let status = site.run(&["status"]).run().expect_code(0).stdout_text();
    assert!(
        status.contains("1 warning in") && status.contains("! nothing listens there"),
        "{status}"
    );
}

#[test]
fn every_error_of_a_broken_configuration_is_named() {
    let site = Site::new();
    let lines = site.text().lines().count();
    files::write(
        &site.main(),
        site.text() + "</Directory>\nNonsense on\nMore nonsense\n",
    );
    let refused = site.enable().arg("--json").run().expect_code(4);
    let told = json(&refused);
    let words = told["error"]["message"].as_str().unwrap();
    for place in 1..=3 {
        assert!(
            words.contains(&format!("httpd.conf:{}", lines + place)),
            "{words}"
        );
    }
    let places = told["error"]["places"].as_array().unwrap().iter();
    let named: Vec<u64> = places.filter_map(|place| place["line"].as_u64()).collect();
    assert_eq!(named, [1, 2, 3].map(|place| (lines + place) as u64), "{told}");
    let fix = told["error"]["fix"].as_str().unwrap();
    assert!(fix.contains("esync-ssl lint"), "{told}");
}

#[test]
fn a_request_says_what_comes_next() {
    let folder = files::folder();
    let made = esync_ssl()
        .folder(folder.path())
        .args(["cert", "request", "--domain", DOMAIN])
        .run()
        .expect_code(0);
    let place = text(&folder.path().join(format!("{DOMAIN}.key")));
    let next = format!("esync-ssl enable --domain {DOMAIN} --cert FILE --key {place}");
    assert!(made.stderr_text().contains(&next), "{}", made.report());
    let key = format!("{DOMAIN}.key");
    let again = [
        "cert",
        "request",
        "--domain",
        "*.example.org",
        "--key",
        &key,
        "--json",
    ];
    let told = json(&esync_ssl().folder(folder.path()).args(again).run().expect_code(0));
    let note = told["notes"][0]["message"].as_str().unwrap();
    assert!(
        note.contains(&format!("--domain NAME --cert FILE --key {place}")),
        "{told}"
    );
}

#[test]
fn what_puts_a_change_into_effect_is_named() {
    let site = Site::new();
    // Our command would find no httpd below this root, and is not offered.
    let written = site.enable().run().expect_code(0).stdout_text();
    assert!(
        written.contains("\nRestart Apache to put this into effect.\n"),
        "{written}"
    );
    assert!(!written.contains("esync-ssl restart"), "{written}");
    let next = format!("\nNext: esync-ssl verify --domain {DOMAIN} --root ");
    assert!(written.contains(&next), "{written}");
    let back = site.run(&["restore", "--yes"]).run().expect_code(0).stdout_text();
    assert!(!back.contains("esync-ssl restart"), "{back}");
    assert!(back.contains("\nNext: esync-ssl status --root "), "{back}");
}

/// Where there is an httpd, one line names the command, and the next one looks at what became of it.
#[test]
#[cfg(unix)]
fn our_own_command_restarts_where_it_finds_an_httpd() {
    let site = Site::new();
    let httpd = text(&site.stand_in("exit 0"));
    let named = ["--httpd", &httpd];
    let runs = [
        (site.enable().args(named).arg("--no-rehearsal"), "verify"),
        (site.run(&["disable", "--yes"]).args(named), "status"),
        (site.run(&["restore", "--yes"]).args(named), "status"),
    ];
    for (program, look) in runs {
        let said = program.run().expect_code(0).stdout_text();
        let restart = said.lines().find(|line| line.starts_with("Restart Apache"));
        let restart = restart.expect("a line");
        assert!(restart.contains("esync-ssl restart --root "), "{said}");
        assert_eq!(said.matches("esync-ssl restart").count(), 1, "{said}");
        assert!(said.contains(&format!("\nNext: esync-ssl {look} ")), "{said}");
    }
    let off = site
        .run(&["disable", "--yes", "--json"])
        .args(named)
        .run()
        .expect_code(0);
    let told = json(&off);
    let first = told["data"]["server"]["orders"][0].as_str().unwrap();
    assert!(first.starts_with("esync-ssl restart --root "), "{told}");
    let next = told["data"]["next"].as_str().unwrap();
    assert!(next.starts_with("esync-ssl status --root "), "{told}");
}

/// README shows what the program prints.
#[test]
#[cfg(unix)]
fn the_sample_of_the_readme_is_what_is_printed() {
    let package = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(package.join("README.md")).expect("the README");
    let (_, sample) = readme.split_once("```text\n").expect("a sample");
    let (sample, _) = sample.split_once("```\n").expect("its end");
    let command = readme
        .lines()
        .find_map(|line| line.trim().strip_prefix("cargo run --release -- "));
    let words = command.expect("its command").split(' ');
    let said = esync_ssl().folder(package).args(words).run().expect_code(0);
    assert!(said.stdout_text().starts_with(sample), "{}", said.report());
}
