//! What a server serves, for people.

use std::fmt::Write as _;

use crate::finding::Place;
use crate::httpd::{Truth, in_parts};
use crate::operation::status::{self, Host, MainServer, ModuleState};
use crate::parallel::in_parallel;
use crate::shown::{cell, printable};
use crate::wording::count;

/// For people.
pub fn table(status: &status::Status) -> String {
    let mut text = super::first(&status.expiring);
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
    text += "\nWho answers\n";
    text += &match &status.ways {
        Some(ways) => super::ways::text(ways),
        None => "  not shown of so many virtual hosts\n".into(),
    };
    text += "\nModules\n";
    text += &table_of(&status.modules, |m| {
        vec![m.name.into(), state(m.state).into(), place_of(m.place.as_ref())]
    });
    text += "\nListeners\n";
    text += &table_of(&status.listeners, |l| {
        vec![
            l.endpoint.clone(),
            l.protocol.clone(),
            l.place.to_string(),
            remark_of(l.truth, None),
        ]
    });
    text += "\nVirtual hosts\n";
    let main_server = &status.main_server;
    let shows_main = !main_server.answers.is_empty() || status.virtual_hosts.is_empty();
    let main = shows_main.then_some(None);
    let hosts = status.virtual_hosts.iter().map(Some);
    let rows: Vec<Option<&Host>> = main.into_iter().chain(hosts).collect();
    text += &table_of(&rows, |host| match host {
        Some(host) => host_row(host),
        None => main_row(main_server),
    });
    if status.problem_count > 0 {
        text += &problems(status);
    }
    printable(text.as_bytes())
}

fn main_row(main: &MainServer) -> Vec<String> {
    vec![
        main.answers.join(" "),
        main.server_name
            .clone()
            .unwrap_or_else(|| "(no ServerName)".into()),
        if main.tls { "TLS".into() } else { "plain".into() },
        main.certificate.as_deref().unwrap_or_default().to_owned(),
        "(main server)".into(),
    ]
}

fn host_row(host: &Host) -> Vec<String> {
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

/// Things with a row each, in aligned columns, indented by two. There may be a hundred thousand of them.
fn table_of<T: Sync>(things: &[T], row: impl Fn(&T) -> Vec<String> + Sync) -> String {
    if things.is_empty() {
        return "  none\n".into();
    }
    let parts = in_parts(usize::MAX, things, |part| {
        let mut widths = Vec::new();
        let rows = part.iter().map(|thing| {
            let cells = row(thing).into_iter().map(|text| cell(&text));
            let cells: Vec<(String, usize)> = cells
                .map(|text| {
                    let width = text.chars().count();
                    (text, width)
                })
                .collect();
            widen(&mut widths, cells.iter().map(|(_, width)| *width));
            cells
        });
        let rows: Vec<_> = rows.collect();
        (rows, widths)
    });
    let mut widths = Vec::new();
    for (_, own) in &parts {
        widen(&mut widths, own.iter().copied());
    }
    let texts = in_parallel(parts.len(), |part| lines(&parts[part].0, &widths));
    texts.concat()
}

/// Makes columns as wide as these cells.
fn widen(widths: &mut Vec<usize>, cells: impl ExactSizeIterator<Item = usize>) {
    widths.resize(cells.len().max(widths.len()), 0);
    for (width, cell) in widths.iter_mut().zip(cells) {
        *width = cell.max(*width);
    }
}

fn lines(rows: &[Vec<(String, usize)>], widths: &[usize]) -> String {
    let mut text = String::new();
    for row in rows {
        let line = text.len();
        text.push(' ');
        for ((cell, own), width) in row.iter().zip(widths) {
            text.push(' ');
            text += cell;
            text.extend(std::iter::repeat_n(' ', width - own + 1));
        }
        text.truncate(line + text[line..].trim_end().len());
        text.push('\n');
    }
    text
}
