//! Commands that write and restart, before a real Apache that runs: it serves what was asked, or files and server are as
//! they were.

use std::fs;
use std::time::Duration;

use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::client::http_get;
use crate::support::files::{self, forward};
use crate::support::network::HeldPort;
use crate::support::process::Outcome;
use crate::support::program::Program;
use serde_json::Value;

#[track_caller]
fn json(outcome: &Outcome) -> Value {
    outcome.data()
}

const HELLO: &str = "200 None hello";
/// Kills the server that started it. A program of Windows does not know it.
#[cfg(unix)]
const KILLER: &str = "CustomLog \"|FOLDER/killer\" common\n";

#[cfg(unix)]
fn killer(site: &ApacheSite, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = site.folder.path().join("killer");
    files::write(&path, format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("its mode");
}

#[test]
fn what_is_enabled_is_served_and_what_is_restored_too() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let before = site.answers();
    assert_eq!(before, [HELLO, "refused"].map(String::from));
    let pid = site.daemon.pid();
    let done = json(
        &site
            .enable(&site.leaf, &["--restart", "--json", "--http", "off"])
            .run()
            .expect_code(0),
    );
    assert_eq!(done["server"]["result"], "restarted", "{done}");
    let probe = &done["server"]["probe"]["targets"][0];
    assert_eq!(probe["name"], DOMAIN, "{done}");
    assert_eq!(probe["tls"]["version"], "TLSv1.3", "{done}");
    assert_eq!(site.answers(), ["refused", HELLO].map(String::from));
    let shown = site
        .client()
        .get(site.network.https, DOMAIN, "/")
        .expect("an answer");
    assert_eq!(shown.tls.expect("TLS").leaf, site.leaf.der);
    // Windows stops and starts.
    let is_same = cfg!(windows) || site.daemon.pid() == pid;
    assert!(is_same, "requests under way were not cut off");

    let back = json(
        &site
            .command(&["restore", "--yes", "--restart", "--json"])
            .run()
            .expect_code(0),
    );
    assert_eq!(back["server"]["result"], "restarted", "{back}");
    assert_eq!(site.answers(), before);

    let kept = site
        .enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    assert!(
        kept.stdout_text()
            .contains("was restarted and answers as configured"),
        "{}",
        kept.report()
    );
    // What programs read in `server.probe` is said to people as well.
    let codes = probe["findings"].as_array().expect("findings").iter();
    let codes: Vec<&str> = codes.filter_map(|finding| finding["code"].as_str()).collect();
    assert!(
        !codes.is_empty(),
        "nobody trusts the authority of the tests: {done}"
    );
    for code in codes {
        let said = kept.stderr_text();
        let line = said
            .lines()
            .find(|line| line.starts_with("note: ") && line.contains(code));
        assert!(line.is_some(), "{code}: {said}");
        assert!(!kept.stdout_text().contains(code), "{}", kept.report());
    }
    assert_eq!(site.answers(), [HELLO, HELLO].map(String::from));
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);

    site.enable(&site.leaf, &["--restart", "--http", "redirect"])
        .run()
        .expect_code(0);
    let answer = http_get(site.network.http, DOMAIN, "/").expect("an answer");
    assert_eq!(answer.status, 301);
    assert!(
        answer
            .header("Location")
            .is_some_and(|to| to.starts_with("https://"))
    );
}

/// Every command that proves tells programs and people alike what clients object to. Nothing of it hangs on the system, and
/// it restarts often.
#[cfg(unix)]
#[test]
fn what_clients_object_to_is_told_by_every_proof() {
    use crate::support::running::codes;
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let certificates: [&[&str]; 2] = [&[], &["--self-signed"]];
    for certificate in certificates {
        let on = || match certificate {
            [] => site.enable(&site.leaf, &["--restart", "--http", "keep"]),
            made => site
                .command(&[
                    "enable",
                    "--domain",
                    DOMAIN,
                    "--yes",
                    "--restart",
                    "--http",
                    "keep",
                ])
                .args(made)
                .args(["--port", &site.network.https.to_string()]),
        };
        // The second has nothing to do, and looks all the same.
        let runs = || [on(), on(), site.command(&["restart"])];
        let off = || {
            site.command(&["disable", "--yes", "--restart"])
                .run()
                .expect_code(0)
        };
        let told = runs().map(|program| program.arg("--json").run().expect_code(0).envelope());
        let verify = site.command(&["verify", "--domain", DOMAIN, "--json"]);
        let objections = codes(&verify.run().expect_code(0).envelope()["findings"]);
        assert!(!objections.is_empty(), "nobody trusts the authority of the tests");
        off();
        let said = runs().map(|program| program.run().expect_code(0));
        off();
        for code in objections {
            for told in &told {
                assert!(codes(&told["findings"]).contains(&code), "{code}: {told}");
                let mut notes = told["notes"].as_array().expect("notes").iter();
                let has_code = |note: &Value| {
                    note["message"]
                        .as_str()
                        .is_some_and(|words| words.contains(&code))
                };
                assert!(notes.any(has_code), "{code}: {told}");
            }
            for said in &said {
                let talk = said.stderr_text();
                let note = talk
                    .lines()
                    .find(|line| line.starts_with("note: ") && line.contains(&code));
                assert!(note.is_some(), "{code}: {}", said.report());
            }
        }
    }
}

