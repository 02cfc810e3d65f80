//! Which observations are put together, and which are not.

use super::*;
use crate::place::Place;

fn observed(by: Source, code: Code, severity: Severity) -> Observation {
    Observation::new(by, Finding::new(code, severity, code.word(), "why", "what to do"))
}

fn at(mut one: Observation, file: &str, line: Option<usize>) -> Observation {
    one.finding.place = Some(Place::new(file, line));
    one
}

fn host(mut one: Observation, line: usize) -> Observation {
    one.host = Some(Place::new("/conf/httpd.conf", Some(line)));
    one
}

/// The code of each cause, with those of what comes of it.
fn told(all: Vec<Observation>) -> Vec<(Code, Vec<Code>)> {
    let groups = causes(all);
    let of = |group: &Group| {
        let mut effects: Vec<Code> = group.effects.iter().map(Observation::code).collect();
        effects.sort_unstable();
        (group.lead().code(), effects)
    };
    groups.iter().map(of).collect()
}

#[test]
fn one_fault_in_five_vocabularies_is_one_cause() {
    use Severity::{BreaksClients, StopsStart};
    let mismatch = |by| at(observed(by, Code::KeyMismatch, StopsStart), "/conf/a.key", None);
    let all = vec![
        host(mismatch(Source::Check), 3),
        mismatch(Source::Explain),
        observed(Source::Status, Code::ServerStopped, BreaksClients),
        host(observed(Source::Verify, Code::NotListening, BreaksClients), 3),
        observed(Source::Explain, Code::StartFailed, StopsStart),
    ];
    let effects = vec![Code::ServerStopped, Code::StartFailed, Code::NotListening];
    let mut sorted = effects.clone();
    sorted.sort_unstable();
    assert_eq!(told(all), [(Code::KeyMismatch, sorted)]);
}

#[test]
fn what_is_not_the_same_stays_two_causes() {
    let name = |line: usize, what: &str| {
        let one = observed(Source::Check, Code::NameNotCovered, Severity::BreaksClients);
        let mut one = host(at(one, "/conf/a.crt", None), line);
        one.finding.summary = what.to_owned();
        one
    };
    let all = vec![name(3, "not a"), name(9, "not b")];
    assert_eq!(told(all).len(), 2);
    // One file of two virtual hosts is over once.
    let over = |line| {
        let one = observed(Source::Check, Code::CertExpired, Severity::BreaksClients);
        host(at(one, "/conf/a.crt", None), line)
    };
    let seen = host(
        observed(Source::Verify, Code::CertExpired, Severity::BreaksClients),
        9,
    );
    assert_eq!(told(vec![over(3), over(9), seen]), [(Code::CertExpired, vec![])]);
}

#[test]
fn who_has_the_port_answers_there() {
    let port = |mut one: Observation, port| {
        one.port = Some(port);
        one
    };
    let taken = observed(Source::Ports, Code::PortTaken, Severity::StopsStart);
    let other = |number| {
        let one = observed(Source::Verify, Code::CertExpired, Severity::BreaksClients);
        port(host(one, usize::from(number)), number)
    };
    let all = vec![port(taken, 443), other(443), other(8443)];
    let wanted = [
        (Code::PortTaken, vec![Code::CertExpired]),
        (Code::CertExpired, vec![]),
    ];
    assert_eq!(told(all), wanted);
}

#[test]
fn what_was_corrected_is_no_cause() {
    let mut past = observed(Source::Explain, Code::KeyMismatch, Severity::Advice);
    past.is_past = true;
    let stopped = observed(Source::Status, Code::ServerStopped, Severity::BreaksClients);
    let groups = causes(vec![past, stopped]);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].lead().code(), Code::ServerStopped);
    assert_eq!(groups[0].severity(), Severity::BreaksClients);
}

#[test]
fn what_a_killed_run_left_comes_first() {
    let all = vec![
        observed(Source::Check, Code::FileMissing, Severity::StopsStart),
        observed(Source::Backups, Code::RunUnfinished, Severity::BreaksClients),
    ];
    assert_eq!(told(all)[0].0, Code::RunUnfinished);
}

#[test]
fn a_server_that_was_never_started_is_no_error() {
    let all = vec![
        observed(Source::Status, Code::ServerStopped, Severity::Advice),
        host(
            observed(Source::Verify, Code::NotListening, Severity::BreaksClients),
            3,
        ),
    ];
    let groups = causes(all);
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0].severity(), Severity::Advice);
}

#[test]
fn no_row_names_a_code_as_its_own_effect() {
    for row in TABLE {
        assert!(
            row.causes
                .iter()
                .all(|code| !row.effects.contains(code) || row.causes.len() > 1)
        );
        assert!(!row.effects.is_empty() || row.by.is_some());
    }
}

#[test]
fn a_port_on_which_nobody_listens_is_one_cause_for_all_its_virtual_hosts() {
    let silent = |line: usize, port: u16| {
        let one = observed(Source::Verify, Code::NotListening, Severity::BreaksClients);
        let mut one = host(at(one, "/conf/httpd.conf", Some(line)), line);
        one.port = Some(port);
        one
    };
    let all = vec![silent(3, 443), silent(9, 443), silent(15, 8443)];
    assert_eq!(
        told(all),
        [(Code::NotListening, vec![]), (Code::NotListening, vec![])]
    );
}
