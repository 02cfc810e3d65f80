//! What became of renewals, for people.

use std::fmt::Write as _;

use super::server;
use crate::operation::renew::{Fate, Report, Told};
use crate::shown::{cell, sentence};

/// Each certificate in a line, and what became of the server.
pub fn text(report: &Report) -> String {
    let mut text = String::new();
    if report.certificates.is_empty() {
        text += "No certificate was ordered by this program or is renewed from files: there is nothing to renew.\n";
    }
    for told in &report.certificates {
        let _ = writeln!(text, "{}: {}", cell(&told.name), sentence(&line(told)));
    }
    text + &report.server.as_ref().map(server::farewell).unwrap_or_default()
}

fn line(told: &Told) -> String {
    let until = told
        .not_after
        .map_or(String::new(), |end| format!(", valid until {}", end.date()));
    let next = told
        .next
        .map_or(String::new(), |next| format!("; next on {}", next.date()));
    let why = told.reason.map_or("", |reason| reason.words());
    if let Some(source) = &told.source {
        match told.result {
            Fate::Waits => return format!("renewed from {source}, where nothing newer is{until}"),
            Fate::WouldRenew => return format!("would be renewed from {source}{until}"),
            Fate::Rehearsed => return format!("the newer one in {source} was checked"),
            _ => {}
        }
    }
    match told.result {
        Fate::Renewed => format!("renewed{until}{next}{}", served(told)),
        Fate::Waits => format!("{why}{until}{next}{}", rule(told)),
        Fate::NotUsed => format!(
            "not renewed, because no virtual host has {}; give its name to renew it anyway",
            told.file
        ),
        Fate::WouldRenew => format!("would be renewed: {why}{until}{}", rule(told)),
        Fate::Rehearsed => "one was ordered, checked and thrown away".to_owned(),
        Fate::Kept => format!("kept until it may be installed{next}{until}"),
        Fate::Forgotten => format!("not renewed by this program anymore{until}"),
        Fate::Postponed => {
            format!(
                "left for a later run, as this one took too long or may not stop Apache yet (--window){next}"
            )
        }
        Fate::Failed => match &told.error {
            Some(trouble) => format!("not renewed{until}{next}: {}", trouble.message),
            None => format!("not renewed{until}{next}"),
        },
    }
}

fn served(told: &Told) -> String {
    let all: Vec<String> = told
        .served
        .iter()
        .map(|at| match &at.name {
            Some(name) => format!("{name} at {}", at.address),
            None => at.address.clone(),
        })
        .collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("; served to {}", all.join(", ")),
    }
}

fn rule(told: &Told) -> String {
    told.rule
        .map_or(String::new(), |rule| format!(" ({})", rule.words()))
}
