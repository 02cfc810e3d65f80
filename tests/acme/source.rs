//! `renew` from a file or a folder into which somebody puts certificates, before a real Apache.

use std::collections::BTreeMap;
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::KeyPair;
use serde_json::Value;

use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::certificates::{Authority, Days, Leaf, p256};
use crate::support::client::TlsClient;
#[cfg(unix)]
use crate::support::installed;
#[cfg(unix)]
use crate::support::others::{NOBODY, is_root, mode};
use crate::support::process::Outcome;
use esync_ssl::tls::certificate::Certificate;

/// An Apache that serves a certificate out of files, and a folder beside it.
struct World {
    site: ApacheSite,
}

impl World {
    fn start() -> Option<World> {
        let world = World {
            site: ApacheSite::running("")?,
        };
        fs::create_dir(world.drop()).expect("a folder");
        let leaf = &world.site.leaf;
        let enable = world.site.enable(leaf, &["--copy-certs", "--restart"]);
        enable.run().expect_code(0);
        Some(world)
    }

    /// One that is renewed from the folder.
    fn registered() -> Option<World> {
        let world = World::start()?;
        let told = world.from(&world.drop(), &[]).expect_code(0);
        says(&told, &["renewed from ", "where nothing newer is"]);
        Some(world)
    }

    fn drop(&self) -> PathBuf {
        self.site.folder.path().join("drop")
    }

    fn from(&self, path: &Path, more: &[&str]) -> Outcome {
        let program = self.site.command(&["renew", DOMAIN]).arg("--from").arg(path);
        program.args(more).run()
    }

    fn renew(&self, words: &[&str]) -> Outcome {
        self.site.command(&["renew"]).args(words).run()
    }

    /// A certificate for these names that lives from now for so many days.
    fn leaf(&self, names: &[&str], days: i64) -> Leaf {
        self.leaf_of(names, Days(0, days), p256())
    }

    fn leaf_of(&self, names: &[&str], days: Days, key: KeyPair) -> Leaf {
        self.site
            .authority
            .leaf_of(&format!("leaf-{}", days.1), names, days, key)
    }

    /// Puts a certificate with its key and issuer into the folder.
    fn put(&self, leaf: &Leaf) {
        self.place(&leaf.certificate, "site.crt");
        self.place(&leaf.key, "site.key");
        self.place(&self.site.authority.intermediate(), "issuer.pem");
    }

    fn place(&self, file: &Path, name: &str) {
        let path = self.drop().join(name);
        fs::copy(file, &path).expect("a copy");
        aged(&path, 60);
    }

    fn empty(&self) {
        for entry in fs::read_dir(self.drop()).expect("the folder") {
            fs::remove_file(entry.expect("an entry").path()).expect("removed");
        }
    }

    /// The files of the configuration, without certificates and what we keep.
    fn configuration(&self) -> BTreeMap<String, Vec<u8>> {
        let ours = |name: &str| name.starts_with("conf/esync-ssl-") || name.starts_with("conf/ssl/");
        let files = self.site.files().into_iter();
        files.filter(|(name, _)| !ours(name)).collect()
    }

    fn restarts(&self) -> usize {
        let log = fs::read_to_string(self.site.root().join("logs/error_log")).expect("the log");
        // "Received SIGUSR1, doing graceful restart"; Windows has "resuming normal operations" after each.
        log.matches(if cfg!(unix) { "AH00493" } else { "AH00455" })
            .count()
    }

    fn certificate(&self) -> PathBuf {
        self.site.root().join(format!("conf/ssl/{DOMAIN}.crt"))
    }

    /// What is in the file, and what clients get who trust the authority, chain and all.
    #[track_caller]
    fn served(&self) -> Vec<u8> {
        let file = fs::read(self.certificate()).expect("the certificate");
        let leaf = Certificate::read_all(&file).expect("certificates").remove(0);
        let client = TlsClient::trusting_file(&self.site.authority.root());
        let answer = client.get(self.site.network.https, DOMAIN, "/");
        let shown = answer.unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(shown.tls.expect("TLS").leaf, leaf.der());
        leaf.der().to_vec()
    }

