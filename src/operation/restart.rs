//! Preflight, test, restart, proof; and the logs when it fails.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use serde::Serialize;

use super::claim::Claim;
use super::environment::{Pace, Where, World};
use super::expectation::{Fault, Wanted, explained};
use super::find::{self, Loaded};
use super::interrupted::stores;
use super::preflight::{Preflight, reader};
use super::progress::Progress;
use super::service_orders::{self, Way};
use super::{Failure, running, verify};
use crate::apply::{Backup, Store};
use crate::check::{Code, Finding};
use crate::exit_status::ExitStatus;
use crate::interrupt::{self, Hold, Undoing};
use crate::note_code::NoteCode;
use crate::server::service::{Service, State};

/// A server that was restarted or started, and serves what is configured.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RestartReport"))]
pub struct Report {
    /// The service or program that was told.
    pub service: String,
    /// It ran before.
    pub was_running: bool,
    /// Requests that were under way were finished first.
    graceful: bool,
    /// How long it took until it was sure that all is well.
    pub seconds: f64,
    /// What is to be known although all is well now; null where nothing is.
    warning: Option<String>,
    /// What clients see now, as `verify` tells it.
    pub(crate) probe: verify::Report,
}

impl Report {
    /// What clients will object to although the server serves what is configured.
    pub fn findings(&self) -> Vec<Finding> {
        self.probe.objections()
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Requests that are under way are finished first, where the system has that.
    pub graceful: bool,
    /// Findings in spite of which it goes on.
    pub force: Vec<Code>,
    /// The TLS settings are not tried on a short run of the server's own httpd.
    pub no_rehearsal: bool,
    /// Seconds to wait for another run on the same server root.
    pub lock_timeout: u64,
}

/// Restarts the server of a configuration, or starts it, where nothing is known that keeps it from starting.
///
/// # Errors
/// Why it was left alone; or that it does not serve what is configured.
pub fn run(
    request: &Request,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let claim = Claim {
        place,
        world,
        voice: progress,
        patience: request.lock_timeout,
    };
    let root = find::root(place)?;
    let mut locks = claim.alone(&root)?;
    let mut loaded = Loaded::find(place)?;
    if loaded.installation.root != root {
        // Only the configuration says which server root its main file belongs to.
        locks.extend(claim.alone(&loaded.installation.root)?);
        loaded = loaded.again()?;
    }
    loaded.accept(&request.force, true);
    loaded.introduce(progress);
    let reader = reader(&loaded, "not restarted")?;
    let left = "It was left as it is";
    let preflight = Preflight::of(&loaded, &request.force, left, progress);
    preflight.refuse_no_start()?;
    preflight.refuse_rejected(reader, "not restarted")?;
    if !request.no_rehearsal {
        preflight.refuse_failed_rehearsal()?;
    }
    let way = if request.graceful {
        Way::Graceful
    } else {
        Way::Usual
    };
    let report = now(&loaded, way, world, progress)?;
    drop(locks);
    Ok(report)
}

/// Restarts the server of a configuration, or starts it, and sees that it serves what is configured. One that does not
/// even run then is started once more.
///
/// # Errors
/// When it does not, explained.
pub fn now(loaded: &Loaded, way: Way, world: &World, progress: &dyn Progress) -> Result<Report, Failure> {
    // Between its stop and its start nothing ends us.
    let _hold = Hold::new();
    let service = (world.service)(running::to_be_told(loaded));
    let attempts = Attempts {
        loaded,
        was_running: service_orders::is_running(&*service)?,
        service,
        pace: world.pace,
        progress,
    };
    let start = Instant::now();
    let result = attempts.all(way).map_err(|failure| Failure {
        error: match last_good(&loaded.installation.root, world) {
            Some(offer) if failure.status == ExitStatus::NotServing => {
                anyhow!("{:#}. {offer}", failure.error)
            }
            _ => failure.error,
        },
        ..failure
    });
    interrupt::settle(match &result {
        Ok(_) => ExitStatus::Done,
        Err(failure) => failure.status,
    });
    let (probe, warning) = result?;
    probe.tell_objections(progress);
    Ok(Report {
        service: attempts.service.name(),
        was_running: attempts.was_running,
        graceful: way == Way::Graceful && warning.is_none(),
        seconds: start.elapsed().as_secs_f64(),
        warning,
        probe,
    })
}

/// Tries to have a server serve what is configured, where no file was changed that could be put back.
struct Attempts<'a> {
    loaded: &'a Loaded,
    service: Box<dyn Service>,
    /// It ran before.
    was_running: bool,
    pace: Pace,
    progress: &'a dyn Progress,
}

