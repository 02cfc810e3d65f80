//! `doctor` before a real Apache: of staged faults it names the cause first and once, and of healthy servers it says that they
//! are.

use std::fs;
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use esync_ssl::apply::{Holder, NameChange, RealDisk, Store, Transaction};
use serde_json::Value;

use crate::explain::{cut, faults_before, faults_inside};
use crate::layouts::trial;
use crate::support::apache::Httpd;
use crate::support::apache_site::ApacheSite;
use crate::support::certificates::{Days, p256, self_signed};
use crate::support::files;
use crate::support::network::{HeldPort, Network};
#[cfg(unix)]
use crate::support::others::mode;
use crate::support::process::Outcome;
#[cfg(unix)]
use crate::support::process::finish;
use crate::support::program::esync_ssl;
use crate::support::running::{NAME, OTHER, Site, codes};
use crate::support::site::BACKUPS;
#[cfg(unix)]
use crate::support::stranger::as_nobody;

/// What is wrong with a server.
fn doctor(site: &Site) -> Value {
    let command = ["doctor", "--ca", &site.ca()];
    let outcome = esync_ssl()
        .args(command)
        .args(["--json", "--root", site.root().to_str().unwrap()])
        .args(["--httpd", site.httpd.binary.to_str().unwrap()])
        .run();
    assert!(matches!(outcome.code, Some(0 | 12)), "{}", outcome.report());
    outcome.data()
}

/// Keeps what is not as it is to be.
#[derive(Default)]
struct Judge {
    total: usize,
    wrong: Vec<String>,
}

impl Judge {
    /// One of these codes comes first, and no other error is told.
    fn first(&mut self, about: &str, report: &Value, wanted: &[&str]) {
        self.total += 1;
        let causes = report["causes"].as_array().unwrap();
        let all = codes(&report["causes"]);
        let errors = causes.iter().filter(|cause| cause["level"] == "error").count();
        if all.first().is_none_or(|first| !wanted.contains(&first.as_str())) || errors > 1 {
            self.wrong.push(format!(
                "{about}: {wanted:?} is to come first, alone; told: {all:?}\n{}",
                serde_json::to_string_pretty(&report["causes"]).unwrap()
            ));
        }
    }

