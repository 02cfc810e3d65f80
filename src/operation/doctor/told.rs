//! What is told of what was seen: causes with what they are seen by and what comes of them, and one next step.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::super::certificates;
use super::look::Looked;
use super::observed::{Observation, Source, plain};
use super::remedy::remedy;
use super::report::{Cause, Effect, Remedy, Report, Verdict};
use super::same_cause::Group;
use super::sections;
use crate::check::{Code, Finding, Severity};
use crate::place::Place;
use crate::quoted::word;
use crate::severity::Counts;
use crate::wording::count;

/// So many lines of logs are quoted for a cause.
const QUOTED: usize = 3;
/// So many effects are told of a cause.
const EFFECTS: usize = 10;

/// What is told of these causes.
pub fn of(groups: &[Group], looked: &Looked) -> Report {
    let sections = sections::of(looked, groups);
    let stops = groups
        .iter()
        .any(|group| group.severity() == Severity::StopsStart);
    let causes: Vec<Cause> = groups
        .iter()
        .map(|group| {
            let certificates = looked.certificates.as_ref();
            cause(group, remedy(group, stops, looked), certificates)
        })
        .collect();
    let counts: Counts = causes.iter().map(|cause| cause.finding.level()).collect();
    Report {
        verdict: match (counts.error_count, counts.warning_count) {
            (0, 0) => Verdict::Healthy,
            (0, _) => Verdict::HealthyWithWarnings,
            _ => Verdict::Errors,
        },
        is_running: looked.is_up,
        next_step: next_step(&causes, looked.is_up, looked.speaks_tls()),
        causes,
        more_finding_count: looked.more_count,
        sections,
        fixes: Vec::new(),
        counts,
    }
}

/// What is told of one. `certificates`: how they are renewed, where that is known.
pub fn cause(group: &Group, remedy: Option<Remedy>, certificates: Option<&certificates::Report>) -> Cause {
    let mut finding = group.finding();
    let mut seen_by: Vec<Source> = group.same.iter().map(|one| one.by).collect();
    seen_by.sort_unstable();
    seen_by.dedup();
    // The lead's own is the first.
    let mut known = HashSet::new();
    let placed = group.same.iter();
    let placed = placed.filter_map(|one| Some((one.file()?, one.finding.place.as_ref()?)));
    let placed = placed.filter(|(file, place)| known.insert((*file, place.line)));
    let mut places: Vec<Place> = placed.map(|(_, place)| place.clone()).collect();
    if finding.place.is_some() {
        places.remove(0);
    }
    if let Some(fix) = renewal(&finding, certificates) {
        finding.fix = fix;
    }
    let hosts = hosts(group);
    if let Some(more) = hosts.len().checked_sub(1).filter(|more| *more > 0) {
        let _ = write!(
            finding.cause,
            " The same is so for {}.",
            count(more, "more virtual host")
        );
        places.extend(
            hosts
                .into_iter()
                .filter(|host| Some(host) != finding.place.as_ref()),
        );
    }
    let logged = group.all().filter(|one| one.by == Source::Explain);
    let lines = group.all().flat_map(|one| &one.lines).take(QUOTED);
    let mut effects: Vec<Effect> = Vec::new();
    for one in &group.effects {
        let is_known = |known: &Effect| {
            known.code == one.code() && known.at == one.at && known.place == one.finding.place
        };
        // The same once more is no effect.
        let is_own = one.code() == finding.code && one.at.is_none();
        if !is_own && effects.len() < EFFECTS && !effects.iter().any(is_known) {
            effects.push(Effect {
                seen_by: one.by,
                code: one.code(),
                summary: one.finding.summary.clone(),
                place: one.finding.place.clone(),
                at: one.at.clone(),
                is_past: one.is_past,
            });
        }
    }
    Cause {
        finding,
        seen_by,
        places,
        log_lines: lines.cloned().collect(),
        log_count: logged.map(|one| one.count).sum(),
        effects,
        remedy,
    }
}

