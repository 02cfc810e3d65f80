//! Who listens on the ports that the configuration wants.

use anyhow::anyhow;
use serde::Serialize;

use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, running};
use crate::check::Finding;
use crate::check::port::describe;
use crate::server::port::listeners;

#[derive(Serialize)]
/// Who listens on the ports that a configuration wants.
pub struct Report {
    pub(crate) ports: Vec<Port>,
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

/// Looks at the ports of a configuration.
///
/// # Errors
/// When they are not known.
pub fn run(place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    of(&loaded).map_err(|reason| {
        Failure::error(anyhow!(
            "{reason}; see netstat -ano (Windows) or ss -ltnp (Linux)"
        ))
    })
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