    #[track_caller]
    fn end(self, what: &str) {
        println!(
            "{what}: {} of {} named first and once",
            self.total - self.wrong.len(),
            self.total
        );
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[test]
fn the_cause_of_a_failed_start_comes_first() {
    let Some(site) = Site::new() else { return };
    cut(&site);
    let mut judge = Judge::default();
    for fault in faults_before(&site).into_iter().chain(faults_inside()) {
        // Wine lets a socket have any address.
        if cfg!(windows) && fault.checked == "ADDRESS-NOT-HERE" {
            continue;
        }
        let _ = fs::remove_file(site.root().join("logs/error_log"));
        site.configure(&(fault.before.clone() + &site.host(NAME, "server", fault.inside)));
        site.daemon.fails();
        judge.first(fault.about, &doctor(&site), &[fault.explained, fault.checked]);
    }
    judge.end("faults of the start");
}

#[test]
fn what_breaks_clients_comes_first() {
    let Some(site) = Site::new() else { return };
    let mut judge = Judge::default();
    let names = [NAME];
    let good = site.authority.leaf("good", &names);
    let of = |days: Days, file: &str| site.authority.leaf_of(file, &names, days, p256());
    for (about, leaf, code) in [
        (
            "a certificate that is over",
            of(Days(-90, -1), "over"),
            "CERT-EXPIRED",
        ),
        (
            "a certificate of tomorrow",
            of(Days(1, 90), "soon"),
            "CERT-NOT-YET-VALID",
        ),
        (
            "a certificate of another name",
            site.authority.leaf("named", &[OTHER]),
            "NAME-NOT-COVERED",
        ),
        (
            "a certificate that signs itself",
            self_signed(site.folder.path(), "alone", &names),
            "CERT-SELF-SIGNED",
        ),
    ] {
        site.install("server", &leaf);
        if code == "CERT-SELF-SIGNED" {
            files::write(
                &site.root().join("conf/server.crt"),
                fs::read(&leaf.certificate).unwrap(),
            );
        }
        site.daemon.start();
        judge.first(about, &doctor(&site), &[code]);
        site.daemon.stop();
    }
    // Without the intermediate.
    site.install("server", &good);
    files::write(
        &site.root().join("conf/server.crt"),
        fs::read(&good.certificate).unwrap(),
    );
    site.daemon.start();
    judge.first("no chain", &doctor(&site), &["CHAIN-MISSING"]);
    site.daemon.stop();
    site.install("server", &good);
    virtual_hosts(&site, &mut judge);
    judge.end("faults that clients see");
}

/// Those of virtual hosts and ports.
fn virtual_hosts(site: &Site, judge: &mut Judge) {
    let port = site.network.https;
    let plain = format!("<VirtualHost *:{port}>\nServerName {OTHER}\n</VirtualHost>\n");
    let good = site.host(NAME, "server", "");
    for (about, hosts, code) in [
        ("a plain virtual host first", format!("{plain}{good}"), "TLS-OFF"),
        ("two of one name", format!("{good}{good}"), "VHOST-SHADOWED"),
        (
            "nothing listens",
            good.replace(&format!("*:{port}"), "*:8444") + &site.host(OTHER, "server", ""),
            "LISTEN-MISSING",
        ),
    ] {
        if code == "LISTEN-MISSING" {
            let leaf = site.authority.leaf("both", &[NAME, OTHER]);
            site.install("server", &leaf);
        }
        site.configure(&hosts);
        site.daemon.start();
        judge.first(about, &doctor(site), &[code]);
        site.daemon.stop();
    }
    site.configure(&good);
}

#[test]
fn what_is_of_the_running_server_comes_first() {
    let Some(site) = Site::new() else { return };
    let mut judge = Judge::default();
    let healthy = |about: &str| {
        let report = doctor(&site);
        assert_eq!(report["verdict"], "healthy", "{about}: {report:#}");
    };
    site.daemon.start();
    healthy("as it is");
    let later = |file: &str| {
        let file = fs::File::options()
            .write(true)
            .open(site.root().join(file))
            .unwrap();
        file.set_modified(SystemTime::now() + Duration::from_secs(60))
            .unwrap();
    };
    // Another certificate on disk.
    site.install("server", &site.authority.leaf("next", &[NAME]));
    judge.first(
        "not restarted",
        &doctor(&site),
        &["SERVED-OTHER-THAN-DISK", "CONFIG-NOT-READ"],
    );
    // Another key.
    site.install("other", &site.authority.leaf("other", &[NAME]));
    let key = site.root().join("conf/server.key");
    fs::copy(site.root().join("conf/other.key"), &key).unwrap();
    later("conf/server.key");
    judge.first(
        "a key that does not fit, not restarted",
        &doctor(&site),
        &["KEY-MISMATCH"],
    );
    site.install("server", &site.authority.leaf("next", &[NAME]));
    site.daemon.reload();
    // A site that the running server does not know.
    site.install("further", &site.authority.leaf("further", &[OTHER]));
    site.configure(&(site.host(NAME, "server", "") + &site.host(OTHER, "further", "")));
    later("conf/httpd.conf");
    let told = ["CONFIG-NOT-READ", "SERVED-OTHER-THAN-DISK"];
    std::thread::sleep(Duration::from_millis(100));
    judge.first("a new site, not restarted", &doctor(&site), &told);
    site.daemon.stop();
    judge.first("stopped", &doctor(&site), &["SERVER-STOPPED"]);
    let holder = HeldPort::at(("0.0.0.0", site.network.https));
    let report = doctor(&site);
    judge.first("a port that another program has", &report, &["PORT-TAKEN"]);
    drop(holder);
    judge.end("faults of a server that runs or does not");
}

/// What it says of a server that must be well, and how long that took.
#[track_caller]
fn is_healthy(about: &str, outcome: &Outcome, took: Duration) {
    let text = outcome.stdout_text();
    println!(
        "{about}: {} ms, {}",
        took.as_millis(),
        text.lines().next().unwrap_or_default()
    );
    assert!(
        outcome.code == Some(0) && text.starts_with("Healthy"),
        "{about}: {}",
        outcome.report()
    );
}

#[test]
fn healthy_servers_are_said_to_be() {
    let Some(httpd) = Httpd::find() else { return };
    // A server for another machine.
    let folder = files::folder();
    let root = folder.path().join("Apache24");
    files::copy_tree(&files::fixture("esync/Apache24"), &root);
    let began = Instant::now();
    let outcome = esync_ssl().args(["doctor", "--root"]).arg(&root).run();
    is_healthy("eSync, as it is shipped", &outcome, began.elapsed());
    let site = ApacheSite::running("").expect("an Apache");
    let began = Instant::now();
    let outcome = site.command(&["doctor"]).run();
    is_healthy("HTTP alone", &outcome, began.elapsed());
    site.keep_http_beside_https();
    let began = Instant::now();
    let outcome = site.command(&["doctor"]).run();
    is_healthy("a certificate to try things out", &outcome, began.elapsed());
    drop(site);
    let network = Network::enter();
    // On Windows a server without a service is known by its PidFile, which the layouts have elsewhere.
    let layouts: &[&str] = match cfg!(unix) {
        true => &[
            "main-server",
            "several-names",
            "redirect-of-site",
            "two-sites-one-file",
            "debian",
            "redhat",
            "debian-http2",
            "ip-address",
            "macro-in-site",
            "wildcard-alias",
        ],
        false => &[],
    };
    for name in layouts {
        let (set_up, _server) = trial::enabled(name, &httpd, &network);
        let began = Instant::now();
        let outcome = esync_ssl()
            .args(["doctor", "--root", set_up.root.to_str().unwrap()])
            .args(["--config", set_up.main.to_str().unwrap()])
            .run();
        is_healthy(name, &outcome, began.elapsed());
    }
}

/// What `--fix` did, each with what became of it.
fn fixes(report: &Value) -> Vec<(String, String)> {
    let word = |fixed: &Value, field: &str| fixed[field].as_str().unwrap().to_owned();
    let all = report["fixes"].as_array().unwrap();
    all.iter()
        .map(|fixed| (word(fixed, "remedy"), word(fixed, "result")))
        .collect()
}

#[test]
fn what_needs_nobody_is_done() {
    let Some(site) = Site::new() else { return };
    let leaf = site.authority.leaf("fixed", &[NAME]);
    site.install("server", &leaf);
    files::write(
        &site.root().join("conf/server.crt"),
        fs::read(&leaf.certificate).unwrap(),
    );
    fs::copy(
        site.authority.intermediate(),
        site.root().join("conf/intermediate.pem"),
    )
    .unwrap();
    site.daemon.start();
    let main = site.root().join("conf/httpd.conf");
    let before = fs::read(&main).unwrap();
    // Nobody is there to agree.
    let ca = site.ca();
    let words = ["doctor", "--ca", ca.as_str(), "--fix"];
    let outcome = site.run(&words, 14);
    assert_eq!(fs::read(&main).unwrap(), before, "{}", outcome.report());
    let report = site.json(&[&words[..], &["--yes"]].concat(), 0);
    assert_eq!(
        fixes(&report),
        [("complete-chain".to_owned(), "done".to_owned())],
        "{report:#}"
    );
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    site.daemon.stop();
    let report = site.json(&[&words[..], &["--yes"]].concat(), 0);
    assert_eq!(
        fixes(&report),
        [("restart".to_owned(), "done".to_owned())],
        "{report:#}"
    );
    assert_eq!(report["is_running"], true, "{report:#}");
    // What only a person can correct stays as it is.
    let key = site.root().join("conf/server.key");
    site.install("other", &site.authority.leaf("other", &[NAME]));
    fs::copy(site.root().join("conf/other.key"), &key).unwrap();
    let report = site.json(&[&words[..], &["--yes"]].concat(), 12);
    assert_eq!(fixes(&report), [], "{report:#}");
    assert!(site.daemon.runs());
}

/// Writes the main file anew some time after the last start.
fn edit_later(site: &Site, edit: impl FnOnce(&str) -> String) {
    let main = site.root().join("conf/httpd.conf");
    let text = edit(&fs::read_to_string(&main).unwrap());
    files::write(&main, text);
    let file = fs::File::options().write(true).open(&main).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60))
        .unwrap();
}

