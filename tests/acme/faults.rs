//! `enable --acme` killed at any operation of the disk and the service, and with each of them failing: the server is the
//! old or the new one, and the same command once more comes to the one certificate that was ordered. The same of `renew`, where
//! certificate and key are both the old or both the new ones.
//!
//! The program runs in a child process of this very test (see [`crate::support::faulty`]), before a real Apache and pebble.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use serde_json::json;

use esync_ssl::tls::certificate::Certificate;
use esync_ssl::tls::private_key::PrivateKey;

use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::certificates::{Days, Leaf, p256, pem};
use crate::support::client::TlsClient;
use crate::support::faulty::{command, noted};
use crate::support::network::Network;
use crate::support::pebble::Pebble;
use crate::support::process::{Outcome, finish};
use crate::support::scripted_ca::{Break, Reply, ScriptedCa};
use crate::support::site::text;

/// Every how many operations one fails instead of a sample: 1 for all of them, and each in every way.
const STEP: &str = "ESYNC_SSL_TEST_FAULTS_STEP";
/// How many fail in each test otherwise.
const SAMPLE: usize = 8;

const KILLS: [&str; 2] = ["kill-before", "kill-after"];
const FAILS: [&str; 4] = ["error", "full", "denied", "short"];
const BREAKS: [Break; 3] = [Break::Before, Break::After, Break::FromThen];

/// Who answers the authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The program, on a port that nobody has.
    Us,
    /// Apache, which has both.
    Apache,
    /// Apache, and a certificate of the authority is there already, which is renewed.
    Renewal,
    /// Nobody: a certificate is renewed from a folder, into which the next one was put.
    Folder,
}

/// A server, and an authority in its network.
struct World {
    authority: Authority,
    site: ApacheSite,
    renews: bool,
}

enum Authority {
    Pebble(Pebble),
    Scripted(ScriptedCa),
    /// Whoever puts files there.
    Folder,
}

impl World {
    fn start(by: By) -> Option<World> {
        if by == By::Folder {
            return World::beside_a_folder();
        }
        let (pebble, site) = ApacheSite::beside_pebble()?;
        if by == By::Apache {
            let signed = ["--domain", DOMAIN, "--self-signed", "--http", "keep"];
            let enable = site.command(&["enable", "--yes", "--restart"]).args(signed);
            enable.run().expect_code(0);
        }
        let mut world = World {
            authority: Authority::Pebble(pebble),
            site,
            renews: false,
        };
        if by == By::Renewal {
            world.run("none:0").0.expect_code(0);
            world.renews = true;
        }
        Some(world)
    }

    /// One that serves what was put into a folder, where the next one is now.
    fn beside_a_folder() -> Option<World> {
        let site = ApacheSite::running("")?;
        // Outside of the server root, where administrators have them.
        let own = site.folder.path().join("own");
        fs::create_dir(&own).expect("a folder");
        let [certificate, key] = [own.join("site.crt"), own.join("site.key")];
        fs::copy(&site.leaf.certificate, &certificate).expect("a copy");
        fs::copy(&site.leaf.key, &key).expect("a copy");
        let leaf = Leaf {
            certificate,
            key,
            der: Vec::new(),
        };
        site.enable_with(
            DOMAIN,
            &leaf,
            &leaf,
            &["--in-place", "--restart", "--http", "keep"],
        )
        .run()
        .expect_code(0);
        let folder = site.folder.path().join("drop");
        fs::create_dir(&folder).expect("a folder");
        let put = |days: Days| {
            let leaf = site.authority.leaf_of("next", &[DOMAIN], days, p256());
            let issuer = site.authority.intermediate();
            for (file, name) in [
                (&leaf.certificate, "a.crt"),
                (&leaf.key, "a.key"),
                (&issuer, "ca.crt"),
            ] {
                let path = folder.join(name);
                fs::copy(file, &path).expect("a copy");
                let file = fs::File::options().write(true).open(&path).expect("it");
                file.set_modified(SystemTime::now() - Duration::from_secs(60))
                    .expect("its time");
            }
        };
        put(Days(-1, 91));
        let from = site.command(&["renew", DOMAIN]).arg("--from").arg(&folder);
        from.run().expect_code(0);
        put(Days(0, 92));
        Some(World {
            authority: Authority::Folder,
            site,
            renews: true,
        })
    }