    /// The next one comes from the folder, silently, by one restart and no line of the configuration.
    #[track_caller]
    fn follows(&self, leaf: &Leaf) {
        let (configuration, restarts) = (self.configuration(), self.restarts());
        silent(&self.renew(&["--scheduled"]).expect_code(0));
        assert_eq!(self.served(), leaf.der);
        assert_eq!(self.configuration(), configuration);
        assert_eq!(self.restarts(), restarts + 1);
        self.stays();
    }

    /// Nothing happens, and nothing is said.
    #[track_caller]
    fn stays(&self) {
        let (served, restarts) = (self.served(), self.restarts());
        silent(&self.renew(&["--scheduled"]).expect_code(0));
        assert_eq!((self.served(), self.restarts()), (served, restarts));
    }

    /// It is refused by this code, and served as before.
    #[track_caller]
    fn refuses(&self, code: &str, words: &[&str]) {
        let (served, restarts) = (self.served(), self.restarts());
        let told = self.renew(&["--json"]).expect_code(4);
        let envelope: Value = told.envelope();
        assert_eq!(envelope["error"]["code"], code, "{}", told.report());
        says(&told, words);
        assert_eq!((self.served(), self.restarts()), (served, restarts));
    }
}

/// To whichever of both streams.
#[track_caller]
fn says(outcome: &Outcome, words: &[&str]) {
    let said = outcome.stdout_text() + &outcome.stderr_text();
    for word in words {
        assert!(said.contains(word), "{word}: {}", outcome.report());
    }
}

#[track_caller]
fn silent(outcome: &Outcome) {
    assert_eq!(outcome.stdout_text() + &outcome.stderr_text(), "");
}

/// It was written to so many seconds ago.
fn aged(path: &Path, seconds: u64) {
    let file = fs::File::options().write(true).open(path).expect("a file");
    let then = SystemTime::now() - Duration::from_secs(seconds);
    file.set_modified(then).expect("its time");
}

/// A PFX archive of a certificate and its issuer.
#[cfg(unix)]
fn pfx(leaf: &Leaf, issuer: &Path, phrase: &str, to: &Path) {
    let mut openssl = installed::openssl();
    openssl.args([
        "pkcs12",
        "-export",
        "-passout",
        &format!("pass:{phrase}"),
        "-inkey",
    ]);
    openssl
        .arg(&leaf.key)
        .arg("-in")
        .arg(&leaf.certificate)
        .arg("-certfile")
        .arg(issuer);
    assert!(openssl.arg("-out").arg(to).status().expect("openssl").success());
}

#[test]
fn what_is_put_into_the_folder_is_served() {
    let Some(world) = World::registered() else { return };
    let all = world.site.command(&["certificates"]).run().expect_code(0);
    let drop = world.drop().display().to_string();
    says(&all, &[&format!("renews itself from {drop}")]);
    world.stays();
    // Other people's files and those of other sites say nothing.
    fs::write(world.drop().join("README.txt"), "put it here\n").expect("written");
    world.place(&world.leaf(&["other.example"], 90).certificate, "other.crt");
    world.stays();
    let first = world.leaf(&[DOMAIN], 90);
    world.put(&first);
    let preview = world.renew(&["--dry-run"]).expect_code(0);
    says(&preview, &["would be renewed from "]);
    world.follows(&first);
    // One that begins before it is not newer.
    world.place(&world.site.leaf.certificate, "site.crt");
    world.place(&world.site.leaf.key, "site.key");
    world.stays();
    // With the key that the server has, and without one.
    let key = fs::read_to_string(&first.key).expect("the key");
    let key = KeyPair::from_pem(&key).expect("a key");
    let again = world.leaf_of(&[DOMAIN], Days(0, 91), key);
    world.empty();
    world.place(&again.certificate, "site.cer");
    world.follows(&again);
    let told = world.renew(&["--forget", DOMAIN]).expect_code(0);
    says(&told, &["not renewed by this program anymore"]);
    world.put(&world.leaf(&[DOMAIN], 92));
    world.stays();
}

