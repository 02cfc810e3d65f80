//! What is to be expected of a certificate, in a line: when it is renewed, and how long the CA may be gone then.

use time::{Duration, OffsetDateTime};

use super::moment::{Life, Rule, when};
use crate::acme::RenewalInfo;
use crate::wording::count;

/// What is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When it is renewed.
    pub renews: OffsetDateTime,
    /// Who says so.
    pub rule: Rule,
    /// For how long from then on nobody need be able to renew it; less one look, as somebody has to look afterwards.
    pub survives: Duration,
}

/// Of a certificate that is looked at once in each interval.
pub fn outlook(life: Life, ca: Option<&RenewalInfo>, draw: u32, interval: Duration) -> Outlook {
    let due = when(life, ca, draw);
    Outlook {
        renews: due.at,
        rule: due.rule,
        survives: (life.rest(due.at) - interval).max(Duration::ZERO),
    }
}

impl Outlook {
    /// `renews about 27 January; survives 19 days without the authority`, for the preview of an order at this time.
    pub fn words(&self, now: OffsetDateTime) -> String {
        let (day, month) = (self.renews.day(), self.renews.month());
        let year = match self.renews.year() == now.year() || self.renews - now < Duration::days(200) {
            true => String::new(),
            false => format!(" {}", self.renews.year()),
        };
        let whole = |number: i64| usize::try_from(number).unwrap_or_default();
        let survives = match self.survives.whole_days() {
            0 | 1 => count(whole(self.survives.whole_hours()), "hour"),
            days => count(whole(days), "day"),
        };
        format!("renews about {day} {month}{year}; survives {survives} without the authority")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn in_one_line() {
        let now = datetime!(2026-12-15 12:00 UTC);
        let words = |length| {
            let life = Life {
                not_before: now,
                not_after: now + length,
            };
            outlook(life, None, 0, Duration::hours(13)).words(now)
        };
        for (length, expected) in [
            (
                Duration::days(64),
                "renews about 27 January; survives 20 days without the authority",
            ),
            (
                Duration::hours(160),
                "renews about 18 December; survives 2 days without the authority",
            ),
            (
                Duration::DAY,
                "renews about 16 December; survives 0 hours without the authority",
            ),
            (
                Duration::days(398),
                "renews about 6 September 2027; survives 132 days without the authority",
            ),
        ] {
            assert_eq!(words(length), expected);
        }
    }
}
