//! A certificate that takes the place of another: what becomes of the chain that is there.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::certificates::{Authority, Leaf};
use crate::support::files;
use crate::support::site::{DOMAIN, Site, text};

/// A site that is served with a chain, and who issued its certificate.
fn with_chain() -> (Site, Authority) {
    let site = Site::new();
    let authority = Authority::new(&site.beside("authority"));
    let first = authority.leaf("first", &[DOMAIN]);
    files::write(
        &site.root().join("conf/ssl/chain.crt"),
        fs::read(authority.intermediate()).expect("the intermediate"),
    );
    let chain = text(&site.root().join("conf/ssl/chain.crt"));
    enable(&site, &first, &["--yes", "--chain", &chain]);
    assert!(site.text().contains("SSLCertificateChainFile"), "{}", site.text());
    (site, authority)
}

/// What `enable` with that certificate tells.
#[track_caller]
fn enable(site: &Site, leaf: &Leaf, more: &[&str]) -> Value {
    files::for_owner_only(&leaf.key);
    let (certificate, key) = (text(&leaf.certificate), text(&leaf.key));
    let words = [
        "enable",
        "--domain",
        DOMAIN,
        "--cert",
        &certificate,
        "--key",
        &key,
        "--json",
    ];
    let outcome = site.run(&[&words[..], more].concat()).run().expect_code(0);
    serde_json::from_slice(&outcome.stdout).expect("JSON")
}

fn codes(told: &Value) -> Vec<&str> {
    let findings = told["findings"].as_array().expect("findings").iter();
    findings.filter_map(|finding| finding["code"].as_str()).collect()
}

fn notes(told: &Value) -> String {
    told["notes"].to_string()
}

#[test]
fn a_chain_that_fits_the_renewed_certificate_stays() {
    for more in [&[][..], &["--copy-certs"]] {
        let (site, authority) = with_chain();
        let renewed = authority.leaf("renewed", &[DOMAIN]);
        let line = |site: &Site| {
            let lines = site.text();
            let line = lines
                .lines()
                .find(|line| line.contains("SSLCertificateChainFile"));
            line.map(str::to_owned)
        };
        let before = line(&site);
        let dry = enable(&site, &renewed, &[&["--dry-run"], more].concat());
        assert!(notes(&dry).contains("chain.crt stays"), "{dry}");
        assert!(
            !dry.to_string()
                .contains("belongs to the certificate that is replaced"),
            "{dry}"
        );
        assert_eq!(codes(&dry), [] as [&str; 0], "{dry}");
        let wet = enable(&site, &renewed, &[&["--yes"], more].concat());
        assert_eq!(codes(&wet), [] as [&str; 0], "{wet}");
        assert_eq!(line(&site), before, "{}", site.text());
        assert!(!site.text().contains("first.crt"), "{}", site.text());
        // A second run changes nothing, and has nothing to tell of the chain.
        let again = enable(&site, &renewed, &[&["--yes"], more].concat());
        assert_eq!(again["result"], "unchanged", "{again}");
        assert!(!notes(&again).contains("chain.crt"), "{again}");
    }
}

#[test]
fn a_chain_of_another_issuer_goes_with_its_certificate() {
    let (site, _) = with_chain();
    let other = Authority::new(&site.beside("other"));
    let told = enable(&site, &other.leaf("other", &[DOMAIN]), &["--yes"]);
    assert_eq!(codes(&told), ["CHAIN-MISSING"], "{told}");
    assert!(
        !site.text().contains("SSLCertificateChainFile"),
        "{}",
        site.text()
    );
    assert!(Path::new(&site.root().join("conf/ssl/chain.crt")).exists());
}

/// Files are never overwritten, so each certificate needs names of its own, also where several begin on one day and where
/// HTTPS was off in between.
#[test]
fn certificates_of_one_day_are_copied_beside_each_other() {
    let site = Site::new();
    let authority = Authority::new(&site.beside("authority"));
    for number in 1..=4 {
        let leaf = authority.leaf(&format!("leaf-{number}"), &[DOMAIN]);
        for result in ["written", "unchanged"] {
            let told = enable(&site, &leaf, &["--yes", "--copy-certs"]);
            assert_eq!(told["result"], result, "{told}");
        }
        if number == 3 {
            site.run(&["disable", "--yes"]).run().expect_code(0);
        }
    }
    let keys = fs::read_dir(site.root().join("conf/ssl")).expect("the folder");
    let keys = keys.filter(|file| {
        let name = file.as_ref().expect("a file").file_name();
        name.to_string_lossy().ends_with(".key")
    });
    assert_eq!(keys.count(), 4);
}
