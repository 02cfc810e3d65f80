//! A service and a timer of systemd.

use std::collections::BTreeMap;

use super::marked::marked;
use super::{Ended, Error, MINUTES, Seen, Task, ask};

/// What is carried out. Whatever is forbidden to it holds for an Apache as well that it has to start again, so only that is
/// which no Apache does.
pub(super) fn service(task: &Task) -> String {
    let words = [&task.program].into_iter().chain(&task.arguments);
    let words: Vec<String> = words.map(|word| quoted(word)).collect();
    marked(&format!(
        "[Unit]\nDescription={}\nWants=network-online.target\nAfter=network-online.target\n\n\
         [Service]\nType=oneshot\nExecStart={}\nTimeoutStartSec={MINUTES}min\n\
         # An Apache that it has to start again stays.\nKillMode=process\n\
         ProtectClock=yes\nProtectControlGroups=yes\nProtectHostname=yes\nProtectKernelLogs=yes\n\
         ProtectKernelModules=yes\nProtectKernelTunables=yes\nLockPersonality=yes\nRestrictRealtime=yes\n",
        plain(&task.purpose),
        words.join(" ")
    ))
}

/// When: twice a day, up to an hour later by chance, and soon after a start of the machine that missed it.
pub(super) fn timer(task: &Task) -> String {
    let [(first, minute), (second, _)] = task.times();
    marked(&format!(
        "[Unit]\nDescription={}\n\n\
         [Timer]\nOnCalendar=*-*-* {first:02},{second:02}:{minute:02}:00\nRandomizedDelaySec={}\nPersistent=true\n\n\
         [Install]\nWantedBy=timers.target\n",
        plain(&task.purpose),
        match task.late() {
            60 => "1h".to_owned(),
            minutes => format!("{minutes}min"),
        }
    ))
}

/// A word of a command, by the rules of systemd.service(5).
fn quoted(word: &str) -> String {
    let word = word.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", plain(&word).replace('$', "$$"))
}

/// A text without specifiers.
fn plain(text: &str) -> String {
    text.replace('%', "%%")
}

fn unit(task: &Task, kind: &str) -> String {
    format!("{}.{kind}", task.name)
}

pub(super) fn reload() -> Result<(), Error> {
    ask("systemctl", &["daemon-reload"]).map(|_| ())
}

pub(super) fn begin(task: &Task) -> Result<(), Error> {
    reload()?;
    let timer = unit(task, "timer");
    ask("systemctl", &["enable", "--no-ask-password", &timer])?;
    // Also one that runs by older times.
    ask("systemctl", &["restart", "--no-ask-password", &timer]).map(|_| ())
}

pub(super) fn end(task: &Task) -> Result<(), Error> {
    let timer = unit(task, "timer");
    ask("systemctl", &["disable", "--now", "--no-ask-password", &timer]).map(|_| ())
}

pub(super) fn look(task: &Task) -> Result<Seen, Error> {
    let timer = properties(
        &unit(task, "timer"),
        "ActiveState,UnitFileState,NextElapseUSecRealtime,LastTriggerUSec",
    )?;
    let get = |name: &str| timer.get(name).filter(|value| !value.is_empty()).cloned();
    let is = |name: &str, value: &str| get(name).is_some_and(|told| told == value);
    let moment = |name: &str| get(name).filter(|told| told != "n/a" && told != "0");
    let service = properties(
        &unit(task, "service"),
        "NeedDaemonReload,ExecMainStatus,ExecMainExitTimestamp",
    )?;
    let ended = service
        .get("ExecMainExitTimestamp")
        .filter(|told| !told.is_empty());
    let status = service
        .get("ExecMainStatus")
        .and_then(|status| status.parse().ok());
    Ok(Seen {
        is_on: Some(is("ActiveState", "active") && is("UnitFileState", "enabled")),
        is_as_written: service.get("NeedDaemonReload").map(|told| told == "no"),
        next: moment("NextElapseUSecRealtime"),
        last: ended.cloned(),
        status: status.filter(|_| ended.is_some()),
    })
}

pub(super) fn start(task: &Task) -> Result<(), Error> {
    let service = unit(task, "service");
    ask(
        "systemctl",
        &["start", "--no-block", "--no-ask-password", &service],
    )
    .map(|_| ())
}

/// How the run ended that was started just now.
pub(super) fn ended(task: &Task) -> Result<Ended, Error> {
    let service = properties(
        &unit(task, "service"),
        "ActiveState,Job,ExecMainStatus,ExecMainExitTimestamp",
    )?;
    let get = |name: &str| service.get(name).map_or("", String::as_str);
    let waits = !["", "0"].contains(&get("Job"));
    if waits || !["inactive", "failed"].contains(&get("ActiveState")) {
        return Ok(Ended::NotYet);
    }
    let status = get("ExecMainStatus").parse().ok();
    let has_run = !get("ExecMainExitTimestamp").is_empty();
    Ok(status.filter(|_| has_run).map_or(Ended::NotTold, Ended::With))
}

fn properties(unit: &str, names: &str) -> Result<BTreeMap<String, String>, Error> {
    let text = ask("systemctl", &["show", &format!("--property={names}"), unit])?;
    let pairs = text.lines().filter_map(|line| line.split_once('='));
    Ok(pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect())
}
