//! A CA of our own that waits where it is told to, before a real Apache; and the whole order on every system that the program is
//! for.

use std::fs;
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::certificates::pem;
use crate::support::client::{http_get, listens};
use crate::support::network::Network;
use crate::support::process::{self, Outcome, start};
use crate::support::program::Program;
use crate::support::scripted_ca::{Reply, ScriptedCa};

/// What is to happen happens within this time.
const PATIENCE: Duration = Duration::from_secs(60);

/// All that is asked about is answered.
pub const YES: [&str; 3] = ["--yes", "--restart", "--agree-terms"];

/// An authority that does what it is told, and an Apache that runs, in one network.
pub struct World {
    pub ca: ScriptedCa,
    pub site: ApacheSite,
}

impl World {
    /// `has_both`: Apache has port 443 as well, so that it has to answer.
    pub fn start(has_both: bool) -> Option<World> {
        let httpd = Httpd::find()?;
        let network = Network::enter().with_usual_ports();
        let ca = ScriptedCa::start();
        let site = ApacheSite::within(network, httpd, "");
        fs::write(site.folder.path().join("ca.pem"), pem("CERTIFICATE", &ca.root)).expect("its root");
        site.daemon.start();
        if has_both {
            site.keep_http_beside_https();
        }
        Some(World { ca, site })
    }

    pub fn asking(&self, words: &[&str]) -> Program {
        let program = self
            .site
            .command(words)
            .args(["--ca", &self.ca.directory, "--ca-root"]);
        program.arg(self.site.folder.path().join("ca.pem"))
    }

    pub fn command(&self, words: &[&str]) -> Program {
        self.asking(&["enable", "--domain", DOMAIN, "--acme", "--http", "keep"])
            .args(words)
    }

    #[track_caller]
    pub fn run(&self, words: &[&str], status: i32) -> Outcome {
        self.command(words).run().expect_code(status)
    }

    /// A run that waits while the authority looks, which is never told that it did.
    pub fn waiting(&self, words: &[&str]) -> Child {
        let looked = self.looked();
        self.ca.state().pending = true;
        self.ca.always(
            "/c/0/0",
            Reply::json(200, &serde_json::json!({"status": "processing"})),
        );
        let said = fs::File::create(self.site.folder.path().join("said")).expect("a file");
        let mut command = self.command(words).into_command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
        let mut child = start(&mut command).expect("a child");
        let is_there =
            waited_for(|| self.looked() > looked || child.try_wait().expect("its state").is_some());
        assert!(
            is_there && child.try_wait().expect("its state").is_none(),
            "{}",
            self.said()
        );
        child
    }

    pub fn looked(&self) -> usize {
        self.ca.count("/c/0/0")
    }

    pub fn said(&self) -> String {
        fs::read_to_string(self.site.folder.path().join("said")).unwrap_or_default()
    }
}

/// Waits until something is so, but not for ever.
pub fn waited_for(until: impl FnMut() -> bool) -> bool {
    process::waited_within(PATIENCE, until)
}

/// How a program ends that has been told to; one that does not is killed.
#[track_caller]
pub fn end_of(child: &mut Child) -> ExitStatus {
    process::end_within(PATIENCE, child)
}

/// On Windows all tests have one network, and one of them at a time its usual ports.
pub fn in_turn() -> Option<MutexGuard<'static, ()>> {
    static TURN: Mutex<()> = Mutex::new(());
    cfg!(windows).then(|| TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// What the authority is shown, by us, on ports that are free; then Apache has the pair, and serves it.
#[test]
fn a_whole_order_on_every_system() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    // By a file: both ports are free, and it wants one.
    world.site.daemon.stop();
    world.ca.state().offered = vec!["http-01"];
    let mut child = world.waiting(&["--yes", "--agree-terms"]);
    let path = "/.well-known/acme-challenge/to-ken_1";
    let answer = http_get(world.site.network.http, DOMAIN, path).expect("an answer");
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with(b"to-ken_1."), "{answer:?}");
    let other = http_get(world.site.network.http, DOMAIN, "/").expect("an answer");
    assert_eq!(other.status, 404);
    world.ca.prove();
    assert_eq!(end_of(&mut child).code(), Some(0), "{}", world.said());
    assert!(!listens(world.site.network.http) && !listens(world.site.network.https));
    // The server was stopped, and stays so; started, it proves that it has the pair.
    assert!(!world.site.daemon.runs());
    world.site.command(&["restart"]).run().expect_code(0);
    assert_eq!(world.ca.made(), 1);
}

/// Apache runs on port 80 alone, and takes the new pair at a restart.
#[test]
fn by_a_handshake_beside_a_running_apache() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    let mut child = world.waiting(&YES);
    assert!(listens(world.site.network.https));
    world.ca.prove();
    // Only where clients are shown the new certificate.
    assert_eq!(end_of(&mut child).code(), Some(0), "{}", world.said());
    let again = world.run(&["--yes", "--json"], 0);
    assert_eq!(again.envelope()["result"], "unchanged", "{}", again.report());
    assert_eq!(world.ca.made(), 1);
}

/// The authority puts the names in another order and in capital letters: they are the same names, today, once more, and when it
/// is renewed.
#[test]
fn names_in_another_order_are_the_same_names() {
    let _turn = in_turn();
    let Some(world) = World::start(false) else { return };
    world.ca.state().pending = true;
    world.ca.state().other_names = Some(["MORE.example.com", DOMAIN].map(str::to_owned).to_vec());
    let words = [&YES[..], &["--alias", "more.example.com", "--json"]].concat();
    let done = world.run(&words, 0);
    assert_eq!(done.envelope()["result"], "written", "{}", done.report());
    let again = world.run(&words, 0);
    assert_eq!(again.envelope()["result"], "unchanged", "{}", again.report());
    assert_eq!(world.ca.made(), 1);
    let told = world
        .site
        .command(&["certificates", "--json"])
        .run()
        .expect_code(0);
    let one = &told.envelope()["data"]["certificates"][0];
    assert_eq!(
        (&one["served"], &one["renewer"]["by"]),
        (&serde_json::json!("yes"), &serde_json::json!("esync-ssl")),
        "{}",
        told.report()
    );
    // Its tokens are the same for all names, which two files cannot be.
    world.ca.state().pending = false;
    world.site.command(&["renew", "--now"]).run().expect_code(0);
    assert_eq!(world.ca.made(), 2);
}
