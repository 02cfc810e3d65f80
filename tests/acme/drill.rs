//! What a renewal that fails prints and whom it tells, cause by cause: before a real Apache, by a CA of our own, with the clock
//! of the program near the end of a certificate. docs/renewal.md shows it, and nothing in it is from anywhere else:
//! `ESYNC_SSL_UPDATE_DRILL=1` writes it again.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use esync_ssl::tls::certificate::Certificate;

use crate::served::{World, YES};
use crate::support::apache_site::DOMAIN;
use crate::support::clock;
use crate::support::contract;
use crate::support::files::write;
use crate::support::mounts;
use crate::support::others::{give, give_all, is_root};
use crate::support::process::{Outcome, finish};
use crate::support::scripted_ca::Reply;
use crate::support::skip;
use crate::support::stranger::executable;

/// The page.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/renewal.md");

/// What it shows.
const CAUSES: [&str; 14] = [
    "ca-down",
    "ca-refuses",
    "dns-gone",
    "port-taken",
    "port-closed",
    "rate-limit",
    "clock-wrong",
    "read-only",
    "apache-refuses",
    "asleep",
    "asleep-renewed",
    "schedule-removed",
    "hook-fails",
    "hook-of-others",
];

/// So far ahead is the clock of the program: of a life of 160 hours 28 are left, and half an hour.
const LATE: &str = "+469800";
/// 76 hours are left: it is due, and not urgent.
const EARLY: &str = "+300000";
/// A month later.
const MONTH: &str = "+2592000";

struct Drill {
    world: World,
    log: UnixDatagram,
    clock: String,
}

impl Drill {
    /// A certificate that was ordered here, whose end is near.
    fn start(http: &str) -> Option<Drill> {
        clock::of_program(LATE)?;
        if !mounts::isolate() {
            return None;
        }
        mounts::own_devices();
        // No scheduler of the machine's.
        for (folder, over) in [
            ("/etc/cron.d", "/etc/cron.d"),
            ("/run/systemd/system", "/run/systemd"),
        ] {
            if Path::new(folder).is_dir() {
                mounts::lay_memory(Path::new(over));
            }
        }
        let log = UnixDatagram::bind("/dev/log").expect("a socket");
        log.set_read_timeout(Some(Duration::from_millis(200)))
            .expect("a time");
        let world = World::start(false)?;
        let enable = world
            .asking(&["enable", "--domain", DOMAIN, "--acme", "--http", http])
            .args(YES);
        enable.run().expect_code(0);
        // Its life decides when it is renewed.
        world.ca.state().directory["renewalInfo"] = Value::Null;
        world.ca.state().pending = true;
        Some(Drill {
            world,
            log,
            clock: LATE.to_owned(),
        })
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let mut command = self.world.site.command(words).into_command();
        command.envs(clock::of_program(&self.clock).expect("looked at before"));
        let outcome = finish(&mut command, Duration::from_secs(150));
        contract::check(command.get_args(), &outcome.stdout);
        outcome
    }

    fn root(&self) -> PathBuf {
        self.world.site.root()
    }

    fn renew_log(&self) -> String {
        fs::read_to_string(self.root().join("conf/esync-ssl-acme/renew.log")).unwrap_or_default()
    }

    /// What the system's log was told since.
    fn events(&self) -> String {
        let mut bytes = [0; 8192];
        let mut all = String::new();
        while let Ok(length) = self.log.recv(&mut bytes) {
            all += &String::from_utf8_lossy(&bytes[..length]);
            all.push('\n');
        }
        all
    }

    /// What a command prints, where it is told besides, and how it ends; as the page shows it.
    #[track_caller]
    fn shows(&self, cause: &str, words: &[&str], status: i32) -> String {
        let before = self.renew_log();
        let outcome = self.run(words).expect_code(status);
        let mut text = format!("$ esync-ssl {}\n", words.join(" "));
        text += &outcome.stderr_text();
        text += &outcome.stdout_text();
        text += &format!("(status {status})\n");
        let log = self.renew_log();
        let new = log.strip_prefix(&*before).unwrap_or(&log);
        for (name, told) in [("renew.log", new), ("syslog", &self.events())] {
            if !told.is_empty() {
                text += &format!("\n{name}:\n{told}");
            }
        }
        let text = self.plain(&text);
        in_page(cause, &text);
        text
    }

