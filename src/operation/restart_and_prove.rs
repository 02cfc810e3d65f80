//! From files that were written to a server that serves them; or, when it does not, back to what both were.

use std::path::Path;
use std::time::Instant;

use anyhow::anyhow;

use super::expectation::{Fault, Site, Wanted, active, explained};
use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::http_before::{Compared, Noted};
use super::job::Job;
use super::preflight::Preflight;
use super::server_effect::{Effect, ServerResult, Would, orders};
use super::service_orders::{self, Way};
use super::{pending, restart, running};
use crate::apply::{Content, NameChange, Pending, Written};
use crate::check::Code;
use crate::exit_status::ExitStatus;
use crate::interrupt::Undoing;
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode, say};
use crate::server::service::{self, Service, State};

/// What became of a server whose files are right.
pub enum Became {
    /// This; nothing in a dry run.
    Now(Option<Effect>),
    /// A dry run: this would be done.
    Would(Would),
}

/// Where nothing had to be written: a server that does not show yet what is configured, or is seen to have read its files
/// before we wrote them, is restarted, as asked; without a site one that is not seen to have read all since. In a dry run it is
/// only looked whether that would be done, and could be.
///
/// # Errors
/// When it does not show it then either.
pub fn unchanged(loaded: &Loaded, site: Option<&Site>, forced: &[Code], job: Job) -> Result<Became, Failure> {
    let (writing, world, progress) = (job.writing, job.world, job.voice);
    if !writing.restarts() {
        let effect = (!writing.dry_run).then(|| Effect::not_asked(Some(loaded), job));
        return Ok(Became::Now(effect));
    }
    let service = (world.service)(running::server(loaded));
    let is_running = service_orders::is_running(&*service)?;
    let asked = site.filter(|_| is_running);
    let shown = asked.and_then(|site| Wanted::of_files(loaded).and_site(Some(site)).shown());
    // What a site shows is not all that was written of it.
    let has_read = || match site {
        Some(_) => shown.is_some() && !pending::is_behind_us(loaded, world),
        None => pending::has_read_all(loaded, world),
    };
    let noted = asked.filter(|_| !writing.dry_run);
    let noted = noted.map(|site| (Noted::of(loaded, site, progress), site));
    let compared = || {
        let (noted, site) = noted.as_ref()?;
        let compared = noted.compare(loaded, loaded, site);
        compared.tell(progress);
        compared.reported()
    };
    let result = match is_running {
        false if !writing.start => ServerResult::LeftStopped,
        true if has_read() => ServerResult::ShowsIt,
        _ => {
            let preflight = preflight(loaded, site, forced, "It was left as it is", progress);
            preflight.refuse_no_start()?;
            if !writing.no_rehearsal {
                preflight.refuse_failed_rehearsal()?;
            }
            if writing.dry_run {
                let told = (world.service)(running::to_be_told(loaded)).may_be_told();
                told.map_err(service_orders::refused)?;
                let would = if is_running { Would::Restart } else { Would::Start };
                return Ok(Became::Would(would));
            }
            let report = restart::now(loaded, Way::Graceful, world, progress)?;
            return Ok(Became::Now(Some(Effect {
                result: ServerResult::of_start(is_running),
                service: Some(report.service),
                seconds: Some(report.seconds),
                probe: Some(report.probe),
                compared: compared(),
                ..Effect::default()
            })));
        }
    };
    if writing.dry_run {
        return Ok(Became::Now(None));
    }
    if let Some(seen) = &shown {
        seen.tell_objections(progress);
    }
    let effect = Effect {
        result,
        service: Some(service.name()),
        orders: match result {
            ServerResult::LeftStopped => orders(Some(loaded), job),
            _ => Vec::new(),
        },
        probe: shown,
        compared: compared(),
        ..Effect::default()
    };
    Ok(Became::Now(Some(effect)))
}

/// What is looked at before: only what turns HTTPS on for a site goes on by codes of findings.
fn preflight<'a>(
    loaded: &'a Loaded,
    site: Option<&Site>,
    forced: &'a [Code],
    left: &'a str,
    progress: &'a dyn super::Progress,
) -> Preflight<'a> {
    let preflight = Preflight::of(loaded, forced, left, progress);
    match site.is_some_and(|site| site.asked.is_some()) {
        true => preflight,
        false => preflight.without_codes(),
    }
}

