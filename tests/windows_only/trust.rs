//! Access lists of Windows: what is private is closed from its first instant, the account of the service may read its key,
//! and `check` says who else may read a key or write what the service runs.
//!
//! Wine enforces no access list. It keeps one as the mode of a Unix file: what the owner and what everybody may do is seen as
//! on Windows; what single accounts may is lost, and is judged from the text of descriptors in tests beside the code.
#![cfg(windows)]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::alone;
use crate::support;
use crate::support::containers::{encrypted_key, pfx};
use crate::support::files;
use crate::support::process::Outcome;
use crate::support::program::{Program, esync_ssl};
use crate::support::site::{BACKUPS, DOMAIN, Site};
use esync_ssl::acl::{self, Exposure, Sid};
use esync_ssl::apply::{Attributes, Disk, Folder, Fresh, Place, RealDisk};
use esync_ssl::cli::{World, run_in};
use esync_ssl::exit_status::ExitStatus;
use esync_ssl::server::scratch::Scratch;
use serde_json::Value;
use windows_permissions::constants::{SeObjectType, SecurityInformation};
use windows_permissions::wrappers::SetNamedSecurityInfo;
use windows_permissions::{LocalBox, SecurityDescriptor};
use winreg::RegKey;
use winreg::enums::HKEY_LOCAL_MACHINE;

/// Everybody may do everything.
const OPEN: &str = "D:P(A;OICI;FA;;;WD)";
/// Everybody may read.
const READABLE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;OW)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;WD)";
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";
const PHRASE: &str = "a secret phrase";

/// Gives a file or folder an access list.
fn set(path: &Path, list: &str) {
    let descriptor: LocalBox<SecurityDescriptor> = list.parse().expect("a list");
    SetNamedSecurityInfo(
        path,
        SeObjectType::SE_FILE_OBJECT,
        SecurityInformation::Dacl | SecurityInformation::ProtectedDacl,
        None,
        None,
        descriptor.dacl(),
        None,
    )
    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Who may read a file besides its owner, the system, administrators and us.
fn exposed(path: &Path) -> io::Result<Option<Exposure>> {
    let descriptor = acl::descriptor(path)?;
    let us = acl::us().expect("our own account");
    Ok(Exposure::of(&descriptor, "it", None, Some(&us)))
}

/// An Apache that is installed as a service of this account; its entry is removed when dropped.
struct Installed<'a> {
    name: &'static str,
    _alone: MutexGuard<'a, ()>,
}

impl Installed<'_> {
    fn new(site: &Site, account: &str) -> Self {
        let alone = alone();
        let installed = Installed {
            name: "esync-ssl trust",
            _alone: alone,
        };
        let services = RegKey::predef(HKEY_LOCAL_MACHINE);
        let key = format!(r"{SERVICES}\{}", installed.name);
        let (key, _) = services.create_subkey(key).expect("a service");
        let image = format!(
            "\"{}\" -k runservice",
            site.root().join(r"bin\httpd.exe").display()
        );
        key.set_value("ImagePath", &image).expect("ImagePath");
        key.set_value("ObjectName", &account).expect("ObjectName");
        let (parameters, _) = key.create_subkey("Parameters").expect("Parameters");
        let arguments = vec!["-d".to_string(), site.root().display().to_string()];
        parameters
            .set_value("ConfigArgs", &arguments)
            .expect("ConfigArgs");
        installed
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        let services = RegKey::predef(HKEY_LOCAL_MACHINE);
        let _ = services.delete_subkey_all(format!(r"{SERVICES}\{}", self.name));
    }
}

/// Every file below a folder.
fn all(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => all(&entry.path(), found),
            _ => found.push(entry.path()),
        }
    }
}

