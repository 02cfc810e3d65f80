//! Renews certificates: what is due is ordered of its authority, or taken from where others put it, and all of that takes the
//! place of what is there by one change, which one restart shows. One that fails keeps no other, and no line of the
//! configuration changes.

mod adopt;
mod report;
mod request;
mod settled;
mod source;
mod subject;
mod there;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::certificate_files;
use super::environment::{Where, World, Writing};
use super::expectation::Site;
use super::failure::Failure;
use super::find::Loaded;
use super::job::Job;
use super::names::file_name;
use super::obtain::{Installed, Obtained, Source, State};
use super::plan_report;
use super::questions::Voice;
use super::schedule;
use super::server_effect::Effect;
use super::turn::Turn;
use super::write::{self, Work};
use crate::apply::{Lock, Store};
use crate::check::tls_host::TlsHost;
use crate::exit_status::ExitStatus;
use crate::interrupt;
use crate::note_code::NoteCode;
use crate::place::Moment;
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::{printable, shown};
use crate::tls::certificate::colon_hex;
use crate::wording::count;

pub use report::{Fate, Report, ServedAt, Told, Trouble};
pub use request::{From, Request};
pub use source::{LISTED as FILES_LISTED, LONGEST as SEARCH_PATIENCE, MOST as FILES_READ};
use subject::{Ground, Subject, now};

/// After that a scheduled run begins no further order: what was made is still to be installed.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After that it does not try the next one by itself either.
const LATEST: Duration = Duration::from_secs(22 * 60);

/// Renews what is due.
///
/// # Errors
/// Where nothing could be done for any of them, or not everything could be put back. What fails for one is in the report.
pub fn run(
    request: &Request,
    writing: &Writing,
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let world = &world.or_command(["renew".to_owned()]);
    // Nobody is asked: it does what was agreed to when the certificate was ordered first.
    let writing = &Writing {
        yes: !writing.dry_run && !request.rehearses,
        restart: true,
        dry_run: writing.dry_run || request.rehearses,
        ..writing.clone()
    };
    let job = Job {
        place,
        writing,
        world,
        voice,
    };
    let run = Run {
        request,
        job,
        begun: Instant::now(),
        made: RefCell::default(),
        folder: RefCell::default(),
    };
    let ended = Turn::new(job).attempt(|turn| run.attempt(turn));
    if let (true, Some(folder)) = (request.is_scheduled, run.folder.take()) {
        let status = match &ended {
            Ok(report) => report
                .trouble()
                .map_or(ExitStatus::Done, |(_, trouble)| trouble.status),
            Err(failure) => failure.status,
        };
        // A disk that does not take it is told by whatever could not be written before.
        let _ = schedule::note_run(folder, status, world);
    }
    ended
}

struct Run<'a> {
    request: &'a Request,
    job: Job<'a>,
    begun: Instant,
    /// What came of orders, for all attempts of a run.
    made: RefCell<BTreeMap<String, Result<Obtained, Failure>>>,
    /// Where what is kept is, once the configuration was read.
    folder: RefCell<Option<PathBuf>>,
}

