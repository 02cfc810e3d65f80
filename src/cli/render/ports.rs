//! Who listens, for people.

use std::fmt::Write as _;

use super::findings;
use crate::operation::ports;
use crate::shown::cell;

/// For people.
pub fn text(report: &ports::Report) -> String {
    let mut text = String::new();
    let clean = |text: &str| cell(text);
    for port in &report.ports {
        let _ = writeln!(
            text,
            "\x1b[1mListen {}\x1b[0m ({})",
            clean(&port.endpoint),
            clean(&port.place.to_string())
        );
        if port.holders.is_empty() {
            text += "  free\n";
        }
        for holder in &port.holders {
            let own = if holder.own { "this Apache, " } else { "" };
            let program = holder
                .program
                .as_deref()
                .map(|path| format!(", {path}"))
                .unwrap_or_default();
            let _ = writeln!(
                text,
                "  {:<22} {own}{}{}",
                holder.address,
                clean(&holder.text),
                clean(&program)
            );
        }
        text += &findings::lines(&port.findings, &[]);
    }
    if report.ports.is_empty() {
        text += "No Listen is active in this configuration.\n";
    }
    let _ = match report.parent_pid {
        Some(pid) => writeln!(text, "This Apache runs (process {pid})."),
        None => writeln!(text, "This Apache does not run, as far as its PidFile tells."),
    };
    text
}
