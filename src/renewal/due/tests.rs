use super::super::history::Attempt;
use super::super::moment::Rule;
use super::*;
use time::macros::datetime;

const START: OffsetDateTime = datetime!(2027-02-10 3:00 UTC);
const LIFE: Life = Life {
    not_before: START,
    not_after: datetime!(2027-05-11 3:00 UTC),
};
const DUE: OffsetDateTime = datetime!(2027-04-11 3:00 UTC);

fn look(now: OffsetDateTime) -> Look {
    Look {
        now,
        clock_ahead: None,
        interval: Duration::hours(12),
        is_asked: false,
    }
}

fn decided(history: &History, look: &Look) -> Decision {
    let known = Known {
        life: LIFE,
        ca: None,
        draw: 0,
        history,
    };
    due(&known, look)
}

fn after(outcome: Outcome, at: &[OffsetDateTime]) -> History {
    let mut history = History::default();
    for at in at {
        history.note(Attempt {
            at: *at,
            outcome,
            is_issued: matches!(outcome, Outcome::Renewed | Outcome::NotInstalled),
            why: None,
        });
    }
    history
}

#[test]
fn by_its_life() {
    let none = History::default();
    for (now, renews, reason) in [
        (START, false, Reason::NotDue),
        (DUE - Duration::hours(13), false, Reason::NotDue),
        (DUE - Duration::hours(11), true, Reason::DueBeforeNextLook),
        (DUE, true, Reason::Due),
        // The machine slept for a month, and a year.
        (DUE + Duration::days(31), true, Reason::Due),
        (DUE + Duration::days(365), true, Reason::Due),
    ] {
        let decision = decided(&none, &look(now));
        assert_eq!((decision.renews, decision.reason), (renews, reason), "{now}");
        assert_eq!(decision.due.rule, Rule::TwoThirds);
        assert_eq!(decision.next, if renews { now } else { DUE }, "{now}");
    }
}

#[test]
fn a_window_that_was_moved_into_the_past_means_now() {
    let told = RenewalInfo {
        start: START - Duration::DAY,
        end: START - Duration::HOUR,
        explanation: None,
        retry_after: None,
    };
    let known = Known {
        life: LIFE,
        ca: Some(&told),
        draw: 9,
        history: &History::default(),
    };
    let decision = due(&known, &look(START + Duration::DAY));
    assert_eq!((decision.renews, decision.due.rule), (true, Rule::Ca));
}

#[test]
fn the_clock_of_the_ca_counts() {
    let none = History::default();
    for (ahead, renews) in [(0, true), (1, false), (-1, true), (365, false)] {
        let ahead = Duration::days(ahead);
        let told = Look {
            clock_ahead: Some(ahead),
            ..look(DUE)
        };
        assert_eq!(decided(&none, &told).renews, renews, "{ahead}");
    }
    let a_little = Look {
        clock_ahead: Some(Duration::minutes(4)),
        ..look(DUE)
    };
    assert_eq!(decided(&none, &a_little).next, DUE);
}

#[test]
fn failures_are_followed_by_longer_and_longer_waits() {
    for (outcome, count, wait) in [
        (Outcome::Refused, 1, Duration::MINUTE),
        (Outcome::Refused, 2, Duration::minutes(10)),
        (Outcome::Refused, 9, Duration::HOUR),
        (Outcome::Refused, 10, Duration::DAY),
        (Outcome::Unreachable, 1, Duration::MINUTE),
        (Outcome::Unreachable, 99, Duration::HOUR),
        (Outcome::RateLimited, 1, Duration::HOUR),
        (Outcome::NotInstalled, 2, Duration::minutes(10)),
    ] {
        let at: Vec<OffsetDateTime> = (0..count)
            .map(|day| DUE - Duration::days(7 * (count - 1 - day)))
            .collect();
        let history = after(outcome, &at);
        let decision = decided(&history, &look(DUE));
        assert_eq!(decision.reason, Reason::FailedJustNow, "{outcome:?} {count}");
        assert_eq!(decision.next, DUE + wait, "{outcome:?} {count}");
        assert!(decided(&history, &look(DUE + wait)).renews, "{outcome:?} {count}");
        let asked = Look {
            is_asked: true,
            ..look(DUE)
        };
        assert_eq!(decided(&history, &asked).reason, Reason::Asked);
    }
}

