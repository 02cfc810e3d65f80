//! The step that gets the domain answered over TLS: by the virtual host that answers it already, or by a new one.
//! Knows nothing of listeners' lines and modules.

use std::net::IpAddr;

use crate::httpd::{Configuration, Edit, VirtualHost};
use crate::mod_ssl::speaks_tls;

use super::super::answer::Answers;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{RefusalCode, named, say};
use super::super::request::Request;
use super::super::site::site;
use super::super::unfinished::{is_unfinished, shows_main_server};
use super::new_host;
use super::update::{finish, update};

/// Edits after which the domain is answered over TLS with the request's files; none when it is.
pub(super) fn edits(configuration: &Configuration, request: &Request) -> Result<Vec<Edit>, PlanError> {
    let answers = Answers::new(configuration, request);
    if let Some(host) = answers.undecided() {
        return Err(refuse(
            RefusalCode::HostUndecided,
            say![
                "what the virtual host ",
                named(configuration, host),
                " has to do with port ",
                request.port,
                " is not known: its address is a host name, or it depends on a condition that only the server can \
                 decide",
            ],
            ". ",
            "Write its IP address, or name the httpd binary with --httpd",
        ));
    }
    let mut own: Vec<&VirtualHost> = Vec::new();
    let mut uncovered: Vec<Option<IpAddr>> = Vec::new();
    for end in answers.local_ends() {
        let own_here = |host: &&VirtualHost| {
            host.names_exactly(&request.domain) && host.addresses.iter().any(|a| a.port == Some(request.port))
        };
        match answers.at(end).filter(own_here) {
            Some(host) if own.iter().any(|known| known.section == host.section) => {}
            Some(host) => own.push(host),
            None => uncovered.push(end),
        }
        refuse_plain(configuration, request, &answers, end, &own)?;
    }
    refuse_others_names(configuration, request, &answers, &own)?;
    let mut edits = Vec::new();
    for host in own {
        edits.extend(update(configuration, request, host)?);
    }
    if let Some(host) = unfinished(configuration, &answers, &uncovered) {
        if site(configuration, request)?.is_none() && shows_main_server(configuration, host) {
            edits.extend(update(configuration, request, host)?);
            uncovered.clear();
        } else {
            edits.extend(finish(configuration, request, host)?);
        }
    }
    if !uncovered.is_empty() {
        edits.push(new_host::add(configuration, request, &answers, &uncovered)?);
    }
    Ok(edits)
}

/// The virtual host that answers the domain at all of the ends only because it is the first, and that nobody has finished.
fn unfinished<'a>(
    configuration: &Configuration,
    answers: &'a Answers<'_>,
    ends: &[Option<IpAddr>],
) -> Option<&'a VirtualHost> {
    let host = answers.at(*ends.first()?)?;
    let is_it = |end: &Option<IpAddr>| {
        answers
            .at(*end)
            .is_some_and(|other| other.section == host.section)
    };
    (is_unfinished(configuration, host) && ends.iter().all(is_it)).then_some(host)
}

/// An alias that another TLS virtual host has for its own is not taken away from it, and one that it takes by a
/// wildcard would not reach a virtual host behind it.
fn refuse_others_names(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    own: &[&VirtualHost],
) -> Result<(), PlanError> {
    let others = |host: &&VirtualHost| !own.iter().any(|own| own.section == host.section);
    for alias in &request.aliases {
        for end in answers.local_ends() {
            let Some(host) = answers.answering(end, alias).filter(others) else {
                continue;
            };
            if host.names_exactly(alias) {
                return Err(refuse(
                    RefusalCode::NameOfOtherHost,
                    say![
                        alias,
                        " is a name of the virtual host ",
                        named(configuration, host),
                    ],
                    "; ",
                    format!(
                        "run again without it, and then again with --domain {alias} if that one is to change"
                    ),
                ));
            }
            let behind = answers.at(end).filter(|own| !others(own) && host.has_name(alias));
            if let Some(own) = behind {
                return Err(refuse(
                    RefusalCode::NameTakenByWildcard,
                    say![
                        alias,
                        " is taken by a wildcard ServerAlias of the virtual host ",
                        named(configuration, host),
                        ", which comes before that of ",
                        &request.domain,
                        ", ",
                        named(configuration, own),
                    ],
                    "; ",
                    "narrow that alias, or move the first one behind the second, then run again",
                ));
            }
        }
    }
    Ok(())
}

/// TLS and plain HTTP cannot share a port: the first virtual host of a set decides for all of it.
fn refuse_plain(
    configuration: &Configuration,
    request: &Request,
    answers: &Answers<'_>,
    end: Option<IpAddr>,
    own: &[&VirtualHost],
) -> Result<(), PlanError> {
    let set = answers.set(end);
    let plain = set.iter().find(|host| {
        let names_port = host
            .addresses
            .iter()
            .any(|address| address.port == Some(request.port));
        names_port && !speaks_tls(configuration, host) && !own.iter().any(|own| own.section == host.section)
    });
    match plain {
        None => Ok(()),
        Some(host) => Err(refuse(
            RefusalCode::PortSpeaksHttp,
            say![
                "the virtual host ",
                named(configuration, host),
                " is for port ",
                request.port,
                " without TLS; TLS and plain HTTP cannot share a port",
            ],
            ": ",
            "give that virtual host another port, or choose another with --port",
        )),
    }
}
