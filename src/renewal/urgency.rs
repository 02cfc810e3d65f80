//! How loudly it is said that a certificate ends soon: louder with less life.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::moment::Life;

/// How urgent it is, the calmest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Urgency {
    /// More than a third of its life is left: nothing is said.
    None,
    /// A third is left, 90 days at most: it is to be renewed.
    Notice,
    /// A quarter is left, 30 days at most: renewal is late.
    Warning,
    /// An eighth is left, 14 days at most, or less than three days: somebody has to do something.
    Error,
    /// It is over.
    Over,
}

/// Less than this is urgent, however long the life was; but no more than a sixth of a short one, which is to be renewed
/// with less left than that of others.
const DAYS: Duration = Duration::days(3);

/// However long a life was, nobody is told earlier: of ten years a third is no news.
const EARLIEST: [Duration; 3] = [Duration::days(90), Duration::days(30), Duration::days(14)];

/// How urgent the renewal of a certificate is.
pub fn urgency(life: Life, now: OffsetDateTime) -> Urgency {
    let (length, rest) = (life.length(), life.rest(now));
    let [notice, warning, error] = EARLIEST;
    let urgent = Duration::max(error.min(length / 8), DAYS.min(length / 6));
    match rest {
        rest if rest < Duration::ZERO => Urgency::Over,
        rest if rest <= urgent => Urgency::Error,
        rest if rest <= warning.min(length / 4) => Urgency::Warning,
        rest if rest <= notice.min(length / 3) => Urgency::Notice,
        _ => Urgency::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2027-02-10 3:00 UTC);

    fn with_rest(length: Duration, rest: Duration) -> Urgency {
        let life = Life {
            not_before: START,
            not_after: START + length,
        };
        urgency(life, life.not_after - rest)
    }

    #[test]
    fn louder_with_less_life() {
        let (days, hours) = (Duration::days, Duration::hours);
        for (length, rest, expected) in [
            (days(90), days(31), Urgency::None),
            (days(90), days(30), Urgency::Notice),
            (days(90), days(23), Urgency::Notice),
            (days(90), days(22), Urgency::Warning),
            (days(90), days(12), Urgency::Warning),
            (days(90), days(11), Urgency::Error),
            (days(64), days(8), Urgency::Error),
            (days(20), hours(72), Urgency::Error),
            (days(20), hours(73), Urgency::Warning),
            (hours(160), hours(54), Urgency::None),
            (hours(160), hours(50), Urgency::Notice),
            (hours(160), hours(30), Urgency::Warning),
            (hours(160), hours(26), Urgency::Error),
            (days(3650), days(91), Urgency::None),
            (days(3650), days(90), Urgency::Notice),
            (days(3650), days(30), Urgency::Warning),
            (days(398), days(14), Urgency::Error),
            (days(90), Duration::ZERO, Urgency::Error),
            (days(90), -Duration::SECOND, Urgency::Over),
        ] {
            assert_eq!(with_rest(length, rest), expected, "{rest} of {length}");
        }
    }

    proptest! {
        #[test]
        fn it_never_gets_calmer(length in 1_i64..400_000_000, first in 0_i64..400_000_000, later in 0_i64..1_000_000) {
            let length = Duration::seconds(length);
            let (first, later) = (Duration::seconds(first), Duration::seconds(later));
            prop_assert!(with_rest(length, first) <= with_rest(length, first - later));
        }
    }
}
