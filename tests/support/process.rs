//! Runs a program to its end within a time limit. It does not judge what the program did.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::contract;

/// How a program ended and what it wrote.
#[derive(Debug)]
pub struct Outcome {
    /// The exit code; none when a signal ended the program.
    pub code: Option<i32>,
    /// All that was written to the standard output.
    pub stdout: Vec<u8>,
    /// All that was written to the standard error.
    pub stderr: Vec<u8>,
    /// The program and its arguments, for messages.
    pub command: String,
}

impl Outcome {
    /// Standard output as text; what is no UTF-8 shows as U+FFFD.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; what is no UTF-8 shows as U+FFFD.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Everything about this run, for a failure message.
    pub fn report(&self) -> String {
        format!(
            "{}\nexit code: {:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.command,
            self.code,
            self.stdout_text(),
            self.stderr_text()
        )
    }

    /// The one document on the standard output, which fits its schema and has the exit status.
    #[track_caller]
    pub fn envelope(&self) -> Value {
        let told = contract::document(&self.stdout);
        assert_eq!(
            told["status"].as_i64(),
            self.code.map(i64::from),
            "{}",
            self.report()
        );
        told
    }

    /// The command's own part of it; the whole of a run that failed before it had an answer.
    #[track_caller]
    pub fn data(&self) -> Value {
        let mut told = self.envelope();
        match told["data"].take() {
            Value::Null => told,
            data => data,
        }
    }

    /// Fails the test with a full report unless the program ended with this exit code.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert!(
            self.code == Some(code),
            "wanted exit code {code}: {}",
            self.report()
        );
        self
    }
}

/// All of these words are on the standard error.
#[track_caller]
pub fn says(outcome: &Outcome, words: &[&str]) {
    for word in words {
        assert!(
            outcome.stderr_text().contains(word),
            "{word}: {}",
            outcome.report()
        );
    }
}

/// The running test binary once more, for one of its tests: its whole name, as `disk::swapper`.
pub fn this_test(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command
}

/// Starts the command.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    under_way(|| command.spawn())
}

/// What starts a process. Under load, wine now and then does not get one under way and says `ERROR_INTERNAL_ERROR`:
/// that says nothing about the program, so it is tried again.
pub fn under_way<T>(mut spawn: impl FnMut() -> std::io::Result<T>) -> std::io::Result<T> {
    let mut spawned = spawn();
    for _ in 0..10 {
        if !matches!(&spawned, Err(error) if cfg!(windows) && error.raw_os_error() == Some(1359)) {
            break;
        }
        std::thread::sleep(Duration::from_millis(500));
        spawned = spawn();
    }
    spawned
}

/// Like [`Command::output`], by [`start`].
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    start(command)?.wait_with_output()
}

/// Like [`Command::status`], by [`start`].
pub fn status(command: &mut Command) -> std::io::Result<ExitStatus> {
    start(command)?.wait()
}

/// Waits until something is so, for no longer than `limit`.
pub fn waited_within(limit: Duration, mut until: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while start.elapsed() < limit {
        if until() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    false
}

/// How a program ends that has been told to; one that does not within `limit` is killed.
#[track_caller]
pub fn end_within(limit: Duration, child: &mut Child) -> ExitStatus {
    let mut ended = None;
    waited_within(limit, || {
        ended = child.try_wait().expect("its state");
        ended.is_some()
    });
    let _ = child.kill();
    ended.expect("it ends")
}

/// Runs the command without input until it ends; fails the test when that takes longer than `limit`.
///
/// Output goes through files and not pipes: a grandchild that lives on cannot keep the test waiting, and no
/// amount of output can block the program.
#[track_caller]
pub fn finish(command: &mut Command, limit: Duration) -> Outcome {
    let mut stdout = tempfile::tempfile().expect("a temporary file for the output");
    let mut stderr = tempfile::tempfile().expect("a temporary file for the output");
    let shown = format!("{command:?}");
    command.stdin(Stdio::null());
    command.stdout(stdout.try_clone().expect("a second handle of the file"));
    command.stderr(stderr.try_clone().expect("a second handle of the file"));
    let spawned = start(command);
    let mut child = spawned.unwrap_or_else(|error| panic!("cannot start {shown}: {error}"));
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    let status = loop {
        if let Some(status) = child.try_wait().expect("the state of a child process") {
            break status;
        }
        if start.elapsed() > limit {
            let _ = child.kill();
            let _ = child.wait();
            let written = format!("{}{}", text(&mut stdout), text(&mut stderr));
            panic!("not done after {limit:?}: {shown}\n{written}");
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    };
    Outcome {
        code: status.code(),
        stdout: bytes(&mut stdout),
        stderr: bytes(&mut stderr),
        command: shown,
    }
}

fn bytes(file: &mut File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .expect("what the program wrote");
    bytes
}

fn text(file: &mut File) -> String {
    String::from_utf8_lossy(&bytes(file)).into_owned()
}
