//! `enable --acme` before a real Apache, with pebble as the authority.

use std::fs;

use serde_json::{Value, json};

use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::pebble::{Options, Pebble};
use crate::support::process::Outcome;

/// An authority and an Apache that runs, in one network.
struct World {
    pebble: Pebble,
    site: ApacheSite,
}

impl World {
    fn start(options: &Options, more: &str) -> Option<World> {
        let httpd = Httpd::find()?;
        let pebble = Pebble::start(options)?;
        let site = ApacheSite::within(pebble.network, httpd, more);
        site.daemon.start();
        Some(World { pebble, site })
    }

    fn run(&self, words: &[&str]) -> Outcome {
        let program = self.site.command(&["enable", "--domain", DOMAIN, "--acme"]);
        let program = program.args(["--ca", &self.pebble.directory, "--ca-root"]);
        program.arg(self.pebble.root_file()).args(words).run()
    }

    fn kept(&self, name: &str) -> Option<Value> {
        let file = self.site.root().join("conf/esync-ssl-acme").join(name);
        let text = fs::read_to_string(file).ok()?;
        Some(serde_json::from_str(&text).expect("JSON"))
    }

    fn certificate(&self) -> String {
        let file = self.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
        fs::read_to_string(file).expect("the certificate")
    }

    /// How many certificates it made.
    fn made(&self) -> usize {
        self.pebble.log().matches("Issued certificate serial").count()
    }
}

const YES: [&str; 3] = ["--yes", "--restart", "--agree-terms"];

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
