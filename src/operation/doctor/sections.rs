//! What was looked at and how it is, in a line each.

use super::super::certificates::{self, Served};
use super::super::explained::{LogReport, StartOutcome};
use super::super::ports;
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
            (Err(message), 0) => Section {
                command,
                state: SectionState::NotLookedAt,
                message,
            },
            // What was found says nothing of what this account may not read.
            (Err(message), _) if command == Source::Check && closed(looked).is_some() => Section {
                command,
                state: SectionState::NotLookedAt,
                message,
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
        Some(true) => Ok(match &looked.changed_since {
            None => format!("Apache {version} runs with the configuration in {root}"),
            Some(file) => format!("Apache {version} runs; it has not read the last change of {file}"),
        }),
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
    if let Some(why) = closed(looked) {
        return Err(why.to_owned());
    }
    match (pairs, looked.check.skipped.first()) {
        (0, Some(skipped)) => Err(skipped.reason.clone()),
        (0, None) => Err("nothing uses TLS; esync-ssl enable turns it on".into()),
        (1, _) => Ok("certificate and key fit together, and Apache starts with them".into()),
        (pairs, _) => Ok(format!(
            "{pairs} certificates and their keys fit together, and Apache starts with them"
        )),
    }
}

/// Why not all files were looked at, where this account may not read one.
fn closed(looked: &Looked) -> Option<&str> {
    let mut skipped = looked.check.skipped.iter();
    let closed = skipped.find(|one| one.is_closed)?;
    Some(&closed.reason)
}

fn ports(looked: &Looked) -> Line {
    let report = match &looked.ports {
        None => return Err(elsewhere()),
        Some(Err(why)) => return Err(why.clone()),
        Some(Ok(report)) => report,
    };
    let is_ours = |port: &&ports::Port| port.holders.iter().any(|holder| holder.own);
    let held: Vec<u16> = report
        .ports
        .iter()
        .filter(is_ours)
        .map(|port| port.port)
        .collect();
    Ok(match held.is_empty() {
        false => format!("Apache listens on {}", listed(held)),
        true => format!("no other program has {}", listed(looked.ports_wanted())),
    })
}

/// Ports in words, each once.
fn listed(mut ports: Vec<u16>) -> String {
    ports.sort_unstable();
    ports.dedup();
    let list: Vec<String> = ports.iter().map(u16::to_string).collect();
    let word = if list.len() == 1 { "port" } else { "ports" };
    format!("{word} {}", list.join(", "))
}

fn logs(looked: &Looked) -> Line {
    log_line(&looked.logs)
}

fn log_line(logs: &LogReport) -> Line {
    if logs.is_without_log() {
        return Err("there is no error log yet".into());
    }
    let from = logs.from_text.as_deref().map(|from| format!(" of {from}"));
    let from = from.unwrap_or_default();
    let started = match logs.outcome {
        Some(StartOutcome::Stopped) => return Err(format!("Apache was stopped after the start{from}")),
        Some(StartOutcome::Failed) => {
            return Err(format!(
                "the last start{from} failed; esync-ssl explain shows what it said"
            ));
        }
        Some(StartOutcome::Running) => format!("the last start{from} succeeded"),
        Some(StartOutcome::Unknown) | None => String::new(),
    };
    let also = |words: &str| match started.is_empty() {
        true => words.to_owned(),
        false => format!("{started}, and {words}"),
    };
    let unknown = &logs.unknown_errors;
    if unknown.of_server_count > 0 {
        let errors = count(unknown.of_server_count, "error");
        return Err(also(&format!(
            "the logs have {errors} of a kind that is not known here; esync-ssl explain shows them"
        )));
    }
    let since = if started.is_empty() { "" } else { " since" };
    Ok(match unknown.of_request_count {
        0 => also(&format!("the logs tell of no fault{since}")),
        some => also(&format!(
            "the logs tell of no fault of the server{since}; {} of single requests not known here",
            count(some, "error")
        )),
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
    let more = match looked.not_asked.is_empty() {
        true => more,
        false => format!("{more}; {} not asked", listed(looked.not_asked.clone())),
    };
    match served.targets.len() {
        0 if !looked.not_asked.is_empty() => Err(format!(
            "another program has {}, and was not asked",
            listed(looked.not_asked.clone())
        )),
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
    let end = first.not_after.map(|end| end.date().to_string());
    life(
        used.len(),
        first.rest_seconds.unwrap_or_default(),
        &end.unwrap_or_default(),
    )
}

/// The end of the first of so many certificates.
fn life(certificates: usize, rest_seconds: i64, end: &str) -> Line {
    let which = match certificates {
        1 => "the certificate".to_owned(),
        more => format!("the first of {more} certificates"),
    };
    let days = rest_seconds.unsigned_abs() / (24 * 60 * 60);
    let days = count(usize::try_from(days).unwrap_or(usize::MAX), "day");
    match rest_seconds > 0 {
        true => Ok(format!("{which} ends in {days}, on {end}")),
        false => Err(format!("{which} ended {days} ago, on {end}")),
    }
}

fn devices(looked: &Looked) -> Line {
    match &looked.devices {
        None => Err("not asked for".into()),
        Some(report) => Ok(format!("data would arrive at {}", report.settings.m2u_url)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::explained::UnknownErrors;

    #[test]
    fn a_certificate_that_is_over_is_not_well() {
        let day = 24 * 60 * 60;
        assert_eq!(
            life(1, 20 * day + 1, "2026-06-01"),
            Ok("the certificate ends in 20 days, on 2026-06-01".into())
        );
        assert_eq!(
            life(500, -182 * day, "2026-06-01"),
            Err("the first of 500 certificates ended 182 days ago, on 2026-06-01".into())
        );
        assert!(life(1, 0, "2026-06-01").is_err());
    }

    #[test]
    fn logs_are_well_only_where_all_errors_of_the_server_are_known() {
        let line = |outcome, unknown_errors| {
            log_line(&LogReport {
                outcome: Some(outcome),
                unknown_errors,
                ..LogReport::default()
            })
        };
        let none = UnknownErrors::default;
        assert!(line(StartOutcome::Running, none()).is_ok());
        assert!(line(StartOutcome::Unknown, none()).is_ok());
        assert!(line(StartOutcome::Failed, none()).is_err());
        assert!(line(StartOutcome::Stopped, none()).is_err());
        let of_server = UnknownErrors {
            of_server_count: 2,
            ..none()
        };
        let told = line(StartOutcome::Running, of_server).expect_err("not well");
        assert!(told.contains("2 errors"), "{told}");
        let of_request = UnknownErrors {
            of_request_count: 1,
            ..none()
        };
        let told = line(StartOutcome::Unknown, of_request).expect("well");
        assert!(told.contains("1 error of single requests"), "{told}");
    }

    #[test]
    fn ports_are_listed_once() {
        assert_eq!(listed(vec![443, 80, 443]), "ports 80, 443");
        assert_eq!(listed(vec![80]), "port 80");
    }
}
