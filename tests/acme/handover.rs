//! `--answer handover` before a real Apache that has port 443 and no other: it is stopped for some seconds, and runs in the end,
//! whatever becomes of the program.

use std::fs;
use std::path::PathBuf;
#[cfg(unix)]
use std::process::Stdio;
#[cfg(unix)]
use std::sync::Mutex;
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering};
#[cfg(unix)]
use std::time::Duration;

#[cfg(unix)]
use nix::sys::signal::{Signal, kill};
#[cfg(unix)]
use nix::unistd::Pid;

#[cfg(unix)]
use crate::enable;
use crate::served::{World, YES, end_of, in_turn, waited_for};
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::client::{TlsClient, listens};
#[cfg(unix)]
use crate::support::faulty::{command, noted};
#[cfg(unix)]
use crate::support::pebble::Options;
use crate::support::process::Outcome;
#[cfg(unix)]
use crate::support::process::{finish, start};
#[cfg(unix)]
use crate::support::site::text;

const HANDOVER: [&str; 2] = ["--answer", "handover"];
#[cfg(unix)]
const OFF: [&str; 2] = ["--http", "off"];

/// A server with port 443 and no other.
fn has_443_only(site: &ApacheSite) {
    let signed = ["enable", "--domain", DOMAIN, "--self-signed", "--http", "off"];
    let enable = site.command(&signed).args(["--yes", "--restart"]);
    enable.run().expect_code(0);
    assert!(!listens(site.network.http));
}

/// What says that a run has stopped Apache.
fn note(site: &ApacheSite) -> PathBuf {
    site.root().join("conf/esync-ssl-backup/server-stopped")
}

/// It answers with a certificate that is in its files.
fn answers(site: &ApacheSite) -> bool {
    shown(site).is_some()
}

/// That certificate.
fn shown(site: &ApacheSite) -> Option<Vec<u8>> {
    let folder = site.root().join("conf/ssl");
    let files = fs::read_dir(folder).expect("certificates").flatten();
    let files = files.map(|entry| entry.path());
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "crt"));
    let root = site.folder.path().join("ca.pem");
    let mut files = files.chain(root.is_file().then_some(root));
    files.find_map(|file| {
        let answer = TlsClient::trusting_file(&file).get(site.network.https, DOMAIN, "/");
        Some(answer.ok()?.tls?.leaf)
    })
}

fn told(outcome: &Outcome) -> String {
    outcome.stderr_text() + &outcome.stdout_text()
}

/// On every system: stopped for each order, and running after it with what was made.
#[test]
fn apache_runs_again_after_each_order() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    world.ca.state().pending = true;
    let first = shown(&world.site).expect("TLS");
    let seen = world.run(&[&["--dry-run"], &HANDOVER[..]].concat(), 0);
    let who = match cfg!(unix) {
        true => "also if this program is killed",
        false => "by the next run of this program",
    };
    assert!(told(&seen).contains(who), "{}", seen.report());
    assert!(world.site.daemon.runs());
    let done = world.run(&[&YES[..], &HANDOVER].concat(), 0);
    assert!(told(&done).contains("Stopping "), "{}", done.report());
    let second = shown(&world.site).expect("TLS");
    let renewed = world.site.command(&["renew", "--now"]).run().expect_code(0);
    let third = shown(&world.site).expect("TLS");
    assert!(
        first != second && second != third && world.ca.made() == 2,
        "{}",
        renewed.report()
    );
    assert!(!note(&world.site).exists());
}

#[cfg(unix)]
#[test]
fn a_server_with_443_alone_gets_its_certificate_and_renews_it() {
    let options = Options {
        environment: vec![("PEBBLE_AUTHZREUSE", "0")],
        ..Options::default()
    };
    let Some(world) = enable::World::start(&options, "") else {
        return;
    };
    has_443_only(&world.site);
    // Never but where it is asked for; without it port 80, which is free, is taken.
    let seen = world.run(&["--dry-run", "--http", "off"]).expect_code(0);
    assert!(!told(&seen).contains("Apache is stopped"), "{}", seen.report());
    let (pid, files) = (world.site.daemon.pid(), world.site.files());
    let seen = world
        .run(&[&["--dry-run"], &HANDOVER[..], &OFF].concat())
        .expect_code(0);
    for words in [
        "Apache is stopped for that (tls-alpn-01)",
        "45 at most",
        "also if this program is killed",
    ] {
        assert!(told(&seen).contains(words), "{}", seen.report());
    }
    assert_eq!((world.site.daemon.pid(), world.site.files()), (pid, files));
    let done = world.run(&[&YES[..], &HANDOVER, &OFF].concat()).expect_code(0);
    assert!(
        told(&done).contains("Stopping ") && !note(&world.site).exists(),
        "{}",
        done.report()
    );
    assert_eq!(world.made(), 1);
    // Nor is it stopped outside the window in which that may be.
    let (pid, hours) = (world.site.daemon.pid(), |from: i64| {
        let now = time::OffsetDateTime::now_local().unwrap_or_else(|_| time::OffsetDateTime::now_utc());
        let at = |hours| (now + time::Duration::hours(hours)).hour();
        format!("{:02}:00-{:02}:00", at(from), at(from + 3))
    });
    let closed = world
        .site
        .command(&["renew", "--now", "--json", "--window", &hours(3)]);
    let closed = closed.run().expect_code(0);
    assert!(
        closed.stdout_text().contains("\"postponed\""),
        "{}",
        closed.report()
    );
    assert_eq!((world.site.daemon.pid(), world.made()), (pid, 1));
    // A renewal knows the way, and tries another one as little.
    let before = shown(&world.site).expect("TLS");
    let renewed = world.site.command(&["renew", "--now"]).run().expect_code(0);
    assert_ne!(shown(&world.site).expect("TLS"), before);
    assert!(
        answers(&world.site) && !note(&world.site).exists(),
        "{}",
        renewed.report()
    );
    assert_eq!(world.made(), 2);
    assert!(!world.pebble.log().contains("http-01 challenge"));
}

