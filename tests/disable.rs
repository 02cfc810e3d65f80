//! `disable` as a user runs it: right after `enable` every byte and link is as before, edits made since stay, and
//! what others need stays.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use support::case::Case;
use support::files::snapshot;
use support::process::Outcome;
use support::program::esync_ssl;

/// The tree without what runs leave beside it: backups, and certificates that were made.
fn state(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = snapshot(root);
    found.retain(|name, _| !name.contains("esync-ssl-backup") && !name.ends_with('/'));
    found
}

/// Every case that turns HTTPS on comes back to its first byte.
#[test]
fn every_case_comes_back() {
    let only = std::env::var("ESYNC_SSL_CASE").unwrap_or_default();
    let mut failures = Vec::new();
    let mut enabled = 0;
    for case in Case::all() {
        if case.said.status != 0 || !case.is_for_this_platform() || !case.name.contains(&only) {
            continue;
        }
        let set_up = case.set_up();
        let root = &set_up.root;
        let before = state(root);
        let enable = esync_ssl()
            .args(&set_up.args)
            .arg("--yes")
            .folder(set_up.folder.path())
            .run();
        if enable.code != Some(0) || state(root) == before {
            continue;
        }
        enabled += 1;
        let disable = || -> Outcome {
            esync_ssl()
                .args(["disable", "--yes", "--root"])
                .arg(root)
                .folder(set_up.folder.path())
                .run()
        };
        let outcome = disable();
        let mut after = state(root);
        after.retain(|name, _| before.contains_key(name) || !name.starts_with("conf/ssl/"));
        if outcome.code != Some(0) || after != before {
            let mut text = format!("=== {}: {}\n", case.name, outcome.report());
            for (name, bytes) in &after {
                let old = before.get(name).map_or(&b""[..], |old| old);
                if old != bytes {
                    let (old, new) = (old.escape_ascii().to_string(), bytes.escape_ascii().to_string());
                    let lines = |text: &str| text.replace("\\n", "\\n\n");
                    text += &similar::TextDiff::from_lines(&lines(&old), &lines(&new))
                        .unified_diff()
                        .header(name, name)
                        .to_string();
                }
            }
            failures.push(text);
            continue;
        }
        let again = disable();
        if again.code != Some(0) || !again.stdout_text().contains("Nothing needs to change") {
            failures.push(format!("=== {}: again: {}", case.name, again.report()));
        }
    }
    assert!(
        failures.is_empty(),
        "{} failed\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(!only.is_empty() || enabled > 35, "{enabled} cases");
}