/// What is known before anything is written.
pub struct Before<'a> {
    /// The configuration; nothing when it cannot be read.
    pub old: Option<&'a Loaded>,
    /// Where it is, what is to become of the server, and what tells it.
    pub job: Job<'a>,
    /// A killed run that was undone had told it: stopped, it is not so on purpose.
    pub server_told: bool,
}

/// The same with what the server did before.
pub struct Seen<'a> {
    before: Before<'a>,
    /// It runs; nothing when that is not known before the new configuration is.
    running: Option<bool>,
    /// What is amiss.
    known: Vec<Fault>,
    /// What a site answered over HTTP.
    noted: Noted,
}

/// Why the server does not serve what was written.
struct Flop {
    failure: Failure,
    /// It may be in another state than before.
    told: bool,
}

impl<'a> Before<'a> {
    /// Looks at the server, if it is to be told.
    ///
    /// # Errors
    /// Refused when it is not known how.
    pub fn look(self) -> Result<Seen<'a>, Failure> {
        let mut running = self.server_told.then_some(true);
        let mut known = Vec::new();
        if let (true, Some(old)) = (self.job.writing.restarts(), self.old) {
            let state = self.service(old, old)?.state().map_err(service_orders::refused)?;
            running = running.or(Some(state != State::Stopped));
            // Nothing is proved in a dry run.
            if state != State::Stopped && !self.job.writing.dry_run {
                known = Wanted::of_files(old).faults();
            }
        }
        Ok(Seen {
            before: self,
            running,
            known,
            noted: Noted::default(),
        })
    }

    /// What tells the server of a configuration to read what is in the files: `read`.
    fn service(&self, loaded: &Loaded, read: &Loaded) -> Result<Box<dyn Service>, Failure> {
        let server = service::Server {
            obstacle: read.obstacle(),
            ..running::server(loaded)
        };
        if server.binary.is_none() {
            return Err(Failure::refused(Refusal::new(
                RefusalCode::NoBinaryToRestart,
                say![
                    "there is no httpd binary below ",
                    loaded.place(&loaded.installation.root),
                    " that could restart it; nothing was written"
                ],
                ". ",
                "Name it with --httpd, or run without --restart",
            )));
        }
        Ok((self.job.world.service)(server))
    }
}

impl Before<'_> {
    /// Refuses where it is known that the server must not be told, or would not come up with the new configuration, of
    /// which some files may be yet to come.
    fn refuse_restart(
        &self,
        service: &dyn Service,
        (new, to_come): (&Loaded, &[&Path]),
        site: Option<&Site>,
        forced: &[Code],
    ) -> Result<(), Failure> {
        const LEFT: &str = "every file is as it was, and Apache was left alone";
        let may_be_told = service.may_be_told();
        may_be_told.map_err(|error| service_orders::refused(error).after(LEFT))?;
        let left = "Every file is as it was, and Apache was left alone";
        let preflight = preflight(new, site, forced, left, self.job.voice).without(to_come);
        preflight.refuse_no_start()?;
        match self.job.writing.no_rehearsal {
            true => Ok(()),
            false => preflight.refuse_failed_rehearsal(),
        }
    }
}