/// Runs something while somebody looks, all the time, for keys below a folder that others may read; says which ones.
fn spied<T>(folder: &Path, run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let is_over = AtomicBool::new(false);
    let look = || {
        let mut seen = Vec::new();
        loop {
            let was_over = is_over.load(Ordering::SeqCst);
            let mut paths = Vec::new();
            all(folder, &mut paths);
            for path in paths {
                // The list first: it never becomes closer than it was when the bytes came.
                let open = exposed(&path);
                let bytes = std::fs::read(&path).unwrap_or_default();
                let is_key = bytes.windows(11).any(|part| part == b"PRIVATE KEY");
                if let (Ok(Some(open)), true) = (open, is_key) {
                    seen.push(format!("{} by {}", path.display(), open.who));
                }
            }
            if was_over {
                return seen;
            }
        }
    };
    std::thread::scope(|scope| {
        let spy = scope.spawn(look);
        let done = run();
        is_over.store(true, Ordering::SeqCst);
        (done, spy.join().expect("a spy"))
    })
}

fn keys(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    all(folder, &mut found);
    found.retain(|path| {
        std::fs::read(path).is_ok_and(|bytes| bytes.windows(11).any(|part| part == b"PRIVATE KEY"))
    });
    found
}

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "mostly the table of all commands that write a key"
)]
fn no_key_can_be_read_by_others_at_any_instant() {
    let _alone = alone();
    let site = Site::new();
    let given = site.beside("certificates");
    let (certificate, key) = (given.join("server.crt"), given.join("server.key"));
    let encrypted = given.join("locked.key");
    files::write(&encrypted, encrypted_key(&key, PHRASE));
    let archive = given.join("server.pfx");
    files::write(&archive, pfx(&key, &[&certificate], PHRASE));
    let phrase = given.join("phrase");
    files::write(&phrase, PHRASE);

    let out = site.beside("out");
    std::fs::create_dir(&out).unwrap();
    // Whatever a file inherits here is open.
    set(&out, OPEN);
    set(&site.root().join("conf"), OPEN);
    let cert = |words: &[&str]| esync_ssl().arg("cert").args(words).folder(&out);
    let enable = |words: &[&OsStr]| {
        site.run(&["enable", "--yes", "--http", "keep", "--domain", DOMAIN])
            .args(words)
    };
    let os = |text: &'static str| OsStr::new(text);
    let runs: Vec<(&str, Program)> = vec![
        ("cert self-signed", cert(&["self-signed", "--domain", DOMAIN])),
        (
            "cert request",
            cert(&["request", "--domain", "other.example.com"]),
        ),
        (
            "cert decrypt-key",
            cert(&["decrypt-key"])
                .arg(&encrypted)
                .arg("plain.key")
                .arg("--passphrase-file")
                .arg(&phrase),
        ),
        (
            "cert import",
            cert(&["import"])
                .arg(&archive)
                .args(["--name", "imported", "--passphrase-file"])
                .arg(&phrase),
        ),
        (
            "cert install",
            site.run(&["cert", "install", "--name", "installed"])
                .arg("--pfx")
                .arg(&archive)
                .arg("--passphrase-file")
                .arg(&phrase),
        ),
        (
            "enable --copy-certs",
            enable(&[
                os("--copy-certs"),
                os("--cert"),
                certificate.as_os_str(),
                os("--key"),
                key.as_os_str(),
            ]),
        ),
        (
            "enable --pfx",
            enable(&[
                os("--pfx"),
                archive.as_os_str(),
                os("--passphrase-file"),
                phrase.as_os_str(),
            ]),
        ),
        ("enable --self-signed", enable(&[os("--self-signed")])),
    ];
    for (what, program) in runs {
        for folder in [&out, &site.root()] {
            for key in keys(folder) {
                std::fs::remove_file(key).unwrap();
            }
        }
        // What `enable` did before is undone, so that there is something to do.
        if what.starts_with("enable") {
            let _ = site.run(&["disable", "--yes", "--domain", DOMAIN]).run();
            let _ = std::fs::remove_dir_all(site.root().join(r"conf\ssl"));
        }
        let (outcome, seen) = spied(site.beside("").as_path(), || program.run());
        let outcome = outcome.expect_code(0);
        let made: Vec<PathBuf> = [&out, &site.root()]
            .into_iter()
            .flat_map(|folder| keys(folder))
            .collect();
        assert_eq!(made.len(), 1, "{what}: {made:?}: {}", outcome.report());
        // Those that were given are as open as they were given.
        let others: Vec<String> = seen
            .into_iter()
            .filter(|line| !line.contains("certificates"))
            .collect();
        assert_eq!(others, Vec::<String>::new(), "{what}");
        assert_eq!(exposed(&made[0]).unwrap(), None, "{what}");
        assert!(
            outcome.stdout_text().contains("SYSTEM, Administrators"),
            "{}",
            outcome.report()
        );
    }
    let backups = site.root().join(BACKUPS);
    assert_eq!(acl::objection(&backups).unwrap(), None);
    assert_eq!(exposed(&backups).unwrap(), None);
}