    /// Without what is different each time and on each machine.
    fn plain(&self, text: &str) -> String {
        static TIMES: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ").expect("a pattern"));
        static DAYS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\d").expect("a pattern"));
        static TESTS: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"acme-[0-9a-f]+ \(process \d+\)").expect("a pattern"));
        static NUMBERS: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"<(\d+)>esync-ssl\[\d+\]").expect("a pattern"));
        let root = self
            .root()
            .canonicalize()
            .expect("the server root")
            .display()
            .to_string();
        let folder = self.world.site.folder.path();
        let httpd = self.world.site.httpd.binary.display().to_string();
        let ca = self.world.ca.directory.replace("/dir", "");
        let text = text
            .replace(&format!(" --root {root} --httpd {httpd}"), "")
            .replace(&root, "/etc/apache2")
            .replace(&folder.display().to_string(), "/root")
            .replace(&ca, "https://ca.example")
            .replace(&ca.replace("https://", ""), "ca.example");
        let text = TIMES.replace_all(&text, "TIME");
        let text = DAYS.replace_all(&text, "DAY");
        let text = NUMBERS.replace_all(&text, "<$1>esync-ssl[PID]");
        // This test, which has the port.
        TESTS
            .replace_all(&text, "another-program (process PID)")
            .into_owned()
    }

    /// What is served is what was before.
    #[track_caller]
    fn is_as_it_was(&self) {
        assert_eq!(self.world.ca.made(), 1);
    }

    /// The name is found not to be ours, for this reason.
    fn fails_to_prove(&self, kind: &str, detail: &str) {
        let kind = format!("urn:ietf:params:acme:error:{kind}");
        self.world.ca.state().refuses = Some(json!({"type": kind, "detail": detail, "status": 400}));
    }
}

/// A block of the page is this text.
#[track_caller]
fn in_page(cause: &str, text: &str) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(CAUSES.contains(&cause), "{cause}");
    let page = fs::read_to_string(PAGE).expect("the page");
    let begin = format!("<!-- drill: {cause} -->\n```text\n");
    let at = page.find(&begin).unwrap_or_else(|| panic!("no block {cause}")) + begin.len();
    let end = at + page[at..].find("```\n").expect("its end");
    if std::env::var_os("ESYNC_SSL_UPDATE_DRILL").is_some() {
        write(Path::new(PAGE), [&page[..at], text, &page[end..]].concat());
        return;
    }
    assert!(
        &page[at..end] == text,
        "docs/renewal.md shows of {cause}:\n{}\nIt is (ESYNC_SSL_UPDATE_DRILL=1 writes it):\n{text}",
        &page[at..end]
    );
}

const SCHEDULED: [&str; 2] = ["renew", "--scheduled"];

/// Nothing in the page is from anywhere else.
#[test]
fn every_block_of_the_page_is_of_a_test() {
    let page = fs::read_to_string(PAGE).expect("the page");
    let shown: Vec<&str> = page
        .split("<!-- drill: ")
        .skip(1)
        .filter_map(|rest| rest.split_once(" -->"))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(shown, CAUSES);
    assert_eq!(page.matches("```text\n").count(), CAUSES.len());
}

