//! A real Apache httpd: asked about configurations, and started on the loopback of a test.
//! It changes nothing in a configuration; what Apache must be told besides goes on its command line.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::process::{self, Outcome};

const PID_FILE: &str = "httpd.pid";

/// The httpd program of this machine and its modules.
#[derive(Clone, Debug)]
pub struct Httpd {
    /// The program itself: `apache2` on Debian, `httpd` elsewhere.
    pub binary: PathBuf,
    /// The folder with the `mod_*.so` files.
    pub modules: PathBuf,
    built_in: Vec<String>,
}

impl Httpd {
    /// Finds the program: `ESYNC_SSL_TEST_HTTPD` and `ESYNC_SSL_TEST_HTTPD_MODULES`, else the usual places.
    /// Without one the test is reported as skipped (an error in CI) and the caller returns.
    pub fn find() -> Option<Self> {
        let binary = from_environment("ESYNC_SSL_TEST_HTTPD").or_else(|| {
            first_there(&[
                "/usr/sbin/apache2",
                "/usr/sbin/httpd",
                "/usr/local/apache2/bin/httpd",
            ])
        });
        let modules = from_environment("ESYNC_SSL_TEST_HTTPD_MODULES").or_else(|| {
            first_there(&[
                "/usr/lib/apache2/modules",
                "/usr/lib64/httpd/modules",
                "/usr/local/apache2/modules",
            ])
        });
        let (Some(binary), Some(modules)) = (binary, modules) else {
            super::skip("no Apache httpd found; tests/run installs it");
            return None;
        };
        let listed = process::finish(Command::new(&binary).arg("-l"), Duration::from_secs(20)).expect_code(0);
        let built_in = listed.stdout_text();
        let built_in = built_in
            .lines()
            .filter_map(|line| line.trim().strip_suffix(".c"))
            .map(Into::into);
        Some(Self {
            built_in: built_in.collect(),
            binary,
            modules,
        })
    }

    /// Whether the module is part of the program itself, by its file's name without ending: `mod_log_config`.
    /// Apache refuses a LoadModule line for such a module.
    pub fn has_built_in(&self, module: &str) -> bool {
        self.built_in.iter().any(|built_in| built_in == module)
    }

    /// Whether `LoadModule` can load this module here: `mod_ssl`.
    pub fn can_load(&self, module: &str) -> bool {
        !self.has_built_in(module) && self.modules.join(format!("{module}.so")).is_file()
    }

    /// LoadModule lines for these modules (`ssl`, `mpm_event`), less those that are built in.
    pub fn load(&self, modules: &[&str]) -> String {
        let loadable = modules
            .iter()
            .filter(|module| !self.has_built_in(&format!("mod_{module}")));
        loadable
            .map(|module| format!("{}\n", self.load_module(module)))
            .collect()
    }

    /// Prepares a question about the configuration `file` of the server root (`-d`, `-f`).
    pub fn ask(&self, root: &Path, file: &Path) -> Ask {
        let mut ask = Ask {
            httpd: self.clone(),
            arguments: Vec::new(),
            root: root.to_owned(),
            environment: Vec::new(),
        };
        ask.push("-d", root);
        ask.push("-f", file);
        ask
    }

    /// Makes a server root for Windows one for this Apache: its modules come in place of the placeholders under
    /// `modules/`, the server root `C:/eSync/Apache24` becomes `root`, and LoadModule lines of modules that do not
    /// exist here or are built in go.
    pub fn bring_modules(&self, root: &Path) {
        let mut absent = Vec::new();
        let modules = root.join("modules");
        for (name, _) in super::files::snapshot(&modules) {
            let real = self.modules.join(&name);
            let placeholder = modules.join(&name);
            fs::remove_file(&placeholder).expect("a placeholder goes");
            if real.exists() {
                std::os::unix::fs::symlink(real, placeholder).expect("a link to a module");
            } else {
                absent.push(format!(" modules/{name}"));
            }
        }
        let root_text = root.to_str().expect("a printable path");
        for (name, bytes) in super::files::snapshot(&root.join("conf")) {
            if !name.ends_with(".conf") {
                continue;
            }
            let mut text = Vec::new();
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                // Only the server root and those lines, which are ASCII, change; every other byte stays.
                match std::str::from_utf8(line) {
                    Ok(line)
                        if line.starts_with("LoadModule")
                            && absent.iter().any(|name| line.contains(name)) => {}
                    Ok(line) => text.extend(line.replace("C:/eSync/Apache24", root_text).into_bytes()),
                    Err(_) => text.extend(line),
                }
            }
            fs::write(root.join("conf").join(&name), text).expect("a configuration file");
        }
    }

    /// Asks about `conf/httpd.conf` of such a server root. The error is what Apache says.
    #[track_caller]
    pub fn accepts(&self, root: &Path) -> Result<(), String> {
        let outcome = self.ask(root, Path::new("conf/httpd.conf")).supply_mpm().syntax();
        if outcome.code == Some(0) && outcome.stderr_text().contains("Syntax OK") {
            Ok(())
        } else {
            Err(outcome.report())
        }
    }

    fn load_module(&self, module: &str) -> String {
        format!(
            "LoadModule {module}_module \"{}/mod_{module}.so\"",
            self.modules.display()
        )
    }
}

