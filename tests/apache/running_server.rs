//! The running server: found, explained, looked at, restarted; with a real Apache.
#![cfg(unix)]

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support;
use crate::support::certificates::{Days, p256, self_signed};
use crate::support::client::http_get;
use crate::support::files;
use crate::support::network::HeldPort;
use crate::support::process;
use crate::support::program::esync_ssl;
use crate::support::running::{NAME, OTHER, Site, codes};
use crate::support::site::text;
use crate::support::systemd::{self, stand_in, with_systemd};
use serde_json::Value;

#[test]
fn restart_starts_serves_and_renews() {
    let Some(site) = Site::new() else { return };
    // A number that is left over and belongs to somebody else is not this server.
    let mut bystander = Command::new("sleep").arg("60").spawn().unwrap();
    files::write(&site.root().join("logs/httpd.pid"), bystander.id().to_string());
    let started = site.json(&["restart"], 0);
    assert_eq!(started["was_running"], false, "{started}");
    assert_eq!(bystander.try_wait().unwrap(), None, "the other process lives");
    bystander.kill().unwrap();
    bystander.wait().unwrap();
    assert_eq!(site.verify(0), Vec::<String>::new());
    let ports = site.json(&["ports"], 0);
    for port in ports["ports"].as_array().unwrap() {
        assert_eq!(port["holders"][0]["own"], true, "{ports}");
    }
    let before = site.daemon.pid();

    let renewed = site.authority.leaf("renewed", &[NAME]);
    site.install("server", &renewed);
    assert_eq!(site.verify(0), ["SERVED-OTHER-THAN-DISK"]);
    let graceful = site.json(&["restart", "--graceful"], 0);
    assert_eq!(graceful["was_running"], true);
    assert_eq!(site.verify(0), Vec::<String>::new());
    assert_eq!(site.daemon.pid(), before, "the parent stays");

    // A key that does not belong: refused, and the old service survives.
    let stranger = site.authority.leaf("stranger", &[NAME]);
    fs::copy(&stranger.key, site.root().join("conf/server.key")).unwrap();
    let refused = site.json(&["restart"], 4);
    assert_eq!(codes(&refused["findings"]), ["KEY-MISMATCH"], "{refused}");
    let checked = site.json(&["check"], 12);
    assert!(codes(&checked["checked"][0]["findings"]).contains(&"KEY-MISMATCH".into()));
    assert_eq!(site.verify(0), Vec::<String>::new());
    // What only the server's own library can tell is tried beforehand.
    site.install("server", &renewed);
    site.configure(&site.host(NAME, "server", "SSLCipherSuite NOTHING\n"));
    let refused = site.json(&["restart"], 4);
    assert_eq!(codes(&refused["findings"]), ["REHEARSAL-FAILED"], "{refused}");
    assert_eq!(site.verify(0), Vec::<String>::new());
    site.configure(&site.host(NAME, "server", ""));
    fs::copy(&stranger.key, site.root().join("conf/server.key")).unwrap();
    // Forced, Apache ends; why it did is told.
    let failed = site.json(&["restart", "--force", "KEY-MISMATCH"], 11);
    assert_eq!(codes(&failed["findings"])[0], "KEY-MISMATCH", "{failed}");
    assert_eq!(site.verify(12), ["NOT-LISTENING"]);
    let told = site.json(&["explain"], 0);
    assert_eq!(told["outcome"], "failed", "{told}");
    assert_eq!(
        (&told["findings"][0]["code"], &told["findings"][0]["seen"]),
        (&"KEY-MISMATCH".into(), &true.into())
    );
    let _ = fs::remove_file(site.root().join("logs/httpd.pid"));
}

#[test]
fn a_port_that_another_program_holds() {
    let Some(site) = Site::new() else { return };
    let socket = HeldPort::at(("0.0.0.0", site.network.https));
    let ports = site.json(&["ports"], 12);
    let tls = &ports["ports"][1];
    assert_eq!(tls["findings"][0]["code"], "PORT-TAKEN", "{ports}");
    assert_eq!(tls["holders"][0]["pid"], std::process::id(), "{ports}");
    assert_eq!(ports["ports"][0]["findings"], serde_json::json!([]));
    let checked = site.json(&["check"], 12);
    assert_eq!(codes(&checked["findings"]), ["PORT-TAKEN"]);
    site.run(&["restart"], 4);
    // What Apache says of it is on the terminal only; piped in, it is explained.
    let said = site.daemon.fails();
    files::write(&site.folder.path().join("said"), &said.stderr);
    let told = site.json(&["explain", site.folder.path().join("said").to_str().unwrap()], 0);
    assert_eq!(told["findings"][0]["code"], "PORT-TAKEN", "{told}");
    drop(socket);
    site.run(&["ports"], 0);
}

