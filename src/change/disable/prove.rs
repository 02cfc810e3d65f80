//! The proof of the way back: what was meant is gone, nothing is broken, and every other site is answered as before.
//! Edits nothing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;

use crate::httpd::{Configuration, SectionId, Truth, VirtualHost};
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
    let questions = questions(found, &now);
    let mut first = None;
    for (at, host) in found.hosts.iter().enumerate() {
        if host.truth != Truth::True || decided.gone.contains(&at) {
            continue;
        }
        for question in questions.get(&host.section).into_iter().flatten() {
            if now.answers(question)
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
            let as_it_was = |was: &State| {
                let mut ends = question.ends.iter();
                ends.all(|end| was.answers_at(*end, question) == now.answers(question))
            };
            if was.as_ref().is_some_and(as_it_was) {
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
        for ends in differing_ends(result, before, port) {
            let end = ends[0];
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
                        " could not be reached over TLS anymore",
                    ],
                    "; ",
                    "turn HTTPS off for that one first, or for both (disable without --domain)",
                ));
            }
        }
    }
    Ok(())
}

/// A name at local ends of a port at which the same is answered before and after; there is at least one.
struct Question {
    ends: Ends,
    port: u16,
    name: String,
}

type Ends = Rc<[Option<IpAddr>]>;

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
        self.answers_at(question.ends[0], question)
    }

    fn answers_at(&self, end: Option<IpAddr>, question: &Question) -> Option<Answer> {
        let host = self.configuration.answering(end, question.port, &question.name)?;
        Some(Answer::of(self.configuration, host, false))
    }

    fn listens_on(&self, port: u16) -> bool {
        let mut listens = self.configuration.listens().iter();
        listens.any(|listen| listen.truth == Truth::True && listen.port == port)
    }
}

/// What each virtual host answers so far, by its section, where somebody listens afterwards too. One that lived by what goes,
/// and was dead before, answers nothing any more.
fn questions(found: &Found, now: &State) -> HashMap<SectionId, Vec<Question>> {
    let configuration = found.configuration;
    let opening = |configuration: &Configuration, host: &VirtualHost| {
        key(configuration, configuration.entry(host.entry))
    };
    let living = now.configuration.virtual_hosts().iter();
    let living: HashSet<Vec<u8>> = living
        .filter(|host| host.truth == Truth::True)
        .map(|host| opening(now.configuration, host))
        .collect();
    let listens = configuration.listens().iter();
    let ports = listens
        .filter(|listen| listen.truth == Truth::True)
        .map(|listen| listen.port);
    let ports: BTreeSet<u16> = ports.filter(|port| now.listens_on(*port)).collect();
    let mut questions: HashMap<SectionId, Vec<Question>> = HashMap::new();
    for port in ports {
        for ends in differing_ends(configuration, now.configuration, port) {
            let end = ends[0];
            for host in configuration.address_set(end, port).iter() {
                if !living.contains(&opening(configuration, host)) {
                    continue;
                }
                let names = host.server_name.iter().chain(&host.aliases);
                let names: BTreeSet<&String> = names.filter(|name| !name.contains(['*', '?'])).collect();
                let own = names.into_iter().filter(|name| {
                    let answering = configuration.answering(end, port, name);
                    answering.is_some_and(|answering| answering.section == host.section)
                });
                let own = own.map(|name| Question {
                    ends: ends.clone(),
                    port,
                    name: name.clone(),
                });
                questions.entry(host.section).or_default().extend(own);
            }
        }
    }
    questions
}

/// The local ends of a port, together those at which the same virtual hosts compete, both before and after.
fn differing_ends(before: &Configuration, after: &Configuration, port: u16) -> Vec<Ends> {
    let mut groups: Vec<Vec<Option<IpAddr>>> = Vec::new();
    let mut known = HashMap::new();
    for end in Answers::on(before, &Request::default(), port).local_ends() {
        let both = [before, after].map(|configuration| configuration.address_set(end, port).identity());
        let group = *known.entry(both).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[group].push(end);
    }
    groups.into_iter().map(Ends::from).collect()
}