#[test]
fn what_is_disabled_is_served_no_more() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let before = site.answers();
    site.enable(&site.leaf, &["--restart", "--http", "off"])
        .run()
        .expect_code(0);
    let disable = ["disable", "--yes", "--restart", "--domain", DOMAIN, "--json"];
    let done = json(&site.command(&disable).run().expect_code(0));
    assert_eq!(done["server"]["result"], "restarted", "{done}");
    assert_eq!(site.answers(), before);

    // Asked later, when there is nothing left to write.
    site.enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    site.command(&["disable", "--yes"]).run().expect_code(0);
    assert_eq!(site.answers(), [HELLO, HELLO].map(String::from));
    let foreseen = || {
        let words = ["disable", "--dry-run", "--restart", "--domain", DOMAIN];
        foreseen(site.command(&words))
    };
    assert_eq!(foreseen(), "would-change by restart");
    assert_eq!(site.answers(), [HELLO, HELLO].map(String::from));
    let done = site.command(&disable).run().expect_code(0).envelope();
    assert_eq!(
        (&done["result"], &done["data"]["server"]["result"]),
        (&"unchanged".into(), &"restarted".into()),
        "{done}"
    );
    assert_eq!(site.answers(), before);
    // Once only.
    let done = site.command(&disable).run().expect_code(0).envelope();
    assert_eq!(
        (&done["changed"], &done["data"]["server"]["result"]),
        (&false.into(), &"shows-it".into()),
        "{done}"
    );
    assert_eq!(foreseen(), "unchanged");
}

/// What a dry run says would become of files, and of the server where they are right; its status and `changed` agree.
#[track_caller]
fn foreseen(program: Program) -> String {
    let told = program.args(["--exit-code", "--json"]).run();
    let document = told.envelope();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let result = word(&document["result"]);
    let would_change = result == "would-change";
    assert_eq!(told.code, Some(if would_change { 3 } else { 0 }), "{document}");
    assert_eq!(document["changed"], would_change, "{document}");
    match &document["data"]["would"] {
        Value::Null => result,
        would => format!("{result} by {}", word(would)),
    }
}

#[test]
fn without_being_asked_the_server_is_left_alone() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let before = site.answers();
    let done = site.enable(&site.leaf, &[]).run().expect_code(0);
    assert!(done.stdout_text().contains("Restart Apache"), "{}", done.report());
    assert_eq!(site.answers(), before);
    // Asked later, it is restarted although nothing has to be written; and once only. Each is foreseen.
    let asked = |more: &[&str]| {
        let port = site.network.https.to_string();
        let words = ["enable", "--restart", "--domain", DOMAIN, "--port", &port];
        let program = site.command(&words).args(more);
        let program = program.arg("--cert").arg(&site.leaf.certificate);
        program.arg("--key").arg(&site.leaf.key)
    };
    for (result, expected) in [
        ("restarted", "would-change by restart"),
        ("shows-it", "unchanged"),
    ] {
        assert_eq!(foreseen(asked(&["--dry-run"])), expected);
        let done = site
            .enable(&site.leaf, &["--restart", "--json"])
            .run()
            .expect_code(0)
            .envelope();
        assert_eq!(
            (&done["result"], &done["data"]["server"]["result"]),
            (&"unchanged".into(), &result.into()),
            "{done}"
        );
        assert_eq!(site.answers()[1], HELLO);
    }
    // Of what the server shows already, something was written that it has not read. Moments are told in seconds.
    std::thread::sleep(Duration::from_millis(1100));
    let more = ["--hsts", "300"];
    site.enable(&site.leaf, &more).run().expect_code(0);
    assert_eq!(
        foreseen(asked(&[&more[..], &["--dry-run"]].concat())),
        "would-change by restart"
    );
    let told = asked(&[&more[..], &["--yes", "--json"]].concat())
        .run()
        .expect_code(0);
    assert_eq!(json(&told)["server"]["result"], "restarted", "{}", told.report());
    let shown = site
        .client()
        .get(site.network.https, DOMAIN, "/")
        .expect("an answer");
    assert!(
        shown.header("Strict-Transport-Security").is_some(),
        "{}",
        shown.head
    );
}

