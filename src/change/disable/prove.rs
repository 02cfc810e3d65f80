//! The proof of the way back: what was meant is gone, nothing is broken, and every other site is answered as before.
//! Edits nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::httpd::{Configuration, Truth, VirtualHost};
use crate::mod_ssl::speaks_tls;

use super::super::answer::Answers;
use super::super::plan::{PlanError, refuse};
use super::super::prove::broken::{MEND, errors, told};
use super::super::refusal::{RefusalCode, named, say};
use super::super::request::Request;
use super::decide::{Decided, Given, state_before};
use super::found::Found;
use super::needs::key;
use super::record::Record;

/// Nothing is wrong that was not wrong before, and who is not meant keeps what he had, or had before HTTPS came.
pub(super) fn prove(
    given: Given,
    found: &Found,
    result: &Configuration,
    decided: &Decided,
    records: &[Record],
) -> Result<(), PlanError> {
    if let Some(problem) = errors(result).next() {
        return Err(refuse(
            RefusalCode::DisableBreaks,
            say!["with HTTPS off, Apache would not start: ", told(result, problem),],
            ". ",
            MEND,
        ));
    }
    let now = State::of(result);
    refuse_plain_default(found, &now)?;
    let mut first = None;
    for (at, host) in found.hosts.iter().enumerate() {
        if host.truth != Truth::True || decided.gone.contains(&at) {
            continue;
        }
        for question in questions(found, host, &now) {
            if now.answers(&question)
                == Some(Answer::of(
                    found.configuration,
                    host,
                    decided.changed.contains(&at),
                ))
            {
                continue;
            }
            // What only HTTPS kept from answering there before answers again.
            if first.is_none() {
                first = Some(state_before(given, records, 0)?);
            }
            let was = first.as_ref().map(State::of);
            if was.is_some_and(|was| was.answers(&question) == now.answers(&question)) {
                continue;
            }
            return Err(PlanError::Unproven(format!(
                "{} would not be answered on port {} by the virtual host {} as before",
                question.name,
                question.port,
                host.describe(found.configuration)
            )));
        }
    }
    Ok(())
}

/// TLS and plain HTTP cannot share a port: the first virtual host of a set decides for all of it.
fn refuse_plain_default(found: &Found, now: &State) -> Result<(), PlanError> {
    let (before, result) = (found.configuration, now.configuration);
    if result.modules().has(b"ssl_module") != Truth::True {
        // Nobody speaks TLS any more.
        return Ok(());
    }
    let listens = result.listens().iter();
    let ports = listens
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port);
    for port in ports.collect::<BTreeSet<u16>>() {
        let request = Request::default();
        for end in Answers::on(result, &request, port).local_ends() {
            let set = result.address_set(end, port);
            let Some(first) = set.first().filter(|first| !speaks_tls(result, first)) else {
                continue;
            };
            let Some(hurt) = set.iter().find(|host| speaks_tls(result, host)) else {
                continue;
            };
            let old = before.address_set(end, port);
            if old.first().is_some_and(|first| speaks_tls(before, first)) {
                return Err(refuse(
                    RefusalCode::DisableLeavesHttp,
                    say![
                        "without TLS in the virtual host ",
                        named(result, first),
                        ", port ",
                        port,
                        " would speak plain HTTP, and ",
                        named(result, hurt),
                        " could not be reached over TLS any more",
                    ],
                    "; ",
                    "turn HTTPS off for that one first or as well (disable without --domain)",
                ));
            }
        }
    }
    Ok(())
}

/// A name at a local end of a port.
struct Question {
    end: Option<IpAddr>,
    port: u16,
    name: String,
}

/// Which virtual host answers, and over TLS or not; that is left open where it is meant to change.
#[derive(Debug)]
struct Answer {
    host: Vec<u8>,
    tls: Option<bool>,
}

impl Answer {
    fn of(configuration: &Configuration, host: &VirtualHost, changed: bool) -> Answer {
        Answer {
            host: key(configuration, configuration.entry(host.entry)),
            tls: (!changed).then(|| speaks_tls(configuration, host)),
        }
    }
}

impl PartialEq for Answer {
    fn eq(&self, other: &Answer) -> bool {
        self.host == other.host && (self.tls.is_none() || other.tls.is_none() || self.tls == other.tls)
    }
}

/// A configuration that is asked.
struct State<'a> {
    configuration: &'a Configuration,
}

impl<'a> State<'a> {
    fn of(configuration: &'a Configuration) -> Self {
        State { configuration }
    }

    fn answers(&self, question: &Question) -> Option<Answer> {
        let Question { end, port, name } = question;
        let host = self.configuration.answering(*end, *port, name)?;
        Some(Answer::of(self.configuration, host, false))
    }

    fn listens_on(&self, port: u16) -> bool {
        let mut listens = self.configuration.listens().iter();
        listens.any(|listen| listen.truth == Truth::True && listen.port == port)
    }
}

/// What a virtual host answers so far, where somebody listens afterwards too. One that lived by what goes, and was
/// dead before, answers nothing any more.
fn questions(found: &Found, host: &VirtualHost, now: &State) -> Vec<Question> {
    let configuration = found.configuration;
    let own = key(configuration, configuration.entry(host.entry));
    let lives = |other: &VirtualHost| {
        other.truth == Truth::True && key(now.configuration, now.configuration.entry(other.entry)) == own
    };
    if !now.configuration.virtual_hosts().iter().any(lives) {
        return Vec::new();
    }
    let names = host.server_name.iter().chain(&host.aliases);
    let names: BTreeSet<&String> = names.filter(|name| !name.contains(['*', '?'])).collect();
    let listens = configuration.listens().iter();
    let ports = listens
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port);
    let ports: BTreeSet<u16> = ports.filter(|port| now.listens_on(*port)).collect();
    let mut questions = Vec::new();
    for port in ports {
        let request = Request::default();
        let answers = Answers::on(configuration, &request, port);
        for end in answers.local_ends() {
            for name in &names {
                let answering = answers.answering(end, name);
                if answering.is_some_and(|answering| answering.section == host.section) {
                    questions.push(Question {
                        end,
                        port,
                        name: (*name).clone(),
                    });
                }
            }
        }
    }
    questions
}