#[test]
fn the_authority_is_down() {
    let Some(mut drill) = Drill::start("keep") else {
        return;
    };
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    // While there is time, only the log has it.
    drill.clock = EARLY.to_owned();
    let silent = drill.run(&SCHEDULED).expect_code(0);
    assert_eq!(silent.stdout_text() + &silent.stderr_text() + &drill.events(), "");
    assert!(
        drill.renew_log().contains(" NOT-RENEWED (CA-UNREACHABLE, "),
        "{}",
        drill.renew_log()
    );
    drill.clock = LATE.to_owned();
    drill.shows("ca-down", &SCHEDULED, 18);
    drill.is_as_it_was();
    // The next command that somebody gives says it first, once, and programs are told.
    for words in [&["status", "--json"][..], &["check", "--no-rehearsal", "--json"]] {
        let outcome = drill.run(words);
        let told = outcome.envelope();
        let all = told["findings"].as_array().expect("findings");
        assert_eq!(all[0]["code"], "CERT-EXPIRES-SOON", "{}", outcome.report());
        let cause = all[0]["cause"].as_str().expect("a cause");
        assert!(
            cause.contains("Renewal failed 2 times, the last time on "),
            "{cause}"
        );
        let of_it = all.iter().filter(|one| one["code"] == "CERT-EXPIRES-SOON");
        assert_eq!(of_it.count(), 1, "{}", outcome.report());
    }
    for words in [&["check", "--no-rehearsal"][..], &["verify"], &["status"]] {
        let said = drill.run(words).stdout_text();
        let first = said.lines().next().unwrap_or_default();
        assert!(
            first.starts_with("warning: ") && first.contains("; renewal failed 2 times, the last time on "),
            "{said}"
        );
    }
    let enable = drill.run(&[
        "enable",
        "--domain",
        DOMAIN,
        "--acme",
        "--http",
        "keep",
        "--dry-run",
        "--json",
    ]);
    let notes = enable.envelope()["notes"].clone();
    let is_told = |note: &Value| note["code"] == "CERTIFICATE-ENDS";
    assert!(
        notes.as_array().expect("notes").iter().any(is_told),
        "{}",
        enable.report()
    );
}

/// From the first look on until the authority is back: silent while there is time, then louder with each step, and silent again
/// once it worked. How often it failed is what everybody is told.
#[test]
fn the_authority_is_away_for_ten_looks() {
    let Some(mut drill) = Drill::start("keep") else {
        return;
    };
    let directory = Reply::json(200, &drill.world.ca.state().directory.clone());
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    let mut told = Vec::new();
    for look in 0..10 {
        // Of 160 hours, 74 are left at first, and 7 less each time.
        drill.clock = format!("+{}", (85 + 7 * look) * 3600);
        let outcome = drill.run(&SCHEDULED);
        let (events, said) = (drill.events(), outcome.stdout_text() + &outcome.stderr_text());
        assert_eq!(events.is_empty(), said.is_empty(), "{}{events}", outcome.report());
        assert_eq!(
            outcome.code,
            Some(if said.is_empty() { 0 } else { 18 }),
            "{}",
            outcome.report()
        );
        let level = ["NOT-RENEWED-LATE", "NOT-RENEWED-URGENT"];
        told.push(
            level
                .into_iter()
                .find(|level| events.contains(level))
                .unwrap_or("-"),
        );
    }
    // A quarter of the life is 40 hours; it is urgent with a sixth, as three days would be half of so short a life.
    let wanted = [
        &["-"; 5][..],
        &["NOT-RENEWED-LATE"; 2],
        &["NOT-RENEWED-URGENT"; 3],
    ]
    .concat();
    assert_eq!(told, wanted);
    let log = drill.renew_log();
    assert_eq!(log.matches("(CA-UNREACHABLE, status 18)").count(), 10, "{log}");
    for words in [&["certificates"][..], &["status"]] {
        let seen = drill.run(words);
        let said = seen.stdout_text() + &seen.stderr_text();
        assert!(said.contains("renewal failed 10 times"), "{}", seen.report());
    }
    drill.is_as_it_was();
    drill.world.ca.always("/dir", directory);
    drill.world.ca.state().ahead = time::Duration::hours(85 + 7 * 10);
    drill.clock = format!("+{}", (85 + 7 * 10) * 3600);
    let silent = drill.run(&SCHEDULED).expect_code(0);
    assert_eq!(silent.stdout_text() + &silent.stderr_text() + &drill.events(), "");
    assert_eq!(drill.world.ca.made(), 2);
    let seen = drill.run(&["status"]);
    assert!(
        !(seen.stdout_text() + &seen.stderr_text()).contains("renewal failed"),
        "{}",
        seen.report()
    );
}