#[test]
fn a_virtual_host_that_is_never_reached_is_no_fault() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    site.enable(&site.leaf, &["--restart", "--http", "keep"])
        .run()
        .expect_code(0);
    // The same name once more, with a certificate of its own, behind the one that answers.
    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let main = site.root().join("conf/httpd.conf");
    let host = format!(
        "<VirtualHost *:{}>\nServerName {DOMAIN}\nSSLEngine on\nSSLCertificateFile {}\nSSLCertificateKeyFile {}\n\
         </VirtualHost>\n",
        site.network.https,
        other.certificate.display(),
        other.key.display()
    );
    let text = fs::read_to_string(&main).expect("the main file");
    files::write(&main, text + &host);
    let renewed = site.authority.leaf_without_chain("renewed", &[DOMAIN]);
    let all = ["--restart", "--http", "keep"];
    site.enable_with(DOMAIN, &renewed, &renewed, &all)
        .run()
        .expect_code(0);
    let shown = site
        .client()
        .get(site.network.https, DOMAIN, "/")
        .expect("an answer");
    assert_eq!(shown.tls.expect("TLS").leaf, renewed.der);
}

#[test]
fn a_key_that_does_not_match() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let forced = ["--restart", "--no-rehearsal", "--force", "KEY-MISMATCH", "--json"];
    let failed = json(&site.nothing_stays_of(site.enable(&other, &forced), 6));
    let told = failed["error"]["message"].as_str().expect("an error");
    assert!(
        told.contains("Every file is as it was, and Apache runs as it did before"),
        "{failed}"
    );
    assert_eq!(failed["findings"][0]["code"], "KEY-MISMATCH", "{failed}");
    // The lines of the log are shown with it.
    let failed = site.nothing_stays_of(site.enable(&other, &forced), 6);
    assert!(failed.stderr_text().contains("AH02565"), "{}", failed.report());
}

#[test]
fn a_port_that_is_taken() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let socket = HeldPort::at(("0.0.0.0", site.network.https));
    let before = site.files();
    site.enable(&site.leaf, &["--restart"]).run().expect_code(4);
    assert_eq!(site.files(), before);
    #[cfg(unix)]
    forced(&site);
    drop(socket);
    site.enable(&site.leaf, &["--restart"]).run().expect_code(0);
    assert_eq!(site.answers()[1], HELLO);
}

/// With the port taken all the same, everything goes back. Wine does not tell whose a port is.
#[cfg(unix)]
#[track_caller]
fn forced(site: &ApacheSite) {
    let before = site.files();
    // Accepting nothing, it lets every client wait: only files and HTTP are compared.
    let page = http_get(site.network.http, DOMAIN, "/").expect("an answer").body;
    let failed = site
        .enable(&site.leaf, &["--restart", "--force", "PORT-TAKEN", "--json"])
        .run()
        .expect_code(6);
    assert_eq!(site.files(), before, "{}", failed.report());
    assert_eq!(
        json(&failed)["findings"][0]["code"],
        "PORT-TAKEN",
        "{}",
        failed.report()
    );
    let again = http_get(site.network.http, DOMAIN, "/").expect("an answer").body;
    assert_eq!(page, again);
}

