//! `renew` before a real Apache, with pebble as the authority: what is served follows, and no line of the configuration changes.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::client::TlsClient;
use crate::support::pebble::Pebble;
use crate::support::process::Outcome;
use esync_ssl::tls::certificate::Certificate;
use esync_ssl::tls::private_key::PrivateKey;

/// An authority, and an Apache that serves a certificate of it.
struct World {
    pebble: Pebble,
    site: ApacheSite,
}

impl World {
    fn start() -> Option<World> {
        let (pebble, site) = ApacheSite::beside_pebble()?;
        Some(World { pebble, site })
    }

    fn enabled(names: &[&str], http: &str) -> Option<World> {
        let world = World::start()?;
        world.enable(names, http);
        Some(world)
    }

    /// None of these names leads here any more. All, because pebble takes one old proof of a hundred for good also where
    /// it is told to take none.
    fn lead_elsewhere(&self, names: &[String]) {
        for name in names {
            let gone = json!({"host": format!("{name}."), "addresses": ["192.0.2.1"]});
            self.pebble.dns("add-a", &gone);
        }
    }

    #[track_caller]
    fn enable(&self, names: &[&str], http: &str) {
        let mut words = vec![
            "enable",
            "--acme",
            "--yes",
            "--restart",
            "--agree-terms",
            "--http",
            http,
        ];
        for (number, name) in names.iter().enumerate() {
            words.extend([if number == 0 { "--domain" } else { "--alias" }, name]);
        }
        let program = self.site.command(&words);
        let program = program.args(["--ca", &self.pebble.directory, "--ca-root"]);
        program.arg(self.pebble.root_file()).run().expect_code(0);
    }

    fn renew(&self, words: &[&str]) -> Outcome {
        self.site.command(&["renew"]).args(words).run()
    }

    /// The files of the configuration, without certificates and what we keep.
    fn configuration(&self) -> BTreeMap<String, Vec<u8>> {
        let ours = |name: &str| name.starts_with("conf/esync-ssl-") || name.starts_with("conf/ssl/");
        let files = self.site.files().into_iter();
        files.filter(|(name, _)| !ours(name)).collect()
    }

    /// The names in the folder of certificates, and of backups.
    fn names(&self) -> Vec<String> {
        let is_named = |name: &String| {
            name.starts_with("conf/ssl/")
                || name.starts_with("conf/esync-ssl-backup/") && name.ends_with("manifest.json")
        };
        self.site.files().into_keys().filter(is_named).collect()
    }

    fn restarts(&self) -> usize {
        let log = fs::read_to_string(self.site.root().join("logs/error_log")).expect("the log");
        log.matches("AH00493").count()
    }

    fn kept(&self, name: &str) -> Value {
        let file = self
            .site
            .root()
            .join(format!("conf/esync-ssl-acme/managed/{name}.json"));
        serde_json::from_slice(&fs::read(file).expect("what is kept")).expect("JSON")
    }

    /// Another site beside one that was enabled, as if it had been too: its lines, its files, and what is kept of it.
    fn copied(&self, pattern: &str, names: &[String]) {
        let folder = self.site.root().join("conf/ssl");
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        let leaf = self.site.authority.leaf(&names[0], &all);
        let at = |name: &str, end: &str| folder.join(format!("{name}.{end}"));
        let [certificate, key] = ["crt", "key"].map(|end| at(&names[0], end));
        let issuer = self.site.authority.intermediate();
        let both = [&leaf.certificate, &issuer].map(|file| fs::read(file).expect("a certificate"));
        fs::write(&certificate, both.concat()).expect("written");
        fs::copy(&leaf.key, &key).expect("the key");
        let main = self.site.root().join("conf/httpd.conf");
        let text = fs::read_to_string(&main).expect("the configuration");
        let section = format!(
            "<VirtualHost *:{}>\nServerName {}\nServerAlias {}\nSSLEngine on\nSSLCertificateFile \"{}\"\nSSLCertificateKeyFile \"{}\"\n</VirtualHost>\n",
            self.site.network.https,
            names[0],
            names[1..].join(" "),
            certificate.display(),
            key.display()
        );
        fs::write(&main, text + &section).expect("written");
        let mut kept = self.kept(pattern);
        let sum = |file: &std::path::Path| esync_ssl::apply::checksum(&fs::read(file).expect("a file"));
        let made = Certificate::read_all(&fs::read(&certificate).expect("the certificate")).expect("it");
        kept["names"] = json!(names);
        kept["certificate"] = json!(certificate);
        kept["key"] = json!(key);
        kept["checksums"] = json!([sum(&certificate), sum(&key)]);
        kept["sha256"] = json!(esync_ssl::tls::certificate::colon_hex(&made[0].sha256()));
        kept["history"]["attempts"] = json!([]);
        kept["history"]["told"] = Value::Null;
        let file = format!("conf/esync-ssl-acme/managed/{}.json", names[0]);
        fs::write(self.site.root().join(file), kept.to_string()).expect("written");
    }

