//! Says something in the system's own log, for whoever watches a machine and not a program: the Application event log of
//! Windows, or syslog. Each event has a number that stays; monitoring matches it.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::codes::codes;
use crate::shown::{cut, sentence};

/// Who it comes from, in both.
pub const SOURCE: &str = "esync-ssl";
/// So much of a text is said; some daemons cut more than that off in the middle of a letter.
const LONGEST: usize = 2000;
/// So long a daemon is waited for that does not take what is said, all events together: renewals do not wait for it.
const PATIENCE: Duration = Duration::from_secs(1);
/// After this nothing more is said.
const LONGEST_TIME: Duration = Duration::from_secs(60);

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// As the event log calls it.
    pub fn word(self) -> &'static str {
        match self {
            Loudness::Information => "INFORMATION",
            Loudness::Warning => "WARNING",
            Loudness::Error => "ERROR",
        }
    }
}

/// Says all of it, the loudest first. Where the system has no such log, or somebody else carries what we print there, nothing is
/// said. One that cannot be said keeps none of the others.
///
/// # Errors
/// How much of it was not said and why, in words.
pub fn say(mut all: Vec<(Event, String)>) -> Result<(), String> {
    all.sort_by_key(|(event, _)| Reverse(event.loudness()));
    let began = Instant::now();
    let mut unsaid = 0;
    let mut first = None;
    for (event, words) in &all {
        let words = sentence(words);
        let said = match began.elapsed() < LONGEST_TIME {
            true => system::say(*event, &cut(&words, LONGEST), began + PATIENCE),
            false => Err("it takes too long".to_owned()),
        };
        if let Err(why) = said {
            unsaid += 1;
            first.get_or_insert(why);
        }
    }
    match first {
        None => Ok(()),
        Some(why) if all.len() == 1 => Err(why),
        Some(why) => Err(format!("{why} ({unsaid} of {} events)", all.len())),
    }
}

/// As viewers show it: where a number comes after `%`, as in addresses, they would put another text there.
#[cfg(any(windows, test))]
fn without_places(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    let mut letters = words.chars().peekable();
    while let Some(letter) = letters.next() {
        text.push(letter);
        if letter == '%' && letters.peek().is_some_and(char::is_ascii_alphanumeric) {
            text.push(' ');
        }
    }
    text
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::time::Instant;

    use winreg::enums::{HKEY_LOCAL_MACHINE, REG_EXPAND_SZ};
    use winreg::{RegKey, RegValue};
    use winsafe::{HEVENTLOG, co};

    use super::{Event, Loudness, SOURCE, without_places};
    use crate::wording::reason;

    /// Where the system knows sources of the Application log by.
    const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
    /// The program whose texts viewers show: for each number up to 1000, what was said. It is part of every Windows with a viewer.
    const TEXTS: &str = r"%SystemRoot%\System32\EventCreate.exe";
    /// Errors, warnings and information.
    const TYPES: u32 = 7;

    /// The system's own service for it takes what is said, and nobody is waited for.
    pub fn say(event: Event, words: &str, _until: Instant) -> Result<(), String> {
        // Where it is not known, the event is there as well; viewers show its words among what they do not know.
        let _ = register();
        let kind = match event.loudness() {
            Loudness::Information => co::EVENTLOG::INFORMATION_TYPE,
            Loudness::Warning => co::EVENTLOG::WARNING_TYPE,
            Loudness::Error => co::EVENTLOG::ERROR_TYPE,
        };
        let log = HEVENTLOG::RegisterEventSource(None, SOURCE).map_err(why)?;
        let id = u32::from(event.id());
        log.ReportEvent(kind, 0, id, None, &[without_places(words)], &[])
            .map_err(why)
    }

    /// Has the system know the source, as `eventcreate` would; what is known of it already stays.
    fn register() -> io::Result<()> {
        let (machine, texts) = (RegKey::predef(HKEY_LOCAL_MACHINE), "EventMessageFile");
        let path = format!(r"{SOURCES}\{SOURCE}");
        if let Ok(known) = machine.open_subkey(&path)
            && known.get_raw_value(texts).is_ok()
        {
            return Ok(());
        }
        let (key, _) = machine.create_subkey(&path)?;
        key.set_value("CustomSource", &1u32)?;
        key.set_value("TypesSupported", &TYPES)?;
        let bytes: Vec<u8> = TEXTS
            .encode_utf16()
            .chain([0])
            .flat_map(u16::to_le_bytes)
            .collect();
        let value = RegValue {
            bytes: bytes.into(),
            vtype: REG_EXPAND_SZ,
        };
        key.set_raw_value(texts, &value)
    }

    fn why(error: co::ERROR) -> String {
        reason(&io::Error::from_raw_os_error(error.raw().cast_signed()))
    }
}