/// What a server does not show, explained.
type Unproven = (Fault, Vec<Finding>);

impl Attempts<'_> {
    /// What clients see of it, and what is to be said of it although it serves now.
    fn all(&self, way: Way) -> Result<(verify::Report, Option<String>), Failure> {
        let name = self.service.name();
        let first = match self.one(way)? {
            Ok(seen) => return Ok((seen, None)),
            Err(first) => first,
        };
        // One that serves something is not taken down for the rest.
        if self.service.state() == Ok(State::Running) {
            return Err(self.not_serving(&format!("{name} was restarted"), first));
        }
        let why = first.0.words;
        let words = format!("{name} does not serve as configured ({why}); it is started again");
        self.progress.note(NoteCode::Restart, &words);
        let tried = format!("{name} was restarted, and then started again");
        let seen = self
            .one(Way::Full)?
            .map_err(|second| self.not_serving(&tried, second))?;
        let warning =
            format!("{name} did not start the first time ({why}), but did when it was started again");
        self.progress
            .note(NoteCode::Warning, &format!("warning: {warning}"));
        Ok((seen, Some(warning)))
    }

    /// Tells it once, and looks.
    fn one(&self, way: Way) -> Result<Result<verify::Report, Unproven>, Failure> {
        let told = service_orders::restart(&*self.service, way, self.progress);
        if interrupt::came() {
            return Err(self.interrupted());
        }
        let words = told?;
        let wanted = Wanted::of_files(self.loaded);
        let proof = wanted.prove(&*self.service, words.as_deref(), self.pace, self.progress);
        if interrupt::came() {
            return Err(self.interrupted());
        }
        Ok(proof.map_err(|fault| (fault, explained(self.loaded, words.as_deref(), self.progress))))
    }

    fn not_serving(&self, tried: &str, (fault, mut findings): Unproven) -> Failure {
        Finding::worst_first(&mut findings);
        Failure {
            status: ExitStatus::NotServing,
            findings,
            ..Failure::error(anyhow!(
                "{tried}, but does not serve as configured: {}; {}. The configuration was not changed, so there is \
                 nothing to put back. Run esync-ssl check to find what is wrong, and esync-ssl explain to see what \
                 the logs say",
                fault.words,
                service_orders::state(&*self.service)
            ))
        }
    }

    /// Nobody waits any more. What was stopped to be started is started.
    fn interrupted(&self) -> Failure {
        let _undoing = Undoing::new();
        let start = Instant::now();
        while self.service.state() == Ok(State::Changing) && start.elapsed() < self.pace.patience {
            std::thread::sleep(Duration::from_millis(100));
        }
        if self.was_running && self.service.state() == Ok(State::Stopped) {
            let _ = service_orders::restart(&*self.service, Way::Full, self.progress);
        }
        Failure {
            status: ExitStatus::Interrupted,
            ..Failure::error(anyhow!(
                "interrupted while Apache was restarting; {}, and it was not checked whether it serves as \
                 configured (esync-ssl verify does that). The configuration was not changed",
                service_orders::state(&*self.service)
            ))
        }
    }
}

/// What brings back the newest configuration that is known to have been served, or else the one before our last change.
fn last_good(root: &Path, world: &World) -> Option<String> {
    let stores = stores(root, world.disk);
    let of_store = |store: &Store| {
        let unfinished = store.unfinished();
        let mut all = store.backups().unwrap_or_default();
        all.retain(|backup| Some(&backup.id) != unfinished.as_ref());
        all
    };
    let all: Vec<Backup> = stores.iter().flat_map(of_store).collect();
    let last = all.last()?;
    let served = all.iter().rposition(Backup::was_served);
    Some(match (served, served.and_then(|at| all.get(at + 1))) {
        (_, Some(next)) => format!(
            "esync-ssl restore {} --restart brings back the last configuration that was proved to work",
            next.id
        ),
        (Some(_), None) => format!(
            "What {id} wrote was proved to work, and was changed by hand since; esync-ssl restore {id} --restart \
             goes back to the configuration before it",
            id = last.id
        ),
        (None, None) => format!(
            "esync-ssl restore {} --restart goes back to the configuration before the last change by esync-ssl",
            last.id
        ),
    })
}
