//! What a gateway meets, for people.

use std::fmt::Write as _;

use super::{findings, verify};
use crate::check::Finding;
use crate::operation::devices;
use crate::shown::cell;

/// For people.
pub fn text(report: &devices::Report) -> String {
    let clean = |text: &str| cell(text);
    let mut text = verify::sights(&report.served);
    let _ = match report.tls12 {
        Some(true) => writeln!(text, "TLS 1.2       accepted"),
        Some(false) => writeln!(text, "TLS 1.2       not accepted"),
        None => writeln!(text, "TLS 1.2       not tried: the handshake fails"),
    };
    let list: Vec<String> = report.addresses.iter().map(ToString::to_string).collect();
    let list = if list.is_empty() {
        "no address".into()
    } else {
        list.join(", ")
    };
    let _ = writeln!(text, "name          {list}");
    for asked in report.looked.iter().chain(&report.sent) {
        let status = asked
            .status
            .map_or("no answer".to_string(), |status| status.to_string());
        let _ = writeln!(text, "{:<13} {}: {status}", asked.method, clean(&asked.path));
        for line in asked.body.iter().flat_map(|body| body.lines()) {
            let _ = writeln!(text, "  | {}", clean(line));
        }
    }
    if report.sent.is_none() {
        text += "POST          not tried; --send posts a sample\n";
    }
    text += &findings::lines(&report.findings, &[]);
    let all: Vec<Finding> = report.findings().cloned().collect();
    let _ = writeln!(text, "{}\n", findings::count(&all));
    if report.counts.error_count > 0 {
        text += "Data would not arrive. Correct the errors, then use these settings:\n\n";
    }
    text + &settings(&report.settings)
}

/// What people type.
pub fn settings(settings: &devices::Settings) -> String {
    format!(
        "In eCatcher, on the Talk2M account, menu Account > M2U, as the URL of your eSync server:\n    \x1b[1m{}\x1b[0m\n\
         On the eWON, in the Data Management configuration, as Server URL:\n    \x1b[1m{}\x1b[0m\n",
        cell(&settings.m2u_url),
        settings.ewon_server_url
    )
}
