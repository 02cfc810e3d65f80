//! A real Apache in the background, as an administrator starts it: told with `-k`, known by its PidFile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::apache::Httpd;
use super::process::{self, Outcome};

/// A server root, whose server is stopped when this is dropped.
pub struct Daemon {
    httpd: Httpd,
    root: PathBuf,
}

impl Daemon {
    /// Of a server root with `conf/httpd.conf` and the PidFile `logs/httpd.pid`. Starts nothing.
    pub fn new(httpd: &Httpd, root: &Path) -> Self {
        Daemon {
            httpd: httpd.clone(),
            root: root.to_owned(),
        }
    }

    /// Runs `httpd -k WORD`.
    pub fn tell(&self, word: &str) -> Outcome {
        let mut command = Command::new(&self.httpd.binary);
        command
            .arg("-d")
            .arg(&self.root)
            .args(["-f", "conf/httpd.conf", "-k", word]);
        process::finish(&mut command, Duration::from_secs(30))
    }

    /// Starts it and waits until it is up.
    #[track_caller]
    pub fn start(&self) {
        self.tell("start").expect_code(0);
        self.wait(|| self.pid().is_some());
        assert!(self.pid().is_some(), "it is not up");
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

    /// Content of its PidFile.
    pub fn pid(&self) -> Option<String> {
        fs::read_to_string(self.root.join("logs/httpd.pid")).ok()
    }

    /// Waits until something has come about, but not for ever.
    pub fn wait(&self, mut until: impl FnMut() -> bool) {
        let start = Instant::now();
        while !until() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the process of the PidFile is an Apache: the number may be left over and somebody else's.
    pub fn runs(&self) -> bool {
        let program = self
            .pid()
            .and_then(|pid| fs::read_link(format!("/proc/{}/exe", pid.trim())).ok());
        program.and_then(|program| program.canonicalize().ok()) == self.httpd.binary.canonicalize().ok()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.runs() {
            self.stop();
        }
    }
}