impl Seen<'_> {
    /// The same, with what a site answers over HTTP by a server that runs and is to be told.
    pub fn with_answers_of(mut self, site: Option<&Site>) -> Self {
        let job = self.before.job;
        if let (true, Some(true), Some(old), Some(site)) =
            (job.writing.restarts(), self.running, self.before.old, site)
        {
            self.noted = Noted::of(old, site, job.voice);
        }
        self
    }

    /// What [`Seen::keep`] would refuse before the server is told, with nothing written. What certificate files that are
    /// yet to come do is for the rehearsal of these changes to say.
    ///
    /// # Errors
    /// Those of it.
    pub fn would_keep(
        &self,
        changes: &[NameChange],
        site: Option<&Site>,
        forced: &[Code],
    ) -> Result<(), Failure> {
        let before = &self.before;
        if !before.job.writing.restarts() {
            return Ok(());
        }
        let Some(old) = before.old else {
            before.job.voice.note(
                NoteCode::NotTested,
                "note: whether Apache would start again was not looked at, as its configuration cannot be read now",
            );
            return Ok(());
        };
        let new = old.with_changes(changes)?;
        let service = before.service(old, &new)?;
        let is_running = match self.running {
            Some(is_running) => is_running,
            None => service_orders::is_running(&*service)?,
        };
        if !is_running && !before.job.writing.start {
            return Ok(());
        }
        let to_come = changes
            .iter()
            .filter(|change| matches!(change.after, Content::Tls(_)));
        let to_come: Vec<&Path> = to_come.map(|change| &*change.path).collect();
        before.refuse_restart(&*service, (&new, &to_come), site, forced)
    }

    /// Has the server show what was written, and keeps it; or puts files and server back.
    ///
    /// # Errors
    /// Why it does not, and what is the case now.
    pub fn keep(
        self,
        pending: Pending,
        site: Option<&Site>,
        forced: &[Code],
    ) -> Result<(Written, Effect), Failure> {
        let before = &self.before;
        if let Err(interrupted) = not_interrupted() {
            pending.undo()?;
            return Err(interrupted);
        }
        if !before.job.writing.restarts() {
            let effect = Effect::not_asked(before.old, before.job);
            return Ok((pending.keep()?, effect));
        }
        let new = match before.old {
            Some(old) => old.again(),
            None => Loaded::find(before.job.place),
        };
        let asked = new.and_then(|new| {
            let old = before.old.unwrap_or(&new);
            let service = before.service(old, &new)?;
            let former = before.service(old, old)?;
            let running = match self.running {
                Some(running) => running,
                None => service_orders::is_running(&*service)?,
            };
            Ok((new, service, former, running))
        });
        let (new, service, former, running) = match asked {
            Ok(asked) => asked,
            Err(failure) => {
                pending.undo()?;
                return Err(failure.after("every file is as it was"));
            }
        };
        if !running && !before.job.writing.start {
            let effect = Effect {
                result: ServerResult::LeftStopped,
                service: Some(service.name()),
                orders: orders(Some(&new), before.job),
                ..Effect::default()
            };
            return Ok((pending.keep()?, effect));
        }
        let server = Server {
            before,
            known: &self.known,
            noted: &self.noted,
            new: &new,
            service: &*service,
            former: &*former,
            running,
        };
        match server.show(&pending, site, forced) {
            Err(flop) if !flop.told => {
                pending.undo()?;
                Err(flop.failure)
            }
            Err(flop) => Err(server.undo(pending, flop.failure)),
            Ok(effect) => match pending.keep() {
                Ok(written) => Ok((written, effect)),
                // The files went back by themselves.
                Err(error) => Err(server.go_back(error.into())),
            },
        }
    }
}

/// The server of files that were written.
struct Server<'a> {
    before: &'a Before<'a>,
    known: &'a [Fault],
    noted: &'a Noted,
    new: &'a Loaded,
    /// What is told while the new configuration is in the files.
    service: &'a dyn Service,
    /// The same once the one before is: others may have been able to write the one and not the other.
    former: &'a dyn Service,
    /// It ran before.
    running: bool,
}

