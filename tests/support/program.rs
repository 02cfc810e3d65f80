//! Runs the program under test in a controlled environment. It does not interpret its output.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::contract;
use super::process::{self, Outcome};

/// One run of `esync-ssl`, being prepared: no terminal, no input, nothing of the caller's settings.
pub struct Program {
    command: Command,
    limit: Duration,
}

/// Prepares a run of the `esync-ssl` that cargo built for this test.
pub fn esync_ssl() -> Program {
    Program {
        command: command(),
        limit: Duration::from_secs(60),
    }
}

/// The bare command that [`esync_ssl`] runs, for tests that connect it to something of their own.
pub fn command() -> Command {
    let mut command = Command::new(binary());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESYNC_SSL_") {
            command.env_remove(&name);
        }
    }
    // Colour and width would otherwise depend on who runs the tests.
    for name in [
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "FORCE_COLOR",
        "COLUMNS",
        "RUST_BACKTRACE",
    ] {
        command.env_remove(name);
    }
    command
}

/// The program under test. Under wine the path in `env!` is a Unix path, which drive Z: leads to.
pub fn binary() -> PathBuf {
    native(env!("CARGO_BIN_EXE_esync-ssl"))
}

/// A path known at compile time, as the running system wants it: a Windows test binary built on Unix
/// carries Unix paths.
pub fn native(path: &str) -> PathBuf {
    if cfg!(windows) && path.starts_with('/') {
        PathBuf::from(format!("Z:{path}"))
    } else {
        path.into()
    }
}

impl Program {
    /// Adds one argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Runs in this folder instead of the package's.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.command.current_dir(folder.into());
        self
    }

    /// Sets one environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// The time that the run may take; 60 seconds when not called.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The command itself, for tests that run it in their own way.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Runs it to its end. What programs are told fits its schema.
    #[track_caller]
    pub fn run(mut self) -> Outcome {
        let mut outcome = process::finish(&mut self.command, self.limit);
        // Under load, wine now and then does not put a program that we start into a job.
        for _ in 0..3 {
            if !cfg!(windows) || !outcome.stderr_text().contains("Failed to assign job") {
                break;
            }
            outcome = process::finish(&mut self.command, self.limit);
        }
        if outcome.code.is_some() {
            contract::check(self.command.get_args(), &outcome.stdout);
        }
        // What the system refuses is told in words; CONTRIBUTING.md, "Style of messages".
        let told = [outcome.stdout_text(), outcome.stderr_text()];
        assert!(
            !told.iter().any(|text| text.contains("(os error")),
            "{}",
            outcome.report()
        );
        outcome
    }
}
