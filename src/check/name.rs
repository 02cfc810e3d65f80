//! Rules for names: the certificate must be good for what clients type.
//!
//! Clients look at subject alternative names only; Apache's own warning (AH01909) counts the common name and
//! overlooks addresses, so it is wrong in both directions.

use super::question::Question;
use crate::finding::{Code, Finding, Severity};
use crate::httpd::is_nobodys;
use crate::tls::certificate::Certificate;
use crate::tls::name::{Coverage, Miss, Name, coverage};

pub(super) fn check(question: &Question<'_>, leaf: &Certificate, findings: &mut Vec<Finding>) {
    let path = &question.files.certificate.path;
    let first = question.server_name.map(|name| (name, true));
    let rest = question.aliases.iter().map(|name| (name.as_str(), false));
    let mut covered = false;
    let mut missed = Vec::new();
    for (text, is_server_name) in first.into_iter().chain(rest) {
        if is_server_name && is_nobodys(text) {
            findings.push(apache_warns(text).at(path, None));
            continue;
        }
        if !text.is_ascii() {
            let ascii = Name::parse(text).map_or_else(|_| "its xn-- form".into(), |name| name.to_string());
            findings.push(Finding::new(
                Code::NameUnicode,
                Severity::WorksButWrong,
                format!("{text} is written in Unicode"),
                "Clients and certificates use the form with xn--, so Apache never sees this name.",
                format!("Write {ascii} instead."),
            ));
        }
        let name = match Name::parse(text) {
            Ok(name) => name,
            Err(error) => {
                findings.push(Finding::new(
                    Code::NameInvalid,
                    Severity::WorksButWrong,
                    format!("{text:?} cannot be in a certificate"),
                    error.to_string(),
                    "Correct ServerName or ServerAlias.",
                ));
                continue;
            }
        };
        match coverage(leaf, &name) {
            Coverage::Covered(_) => {
                covered = true;
                if is_server_name && matches!(name, Name::Ip(_)) {
                    findings.push(apache_warns(text).at(path, None));
                }
            }
            Coverage::Missed(miss) => missed.push((text, is_server_name, miss)),
        }
    }
    for (text, is_server_name, miss) in missed {
        // A certificate that is good for some of the names serves clients that use those.
        let severity = if covered {
            Severity::WorksButWrong
        } else {
            Severity::BreaksClients
        };
        findings.push(not_covered(text, is_server_name, &miss, severity, leaf).at(path, None));
    }
}

fn apache_warns(text: &str) -> Finding {
    Finding::new(
        Code::NameApacheWarns,
        Severity::Advice,
        format!("Apache will warn about {text} without reason"),
        "It compares ServerName only with DNS names and the common name, never with addresses or ServerAlias.",
        "Ignore the warning.",
    )
    .logged(&["AH01909"])
}

fn not_covered(
    text: &str,
    is_server_name: bool,
    miss: &Miss,
    severity: Severity,
    leaf: &Certificate,
) -> Finding {
    let (code, why) = match miss {
        Miss::CommonNameWithoutAlternatives => (
            Code::NameOnlyCommonName,
            "The name is only the common name; browsers look at subject alternative names, and there are none."
                .to_owned(),
        ),
        Miss::CommonNameBesideAlternatives => (
            Code::NameOnlyCommonName,
            "The name is only the common name; clients look at subject alternative names. Apache does not warn."
                .to_owned(),
        ),
        Miss::WildcardOfDomain(pattern) => {
            (Code::NameNotCovered, format!("{pattern} covers names below the domain, not the domain itself."))
        }
        Miss::WildcardTooHigh(pattern) => {
            (Code::NameNotCovered, format!("The * of {pattern} covers one label only, without dots."))
        }
        Miss::OddWildcard(pattern) => (
            Code::NameNotCovered,
            format!("Clients accept a * only as the whole first label of a name, not as in {pattern}."),
        ),
        Miss::FinalDot(name) => {
            (Code::NameNotCovered, format!("The certificate has {name} with a final dot, which clients refuse."))
        }
        Miss::Unicode(name) => {
            (Code::NameNotCovered, format!("The certificate has {name} in Unicode instead of the xn-- form."))
        }
        Miss::AddressAsName => (
            Code::NameNotCovered,
            "The address is among the DNS names of the certificate, where clients do not look for it."
                .to_owned(),
        ),
        Miss::Nothing => (Code::NameNotCovered, "No name in the certificate is similar.".to_owned()),
    };
    let names = leaf.names();
    let good_for = if names.is_empty() {
        "no name at all".to_owned()
    } else {
        names.join(", ")
    };
    let finding = Finding::new(
        code,
        severity,
        format!("the certificate is not valid for {text}"),
        format!("{why} The certificate is valid for: {good_for}."),
        format!("Get a certificate for {text}, or let clients use a name that it is valid for."),
    );
    // Apache compares ServerName with DNS names and the common name, and nothing else.
    let warns = is_server_name && code == Code::NameNotCovered;
    if warns {
        finding.logged(&["AH01909"])
    } else {
        finding
    }
}
