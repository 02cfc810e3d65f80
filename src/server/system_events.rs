//! Says something in the system's own log, for whoever watches a machine and not a program: the Application event log of
//! Windows, or syslog. Each event has a number that stays; monitoring matches it.

use crate::codes::codes;

/// Who it comes from, in both.
pub const SOURCE: &str = "esync-ssl";
/// So much of a text is said; some daemons cut more than that off in the middle of a letter.
const LONGEST: usize = 2000;

codes! {
    /// What is said. Their numbers never change; docs/renewal.md has the table.
    pub enum Event {
        /// A certificate was not renewed, and there is time.
        NotRenewed = "NOT-RENEWED",
        /// The same with less than a quarter of its life left.
        NotRenewedLate = "NOT-RENEWED-LATE",
        /// The same with an eighth of its life left, or less than three days.
        NotRenewedUrgent = "NOT-RENEWED-URGENT",
        /// The same, and it is over.
        NotRenewedOver = "NOT-RENEWED-OVER",
        /// A run did nothing at all.
        RunFailed = "RUN-FAILED",
        /// The program of `--hook` did not do its work.
        HookFailed = "HOOK-FAILED",
        /// `renew.log` was not written.
        LogNotWritten = "LOG-NOT-WRITTEN",
    }
}

/// How loud it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loudness {
    /// Something to know.
    Information,
    /// Something to look at soon.
    Warning,
    /// Something to look at now.
    Error,
}

impl Event {
    /// Its number in the event log: 1 to 1000 are for those who are no part of Windows.
    pub fn id(self) -> u16 {
        match self {
            Event::NotRenewed => 101,
            Event::NotRenewedLate => 102,
            Event::NotRenewedUrgent => 103,
            Event::NotRenewedOver => 104,
            Event::RunFailed => 110,
            Event::HookFailed => 120,
            Event::LogNotWritten => 121,
        }
    }

    /// How loud it is.
    pub fn loudness(self) -> Loudness {
        match self {
            Event::NotRenewed => Loudness::Information,
            Event::NotRenewedLate | Event::HookFailed | Event::LogNotWritten => Loudness::Warning,
            Event::NotRenewedUrgent | Event::NotRenewedOver | Event::RunFailed => Loudness::Error,
        }
    }
}

impl Loudness {
    /// As `eventcreate` and the event log call it.
    pub fn word(self) -> &'static str {
        match self {
            Loudness::Information => "INFORMATION",
            Loudness::Warning => "WARNING",
            Loudness::Error => "ERROR",
        }
    }
}

/// Says it. Where the system has no such log, or somebody else carries what we print there, nothing is said.
///
/// # Errors
/// Why it was not said, in words.
pub fn say(event: Event, words: &str) -> Result<(), String> {
    system::say(event, &crate::shown::cut(&crate::shown::sentence(words), LONGEST))
}

#[cfg(windows)]
mod system {
    use super::super::binary::Binary;
    use super::{Event, SOURCE};

    /// `eventcreate` registers the source as well, and says in the event's text what is said.
    pub fn say(event: Event, words: &str) -> Result<(), String> {
        let id = event.id().to_string();
        let kind = event.loudness().word();
        let arguments = [
            "/L",
            "APPLICATION",
            "/T",
            kind,
            "/SO",
            SOURCE,
            "/ID",
            &id,
            "/D",
            words,
        ];
        let program = Binary::of_system("eventcreate.exe").map_err(|silence| silence.to_string())?;
        let said = program.run(&arguments).map_err(|silence| silence.to_string())?;
        match said.status.success() {
            true => Ok(()),
            false => Err("eventcreate did not write it; it needs an administrator".to_owned()),
        }
    }
}

#[cfg(unix)]
pub(crate) mod system {
    use std::io;
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;

    use super::{Event, Loudness, SOURCE};
    use crate::wording::reason;

    /// Where every syslog listens, and the journal.
    const SOCKET: &str = "/dev/log";
    /// What comes of services (`LOG_DAEMON`).
    const FACILITY: u8 = 3;

    pub fn say(event: Event, words: &str) -> Result<(), String> {
        if stderr_is_in_the_journal() {
            return Ok(());
        }
        match send(Path::new(SOCKET), event, words) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{SOCKET}: {}", reason(&error)))
            }
            _ => Ok(()),
        }
    }

    /// By RFC 3164 without a time, which daemons of the machine put there by themselves. It never waits: a daemon that
    /// hangs keeps no renewal.
    pub(crate) fn send(socket: &Path, event: Event, words: &str) -> io::Result<()> {
        let severity = match event.loudness() {
            Loudness::Information => 6,
            Loudness::Warning => 4,
            Loudness::Error => 3,
        };
        let priority = FACILITY * 8 + severity;
        let text = format!("<{priority}>{SOURCE}[{}]: {words}", std::process::id());
        let sender = UnixDatagram::unbound()?;
        sender.set_nonblocking(true)?;
        sender.send_to(text.as_bytes(), socket).map(|_| ())
    }

    /// Whether systemd carries what we say on stderr into the journal: it tells device and number of the file that it gave
    /// us, which is another one where somebody redirected it since.
    fn stderr_is_in_the_journal() -> bool {
        let told = std::env::var("JOURNAL_STREAM").unwrap_or_default();
        rustix::fs::fstat(std::io::stderr())
            .is_ok_and(|stat| told == format!("{}:{}", stat.st_dev, stat.st_ino))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_each_their_own_and_such_as_eventcreate_takes() {
        let mut ids: Vec<u16> = Event::ALL.iter().map(|(event, _)| event.id()).collect();
        assert!(ids.iter().all(|id| (1..=1000).contains(id)), "{ids:?}");
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[cfg(unix)]
    #[test]
    fn a_daemon_gets_one_message_and_one_that_hangs_keeps_nobody() {
        use std::os::unix::net::UnixDatagram;
        use std::time::{Duration, Instant};
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let absent = system::send(&socket, Event::RunFailed, "a").unwrap_err();
        assert_eq!(absent.kind(), std::io::ErrorKind::NotFound);
        let daemon = UnixDatagram::bind(&socket).unwrap();
        system::send(&socket, Event::NotRenewedLate, "a.example was not renewed").unwrap();
        let mut bytes = [0; 200];
        let length = daemon.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]);
        let wanted = format!("<28>esync-ssl[{}]: a.example was not renewed", std::process::id());
        assert_eq!(text, wanted);
        // Nobody reads: the queue is full at some time.
        let began = Instant::now();
        let full = (0..100_000).find_map(|_| system::send(&socket, Event::RunFailed, "a").err());
        assert_eq!(full.unwrap().kind(), std::io::ErrorKind::WouldBlock);
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
