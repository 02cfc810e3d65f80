//! `esync-ssl ports`: who listens on the ports that the configuration wants.

use std::fmt::Write as _;

use anyhow::anyhow;
use serde::Serialize;

use super::arguments::Global;
use super::printer::Printer;
use super::settings::Loaded;
use super::{Failure, findings, running};
use crate::check::Finding;
use crate::check::port::describe;
use crate::exit_status::ExitStatus;
use crate::server::port::listeners;
use crate::shown::cell;

#[derive(Serialize)]
struct Report {
    ports: Vec<Port>,
    /// The parent process of this Apache, if it runs.
    running: Option<u32>,
    errors: usize,
}

#[derive(Serialize)]
struct Port {
    listen: String,
    port: u16,
    place: String,
    holders: Vec<Holder>,
    finding: Option<Finding>,
}

#[derive(Serialize)]
struct Holder {
    address: String,
    pid: Option<u32>,
    program: Option<String>,
    service: Option<String>,
    /// It is this very Apache.
    own: bool,
    #[serde(skip)]
    text: String,
}

/// Runs the command.
pub fn run(global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(global)?;
    loaded.introduce(printer);
    let report =
        of(&loaded).map_err(|reason| Failure::error(anyhow!("{reason}; see netstat -ano, or ss -ltnp")))?;
    printer.document(&report);
    printer.answer(&report.text());
    Ok(ExitStatus::of_errors(report.errors))
}

/// Who listens on the ports of a configuration, for people; or why that is not known.
pub(super) fn text(loaded: &Loaded) -> String {
    match of(loaded) {
        Ok(report) => report.text(),
        Err(reason) => format!("{reason}\n"),
    }
}

fn of(loaded: &Loaded) -> Result<Report, String> {
    let configuration = &loaded.configuration;
    let all = listeners()?;
    let server = running::server(loaded);
    let ports: Vec<Port> = running::ports(loaded, &server, &all)
        .iter()
        .map(|wanted| {
            let entry = configuration.entry(wanted.listen.entry);
            let file = loaded.show(&configuration.file(entry.file).host);
            let line = configuration.line_number(entry);
            let finding = wanted.check(loaded.facts.platform);
            Port {
                listen: wanted.listen.endpoint(),
                port: wanted.listen.port,
                place: format!("{file}:{line}"),
                holders: wanted
                    .holders
                    .iter()
                    .map(|(listener, own)| Holder {
                        address: listener.address.to_string(),
                        pid: listener.process.as_ref().map(|process| process.pid),
                        program: listener.process.as_ref().map(|process| match &process.program {
                            Some(path) => path.display().to_string(),
                            None => process.name.clone(),
                        }),
                        service: listener
                            .process
                            .as_ref()
                            .and_then(|process| process.service.clone()),
                        own: *own,
                        text: describe(listener.process.as_ref()),
                    })
                    .collect(),
                finding: finding.map(|finding| finding.at(&file, Some(line as usize))),
            }
        })
        .collect();
    let errors = ports
        .iter()
        .filter(|port| {
            port.finding
                .as_ref()
                .is_some_and(|finding| finding.severity.is_error())
        })
        .count();
    Ok(Report {
        ports,
        running: server.parent().map(|parent| parent.pid),
        errors,
    })
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        let clean = |text: &str| cell(text);
        for port in &self.ports {
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
        if self.ports.is_empty() {
            text += "No Listen is active in this configuration.\n";
        }
        let _ = match self.running {
            Some(pid) => writeln!(text, "This Apache runs (process {pid})."),
            None => writeln!(text, "This Apache does not run, as far as its PidFile tells."),
        };
        text
    }
}
