//! What was read, which program was asked, and what was decided, for who asks how it came to an answer. Kept only where
//! somebody does; told by the command line.

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::quoted;

/// So many files are named of those that are read one after another.
const NAMED: usize = 20;

static IS_KEPT: AtomicBool = AtomicBool::new(false);
static KEPT: Mutex<Vec<Mark>> = Mutex::new(Vec::new());

#[derive(PartialEq)]
enum Mark {
    Read(String),
    Said(String),
}

/// From now on it is kept.
pub fn keep() {
    IS_KEPT.store(true, Ordering::Relaxed);
}

fn add(mark: impl FnOnce() -> Mark) {
    if IS_KEPT.load(Ordering::Relaxed)
        && let Ok(mut kept) = KEPT.lock()
    {
        kept.push(mark());
    }
}

/// A file is read.
pub fn read(path: &Path) {
    // What the system makes up about processes is no file to anybody.
    if !path.starts_with("/proc") {
        add(|| Mark::Read(path.display().to_string()));
    }
}

/// A program is started.
pub fn started(command: &Command) {
    add(|| {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| quoted::word(&word.to_string_lossy())).collect();
        Mark::Said(format!("run: {}", words.join(" ")))
    });
}

/// Something was decided.
pub fn decided(what: impl FnOnce() -> String) {
    add(|| Mark::Said(what()));
}

/// What was kept since it was last asked for, a line each.
pub fn take() -> Vec<String> {
    let kept = KEPT.lock().map(|mut kept| std::mem::take(&mut *kept));
    lines(kept.unwrap_or_default())
}

fn lines(marks: Vec<Mark>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut files: Vec<String> = Vec::new();
    for mark in marks {
        match mark {
            Mark::Read(file) if files.contains(&file) => {}
            Mark::Read(file) => files.push(file),
            Mark::Said(what) => {
                lines.extend(read_line(&mut files));
                lines.push(what);
            }
        }
    }
    lines.extend(read_line(&mut files));
    lines
}

fn read_line(files: &mut Vec<String>) -> Option<String> {
    let files = std::mem::take(files);
    let (number, more) = (files.len(), files.len().saturating_sub(NAMED));
    let rest = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let named = files.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
    let word = if number == 1 { "file" } else { "files" };
    (number > 0).then(|| format!("read {number} {word}: {named}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_between_other_things() {
        let read = |name: &str| Mark::Read(name.into());
        let marks = vec![
            read("a"),
            read("b"),
            read("a"),
            Mark::Said("run: x".into()),
            read("a"),
        ];
        assert_eq!(lines(marks), ["read 2 files: a, b", "run: x", "read 1 file: a"]);
        let many = (0..=NAMED).map(|n| read(&n.to_string())).collect();
        assert!(lines(many)[0].ends_with(" 19 and 1 more"));
    }
}
