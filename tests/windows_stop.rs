//! How a run stops on Windows: whatever happens to its console, what was begun is undone, and nothing is left behind.
//! This program is also the httpd that is slow: under the name httpd.exe it answers through the real one. And it starts
//! a run at a console, and outlives what is typed there.
//!
//! Events come from tests/windows/console.c, which says how they reach a process under wine: Ctrl-C is typed, as anybody
//! would; the others begin in the process as Windows begins them, because wine has no way to cause them. What comes
//! after the handlers is that program's as well: it ends a process whose console closed as soon as they return, and
//! after five seconds. So it is not shown that Windows itself grants this time, nor what its console sends to others.

#[cfg(windows)]
mod support;

#[cfg(not(windows))]
fn main() {}

#[cfg(windows)]
fn main() {
    let name = std::env::current_exe().expect("this program");
    if name.file_name().is_some_and(|name| name == "httpd.exe") {
        stand_in::main();
    } else if std::env::args()
        .nth(1)
        .is_some_and(|word| word == at_console::HERE)
    {
        at_console::main();
    } else {
        tests::main();
    }
}

/// What the slow httpd is told by files beside it, and what it shows there.
#[cfg(windows)]
mod beside {
    /// The path of the real one.
    pub const REAL: &str = "real";
    /// At what it is slow.
    pub const SLOW: &str = "slow";
    /// Open as long as it lives, and as long as what it started lives.
    pub const ALIVE: [&str; 2] = ["alive", "alive-below"];
    /// It is slow to serve.
    pub const TO_SERVE: &str = "serve";
    /// It is slow to say whether it accepts what was written.
    pub const TO_JUDGE: &str = "judge";
}

#[cfg(windows)]
mod stand_in {
    use std::fs;
    use std::path::Path;
    use std::process::Command;
    use std::time::Duration;

    use super::beside::{ALIVE, REAL, SLOW, TO_JUDGE, TO_SERVE};
    use super::support::process;

    /// Starts another one that is as slow.
    const BELOW: &str = "below";

    pub fn main() {
        let own = std::env::current_exe().expect("this program");
        let folder = own.parent().expect("its folder");
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let is = |word: &str| arguments.iter().any(|argument| argument == word);
        if is(BELOW) {
            let _open = open(&folder.join(ALIVE[1]));
            std::thread::sleep(Duration::from_secs(100));
            return;
        }
        let slow = fs::read_to_string(folder.join(SLOW)).unwrap_or_default();
        let is_written = folder.with_file_name(super::tests::UNFINISHED).exists();
        if slow == TO_SERVE && is("-X") || slow == TO_JUDGE && is("-t") && is_written {
            let _open = open(&folder.join(ALIVE[0]));
            let _ = process::status(Command::new(&own).arg(BELOW));
            std::process::exit(1);
        }
        let real = fs::read_to_string(folder.join(REAL)).expect("the place of the real httpd");
        let status = process::status(Command::new(real).args(arguments)).expect("the real httpd");
        std::process::exit(status.code().unwrap_or(1));
    }

    /// A file that nobody can remove as long as it is open.
    fn open(file: &Path) -> fs::File {
        use std::os::windows::fs::OpenOptionsExt;
        let mut options = fs::File::options();
        let options = options.write(true).create(true).share_mode(0);
        options.open(file).expect("a file")
    }
}

#[cfg(windows)]
mod at_console {
    use std::fs::{self, File};
    use std::process::{Command, Stdio};

    use esync_ssl::interrupt::{self, Hold};

    /// The first argument. Those after it: a file for the number of the run, one for what it says, and its command.
    pub const HERE: &str = "at-console";

    pub fn main() {
        // Ctrl-C at this console is for the run.
        interrupt::listen();
        let _hold = Hold::new();
        let words: Vec<String> = std::env::args().skip(2).collect();
        let [number, said, program, arguments @ ..] = &words[..] else {
            panic!("{words:?}");
        };
        let said = File::create(said).expect("a file");
        let keyboard = File::options().read(true).write(true).open("CONIN$");
        let mut command = Command::new(program);
        command.stdin(keyboard.expect("the keyboard"));
        command.args(arguments).stdout(Stdio::null()).stderr(said);
        let mut child = super::support::process::start(&mut command).expect("a run");
        fs::write(number, child.id().to_string()).expect("a file");
        let status = child.wait().expect("its end");
        std::process::exit(status.code().unwrap_or(1));
    }
}

