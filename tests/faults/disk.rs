//! What a change does to the disk when the disk fails or the run is killed, at every single file operation: the files
//! are exactly the old or exactly the new ones, with their modes, and never in between.
//!
//! The program runs in a child process of this very test (see [`crate::support::faulty`]) on a disk that fails where it is told to.

use std::collections::BTreeMap;
use std::fs;
#[cfg(target_os = "linux")]
use std::process::{Command, Stdio};

use crate::support;
use crate::support::faulty::{KINDS, noted, run};
use crate::support::site::{BACKUPS, Site};

/// Every operation is tried; where processes start slowly, every fifth: the code above the disk is the same.
const STEP: usize = if cfg!(windows) { 5 } else { 1 };

/// Everything but the backups: bytes, links and modes.
fn state(site: &Site) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![site.root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path == site.root().join(BACKUPS) {
                continue;
            }
            let metadata = path.symlink_metadata().expect("metadata");
            let what = if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).expect("a link").display())
            } else if metadata.is_dir() {
                folders.push(path.clone());
                "folder".to_owned()
            } else {
                String::from_utf8_lossy(&fs::read(&path).expect("a file")).into_owned()
            };
            #[cfg(unix)]
            let what = format!(
                "{:o} {what}",
                std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
            );
            let name = path
                .strip_prefix(site.root())
                .expect("below")
                .display()
                .to_string();
            found.insert(name, what);
        }
    }
    found
}

