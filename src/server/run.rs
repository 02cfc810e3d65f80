//! Runs a program to its end and collects what it says, with a time-out. No shell is involved.

use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::binary::Silence;

/// How long a question may take; httpd reads its own version in milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed as an answer.
    pub stdout: Vec<u8>,
    /// What it said beside that.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Both, as text, without blanks around.
    pub fn words(&self) -> String {
        let all = [self.stdout.as_slice(), self.stderr.as_slice()].concat();
        String::from_utf8_lossy(&all).trim().to_string()
    }
}

/// Runs a program with arguments and waits for its end.
///
/// # Errors
/// When it cannot be started or does not end in time. A failure of its own is an [`Output`].
pub fn run(path: &Path, arguments: &[&str]) -> Result<Output, Silence> {
    run_within(Command::new(path).args(arguments), PATIENCE)
}

/// As [`run`], for a command with more to it, and with a time of its own.
///
/// # Errors
/// See [`run`].
pub fn run_within(command: &mut Command, patience: Duration) -> Result<Output, Silence> {
    let path = std::path::PathBuf::from(command.get_program());
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Silence::NotStarted(path.clone(), error))?;
    // Both pipes are emptied while it runs, or a long answer would block it.
    let stdout = child.stdout.take().map(drain);
    let stderr = child.stderr.take().map(drain);
    let start = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if start.elapsed() < patience => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Silence::TimedOut(path));
            }
        }
    };
    let collect = |reader: Option<std::thread::JoinHandle<Vec<u8>>>| {
        reader.and_then(|reader| reader.join().ok()).unwrap_or_default()
    };
    Ok(Output {
        status,
        stdout: collect(stdout),
        stderr: collect(stderr),
    })
}

/// Reads a pipe to its end beside us.
fn drain(mut pipe: impl Read + Send + 'static) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}
