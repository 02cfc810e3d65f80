//! What became of a server, for people.

use crate::operation::{Effect, ServerResult, Would, restart};

/// The last words of a command that wrote.
pub fn farewell(effect: &Effect) -> String {
    let service = effect.service.as_deref().unwrap_or("Apache");
    match effect.result {
        ServerResult::NotAsked => format!("Restart Apache to put this into effect{}\n", by(effect)),
        ServerResult::LeftStopped => format!(
            "{service} was stopped before and was not started; this takes effect when it starts{}\n",
            by(effect)
        ),
        ServerResult::ShowsIt => format!("{service} serves it already and was not restarted.\n"),
        ServerResult::Restarted | ServerResult::Started => format!(
            "{service} was {} and answers as configured, after {:.1} s.\n",
            match effect.result {
                ServerResult::Started => "started",
                _ => "restarted",
            },
            effect.seconds.unwrap_or_default()
        ),
    }
}

/// The last words of a dry run in which no file would change.
pub fn foretold(would: Would) -> &'static str {
    match would {
        Would::Restart => {
            "Apache would be restarted: it does not show or has not read all that is configured.\n"
        }
        Would::Start => "Apache is stopped, and would be started.\n",
    }
}

/// The commands for it, where there are any: the end of a sentence.
fn by(effect: &Effect) -> String {
    match effect.orders.as_slice() {
        [] => ".".into(),
        orders => format!(": {}", orders.join(", or: ")),
    }
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
