//! What is said of a certificate that ends, and of its renewal: one rule for files, for what is served, and for what is said
//! before anything else. How loud it is, [`urgency`] knows.

use time::{Date, OffsetDateTime};

use crate::finding::{Code, Finding, Severity};
use crate::renewal::{Life, Urgency, urgency};
use crate::wording::count;

/// A renewal that fails.
#[derive(Clone, Debug)]
pub struct Failing {
    /// What `renew` knows the certificate by.
    pub name: String,
    /// How often since the last that did not.
    pub times: usize,
    /// When it did last.
    pub last: Date,
    /// Why, in words.
    pub why: String,
    /// When it is tried next.
    pub next: Option<Date>,
}

impl Failing {
    /// In a sentence, without its full stop.
    pub fn words(&self) -> String {
        format!(
            "renewal failed {}, the last time on {}: {}",
            count(self.times, "time"),
            self.last,
            self.why.trim_end_matches('.')
        )
    }

    fn sentence(&self) -> String {
        let next = self
            .next
            .map_or(String::new(), |next| format!(" It is tried again on {next}."));
        format!("R{}.{next}", &self.words()[1..])
    }

    fn fix(&self) -> String {
        format!("Correct that, then: esync-ssl renew {} --now", self.name)
    }
}

/// What is to be said of a certificate with this life, if anything.
pub fn judge(life: Life, now: OffsetDateTime, failing: Option<&Failing>) -> Option<Finding> {
    let period = format!(
        "It is valid from {} to {}.",
        life.not_before.date(),
        life.not_after.date()
    );
    let told = |code, severity, summary: String, cause: String, fix: &str| {
        let cause = match failing {
            Some(failing) if cause.is_empty() => failing.sentence(),
            Some(failing) => format!("{cause} {}", failing.sentence()),
            None => cause,
        };
        let fix = failing.map_or_else(|| fix.to_owned(), Failing::fix);
        Some(Finding::new(code, severity, summary, cause, fix))
    };
    let (severity, fix) = match urgency(life, now) {
        Urgency::None => {
            let times = count(failing?.times, "time");
            let summary = format!("the renewal of the certificate failed {times}");
            return told(Code::RenewalFails, Severity::Advice, summary, String::new(), "");
        }
        Urgency::Over => {
            let summary = format!("the certificate expired on {}", life.not_after.date());
            let cause = format!("{period} Apache starts with it and does not warn.");
            return told(
                Code::CertExpired,
                Severity::BreaksClients,
                summary,
                cause,
                "Renew it.",
            );
        }
        Urgency::Notice => (Severity::Advice, "Renew it."),
        Urgency::Warning | Urgency::Error => (Severity::WorksButWrong, "Renew it now."),
    };
    let summary = format!(
        "the certificate expires in {}, on {}",
        rest(life, now),
        life.not_after.date()
    );
    told(Code::CertExpiresSoon, severity, summary, period, fix)
}

/// In hours where there are few.
fn rest(life: Life, now: OffsetDateTime) -> String {
    let hours = usize::try_from(life.rest(now).whole_hours()).unwrap_or_default();
    match hours {
        0..48 => count(hours, "hour"),
        _ => count(hours / 24, "day"),
    }
}

#[cfg(test)]
mod tests {
    use time::Duration;
    use time::macros::{date, datetime};

    use super::*;

    const END: OffsetDateTime = datetime!(2027-05-01 3:00 UTC);

    fn told(left: Duration, failing: Option<&Failing>) -> Option<(Code, Severity, String)> {
        let life = Life {
            not_before: END - Duration::days(90),
            not_after: END,
        };
        let finding = judge(life, END - left, failing)?;
        Some((
            finding.code,
            finding.severity,
            format!("{}. {}", finding.summary, finding.cause),
        ))
    }

    #[test]
    fn louder_with_less_life_and_the_renewal_that_fails_is_told_with_it() {
        let failing = Failing {
            name: "a.example".to_owned(),
            times: 3,
            last: date!(2027 - 04 - 20),
            why: "nobody answers.".to_owned(),
            next: Some(date!(2027 - 04 - 21)),
        };
        let words = "Renewal failed 3 times, the last time on 2027-04-20: nobody answers. It is tried again on 2027-04-21.";
        assert_eq!(told(Duration::days(31), None), None);
        let (code, severity, text) = told(Duration::days(31), Some(&failing)).unwrap();
        assert_eq!((code, severity), (Code::RenewalFails, Severity::Advice));
        assert_eq!(
            text,
            format!("the renewal of the certificate failed 3 times. {words}")
        );
        for (left, severity, rest) in [
            (Duration::days(30), Severity::Advice, "30 days"),
            (Duration::days(20), Severity::WorksButWrong, "20 days"),
            (Duration::hours(47), Severity::WorksButWrong, "47 hours"),
        ] {
            let (code, told_severity, text) = told(left, Some(&failing)).unwrap();
            assert_eq!((code, told_severity), (Code::CertExpiresSoon, severity));
            assert!(
                text.starts_with(&format!("the certificate expires in {rest}, on 2027-05-01. ")),
                "{text}"
            );
            assert!(text.ends_with(words), "{text}");
        }
        let (code, severity, text) = told(-Duration::DAY, None).unwrap();
        assert_eq!((code, severity), (Code::CertExpired, Severity::BreaksClients));
        assert!(
            text.starts_with("the certificate expired on 2027-05-01. "),
            "{text}"
        );
    }
}