    /// With an authority that does what it is told.
    fn scripted() -> Option<World> {
        let httpd = Httpd::find()?;
        let network = Network::enter();
        let ca = ScriptedCa::start();
        let site = ApacheSite::within(network, httpd, "");
        fs::write(site.folder.path().join("ca.pem"), pem("CERTIFICATE", &ca.root)).expect("its root");
        site.daemon.start();
        Some(World {
            authority: Authority::Scripted(ca),
            site,
            renews: false,
        })
    }

    fn ca(&self) -> &ScriptedCa {
        match &self.authority {
            Authority::Scripted(ca) => ca,
            Authority::Pebble(_) | Authority::Folder => panic!("nobody does as it is told"),
        }
    }

    fn arguments(&self) -> Vec<String> {
        let (root, binary) = (text(&self.site.root()), text(&self.site.httpd.binary));
        if self.renews {
            let words = ["renew", "--now", "--root", &root, "--httpd", &binary];
            return words.map(str::to_owned).to_vec();
        }
        let (directory, trusted) = match &self.authority {
            Authority::Pebble(pebble) => (&pebble.directory, pebble.root_file()),
            Authority::Scripted(ca) => (&ca.directory, self.site.folder.path().join("ca.pem")),
            Authority::Folder => panic!("nobody is asked"),
        };
        let trusted = text(&trusted);
        let words = [
            "enable",
            "--domain",
            DOMAIN,
            "--acme",
            "--ca",
            directory,
            "--ca-root",
            &trusted,
            "--root",
            &root,
            "--httpd",
            &binary,
            "--http",
            "keep",
            "--yes",
            "--restart",
            "--agree-terms",
        ];
        words.map(str::to_owned).to_vec()
    }

    /// Runs it with a fault; how it ended, and the operations that it came to.
    fn run(&self, fault: &str) -> (Outcome, Vec<String>) {
        let notes = self.site.folder.path().join("notes");
        let _ = fs::remove_file(&notes);
        let mut command = command(&self.arguments(), fault);
        command.env("ESYNC_SSL_FAULTS_NOTED", &notes);
        let outcome = finish(&mut command, patience());
        let operations = if notes.exists() { noted(&notes) } else { Vec::new() };
        (outcome, operations)
    }

