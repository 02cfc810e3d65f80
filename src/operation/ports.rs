//! Who listens on the ports that the configuration wants.

use anyhow::anyhow;
use schemars::JsonSchema;
use serde::Serialize;

use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, running};
use crate::check::port::describe;
use crate::check::{Finding, Place};
use crate::server::port::listeners;
use crate::severity::Counts;

/// Who listens on the ports that a configuration wants.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PortsReport")]
pub struct Report {
    /// The ports, in the order of their `Listen` lines.
    pub(crate) ports: Vec<Port>,
    /// The parent process of this Apache; null where it does not run.
    pub(crate) parent_pid: Option<u32>,
    /// How many findings there are at all ports.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    /// What is wrong with the ports.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.ports.iter().flat_map(|port| &port.findings)
    }
}

/// A port that a `Listen` wants.
#[derive(Serialize, JsonSchema)]
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

/// Who listens on a port.
#[derive(Serialize, JsonSchema)]
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

/// Looks at the ports of a configuration.
///
/// # Errors
/// When they are not known.
pub fn run(place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    of(&loaded).map_err(|reason| Failure::error(anyhow!("{reason}; see netstat -ano, or ss -ltnp")))
}

/// The same of a configuration that was read already.
///
/// # Errors
/// Why it is not known who listens.
pub fn of(loaded: &Loaded) -> Result<Report, String> {
    let configuration = &loaded.configuration;
    let all = listeners()?;
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
            }
        })
        .collect();
    let found = ports.iter().flat_map(|port| &port.findings);
    Ok(Report {
        counts: found.map(Finding::level).collect(),
        ports,
        parent_pid: server.parent().map(|parent| parent.pid),
    })
}
