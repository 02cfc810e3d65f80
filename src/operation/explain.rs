//! What the error logs say, and why. The rules are those of [`crate::check::log`].

use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::Failure;
use super::environment::Where;
use super::explained::{Explained, Log, LogReport, StartOutcome, UnknownErrors};
use super::find::Loaded;
use super::judge_files::Server;
use super::judge_hosts::{Checked, judge_host};
use super::progress::Progress;
use crate::check::certificate::check;
use crate::check::log::{Group, Source, groups, on_its_system, sources};
use crate::check::question::Question;
use crate::check::tls_files::{File, TlsFiles};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding};
use crate::foreign;
use crate::place::{Moment, ShownPath};
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::server::error_log::{Entry, parse};
use crate::server::log_file::{end_of, tail};
use crate::server::start_attempt::{Outcome, last_attempt, merge};
use crate::shown::printable;
use crate::tls::holds_private_key;
use crate::wording::{count, reason};

/// A point in time, in the local time of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(Duration),
    /// This moment.
    At(PrimitiveDateTime),
}

/// Explains the logs of a configuration, or a log that is named; of the last start, or since then.
///
/// # Errors
/// When a log that is there cannot be read, or the one that is named.
pub fn run(
    file: Option<&Path>,
    since: Option<Since>,
    place: &Where,
    progress: &dyn Progress,
) -> Result<LogReport, Failure> {
    let (loaded, logs) = match file {
        None => {
            let loaded = Loaded::find(place)?;
            loaded.introduce(progress);
            let logs = of_configuration(&loaded);
            (Some(loaded), logs)
        }
        Some(file) => {
            // A log may come from another machine; the configuration of this one counts only when it is named.
            let loaded = if place.is_named() {
                Some(Loaded::find(place)?)
            } else {
                None
            };
            if let Some(loaded) = &loaded {
                loaded.introduce(progress);
            }
            (loaded, vec![given(file)?])
        }
    };
    // That there is no log yet is an answer.
    if logs.iter().all(|log| log.trouble.is_some()) && logs.iter().any(|log| log.is_refused) {
        let told: Vec<String> = logs
            .iter()
            .filter_map(|log| Some(format!("{}: {}", log.name, log.trouble.as_ref()?)))
            .collect();
        let cause = format!("there is no error log to read ({})", told.join("; "));
        let fix = "name one, or pipe one in with -";
        return Err(Failure::with_advice(cause, fix));
    }
    Ok(explain(logs, since, loaded.as_ref(), place))
}

/// Findings that are told.
const MOST_EXPLAINED: usize = 200;
/// Bytes of the lines of one finding.
const QUOTED: usize = 16 << 10;
/// Bytes of the lines that are not known.
const UNKNOWN: usize = 256 << 10;

fn given(file: &Path) -> Result<Log, Failure> {
    let (name, bytes) = if file == Path::new("-") {
        let bytes = end_of(std::io::stdin().lock()).context("standard input cannot be read")?;
        (ShownPath::of_others("the standard input"), bytes)
    } else {
        let bytes = tail(file, foreign::LOG_TAIL).map_err(|error| {
            let what = format!("the log {} cannot be read", file.display());
            Failure::of_system(
                what,
                &error,
                "check its path and permissions, or pipe it in with -",
            )
        })?;
        (file.display().to_string().into(), bytes)
    };
    if holds_private_key(&bytes) {
        let named = match file == Path::new("-") {
            true => Text::from(&*name),
            false => Place::path(file).into(),
        };
        return Err(Failure::refused(Refusal::new(
            RefusalCode::LogIsAKey,
            say![
                named,
                " holds a private key and is not a log, so nothing of it is shown"
            ],
            "; ",
            "name a log of Apache, for example logs/error.log",
        )));
    }
    Ok(Log::of(name, bytes))
}

/// Every log of a configuration.
pub fn of_configuration(loaded: &Loaded) -> Vec<Log> {
    let log = |name: ShownPath, read: Result<Vec<u8>, String>| match read {
        Ok(bytes) if holds_private_key(&bytes) => {
            Log::not_read(name, "it holds a private key and is not a log".into(), true)
        }
        Ok(bytes) => Log::of(name, bytes),
        Err(trouble) => Log::not_read(name, trouble, false),
    };
    let mut logs: Vec<Log> = Vec::new();
    let mut names = HashSet::new();
    let sources = sources(&loaded.configuration);
    let each = (foreign::LOGS / sources.len().max(1) as u64).max(foreign::NOTE);
    let mut left = foreign::LOGS;
    for source in sources {
        match source {
            Source::File(path) => {
                let host = loaded.configuration.source().host_path(&path);
                // The usual ones need not be there, and two names may lead to one file.
                let name = loaded.show(&host);
                if (!logs.is_empty() && !host.exists()) || !names.insert(name.clone()) {
                    continue;
                }
                let name = ShownPath::from(name);
                if left == 0 {
                    logs.push(log(
                        name,
                        Err("not read: the other logs used up the limit".into()),
                    ));
                    continue;
                }
                logs.push(match tail(&host, each.min(left)) {
                    Err(error) if error.kind() == ErrorKind::NotFound => {
                        log(name, Err("it is not there yet".into()))
                    }
                    Err(error) => Log::not_read(name, reason(&error), true),
                    Ok(bytes) => {
                        left -= bytes.len() as u64;
                        log(name, Ok(bytes))
                    }
                });
            }
            Source::Program(command) => logs.push(log(
                ShownPath::of_others(&format!("the program {command}")),
                Err("the log goes to a program; pipe its output into esync-ssl explain -".into()),
            )),
            Source::Syslog => logs.push(log(
                ShownPath::of_others("syslog"),
                Err("the log goes to the system log: journalctl -t httpd | esync-ssl explain -".into()),
            )),
        }
    }
    logs.extend(crate::server::system_log::read().map(|(name, read)| log(ShownPath::of_others(&name), read)));
    logs
}