#[test]
fn a_port_that_is_wanted_and_closed_breaks_clients() {
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    let port = site.network.http;
    edit_later(&site, |text| {
        text.replace(&format!("Listen {port}\n"), "Listen 8446\n")
    });
    let report = doctor(&site);
    let mut judge = Judge::default();
    judge.first("HTTP on another port", &report, &["CONFIG-NOT-READ"]);
    judge.end("ports that are closed");
    let cause = &report["causes"][0];
    assert_eq!(cause["severity"], "breaks-clients", "{report:#}");
    assert_eq!(cause["remedy"], "restart", "{report:#}");
    assert!(
        codes(&cause["effects"]).contains(&"NOT-LISTENING".to_owned()),
        "{report:#}"
    );
    let sections = report["sections"].as_array().unwrap();
    for command in ["ports", "status"] {
        let section = sections.iter().find(|one| one["command"] == command).unwrap();
        assert_eq!(section["state"], "faults", "{report:#}");
    }
    let ca = site.ca();
    let report = site.json(&["doctor", "--ca", &ca, "--fix", "--yes"], 0);
    assert_eq!(report["verdict"], "healthy", "{report:#}");
}

/// A socket on all addresses of IPv4 is in nobody's way at one of IPv6.
#[cfg(unix)]
#[test]
fn listeners_of_two_families_stand_together() {
    let Some(site) = Site::new() else { return };
    let port = site.network.http;
    edit_later(&site, |text| {
        let listen = format!("Listen {port}\n");
        text.replace(
            &listen,
            &format!("{listen}Listen 0.0.0.0:8446\nListen [::1]:8446\n"),
        )
    });
    site.daemon.start();
    for address in ["127.0.0.1", "::1"] {
        let met = std::net::TcpStream::connect((address, 8446));
        assert!(met.is_ok(), "{address}: {met:?}");
    }
    let report = doctor(&site);
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    site.run(&["lint"], 0);
}

