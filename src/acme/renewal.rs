//! When to renew: what the CA says (RFC 9773), else by the life of the certificate. In seconds, never in days: lives get
//! shorter every year.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::base64url;
use super::client::Client;
use super::error::Error;
use super::words::word;
use crate::tls;

/// A life below this is a short one: of it a third is too little to notice a fault and correct it.
const SHORT_LIFE: Duration = Duration::days(10);

/// When the CA wants a certificate to be renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RenewalInfo {
    /// Begin of the time in which to renew.
    #[serde(with = "written")]
    pub start: OffsetDateTime,
    /// Its end.
    #[serde(with = "written")]
    pub end: OffsetDateTime,
    /// Where the CA explains it, if it does; printable.
    pub explanation: Option<String>,
    /// Seconds until the CA may be asked again.
    pub retry_after: Option<u64>,
}

/// Moments as people read them in the stored file.
mod written {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    pub(super) fn serialize<S: Serializer>(moment: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&moment.format(&Rfc3339).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(from)?;
        OffsetDateTime::parse(&text, &Rfc3339).map_err(D::Error::custom)
    }
}

/// How the CA names a certificate (DER) when asked about it, and in `replaces`: key identifier of its issuer and serial
/// number, both as they stand there. `Err` where it has no key identifier of its issuer.
pub fn certificate_id(der: &[u8]) -> Result<String, Error> {
    let damaged = Error::Own(tls::Error::DamagedCertificate);
    let (_, read) = X509Certificate::from_der(der).map_err(|_| damaged.clone())?;
    let issuer = read
        .extensions()
        .iter()
        .find_map(|extension| match extension.parsed_extension() {
            ParsedExtension::AuthorityKeyIdentifier(issuer) => issuer.key_identifier.as_ref(),
            _ => None,
        });
    let issuer = issuer.ok_or(damaged)?;
    // The serial number keeps the zero byte in front that makes it positive.
    Ok(format!(
        "{}.{}",
        base64url::encode(issuer.0),
        base64url::encode(read.raw_serial())
    ))
}

impl Client<'_> {
    /// When the CA wants the certificate of this [`certificate_id`] to be renewed. `None` when it tells
    /// nothing of the kind; then, and when it does not know the certificate or gives no answer, its life decides.
    pub fn renewal_info(&self, id: &str) -> Result<Option<RenewalInfo>, Error> {
        let Some(base) = &self.directory().renewal_info else {
            return Ok(None);
        };
        let url = format!("{}/{id}", base.trim_end_matches('/'));
        let answer = self.get(&url)?;
        let value = answer.json()?;
        let window = value.get("suggestedWindow");
        let moment = |name: &str| {
            let text = window
                .and_then(|window| window.get(name))
                .and_then(Value::as_str)?;
            OffsetDateTime::parse(text, &Rfc3339).ok()
        };
        let (Some(start), Some(end)) = (moment("start"), moment("end")) else {
            return Err(Error::unexpected(
                &url,
                "the answer has no time in which to renew",
            ));
        };
        if end <= start {
            return Err(Error::unexpected(
                &url,
                "the time in which to renew ends before it begins",
            ));
        }
        Ok(Some(RenewalInfo {
            start,
            end,
            explanation: value.get("explanationURL").and_then(Value::as_str).map(word),
            retry_after: answer.retry_after.map(|wait| wait.as_secs()),
        }))
    }
}

/// When to renew, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The moment.
    pub at: OffsetDateTime,
    /// Who says so.
    pub rule: Rule,
}

/// Who says when to renew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The CA.
    Ca,
    /// Two thirds of its life are over.
    TwoThirds,
    /// Half of its short life is over.
    Half,
}

/// When to renew a certificate of this life. `draw` chooses a moment in the CA's window, so that not all its customers come
/// at once: any number, drawn once and stored with the window.
pub fn when(
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    ca: Option<&RenewalInfo>,
    draw: u32,
) -> Renewal {
    if let Some(RenewalInfo { start, end, .. }) = ca {
        let length = (*end - *start).max(Duration::ZERO);
        // Whole seconds by integers: exact for any window.
        let share = i128::from(length.whole_seconds()) * i128::from(draw) / (i128::from(u32::MAX) + 1);
        let at = start.checked_add(Duration::seconds(i64::try_from(share).unwrap_or(0)));
        return Renewal {
            at: at.unwrap_or(*start),
            rule: Rule::Ca,
        };
    }
    let life = (not_after - not_before).max(Duration::ZERO);
    let (share, rule) = match life < SHORT_LIFE {
        true => (life / 2, Rule::Half),
        false => (life / 3 * 2, Rule::TwoThirds),
    };
    Renewal {
        at: not_before.checked_add(share).unwrap_or(not_after),
        rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::datetime;

    const START: OffsetDateTime = datetime!(2026-03-01 12:00 UTC);

    fn info(start: OffsetDateTime, length: Duration) -> RenewalInfo {
        RenewalInfo {
            start,
            end: start + length,
            explanation: None,
            retry_after: Some(21600),
        }
    }

    #[test]
    fn without_the_ca_the_life_decides() {
        let renew = |life| when(START, START + life, None, 7);
        for (life, at, rule) in [
            (Duration::days(90), Duration::days(60), Rule::TwoThirds),
            (Duration::days(47), Duration::hours(752), Rule::TwoThirds),
            (Duration::days(10), Duration::hours(160), Rule::TwoThirds),
            (Duration::hours(160), Duration::hours(80), Rule::Half),
            (Duration::hours(6), Duration::hours(3), Rule::Half),
            (Duration::ZERO, Duration::ZERO, Rule::Half),
            (-Duration::DAY, Duration::ZERO, Rule::Half),
        ] {
            assert_eq!(renew(life), Renewal { at: START + at, rule }, "{life}");
        }
    }

    #[test]
    fn what_the_ca_says_goes_first() {
        let told = info(START + Duration::days(5), Duration::days(2));
        let renew = |draw| when(START, START + Duration::days(90), Some(&told), draw);
        assert_eq!(renew(0).at, told.start);
        assert_eq!(renew(1 << 31).at, told.start + Duration::DAY);
        assert!(renew(u32::MAX).at < told.end);
        assert_eq!(renew(0).rule, Rule::Ca);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let told = info(START, Duration::HOUR);
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.contains("2026-03-01T12:00:00Z"), "{text}");
        assert_eq!(serde_json::from_str::<RenewalInfo>(&text).unwrap(), told);
    }

    proptest! {
        #[test]
        fn it_is_within_the_life_or_the_window(life in 1_i64..400_000_000, from in -99_999_i64..99_999, length in 1_i64..9_999_999, draw: u32) {
            let end = START + Duration::seconds(life);
            let own = when(START, end, None, draw).at;
            prop_assert!(START <= own && own < end);
            let told = info(START + Duration::seconds(from), Duration::seconds(length));
            let theirs = when(START, end, Some(&told), draw).at;
            prop_assert!(told.start <= theirs && theirs < told.end);
        }
    }
}
