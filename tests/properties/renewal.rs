//! Ten years of renewals, with everything that may happen in them. What must hold is counted from the events alone, by none
//! of the code that decides.
//!
//! What is claimed, exactly: from the moment at which a certificate is due, and one look later, it is over only where since
//! then, without a gap in which an attempt could have been made and repeated, the machine slept, the CA gave no answer,
//! refused or wanted to be left alone; where the clock is a day wrong at some time, a day and a look more. No hour of true
//! time has more than three refusals or six attempts that fail, no week more than five new certificates, and no attempt falls into a time in which the
//! CA wanted to be left alone. A CA that recalls its certificates more often than about once a week is not tried.

use esync_ssl::renewal::simulation::{Event, Period, Scenario, What};
use esync_ssl::renewal::{INTERVAL, Life, Outcome, when};
use proptest::collection::vec;
use proptest::prelude::*;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};

use crate::generated::config;

const START: OffsetDateTime = datetime!(2026-12-01 0:00 UTC);
const YEARS: i64 = 10;
const END: OffsetDateTime = datetime!(2036-12-01 0:00 UTC);

/// How long certificates live: what CAs make today and have said that they will make.
const LIVES: [Duration; 4] = [
    Duration::days(90),
    Duration::days(64),
    Duration::days(47),
    Duration::hours(160),
];

fn moment() -> impl Strategy<Value = OffsetDateTime> {
    (0..YEARS * 365 * 24 * 60).prop_map(|minute| START + Duration::minutes(minute))
}

/// Up to so many times, each up to this long.
fn periods(most: usize, hours: i64) -> impl Strategy<Value = Vec<Period>> {
    let one = (moment(), 1..=hours).prop_map(|(from, hours)| (from, from + Duration::hours(hours)));
    vec(one, 0..=most)
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let ca = (
        vec((moment(), 0..LIVES.len()), 0..4),
        prop_oneof![Just(None), Just(Some(2)), Just(Some(20))],
        vec(moment(), 0..6),
    );
    let faults = (
        periods(12, 240),
        periods(12, 240),
        vec((periods(1, 72), 1_i64..72), 0..6),
        periods(6, 31 * 24),
        vec((moment(), 1_i64..90, any::<bool>()), 0..6),
    );
    (0..LIVES.len(), ca, faults).prop_map(|(first, ca, faults)| {
        let (lives, tells, recalls) = ca;
        let (outages, refusals, limits, asleep, clock) = faults;
        let life = Life {
            not_before: START,
            not_after: START + LIVES[first],
        };
        let mut scenario = Scenario::new(life, (START, END));
        scenario
            .lives
            .extend(lives.iter().map(|(from, life)| (*from, LIVES[*life])));
        scenario.lives.sort();
        scenario.limits = limits
            .into_iter()
            .flat_map(|(periods, hours)| periods.into_iter().map(move |one| (one, Duration::hours(hours))))
            .collect();
        scenario.clock = clock
            .into_iter()
            .map(|(from, days, is_ahead)| {
                let ahead = if is_ahead { Duration::DAY } else { -Duration::DAY };
                ((from, from + Duration::days(days)), ahead)
            })
            .collect();
        Scenario {
            tells,
            recalls,
            outages,
            refusals,
            asleep,
            ..scenario
        }
    })
}

/// How many of these moments, which are in their order, fall into the same time at most.
fn most_within(time: Duration, moments: &[OffsetDateTime]) -> usize {
    let count = |(number, from): (usize, &OffsetDateTime)| {
        let later = moments[number..].iter();
        later.take_while(|at| **at < *from + time).count()
    };
    moments.iter().enumerate().map(count).max().unwrap_or_default()
}

fn is_over(what: What) -> bool {
    what == What::Over
}

fn at(events: &[Event], is_it: impl Fn(What) -> bool) -> Vec<OffsetDateTime> {
    events
        .iter()
        .filter(|event| is_it(event.what))
        .map(|event| event.at)
        .collect()
}

/// The times in which no attempt could succeed, each until somebody has looked again and tried.
fn obstacles(scenario: &Scenario) -> Vec<Period> {
    let look = scenario.interval + Duration::HOUR;
    let simple = [&scenario.outages, &scenario.asleep].into_iter().flatten();
    let simple = simple.map(|(from, to)| (*from, *to + look));
    // After many refusals it is tried once a day.
    let refusals = scenario.refusals.iter();
    let refusals = refusals.map(|(from, to)| (*from, *to + Duration::DAY + look));
    let limits = scenario.limits.iter();
    let limits = limits.map(|((from, to), wait)| (*from, *to + *wait + look));
    let mut all: Vec<Period> = simple.chain(refusals).chain(limits).collect();
    all.sort();
    all
}

/// Until when one obstacle follows upon another from a moment on.
fn covered_until(from: OffsetDateTime, obstacles: &[Period]) -> OffsetDateTime {
    obstacles
        .iter()
        .fold(from, |until, (begins, ends)| match *begins <= until {
            true => until.max(*ends),
            false => until,
        })
}

/// Every time in which a certificate was over: when it was due by its life, and when the next was served.
fn too_late(scenario: &Scenario, events: &[Event]) -> Vec<(OffsetDateTime, OffsetDateTime)> {
    let (mut life, mut is_over, mut found) = (scenario.served, false, Vec::new());
    let latest = |life: Life| match scenario.tells {
        // Within its window.
        Some(hundredths) => when(life, None, 0).at + life.length() / 200 * hundredths,
        None => when(life, None, 0).at,
    };
    for event in events {
        match event.what {
            What::Over => is_over = true,
            What::Served(next, _) => {
                if is_over {
                    found.push((latest(life), event.at));
                }
                (life, is_over) = (next, false);
            }
            _ => {}
        }
    }
    if is_over {
        found.push((latest(life), scenario.time.1));
    }
    found
}

