//! A real Apache httpd: asked about configurations, and started on the loopback of a test.
//! It changes nothing in a configuration; what Apache must be told besides goes on its command line.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::files::forward;
use super::installed;
use super::process::{self, Outcome};
use super::server_process::ServerProcess;

const PID_FILE: &str = "httpd.pid";
/// Modules that Apache has on Unix only; another one is built in on Windows, and it has no users to change to.
const OF_UNIX: [&str; 4] = ["mpm_event", "mpm_worker", "mpm_prefork", "unixd"];

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
    /// Finds the program, see [`installed`].
    /// Without one the test is reported as skipped (an error in CI) and the caller returns.
    pub fn find() -> Option<Self> {
        let (Some(binary), Some(modules)) = (installed::httpd(), installed::modules()) else {
            super::skip("no Apache httpd found; tests/run installs it, with --windows one for Windows");
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

    /// The folder of the installation: on Windows the program is below `bin` of it.
    pub fn installation(&self) -> &Path {
        self.modules.parent().expect("a folder around the modules")
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

    /// LoadModule lines for these modules (`ssl`, `mpm_event`), less those that are built in or only there on Unix.
    pub fn load(&self, modules: &[&str]) -> String {
        let loadable = modules.iter().filter(|module| {
            !self.has_built_in(&format!("mod_{module}")) && (cfg!(unix) || !OF_UNIX.contains(module))
        });
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
                #[cfg(unix)]
                std::os::unix::fs::symlink(real, placeholder).expect("a link to a module");
                #[cfg(windows)]
                fs::hard_link(real, placeholder).expect("a link to a module");
            } else {
                absent.push(format!(" modules/{name}"));
            }
        }
        let root_text = forward(root);
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
                    Ok(line) => text.extend(line.replace("C:/eSync/Apache24", &root_text).into_bytes()),
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
            forward(&self.modules)
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
        let is_mpm = |module: &String| {
            ["event", "worker", "prefork"].contains(&&**module)
                || module.starts_with("mpm_")
                || module.starts_with("mod_mpm_")
        };
        if httpd.built_in.iter().any(is_mpm) {
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
        let place = forward(runtime.path());
        let mut ask = self
            .clone()
            .before(format!("DefaultRuntimeDir \"{place}\""))
            .before(format!("ErrorLog \"{place}/error.log\""))
            .after(format!("PidFile \"{place}/{PID_FILE}\""));
        if cfg!(unix) {
            ask = ask.before(format!("Mutex \"file:{place}\" default"));
        }
        if self.httpd.has_built_in("mod_unixd") {
            for line in user().lines() {
                ask = ask.before(line);
            }
        }
        let output = |name: &str| {
            Stdio::from(fs::File::create(runtime.path().join(name)).expect("a file for httpd's output"))
        };
        let mut command = ask.command();
        command
            // On Windows the parent would say that it is up before its child can serve: there is one process instead.
            .arg(if cfg!(windows) { "-X" } else { "-DFOREGROUND" })
            .stdin(Stdio::null())
            .stdout(output("stdout"))
            .stderr(output("stderr"));
        let shown = format!("{command:?}");
        let process = ServerProcess::start(command).map_err(|error| format!("{shown}: {error}"))?;
        let mut server = Apache {
            process,
            runtime,
            root: self.root.clone(),
            shown,
        };
        server.wait_for(ports).map(|()| server)
    }

    fn push(&mut self, flag: &str, value: impl AsRef<std::ffi::OsStr>) {
        self.arguments.push(flag.into());
        self.arguments.push(value.as_ref().to_owned());
    }

    fn command(&self) -> Command {
        let mut command = installed::ending_with_us(&self.httpd.binary, &[]);
        command.args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A running server. Dropping it ends it with all its children.
#[derive(Debug)]
pub struct Apache {
    process: ServerProcess,
    runtime: TempDir,
    root: PathBuf,
    shown: String,
}

impl Apache {
    /// The parent process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether the parent process is still there.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Makes the server read its configuration again (`SIGUSR1`), as `httpd -k graceful` does.
    #[cfg(unix)]
    pub fn graceful(&self) {
        use nix::sys::signal::{Signal, kill};
        let parent = self.pid().try_into().expect("a process id that fits");
        kill(nix::unistd::Pid::from_raw(parent), Signal::SIGUSR1).expect("a signal to the server");
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
            let is_up = running.exists();
            // On Windows it comes a moment before that.
            if cfg!(windows) && is_up {
                std::thread::sleep(Duration::from_millis(100));
            }
            let all_listen = is_up && ports.iter().all(|&port| super::client::listens(port));
            if let Some(status) = self.process.ended() {
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
}

/// Lines for a configuration: whose the children of a server are that root starts.
pub fn user() -> &'static str {
    #[cfg(unix)]
    if nix::unistd::geteuid().is_root() {
        return "User www-data\nGroup www-data\n";
    }
    ""
}

/// Lines for a configuration: the PidFile, and all else that a server keeps while it runs, goes into its folder for logs.
pub fn runtime(root: &Path) -> String {
    let logs = forward(&root.join("logs"));
    let mutex = format!("Mutex \"file:{logs}\" default\n");
    format!(
        "PidFile logs/httpd.pid\nDefaultRuntimeDir \"{logs}\"\n{}",
        if cfg!(unix) { &*mutex } else { "" }
    )
}
