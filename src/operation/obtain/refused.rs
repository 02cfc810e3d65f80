//! What an authority says when there is no certificate, and the shortest step that helps.

use std::path::Path;

use super::super::failure::Failure;
use super::answering::Way;
use super::wanted::Authority;
use crate::acme::{Error, Problem, ProblemKind, Rejection};
use crate::exit_status::ExitStatus;
use crate::shown::shown;

/// Why the authority made no certificate; where it looked, by the way that it was answered.
pub fn refused(error: Error, authority: &Authority, way: Option<Way>) -> Failure {
    let (cause, fix) = match &error {
        Error::Interrupted => return Failure::interrupted().into_interrupted(),
        Error::Own(_) | Error::AccountKey(_) => return Failure::error(anyhow::anyhow!("{error}")),
        Error::Refused(problem) => (
            format!("{authority} refused: {problem}"),
            advice(problem, authority, way),
        ),
        Error::OrderFailed(rejection) => (
            format!("{authority} made no certificate: {error}"),
            of_rejection(rejection, authority, way),
        ),
        _ => (
            error.to_string(),
            "see that this machine may open connections to it (--proxy, --ca-root), or run again later"
                .to_owned(),
        ),
    };
    let status = match error.is_decided() {
        true => ExitStatus::AuthorityRefused,
        false => ExitStatus::AuthorityUnreachable,
    };
    Failure {
        status,
        ..Failure::with_advice(cause, fix)
    }
}

/// The first name that failed says most.
fn of_rejection(rejection: &Rejection, authority: &Authority, way: Option<Way>) -> String {
    let of_name = rejection.names.first().map(|name| &name.problem);
    match of_name.or(rejection.order.as_ref()) {
        Some(problem) => advice(problem, authority, way),
        None => "run again".to_owned(),
    }
}

fn advice(problem: &Problem, authority: &Authority, way: Option<Way>) -> String {
    let port = way.map_or("80 or 443".to_owned(), |way| way.port().to_string());
    let is_dns = way == Some(Way::Dns);
    match problem.kind() {
        ProblemKind::Connection | ProblemKind::Dns | ProblemKind::Unauthorized | ProblemKind::IncorrectResponse
            if is_dns =>
        {
            "see that the program of --dns-hook makes the record it is asked for, and give it more time with --dns-wait SECONDS"
                .into()
        }
        ProblemKind::Connection => format!(
            "let port {port} of this server be reached from the Internet (firewall, router, the address that the name leads \
             to), then run again"
        ),
        ProblemKind::Dns => {
            "have an A or AAAA record made for the name that leads to this server, then run again".into()
        }
        ProblemKind::Caa => format!(
            "a CAA record of the domain forbids {authority}: have it allowed there, or choose an authority that is, with --ca"
        ),
        ProblemKind::Unauthorized | ProblemKind::IncorrectResponse | ProblemKind::Tls if way.is_some() => {
            format!(
                "another server answers on port {port} for that name: see that all its addresses (A and AAAA records) lead to this \
             one, then run again"
            )
        }
        ProblemKind::RateLimited => match problem.retry_after {
            Some(seconds) => format!("run again in {}", duration(seconds)),
            None => "run again when the time that it names is over".into(),
        },
        ProblemKind::ExternalAccountRequired => format!(
            "{authority} makes certificates for its customers only: give what it gave you as --eab-kid ID and --eab-key-file \
             FILE"
        ),
        ProblemKind::UserActionRequired => match &problem.instance {
            Some(place) => format!("visit {place}, then run again"),
            None => "do what it says, then run again".into(),
        },
        ProblemKind::InvalidContact => "correct --email, or leave it out".into(),
        ProblemKind::InvalidProfile => "correct --ca-profile, or leave it out".into(),
        ProblemKind::RejectedIdentifier | ProblemKind::UnsupportedIdentifier => {
            "leave that name out, or choose another authority with --ca".into()
        }
        ProblemKind::ServerInternal => "run again later".into(),
        ProblemKind::AccountDoesNotExist => format!(
            "move esync-ssl-acme/accounts/{} beside the certificates away, then run again: another account is made",
            authority.folder()
        ),
        _ => "correct what it says, then run again".into(),
    }
}

/// So many seconds in words.
fn duration(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} seconds"),
        120..=7199 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

/// A file that was named cannot be used.
pub fn unusable_file(option: &str, path: &Path, why: &str) -> Failure {
    let cause = format!("{option} {} cannot be used: {why}", shown(path));
    Failure::with_advice(cause, "correct it, then run again")
}
