//! The order: from what is wanted to a certificate with its key. What must not be lost is on the disk before the request
//! that could not be repeated; a run that was killed is taken up where it was.

use std::path::Path;

use time::OffsetDateTime;

use super::super::failure::{Failure, not_interrupted};
use super::super::find::Loaded;
use super::super::job::Job;
use super::super::names::file_name;
use super::super::progress::during;
use super::account::{account, transport};
use super::answering::{Answer, Ground, PATIENCE, Way, sweep};
use super::caa::{caa_unknown, refuse_forbidden};
use super::dns_hook;
use super::files::is_due;
use super::hand_over::refuse_no_return;
use super::managed::Installed;
use super::mod_md;
use super::obtained::Obtained;
use super::refused::refused;
use super::state::{KeptOrder, State};
use super::wanted::{Authority, Wanted};
use crate::acme::{
    self, Authorization, Challenge, Client, Error, Issued, Order, ProblemKind, Session, Step, SystemClock,
    dns_record, new_certificate_key,
};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::renewal::CLOCK;
use crate::tls::bundle::Bundle;
use crate::tls::certificate::{Certificate, colon_hex};
use crate::tls::issue::KeyType;
use crate::tls::private_key::PrivateKey;
use crate::wording::count;

/// So many failures an hour are ours; an authority that counts has more, and who has used up those is shut out.
const FAILURES: usize = 3;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// With a clock that is wrong by more, nothing is ordered. Authorities let certificates begin an hour before they are made.
pub const WRONG_CLOCK: time::Duration = time::Duration::hours(1);

/// All that an order needs to know.
struct Ordering<'a> {
    wanted: &'a Wanted,
    /// Whom is asked, which in a rehearsal is not the one that is wanted.
    authority: &'a Authority,
    /// Its terms were agreed to.
    agreed: bool,
    /// Those of the site.
    names: &'a [String],
    /// Those of the certificate.
    ordered: &'a [String],
    ways: &'a [Way],
    loaded: &'a Loaded,
    /// Where Apache has its answers.
    answers: &'a Path,
    state: &'a State<'a>,
    job: Job<'a>,
    /// Nothing of it is kept for another run.
    is_thrown_away: bool,
}

/// Orders the certificate and waits for it. At an authority that has a place for trials, a server that has never had a
/// certificate of it tries there first, where failures do not count; so does one that takes a certificate over, wherever that is.
///
/// # Errors
/// Refused where it is known to fail; what the authority says, or that it cannot be reached.
pub fn obtain(
    wanted: &Wanted,
    agreed: bool,
    (names, ways): (&[String], &[Way]),
    (loaded, answers, state): (&Loaded, &Path, &State),
    job: Job,
) -> Result<Obtained, Failure> {
    let staging = wanted.authority.staging();
    let ordering = Ordering {
        wanted,
        authority: &wanted.authority,
        agreed,
        names,
        ordered: &wanted.names(names),
        ways,
        loaded,
        answers,
        state,
        job,
        is_thrown_away: wanted.rehearses,
    };
    let trial = staging.as_ref().or(wanted.adopts.then_some(&wanted.authority));
    let Some(trial) = trial else {
        return ordering.run();
    };
    let on_trial = Ordering {
        authority: trial,
        is_thrown_away: true,
        ..ordering
    };
    if wanted.rehearses {
        return on_trial.run();
    }
    let has_account = matches!(state.account(&wanted.authority)?, Some((_, Some(_))));
    if !has_account || wanted.adopts {
        on_trial.run()?;
    }
    ordering.run()
}

/// What a run before fetched for the same and did not install, by a key and a certificate that are here: nobody is asked.
///
/// # Errors
/// When what is kept cannot be read; refused where it is not valid yet.
pub fn fetched(
    wanted: &Wanted,
    names: &[String],
    (loaded, state): (&Loaded, &State),
    job: Job,
) -> Result<Option<Obtained>, Failure> {
    let ordering = Ordering {
        wanted,
        authority: &wanted.authority,
        agreed: wanted.agrees_to_terms,
        names,
        ordered: &wanted.names(names),
        ways: &[],
        loaded,
        answers: Path::new(""),
        state,
        job,
        is_thrown_away: wanted.rehearses,
    };
    ordering.fetched_before()
}

