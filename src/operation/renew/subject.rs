//! One certificate that came of an authority: whether it is to be renewed now, and its order.

use std::collections::HashSet;
use std::path::PathBuf;

use time::{Duration, OffsetDateTime, UtcOffset};

use super::super::answers;
use super::super::failure::{Failure, not_interrupted};
use super::super::find::Loaded;
use super::super::job::Job;
use super::super::judge_files::{self, Server};
use super::super::key_files::judged;
use super::super::obtain::{
    self, Authority, Installed, Managed, NotOurs, Obtained, Standing, State, Wanted, Way,
};
use super::super::ordered;
use super::report::{Fate, Told, Trouble};
use super::request::Request;
use super::{adopt, settled, source};
use crate::acme::{Client, SystemClock, certificate_id};
use crate::change::Plan;
use crate::check::Code;
use crate::check::tls_host::TlsHost;
use crate::exit_status::ExitStatus;
use crate::place::Moment;
use crate::quoted::{quoted, word};
use crate::refusal::{Refusal, RefusalCode, say};
use crate::renewal::{self, Attempt, Decision, INTERVAL, Install, Look, Outcome, Reason, Urgency};
use crate::server::same_file::identity;
use crate::shown::shown;

/// One certificate.
pub struct Subject {
    /// What its files in the state are called.
    pub name: String,
    /// What is kept of it.
    pub managed: Managed,
    /// Its files, where nobody else changed them.
    pub standing: Option<Standing>,
    /// Whether it is to be renewed now.
    pub decision: Option<Decision>,
    /// What became of it.
    pub fate: Fate,
    /// Why it failed.
    pub trouble: Option<Trouble>,
}

/// What all orders of a run need.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// The configuration.
    pub loaded: &'a Loaded,
    /// Its servers that speak TLS, of which there may be thousands.
    pub hosts: &'a [TlsHost],
    /// What is kept.
    pub state: &'a State<'a>,
    /// What is asked for.
    pub request: &'a Request,
    /// The run.
    pub job: Job<'a>,
}

impl Subject {
    /// Of which nothing is decided yet.
    pub fn new(name: String, managed: Managed) -> Subject {
        Subject {
            name,
            managed,
            standing: None,
            decision: None,
            fate: Fate::Waits,
            trouble: None,
        }
    }

    /// Finds its files, and whether they are among those that anybody sees.
    pub fn look(&mut self, ground: Ground, used: &HashSet<PathBuf>) {
        let installed = &self.managed.installed;
        let is_used = used.contains(&identity(&installed.certificate.path()));
        match obtain::standing(installed) {
            // One that is asked for by name is renewed for whoever reads it.
            Ok(_) if !is_used && ground.request.names.is_empty() => self.fate = Fate::NotUsed,
            Ok(standing) => self.standing = Some(standing),
            Err(_) if !is_used => self.fate = Fate::NotUsed,
            Err(not_ours) => {
                let failure = not_ours_refused(ground.loaded, not_ours, installed);
                self.fails(&failure);
            }
        }
    }

    /// Decides whether it is to be renewed now. The authority is asked when it wants that, unless nothing is to be asked.
    pub fn decide(&mut self, ground: Ground, ask: &mut dyn FnMut(&mut Subject) -> Option<Duration>) {
        if self.standing.is_none() {
            return;
        }
        let is_old = self.told().is_none_or(|told| told.is_old(now(ground.job)));
        let is_asked = ground.request.now || ground.request.rehearses;
        let clock_ahead = match is_old && !ground.job.writing.dry_run {
            true => ask(self),
            false => None,
        };
        if let Some(ahead) = clock_ahead {
            self.managed.history.note_clock(ahead);
        }
        let look = Look {
            now: now(ground.job),
            clock_ahead,
            interval: match ground.request.is_scheduled {
                true => INTERVAL,
                false => Duration::ZERO,
            },
            is_asked,
        };
        let decision = self.due(&look);
        self.decision = decision;
        self.managed.next = decision.map(|decision| decision.next.unix_timestamp());
        match decision {
            // What is thrown away counts nowhere.
            Some(decision) if decision.renews || ground.request.rehearses => self.fate = Fate::WouldRenew,
            Some(decision) if is_asked => self.fails(&not_yet(&self.name, &decision)),
            _ => {}
        }
    }

    fn due(&self, look: &Look) -> Option<Decision> {
        let leaf = &self.standing.as_ref()?.leaf;
        Some(self.managed.due(leaf, look))
    }

    fn told(&self) -> Option<&renewal::Told> {
        self.managed.told(&self.standing.as_ref()?.leaf)
    }

