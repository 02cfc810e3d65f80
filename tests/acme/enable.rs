//! `enable --acme` before a real Apache, with pebble as the authority.

use std::fs;

use serde_json::{Value, json};

use crate::served::YES;
use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::pebble::{Options, Pebble};
use crate::support::process::Outcome;
use crate::support::program::Program;

/// An authority and an Apache that runs, in one network.
pub struct World {
    pub pebble: Pebble,
    pub site: ApacheSite,
}

impl World {
    pub fn start(options: &Options, more: &str) -> Option<World> {
        let httpd = Httpd::find()?;
        let pebble = Pebble::start(options)?;
        let site = ApacheSite::within(pebble.network, httpd, more);
        site.daemon.start();
        Some(World { pebble, site })
    }

    pub fn command(&self, words: &[&str]) -> Program {
        let program = self.site.command(&["enable", "--domain", DOMAIN, "--acme"]);
        let program = program.args(["--ca", &self.pebble.directory, "--ca-root"]);
        program.arg(self.pebble.root_file()).args(words)
    }

    pub fn run(&self, words: &[&str]) -> Outcome {
        self.command(words).run()
    }

    pub fn kept(&self, name: &str) -> Option<Value> {
        let file = self.site.root().join("conf/esync-ssl-acme").join(name);
        let text = fs::read_to_string(file).ok()?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    pub fn certificate(&self) -> String {
        let file = self.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
        fs::read_to_string(file).expect("the certificate")
    }

    /// How many certificates it made.
    pub fn made(&self) -> usize {
        self.pebble.log().matches("Issued certificate serial").count()
    }
}

#[test]
fn from_http_to_https_by_one_command() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let outcome = world.run(&YES).expect_code(0);
    let told = outcome.stderr_text() + &outcome.stdout_text();
    assert!(told.contains("(tls-alpn-01)"), "{told}");
    assert_eq!(world.certificate().matches("BEGIN CERTIFICATE").count(), 2);
    assert_eq!(
        world.kept(&format!("managed/{DOMAIN}.json")).unwrap()["names"],
        json!([DOMAIN])
    );
    assert_eq!(world.kept(&format!("orders/{DOMAIN}/order.json")), None);
    // Once more: nothing is ordered, nothing is written.
    let files = world.site.files();
    let again = world.run(&["--yes", "--json"]).expect_code(0);
    assert_eq!(again.envelope()["result"], "unchanged", "{}", again.report());
    assert_eq!(world.site.files(), files);
    assert_eq!(world.made(), 1);
}

/// Before there is a certificate, by what is known of the authority; then by the last one that it made here.
#[test]
fn the_first_preview_says_when_it_will_be_renewed() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let seen = |program: Program| {
        let told = program.run().expect_code(0);
        let words = told.stderr_text() + &told.stdout_text();
        let said = words.find(". With a life of ").map(|at| words[at..].to_owned());
        said.map(|said| said.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let keep = ["--dry-run", "--http", "keep"];
    let words = ["enable", "--domain", DOMAIN, "--acme"];
    let said = seen(world.site.command(&words).args(keep)).expect("what is expected");
    assert!(said.contains(", as it gives now: renews about "), "{said}");
    assert!(said.contains("; survives "), "{said}");
    assert_eq!(seen(world.command(&keep)), None);
    world
        .run(&[&YES[..], &["--http", "keep"]].concat())
        .expect_code(0);
    let further = ["--alias", "further.example.com"];
    let said = seen(world.command(&[&keep[..], &further].concat())).expect("what is expected");
    let last = ". With a life of 1825 days, as the last one that it made for this server: renews about ";
    assert!(said.starts_with(last), "{said}");
}

impl World {
    /// A run that changes nothing of the server, and ends so.
    #[track_caller]
    pub fn refused(&self, words: &[&str], status: i32, told: &[&str]) -> Outcome {
        let of_server = |site: &ApacheSite| {
            let files = site.files().into_iter();
            let files = files.filter(|(name, _)| !name.starts_with("conf/esync-ssl-"));
            files.collect::<Vec<_>>()
        };
        let (files, answers) = (of_server(&self.site), self.site.answers());
        let outcome = self.run(words).expect_code(status);
        assert_eq!(of_server(&self.site), files, "{}", outcome.report());
        assert_eq!(self.site.answers(), answers, "{}", outcome.report());
        for words in told {
            assert!(
                outcome.stderr_text().contains(words),
                "{words}: {}",
                outcome.report()
            );
        }
        outcome
    }
}

#[test]
fn what_is_not_agreed_to_or_only_tried_changes_nothing() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    world.refused(
        &["--yes"],
        4,
        &["wants its terms to be agreed to: data:", "--agree-terms"],
    );
    let told = world.refused(&["--dry-run"], 0, &["was not asked"]);
    assert!(
        told.stdout_text().contains("SSLCertificateFile"),
        "{}",
        told.report()
    );
    assert_eq!(world.made(), 0);
    world.refused(&["--rehearse", "--agree-terms"], 0, &[]);
    assert_eq!(world.made(), 1);
    assert_eq!(world.kept(&format!("orders/{DOMAIN}/order.json")), None);
    // Nobody is asked where it is known to fail.
    world.refused(
        &["--dry-run", "--save-plan", "p"],
        4,
        &["the certificate is made only then"],
    );
    world.refused(
        &["--yes", "--agree-terms", "--ca-profile", "shortlived"],
        17,
        &["shortlived"],
    );
    assert_eq!(world.made(), 1);
}

