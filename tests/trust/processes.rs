//! Which processes are believed: those of root's and ours that are servers, and a PidFile that nobody else may write.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support;
use crate::support::apache_site::{ApacheSite, DOMAIN};
use crate::support::network::Network;
use crate::support::others::{NOBODY, give_all, is_root, mode};
use crate::support::process::Outcome;
use crate::support::program::esync_ssl;
use crate::support::running::Site;
use crate::support::site::Site as Small;
use crate::support::stranger::{Background, Notes, as_nobody};
use crate::support::{files, limited, mounts};
use esync_ssl::server::port::process;

/// A server root beside which a program lies that belongs to somebody else, and passes for a running Apache.
struct Planted {
    site: Small,
    notes: Notes,
    _running: Background,
}

impl Planted {
    /// Run by somebody else, or by root.
    fn new(is_strangers: bool) -> Option<Planted> {
        if !is_root() {
            return None;
        }
        Network::enter();
        let site = Small::new();
        let notes = Notes::new(site.beside("notes"));
        let program = site.beside("own/apache2");
        fs::create_dir(site.beside("own")).expect("a folder");
        notes.compiled(&program, false)?;
        let mut command = if is_strangers {
            give_all(&site.beside("own"));
            as_nobody(&program)
        } else {
            Command::new(&program)
        };
        let running = Background::start(command.args(["-k", "start"]), || !notes.lines().is_empty());
        notes.clear();
        Some(Planted {
            site,
            notes,
            _running: running,
        })
    }

    /// Commands with this and that named, and with nothing.
    fn commands(&self) -> Vec<Outcome> {
        let httpd = self.site.beside("httpd");
        Notes::new(self.site.beside("named")).httpd(&httpd);
        let mut outcomes = vec![
            esync_ssl().arg("status").run(),
            esync_ssl().arg("lint").run(),
            self.site.run(&["lint"]).arg("--httpd").arg(&httpd).run(),
            self.site.run(&["status"]).arg("--httpd").arg(&httpd).run(),
        ];
        let enable = self.site.self_signed().args(["--dry-run", "--no-rehearsal"]);
        outcomes.push(enable.arg("--httpd").arg(&httpd).run());
        outcomes
    }
}

#[test]
fn a_strangers_program_is_never_run() {
    let Some(planted) = Planted::new(true) else { return };
    let mut outcomes = planted.commands();
    for words in [&["status"][..], &["lint"], &["check"], &["report", "--yes", "-"]] {
        outcomes.push(planted.site.run(words).run());
    }
    for outcome in outcomes {
        assert_eq!(
            planted.notes.lines(),
            Vec::<String>::new(),
            "{}",
            outcome.report()
        );
        assert!(
            !outcome.stderr_text().contains("the running Apache"),
            "{}",
            outcome.report()
        );
    }
}

#[test]
fn with_root_and_httpd_named_no_other_is_asked() {
    let Some(planted) = Planted::new(false) else {
        return;
    };
    let httpd = planted.site.beside("httpd");
    Notes::new(planted.site.beside("named")).httpd(&httpd);
    for words in [&["status"][..], &["lint"], &["check"], &["backups"]] {
        let outcome = planted.site.run(words).arg("--httpd").arg(&httpd).run();
        assert_eq!(
            planted.notes.lines(),
            Vec::<String>::new(),
            "{}",
            outcome.report()
        );
    }
    // Without that it is: it is root's, and only it knows where it has its files.
    planted.site.run(&["status"]).run().expect_code(0);
    assert!(!planted.notes.lines().is_empty());
}

/// Says that its command line is 8 GiB of zeroes, and that it is an httpd.
const ENDLESS: &str = r#"
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <linux/prctl.h>
#include <unistd.h>
int main(int count, char **words) {
    unsigned long at[52] = {0};
    char name[64];
    FILE *stat = fopen("/proc/self/stat", "r");
    fscanf(stat, "%*d %63s %*c", name);
    for (int field = 4; field <= 52; field++) { long long one = 0; fscanf(stat, "%lld", &one); at[field - 1] = one; }
    unsigned long length = 8ul << 30;
    char *line = mmap(0, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct prctl_mm_map map = {
        .start_code = at[25], .end_code = at[26], .start_stack = at[27], .start_data = at[44], .end_data = at[45],
        .start_brk = at[46], .brk = (unsigned long) sbrk(0), .arg_start = (unsigned long) line,
        .arg_end = (unsigned long) line + length, .env_start = at[49], .env_end = at[50], .exe_fd = -1,
    };
    prctl(PR_SET_NAME, "httpd");
    int failed = line == MAP_FAILED || prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0);
    FILE *mark = fopen(words[1], "w");
    fputs(failed ? "failed" : "done", mark);
    fclose(mark);
    for (;;) pause();
}
"#;