    /// How the authority names it.
    fn id(&self) -> Option<String> {
        certificate_id(self.standing.as_ref()?.leaf.der()).ok()
    }

    /// Asks the authority when it wants it to be renewed. By how much our clock is ahead of its.
    ///
    /// # Errors
    /// That it cannot be asked.
    pub fn ask_when(&mut self, ground: Ground) -> Result<Option<Duration>, Failure> {
        let (Some(id), wanted) = (self.id(), self.wanted(ground.request, ground.job)?) else {
            return Ok(None);
        };
        let (https, clock) = (obtain::transport(&wanted)?, SystemClock::default());
        let client = Client::connect(&https, &clock, wanted.authority.directory())
            .map_err(|error| obtain::refused(error, &wanted.authority, None))?;
        // Where it has no answer for this one, its life decides.
        let info = client.renewal_info(&id).unwrap_or_else(|_| {
            let before = self.managed.history.told(&id);
            before.and_then(|told| told.info.clone())
        });
        self.managed.history.told = Some(renewal::Told {
            certificate: id,
            asked: now(ground.job),
            info,
        });
        // Its clock is ahead of ours by that.
        Ok(client.clock_ahead().map(|ahead| -ahead))
    }

    /// What is to be ordered again.
    fn wanted(&self, request: &Request, job: Job) -> Result<Wanted, Failure> {
        let wanted = self.managed.installed.wanted();
        let wanted = wanted.map_err(|error| {
            let cause = format!("the authority of {} is not known anymore: {error}", self.name);
            Failure::with_advice(cause, again(&self.managed.installed.names))
        })?;
        let true_now = self.managed.history.true_time(now(job), None);
        let is_late = |standing: &Standing| {
            renewal::urgency(renewal::Life::of(&standing.leaf), true_now) >= Urgency::Error
        };
        Ok(Wanted {
            replaces: self.id(),
            renewal: Some(obtain::Renewal {
                is_late: self.standing.as_ref().is_some_and(is_late),
                now: true_now,
            }),
            rehearses: request.rehearses,
            proxy: request.proxy.clone().or(wanted.proxy),
            ..wanted
        })
    }

    /// What is where it is renewed from, judged as what an authority makes; nothing where there is none that is newer.
    ///
    /// # Errors
    /// Refused where it would not do, or cannot be used.
    pub fn newer(&mut self, ground: Ground) -> Result<Option<Obtained>, Failure> {
        let Ground { loaded, job, .. } = ground;
        let (Some(source), Some(standing)) = (&self.managed.installed.source, &self.standing) else {
            return Ok(None);
        };
        let life = renewal::Life::of(&standing.leaf);
        // Its time has come when a newer one is there.
        let decision = |reason| Decision {
            renews: reason == Reason::Due,
            reason,
            due: renewal::when(life, None, 0),
            next: now(job),
            urgency: renewal::urgency(life, now(job)),
        };
        self.decision = Some(decision(Reason::NotDue));
        self.managed.next = None;
        let mut names = adopt::names(
            (loaded, ground.hosts),
            &standing.placed.certificate,
            &standing.leaf,
        );
        names.sort_by_key(|name| Some(name) != self.managed.installed.names.first());
        let Some(found) = source::look(source, standing, &names, now(job))? else {
            // What was wrong with one that is not there anymore says nothing.
            let failed = self.managed.history.failures_in_a_row().len();
            let attempts = &mut self.managed.history.attempts;
            attempts.truncate(attempts.len() - failed);
            return Ok(None);
        };
        job.voice.detail(&format!(
            "{} has a newer certificate for {}",
            shown(&found.file),
            self.name
        ));
        self.decision = Some(decision(Reason::Due));
        if let Some(chain) = &standing.placed.chain {
            adopt::refuse_shared((loaded, ground.hosts), chain, &standing.placed.certificate)?;
        }
        let obtained =
            Obtained::of_source(found.bundle, (source, names.clone()), &self.name, found.keeps_key);
        // Told by the file in which it is.
        let file = shown(&found.file);
        let files = judged(&obtained.bundle, &file, &file, &file);
        let server = Server::of(Some(loaded), job.place);
        let all = judge_files::of_names(&names, |name| {
            judge_files::files(loaded, server, &files, Some(name))
        });
        judge_files::tell(server, &all, &[], job.voice)
            .map_err(|failure| unforced(failure, "Put another one there"))?;
        self.fate = Fate::WouldRenew;
        Ok(Some(obtained))
    }

