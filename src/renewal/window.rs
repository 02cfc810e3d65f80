//! When a renewed certificate may be installed: restarts at some places must happen at night.

use std::fmt;
use std::str::FromStr;

use time::{Duration, OffsetDateTime, Time};

use super::moment::Life;

/// A time of the day in which servers may be restarted, by the clock on the wall; it may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    from: Time,
    to: Time,
}

/// When to install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Install {
    /// Now: the window is open, or there is none.
    Now,
    /// Now, although the window is closed: the old certificate would be too near to its end.
    NowOrNever,
    /// When the window opens.
    At(OffsetDateTime),
}

/// What stays at least of the old certificate's life when its successor waits for a window. Of a short life, an eighth.
const RESERVE: Duration = Duration::days(2);

/// When to install the successor of a certificate of this life. `now` is in the time zone of the machine.
pub fn install(window: Option<Window>, old: Life, now: OffsetDateTime) -> Install {
    let Some(window) = window else {
        return Install::Now;
    };
    if window.has(now.time()) {
        return Install::Now;
    }
    let opens = window.opens_after(now);
    let reserve = Duration::min(RESERVE, old.length() / 8);
    // Nobody may look just then, but surely before the one after it.
    match old.rest(opens) < reserve.saturating_add(Duration::DAY.min(reserve)) {
        true => Install::NowOrNever,
        false => Install::At(opens),
    }
}

impl Window {
    /// Whether it is open.
    pub fn has(self, time: Time) -> bool {
        match self.from <= self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        }
    }

    /// When it opens the next time, if it is not open.
    fn opens_after(self, now: OffsetDateTime) -> OffsetDateTime {
        let today = now.replace_time(self.from);
        match today > now {
            true => today,
            false => today.saturating_add(Duration::DAY),
        }
    }

    /// The minute of the day at which it opens, and for how many minutes it is open.
    pub fn minutes(self) -> (u32, u32) {
        let minute = |time: Time| u32::from(time.hour()) * 60 + u32::from(time.minute());
        let (from, to) = (minute(self.from), minute(self.to));
        (from, (to + 24 * 60 - from) % (24 * 60))
    }
}

impl FromStr for Window {
    type Err = String;

    /// `02:00-05:00`.
    fn from_str(text: &str) -> Result<Window, String> {
        let wrong = || "give two times of the day, for example 02:00-05:00".to_owned();
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (
            time_of_day(from).ok_or_else(wrong)?,
            time_of_day(to).ok_or_else(wrong)?,
        );
        match from == to {
            true => Err(format!("{text} is empty; {}", wrong())),
            false => Ok(Window { from, to }),
        }
    }
}

fn time_of_day(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let is_number =
        |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || minute.len() != 2 || !is_number(minute) {
        return None;
    }
    Time::from_hms(hour.parse().ok()?, minute.parse().ok()?, 0).ok()
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Window { from, to } = self;
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from.hour(),
            from.minute(),
            to.hour(),
            to.minute()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const NIGHT: &str = "02:00-05:00";

    fn at(window: &str, rest: Duration, length: Duration, now: OffsetDateTime) -> Install {
        let old = Life {
            not_before: now + rest - length,
            not_after: now + rest,
        };
        install(Some(window.parse().unwrap()), old, now)
    }

    #[test]
    fn in_the_window_or_before_it_is_too_late() {
        let (noon, night) = (datetime!(2027-03-01 12:00 +1), datetime!(2027-03-01 4:59 +1));
        let days = Duration::days;
        assert_eq!(at(NIGHT, days(30), days(90), night), Install::Now);
        let next = datetime!(2027-03-02 2:00 +1);
        assert_eq!(at(NIGHT, days(30), days(90), noon), Install::At(next));
        assert_eq!(at(NIGHT, days(3), days(90), noon), Install::NowOrNever);
        assert_eq!(at(NIGHT, -days(3), days(90), noon), Install::NowOrNever);
        // Half of six days.
        assert_eq!(at(NIGHT, days(3), days(6), noon), Install::At(next));
        assert_eq!(at(NIGHT, days(2), days(6), noon), Install::NowOrNever);
        assert_eq!(
            at(
                "22:00-04:00",
                days(9),
                days(90),
                night.replace_time(Time::MIDNIGHT)
            ),
            Install::Now
        );
    }

    #[test]
    fn from_when_and_for_how_long() {
        for (text, minutes) in [
            (NIGHT, (120, 180)),
            ("22:30-04:00", (1350, 330)),
            ("00:01-00:00", (1, 1439)),
        ] {
            assert_eq!(text.parse::<Window>().unwrap().minutes(), minutes);
        }
    }

    #[test]
    fn windows_as_people_type_them() {
        for (text, shown) in [
            (NIGHT, NIGHT),
            ("2:00 - 5:30", "02:00-05:30"),
            ("22:00-04:00", "22:00-04:00"),
        ] {
            assert_eq!(text.parse::<Window>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "2-5",
            "02:00",
            "02:00-02:00",
            "25:00-26:00",
            "02:60-03:00",
            "02:00-05:00-06:00",
            "+2:00-05:00",
        ] {
            text.parse::<Window>().unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn who_waits_does_not_wait_until_the_end(from in 0_u8..24, to in 0_u8..24, minute in 0_i64..1440, rest in 0_i64..10_000, length in 1_i64..130_000) {
            prop_assume!(from != to);
            let now = datetime!(2027-03-01 0:00 UTC) + Duration::minutes(minute);
            let (rest, length) = (Duration::minutes(rest), Duration::minutes(length));
            if let Install::At(when) = at(&format!("{from:02}:00-{to:02}:00"), rest, length, now) {
                prop_assert!(when > now && when - now <= Duration::DAY);
                prop_assert!(when < now + rest);
            }
        }
    }
}
