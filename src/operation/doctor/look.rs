//! What all operations see of one server, each asked once.

use std::path::PathBuf;

use super::super::environment::World;
use super::super::explain::{self, Since};
use super::super::explained::{LogReport, StartOutcome};
use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::progress::{Progress, during};
use super::super::targets::{self, Target};
use super::super::{certificates, check, devices, firewall, names, pending, ports, running, verify};
use super::observed::Observation;
use crate::check::{Code, Finding};
use crate::server::deadline::Patience;

/// So many addresses are connected to.
const MOST_TARGETS: usize = 100;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Only the virtual hosts that answer this name.
    pub domain: Option<String>,
    /// What a gateway between field devices and this server meets is looked at.
    pub devices: bool,
    /// The path that devices post to.
    pub path: Option<String>,
    /// A file of certificates that clients trust instead of those that this machine trusts.
    pub authorities: Option<PathBuf>,
    /// Of logs, everything since then instead of the last start.
    pub since: Option<Since>,
    /// The TLS settings are not tried on a short run of the server's own httpd.
    pub no_rehearsal: bool,
}

/// What was seen.
pub struct Looked {
    /// The configuration.
    pub loaded: Loaded,
    /// What the rules say; why not for the name that was asked for.
    pub check: check::Report,
    /// The name that was asked for, which nothing answers over TLS.
    pub not_answered: Option<String>,
    /// Who has the ports; nothing of a configuration for another machine.
    pub ports: Option<Result<ports::Report, String>>,
    /// What the logs say.
    pub logs: LogReport,
    /// Where clients connect to.
    pub targets: Vec<Target>,
    /// How many more there would be.
    pub more_target_count: usize,
    /// The ports that another program is known to have: nobody there is asked, who might let us wait and is not this server.
    pub not_asked: Vec<u16>,
    /// What they see; nothing of a configuration for another machine.
    pub served: Option<verify::Report>,
    /// Which certificates there are.
    pub certificates: Option<certificates::Report>,
    /// What a gateway meets; nothing where that was not asked for.
    pub devices: Option<devices::Report>,
    /// Whether it runs; nothing of a configuration for another machine.
    pub is_up: Option<bool>,
    /// Files are newer than the last start that the log tells of.
    pub changed_since: Option<String>,
    /// All that is wrong, not put together yet.
    pub observations: Vec<Observation>,
    /// What is left out of them.
    pub more_count: usize,
}

/// Refuses what is no configuration, or must not be shown. One in an encoding that Apache does not read is a fault to tell.
///
/// # Errors
/// Refused as said.
pub fn refuse_unreadable(loaded: &Loaded) -> Result<(), Failure> {
    if loaded.refuse_encoding().is_ok() {
        loaded.refuse_no_configuration()?;
    }
    loaded.refuse_private_keys()
}

/// Looks at everything.
///
/// # Errors
/// When there is no configuration, it must not be shown, or what was named cannot be read.
pub fn look(
    request: &Request,
    loaded: Loaded,
    world: &World,
    progress: &dyn Progress,
) -> Result<Looked, Failure> {
    let anchors = verify::anchors(request.authorities.as_deref())?;
    let wanted = request.domain.as_deref().map(names::client_name).transpose()?;
    let is_elsewhere = running::is_elsewhere(&loaded);
    let rehearsal = (!request.no_rehearsal).then_some(progress);
    let (check, not_answered) = match check::of_loaded(&loaded, wanted.as_deref(), rehearsal, &anchors) {
        Ok(report) => (report, None),
        Err(_) if wanted.is_some() => (
            check::of_loaded(&loaded, None, rehearsal, &anchors)?,
            wanted.clone(),
        ),
        Err(failure) => return Err(failure),
    };
    let logs = explain::of_configuration(&loaded);
    let logs = explain::explain(logs, request.since, Some(&loaded), &loaded.place);
    let ports = (!is_elsewhere).then(|| ports::of(&loaded, None));
    let mut targets = targets::of_configuration(&loaded, wanted.as_deref(), None);
    let not_asked = not_asked(&targets, ports.as_ref().and_then(|ports| ports.as_ref().ok()));
    targets.retain(|target| !not_asked.contains(&target.address.port()));
    let more_target_count = targets.len().saturating_sub(MOST_TARGETS);
    targets.truncate(MOST_TARGETS);
    let served = (!is_elsewhere).then(|| {
        during(progress, "Looking at what is served", || {
            verify::look(&targets, &anchors, false, &Patience::new())
        })
    });
    let certificates = served.as_ref();
    let certificates = certificates.map(|served| certificates::of(&loaded, (&targets, served), world));
    let devices = for_devices(request, &loaded)?;
    let server = running::server(&loaded);
    let is_up = (!is_elsewhere).then(|| {
        let ports = ports.as_ref().and_then(|ports| ports.as_ref().ok());
        running::is_up(&server) || ports.is_some_and(listens) || shows(&targets, served.as_ref())
    });
    if !is_elsewhere {
        let all: Vec<u16> = running::ends(&loaded, None).iter().map(|end| end.1).collect();
        firewall::tell(&loaded, &all, progress);
    }
    let mut looked = Looked {
        changed_since: changed_since(&loaded, &logs),
        check,
        not_answered,
        ports,
        logs,
        targets,
        more_target_count,
        not_asked,
        served,
        certificates,
        devices,
        is_up,
        observations: Vec::new(),
        more_count: 0,
        loaded,
    };
    looked.observe(request, world);
    Ok(looked)
}

