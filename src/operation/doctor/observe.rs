//! What each operation saw, put down so that it can be compared.

use super::super::environment::World;
use super::super::explained::StartOutcome;
use super::super::find::Loaded;
use super::super::interrupted::{remedy, stores};
use super::super::targets::Target;
use super::super::{check, lint, ports};
use super::few::{MOST, fair, once};
use super::look::{Looked, Request};
use super::observed::{Observation, Source, kind};
use crate::apply::Unfinished;
use crate::check::{Code, Finding, Severity};
use crate::quoted::word;

/// What the files alone show; and how many are left out.
pub fn of_files(loaded: &Loaded, check: Option<&check::Report>) -> (Vec<Observation>, usize) {
    let of_check = check.map_or_else(Vec::new, |report| vec![of_rules(report), of_lives(report)]);
    few([vec![of_text(loaded)], of_check].concat())
}

/// What `lint` says of the text.
fn of_text(loaded: &Loaded) -> Vec<Observation> {
    let found = lint::findings(loaded, lint::problems(loaded));
    let found = found.into_iter().map(|mut finding| {
        finding.code = kind(&finding);
        Observation::new(Source::Lint, finding)
    });
    found.collect()
}

/// What `check` says of files and machine.
fn of_rules(report: &check::Report) -> Vec<Observation> {
    let of_hosts = report.checked.iter().flat_map(|checked| {
        let all = checked.findings.iter().cloned();
        all.map(|finding| Observation {
            host: checked.place.clone(),
            ..Observation::new(Source::Check, finding)
        })
    });
    let whole = report.findings.iter();
    // What `lint` says line by line is summed up there; what only `httpd -t` says has no rule.
    let whole = whole.filter(|finding| finding.code != Code::ConfigProblem || finding.rule.is_empty());
    let whole = whole
        .cloned()
        .map(|finding| Observation::new(Source::Check, finding));
    of_hosts.chain(whole).collect()
}

/// Certificates whose life is short, or over.
fn of_lives(report: &check::Report) -> Vec<Observation> {
    let ends = report.expiring.iter().map(|one| one.finding.clone());
    ends.map(|finding| Observation::new(Source::Certificates, finding))
        .collect()
}

/// Each once, and of many of one operation the worst; and how many are left out.
fn few(all: Vec<Vec<Observation>>) -> (Vec<Observation>, usize) {
    let mut more_count = 0;
    let few = all.into_iter().flat_map(|each| {
        let each = once(each);
        more_count += each.len().saturating_sub(MOST);
        fair(each)
    });
    let few = few.collect();
    (few, more_count)
}

impl Looked {
    /// Puts down what each operation sees, whoever says it best first.
    pub fn observe(&mut self, request: &Request, world: &World) {
        let all: Vec<Vec<Observation>> = vec![
            self.of_runs(world),
            self.of_lint(),
            self.of_check(),
            of_lives(&self.check),
            self.of_ports(),
            self.of_logs(request.since.is_some()),
            self.of_server(),
            self.of_clients(),
            self.of_devices(),
        ];
        (self.observations, self.more_count) = few(all);
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
                let cause = "An earlier run stopped Apache for some seconds, and was killed before it started it \
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
        let mut all = of_text(&self.loaded);
        all.retain(|one| !self.is_disproved(&one.finding));
        for one in &mut all {
            one.port = self.port_at(&one.finding);
        }
        all
    }

    /// Does a finding say that two `Listen` lines cannot stand together, of a server that has read them and listens there?
    fn is_disproved(&self, finding: &Finding) -> bool {
        let is_read = self.is_up == Some(true)
            && self.logs.outcome == Some(StartOutcome::Running)
            && self.changed_since.is_none();
        let Some(Ok(report)) = self.ports.as_ref().filter(|_| is_read) else {
            return false;
        };
        let is_own = |holder: &ports::Holder| holder.own;
        let port = self
            .port_at(finding)
            .filter(|_| finding.code == Code::ListenTwice);
        port.is_some_and(|port| {
            let mut both = report.ports.iter().filter(|one| one.port == port);
            both.all(|one| one.holders.iter().any(is_own))
        })
    }

    fn of_check(&self) -> Vec<Observation> {
        let mut found = of_rules(&self.check);
        // Those of virtual hosts are at files.
        for one in found.iter_mut().filter(|one| one.host.is_none()) {
            one.port = self.port_at(&one.finding);
        }
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
        let not_held = report.ports.iter().filter(|port| self.is_without_listener(port));
        let not_held = not_held.map(|port| Observation {
            port: Some(port.port),
            ..Observation::new(Source::Ports, not_listening(port))
        });
        each.chain(not_held).collect()
    }

    /// Does Apache run without a port that its configuration wants? Of those with TLS `verify` says it.
    fn is_without_listener(&self, port: &ports::Port) -> bool {
        let is_seen = |target: &Target| target.address.port() == port.port;
        self.is_up == Some(true) && port.holders.is_empty() && !self.targets.iter().any(is_seen)
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
        // Of a server that does not run they are told with that.
        let grave = &self.logs.unknown_errors.grave;
        let grave = (self.is_up != Some(false) && !grave.is_empty()).then(|| Observation {
            lines: grave.clone(),
            count: grave.len(),
            ..Observation::new(Source::Explain, unknown_entry())
        });
        each.chain(grave).collect()
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
        let lines = match up {
            Some(false) => self.logs.unknown_errors.grave.clone(),
            _ => Vec::new(),
        };
        vec![Observation {
            lines,
            ..Observation::new(Source::Status, found)
        }]
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
}

fn not_listening(port: &ports::Port) -> Finding {
    Finding::new(
        Code::NotListening,
        Severity::BreaksClients,
        format!("Apache runs and does not listen on {}", port.endpoint),
        "The configuration wants it, and no program listens there.",
        "esync-ssl restart",
    )
    .placed(|_| Some(port.place.clone()))
}

fn unknown_entry() -> Finding {
    Finding::new(
        Code::LogEntryUnknown,
        Severity::WorksButWrong,
        "the log has an entry, worse than an error, that is not known here",
        "Apache or one of its modules wrote it since the last start.",
        "Look up what it means; esync-ssl explain shows all that is not known here.",
    )
}

fn unfinished(run: &Unfinished, remedy: &str) -> Finding {
    let command = match run.command.is_empty() {
        true => "A run".to_owned(),
        false => format!("The run `{}`", run.command.join(" ")),
    };
    Finding::new(
        Code::RunUnfinished,
        Severity::BreaksClients,
        "an earlier run was killed while it changed files",
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
