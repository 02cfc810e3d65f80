//! Years to come, from what is kept of this server's certificates and by the decisions that `renew` takes. What the CA and
//! the machine will do is given; nobody is asked, and nothing is written.

use std::str::FromStr;

use serde::Serialize;
use time::{Date, Duration, Month, OffsetDateTime};

use super::environment::{Where, World};
use super::failure::Failure;
use super::find::Loaded;
use super::names::file_name;
use super::obtain::{Managed, State, standing};
use super::progress::Progress;
use super::renew;
use crate::place::Moment;
use crate::renewal::simulation::{Scenario, What};
use crate::renewal::{INTERVAL, Life, draw, outlook};
use crate::shown::shown;

/// How far is looked at most.
const LONGEST: Duration = Duration::days(100 * 366);

/// What is to happen.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which certificates: names in them; all of them where none is given.
    pub names: Vec<String>,
    /// How far to look.
    pub span: Span,
    /// From a day on the authority makes certificates that live so long.
    pub lives: Vec<FromDay>,
    /// From a day on it gives no answer for so long.
    pub outages: Vec<FromDay>,
}

/// A length of time as people type it: `10y`, `64d`, `160h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(Duration);

/// Something that is so long, from a day on: `2027-02-10=64d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FromDay {
    day: Date,
    span: Span,
}

/// What would become of the certificates that came of an authority.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewSimulation"))]
pub struct Report {
    /// When it begins: now.
    pub from: Moment,
    /// When it ends.
    pub until: Moment,
    /// Each certificate, if somebody looks twice a day.
    pub simulated: Vec<Simulated>,
}

/// What would become of one.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewSimulated"))]
pub struct Simulated {
    /// What its files are called.
    pub name: String,
    /// What is to be expected of the one that is there: when it is renewed, and how long the authority may be gone then.
    pub outlook: String,
    /// When it would be renewed.
    pub renewals: Vec<Moment>,
    /// How many attempts would fail.
    pub failed_count: usize,
    /// When it would be over, and until when.
    pub too_late: Vec<TooLate>,
}

/// A time in which a certificate would be over.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewTooLate"))]
pub struct TooLate {
    /// The end of its life.
    pub from: Moment,
    /// When the next would be served; null where none would be until the end.
    pub until: Option<Moment>,
}