/// `verify` says of what is served what `check` says of the files.
#[track_caller]
fn said_alike(site: &Site, [code, severity]: [&str; 2]) {
    let seen = site.json(&["verify", "--domain", NAME], 0);
    let checked = site.json(&["check", "--domain", NAME], 0);
    let found = [
        &seen["targets"][0]["findings"][0],
        &checked["checked"][0]["findings"][0],
    ];
    for found in found {
        assert_eq!(
            (&found["code"], &found["severity"]),
            (&code.into(), &severity.into())
        );
    }
    assert_eq!(found[0]["summary"], found[1]["summary"]);
}

#[test]
fn what_clients_meet() {
    let Some(site) = Site::new() else { return };
    assert_eq!(site.verify(12), ["NOT-LISTENING"]);
    let key = || p256();
    let other = site.authority.leaf("other", &[OTHER]);
    site.install("other", &other);
    let restart = |hosts: String| {
        site.configure(&hosts);
        // Nothing is refused of what only clients object to.
        let started = site.run(&["restart"], 0);
        assert!(
            started.stdout_text().contains("answers as configured"),
            "{}",
            started.report()
        );
    };
    restart(site.host(NAME, "server", "") + &site.host(OTHER, "other", ""));
    assert_eq!(site.verify(0), Vec::<String>::new());
    let seen = site.json(&["verify", "--ca", &site.ca(), "--domain", OTHER], 0);
    let target = &seen["targets"][0];
    assert_eq!(
        (&target["tls"]["version"], &target["tls"]["trusted"]),
        (&"TLSv1.3".into(), &true.into())
    );
    assert_eq!(target["without_server_name"], NAME, "{seen}");
    assert_eq!(target["http"][0]["status"], 200, "{seen}");
    // Whom clients trust besides this machine's authorities is not known: it is said, as check says it beforehand.
    said_alike(&site, ["SERVED-UNTRUSTED", "works-but-wrong"]);
    // Another authority than that which clients were said to trust is an error.
    let other = self_signed(&site.folder.path().join("in"), "stranger", &["stranger"]);
    let strict = [
        "verify",
        "--domain",
        NAME,
        "--ca",
        other.certificate.to_str().unwrap(),
    ];
    let strict = site.json(&strict, 12);
    assert_eq!(
        strict["targets"][0]["findings"][0]["severity"], "breaks-clients",
        "{strict}"
    );

    let expired = site.authority.leaf_of("expired", &[NAME], Days(-30, -2), key());
    site.install("server", &expired);
    restart(site.host(NAME, "server", ""));
    assert_eq!(site.verify(12), ["CERT-EXPIRED"]);

    restart(site.host(NAME, "other", ""));
    assert_eq!(site.verify(12), ["NAME-NOT-COVERED"]);

    let own = self_signed(&site.folder.path().join("in"), "own", &[NAME]);
    files::write(
        &site.root().join("conf/server.crt"),
        fs::read(&own.certificate).unwrap(),
    );
    files::write(&site.root().join("conf/server.key"), fs::read(&own.key).unwrap());
    restart(site.host(NAME, "server", ""));
    assert_eq!(site.verify(12), ["CERT-SELF-SIGNED"]);
    said_alike(&site, ["CERT-SELF-SIGNED", "works-but-wrong"]);

    // The chain is not sent.
    let leaf = site.authority.leaf("leaf", &[NAME]);
    site.install("server", &leaf);
    files::write(
        &site.root().join("conf/server.crt"),
        fs::read(&leaf.certificate).unwrap(),
    );
    restart(site.host(NAME, "server", ""));
    assert_eq!(site.verify(12), ["CHAIN-MISSING"]);
}