    /// The files of the server itself.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.site.files().into_iter();
        let mut files: BTreeMap<String, Vec<u8>> = files
            .filter(|(name, _)| !name.starts_with("conf/esync-ssl-"))
            .collect();
        for entry in fs::read_dir(self.own()).into_iter().flatten().flatten() {
            let name = format!("own/{}", entry.file_name().display());
            files.insert(name, fs::read(entry.path()).expect("a file"));
        }
        files
    }

    /// Where its certificates are.
    fn own(&self) -> PathBuf {
        match self.authority {
            Authority::Folder => self.site.folder.path().join("own"),
            _ => self.site.root().join("conf/ssl"),
        }
    }

    /// What clients get over HTTP.
    fn http(&self) -> String {
        let [http, _] = self.site.answers();
        http
    }

    /// How many certificates the authority made.
    fn made(&self) -> usize {
        match &self.authority {
            Authority::Pebble(pebble) => pebble.log().matches("Issued certificate serial").count(),
            Authority::Scripted(ca) => ca.made(),
            Authority::Folder => 1,
        }
    }

    /// The same command once more comes to its end, with the certificate that was ordered, and nothing is left over.
    fn comes_to_its_end(&self, by: By, what: &str) {
        let (outcome, _) = self.run("none:0");
        assert_eq!(outcome.code, Some(0), "{what}: {}", outcome.report());
        self.is_at_its_end(by, what);
    }

    fn is_at_its_end(&self, by: By, what: &str) {
        let most = match (by, what) {
            (By::Renewal, "without a fault") => 2,
            // One that was renewed just before it was killed is renewed once more.
            (By::Renewal, _) => 3,
            _ => 1,
        };
        let least = if by == By::Renewal { 2 } else { 1 };
        assert!((least..=most).contains(&self.made()), "{what}: {}", self.made());
        let folder = self.own();
        let pairs = pairs(&folder, what);
        let wanted = match by {
            By::Us | By::Renewal | By::Folder => 1,
            By::Apache => 2,
        };
        assert_eq!(pairs.len(), wanted, "{what}: {pairs:?}");
        let configuration = fs::read_to_string(self.site.root().join("conf/httpd.conf")).expect("read");
        let named = |pair: &&String| configuration.contains(&format!("{pair}.crt"));
        let served = pairs.iter().find(named).expect("a pair that is configured");
        // No client takes a certificate of the scripted CA; the run itself has seen that it is served.
        if !matches!(self.authority, Authority::Scripted(_)) {
            self.is_served(&folder.join(format!("{served}.crt")), what);
        }
        if matches!(self.authority, Authority::Folder) {
            let put = fs::read(self.site.folder.path().join("drop/a.crt")).expect("the next one");
            let is = fs::read(folder.join(format!("{served}.crt"))).expect("the certificate");
            assert!(is.starts_with(&put), "{what}");
        }
        self.leaves_nothing(&folder.join(format!("{served}.key")), what);
    }

    fn is_served(&self, certificate: &Path, what: &str) {
        let client = TlsClient::trusting_file(certificate);
        let answer = client.get(self.site.network.https, DOMAIN, "/");
        let shown = answer.unwrap_or_else(|failure| panic!("{what}: {failure}"));
        let pem = fs::read(certificate).expect("the certificate");
        let leaf = &Certificate::read_all(&pem).expect("a certificate")[0];
        assert_eq!(leaf.der(), shown.tls.expect("TLS").leaf, "{what}");
    }

    /// No half file, no answer, and of the order at most what is served.
    fn leaves_nothing(&self, key: &Path, what: &str) {
        let key = fs::read_to_string(key).expect("the key");
        for (name, bytes) in self.site.files() {
            let text = String::from_utf8_lossy(&bytes);
            let is_answer = name.starts_with("conf/esync-ssl-acme/answers/") && !name.ends_with('/');
            let is_half = name.contains(".tmp") || name.contains(".former");
            assert!(!is_half && !is_answer, "{what}: {name}");
            if name.starts_with("conf/esync-ssl-acme/orders/") && name.ends_with("/key.pem") {
                assert_eq!(text, key, "{what}");
            }
            if name.ends_with("/order.json") {
                assert!(text.contains("\"issued\""), "{what}: {text}");
            }
        }
    }
}

/// The names of the certificates, each with a key of its own beside it.
#[track_caller]
fn pairs(folder: &Path, what: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        count += 1;
        let path = entry.path();
        if path.extension().is_some_and(|end| end == "crt") {
            let all = Certificate::read_all(&fs::read(&path).expect("a file")).expect("certificates");
            let key = fs::read(path.with_extension("key")).unwrap_or_else(|error| panic!("{what}: {error}"));
            let key = PrivateKey::read(&key, None).expect("a key");
            let public = key.public_key().expect("its public part");
            assert!(public.same_key(&all[0].public_key), "{what}: {}", path.display());
            names.push(text(path.file_stem().expect("a name").as_ref()));
        }
    }
    assert_eq!(names.len() * 2, count, "{what}: {names:?}");
    names
}

/// How long one run may take; where all faults are tried, other work keeps the machine busy beside them.
fn patience() -> Duration {
    Duration::from_secs(if step().is_some() { 600 } else { 60 })
}

/// The step that was asked for.
fn step() -> Option<usize> {
    let step = std::env::var(STEP).ok()?;
    Some(step.parse().expect("a number"))
}