    /// Until when what was made is kept, where it may not be installed now.
    pub fn waits(&self, ground: Ground) -> Option<OffsetDateTime> {
        let old = renewal::Life::of(&self.standing.as_ref()?.leaf);
        let now = now(ground.job);
        // Windows are times of the clock on the wall, which this machine's zone says.
        let zone = UtcOffset::local_offset_at(now).unwrap_or(UtcOffset::UTC);
        match renewal::install(ground.request.window, old, now.to_offset(zone)) {
            Install::At(opens) => Some(opens),
            Install::Now | Install::NowOrNever => None,
        }
    }

    /// Until when it is not ordered, where Apache would be stopped for that and may not be now.
    pub fn may_not_stop(&self, ground: Ground) -> Option<OffsetDateTime> {
        let opens = self.waits(ground)?;
        let wanted = self.wanted(ground.request, ground.job).ok()?;
        let ways = obtain::ways(ground.loaded, &wanted).ok()?;
        (ways.first() == Some(&Way::Handover)).then_some(opens)
    }

    /// What a run before fetched and could not install, judged once more.
    ///
    /// # Errors
    /// Refused where it is not valid yet, or would not do.
    pub fn fetched(&self, ground: Ground) -> Result<Option<Obtained>, Failure> {
        let wanted = self.wanted(ground.request, ground.job)?;
        let names = &self.managed.installed.site_names();
        let fetched = obtain::fetched(&wanted, names, (ground.loaded, ground.state), ground.job)?;
        if let Some(obtained) = &fetched {
            judge(obtained, names, ground)?;
        }
        Ok(fetched)
    }

    /// Has it made. Nothing of the configuration changes for that.
    ///
    /// # Errors
    /// Refused where it is known that it would fail; as [`obtain::obtain`]; refused where it would not do.
    pub fn order(&self, ground: Ground) -> Result<Obtained, Failure> {
        let Ground {
            loaded, state, job, ..
        } = ground;
        let wanted = self.wanted(ground.request, job)?;
        let names = &self.managed.installed.site_names();
        obtain::refuse_impossible(&wanted, names, job.voice)?;
        let ways = obtain::ways(loaded, &wanted)?;
        let place = ordered::place(loaded, names);
        if ways.first() == Some(&Way::Apache) {
            let plan = Plan::answer_place(&loaded.configuration, &place);
            if !plan.is_ok_and(|plan| plan.is_empty()) {
                return Err(not_told(&wanted.authority, names));
            }
            let probed = answers::answers_probe(loaded, &loaded.configuration, &place, job.voice)?;
            let seen = (loaded, &loaded.configuration);
            ordered::refuse_unanswered(&wanted.authority, &place, &probed, seen, job)?;
        }
        not_interrupted()?;
        // Nobody is there who could agree: it was done before, or the account says it.
        let agreed = obtain::agree_to_terms(&wanted, state, true, job.voice)?;
        let folder = loaded.source.host_path(&place.folder);
        let obtained = obtain::obtain(&wanted, agreed, (names, &ways), (loaded, &folder, state), job)?;
        judge(&obtained, names, ground)?;
        Ok(obtained)
    }

    /// It is as it was, and no attempt is noted.
    pub fn fails(&mut self, failure: &Failure) {
        self.fate = Fate::Failed;
        self.trouble = Some(Trouble::of(failure));
    }

    /// The same of an attempt, which is noted; but of one that is to be renewed from elsewhere for the first time nothing is
    /// kept.
    pub fn failed(&mut self, failure: &Failure, ground: Ground) {
        self.fails(failure);
        if ground.job.writing.dry_run || ground.request.from.is_some() {
            return;
        }
        let local = now(ground.job);
        let at = self.managed.history.true_time(local, None);
        let outcome = self.outcome(failure, ground.state, at);
        self.managed.history.note(Attempt {
            at,
            outcome,
            // One that was made and is not installed is kept, and counts once it is.
            is_issued: false,
            why: self.trouble.as_ref().map(|trouble| trouble.message.clone()),
        });
        let look = Look {
            now: local,
            clock_ahead: None,
            interval: Duration::ZERO,
            is_asked: false,
        };
        let again = self.due(&look);
        let source = self.managed.installed.source.as_ref();
        let next = again.filter(|_| source.is_none());
        self.managed.next = next.map(|again| again.next.unix_timestamp());
        let passes = match source {
            Some(source) => settled::is_young(source),
            None => failure.status == ExitStatus::AuthorityUnreachable,
        };
        let is_early = ground.request.is_scheduled
            && passes
            && again.is_some_and(|again| again.urgency <= Urgency::Notice);
        if let Some(trouble) = &mut self.trouble {
            trouble.is_early = is_early;
        }
        // Whatever comes of the run, this counts; where it cannot be noted now, it is tried again at the end.
        let _ = ground.state.keep_managed(&self.name, &self.managed);
    }