/// Asked when to renew, the authority sends a page: the life of the certificate decides then, and nobody is told of it.
#[test]
fn a_page_instead_of_the_time_to_renew() {
    let Some(mut drill) = Drill::start("keep") else {
        return;
    };
    let file = drill.root().join(format!("conf/ssl/{DOMAIN}.crt"));
    let leaf = Certificate::read_all(&fs::read(&file).expect("the certificate")).expect("a certificate");
    let id = esync_ssl::acme::certificate_id(leaf[0].der()).expect("its name");
    let at = format!("{}/ari", drill.world.ca.state().base);
    drill.world.ca.state().directory["renewalInfo"] = json!(at);
    let fields = vec![("Content-Type", "text/html".to_owned())];
    let page = b"<!DOCTYPE html><html><title>Maintenance</title><script>1</script></html>".to_vec();
    for reply in [
        Reply::Http(200, fields.clone(), page.clone()),
        Reply::Http(503, fields, page),
        Reply::Http(200, Vec::new(), b"{\"suggestedWindow\": \"soon\"}".to_vec()),
    ] {
        drill.world.ca.always(&format!("/ari/{id}"), reply);
        drill.clock = "+3600".to_owned();
        let silent = drill.run(&SCHEDULED).expect_code(0);
        assert_eq!(silent.stdout_text() + &silent.stderr_text() + &drill.events(), "");
        drill.is_as_it_was();
    }
    assert!(drill.world.ca.count(&format!("/ari/{id}")) > 0);
    drill.clock = LATE.to_owned();
    drill.world.ca.state().ahead = time::Duration::seconds(469_800);
    let silent = drill.run(&SCHEDULED).expect_code(0);
    assert_eq!(silent.stdout_text() + &silent.stderr_text() + &drill.events(), "");
    assert_eq!(drill.world.ca.made(), 2);
}

/// What is kept lies in a folder that somebody else owns, who could put other things there: nothing in it is used, and the
/// authority is asked for nothing.
#[test]
fn what_is_kept_belongs_to_somebody_else() {
    let Some(drill) = Drill::start("keep") else { return };
    if !is_root() {
        return;
    }
    let state = drill.root().join("conf/esync-ssl-acme");
    let orders = drill.world.ca.count("/order");
    for give in [give, give_all] {
        give(&state);
        let outcome = drill.run(&SCHEDULED);
        let said = outcome.stdout_text() + &outcome.stderr_text();
        assert_ne!(outcome.code, Some(0), "{}", outcome.report());
        assert!(said.contains("conf/esync-ssl-acme"), "{}", outcome.report());
        assert!(!drill.events().is_empty());
        assert_eq!(drill.world.ca.count("/order"), orders, "{}", outcome.report());
    }
    drill.is_as_it_was();
}

#[test]
fn what_failed_is_kept_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    let file = drill.root().join("conf/esync-ssl-acme/renew.log");
    drill.run(&["renew", "--now"]).expect_code(18);
    let mode = |file: &Path| fs::metadata(file).expect("the log").permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    // It gets no longer than it may; the one before it is kept.
    let line = "x".repeat(1023) + "\n";
    fs::write(&file, line.repeat(256)).expect("written");
    drill.run(&["renew", "--now"]).expect_code(18);
    assert_eq!(drill.renew_log().lines().count(), 1, "{}", drill.renew_log());
    let former = file.with_extension("log.1");
    assert_eq!(
        (mode(&former), fs::metadata(&former).expect("it").len()),
        (0o600, 256 << 10)
    );
    let report = drill.root().join("report.txt");
    let path = report.display().to_string();
    drill.run(&["report", "--yes", &path]).expect_code(0);
    let text = fs::read_to_string(&report).expect("the report");
    assert!(
        text.contains("renewals that failed") && text.contains("CA-UNREACHABLE"),
        "{text}"
    );
    // Nobody is told of a run that writes nothing.
    let events = drill.events();
    drill.run(&["renew", "--now", "--dry-run"]).expect_code(0);
    assert!(!events.is_empty() && drill.events().is_empty());
}

#[test]
fn the_authority_refuses_the_name() {
    let Some(drill) = Drill::start("keep") else { return };
    let detail = format!("The CA does not make certificates for \"{DOMAIN}\"");
    drill
        .world
        .ca
        .always("/order", Reply::problem(403, "rejectedIdentifier", &detail));
    drill.shows("ca-refuses", &SCHEDULED, 17);
    drill.is_as_it_was();
}