impl Server<'_> {
    /// Tells it, and sees whether it shows what was written.
    fn show(&self, pending: &Pending, site: Option<&Site>, forced: &[Code]) -> Result<Effect, Flop> {
        let progress = self.before.job.voice;
        let untold = |failure| Flop { failure, told: false };
        let told = |failure| Flop { failure, told: true };
        self.before
            .refuse_restart(self.service, (self.new, &[]), site, forced)
            .map_err(untold)?;
        not_interrupted().map_err(untold)?;
        pending.note_server().map_err(|error| untold(error.into()))?;
        let start = Instant::now();
        let said = service_orders::restart(self.service, self.way(), progress).map_err(told)?;
        let words = said.as_deref();
        let mut wanted = Wanted::of_files(self.new).and_site(site).but(self.known);
        if let Some(old) = self.before.old {
            wanted = wanted.not_as(old);
        }
        let proven = self.before.service(self.new, self.new).map_err(told)?;
        let proof = wanted.prove(&*proven, words, self.before.job.world.pace, progress);
        not_interrupted().map_err(told)?;
        match proof {
            Ok(report) => {
                report.tell_objections(progress);
                Ok(Effect {
                    result: ServerResult::of_start(self.running),
                    service: Some(self.service.name()),
                    seconds: Some(start.elapsed().as_secs_f64()),
                    probe: Some(report),
                    compared: self.compared(site, forced).map_err(told)?,
                    ..Effect::default()
                })
            }
            Err(fault) => Err(told(Failure {
                status: ExitStatus::ProofFailed,
                findings: explained(self.new, words, progress),
                ..Failure::error(anyhow!(
                    "{} was asked to {}, but did not serve what was written: {}",
                    self.service.name(),
                    if self.running { "restart" } else { "start" },
                    fault.words
                ))
            })),
        }
    }

    /// Sees whether HTTPS answers what HTTP did, and tells what it answers otherwise.
    ///
    /// # Errors
    /// It fails, leads to itself or shows something else; where that was asked for, any difference.
    fn compared(&self, site: Option<&Site>, forced: &[Code]) -> Result<Option<Compared>, Failure> {
        let (Some(site), Some(old)) = (site, self.before.old) else {
            return Ok(None);
        };
        let compared = self.noted.compare(old, self.new, site);
        not_interrupted()?;
        if let Some(failure) = compared.failure(site.strict, forced) {
            let told = if self.running { "restarted" } else { "started" };
            return Err(Failure {
                status: ExitStatus::ProofFailed,
                error: anyhow!("{} was {told}, but {:#}", self.service.name(), failure.error),
                ..failure
            });
        }
        compared.tell(self.before.job.voice);
        Ok(compared.reported())
    }

    /// A new listener in the place of one that is still open needs that one closed first.
    fn way(&self) -> Way {
        let Some(old) = self.before.old else {
            return Way::Graceful;
        };
        let is_in_the_way = active(self.new).any(|new| {
            let is_kept = active(old).any(|old| old.endpoint() == new.endpoint());
            !is_kept && active(old).any(|old| old.overlaps(new))
        });
        if is_in_the_way { Way::Full } else { Way::Graceful }
    }

    /// Files and server go back. What is said of it, and whether that went well.
    fn undo(&self, pending: Pending, failure: Failure) -> Failure {
        let _undoing = Undoing::new();
        self.before.job.voice.talk("Putting everything back");
        if let Err(error) = pending.revert() {
            return Failure {
                error: anyhow!(
                    "{:#}; {error}; {}",
                    failure.error,
                    service_orders::state(self.service)
                ),
                status: ExitStatus::NotRestored,
                ..failure
            };
        }
        let failure = self.go_back(failure);
        match pending.undo() {
            Ok(_) => failure,
            Err(error) => Failure {
                error: anyhow!("{:#}; {error}", failure.error),
                status: ExitStatus::NotRestored,
                ..failure
            },
        }
    }

    /// The files are as before; the server follows.
    fn go_back(&self, failure: Failure) -> Failure {
        let _undoing = Undoing::new();
        match self.bring_back() {
            Ok(state) => Failure {
                status: match failure.status {
                    status @ (ExitStatus::NotPermitted | ExitStatus::Interrupted) => status,
                    _ => ExitStatus::ProofFailed,
                },
                error: anyhow!("{:#}. Every file is as it was, and {state}", failure.error),
                ..failure
            },
            Err(words) => Failure {
                status: ExitStatus::NotRestored,
                error: anyhow!(
                    "{:#}. Every file is as it was, but the server is not: {words}; {}. Run esync-ssl explain to \
                     see what its logs say, and esync-ssl restart to try again",
                    failure.error,
                    service_orders::state(self.service)
                ),
                ..failure
            },
        }
    }

    /// The server as it was, in words; or what it is not.
    fn bring_back(&self) -> Result<&'static str, String> {
        let progress = self.before.job.voice;
        if !self.running {
            if self.former.state() != Ok(State::Stopped) {
                service_orders::stop(self.former, progress)
                    .map_err(|failure| format!("{:#}", failure.error))?;
            }
            return Ok("Apache is stopped, as it was");
        }
        let Some(old) = self.before.old else {
            return Err("its earlier configuration cannot be read".into());
        };
        let wanted = Wanted::of_files(old).not_as(self.new).but(self.known);
        let mut fault = String::new();
        // One that is neither here nor there is stopped first.
        for way in [self.way(), Way::Full] {
            let words = match service_orders::restart(self.former, way, progress) {
                Ok(words) => words,
                Err(failure) => Some(format!("{:#}", failure.error)),
            };
            match wanted.prove(
                self.former,
                words.as_deref(),
                self.before.job.world.pace,
                progress,
            ) {
                Ok(_) => return Ok("Apache runs as it did before"),
                Err(found) => fault = found.words,
            }
        }
        explained(old, None, progress);
        Err(fault)
    }
}
