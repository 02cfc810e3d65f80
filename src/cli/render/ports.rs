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
            clean(&port.listen),
            clean(&port.place)
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
        if let Some(finding) = &port.finding {
            text += &findings::lines(std::slice::from_ref(finding), &[]);
        }
    }
    if report.ports.is_empty() {
        text += "No Listen is active in this configuration.\n";
    }
    let _ = match report.running {
        Some(pid) => writeln!(text, "This Apache is running (process {pid})."),
        None => writeln!(text, "This Apache is not running, according to its PidFile."),
    };
    text
}
