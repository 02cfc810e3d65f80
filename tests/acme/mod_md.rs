//! `--answer mod_md` before a real Apache with mod_md and port 443 alone: it is neither stopped nor restarted for an answer, and
//! where it would not answer, nobody is asked.

use std::fs;

use crate::enable::World;
use crate::served::YES;
use crate::support::apache::Httpd;
use crate::support::apache_site::DOMAIN;
use crate::support::client::listens;
use crate::support::pebble::Options;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::text;

/// A server with port 443 alone, whose key is of this kind.
fn world(key: &str) -> Option<World> {
    let httpd = Httpd::find()?;
    // Without the second line Apache agrees on no protocol with an authority.
    let module = httpd.load(&["md"]) + "Protocols http/1.1 acme-tls/1\n";
    let options = Options {
        environment: vec![("PEBBLE_AUTHZREUSE", "0")],
        ..Options::default()
    };
    let world = World::start(&options, &module)?;
    let [certificate, private] =
        ["own.crt", "own.key"].map(|name| text(&world.site.folder.path().join(name)));
    let made = ["cert", "self-signed", "--domain", DOMAIN, "--key-type", key];
    let out = ["--out-cert", &certificate, "--out-key", &private];
    esync_ssl().args(made).args(out).run().expect_code(0);
    let enable = world
        .site
        .command(&["enable", "--domain", DOMAIN, "--http", "off"]);
    let enable = enable.args(["--cert", &certificate, "--key", &private]);
    enable.args(["--yes", "--restart"]).run().expect_code(0);
    assert!(!listens(world.site.network.http));
    Some(world)
}

impl World {
    fn by_mod_md(&self, more: &[&str]) -> Outcome {
        self.run(&[&YES[..], &["--http", "off", "--answer", "mod_md"], more].concat())
    }

    fn challenges(&self) -> Vec<String> {
        let folder = self.site.root().join("md/challenges");
        let all = fs::read_dir(folder).expect("the store of mod_md").flatten();
        all.map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    fn asked(&self, what: &str) -> usize {
        self.pebble.log().matches(what).count()
    }
}

#[test]
fn it_answers_for_names_that_it_does_not_manage() {
    for key in ["p256", "rsa2048"] {
        let Some(world) = world(key) else {
            return;
        };
        let pid = world.site.daemon.pid();
        let told = world.by_mod_md(&["--alias", "more.example.com"]).expect_code(0);
        let words = told.stderr_text() + &told.stdout_text();
        assert!(
            words.contains("mod_md, which this Apache has, answers there"),
            "{words}"
        );
        assert!(!words.contains("Stopping "), "{words}");
        assert_eq!(world.made(), 1);
        // Now it has the key of that certificate; the way is kept.
        world.site.command(&["renew", "--now"]).run().expect_code(0);
        assert_eq!((world.made(), world.asked("http-01 challenge")), (2, 0));
        assert_eq!(world.site.daemon.pid(), pid);
        assert!(world.challenges().is_empty(), "{:?}", world.challenges());
        // What a killed run left is no obstacle; what mod_md is at itself is.
        for (name, status) in [("esync-ssl", 0), ("acme-http-01.txt", 4)] {
            let folder = world.site.root().join("md/challenges").join(DOMAIN);
            fs::create_dir(&folder).expect("a folder");
            fs::write(folder.join(name), "").expect("a file");
            let told = world.site.command(&["renew", "--now"]).run();
            assert_eq!(told.code, Some(status), "{name}: {}", told.report());
        }
        let told = world.site.command(&["renew", "--now"]).run().expect_code(4);
        assert!(
            told.stderr_text().contains("mod_md itself is at work"),
            "{}",
            told.report()
        );
        assert_eq!(world.made(), 3);
    }
}

#[test]
fn where_it_would_not_answer_nobody_is_asked() {
    let Some(world) = world("p256") else { return };
    // It runs with another store than the configuration names by now.
    let main = world.site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the configuration");
    fs::write(&main, format!("{text}MDStoreDir other\n")).expect("written");
    let other = world.site.root().join("other/challenges");
    for words in ["challenges is not there", "is shown at 127.0.0.1:443"] {
        let told = world.by_mod_md(&[]).expect_code(4);
        let said = told.stderr_text();
        assert!(
            said.contains("mod_md does not answer") && said.contains(words),
            "{said}"
        );
        assert_eq!(world.asked("order-plz"), 0, "{said}");
        fs::create_dir_all(&other).expect("a folder");
    }
    assert_eq!(fs::read_dir(&other).expect("the folder").count(), 0);
    let Some(world) = World::start(&Options::default(), "") else {
        return;
    };
    world.site.keep_http_beside_https();
    let told = world.by_mod_md(&[]).expect_code(4);
    assert!(
        told.stderr_text().contains("does not load mod_md"),
        "{}",
        told.report()
    );
}