#[cfg(unix)]
#[test]
fn an_archive_with_a_pass_phrase() {
    let Some(world) = World::start() else { return };
    let (file, phrase) = (
        world.drop().join("site.pfx"),
        world.site.folder.path().join("phrase"),
    );
    fs::write(&phrase, "secret\n").expect("written");
    let option = ["--passphrase-file", phrase.to_str().expect("a path")];
    let first = world.leaf(&[DOMAIN], 90);
    pfx(&first, &world.site.authority.intermediate(), "secret", &file);
    aged(&file, 60);
    mode(&phrase, 0o644);
    let told = world.from(&file, &option).expect_code(4);
    says(&told, &["every user of this machine may read it", "chmod 600"]);
    let told = world.renew(&["--dry-run"]).expect_code(0);
    says(&told, &["there is nothing to renew"]);
    mode(&phrase, 0o600);
    let told = world.from(&file, &option).expect_code(0);
    says(&told, &["renewed, valid until"]);
    assert_eq!(world.served(), first.der);
    let second = world.leaf(&[DOMAIN], 91);
    pfx(&second, &world.site.authority.intermediate(), "other", &file);
    aged(&file, 3600);
    world.refuses("PASSPHRASE-UNFIT", &["the pass-phrase is wrong"]);
    let told = world.renew(&["--scheduled"]).expect_code(4);
    says(&told, &["the pass-phrase is wrong"]);
    fs::write(&phrase, "other\n").expect("written");
    world.follows(&second);
}

#[test]
fn what_would_not_do_is_said_and_the_old_one_stays() {
    let Some(world) = World::registered() else { return };
    let new = world.leaf(&[DOMAIN], 90);
    // Still being copied: silence for a while, then words.
    let whole = fs::read(&new.certificate).expect("the certificate");
    let half = world.drop().join("site.crt");
    fs::write(&half, &whole[..whole.len() / 2]).expect("written");
    aged(&half, 60);
    world.stays();
    aged(&half, 3600);
    world.refuses("SOURCE-UNUSABLE", &["site.crt", "put it there again, whole"]);
    let told = world.renew(&["--scheduled"]).expect_code(4);
    says(&told, &["site.crt cannot be used"]);
    // Without its key.
    world.place(&new.certificate, "site.crt");
    world.refuses(
        "SOURCE-UNUSABLE",
        &["its private key is neither there nor the one that the server has"],
    );
    // Gone again, and with it what was said.
    world.empty();
    world.stays();
    let told = world.site.command(&["certificates"]).run().expect_code(0);
    assert!(
        !told.stdout_text().contains("renewal failed"),
        "{}",
        told.report()
    );
    // Over before it was put there.
    let over = world.leaf_of(&[DOMAIN], Days(0, 0), p256());
    std::thread::sleep(Duration::from_secs(2));
    world.put(&over);
    world.refuses("FILES-WOULD-NOT-WORK", &["CERT-EXPIRED"]);
    // Without its issuer, where the one before has its own.
    world.empty();
    world.put(&new);
    world.follows(&new);
    let others = Authority::new(&world.site.folder.path().join("others"));
    let stranger = others.leaf_of("stranger", &[DOMAIN], Days(0, 95), p256());
    world.empty();
    world.place(&stranger.certificate, "site.crt");
    world.place(&stranger.key, "site.key");
    world.refuses("SOURCE-UNUSABLE", &["esync-ssl test intermediate is not there"]);
    // Two of one moment.
    let twin = world.leaf_of(&[DOMAIN], Days(0, 96), p256());
    let other = world
        .site
        .authority
        .leaf_of("twin", &[DOMAIN], Days(0, 96), p256());
    world.empty();
    world.place(&twin.certificate, "a.crt");
    world.place(&other.certificate, "b.crt");
    let told = world.renew(&[]);
    // They may have been made in different seconds: then the later one is meant, whose key is not there.
    says(&told.expect_code(4), &["b.crt"]);
    // Not there anymore, as where a network drive is not connected.
    let drop = world.drop();
    fs::rename(&drop, drop.with_extension("away")).expect("moved");
    let told = world.renew(&["--json"]).expect_code(4);
    says(&told, &["SOURCE-UNUSABLE", "is not there"]);
}

