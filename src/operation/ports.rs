//! Who listens on the ports that the configuration wants.

use serde::Serialize;

use super::environment::Where;
use super::expectation::active;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, firewall, running};
use crate::check::port::{describe, taken};
use crate::check::{Finding, Place, Severity};
use crate::server::port::{Listener, listeners_on};
use crate::server::service::Server;
use crate::severity::Counts;

/// The port that `enable` uses unless it is told another one.
pub const USUAL: u16 = 443;

/// Who listens on the ports that a configuration wants.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PortsReport"))]
pub struct Report {
    /// The ports, in the order of their `Listen` lines.
    pub(crate) ports: Vec<Port>,
    /// The port that `enable` would use, where the configuration does not want it yet; null where it does.
    pub(crate) would_use: Option<WouldUse>,
    /// The parent process of this Apache; null where it does not run.
    pub(crate) parent_pid: Option<u32>,
    /// How many findings there are at all ports.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    /// What is wrong with the ports.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let wanted = self.ports.iter().flat_map(|port| &port.findings);
        wanted.chain(self.would_use.iter().flat_map(|port| &port.findings))
    }
}

/// A port that a `Listen` wants.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Port {
    /// What `Listen` says: a port, or an address and a port.
    pub(crate) endpoint: String,
    /// The number of the port.
    pub(crate) port: u16,
    /// The `Listen` line.
    pub(crate) place: Place,
    /// Who listens there now.
    pub(crate) holders: Vec<Holder>,
    /// What is to be said about it.
    pub(crate) findings: Vec<Finding>,
}

/// A port that no `Listen` wants yet.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WouldUse {
    /// The number of the port.
    pub(crate) port: u16,
    /// Who listens there now.
    pub(crate) holders: Vec<Holder>,
    /// What is to be said about it.
    pub(crate) findings: Vec<Finding>,
}

/// Who listens on a port.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Holder {
    /// Address and port.
    pub(crate) address: String,
    /// The process; null where that is hidden from this account.
    pub(crate) pid: Option<u32>,
    /// The file of its program, or else its name; null where that is not known.
    pub(crate) program: Option<String>,
    /// The service that it belongs to.
    pub(crate) service: Option<String>,
    /// It is this very Apache.
    pub(crate) own: bool,
    /// In words.
    #[serde(skip)]
    pub(crate) text: String,
}

impl Holder {
    /// Of a listener, and whether it is this Apache.
    pub(crate) fn of((listener, own): &(&Listener, bool)) -> Holder {
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
            text: match listener.is_reserved {
                true => "reserved by Windows".to_owned(),
                false => describe(process),
            },
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
    let ports: Vec<u16> = running::ends(&loaded, port).iter().map(|end| end.1).collect();
    firewall::tell(&loaded, &ports, progress);
    of(&loaded, port).map_err(|reason| {
        let fix = match cfg!(windows) {
            true => "see netstat -ano",
            false => "see ss -ltnp",
        };
        Failure::with_advice(reason.to_string(), fix)
    })
}

/// The same of a configuration that was read already.
///
/// # Errors
/// Why it is not known who listens.
pub fn of(loaded: &Loaded, port: Option<u16>) -> Result<Report, String> {
    let configuration = &loaded.configuration;
    let all = listeners_on(running::ends(loaded, Some(port.unwrap_or(USUAL))))?;
    let server = running::server(loaded);
    let ports: Vec<Port> = running::ports(loaded, &server, &all)
        .iter()
        .map(|wanted| {
            let entry = configuration.entry(wanted.listen.entry);
            let place = loaded.place_of(entry);
            let finding = wanted.check(loaded.facts.platform);
            let finding = finding.map(|finding| finding.placed(|_| Some(place.clone())));
            Port {
                endpoint: wanted.listen.endpoint(),
                port: wanted.listen.port,
                findings: finding.into_iter().collect(),
                place,
                holders: wanted.holders.iter().map(Holder::of).collect(),
            }
        })
        .collect();
    let would_use = would_use(loaded, &server, port, &all);
    let found = ports.iter().flat_map(|port| &port.findings);
    let found = found.chain(would_use.iter().flat_map(|port| &port.findings));
    Ok(Report {
        counts: found.map(Finding::level).collect(),
        ports,
        would_use,
        parent_pid: server.parent().map(|parent| parent.pid),
    })
}

/// The port that `enable` would use, where no `Listen` names it.
fn would_use(loaded: &Loaded, server: &Server, port: Option<u16>, all: &[Listener]) -> Option<WouldUse> {
    let number = port.unwrap_or(USUAL);
    if active(loaded).any(|listen| listen.port == number) {
        return None;
    }
    let holders = running::holders(loaded, server, (None, number), all);
    let finding = taken(None, &number.to_string(), &holders, loaded.facts.platform);
    Some(WouldUse {
        port: number,
        holders: holders.iter().map(Holder::of).collect(),
        // Nothing is wrong with the configuration as it is.
        findings: finding
            .map(|finding| Finding {
                severity: match port {
                    Some(_) => finding.severity,
                    None => Severity::Advice,
                },
                ..finding
            })
            .into_iter()
            .collect(),
    })
}