#[test]
fn a_command_line_without_end_uses_up_no_memory() {
    if !is_root() {
        return;
    }
    let site = Small::new();
    let (source, program) = (site.beside("endless.c"), site.beside("own/endless"));
    let mark = site.beside("own/mark");
    files::write(&source, ENDLESS);
    fs::create_dir(site.beside("own")).expect("a folder");
    mode(&site.beside("own"), 0o777);
    let mut compile = Command::new("cc");
    compile.arg("-w").arg("-o").arg(&program).arg(&source);
    if !compile.status().is_ok_and(|status| status.success()) {
        return support::skip("no C compiler");
    }
    let said = || fs::read_to_string(&mark).unwrap_or_default();
    let endless = Background::start(as_nobody(&program).arg(&mark), || !said().is_empty());
    if said() != "done" {
        return support::skip("this kernel lets no process say where its command line is");
    }
    assert_eq!(
        process(endless.pid()).map(|process| process.arguments),
        Some(Vec::new())
    );
    for words in [&["status"][..], &["ports"]] {
        let most = most_memory(&mut limited::limited(&site.root(), words, "/dev/null"));
        assert!(most < 150_000, "{words:?}: {most} kB");
    }
}

/// So many kB a program has in memory at its worst moment.
fn most_memory(command: &mut Command) -> u64 {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a child");
    let mut most = 0;
    while child.try_wait().expect("its state").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let now = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now = now.and_then(|now| now.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(now.unwrap_or_default());
    }
    assert!(most > 0);
    most
}

#[test]
fn a_strangers_command_line_is_not_read() {
    if !is_root() {
        return;
    }
    let arguments = |command: &mut Command| {
        let sleeps =
            |pid: u32| fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name == "sleep\n");
        let running = Background::start(command, || true);
        // It has its name a moment before its command line.
        let line = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        while !sleeps(running.pid()) || line(running.pid()).is_empty() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        process(running.pid()).expect("a process").arguments
    };
    let sleep = Path::new("/bin/sleep");
    assert_eq!(arguments(Command::new(sleep).arg("1000")), ["/bin/sleep", "1000"]);
    assert_eq!(arguments(as_nobody(sleep).arg("1000")), Vec::<String>::new());
    // Whoever's it is, what is cut is not believed.
    let long = "0".repeat(100_000);
    let zeros = [&*long, &*long, "1000"];
    assert_eq!(arguments(Command::new(sleep).args(zeros)), Vec::<String>::new());
}

#[test]
fn a_strangers_environment_is_not_handed_on() {
    if !is_root() {
        return;
    }
    let Some(site) = ApacheSite::new("") else { return };
    let notes = Notes::new(site.folder.path().join("notes"));
    let library = site.folder.path().join("own/evil.so");
    fs::create_dir(site.folder.path().join("own")).expect("a folder");
    if notes.compiled(&library, true).is_none() {
        return;
    }
    let main = site.root().join("conf/httpd.conf");
    // Only into the server: setpriv would wait as well.
    let mut preloaded = as_nobody(Path::new("/usr/bin/env"));
    preloaded
        .arg(format!("LD_PRELOAD={}", library.display()))
        .arg(&site.httpd.binary);
    preloaded.arg("-d").arg(site.root()).arg("-f").arg(&main);
    let _running = Background::start(&mut preloaded, || !notes.lines().is_empty());
    notes.clear();
    let port = site.network.https.to_string();
    for named in [true, false] {
        let mut program = esync_ssl().args(["enable", "--self-signed", "--domain", DOMAIN, "--port", &port]);
        program = program.arg(if named { "--yes" } else { "--dry-run" });
        program = program.arg("--root").arg(site.root());
        if named {
            program = program.arg("--httpd").arg(&site.httpd.binary);
        }
        let outcome = program.run().expect_code(0);
        assert_eq!(notes.by_root(), Vec::<String>::new(), "{}", outcome.report());
    }
}

#[test]
fn a_server_that_is_started_finds_what_its_configuration_names() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let main = site.root().join("conf/httpd.conf");
    let text = fs::read_to_string(&main).expect("the main file");
    fs::write(&main, format!("{text}ServerAdmin ${{SITE_ADMIN}}\n")).expect("the main file");
    let names = ["SITE_ADMIN", "APACHE_SITE", "OTHER", "PYTHONPATH", "LD_BIND_NOW"];
    let text: String = names
        .iter()
        .map(|name| format!("export {name}=admin@example.com\n"))
        .collect();
    files::write(&site.root().join("envvars"), text);
    site.run(&["restart"], 0);
    let pid = site.daemon.pid().expect("a server");
    let environment = fs::read(format!("/proc/{}/environ", pid.trim())).expect("its environment");
    let environment = String::from_utf8(environment).expect("text");
    let mut names: Vec<&str> = environment
        .split_terminator('\0')
        .map(|pair| pair.split('=').next().unwrap_or_default())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["APACHE_SITE", "LANG", "LC_ALL", "PATH", "SITE_ADMIN"]);
    site.daemon.stop();
}

