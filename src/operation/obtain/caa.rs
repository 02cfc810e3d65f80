//! Which authorities a domain lets make certificates for it (CAA, RFC 8659): asked before the authority is, which would
//! refuse.

use std::time::Duration;

use super::super::failure::Failure;
use super::super::names::is_wildcard;
use super::wanted::Authority;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::deadline::Deadline;
use crate::server::dns::{Kind, lookup};
use crate::shown::sentence;

/// How long all names may take.
const PATIENCE: Duration = Duration::from_secs(6);
/// The bit that says that whoever does not know a property may make no certificate.
const CRITICAL: u8 = 0x80;

/// What the records say.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Ruling {
    Allowed,
    /// Where the record stands, and itself.
    Forbidden(String, String),
    /// Nobody answers.
    Unknown,
}

/// Refuses where the records of a name allow others only. The names of which it is not known.
///
/// # Errors
/// Refused, with the record.
pub fn refuse_forbidden(
    names: &[String],
    identities: &[String],
    authority: &Authority,
) -> Result<Vec<String>, Failure> {
    let mut unknown = Vec::new();
    let Some(own) = identities.first() else {
        return Ok(unknown);
    };
    let deadline = Deadline::within(PATIENCE);
    for name in names
        .iter()
        .filter(|name| name.parse::<std::net::IpAddr>().is_err())
    {
        match ruling(name, identities, &|at| lookup(at, Kind::Caa, deadline)) {
            Ruling::Allowed => {}
            Ruling::Unknown => unknown.push(name.clone()),
            Ruling::Forbidden(at, record) => {
                let cause = format!(
                    "{authority} may make no certificate for {name}: the CAA record of {at} says `{}`",
                    sentence(&record)
                );
                let fix = format!(
                    "add `{at}. CAA 0 issue \"{}\"` to the zone, or choose an authority that is allowed, with --ca",
                    sentence(own)
                );
                return Err(Failure::refused(Refusal::new(
                    RefusalCode::CaaForbids,
                    cause,
                    "; ",
                    fix,
                )));
            }
        }
    }
    Ok(unknown)
}

/// That it is not known of these names.
pub fn caa_unknown(names: &[String], authority: &Authority) -> String {
    format!(
        "note: no name server told whether CAA records of {} allow {authority}, which looks itself",
        names.join(", ")
    )
}

/// The records nearest to the name decide, be it the domain above it; where there are none, everybody may.
fn ruling(name: &str, identities: &[String], records: &dyn Fn(&str) -> Option<Vec<Vec<u8>>>) -> Ruling {
    let is_wildcard = is_wildcard(name);
    let mut at = name.trim_start_matches("*.").trim_end_matches('.');
    loop {
        let Some(found) = records(at) else {
            return Ruling::Unknown;
        };
        if !found.is_empty() {
            return of_records(at, &found, is_wildcard, identities);
        }
        match at.split_once('.') {
            Some((_, above)) => at = above,
            None => return Ruling::Allowed,
        }
    }
}

fn of_records(at: &str, records: &[Vec<u8>], is_wildcard: bool, identities: &[String]) -> Ruling {
    let all: Vec<Property> = records
        .iter()
        .filter_map(|record| Property::read(record))
        .collect();
    let forbidden = |property: &Property| Ruling::Forbidden(at.to_owned(), property.text());
    let known = [
        "issue",
        "issuewild",
        "iodef",
        "issuemail",
        "contactemail",
        "contactphone",
    ];
    let unknown = all
        .iter()
        .find(|property| property.flags & CRITICAL != 0 && !known.contains(&&*property.tag));
    if let Some(property) = unknown {
        return forbidden(property);
    }
    let of = |tag: &str| {
        all.iter()
            .filter(|property| property.tag == tag)
            .collect::<Vec<_>>()
    };
    // What is said of wildcards alone goes before what is said of all.
    let mut says = match is_wildcard {
        true => of("issuewild"),
        false => Vec::new(),
    };
    if says.is_empty() {
        says = of("issue");
    }
    let is_allowed = |property: &&Property| {
        let issuer = property.issuer();
        identities
            .iter()
            .any(|identity| identity.eq_ignore_ascii_case(issuer))
    };
    match says.first() {
        None => Ruling::Allowed,
        Some(_) if says.iter().any(is_allowed) => Ruling::Allowed,
        Some(first) => forbidden(first),
    }
}

