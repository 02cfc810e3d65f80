//! Whether certificates are renewed without hands, for people.

use std::fmt::Write as _;

use crate::operation::schedule::{IsOn, Report};

/// For people.
pub fn text(report: &Report) -> String {
    let who = report.scheduler.name();
    let mut text = match report.state {
        IsOn::Off => {
            return "Renewal is not scheduled: certificates are renewed only by esync-ssl renew. To turn it on: esync-ssl \
                    schedule on\n"
                .to_owned();
        }
        IsOn::On => format!("Renewal is scheduled: {who} runs {} twice a day.\n", report.name),
        IsOn::Broken => format!(
            "Renewal is scheduled by {who} ({}), and does not work:\n",
            report.name
        ),
    };
    for problem in &report.problems {
        let _ = writeln!(text, "  {problem}");
    }
    if let Some(hook) = &report.hook {
        let _ = writeln!(text, "Failures are reported to {hook}");
    }
    if let Some(next) = &report.next_run {
        let _ = writeln!(text, "Next run: {next}");
    }
    match &report.last_run {
        None => text += "Last run: not known\n",
        Some(last) => {
            let at = last.at.as_deref().unwrap_or("at a time that is not known");
            let _ = match last.status {
                None => writeln!(text, "Last run: {at}"),
                Some(0) => writeln!(text, "Last run: {at}, without an error"),
                Some(status) => writeln!(text, "Last run: {at}, with status {status}"),
            };
        }
    }
    text
}