/// Tells a child of this test to say where a rehearsal of its would take place.
const TELL_PLACE: &str = "ESYNC_SSL_TEST_TELL_PLACE";

/// Where a rehearsal takes place, with a folder for temporary files of its own.
fn place_of_rehearsal(temporary: &Path, told: &Path) -> PathBuf {
    let mut child = support::process::this_test("trust::nobody_else_writes_where_a_rehearsal_takes_place");
    child
        .env(TELL_PLACE, told)
        .env("TMP", temporary)
        .env("TEMP", temporary);
    support::process::finish(&mut child, std::time::Duration::from_secs(60)).expect_code(0);
    PathBuf::from(std::fs::read_to_string(told).expect("the place"))
}

#[test]
fn nobody_else_writes_where_a_rehearsal_takes_place() {
    if let Some(told) = std::env::var_os(TELL_PLACE) {
        let scratch = Scratch::new().expect("a place");
        scratch.create("httpd.conf").expect("a file");
        let (parent, main) = (scratch.folder.parent(), scratch.folder.join("httpd.conf"));
        for path in [&*scratch.folder, &*main].into_iter().chain(parent) {
            assert_eq!(acl::objection(path).expect("a list"), None, "{path:?}");
            assert_eq!(exposed(path).expect("a list"), None, "{path:?}");
        }
        std::fs::write(told, scratch.folder.to_str().expect("text")).expect("a file");
        return;
    }
    let around = files::folder();
    let (shared, told) = (around.path().join("shared"), around.path().join("told"));
    std::fs::create_dir(&shared).expect("a folder");
    set(&shared, OPEN);
    let known = shared.join("esync-ssl");
    let place = place_of_rehearsal(&shared, &told);
    assert!(place.starts_with(&known), "{place:?}");
    // The folder of that run has gone, the one for all runs is taken again.
    assert!(!place.exists() && known.is_dir());
    assert!(place_of_rehearsal(&shared, &told).starts_with(&known));
    // Somebody else made one of the name.
    std::fs::remove_dir_all(&known).expect("no folder");
    std::fs::create_dir(&known).expect("a folder");
    set(&known, OPEN);
    let place = place_of_rehearsal(&shared, &told);
    assert!(
        !place.starts_with(&known) && place.starts_with(&shared),
        "{place:?}"
    );
    assert_eq!(std::fs::read_dir(&shared).expect("the folder").count(), 1);
}

/// Notes for whom private files are made.
#[derive(Default)]
struct Spy(Mutex<Vec<Vec<Sid>>>);

impl Disk for Spy {
    fn create_folder(&self, place: &Place, closed: bool) -> io::Result<()> {
        RealDisk.create_folder(place, closed)
    }

    fn create(&self, place: &Place, bytes: &[u8], private: Option<&[Sid]>) -> io::Result<Fresh> {
        self.0.lock().unwrap().extend(private.map(<[Sid]>::to_vec));
        RealDisk.create(place, bytes, private)
    }

    fn adopt(&self, fresh: &Fresh, from: &File) -> io::Result<()> {
        RealDisk.adopt(fresh, from)
    }

    fn set_attributes(&self, fresh: &Fresh, attributes: Attributes) -> io::Result<()> {
        RealDisk.set_attributes(fresh, attributes)
    }

    fn sync(&self, fresh: &Fresh) -> io::Result<()> {
        RealDisk.sync(fresh)
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        RealDisk.sync_folder(folder)
    }

    fn replace(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        RealDisk.replace(fresh, name)
    }

    fn publish(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        RealDisk.publish(fresh, name)
    }