#[cfg(windows)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{self, File};
    use std::os::windows::process::CommandExt;
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use super::at_console;
    use super::beside::{ALIVE, REAL, SLOW, TO_JUDGE, TO_SERVE};
    use super::support;
    use super::support::apache::Httpd;
    use super::support::certificates::{Authority, Leaf};
    use super::support::process;
    use super::support::program::command;
    use super::support::{
        files::{self, forward},
        plain::{self, Turns},
    };

    const NAME: &str = "machines.example.com";
    /// The journal, from the folder around the server root.
    pub const UNFINISHED: &str = r"Apache24\conf\esync-ssl-backup\unfinished";
    const CREATE_NEW_CONSOLE: u32 = 0x10;

    const CTRL_C: u32 = 0;
    const CTRL_BREAK: u32 = 1;
    const CLOSE: u32 = 2;
    const LOGOFF: u32 = 5;
    const SHUTDOWN: u32 = 6;

    pub fn main() {
        let all: [(&str, fn()); 5] = [
            (
                "ctrl_c_in_the_middle_of_a_change_undoes_it",
                ctrl_c_in_the_middle_of_a_change_undoes_it,
            ),
            (
                "ctrl_break_in_the_middle_of_a_change_undoes_it",
                ctrl_break_in_the_middle_of_a_change_undoes_it,
            ),
            (
                "a_console_that_closes_in_the_middle_of_a_change",
                a_console_that_closes_in_the_middle_of_a_change,
            ),
            (
                "events_in_a_rehearsal_leave_nothing",
                events_in_a_rehearsal_leave_nothing,
            ),
            ("ctrl_c_at_the_prompt", ctrl_c_at_the_prompt),
        ];
        plain::run(&all, Turns::Each, |test| test());
    }

    /// A server root, and around it an httpd that is slow when it is told.
    struct Site {
        folder: tempfile::TempDir,
        leaf: Leaf,
        console: PathBuf,
    }

    impl Site {
        fn new() -> Option<Site> {
            let built = Httpd::find()?;
            let Some(console) = std::env::var_os("ESYNC_SSL_TEST_CONSOLE").map(PathBuf::from) else {
                support::skip("nothing causes the events of a console; tests/windows/session builds it");
                return None;
            };
            let folder = files::folder();
            let leaf = Authority::new(&folder.path().join("certificates")).leaf("leaf", &[NAME]);
            let site = Site {
                folder,
                leaf,
                console,
            };
            let root = site.root();
            fs::create_dir_all(root.join("logs")).expect("a folder");
            files::write(&root.join("htdocs/index.html"), "hello");
            let text = format!(
                "ServerRoot \"{root}\"\r\n{load}#{tls}ServerName {NAME}\r\nListen 127.0.0.1:8080\r\n\
                 DocumentRoot \"{root}/htdocs\"\r\n",
                root = forward(&root),
                load = built.load(&["authz_core", "dir", "alias", "rewrite", "socache_shmcb"]),
                tls = built.load(&["ssl"]),
            );
            files::write(
                &root.join("conf/httpd.conf"),
                text.replace("\r\n", "\n").replace('\n', "\r\n"),
            );
            let real = &built.binary;
            files::write(&site.beside(REAL), real.display().to_string());
            fs::copy(std::env::current_exe().expect("this program"), site.httpd()).expect("the stand-in");
            Some(site)
        }

        fn root(&self) -> PathBuf {
            self.folder.path().join("Apache24")
        }

        fn beside(&self, name: &str) -> PathBuf {
            self.folder.path().join("bin").join(name)
        }

        fn httpd(&self) -> PathBuf {
            self.beside("httpd.exe")
        }

        /// Everything below the server root but logs, and but the lock, which stays on Windows with its folder.
        fn files(&self) -> BTreeMap<String, Vec<u8>> {
            let backups = "conf/esync-ssl-backup/";
            let lock = format!("{backups}lock");
            let all = files::snapshot(&self.root()).into_iter();
            all.filter(|(name, _)| !name.starts_with("logs/") && name != backups && *name != lock)
                .collect()
        }

        fn main(&self) -> Vec<u8> {
            fs::read(self.root().join(r"conf\httpd.conf")).expect("the main file")
        }

        fn said_in(&self) -> PathBuf {
            self.folder.path().join("said")
        }

        fn said(&self) -> String {
            fs::read_to_string(self.said_in()).unwrap_or_default()
        }

        fn enable(&self, more: &[&str]) -> Command {
            let mut command = command();
            let words = "enable --http keep --port 8443 --copy-certs --domain";
            command.args(words.split(' ')).arg(NAME).args(more);
            let paths = [
                ("--root", &self.root()),
                ("--httpd", &self.httpd()),
                ("--cert", &self.leaf.certificate),
                ("--key", &self.leaf.key),
            ];
            for (flag, path) in paths {
                command.arg(flag).arg(path);
            }
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(self.said_in()).expect("a file"));
            command
        }

        /// Causes an event, so often, in a process.
        fn cause(&self, event: u32, pid: u32, times: u32) -> process::Outcome {
            let mut cause = Command::new(&self.console);
            cause
                .arg("event")
                .args([event, pid, times].map(|number| number.to_string()));
            process::finish(&mut cause, Duration::from_secs(60))
        }

        #[track_caller]
        fn wait_until(&self, what: &str, mut is: impl FnMut() -> bool) {
            let start = Instant::now();
            while !is() {
                assert!(
                    start.elapsed() < Duration::from_secs(60),
                    "never {what}: {}",
                    self.said()
                );
                std::thread::sleep(Duration::from_millis(10));
            }
        }

        /// A run of which httpd is slow at something, and in which an event happens then.
        #[track_caller]
        fn interrupted(&self, slow_at: &str, event: u32, times: u32) {
            let before = self.files();
            files::write(&self.beside(SLOW), slow_at);
            let mut enable = self.enable(&["--yes"]);
            let mut child = process::start(enable.creation_flags(CREATE_NEW_CONSOLE)).expect("a run");
            self.wait_until("slow", || {
                let over = child.try_wait().expect("its state");
                assert_eq!(over, None, "{}", self.said());
                ALIVE.iter().all(|name| self.beside(name).exists())
            });
            // What is judged is on the disk.
            let is_written = self.main() != before["conf/httpd.conf"];
            assert_eq!(is_written, slow_at == TO_JUDGE, "{}", self.said());
            let cause = self.cause(event, child.id(), times);
            let code = self.end_of(&mut child);
            let when = format!(
                "{event} while slow to {slow_at}: {}\n{}",
                cause.report(),
                self.said()
            );
            assert_eq!(code, Some(10), "{when}");
            assert_eq!(cause.code, Some(0), "{when}");
            assert!(self.said().contains("interrupted"), "{when}");
            assert_eq!(self.files(), before, "{when}");
            // Nobody holds these any more.
            for name in ALIVE {
                self.wait_until(name, || fs::remove_file(self.beside(name)).is_ok());
            }
            assert_eq!(rehearsals(), Vec::<PathBuf>::new(), "{when}");
        }

        #[track_caller]
        fn end_of(&self, child: &mut Child) -> Option<i32> {
            let mut ended = None;
            let start = Instant::now();
            while ended.is_none() && start.elapsed() < Duration::from_secs(60) {
                ended = child.try_wait().expect("its state");
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            ended.expect("an end").code()
        }
    }

    /// What lies where rehearsals are.
    fn rehearsals() -> Vec<PathBuf> {
        let entries = fs::read_dir(std::env::temp_dir().join("esync-ssl"));
        let entries = entries.into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }

    fn ctrl_c_in_the_middle_of_a_change_undoes_it() {
        let Some(site) = Site::new() else { return };
        site.interrupted(TO_JUDGE, CTRL_C, 1);
        site.interrupted(TO_JUDGE, CTRL_C, 2);
    }

    fn ctrl_break_in_the_middle_of_a_change_undoes_it() {
        let Some(site) = Site::new() else { return };
        site.interrupted(TO_JUDGE, CTRL_BREAK, 1);
        site.interrupted(TO_JUDGE, CTRL_BREAK, 2);
    }

    /// All is undone before the system ends us.
    fn a_console_that_closes_in_the_middle_of_a_change() {
        let Some(site) = Site::new() else { return };
        for event in [CLOSE, LOGOFF, SHUTDOWN] {
            site.interrupted(TO_JUDGE, event, 1);
        }
    }

    fn events_in_a_rehearsal_leave_nothing() {
        let Some(site) = Site::new() else { return };
        for event in [CTRL_C, CTRL_BREAK, CLOSE] {
            site.interrupted(TO_SERVE, event, 1);
        }
    }

    fn ctrl_c_at_the_prompt() {
        let Some(site) = Site::new() else { return };
        let before = site.files();
        let number = site.folder.path().join("number");
        let enable = site.enable(&["--no-rehearsal"]);
        let mut run = Command::new(&site.console);
        run.arg("run").arg(std::env::current_exe().expect("this program"));
        run.arg(at_console::HERE).arg(&number).arg(site.said_in());
        run.arg(enable.get_program()).args(enable.get_args());
        let mut console = process::start(run.stdin(Stdio::null())).expect("a console");
        site.wait_until("asked", || {
            assert_eq!(console.try_wait().expect("its state"), None, "{}", site.said());
            site.said().contains("[y/N]")
        });
        let pid = fs::read_to_string(number).expect("the number of a process");
        site.cause(CTRL_C, pid.parse().expect("a number"), 1)
            .expect_code(0);
        let code = site.end_of(&mut console);
        assert_eq!(code, Some(10), "{}", site.said());
        assert!(
            site.said().contains("interrupted; nothing was changed"),
            "{}",
            site.said()
        );
        assert_eq!(site.files(), before, "{}", site.said());
    }
}
