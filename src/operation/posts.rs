//! Who posted data over plain HTTP in the last days, as the access logs tell: what goes silent when HTTP is switched off.
//!
//! Only the ends of the logs are read, by the rules for logs, and nothing of them is shown but numbers. Formats of logs are
//! free: what does not look like the usual ones is passed over.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::Failure;
use super::environment::{Where, World};
use super::find::Loaded;
use crate::foreign;
use crate::httpd::{SERVER, SectionId, Truth, resolve};
use crate::mod_ssl::{Engines, ssl_engine};
use crate::server::log_file::tail;
use crate::wording::count;

/// How far back is looked.
const DAYS: i64 = 7;

/// As Apache writes it: `30/Nov/2026:18:04:34 +0000`.
const MOMENT: &[FormatItem] = format_description!(
    "[day]/[month repr:short]/[year]:[hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// Those who posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posts {
    /// How many addresses did, in the last days.
    pub senders: usize,
    /// When the last one did.
    pub last: Option<OffsetDateTime>,
    /// How many logs were read.
    pub logs: usize,
}

impl Posts {
    /// For people.
    pub fn told(&self) -> Option<String> {
        let last = self.last?;
        let who = count(self.senders, "device");
        Some(format!(
            "{who} posted over HTTP in the last {DAYS} days, the last time on {} at {:02}:{:02}",
            last.date(),
            last.hour(),
            last.minute()
        ))
    }
}

/// Looks into the access logs of what answers without TLS.
///
/// # Errors
/// When there is no configuration. What cannot be read is passed over.
pub fn of(place: &Where, world: &World) -> Result<Posts, Failure> {
    let loaded = Loaded::find(place)?;
    let now = (world.now)();
    let mut found = Found::new(now);
    let logs = logs(&loaded);
    let each = (foreign::LOGS / (2 * logs.len().max(1)) as u64).max(foreign::NOTE);
    for log in logs {
        let mut earlier = log.clone().into_os_string();
        // What logrotate renamed last.
        earlier.push(".1");
        for path in [log, earlier.into()] {
            if let Ok(bytes) = tail(&path, each) {
                found.posts.logs += 1;
                bytes
                    .split(|byte| *byte == b'\n')
                    .for_each(|line| found.line(line));
            }
        }
    }
    Ok(found.posts())
}

/// The log files of the main server and of virtual hosts, where these speak no TLS.
fn logs(loaded: &Loaded) -> Vec<PathBuf> {
    let configuration = &loaded.configuration;
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts();
    let plain = hosts.iter().filter(|host| !engines.speak_tls(host));
    let mut plain: HashSet<SectionId> = plain.map(|host| host.section).collect();
    if !ssl_engine(configuration, SERVER) {
        plain.insert(SERVER);
    }
    let named = ["CustomLog", "TransferLog"]
        .into_iter()
        .flat_map(|name| configuration.named(name));
    let (mut logs, mut known) = (Vec::new(), HashSet::new());
    for (_, entry) in named {
        if entry.truth == Truth::False || !plain.contains(&configuration.context(entry)) {
            continue;
        }
        let first = configuration.arguments(entry).into_iter().next();
        // A program gets the lines, and where it puts them only it knows.
        let Some(file) = first.filter(|file| !file.starts_with(b"|")) else {
            continue;
        };
        let full = resolve(configuration.server_root(), &file, loaded.facts.platform);
        let path = configuration.source().host_path(&full);
        if known.insert(path.clone()) {
            logs.push(path);
        }
    }
    logs
}

/// What lines tell so far.
struct Found {
    since: OffsetDateTime,
    senders: BTreeSet<Vec<u8>>,
    posts: Posts,
}

impl Found {
    fn new(now: OffsetDateTime) -> Found {
        Found {
            since: now - Duration::days(DAYS),
            senders: BTreeSet::new(),
            posts: Posts::default(),
        }
    }

    /// `ADDRESS … [MOMENT] "POST /path HTTP/1.1" 200 …`. Who was refused is no device of this server.
    fn line(&mut self, line: &[u8]) {
        if memchr::memmem::find(line, b"\"POST ").is_none() {
            return;
        }
        let Some((sender, moment)) = post(line) else {
            return;
        };
        if moment < self.since {
            return;
        }
        self.posts.last = self.posts.last.max(Some(moment));
        // Whoever fills a log with addresses fills no memory of ours.
        if self.senders.len() < 10_000 {
            self.senders.insert(sender.iter().take(64).copied().collect());
        }
    }

    fn posts(self) -> Posts {
        Posts {
            senders: self.senders.len(),
            ..self.posts
        }
    }
}

/// Who posted when, of a line that says so and that it was taken.
fn post(line: &[u8]) -> Option<(&[u8], OffsetDateTime)> {
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let (before, rest) = split(line, b"[")?;
    let (moment, rest) = split(rest, b"]")?;
    let (between, request) = split(rest, b"\"POST ")?;
    let (_, behind) = split(request, b"\"")?;
    let status: u16 = text(behind)?.split_whitespace().next()?.parse().ok()?;
    let sender = before.split(|byte| *byte == b' ').next()?;
    let is_one = between.trim_ascii().is_empty() && (200..400).contains(&status) && !sender.is_empty();
    let moment = OffsetDateTime::parse(text(moment)?, MOMENT).ok()?;
    is_one.then_some((sender, moment))
}

fn split<'a>(bytes: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let found = memchr::memmem::find(bytes, at)?;
    Some((&bytes[..found], &bytes[found + at.len()..]))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn who_posted_is_counted_once_and_only_if_it_was_taken() {
        let mut found = Found::new(datetime!(2026-11-30 18:00 UTC));
        for line in [
            r#"10.0.0.7 - - [30/Nov/2026:06:00:00 +0000] "POST /esync/data HTTP/1.1" 200 12"#,
            r#"10.0.0.7 - ewon [30/Nov/2026:06:30:00 +0100] "POST /esync/data HTTP/1.1" 200 12 "-" "eWON""#,
            r#"10.0.0.8 - - [29/Nov/2026:06:00:00 +0000] "POST /esync/data HTTP/1.0" 302 -"#,
            // Too long ago; refused; no post; no line of these.
            r#"10.0.0.9 - - [20/Nov/2026:06:00:00 +0000] "POST /esync/data HTTP/1.0" 200 -"#,
            r#"10.0.0.9 - - [30/Nov/2026:06:00:00 +0000] "POST /wp-login.php HTTP/1.1" 404 -"#,
            r#"10.0.0.9 - - [30/Nov/2026:06:00:00 +0000] "GET /?"POST HTTP/1.1" 200 -"#,
            r#""POST "#,
            r#"[ "POST ] x" 200"#,
            "",
        ] {
            found.line(line.as_bytes());
        }
        let posts = found.posts();
        assert_eq!(posts.senders, 2);
        assert_eq!(posts.last, Some(datetime!(2026-11-30 06:00 UTC)));
        assert_eq!(
            posts.told().unwrap(),
            "2 devices posted over HTTP in the last 7 days, the last time on 2026-11-30 at 06:00"
        );
        assert_eq!(Posts::default().told(), None);
    }

    #[test]
    fn lines_of_any_bytes_are_passed_over() {
        let mut found = Found::new(OffsetDateTime::UNIX_EPOCH);
        for line in [
            &b"\xff[\xfe]\"POST \xfd\" 200"[..],
            b"[]\"POST \"",
            b" [x] \"POST /\" 200",
        ] {
            found.line(line);
        }
        assert_eq!(found.posts(), Posts::default());
    }
}