#[test]
fn dns_has_the_name_no_more() {
    let Some(drill) = Drill::start("keep") else { return };
    let detail = format!("DNS problem: NXDOMAIN looking up A for {DOMAIN}");
    drill.fails_to_prove("dns", &detail);
    drill.shows("dns-gone", &SCHEDULED, 17);
    drill.is_as_it_was();
}

#[test]
fn port_80_belongs_to_another_program() {
    let Some(drill) = Drill::start("off") else { return };
    let taken = std::net::TcpListener::bind(("0.0.0.0", drill.world.site.network.http));
    let _taken = taken.expect("the port that Apache has left");
    drill.shows("port-taken", &SCHEDULED, 4);
    drill.is_as_it_was();
}

#[test]
fn port_80_is_closed_to_the_authority() {
    let Some(drill) = Drill::start("keep") else { return };
    let detail = format!(
        "192.0.2.7: Fetching http://{DOMAIN}/.well-known/acme-challenge/to-ken_1: Timeout during connect (likely firewall problem)"
    );
    drill.fails_to_prove("connection", &detail);
    drill.shows("port-closed", &SCHEDULED, 17);
    drill.is_as_it_was();
}

#[test]
fn the_authority_has_made_too_many() {
    let Some(drill) = Drill::start("keep") else { return };
    let reply = Reply::problem(429, "rateLimited", "too many certificates already issued");
    drill
        .world
        .ca
        .always("/order", reply.with("Retry-After", "36000"));
    drill.shows("rate-limit", &SCHEDULED, 17);
    drill.is_as_it_was();
}

#[test]
fn the_clock_is_wrong() {
    let Some(drill) = Drill::start("keep") else { return };
    let ahead = time::Duration::seconds(469_800 - 3 * 3600);
    let date = (OffsetDateTime::now_utc() + ahead)
        .format(&Rfc2822)
        .expect("a date");
    let directory = drill.world.ca.state().directory.clone();
    let reply = Reply::json(200, &directory).with("Date", &date.replace("+0000", "GMT"));
    drill.world.ca.always("/dir", reply);
    drill.world.ca.state().pending = false;
    drill.shows("clock-wrong", &SCHEDULED, 0);
    assert_eq!(drill.world.ca.made(), 2);
}

#[test]
fn the_folder_cannot_be_written() {
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.state().pending = false;
    mounts::close(&drill.root().join("conf"));
    drill.shows("read-only", &SCHEDULED, 8);
    drill.is_as_it_was();
}

#[test]
fn apache_refuses_its_configuration() {
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.state().pending = false;
    // What it makes is new by the clock here, too.
    drill.world.ca.state().ahead = time::Duration::seconds(469_800);
    let main = drill.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the configuration");
    write(&main, text.clone() + "ServerTokenz Prod\n");
    let file = drill.root().join(format!("conf/ssl/{DOMAIN}.crt"));
    let before = fs::read(&file).expect("the certificate");
    drill.shows("apache-refuses", &SCHEDULED, 5);
    assert_eq!(fs::read(&file).expect("the certificate"), before);
    // What was made is installed once it can be.
    assert_eq!(drill.world.ca.made(), 2);
    write(&main, text);
    drill.run(&["renew", "--now"]).expect_code(0);
    assert_eq!(drill.world.ca.made(), 2);
    assert_ne!(fs::read(&file).expect("the certificate"), before);
}

#[test]
fn a_configuration_that_cannot_be_read_is_told_as_well() {
    let Some(drill) = Drill::start("keep") else { return };
    let told = drill.world.site.folder.path().join("told");
    let hook = hook(&drill, &format!("cat > {}", told.display()));
    let kept = json!({"schema": 1, "program": hook}).to_string();
    let file = drill.root().join("conf/esync-ssl-acme/hook.json");
    write(&file, &kept);
    fs::remove_file(drill.root().join("conf/httpd.conf")).expect("the main file");
    let outcome = drill.run(&SCHEDULED);
    assert_ne!(outcome.code, Some(0), "{}", outcome.report());
    let log = drill.renew_log();
    assert!(log.contains(" - RUN-FAILED ("), "{log}");
    assert!(drill.events().contains("no certificate was renewed"));
    assert!(told.is_file(), "{}", outcome.report());
    // Where nothing is known of the folder either, that is said.
    fs::rename(drill.root().join("conf"), drill.root().join("away")).expect("moved");
    drill.run(&SCHEDULED);
    let events = drill.events();
    assert!(
        events.contains("neither renew.log nor the program of --hook was told"),
        "{events}"
    );
}