/// What a gateway between field devices and this server meets, where that was asked for.
fn for_devices(request: &Request, loaded: &Loaded) -> Result<Option<devices::Report>, Failure> {
    let Some(domain) = request.domain.as_ref().filter(|_| request.devices) else {
        return Ok(None);
    };
    let asking = devices::Asking {
        domain: domain.clone(),
        path: request.path.clone(),
        authorities: request.authorities.clone(),
        ..devices::Asking::default()
    };
    devices::of(&asking, Some(loaded)).map(Some)
}

/// The ports of these where every listener that the configuration wants is another program's.
fn not_asked(targets: &[Target], ports: Option<&ports::Report>) -> Vec<u16> {
    let Some(report) = ports else {
        return Vec::new();
    };
    let is_others = |port: &ports::Port| {
        let is_taken = |finding: &Finding| finding.code == Code::PortTaken && finding.is_error();
        port.findings.iter().any(is_taken) && !port.holders.iter().any(|holder| holder.own)
    };
    let is_taken = |number: u16| {
        let mut wanted = report.ports.iter().filter(|port| port.port == number).peekable();
        wanted.peek().is_some() && wanted.all(is_others)
    };
    let mut taken: Vec<u16> = targets.iter().map(|target| target.address.port()).collect();
    taken.sort_unstable();
    taken.dedup();
    taken.retain(|port| is_taken(*port));
    taken
}

/// Is a port held by this server, or by somebody of whom nothing more is known? A PidFile may be closed to this account.
fn listens(ports: &ports::Report) -> bool {
    let mut holders = ports.ports.iter().flat_map(|port| &port.holders);
    holders.any(|holder| holder.own || cfg!(unix) && holder.pid.is_none())
}

/// Do clients see a certificate of this configuration?
fn shows(targets: &[Target], served: Option<&verify::Report>) -> bool {
    served.is_some_and(|served| {
        let mut both = targets.iter().zip(&served.targets);
        both.any(|(target, sight)| sight.leaf_sha256().is_some_and(|leaf| target.has(leaf)))
    })
}

/// The newest file that Apache reads at its start, where it is newer than the last start that succeeded; as people know
/// it.
fn changed_since(loaded: &Loaded, logs: &LogReport) -> Option<String> {
    /// Logs tell whole seconds.
    const PRECISION: time::Duration = time::Duration::seconds(2);
    let is_known = matches!(logs.outcome, Some(StartOutcome::Running | StartOutcome::Failed));
    let start = logs.from.filter(|_| is_known)?.time();
    let newest = pending::changed_since(loaded, (start + PRECISION).into())?;
    Some(loaded.show(&newest))
}

impl Looked {
    /// Does anything speak TLS?
    pub fn speaks_tls(&self) -> bool {
        !self.targets.is_empty() || !self.not_asked.is_empty() || !self.check.checked.is_empty()
    }

    /// The active `Listen` ports.
    pub fn ports_wanted(&self) -> Vec<u16> {
        let ends = running::ends(&self.loaded, None);
        let mut ports: Vec<u16> = ends.iter().map(|end| end.1).collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}