#[test]
fn what_the_authority_says_is_told_and_asked_again_only_some_times() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    world.refused(
        &["--yes", "--agree-terms", "--alias", "blocked.example"],
        17,
        &["refused: ", "(rejectedIdentifier)"],
    );
    // The name leads to where nobody is.
    world.pebble.dns(
        "add-a",
        &json!({"host": format!("{DOMAIN}."), "addresses": ["192.0.2.1"]}),
    );
    for _ in 0..3 {
        let failed = world.refused(
            &["--yes", "--agree-terms"],
            17,
            &["made no certificate: ", "port 443"],
        );
        assert!(failed.stderr_text().contains(DOMAIN), "{}", failed.report());
    }
    world.refused(&["--yes", "--agree-terms"], 4, &["is not asked for", "minutes"]);
    let told = world.run(&["--yes", "--json"]).expect_code(4);
    assert_eq!(
        told.envelope()["error"]["code"],
        "TOO-MANY-FAILURES",
        "{}",
        told.report()
    );
}

#[test]
fn an_authority_that_is_not_there() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let program = world
        .site
        .command(&["enable", "--domain", DOMAIN, "--acme", "--agree-terms", "--yes"]);
    let outcome = program
        .args(["--ca", "https://127.0.0.1:9/dir", "--json"])
        .run()
        .expect_code(18);
    assert_eq!(
        outcome.envelope()["error"]["code"],
        "CA-UNREACHABLE",
        "{}",
        outcome.report()
    );
    assert!(!world.site.root().join("conf/ssl").exists());
    // A certificate of its own that nobody trusts.
    let program = world
        .site
        .command(&["enable", "--domain", DOMAIN, "--acme", "--agree-terms", "--yes"]);
    program
        .args(["--ca", &world.pebble.directory])
        .run()
        .expect_code(18);
}

#[test]
fn an_authority_that_knows_its_customers() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let options = Options {
        external_accounts: vec![("kid-1", key)],
        ..Options::default()
    };
    let Some(world) = World::start(&options, "") else {
        return;
    };
    world.refused(&YES, 17, &["--eab-kid ID"]);
    let file = world.site.folder.path().join("eab.txt");
    crate::support::files::write(&file, format!("{key}\n"));
    let file = file.to_str().expect("a path");
    let outcome = world.run(&[&YES[..], &["--eab-kid", "kid-1", "--eab-key-file", file]].concat());
    let outcome = outcome.expect_code(0);
    assert!(!outcome.report().to_string().contains(key));
}

