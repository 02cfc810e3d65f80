//! Error logs of Apache: lines to entries. Knows no causes.
//!
//! Numbers are what counts: Apache's `AH` numbers, OpenSSL's hexadecimal ones, those of the operating system. The words
//! of the last two are translated on many machines.

use std::sync::LazyLock;

use regex::Regex;
use time::{Date, Month, PrimitiveDateTime, Time};

use super::log_file::decode;
use crate::shown::cut;

/// One message of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Which of the logs it comes from; an index of the reader's own.
    pub log: usize,
    /// Number of its first line, from 1.
    pub line: usize,
    /// When, in the local time of the server. Without one of its own it has that of the line before.
    pub time: Option<PrimitiveDateTime>,
    /// The time is its own.
    pub is_timed: bool,
    /// Module, `ssl`; empty where the format has none.
    pub module: String,
    /// Level, `emerg`.
    pub level: String,
    /// Process.
    pub pid: Option<u32>,
    /// Apache's number, `AH02565`.
    pub code: Option<String>,
    /// Number of an error of the operating system: 98 of `(98)Address already in use`, 10048 of `(OS 10048)`.
    pub os_error: Option<u32>,
    /// OpenSSL's number, `0B080074`.
    pub openssl: Option<String>,
    /// What it says, behind all of that; further lines included.
    pub message: String,
    /// The lines as they are; what is far too long is cut, and says so.
    pub text: String,
    /// How many lines belong to it.
    lines: usize,
}

/// Bytes of one line that are kept: no message of Apache is longer.
const LONGEST_LINE: usize = 2000;
/// Lines of one entry that are kept.
const MOST_LINES: usize = 40;
/// Lines at the end of one log that are looked at.
const LAST_LINES: usize = 100_000;

macro_rules! pattern {
    ($name:ident, $text:literal) => {
        static $name: LazyLock<Regex> = LazyLock::new(|| Regex::new($text).expect("a pattern that compiles"));
    };
}

pattern!(
    STAMP,
    r"^\[(?:\w{3} )?(\w{3}) +(\d{1,2}) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))? (\d{4})\] ?"
);
pattern!(
    ISO_STAMP,
    r"^\[?(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,6}))?\d*(?:Z|[+-]\d\d:?\d\d)?\]? ?"
);
pattern!(FIELD, r"^\[([^\]]*)\] ?");
pattern!(CODE, r"\b(AH\d{5}): ?");
pattern!(OS_ERROR, r"\((?:OS )?(\d{1,5})\)");
pattern!(OPENSSL, r"\berror:([0-9A-Fa-f]{8}):");
// What the journal of systemd or syslog puts before Apache's own words.
pattern!(
    JOURNAL,
    r"^(?:\w{3} +\d+ \d\d:\d\d:\d\d )?[\w.-]+ [^\s\[\]:]+\[\d+\]: "
);

/// What the event log of Windows puts before each message.
const EVENT: &str = "The Apache service named";

/// The entries of one log. Lines that belong to no entry of their own are kept with the one before.
pub fn parse(bytes: &[u8], log: usize) -> Vec<Entry> {
    let text = decode(bytes);
    let mut entries: Vec<Entry> = Vec::new();
    // A line that announces the next one: "Syntax error on line …:".
    let mut announced = false;
    let before = text.lines().count().saturating_sub(LAST_LINES);
    for (number, raw) in text.lines().enumerate().skip(before) {
        let raw = &*cut(raw.trim_end_matches('\r'), LONGEST_LINE);
        if raw.trim().is_empty() || (raw.starts_with(EVENT) && !raw.contains(">>>")) {
            continue;
        }
        let mut entry = read(raw);
        let begins = entry.code.is_some() || !announced && (entry.is_timed || !raw.starts_with([' ', '\t']));
        if !begins && let Some(last) = entries.last_mut() {
            last.lines += 1;
            if last.lines < MOST_LINES {
                last.message.push('\n');
                last.message.push_str(&entry.message);
                last.text.push('\n');
                last.text.push_str(raw);
            } else if last.lines == MOST_LINES {
                last.text += "\n[further lines of this message are left out]";
            }
            announced = false;
            continue;
        }
        announced = entry.code.is_some() && entry.message.ends_with(':');
        entry.log = log;
        entry.line = number + 1;
        entry.lines = 1;
        if let (None, Some(last)) = (entry.time, entries.last()) {
            entry.time = last.time;
        }
        entries.push(entry);
    }
    entries
}

