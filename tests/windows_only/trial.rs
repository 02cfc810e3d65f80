//! `packaging/windows-trial.cmd` as far as wine's cmd goes: it comes to its end, judges what can be judged here, believes no
//! program that only says that it did something, and leaves nothing but its report.
#![cfg(windows)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::alone;
use crate::support::installed;
use crate::support::program::{binary, native};
use crate::support::{files, process};
use winreg::RegKey;
use winreg::enums::HKEY_LOCAL_MACHINE;

const TREE: &str = r"C:\esync-ssl-trial";
const SERVICE: &str = r"SYSTEM\CurrentControlSet\Services\esync-ssl-trial";

#[test]
fn it_tries_what_can_be_tried_and_leaves_nothing() {
    let Some(httpd) = installed::httpd() else {
        crate::support::skip("no Apache for Windows; tests/run --windows builds it");
        return;
    };
    let folder = httpd
        .parent()
        .and_then(Path::parent)
        .expect("the folder around bin");
    let _alone = alone();
    let place = files::folder();
    let script = place.path().join("windows-trial.cmd");
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/windows-trial.cmd");
    std::fs::copy(native(original.to_str().unwrap()), &script).unwrap();
    let mut command = Command::new("cmd");
    command.arg("/c").arg(&script).arg(binary()).arg(folder);
    let outcome = process::finish(&mut command, Duration::from_secs(400));

    let report = std::fs::read_to_string(place.path().join("esync-ssl-trial.txt")).expect("a report");
    let lines_of = |status: &str| -> Vec<&str> {
        let lines = report.lines().filter_map(|line| line.strip_prefix(status));
        lines.filter_map(|line| Some(line.split_once(": ")?.0)).collect()
    };
    assert_eq!(
        lines_of("PASS "),
        ["starts", "service", "service-restart"],
        "{report}"
    );
    assert_eq!(
        lines_of("FAIL "),
        Vec::<&str>::new(),
        "{report}\n{}",
        outcome.report()
    );
    let not_tried = lines_of("NOT TRIED ");
    for claim in [
        "writable-tree",
        "key-closed",
        "scheduler",
        "event-log",
        "reserved-port",
    ] {
        assert!(not_tried.contains(&claim), "{claim}: {report}");
    }
    assert_eq!(not_tried.last(), Some(&"real-network"), "{report}");
    assert!(!Path::new(TREE).exists());
    assert!(RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey(SERVICE).is_err());
    // What is somebody else's is left alone.
    std::fs::create_dir(TREE).unwrap();
    let refused = process::finish(&mut command, Duration::from_secs(60));
    assert!(
        refused.stdout_text().contains("Nothing was changed"),
        "{}",
        refused.report()
    );
    std::fs::remove_dir(TREE).unwrap();
}