/// What is tried: the numbers of operations, with how they fail. Of a sample each fails in one way, the next in the next.
fn tried(operations: usize, kinds: &[&'static str]) -> Vec<(usize, &'static str)> {
    let step = step().unwrap_or(operations.div_ceil(SAMPLE));
    let of = |(number, at): (usize, usize)| -> Vec<(usize, &'static str)> {
        match step {
            1 => kinds.iter().map(|kind| (at, *kind)).collect(),
            _ => vec![(at, kinds[number % kinds.len()])],
        }
    };
    (0..operations).step_by(step).enumerate().flat_map(of).collect()
}

/// Tries faults of some kinds at each operation, each in a world of its own.
fn every_fault(by: By, kinds: &[&'static str], one: impl Fn(&World, &str, &str) -> Option<i32> + Sync) {
    let Some(first) = World::start(by) else { return };
    let (outcome, operations) = first.run("none:0");
    outcome.expect_code(0);
    first.is_at_its_end(by, "without a fault");
    drop(first);
    let all = tried(operations.len(), kinds);
    let (next, codes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..3 {
            // Each has a network of its own.
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some((at, kind)) = all.get(number) else { break };
                    let world = World::start(by).expect("a world");
                    let what = format!(
                        "{kind} at {} of {} ({})",
                        at + 1,
                        operations.len(),
                        operations[*at]
                    );
                    let tried = AssertUnwindSafe(|| one(&world, &format!("{kind}:{}", at + 1), &what));
                    match catch_unwind(tried) {
                        Ok(code) => *codes.lock().expect("the codes").entry(code).or_insert(0) += 1,
                        // The others are tried as well.
                        Err(_) => wrong.lock().expect("what is wrong").push(what),
                    }
                    if step() == Some(1) && number % 50 == 49 {
                        eprintln!("{by:?}: {} of {} faults", number + 1, all.len());
                    }
                }
            });
        }
    });
    let codes = codes.into_inner().expect("the codes");
    eprintln!(
        "{by:?}: {} faults {kinds:?} in {} operations: {codes:?}",
        all.len(),
        operations.len()
    );
    let wrong = wrong.into_inner().expect("what is wrong");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Killed, then run again.
fn killed(by: By) {
    every_fault(by, &KILLS, |world, fault, what| {
        let before = world.http();
        let (outcome, _) = world.run(fault);
        assert!(
            matches!(outcome.code, None | Some(0)),
            "{what}: {}",
            outcome.report()
        );
        assert_eq!(world.http(), before, "{what}");
        world.comes_to_its_end(by, what);
        outcome.code
    });
}

/// Failed, and nothing of the server was changed; then run again.
fn failing(by: By) {
    every_fault(by, &FAILS, |world, fault, what| {
        let (files, answers) = (world.files(), world.site.answers());
        let (outcome, _) = world.run(fault);
        let report = outcome.report();
        match outcome.code {
            // What could not be removed, the next run removes.
            Some(0) => {}
            Some(7) => {
                assert_eq!(world.files(), files, "{what}: {report}");
                world.site.command(&["restart"]).run().expect_code(0);
            }
            Some(1 | 4 | 5 | 6 | 8) => {
                assert_eq!(world.files(), files, "{what}: {report}");
                assert_eq!(world.site.answers(), answers, "{what}: {report}");
                let told = outcome.stderr_text();
                let is_plain = told.contains("esync-ssl: error: ") || told.contains("esync-ssl: refused: ");
                assert!(is_plain && !told.contains("panicked"), "{what}: {report}");
            }
            _ => panic!("{what}: {report}"),
        }
        world.comes_to_its_end(by, what);
        outcome.code
    });
}

#[test]
fn killed_while_it_answers_itself() {
    killed(By::Us);
}

#[test]
fn killed_while_apache_answers() {
    killed(By::Apache);
}

#[test]
fn failing_while_it_answers_itself() {
    failing(By::Us);
}

#[test]
fn failing_while_apache_answers() {
    failing(By::Apache);
}

#[test]
fn killed_while_a_certificate_is_renewed() {
    killed(By::Renewal);
}

#[test]
fn failing_while_a_certificate_is_renewed() {
    failing(By::Renewal);
}

#[test]
fn killed_while_a_certificate_is_taken_from_a_folder() {
    killed(By::Folder);
}

#[test]
fn failing_while_a_certificate_is_taken_from_a_folder() {
    failing(By::Folder);
}

