//! Years of renewals in an instant: the decisions of [`due`], a clock that is only counted, and a CA, a machine and a
//! network whose faults are inputs. No calendar of any CA is in here.

use time::{Duration, OffsetDateTime};

use super::due::{Decision, INTERVAL, Known, Look, due};
use super::history::{Attempt, History, Outcome, Told};
use super::moment::{Life, Rule, draw, when};
use super::urgency::{Urgency, urgency};
use crate::acme::RenewalInfo;

/// From one moment to another, the second excluded.
pub type Period = (OffsetDateTime, OffsetDateTime);

/// CAs say of a certificate that it began somewhat earlier, for clocks that are behind.
const BACKDATED: Duration = Duration::HOUR;

/// What happens in these years. What is in no list does not happen.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// When it begins and ends.
    pub time: Period,
    /// The certificate that is served at its begin.
    pub served: Life,
    /// Its number from [`draw`].
    pub draw: u32,
    /// What the CA said of it.
    pub told: Option<RenewalInfo>,
    /// What was tried for it before.
    pub history: History,
    /// The longest time between two looks.
    pub interval: Duration,
    /// How long a run may last, and wait for its own next attempt.
    pub run: Duration,
    /// How long certificates live that are made from a moment on, the earliest first.
    pub lives: Vec<(OffsetDateTime, Duration)>,
    /// The CA says when to renew: within this part of the life (in hundredths) around the usual moment.
    pub tells: Option<i32>,
    /// At these moments it finds fault with all certificates that it made before: they are to be renewed at once.
    pub recalls: Vec<OffsetDateTime>,
    /// It gives no answer.
    pub outages: Vec<Period>,
    /// It refuses, as it does not reach this server.
    pub refusals: Vec<Period>,
    /// It says that there were too many requests, and to come again after so long.
    pub limits: Vec<(Period, Duration)>,
    /// The machine does not run.
    pub asleep: Vec<Period>,
    /// Its clock is ahead, or behind (negative).
    pub clock: Vec<(Period, Duration)>,
}

/// Something that happened. All moments are true ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: OffsetDateTime,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The CA made a certificate.
    Made,
    /// A certificate is served from now on: its life, and who said that it was time.
    Served(Life, Rule),
    /// An attempt failed.
    Failed(Outcome),
    /// The certificate that is served is over.
    Over,
}

/// A certificate of the simulation.
#[derive(Clone, Copy)]
struct Certificate {
    number: u64,
    life: Life,
    made: OffsetDateTime,
}

struct Run<'a> {
    scenario: &'a Scenario,
    served: Certificate,
    /// The CA made it, and it cannot be installed yet.
    waiting: Option<Certificate>,
    history: History,
    events: Vec<Event>,
    is_over: bool,
}

impl Scenario {
    /// Nothing but renewals of this certificate, by a CA whose next certificates live as long.
    pub fn new(served: Life, time: Period) -> Scenario {
        Scenario {
            time,
            served,
            draw: draw(&[]),
            told: None,
            history: History::default(),
            interval: INTERVAL,
            run: Duration::minutes(20),
            lives: vec![(time.0, served.length())],
            tells: None,
            recalls: Vec::new(),
            outages: Vec::new(),
            refusals: Vec::new(),
            limits: Vec::new(),
            asleep: Vec::new(),
            clock: Vec::new(),
        }
    }

    /// What happens then, in its order.
    pub fn run(&self) -> Vec<Event> {
        let served = Certificate {
            number: 0,
            life: self.served,
            made: self.served.not_before,
        };
        let mut run = Run {
            scenario: self,
            served,
            waiting: None,
            history: self.history.clone(),
            events: Vec::new(),
            is_over: false,
        };
        for look in self.looks() {
            run.look(look);
        }
        run.tell_over(self.time.1);
        run.events
    }

    /// When somebody looks: after half an hour at the earliest each time, by chance within the interval, and soon after
    /// the machine was woken.
    fn looks(&self) -> Vec<OffsetDateTime> {
        let mut looks = Vec::new();
        let mut at = self.time.0;
        for number in 0_u64.. {
            if let Some((_, end)) = within(&self.asleep, at) {
                // Missed runs are caught up.
                at = end.saturating_add(Duration::minutes(5));
                continue;
            }
            if at >= self.time.1 {
                break;
            }
            looks.push(at);
            // Twice a day, at any minute of some.
            let late = i64::from(draw(&number.to_be_bytes()) % 120);
            let step = self.interval - Duration::minutes(late);
            at = at.saturating_add(step.max(Duration::minutes(30)));
        }
        looks
    }

    fn life_at(&self, now: OffsetDateTime) -> Duration {
        let latest = self.lives.iter().rev().find(|(from, _)| *from <= now);
        latest.map_or(self.served.length(), |(_, life)| *life)
    }

    fn ahead(&self, now: OffsetDateTime) -> Duration {
        let wrong = self
            .clock
            .iter()
            .find(|((from, to), _)| *from <= now && now < *to);
        wrong.map_or(Duration::ZERO, |(_, ahead)| *ahead)
    }

    /// What the CA answers who asks about a certificate.
    fn info(&self, certificate: Certificate, now: OffsetDateTime) -> Option<RenewalInfo> {
        let hundredths = self.tells?;
        if let (0, Some(told)) = (certificate.number, &self.told) {
            return Some(told.clone());
        }
        let is_recalled = |recall: &&OffsetDateTime| certificate.made < **recall && **recall <= now;
        let window = match self.recalls.iter().find(is_recalled) {
            Some(recall) => (*recall - Duration::DAY, *recall - Duration::HOUR),
            None => {
                let middle = when(certificate.life, None, 0).at;
                let half = certificate.life.length() / 200 * hundredths;
                (middle - half, middle + half)
            }
        };
        Some(RenewalInfo {
            start: window.0,
            end: window.1,
            explanation: None,
            retry_after: Some(6 * 3600),
        })
    }
}

