//! Who listens on the ports that the configuration wants.

use anyhow::anyhow;
use serde::Serialize;

use super::environment::Where;
use super::expectation::active;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, running};
use crate::check::port::{describe, taken};
use crate::check::{Finding, Severity};
use crate::server::port::{Listener, listeners};
use crate::server::service::Server;

#[derive(Serialize)]
/// Who listens on the ports that a configuration wants.
pub struct Report {
    pub(crate) ports: Vec<Port>,
    /// The port that `enable` would use, where the configuration does not want it yet.
    pub(crate) would_use: Option<WouldUse>,
    /// The parent process of this Apache, if it runs.
    pub(crate) running: Option<u32>,
    /// How many errors there are.
    pub errors: usize,
}

#[derive(Serialize)]
pub(crate) struct Port {
    pub(crate) listen: String,
    pub(crate) port: u16,
    pub(crate) place: String,
    pub(crate) holders: Vec<Holder>,
    pub(crate) finding: Option<Finding>,
}

#[derive(Serialize)]
pub(crate) struct WouldUse {
    pub(crate) port: u16,
    pub(crate) holders: Vec<Holder>,
    pub(crate) finding: Option<Finding>,
}

#[derive(Serialize)]
pub(crate) struct Holder {
    pub(crate) address: String,
    pub(crate) pid: Option<u32>,
    pub(crate) program: Option<String>,
    pub(crate) service: Option<String>,
    /// It is this very Apache.
    pub(crate) own: bool,
    #[serde(skip)]
    pub(crate) text: String,
}

impl Holder {
    fn of((listener, own): &(&Listener, bool)) -> Holder {
        let process = listener.process.as_ref();
        Holder {
            address: listener.address.to_string(),
            pid: process.map(|process| process.pid),
            program: process.map(|process| match &process.program {
                Some(path) => path.display().to_string(),
                None => process.name.clone(),
            }),
            service: process.and_then(|process| process.service.clone()),
            own: *own,
            text: describe(process),
        }
    }
}

/// Looks at the ports of a configuration, and at the one that `enable` would use; that must be free where it is named.
///
/// # Errors
/// When they are not known.
pub fn run(port: Option<u16>, place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    of(&loaded, port).map_err(|reason| Failure::error(anyhow!("{reason}; see netstat -ano, or ss -ltnp")))
}

/// The same of a configuration that was read already.
///
/// # Errors
/// Why it is not known who listens.
pub fn of(loaded: &Loaded, port: Option<u16>) -> Result<Report, String> {
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
                holders: wanted.holders.iter().map(Holder::of).collect(),
                finding: finding.map(|finding| finding.at(&file, Some(line as usize))),
            }
        })
        .collect();
    let would_use = would_use(loaded, &server, port, &all);
    let found = ports.iter().filter_map(|port| port.finding.as_ref());
    let found = found.chain(would_use.iter().filter_map(|port| port.finding.as_ref()));
    let errors = found.filter(|finding| finding.severity.is_error()).count();
    Ok(Report {
        ports,
        would_use,
        running: server.parent().map(|parent| parent.pid),
        errors,
    })
}

/// The port that `enable` would use, where no `Listen` names it.
fn would_use(loaded: &Loaded, server: &Server, port: Option<u16>, all: &[Listener]) -> Option<WouldUse> {
    let number = port.unwrap_or(443);
    if active(loaded).any(|listen| listen.port == number) {
        return None;
    }
    let holders = running::holders(server, number, all);
    let finding = taken(None, &number.to_string(), &holders, loaded.facts.platform);
    Some(WouldUse {
        port: number,
        holders: holders.iter().map(Holder::of).collect(),
        // Nothing is wrong with the configuration as it is.
        finding: finding.map(|finding| Finding {
            severity: match port {
                Some(_) => finding.severity,
                None => Severity::Advice,
            },
            ..finding
        }),
    })
}