/// Apache writes what it cannot bind without a time into its log, behind the line of the signal.
#[cfg(unix)]
#[test]
fn a_restart_without_a_free_port_is_explained_later_too() {
    for word in ["graceful", "restart"] {
        let Some(site) = ApacheSite::running("") else {
            return;
        };
        let socket = HeldPort::at("0.0.0.0:0");
        let main = site.root().join("conf/httpd.conf");
        let text = fs::read_to_string(&main).expect("the main file");
        files::write(&main, format!("{text}\nListen {}\n", socket.address().port()));
        site.daemon.tell(word).expect_code(0);
        site.daemon.wait(|| !site.daemon.runs());
        let explained = json(&site.command(&["explain", "--json"]).run().expect_code(0));
        assert_eq!(explained["outcome"], "failed", "{word}: {explained}");
        assert_eq!(
            explained["findings"][0]["code"], "PORT-TAKEN",
            "{word}: {explained}"
        );
        assert_eq!(
            explained["findings"][0]["occurrence_count"], 1,
            "{word}: {explained}"
        );
        assert_eq!(
            explained["unknown_lines"],
            Value::Array(Vec::new()),
            "{word}: {explained}"
        );
        let starts = site.command(&["explain"]).run().expect_code(0).stdout_text();
        for line in ["AH00072", "no listening sockets", "AH00019"] {
            assert!(starts.contains(line), "{word}, {line}: {starts}");
        }
    }
}

#[test]
fn a_module_that_is_not_there() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    // Loaded from a folder in which there is all but this one.
    let modules = site.folder.path().join("modules");
    fs::create_dir(&modules).expect("a folder");
    for entry in fs::read_dir(&site.httpd.modules).expect("modules").flatten() {
        if entry.file_name() != "mod_ssl.so" {
            let link = modules.join(entry.file_name());
            #[cfg(unix)]
            std::os::unix::fs::symlink(entry.path(), link).expect("a link");
            #[cfg(windows)]
            fs::hard_link(entry.path(), link).expect("a link");
        }
    }
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    let [from, to] = [&site.httpd.modules, &modules].map(|folder| forward(folder));
    files::write(&main, text.replace(&from, &to));
    site.daemon.reload();
    let all = ["--restart", "--no-rehearsal", "--no-test"];
    site.nothing_stays_of(site.enable(&site.leaf, &all[..1]), 4);
    site.nothing_stays_of(site.enable(&site.leaf, &all), 4);
}

#[test]
fn an_included_file_that_is_broken() {
    let Some(site) =
        ApacheSite::running("<IfModule ssl_module>\nIncludeOptional conf/broken.inc\n</IfModule>\n")
    else {
        return;
    };
    files::write(&site.root().join("conf/broken.inc"), "NoSuchDirective on\n");
    let mut all = vec!["--restart", "--no-rehearsal"];
    // Before a candidate, on our own word, and when it is told to restart.
    for (more, status) in [
        (&[][..], 4),
        (&["--no-test"], 4),
        (&["--force", "CONFIG-PROBLEM"], 6),
    ] {
        all.extend(more);
        let failed = site.nothing_stays_of(site.enable(&site.leaf, &all), status);
        assert!(
            failed.stderr_text().contains("NoSuchDirective"),
            "{}",
            failed.report()
        );
    }
}

#[cfg(unix)]
#[test]
fn a_server_that_dies_two_seconds_after_the_restart() {
    let Some(site) = ApacheSite::running(&format!("<IfModule ssl_module>\n{KILLER}</IfModule>\n")) else {
        return;
    };
    // Killed, it leaves its children behind, which go on serving.
    for signal in ["TERM", "KILL"] {
        killer(&site, &format!("sleep 2\nkill -{signal} $PPID"));
        let failed = site.nothing_stays_of(site.enable(&site.leaf, &["--restart"]), 6);
        assert!(
            failed.stderr_text().contains("it is not running"),
            "{}",
            failed.report()
        );
    }
}

#[cfg(unix)]
#[test]
fn a_server_that_does_not_come_back() {
    let Some(site) = ApacheSite::new(KILLER) else {
        return;
    };
    killer(
        &site,
        &format!(
            "[ -e {}/kills ] && kill $PPID\nexec cat >/dev/null",
            site.folder.path().display()
        ),
    );
    site.daemon.start();
    // The one that was started with it has looked by then.
    std::thread::sleep(Duration::from_secs(1));
    files::write(&site.folder.path().join("kills"), "");
    let before = site.files();
    let failed = site
        .enable(&site.leaf, &["--restart", "--json"])
        .run()
        .expect_code(7);
    assert_eq!(site.files(), before, "{}", failed.report());
    let told = json(&failed)["error"]["message"]
        .as_str()
        .expect("an error")
        .to_owned();
    assert!(
        told.contains("Every file is as it was, but the server is not") && told.contains("is stopped"),
        "{told}"
    );
}

