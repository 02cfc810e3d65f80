//! How the last start attempt went, by the entries of error logs. Knows no causes.

use super::error_log::Entry;

/// What a start that failed says last: the first four of a start, the others of a restart.
pub const FAILED: [&str; 8] = [
    "AH00013", "AH00014", "AH00015", "AH00016", "AH00017", "AH00018", "AH00019", "AH00020",
];
/// "resuming normal operations": event, worker and prefork; Windows.
const RUNNING: [&str; 4] = ["AH00489", "AH00163", "AH00292", "AH00455"];
/// The server is about to read its configuration again.
const RESTARTS: [&str; 7] = [
    "AH00493", "AH00494", "AH00171", "AH00173", "AH00296", "AH00298", "AH00424",
];
/// The server ends because it was told to.
const STOPPED: [&str; 4] = ["AH00491", "AH00169", "AH00295", "AH00422"];

/// How the last start attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It said that it serves.
    Running,
    /// It gave up.
    Failed,
    /// It ended because it was told to.
    Stopped,
    /// The log does not say.
    Unknown,
}

/// Starts are over within that time.
const LONGEST_START: time::Duration = time::Duration::seconds(120);

/// Joins the entries of several logs in the order of time, as far as they carry it.
pub fn merge(logs: Vec<Vec<Entry>>) -> Vec<Entry> {
    let mut all: Vec<Entry> = logs.into_iter().flatten().collect();
    // Stable: entries of one log keep their order.
    all.sort_by_key(|entry| entry.time);
    all
}

/// The entries from the last start attempt on, and how it went.
pub fn last_attempt(entries: &[Entry]) -> (&[Entry], Outcome) {
    let is = |at: usize, codes: &[&str]| {
        let entry: &Entry = &entries[at];
        entry.code.as_deref().is_some_and(|code| codes.contains(&code))
            || (codes == FAILED && entry.message.starts_with("no listening sockets available"))
    };
    let count = entries.len();
    let Some(mark) = (0..count)
        .rev()
        .find(|&at| is(at, &FAILED) || is(at, &RUNNING) || is(at, &STOPPED))
    else {
        return (entries, Outcome::Unknown);
    };
    // Something new may have begun behind the last mark, and not be over.
    let behind = (mark + 1..count).find(|&at| is(at, &RESTARTS)).or_else(|| {
        let ended = is(mark, &FAILED) || is(mark, &STOPPED);
        (mark + 1..count)
            .find(|&at| ended && is_of_start(&entries[at]) && !same_end(&entries[mark], &entries[at]))
    });
    if let Some(from) = behind {
        return (&entries[from..], Outcome::Unknown);
    }
    let outcome = match () {
        () if is(mark, &FAILED) => Outcome::Failed,
        () if is(mark, &STOPPED) => Outcome::Stopped,
        () => Outcome::Running,
    };
    let mut from = mark;
    while from > 0 {
        let before = from - 1;
        let distance = entries[mark]
            .time
            .zip(entries[before].time)
            .map(|(later, earlier)| later - earlier);
        let other = is(before, &FAILED)
            && !(is(mark, &FAILED) && same_failure(&entries[before], &entries[from]))
            || is(before, &RUNNING) && outcome != Outcome::Stopped
            || is(before, &STOPPED);
        if other || (outcome != Outcome::Stopped && distance.is_some_and(|distance| distance > LONGEST_START))
        {
            break;
        }
        from = before;
        if is(from, &RESTARTS) {
            break;
        }
    }
    (&entries[from..], outcome)
}

/// One failure says several lines: that no port is left, and that it ends. Untimed lines that follow each other are of
/// one run: `AH00072`, `AH00015`.
fn same_failure(one: &Entry, other: &Entry) -> bool {
    if one.is_timed && other.is_timed {
        let distance = one.time.zip(other.time).map(|(earlier, later)| later - earlier);
        return one.pid == other.pid
            && one.code != other.code
            && distance.is_some_and(|distance| distance < time::Duration::seconds(2));
    }
    !one.is_timed
        && !other.is_timed
        && one.log == other.log
        && one.line + 4 > other.line
        && one.code != other.code
}

/// Two logs tell of one end: the one of a virtual host goes on after the main one has ended.
fn same_end(mark: &Entry, entry: &Entry) -> bool {
    let distance = mark.time.zip(entry.time).map(|(earlier, later)| later - earlier);
    mark.log != entry.log && distance.is_some_and(|distance| distance < time::Duration::seconds(2))
}

/// Is it something that is said while the server starts, rather than about a request or a child?
fn is_of_start(entry: &Entry) -> bool {
    !entry.text.contains("[client ")
}

#[cfg(test)]
mod tests {
    use super::super::error_log::parse;
    use super::*;

    #[test]
    fn the_last_attempt_is_found() {
        let line =
            |second: u32, rest: &str| format!("[Mon Nov 23 21:56:{second:02} 2026] [ssl:x] [pid 1] {rest}\n");
        let started = [line(1, "AH01909: old"), line(2, "AH00489: resuming")].concat();
        let failed = [
            line(9, "AH00493: graceful"),
            line(9, "AH02565: bad"),
            line(10, "AH00020: failed"),
        ]
        .concat();
        let both = parse(format!("{started}{failed}").as_bytes(), 0);
        let (last, outcome) = last_attempt(&both);
        assert_eq!((last.len(), outcome), (3, Outcome::Failed));
        let again = parse(format!("{started}{failed}{started}").as_bytes(), 0);
        let (last, outcome) = last_attempt(&again);
        assert_eq!((last.len(), outcome), (2, Outcome::Running));
        let twice = parse(
            format!(
                "{}AH00016: Configuration Failed\n{}AH00016: Configuration Failed\n",
                line(3, "AH02572: a"),
                line(5, "AH02565: b")
            )
            .as_bytes(),
            0,
        );
        let (last, outcome) = last_attempt(&twice);
        assert_eq!((last.len(), outcome), (2, Outcome::Failed));
        assert_eq!(last[0].code.as_deref(), Some("AH02565"));
    }

    #[test]
    fn a_restart_that_fails_behind_a_good_start() {
        let line = |second: u32, rest: &str| format!("[Mon Nov 23 21:56:{second:02} 2026] {rest}\n");
        let log = [
            line(1, "[mpm_event:notice] [pid 1:tid 1] AH00489: resuming"),
            line(
                9,
                "[mpm_event:notice] [pid 1:tid 1] AH00493: SIGUSR1 received.  Doing graceful restart",
            ),
            "(98)x: AH00072: make_sock: could not bind to address [::]:443\n".into(),
            "(98)x: AH00072: make_sock: could not bind to address 0.0.0.0:443\n".into(),
            line(
                9,
                "[mpm_event:alert] [pid 1:tid 1] no listening sockets available, shutting down",
            ),
            line(9, "[:emerg] [pid 1:tid 1] AH00019: Unable to open logs, exiting"),
        ];
        let entries = parse(log.concat().as_bytes(), 0);
        let (last, outcome) = last_attempt(&entries);
        assert_eq!((last.len(), outcome), (5, Outcome::Failed), "{last:#?}");
        // Started again, that is what counts.
        let again = [
            &log.concat(),
            &*line(20, "[mpm_event:notice] [pid 7:tid 7] AH00489: resuming"),
        ]
        .concat();
        let entries = parse(again.as_bytes(), 0);
        let (last, outcome) = last_attempt(&entries);
        assert_eq!((last.len(), outcome), (1, Outcome::Running), "{last:#?}");
    }
}