/// What a server said to whoever told it to start.
pub fn said(words: &str, loaded: &Loaded) -> LogReport {
    let log = Log::of(
        ShownPath::of_others("what Apache said"),
        words.as_bytes().to_vec(),
    );
    let always = Since::At(PrimitiveDateTime::MIN);
    explain(vec![log], Some(always), Some(loaded), &loaded.place)
}

/// Reads logs and explains what counts in them.
pub fn explain(logs: Vec<Log>, since: Option<Since>, loaded: Option<&Loaded>, place: &Where) -> LogReport {
    let entries = merge(
        logs.iter()
            .enumerate()
            .map(|(at, log)| parse(&log.bytes, at))
            .collect(),
    );
    let (entries, outcome) = match since {
        Some(since) => {
            let from = moment(since);
            let first = entries
                .iter()
                .position(|entry| entry.time.is_none_or(|time| time >= from));
            (&entries[first.unwrap_or(entries.len())..], None)
        }
        None => {
            let (last, outcome) = last_attempt(&entries);
            (last, Some(outcome))
        }
    };
    let evidence = loaded.map(|loaded| Evidence::gather(loaded, place));
    let mut explained = Vec::new();
    let mut unknown = Vec::new();
    let mut unknown_errors = UnknownErrors::default();
    for group in groups(entries) {
        match one(&group, evidence.as_ref(), Server::of(loaded, place)) {
            Some(one) => explained.push(one),
            None => {
                unknown_errors.count(&group);
                unknown.extend(group.entries().map(|entry| entry.text.clone()));
            }
        }
    }
    explained.sort_by_key(|one| one.finding.severity);
    let more_finding_count = explained.len().saturating_sub(MOST_EXPLAINED);
    explained.truncate(MOST_EXPLAINED);
    let mut room = UNKNOWN;
    let kept = unknown.iter().rev().take_while(|text| {
        let fits = text.len() <= room;
        room = room.saturating_sub(text.len());
        fits
    });
    let more_unknown_line_count = unknown.len() - kept.count();
    let first = entries.iter().find_map(|entry| entry.time);
    LogReport {
        logs,
        outcome: outcome.map(|outcome| match outcome {
            Outcome::Running => StartOutcome::Running,
            Outcome::Failed => StartOutcome::Failed,
            Outcome::Stopped => StartOutcome::Stopped,
            Outcome::Unknown => StartOutcome::Unknown,
        }),
        from: first.map(Moment::of_this_machine),
        from_text: first.map(shown),
        findings: explained,
        more_finding_count,
        unknown_lines: unknown.split_off(more_unknown_line_count),
        more_unknown_line_count,
        unknown_errors,
    }
}

fn moment(since: Since) -> PrimitiveDateTime {
    match since {
        Since::At(moment) => moment,
        Since::Ago(duration) => {
            // Logs are in local time. Without it, that of the world is the best there is.
            let now = OffsetDateTime::now_local().unwrap_or_else(|_| OffsetDateTime::now_utc());
            PrimitiveDateTime::new(now.date(), now.time()) - duration
        }
    }
}

