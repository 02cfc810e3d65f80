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
        text += &held_by(&port.holders);
        text += &findings::lines(&port.findings, &[]);
    }
    if report.ports.is_empty() {
        text += "No Listen is active in this configuration.\n";
    }
    if let Some(port) = &report.would_use {
        let who: Vec<String> = port.holders.iter().map(|holder| clean(&holder.text)).collect();
        let is = match who.first() {
            None => "free".to_owned(),
            Some(_) if port.findings.is_empty() => "this Apache has it already".to_owned(),
            Some(first) => format!("taken by {first}"),
        };
        let _ = writeln!(
            text,
            "\x1b[1mPort {}\x1b[0m: enable would use it: {is}",
            port.port
        );
        text += &held_by(&port.holders);
        text += &findings::lines(&port.findings, &[]);
    }
    let _ = match report.parent_pid {
        Some(pid) => writeln!(text, "This Apache is running (process {pid})."),
        None => writeln!(text, "This Apache is not running, according to its PidFile."),
    };
    text
}

/// Who holds a port, line by line.
fn held_by(holders: &[ports::Holder]) -> String {
    let mut text = String::new();
    for holder in holders {
        let own = if holder.own { "this Apache, " } else { "" };
        let program = holder.program.as_deref().map(|path| format!(", {path}"));
        let _ = writeln!(
            text,
            "  {:<22} {own}{}{}",
            holder.address,
            cell(&holder.text),
            cell(&program.unwrap_or_default())
        );
    }
    text
}