impl Run<'_> {
    fn attempt(&self, turn: &mut Turn) -> Result<Option<Report>, Failure> {
        let loaded = turn.read()?;
        loaded.introduce(self.job.voice);
        loaded.refuse_no_configuration()?;
        loaded.refuse_other_root()?;
        let state = State::of(&loaded, self.job.world.disk);
        self.folder.replace(Some(state.folder().to_path_buf()));
        if !self.job.writing.dry_run {
            state.sweep();
        }
        let ground = Ground {
            loaded: &loaded,
            hosts: &TlsHost::all(&loaded.configuration),
            state: &state,
            request: self.request,
            job: self.job,
        };
        let (mut all, broken) = match &self.request.from {
            Some(from) => (self.adopted(from, ground)?, Vec::new()),
            None => self.subjects(&state)?,
        };
        if all.is_empty() && !self.request.forgets {
            return Ok(Some(Report {
                certificates: broken,
                server: None,
            }));
        }
        let store = plan_report::store(&loaded, self.job.world.disk)?;
        if !turn.is_mine(&store)? {
            return Ok(None);
        }
        if self.request.forgets {
            return self.forgotten(&all, broken, ground).map(Some);
        }
        let silent = self.decide(&mut all, ground)?;
        if !self.job.writing.dry_run || self.request.rehearses {
            // Nobody else orders meanwhile, or takes away what answers.
            let alone = match self.request.rehearses {
                true => Some(self.job.claim().wait(&store)?),
                false => None,
            };
            self.order(&mut all, ground, &silent)?;
            drop(alone);
        }
        self.look_at_sources(&mut all, ground)?;
        let effect = match self.job.writing.dry_run {
            true => None,
            false => {
                let told = turn.settled.server_told;
                self.install(&mut all, ground, (&store, turn.lock(&store)?, told))?
            }
        };
        self.keep(&all, &state)?;
        let mut report = self.report(&all, &loaded, effect);
        report.certificates.extend(broken);
        Ok(Some(report))
    }

    /// The one that is named, as one that is renewed from there.
    fn adopted(&self, from: &From, ground: Ground) -> Result<Vec<Subject>, Failure> {
        let Some(name) = self.request.names.first() else {
            return Ok(Vec::new());
        };
        let (name, managed) = adopt::adopted(name, from, (ground.loaded, ground.hosts), ground.state)?;
        if let Some(before) = ground.state.managed(&name)? {
            self.tell_replaced(&name, &before.installed, &managed.installed);
        }
        Ok(vec![Subject::new(name, managed)])
    }

    /// Says what is not known anymore once the one that is named is renewed from elsewhere.
    fn tell_replaced(&self, name: &str, before: &Installed, after: &Installed) {
        let path = |source: &Source| shown(&source.path.path());
        let was = match (&before.source, &after.source) {
            (Some(one), Some(other)) if one.path == other.path => return,
            (Some(one), _) => format!("it was renewed from {}", path(one)),
            (None, _) => format!(
                "its orders of {}, with their contact and DNS hook, end with that",
                printable(before.directory.as_bytes())
            ),
        };
        let now = after.source.as_ref().map(path).unwrap_or_default();
        let words = format!("note: {name} gets its next certificates from {now}; {was}");
        self.job.voice.note(NoteCode::Plan, &words);
    }

    /// Takes note that these are not renewed anymore. Their files stay.
    fn forgotten(&self, all: &[Subject], broken: Vec<Told>, ground: Ground) -> Result<Report, Failure> {
        let told = all.iter().map(|subject| subject.report(ground.loaded));
        let mut certificates: Vec<Told> = told.chain(broken).collect();
        for told in &mut certificates {
            if !self.job.writing.dry_run {
                ground.state.forget_managed(&told.name)?;
            }
            (told.result, told.error) = (Fate::Forgotten, None);
        }
        Ok(Report {
            certificates,
            server: None,
        })
    }

    /// Those that are asked for, or all; and those of which it cannot be read what they are, which would else be forgotten in
    /// silence.
    fn subjects(&self, state: &State) -> Result<(Vec<Subject>, Vec<Told>), Failure> {
        let (mut all, mut broken) = (Vec::new(), Vec::new());
        for name in state.all_managed() {
            let file = state.managed_file(&name);
            match state.managed(&name) {
                Ok(Some(managed)) => all.push(Subject::new(name, managed)),
                Ok(None) => broken.push(Told::broken(&name, &file, &not_understood(&name, &file))),
                Err(failure) => broken.push(Told::broken(&name, &file, &failure)),
            }
        }
        let is_meant = |subject: &Subject, name: &String| {
            subject.name == file_name(name) || subject.managed.installed.names.contains(name)
        };
        let missing = self.request.names.iter().find(|name| {
            let is_broken = broken.iter().any(|told| told.name == file_name(name));
            !is_broken && !all.iter().any(|one| is_meant(one, name))
        });
        if let Some(name) = missing {
            let known: Vec<&str> = all.iter().map(|one| one.name.as_str()).collect();
            let fix = match known.is_empty() {
                true => format!("order one: esync-ssl enable --domain {name} --acme"),
                false => format!("choose one of: {}", known.join(", ")),
            };
            return Err(Failure::refused(Refusal::new(
                RefusalCode::NotManaged,
                format!("no certificate for {name} was ordered by this program"),
                "; ",
                fix,
            )));
        }
        if !self.request.names.is_empty() {
            all.retain(|one| self.request.names.iter().any(|name| is_meant(one, name)));
            let names: Vec<String> = self.request.names.iter().map(|name| file_name(name)).collect();
            broken.retain(|told| names.contains(&told.name));
        }
        Ok((all, broken))
    }

    /// Decides for each. The authorities that cannot be reached, with why: they are not waited for again.
    fn decide(&self, all: &mut [Subject], ground: Ground) -> Result<BTreeMap<String, String>, Failure> {
        let mut silent: BTreeMap<String, String> = BTreeMap::new();
        let used = certificate_files::used(ground.hosts, ground.loaded);
        for subject in all {
            subject.look(ground, &used);
            if subject.managed.installed.source.is_some() {
                continue;
            }
            subject.decide(ground, &mut |subject| {
                let directory = subject.managed.installed.directory.clone();
                if silent.contains_key(&directory) {
                    return None;
                }
                subject.ask_when(ground).unwrap_or_else(|failure| {
                    let why = format!("{:#}", failure.error);
                    ground
                        .job
                        .voice
                        .detail(&format!("{directory} was not asked when to renew: {why}"));
                    if failure.status == ExitStatus::AuthorityUnreachable {
                        silent.insert(directory, why);
                    }
                    None
                })
            });
        }
        Ok(silent)
    }

    /// After all orders, as who puts something there may make it take long.
    fn look_at_sources(&self, all: &mut [Subject], ground: Ground) -> Result<(), Failure> {
        let from_there =
            |one: &&mut Subject| one.managed.installed.source.is_some() && one.fate == Fate::Waits;
        for subject in all.iter_mut().filter(from_there) {
            match self.request.is_scheduled && self.begun.elapsed() > LONGEST {
                true => subject.fate = Fate::Postponed,
                false => self.look_at_source(subject, ground)?,
            }
            if self.request.rehearses && subject.fate == Fate::WouldRenew {
                subject.fate = Fate::Rehearsed;
            }
        }
        Ok(())
    }

    /// Looks for a newer one where it is renewed from.
    fn look_at_source(&self, subject: &mut Subject, ground: Ground) -> Result<(), Failure> {
        match subject.newer(ground) {
            Ok(found) => {
                let mut made = self.made.borrow_mut();
                made.extend(found.map(|found| (subject.name.clone(), Ok(found))));
            }
            Err(failure) if failure.status == ExitStatus::Interrupted => {
                return Err(Failure::interrupted().into_interrupted());
            }
            Err(failure) => subject.failed(&failure, ground),
        }
        Ok(())
    }

    /// Has those made that are to be renewed.
    fn order(
        &self,
        all: &mut [Subject],
        ground: Ground,
        silent: &BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        for subject in all {
            let mut made = self.made.borrow_mut();
            // An attempt before this one came to that, and noted it.
            if let Some(Err(failure)) = made.get(&subject.name) {
                subject.fails(failure);
                continue;
            }
            if subject.fate != Fate::WouldRenew {
                continue;
            }
            if !made.contains_key(&subject.name) {
                if self.request.is_scheduled && self.begun.elapsed() > LONGEST {
                    subject.fate = Fate::Postponed;
                    continue;
                }
                let silent = silent.get(&subject.managed.installed.directory);
                let ordered = match (subject.fetched(ground).transpose(), silent) {
                    (Some(fetched), _) => fetched,
                    (None, Some(why)) => Err(Failure {
                        status: ExitStatus::AuthorityUnreachable,
                        ..Failure::error(anyhow::anyhow!("{why}"))
                    }),
                    (None, None) => match subject.may_not_stop(ground) {
                        Some(opens) if !self.request.rehearses => {
                            subject.fate = Fate::Postponed;
                            subject.managed.next = Some(opens.unix_timestamp());
                            continue;
                        }
                        _ => subject.order(ground),
                    },
                };
                made.insert(subject.name.clone(), ordered);
            }
            match made.get(&subject.name) {
                Some(Err(failure)) if failure.status == ExitStatus::Interrupted => {
                    return Err(Failure::interrupted().into_interrupted());
                }
                Some(Err(failure)) => {
                    subject.failed(failure, ground);
                    // Apache is stopped, and would show nothing else either.
                    if failure.status == ExitStatus::NotRestored
                        && let Some(Err(failure)) = made.remove(&subject.name)
                    {
                        return Err(failure);
                    }
                }
                _ if self.request.rehearses => subject.fate = Fate::Rehearsed,
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts what was made in the place of what is there: all at once, and where that fails, each by itself, so that what is
    /// wrong with one keeps no other.
    fn install(
        &self,
        all: &mut [Subject],
        ground: Ground,
        (store, lock, told): (&Store, &Lock, bool),
    ) -> Result<Option<Effect>, Failure> {
        let made = self.made.borrow();
        let is_made = |one: &Subject| made.get(&one.name).is_some_and(Result::is_ok);
        for one in all
            .iter_mut()
            .filter(|one| one.fate == Fate::WouldRenew && is_made(one))
        {
            if let Some(opens) = one.waits(ground) {
                one.fate = Fate::Kept;
                one.managed.next = Some(opens.unix_timestamp());
            }
        }
        let mut ready: Vec<&mut Subject> = all
            .iter_mut()
            .filter(|one| one.fate == Fate::WouldRenew && is_made(one))
            .collect();
        if ready.is_empty() {
            return Ok(None);
        }
        let failure = match self.commit_kept(&mut ready, ground, (store, lock, told)) {
            Ok(effect) => return Ok(Some(effect)),
            Err(failure) if ends_all(&failure) => return Err(failure),
            Err(failure) => failure,
        };
        if let [only] = &mut ready[..] {
            only.failed(&failure, ground);
            return Ok(None);
        }
        let words = format!(
            "note: {} together could not be installed, so each is tried by itself: {:#}",
            count(ready.len(), "certificate"),
            failure.error
        );
        self.job
            .voice
            .note(NoteCode::Plan, &crate::shown::printable(words.as_bytes()));
        let mut effect = None;
        for subject in &mut ready {
            if self.request.is_scheduled && self.begun.elapsed() > LATEST {
                subject.fate = Fate::Postponed;
                continue;
            }
            interrupt::go_on();
            match self.commit(std::slice::from_mut(subject), ground, (store, lock, told)) {
                Ok(done) => effect = Some(done),
                Err(failure) if ends_all(&failure) => return Err(failure),
                Err(failure) => {
                    subject.failed(&failure, ground);
                }
            }
        }
        Ok(effect)
    }

    /// The same as [`Run::commit`]; where one is renewed from elsewhere for the first time and cannot be, what was known of it
    /// before is known again.
    fn commit_kept(
        &self,
        ready: &mut [&mut Subject],
        ground: Ground,
        rest: (&Store, &Lock, bool),
    ) -> Result<Effect, Failure> {
        let (Some(_), Some(one)) = (&self.request.from, ready.first()) else {
            return self.commit(ready, ground, rest);
        };
        let (name, before) = (one.name.clone(), ground.state.managed(&one.name)?);
        // A run that is killed is to find whose the new files are; what was agreed before stays until they are there.
        if before.is_none() {
            ground.state.keep_managed(&name, &one.managed)?;
        }
        let committed = self.commit(ready, ground, rest);
        // Where not everything could be put back, the files show which of both is the case.
        if let Err(failure) = &committed
            && failure.status != ExitStatus::NotRestored
        {
            // That it failed is told anyway.
            let _ = match before {
                Some(before) => ground.state.keep_managed(&name, &before),
                None => ground.state.forget_managed(&name),
            };
        }
        committed
    }

    /// Writes all of these by one change, and has the server prove it.
    fn commit(
        &self,
        ready: &mut [&mut Subject],
        ground: Ground,
        (store, lock, told): (&Store, &Lock, bool),
    ) -> Result<Effect, Failure> {
        let made = self.made.borrow();
        let mut work = Work {
            server_told: told,
            ..Work::default()
        };
        let mut site = Site {
            port: 443,
            ..Site::default()
        };
        for subject in ready.iter() {
            let (Some(standing), Some(Ok(obtained))) = (&subject.standing, made.get(&subject.name)) else {
                continue;
            };
            obtained.goes_to(&standing.placed, ground.state)?;
            work.changes.extend(obtained.changes(&standing.placed));
            work.reasons
                .push(format!("the certificate {} was renewed", subject.name));
            site.names.extend(subject.managed.installed.names.iter().cloned());
            site.files.push(ground.loaded.show(&standing.placed.certificate));
        }
        work.site = Some(site);
        let done = write::commit(ground.loaded, store, lock, work, self.job)?;
        for subject in ready.iter_mut() {
            if let Some(Ok(obtained)) = made.get(&subject.name) {
                obtained.is_installed(ground.state, now(self.job));
                subject.fate = Fate::Renewed;
                subject.managed.next = obtained.due().map(time::OffsetDateTime::unix_timestamp);
            }
        }
        Ok(done.effect)
    }

    /// Keeps what was decided and what failed; what was renewed is kept already.
    fn keep(&self, all: &[Subject], state: &State) -> Result<(), Failure> {
        if self.job.writing.dry_run {
            return Ok(());
        }
        for subject in all.iter().filter(|one| one.fate != Fate::Renewed) {
            // Whatever came of it is kept already; where it cannot be renewed from there, all is as it was.
            if subject.fate == Fate::Failed && self.request.from.is_some() {
                continue;
            }
            let kept = state.managed(&subject.name)?;
            let is_new = kept.is_none_or(|kept| {
                (&kept.history, kept.next) != (&subject.managed.history, subject.managed.next)
            });
            if is_new || self.request.from.is_some() {
                state.keep_managed(&subject.name, &subject.managed)?;
            }
        }
        Ok(())
    }

    fn report(&self, all: &[Subject], loaded: &Loaded, effect: Option<Effect>) -> Report {
        let made = self.made.borrow();
        let certificates = all.iter().map(|subject| {
            let mut told = subject.report(loaded);
            if let (Fate::Renewed, Some(Ok(obtained))) = (subject.fate, made.get(&subject.name)) {
                let leaf = &obtained.bundle.leaf;
                told.not_after = Some(Moment::from(leaf.not_after));
                let sha256 = colon_hex(&leaf.sha256());
                let probe = effect.as_ref().and_then(|effect| effect.probe.as_ref());
                let sights = probe.into_iter().flat_map(|probe| &probe.targets);
                let shows = sights.filter(|sight| {
                    let tls = sight.tls.as_ref();
                    tls.and_then(|tls| tls.chain.first())
                        .is_some_and(|shown| shown.sha256 == sha256)
                });
                told.served = shows
                    .map(|sight| ServedAt {
                        name: sight.name.clone(),
                        address: sight.address.clone(),
                    })
                    .collect();
                told.sha256 = Some(sha256);
            }
            told
        });
        Report {
            certificates: certificates.collect(),
            server: effect,
        }
    }
}

/// What another version wrote, or the disk lost.
fn not_understood(name: &str, file: &Path) -> Failure {
    let cause = format!("{} cannot be understood", crate::shown::shown(file));
    let fix = format!("order it again: esync-ssl enable --domain {name} --acme --restart");
    Failure::with_advice(cause, fix)
}

/// Whether nothing else is to be tried after it: another try would make it worse, or is made as a whole.
fn ends_all(failure: &Failure) -> bool {
    matches!(
        failure.status,
        ExitStatus::NotRestored
            | ExitStatus::Interrupted
            | ExitStatus::ChangedMeanwhile
            | ExitStatus::NotPermitted
            | ExitStatus::InUse
    )
}