#[test]
fn a_rehearsal_is_never_taken_for_the_server() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let done = AtomicBool::new(false);
    let look = |words: &[&str]| esync_ssl().args(words).run();
    // Threads that are started here are in the network of this one.
    std::thread::scope(|scope| {
        let rehearsing = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) && count < 200 {
                site.run(&["check"], 0);
                count += 1;
            }
            count
        });
        let wrong: Vec<String> = (0..25)
            .flat_map(|_| {
                [
                    look(&["status"]),
                    look(&[
                        "enable",
                        "--dry-run",
                        "--no-rehearsal",
                        "--self-signed",
                        "--domain",
                        DOMAIN,
                    ]),
                ]
            })
            .map(|outcome| outcome.stderr_text() + &outcome.stdout_text())
            .filter(|said| said.contains("the running Apache") || said.contains("rehearsal-"))
            .collect();
        done.store(true, Ordering::Relaxed);
        assert!(rehearsing.join().expect("rehearsals") > 0);
        assert_eq!(wrong, Vec::<String>::new());
    });
}

#[test]
fn a_pid_file_that_others_may_write_is_not_believed() {
    if !is_root() {
        return;
    }
    let Some(site) = Site::new() else { return };
    site.daemon.start();
    let pid = site.daemon.pid().expect("a server");
    // Another server of root's, which `httpd -k` would end.
    let logs = site.root().join("logs");
    let file = logs.join("httpd.pid");
    chown(&logs, Some(NOBODY), None).expect("another owner");
    for words in [&["restart"][..], &["restart", "--graceful"]] {
        let outcome = esync_ssl()
            .args(words)
            .arg("--root")
            .arg(site.root())
            .arg("--httpd")
            .arg(&site.httpd.binary)
            .run();
        assert!(matches!(outcome.code, Some(1 | 4)), "{}", outcome.report());
        let said = outcome.stderr_text();
        let named = format!("{} belongs to nobody (uid 65534), mode 0755", logs.display());
        assert!(
            said.contains("PidFile") && said.contains(&named),
            "{}",
            outcome.report()
        );
    }
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["parent_pid"], serde_json::Value::Null, "{ports}");
    assert_eq!(fs::read_to_string(&file).expect("the PidFile"), pid);
    assert!(site.daemon.runs());
    chown(&logs, Some(0), None).expect("the owner");
    // A number that is left over may be that of somebody's own process, be it of the very program.
    site.daemon.stop();
    let own = site.folder.path().join("own");
    let shown = own.display();
    let text = format!(
        "ServerRoot \"{shown}\"\n{}Listen 8099\nServerName {DOMAIN}\nPidFile pid\nErrorLog error.log\n\
         DefaultRuntimeDir \"{shown}\"\nMutex \"file:{shown}\" default\n",
        site.httpd.load(&["mpm_event", "authz_core", "unixd"])
    );
    files::write(&own.join("httpd.conf"), text);
    give_all(&own);
    let mut command = as_nobody(&site.httpd.binary);
    command.arg("-X").arg("-f").arg(own.join("httpd.conf"));
    let stranger = Background::start(&mut command, || own.join("pid").exists());
    files::write(&file, stranger.pid().to_string());
    let ports = site.json(&["ports"], 0);
    assert_eq!(ports["parent_pid"], serde_json::Value::Null, "{ports}");
}

/// Debian's unit gives its server a `/tmp` of its own, and so mounts of its own. In a container it has other files.
#[test]
fn a_server_with_mounts_of_its_own_is_found() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    let Some(site) = Site::new() else { return };
    let root = site.root();
    for (is_container, script) in [
        (false, "mount -t tmpfs none /mnt && exec \"$@\""),
        (
            true,
            "mount -t tmpfs none /mnt && for name in usr lib lib64 bin etc dev proc tmp; do \
             mkdir /mnt/$name && mount --rbind /$name /mnt/$name || exit; done && exec chroot /mnt \"$@\"",
        ),
    ] {
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", script, "sh"]);
        command.arg(&site.httpd.binary).arg("-DFOREGROUND");
        command
            .arg("-d")
            .arg(&root)
            .arg("-f")
            .arg(root.join("conf/httpd.conf"));
        let _server = Background::start(&mut command, || site.daemon.pid().is_some());
        let status = esync_ssl().arg("status").run();
        let is_found = status.stdout_text().contains("the running Apache, process");
        assert_eq!(is_found, !is_container, "{}", status.report());
        site.daemon.stop();
    }
}

#[test]
fn a_mount_in_a_folder_for_all_is_not_trusted() {
    if !is_root() || !mounts::isolate() {
        return;
    }
    // What others may mount there shows files of root's as they like.
    let site = Small::new();
    let notes = Notes::new(site.beside("notes"));
    notes.httpd(&site.root().join("bin/httpd"));
    let over = tempfile::Builder::new()
        .prefix("esync-ssl-test-")
        .tempdir()
        .expect("a folder");
    mounts::lay_memory(over.path());
    files::copy_tree(&site.root(), over.path());
    notes.httpd(&over.path().join("bin/httpd"));
    notes.clear();
    let outcome = esync_ssl().arg("lint").arg("--root").arg(over.path()).run();
    assert!(
        outcome.stderr_text().contains("is not run"),
        "{}",
        outcome.report()
    );
    assert_eq!(notes.lines(), Vec::<String>::new());
}
