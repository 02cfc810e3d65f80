//! What no authority would make a certificate for, known without asking: nothing is asked that is known to fail.

use std::net::ToSocketAddrs;

use super::super::failure::Failure;
use super::super::progress::Progress;
use super::wanted::Wanted;
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::tls::name::Name;

/// Names that mean something else to everybody, or nothing (RFC 6761, 6762, 7686, 8375, 9476, and ICANN's `internal`).
const NOT_PUBLIC: [&str; 12] = [
    "local",
    "localhost",
    "test",
    "example",
    "invalid",
    "internal",
    "lan",
    "home",
    "corp",
    "onion",
    "alt",
    "home.arpa",
];

/// Certificates have no more names.
const MOST_NAMES: usize = 100;

/// Refuses names for which there would be no certificate, and says of those that may be none.
///
/// # Errors
/// Refused, with the name.
pub fn refuse_impossible(wanted: &Wanted, names: &[String], progress: &dyn Progress) -> Result<(), Failure> {
    refuse_names(wanted, names)?;
    match wanted.dns_hook {
        // A record proves a name that leads nowhere.
        Some(_) => Ok(()),
        None => refuse_unknown(wanted, names, progress),
    }
}

/// The same without asking anybody, DNS among them.
///
/// # Errors
/// Refused, with the name.
pub fn refuse_names(wanted: &Wanted, names: &[String]) -> Result<(), Failure> {
    let all = wanted.names(names);
    if all.len() > MOST_NAMES {
        let cause = format!(
            "{} names are too many for one certificate, which has {MOST_NAMES} at most",
            all.len()
        );
        return Err(not_public(cause, "leave some out".to_owned()));
    }
    if let (Some(wildcard), None) = (wanted.wildcards.first(), &wanted.dns_hook) {
        let cause = format!("{wildcard} can be proven in DNS only, whoever makes the certificate");
        let fix = "name a program that makes the record, with --dns-hook PROGRAM, or leave the name out";
        let code = RefusalCode::WildcardNotInDns;
        return Err(Failure::refused(Refusal::new(code, cause, "; ", fix)));
    }
    for name in names.iter().chain(&wanted.wildcards) {
        let parsed =
            Name::parse(name).map_err(|error| not_public(error.to_string(), "correct it".to_owned()))?;
        if let (true, Some(why)) = (
            wanted.authority.is_public(),
            why_not_public(name, &parsed, wanted),
        ) {
            let cause = format!("{} makes no certificate for {name}: {why}", wanted.authority);
            let fix = "use a name that the Internet knows, or the authority of your company with --ca URL";
            return Err(not_public(cause, fix.to_owned()));
        }
    }
    Ok(())
}

fn why_not_public(name: &str, parsed: &Name, wanted: &Wanted) -> Option<String> {
    if let (Name::Ip(_), Some(_)) = (parsed, &wanted.dns_hook) {
        return Some("an address cannot be proven in DNS; leave --dns-hook out".to_owned());
    }
    if let Name::Ip(ip) = parsed {
        let is_private = match ip {
            std::net::IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
            std::net::IpAddr::V6(ip) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
        };
        return match (is_private, &wanted.profile) {
            (true, _) => Some("only your own network knows this address".to_owned()),
            (false, None) => Some(
                "addresses are in certificates of the profile `shortlived` only (--ca-profile shortlived), which live for \
                 some days"
                    .to_owned(),
            ),
            (false, Some(_)) => None,
        };
    }
    let lower = name.to_ascii_lowercase();
    let lower = lower.trim_end_matches('.');
    if !lower.contains('.') {
        return Some("it has no domain".to_owned());
    }
    let ends = |end: &&&str| lower.strip_suffix(**end).is_some_and(|rest| rest.ends_with('.'));
    let end = NOT_PUBLIC.iter().find(ends)?;
    Some(format!("names that end in .{end} are not known to the Internet"))
}

/// Names without an address here: to a public authority they have none either. A company's may see others than we do.
fn refuse_unknown(wanted: &Wanted, names: &[String], progress: &dyn Progress) -> Result<(), Failure> {
    for name in names {
        if name.parse::<std::net::IpAddr>().is_ok() || (name.as_str(), 80).to_socket_addrs().is_ok() {
            continue;
        }
        let cause = format!("the name {name} leads nowhere: no address is known for it here");
        // Behind a proxy, names of the Internet are often not known.
        let is_behind = wanted.proxy.is_some()
            || ["HTTPS_PROXY", "https_proxy"]
                .iter()
                .any(|name| std::env::var_os(name).is_some());
        if is_behind || !wanted.authority.is_public() {
            let words = format!("note: {cause}; the authority may know one");
            progress.note(NoteCode::NotTried, &words);
            continue;
        }
        return Err(Failure::refused(Refusal::new(
            RefusalCode::NameWithoutAddress,
            format!("{cause}, and the authority would not find this server by it"),
            "; ",
            "have an A or AAAA record made for it that leads to this server, then run again",
        )));
    }
    Ok(())
}

fn not_public(cause: String, fix: String) -> Failure {
    Failure::refused(Refusal::new(RefusalCode::NoCertificateForName, cause, "; ", fix))
}
