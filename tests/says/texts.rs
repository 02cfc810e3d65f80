//! What the reading commands print, as a whole: `fixtures/texts` holds one file for each run, which a person reads when it
//! changes. `ESYNC_SSL_UPDATE_CASES=1` writes them again. What `enable` and `disable` print is in `fixtures/cases`.
#![cfg(unix)]

use std::fs;

use regex::bytes::Regex;

use crate::support::certificates::Authority;
use crate::support::containers::encrypted_key;
use crate::support::files;
use crate::support::normal::Normaliser;
use crate::support::program::{esync_ssl, native};

const NAME: &str = "www.example.com";

/// The name of the file, and the command.
const RUNS: &[(&str, &[&str])] = &[
    ("status", &["status"]),
    ("check-nothing", &["check"]),
    (
        "check-files",
        &[
            "check",
            "--cert",
            "in/leaf.crt",
            "--key",
            "enc.key",
            "--domain",
            NAME,
        ],
    ),
    (
        "check-swapped",
        &[
            "check",
            "--cert",
            "in/leaf.key",
            "--key",
            "in/leaf.crt",
            "--domain",
            NAME,
        ],
    ),
    ("lint", &["lint"]),
    ("backups", &["backups"]),
    ("explain", &["explain", "error.log"]),
    ("verify-nothing", &["verify"]),
    ("restore-nothing", &["restore"]),
    ("disable-nothing", &["disable"]),
    (
        "enable-unasked",
        &["enable", "--domain", NAME, "--self-signed", "--no-rehearsal"],
    ),
    (
        "enable-wildcard",
        &["enable", "--domain", "*.example.com", "--self-signed"],
    ),
    ("no-root", &["status", "--root", "nowhere"]),
    ("no-file", &["cert", "inspect", "nowhere.crt"]),
];

#[test]
fn texts_are_as_they_were_read() {
    let update = std::env::var_os("ESYNC_SSL_UPDATE_CASES").is_some_and(|value| value == "1");
    let folder = files::folder();
    files::copy_tree(&files::fixture("small"), &folder.path().join("Apache24"));
    let main = folder.path().join("Apache24/conf/httpd.conf");
    let text = fs::read_to_string(&main).unwrap();
    files::write(
        &main,
        text + "Listne 81\n<Directory \"/x\">\nDocumentRoot \"/y\"\n</Directory>\n",
    );
    let leaf = Authority::new(&folder.path().join("in")).leaf("leaf", &[NAME]);
    files::for_owner_only(&leaf.key);
    files::write(&folder.path().join("enc.key"), encrypted_key(&leaf.key, "geheim"));
    let log = "[Mon Mar 02 06:55:54.260439 2026] [ssl:emerg] [pid 4711:tid 4711] (13)Permission denied: AH02574: Init: \
               Can't open server private key file /srv/esync/server.key\n";
    files::write(&folder.path().join("error.log"), log);
    let normal = Normaliser::new(folder.path());
    // What no two runs have in common.
    let print = Regex::new(r"(?:[0-9A-F]{2}:){5,}[0-9A-F]{2}").unwrap();
    let texts = native(env!("CARGO_MANIFEST_DIR")).join("fixtures/texts");
    let mut changed = Vec::new();
    for (name, words) in RUNS {
        let root: &[&str] = if words.contains(&"--root") || words[0] == "cert" {
            &[]
        } else {
            &["--root", "Apache24"]
        };
        let outcome = esync_ssl()
            .args(words.iter().chain(root))
            .folder(folder.path())
            .run();
        let whole = format!(
            "$ esync-ssl {}\n{}--- stderr\n{}--- {}\n",
            words.join(" "),
            outcome.stdout_text(),
            outcome.stderr_text(),
            outcome.code.unwrap_or(-1)
        );
        let whole = print
            .replace_all(&normal.apply(whole.as_bytes()), &b"{fingerprint}"[..])
            .into_owned();
        let file = texts.join(format!("{name}.txt"));
        if update {
            files::write(&file, &whole);
        } else if fs::read(&file).unwrap_or_default() != whole {
            changed.push(format!("=== {name}\n{}", String::from_utf8_lossy(&whole)));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}
