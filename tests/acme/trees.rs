//! The whole job over each way of answering, on the trees that people have: the article's own, one arranged as Debian does it,
//! and the plain one; with several names, over IPv6 alone, with refused nonces and reused proofs. And how long it takes.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::enable::World;
use crate::served::YES;
use crate::support::apache::{Httpd, runtime};
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::client::TlsClient;
use crate::support::files;
use crate::support::pebble::{Options, Pebble};

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    OwnTls,
    OwnHttp,
    Apache,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tree {
    Plain,
    Debian,
    Esync,
}

impl Tree {
    /// Arranges the server root so; the plain one is there.
    fn lay(self, site: &ApacheSite) {
        match self {
            Tree::Plain => {}
            Tree::Debian => debian(&site.root()),
            Tree::Esync => esync(site),
        }
    }
}

/// What is in one file goes into several: ports, and a site that is a link.
fn debian(root: &Path) {
    let main = root.join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the configuration");
    let is_of_site = |line: &&str| line.starts_with("ServerName ") || line.starts_with("DocumentRoot ");
    let site: String = text
        .lines()
        .filter(is_of_site)
        .map(|line| format!("\t{line}\n"))
        .collect();
    let listen = text
        .lines()
        .find(|line| line.starts_with("Listen "))
        .expect("a port");
    files::write(&root.join("conf/ports.conf"), format!("{listen}\n"));
    let available = root.join("conf/sites-available/000-default.conf");
    files::write(&available, format!("<VirtualHost *:80>\n{site}</VirtualHost>\n"));
    let enabled = root.join("conf/sites-enabled");
    fs::create_dir(&enabled).expect("a folder");
    std::os::unix::fs::symlink(
        "../sites-available/000-default.conf",
        enabled.join("000-default.conf"),
    )
    .expect("a link");
    let rest: String = text
        .lines()
        .filter(|line| *line != listen && !is_of_site(line))
        .map(|line| format!("{line}\n"))
        .collect();
    files::write(
        &main,
        rest + "Include conf/ports.conf\nIncludeOptional conf/sites-enabled/*.conf\n",
    );
}

/// That of the article, with the modules of this machine.
fn esync(site: &ApacheSite) {
    let root = site.root();
    fs::remove_dir_all(&root).expect("another tree");
    files::copy_tree(&files::fixture("esync/Apache24"), &root);
    site.httpd.bring_modules(&root);
    let main = root.join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the configuration");
    let more = site.httpd.load(&["mpm_event", "unixd"]) + &runtime(&root);
    files::write(&main, text + &more.replace('\n', "\r\n"));
}

impl World {
    fn of_tree(tree: Tree, environment: &[(&'static str, &'static str)]) -> Option<World> {
        let httpd = Httpd::find()?;
        let options = Options {
            environment: environment.to_vec(),
            ..Options::default()
        };
        let pebble = Pebble::start(&options)?;
        let site = ApacheSite::within(pebble.network, httpd, "");
        tree.lay(&site);
        site.daemon.start();
        Some(World { pebble, site })
    }

    /// Arranges who has the ports so that this way is the first; the words that go with it.
    fn prepare(&self, by: By) -> &'static [&'static str] {
        let signed = |http: &str| {
            let words = [
                "enable",
                "--domain",
                DOMAIN,
                "--self-signed",
                "--yes",
                "--restart",
                "--http",
                http,
            ];
            self.site.command(&words).run().expect_code(0);
        };
        match by {
            By::OwnTls => &[],
            By::OwnHttp => {
                signed("off");
                &["--http", "off"]
            }
            By::Apache => {
                signed("keep");
                &["--http", "keep"]
            }
        }
    }

    /// It is done, and a client that trusts the authority gets the site.
    #[track_caller]
    fn is_served(&self, what: &str) {
        let client = TlsClient::trusting(self.certificate_served(what));
        let answer = client.get(self.pebble.network.https, DOMAIN, "/");
        let answer = answer.unwrap_or_else(|failure| panic!("{what}: {failure}"));
        assert!(answer.status < 500, "{what}: {answer:?}");
    }

    /// The newest of the certificates: one that was signed by nobody may lie beside it.
    #[track_caller]
    fn certificate_served(&self, what: &str) -> Vec<u8> {
        let managed = self.kept(&format!("managed/{DOMAIN}.json"));
        let managed = managed.unwrap_or_else(|| panic!("{what}: nothing is noted"));
        let path = serde_json::to_value(&managed["certificate"]).expect("a path");
        fs::read(path.as_str().expect("a path")).expect("the certificate")
    }
}

