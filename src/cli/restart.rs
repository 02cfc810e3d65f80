//! `esync-ssl restart`: preflight, test, restart, proof; and the logs when it fails.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde::Serialize;

use super::arguments::{Global, Restart};
use super::check::judge_hosts;
use super::explain;
use super::judge::Server;
use super::printer::Printer;
use super::settings::Loaded;
use super::{Failure, findings, running, verify};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};
use crate::exit_status::ExitStatus;
use crate::httpd::Truth;
use crate::server::handshake::http;
use crate::server::service::{self, Error, PATIENCE, Service, State};

/// How long a server that runs may take to show what it was told.
const PROOF: Duration = Duration::from_secs(20);
/// How long what is plainly wrong may last: it stopped, or answers something else.
const SHORT: Duration = Duration::from_secs(4);
/// How long all must be well.
const STEADY: Duration = Duration::from_millis(1200);

#[derive(Serialize)]
struct Report {
    service: String,
    was_running: bool,
    graceful: bool,
    seconds: f64,
}

/// Runs the command.
pub fn run(arguments: &Restart, global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let loaded = Loaded::find(global)?;
    loaded.introduce(printer);
    let server = running::server(&loaded);
    let Some(binary) = server.binary.clone() else {
        return Err(Failure::error(anyhow!(
            "there is no httpd binary below {}; name it with --httpd",
            loaded.show(&loaded.installation.root)
        )));
    };
    preflight(&loaded, arguments, global, printer)?;
    let tested = binary
        .test(&server.root, &server.main, &server.flags, &server.environment)
        .map_err(Failure::error)?;
    if !tested.status.success() {
        let words = [tested.stdout, tested.stderr].concat();
        return Err(Failure::refused(format!(
            "Apache does not accept the configuration, so it was not restarted: {}",
            String::from_utf8_lossy(&words).trim()
        )));
    }
    let service = service::of(server);
    let start = Instant::now();
    let was_running = tell(&*service, arguments.graceful, printer)?;
    prove(&loaded, &*service, global, printer)?;
    let report = Report {
        service: service.name(),
        was_running,
        graceful: arguments.graceful,
        seconds: start.elapsed().as_secs_f64(),
    };
    printer.document(&report);
    let word = if was_running { "restarted" } else { "started" };
    printer.answer(&format!(
        "{} was {word} and answers as configured, after {:.1} s.\n",
        report.service, report.seconds
    ));
    Ok(ExitStatus::Done)
}

/// Refuses while anything is known that keeps the server from starting: the running one would be lost.
fn preflight(
    loaded: &Loaded,
    arguments: &Restart,
    global: &Global,
    printer: &Printer,
) -> Result<(), Failure> {
    let judge = Server::of(Some(loaded), global);
    let hosts = TlsHost::all(&loaded.configuration);
    let (checked, _) = judge_hosts(loaded, judge, &hosts, None, None);
    let mut found: Vec<Finding> = checked.into_iter().flat_map(|checked| checked.findings).collect();
    found.extend(running::port_findings(loaded));
    found.extend(running::configuration_findings(loaded));
    found.retain(|finding| finding.severity == Severity::StopsStart);
    found.dedup();
    let open: Vec<&Finding> = findings::errors(&found, &arguments.force).collect();
    if open.is_empty() {
        return Ok(());
    }
    let mut codes: Vec<&str> = open.iter().map(|finding| finding.code.word()).collect();
    codes.dedup();
    let codes = codes.join(", ");
    printer.talk(findings::lines(&found, &arguments.force).trim_end());
    Err(Failure {
        findings: found,
        ..Failure::refused(format!(
            "Apache would not start again: {codes}. It was left as it is; correct this, or go on in spite of it with --force CODE"
        ))
    })
}

