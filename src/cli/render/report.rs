//! Every part of the report as the commands print it.

use std::fmt::Write as _;

use super::{backups, check, explain, inspect, lint, ports, status};
use crate::operation::report::{Gathered, Section};
use crate::wording::count;

/// What the report holds, in short.
pub fn list(sections: &[Section]) -> String {
    let mut text = String::from("The report holds:\n");
    for section in sections {
        let removed = match section.removed_count {
            0 => String::new(),
            number => format!(", something removed in {}", count(number, "place")),
        };
        let _ = writeln!(
            text,
            "  {:<28} {}{removed}",
            section.title,
            count(section.line_count, section.noun)
        );
    }
    text + "It holds no keys, pass-phrases, files of passwords, cookies or query strings.\n"
}

/// The parts, in their order.
pub fn sections(of: &Gathered) -> Vec<(&'static str, String)> {
    let check = match &of.check {
        Ok(report) => check::text(report),
        Err(failure) => format!("{:#}", failure.error),
    };
    let ports = match &of.ports {
        Ok(report) => ports::text(report),
        Err(reason) => format!("{reason}\n"),
    };
    let backups = match &of.backups {
        Ok(listed) => backups::text(listed),
        Err(failure) => format!("{:#}\n", failure.error),
    };
    let (unread, certificates) = &of.certificates;
    let sections = [
        ("versions", of.versions.clone()),
        ("layout", of.layout.clone()),
        ("status", status::table(&of.status)),
        ("check", check),
        ("lint", lint::text(&of.loaded, &of.problems, false)),
        ("httpd -t", of.test.clone()),
        ("ports", ports),
        ("last start, explained", explain::text(&of.logs)),
        ("ends of the logs", of.ends.clone()),
        ("certificates", unread.clone() + &inspect::text(certificates)),
        ("renewals that failed", of.renewals.clone()),
        ("backups", backups),
    ];
    // A server without certificates of ours has no renewals.
    sections
        .into_iter()
        .filter(|(title, text)| *title != "renewals that failed" || !text.is_empty())
        .map(|(title, text)| (title, without_colour(&text)))
        .collect()
}

fn without_colour(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain += before;
        rest = after.split_once('m').map_or("", |(_, after)| after);
    }
    plain + rest
}
