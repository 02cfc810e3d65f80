//! What a server serves, for people.

use std::fmt::Write as _;

use crate::finding::Place;
use crate::httpd::Truth;
use crate::operation::status::{self, ModuleState};
use crate::shown::{cell, printable};
use crate::wording::count;

/// For people.
pub fn table(status: &status::Status) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "Server root    {} ({})", status.root, status.found_by);
    let _ = writeln!(text, "Main file      {}", status.config);
    if let Some(account) = &status.account {
        let _ = writeln!(text, "Runs as        {account}");
    }
    let _ = writeln!(text, "Files read     {}", status.files.len());
    let _ = writeln!(
        text,
        "Apache         {} on {}",
        status.apache_version,
        format_args!("{:?}", status.platform)
    );
    text += "\nModules\n";
    let rows = status
        .modules
        .iter()
        .map(|m| vec![m.name.into(), state(m.state).into(), place_of(m.place.as_ref())]);
    text += &columns(rows.collect());
    text += "\nListeners\n";
    let rows = status.listeners.iter().map(|l| {
        vec![
            l.endpoint.clone(),
            l.protocol.clone(),
            l.place.to_string(),
            remark_of(l.truth, None),
        ]
    });
    text += &columns(rows.collect());
    text += "\nVirtual hosts\n";
    let main = &status.main_server;
    let shows_main = !main.answers.is_empty() || status.virtual_hosts.is_empty();
    let main = shows_main.then(|| {
        vec![
            main.answers.join(" "),
            main.server_name
                .clone()
                .unwrap_or_else(|| "(no ServerName)".into()),
            if main.tls { "TLS".into() } else { "plain".into() },
            main.certificate.as_deref().unwrap_or_default().to_owned(),
            "(main server)".into(),
        ]
    });
    let rows = status.virtual_hosts.iter().map(|host| {
        let mut names: Vec<&str> = vec![host.server_name.as_deref().unwrap_or("(no ServerName)")];
        names.extend(host.aliases.iter().map(String::as_str));
        vec![
            host.addresses.join(" "),
            names.join(" "),
            if host.tls { "TLS".into() } else { "plain".into() },
            host.certificate.as_deref().unwrap_or_default().to_owned(),
            host.place.to_string(),
            match &host.remark {
                Some(remark) if host.is_meant => format!("({remark})"),
                remark => remark_of(host.truth, remark.as_deref()),
            },
        ]
    });
    text += &columns(main.into_iter().chain(rows).collect());
    if status.problem_count > 0 {
        text += &problems(status);
    }
    printable(text.as_bytes())
}

fn state(state: ModuleState) -> &'static str {
    match state {
        ModuleState::BuiltIn => "built in",
        ModuleState::Loaded => "loaded",
        ModuleState::Unknown => "unknown",
        ModuleState::NotLoaded => "not loaded",
    }
}

fn place_of(place: Option<&Place>) -> String {
    place.map(ToString::to_string).unwrap_or_default()
}

/// How many there are, and what stops the start.
fn problems(status: &status::Status) -> String {
    let counts = match (status.error_count, status.warning_count.unwrap_or_default()) {
        (0, warnings) => count(warnings, "warning"),
        (errors, 0) => count(errors, "error"),
        (errors, warnings) => format!("{} and {}", count(errors, "error"), count(warnings, "warning")),
    };
    let pronoun = if status.problem_count == 1 { "it" } else { "them" };
    let mut text = format!("\n{counts} in the configuration; esync-ssl lint shows {pronoun}.\n");
    if status.error_count > 0 {
        text += "Apache does not start with:\n";
    }
    for error in &status.stops_start {
        let _ = writeln!(text, "  {}: {}", place_of(error.place.as_ref()), error.summary);
    }
    let more = status.error_count - status.stops_start.len();
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    text
}

fn remark_of(truth: Truth, remark: Option<&str>) -> String {
    match (truth, remark) {
        (Truth::True, None) => String::new(),
        (Truth::True, Some(remark)) => format!("! {remark}"),
        (Truth::False, _) => "(inactive)".into(),
        (Truth::Unknown, _) => "(unknown)".into(),
    }
}

/// Rows with aligned columns, indented by two.
fn columns(mut rows: Vec<Vec<String>>) -> String {
    if rows.is_empty() {
        return "  none\n".into();
    }
    let mut widths = Vec::new();
    for row in &mut rows {
        widths.resize(row.len().max(widths.len()), 0);
        for (text, width) in row.iter_mut().zip(&mut widths) {
            *text = cell(text);
            *width = text.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let line = text.len();
        text.push(' ');
        for (cell, width) in row.iter().zip(&widths) {
            text.push(' ');
            text += cell;
            text.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 1));
        }
        text.truncate(line + text[line..].trim_end().len());
        text.push('\n');
    }
    text
}
