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

/// Room for the line that says how many are left out.
const LAST: usize = 100;

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

/// The lines of one run. Of more than the file may have, the first ones are there.
fn lines(now: Moment, all: &[Happened]) -> String {
    let most = usize::try_from(LONGEST).unwrap_or(usize::MAX) - LAST;
    let mut text = String::new();
    for (at, happened) in all.iter().enumerate() {
        let line = line(now, happened);
        if text.len() + line.len() > most {
            return text + &format!("{now} - and {} more\n", all.len() - at);
        }
        text += &line;
    }
    text
}

/// Adds what happened. It is on the disk before this returns.
///
/// # Errors
/// When it cannot be read or written.
pub fn add(state: &State, now: Moment, all: &[Happened]) -> Result<(), Failure> {
    let lines = lines(now, all);
    if state.is_too_long(NAME) {
        state.rename(NAME, FORMER)?;
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use time::OffsetDateTime;

    use super::*;
    use crate::apply::RealDisk;
    use crate::server::system_events::Event;

    #[test]
    fn it_never_gets_too_long_to_be_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::in_folder(folder.path().join("acme"), &RealDisk);
        let now = Moment::from(OffsetDateTime::UNIX_EPOCH);
        let one = Happened::of_telling(Event::HookFailed, &"x".repeat(1000));
        let length = |name: &str| fs::metadata(state.folder().join(name)).unwrap().len();
        let many = vec![one.clone(); 2000];
        for _ in 0..3 {
            add(&state, now, &many).unwrap();
            assert!(length(NAME) <= LONGEST);
        }
        let text = fs::read_to_string(state.folder().join(NAME)).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let left = format!("{now} - and {} more", 2000 - (lines.len() - 1));
        assert_eq!(lines.last(), Some(&&*left));
        // One that somebody else made longer.
        let long = "x".repeat(2 << 20);
        fs::write(state.folder().join(NAME), &long).unwrap();
        add(&state, now, &[one]).unwrap();
        assert_eq!(end(&state, 9).lines().count(), 1);
        assert_eq!(length(FORMER), long.len() as u64);
    }
}