/// A key is closed to all but root, and a running server has it: that is no fault.
#[cfg(unix)]
#[test]
fn what_is_closed_to_an_account_is_not_judged() {
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    mode(site.folder.path(), 0o755);
    let mut command = as_nobody(Path::new(env!("CARGO_BIN_EXE_esync-ssl")));
    command.args(["doctor", "--json", "--ca", &site.ca(), "--httpd"]);
    command.arg(&site.httpd.binary).arg("--root").arg(site.root());
    let outcome = finish(&mut command, Duration::from_secs(60)).expect_code(0);
    let report = outcome.data();
    assert_eq!(report["error_count"], 0, "{report:#}");
    let sections = report["sections"].as_array().unwrap();
    let check = sections.iter().find(|one| one["command"] == "check").unwrap();
    assert_eq!(check["state"], "not-looked-at", "{report:#}");
    assert!(check["message"].to_string().contains("server.key"), "{report:#}");
}

/// Of what `httpd -t` alone knows, the line is told, and nobody is sent to `lint`.
#[cfg(unix)]
#[test]
fn what_only_apache_knows_is_told_with_its_line() {
    let Some(site) = Site::new() else { return };
    edit_later(&site, |text| format!("{text}Mutex file:/nodir/x default\n"));
    site.daemon.fails();
    let report = doctor(&site);
    let next = report["next_step"].as_str().unwrap();
    assert!(next.contains("Correct line "), "{report:#}");
    assert!(next.contains("httpd.conf"), "{report:#}");
}

// A service that was stopped has told of its end behind what the test writes.
#[cfg(unix)]
#[test]
fn an_error_that_nobody_knows_is_quoted() {
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    let log = site.root().join("logs/error_log");
    let says = |line: &str| {
        let mut text = fs::read_to_string(&log).unwrap();
        let last = text.lines().last().unwrap();
        let time = last.split_inclusive(']').next().unwrap().to_owned();
        text.push_str(&format!("{time} {line}"));
        files::write(&log, text);
    };
    says("[plant:crit] [pid 1:tid 1] PLC0001: license of mod_plant ends soon\n");
    let report = doctor(&site);
    // Notes come behind it.
    assert_eq!(codes(&report["causes"])[0], "LOG-ENTRY-UNKNOWN", "{report:#}");
    site.daemon.stop();
    says("[plant:emerg] [pid 1:tid 1] PLC0002: license of mod_plant has ended, exiting\n");
    let report = doctor(&site);
    let cause = &report["causes"][0];
    assert_eq!(cause["code"], "SERVER-STOPPED", "{report:#}");
    assert!(cause["log_lines"].to_string().contains("PLC0002"), "{report:#}");
    let sections = report["sections"].as_array().unwrap();
    let logs = sections.iter().find(|one| one["command"] == "explain").unwrap();
    assert_ne!(logs["state"], "good", "{report:#}");
}

