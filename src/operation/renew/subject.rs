//! One certificate that came of an authority: whether it is to be renewed now, and its order.

use std::collections::HashSet;
use std::path::PathBuf;

use time::{Duration, OffsetDateTime};

use super::super::answers;
use super::super::failure::{Failure, not_interrupted};
use super::super::find::Loaded;
use super::super::job::Job;
use super::super::obtain::{self, Authority, Managed, NotOurs, Obtained, Standing, State, Wanted, Way};
use super::super::ordered;
use super::report::{Fate, Told, Trouble};
use super::request::Request;
use crate::acme::{Client, SystemClock, certificate_id};
use crate::change::Plan;
use crate::check::tls_host::TlsHost;
use crate::exit_status::ExitStatus;
use crate::place::Moment;
use crate::refusal::{Refusal, RefusalCode, say};
use crate::renewal::{self, Attempt, Decision, INTERVAL, Look, Outcome, Urgency};
use crate::server::same_file::identity;

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
                let failure = not_ours_refused(ground.loaded, not_ours, &installed.names);
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
        let (Some(id), wanted) = (self.id(), self.wanted(ground.request)?) else {
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
    fn wanted(&self, request: &Request) -> Result<Wanted, Failure> {
        let wanted = self.managed.installed.wanted();
        let wanted = wanted.map_err(|error| {
            let cause = format!("the authority of {} is not known anymore: {error}", self.name);
            Failure::with_advice(cause, again(&self.managed.installed.names))
        })?;
        Ok(Wanted {
            replaces: self.id(),
            rehearses: request.rehearses,
            proxy: request.proxy.clone().or(wanted.proxy),
            ..wanted
        })
    }

    /// Has it made. Nothing of the configuration changes for that.
    ///
    /// # Errors
    /// Refused where it is known that it would fail; as [`obtain::obtain`]; refused where it would not do.
    pub fn order(&self, ground: Ground) -> Result<Obtained, Failure> {
        let Ground {
            loaded, state, job, ..
        } = ground;
        let wanted = self.wanted(ground.request)?;
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
        ordered::judge(loaded, &obtained, names, &[], job)?;
        Ok(obtained)
    }

    /// It is as it was.
    pub fn fails(&mut self, failure: &Failure) {
        self.fate = Fate::Failed;
        self.trouble = Some(Trouble::of(failure));
    }

    /// The same of an attempt, which is noted.
    pub fn failed(&mut self, failure: &Failure, ground: Ground) {
        self.fails(failure);
        if ground.job.writing.dry_run {
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
        self.managed.next = again.map(|again| again.next.unix_timestamp());
        let is_early = ground.request.is_scheduled
            && failure.status == ExitStatus::AuthorityUnreachable
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
        let next = self.managed.next.filter(|_| self.fate != Fate::NotUsed);
        let next = next.and_then(|next| OffsetDateTime::from_unix_timestamp(next).ok());
        let decision = self.decision.as_ref();
        Told {
            name: self.name.clone(),
            names: installed.names.clone(),
            authority: authority.map_or(installed.directory.clone(), |authority| authority.to_string()),
            file: loaded.show(&installed.certificate.path()).into(),
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

/// The time.
pub fn now(job: Job) -> OffsetDateTime {
    (job.world.now)()
}

/// The certificates that virtual hosts, or the main server, show, each by its [`identity`].
pub fn used(loaded: &Loaded) -> HashSet<PathBuf> {
    let source = loaded.configuration.source();
    let hosts = TlsHost::all(&loaded.configuration);
    let pairs = hosts.iter().flat_map(|host| &host.pairs);
    pairs
        .map(|pair| identity(&source.host_path(&pair.certificate)))
        .collect()
}

/// How a certificate for these names is ordered again.
fn again(names: &[String]) -> String {
    let names = names.join(" --alias ");
    format!("order it here again: esync-ssl enable --domain {names} --acme --restart")
}

fn not_ours_refused(loaded: &Loaded, not_ours: NotOurs, names: &[String]) -> Failure {
    Failure::refused(Refusal::new(
        RefusalCode::FilesNotOurs,
        say![
            loaded.place(&not_ours.path),
            format!(" {}, and is not overwritten", not_ours.why)
        ],
        "; ",
        format!("renew it where it comes from now, or {}", again(names)),
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