/// A run of httpd on one configuration, being prepared.
#[derive(Clone)]
pub struct Ask {
    httpd: Httpd,
    root: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Ask {
    /// Sets a name for `<IfDefine>` (`-D`).
    pub fn define(mut self, name: &str) -> Self {
        self.push("-D", name);
        self
    }

    /// Reads this directive before the configuration (`-C`).
    pub fn before(mut self, directive: impl Into<OsString>) -> Self {
        self.push("-C", directive.into());
        self
    }

    /// Reads this directive after the configuration (`-c`).
    pub fn after(mut self, directive: impl Into<OsString>) -> Self {
        self.push("-c", directive.into());
        self
    }

    /// Sets an environment variable of the server.
    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Loads a multi-processing module where none is built in, for configurations that name none: Windows has
    /// only one, built in.
    pub fn supply_mpm(self) -> Self {
        let httpd = &self.httpd;
        if ["event", "worker", "prefork"]
            .iter()
            .any(|mpm| httpd.has_built_in(mpm) || httpd.has_built_in(&format!("mod_mpm_{mpm}")))
        {
            return self;
        }
        let line = httpd.load_module("mpm_event");
        self.before(line)
    }

    /// Whether Apache accepts the configuration (`-t`): exit code 0.
    #[track_caller]
    pub fn syntax(&self) -> Outcome {
        self.run(&["-t"])
    }

    /// What a `-t -D NAME` dump prints: `DUMP_CONFIG`, `DUMP_INCLUDES`, `DUMP_RUN_CFG`, `DUMP_VHOSTS`,
    /// `DUMP_MODULES`. `DUMP_CONFIG` is a service of mod_info, which is loaded for it.
    #[track_caller]
    pub fn dump(&self, name: &str) -> Outcome {
        let mut ask = self.clone();
        if name == "DUMP_CONFIG" && self.httpd.can_load("mod_info") {
            ask = ask.before(self.httpd.load_module("info"));
        }
        ask.run(&["-t", "-D", name])
    }

    /// Runs httpd with further arguments (`-S`, `-M`, `-L`, `-v`) until it ends.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        process::finish(self.command().args(arguments), Duration::from_secs(60))
    }

    /// Starts the server in the foreground and waits until every port accepts connections on 127.0.0.1.
    /// The text of a failure holds what httpd wrote and its error log. PidFile, mutexes and the runtime folder
    /// go to a temporary place; as root, children run as `www-data` unless the configuration says otherwise.
    pub fn start(&self, ports: &[u16]) -> Result<Apache, String> {
        let runtime = super::files::folder();
        let place = runtime.path().display();
        let mut ask = self
            .clone()
            .before(format!("DefaultRuntimeDir \"{place}\""))
            .before(format!("Mutex \"file:{place}\" default"))
            .before(format!("ErrorLog \"{place}/error.log\""))
            .after(format!("PidFile \"{place}/{PID_FILE}\""));
        if nix::unistd::geteuid().is_root() && self.httpd.has_built_in("mod_unixd") {
            ask = ask.before("User www-data").before("Group www-data");
        }
        let output = |name: &str| {
            Stdio::from(fs::File::create(runtime.path().join(name)).expect("a file for httpd's output"))
        };
        let mut command = ask.command();
        command
            .arg("-DFOREGROUND")
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"));
        let child = command
            .process_group(0)
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let mut server = Apache {
            child,
            runtime,
            root: self.root.clone(),
            shown: format!("{command:?}"),
        };
        server.wait_for(ports).map(|()| server)
    }

    fn push(&mut self, flag: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.arguments.push(flag.into());
        self.arguments.push(value.as_ref().to_owned());
    }

    fn command(&self) -> Command {
        // Should the test be killed, the kernel ends the server with the thread that started it.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "TERM", "--"])
            .arg(&self.httpd.binary)
            .args(&self.arguments);
        // A wide terminal or a foreign language must not change what httpd prints.
        command
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running server. Dropping it ends it with all its children.
#[derive(Debug)]
pub struct Apache {
    child: Child,
    runtime: TempDir,
    root: PathBuf,
    shown: String,
}

impl Apache {
    /// The parent process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the parent process is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Makes the server read its configuration again (`SIGUSR1`), as `httpd -k graceful` does.
    pub fn graceful(&self) {
        kill(self.process(), Signal::SIGUSR1).expect("a signal to the server");
    }

    /// Everything the server said: its output and every log file in its runtime folder and `logs/`.
    pub fn said(&self) -> String {
        let mut said = self.shown.clone();
        for folder in [self.runtime.path().to_owned(), self.root.join("logs")] {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            for file in entries.map(|entry| entry.path()).filter(|path| path.is_file()) {
                let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
                if !text.is_empty() {
                    said.push_str(&format!("\n--- {}\n{text}", file.display()));
                }
            }
        }
        said
    }

    fn wait_for(&mut self, ports: &[u16]) -> Result<(), String> {
        let start = Instant::now();
        // Listening alone says little: Apache opens its ports before it reads certificates, and may still give
        // up. It writes the PidFile when all that is behind it.
        let running = self.runtime.path().join(PID_FILE);
        loop {
            let all_listen = running.exists() && ports.iter().all(|&port| super::client::listens(port));
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("httpd ended at start with {status}: {}", self.said()));
            }
            if all_listen {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(30) {
                return Err(format!(
                    "httpd does not listen on {ports:?} after 30 s: {}",
                    self.said()
                ));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn process(&self) -> Pid {
        Pid::from_raw(self.child.id().try_into().expect("a process id that fits"))
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        // The parent's id is the group's: while the parent is not waited for, nobody else can have it.
        let group = self.process();
        let _ = killpg(group, Signal::SIGTERM);
        let start = Instant::now();
        while self.is_running() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn first_there(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|place| place.exists())
}