#[cfg(unix)]
pub(crate) mod system {
    use std::io;
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::{Event, Loudness, SOURCE};
    use crate::wording::reason;

    /// Where every syslog listens, and the journal.
    const SOCKET: &str = "/dev/log";
    /// What comes of services (`LOG_DAEMON`).
    const FACILITY: u8 = 3;

    pub fn say(event: Event, words: &str, until: Instant) -> Result<(), String> {
        if stderr_is_in_the_journal() {
            return Ok(());
        }
        match send(Path::new(SOCKET), event, words, until) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(format!("{SOCKET}: {}", reason(&error)))
            }
            _ => Ok(()),
        }
    }

    /// By RFC 3164 without a time, which daemons of the machine put there by themselves. The word of the event comes first,
    /// as there are no numbers here. A daemon that takes nothing, as its queue is full, is waited for until then; each is tried
    /// once.
    pub(crate) fn send(socket: &Path, event: Event, words: &str, until: Instant) -> io::Result<()> {
        let severity = match event.loudness() {
            Loudness::Information => 6,
            Loudness::Warning => 4,
            Loudness::Error => 3,
        };
        let priority = FACILITY * 8 + severity;
        let text = format!("<{priority}>{SOURCE}[{}]: {event}: {words}", std::process::id());
        let sender = UnixDatagram::unbound()?;
        sender.set_nonblocking(true)?;
        loop {
            match sender.send_to(text.as_bytes(), socket) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && Instant::now() < until => {
                    sleep(Duration::from_millis(20));
                }
                sent => return sent.map(|_| ()),
            }
        }
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
    fn numbers_are_each_their_own_and_such_as_viewers_have_texts_for() {
        let mut ids: Vec<u16> = Event::ALL.iter().map(|(event, _)| event.id()).collect();
        assert!(ids.iter().all(|id| (1..=1000).contains(id)), "{ids:?}");
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }

    #[test]
    fn no_number_behind_a_percent_sign_is_taken_for_another_text() {
        let words = "http://[fe80::1%251]/%20 at 50%, 100 %";
        let shown = without_places(words);
        assert_eq!(shown, "http://[fe80::1% 251]/% 20 at 50%, 100 %");
        assert_eq!(without_places("%%1%a%"), "%% 1% a%");
    }

    #[cfg(unix)]
    #[test]
    fn a_daemon_gets_one_message_and_one_that_hangs_is_waited_for_a_moment() {
        use std::io::ErrorKind;
        use std::os::unix::net::UnixDatagram;
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("log");
        let send = |event, words, wait| {
            let until = Instant::now() + Duration::from_millis(wait);
            system::send(&socket, event, words, until).map_err(|error| error.kind())
        };
        assert_eq!(send(Event::RunFailed, "a", 0), Err(ErrorKind::NotFound));
        let daemon = UnixDatagram::bind(&socket).unwrap();
        let words = "a.example was not renewed";
        send(Event::NotRenewedLate, words, 0).unwrap();
        let mut bytes = [0; 200];
        let length = daemon.recv(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes[..length]);
        let wanted = format!("<28>esync-ssl[{}]: NOT-RENEWED-LATE: {words}", std::process::id());
        assert_eq!(text, wanted);
        // Nobody reads: the queue is full at some time.
        let full = (0..100_000).find_map(|_| send(Event::RunFailed, "a", 0).err());
        assert_eq!(full, Some(ErrorKind::WouldBlock));
        let began = Instant::now();
        assert_eq!(send(Event::RunFailed, "a", 200), Err(ErrorKind::WouldBlock));
        assert!(began.elapsed() >= Duration::from_millis(200) && began.elapsed() < Duration::from_secs(20));
        // It reads again after a while, which is waited for.
        let reader = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            daemon.recv(&mut [0; 200]).map(|_| daemon)
        });
        send(Event::RunFailed, "a", 20_000).unwrap();
        reader.join().unwrap().unwrap();
    }
}
