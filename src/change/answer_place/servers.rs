//! Who answers the names over HTTP: virtual hosts, or the main server. Edits nothing.

use std::net::IpAddr;

use crate::httpd::{Configuration, SERVER, SectionId, Truth, VirtualHost, is_nobodys};

use super::super::answer::Answers;
use super::super::challenge::AnswerPlace;
use super::super::request::Request;

/// One who answers, and for what.
#[derive(Clone, Debug)]
pub(in crate::change) struct Server<'a> {
    /// None is the main server.
    pub host: Option<&'a VirtualHost>,
    /// The names that it answers, and where: at an address, or `None` for all that no virtual host names.
    pub asked: Vec<(String, Option<IpAddr>)>,
}

impl Server<'_> {
    /// Its section.
    pub fn section(&self) -> SectionId {
        self.host.map_or(SERVER, |host| host.section)
    }

    /// The names, each once.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.asked.iter().map(|(name, _)| name.as_str()).collect();
        let mut known = std::collections::HashSet::new();
        names.retain(|name| known.insert(*name));
        names
    }
}

/// All who answer one of the names on the port, in the order in which they stand; none where nothing listens there.
pub(in crate::change) fn servers<'a>(
    configuration: &'a Configuration,
    place: &AnswerPlace,
) -> Vec<Server<'a>> {
    let nobody = Request::default();
    let answers = Answers::on(configuration, &nobody, place.port);
    let mut all: Vec<Server<'a>> = Vec::new();
    for end in answers.local_ends() {
        for name in &place.names {
            let host = configuration.answering(end, place.port, name);
            let section = host.map_or(SERVER, |host| host.section);
            let asked = (name.clone(), end);
            match all.iter_mut().find(|server| server.section() == section) {
                Some(server) => server.asked.push(asked),
                None => all.push(Server {
                    host,
                    asked: vec![asked],
                }),
            }
        }
    }
    all.sort_by_key(Server::section);
    all
}

/// Would lines of the main server hold for nobody else's sites?
pub(super) fn is_alone(configuration: &Configuration, place: &AnswerPlace, servers: &[Server<'_>]) -> bool {
    let hosts = configuration.virtual_hosts().iter();
    let mut others = hosts.filter(|host| {
        host.truth != Truth::False && !servers.iter().any(|server| server.section() == host.section)
    });
    others.all(|host| {
        let mut names = host.server_name.iter().chain(&host.aliases).peekable();
        let is_ours =
            |name: &String| is_nobodys(name) || place.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        names.peek().is_some() && names.all(is_ours)
    })
}