    fn link(&self, target: &Path, place: &Place) -> io::Result<()> {
        RealDisk.link(target, place)
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        RealDisk.remove(place)
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        RealDisk.remove_folder(place)
    }
}

#[test]
fn the_account_of_the_service_may_read_its_new_key() {
    let us = acl::us().expect("our own account");
    let named = us.name();
    let user = named.rsplit('\\').next().unwrap();
    for (account, expected) in [
        ("LocalSystem", "S-1-5-18"),
        (r"NT AUTHORITY\NetworkService", "S-1-5-20"),
        (r"NT AUTHORITY\LocalService", "S-1-5-19"),
        (
            r"NT SERVICE\Apache2.4",
            "S-1-5-80-3460620171-1396323402-1129120646-1434713319-3206387289",
        ),
        (&format!(r".\{user}"), &us.to_string()),
    ] {
        let site = Site::new();
        let _installed = Installed::new(&site, account);
        let spy = Spy::default();
        let world = World {
            disk: &spy,
            ..World::real()
        };
        let root = site.root().display().to_string();
        let words = [
            "esync-ssl",
            "enable",
            "--yes",
            "--no-test",
            "--no-rehearsal",
            "--self-signed",
            "--domain",
            DOMAIN,
            "--root",
            &root,
        ];
        let status = run_in(&world, words.map(Into::into));
        assert_eq!(status, ExitStatus::Done, "{account}");
        let readers = spy.0.into_inner().unwrap();
        let readers: Vec<Vec<String>> = readers
            .iter()
            .map(|readers| readers.iter().map(Sid::to_string).collect())
            .collect();
        if account.contains("SERVICE\\") {
            assert!(readers[0][0].starts_with("S-1-5-80-"), "{readers:?}");
            assert_eq!(readers[0].len(), 1);
        } else {
            assert_eq!(readers, [[expected]], "{account}");
        }
    }
}

#[track_caller]
fn check(site: &Site, status: i32) -> Value {
    let outcome = site
        .run(&["check", "--no-rehearsal", "--json"])
        .run()
        .expect_code(status);
    json(&outcome)
}

#[track_caller]
fn json(outcome: &Outcome) -> Value {
    outcome.data()
}

/// The findings of `check` with this code.
fn of_code<'a>(report: &'a Value, code: &str) -> Vec<&'a Value> {
    let pairs = report["checked"].as_array().into_iter().flatten();
    let lists = pairs.map(|pair| &pair["findings"]).chain([&report["findings"]]);
    lists
        .flat_map(|list| list.as_array().into_iter().flatten())
        .filter(|finding| finding["code"] == code)
        .collect()
}

#[test]
fn check_says_who_may_read_a_key() {
    let site = Site::new();
    site.enable().run().expect_code(0);
    let key = site.beside("certificates").join("server.key");
    {
        let _alone = alone();
        set(&key, READABLE);
        let report = check(&site, 0);
        let found = of_code(&report, "KEY-EXPOSED");
        assert_eq!(found.len(), 1, "{report}");
        assert_eq!(found[0]["summary"], "Everyone may read the private key");
        let fix = found[0]["fix"].as_str().unwrap();
        let expected = format!(
            "icacls \"{}\" /inheritance:r /grant:r *S-1-3-4:F *S-1-5-18:F *S-1-5-32-544:F /remove:g *S-1-1-0",
            found[0]["place"]["file"].as_str().unwrap()
        );
        assert_eq!(fix, expected);
        files::for_owner_only(&key);
        let report = check(&site, 0);
        assert!(of_code(&report, "KEY-EXPOSED").is_empty(), "{report}");
        assert!(of_code(&report, "FILE-UNREADABLE").is_empty(), "{report}");
    }
    // We may read it, and the service may not.
    let _installed = Installed::new(&site, r"NT AUTHORITY\NetworkService");
    let report = check(&site, 12);
    let found = of_code(&report, "FILE-UNREADABLE");
    assert_eq!(found.len(), 1, "{report}");
    let (cause, fix) = (
        found[0]["cause"].as_str().unwrap(),
        found[0]["fix"].as_str().unwrap(),
    );
    assert!(cause.contains(r"runs as NT AUTHORITY\NETWORK SERVICE"), "{cause}");
    assert!(
        fix.ends_with("/grant \"NT AUTHORITY\\NETWORK SERVICE:R\""),
        "{fix}"
    );
    // And it is named where the server is.
    let outcome = site.run(&["status"]).run();
    assert!(
        outcome
            .report()
            .contains(r"Runs as        NT AUTHORITY\NETWORK SERVICE"),
        "{}",
        outcome.report()
    );
}

