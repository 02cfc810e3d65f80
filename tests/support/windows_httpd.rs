//! A real Apache httpd for Windows: asked about configurations, and started on the loopback.
//! It is not found by chance: `tests/run --windows` builds it and names its folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use process_wrap::std::{ChildWrapper, CommandWrap, JobObject};
use tempfile::TempDir;

use super::process::{self, Outcome};

/// The installation that tests may ask; they leave it as it is.
#[derive(Clone, Debug)]
pub struct WindowsHttpd {
    /// The folder with `bin` and `modules`, as `C:\Apache24`.
    pub folder: PathBuf,
}

impl WindowsHttpd {
    /// The installation named by `ESYNC_SSL_TEST_WINDOWS_HTTPD`. Without one the test is reported as skipped (an
    /// error in CI) and the caller returns.
    pub fn find() -> Option<Self> {
        let folder = std::env::var_os("ESYNC_SSL_TEST_WINDOWS_HTTPD").map(PathBuf::from);
        if folder.is_none() {
            super::skip("no Apache httpd for Windows; tests/run --windows builds it");
        }
        folder.map(|folder| Self { folder })
    }

    /// LoadModule lines for these modules (`ssl`, `authz_core`), with absolute paths, ending in CRLF.
    pub fn load(&self, modules: &[&str]) -> String {
        let folder = forward(&self.folder.join("modules"));
        let line = |module| format!("LoadModule {module}_module \"{folder}/mod_{module}.so\"\r\n");
        modules.iter().map(line).collect()
    }

    /// Whether Apache accepts the configuration `file` of the server root (`-t`): exit code 0.
    #[track_caller]
    pub fn syntax(&self, root: &Path, file: &Path) -> Outcome {
        self.run(root, file, &["-t"])
    }

    /// Runs httpd on the configuration with further arguments (`-S`, `-M`, `-t -D NAME`) until it ends.
    #[track_caller]
    pub fn run(&self, root: &Path, file: &Path, arguments: &[&str]) -> Outcome {
        process::finish(self.command(root, file).args(arguments), Duration::from_secs(60))
    }

    /// Starts the server in the foreground and waits until it answers on every port of 127.0.0.1.
    /// The text of a failure holds what httpd wrote and its logs.
    pub fn start(&self, root: &Path, file: &Path, ports: &[u16]) -> Result<Running, String> {
        let output = super::files::folder();
        let mut command = self.command(root, file);
        let shown = format!("{command:?}");
        let into =
            |name: &str| Stdio::from(fs::File::create(output.path().join(name)).expect("a file for output"));
        command
            .stdin(Stdio::null())
            .stdout(into("stdout"))
            .stderr(into("stderr"));
        // The parent starts a child that serves, and which would outlive it.
        let mut wrapped = CommandWrap::from(command);
        wrapped.wrap(JobObject);
        let child = super::process::under_way(|| wrapped.spawn());
        let child = child.map_err(|error| format!("{shown}: {error}"))?;
        let mut server = Running {
            child,
            output,
            root: root.to_owned(),
            shown,
        };
        server.wait_for(ports).map(|()| server)
    }

    fn command(&self, root: &Path, file: &Path) -> Command {
        let mut command = Command::new(self.folder.join(r"bin\httpd.exe"));
        command.arg("-d").arg(root).arg("-f").arg(file);
        command
    }
}

/// A running server. Dropping it ends it with its children.
#[derive(Debug)]
pub struct Running {
    child: Box<dyn ChildWrapper>,
    output: TempDir,
    root: PathBuf,
    shown: String,
}

impl Running {
    /// Everything the server said: its output and the files in `logs`.
    pub fn said(&self) -> String {
        let mut said = self.shown.clone();
        for folder in [self.output.path().to_owned(), self.root.join("logs")] {
            for file in fs::read_dir(folder)
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path())
            {
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
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("httpd ended at start with {status}: {}", self.said()));
            }
            // The parent listens before it knows whether it can serve; what its child answers, and be it only
            // "Bad Request" to plain HTTP on a port with TLS, shows that all is up.
            if ports
                .iter()
                .all(|&port| super::client::http_get(port, "localhost", "/").is_ok())
            {
                return Ok(());
            }
            if start.elapsed() > Duration::from_secs(60) {
                return Err(format!(
                    "httpd does not answer on {ports:?} after 60 s: {}",
                    self.said()
                ));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait();
    }
}

/// The path as configurations spell it.
pub fn forward(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
