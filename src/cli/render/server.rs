//! What became of a server, for people.

use crate::operation::{Effect, restart};

/// The last words of a command that wrote.
pub fn farewell(effect: &Effect) -> String {
    let service = effect.service.as_deref().unwrap_or("Apache");
    match effect.result {
        "not-asked" => "Restart Apache to put this into effect.\n".into(),
        "left-stopped" => format!(
            "{service} was stopped before and was not started; this takes effect when it starts (esync-ssl \
             restart).\n"
        ),
        "shows-it" => format!("{service} serves it already and was not restarted.\n"),
        word => format!(
            "{service} was {word} and answers as configured, after {:.1} s.\n",
            effect.seconds.unwrap_or_default()
        ),
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