/// Apache has both ports: it answers the authority itself, from lines that stay, and `disable` takes them out again.
#[test]
fn apache_answers_where_it_has_both_ports() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let site = &world.site;
    let before = site.files();
    site.keep_http_beside_https();
    world.refused(&["--yes", "--agree-terms", "--http", "keep"], 4, &["--restart"]);
    world.refused(
        &["--yes", "--agree-terms", "--answer", "listener"],
        4,
        &["to this Apache"],
    );
    let outcome = world
        .run(&[&YES[..], &["--http", "keep"]].concat())
        .expect_code(0);
    let told = outcome.stderr_text() + &outcome.stdout_text();
    assert!(told.contains("Apache answers there"), "{told}");
    assert_eq!(world.made(), 1);
    let configuration = fs::read_to_string(site.root().join("conf/httpd.conf")).expect("the configuration");
    assert!(
        configuration.contains("/.well-known/acme-challenge/"),
        "{configuration}"
    );
    // What was signed by nobody stays beside.
    let names: Vec<String> = site
        .files()
        .into_keys()
        .filter(|name| name.starts_with("conf/ssl/e"))
        .collect();
    assert_eq!(names.len(), 4, "{names:?}");
    let tokens = site.root().join("conf/esync-ssl-acme/answers");
    assert_eq!(
        fs::read_dir(tokens).expect("the folder of the answers").count(),
        0
    );
    site.command(&["disable", "--domain", DOMAIN, "--yes", "--restart"])
        .run()
        .expect_code(0);
    assert_eq!(site.files()["conf/httpd.conf"], before["conf/httpd.conf"]);
}

/// Whatever the authority does then, Apache is as it was.
#[test]
fn apache_answers_no_more_where_nothing_came_of_it() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    world.site.keep_http_beside_https();
    world.pebble.dns(
        "add-a",
        &json!({"host": format!("{DOMAIN}."), "addresses": ["192.0.2.1"]}),
    );
    world.refused(&[&YES[..], &["--http", "keep"]].concat(), 17, &["port 80"]);
}

#[test]
fn what_is_kept_is_closed_and_ours() {
    use std::os::unix::fs::PermissionsExt;
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let proxy = ["--proxy", "http://me:secret@127.0.0.1:9"];
    world.run(&[&YES[..], &proxy].concat()).expect_code(18);
    world.run(&YES).expect_code(0);
    let state = world.site.root().join("conf/esync-ssl-acme");
    for (name, _) in crate::support::files::snapshot(&state) {
        let mode = fs::metadata(state.join(&name))
            .expect("a file")
            .permissions()
            .mode()
            & 0o077;
        let is_open = name == "README.txt" || name.starts_with("answers");
        assert!(mode == 0 || is_open, "{name} {mode:o}");
    }
    for (name, bytes) in world.site.files() {
        assert!(!bytes.windows(6).any(|word| word == b"secret"), "{name}");
    }
    // A key that others could have written is not used.
    let accounts = fs::read_dir(state.join("accounts")).expect("accounts").flatten();
    for account in accounts {
        let key = account.path().join("key.pem");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o666)).expect("a mode");
    }
    fs::remove_dir_all(state.join("managed")).expect("forgotten");
    let refused = world.run(&YES).expect_code(1);
    assert!(
        refused.stderr_text().contains("key.pem cannot be used"),
        "{}",
        refused.report()
    );
}

/// An authority that has files only, where Apache has port 80: it is not told behind anybody's back.
#[test]
fn a_trial_has_apache_answer_only_where_it_does_already() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    world.site.keep_http_beside_https();
    world.refused(
        &["--rehearse", "--agree-terms", "--http", "keep"],
        4,
        &["only Apache can answer"],
    );
    assert_eq!(world.made(), 0);
    world
        .run(&[&YES[..], &["--http", "keep"]].concat())
        .expect_code(0);
    let managed = world.site.root().join("conf/esync-ssl-acme/managed");
    fs::remove_dir_all(managed).expect("forgotten");
    world.refused(&["--rehearse", "--agree-terms", "--http", "keep"], 0, &[]);
    assert_eq!(world.made(), 2);
}
