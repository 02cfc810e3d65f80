//! What all operations see of one server, each asked once.

use std::path::PathBuf;
use std::time::SystemTime;

use time::OffsetDateTime;

use super::super::environment::World;
use super::super::explain::{self, Since};
use super::super::explained::{LogReport, StartOutcome};
use super::super::failure::Failure;
use super::super::find::Loaded;
use super::super::interrupted::{remedy, stores};
use super::super::progress::{Progress, during};
use super::super::targets::{self, Target};
use super::super::{certificates, check, devices, firewall, lint, names, ports, running, verify};
use super::observed::{Observation, Source, kind};
use crate::apply::Unfinished;
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};
use crate::httpd::Truth;
use crate::quoted::word;
use crate::server::deadline::Patience;
use crate::server::service::Server;

/// So many of each operation are told, the worst first.
const MOST: usize = 200;
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
    let mut targets = targets::of_configuration(&loaded, wanted.as_deref(), None);
    let more_target_count = targets.len().saturating_sub(MOST_TARGETS);
    targets.truncate(MOST_TARGETS);
    let served = (!is_elsewhere).then(|| {
        during(progress, "Looking at what is served", || {
            verify::look(&targets, &anchors, false, &Patience::new())
        })
    });
    let certificates = served.as_ref();
    let certificates = certificates.map(|served| certificates::of(&loaded, (&targets, served), world));
    let devices = match (request.devices, &request.domain) {
        (true, Some(domain)) => {
            let asking = devices::Asking {
                domain: domain.clone(),
                path: request.path.clone(),
                authorities: request.authorities.clone(),
                ..devices::Asking::default()
            };
            Some(devices::of(&asking, Some(&loaded))?)
        }
        _ => None,
    };
    let server = running::server(&loaded);
    let is_up = (!is_elsewhere).then(|| is_up(&server, &targets, served.as_ref()));
    if !is_elsewhere {
        let all: Vec<u16> = running::ends(&loaded, None).iter().map(|end| end.1).collect();
        firewall::tell(&loaded, &all, progress);
    }
    let mut looked = Looked {
        changed_since: changed_since(&loaded, &server, &logs),
        check,
        not_answered,
        ports: (!is_elsewhere).then(|| ports::of(&loaded, None)),
        logs,
        targets,
        more_target_count,
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

/// Whether a server runs: by its process, its service, or by what it shows.
fn is_up(server: &Server, targets: &[Target], served: Option<&verify::Report>) -> bool {
    running::is_up(server)
        || served.is_some_and(|served| {
            let mut both = targets.iter().zip(&served.targets);
            both.any(|(target, sight)| sight.leaf_sha256().is_some_and(|leaf| target.has(leaf)))
        })
}

/// The newest file that Apache reads at its start, where it is newer than the last start that succeeded; as people know
/// it.
fn changed_since(loaded: &Loaded, server: &Server, logs: &LogReport) -> Option<String> {
    let is_known = matches!(logs.outcome, Some(StartOutcome::Running | StartOutcome::Failed));
    let start = logs.from.filter(|_| is_known)?.time();
    let configuration = &loaded.configuration;
    let source = configuration.source();
    let read = configuration.files().iter().map(|file| file.host.clone());
    let hosts = TlsHost::all(configuration);
    let pairs = hosts.iter().flat_map(|host| {
        let pairs = host.pairs.iter();
        let files = pairs.flat_map(|pair| [Some(&pair.certificate), pair.key.as_ref()]);
        files
            .chain([host.chain.as_ref()])
            .flatten()
            .map(|file| source.host_path(file))
    });
    let written = |file: &PathBuf| file.metadata().and_then(|data| data.modified()).ok();
    let all = read.chain(pairs).filter(|file| *file != server.pid_file);
    let newest = all.filter_map(|file| Some((written(&file)?, file))).max()?;
    is_after(newest.0, start).then(|| loaded.show(&newest.1))
}

/// Whole seconds are all that logs tell.
fn is_after(time: SystemTime, start: OffsetDateTime) -> bool {
    OffsetDateTime::from(time) > start + time::Duration::seconds(2)
}

impl Looked {
    /// Puts down what each operation sees, whoever says it best first.
    fn observe(&mut self, request: &Request, world: &World) {
        let mut all: Vec<Vec<Observation>> = vec![
            self.of_runs(world),
            self.of_lint(),
            self.of_check(),
            self.of_ports(),
            self.of_logs(request.since.is_some()),
            self.of_server(),
            self.of_clients(),
            self.of_devices(),
        ];
        for each in &mut all {
            each.sort_by_key(Observation::severity);
            self.more_count += each.len().saturating_sub(MOST);
            each.truncate(MOST);
        }
        self.observations = all.into_iter().flatten().collect();
    }

    /// Runs of ours that were killed.
    fn of_runs(&self, world: &World) -> Vec<Observation> {
        let root = &self.loaded.installation.root;
        let mut found = Vec::new();
        for store in stores(root, world.disk) {
            if let Some(run) = store.interrupted().filter(|run| run.at_work.is_none()) {
                found.push(Observation::new(Source::Backups, unfinished(&run, &remedy(root))));
            }
            if store.was_left_stopped() && self.is_up != Some(true) {
                let cause = "An earlier run of esync-ssl stopped Apache for some seconds, and was killed before it started it \
                             again.";
                found.push(Observation::new(
                    Source::Backups,
                    stopped(Severity::BreaksClients, cause.into()),
                ));
            }
        }
        found
    }

    fn of_lint(&self) -> Vec<Observation> {
        let found = lint::findings(&self.loaded, lint::problems(&self.loaded));
        let told = found.into_iter().map(|mut finding| {
            finding.code = kind(&finding);
            Observation {
                port: self.port_at(&finding),
                ..Observation::new(Source::Lint, finding)
            }
        });
        told.collect()
    }

    fn of_check(&self) -> Vec<Observation> {
        let mut found = Vec::new();
        for checked in &self.check.checked {
            let all = checked.findings.iter().cloned();
            found.extend(all.map(|finding| Observation {
                host: checked.place.clone(),
                ..Observation::new(Source::Check, finding)
            }));
        }
        let whole = self.check.findings.iter();
        // What `lint` says line by line is summed up there.
        let whole = whole.filter(|finding| finding.code != Code::ConfigProblem || finding.rule.is_empty());
        let ends = self.check.expiring.iter().map(|one| &one.finding);
        found.extend(whole.chain(ends).cloned().map(|finding| Observation {
            port: self.port_at(&finding),
            ..Observation::new(Source::Check, finding)
        }));
        if let Some(name) = &self.not_answered {
            let finding = Finding::new(
                Code::TlsOff,
                Severity::BreaksClients,
                format!("no virtual host answers {name} over TLS"),
                "Clients that ask for this name by HTTPS get another site, or none.",
                format!("esync-ssl enable --domain {} turns TLS on for it.", word(name)),
            );
            found.push(Observation::new(Source::Check, finding));
        }
        found
    }

    /// The port of a `Listen` that a finding is at.
    fn port_at(&self, finding: &Finding) -> Option<u16> {
        let ports = self.ports.as_ref()?.as_ref().ok()?;
        let place = finding.place.as_ref()?;
        let at = |port: &&ports::Port| port.place.file == place.file && port.place.line == place.line;
        ports.ports.iter().find(at).map(|port| port.port)
    }

    fn of_ports(&self) -> Vec<Observation> {
        let Some(Ok(report)) = &self.ports else {
            return Vec::new();
        };
        let each = report.ports.iter().flat_map(|port| {
            let found = port.findings.iter().cloned();
            found.map(|finding| Observation {
                port: Some(port.port),
                ..Observation::new(Source::Ports, finding)
            })
        });
        each.collect()
    }

    fn of_logs(&self, is_since: bool) -> Vec<Observation> {
        // What an earlier start failed for, and a running server or newer files have left behind.
        let is_over = self.is_up == Some(true) || self.changed_since.is_some() || is_since;
        let each = self.logs.findings.iter().map(|one| {
            let stops = one.finding.severity == Severity::StopsStart && !one.seen;
            let is_past = stops && (is_over || one.note.is_some());
            let mut finding = one.finding.clone();
            if is_past {
                finding.severity = Severity::Advice;
                finding.cause += " It was so at an earlier start; the current files do not show it.";
            }
            Observation {
                lines: one.lines.clone(),
                count: one.occurrence_count,
                is_past,
                ..Observation::new(Source::Explain, finding)
            }
        });
        each.collect()
    }

    fn of_server(&self) -> Vec<Observation> {
        let up = self.is_up;
        let was_started =
            self.logs.outcome.is_some() && !self.logs.is_without_log() && self.logs.from.is_some();
        let found = match (up, &self.changed_since) {
            (Some(false), _) => stopped(
                match was_started {
                    true => Severity::BreaksClients,
                    false => Severity::Advice,
                },
                match (was_started, self.logs.outcome) {
                    (true, Some(StartOutcome::Failed)) => {
                        "Its last start failed, and no process of it is there."
                    }
                    (true, Some(StartOutcome::Stopped)) => "It was stopped.",
                    (true, _) => "No process of it is there, although its log tells of a start.",
                    (false, _) => "No log tells that it was ever started with this configuration.",
                }
                .into(),
            ),
            (Some(true), Some(file)) if self.logs.outcome == Some(StartOutcome::Running) => Finding::new(
                Code::ConfigNotRead,
                Severity::Advice,
                "Apache runs with what it read before the last change",
                format!("{file} was changed after Apache was last started, as its log tells."),
                "esync-ssl restart",
            ),
            _ => return Vec::new(),
        };
        vec![Observation::new(Source::Status, found)]
    }

    fn of_clients(&self) -> Vec<Observation> {
        let Some(served) = &self.served else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for (target, sight) in self.targets.iter().zip(&served.targets) {
            let name = target.name.as_deref().unwrap_or("no name");
            let each = sight.findings.iter().cloned();
            found.extend(each.map(|finding| Observation {
                host: target.place.clone(),
                port: Some(target.address.port()),
                at: Some(format!("{} ({name})", target.address)),
                ..Observation::new(Source::Verify, finding)
            }));
        }
        found
    }

    fn of_devices(&self) -> Vec<Observation> {
        let Some(report) = &self.devices else {
            return Vec::new();
        };
        let own = report.findings.iter().map(|finding| (finding, None));
        let sights = report.served.targets.iter();
        let served = sights.flat_map(|sight| {
            sight
                .findings
                .iter()
                .map(|finding| (finding, sight.place.clone()))
        });
        own.chain(served)
            .map(|(finding, host)| Observation {
                host,
                at: Some("a gateway".into()),
                ..Observation::new(Source::Devices, finding.clone())
            })
            .collect()
    }

    /// Does anything speak TLS?
    pub fn speaks_tls(&self) -> bool {
        !self.targets.is_empty() || !self.check.checked.is_empty()
    }

    /// The active `Listen` ports.
    pub fn ports_wanted(&self) -> Vec<u16> {
        let listens = self.loaded.configuration.listens().iter();
        let mut ports: Vec<u16> = listens
            .filter(|listen| listen.truth == Truth::True)
            .map(|listen| listen.port)
            .collect();
        ports.sort_unstable();
        ports.dedup();
        ports
    }
}

fn unfinished(run: &Unfinished, remedy: &str) -> Finding {
    let command = match run.command.is_empty() {
        true => "A run of esync-ssl".to_owned(),
        false => format!("The run `{}`", run.command.join(" ")),
    };
    Finding::new(
        Code::RunUnfinished,
        Severity::BreaksClients,
        "a run of esync-ssl was killed while it changed files",
        format!(
            "{command} ({}) was not finished, so files may be half changed.",
            run.id
        ),
        format!("{remedy} puts back what was there before it."),
    )
}

fn stopped(severity: Severity, cause: String) -> Finding {
    Finding::new(
        Code::ServerStopped,
        severity,
        "Apache does not run",
        cause,
        "esync-ssl restart starts it, and says what keeps it from starting.",
    )
}
