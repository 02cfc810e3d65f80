//! Who posted data over plain HTTP in the last days, as the access logs tell: what goes silent when HTTP is switched off.
//!
//! Only the ends of the logs are read, by the rules for logs, and nothing of them is shown but numbers. Formats of logs are
//! free: what does not look like the usual ones is passed over.

use std::collections::{BTreeSet, HashSet};
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::PathBuf;

use time::format_description::FormatItem;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

use super::Failure;
use super::environment::{Where, World};
use super::find::Loaded;
use super::ports::USUAL;
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
    /// Somebody may have posted of whom nothing is read: there is no log, a program has it, or this account may not read it.
    pub is_unknown: bool,
    /// Some of these logs have what was posted over HTTPS as well, which cannot be told from it.
    pub is_mixed: bool,
}

impl Posts {
    /// For people.
    pub fn told(&self) -> Option<String> {
        let Some(last) = self.last else {
            let words = "Whether devices post over HTTP is not known, as no access log of it can be read";
            return self.is_unknown.then(|| words.to_owned());
        };
        let who = count(self.senders, "device");
        let how = match self.is_mixed {
            true => "over HTTP or HTTPS, which have one log,",
            false => "over HTTP",
        };
        Some(format!(
            "{who} posted {how} in the last {DAYS} days, the last time on {} at {:02}:{:02}",
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
    let Logs {
        files,
        is_mixed,
        is_piped,
    } = logs(&loaded);
    let mut is_unknown = is_piped || files.is_empty();
    let each = (foreign::LOGS / (2 * files.len().max(1)) as u64).max(foreign::NOTE);
    for log in files {
        let mut earlier = log.clone().into_os_string();
        // What logrotate renamed last.
        earlier.push(".1");
        for path in [log, earlier.into()] {
            match tail(&path, each) {
                Ok(bytes) => bytes
                    .split(|byte| *byte == b'\n')
                    .for_each(|line| found.line(line)),
                Err(error) => is_unknown |= error.kind() != ErrorKind::NotFound,
            }
        }
    }
    Ok(Posts {
        is_unknown,
        is_mixed,
        ..found.posts()
    })
}

/// What answers without TLS is logged in.
struct Logs {
    files: Vec<PathBuf>,
    /// Something that speaks TLS writes into them as well.
    is_mixed: bool,
    /// A program gets lines, and where it puts them only it knows.
    is_piped: bool,
}

/// The log files of the main server and of virtual hosts, where these speak no TLS; and whether one that does writes into them
/// as well. A virtual host without a log of its own has that of the main server.
fn logs(loaded: &Loaded) -> Logs {
    let configuration = &loaded.configuration;
    let engines = Engines::of(configuration);
    let hosts = configuration.virtual_hosts();
    let active = hosts.iter().filter(|host| host.truth != Truth::False);
    let (secure, plain): (Vec<_>, Vec<_>) = active.partition(|host| engines.speak_tls(host));
    let mut plain: HashSet<SectionId> = plain.iter().map(|host| host.section).collect();
    if !ssl_engine(configuration, SERVER) {
        plain.insert(SERVER);
    }
    let named = ["CustomLog", "TransferLog"]
        .into_iter()
        .flat_map(|name| configuration.named(name));
    let (mut logs, mut known) = (Vec::new(), HashSet::new());
    let mut is_piped = false;
    let (mut with_log, mut of_secure) = (HashSet::new(), HashSet::new());
    for (_, entry) in named {
        if entry.truth == Truth::False {
            continue;
        }
        let section = configuration.context(entry);
        with_log.insert(section);
        let first = configuration.arguments(entry).into_iter().next();
        let Some(file) = first else { continue };
        if file.starts_with(b"|") {
            is_piped |= plain.contains(&section);
            continue;
        }
        let full = resolve(configuration.server_root(), &file, loaded.facts.platform);
        let path = configuration.source().host_path(&full);
        if !plain.contains(&section) {
            of_secure.insert(path);
        } else if known.insert((path.clone(), section == SERVER)) && !logs.contains(&path) {
            logs.push(path);
        }
    }
    let inherits = secure.iter().any(|host| !with_log.contains(&host.section));
    let is_mixed =
        |path: &PathBuf| of_secure.contains(path) || inherits && known.contains(&(path.clone(), true));
    Logs {
        is_mixed: logs.iter().any(is_mixed),
        files: logs,
        is_piped,
    }
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
    let mut words = before.split(|byte| *byte == b' ');
    let first = words.next()?;
    // Debian's `vhost_combined` has the virtual host and its port before the address.
    let (sender, port) = match port_of(first) {
        Some(port) => (words.next()?, Some(port)),
        None => (first, None),
    };
    if port == Some(USUAL) {
        return None;
    }
    let is_one = between.trim_ascii().is_empty() && (200..400).contains(&status) && !sender.is_empty();
    let moment = OffsetDateTime::parse(text(moment)?, MOMENT).ok()?;
    is_one.then_some((sender, moment))
}

/// The port of `NAME:PORT`; none of an address, which may have colons itself.
fn port_of(word: &[u8]) -> Option<u16> {
    let word = std::str::from_utf8(word).ok()?;
    let (name, port) = word.rsplit_once(':')?;
    let is_name = word.parse::<IpAddr>().is_err() && !name.is_empty();
    port.parse().ok().filter(|_| is_name)
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
            r#"www.example.com:80 10.0.0.7 - - [29/Nov/2026:06:00:00 +0000] "POST /esync/data HTTP/1.0" 200 -"#,
            r#"www.example.com:443 10.0.0.6 - - [29/Nov/2026:06:00:00 +0000] "POST /esync/data HTTP/1.0" 200 -"#,
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
        let unknown = Posts {
            is_unknown: true,
            ..Posts::default()
        };
        assert!(unknown.told().unwrap().contains("not known"));
        let mixed = Posts {
            is_mixed: true,
            ..posts
        };
        let told = mixed.told().unwrap();
        assert!(
            told.starts_with("2 devices posted over HTTP or HTTPS, which have one log, in the last"),
            "{told}"
        );
        assert_eq!(port_of(b"2001:db8::1:80"), None);
        assert_eq!(port_of(b"::1"), None);
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
