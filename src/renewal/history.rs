//! What was tried for a certificate so far, and what the CA said then: all that a decision needs to know of the past.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::moment::{Life, true_time, when};
use crate::acme::{RenewalInfo, written};

/// No limit of a CA looks back further.
const WEEK: Duration = Duration::WEEK;
/// So many attempts are kept at most.
const KEPT: usize = 200;
/// And so many of them however old they are: for people.
const KEPT_OLD: usize = 20;
/// A CA that says when it may be asked about a window again is asked at least so often, and at most so often (RFC 9773).
const ASKED_AT_LEAST: Duration = Duration::DAY;
const ASKED_AT_MOST: Duration = Duration::MINUTE;
/// Where it says nothing.
const ASKED_USUALLY: Duration = Duration::hours(6);

/// What was tried, the latest last. Times are those of [`History::true_time`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The attempts.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// The CA wants to be left alone.
    #[serde(default)]
    pub quiet: Option<Quiet>,
    /// What it said of the certificate.
    #[serde(default)]
    pub told: Option<Told>,
    /// By how many seconds this machine's clock was ahead of the CA's when that was last asked.
    #[serde(default)]
    pub clock_ahead: Option<i64>,
}

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it ended.
    #[serde(with = "written")]
    pub at: OffsetDateTime,
    /// How.
    pub outcome: Outcome,
    /// The CA made a certificate in it: it counts, whatever happened to it then.
    pub is_issued: bool,
    /// Why it failed, printable.
    #[serde(default)]
    pub why: Option<String>,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The new certificate is served, or will be when the server starts.
    Renewed,
    /// The CA found that a name is not ours, or refused otherwise; it counts that.
    Refused,
    /// The CA gave no answer, or none that can be used.
    Unreachable,
    /// It said that there were too many requests.
    RateLimited,
    /// Something here failed before the CA was asked.
    NotAsked,
    /// The certificate was made and could not be installed, or did not prove itself and was taken back.
    NotInstalled,
}

/// For how long a CA wants to be left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// When it said so.
    #[serde(with = "written")]
    pub said: OffsetDateTime,
    /// Until when.
    #[serde(with = "written")]
    pub until: OffsetDateTime,
}

/// What a CA said of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Which certificate ([`certificate_id`](crate::acme::certificate_id)).
    pub certificate: String,
    /// When it was asked.
    #[serde(with = "written")]
    pub asked: OffsetDateTime,
    /// When to renew; nothing where it has no answer of the kind.
    pub info: Option<RenewalInfo>,
}

impl Told {
    /// Whether the CA is to be asked again.
    pub fn is_old(&self, now: OffsetDateTime) -> bool {
        let wait = self.info.as_ref().and_then(|info| info.retry_after);
        let wait = wait.map_or(ASKED_USUALLY, |wait| {
            Duration::seconds(i64::try_from(wait).unwrap_or(i64::MAX))
        });
        let wait = wait.clamp(ASKED_AT_MOST, ASKED_AT_LEAST);
        // One of the future was noted by a clock that was wrong.
        !(Duration::ZERO..wait).contains(&(now - self.asked))
    }
}

impl History {
    /// What the CA said of this certificate, and not of one before.
    pub fn told(&self, certificate: &str) -> Option<&Told> {
        self.told.as_ref().filter(|told| told.certificate == certificate)
    }

    /// Notes by how much this machine's clock is ahead of the CA's: until it is asked again, that is what is known of it.
    pub fn note_clock(&mut self, ahead: Duration) {
        self.clock_ahead = Some(ahead.whole_seconds());
    }

    /// The time that is noted here: by the CA's clock, as it is known now or was known last.
    pub fn true_time(&self, now: OffsetDateTime, clock_ahead: Option<Duration>) -> OffsetDateTime {
        true_time(now, clock_ahead.or(self.clock_ahead.map(Duration::seconds)))
    }

    /// Notes an attempt. What no decision needs and nobody reads is forgotten.
    pub fn note(&mut self, attempt: Attempt) {
        let now = attempt.at;
        if attempt.outcome == Outcome::Renewed {
            self.quiet = None;
        }
        self.attempts.push(attempt);
        let too_many = self.attempts.len().saturating_sub(KEPT_OLD);
        let mut place = 0;
        self.attempts.retain(|attempt| {
            place += 1;
            place > too_many || now - attempt.at < WEEK
        });
        let too_many = self.attempts.len().saturating_sub(KEPT);
        self.attempts.drain(..too_many);
    }

    /// Notes that the CA wants to be left alone (`Retry-After`), for a week at most: no limit of a CA is longer, and a
    /// wrong answer keeps nobody out for ever.
    pub fn leave_alone(&mut self, now: OffsetDateTime, wait: std::time::Duration) {
        let wait = i64::try_from(wait.as_secs())
            .map_or(WEEK, Duration::seconds)
            .min(WEEK);
        self.quiet = Some(Quiet {
            said: now,
            until: now.saturating_add(wait),
        });
    }

    /// Until when the CA is left alone.
    pub fn quiet_until(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        // One of the future was noted by a clock that was wrong; so was one whose end is too far away.
        let quiet = self.quiet.filter(|quiet| quiet.said <= now)?;
        (now < quiet.until && quiet.until - quiet.said <= WEEK).then_some(quiet.until)
    }

