//! A real Apache in the background, as an administrator starts it: on Unix told with `-k` and known by its PidFile, on Windows
//! a service of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::apache::Httpd;
use super::files::forward;
use super::process::{self, Outcome};

/// A server root, whose server is stopped when this is dropped.
pub struct Daemon {
    httpd: Httpd,
    root: PathBuf,
    main: &'static str,
    #[cfg(windows)]
    service: super::service::Service,
}

impl Daemon {
    /// Of a server root with `conf/httpd.conf` and the PidFile `logs/httpd.pid`. Starts nothing.
    pub fn new(httpd: &Httpd, root: &Path) -> Self {
        Daemon {
            httpd: httpd.clone(),
            root: root.to_owned(),
            main: "conf/httpd.conf",
            #[cfg(windows)]
            service: super::service::Service::install(&httpd.binary, root),
        }
    }

    /// Runs httpd for the server root; on Windows in the foreground, so only with what ends.
    fn httpd(&self, more: &[&str]) -> Outcome {
        let mut command = std::process::Command::new(&self.httpd.binary);
        command
            .args(["-d", &forward(&self.root), "-f", self.main])
            .args(more);
        process::finish(&mut command, Duration::from_secs(30))
    }

    /// Starts it with a configuration with which it does not start: what it says at once. On Windows in the foreground, as a
    /// service says nothing.
    #[track_caller]
    pub fn fails(&self) -> Outcome {
        let more: &[&str] = if cfg!(windows) { &[] } else { &["-k", "start"] };
        self.httpd(more).expect_code(1)
    }

    /// Starts it and waits until it is up.
    #[track_caller]
    pub fn start(&self) {
        self.tell_start();
        self.wait(|| self.pid().is_some());
        assert!(self.pid().is_some(), "it is not up");
    }

    /// Content of its PidFile.
    pub fn pid(&self) -> Option<String> {
        fs::read_to_string(self.root.join("logs/httpd.pid")).ok()
    }

    /// Waits until something has come about, but not for ever.
    pub fn wait(&self, mut until: impl FnMut() -> bool) {
        let start = Instant::now();
        let patience = Duration::from_secs(if cfg!(windows) { 30 } else { 10 });
        while !until() && start.elapsed() < patience {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[cfg(unix)]
impl Daemon {
    /// The same with another main file.
    pub fn with_main(mut self, main: &'static str) -> Self {
        self.main = main;
        self
    }

    /// Runs `httpd -k WORD`.
    pub fn tell(&self, word: &str) -> Outcome {
        self.httpd(&["-k", word])
    }

    #[track_caller]
    fn tell_start(&self) {
        self.tell("start").expect_code(0);
    }

    /// Makes it read its configuration again.
    #[track_caller]
    pub fn reload(&self) {
        self.tell("graceful").expect_code(0);
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&self) {
        let process = self
            .pid()
            .map(|pid| PathBuf::from(format!("/proc/{}", pid.trim())));
        let _ = self.tell("stop");
        self.wait(|| self.pid().is_none());
        // It takes its PidFile away before it closes its ports.
        self.wait(|| process.as_ref().is_none_or(|process| !process.exists()));
    }

    /// Whether the process of the PidFile is an Apache: the number may be left over and somebody else's.
    pub fn runs(&self) -> bool {
        let program = self
            .pid()
            .and_then(|pid| fs::read_link(format!("/proc/{}/exe", pid.trim())).ok());
        program.and_then(|program| program.canonicalize().ok()) == self.httpd.binary.canonicalize().ok()
    }
}

#[cfg(windows)]
impl Daemon {
    #[track_caller]
    fn tell_start(&self) {
        // What a run that was ended left behind.
        let _ = fs::remove_file(self.root.join("logs/httpd.pid"));
        self.service.start();
    }

    /// Makes it read its configuration again.
    #[track_caller]
    pub fn reload(&self) {
        self.stop();
        self.start();
    }

    /// Stops it and waits until it is gone.
    pub fn stop(&self) {
        self.service.stop();
    }

    /// Whether the service runs.
    pub fn runs(&self) -> bool {
        self.service.runs()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.runs() {
            self.stop();
        }
    }
}
