//! Whether a certificate is to be renewed now, why, and if not, when. The only place that decides it: `renew` asks it, and
//! so does a simulation of years to come.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::history::{History, Outcome, equal_a_week};
use super::moment::{Life, Moment, when};
use super::urgency::{Urgency, urgency};
use crate::acme::RenewalInfo;

/// The longest time between two looks: twice a day, each up to an hour late by chance.
pub const INTERVAL: Duration = Duration::hours(13);

/// So many refusals an hour are ours; CAs have five, and who has used up those is shut out.
const REFUSALS: usize = 3;
const HOUR: Duration = Duration::HOUR;
/// The CA's own limit for certificates of the same names within a week.
const EQUAL: usize = 5;
/// After so many refusals in a row it is tried once a day, or more often in a short life.
const MANY: usize = 10;

/// What is known of a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// From when to when it is valid.
    pub life: Life,
    /// What the CA says of it, as far as it was asked.
    pub ca: Option<&'a RenewalInfo>,
    /// Its number from [`draw`](super::draw).
    pub draw: u32,
    /// What was tried before.
    pub history: &'a History,
}

/// Who looks, and when.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What the clock of this machine says.
    pub now: OffsetDateTime,
    /// By how much it is ahead of the CA's, where that was asked just now.
    pub clock_ahead: Option<Duration>,
    /// The longest time until somebody looks again; [`INTERVAL`] where that is not known.
    pub interval: Duration,
    /// Somebody asked for it to be renewed now.
    pub is_asked: bool,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// It is to be renewed now.
    pub renews: bool,
    /// Why, or why not.
    pub reason: Reason,
    /// When it is due, and who says so.
    pub due: Moment,
    /// When it is to be tried next: now, if it is to be renewed now.
    pub next: OffsetDateTime,
    /// How urgent it is.
    pub urgency: Urgency,
}

/// Why a certificate is renewed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Its time has come.
    Due,
    /// Its time comes before somebody looks again.
    DueBeforeNextLook,
    /// Somebody asked for it.
    Asked,
    /// Its time has not come.
    NotDue,
    /// The CA wants to be left alone (`Retry-After`).
    CaWantsQuiet,
    /// The CA refused three times within an hour, and after a few more would refuse for long.
    TooManyRefusals,
    /// As many certificates for the same names as a CA makes were made within a week.
    TooManyEqual,
    /// The last attempt failed a short time ago.
    FailedJustNow,
}

impl Reason {
    /// In words that follow the name of a certificate and a colon.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Due => "it is due",
            Reason::DueBeforeNextLook => "it is due before the next look",
            Reason::Asked => "it was asked for",
            Reason::NotDue => "it is not due yet",
            Reason::CaWantsQuiet => "the authority wants to be left alone until then",
            Reason::TooManyRefusals => "the authority refused three times within an hour",
            Reason::TooManyEqual => {
                "the authority made too many certificates for the same names within a week"
            }
            Reason::FailedJustNow => "the last attempt failed",
        }
    }
}

/// Decides. Whoever then orders asks the CA for its clock first, and decides by it once more if that was not known.
pub fn due(known: &Known, look: &Look) -> Decision {
    let now = known.history.true_time(look.now, look.clock_ahead);
    let due = when(known.life, known.ca, known.draw);
    let decision = |renews, reason, next| Decision {
        renews,
        reason,
        due,
        next,
        urgency: urgency(known.life, now),
    };
    let reason = match due.at {
        _ if look.is_asked => Reason::Asked,
        at if at <= now => Reason::Due,
        at if at <= now.saturating_add(look.interval) => Reason::DueBeforeNextLook,
        at => return decision(false, Reason::NotDue, at),
    };
    let obstacles = obstacles(known, look.is_asked, now);
    match obstacles.into_iter().flatten().max_by_key(|(until, _)| *until) {
        Some((until, reason)) => decision(false, reason, until),
        None => decision(true, reason, now),
    }
}

/// What forbids an attempt, and until when. A person may try earlier than we would, but not so that a CA shuts us out.
fn obstacles(known: &Known, is_asked: bool, now: OffsetDateTime) -> [Option<(OffsetDateTime, Reason)>; 4] {
    let history = known.history;
    let is_urgent = urgency(known.life, now) >= Urgency::Error;
    let equal = match equal_a_week(known.life) {
        few if is_asked || is_urgent => few.max(EQUAL),
        few => few,
    };
    // Once the oldest of so many is that old, there are fewer.
    let until = |all: &[OffsetDateTime], most: usize, time: Duration| {
        let at = all.len().checked_sub(most)?;
        Some(all.get(at)?.saturating_add(time))
    };
    let refused = until(&history.refused_within(HOUR, now), REFUSALS, HOUR);
    let issued = until(&history.issued_within_a_week(now), equal, Duration::WEEK);
    let failed = after_failures(known, now).filter(|_| !is_asked);
    [
        history
            .quiet_until(now)
            .map(|until| (until, Reason::CaWantsQuiet)),
        refused.map(|until| (until, Reason::TooManyRefusals)),
        issued.map(|until| (until, Reason::TooManyEqual)),
        failed.map(|until| (until, Reason::FailedJustNow)),
    ]
}

/// Until when nothing is tried after what failed: short at first, as most faults are over soon.
fn after_failures(known: &Known, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let failures = known.history.failures_in_a_row();
    let last = failures.last().filter(|last| last.at <= now)?;
    let refused = failures
        .iter()
        .filter(|failure| failure.outcome == Outcome::Refused);
    let wait = match (last.outcome, failures.len()) {
        // Whoever does not correct it within days does not look.
        (Outcome::Refused, _) if refused.count() >= MANY => {
            Duration::DAY.min(known.life.length() / 12).max(HOUR)
        }
        (Outcome::RateLimited, _) => HOUR,
        (_, 1) => Duration::MINUTE,
        (_, 2) => Duration::minutes(10),
        _ => HOUR,
    };
    let until = last.at.saturating_add(wait);
    (now < until).then_some(until)
}

#[cfg(test)]
mod tests;
