//! `acme check`, `acme account` and `acme revoke`, with pebble as the authority and a real Apache as the server.

use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use esync_ssl::acme::AccountKey;
use serde_json::{Value, json};

use crate::support::apache::Httpd;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::files::write;
use crate::support::pebble::{Options, Pebble};
use crate::support::process::Outcome;

/// An authority and an Apache in one network.
struct World {
    pebble: Pebble,
    site: ApacheSite,
}

impl World {
    fn new(more: &str) -> Option<World> {
        let httpd = Httpd::find()?;
        let pebble = Pebble::start(&Options::default())?;
        let site = ApacheSite::within(pebble.network, httpd, more);
        Some(World { pebble, site })
    }

    /// With a certificate that was obtained by an account.
    fn with_certificate() -> Option<World> {
        let world = World::new("")?;
        world.site.daemon.start();
        let words = [
            "enable",
            "--domain",
            DOMAIN,
            "--acme",
            "--yes",
            "--restart",
            "--agree-terms",
        ];
        world.run(&[&words[..], &["--email", "admin@a.example"]].concat(), 0);
        Some(world)
    }

    #[track_caller]
    fn run(&self, words: &[&str], status: i32) -> Outcome {
        let program = self.site.command(words).args(["--ca", &self.pebble.directory]);
        let outcome = program.arg("--ca-root").arg(self.pebble.root_file()).run();
        let outcome = outcome.expect_code(status);
        let told = outcome.stdout_text() + &outcome.stderr_text();
        assert!(!told.contains("PRIVATE KEY"), "{told}");
        for secret in self.secrets() {
            assert!(!told.contains(&secret), "{told}");
        }
        outcome
    }

    #[track_caller]
    fn json(&self, words: &[&str], status: i32) -> Value {
        self.run(&[words, &["--json"]].concat(), status).envelope()
    }

    /// Lines of keys that are to be seen nowhere.
    fn secrets(&self) -> Vec<String> {
        let pem = fs::read_to_string(self.account_file("key.pem")).unwrap_or_default();
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .map(str::to_owned)
            .collect()
    }

    fn account_file(&self, name: &str) -> PathBuf {
        let host = self.pebble.directory.trim_start_matches("https://");
        let host = host.split('/').next().expect("a host").replace(':', "_");
        let folder = self.site.root().join("conf/esync-ssl-acme/accounts").join(host);
        folder.join(name)
    }

    fn account_key(&self) -> AccountKey {
        AccountKey::read(&fs::read(self.account_file("key.pem")).expect("a key")).expect("an account key")
    }

    /// Outside of the server root.
    fn beside(&self, name: &str) -> String {
        self.site.folder.path().join(name).display().to_string()
    }
}

#[test]
fn an_account_is_shown_rolled_and_given_up() {
    let Some(world) = World::with_certificate() else {
        return;
    };
    let told = world.json(&["acme", "account", "show"], 0);
    let account = told["data"]["url"].as_str().expect("an address").to_owned();
    assert_eq!(told["data"]["status"], "valid", "{told}");
    assert_eq!(
        told["data"]["contact"],
        json!(["mailto:admin@a.example"]),
        "{told}"
    );
    let text = world.run(&["acme", "account", "show"], 0).stdout_text();
    assert!(text.contains(&account) && text.contains("valid"), "{text}");

    let before = world.account_key().thumbprint();
    let told = world.json(&["acme", "account", "roll-key"], 0);
    assert_eq!(
        (&told["data"]["url"], &told["result"]),
        (&json!(account), &json!("written")),
        "{told}"
    );
    assert_ne!(world.account_key().thumbprint(), before);
    assert!(!world.account_file("next-key.pem").exists());
    world.json(&["acme", "account", "show"], 0);

    // Nobody is there to ask, and nothing is done.
    let told = world.json(&["acme", "account", "deactivate"], 14);
    assert_eq!(told["error"]["code"], "NOBODY-TO-ASK", "{told}");
    assert_eq!(
        world.json(&["acme", "account", "show"], 0)["data"]["status"],
        "valid"
    );
    let told = world.json(&["acme", "account", "deactivate", "--yes"], 0);
    assert_eq!(told["data"]["status"], "deactivated", "{told}");
    // It is beside, and the next order makes another one.
    let kept = Path::new(told["data"]["moved_to"].as_str().expect("where it is")).join("key.pem");
    assert!(kept.is_file() && !world.account_file("key.pem").exists());
    world.json(&["acme", "account", "show"], 4);
    world.run(
        &[
            "enable",
            "--domain",
            DOMAIN,
            "--acme",
            "--rehearse",
            "--alias",
            "www.example.com",
            "--agree-terms",
        ],
        0,
    );
    let told = world.json(&["acme", "account", "show"], 0);
    assert_ne!(told["data"]["url"], json!(account), "{told}");
}

