//! `renew` and `certificates` where no authority is asked.

use crate::support::site::{DOMAIN, Site};

#[test]
fn where_nothing_was_ordered_there_is_nothing_to_renew() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let before = site.text();
    let told = site.run(&["renew"]).run().expect_code(0);
    assert!(
        told.stdout_text().contains("there is nothing to renew"),
        "{}",
        told.report()
    );
    let silent = site.run(&["renew", "--scheduled"]).run().expect_code(0);
    assert_eq!(silent.stdout_text() + &silent.stderr_text(), "");
    let document = site.run(&["renew", "--json"]).run().expect_code(0);
    assert_eq!(document.envelope()["result"], "unchanged");
    assert_eq!(site.text(), before);
    // What cannot be read is told, and not forgotten.
    let kept = site.root().join("conf/esync-ssl-acme/managed");
    std::fs::create_dir_all(&kept).expect("a folder");
    std::fs::write(kept.join("a.example.json"), "{").expect("a file");
    let broken = site.run(&["renew", "--scheduled"]).run().expect_code(1);
    assert!(
        broken
            .stderr_text()
            .contains("a.example.json cannot be understood"),
        "{}",
        broken.report()
    );
    let refused = site
        .run(&["renew", "other.example", "--json"])
        .run()
        .expect_code(4);
    assert_eq!(
        refused.envelope()["error"]["code"],
        "NOT-MANAGED",
        "{}",
        refused.report()
    );
}

#[test]
fn a_certificate_that_came_as_a_file_is_renewed_by_nobody() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let told = site.run(&["certificates"]).run().expect_code(0);
    let text = told.stdout_text();
    assert!(
        text.contains(DOMAIN) && text.contains("renewed by nobody"),
        "{}",
        told.report()
    );
    let document = site.run(&["certificates", "--json"]).run().expect_code(0);
    let one = &document.envelope()["data"]["certificates"][0];
    assert_eq!(
        (one["served"].as_str(), one["due"].as_str()),
        (Some("silent"), None)
    );
}