#[test]
fn shadows_and_plain_http() {
    let Some(site) = Site::new() else { return };
    let other = site.authority.leaf("other", &[NAME, OTHER]);
    site.install("other", &other);
    site.configure(&(site.host(NAME, "other", "") + &site.host(NAME, "server", "")));
    let checked = site.json(&["check"], 12);
    assert_eq!(codes(&checked["findings"]), ["VHOST-SHADOWED"], "{checked}");
    site.run(&["restart"], 0);
    assert_eq!(site.verify(12), ["VHOST-SHADOWED"]);

    // A plain virtual host in front takes TLS from the port.
    let port = site.network.https;
    let plain =
        format!("<VirtualHost *:{port}>\nServerName plain.example.com\nSSLEngine off\n</VirtualHost>\n");
    site.configure(&(plain + &site.host(NAME, "server", "")));
    let checked = site.json(&["check"], 12);
    assert_eq!(codes(&checked["findings"]), ["TLS-OFF"], "{checked}");
    let failed = site.run(&["restart"], 11);
    assert!(failed.stderr_text().contains("plain HTTP"), "{}", failed.report());
    assert_eq!(site.verify(12), ["PLAIN-HTTP"]);
    assert_eq!(http_get(port, NAME, "/").unwrap().status, 200);

    // No Listen for the virtual host.
    let apart = site.network.another();
    let host = site
        .host(NAME, "server", "")
        .replace(&format!(":{port}>"), &format!(":{apart}>"));
    site.configure(&host);
    let checked = site.json(&["check"], 12);
    let found = codes(&checked["findings"]);
    assert!(found.contains(&"LISTEN-MISSING".to_string()), "{checked}");
}