/// A run that was killed between the authority and the disk left both keys.
#[test]
fn a_change_of_keys_that_was_killed_is_ended() {
    let Some(world) = World::with_certificate() else {
        return;
    };
    let old = fs::read(world.account_file("key.pem")).expect("the key");
    world.run(&["acme", "account", "roll-key"], 0);
    let new = fs::read(world.account_file("key.pem")).expect("the key");
    write(&world.account_file("key.pem"), &old);
    write(&world.account_file("next-key.pem"), &new);
    // The one that the authority has never heard of goes as well.
    for round in 0..2 {
        world.run(&["acme", "account", "roll-key"], 0);
        assert!(!world.account_file("next-key.pem").exists());
        world.run(&["acme", "account", "show"], 0);
        if round == 0 {
            let stranger = AccountKey::generate().expect("a key");
            write(&world.account_file("next-key.pem"), stranger.to_pem().as_bytes());
        }
    }
}

#[test]
fn an_account_goes_to_another_machine_and_comes_from_another_program() {
    let Some(world) = World::with_certificate() else {
        return;
    };
    let account = world.json(&["acme", "account", "show"], 0)["data"]["url"].clone();
    let folder = world.beside("exported");
    let told = world.json(&["acme", "account", "export", &folder], 0);
    assert_eq!(
        told["data"]["files"].as_array().expect("files").len(),
        2,
        "{told}"
    );
    let key = Path::new(&folder).join("key.pem");
    assert_eq!(
        fs::read(&key).expect("the key"),
        fs::read(world.account_file("key.pem")).expect("the key")
    );
    assert_eq!(mode(&key), 0o600);
    let told = world.json(&["acme", "account", "export", &folder], 4);
    assert_eq!(told["error"]["code"], "FILE-EXISTS", "{told}");

    // The same again is no change; on a server without one it comes.
    let told = world.json(&["acme", "account", "import", &folder], 0);
    assert_eq!(told["result"], "unchanged", "{told}");
    let state = world.site.root().join("conf/esync-ssl-acme");
    fs::remove_dir_all(&state).expect("the state goes");
    let told = world.json(&["acme", "account", "show"], 4);
    assert_eq!(told["error"]["code"], "NO-ACCOUNT", "{told}");
    let told = world.json(&["acme", "account", "import", &folder], 0);
    assert_eq!(
        (&told["data"]["url"], &told["result"]),
        (&account, &json!("written")),
        "{told}"
    );
    assert_eq!(mode(&world.account_file("key.pem")), 0o600);

    // As certbot has it, and nothing that the authority does not know.
    let certbot = format!("{folder}/certbot");
    let file = format!("{certbot}/accounts/127.0.0.1/dir/0123/private_key.json");
    write(Path::new(&file), jwk(&fs::read(&key).expect("the key")));
    fs::remove_dir_all(&state).expect("the state goes");
    let told = world.json(&["acme", "account", "import", &certbot], 0);
    assert_eq!(told["data"]["url"], account, "{told}");
    let stranger = AccountKey::generate().expect("a key");
    let path = world.beside("stranger.key");
    write(Path::new(&path), stranger.to_pem().as_bytes());
    let told = world.json(&["acme", "account", "import", &path], 4);
    assert_eq!(told["error"]["code"], "ACCOUNT-EXISTS", "{told}");
    let told = world.json(&["acme", "account", "import", &path, "--force"], 4);
    assert_eq!(told["error"]["code"], "NO-ACCOUNT", "{told}");
    assert_eq!(
        world.json(&["acme", "account", "show"], 0)["data"]["url"],
        account
    );

    another_takes_its_place(&world, &state, &folder, &key);
}

