//! The program under test with little memory and little processor time, for what would use up a machine.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::process::{Outcome, finish};
use super::program::command;

/// What nothing takes that does not wait or read for ever, however busy the machine is.
pub const LONG: Duration = Duration::from_secs(150);
/// KiB of address space: the program, its libraries and stacks have a part of it before anything is read.
const MEMORY: &str = "600000";

/// A run about a server root, with a file as its input.
pub fn limited(root: &Path, words: &[&str], input: &str) -> Command {
    let program = command();
    let mut limited = Command::new("sh");
    limited
        .args([
            "-c",
            "ulimit -v $0; ulimit -t 40; input=$1; shift; exec \"$@\" < \"$input\"",
            MEMORY,
            input,
        ])
        .arg(program.get_program())
        .args(words)
        .arg("--root")
        .arg(root)
        // Each thread would reserve some.
        .env("MALLOC_ARENA_MAX", "1");
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// Runs it to its end, which must be one of its own, without a panic.
#[track_caller]
pub fn run(root: &Path, words: &[&str]) -> Outcome {
    let outcome = finish(&mut limited(root, words, "/dev/null"), LONG);
    assert!(
        matches!(outcome.code, Some(0 | 1 | 4 | 12)),
        "{}",
        outcome.report()
    );
    outcome
}
