//! The moment at which to renew: what the CA says (RFC 9773), else by the life of the certificate.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::acme::RenewalInfo;
use crate::tls::certificate::Certificate;

/// A life below this is a short one: of it a third is too little to notice a fault and correct it.
const SHORT_LIFE: Duration = Duration::days(10);

/// A clock that is wrong by more is told, and not followed.
pub const CLOCK: Duration = Duration::minutes(5);

/// From when to when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Its first moment.
    pub not_before: OffsetDateTime,
    /// Its last.
    pub not_after: OffsetDateTime,
}

impl Life {
    /// That of a certificate.
    pub fn of(certificate: &Certificate) -> Life {
        Life {
            not_before: certificate.not_before,
            not_after: certificate.not_after,
        }
    }

    /// How long it is; never negative.
    pub fn length(self) -> Duration {
        (self.not_after - self.not_before).max(Duration::ZERO)
    }

    /// What is left of it; negative when it is over.
    pub fn rest(self, now: OffsetDateTime) -> Duration {
        self.not_after - now
    }
}

/// When to renew, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The moment.
    pub at: OffsetDateTime,
    /// Who says so.
    pub rule: Rule,
}

/// Who says when to renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The CA.
    Ca,
    /// Two thirds of its life are over.
    TwoThirds,
    /// Half of its short life is over.
    Half,
    /// What the CA says is later than seven eighths of its life, and so too late for a failure to be noticed.
    BeforeEnd,
}

impl Rule {
    /// In words, behind a date.
    pub fn words(self) -> &'static str {
        match self {
            Rule::Ca => "the authority says so",
            Rule::TwoThirds => "two thirds of its life",
            Rule::Half => "half of its short life",
            Rule::BeforeEnd => "before it is too late, as the authority names a later time",
        }
    }
}

/// Chooses a moment in the window of a CA, so that not all its customers come at once: any number that is always the same
/// for the same certificate.
pub fn draw(certificate: &[u8]) -> u32 {
    let hash = Sha256::digest(certificate);
    hash.iter()
        .take(4)
        .fold(0, |number, byte| (number << 8) | u32::from(*byte))
}

/// When to renew a certificate of this life.
pub fn when(life: Life, ca: Option<&RenewalInfo>, draw: u32) -> Moment {
    let length = life.length();
    let Some(RenewalInfo { start, end, .. }) = ca else {
        let (share, rule) = match length < SHORT_LIFE {
            true => (length / 2, Rule::Half),
            false => (length / 3 * 2, Rule::TwoThirds),
        };
        let at = life.not_before.saturating_add(share);
        return Moment { at, rule };
    };
    let window = (*end - *start).max(Duration::ZERO);
    // Whole seconds by integers: exact for any window.
    let share = i128::from(window.whole_seconds()) * i128::from(draw) / (i128::from(u32::MAX) + 1);
    let at = start.saturating_add(Duration::seconds(i64::try_from(share).unwrap_or(0)));
    let latest = life.not_before.saturating_add(length / 8 * 7);
    match at > latest {
        true => Moment {
            at: latest,
            rule: Rule::BeforeEnd,
        },
        false => Moment { at, rule: Rule::Ca },
    }
}

/// The time that decisions and histories go by: that of the CA, whose clock is right, where this machine's is wrong.
pub(super) fn true_time(now: OffsetDateTime, clock_ahead: Option<Duration>) -> OffsetDateTime {
    match clock_ahead {
        Some(ahead) if ahead.abs() > CLOCK => now.saturating_sub(ahead),
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn life(length: Duration) -> Life {
        Life {
            not_before: START,
            not_after: START + length,
        }
    }

    fn info(start: OffsetDateTime, length: Duration) -> RenewalInfo {
        RenewalInfo {
            start,
            end: start.saturating_add(length),
            explanation: None,
            retry_after: Some(21600),
        }
    }

    #[test]
    fn without_the_ca_the_life_decides() {
        for (length, at, rule) in [
            (Duration::days(90), Duration::days(60), Rule::TwoThirds),
            (Duration::days(47), Duration::hours(752), Rule::TwoThirds),
            (Duration::days(10), Duration::hours(160), Rule::TwoThirds),
            (Duration::hours(160), Duration::hours(80), Rule::Half),
            (Duration::hours(6), Duration::hours(3), Rule::Half),
            (Duration::ZERO, Duration::ZERO, Rule::Half),
            (-Duration::DAY, Duration::ZERO, Rule::Half),
        ] {
            let moment = when(life(length), None, 7);
            assert_eq!(moment, Moment { at: START + at, rule }, "{length}");
        }
    }

    #[test]
    fn what_the_ca_says_goes_first() {
        let told = info(START + Duration::days(5), Duration::days(2));
        let renew = |draw| when(life(Duration::days(90)), Some(&told), draw);
        assert_eq!(renew(0).at, told.start);
        assert_eq!(renew(1 << 31).at, told.start + Duration::DAY);
        assert!(renew(u32::MAX).at < told.end);
        assert_eq!(renew(0).rule, Rule::Ca);
    }

    #[test]
    fn a_ca_that_wants_it_too_late_is_not_followed() {
        for from in [Duration::days(80), Duration::days(89), Duration::days(100_000)] {
            let told = info(START + from, Duration::DAY);
            let moment = when(life(Duration::days(90)), Some(&told), 9);
            assert_eq!(moment.rule, Rule::BeforeEnd, "{from}");
            assert_eq!(moment.at, START + Duration::hours(90 * 21), "{from}");
        }
    }

    #[test]
    fn dates_at_the_ends_of_the_calendar_do_no_harm() {
        let (first, last) = (datetime!(0000-01-01 0:00 UTC), datetime!(9999-12-31 23:59:59 UTC));
        let all = [first, START, last];
        for (from, to) in all.iter().flat_map(|from| all.map(|to| (*from, to))) {
            let life = Life {
                not_before: from,
                not_after: to,
            };
            for window in [
                None,
                Some(info(first, last - first)),
                Some(info(last, Duration::DAY)),
            ] {
                let moment = when(life, window.as_ref(), u32::MAX);
                assert!((first..=last).contains(&moment.at), "{life:?}");
            }
        }
    }

    #[test]
    fn each_certificate_draws_its_own_moment_and_always_the_same() {
        assert_eq!(draw(b"one"), draw(b"one"));
        let drawn: std::collections::BTreeSet<u32> =
            (0..1000_u32).map(|one| draw(&one.to_be_bytes()) >> 22).collect();
        // A thousand certificates spread over 1024 parts of the window.
        assert!(drawn.len() > 550, "{}", drawn.len());
    }

    proptest! {
        #[test]
        fn it_is_within_the_life_or_the_window(length in 1_i64..400_000_000, from in -99_999_i64..99_999, window in 1_i64..9_999_999, draw: u32) {
            let life = life(Duration::seconds(length));
            let own = when(life, None, draw).at;
            prop_assert!(START <= own && own < life.not_after);
            let told = info(START + Duration::seconds(from), Duration::seconds(window));
            let theirs = when(life, Some(&told), draw);
            match theirs.rule {
                Rule::Ca => prop_assert!(told.start <= theirs.at && theirs.at < told.end),
                _ => prop_assert!(theirs.rule == Rule::BeforeEnd && theirs.at < told.end),
            }
            prop_assert!(theirs.at < life.not_after);
        }
    }
}