// Programs start slowly under wine; nothing of this is another there.
#[cfg(unix)]
#[test]
fn all_names_that_are_served_must_be_in_it() {
    let Some(world) = World::start() else { return };
    let both = world.leaf(&[DOMAIN, "www.example.com"], 90);
    let program = world
        .site
        .enable_with(DOMAIN, &both, &both, &["--copy-certs", "--restart"]);
    let program = program.args(["--alias", "www.example.com", "--chain"]);
    program
        .arg(world.site.authority.intermediate())
        .run()
        .expect_code(0);
    world.from(&world.drop(), &[]).expect_code(0);
    world.put(&world.leaf(&[DOMAIN], 91));
    let told = world.renew(&["--json"]).expect_code(4);
    says(&told, &["NAME-NOT-COVERED", "www.example.com"]);
    world.put(&world.leaf(&["www.example.com", DOMAIN], 92));
    silent(&world.renew(&["--scheduled"]).expect_code(0));
}

#[cfg(unix)]
#[test]
fn who_may_write_there_is_said_to_be_meant() {
    if !is_root() {
        return;
    }
    let Some(world) = World::start() else { return };
    mode(&world.drop(), 0o777);
    let told = world.from(&world.drop(), &[]).expect_code(4);
    says(
        &told,
        &["could replace the certificate", "--force OTHERS-WRITE", "chmod"],
    );
    says(&world.renew(&[]).expect_code(0), &["there is nothing to renew"]);
    world
        .from(&world.drop(), &["--force", "OTHERS-WRITE"])
        .expect_code(0);
    // A link leads nowhere, though root could read what it leads to.
    let new = world.leaf(&[DOMAIN], 90);
    symlink(&new.certificate, world.drop().join("site.crt")).expect("a link");
    symlink(&new.key, world.drop().join("site.key")).expect("a link");
    world.place(&world.site.authority.intermediate(), "issuer.pem");
    world.stays();
    fs::remove_file(world.drop().join("site.crt")).expect("removed");
    fs::remove_file(world.drop().join("site.key")).expect("removed");
    world.put(&new);
    std::os::unix::fs::chown(world.drop().join("site.key"), Some(NOBODY), None).expect("an owner");
    world.follows(&new);
    // In a folder of root's, a file that somebody else may write is refused.
    mode(&world.drop(), 0o755);
    let told = world.from(&world.drop(), &[]).expect_code(4);
    says(&told, &["site.key", "could replace the certificate"]);
}

/// A file that is a link, a certificate that is not served, and files that are not replaced.
#[cfg(unix)]
#[test]
fn what_cannot_be_replaced_is_not_taken() {
    let Some(world) = World::start() else { return };
    let told = world
        .site
        .command(&["renew", "other.example"])
        .arg("--from")
        .arg(world.drop());
    says(
        &told.run().expect_code(4),
        &["no virtual host serves other.example over TLS"],
    );
    let (file, aside) = (world.certificate(), world.site.folder.path().join("aside.crt"));
    fs::rename(&file, &aside).expect("moved");
    symlink(&aside, &file).expect("a link");
    let told = world.from(&world.drop(), &[]).expect_code(4);
    says(&told, &["is a link, and what it leads to is not overwritten"]);
    let missing = world.site.folder.path().join("no/such.pfx");
    fs::remove_file(&file).expect("the link");
    fs::rename(&aside, &file).expect("moved back");
    says(&world.from(&missing, &[]).expect_code(4), &["is not there"]);
}