fn within(periods: &[Period], now: OffsetDateTime) -> Option<Period> {
    let has = |period: &&Period| period.0 <= now && now < period.1;
    periods.iter().find(has).copied()
}

impl Run<'_> {
    /// Somebody looks, and a run begins.
    fn look(&mut self, at: OffsetDateTime) {
        let mut now = at;
        let ends = at.saturating_add(self.scenario.run);
        while let Some(next) = self.step(now).filter(|next| *next <= ends) {
            now = next.max(now.saturating_add(Duration::SECOND));
        }
    }

    /// One decision and what comes of it; when the next may be taken in the same run.
    fn step(&mut self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        self.tell_over(now);
        let answers = within(&self.scenario.outages, now).is_none();
        let local = now.saturating_add(self.scenario.ahead(now));
        let id = self.served.number.to_string();
        let is_old = self
            .history
            .told(&id)
            .is_none_or(|told| told.is_old(self.history.true_time(local, None)));
        let mut ahead = None;
        if answers && is_old && self.scenario.tells.is_some() {
            ahead = Some(local - now);
            self.history.note_clock(local - now);
            self.history.told = Some(Told {
                certificate: id,
                asked: self.history.true_time(local, ahead),
                info: self.scenario.info(self.served, now),
            });
        }
        let mut decision = self.decide(local, ahead);
        if decision.renews && ahead.is_none() && answers {
            // Whoever orders has seen the clock of the CA before, and decides by it.
            ahead = Some(local - now);
            self.history.note_clock(local - now);
            decision = self.decide(local, ahead);
        }
        if !decision.renews {
            return None;
        }
        self.attempt(now, self.history.true_time(local, ahead), decision.due.rule);
        let next = self.decide(local, ahead).next;
        // In the time that passes here.
        Some(now.saturating_add(next - self.history.true_time(local, ahead)))
    }

    fn decide(&self, local: OffsetDateTime, clock_ahead: Option<Duration>) -> Decision {
        let told = self.history.told(&self.served.number.to_string());
        let known = Known {
            life: self.served.life,
            ca: told.and_then(|told| told.info.as_ref()),
            draw: match self.served.number {
                0 => self.scenario.draw,
                number => draw(&number.to_be_bytes()),
            },
            history: &self.history,
        };
        let look = Look {
            now: local,
            clock_ahead,
            interval: self.scenario.interval,
            is_asked: false,
        };
        due(&known, &look)
    }

    /// Asks the CA; `noted` is the time as it is known here.
    fn attempt(&mut self, now: OffsetDateTime, noted: OffsetDateTime, rule: Rule) {
        let scenario = self.scenario;
        let limit = scenario
            .limits
            .iter()
            .find(|((from, to), _)| *from <= now && now < *to);
        let outcome = match (within(&scenario.outages, now), self.waiting, limit) {
            (None, Some(_), _) => None,
            (Some(_), None, _) => Some(Outcome::Unreachable),
            (_, None, Some((_, wait))) => {
                let wait = std::time::Duration::from_secs(wait.whole_seconds().unsigned_abs());
                self.history.leave_alone(noted, wait);
                Some(Outcome::RateLimited)
            }
            (_, None, None) if within(&scenario.refusals, now).is_some() => Some(Outcome::Refused),
            _ => None,
        };
        if let Some(outcome) = outcome {
            self.note(noted, outcome, false);
            return self.tell(now, What::Failed(outcome));
        }
        let is_issued = self.waiting.is_none();
        let made = self.waiting.take().unwrap_or_else(|| {
            let not_before = now - BACKDATED;
            Certificate {
                number: self.served.number + 1,
                life: Life {
                    not_before,
                    not_after: not_before.saturating_add(scenario.life_at(now)),
                },
                made: now,
            }
        });
        if is_issued {
            self.tell(now, What::Made);
        }
        // By this machine's clock it is not valid yet. It is installed only where the one before is over or nearly, and the
        // CA's clock, as far as it is known here, calls it valid.
        let is_late = urgency(self.served.life, noted) >= Urgency::Error;
        let is_valid = is_late && made.life.not_before <= noted;
        if now.saturating_add(scenario.ahead(now)) < made.life.not_before && !is_valid {
            self.waiting = Some(made);
            self.note(noted, Outcome::NotInstalled, is_issued);
            return self.tell(now, What::Failed(Outcome::NotInstalled));
        }
        self.served = made;
        self.is_over = false;
        self.note(noted, Outcome::Renewed, is_issued);
        self.tell(now, What::Served(made.life, rule));
    }

    fn note(&mut self, at: OffsetDateTime, outcome: Outcome, is_issued: bool) {
        self.history.note(Attempt {
            at,
            outcome,
            is_issued,
            why: None,
        });
    }

    fn tell(&mut self, at: OffsetDateTime, what: What) {
        self.events.push(Event { at, what });
    }

    /// Tells once that the certificate is over, at the moment at which it was.
    fn tell_over(&mut self, now: OffsetDateTime) {
        let end = self.served.life.not_after;
        if !self.is_over && end < now {
            self.is_over = true;
            let at = end.max(self.scenario.time.0);
            // Attempts of a run in which it ended may have been told already.
            let place = self.events.partition_point(|event| event.at <= at);
            self.events.insert(place, Event { at, what: What::Over });
        }
    }
}