// Two changes with a restart each take a minute under wine.
#[cfg(unix)]
#[test]
fn the_chains_of_two_sites_are_completed() {
    let Some(site) = Site::new() else { return };
    let pairs = [(NAME, "server"), (OTHER, "other")];
    for (name, file) in pairs {
        let leaf = site.authority.leaf(file, &[name]);
        site.install(file, &leaf);
        files::write(
            &site.root().join(format!("conf/{file}.crt")),
            fs::read(&leaf.certificate).unwrap(),
        );
    }
    let intermediate = site.root().join("conf/intermediate.pem");
    fs::copy(site.authority.intermediate(), intermediate).unwrap();
    site.configure(&pairs.map(|(name, file)| site.host(name, file, "")).concat());
    site.daemon.start();
    let ca = site.ca();
    let report = site.json(&["doctor", "--ca", &ca, "--fix", "--yes"], 0);
    let done = || ("complete-chain".to_owned(), "done".to_owned());
    assert_eq!(fixes(&report), [done(), done()], "{report:#}");
    assert_eq!(report["verdict"], "healthy", "{report:#}");
}

/// What a run leaves that is killed between writing and being sure.
#[test]
fn a_run_that_was_killed_comes_first_and_is_undone() {
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    let main = site.root().join("conf/httpd.conf");
    let before = fs::read(&main).unwrap();
    let kill = || {
        let store = Store {
            disk: &RealDisk,
            root: site.root(),
            folder: site.root().join(BACKUPS),
        };
        let holder = Holder::this("2026-01-02T03:04:05Z".into(), "esync-ssl enable".into());
        let lock = store.lock(Duration::ZERO, &holder).expect("the lock");
        let after = [&before[..], b"NoSuchDirective\n"].concat();
        let transaction = Transaction {
            changes: vec![NameChange::replace(main.clone(), before.clone(), after)],
            ..Transaction::default()
        };
        let now = time::OffsetDateTime::now_utc();
        drop(transaction.write(&store, &lock, now).expect("a change"));
        assert_ne!(fs::read(&main).unwrap(), before);
    };
    kill();
    let report = doctor(&site);
    assert_eq!(codes(&report["causes"])[0], "RUN-UNFINISHED", "{report:#}");
    let ca = site.ca();
    let words = ["doctor", "--ca", ca.as_str(), "--fix"];
    // Nobody is there to agree.
    let outcome = site.run(&words, 14);
    assert_ne!(fs::read(&main).unwrap(), before, "{}", outcome.report());
    let report = site.json(&[&words[..], &["--yes"]].concat(), 0);
    let [(remedy, result), ..] = &fixes(&report)[..] else {
        panic!("{report:#}")
    };
    assert_eq!((&**remedy, &**result), ("recover", "done"), "{report:#}");
    assert_eq!(fs::read(&main).unwrap(), before, "{report:#}");
    assert_eq!(report["verdict"], "healthy", "{report:#}");
    assert!(site.daemon.runs());
    // Again there is nothing to do.
    let report = site.json(&[&words[..], &["--yes"]].concat(), 0);
    assert_eq!(fixes(&report), [], "{report:#}");
}

/// What doctor and all that it starts may take of a processor on a server as it is shipped, in a build without optimisation.
/// Waiting is not in it, so that it is the same beside other tests; `benches/doctor` takes the time of the day.
#[cfg(unix)]
const MOST_TIME: Duration = Duration::from_secs(2);

#[cfg(unix)]
#[test]
fn a_stock_server_is_looked_at_in_two_seconds() {
    let Some(site) = ApacheSite::running("") else {
        return;
    };
    site.keep_http_beside_https();
    // The least of three: the first one has files to read from the disk.
    let least = (0..3)
        .map(|_| processor_time(&site.command(&["doctor"]).into_command()))
        .min();
    let least = least.expect("three");
    println!("doctor on a stock server: {least:.2?} of processor time");
    assert!(least < MOST_TIME, "{least:?}");
}

/// The processor time of a program and all that it starts and waits for, as a shell has it.
#[cfg(unix)]
#[track_caller]
fn processor_time(program: &std::process::Command) -> Duration {
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", "\"$@\" >/dev/null 2>&1 || exit; times", "bash"]);
    shell.arg(program.get_program()).args(program.get_args());
    let outcome = finish(&mut shell, Duration::from_secs(60)).expect_code(0);
    let text = outcome.stdout_text();
    let of_children = text.lines().last().expect("a line of times");
    let seconds = |word: &str| {
        let (minutes, seconds) = word.trim_end_matches('s').split_once('m').expect("minutes");
        minutes.parse::<f64>().expect("minutes") * 60.0 + seconds.parse::<f64>().expect("seconds")
    };
    Duration::from_secs_f64(of_children.split(' ').map(seconds).sum())
}
