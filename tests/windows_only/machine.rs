//! What a machine with Windows does to files, paths, ports and clients: programs that hold a file, what is read-only, long and
//! foreign names, ports that are taken, a firewall.
#![cfg(windows)]

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::alone;
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::site::{DOMAIN, Site};
use winreg::RegKey;
use winreg::enums::HKEY_LOCAL_MACHINE;

/// As a program has a file that lets nobody else read it.
fn hold(path: &Path) -> File {
    OpenOptions::new().read(true).share_mode(0).open(path).unwrap()
}

#[track_caller]
fn is_in_use(outcome: Outcome) {
    let envelope = outcome.expect_code(16).envelope();
    assert_eq!(envelope["error"]["code"], "IN-USE", "{envelope}");
    let fix = envelope["error"]["fix"].as_str().unwrap();
    assert!(fix.contains("close the program that has"), "{envelope}");
}

#[test]
fn a_file_that_lets_nobody_read_it() {
    let site = Site::new();
    for path in [site.main(), site.beside("certificates").join("server.key")] {
        let held = hold(&path);
        is_in_use(site.enable().arg("--json").run());
        drop(held);
    }
    // For a moment only.
    let held = hold(&site.main());
    let outcome = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            drop(held);
        });
        site.run(&["status"]).run()
    });
    outcome.expect_code(0);
}

#[test]
fn messages_have_one_kind_of_separator() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let root = site.root().display().to_string().replace('\\', "/");
    let mut read_only = std::fs::metadata(site.main()).unwrap().permissions();
    read_only.set_readonly(true);
    std::fs::set_permissions(site.main(), read_only.clone()).unwrap();
    for (arguments, status) in [
        (&["backups"][..], 0),
        (&["status"], 0),
        (&["restore", "--yes"], 4),
        (&["disable", "--yes", "--domain", DOMAIN], 4),
        (&["backups", "--json"], 0),
        (&["disable", "--yes", "--json", "--domain", DOMAIN], 4),
    ] {
        let outcome = site.run(arguments).run().expect_code(status);
        // What the configuration says itself has forward slashes.
        let shown = outcome.report();
        let mut lines = shown.lines().filter(|line| !line.contains("ServerRoot"));
        assert!(!lines.any(|line| line.contains(&root)), "{shown}");
        if status == 4 {
            assert!(shown.contains("read-only"), "{shown}");
        }
    }
    #[allow(clippy::permissions_set_readonly_false)]
    read_only.set_readonly(false);
    std::fs::set_permissions(site.main(), read_only).unwrap();
    // A refusal that names a line.
    let broken = std::fs::read_to_string(site.main()).unwrap() + "Listen 70000\r\n";
    std::fs::write(site.main(), broken).unwrap();
    let shown = site.enable().run().expect_code(4).report();
    assert!(shown.contains(r"conf\httpd.conf:"), "{shown}");
    assert!(!shown.contains(&root), "{shown}");
}

#[test]
fn a_port_that_is_taken_is_seen_without_a_table() {
    let site = Site::new();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let outcome = site.run(&["ports", "--port", &port]).run().expect_code(12);
    assert!(
        outcome.stdout_text().contains("is taken by another program"),
        "{}",
        outcome.report()
    );
    let before = site.snapshot();
    let refused = site
        .enable()
        .args(["--port", &port, "--json"])
        .run()
        .expect_code(4);
    assert_eq!(
        refused.envelope()["error"]["code"],
        "PORT-NOT-FREE",
        "{}",
        refused.report()
    );
    assert_eq!(site.snapshot(), before);
    drop(taken);
    site.run(&["ports", "--port", &port]).run().expect_code(0);
}

/// Keys of the registry that are removed when this is dropped.
struct Keys(&'static [&'static str]);

impl Drop for Keys {
    fn drop(&mut self) {
        for key in self.0 {
            let _ = RegKey::predef(HKEY_LOCAL_MACHINE).delete_subkey_all(key);
        }
    }
}

#[test]
fn what_the_firewall_keeps_out_is_told_with_the_command_that_lets_it_in() {
    const PROFILE: &str =
        r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\PublicProfile";
    const RULES: &str =
        r"SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy\FirewallRules";
    const COMMAND: &str = r#"netsh advfirewall firewall add rule name="Apache HTTPS" dir=in action=allow protocol=TCP localport=443"#;
    let _alone = alone();
    let site = Site::new();
    let told = || {
        let outcome = site.enable().run().expect_code(0);
        outcome.stderr_text().replace("\r\n", " ").replace('\n', " ")
    };
    assert!(!told().contains("Firewall"), "{}", told());
    let _keys = Keys(&[PROFILE, RULES]);
    let machine = RegKey::predef(HKEY_LOCAL_MACHINE);
    let (profile, _) = machine.create_subkey(PROFILE).unwrap();
    profile.set_value("EnableFirewall", &1_u32).unwrap();
    let words: String = told().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains(COMMAND), "{words}");
    let (rules, _) = machine.create_subkey(RULES).unwrap();
    let rule = "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=443|Name=Apache HTTPS|";
    rules.set_value("{1}", &rule).unwrap();
    assert!(!told().contains("Firewall"), "{}", told());
}

/// A tree there, made and unmade: HTTPS is turned on and off, and every byte of the configuration is as before.
#[track_caller]
fn there_and_back(root: &Path, typed: &str, folder: &Path) {
    files::copy_tree(&files::fixture("small"), root);
    let main = root.join("conf").join("httpd.conf");
    let before = std::fs::read(&main).unwrap();
    let run = |arguments: &[&str]| {
        let program = esync_ssl().args(arguments).args(["--root", typed]).folder(folder);
        program.run().expect_code(0)
    };
    run(&["enable", "--yes", "--self-signed", "--domain", DOMAIN]);
    assert_ne!(std::fs::read(&main).unwrap(), before);
    run(&["disable", "--yes", "--domain", DOMAIN]);
    assert_eq!(std::fs::read(&main).unwrap(), before);
}

#[test]
fn names_with_all_letters_and_long_ones() {
    let folder = files::folder();
    let foreign = folder
        .path()
        .join("Donn\u{e9}es \u{4e2d}\u{6587}")
        .join("Apache24");
    there_and_back(&foreign, foreign.to_str().unwrap(), folder.path());
    // Copies of it have more than 260 characters. That much of a folder itself wine does not tell the name of.
    let room = 225 - folder.path().as_os_str().len();
    let long = folder.path().join("l".repeat(room)).join("Apache24");
    there_and_back(&long, long.to_str().unwrap(), folder.path());
}

#[test]
fn a_path_that_begins_at_the_current_folder_of_a_drive() {
    let _alone = alone();
    let folder = PathBuf::from(r"C:\esync drive");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    there_and_back(&folder.join("Apache24"), "C:Apache24", &folder);
    let _ = std::fs::remove_dir_all(&folder);
}
