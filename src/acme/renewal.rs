//! When the CA wants a certificate to be renewed (RFC 9773).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use x509_parser::extensions::ParsedExtension;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::base64url;
use super::client::Client;
use super::error::Error;
use super::words::word;
use crate::tls;

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

/// Moments as people read them in stored files.
pub(crate) mod written {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serializer};
    use time::OffsetDateTime;
    use time::format_description::well_known::Rfc3339;

    pub(crate) fn serialize<S: Serializer>(moment: &OffsetDateTime, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&moment.format(&Rfc3339).map_err(S::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<OffsetDateTime, D::Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;
    use time::macros::datetime;

    #[test]
    fn what_is_stored_is_read_again() {
        let start = datetime!(2026-03-01 12:00 UTC);
        let told = RenewalInfo {
            start,
            end: start + Duration::HOUR,
            explanation: None,
            retry_after: Some(21600),
        };
        let text = serde_json::to_string(&told).unwrap();
        assert!(text.contains("2026-03-01T12:00:00Z"), "{text}");
        assert_eq!(serde_json::from_str::<RenewalInfo>(&text).unwrap(), told);
    }
}
