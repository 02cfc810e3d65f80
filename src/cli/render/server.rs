//! What became of a server, for people.

use std::fmt::Write as _;

use crate::operation::{Effect, ServerResult, restart};
use crate::shown::sentence;

/// The last words of a command that wrote.
pub fn farewell(effect: &Effect) -> String {
    let service = effect.service.as_deref().unwrap_or("Apache");
    match effect.result {
        ServerResult::NotAsked => match effect.orders.as_slice() {
            [] => "Restart Apache to put this into effect.\n".into(),
            orders => format!(
                "Restart Apache to put this into effect: {}\n",
                orders.join(", or: ")
            ),
        },
        ServerResult::LeftStopped => format!(
            "{service} was stopped before and was not started; this takes effect when it starts (esync-ssl restart).\n"
        ),
        ServerResult::ShowsIt => format!("{service} serves it already and was not restarted.\n"),
        ServerResult::Restarted | ServerResult::Started => format!(
            "{service} was {} and answers as configured, after {:.1} s.\n{}",
            match effect.result {
                ServerResult::Started => "started",
                _ => "restarted",
            },
            effect.seconds.unwrap_or_default(),
            objections(effect)
        ),
    }
}

/// What clients will object to all the same.
fn objections(effect: &Effect) -> String {
    let mut text = String::new();
    for finding in effect.findings() {
        let summary = sentence(&finding.summary);
        let _ = writeln!(
            text,
            "note: {summary} ({}; esync-ssl verify says more)",
            finding.code
        );
    }
    text
}

/// The same after a restart.
pub fn restarted(report: &restart::Report) -> String {
    let word = if report.was_running {
        "restarted"
    } else {
        "started"
    };
    format!(
        "{} was {word} and answers as configured, after {:.1} s.\n",
        report.service, report.seconds
    )
}
