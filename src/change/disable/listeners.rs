//! The listeners that go or go back.

use std::collections::BTreeSet;

use crate::httpd::{Document, Listen, Truth, parse_listen, word};
use crate::mod_ssl::speaks_tls;

use super::super::edit_lines::{comment_out, move_listen};
use super::super::plan::PlanError;
use super::decide::Decision;
use super::marks::words;
use super::needs::{Known, user_of_port};

impl Decision<'_> {
    pub(super) fn listeners(&mut self) -> Result<(), PlanError> {
        let found = self.found;
        for (file, line) in self.server_level() {
            let document = found.files[file].document;
            let past = &found.files[file].traces.lines[line].past;
            let platform = found.configuration.source().platform;
            let oldest = past.last().and_then(|past| past.old.clone());
            let then = oldest.map(|old| words(&Document::new(old, platform), 0));
            let record = past.last().map_or(0, |past| past.record);
            if let Some(now) = self.listen(&words(document, line)) {
                let then = then.and_then(|then| self.listen(&then));
                self.listener((file, line), record, &now, then.as_ref())?;
                continue;
            }
            let commented = document.commented(line);
            let was_on = commented.is_some_and(|commented| is_listen(&commented.words))
                && then.as_ref().is_some_and(|then| is_listen(then));
            // What was switched off comes back when nothing of ours is left, or when what is left needs it.
            let is_due = self.is_end() || self.means_record(record) && self.redirects_stay();
            let then = then.and_then(|then| self.listen(&then));
            if was_on && is_due && then.is_none_or(|then| !self.is_covered(&then)) {
                self.put_back(file, line, "listen for HTTP again".into());
            }
        }
        self.guards();
        self.listeners_by_rule()
    }

    /// Conditions that `enable` put around a listener go with it.
    fn guards(&mut self) {
        let found = self.found;
        // The inner ones stand behind the outer ones.
        for section in found.configuration.sections().iter().skip(1).rev() {
            let opening = found.configuration.entry(section.opening);
            let (file, first) = (found.file_of(opening), opening.line as usize);
            let Some(last) = section
                .closing
                .map(|line| line as usize)
                .filter(|_| section.transparent)
            else {
                continue;
            };
            let ours = self.server_level();
            let goes = |line| matches!(self.lines.get(&(file, line)), Some((None, _)));
            let is_empty = (first + 1..last).all(goes) && last > first + 1;
            if is_empty && [first, last].iter().all(|line| ours.contains(&(file, *line))) {
                for line in [first, last] {
                    self.remove((file, line), "nothing is left between these lines".into());
                }
            }
        }
    }

    /// A `Listen` in words; its variables are as they are at the end.
    fn listen(&self, words: &[Vec<u8>]) -> Option<Listen> {
        let variables = self.found.configuration.variables();
        let (_, arguments) = words.split_first().filter(|_| is_listen(words))?;
        let text = arguments.join(&b' ');
        let arguments: Vec<Vec<u8>> = word::words(&variables.substitute(&text, |_| {}))
            .map(|word| word.value.into_owned())
            .collect();
        let (address, port, protocol) = parse_listen(&arguments)?;
        Some(Listen {
            address,
            port,
            protocol,
            truth: Truth::True,
            entry: 0,
        })
    }

    fn listener(
        &mut self,
        at: (usize, usize),
        record: usize,
        now: &Listen,
        then: Option<&Listen>,
    ) -> Result<(), PlanError> {
        let view = self.view()?;
        let user = match self.user_of_domains(&view) {
            Some((user, ports)) if ports.contains(&now.port) => Some(user),
            _ => user_of_port(&view, now.port, self.before(record)?),
        };
        if let Some(user) = user {
            let note = format!(
                "`Listen {}` at {} stays for {user}",
                now.endpoint(),
                self.found.place(at.0, at.1)
            );
            self.note(note);
            return Ok(());
        }
        match then {
            Some(then) if self.is_covered(then) => self.remove(
                at,
                format!(
                    "stop listening on {}; something listens on {} already",
                    now.endpoint(),
                    then.endpoint()
                ),
            ),
            Some(then) => self.put_back(
                at.0,
                at.1,
                format!(
                    "listen for HTTP on {} again instead of HTTPS on {}",
                    then.endpoint(),
                    now.endpoint()
                ),
            ),
            None => self.put_back(
                at.0,
                at.1,
                format!("nothing needs a listener on {} anymore", now.endpoint()),
            ),
        }
        Ok(())
    }

    /// Does a line that is not ours listen there already?
    fn is_covered(&self, wanted: &Listen) -> bool {
        let found = self.found;
        found.configuration.listens().iter().any(|listen| {
            let entry = found.configuration.entry(listen.entry);
            let trace = &found.files[found.file_of(entry)].traces.lines[entry.line as usize];
            listen.truth == Truth::True
                && trace.past.is_empty()
                && normal_endpoint(listen) == normal_endpoint(wanted)
        })
    }

    /// Where nobody remembers: a port on which TLS was spoken is not left for plain HTTP, and something must listen.
    fn listeners_by_rule(&mut self) -> Result<(), PlanError> {
        let found = self.found;
        let view = self.view()?;
        let nobody = Known::default();
        let lost = self.lost_ports();
        for port in self.ports.clone() {
            if !self.decided.gone.iter().any(|gone| {
                speaks_tls(found.configuration, &found.hosts[*gone])
                    && found.hosts[*gone]
                        .addresses
                        .iter()
                        .any(|address| address.port == Some(port))
            }) || user_of_port(&view, port, &nobody).is_some()
            {
                continue;
            }
            let active: Vec<&Listen> = found.configuration.active_listens().collect();
            let left = view
                .listens()
                .iter()
                .any(|listen| listen.truth == Truth::True && listen.port != port);
            for listen in active.iter().filter(|listen| listen.port == port) {
                let entry = found.configuration.entry(listen.entry);
                let (file, line) = (found.file_of(entry), entry.line as usize);
                let trace = &found.files[file].traces.lines[line];
                let decided = self.lines.contains_key(&(file, line)) || !trace.past.is_empty();
                let movable = found.configuration.macro_place(entry).is_none()
                    && found.configuration.ancestors(entry).next().is_none();
                if decided || (trace.original && !self.unrecorded && !lost.contains(&port)) || !movable {
                    continue;
                }
                if !left {
                    let reason = format!(
                        "listen for HTTP on 80 instead of HTTPS on {}: nothing is served over TLS there anymore, \
                         and nothing else listens",
                        listen.endpoint()
                    );
                    let edit = move_listen(found.configuration, listen, 80, "http", reason);
                    self.decided.edits.push(edit);
                } else if self.unrecorded {
                    let reason = format!(
                        "stop listening on {}: nothing is served over TLS there anymore",
                        listen.endpoint()
                    );
                    self.decided
                        .edits
                        .push(comment_out(found.configuration, listen.entry, reason));
                }
            }
        }
        Ok(())
    }

    /// The ports of listeners that came with what goes, and that somebody took out or moved elsewhere.
    fn lost_ports(&self) -> BTreeSet<u16> {
        let found = self.found;
        let gone = found.ours.iter();
        let gone = gone.filter(|ours| self.lines.contains_key(&(ours.file, ours.lines.start)));
        let Some(first) = gone.filter_map(|ours| ours.place).map(|(record, _)| record).min() else {
            return BTreeSet::new();
        };
        let platform = found.configuration.source().platform;
        let lost = found.files.iter().flat_map(|file| &file.traces.lost);
        let lost = lost.filter(|(record, _)| *record >= first);
        let listens = lost.filter_map(|(_, raw)| {
            let document = Document::new(raw.clone(), platform);
            self.listen(&words(&document, 0))
        });
        listens.map(|listen| listen.port).collect()
    }
}

fn is_listen(words: &[Vec<u8>]) -> bool {
    words
        .first()
        .is_some_and(|name| name.eq_ignore_ascii_case(b"Listen"))
}

fn normal_endpoint(listen: &Listen) -> (u16, bool, Option<std::net::IpAddr>) {
    (listen.port, listen.is_wildcard(), listen.ip())
}
