//! `enable --acme --adopt` before a real Apache that shows a certificate of certbot's: it is rehearsed, then taken over, and nothing
//! of certbot is touched; who still renews it is told until it is off.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::enable::World;
use crate::served::YES;
use crate::support::apache_site::DOMAIN;
use crate::support::files::{snapshot, write};
use crate::support::mounts::{isolate, lay};
use crate::support::pebble::Options;
use crate::support::process::Outcome;
use crate::support::site::text;

/// What certbot keeps, and Apache reads.
fn certbot(world: &World) -> PathBuf {
    let home = world.site.folder.path().join("letsencrypt");
    let (live, archive) = (home.join("live").join(DOMAIN), home.join("archive").join(DOMAIN));
    for (name, from) in [
        ("fullchain", &world.site.leaf.certificate),
        ("privkey", &world.site.leaf.key),
    ] {
        write(
            &archive.join(format!("{name}1.pem")),
            fs::read(from).expect("a file"),
        );
        fs::create_dir_all(&live).expect("a folder");
        let to = format!("../../archive/{DOMAIN}/{name}1.pem");
        symlink(to, live.join(format!("{name}.pem"))).expect("a link");
    }
    let settings = format!(
        "fullchain = {}\n[renewalparams]\n",
        text(&live.join("fullchain.pem"))
    );
    write(&home.join("renewal").join(format!("{DOMAIN}.conf")), settings);
    home
}

/// Apache shows that one.
#[track_caller]
fn shown_of_certbot(world: &World) -> PathBuf {
    let home = certbot(world);
    let live = home.join("live").join(DOMAIN);
    let enable = [
        "enable",
        "--domain",
        DOMAIN,
        "--http",
        "keep",
        "--yes",
        "--restart",
    ];
    let enable = world
        .site
        .command(&enable)
        .arg("--cert")
        .arg(live.join("fullchain.pem"));
    enable
        .arg("--key")
        .arg(live.join("privkey.pem"))
        .run()
        .expect_code(0);
    home
}

/// All of it, where links lead as well.
fn kept(home: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = snapshot(home);
    for name in ["fullchain.pem", "privkey.pem"] {
        let link = home.join("live").join(DOMAIN).join(name);
        let to = fs::read_link(link).expect("still a link");
        all.insert(format!("{name} ->"), text(&to).into_bytes());
    }
    all
}

impl World {
    fn adopts(&self, more: &[&str]) -> Outcome {
        self.run(&[&YES[..], &["--http", "keep", "--adopt"], more].concat())
    }

    fn finding(&self) -> Option<String> {
        let told = self.site.command(&["check", "--json"]).run();
        let data = told.envelope();
        let all = data["findings"].as_array().expect("findings").clone();
        let found = all.into_iter().find(|one| one["code"] == "ACME-TWO-CLIENTS");
        found.map(|one| one.to_string())
    }
}

#[test]
fn a_certificate_of_certbot_is_taken_over() {
    let options = Options {
        environment: vec![("PEBBLE_AUTHZREUSE", "0")],
        ..Options::default()
    };
    let Some(world) = World::start(&options, "") else {
        return;
    };
    let refused = world.adopts(&[]).expect_code(4);
    assert!(
        refused.stderr_text().contains("no virtual host here shows"),
        "{}",
        refused.report()
    );
    let home = shown_of_certbot(&world);
    let before = kept(&home);
    let tables = world.site.folder.path().join("cron.d");
    let line = "# renews\n3 4 * * * root certbot -q renew\n";
    write(&tables.join("certbot"), line);
    if !Path::new("/etc/cron.d").is_dir() || !isolate() {
        return;
    }
    lay(&tables, Path::new("/etc/cron.d"));
    // That of a certbot that is installed on this machine would be told first.
    let timers = Path::new("/etc/systemd/system/timers.target.wants");
    if timers.is_dir() {
        let none = world.site.folder.path().join("timers");
        fs::create_dir(&none).expect("a folder");
        lay(&none, timers);
    }
    let seen = ["--dry-run", "--http", "keep", "--adopt"];
    world.run(&seen).expect_code(0);
    assert_eq!(world.made(), 0);
    let done = world.adopts(&[]).expect_code(0);
    let told = done.stderr_text() + &done.stdout_text();
    for words in [
        "taken over from certbot",
        "ACME-TWO-CLIENTS",
        "autorenew = False",
        "line 2 of /etc/cron.d/certbot",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // One on trial, one that is served.
    assert_eq!(world.made(), 2);
    assert_eq!(kept(&home), before);
    let main = fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    let is_ours = main.contains(&format!("conf/ssl/{DOMAIN}.crt"));
    assert!(is_ours && !main.contains("letsencrypt"), "{main}");
    renewed_and_off(&world, &home);
    let undo = world.site.command(&["restore", "--yes", "--restart"]).run();
    assert_eq!(undo.code, Some(0), "{}", undo.report());
    // The lines by which Apache answers authorities were a change before that one, and stay.
    let main = fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    assert!(main.contains("letsencrypt"), "{main}");
    let answer = world.site.client().get(world.site.network.https, DOMAIN, "/");
    assert_eq!(answer.expect("TLS").status, 200);
}

/// It is told after a renewal too, until certbot is told to leave that certificate alone.
#[track_caller]
fn renewed_and_off(world: &World, home: &Path) {
    world.site.command(&["renew", "--now"]).run().expect_code(0);
    let finding = world.finding().expect("still so");
    assert!(finding.contains("/etc/cron.d/certbot"), "{finding}");
    // Once more: nothing is ordered, and nothing refused.
    world.adopts(&[]).expect_code(0);
    assert_eq!(world.made(), 3);
    let settings = home.join("renewal").join(format!("{DOMAIN}.conf"));
    let text = fs::read_to_string(&settings).expect("its settings");
    fs::write(&settings, text + "autorenew = False\n").expect("written");
    assert_eq!(world.finding(), None);
}

/// A trial that fails leaves everything as it was, and the authority is not asked for more.
#[test]
fn nothing_is_taken_over_where_the_trial_fails() {
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    let home = shown_of_certbot(&world);
    let gone = serde_json::json!({"host": format!("{DOMAIN}."), "addresses": ["192.0.2.1"]});
    world.pebble.dns("add-a", &gone);
    let before = kept(&home);
    world.refused(
        &[&YES[..], &["--http", "keep", "--adopt"]].concat(),
        17,
        &["made no certificate"],
    );
    assert_eq!((kept(&home), world.made()), (before, 0));
    assert_eq!(world.pebble.log().matches("Added order").count(), 1);
}