/// What programs are told of `renew`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RenewAnswer"))]
#[serde(untagged)]
pub enum Answer<'a> {
    /// Certificates were renewed, or looked at.
    Renewed(&'a renew::Report),
    /// With `--simulate`.
    Simulated(&'a Report),
}

impl Report {
    /// Whether one of them would be over.
    pub fn is_too_late(&self) -> bool {
        self.simulated.iter().any(|one| !one.too_late.is_empty())
    }
}

/// Simulates.
///
/// # Errors
/// When a file cannot be used.
pub fn run(
    request: &Request,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let state = State::of(&loaded, world.disk);
    let now = (world.now)();
    let until = now.saturating_add(request.span.0.min(LONGEST));
    let mut simulated = Vec::new();
    for name in state.all_managed() {
        let Some(managed) = state.managed(&name)? else {
            continue;
        };
        let names = &managed.installed.names;
        let is_meant = |asked: &String| name == file_name(asked) || names.contains(asked);
        // When others order is not known here.
        if managed.installed.source.is_some() {
            continue;
        }
        if request.names.is_empty() || request.names.iter().any(is_meant) {
            simulated.extend(simulate(request, (name, &managed), (now, until)));
        }
    }
    Ok(Report {
        from: Moment::from(now),
        until: Moment::from(until),
        simulated,
    })
}

/// One of them; nothing where its files are not ours any more.
fn simulate(
    request: &Request,
    (name, managed): (String, &Managed),
    time: (OffsetDateTime, OffsetDateTime),
) -> Option<Simulated> {
    let leaf = standing(&managed.installed).ok()?.leaf;
    let told = managed.told(&leaf).and_then(|told| told.info.clone());
    let plain = Scenario::new(Life::of(&leaf), time);
    let mut lives = plain.lives.clone();
    lives.extend(request.lives.iter().map(|one| (one.begins(), one.span.0)));
    lives.sort();
    let scenario = Scenario {
        lives,
        tells: told.as_ref().map(|_| 2),
        told: told.clone(),
        draw: draw(leaf.der()),
        history: managed.history.clone(),
        outages: request
            .outages
            .iter()
            .map(|one| (one.begins(), one.begins().saturating_add(one.span.0)))
            .collect(),
        ..plain
    };
    let mut found = Simulated {
        name: shown(name.as_ref()),
        outlook: outlook(scenario.served, told.as_ref(), scenario.draw, INTERVAL).words(time.0),
        renewals: Vec::new(),
        failed_count: 0,
        too_late: Vec::new(),
    };
    for event in scenario.run() {
        let at = Moment::from(event.at);
        match event.what {
            What::Served(..) => {
                found.renewals.push(at);
                if let Some(late) = found.too_late.last_mut() {
                    late.until.get_or_insert(at);
                }
            }
            What::Failed(_) => found.failed_count += 1,
            What::Over => found.too_late.push(TooLate {
                from: at,
                until: None,
            }),
            What::Made => {}
        }
    }
    Some(found)
}

impl FromDay {
    fn begins(self) -> OffsetDateTime {
        self.day.midnight().assume_utc()
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Span, String> {
        let wrong = || "give a number of hours, days, weeks or years, such as 160h, 64d or 10y".to_owned();
        let unit = text.chars().last().ok_or_else(wrong)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            'y' => 365 * 24 + 6,
            _ => return Err(wrong()),
        };
        let number = &text[..text.len() - 1];
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = number.parse().ok().filter(|_| is_number).ok_or_else(wrong)?;
        let span = number
            .checked_mul(hours)
            .map(|hours| hours.min(LONGEST.whole_hours()));
        match span.filter(|hours| *hours > 0) {
            Some(hours) => Ok(Span(Duration::hours(hours))),
            None => Err(wrong()),
        }
    }
}

impl FromStr for FromDay {
    type Err = String;

    fn from_str(text: &str) -> Result<FromDay, String> {
        let wrong = || "give a day and a length of time, such as 2027-02-10=64d".to_owned();
        let (day, span) = text.split_once('=').ok_or_else(wrong)?;
        let numbers: Vec<&str> = day.split('-').collect();
        let [year, month, day] = numbers[..] else {
            return Err(wrong());
        };
        let month: u8 = month.parse().map_err(|_| wrong())?;
        let month = Month::try_from(month).map_err(|_| wrong())?;
        let (year, day) = (year.parse().ok().filter(|year| *year > 1970), day.parse().ok());
        let (Some(year), Some(day)) = (year, day) else {
            return Err(wrong());
        };
        Ok(FromDay {
            day: Date::from_calendar_date(year, month, day).map_err(|_| wrong())?,
            span: span.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_type_them() {
        for (text, hours) in [
            ("160h", 160),
            ("64d", 1536),
            ("2w", 336),
            ("10y", 87660),
            ("99999999y", 100 * 366 * 24),
        ] {
            assert_eq!(text.parse(), Ok(Span(Duration::hours(hours))), "{text}");
        }
        for text in [
            "",
            "d",
            "0d",
            "-1d",
            "1",
            "1m",
            "1é",
            "99999999999999999999d",
            "9223372036854775807y",
        ] {
            text.parse::<Span>().unwrap_err();
        }
        let day: FromDay = "2027-02-10=64d".parse().unwrap();
        assert_eq!(day.begins(), time::macros::datetime!(2027-02-10 0:00 UTC));
        for text in [
            "2027-02-10",
            "2027-02-30=1d",
            "2027-13-01=1d",
            "27=1d",
            "2027-02-10=",
            "0-1-1=1d",
        ] {
            text.parse::<FromDay>().unwrap_err();
        }
    }
}