fn another_takes_its_place(world: &World, state: &Path, folder: &str, key: &Path) {
    // Another that it knows takes its place; the first is beside, and comes back.
    let first = world.account_key().thumbprint();
    fs::rename(state, world.site.folder.path().join("aside")).expect("moved");
    world.run(
        &[
            "enable",
            "--domain",
            DOMAIN,
            "--acme",
            "--rehearse",
            "--agree-terms",
        ],
        0,
    );
    let other = world.account_key().thumbprint();
    assert_ne!(other, first);
    let told = world.json(&["acme", "account", "import", folder, "--force"], 4);
    assert_eq!(told["error"]["code"], "ACCOUNT-KEY-NOT-FOUND", "{told}");
    let key = key.display().to_string();
    let told = world.json(&["acme", "account", "import", &key, "--force"], 0);
    assert_eq!(world.account_key().thumbprint(), first);
    let replaced = told["data"]["moved_to"].as_str().expect("where it is").to_owned();
    let kept = fs::read(Path::new(&replaced).join("key.pem")).expect("the other key");
    assert_eq!(AccountKey::read(&kept).expect("a key").thumbprint(), other);
    assert!(Path::new(&replaced).join("account.json").is_file());
}

#[test]
fn a_certificate_is_revoked_by_account_and_by_its_key() {
    let Some(world) = World::with_certificate() else {
        return;
    };
    let ssl = world.site.root().join("conf/ssl");
    let certificate = ssl.join(format!("{DOMAIN}.crt")).display().to_string();
    let told = world.json(&["acme", "revoke", &certificate], 14);
    assert_eq!(told["error"]["code"], "NOBODY-TO-ASK", "{told}");
    let stranger = world.account_file("key.pem").display().to_string();
    let told = world.json(&["acme", "revoke", &certificate, "--key", &stranger, "--yes"], 4);
    assert_eq!(told["error"]["code"], "KEY-OF-ANOTHER", "{told}");
    let words = ["acme", "revoke", &certificate, "--reason", "superseded", "--yes"];
    let told = world.json(&words, 0);
    assert_eq!(
        (&told["data"]["by"], &told["data"]["names"]),
        (&json!("account"), &json!([DOMAIN])),
        "{told}"
    );
    let again = world.run(&words, 17);
    assert!(
        again.stderr_text().contains("alreadyRevoked"),
        "{}",
        again.report()
    );
}

#[test]
fn a_certificate_is_revoked_by_its_own_key() {
    let Some(world) = World::with_certificate() else {
        return;
    };
    fs::remove_dir_all(world.site.root().join("conf/esync-ssl-acme")).expect("the account goes");
    let ssl = world.site.root().join("conf/ssl");
    let file = |end: &str| ssl.join(format!("{DOMAIN}.{end}")).display().to_string();
    let (certificate, key) = (file("crt"), file("key"));
    let told = world.json(&["acme", "revoke", &certificate, "--yes"], 4);
    assert_eq!(told["error"]["code"], "NO-ACCOUNT", "{told}");
    let words = [
        "acme",
        "revoke",
        &certificate,
        "--key",
        &key,
        "--reason",
        "key-compromise",
        "--yes",
    ];
    let told = world.json(&words, 0);
    assert_eq!(
        (&told["data"]["by"], &told["data"]["reason"]),
        (&json!("key"), &json!("key-compromise")),
        "{told}"
    );
}