#[test]
fn logs_of_virtual_hosts_and_swapped_files() {
    let Some(site) = Site::new() else { return };
    let swapped = site.host(NAME, "server", "ErrorLog conf/error_log\n").replace(
        "SSLCertificateKeyFile conf/server.key",
        "SSLCertificateKeyFile conf/server.crt",
    );
    site.configure(&swapped);
    site.daemon.fails();
    let told = site.json(&["explain"], 0);
    let first = &told["findings"][0];
    assert_eq!(
        (&first["code"], &first["seen"]),
        (&"KEY-NOT-A-KEY".into(), &true.into()),
        "{told}"
    );
    assert_eq!(told["outcome"], "failed", "{told}");
    assert!(first["fix"].as_str().unwrap().contains("swapped"), "{told}");
    let names: Vec<&str> = told["logs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|log| log["name"].as_str().unwrap())
        .collect();
    assert!(
        names.iter().any(|name| name.ends_with("conf/error_log")),
        "{names:?}"
    );
    let text = site.run(&["explain"], 0).stdout_text();
    assert!(
        text.contains("AH02579") && text.contains("The last start of "),
        "{text}"
    );
    // Corrected since: the log says the old thing, and the files no longer show it.
    site.configure(&site.host(NAME, "server", "ErrorLog conf/error_log\n"));
    let told = site.json(&["explain"], 0);
    assert_eq!(told["findings"][0]["seen"], false, "{told}");
    // Long ago is not asked for.
    let later = site.json(&["explain", "--since", "2099-01-01"], 0);
    assert_eq!(later["findings"].as_array().unwrap().len(), 0);
    let hour = site.json(&["explain", "--since", "1h"], 0);
    assert_eq!(hour["findings"][0]["code"], "KEY-NOT-A-KEY", "{hour}");
}

#[test]
fn the_lines_of_the_article() {
    let folder = files::folder();
    let log = folder.path().join("log");
    files::write(
        &log,
        "[Mon Mar 02 06:41:12.421000 2015] [ssl:emerg] [pid 3120:tid 388] AH02238: Unable to configure RSA server private key\n\
         [Mon Mar 02 06:41:12.421000 2015] [ssl:emerg] [pid 3120:tid 388] SSL Library Error: error:0B080074:x509 certificate \
         routines:X509_check_private_key:key values mismatch\n\
         [Mon Mar 02 06:41:12.421000 2015] [ssl:emerg] [pid 3120:tid 388] AH02312: Fatal error initialising mod_ssl, exiting.\n\
         [Mon Mar 02 06:45:02.120000 2015] [ssl:warn] [pid 3120:tid 388] AH01909: RSA certificate configured for \
         LAP1.ad.example.com:443 does NOT include an ID which matches the server name\nsomething that nobody knows\n",
    );
    let outcome = esync_ssl()
        .args(["explain", "--since", "2000-01-01", "--json"])
        .arg(&log)
        .run()
        .expect_code(0);
    let told: Value = outcome.data();
    assert_eq!(
        codes(&told["findings"]),
        ["KEY-MISMATCH", "NAME-NOT-COVERED"],
        "{told}"
    );
    // What the instructions for eSync say of them: another certificate, and look at ServerName.
    for (at, words) in [
        (0, "get a new certificate"),
        (1, "ServerName of the virtual host"),
    ] {
        let fix = told["findings"][at]["fix"].as_str().unwrap();
        assert!(fix.contains(words), "{fix}");
    }
    esync_ssl().args(["explain", "/no/such/log"]).run().expect_code(1);
}

#[test]
fn a_running_server_is_found_without_being_named() {
    let Some(site) = Site::new() else { return };
    if !site.network.isolated {
        support::skip("other servers of this machine would be found as well");
        return;
    }
    site.run(&["restart"], 0);
    let status = esync_ssl().arg("ports").run().expect_code(0);
    assert!(
        status.stderr_text().contains("(the running Apache, process "),
        "{}",
        status.report()
    );
    // A flag that only the running server has.
    let config = site.root().join("conf/httpd.conf");
    let text =
        fs::read_to_string(&config).unwrap() + "<IfDefine SPECIAL>\nListen 127.0.0.1:8081\n</IfDefine>\n";
    files::write(&config, text);
    site.daemon.stop();
    let mut command = Command::new(&site.httpd.binary);
    command
        .arg("-d")
        .arg(site.root())
        .args(["-f", "conf/httpd.conf", "-D", "SPECIAL", "-k", "start"]);
    process::finish(&mut command, Duration::from_secs(30)).expect_code(0);
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["ports"][2]["endpoint"], "127.0.0.1:8081", "{ports}");
    // Restarted by us it keeps its flag.
    site.run(&["restart"], 0);
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["ports"][2]["holders"][0]["own"], true, "{ports}");

    // A second one: which is meant has to be said.
    let second = site.folder.path().join("second");
    fs::create_dir_all(second.join("logs")).unwrap();
    let text = fs::read_to_string(&config)
        .unwrap()
        .replace(&site.root().display().to_string(), &second.display().to_string());
    let plain = text.lines().take_while(|line| !line.starts_with("<VirtualHost"));
    let plain: Vec<String> = plain
        .filter(|line| !line.ends_with(" https"))
        .map(|line| {
            if line.starts_with("Listen") {
                "Listen 8082".into()
            } else {
                line.to_string()
            }
        })
        .collect();
    files::write(&second.join("conf/httpd.conf"), plain.join("\n") + "\n");
    fs::create_dir_all(second.join("htdocs")).unwrap();
    let tell = |word: &str| {
        let mut command = Command::new(&site.httpd.binary);
        command
            .arg("-d")
            .arg(&second)
            .args(["-f", "conf/httpd.conf", "-k", word]);
        process::finish(&mut command, Duration::from_secs(30))
    };
    tell("start").expect_code(0);
    let start = Instant::now();
    while !second.join("logs/httpd.pid").exists() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let several = esync_ssl().arg("ports").run();
    tell("stop").expect_code(0);
    let several = several.expect_code(1);
    let said = several.stderr_text();
    assert!(
        said.contains("several Apache servers") && said.contains(&second.display().to_string()),
        "{said}"
    );
}