/// The same where the next one is in a folder: it stays there, and is tried again.
#[test]
fn one_of_a_folder_that_is_not_proven_leaves_the_old_pair_served() {
    let Some(first) = World::start(By::Folder) else {
        return;
    };
    let (outcome, operations) = first.run("none:0");
    outcome.expect_code(0);
    let is_reload = |operation: &String| operation == "reload";
    let reload = operations.iter().position(is_reload).expect("a restart") + 1;
    drop(first);
    let Some(world) = World::start(By::Folder) else {
        return;
    };
    let files = world.files();
    let (outcome, _) = world.run(&format!("dies:{reload}"));
    assert_eq!(outcome.code, Some(6), "{}", outcome.report());
    assert_eq!(world.files(), files);
    world.is_served(&world.own().join("site.crt"), "after it died");
    world.comes_to_its_end(By::Folder, "again");
    assert_ne!(world.files(), files);
}

/// Apache dies of the restart: the old pair is back and served, and the one that was made is kept for the next try.
#[test]
fn a_renewal_that_is_not_proven_leaves_the_old_pair_served() {
    let Some(world) = World::start(By::Renewal) else {
        return;
    };
    let (outcome, operations) = world.run("none:0");
    outcome.expect_code(0);
    let is_reload = |operation: &String| operation == "reload";
    let reload = operations.iter().position(is_reload).expect("a restart") + 1;
    let (files, made) = (world.files(), world.made());
    let (outcome, _) = world.run(&format!("dies:{reload}"));
    assert_eq!(outcome.code, Some(6), "{}", outcome.report());
    assert_eq!(world.files(), files);
    let certificate = world.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
    world.is_served(&certificate, "after it died");
    assert_eq!(world.made(), made + 1);
    let (outcome, _) = world.run("none:0");
    assert_eq!(outcome.code, Some(0), "{}", outcome.report());
    assert_eq!(world.made(), made + 1, "it was ordered again");
    assert_ne!(world.files(), files);
    world.is_served(&certificate, "at last");
}

/// The restart that shows two of them does nothing, so that neither is proven: each is tried by itself then.
#[test]
fn what_is_not_proven_together_is_tried_one_by_one() {
    let Some(world) = World::start(By::Renewal) else {
        return;
    };
    let Authority::Pebble(pebble) = &world.authority else {
        return;
    };
    let more = ["enable", "--domain", "b.example.com", "--acme", "--http", "keep"];
    let program = world
        .site
        .command(&more)
        .args(["--yes", "--restart", "--agree-terms"]);
    let program = program.args(["--ca", &pebble.directory, "--ca-root"]);
    program.arg(pebble.root_file()).run().expect_code(0);
    let (outcome, operations) = world.run("none:0");
    outcome.expect_code(0);
    let is_reload = |operation: &&String| *operation == "reload";
    assert_eq!(operations.iter().filter(is_reload).count(), 1);
    let reload = operations.iter().position(|operation| operation == "reload");
    let (files, made) = (world.files(), world.made());
    let (outcome, operations) = world.run(&format!("error:{}", reload.expect("a restart") + 1));
    outcome.expect_code(0);
    assert!(operations.iter().filter(is_reload).count() >= 4, "{operations:?}");
    assert_eq!(world.made(), made + 2);
    let folder = world.site.root().join("conf/ssl");
    for name in [DOMAIN, "b.example.com"] {
        let file = format!("conf/ssl/{name}.crt");
        assert_ne!(world.files()[&file], files[&file], "{name}");
    }
    world.is_served(&folder.join(format!("{DOMAIN}.crt")), "one by one");
}

/// The authority moves the time into the past, as after a fault of its own: the next look renews, and the order says what it
/// replaces; where the authority does not take that, it is ordered without.
#[test]
fn a_window_in_the_past_is_followed() {
    let Some(world) = World::scripted() else { return };
    world.run("none:0").0.expect_code(0);
    let file = world.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
    for is_known in [true, false] {
        let made = world.made();
        let leaf = Certificate::read_all(&fs::read(&file).expect("the certificate")).expect("certificates");
        let id = esync_ssl::acme::certificate_id(leaf[0].der()).expect("its name");
        let window = json!({"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"});
        let answer = Reply::json(200, &json!({"suggestedWindow": window}));
        world.ca().always(&format!("/ari/{id}"), answer);
        if !is_known {
            world
                .ca()
                .next("/order", 1, Reply::problem(403, "unauthorized", "not yours"));
        }
        let silent = world.site.command(&["renew", "--scheduled"]).run().expect_code(0);
        assert_eq!(silent.stdout_text() + &silent.stderr_text(), "");
        assert_eq!(world.made(), made + 1);
        let ordered = world.ca().payload("/order");
        assert_eq!(
            ordered.get("replaces"),
            is_known.then_some(&json!(id)),
            "{ordered}"
        );
        let now = Certificate::read_all(&fs::read(&file).expect("the certificate")).expect("certificates");
        assert_ne!(now[0].der(), leaf[0].der());
    }
}

