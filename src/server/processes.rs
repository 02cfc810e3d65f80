//! What the system tells of its processes, in `/proc`. Some of it a process says itself, at any length: everything is
//! read up to a limit, and what goes on behind it is not believed.

use std::fs;
use std::path::Path;

use super::trust::is_by_root_or_us;
use crate::foreign;

/// The numbers of all.
pub fn pids() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn file(pid: u32, name: &str, limit: u64) -> Option<Vec<u8>> {
    foreign::read(&Path::new("/proc").join(pid.to_string()).join(name), limit).ok()
}

/// A short text.
pub fn text(pid: u32, name: &str) -> Option<String> {
    let bytes = file(pid, name, foreign::NOTE)?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Name of its program.
pub fn name(pid: u32) -> Option<String> {
    text(pid, "comm").map(|name| name.trim().to_owned())
}

/// Its command line, word by word. Anybody can make that of his own process longer than the memory of the machine.
pub fn command_line(pid: u32) -> Vec<Vec<u8>> {
    let line = file(pid, "cmdline", foreign::COMMAND_LINE).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(<[u8]>::to_vec).collect()
}

/// The environment that it was started with.
pub fn environment(pid: u32) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let bytes = file(pid, "environ", foreign::ENVIRONMENT)?;
    let pairs = bytes.split(|byte| *byte == 0).filter_map(|one| {
        let at = one.iter().position(|byte| *byte == b'=').filter(|at| *at > 0)?;
        Some((one[..at].to_vec(), one[at + 1..].to_vec()))
    });
    Some(pairs.collect())
}

/// When it was started, counted from the start of the system.
pub fn started(pid: u32) -> Option<u64> {
    // The name in parentheses may hold anything.
    let text = text(pid, "stat")?;
    text.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

/// The process that started it.
pub fn parent(pid: u32) -> Option<u32> {
    status(pid)?.field("PPid")?.parse().ok()
}

/// What the system says of its state.
pub fn status(pid: u32) -> Option<Status> {
    text(pid, "status").map(Status)
}

/// Lines `Name: value`.
pub struct Status(String);

impl Status {
    fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.lines().filter_map(|line| line.split_once(':'));
        fields
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value.trim())
    }

    /// Real, effective and saved user, and that of file access.
    fn users(&self) -> Vec<u32> {
        let numbers = self.field("Uid").unwrap_or_default().split_whitespace();
        numbers.filter_map(|number| number.parse().ok()).collect()
    }

    /// Does nobody else run it?
    pub fn is_by_root_or_us(&self) -> bool {
        is_by_root_or_us(&self.users())
    }

    /// Is it at its end?
    pub fn is_ending(&self) -> bool {
        self.field("State")
            .is_some_and(|state| state.starts_with(['Z', 'X', 'x']))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_process_is() {
        let status = Status("Name:\ta\nState:\tZ (zombie)\nUid:\t0\t1\t2\t3\nGid:\t4\t4\t4\t4\n".into());
        assert_eq!(status.users(), [0, 1, 2, 3]);
        assert!(status.is_ending());
        // One that gave its rights away belongs to who has them, and to nobody here.
        assert!(!is_by_root_or_us(&[0, 65534, 0, 65534]) && !is_by_root_or_us(&[65534, 0, 0, 0]));
        assert!(!is_by_root_or_us(&[]));
    }

    #[test]
    fn of_what_is_too_long_nothing_is_believed() {
        let own = std::process::id();
        let line = command_line(own);
        assert!(!line.is_empty() && environment(own).is_some());
        assert!(file(own, "cmdline", 1).is_none());
        assert!(file(own, "environ", foreign::ENVIRONMENT).is_some());
        // Longer than what is read at a time.
        let long = "x".repeat(foreign::COMMAND_LINE as usize / 2);
        let mut command = std::process::Command::new("/bin/sh");
        let mut child = command
            .args(["-c", "read wait", "sh", &long, &long, &long])
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let read = command_line(child.id());
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(read.is_empty(), "{} words", read.len());
    }
}
