//! `enable --acme --adopt` before a real Apache that shows a certificate of certbot's, acme.sh's or lego's: it is rehearsed, then
//! taken over, and nothing of theirs is touched; who still renews it is told until it is off. What acme.sh (3.1.4) and lego (4.9.1)
//! keep is written here as they wrote it when they ordered from pebble.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::enable::World;
use crate::served::YES;
use crate::support::apache_site::DOMAIN;
use crate::support::files::{snapshot, write};
use crate::support::mounts::{CRON, isolate, lay, lay_folder};
use crate::support::pebble::Options;
use crate::support::process::Outcome;
use crate::support::site::text;
use crate::support::skip;
use crate::support::stranger::executable;

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
    let line = "# renews\n3 4 * * * root certbot -q renew\n";
    if has_lines(&world, CRON, "certbot", line).is_none() {
        return;
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

/// Of all that could renew certificates on this machine there are only these lines of cron, in a file that is given back; nothing
/// where that cannot be arranged.
fn has_lines(world: &World, over: &str, name: &str, lines: &str) -> Option<PathBuf> {
    if ![CRON, over].iter().all(|folder| Path::new(folder).is_dir()) {
        skip("cron is not installed");
        return None;
    }
    if !isolate() {
        return None;
    }
    let tables = world.site.folder.path().join("tables");
    let file = tables.join(name);
    write(&file, lines);
    lay_folder(CRON);
    lay(&tables, Path::new(over));
    // That of a certbot that is installed on this machine would be told first.
    let timers = Path::new("/etc/systemd/system/timers.target.wants");
    if timers.is_dir() {
        lay_folder(&text(timers));
    }
    Some(file)
}

/// What another program keeps, and what Apache reads of it.
struct Other {
    home: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

/// With its certificate in a folder of its own for each kind of key, and copies where it was told to install them.
fn acme_sh(world: &World) -> Other {
    let home = world.site.folder.path().join(".acme.sh");
    let installed = world.site.folder.path().join("tls");
    let other = Other {
        certificate: installed.join("esync.pem"),
        key: installed.join("esync.key"),
        home: home.clone(),
    };
    let [leaf, key] =
        [&world.site.leaf.certificate, &world.site.leaf.key].map(|file| fs::read(file).expect("a file"));
    let own = home.join(format!("{DOMAIN}_ecc"));
    for (path, bytes) in [
        (own.join(format!("{DOMAIN}.cer")), &leaf),
        (own.join("fullchain.cer"), &leaf),
        (own.join(format!("{DOMAIN}.key")), &key),
        (other.certificate.clone(), &leaf),
        (other.key.clone(), &key),
    ] {
        write(&path, bytes);
    }
    let settings = [
        ("Le_Domain", DOMAIN),
        ("Le_Alt", "no"),
        ("Le_Webroot", "no"),
        ("Le_PreHook", ""),
        ("Le_API", "https://localhost:14000/dir"),
        ("Le_Keylength", "ec-256"),
        ("Le_CertCreateTime", "1780000000"),
        ("Le_NextRenewTime", "1782505600"),
        ("Le_RealCertPath", ""),
        ("Le_RealCACertPath", ""),
        ("Le_RealKeyPath", &text(&other.key)),
        (
            "Le_ReloadCmd",
            "__ACME_BASE64__START_YXBhY2hlMmN0bCBncmFjZWZ1bA==__ACME_BASE64__END_",
        ),
        ("Le_RealFullChainPath", &text(&other.certificate)),
    ];
    let lines: String = settings.map(|(key, value)| format!("{key}='{value}'\n")).concat();
    write(&own.join(format!("{DOMAIN}.conf")), lines);
    executable(&home.join("acme.sh"), "#!/usr/bin/env sh\nexit 1\n");
    other
}

/// With all in one folder, and what it knows of a certificate beside it.
fn lego(world: &World) -> Other {
    let home = world.site.folder.path().join(".lego");
    let folder = home.join("certificates");
    let at = |end: &str| folder.join(format!("{DOMAIN}.{end}"));
    for (file, end) in [
        (&world.site.leaf.certificate, "crt"),
        (&world.site.leaf.key, "key"),
    ] {
        write(&at(end), fs::read(file).expect("a file"));
    }
    let known = serde_json::json!({
        "domain": DOMAIN,
        "certUrl": "https://localhost:14000/certZ/2b1a",
        "certStableUrl": "https://localhost:14000/certZ/2b1a",
    });
    write(&at("json"), format!("{known:#}"));
    Other {
        certificate: at("crt"),
        key: at("key"),
        home,
    }
}

#[test]
fn a_certificate_of_acme_sh_is_taken_over() {
    let options = Options {
        environment: vec![("PEBBLE_AUTHZREUSE", "0")],
        ..Options::default()
    };
    let Some(world) = World::start(&options, "") else {
        return;
    };
    let other = acme_sh(&world);
    let home = text(&other.home);
    let line = format!("# m h\n7 0 * * * \"{home}\"/acme.sh --cron --home \"{home}\" > /dev/null\n");
    let table = "/var/spool/cron/crontabs";
    if has_lines(&world, table, "root", &line).is_none() {
        return;
    }
    let remove = format!("{home}/acme.sh --remove -d {DOMAIN} --ecc");
    let words = [
        "taken over from acme.sh",
        "line 2 of /var/spool/cron/crontabs/root",
        &remove,
    ];
    is_taken_over(&world, &other, "acme.sh", &words);
    // What that command does.
    let settings = other.home.join(format!("{DOMAIN}_ecc/{DOMAIN}.conf"));
    fs::rename(&settings, settings.with_extension("conf.removed")).expect("renamed");
    assert_eq!(world.finding(), None);
    goes_back(&world, &other);
}

#[test]
fn a_certificate_of_lego_is_taken_over() {
    let options = Options {
        environment: vec![("PEBBLE_AUTHZREUSE", "0")],
        ..Options::default()
    };
    let Some(world) = World::start(&options, "") else {
        return;
    };
    let other = lego(&world);
    let home = text(&other.home);
    let line = format!("17 4 * * * root lego --path {home} --domains {DOMAIN} --http renew\n");
    let Some(table) = has_lines(&world, CRON, "renewal", &line) else {
        return;
    };
    let words = [
        "taken over from lego",
        "put `#` before line 1 of /etc/cron.d/renewal",
    ];
    is_taken_over(&world, &other, "lego", &words);
    fs::write(&table, format!("#{line}")).expect("written");
    assert_eq!(world.finding(), None);
    goes_back(&world, &other);
}

/// From what the other program keeps to files of ours, and renewed from then on; who else renews it is told by everybody.
#[track_caller]
fn is_taken_over(world: &World, other: &Other, by: &str, words: &[&str]) {
    let enable = [
        "enable",
        "--domain",
        DOMAIN,
        "--http",
        "keep",
        "--yes",
        "--restart",
    ];
    let enable = world.site.command(&enable).arg("--cert").arg(&other.certificate);
    enable.arg("--key").arg(&other.key).run().expect_code(0);
    // acme.sh keeps what it has at home.
    let at_home = |words: &[&str]| world.site.command(words).env("HOME", world.site.folder.path());
    let seen = at_home(&["certificates"]).run().expect_code(0).stdout_text();
    assert!(seen.contains(&format!("renewed by {by} (")), "{seen}");
    let files = || {
        (
            snapshot(&other.home),
            fs::read(&other.certificate),
            fs::read(&other.key),
        )
    };
    let bytes = |(home, certificate, key): (_, std::io::Result<Vec<u8>>, std::io::Result<Vec<u8>>)| {
        (home, certificate.expect("it"), key.expect("it"))
    };
    let before = bytes(files());
    let adopts = world.command(&[&YES[..], &["--http", "keep", "--adopt"]].concat());
    let done = adopts.env("HOME", world.site.folder.path()).run().expect_code(0);
    let told = done.stderr_text() + &done.stdout_text();
    for words in words.iter().chain(&["ACME-TWO-CLIENTS"]) {
        assert!(told.contains(words), "{words}: {told}");
    }
    // One on trial, one that is served.
    assert_eq!(world.made(), 2);
    assert_eq!(bytes(files()), before);
    let main = fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    let is_ours = main.contains(&format!("conf/ssl/{DOMAIN}.crt"));
    assert!(is_ours && !main.contains(&text(&other.certificate)), "{main}");
    world.site.command(&["renew", "--now"]).run().expect_code(0);
    assert_eq!(bytes(files()), before);
    let told = world.site.command(&["certificates", "--json"]).run().envelope();
    let all = told["findings"].as_array().expect("findings");
    assert!(all.iter().any(|one| one["code"] == "ACME-TWO-CLIENTS"), "{told}");
    let said = world.site.command(&["certificates"]).run();
    let said = said.stderr_text() + &said.stdout_text();
    assert!(
        said.contains("ACME-TWO-CLIENTS") && said.contains("renewed by esync-ssl ("),
        "{said}"
    );
    assert!(world.finding().is_some());
}

/// To the files of the other program.
#[track_caller]
fn goes_back(world: &World, other: &Other) {
    let undo = world.site.command(&["restore", "--yes", "--restart"]).run();
    assert_eq!(undo.code, Some(0), "{}", undo.report());
    let main = fs::read_to_string(world.site.root().join("conf/httpd.conf")).expect("the configuration");
    assert!(main.contains(&text(&other.certificate)), "{main}");
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