/// A site whose configuration is spread over several files, one behind a link, with modes of their own.
fn site() -> Site {
    let site = Site::new();
    let listen = "Listen 80";
    let text = site.text();
    assert!(text.contains(listen), "{text}");
    fs::write(site.main(), text.replace(listen, "Include conf/listen.conf")).expect("the main file");
    let real = site.root().join("conf/real-listen.conf");
    support::files::write(&real, format!("# where we listen\n{listen}\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::os::unix::fs::symlink("real-listen.conf", site.root().join("conf/listen.conf")).expect("a link");
        fs::set_permissions(real, fs::Permissions::from_mode(0o640)).expect("its mode");
    }
    #[cfg(windows)]
    fs::rename(real, site.root().join("conf/listen.conf")).expect("a name");
    site
}

/// Makes every operation of a command fail in every way, each on a fresh site; how many faults were tried.
fn every_fault(kinds: &[&str], prepare: &dyn Fn(&Site), arguments: &dyn Fn(&Site) -> Vec<String>) -> usize {
    let fresh = || {
        let site = site();
        prepare(&site);
        site
    };
    let site = fresh();
    let old = state(&site);
    let counter = site.beside("count");
    assert_eq!(run(&arguments(&site), "none:0", Some(&counter)), Some(0));
    let new = state(&site);
    assert_ne!(old, new);
    let operations = noted(&counter).len();
    for kind in kinds {
        for at in (1..=operations).step_by(STEP) {
            let fault = format!("{kind}:{at}");
            let site = fresh();
            // Certificates differ from site to site.
            let before = state(&site);
            let code = run(&arguments(&site), &fault, None);
            let after = state(&site);
            match code {
                // Some faults do not matter, such as that of a removal of what is too much.
                Some(0) => assert_eq!(shape(&after), shape(&new), "{fault}"),
                Some(7) | None => {}
                Some(_) => assert_eq!(after, before, "{fault}: {code:?}"),
            }
            site.run(&["restore", "--recover"]).run().expect_code(0);
            let recovered = state(&site);
            let is_old = recovered == before;
            let is_new = shape(&recovered) == shape(&new);
            assert!(is_old || is_new, "{fault}: {code:?}: {recovered:#?}");
            assert!(code != Some(0) || is_new, "{fault}: what was done is undone");
            let litter: Vec<_> = recovered.keys().filter(|name| name.contains(".tmp")).collect();
            assert!(litter.is_empty(), "{fault}: {litter:?}");
        }
    }
    operations.div_ceil(STEP) * kinds.len()
}

/// The state without what differs between two sites: their folder and certificates.
fn shape(state: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let plain = |what: &String| {
        let lines = what
            .lines()
            .filter(|line| !line.contains("SSLCertificate") && !line.is_empty());
        let pem = what.contains("-----BEGIN");
        if pem {
            what.split("-----").take(2).collect()
        } else {
            lines.map(|line| format!("{line}\n")).collect()
        }
    };
    state
        .iter()
        .map(|(name, what)| (name.clone(), plain(what)))
        .collect()
}

fn enable(site: &Site) -> Vec<String> {
    let mut arguments = site.enable_arguments();
    arguments.extend(["--copy-certs", "--no-test"].map(String::from));
    arguments
}

fn disable(site: &Site) -> Vec<String> {
    let root = site.root().display().to_string();
    ["disable", "--yes", "--no-test", "--root", &root]
        .map(String::from)
        .to_vec()
}

fn restore(site: &Site) -> Vec<String> {
    ["restore", "--yes", "--root", &site.root().display().to_string()]
        .map(String::from)
        .to_vec()
}

/// Faults run one after another in each test; the tests run beside each other.
#[test]
fn enable_on_a_failing_disk() {
    let count = every_fault(&KINDS[..4], &|_| (), &enable);
    eprintln!("{count} faults of the disk in enable");
}

#[test]
fn enable_killed_anywhere() {
    let count = every_fault(&KINDS[4..], &|_| (), &enable);
    eprintln!("enable killed at {count} points");
}

fn enabled(site: &Site) {
    assert_eq!(run(&enable(site), "none:0", None), Some(0));
}

#[test]
fn disable_on_a_failing_disk() {
    let count = every_fault(&KINDS[..4], &enabled, &disable);
    eprintln!("{count} faults of the disk in disable");
}

#[test]
fn disable_killed_anywhere() {
    let count = every_fault(&KINDS[4..], &enabled, &disable);
    eprintln!("disable killed at {count} points");
}

#[test]
fn restore_on_a_failing_disk() {
    let count = every_fault(&KINDS[..4], &enabled, &restore);
    eprintln!("{count} faults of the disk in restore");
}

#[test]
fn restore_killed_anywhere() {
    let count = every_fault(&KINDS[4..], &enabled, &restore);
    eprintln!("restore killed at {count} points");
}

/// A run that is killed while it undoes what a killed run left.
#[test]
fn recovery_killed_anywhere() {
    let recover = |site: &Site| {
        [
            "restore",
            "--recover",
            "--root",
            &site.root().display().to_string(),
        ]
        .map(String::from)
        .to_vec()
    };
    let counted = |site: &Site, arguments: &[String], fault: &str| -> usize {
        let counter = site.beside("count");
        run(arguments, fault, Some(&counter));
        noted(&counter).len()
    };
    let probe = site();
    // Late enough that everything was written.
    let late = format!("kill-before:{}", counted(&probe, &enable(&probe), "none:0") - 3);
    let probe = site();
    assert_eq!(run(&enable(&probe), &late, None), None);
    let operations = counted(&probe, &recover(&probe), "none:0");
    for kind in &KINDS {
        for at in (1..=operations).step_by(STEP) {
            let site = site();
            let before = state(&site);
            assert_eq!(run(&enable(&site), &late, None), None);
            run(&recover(&site), &format!("{kind}:{at}"), None);
            site.run(&["restore", "--recover"]).run().expect_code(0);
            assert_eq!(state(&site), before, "{kind}:{at}");
        }
    }
    eprintln!(
        "recovery disturbed at {} points",
        operations.div_ceil(STEP) * KINDS.len()
    );
}

/// The whole program, killed at every system call that writes, by strace.
#[cfg(target_os = "linux")]
#[test]
fn killed_at_every_writing_system_call() {
    const CALLS: &str = "?write,?pwrite64,?fsync,?fdatasync,?rename,?renameat,?renameat2,?unlink,?unlinkat,?rmdir,\
                         ?mkdir,?mkdirat,?link,?linkat,?symlink,?symlinkat,?chmod,?fchmod,?fchmodat,?chown,?fchown,\
                         ?fchownat,?fsetxattr,?ftruncate";
    let strace = |arguments: &[String], at: usize| {
        let mut command = Command::new("strace");
        command.args(["-qq", "-o", "/dev/null", "-f", "-e"]);
        command.arg(format!("inject={}:signal=KILL:when={at}", CALLS.replace(' ', "")));
        command.arg(support::program::binary()).args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status()
    };
    if strace(&["--version".to_owned()], 1000).is_err() {
        support::skip("no strace; tests/run installs it");
        return;
    }
    let mut points = 0;
    for (prepare, arguments) in [
        (
            &(|_: &Site| ()) as &dyn Fn(&Site),
            &enable as &dyn Fn(&Site) -> Vec<String>,
        ),
        (&enabled, &disable),
        (&enabled, &restore),
        (&enabled, &disable),
    ] {
        let mut after = None;
        // The last round is the one that is not killed any more.
        for at in (1..).step_by(1) {
            let site = site();
            prepare(&site);
            let before = state(&site);
            let status = strace(&arguments(&site), at).expect("strace");
            let ended = status.success();
            site.run(&["restore", "--recover"]).run().expect_code(0);
            let now = state(&site);
            if now != before {
                let now = shape(&now);
                assert_eq!(*after.get_or_insert_with(|| now.clone()), now, "system call {at}");
            }
            if ended {
                assert!(now != before, "nothing was written");
                break;
            }
            points += 1;
        }
    }
    assert!(points > 50, "strace killed nothing");
    eprintln!("killed at {points} system calls");
}

/// Runs the program where a shell has mounted something, in a mount namespace of its own.
#[cfg(target_os = "linux")]
mod mounted {
    use super::*;

    /// `set_up` is shell text with `$root` for the server root.
    fn run(site: &Site, set_up: &str) -> Option<std::process::Output> {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-euc"]);
        command.arg(format!("{set_up}\nshift; exec \"$@\""));
        command
            .arg("sh")
            .arg("x")
            .arg(support::program::binary())
            .args(enable(site));
        command
            .env("root", site.root())
            .env("beside", site.beside(""))
            .stdin(Stdio::null());
        if !nix::unistd::geteuid().is_root() {
            support::skip("only root may mount");
            return None;
        }
        Some(command.output().expect("unshare"))
    }

    fn said(output: &std::process::Output) -> String {
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    #[test]
    fn a_file_system_that_fills_up() {
        let mut codes = BTreeMap::new();
        // Full at every page from where the tree itself just fits to where all fits.
        for pages in 1..40 {
            let site = site();
            let before = state(&site);
            // What is there afterwards is copied out of the namespace.
            let set_up = format!(
                "cp -a \"$root\" \"$beside/copy\"\nsize=$(du -sk \"$root\" | cut -f1)\n\
                 mount -t tmpfs -o size=$((size * 1024 + {pages} * 4096)) none \"$root\"\n\
                 cp -a \"$beside/copy/.\" \"$root\" || exit 42\nrm -r \"$beside/copy\"\n\
                 end() {{ status=$?; cp -a \"$root\" \"$beside/after\"; exit $status; }}\n\
                 run() {{ shift; \"$@\"; }}\nset +e\nrun \"$@\"; end"
            );
            let Some(output) = run(&site, &set_up) else { return };
            let code = output.status.code();
            *codes.entry(code).or_insert(0) += 1;
            match code {
                Some(42) => continue,
                Some(0) => break,
                Some(1) => {}
                _ => panic!("{pages}: {code:?}: {}", said(&output)),
            }
            fs::remove_dir_all(site.root()).expect("the old tree");
            fs::rename(site.beside("after"), site.root()).expect("the tree of the namespace");
            assert_eq!(state(&site), before, "{pages}: {}", said(&output));
        }
        assert!(
            codes.contains_key(&Some(0)) && codes.contains_key(&Some(1)),
            "{codes:?}"
        );
        eprintln!("full at {codes:?}");
    }

    #[test]
    fn a_read_only_mount() {
        let site = site();
        let before = state(&site);
        let set_up = "mount --bind \"$root\" \"$root\"\nmount -o remount,bind,ro \"$root\"";
        let Some(output) = run(&site, set_up) else { return };
        assert_eq!(output.status.code(), Some(8), "{}", said(&output));
        assert_eq!(state(&site), before);
    }

    #[test]
    fn a_file_that_is_mounted_by_itself() {
        let site = site();
        let set_up = "mount -t tmpfs none /mnt\ncp \"$root/conf/httpd.conf\" /mnt/one\n\
                      mount --bind /mnt/one \"$root/conf/httpd.conf\"";
        let before = state(&site);
        let Some(output) = run(&site, set_up) else { return };
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        assert!(said(&output).contains("is a mount point"), "{}", said(&output));
        assert_eq!(state(&site), before);
    }

    #[test]
    fn a_file_on_another_device_behind_a_link() {
        let site = site();
        let set_up = "mount -t tmpfs none /mnt\ncp \"$root/conf/httpd.conf\" /mnt/httpd.conf\n\
                      ln -sf /mnt/httpd.conf \"$root/conf/httpd.conf\"\n\
                      run() { shift; \"$@\"; }\nset +e\nrun \"$@\"; status=$?\n\
                      grep -q SSLEngine /mnt/httpd.conf || status=43\n\
                      [ -L \"$root/conf/httpd.conf\" ] || status=44\nexit $status";
        let Some(output) = run(&site, set_up) else { return };
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }

    #[test]
    fn an_immutable_file() {
        let site = site();
        let main = site.main();
        let chattr = |flag: &str| {
            Command::new("chattr")
                .arg(flag)
                .arg(&main)
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        if !chattr("+i") {
            support::skip("no file can be made immutable here");
            return;
        }
        let before = state(&site);
        let outcome = support::program::esync_ssl().args(enable(&site)).run();
        let after = state(&site);
        assert!(chattr("-i"));
        let outcome = outcome.expect_code(4);
        assert!(
            outcome.stderr_text().contains("immutable"),
            "{}",
            outcome.report()
        );
        assert_eq!(before, after);
    }
}