#[test]
fn a_server_that_was_stopped() {
    let Some(site) = ApacheSite::new("") else { return };
    let done = site.enable(&site.leaf, &["--restart"]).run().expect_code(0);
    let said = done.stdout_text();
    assert!(said.contains("Apache is stopped, and stays so"), "{said}");
    assert!(!said.contains("Apache is restarted"), "{said}");
    let line = said.lines().find(|line| line.contains("was not started"));
    assert!(
        line.is_some_and(|line| line.contains("esync-ssl restart --root ")),
        "{said}"
    );
    assert!(said.contains("\nNext: esync-ssl verify "), "{said}");
    assert!(!site.daemon.runs());
    let dry = site
        .command(&["disable", "--dry-run", "--start"])
        .run()
        .expect_code(0);
    assert!(
        dry.stdout_text().contains("Apache is stopped; it is started"),
        "{}",
        dry.report()
    );
    site.command(&["restore", "--yes", "--restart"])
        .run()
        .expect_code(0);
    assert!(!site.daemon.runs());

    let other = site.authority.leaf_without_chain("other", &[DOMAIN]);
    let forced = ["--start", "--no-rehearsal", "--force", "KEY-MISMATCH"];
    let failed = site.nothing_stays_of(site.enable(&other, &forced), 6);
    assert!(
        failed.stderr_text().contains("is stopped, as it was"),
        "{}",
        failed.report()
    );

    let done = json(
        &site
            .enable(&site.leaf, &["--start", "--json"])
            .run()
            .expect_code(0),
    );
    assert_eq!(done["server"]["result"], "started", "{done}");
    assert_eq!(site.answers()[1], HELLO);
}

/// While a service restarts, nobody listens.
#[cfg(unix)]
#[test]
fn clients_do_not_notice_one_domain_after_another() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let done = AtomicBool::new(false);
    let (port, https) = (site.network.http, site.network.https);
    let second = site
        .authority
        .leaf_without_chain("second", &["second.example.com"]);
    let counts = std::thread::scope(|scope| {
        let requests = scope.spawn(|| {
            let (mut good, mut bad) = (0, Vec::new());
            while !done.load(Ordering::Relaxed) {
                match http_get(port, DOMAIN, "/") {
                    Ok(answer) if answer.status == 200 => good += 1,
                    other => bad.push(format!("{other:?}")),
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            (good, bad)
        });
        site.enable(&site.leaf, &["--restart", "--http", "keep"])
            .run()
            .expect_code(0);
        let all = ["--restart", "--http", "keep"];
        site.enable_with("second.example.com", &second, &second, &all)
            .run()
            .expect_code(0);
        done.store(true, Ordering::Relaxed);
        requests.join().expect("requests")
    });
    eprintln!("{} requests, failed: {:?}", counts.0, counts.1);
    assert!(counts.0 > 100 && counts.1.is_empty(), "{counts:?}");
    for leaf in [(DOMAIN, &site.leaf), ("second.example.com", &second)] {
        let shown = site.client().get(https, leaf.0, "/").expect("an answer");
        assert_eq!(shown.tls.expect("TLS").leaf, leaf.1.der);
    }
}

/// On Windows, `windows_stop` ends runs in the middle of a change.
#[cfg(unix)]
#[test]
fn killed_between_restart_and_proof() {
    use crate::support::{client, process};
    use std::process::Stdio;
    use std::time::Instant;
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    let (files, answers) = (site.files(), site.answers());
    assert_eq!(answers[0], HELLO);
    let log = site.folder.path().join("said");
    let mut command = site
        .enable(&site.leaf, &["--restart", "--http", "off"])
        .into_command();
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log).expect("a file"));
    let mut child = process::start(&mut command).expect("a child");
    let start = Instant::now();
    while client::listens(site.network.http) && start.elapsed() < Duration::from_secs(30) {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("SIGKILL");
    child.wait().expect("its end");
    let said = fs::read_to_string(&log).expect("what it said");
    assert!(said.contains("Restarting"), "{said}");
    assert_ne!(site.files(), files, "it was killed too late: {said}");
    let recovered = site
        .command(&["restore", "--recover", "--restart"])
        .run()
        .expect_code(0);
    assert_eq!(site.files(), files, "{}", recovered.report());
    assert_eq!(site.answers(), answers, "{}", recovered.report());
}