/// The clock here is a day behind that of the authority. What that makes is not valid by it yet: it waits, fetched, while the
/// one before lives, and is served where that is over or nearly, as clients go by clocks of their own.
#[test]
fn a_clock_that_is_a_day_behind_keeps_nothing_from_being_served_in_time() {
    let hours = time::Duration::hours;
    for (life, is_late) in [((hours(1), hours(159)), false), ((hours(150), hours(30)), true)] {
        let Some(world) = World::scripted() else { return };
        world.ca().state().life = life;
        world.run("none:0").0.expect_code(0);
        let (files, made) = (world.files(), world.made());
        (world.ca().state().life, world.ca().state().ahead) = ((hours(1), hours(159)), hours(24));
        for _ in 0..2 {
            let told = world.site.command(&["renew", "--now"]).run();
            let said = told.stdout_text() + &told.stderr_text();
            assert!(said.contains("the clock of this machine"), "{}", told.report());
            assert_eq!(told.code, Some(if is_late { 0 } else { 4 }), "{}", told.report());
            assert_eq!(world.made(), made + 1, "{}", told.report());
            assert_eq!(world.files() == files, !is_late);
            if is_late {
                break;
            }
        }
    }
}

/// The connection to the authority breaks at any one request: the run survives it or says so, and nothing was changed.
#[test]
fn the_authority_is_cut_off_at_any_request() {
    let is_all = step() == Some(1);
    let (mut faults, mut codes) = (0, BTreeMap::new());
    for at in 1.. {
        let mut was_reached = false;
        for how in BREAKS
            .iter()
            .skip(if is_all { 0 } else { at % 3 })
            .take(if is_all { 3 } else { 1 })
        {
            let Some(world) = World::scripted() else {
                return;
            };
            world.ca().state().pending = true;
            world.ca().state().breaks = Some((at, *how));
            let what = format!("{how:?} at request {at}");
            let (files, answers) = (world.files(), world.site.answers());
            let (outcome, _) = world.run("none:0");
            let Authority::Scripted(ca) = &world.authority else {
                return;
            };
            if ca.state().asked.len() < at {
                continue;
            }
            was_reached = true;
            world.ca().state().breaks = None;
            match outcome.code {
                Some(0) => world.is_at_its_end(By::Us, &what),
                _ => {
                    assert_eq!(outcome.code, Some(18), "{what}: {}", outcome.report());
                    assert_eq!(world.files(), files, "{what}");
                    assert_eq!(world.site.answers(), answers, "{what}");
                }
            }
            world.comes_to_its_end(By::Us, &what);
            faults += 1;
            *codes.entry(outcome.code).or_insert(0) += 1;
        }
        if !was_reached {
            break;
        }
    }
    assert!(faults > 8, "{faults}");
    eprintln!("cut off in {faults} ways: {codes:?}");
}

/// It has made the certificate, and refuses to talk of it for now: nothing is ordered again.
#[test]
fn a_certificate_that_was_made_is_not_ordered_again() {
    let refusals = [
        ("/o/0", 429, "rateLimited", 17),
        ("/o/0", 403, "unauthorized", 17),
        ("/cert/0", 429, "rateLimited", 17),
        // Trouble of its own is no decision.
        ("/cert/0", 500, "serverInternal", 18),
    ];
    for (path, status, kind, code) in refusals {
        let Some(world) = World::scripted() else { return };
        let what = format!("{kind} at {path}");
        world.ca().next(path, 1, Reply::problem(status, kind, "not now"));
        let (outcome, _) = world.run("none:0");
        assert_eq!(outcome.code, Some(code), "{what}: {}", outcome.report());
        world.comes_to_its_end(By::Us, &what);
    }
}