/// Tells the service, and waits until it did so. Whether it ran before.
fn tell(service: &dyn Service, graceful: bool, printer: &Printer) -> Result<bool, Failure> {
    let name = service.name();
    let mut progress = |passed: Duration| printer.talk(&format!("  … {} s", passed.as_secs()));
    let was_running = service.state().map_err(refused)? != State::Stopped;
    if !was_running {
        printer.talk(&format!("Starting {name}"));
        service.start().or_else(|error| fatal(error, printer))?;
        return Ok(false);
    }
    if let Some(told) = service.reload(graceful) {
        printer.talk(&format!("Restarting {name}"));
        told.or_else(|error| fatal(error, printer))?;
        return Ok(true);
    }
    if graceful {
        printer.talk("A graceful restart does not exist here; it is stopped and started");
    }
    printer.talk(&format!("Stopping {name}"));
    service.stop().map_err(refused)?;
    service::wait(service, State::Stopped, PATIENCE, &mut progress).map_err(refused)?;
    printer.talk(&format!("Starting {name}"));
    service.start().or_else(|error| fatal(error, printer))?;
    Ok(true)
}

/// What the service manager says of a failed start is told by the proof, with the logs; a missing right is not.
fn fatal(error: Error, printer: &Printer) -> Result<(), Failure> {
    match error {
        Error::NotPermitted(_) => Err(refused(error)),
        Error::TimedOut(words) | Error::Failed(words) => {
            printer.talk(&format!("  it says: {words}"));
            Ok(())
        }
    }
}

fn refused(error: Error) -> Failure {
    let status = match error {
        Error::NotPermitted(_) => ExitStatus::NotPermitted,
        Error::TimedOut(_) | Error::Failed(_) => ExitStatus::Error,
    };
    Failure {
        status,
        ..Failure::error(error)
    }
}

/// Waits until the server runs and shows what its files say, and goes on doing so; otherwise explains its logs.
fn prove(loaded: &Loaded, service: &dyn Service, global: &Global, printer: &Printer) -> Result<(), Failure> {
    let start = Instant::now();
    let mut told = 0;
    let mut good_since: Option<Instant> = None;
    loop {
        let fault = match service.state().map_err(refused)? {
            State::Running => missing(loaded),
            State::Stopped => Some((SHORT, "it does not run".to_string())),
            State::Changing => Some((PROOF, "it is not there yet".to_string())),
        };
        let Some((patience, fault)) = fault else {
            // The old one may still answer before the new configuration is read and found wanting.
            if good_since.get_or_insert_with(Instant::now).elapsed() > STEADY {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
            continue;
        };
        good_since = None;
        if start.elapsed() > patience {
            return Err(explained(loaded, global, &fault, printer));
        }
        if start.elapsed().as_secs() > told {
            told = start.elapsed().as_secs();
            printer.talk(&format!("  … {told} s: {fault}"));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the running server does not show yet, and how long that may last: every port answers, every TLS virtual host
/// has its certificate.
fn missing(loaded: &Loaded) -> Option<(Duration, String)> {
    let configuration = &loaded.configuration;
    let active = configuration
        .listens()
        .iter()
        .filter(|listen| listen.truth == Truth::True);
    for listen in active.filter(|listen| listen.effective_protocol() != "https") {
        let ip = listen.ip().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
        let answer = http((ip, listen.port).into(), "localhost");
        if let Err(crate::server::handshake::Failure::NotConnected(words)) = answer {
            return Some((PROOF, format!("port {} does not answer ({words})", listen.port)));
        }
    }
    let targets = verify::of_configuration(loaded, None, None);
    let report = verify::look(&targets, &[], Some(loaded));
    // Trust and dates are no matter of a restart.
    report.findings().find_map(|finding| {
        let patience = match finding.code {
            Code::NotListening | Code::ServedOtherThanDisk => PROOF,
            Code::PlainHttp | Code::HandshakeFailed => SHORT,
            _ => return None,
        };
        let place = finding
            .place
            .as_ref()
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        Some((patience, format!("{}{place}", finding.summary)))
    })
}

fn explained(loaded: &Loaded, global: &Global, missing: &str, printer: &Printer) -> Failure {
    let report = explain::explain(explain::of_configuration(loaded), None, Some(loaded), global);
    printer.talk(report.text().trim_end());
    Failure {
        status: ExitStatus::ProofFailed,
        findings: report.findings().cloned().collect(),
        ..Failure::error(anyhow!(
            "Apache was told to restart, and does not serve as configured: {missing}; the configuration was not touched"
        ))
    }
}