fn shown(time: PrimitiveDateTime) -> String {
    format!(
        "{} {:02}:{:02}:{:02}",
        time.date(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Findings about the files and settings as they are now.
struct Evidence<'a> {
    loaded: &'a Loaded,
    checked: Vec<Checked>,
}

impl<'a> Evidence<'a> {
    fn gather(loaded: &'a Loaded, place: &Where) -> Evidence<'a> {
        let server = Server::of(Some(loaded), place);
        let hosts = TlsHost::all(&loaded.configuration);
        let judged = |host| judge_host(loaded, server, host, None, &mut Vec::new());
        let checked = hosts.iter().flat_map(judged).collect();
        Evidence { loaded, checked }
    }

    /// A path of a message as findings show it.
    fn show(&self, path: &str) -> String {
        self.loaded
            .show(&self.loaded.configuration.source().host_path(path.as_bytes()))
    }

    fn names(&self, path: &str) -> bool {
        let path = self.show(path);
        self.checked
            .iter()
            .any(|checked| checked.files().any(|file| same(file, &path)))
    }
}

/// The same path, in whatever way it is written.
fn same(one: &str, other: &str) -> bool {
    let plain = |text: &str| text.replace('\\', "/");
    if cfg!(windows) {
        plain(one).eq_ignore_ascii_case(&plain(other))
    } else {
        one == other
    }
}

fn one(group: &Group<'_>, evidence: Option<&Evidence<'_>>, server: Server) -> Option<Explained> {
    let mut by_table = group.explain()?;
    by_table.fix = on_its_system(&by_table.fix, &group.named(), server.generation.windows);
    if let Some(account) = evidence.and_then(|evidence| evidence.loaded.service_account()) {
        by_table.fix = by_table.fix.replace(r"NT AUTHORITY\SYSTEM", &account.name);
    }
    if let (Code::ServerNameMissing, Some(fix)) = (by_table.code, evidence.and_then(server_name)) {
        by_table.fix = fix;
    }
    let mut note = None;
    let mut seen = None;
    let named = group.named();
    let files = [&named.certificate, &named.key];
    let in_configuration = |path: &String| evidence.is_some_and(|evidence| evidence.names(path));
    if let Some(evidence) = evidence
        && (files.iter().all(|file| file.is_none()) || files.iter().copied().flatten().any(in_configuration))
    {
        let all = evidence.checked.iter().flat_map(|checked| &checked.findings);
        seen = group
            .evidence(all, |finding, path| {
                finding
                    .place
                    .as_ref()
                    .is_some_and(|place| same(&place.file, &evidence.show(path)))
            })
            .cloned();
        let shows_files = files.iter().any(|file| file.is_some());
        if seen.is_none() && shows_files && by_table.severity.is_error() {
            note = Some(
                "the files do not have this problem now; if you corrected them, start Apache again".into(),
            );
        }
    } else if let Some(found) = alone(group, server) {
        seen = found.0;
        note = found.1;
    }
    // What the log says of its place stays better than none.
    let finding = match &seen {
        Some(finding) => {
            let mut finding = finding.clone();
            finding.place = finding.place.or(by_table.place.clone());
            finding
        }
        None => by_table,
    };
    Some(Explained {
        finding,
        seen: seen.is_some(),
        note,
        occurrence_count: group.count,
        lines: lines(group),
    })
}

/// Which name the main server is to have, and where; nothing where no name is known.
fn server_name(evidence: &Evidence<'_>) -> Option<String> {
    let loaded = evidence.loaded;
    let hosts = TlsHost::all(&loaded.configuration);
    let name = hosts.iter().find_map(|host| host.server_name.as_deref())?;
    let main = loaded.show(&loaded.installation.main);
    Some(format!(
        "Write `ServerName {}` into {main}, above the first <VirtualHost>.",
        printable(name.as_bytes())
    ))
}

/// Files that a message names and that are no part of a configuration: looked at if they are on this machine.
fn alone(group: &Group<'_>, server: Server) -> Option<(Option<Finding>, Option<String>)> {
    let named = group.named();
    let load = |path: &Option<String>| {
        let path = Path::new(path.as_deref()?);
        (path.is_absolute() && path.is_file()).then(|| File::load(path))
    };
    let (certificate, key) = (load(&named.certificate), load(&named.key));
    if let (Some(certificate), Some(key)) = (&certificate, &key) {
        let files = TlsFiles {
            certificate: certificate.clone(),
            key: Some(key.clone()),
            chain: None,
        };
        let now = OffsetDateTime::now_utc();
        let found = check(&Question::of_files(&files, None, server.generation, now));
        return Some((group.evidence(found.iter(), |_, _| true).cloned(), None));
    }
    let file = certificate.or(key)?;
    Some((
        None,
        Some(format!(
            "the file {} holds {}",
            file.path,
            file.contents.describe()
        )),
    ))
}

/// The lines of a group; long queues of OpenSSL say nothing after the first few.
fn lines(group: &Group<'_>) -> Vec<String> {
    let is_shown = |(at, entry): &(usize, &Entry)| *at < 4 || entry.openssl.is_none();
    let mut seen = HashSet::new();
    let mut lines: Vec<String> = Vec::new();
    let (mut room, mut more) = (QUOTED, 0);
    for (_, entry) in group.entries().enumerate().filter(is_shown) {
        if !seen.insert(&entry.text) {
            continue;
        }
        if lines.is_empty() || entry.text.len() <= room {
            room = room.saturating_sub(entry.text.len());
            lines.push(entry.text.clone());
        } else {
            (room, more) = (0, more + 1);
        }
    }
    if more > 0 {
        lines.push(format!("[left out: {}]", count(more, "line")));
    }
    lines
}