/// A line without what others put before Apache's own words.
fn unframed(raw: &str) -> &str {
    let mut text = raw;
    if (raw.starts_with(">>>") || raw.starts_with(EVENT))
        && let Some((_, rest)) = raw.split_once(">>>")
    {
        text = rest.trim_start();
    }
    if let Some(frame) = JOURNAL.find(text) {
        text = &text[frame.end()..];
    }
    for program in ["httpd: ", "httpd.exe: ", "apache2: "] {
        text = text.strip_prefix(program).unwrap_or(text);
    }
    text
}

fn read(raw: &str) -> Entry {
    let mut entry = Entry {
        text: raw.to_string(),
        ..Entry::default()
    };
    let mut rest = unframed(raw);
    if let Some((time, length)) = stamp(rest) {
        entry.time = Some(time);
        entry.is_timed = true;
        rest = &rest[length..];
        if let Some(frame) = JOURNAL.find(rest) {
            rest = unframed(&rest[frame.start()..]);
        }
        while let Some(field) = FIELD.captures(rest) {
            let (whole, inner) = (
                field.get(0).map_or(0, |all| all.end()),
                field.get(1).map_or("", |m| m.as_str()),
            );
            if let Some(ids) = inner.strip_prefix("pid ") {
                let digits = ids.split(|c: char| !c.is_ascii_digit()).next();
                entry.pid = digits.and_then(|digits| digits.parse().ok());
            } else if let Some((module, level)) = inner.split_once(':').filter(|(_, level)| is_level(level)) {
                entry.module = module.to_string();
                entry.level = level.to_string();
            } else if is_level(inner) {
                entry.level = inner.to_string();
            } else if !inner.starts_with("client ")
                && !inner.starts_with("remote ")
                && !inner.starts_with("tid ")
            {
                break;
            }
            rest = &rest[whole..];
        }
    }
    if let Some(found) = CODE.captures(rest) {
        entry.code = found.get(1).map(|code| code.as_str().to_string());
        let (from, to) = found.get(0).map_or((0, 0), |all| (all.start(), all.end()));
        entry.os_error = number(&rest[..from]);
        rest = &rest[to..];
    } else if rest.starts_with('(') {
        entry.os_error = number(rest);
    }
    entry.openssl = OPENSSL
        .captures(rest)
        .and_then(|found| found.get(1))
        .map(|number| number.as_str().to_ascii_uppercase());
    entry.message = rest.to_string();
    entry
}

fn is_level(word: &str) -> bool {
    matches!(
        word,
        "emerg" | "alert" | "crit" | "error" | "warn" | "notice" | "info" | "debug"
    ) || word.starts_with("trace")
}

fn number(text: &str) -> Option<u32> {
    OS_ERROR.captures(text)?.get(1)?.as_str().parse().ok()
}

fn stamp(text: &str) -> Option<(PrimitiveDateTime, usize)> {
    if let Some(found) = STAMP.captures(text) {
        let get = |at: usize| found.get(at).map_or("", |part| part.as_str());
        let month = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        .iter()
        .position(|name| name.eq_ignore_ascii_case(get(1)))?;
        let time = moment(
            [get(7), "", get(2), get(3), get(4), get(5), get(6)],
            month as u8 + 1,
        )?;
        return Some((time, found.get(0)?.end()));
    }
    let found = ISO_STAMP.captures(text)?;
    let get = |at: usize| found.get(at).map_or("", |part| part.as_str());
    let month = get(2).parse().ok()?;
    let time = moment([get(1), "", get(3), get(4), get(5), get(6), get(7)], month)?;
    Some((time, found.get(0)?.end()))
}