    fn outcome(&mut self, failure: &Failure, state: &State, at: OffsetDateTime) -> Outcome {
        let authority: Option<Authority> = self.managed.installed.directory.parse().ok();
        let quiet = authority.and_then(|authority| state.quiet_until(&authority, &self.name));
        let wait = quiet.map(|until| until - at.unix_timestamp());
        match (failure.status, wait.and_then(|wait| u64::try_from(wait).ok())) {
            (ExitStatus::AuthorityRefused, Some(wait)) if wait > 0 => {
                let wait = std::time::Duration::from_secs(wait);
                self.managed.history.leave_alone(at, wait);
                Outcome::RateLimited
            }
            (ExitStatus::AuthorityRefused, _) => Outcome::Refused,
            (ExitStatus::AuthorityUnreachable, _) => Outcome::Unreachable,
            (ExitStatus::ProofFailed | ExitStatus::TestFailed, _) => Outcome::NotInstalled,
            _ => Outcome::NotAsked,
        }
    }

    /// For people and programs.
    pub fn report(&self, loaded: &Loaded) -> Told {
        let installed = &self.managed.installed;
        let authority: Option<Authority> = installed.directory.parse().ok();
        let next = self.managed.next_look().filter(|_| self.fate != Fate::NotUsed);
        let decision = self.decision.as_ref();
        Told {
            name: self.name.clone(),
            names: installed.names.clone(),
            authority: authority.map_or(installed.directory.clone(), |authority| authority.to_string()),
            file: loaded.show(&installed.certificate.path()).into(),
            source: installed
                .source
                .as_ref()
                .map(|source| shown(&source.path.path()).into()),
            result: self.fate,
            reason: decision.map(|decision| decision.reason),
            due: decision.map(|decision| Moment::from(decision.due.at)),
            rule: decision.map(|decision| decision.due.rule),
            urgency: decision.map(|decision| decision.urgency),
            next: next.map(Moment::from),
            not_after: self
                .standing
                .as_ref()
                .map(|standing| Moment::from(standing.leaf.not_after)),
            sha256: None,
            served: Vec::new(),
            error: self.trouble.clone(),
        }
    }
}

/// By the rules for all certificates, but that of the clock where it was let through for a reason.
fn judge(obtained: &Obtained, names: &[String], ground: Ground) -> Result<(), Failure> {
    let not_yet = obtained.bundle.leaf.not_before > now(ground.job);
    let forced = not_yet.then_some(Code::CertNotYetValid);
    ordered::judge(ground.loaded, obtained, names, forced.as_slice(), ground.job)
        .map(|_| ())
        .map_err(|failure| unforced(failure, "Correct them, then run again"))
}

/// A renewal cannot be told to continue anyway: it has no such option.
fn unforced(mut failure: Failure, fix: &'static str) -> Failure {
    if let Some(refusal) = failure.error.downcast_mut::<Refusal>() {
        refusal.fix = fix.into();
    }
    failure
}

/// The time.
pub fn now(job: Job) -> OffsetDateTime {
    (job.world.now)()
}

/// How a certificate for these names is ordered again.
fn again(names: &[String]) -> String {
    let names = names.join(" --alias ");
    format!("order it here again: esync-ssl enable --domain {names} --acme --restart")
}

fn not_ours_refused(loaded: &Loaded, not_ours: NotOurs, installed: &Installed) -> Failure {
    let fix = match &installed.source {
        Some(source) => {
            let path = quoted(source.path.path());
            let name = installed.names.first().map_or("NAME", String::as_str);
            format!(
                "where it is right as it is, have it renewed from there again: esync-ssl renew {} --from {path}",
                word(name)
            )
        }
        None => format!("renew it where it comes from now, or {}", again(&installed.names)),
    };
    Failure::refused(Refusal::new(
        RefusalCode::FilesNotOurs,
        say![
            loaded.place(&not_ours.path),
            format!(" {}, and is not overwritten", not_ours.why)
        ],
        "; ",
        fix,
    ))
}

/// Somebody wants it now, and it would do harm.
fn not_yet(name: &str, decision: &Decision) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::TooManyFailures,
        format!("{name} is not renewed now: {}", decision.reason.words()),
        "; ",
        format!("run again on {}", decision.next.date()),
    ))
}

fn not_told(authority: &Authority, names: &[String]) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::NobodyAnswers,
        format!(
            "only Apache can answer {authority} here now, and its configuration has no lines for that; a renewal writes none"
        ),
        "; ",
        format!("stop who holds port 80 for the moment, or {}", again(names)),
    ))
}
