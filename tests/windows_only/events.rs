//! The Application event log: the source is known to the system, and the system is given each event with its number and level.
//!
//! That of wine takes events and keeps none, but tells what it was given where it writes messages of its own, outside of Windows.
//! So there the program is started from outside as well; a real Windows is asked for the event itself.
#![cfg(windows)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, REG_EXPAND_SZ};

use crate::alone;
use crate::support::process::{finish, start, waited_within};
use crate::support::program::{binary, native};
use crate::support::site::Site;

const SOURCE: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application\esync-ssl";
/// No certificate is for it, so that a renewal fails as a whole: RUN-FAILED.
const NAME: &str = "nobody.example.com";
const SHELL: &str = "/bin/sh";

#[test]
fn a_run_that_fails_is_an_event_with_its_number() {
    let _alone = alone();
    let machine = RegKey::predef(HKEY_LOCAL_MACHINE);
    let _ = machine.delete_subkey_all(SOURCE);
    let site = Site::new();
    let is_wine = native(SHELL).exists();
    let told = match is_wine {
        true => given_to_wine(&site),
        false => kept_by_windows(&site),
    };
    assert!(told.contains(NAME), "{told}");
    let source = machine.open_subkey(SOURCE).expect("the source");
    let texts = source.get_raw_value("EventMessageFile").expect("its texts");
    assert_eq!(texts.vtype, REG_EXPAND_SZ);
    let texts: String = source.get_value("EventMessageFile").expect("its texts");
    assert_eq!(texts, r"%SystemRoot%\System32\EventCreate.exe");
    assert_eq!(source.get_value::<u32, _>("TypesSupported").expect("a number"), 7);
    // What an administrator made of it stays.
    let (source, _) = machine.create_subkey(SOURCE).expect("the source");
    source
        .set_value("EventMessageFile", &r"C:\mine.dll")
        .expect("a text");
    if is_wine {
        given_to_wine(&site);
    } else {
        kept_by_windows(&site);
    }
    let texts: String = source.get_value("EventMessageFile").expect("its texts");
    assert_eq!(texts, r"C:\mine.dll");
    machine.delete_subkey_all(SOURCE).expect("no source anymore");
}

fn words(site: &Site) -> [String; 4] {
    let root = site.root().display().to_string();
    ["renew".to_owned(), NAME.to_owned(), "--root".to_owned(), root]
}

/// What wine tells of its own functions, with the number and the level of the event.
fn given_to_wine(site: &Site) -> String {
    let log = site.root().join("wine.txt");
    let done = site.root().join("done.txt");
    let script = "exec 2>\"$1\"; done=$2; shift 2; \"$WINE\" \"$@\" >/dev/null; echo \"$?\" >\"$done\"";
    let mut command = Command::new(native(SHELL));
    command.args(["-c", script, "sh", &of_unix(&log), &of_unix(&done)]);
    command.arg(binary()).args(words(site));
    command.env("WINEDEBUG", "-all,+eventlog,fixme+advapi,fixme+eventlog");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    drop(start(&mut command).expect("a shell outside of Windows"));
    assert!(waited_within(Duration::from_secs(60), || done.is_file()));
    let told = std::fs::read_to_string(&log).expect("what wine told");
    std::fs::remove_file(&done).expect("no longer there");
    assert!(
        told.contains("err:eventlog:ReportEventW") && told.contains("0x0000006e"),
        "{told}"
    );
    told
}

/// The path outside of Windows of a file below the server root of a test.
fn of_unix(path: &Path) -> String {
    let prefix = std::env::var("WINEPREFIX").expect("tests/windows/session says where drive C: is");
    let text = path.display().to_string().replace('\\', "/");
    match text.strip_prefix("C:") {
        Some(rest) => format!("{prefix}/drive_c{rest}"),
        None => text.trim_start_matches("Z:").to_owned(),
    }
}

/// The newest event of ours, as a real Windows shows it.
fn kept_by_windows(site: &Site) -> String {
    finish(Command::new(binary()).args(words(site)), Duration::from_secs(60)).expect_code(4);
    let ours = "*[System[Provider[@Name='esync-ssl'] and (EventID=110)]]";
    let mut wevtutil = Command::new(PathBuf::from("wevtutil.exe"));
    wevtutil.args([
        "qe",
        "Application",
        &format!("/q:{ours}"),
        "/c:1",
        "/rd:true",
        "/f:text",
    ]);
    finish(&mut wevtutil, Duration::from_secs(60))
        .expect_code(0)
        .stdout_text()
}
