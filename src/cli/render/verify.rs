//! What clients see, for people.

use std::fmt::Write as _;

use super::findings;
use crate::check::Finding;
use crate::operation::verify;
use crate::shown::cell;

/// For people.
pub fn text(report: &verify::Report) -> String {
    let all: Vec<Finding> = report.findings().cloned().collect();
    let first = super::first(&report.expiring);
    format!("{first}{}{}\n", sights(report), findings::count(&all))
}

/// Target by target, for people.
pub fn sights(report: &verify::Report) -> String {
    let mut text = String::new();
    let clean = |text: &str| cell(text);
    for sight in &report.targets {
        let name = sight.name.as_deref().unwrap_or("(no name)");
        let place = sight
            .place
            .as_ref()
            .map(|place| format!(", {place}"))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "\x1b[1m{}\x1b[0m at {}{}",
            clean(name),
            sight.address,
            clean(&place)
        );
        if let Some(tls) = &sight.tls {
            let trusted = if tls.trusted { "trusted" } else { "not trusted" };
            let _ = writeln!(text, "  protocol     {}, {}", tls.version, tls.cipher);
            let alpn = tls.alpn.as_deref().unwrap_or("none");
            let _ = writeln!(text, "  ALPN         {}", clean(alpn));
            for (at, shown) in tls.chain.iter().enumerate() {
                let word = if at == 0 { "certificate" } else { "chain" };
                let _ = writeln!(
                    text,
                    "  {word:<12} {} until {}",
                    clean(&shown.subject),
                    shown.not_after.date()
                );
            }
            let _ = writeln!(text, "  trust        {trusted}");
            let status = tls.status.map_or("none".to_string(), |status| status.to_string());
            let to = tls
                .location
                .as_deref()
                .map(|to| format!(" to {to}"))
                .unwrap_or_default();
            let _ = writeln!(text, "  answer       {status}{}", clean(&to));
            let hsts = tls.hsts.as_deref().unwrap_or("none");
            let _ = writeln!(text, "  HSTS         {}", clean(hsts));
        }
        if let Some(other) = &sight.without_server_name {
            let _ = writeln!(text, "  without SNI  the certificate of {}", clean(other));
        }
        for plain in &sight.http {
            let answer = match (plain.status, &plain.location) {
                (None, _) => "no answer".to_string(),
                (Some(status), Some(to)) => format!("{status} to {to}"),
                (Some(status), None) => format!("{status}, no redirect"),
            };
            let _ = writeln!(text, "  plain HTTP   {}: {}", plain.address, clean(&answer));
        }
        text += &findings::lines(&sight.findings, &[]);
        if sight.findings.is_empty() {
            text += "  no problems found\n";
        }
        text.push('\n');
    }
    text
}
