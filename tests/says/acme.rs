//! `acme` where no authority is asked, or none answers.

use crate::support::files::write;
use crate::support::site::{DOMAIN, Site};

/// Nobody listens there.
const NOWHERE: [&str; 2] = ["--ca", "https://127.0.0.1:9/dir"];

#[test]
fn what_is_typed_wrong_is_told_before_anybody_is_asked() {
    let site = Site::new();
    for (words, status) in [
        (&["acme", "check"][..], 2),
        (&["acme", "check", DOMAIN, "--ca", "http://ca.example/"], 2),
        (&["acme", "check", "not a name"], 1),
        (&["acme", "account"], 2),
        (&["acme", "account", "import"], 2),
        (&["acme", "account", "import", "nowhere"], 1),
        (&["acme", "account", "export", "folder"], 4),
        (&["acme", "account", "deactivate", "--yes"], 4),
        (&["acme", "account", "roll-key"], 4),
        (&["acme", "account", "show"], 4),
        (&["acme", "revoke"], 2),
        (&["acme", "revoke", "nowhere.crt", "--yes"], 1),
        (&["acme", "revoke", "a.crt", "--reason", "whim"], 2),
    ] {
        let files = site.snapshot();
        site.run(words).run().expect_code(status);
        assert_eq!(site.snapshot(), files, "{words:?}");
    }
    let told = site.run(&["acme", "account", "show", "--json"]).run().envelope();
    assert_eq!(told["error"]["code"], "NO-ACCOUNT", "{told}");
    // A folder without a key, and a file that is none.
    let folder = site.beside("accounts");
    write(&folder.join("deep/regr.json"), "{}");
    let run = || site.run(&["acme", "account", "import", "--json"]);
    let told = run().arg(&folder).run().expect_code(4).envelope();
    assert_eq!(told["error"]["code"], "ACCOUNT-KEY-NOT-FOUND", "{told}");
    write(&folder.join("deep/private_key.json"), "{\"kty\": \"EC\"}");
    run().arg(&folder).run().expect_code(1);
}

#[test]
fn an_authority_that_is_not_reached_is_a_finding_beside_the_others() {
    let site = Site::new();
    let program = site.run(&["acme", "check", DOMAIN, "--json"]).args(NOWHERE);
    let told = program.run().expect_code(12).envelope();
    assert_eq!(told["data"]["reached"], serde_json::Value::Null, "{told}");
    assert_eq!(told["data"]["error_count"], 1, "{told}");
    assert_eq!(told["findings"][0]["code"], "ACME-NOT-REACHED", "{told}");
    // A public one makes nothing for a name that only a company knows; nor is it reached here.
    let words = [
        "acme",
        "check",
        "server.lan",
        "--proxy",
        "http://127.0.0.1:9",
        "--json",
    ];
    let told = site.run(&words).run().expect_code(12).envelope();
    assert_eq!(told["findings"][0]["code"], "ACME-NAME-UNUSABLE", "{told}");
    let text = site.run(&words[..5]).run().expect_code(12).stdout_text();
    assert!(
        text.contains("server.lan") && text.contains("nothing was ordered"),
        "{text}"
    );
}
