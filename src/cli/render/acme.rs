//! Certificate authorities, accounts at them and what they would answer, for people.

use std::fmt::Write as _;

use super::findings;
use crate::operation::authority::{account, checked, revoke};
use crate::shown::{cell, sentence};

/// What precedes an order.
pub fn checked(report: &checked::Report) -> String {
    let mut text = names_and_ports(report);
    if let Some(first) = report.answering.first() {
        let who = match first.by.as_str() {
            "apache" => "Apache",
            _ => "This program, for some seconds,",
        };
        let _ = writeln!(
            text,
            "{who} would answer on port {} ({}).",
            first.port, first.challenge
        );
    }
    for probe in &report.probes {
        let at = probe.address.as_deref().unwrap_or("a rehearsal");
        let came = probe
            .wrong
            .as_deref()
            .map_or("the probe came".to_owned(), sentence);
        let _ = writeln!(text, "  {} at {}: {came}", cell(&probe.name), cell(at));
    }
    let authority = sentence(&report.authority);
    let _ = match &report.reached {
        None => writeln!(text, "{authority} was not reached."),
        Some(reached) => {
            let terms = reached
                .terms
                .as_deref()
                .map(|terms| format!("; its terms: {}", sentence(terms)));
            let account = match report.has_account {
                Some(true) => "; this server has an account there",
                Some(false) => "; this server has no account there yet",
                None => "",
            };
            let terms = terms.unwrap_or_default();
            writeln!(text, "{authority} was reached{account}{terms}")
        }
    };
    text.push('\n');
    text += &findings::lines(&report.findings, &[]);
    let _ = writeln!(text, "{}; nothing was ordered", findings::count(&report.findings));
    text
}

fn names_and_ports(report: &checked::Report) -> String {
    let mut text = String::new();
    for named in &report.names {
        let _ = writeln!(text, "\x1b[1m{}\x1b[0m", cell(&named.name));
        for address in &named.addresses {
            let whose = if address.here {
                "this machine"
            } else {
                "not this machine"
            };
            let _ = writeln!(text, "  {:<39} {whose}", cell(&address.address));
        }
        if named.addresses.is_empty() {
            text += "  no address is known here\n";
        }
    }
    for port in &report.ports {
        let who = port.holders.iter().map(|holder| match holder.own {
            true => "this Apache".to_owned(),
            false => cell(&holder.text),
        });
        let mut who: Vec<String> = who.collect();
        who.dedup();
        let who = if who.is_empty() {
            "free".to_owned()
        } else {
            who.join(", ")
        };
        let _ = writeln!(text, "\x1b[1mPort {}\x1b[0m: {who}", port.port);
    }
    text
}

/// An account.
pub fn account(report: &account::Report) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<10} {}", sentence(value));
    };
    row("authority", &report.authority);
    row("account", &report.url);
    row("status", &report.status);
    match report.contact.is_empty() {
        true => row("contact", "none that the authority tells of"),
        false => row("contact", &report.contact.join(", ")),
    }
    row("folder", &report.folder.to_string());
    if let Some(folder) = &report.moved_to {
        row("moved", &format!("what is not used anymore is now in {folder}"));
    }
    text
}

/// A certificate that was revoked.
pub fn revoked(report: &revoke::Report) -> String {
    format!(
        "{} revoked the certificate for {} (serial number {}).\n",
        sentence(&report.authority),
        sentence(&report.names.join(", ")),
        sentence(&report.serial)
    )
}