fn moment(parts: [&str; 7], month: u8) -> Option<PrimitiveDateTime> {
    let [year, _, day, hour, minute, second, fraction] = parts;
    let micro = format!("{fraction:0<6}").parse().ok()?;
    let date = Date::from_calendar_date(
        year.parse().ok()?,
        Month::try_from(month).ok()?,
        day.parse().ok()?,
    )
    .ok()?;
    let time = Time::from_hms_micro(
        hour.parse().ok()?,
        minute.parse().ok()?,
        second.parse().ok()?,
        micro,
    )
    .ok()?;
    Some(PrimitiveDateTime::new(date, time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_both_systems() {
        let log = b"[Mon Nov 23 21:56:22.643551 2026] [ssl:emerg] [pid 23717:tid 140268713248640] [client 10.0.0.1:5] (13)Permission denied: AH02574: Init: Can't open x\n\
            [Mon Nov 23 21:56:23 2026] [error] old: AH is absent\n\
            [Mon Nov 23 21:56:24.1 2026] [mpm_winnt:error] [pid 412:tid 516] (OS 10048)Normalerweise darf: AH00072: make_sock\r\n\
            AH00016: Configuration Failed\n";
        let entries = parse(log, 3);
        assert_eq!(entries.len(), 4, "{entries:#?}");
        assert_eq!(entries[0].code.as_deref(), Some("AH02574"));
        assert_eq!((entries[0].pid, entries[0].os_error), (Some(23717), Some(13)));
        assert_eq!((&*entries[0].module, &*entries[0].level), ("ssl", "emerg"));
        assert_eq!(entries[0].message, "Init: Can't open x");
        assert_eq!(
            (&*entries[1].level, &*entries[1].message),
            ("error", "old: AH is absent")
        );
        assert_eq!(entries[2].os_error, Some(10048));
        assert_eq!(
            (entries[3].is_timed, entries[3].time, entries[3].log),
            (false, entries[2].time, 3)
        );
    }

    #[test]
    fn what_others_wrote_without_end_is_cut() {
        let long = "x".repeat(3 << 20);
        let more = " and so on\n".repeat(1000);
        let log = format!(
            "[core:error] AH00001: {long}\n{more}{}",
            "a b\n".repeat(LAST_LINES)
        );
        let entries = parse(log.as_bytes(), 0);
        assert_eq!(entries.len(), LAST_LINES);
        let entries = parse(&log.as_bytes()[..log.len() - 4 * LAST_LINES], 0);
        let [entry] = &entries[..] else {
            panic!("{}", entries.len())
        };
        assert!(entry.text.len() < LONGEST_LINE + 1000, "{}", entry.text.len());
        assert!(entry.text.contains("more bytes]") && entry.text.contains("left out"));
        assert_eq!(cut("\u{20ac}\u{20ac}", 4), "\u{20ac} [and 3 more bytes]");
    }

    #[test]
    fn what_is_printed_and_what_the_event_log_holds() {
        let entries = parse(
            b"AH00526: Syntax error on line 7 of C:/x/httpd.conf:\nSSLProtocol: Illegal protocol 'TLSv9'\n\
              (98)Address already in use: AH00072: make_sock: could not bind to address [::]:443\n\
              no listening sockets available, shutting down\nAH00015: Unable to open logs\n",
            0,
        );
        assert_eq!(entries.len(), 4, "{entries:#?}");
        assert!(entries[0].message.ends_with("Illegal protocol 'TLSv9'"));
        assert_eq!(entries[1].os_error, Some(98));
        let event = parse(
            b"The Apache service named  reported the following error:\r\n>>> (OS 10013)x : AH00072: make_sock: y .\r\n\
              Nov 23 21:56:22 host apachectl[123]: AH00526: Syntax error on line 3 of /a:\r\nNov 23 21:56:22 host apachectl[123]: Invalid command 'x'\r\n",
            0,
        );
        assert_eq!(
            event.last().map(|entry| &*entry.message),
            Some("Syntax error on line 3 of /a:\nInvalid command 'x'")
        );
        assert_eq!(event[0].os_error, Some(10013), "{event:#?}");
    }
}