/// What keeps Apache from starting is known before it is stopped, and before anybody is asked.
#[test]
fn one_that_would_not_start_again_is_not_stopped() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    world.ca.state().pending = true;
    world.run(&[&YES[..], &HANDOVER].concat(), 0);
    let main = world.site.root().join("conf/httpd.conf");
    let good = fs::read(&main).expect("the configuration");
    let (pid, orders) = (world.site.daemon.pid(), world.ca.count("/order"));
    fs::write(&main, [&good[..], b"\nNoSuchDirective on\n"].concat()).expect("written");
    let refused = world.site.command(&["renew", "--now"]).run();
    assert_eq!(refused.code, Some(4), "{}", refused.report());
    assert!(told(&refused).contains("NoSuchDirective"), "{}", refused.report());
    assert_eq!((world.site.daemon.pid(), world.ca.count("/order")), (pid, orders));
    assert!(answers(&world.site));
    fs::write(&main, good).expect("written");
}

/// Killed while the authority looks: on Unix its guard starts Apache. On Windows, or where its guard was killed as well, the
/// next run does, and whoever looks is told before.
#[test]
fn a_run_that_is_killed_while_apache_is_stopped() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    let mut child = world.waiting(&[&YES[..], &HANDOVER].concat());
    assert!(note(&world.site).exists() && !world.site.daemon.runs());
    child.kill().expect("killed");
    end_of(&mut child);
    if cfg!(unix) {
        assert!(waited_for(|| answers(&world.site) && !note(&world.site).exists()));
        // Somebody who stops it then means it.
        world.site.daemon.stop();
        let next = world.site.command(&["renew"]).run();
        assert!(!told(&next).contains("started again"), "{}", next.report());
        // As after a kill of both.
        fs::write(note(&world.site), "httpd is stopped\n").expect("a note");
    }
    assert!(!world.site.daemon.runs());
    is_started_by_the_next_run(&world);
}

/// Whoever looks is told before that Apache is stopped, and nobody is afterwards.
#[track_caller]
fn is_started_by_the_next_run(world: &World) {
    let run = |words: &[&str]| world.site.command(words).run();
    let says = |outcome: &Outcome| told(outcome).contains("an earlier run stopped Apache");
    let seen = run(&["status"]);
    assert!(says(&seen), "{}", seen.report());
    let next = run(&["renew"]);
    assert_eq!(next.code, Some(0), "{}", next.report());
    assert!(told(&next).contains("it was started again"), "{}", next.report());
    assert!(answers(&world.site) && !note(&world.site).exists());
    let seen = run(&["status"]);
    assert!(!says(&seen), "{}", seen.report());
}

/// Somebody breaks the configuration while the authority looks: that Apache does not start is told as it is, and it runs once it
/// can: by the guard on Unix, which tries for a while, and by the next run elsewhere.
#[test]
fn one_that_does_not_start_again_is_told_and_started_once_it_can() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    let mut child = world.waiting(&[&YES[..], &HANDOVER].concat());
    let main = world.site.root().join("conf/httpd.conf");
    let good = fs::read(&main).expect("the configuration");
    fs::write(&main, [&good[..], b"\nNoSuchDirective on\n"].concat()).expect("written");
    world.ca.prove();
    assert_eq!(end_of(&mut child).code(), Some(7), "{}", world.said());
    for words in ["does not start again: ", "run esync-ssl explain"] {
        assert!(world.said().contains(words), "{words}: {}", world.said());
    }
    assert!(note(&world.site).exists() && !answers(&world.site));
    let next = world.site.command(&["renew"]).run();
    assert!(told(&next).contains("does not start again"), "{}", next.report());
    assert!(note(&world.site).exists());
    fs::write(&main, good).expect("written");
    if cfg!(unix) {
        assert!(waited_for(|| answers(&world.site) && !note(&world.site).exists()));
    } else {
        is_started_by_the_next_run(&world);
    }
    // What was proven is not asked for again.
    world.run(&[&YES[..], &HANDOVER].concat(), 0);
    assert_eq!((world.ca.made(), world.ca.count("/order")), (1, 1));
}