    /// The certificate in the files of a name, which fits its key and is what clients see.
    #[track_caller]
    fn served(&self, name: &str) -> Vec<u8> {
        let file = self.site.root().join(format!("conf/ssl/{name}.crt"));
        let leaf = Certificate::read_all(&fs::read(&file).expect("the certificate")).expect("a certificate");
        let leaf = leaf.into_iter().next().expect("a certificate");
        let key = fs::read(file.with_extension("key")).expect("the key");
        let key = PrivateKey::read(&key, None).expect("a key");
        assert!(
            key.public_key()
                .expect("its public part")
                .same_key(&leaf.public_key)
        );
        let answer = TlsClient::trusting_file(&file).get(self.site.network.https, name, "/");
        let shown = answer.unwrap_or_else(|failure| panic!("{name}: {failure}"));
        assert_eq!(shown.tls.expect("TLS").leaf, leaf.der(), "{name}");
        leaf.der().to_vec()
    }
}

/// One that the authority would make no further one of within a week.
const EQUAL: usize = 5;

#[test]
fn renewals_in_a_row_write_no_configuration_and_restart_once_each() {
    for http in ["off", "keep"] {
        let Some(world) = World::enabled(&[DOMAIN], http) else {
            return;
        };
        let (configuration, names) = (world.configuration(), world.names());
        let mut before = world.served(DOMAIN);
        for _ in 1..EQUAL {
            let restarts = world.restarts();
            let outcome = world.renew(&["--now", "--json"]).expect_code(0);
            let told = outcome.envelope();
            let one = &told["data"]["certificates"][0];
            assert_eq!(one["result"], "renewed", "{}", outcome.report());
            assert_eq!(one["served"][0]["name"], DOMAIN, "{}", outcome.report());
            let now = world.served(DOMAIN);
            assert_ne!(now, before);
            before = now;
            assert_eq!(world.configuration(), configuration);
            assert_eq!(world.names(), names);
            assert_eq!(world.restarts(), restarts + 1);
        }
        let told = world.renew(&["--now"]).expect_code(4);
        assert!(
            told.stderr_text().contains("too many certificates"),
            "{}",
            told.report()
        );
        let history = &world.kept(DOMAIN)["history"]["attempts"];
        assert_eq!(history.as_array().expect("attempts").len(), EQUAL);
        assert_eq!(world.kept(DOMAIN)["coming"], Value::Null);
    }
}

#[test]
fn what_is_not_due_is_left_alone_and_a_scheduled_run_is_silent() {
    let Some(world) = World::enabled(&[DOMAIN], "off") else {
        return;
    };
    let (files, restarts) = (world.site.files(), world.restarts());
    let all = world
        .site
        .command(&["certificates", "--json"])
        .run()
        .expect_code(0);
    let one = &all.envelope()["data"]["certificates"][0];
    let seen = (
        &one["served"],
        &one["renewer"]["by"],
        &one["rule"],
        &one["last"]["outcome"],
    );
    let wanted = (
        &json!("yes"),
        &json!("esync-ssl"),
        &json!("two-thirds"),
        &json!("renewed"),
    );
    assert_eq!(seen, wanted, "{}", all.report());
    let told = world.renew(&["--dry-run"]).expect_code(0);
    assert!(told.stdout_text().contains("not due yet"), "{}", told.report());
    let told = world.renew(&["--dry-run", "--now"]).expect_code(0);
    assert!(
        told.stdout_text().contains("would be renewed"),
        "{}",
        told.report()
    );
    assert_eq!(world.site.files(), files);
    for words in [&["--scheduled"][..], &["--rehearse", "--quiet"]] {
        let silent = world.renew(words).expect_code(0);
        if words[0] == "--scheduled" {
            assert_eq!(silent.stdout_text() + &silent.stderr_text(), "");
        }
    }
    world.renew(&["other.example"]).expect_code(4);
    let of_server = |files: BTreeMap<String, Vec<u8>>| -> Vec<_> {
        let all = files.into_iter();
        all.filter(|(name, _)| !name.starts_with("conf/esync-ssl-acme/"))
            .collect()
    };
    assert_eq!(of_server(world.site.files()), of_server(files));
    assert_eq!(world.restarts(), restarts);
    assert!(
        !world
            .site
            .root()
            .join("conf/esync-ssl-acme/orders")
            .join(DOMAIN)
            .join("order.json")
            .exists()
    );
}

