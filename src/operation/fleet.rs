//! What many servers said of their certificates, put together: the documents of `certificates --json`, each in a file. Whoever
//! wrote them may have written anything: each is read within limits, and one that is of no use is named and stops nothing.

use std::io;
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, OffsetDateTime};

use super::Failure;
use crate::foreign;
use crate::place::{Moment, ShownPath};
use crate::renewal::{Life, Urgency, next_shortening, urgency};
use crate::shown::{printable, shown};
use crate::wording::reason;

/// Files that are read at most.
pub const MOST: usize = 5000;
/// The version of the documents that are known: that of this program.
pub const VERSION: u32 = 1;
/// Names that are kept of one certificate.
const NAMES: usize = 20;
/// Clocks differ so much without any harm, and a document is written so much later than its server looked.
const TOLERANCE: Duration = Duration::minutes(10);
/// A look that is older says little.
const OLD: Duration = Duration::days(7);

/// What was put together.
pub struct Fleet {
    /// When.
    pub now: OffsetDateTime,
    /// Every certificate that ends, the one that ends first first.
    pub certificates: Vec<Known>,
    /// Servers whose clock is wrong, or whose document is old.
    pub clocks: Vec<Clock>,
    /// The next day from which certificates live shorter, and for how many days at most; nothing after the last.
    pub shortening: Option<(Date, i64)>,
    /// What programs are told of it.
    pub summary: Summary,
}

/// One certificate of one server.
pub struct Known {
    /// The server, by the name of its document.
    pub server: String,
    /// Its names.
    pub names: Vec<String>,
    /// Its file there.
    pub file: String,
    /// Who issued it.
    pub issuer: String,
    /// Its life.
    pub life: Life,
    /// How urgent it is, by the clock of this machine.
    pub urgency: Urgency,
    /// Who renews it, in one word.
    pub renewer: String,
    /// Clients are not shown it, as far as that server saw.
    pub is_not_served: bool,
    /// Why its server breaks sooner or later unless somebody does something; nothing where it does not.
    pub risk: Option<String>,
}

/// A server whose clock is wrong, or whose document is old.
pub struct Clock {
    /// The server.
    pub server: String,
    /// When it looked, by its own clock.
    pub looked: OffsetDateTime,
    /// What is the case.
    pub words: String,
}

/// What became of the documents of many servers.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "FleetSummary"))]
pub struct Summary {
    /// Servers whose documents were read.
    pub server_count: usize,
    /// Their certificates.
    pub certificate_count: usize,
    /// Those that ended.
    pub ended_count: usize,
    /// Those that end soon, as `certificates` counts it: an eighth of their life is left, or a few days.
    pub ending_count: usize,
    /// Servers whose clock is wrong, or whose document is old.
    pub clock_count: usize,
    /// Certificates that end for good unless somebody does something.
    pub risk_count: usize,
    /// Documents that are of no use.
    pub unread: Vec<Unread>,
}

/// A document that is of no use.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UnreadDocument"))]
pub struct Unread {
    /// Its file.
    pub file: ShownPath,
    /// Why.
    pub reason: String,
}

/// Reads files, and all files of folders whose names end with `.json`.
///
/// # Errors
/// When a folder cannot be listed, or no document is of use.
pub fn read(named: &[PathBuf], now: OffsetDateTime) -> Result<Fleet, Failure> {
    let mut fleet = Fleet {
        now,
        certificates: Vec::new(),
        clocks: Vec::new(),
        shortening: next_shortening(now.date()).map(|(day, most)| (day, most.whole_days())),
        summary: Summary::default(),
    };
    let (files, left_out) = files(named)?;
    let mut left = foreign::DOCUMENTS;
    for file in &files {
        match document(file, &mut left) {
            Ok(document) => fleet.add(file, document),
            Err(reason) => fleet.unread(file, reason),
        }
    }
    if left_out > 0 {
        let words = format!("{left_out} more files were not looked at: {MOST} are read at most");
        fleet.unread(&files[files.len() - 1], words);
    }
    if fleet.summary.server_count == 0 {
        let fix = "put there what esync-ssl certificates --json prints on each server, as NAME.json";
        let first = fleet.summary.unread.first();
        let first = first.map(|one| format!(": {}: {}", one.file, one.reason));
        let words = format!(
            "there is no document that could be put on a page{}",
            first.unwrap_or_default()
        );
        return Err(Failure::with_advice(words, fix));
    }
    fleet
        .certificates
        .sort_by(|one, other| (one.life.not_after, &one.server).cmp(&(other.life.not_after, &other.server)));
    fleet.count();
    Ok(fleet)
}

