//! The proof of the way back: what was meant is gone, nothing is broken, and every other site is answered as before.
//! Edits nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::httpd::{Configuration, Truth, VirtualHost};

use super::super::answer::Answers;
use super::super::listen::describe;
use super::super::plan::{PlanError, refuse};
use super::super::proof::{errors, place};
use super::super::request::Request;
use super::Disable;
use super::decide::{Decided, Given};
use super::history::Record;
use super::look::Look;
use super::needs::key;

/// Nothing is wrong that was not wrong before, and who is not meant keeps what he had, or had before HTTPS came.
pub(super) fn prove(
    _given: Given,
    look: &Look,
    result: &Configuration,
    decided: &Decided,
    _request: &Disable,
    _records: &[Record],
) -> Result<(), PlanError> {
    if let Some(problem) = errors(result).next() {
        return Err(refuse(format!(
            "with HTTPS off, Apache would not start: {}: {}. Mend that first, then run again",
            place(result, problem),
            problem.message
        )));
    }
    let after = result.virtual_hosts();
    for (at, host) in look.hosts.iter().enumerate() {
        if host.truth != Truth::True || decided.gone.contains(&at) {
            continue;
        }
        compare(look, at, host, result, &after, decided)?;
    }
    Ok(())
}

/// Wherever a virtual host answered one of its names, it does so still, unless nobody listens there any more.
fn compare(
    look: &Look,
    at: usize,
    host: &VirtualHost,
    result: &Configuration,
    after: &[VirtualHost],
    decided: &Decided,
) -> Result<(), PlanError> {
    let configuration = look.configuration;
    let own = key(configuration, configuration.entry(host.entry));
    let twin = after
        .iter()
        .find(|other| other.truth == Truth::True && key(result, result.entry(other.entry)) == own);
    if twin.is_none() {
        // It lived by what goes, and was dead before: what goes has no other users.
        return Ok(());
    }
    let names = host.server_name.iter().chain(&host.aliases);
    let names: BTreeSet<&String> = names.filter(|name| !name.contains(['*', '?'])).collect();
    let ports: BTreeSet<u16> = result
        .listens()
        .iter()
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port)
        .collect();
    for port in ports {
        let request = Request::default();
        let answers = Answers::on(configuration, &request, port);
        if !answers.is_listened_on() {
            continue;
        }
        for name in &names {
            for end in answers.local_ends() {
                let here = |host: &VirtualHost| key(configuration, configuration.entry(host.entry));
                let Some(before) = answers.answering(end, name) else {
                    continue;
                };
                if here(before) != own || before.section != host.section {
                    continue;
                }
                let now = answered(result, after, end, port, name);
                let same = now.is_some_and(|now| key(result, result.entry(now.entry)) == own);
                let tls = |configuration: &Configuration, host: &VirtualHost| configuration.speaks_tls(host);
                let kept = decided.changed.contains(&at)
                    || now.is_some_and(|now| tls(result, now) == tls(configuration, host));
                if !same || !kept {
                    return Err(PlanError::Unproven(format!(
                        "{name} would not be answered by the virtual host {} as before",
                        describe(configuration, host)
                    )));
                }
            }
        }
    }
    Ok(())
}

fn answered<'a>(
    result: &'a Configuration,
    hosts: &'a [VirtualHost],
    end: Option<IpAddr>,
    port: u16,
    name: &str,
) -> Option<&'a VirtualHost> {
    result.answering(hosts, end, port, name)
}
