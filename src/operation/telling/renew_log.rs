//! `renew.log`, in the folder of managed certificates: one line for each renewal that failed, for its owner. It is short, and
//! the one before it is kept: both together never get longer than twice the limit.

use super::super::failure::Failure;
use super::super::obtain::State;
use super::Happened;
use crate::place::Moment;
use crate::shown::printable;

/// What it is called.
pub const NAME: &str = "renew.log";
/// The one before it.
pub const FORMER: &str = "renew.log.1";
/// So long it gets, then it becomes the one before.
pub const LONGEST: u64 = 256 << 10;

/// A line: time, name, what, code, status, why, next attempt.
fn line(now: Moment, happened: &Happened) -> String {
    let code = match happened.status {
        Some(status) => format!(" ({}, status {})", happened.code, status.code()),
        None => String::new(),
    };
    let next = match happened.next {
        Some(next) => format!("; next attempt {next}"),
        None => String::new(),
    };
    format!(
        "{now} {} {}{code}: {}{next}\n",
        happened.name.as_deref().unwrap_or("-"),
        happened.event,
        happened.why
    )
}

/// Its last lines, so many at most, as people see them; nothing where there are none.
pub fn end(state: &State, most: usize) -> String {
    let bytes = state.kept(NAME).ok().flatten().unwrap_or_default();
    let text = printable(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(most);
    lines[from..].iter().map(|line| format!("{line}\n")).collect()
}

/// Adds what happened. It is on the disk before this returns.
///
/// # Errors
/// When it cannot be read or written.
pub fn add(state: &State, now: Moment, all: &[Happened]) -> Result<(), Failure> {
    let lines: String = all.iter().map(|happened| line(now, happened)).collect();
    let before = state.kept(NAME)?;
    let mut bytes = before.map_or_else(Vec::new, |before| before.to_vec());
    let length = u64::try_from(bytes.len() + lines.len()).unwrap_or(u64::MAX);
    if length > LONGEST && !bytes.is_empty() {
        state.keep(FORMER, &bytes)?;
        bytes.clear();
    }
    bytes.extend(lines.into_bytes());
    state.keep(NAME, &bytes)
}