/// Ctrl-C while the authority looks.
#[cfg(unix)]
#[test]
fn an_interrupted_run_starts_apache_before_it_ends() {
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    let mut child = world.waiting(&[&YES[..], &HANDOVER].concat());
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("told");
    assert_eq!(end_of(&mut child).code(), Some(10), "{}", world.said());
    assert!(
        answers(&world.site) && !note(&world.site).exists(),
        "{}",
        world.said()
    );
}

/// Ctrl-C while Apache still stops, as a client is served that takes its time.
#[cfg(unix)]
#[test]
fn an_interrupted_run_waits_for_an_apache_that_still_stops() {
    let Some(world) = World::start(false) else { return };
    has_443_only(&world.site);
    world.ca.state().pending = true;
    // A request without an end.
    let mut slow = std::net::TcpStream::connect(("127.0.0.1", world.site.network.https)).expect("connected");
    std::io::Write::write_all(&mut slow, b"\x16\x03").expect("sent");
    let stopping = [&YES[..], &HANDOVER].concat();
    let said = fs::File::create(world.site.folder.path().join("said")).expect("a file");
    let mut command = world.command(&stopping).into_command();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    let mut child = start(&mut command).expect("a child");
    assert!(
        waited_for(|| world.said().contains("Stopping ")),
        "{}",
        world.said()
    );
    std::thread::sleep(Duration::from_millis(400));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).expect("told");
    assert_eq!(end_of(&mut child).code(), Some(10), "{}", world.said());
    drop(slow);
    // Not the old one, which would be gone soon.
    std::thread::sleep(Duration::from_secs(1));
    assert!(
        answers(&world.site) && !note(&world.site).exists(),
        "{}",
        world.said()
    );
}

/// The arguments for a child that fails.
#[cfg(unix)]
fn words(world: &World) -> Vec<String> {
    let root = world.site.folder.path().join("ca.pem");
    let mut all = [
        "enable",
        "--domain",
        DOMAIN,
        "--acme",
        "--ca",
        &world.ca.directory,
    ]
    .map(str::to_owned)
    .to_vec();
    all.extend([
        "--ca-root".to_owned(),
        text(&root),
        "--root".to_owned(),
        text(&world.site.root()),
    ]);
    all.extend(["--httpd".to_owned(), text(&world.site.httpd.binary)]);
    all.extend(
        YES.iter()
            .chain(&HANDOVER)
            .chain(&OFF)
            .map(|&word| word.to_owned()),
    );
    all
}

#[cfg(unix)]
fn run(world: &World, fault: &str) -> (Outcome, Vec<String>) {
    let notes = world.site.folder.path().join("notes");
    let _ = fs::remove_file(&notes);
    let mut child = command(&words(world), fault);
    let outcome = finish(
        child.env("ESYNC_SSL_FAULTS_NOTED", &notes),
        Duration::from_secs(120),
    );
    let operations = if notes.exists() { noted(&notes) } else { Vec::new() };
    (outcome, operations)
}

/// Killed, or failing, at every operation from before Apache is stopped until after it was started: it answers in the end, by
/// nobody's help, and the same command once more ends well.
#[cfg(unix)]
#[test]
fn killed_at_every_step_of_a_handover() {
    let Some(first) = World::start(false) else { return };
    has_443_only(&first.site);
    first.ca.state().pending = true;
    let (outcome, operations) = run(&first, "none:0");
    outcome.expect_code(0);
    drop(first);
    let stop = operations
        .iter()
        .position(|one| one == "stop")
        .expect("it was stopped");
    let start = operations
        .iter()
        .position(|one| one == "start")
        .expect("it was started");
    // The note of it before, and after that it is over.
    let steps: Vec<usize> = (stop - 8..start + 8).collect();
    let kinds = ["kill-before", "kill-after", "error", "interrupt-after"];
    let all: Vec<(usize, &str)> = steps
        .iter()
        .flat_map(|&at| kinds.map(|kind| (at, kind)))
        .collect();
    // Each of a sample in another way, or all in every way.
    let every = if std::env::var_os("ESYNC_SSL_TEST_FAULTS_STEP").is_some() {
        1
    } else {
        9
    };
    let chosen: Vec<(usize, &str)> = all.into_iter().step_by(every).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while let Some((at, kind)) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let what = format!("{kind} at {} ({})", at + 1, operations[*at]);
                    let world = World::start(false).expect("a world");
                    has_443_only(&world.site);
                    world.ca.state().pending = true;
                    let (outcome, _) = run(&world, &format!("{kind}:{}", at + 1));
                    if !waited_for(|| answers(&world.site)) {
                        wrong
                            .lock()
                            .expect("what is wrong")
                            .push(format!("{what}: it does not answer: {}", outcome.report()));
                        continue;
                    }
                    let (outcome, _) = run(&world, "none:0");
                    if outcome.code != Some(0) || note(&world.site).exists() || !answers(&world.site) {
                        wrong
                            .lock()
                            .expect("what is wrong")
                            .push(format!("{what}: {}", outcome.report()));
                    }
                }
            });
        }
    });
    eprintln!("handover: {} faults at {} operations", chosen.len(), steps.len());
    let wrong = wrong.into_inner().expect("what is wrong");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