    /// The attempts since the last that succeeded.
    pub fn failures_in_a_row(&self) -> &[Attempt] {
        let is_success = |attempt: &Attempt| attempt.outcome == Outcome::Renewed;
        let from = self.attempts.iter().rposition(is_success).map_or(0, |at| at + 1);
        &self.attempts[from..]
    }

    /// When the CA refused within this time, the earliest first.
    pub(super) fn refused_within(&self, time: Duration, now: OffsetDateTime) -> Vec<OffsetDateTime> {
        self.within(time, now, |attempt| attempt.outcome == Outcome::Refused)
    }

    /// When it made a certificate within a week, the earliest first.
    pub(super) fn issued_within_a_week(&self, now: OffsetDateTime) -> Vec<OffsetDateTime> {
        self.within(WEEK, now, |attempt| attempt.is_issued)
    }

    fn within(
        &self,
        time: Duration,
        now: OffsetDateTime,
        counts: impl Fn(&Attempt) -> bool,
    ) -> Vec<OffsetDateTime> {
        let is_recent = |attempt: &&Attempt| (Duration::ZERO..time).contains(&(now - attempt.at));
        let recent = self.attempts.iter().filter(is_recent);
        let mut all: Vec<OffsetDateTime> = recent
            .filter(|attempt| counts(attempt))
            .map(|attempt| attempt.at)
            .collect();
        all.sort_unstable();
        all
    }
}

/// How many equal certificates a week may be asked for: one less than the usual limit of CAs, for a person to use; more
/// where lives are so short that they need more.
pub(super) fn equal_a_week(life: Life) -> usize {
    let used = (when(life, None, 0).at - life.not_before).max(Duration::HOUR);
    let needed = WEEK.whole_seconds() / used.whole_seconds() + 1;
    usize::try_from(needed + 1).unwrap_or_default().max(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2027-02-10 3:00 UTC);

    fn attempt(at: OffsetDateTime, outcome: Outcome) -> Attempt {
        Attempt {
            at,
            outcome,
            is_issued: outcome == Outcome::Renewed,
            why: None,
        }
    }

    #[test]
    fn what_is_stored_is_read_again_also_from_an_older_form() {
        let mut history = History::default();
        history.note(attempt(NOW, Outcome::Refused));
        history.leave_alone(NOW, std::time::Duration::from_secs(60));
        let text = serde_json::to_string(&history).unwrap();
        assert!(text.contains("2027-02-10T03:00:00Z"), "{text}");
        assert_eq!(serde_json::from_str::<History>(&text).unwrap(), history);
        assert_eq!(serde_json::from_str::<History>("{}").unwrap(), History::default());
    }

    #[test]
    fn it_stays_short_and_keeps_what_counts() {
        let mut history = History::default();
        history.note(attempt(NOW, Outcome::Renewed));
        for hour in 1..24 * 365 {
            history.note(attempt(NOW + Duration::hours(hour), Outcome::Unreachable));
        }
        assert!(history.attempts.len() <= KEPT);
        let mut rare = History::default();
        for month in 0..60 {
            rare.note(attempt(NOW + Duration::days(month * 30), Outcome::Renewed));
        }
        assert_eq!(rare.attempts.len(), KEPT_OLD);
        let now = NOW + Duration::days(59 * 30);
        assert_eq!(rare.issued_within_a_week(now), [now]);
    }

    #[test]
    fn nobody_is_kept_out_for_ever() {
        let mut history = History::default();
        history.leave_alone(NOW, std::time::Duration::MAX);
        assert_eq!(history.quiet_until(NOW), Some(NOW + WEEK));
        assert_eq!(history.quiet_until(NOW + WEEK), None);
        // Noted by a clock that was wrong.
        assert_eq!(history.quiet_until(NOW - Duration::HOUR), None);
    }

    #[test]
    fn a_window_is_asked_for_again_as_often_as_the_ca_wants_within_bounds() {
        let told = |retry_after| Told {
            certificate: "a.b".to_owned(),
            asked: NOW,
            info: Some(RenewalInfo {
                start: NOW,
                end: NOW + Duration::DAY,
                explanation: None,
                retry_after,
            }),
        };
        for (wait, after) in [
            (Some(0), Duration::MINUTE),
            (Some(7200), Duration::hours(2)),
            (Some(u64::MAX), Duration::DAY),
            (None, Duration::hours(6)),
        ] {
            assert!(!told(wait).is_old(NOW + after - Duration::SECOND), "{wait:?}");
            assert!(told(wait).is_old(NOW + after), "{wait:?}");
            assert!(told(wait).is_old(NOW - Duration::SECOND), "{wait:?}");
        }
    }

    #[test]
    fn short_lives_may_need_more_than_the_usual_limit() {
        let budget = |length: Duration| {
            equal_a_week(Life {
                not_before: NOW,
                not_after: NOW + length,
            })
        };
        assert_eq!(budget(Duration::days(90)), 4);
        assert_eq!(budget(Duration::hours(160)), 4);
        assert_eq!(budget(Duration::DAY), 16);
        assert_eq!(budget(-Duration::DAY), 170);
    }
}