impl Ordering<'_> {
    fn run(&self) -> Result<Obtained, Failure> {
        if let Some(obtained) = self.fetched_before()? {
            return Ok(obtained);
        }
        self.refuse_too_many_failures()?;
        if !self.is_thrown_away {
            self.state.refuse_shared_order(&self.name())?;
        }
        if self.ways.contains(&Way::Handover) {
            refuse_no_return(self.loaded, self.job)?;
        }
        if self.ways.contains(&Way::ModMd) {
            mod_md::refuse_silent(self.loaded, self.ordered, self.authority)?;
        }
        sweep(self.job.world.disk, self.answers);
        dns_hook::sweep(self.state, self.job.voice)?;
        let (https, clock) = (transport(self.wanted)?, SystemClock::default());
        let client = during(self.job.voice, &format!("Asking {}", self.authority), || {
            Client::connect(&https, &clock, self.authority.directory())
        });
        let client = client.map_err(|error| self.failed(error, None))?;
        self.refuse_wrong_clock(&client)?;
        self.refuse_forbidden(&client)?;
        let (key, account) = account(&client, self.wanted, self.authority, self.agreed, self.state)?;
        let session = Session::new(&client, &key, &account.url);
        let mut order = match self.taken_up(&session, &account.url)? {
            Some(order) => order,
            None => self.ordered(&session, &account.url)?,
        };
        if order.step < Step::Ready {
            self.answer(&session, &mut order, &account.url)?;
        }
        self.finish(&session, order, &account.url)
    }

    /// What a run before fetched and did not install: nobody has to be asked for it.
    fn fetched_before(&self) -> Result<Option<Obtained>, Failure> {
        let name = self.name();
        let kept = self.state.order(&name)?.filter(|kept| {
            let order = &kept.order;
            !self.is_thrown_away && self.is_same(kept) && order.step == Step::Issued
        });
        let read = kept.and_then(|kept| Some((kept.order.names().ok()?, kept.order.chain?)));
        let Some((names, chain)) = read else {
            return Ok(None);
        };
        let Some(key) = self
            .state
            .order_key(&name)?
            .filter(|_| !is_due(&chain, self.now()))
        else {
            return Ok(None);
        };
        let public = key.public_key();
        let issued = public.and_then(|public| Issued::read(chain.as_bytes(), &names, public).ok());
        // A run that was killed right after it had installed it leaves it here.
        let there = self
            .state
            .managed(&name)?
            .and_then(|managed| managed.installed.leaf());
        let issued = issued.filter(|issued| there.as_ref() != Some(&issued.certificate));
        issued.map(|issued| self.obtained(issued, key, None)).transpose()
    }

    /// Whether an order is for what is wanted now, of the same authority.
    fn is_same(&self, kept: &KeptOrder) -> bool {
        kept.directory == self.authority.directory()
            && kept.order.wanted.names == self.ordered
            && kept.order.wanted.profile == self.wanted.profile
    }

    /// An order of a run before, as far as it is good for the same; one that is not is given up.
    fn taken_up(&self, session: &Session<'_>, account: &str) -> Result<Option<Order>, Failure> {
        let name = self.name();
        let Some(kept) = self.state.order(&name)?.filter(|_| !self.is_thrown_away) else {
            return Ok(None);
        };
        if self.is_same(&kept) && kept.account == account {
            let mut order = kept.order;
            match order.step {
                // It was installed long ago, or never could be: else it was found before.
                Step::Issued => {}
                _ => match session.refresh(&mut order) {
                    Ok(()) => return Ok(Some(order)),
                    // The authority looked when the run before was gone already.
                    Err(Error::OrderFailed(_)) if order.step >= Step::Answering => {
                        self.note_failure()?;
                        self.refuse_too_many_failures()?;
                    }
                    Err(Error::OrderFailed(_)) => {}
                    Err(Error::Refused(problem)) if problem.is_gone() => {}
                    Err(error) => return Err(self.failed(error, None)),
                },
            }
        }
        self.state.forget_order(&name)?;
        Ok(None)
    }

    fn ordered(&self, session: &Session<'_>, account: &str) -> Result<Order, Failure> {
        not_interrupted()?;
        let wanted = self.order_wanted();
        let ordered = match session.order(&wanted) {
            // It may not know that certificate, or know another that took its place: that keeps nobody from a new one.
            Err(Error::Refused(problem))
                if wanted.replaces.is_some() && problem.kind() != ProblemKind::RateLimited =>
            {
                session.order(&acme::Wanted {
                    replaces: None,
                    ..wanted
                })
            }
            ordered => ordered,
        };
        let order = ordered.map_err(|error| self.failed(error, None))?;
        self.keep(&order, account)?;
        Ok(order)
    }

    /// Answers for each name that the authority does not know to be ours.
    fn answer(&self, session: &Session<'_>, order: &mut Order, account: &str) -> Result<(), Failure> {
        let all = session
            .authorizations(order)
            .map_err(|error| self.failed(error, None))?;
        let open: Vec<&Authorization> = all.iter().filter(|one| !one.is_valid()).collect();
        let Some((way, challenges)) = self.way(&open)? else {
            return session
                .wait_ready(order, PATIENCE)
                .map_err(|error| self.failed(error, None));
        };
        let answers = open.iter().zip(&challenges).map(|(one, challenge)| Answer {
            token: challenge.token.clone(),
            key_authorization: session.key().key_authorization(&challenge.token),
            record: dns_record(session.key(), &challenge.token),
            name: one.name.clone(),
        });
        let answers: Vec<Answer> = answers.collect();
        let ground = Ground {
            loaded: self.loaded,
            folder: self.answers,
            authority: self.authority,
            hook: self.wanted.dns_hook.as_ref(),
            state: self.state,
            job: self.job,
        };
        let answering = ground.answering(way, answers)?;
        order.answering();
        self.keep(order, account)?;
        let what = format!(
            "{} looks for {} {}",
            self.authority,
            self.ordered.join(", "),
            way.place()
        );
        let looked = during(self.job.voice, &what, || {
            let mut work = || {
                session.respond_to_all(order, &challenges)?;
                session.wait_ready(order, way.patience())
            };
            match way.stops_apache() {
                true => session.client().within(way.patience(), work),
                false => work(),
            }
        });
        answering.end()?;
        self.keep(order, account)?;
        looked.map_err(|error| {
            let is_over = matches!(error, Error::OrderFailed(_));
            let failure = self.failed(error, Some(way));
            match is_over.then(|| self.note_failure()) {
                Some(Err(another)) => another,
                _ => failure,
            }
        })
    }

    /// The first of the open ways that the authority offers for every name; nothing where no name is open.
    fn way<'c>(&self, open: &[&'c Authorization]) -> Result<Option<(Way, Vec<&'c Challenge>)>, Failure> {
        if open.is_empty() {
            return Ok(None);
        }
        for way in self.ways {
            let challenges: Option<Vec<&Challenge>> =
                open.iter().map(|one| one.challenge(&way.challenge())).collect();
            if let Some(challenges) = challenges {
                return Ok(Some((*way, challenges)));
            }
        }
        let ways: Vec<String> = self.ways.iter().map(|way| way.challenge().to_string()).collect();
        Err(Failure::refused(Refusal::new(
            RefusalCode::NobodyAnswers,
            format!(
                "{} wants to be answered in another way than can be done here now ({})",
                self.authority,
                ways.join(", ")
            ),
            "; ",
            "where Apache listens on port 80, run again with --answer apache --restart; else have the certificate made \
             otherwise: esync-ssl cert request --domain NAME",
        )))
    }

    /// From names that are proven to the certificate. Its key is on the disk before the authority has the request.
    fn finish(&self, session: &Session<'_>, mut order: Order, account: &str) -> Result<Obtained, Failure> {
        let failed = |error| self.failed(error, None);
        not_interrupted()?;
        let name = self.name();
        let kept = match order.step >= Step::Finalizing && !self.is_thrown_away {
            true => self.state.order_key(&name)?,
            false => None,
        };
        let key = match kept {
            Some(key) => key,
            None => {
                let key = new_certificate_key(KeyType::P256).map_err(|error| failed(error.into()))?;
                if !self.is_thrown_away {
                    self.state.keep_order_key(&name, &key)?;
                }
                key
            }
        };
        order.finalizing();
        self.keep(&order, account)?;
        let made = during(
            self.job.voice,
            &format!("{} makes the certificate", self.authority),
            || {
                session.finalize(&mut order, &key)?;
                session.wait_made(&mut order, PATIENCE)
            },
        );
        if let Err(error) = made {
            if is_over(&error) {
                self.forget()?;
            }
            return Err(failed(error));
        }
        self.keep(&order, account)?;
        let public = key
            .public_key()
            .ok_or_else(|| Failure::error(anyhow::anyhow!("the key of the order has no public part")))?;
        let issued = session.fetch(&mut order, public);
        if issued.as_ref().is_err_and(is_over) {
            self.forget()?;
        }
        let issued = issued.map_err(failed)?;
        self.keep(&order, account)?;
        self.obtained(issued, key, session.client().clock_ahead())
    }

    /// From a certificate with its key to what is installed. `ahead`: the authority's clock before ours.
    fn obtained(
        &self,
        issued: Issued,
        key: PrivateKey,
        ahead: Option<time::Duration>,
    ) -> Result<Obtained, Failure> {
        self.refuse_not_yet_valid(&issued.certificate, ahead)?;
        let nothing = || Failure::error(anyhow::anyhow!("the authority sent no certificate"));
        let sha256 = colon_hex(&issued.certificate.sha256());
        let installed = Installed::new(self.wanted, self.agreed, &self.all_names(), sha256);
        let all = [issued.certificate].into_iter().chain(issued.issuers);
        let bundle = Bundle::assemble(all.collect(), Some(key)).ok_or_else(nothing)?;
        Ok(Obtained::new(bundle, installed, self.name()))
    }

    /// What fails on trial counts where no other place is for that.
    fn is_counted(&self) -> bool {
        !self.is_thrown_away || self.wanted.adopts && self.authority == &self.wanted.authority
    }

    fn refuse_too_many_failures(&self) -> Result<(), Failure> {
        if !self.is_counted() {
            return Ok(());
        }
        let now = self.now().unix_timestamp();
        let failures = self.state.failures(self.authority, &self.name())?;
        let is_recent = |at: &&i64| (0..HOUR).contains(&(now - **at));
        let recent: Vec<i64> = failures.at.iter().filter(is_recent).copied().collect();
        // A clock that was wrong, or an authority that is, shuts nobody out for long.
        let waits = failures
            .not_before
            .filter(|until| (now..now + DAY).contains(until));
        let (until, why) = match (recent.len() >= FAILURES, recent.first(), waits) {
            (_, _, Some(until)) => (until, "it wants to be left alone until then".to_owned()),
            (true, Some(first), _) => (
                first + HOUR,
                format!(
                    "it failed {} within an hour, and after a few more would refuse for long",
                    count(recent.len(), "time")
                ),
            ),
            _ => return Ok(()),
        };
        let minutes = usize::try_from((until - now).max(0))
            .unwrap_or_default()
            .div_ceil(60)
            .max(1);
        let trial = match self.wanted.authority.staging() {
            Some(_) => "; --rehearse tries at its staging, without harm",
            None => "",
        };
        Err(Failure::refused(Refusal::new(
            RefusalCode::TooManyFailures,
            format!(
                "{} is not asked for {} again yet: {why}",
                self.authority, self.names[0]
            ),
            "; ",
            format!(
                "correct what it said, then run again in {}{trial}",
                count(minutes, "minute")
            ),
        )))
    }

    /// The authority found that a name is not ours, and counts that.
    fn note_failure(&self) -> Result<(), Failure> {
        self.forget()?;
        if !self.is_counted() {
            return Ok(());
        }
        let now = self.now().unix_timestamp();
        let mut failures = self.state.failures(self.authority, &self.name())?;
        failures.at.retain(|at| (0..HOUR).contains(&(now - at)));
        failures.at.push(now);
        self.state.keep_failures(self.authority, &self.name(), failures)
    }

    /// What it wants to be left alone for is kept as well.
    fn failed(&self, error: Error, way: Option<Way>) -> Failure {
        if let Error::Refused(problem) = &error
            && problem.kind() == ProblemKind::RateLimited
            && let (Some(wait), false) = (problem.retry_after, self.is_thrown_away)
        {
            let until = self
                .now()
                .unix_timestamp()
                .saturating_add(i64::try_from(wait).unwrap_or(i64::MAX));
            let kept = self.state.failures(self.authority, &self.name());
            let kept = kept.and_then(|mut failures| {
                failures.not_before = Some(until);
                self.state.keep_failures(self.authority, &self.name(), failures)
            });
            if let Err(failure) = kept {
                return failure;
            }
        }
        refused(error, self.authority, way)
    }

    /// A clock that is far wrong is corrected before a certificate is made, which would not be valid here, or seem to end
    /// at another time than it does. A renewal does not wait for that: clients go by clocks of their own.
    fn refuse_wrong_clock(&self, client: &Client<'_>) -> Result<(), Failure> {
        let Some(ahead) = client.clock_ahead().filter(|ahead| ahead.abs() > CLOCK) else {
            return Ok(());
        };
        let which = if ahead.is_positive() { "behind" } else { "ahead of" };
        let cause = format!(
            "the clock of this machine is {} minutes {which} that of {}",
            ahead.whole_minutes().abs(),
            self.authority
        );
        if ahead.abs() > WRONG_CLOCK && self.wanted.renewal.is_none() {
            let cause =
                format!("{cause}, which was not asked for a certificate: it is judged by the clock here");
            let fix = "correct the clock, then run again";
            return Err(Failure::refused(Refusal::new(
                RefusalCode::ClockWrong,
                cause,
                "; ",
                fix,
            )));
        }
        let words = format!("note: {cause}; correct it, as certificates are judged by it");
        self.job.voice.note(NoteCode::Plan, &words);
        Ok(())
    }

    /// Asks nothing that the domain forbids. What its name servers say may not be known here.
    fn refuse_forbidden(&self, client: &Client<'_>) -> Result<(), Failure> {
        let identities = &client.directory().caa_identities;
        if identities.is_empty() {
            return Ok(());
        }
        let unknown = during(self.job.voice, "Looking for CAA records in DNS", || {
            refuse_forbidden(self.ordered, identities, self.authority)
        })?;
        if !unknown.is_empty() {
            self.job
                .voice
                .note(NoteCode::NotTried, &caa_unknown(&unknown, self.authority));
        }
        Ok(())
    }

    /// By the clock here, unless the certificate before is over or nearly: then that of the authority counts, by which it was
    /// made, and clients go by clocks of their own.
    fn refuse_not_yet_valid(
        &self,
        certificate: &Certificate,
        ahead: Option<time::Duration>,
    ) -> Result<(), Failure> {
        let is_valid = |now: OffsetDateTime| certificate.not_before <= now;
        let late = self.wanted.renewal.filter(|renewal| renewal.is_late);
        let ahead = ahead.unwrap_or_default();
        let is_valid_elsewhere =
            late.is_some_and(|renewal| is_valid(renewal.now) || is_valid(self.now().saturating_add(ahead)));
        if is_valid(self.now()) || is_valid_elsewhere {
            return Ok(());
        }
        let cause = format!(
            "the certificate is valid from {} on, and the clock of this machine says {}",
            certificate.not_before,
            self.now()
        );
        let fix = "correct the clock, then run again: the certificate is kept";
        Err(Failure::refused(Refusal::new(
            RefusalCode::ClockWrong,
            cause,
            "; ",
            fix,
        )))
    }

    fn keep(&self, order: &Order, account: &str) -> Result<(), Failure> {
        match self.is_thrown_away {
            true => Ok(()),
            false => {
                let kept = KeptOrder::new(self.authority, account, order.clone());
                self.state.keep_order(&self.name(), &kept)
            }
        }
    }

    fn forget(&self) -> Result<(), Failure> {
        match self.is_thrown_away {
            true => Ok(()),
            false => self.state.forget_order(&self.name()),
        }
    }

    fn order_wanted(&self) -> acme::Wanted {
        acme::Wanted {
            names: self.ordered.to_vec(),
            profile: self.wanted.profile.clone(),
            // What is thrown away takes no place.
            replaces: self.wanted.replaces.clone().filter(|_| !self.is_thrown_away),
        }
    }

    /// All that the certificate is to be for.
    fn all_names(&self) -> Vec<String> {
        [self.names, &self.wanted.wildcards].concat()
    }

    /// The name of its files.
    fn name(&self) -> String {
        file_name(&self.names[0])
    }

    fn now(&self) -> OffsetDateTime {
        (self.job.world.now)()
    }
}

/// Whether an order will never lead to a certificate for its key. Whatever else is refused, such as asking too often, may
/// be granted later: the certificate may have been made, and another order would make a second one.
fn is_over(error: &Error) -> bool {
    match error {
        Error::OrderFailed(_) | Error::ForeignCertificate(_) => true,
        Error::Refused(problem) => {
            let kind = problem.kind();
            problem.is_gone()
                || matches!(
                    kind,
                    ProblemKind::BadCsr
                        | ProblemKind::BadPublicKey
                        | ProblemKind::Malformed
                        | ProblemKind::OrderNotReady
                )
        }
        _ => false,
    }
}