#[test]
fn systemd_is_told() {
    let Some(site) = Site::new() else { return };
    if !systemd::isolate() {
        return;
    }
    stand_in(&site, false);
    for words in [&["restart"][..], &["restart"], &["restart", "--graceful"]] {
        let outcome = with_systemd(&site, words).expect_code(0);
        assert!(
            outcome.stderr_text().contains("the unit apache2.service"),
            "{}",
            outcome.report()
        );
    }
    // On a machine that is busy it may have been told something once more.
    let told = |so_far: usize| {
        let all = fs::read_to_string(site.root().join("told")).unwrap();
        let mut told: Vec<String> = all.lines().skip(so_far).map(str::to_string).collect();
        let count = so_far + told.len();
        told.dedup();
        (told, count)
    };
    let (restarted, so_far) = told(0);
    assert_eq!(restarted, ["start", "stop", "start", "reload"]);
    assert_eq!(site.verify(0), Vec::<String>::new());
    // A change that is put into effect: reloading suffices.
    let renewed = site.authority.leaf("renewed", &[NAME]);
    let port = site.network.https.to_string();
    let files = [&renewed.certificate, &renewed.key, &site.authority.intermediate()].map(|path| text(path));
    let enable = [
        "enable",
        "--yes",
        "--restart",
        "--domain",
        NAME,
        "--port",
        &port,
        "--http",
        "keep",
    ];
    let named = ["--cert", &files[0], "--key", &files[1], "--chain", &files[2]];
    let words = [&enable[..], &named].concat();
    let before = fs::read(site.root().join("conf/httpd.conf")).unwrap();
    stand_in(&site, true);
    // The account may not: files and server stay.
    with_systemd(&site, &words).expect_code(8);
    assert_eq!(before, fs::read(site.root().join("conf/httpd.conf")).unwrap());
    assert_eq!(site.verify(0), Vec::<String>::new());
    stand_in(&site, false);
    with_systemd(&site, &words).expect_code(0);
    assert_eq!(told(so_far).0, ["reload"]);
    assert_eq!(site.verify(0), Vec::<String>::new());
    stand_in(&site, true);
    let refused = with_systemd(&site, &["restart"]).expect_code(8);
    assert!(
        refused.stderr_text().contains("run again as root"),
        "{}",
        refused.report()
    );
    assert_eq!(site.verify(0), Vec::<String>::new());
}

/// Without --restart nobody knows at once whether the server has read what is configured; where it is seen that it has not,
/// that is told.
#[test]
fn a_restart_that_is_left_to_do_is_told_again() {
    let Some(site) = Site::new() else { return };
    let text = fs::read_to_string(site.root().join("conf/httpd.conf")).unwrap();
    let plain = text.split("<VirtualHost").next().unwrap();
    let plain = plain.replace(&format!("Listen {} https\n", site.network.https), "");
    files::write(&site.root().join("conf/httpd.conf"), &plain);
    let port = site.network.https.to_string();
    let enable = |name: &str| {
        let (certificate, key) = (
            site.root().join("conf/server.crt"),
            site.root().join("conf/server.key"),
        );
        let files = [
            "--cert",
            certificate.to_str().unwrap(),
            "--key",
            key.to_str().unwrap(),
            "--in-place",
        ];
        let words = [
            "enable", "--yes", "--domain", name, "--http", "keep", "--port", &port, "--json",
        ];
        site.run(&[&words[..], &files].concat(), 0).envelope()
    };
    let is_pending = |told: &Value, expected: bool| {
        assert_eq!(told["result"], "unchanged", "{told}");
        assert_eq!(told["restart_needed"], expected, "{told}");
        assert_eq!(told["data"]["next"].is_string(), expected, "{told}");
        assert_eq!(
            told["data"]["server"]["orders"][0].is_string(),
            expected,
            "{told}"
        );
        let notes = told["notes"].to_string();
        assert!(
            notes.contains("is configured") && !notes.contains("is served"),
            "{told}"
        );
    };
    site.json(&["restart"], 0);
    assert_eq!(enable(NAME)["result"], "written");
    // Nothing listens there yet.
    is_pending(&enable(NAME), true);
    site.json(&["restart", "--graceful"], 0);
    is_pending(&enable(NAME), false);
    // Something listens there, and the server was not told since.
    std::thread::sleep(Duration::from_millis(1100));
    let off = site.run(&["disable", "--yes", "--json"], 0).envelope();
    assert_eq!(off["restart_needed"], true, "{off}");
    assert_eq!(enable(NAME)["result"], "written");
    is_pending(&enable(NAME), true);
    site.json(&["restart", "--graceful"], 0);
    is_pending(&enable(NAME), false);
    // A server that is stopped reads it when it starts.
    std::thread::sleep(Duration::from_millis(1100));
    site.run(&["disable", "--yes"], 0);
    assert_eq!(enable(NAME)["result"], "written");
    site.daemon.stop();
    is_pending(&enable(NAME), false);
}