#[test]
fn files_that_somebody_else_changed_are_not_overwritten() {
    let Some(world) = World::enabled(&[DOMAIN], "off") else {
        return;
    };
    let file = world.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
    let mut text = fs::read_to_string(&file).expect("the certificate");
    text += "# mine\n";
    fs::write(&file, &text).expect("written");
    let told = world.renew(&["--now", "--json"]).expect_code(4);
    assert_eq!(
        told.envelope()["error"]["code"],
        "FILES-NOT-OURS",
        "{}",
        told.report()
    );
    assert_eq!(fs::read_to_string(&file).expect("the certificate"), text);
    // `enable` says so and takes files of its own.
    world.enable(&[DOMAIN], "off");
    assert_eq!(fs::read_to_string(&file).expect("the certificate"), text);
}

#[test]
fn twenty_names_in_four_certificates_of_which_one_is_broken() {
    let Some(world) = World::start() else { return };
    let names: Vec<Vec<String>> = (0..4)
        .map(|site| {
            (0..5)
                .map(|name| format!("n{name}.site{site}.example.com"))
                .collect()
        })
        .collect();
    for site in &names {
        let site: Vec<&str> = site.iter().map(String::as_str).collect();
        world.enable(&site, "off");
    }
    let before: Vec<Vec<u8>> = names.iter().map(|site| world.served(&site[0])).collect();
    let (configuration, restarts) = (world.configuration(), world.restarts());
    world.lead_elsewhere(&names[1]);
    let outcome = world.renew(&["--now", "--json"]).expect_code(17);
    let told = outcome.envelope();
    let all = told["data"]["certificates"].as_array().expect("certificates");
    let results: Vec<&str> = all
        .iter()
        .map(|one| one["result"].as_str().expect("a word"))
        .collect();
    assert_eq!(
        results,
        ["renewed", "failed", "renewed", "renewed"],
        "{}",
        outcome.report()
    );
    assert_eq!(
        (&told["result"], &told["changed"]),
        (&json!("written"), &json!(true))
    );
    assert_eq!(
        all[0]["served"].as_array().expect("places").len(),
        5,
        "{}",
        outcome.report()
    );
    for (number, site) in names.iter().enumerate() {
        assert_eq!(world.served(&site[0]) == before[number], number == 1, "{number}");
    }
    assert_eq!(world.configuration(), configuration);
    assert_eq!(world.restarts(), restarts + 1);
    let kept = world.kept(&names[1][0]);
    let last = kept["history"]["attempts"]
        .as_array()
        .and_then(|all| all.last())
        .expect("an attempt");
    assert_eq!(last["outcome"], "refused");
    assert!(kept["next"].as_i64().is_some());
    let all = world.site.command(&["certificates"]).run().expect_code(0);
    assert!(
        all.stdout_text()
            .contains("renewal failed 1 time, the last time on "),
        "{}",
        all.report()
    );
    // A run of a scheduler does not hurry it, and names it no further.
    let quiet = world.renew(&["--scheduled"]).expect_code(0);
    assert_eq!(
        quiet.stdout_text() + &quiet.stderr_text(),
        "",
        "{}",
        quiet.report()
    );
}

/// How many certificates of five names each: more or fewer where that is said.
const MANY: &str = "ESYNC_SSL_TEST_CERTIFICATES";

