//! What the system keeps of Apache's words: what a service says before its error log is open.
//!
//! The journal of systemd, or the Application event log of Windows with the source "Apache Service".

#[cfg(any(windows, test))]
use std::sync::LazyLock;

#[cfg(any(windows, test))]
use regex::Regex;

#[cfg(any(windows, test))]
use super::log_file::decode;

/// The last entries of it, as lines that [`super::error_log::parse`] reads, with a name; `None` where there is none.
#[cfg(windows)]
pub fn read() -> Option<(String, Result<Vec<u8>, String>)> {
    const QUERY: &str = "*[System[Provider[@Name='Apache Service']]]";
    let name = "the Application event log, source \"Apache Service\"".to_string();
    let arguments = [
        "qe",
        "Application",
        &format!("/q:{QUERY}"),
        "/c:60",
        "/rd:true",
        "/f:xml",
        // Otherwise it answers in the code page of consoles, which has not every letter.
        "/uni:true",
    ];
    let output = super::binary::Binary::of_system("wevtutil.exe")
        .ok()?
        .run(&arguments)
        .ok()?;
    if !output.status.success() {
        return Some((name, Err("wevtutil does not show it".into())));
    }
    let offset = time::OffsetDateTime::now_local().map_or(time::UtcOffset::UTC, |now| now.offset());
    Some((name, Ok(events(&answer(&output.stdout), offset).into_bytes())))
}

/// The last entries of it, as lines that [`super::error_log::parse`] reads, with a name; `None` where there is none.
#[cfg(not(windows))]
pub fn read() -> Option<(String, Result<Vec<u8>, String>)> {
    if !std::path::Path::new("/run/systemd/system").is_dir() {
        return None;
    }
    let arguments = [
        "-u",
        "apache2",
        "-u",
        "httpd",
        "-n",
        "200",
        "--no-pager",
        "-q",
        "-o",
        "short-iso",
        "-b",
    ];
    let output = super::binary::Binary::of_system("journalctl")
        .ok()?
        .run(&arguments)
        .ok()?;
    // Not everybody may read it, and an empty one says nothing.
    (output.status.success() && !output.stdout.is_empty())
        .then(|| ("the journal of systemd".to_string(), Ok(output.stdout)))
}

/// The text of an answer, which is UTF-16 with or without byte order mark, or UTF-8 where it has no other letters.
#[cfg(any(windows, test))]
fn answer(bytes: &[u8]) -> String {
    match bytes {
        [b'<', 0, ..] => decode(&[b"\xff\xfe", bytes].concat()),
        _ => decode(bytes),
    }
}

/// Events in the XML of `wevtutil`, newest first, as lines with a time, oldest first.
#[cfg(any(windows, test))]
fn events(xml: &str, offset: time::UtcOffset) -> String {
    use std::fmt::Write as _;
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"SystemTime=['"](\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z?['"]"#)
            .expect("a pattern")
    });
    static DATA: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?s)<Data[^>]*>(.*?)</Data>").expect("a pattern"));
    let mut lines: Vec<String> = Vec::new();
    for event in xml.split("<Event ").skip(1) {
        let strings: Vec<String> = DATA.captures_iter(event).map(|found| plain(&found[1])).collect();
        // "The Apache service named", its name, "reported the following error: >>>", the words of Apache.
        let message: Vec<&str> = match strings.iter().position(|text| text.contains(">>>")) {
            Some(at) => strings[at + 1..].iter().map(String::as_str).collect(),
            None => strings.iter().map(String::as_str).collect(),
        };
        let message = message.join(" ");
        let mut line = String::new();
        if let Some(found) = TIME.captures(event) {
            let number = |at: usize| {
                found
                    .get(at)
                    .and_then(|part| part.as_str().parse::<u16>().ok())
                    .unwrap_or(0)
            };
            let part = |at: usize| u8::try_from(number(at)).unwrap_or(0);
            let month = time::Month::try_from(part(2)).unwrap_or(time::Month::January);
            let utc = time::Date::from_calendar_date(i32::from(number(1)), month, part(3))
                .ok()
                .zip(time::Time::from_hms(part(4), part(5), part(6)).ok());
            if let Some((date, clock)) = utc {
                let local = time::PrimitiveDateTime::new(date, clock)
                    .assume_utc()
                    .to_offset(offset);
                let _ = write!(
                    line,
                    "{}T{:02}:{:02}:{:02} ",
                    local.date(),
                    local.hour(),
                    local.minute(),
                    local.second()
                );
            }
        }
        line.push_str(message.trim());
        lines.push(line.replace(['\r', '\n'], " "));
    }
    lines.reverse();
    lines.join("\n")
}

#[cfg(any(windows, test))]
fn plain(xml: &str) -> String {
    xml.replace("&gt;", ">")
        .replace("&lt;", "<")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#13;", "\r")
        .replace("&#10;", "\n")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::super::error_log::parse;
    use super::*;

    #[test]
    fn answers_in_any_encoding() {
        let text = "<Event><Data>Donn\u{e9}es</Data></Event>";
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked = [b"\xff\xfe", &*wide].concat();
        for bytes in [text.as_bytes(), &wide, &marked] {
            assert_eq!(answer(bytes), text);
        }
    }

    #[test]
    fn events_become_lines() {
        let event = |second: u32, words: &str| {
            format!(
                "<Event xmlns='x'><System><Provider Name='Apache Service'/><TimeCreated SystemTime='2026-03-02T05:00:{second:02}.1234567Z'/>\
                 </System><EventData><Data>The Apache service named</Data><Data></Data><Data>reported the following error:&#13;\n&gt;&gt;&gt;</Data>\
                 <Data>{words}</Data><Data></Data></EventData></Event>"
            )
        };
        let xml = event(2, "SSLProtocol: Illegal protocol 'x'")
            + &event(1, "AH00526: Syntax error on line 3 of C:/a/b.conf:");
        let offset = time::UtcOffset::from_hms(1, 0, 0).unwrap();
        let text = events(&xml, offset);
        let entries = parse(text.as_bytes(), 0);
        assert_eq!(entries.len(), 1, "{text}\n{entries:#?}");
        assert_eq!(entries[0].time.unwrap().hour(), 6);
        assert_eq!(
            entries[0].message,
            "Syntax error on line 3 of C:/a/b.conf:\nSSLProtocol: Illegal protocol 'x'"
        );
    }
}