/// One record.
struct Property {
    flags: u8,
    tag: String,
    value: String,
}

impl Property {
    fn read(record: &[u8]) -> Option<Property> {
        let (flags, rest) = record.split_first()?;
        let (length, rest) = rest.split_first()?;
        let (tag, value) = rest.split_at_checked(usize::from(*length))?;
        Some(Property {
            flags: *flags,
            tag: String::from_utf8_lossy(tag).to_ascii_lowercase(),
            value: String::from_utf8_lossy(value).into_owned(),
        })
    }

    /// Whom it allows: nobody where that is empty. What else it asks for is left to the authority.
    fn issuer(&self) -> &str {
        self.value
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .trim_end_matches('.')
    }

    /// As it stands in a zone.
    fn text(&self) -> String {
        format!("{} {} \"{}\"", self.flags, self.tag, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(flags: u8, tag: &str, value: &str) -> Vec<u8> {
        let length = u8::try_from(tag.len()).unwrap();
        [&[flags, length][..], tag.as_bytes(), value.as_bytes()].concat()
    }

    fn ruled(name: &str, zone: &[(&str, Vec<u8>)]) -> Ruling {
        let records = |at: &str| {
            let mine = zone.iter().filter(|(of, _)| *of == at);
            Some(mine.map(|(_, record)| record.clone()).collect())
        };
        ruling(name, &["ca.example".to_owned()], &records)
    }

    #[test]
    fn the_nearest_records_decide() {
        let other = record(0, "issue", "other.example; policy=ev");
        let ours = record(0, "issue", "CA.example ; accounturi=x");
        assert_eq!(ruled("a.b.example", &[]), Ruling::Allowed);
        assert_eq!(
            ruled("a.b.example", &[("b.example", other.clone())]),
            Ruling::Forbidden("b.example".into(), "0 issue \"other.example; policy=ev\"".into())
        );
        assert_eq!(
            ruled(
                "a.b.example",
                &[("a.b.example", ours.clone()), ("b.example", other.clone())]
            ),
            Ruling::Allowed
        );
        assert_eq!(
            ruled(
                "b.example",
                &[("b.example", other.clone()), ("b.example", ours.clone())]
            ),
            Ruling::Allowed
        );
        // Nobody at all, and a whole top-level domain.
        assert!(matches!(
            ruled("b.example", &[("b.example", record(0, "issue", ";"))]),
            Ruling::Forbidden(..)
        ));
        assert!(matches!(
            ruled("b.example", &[("example", other.clone())]),
            Ruling::Forbidden(..)
        ));
        // Other properties forbid nothing, unless they must be known.
        assert_eq!(
            ruled("b.example", &[("b.example", record(0, "iodef", "mailto:a@b"))]),
            Ruling::Allowed
        );
        assert!(matches!(
            ruled("b.example", &[("b.example", record(128, "new", ""))]),
            Ruling::Forbidden(..)
        ));
        assert_eq!(
            ruled("b.example", &[("b.example", vec![0, 9, b'x'])]),
            Ruling::Allowed
        );
    }

    #[test]
    fn wildcards_have_records_of_their_own() {
        let (ours, wild) = (record(0, "issue", "ca.example"), record(0, "issuewild", ";"));
        let zone = [("b.example", ours), ("b.example", wild)];
        assert_eq!(ruled("a.b.example", &zone), Ruling::Allowed);
        assert!(matches!(ruled("*.b.example", &zone), Ruling::Forbidden(..)));
        assert_eq!(ruled("*.b.example", &zone[..1]), Ruling::Allowed);
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert_eq!(
            ruling("a.example", &["ca.example".into()], &|_| None),
            Ruling::Unknown
        );
        assert!(
            refuse_forbidden(&["a.example".into()], &[], &Authority::LetsEncrypt)
                .unwrap()
                .is_empty()
        );
    }
}
