//! `esync-ssl devices`: what a gateway between field devices and this server meets, and the settings to type. The
//! judgement is that of [`crate::check::gateway`] and [`crate::check::served`].

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use super::arguments::{Devices, Global};
use super::check::client_name;
use super::printer::Printer;
use super::settings::Loaded;
use super::{Failure, findings, verify};
use crate::check::{Finding, Severity, gateway};
use crate::exit_status::ExitStatus;
use crate::httpd::in_url;
use crate::server::deadline::{Patience, resolve};
use crate::server::handshake::{Answer, Failure as Missed, Request, request, tls12};
use crate::shown::{cell, printable};

/// What a device is told, for all that Talk2M passes on.
const GATEWAY: &str = "m2u.talk2m.com";
/// What `--send` posts.
const SAMPLE: &[u8] = b"sample of esync-ssl devices\r\n";
/// How many lines of an answer are shown.
const MAX_LINES: usize = 20;

/// Runs the command.
pub fn run(arguments: &Devices, global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let name = client_name(&arguments.domain)?;
    let loaded = match Loaded::find(global) {
        Ok(loaded) => Some(loaded),
        // The server may be any, if only it is said where.
        Err(_) if arguments.address.is_some() => None,
        Err(failure) => return Err(failure),
    };
    if let Some(loaded) = &loaded {
        loaded.introduce(printer);
    }
    let anchors = verify::anchors(arguments.ca.as_deref())?;
    let mut targets = verify::targets(
        loaded.as_ref(),
        Some(name.clone()),
        arguments.address,
        arguments.port,
    )?;
    let ports = || targets.iter().map(|target| target.address.port());
    // Of several ports the usual one is meant.
    let meant = ports()
        .find(|port| *port == 443)
        .or(ports().next())
        .unwrap_or(443);
    targets.retain(|target| target.address.port() == meant);
    let port = arguments.port.unwrap_or(meant);
    let patience = Patience::new();
    let served = verify::look(&targets, &anchors, true, loaded.as_ref(), &patience);
    let addresses = addresses(&name, port);
    let mut report = Report::new(&name, port, arguments.path.as_deref(), addresses, served);
    // Where no handshake comes about, that was said.
    let ends: Vec<SocketAddr> = targets
        .iter()
        .zip(report.served.handshakes())
        .filter_map(|(target, met)| met.then_some(target.address))
        .collect();
    report.talk(arguments, &name, &ends, &patience);
    report.count();
    printer.document(&report);
    printer.answer(&report.text());
    Ok(ExitStatus::of_errors(report.errors))
}

/// What a name leads to from here.
fn addresses(name: &str, port: u16) -> Vec<IpAddr> {
    let all = resolve(name, port);
    let mut addresses: Vec<IpAddr> = all.into_iter().map(|address| address.ip()).collect();
    addresses.dedup();
    addresses
}

#[derive(Serialize)]
struct Report {
    settings: Settings,
    /// What the name leads to from this machine.
    addresses: Vec<IpAddr>,
    served: verify::Report,
    tls12: Option<bool>,
    looked: Option<Asked>,
    sent: Option<Asked>,
    /// What is to be said besides that which `served` holds.
    findings: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

/// What people type.
#[derive(Serialize)]
struct Settings {
    /// In eCatcher: Account > M2U.
    m2u_url: String,
    /// On the eWON: Data Management, Server URL.
    ewon_server_url: &'static str,
}

/// A request with its answer.
#[derive(Serialize)]
struct Asked {
    method: &'static str,
    path: String,
    status: Option<u16>,
    location: Option<String>,
    /// The first lines of what came.
    body: Option<String>,
}

impl Asked {
    fn of(method: &'static str, path: &str, answer: &Result<Answer, Missed>) -> Asked {
        let answer = answer.as_ref().ok();
        let body = answer
            .map(|answer| printable(&answer.body))
            .filter(|body| !body.is_empty());
        Asked {
            method,
            path: path.to_string(),
            status: answer.map(|answer| answer.status),
            location: answer.and_then(|answer| answer.location.clone()),
            body: body.map(|body| body.lines().take(MAX_LINES).collect::<Vec<_>>().join("\n")),
        }
    }
}

impl Report {
    fn new(
        name: &str,
        port: u16,
        path: Option<&str>,
        addresses: Vec<IpAddr>,
        served: verify::Report,
    ) -> Report {
        let findings = gateway::reachable(name, &addresses)
            .into_iter()
            .chain(gateway::usual_port(port))
            .collect();
        Report {
            settings: Settings {
                m2u_url: format!("https://{}{}", host(name, port), path.unwrap_or_default()),
                ewon_server_url: GATEWAY,
            },
            addresses,
            served,
            tls12: None,
            looked: None,
            sent: None,
            findings,
            errors: 0,
            warnings: 0,
        }
    }