/// The whole command over one way on one tree, and what was proven in an order before.
fn try_one(tree: Tree, by: By, environment: &[(&'static str, &'static str)]) {
    let Some(world) = World::of_tree(tree, environment) else {
        return;
    };
    let what = format!("{tree:?}, {by:?}, {environment:?}");
    let words = world.prepare(by);
    let told = world.run(&[&YES[..], words].concat());
    assert_eq!(told.code, Some(0), "{what}: {}", told.report());
    let kind = if by == By::OwnTls {
        "(tls-alpn-01)"
    } else {
        "(http-01)"
    };
    assert!(
        (told.stderr_text() + &told.stdout_text()).contains(kind),
        "{what}: {}",
        told.report()
    );
    world.is_served(&what);
    assert_eq!(world.made(), 1, "{what}");
    // Another order, of which the authority may know the name already.
    let managed = world.site.root().join("conf/esync-ssl-acme/managed");
    fs::remove_dir_all(managed).expect("forgotten");
    let told = world.run(&[&YES[..], words].concat());
    assert_eq!(told.code, Some(0), "{what}, again: {}", told.report());
    world.is_served(&what);
    assert_eq!(world.made(), 2, "{what}");
}

/// A sample: each tree, each way, and each share of reused proofs once. `ESYNC_SSL_TEST_EVERY=1` tries all of them.
#[test]
fn each_way_on_each_tree_with_proofs_that_are_reused() {
    let (trees, ways) = (
        [Tree::Plain, Tree::Debian, Tree::Esync],
        [By::OwnTls, By::OwnHttp, By::Apache],
    );
    let shares = ["0", "50", "100"];
    let is_all = std::env::var_os("ESYNC_SSL_TEST_EVERY").is_some();
    std::thread::scope(|scope| {
        for (number, tree) in trees.into_iter().enumerate() {
            scope.spawn(move || {
                for (at, by) in ways.into_iter().enumerate() {
                    for (share, percent) in shares.into_iter().enumerate() {
                        let is_sample = at == number && share == (number + 1) % 3;
                        if is_all || is_sample {
                            try_one(tree, by, &[("PEBBLE_AUTHZREUSE", percent)]);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn half_of_all_nonces_may_be_refused() {
    try_one(Tree::Plain, By::Apache, &[("PEBBLE_WFE_NONCEREJECT", "50")]);
}

/// Nobody has an IPv4 address, and the certificate is for three names.
#[test]
fn several_names_that_have_ipv6_only() {
    for by in [By::OwnTls, By::Apache] {
        let Some(world) = World::of_tree(Tree::Plain, &[]) else {
            return;
        };
        let words = world.prepare(by);
        world.pebble.dns("set-default-ipv4", &json!({"ip": ""}));
        let names = [DOMAIN, "www.example.com", "other.example"];
        for name in names {
            world.pebble.dns(
                "add-aaaa",
                &json!({"host": format!("{name}."), "addresses": ["::1"]}),
            );
        }
        let more = ["--alias", names[1], "--alias", names[2]];
        let told = world.run(&[&YES[..], words, &more].concat());
        assert_eq!(told.code, Some(0), "{by:?}: {}", told.report());
        assert!(world.pebble.log().contains("AAAA") || world.made() == 1, "{by:?}");
        let pem = world.certificate_served("IPv6");
        let all = esync_ssl::tls::certificate::Certificate::read_all(&pem).expect("certificates");
        let mut names = names.map(str::to_owned);
        names.sort();
        let mut theirs = all[0].dns_names.clone();
        theirs.sort();
        assert_eq!(theirs, names, "{by:?}");
    }
}

/// The watching after a restart, by which a server that ends again is noticed, is no part of it.
#[test]
fn how_long_it_takes_from_a_stock_tree_to_proven_https() {
    let Some(world) = World::of_tree(Tree::Esync, &[]) else {
        return;
    };
    let began = Instant::now();
    world.run(&YES).expect_code(0);
    let took = began.elapsed();
    world.is_served("timed");
    let watched = esync_ssl::cli::World::real().pace.steady;
    let rest = took.saturating_sub(watched);
    eprintln!("from the article's tree to proven HTTPS: {rest:.2?}, and {watched:.0?} of watching");
    assert!(took < Duration::from_secs(120), "{took:?}");
}