#[test]
fn the_machine_was_asleep_for_a_month() {
    let Some(mut drill) = Drill::start("keep") else {
        return;
    };
    drill.clock = MONTH.to_owned();
    drill.world.ca.state().pending = false;
    drill.world.ca.state().ahead = time::Duration::seconds(2_592_000);
    drill.shows("asleep", &["verify", "--quiet"], 12);
    drill.shows("asleep-renewed", &SCHEDULED, 0);
    assert_eq!(drill.world.ca.made(), 2);
}

#[test]
fn somebody_removed_the_schedule() {
    let Some(drill) = Drill::start("keep") else { return };
    if !Path::new("/etc/cron.d").is_dir() {
        skip("no folder /etc/cron.d");
        return;
    }
    drill.shows("schedule-removed", &["certificates"], 0);
    let told = drill.run(&["check", "--no-rehearsal", "--json"]).envelope();
    let has = |code: &str| {
        let all = told["findings"].as_array().expect("findings");
        all.iter().any(|finding| finding["code"] == code)
    };
    assert!(has("RENEWAL-NOT-SCHEDULED"), "{told}");
    let certificates = drill.run(&["certificates", "--json"]).data();
    assert_eq!(certificates["schedule"]["state"], "off", "{certificates}");
}

/// The program of `--hook`, with this in it.
fn hook(drill: &Drill, script: &str) -> String {
    let path = drill.world.site.folder.path().join("tell-me");
    executable(&path, &format!("#!/bin/sh\n{script}\n"));
    path.display().to_string()
}

#[test]
fn the_program_of_the_hook_fails() {
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    let hook = hook(&drill, "echo 'mail: cannot reach the mail server' >&2; exit 3");
    drill.shows("hook-fails", &["renew", "--scheduled", "--hook", &hook], 18);
}

#[test]
fn the_program_of_the_hook_may_be_written_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    let mark = drill.world.site.folder.path().join("ran");
    let hook = hook(&drill, &format!("touch {}", mark.display()));
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o777)).expect("its mode");
    drill.shows("hook-of-others", &["renew", "--scheduled", "--hook", &hook], 18);
    assert!(!mark.exists());
}

#[test]
fn the_program_of_the_hook_reads_what_programs_get() {
    let Some(drill) = Drill::start("keep") else { return };
    drill.world.ca.always("/dir", Reply::Bytes(Vec::new()));
    let told = drill.world.site.folder.path().join("told");
    let hook = hook(&drill, &format!("env > {0}.env; exec cat > {0}", told.display()));
    let outcome = drill.run(&["renew", "--json", "--hook", &hook]).expect_code(18);
    let text = fs::read(&told).expect("what it read");
    let read = contract::document(&text);
    assert_eq!(read, outcome.envelope());
    let environment = fs::read_to_string(told.with_extension("env")).expect("its environment");
    assert!(!environment.contains("FAKETIME"), "{environment}");
    // One that does not read, and one that never ends, change nothing.
    let started = std::time::Instant::now();
    let deaf = self::hook(&drill, "exec 0<&-; exit 0");
    let outcome = drill.run(&["renew", "--now", "--hook", &deaf]).expect_code(18);
    assert!(!outcome.stderr_text().contains("--hook"), "{}", outcome.report());
    let endless = self::hook(&drill, "sleep 1000");
    let outcome = drill
        .run(&["renew", "--now", "--json", "--hook", &endless])
        .expect_code(18);
    assert!(started.elapsed() >= Duration::from_secs(60));
    let notes = outcome.envelope()["notes"].clone();
    let is_told = |note: &Value| {
        let message = note["message"].as_str().expect("words");
        note["code"] == "NOT-TOLD" && message.contains("did not end within 60 seconds")
    };
    assert!(
        notes.as_array().expect("notes").iter().any(is_told),
        "{}",
        outcome.report()
    );
    assert!(
        drill.renew_log().contains(" HOOK-FAILED: "),
        "{}",
        drill.renew_log()
    );
}