/// The files that are meant, each once, and how many are left out.
fn files(named: &[PathBuf]) -> Result<(Vec<PathBuf>, usize), Failure> {
    let mut files = Vec::new();
    for path in named {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let listed = list(path).map_err(|error| {
            let what = format!("the folder {} cannot be listed", shown(path));
            Failure::of_system(what, &error, "check the path, and who may read it")
        });
        files.extend(listed?);
    }
    files.sort();
    files.dedup();
    let left_out = files.len().saturating_sub(MOST);
    files.truncate(MOST);
    Ok((files, left_out))
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"))
        {
            files.push(path);
        }
    }
    Ok(files)
}

/// What is used of a document. Fields that are not known are those of later versions.
#[derive(Deserialize)]
struct Document {
    schema: u32,
    command: String,
    error: Option<Wrong>,
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Wrong {
    message: String,
}

#[derive(Deserialize)]
struct Data {
    certificates: Vec<Told>,
    schedule: Option<Schedule>,
}

#[derive(Deserialize)]
struct Schedule {
    state: String,
}

#[derive(Deserialize)]
struct Told {
    file: String,
    names: Vec<String>,
    issuer: Option<String>,
    not_before: Option<String>,
    not_after: Option<String>,
    rest_seconds: Option<i64>,
    used_by: Vec<IgnoredAny>,
    served: String,
    renewer: Renewer,
    source: Option<IgnoredAny>,
    #[serde(default)]
    failure_count: usize,
}

#[derive(Deserialize)]
struct Renewer {
    by: String,
}

/// Reads one; `left`: bytes that may still be read.
fn document(file: &Path, left: &mut u64) -> Result<Data, String> {
    let limit = foreign::DOCUMENT.min(*left);
    let bytes = foreign::read(file, limit).map_err(|error| reason(&error))?;
    *left -= (bytes.len() as u64).min(*left);
    // PowerShell 5 writes UTF-16.
    let text = foreign::text(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let wrong = |why: &str| format!("it is not what esync-ssl certificates --json prints: {why}");
    let document: Document = serde_json::from_str(&text).map_err(|error| {
        // What stands there is not told: a link may have led to any file.
        let what = match error.is_data() {
            true => "a field is missing or of another kind",
            false => "it is not JSON",
        };
        wrong(&format!("{what} (line {})", error.line()))
    })?;
    if document.schema != VERSION {
        return Err(format!(
            "it is of version {} of the documents; {VERSION} is known",
            document.schema
        ));
    }
    if document.command != "certificates" {
        return Err(wrong(&format!(
            "it is of {}",
            printable(document.command.as_bytes())
        )));
    }
    match (document.data, document.error) {
        (Some(data), _) => Ok(data),
        (None, Some(error)) => Err(format!(
            "this program failed there: {}",
            printable(error.message.as_bytes())
        )),
        (None, None) => Err(wrong("there is no answer in it")),
    }
}

impl Fleet {
    fn unread(&mut self, file: &Path, reason: String) {
        let file = shown(file).into();
        self.summary.unread.push(Unread { file, reason });
    }

    fn add(&mut self, file: &Path, data: Data) {
        let server = file.file_stem().unwrap_or_default();
        let server = printable(server.to_string_lossy().as_bytes());
        self.summary.server_count += 1;
        let is_scheduled = data.schedule.is_none_or(|schedule| schedule.state == "on");
        let mut looked = None;
        let mut latest: Option<OffsetDateTime> = None;
        for told in data.certificates {
            self.summary.certificate_count += 1;
            let moment = |text: &Option<String>| Moment::parse(text.as_ref()?).map(OffsetDateTime::from);
            let (Some(not_before), Some(not_after)) = (moment(&told.not_before), moment(&told.not_after))
            else {
                continue;
            };
            let life = Life {
                not_before,
                not_after,
            };
            // What was left when it looked tells when that was.
            let then = told
                .rest_seconds
                .and_then(|rest| not_after.checked_sub(Duration::seconds(rest)));
            looked = looked.or(then);
            if told.served == "yes" {
                latest = latest.max(Some(not_before));
            }
            let risk = self.risk(&told, life, is_scheduled);
            self.certificates.push(Known {
                server: server.clone(),
                urgency: urgency(life, self.now),
                is_not_served: !told.used_by.is_empty() && told.served != "yes",
                names: told.names.into_iter().take(NAMES).collect(),
                file: told.file,
                issuer: told.issuer.unwrap_or_default(),
                renewer: told.renewer.by,
                life,
                risk,
            });
        }
        if let Some(looked) = looked
            && let Some(words) = clock(looked, latest, self.now)
        {
            self.clocks.push(Clock {
                server,
                looked,
                words,
            });
        }
    }

    /// Why a certificate ends for good unless somebody does something.
    fn risk(&self, told: &Told, life: Life, is_scheduled: bool) -> Option<String> {
        if told.used_by.is_empty() {
            return None;
        }
        let by_hand = told.renewer.by == "nobody" && told.source.is_none();
        match told.failure_count {
            0 => {}
            1 => return Some("its renewal failed the last time".into()),
            times => return Some(format!("its renewal failed {times} times in a row")),
        }
        if told.renewer.by == "esync-ssl" && !is_scheduled {
            return Some("nothing is scheduled that renews it".into());
        }
        let (day, most) = self.shortening?;
        let is_longer = life.length() > Duration::days(most + 1);
        (by_hand && is_longer).then(|| {
            let often = 365_i64.div_euclid(most) + 1;
            format!("renewed by hand: of a public authority, from {day} on about {often} times a year")
        })
    }

    fn count(&mut self) {
        let of = |is: &dyn Fn(&Known) -> bool| self.certificates.iter().filter(|known| is(known)).count();
        let ended = of(&|known| known.urgency == Urgency::Over);
        let ending = of(&|known| known.urgency == Urgency::Error);
        let risk = of(&|known| known.risk.is_some());
        self.summary.ended_count = ended;
        self.summary.ending_count = ending;
        self.summary.risk_count = risk;
        self.summary.clock_count = self.clocks.len();
    }
}

/// What is wrong with a clock by which a server looked at this moment. `latest`: when the newest certificate began that its
/// clients take.
fn clock(looked: OffsetDateTime, latest: Option<OffsetDateTime>, now: OffsetDateTime) -> Option<String> {
    let about = |span: Duration| match span.whole_hours() {
        0 => format!("{} minutes", span.whole_minutes()),
        hours @ 1..48 => format!("{hours} hours"),
        hours => format!("{} days", hours / 24),
    };
    if looked > now + TOLERANCE {
        return Some(format!("its clock is ahead by {} at least", about(looked - now)));
    }
    if let Some(latest) = latest.filter(|latest| *latest > looked + TOLERANCE) {
        let words = "its clock is behind: the certificate that it serves begins";
        return Some(format!(
            "{words} {} later than its present time",
            about(latest - looked)
        ));
    }
    (now - looked > OLD).then(|| {
        format!(
            "its document is {} old, or its clock is behind by that",
            about(now - looked)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn clocks_that_are_wrong() {
        let now = datetime!(2026-12-01 12:00 UTC);
        assert_eq!(clock(now - Duration::hours(1), None, now), None);
        let ahead = clock(now + Duration::days(3), None, now).expect("ahead");
        assert!(ahead.contains("ahead by 3 days"), "{ahead}");
        let behind = clock(now - Duration::DAY, Some(now - Duration::HOUR), now).expect("behind");
        assert!(behind.contains("23 hours later"), "{behind}");
        let old = clock(now - Duration::days(30), None, now).expect("old");
        assert!(old.contains("30 days old"), "{old}");
    }
}
