//! What a server serves, for people.

use std::fmt::Write as _;

use crate::operation::status;
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
        status.apache_version, status.platform
    );
    text += "\nModules\n";
    let rows = status
        .modules
        .iter()
        .map(|m| vec![m.name.into(), m.state.into(), m.place.clone().unwrap_or_default()]);
    text += &columns(rows.collect());
    text += "\nListeners\n";
    let rows = status.listeners.iter().map(|l| {
        vec![
            l.endpoint.clone(),
            l.protocol.clone(),
            l.place.clone(),
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
            main.certificate.clone().unwrap_or_default(),
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
            host.certificate.clone().unwrap_or_default(),
            host.place.clone(),
            remark_of(host.truth, host.remark.as_deref()),
        ]
    });
    text += &columns(main.into_iter().chain(rows).collect());
    if status.problems > 0 {
        let _ = writeln!(
            text,
            "\n{} in the configuration; `esync-ssl lint` lists them.",
            count(status.problems, "problem")
        );
    }
    printable(text.as_bytes())
}

fn remark_of(truth: &str, remark: Option<&str>) -> String {
    match (truth, remark) {
        ("active", None) => String::new(),
        ("active", Some(remark)) => format!("! {remark}"),
        (other, _) => format!("({other})"),
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