#[test]
fn what_precedes_an_order_is_asked_and_nothing_is_ordered() {
    let Some(world) = World::new("") else { return };
    // Apache is stopped, and both ports are free.
    let files = world.site.files();
    let told = world.json(&["acme", "check", DOMAIN, "www.example.com"], 0);
    assert_eq!(
        told["data"]["answering"][0],
        json!({"by": "esync-ssl", "port": 443, "challenge": "tls-alpn-01"})
    );
    assert!(told["data"]["reached"]["clock_ahead"].is_i64(), "{told}");
    assert_eq!(told["data"]["has_account"], false);
    assert_eq!(
        told["data"]["names"].as_array().expect("names").len(),
        2,
        "{told}"
    );
    // It has port 80 now.
    world.site.daemon.start();
    let text = world.run(&["acme", "check", DOMAIN], 0).stdout_text();
    assert!(
        text.contains("this Apache") && text.contains("nothing was ordered"),
        "{text}"
    );
    assert_eq!(world.site.files(), files);
    assert!(
        !world.pebble.log().contains("new-order"),
        "{}",
        world.pebble.log()
    );
    assert!(
        !world.pebble.log().contains("new-account"),
        "{}",
        world.pebble.log()
    );
    // Where it is not reached, that is found.
    let program = world.site.command(&[
        "acme",
        "check",
        DOMAIN,
        "--ca",
        "https://127.0.0.1:9/dir",
        "--json",
    ]);
    let told = program.run().expect_code(12).envelope();
    assert_eq!(told["findings"][0]["code"], "ACME-NOT-REACHED", "{told}");
    assert_eq!(told["data"]["reached"], Value::Null);
    // A public one makes none for such names.
    let program = world
        .site
        .command(&["acme", "check", "server.lan", "--ca", "https://127.0.0.1:9/dir"]);
    program.run().expect_code(12);
}

/// Apache has both ports: by its configuration, by a rehearsal, and once it answers by a probe.
#[test]
fn apache_is_asked_for_a_probe_where_it_answers() {
    let Some(world) = World::new("") else { return };
    let site = &world.site;
    site.daemon.start();
    site.keep_http_beside_https();
    let files = site.files();
    let told = world.json(&["acme", "check", DOMAIN], 0);
    assert_eq!(told["data"]["answering"][0]["by"], "apache", "{told}");
    assert_eq!(
        told["data"]["probes"],
        json!([{"name": DOMAIN, "address": null, "wrong": null}]),
        "{told}"
    );
    assert_eq!(site.files(), files);
    let told = world.json(&["acme", "check", DOMAIN, "--answer", "listener"], 12);
    assert_eq!(told["findings"][0]["code"], "ACME-PORTS-TAKEN", "{told}");

    let order = [
        "enable",
        "--domain",
        DOMAIN,
        "--acme",
        "--http",
        "keep",
        "--yes",
        "--restart",
        "--agree-terms",
    ];
    world.run(&order, 0);
    let files = site.files();
    let told = world.json(&["acme", "check", DOMAIN], 0);
    let probes = told["data"]["probes"].as_array().expect("probes");
    assert!(!probes.is_empty(), "{told}");
    for probe in probes {
        assert!(probe["address"].is_string() && probe["wrong"].is_null(), "{told}");
    }
    assert_eq!(site.files(), files);

    // The folder is moved away while Apache runs with its lines.
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the configuration");
    write(
        &main,
        text.replacen(
            "DocumentRoot",
            "RedirectMatch ^/.well-known/ /elsewhere\nDocumentRoot",
            1,
        ),
    );
    site.daemon.stop();
    site.daemon.start();
    let told = world.json(&["acme", "check", DOMAIN], 12);
    let codes: Vec<&str> = told["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .filter_map(|finding| finding["code"].as_str())
        .collect();
    assert!(
        codes.iter().all(|code| code.starts_with("ACME-")) && !codes.is_empty(),
        "{told}"
    );
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

/// A P-256 key in JSON, as certbot keeps those of accounts (RFC 7518, 6.2).
fn jwk(pem: &[u8]) -> String {
    let pem = std::str::from_utf8(pem).expect("PEM");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = Base64::decode_vec(&base64).expect("base64");
    // Version 1, and an octet string of 32 bytes (RFC 5915).
    let mark = [2, 1, 1, 4, 32];
    let at = der
        .windows(mark.len())
        .position(|bytes| bytes == mark)
        .expect("a P-256 key")
        + mark.len();
    let secret = Base64UrlUnpadded::encode_string(&der[at..at + 32]);
    json!({"kty": "EC", "crv": "P-256", "d": secret}).to_string()
}