#[test]
fn check_says_what_of_a_service_others_may_write() {
    let site = Site::new();
    let root = site.root();
    for name in ["bin", "modules"] {
        let _ = std::fs::create_dir(root.join(name));
    }
    let _installed = Installed::new(&site, "LocalSystem");
    let found = |report: &Value| -> Vec<String> {
        of_code(report, "SERVER-WRITABLE")
            .iter()
            .map(|finding| finding["place"]["file"].as_str().unwrap().to_lowercase())
            .collect()
    };
    let run = || json(&site.run(&["check", "--no-rehearsal", "--json"]).run());
    let report = run();
    assert_eq!(found(&report), Vec::<String>::new(), "{report}");
    for name in ["conf", "bin", "modules"] {
        let folder = root.join(name);
        set(&folder, OPEN);
        let report = run();
        let path = folder.display().to_string();
        assert_eq!(found(&report), [path.to_lowercase()], "{report}");
        let finding = of_code(&report, "SERVER-WRITABLE")[0].clone();
        assert_eq!(finding["severity"], "works-but-wrong");
        assert_eq!(finding["summary"], format!("{path} may be written by Everyone"));
        assert!(
            finding["cause"]
                .as_str()
                .unwrap()
                .contains(r"NT AUTHORITY\SYSTEM")
        );
        let expected =
            format!("icacls \"{path}\" /inheritance:d && icacls \"{path}\" /grant:r *S-1-1-0:(OI)(CI)RX");
        assert_eq!(finding["fix"], expected);
        set(&folder, READABLE);
    }
    // A single file, and the folder that all of it lies in.
    set(&site.main(), OPEN);
    assert_eq!(found(&run()), [site.main().display().to_string().to_lowercase()]);
    set(&site.main(), READABLE);
    set(&root, OPEN);
    assert_eq!(found(&run()), [root.display().to_string().to_lowercase()]);
    set(&root, READABLE);
    assert_eq!(found(&run()), Vec::<String>::new());
}

#[test]
fn a_program_that_others_may_write_is_named_and_not_run() {
    let _alone = alone();
    let site = Site::new();
    let bin = site.root().join("bin");
    std::fs::create_dir_all(&bin).unwrap();
    let program = bin.join("httpd.exe");
    std::fs::copy(r"C:\windows\system32\cmd.exe", &program).unwrap();
    for culprit in [&program, &bin, &site.root()] {
        set(culprit, OPEN);
        let outcome = site.run(&["lint"]).run();
        let (said, shown) = (outcome.stderr_text(), culprit.display().to_string());
        let named = format!("{shown} may be written by Everyone");
        assert!(said.contains(&named), "{}", outcome.report());
        let remedy = format!("icacls \"{shown}\" /inheritance:d && icacls \"{shown}\" /grant:r *S-1-1-0:");
        assert!(said.contains(&remedy), "{}", outcome.report());
        set(culprit, READABLE);
    }
    let outcome = site.run(&["lint"]).run();
    assert!(
        !outcome.stderr_text().contains("may be written"),
        "{}",
        outcome.report()
    );
}

#[test]
fn a_backup_folder_that_others_may_write_is_not_believed() {
    let _alone = alone();
    let site = Site::new();
    site.self_signed().run().expect_code(0);
    let backups = site.root().join(BACKUPS);
    set(&backups, OPEN);
    let before = site.snapshot();
    let outcome = site.run(&["restore", "--yes"]).run();
    assert_ne!(outcome.code, Some(0), "{}", outcome.report());
    let said = outcome.stderr_text();
    assert!(
        said.contains("may be written by Everyone"),
        "{}",
        outcome.report()
    );
    assert!(said.contains("icacls"), "{}", outcome.report());
    assert_eq!(before, site.snapshot());
}