    /// Asks what only an exchange can show. A sample is sent once.
    fn talk(&mut self, arguments: &Devices, name: &str, ends: &[SocketAddr], patience: &Patience) {
        for end in ends {
            let met = patience.spend(|deadline| tls12(*end, Some(name), deadline));
            self.tls12 = Some(met.is_ok() && self.tls12.unwrap_or(true));
            self.findings.extend(gateway::tls12(&met));
        }
        let Some(end) = ends.first() else { return };
        let host = host(name, arguments.port.unwrap_or(end.port()));
        if let (Some(path), false) = (&arguments.path, arguments.send) {
            let look = Request::look(&host, path);
            let answer = patience.spend(|deadline| request(*end, Some(name), &look, deadline));
            self.findings.extend(gateway::looked(path, &answer));
            self.looked = Some(Asked::of("HEAD", path, &answer));
        }
        if arguments.send {
            let path = arguments.path.as_deref().unwrap_or("/");
            let sample = Request {
                method: "POST",
                host: &host,
                path,
                body: Some(("text/plain", SAMPLE)),
            };
            let answer = patience.spend(|deadline| request(*end, Some(name), &sample, deadline));
            self.findings.extend(gateway::sent(path, &answer));
            self.sent = Some(Asked::of("POST", path, &answer));
        }
    }

    fn count(&mut self) {
        self.findings.dedup();
        self.findings.sort_by_key(|finding| finding.severity);
        let all = || self.served.findings().chain(&self.findings);
        let errors = all().filter(|finding| finding.severity.is_error()).count();
        let notes = all()
            .filter(|finding| finding.severity == Severity::Advice)
            .count();
        let count = all().count();
        self.errors = errors;
        self.warnings = count - errors - notes;
    }

    fn text(&self) -> String {
        let clean = |text: &str| cell(text);
        let mut text = self.served.sights_text();
        let _ = match self.tls12 {
            Some(true) => writeln!(text, "TLS 1.2       accepted"),
            Some(false) => writeln!(text, "TLS 1.2       not accepted"),
            None => writeln!(text, "TLS 1.2       not asked: there is no handshake"),
        };
        let list: Vec<String> = self.addresses.iter().map(ToString::to_string).collect();
        let list = if list.is_empty() {
            "no address".into()
        } else {
            list.join(", ")
        };
        let _ = writeln!(text, "name          {list}");
        for asked in self.looked.iter().chain(&self.sent) {
            let status = asked
                .status
                .map_or("no answer".to_string(), |status| status.to_string());
            let _ = writeln!(text, "{:<13} {}: {status}", asked.method, clean(&asked.path));
            for line in asked.body.iter().flat_map(|body| body.lines()) {
                let _ = writeln!(text, "  | {}", clean(line));
            }
        }
        if self.sent.is_none() {
            text += "POST          not tried; --send posts a sample\n";
        }
        text += &findings::lines(&self.findings, &[]);
        let all: Vec<Finding> = self.served.findings().chain(&self.findings).cloned().collect();
        let _ = writeln!(text, "{}\n", findings::count(&all));
        if self.errors > 0 {
            text += "Data would not arrive. Correct the errors; these are the settings then:\n\n";
        }
        let _ = writeln!(
            text,
            "In eCatcher, on the Talk2M account, menu Account > M2U, as the URL of your eSync server:\n    \x1b[1m{}\x1b[0m\n\
             On the eWON, in the Data Management configuration, as Server URL:\n    \x1b[1m{}\x1b[0m",
            clean(&self.settings.m2u_url),
            self.settings.ewon_server_url
        );
        text
    }
}

/// Name and port as a URL has them.
fn host(name: &str, port: u16) -> String {
    let name = in_url(name);
    match port {
        443 => name.into_owned(),
        port => format!("{name}:{port}"),
    }
}