/// How a certificate is renewed that ends, where nothing more is known than that it has to be.
fn renewal(finding: &Finding, certificates: Option<&certificates::Report>) -> Option<String> {
    let is_end = matches!(finding.code, Code::CertExpired | Code::CertExpiresSoon);
    let place = finding
        .place
        .as_ref()
        .filter(|_| is_end && finding.fix.starts_with("Renew it"))?;
    let mut all = certificates.into_iter().flat_map(|report| &report.certificates);
    let told = all.find(|told| plain(&told.file) == plain(&place.file))?;
    let name = told.names.first()?;
    Some(match told.due {
        Some(_) => format!("esync-ssl renew {} --now", word(name)),
        None => format!(
            "Get a new certificate for {name}, put it into {} with its key beside it, then: esync-ssl restart",
            place.file
        ),
    })
}

/// The virtual hosts that a cause is about which is in a file of theirs, each once.
fn hosts(group: &Group) -> Vec<Place> {
    let lead = group.lead();
    let is_elsewhere = |host: &&Place| lead.finding.place.as_ref().is_some_and(|place| place != *host);
    let same = group.same.iter().filter(|one| one.is_in_file_of(lead));
    let hosts = same.flat_map(Observation::hosts).filter(is_elsewhere).cloned();
    let mut hosts: Vec<Place> = hosts.collect();
    hosts.sort_by_cached_key(|host| (plain(&host.file), host.line));
    hosts.dedup();
    hosts
}

/// The one thing to do next.
fn next_step(causes: &[Cause], is_up: Option<bool>, speaks_tls: bool) -> String {
    let worth = |cause: &&Cause| cause.finding.severity != Severity::Advice;
    let Some(first) = causes.iter().find(worth) else {
        return match speaks_tls {
            true => "Nothing needs to be done.".into(),
            false => {
                "Nothing needs to be corrected. HTTPS is off: esync-ssl enable --domain NAME turns it on."
                    .into()
            }
        };
    };
    let fix = first.finding.fix.trim();
    let fix = if fix.is_empty() {
        &first.finding.summary
    } else {
        fix
    };
    let end = if fix.ends_with(['.', ':']) { "" } else { "." };
    let then = match (first.remedy, first.finding.severity, is_up) {
        (Some(_), ..) => " esync-ssl doctor --fix does that.",
        (None, Severity::StopsStart, Some(_)) => " Then: esync-ssl restart.",
        _ => "",
    };
    format!("{fix}{end}{then}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(severity: Severity, fix: &str, remedy: Option<Remedy>) -> Cause {
        let finding = Finding::new(Code::KeyMismatch, severity, "the key does not fit", "why", fix);
        let group = Group {
            same: vec![Observation::new(Source::Check, finding)],
            effects: Vec::new(),
        };
        cause(&group, remedy, None)
    }

    #[test]
    fn one_next_step_of_the_first_that_is_worth_one() {
        use Severity::{Advice, BreaksClients, StopsStart};
        let advice = || told(Advice, "Leave it.", None);
        let step = |causes: &[Cause]| next_step(causes, Some(true), true);
        assert_eq!(step(&[advice()]), "Nothing needs to be done.");
        assert!(next_step(&[], Some(true), false).contains("enable --domain NAME"));
        let stops = told(StopsStart, "Name the right key", None);
        assert_eq!(
            step(&[advice(), stops.clone()]),
            "Name the right key. Then: esync-ssl restart."
        );
        // Nobody restarts what is on another machine.
        assert_eq!(next_step(&[stops], None, true), "Name the right key.");
        assert_eq!(step(&[told(BreaksClients, "", None)]), "the key does not fit.");
        assert_eq!(
            step(&[told(BreaksClients, "esync-ssl restart", Some(Remedy::Restart))]),
            "esync-ssl restart. esync-ssl doctor --fix does that."
        );
    }

    #[test]
    fn each_place_of_a_cause_is_told_once() {
        let at = |line| {
            let finding = Finding::new(Code::KeyMismatch, Severity::Advice, "", "", "");
            Observation::new(Source::Check, finding.at("/conf/a.crt", line))
        };
        let group = Group {
            same: vec![at(None), at(Some(3)), at(None), at(Some(3)), at(Some(4))],
            effects: Vec::new(),
        };
        let lines: Vec<_> = cause(&group, None, None)
            .places
            .iter()
            .map(|place| place.line)
            .collect();
        assert_eq!(lines, [Some(3), Some(4)]);
    }
}
