//! What was looked at and how it is, in a line each.

use time::OffsetDateTime;

use super::super::certificates::{self, Served};
use super::super::explained::StartOutcome;
use super::look::Looked;
use super::observed::Source;
use super::report::{Section, SectionState};
use super::same_cause::Group;
use crate::check::Severity;
use crate::wording::count;

/// All of them.
pub fn of(looked: &Looked, groups: &[Group]) -> Vec<Section> {
    let lines: [(Source, Line); 8] = [
        (Source::Status, server(looked)),
        (Source::Lint, configuration(looked)),
        (Source::Check, files(looked)),
        (Source::Ports, ports(looked)),
        (Source::Explain, logs(looked)),
        (Source::Verify, clients(looked)),
        (Source::Certificates, renewal(looked)),
        (Source::Devices, devices(looked)),
    ];
    let is_asked = |command: &Source| *command != Source::Devices || looked.devices.is_some();
    let lines = lines.into_iter().filter(|(command, _)| is_asked(command));
    let sections = lines.map(|(command, line)| {
        let is_own =
            |group: &&Group| group.severity() < Severity::Advice && group.all().any(|one| one.by == command);
        let causes = groups.iter().filter(is_own).count();
        match (line, causes) {
            (Err(why), 0) => Section {
                command,
                state: SectionState::NotLookedAt,
                message: why,
            },
            (Ok(message), 0) => Section {
                command,
                state: SectionState::Good,
                message,
            },
            (_, causes) => Section {
                command,
                state: SectionState::Faults,
                message: format!("{} above", count(causes, "cause")),
            },
        }
    });
    sections.collect()
}

/// What is well, or why it was not looked at.
type Line = Result<String, String>;

fn elsewhere() -> String {
    "the configuration is for another machine".to_owned()
}

fn server(looked: &Looked) -> Line {
    let loaded = &looked.loaded;
    let root = loaded.show(&loaded.installation.root);
    let version = loaded.facts.version;
    match looked.is_up {
        None => Err(elsewhere()),
        Some(true) => Ok(format!("Apache {version} runs with the configuration in {root}")),
        Some(false) => Err(format!(
            "Apache {version} does not run with the configuration in {root}"
        )),
    }
}

fn configuration(looked: &Looked) -> Line {
    let files = count(looked.loaded.configuration.files().len(), "file");
    Ok(format!("{files} read, with no errors and no warnings"))
}

fn files(looked: &Looked) -> Line {
    let pairs = looked
        .check
        .checked
        .iter()
        .filter(|checked| checked.certificate.is_some());
    let pairs = pairs.count();
    let skipped = looked.check.skipped.first();
    match (pairs, skipped) {
        (0, Some(skipped)) => Err(skipped.reason.clone()),
        (0, None) => Err("nothing uses TLS; esync-ssl enable turns it on".into()),
        (1, _) => Ok("certificate and key fit together, and Apache starts with them".into()),
        (pairs, _) => Ok(format!(
            "{pairs} certificates and their keys fit together, and Apache starts with them"
        )),
    }
}

fn ports(looked: &Looked) -> Line {
    let report = match &looked.ports {
        None => return Err(elsewhere()),
        Some(Err(why)) => return Err(why.clone()),
        Some(Ok(report)) => report,
    };
    let wanted = looked.ports_wanted();
    let list: Vec<String> = wanted.iter().map(u16::to_string).collect();
    let word = if list.len() == 1 { "port" } else { "ports" };
    let is_ours = report
        .ports
        .iter()
        .any(|port| port.holders.iter().any(|holder| holder.own));
    Ok(match is_ours {
        true => format!("Apache listens on {word} {}", list.join(", ")),
        false => format!("no other program has {word} {}", list.join(", ")),
    })
}

fn logs(looked: &Looked) -> Line {
    let logs = &looked.logs;
    if logs.is_without_log() {
        return Err("there is no error log yet".into());
    }
    let from = logs.from_text.as_deref().map(|from| format!(" of {from}"));
    let from = from.unwrap_or_default();
    Ok(match logs.outcome {
        Some(StartOutcome::Running) => {
            format!("the last start{from} succeeded, and the logs tell of no fault since")
        }
        Some(StartOutcome::Stopped) => format!("Apache was stopped after the start{from}"),
        Some(StartOutcome::Failed) => format!("the last start{from} failed"),
        Some(StartOutcome::Unknown) | None => "the logs tell of no fault".into(),
    })
}

fn clients(looked: &Looked) -> Line {
    let Some(served) = &looked.served else {
        return Err(elsewhere());
    };
    if looked.is_up == Some(false) && !served.targets.is_empty() {
        return Err("Apache does not run".into());
    }
    let more = match looked.more_target_count {
        0 => String::new(),
        more => format!("; {} not looked at", count(more, "more site")),
    };
    match served.targets.len() {
        0 => Err("nothing speaks TLS; esync-ssl enable turns it on".into()),
        1 => Ok(format!("clients get the certificate on disk over TLS{more}")),
        sites => Ok(format!(
            "clients get the certificates on disk over TLS from {sites} sites{more}"
        )),
    }
}

fn renewal(looked: &Looked) -> Line {
    let Some(report) = &looked.certificates else {
        return Err(elsewhere());
    };
    let used = report
        .certificates
        .iter()
        .filter(|told| told.served != Served::NotUsed);
    let used: Vec<&certificates::Told> = used.collect();
    let Some(first) = used.iter().find(|told| told.not_after.is_some()) else {
        return Err("there is no certificate that can be read".into());
    };
    let end = first
        .not_after
        .map(|end| end.date().to_string())
        .unwrap_or_default();
    let days = first
        .not_after
        .map(|end| (end.time() - OffsetDateTime::now_utc()).whole_days());
    let days = count(days.unwrap_or_default().unsigned_abs() as usize, "day");
    Ok(match used.len() {
        1 => format!("the certificate ends in {days}, on {end}"),
        more => format!("the first of {more} certificates ends in {days}, on {end}"),
    })
}

fn devices(looked: &Looked) -> Line {
    match &looked.devices {
        None => Err("not asked for".into()),
        Some(report) => Ok(format!("data would arrive at {}", report.settings.m2u_url)),
    }
}