/// Many names in many certificates, one of which has names that lead elsewhere: the others are renewed by one restart. Two
/// hundred in forty where 40 is said.
#[test]
fn many_names_in_many_certificates_of_which_one_is_broken() {
    let Some(world) = World::start() else { return };
    let many: usize = std::env::var(MANY).map_or(6, |many| many.parse().expect("a number"));
    let names: Vec<Vec<String>> = (0..many)
        .map(|site| {
            let name = |name| format!("n{name}.site{site:02}.example.com");
            (0..5).map(name).collect()
        })
        .collect();
    world.enable(&names[0].iter().map(String::as_str).collect::<Vec<_>>(), "off");
    for site in &names[1..] {
        world.copied(&names[0][0], site);
    }
    world.site.command(&["restart"]).run().expect_code(0);
    let before: Vec<Vec<u8>> = names.iter().map(|site| world.served(&site[0])).collect();
    let (configuration, restarts) = (world.configuration(), world.restarts());
    let broken = many / 2;
    world.lead_elsewhere(&names[broken]);
    let begun = std::time::Instant::now();
    let renew = world.site.command(&["renew", "--now", "--json"]);
    let renew = renew.limit(std::time::Duration::from_secs(150 + 30 * many as u64));
    let outcome = renew.run().expect_code(17);
    eprintln!("{many} certificates in {:.1} s", begun.elapsed().as_secs_f64());
    let told = outcome.envelope();
    let all = told["data"]["certificates"].as_array().expect("certificates");
    let is = |result: &str| all.iter().filter(|one| one["result"] == result).count();
    assert_eq!(
        (is("renewed"), is("failed")),
        (many - 1, 1),
        "{}",
        outcome.report()
    );
    for (number, site) in names.iter().enumerate() {
        assert_eq!(
            world.served(&site[0]) == before[number],
            number == broken,
            "{number}"
        );
    }
    assert_eq!(world.configuration(), configuration);
    assert_eq!(world.restarts(), restarts + 1);
}

/// What is made outside the window is kept, and the next run within it installs it without anybody's help.
#[test]
fn a_window_is_waited_for_with_the_certificate_in_hand() {
    let Some(mut world) = World::enabled(&[DOMAIN], "off") else {
        return;
    };
    let now = time::OffsetDateTime::now_utc();
    let window = |from: i64, to: i64| {
        let at = |hours: i64| {
            let at = now + time::Duration::hours(hours);
            format!("{:02}:{:02}", at.hour(), at.minute())
        };
        format!("{}-{}", at(from), at(to))
    };
    let (closed, open) = (window(3, 6), window(-1, 2));
    let (before, restarts) = (world.served(DOMAIN), world.restarts());
    let renew = |world: &World, window: &str| {
        let program = world
            .site
            .command(&["renew", "--now", "--json", "--window", window]);
        program.env("TZ", "UTC").run().expect_code(0)
    };
    for _ in 0..2 {
        let told = renew(&world, &closed);
        let one = &told.envelope()["data"]["certificates"][0];
        assert_eq!(one["result"], "kept", "{}", told.report());
        assert!(one["next"].is_string(), "{}", told.report());
        assert_eq!(
            (world.served(DOMAIN), world.restarts()),
            (before.clone(), restarts)
        );
    }
    let made = |world: &World| world.pebble.log().matches("Issued certificate serial").count();
    assert_eq!(made(&world), 2);
    // The hour is another where the clock on the wall is.
    let elsewhere = world.site.command(&["renew", "--now", "--window", &open]);
    elsewhere.env("TZ", "XXX-9").run().expect_code(0);
    assert_eq!(world.restarts(), restarts);
    world.pebble.end();
    let told = renew(&world, &open);
    let one = &told.envelope()["data"]["certificates"][0];
    assert_eq!(one["result"], "renewed", "{}", told.report());
    assert_ne!(world.served(DOMAIN), before);
    assert_eq!(world.restarts(), restarts + 1);
    assert_eq!(made(&world), 2);
}

#[test]
fn no_key_of_a_renewal_is_left_anywhere() {
    use std::os::unix::fs::PermissionsExt;
    let Some(world) = World::enabled(&[DOMAIN], "off") else {
        return;
    };
    let file = world.site.root().join(format!("conf/ssl/{DOMAIN}.key"));
    let old = fs::read_to_string(&file).expect("the key");
    let body = old.lines().nth(1).expect("a line of the key").to_owned();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o440)).expect("its mode");
    world.renew(&["--now"]).expect_code(0);
    let mode = fs::metadata(&file).expect("the key").permissions().mode();
    assert_eq!(mode & 0o777, 0o440);
    let holds = |bytes: &[u8]| String::from_utf8_lossy(bytes).contains(&body);
    let all = world.site.files();
    let left: Vec<&String> = all
        .iter()
        .filter(|(_, bytes)| holds(bytes))
        .map(|(name, _)| name)
        .collect();
    assert!(left.is_empty(), "{left:?}");
    let key = fs::read_to_string(&file).expect("the key");
    assert_ne!(key, old);
    let elsewhere = all.iter().filter(|(name, bytes)| {
        !name.starts_with("conf/ssl/")
            && String::from_utf8_lossy(bytes).contains(key.lines().nth(1).expect("a line"))
    });
    assert_eq!(elsewhere.count(), 0);
}
