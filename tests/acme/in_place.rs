//! `enable --acme` once more, with another name: the new pair takes the place of the old one in the same files, and the old one
//! is back and served where Apache does not show the new one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use esync_ssl::tls::certificate::Certificate;

use crate::enable::World;
use crate::served::YES;
use crate::support::apache_site::DOMAIN;
use crate::support::client::TlsClient;
use crate::support::faulty::{command, noted};
use crate::support::pebble::Options;
use crate::support::process::finish;
use crate::support::site::text;

const ALIAS: &str = "more.example.com";
const MINUTES: Duration = Duration::from_secs(120);

impl World {
    /// What is in the files, and that clients are shown it.
    #[track_caller]
    fn shown(&self, names: &[&str]) -> (String, String) {
        let file = self.site.root().join(format!("conf/ssl/{DOMAIN}.crt"));
        let leaf =
            &Certificate::read_all(&fs::read(&file).expect("the certificate")).expect("a certificate")[0];
        assert_eq!(leaf.names(), names);
        for name in names {
            let answer = TlsClient::trusting_file(&file).get(self.site.network.https, name, "/");
            let shown = answer.unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!(shown.tls.expect("TLS").leaf, leaf.der(), "{name}");
        }
        let key = fs::read_to_string(file.with_extension("key")).expect("the key");
        (self.certificate(), key)
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        let names = self.site.files().into_keys();
        names.filter(|name| name.starts_with(folder)).collect()
    }

    /// The arguments of the same command for a child that fails.
    fn all_words(&self, more: &[&str]) -> Vec<String> {
        let path = |path: &Path| text(path);
        let mut words = ["enable", "--domain", DOMAIN, "--acme", "--ca"]
            .map(str::to_owned)
            .to_vec();
        words.extend([self.pebble.directory.clone(), "--ca-root".into()]);
        words.extend([
            path(&self.pebble.root_file()),
            "--root".into(),
            path(&self.site.root()),
        ]);
        words.extend(["--httpd".into(), path(&self.site.httpd.binary)]);
        words.extend(more.iter().map(|&word| word.to_owned()));
        words
    }
}

#[test]
fn a_pair_with_another_name_takes_the_place_of_the_old_one_or_the_old_one_is_back() {
    let more = [&YES[..], &["--alias", ALIAS]].concat();
    let enabled = || {
        let world = World::start(&Options::default(), "")?;
        world.run(&YES).expect_code(0);
        Some(world)
    };
    let Some(first) = enabled() else { return };
    let (old, names) = (first.shown(&[DOMAIN]), first.names_in("conf/ssl/"));
    let notes = first.site.folder.path().join("notes");
    let mut child = command(&first.all_words(&more), "none:0");
    finish(child.env("ESYNC_SSL_FAULTS_NOTED", &notes), MINUTES).expect_code(0);
    assert_ne!(first.shown(&[DOMAIN, ALIAS]), old);
    assert_eq!(first.names_in("conf/ssl/"), names);
    assert_eq!(first.made(), 2);
    let is_reload = |operation: &String| operation == "reload";
    let reload = noted(&notes).iter().position(is_reload).expect("a restart") + 1;
    drop(first);
    // Apache dies of the restart.
    let Some(world) = enabled() else { return };
    let (old, files) = (world.shown(&[DOMAIN]), world.site.files());
    let mut child = command(&world.all_words(&more), &format!("dies:{reload}"));
    let outcome = finish(&mut child, MINUTES);
    assert_eq!(outcome.code, Some(6), "{}", outcome.report());
    assert_eq!(world.shown(&[DOMAIN]), old);
    for name in names.iter().map(String::as_str).chain(["conf/httpd.conf"]) {
        assert_eq!(world.site.files()[name], files[name], "{name}");
    }
    // The one that was made is kept for the next try.
    world.run(&more).expect_code(0);
    assert_ne!(world.shown(&[DOMAIN, ALIAS]), old);
    assert_eq!(world.names_in("conf/ssl/"), names);
    assert_eq!(world.made(), 2);
}