fn holds(scenario: &Scenario) -> Result<(), TestCaseError> {
    let events = scenario.run();
    let refused = at(&events, |what| what == What::Failed(Outcome::Refused));
    prop_assert!(most_within(Duration::HOUR, &refused) <= 3, "{refused:?}");
    let failed = at(&events, |what| matches!(what, What::Failed(_)));
    prop_assert!(most_within(Duration::HOUR, &failed) <= 6, "{failed:?}");
    let made = at(&events, |what| what == What::Made);
    prop_assert!(most_within(Duration::WEEK, &made) <= 5, "{made:?}");
    for limited in at(&events, |what| what == What::Failed(Outcome::RateLimited)) {
        let limit = scenario
            .limits
            .iter()
            .find(|((from, to), _)| *from <= limited && limited < *to);
        let quiet = limit.map_or(Duration::ZERO, |(_, wait)| *wait);
        // Whoever cannot reach the CA does not disturb it.
        let disturbs = |what| !matches!(what, What::Over | What::Failed(Outcome::Unreachable));
        let after = at(&events, disturbs);
        let early = after.iter().find(|at| limited < **at && **at < limited + quiet);
        prop_assert_eq!(early, None, "asked at {} to wait for {}", limited, quiet);
    }
    let obstacles = obstacles(scenario);
    // A clock that is behind is noticed when the CA is asked; what is not valid by it does not wait until the old one is over.
    let clock = match scenario.clock.is_empty() {
        true => Duration::ZERO,
        false => Duration::DAY + scenario.interval,
    };
    for (due, renewed) in too_late(scenario, &events) {
        let covered = covered_until(due + scenario.interval + clock, &obstacles);
        prop_assert!(
            renewed <= covered,
            "due {}, renewed {}, excused until {}",
            due,
            renewed,
            covered
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn ten_years_with_everything_that_may_happen(scenario in scenario()) {
        holds(&scenario)?;
    }
}

/// The life that is served changes with what the CA makes.
#[test]
fn ten_quiet_years_of_every_life() {
    for life in LIVES {
        for tells in [None, Some(2)] {
            let served = Life {
                not_before: START,
                not_after: START + life,
            };
            let scenario = Scenario {
                tells,
                ..Scenario::new(served, (START, END))
            };
            let events = scenario.run();
            holds(&scenario).expect("what must hold");
            assert!(at(&events, is_over).is_empty(), "{life}");
            let renewed = at(&events, |what| matches!(what, What::Served(..))).len();
            let share: Duration = if life < Duration::days(10) {
                life / 2
            } else {
                life / 3 * 2
            };
            let most = (END - START).whole_hours() / (share - INTERVAL - Duration::HOUR).whole_hours() + 1;
            let least = (END - START).whole_hours() / (share + INTERVAL).whole_hours() - 1;
            let renewed = i64::try_from(renewed).expect("a small number");
            assert!(
                (least..=most).contains(&renewed),
                "{renewed} of {least} to {most}: {life}"
            );
        }
    }
}

/// Nothing of ten days brings down a certificate of 47 days or more, whenever it begins.
#[test]
fn ten_days_without_the_ca() {
    for life in &LIVES[..3] {
        for day in 0..life.whole_days() {
            let from = START + Duration::days(100 + day);
            let outage = (from, from + Duration::days(10));
            let served = Life {
                not_before: START,
                not_after: START + *life,
            };
            let end = START + Duration::days(400);
            let quiet = Scenario::new(served, (START, end));
            let silent = Scenario {
                outages: vec![outage],
                ..quiet.clone()
            };
            let refusing = Scenario {
                refusals: vec![outage],
                ..quiet
            };
            for scenario in [silent, refusing] {
                assert!(at(&scenario.run(), is_over).is_empty(), "{life} {day}");
            }
        }
    }
}

/// Six days are over in an outage of ten, and are renewed when somebody looks after it: within half a day.
#[test]
fn six_days_do_not_survive_ten_without_the_ca() {
    let served = Life {
        not_before: START,
        not_after: START + LIVES[3],
    };
    let mut scenario = Scenario::new(served, (START, START + Duration::days(60)));
    let ends = START + Duration::days(30);
    scenario.outages = vec![(ends - Duration::days(10), ends)];
    let events = scenario.run();
    assert_eq!(at(&events, is_over).len(), 1);
    let served = at(&events, |what| matches!(what, What::Served(..)));
    let next = served.iter().find(|at| **at >= ends).expect("the next");
    assert!(*next - ends <= INTERVAL, "{}", *next - ends);
}

/// What was told to be wrong with all certificates is renewed at the next look after it was asked about.
#[test]
fn a_recall_is_followed_within_a_day() {
    let served = Life {
        not_before: START,
        not_after: START + LIVES[0],
    };
    let mut scenario = Scenario::new(served, (START, START + Duration::days(20)));
    let recall = START + Duration::days(10);
    (scenario.tells, scenario.recalls) = (Some(2), vec![recall]);
    let events = scenario.run();
    let renewed = at(&events, |what| matches!(what, What::Served(..)));
    assert_eq!(renewed.len(), 1);
    assert!(
        renewed[0] >= recall && renewed[0] - recall <= INTERVAL,
        "{renewed:?}"
    );
}