#[test]
fn a_success_ends_a_row_of_failures() {
    let mut history = after(Outcome::Refused, &[DUE - Duration::MINUTE; 12]);
    let Decision { reason, .. } = decided(&history, &look(DUE));
    assert_eq!(reason, Reason::FailedJustNow);
    history.attempts[11].outcome = Outcome::Renewed;
    assert!(history.failures_in_a_row().is_empty());
}

#[test]
fn three_refusals_an_hour_whoever_asks() {
    let history = after(
        Outcome::Refused,
        &[0, 1, 11].map(|minute| DUE + Duration::minutes(minute)),
    );
    for is_asked in [false, true] {
        let look = Look {
            is_asked,
            ..look(DUE + Duration::minutes(12))
        };
        let decision = decided(&history, &look);
        assert!(!decision.renews);
        // Whoever is not asked waits for an hour after the last.
        let (reason, after) = match is_asked {
            true => (Reason::TooManyRefusals, 60),
            false => (Reason::FailedJustNow, 71),
        };
        assert_eq!(
            (decision.reason, decision.next),
            (reason, DUE + Duration::minutes(after))
        );
    }
}

#[test]
fn a_ca_that_wants_to_be_left_alone_is_left_alone_whoever_asks() {
    let mut history = History::default();
    history.leave_alone(DUE, std::time::Duration::from_secs(3 * 86400));
    for is_asked in [false, true] {
        let at = |after| {
            decided(
                &history,
                &Look {
                    is_asked,
                    ..look(DUE + after)
                },
            )
        };
        let decision = at(Duration::days(2));
        assert_eq!((decision.renews, decision.reason), (false, Reason::CaWantsQuiet));
        assert_eq!(decision.next, DUE + Duration::days(3));
        assert!(at(Duration::days(3)).renews);
    }
}

#[test]
fn the_last_certificate_of_a_week_is_for_people_and_for_the_last_days() {
    let issued = |now: OffsetDateTime, count| {
        let at: Vec<OffsetDateTime> = (0..count)
            .map(|hour| now - Duration::days(6) + Duration::hours(hour))
            .collect();
        after(Outcome::NotInstalled, &at)
    };
    let asked = |now| Look {
        is_asked: true,
        ..look(now)
    };
    assert!(decided(&issued(DUE, 3), &look(DUE)).renews);
    let decision = decided(&issued(DUE, 4), &look(DUE));
    assert_eq!((decision.renews, decision.reason), (false, Reason::TooManyEqual));
    assert_eq!(decision.next, DUE + Duration::DAY);
    assert!(decided(&issued(DUE, 4), &asked(DUE)).renews);
    assert!(!decided(&issued(DUE, 5), &asked(DUE)).renews);
    let late = LIFE.not_after - Duration::days(2);
    assert!(decided(&issued(late, 4), &look(late)).renews);
    assert!(!decided(&issued(late, 5), &look(late)).renews);
}

#[test]
fn a_history_of_the_future_keeps_nobody_waiting() {
    let history = after(Outcome::Refused, &[DUE + Duration::days(300); 9]);
    assert!(decided(&history, &look(DUE)).renews);
}

#[test]
fn the_clock_of_the_ca_is_remembered() {
    let mut history = History::default();
    history.note_clock(-Duration::days(2));
    assert!(decided(&history, &look(DUE - Duration::days(2))).renews);
    // Until it is asked again.
    let asked = Look {
        clock_ahead: Some(Duration::ZERO),
        ..look(DUE - Duration::days(2))
    };
    assert!(!decided(&history, &asked).renews);
}
