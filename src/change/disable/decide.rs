//! What goes and what comes back, step by step: virtual hosts, lines in those of others, listeners, caches, modules,
//! and at last the blank lines and line ends around them. Every step looks at the configuration that the steps before
//! leave.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::httpd::{
    Configuration, Document, Edit, Facts, Listen, Source, Truth, VirtualHost, apply, parse_listen, real_path,
    trim, word,
};

use super::super::answer::{Answers, names_exactly};
use super::super::listen::{comment_out, describe, move_to};
use super::super::plan::{Link, PlanError, read, refuse};
use super::super::request::Request;
use super::Disable;
use super::history::{Action, Record};
use super::look::{Look, Ours};
use super::marks::{Mark, redirect_of, section, words};
use super::needs::{Known, user_of_module, user_of_port, user_of_stapling};

/// Main file, where bytes come from, and what is known about the server.
pub(super) type Given<'a> = (&'a [u8], &'a Source, &'a Facts);

/// What is to be done.
#[derive(Default)]
pub(super) struct Decided {
    pub edits: Vec<Edit>,
    /// Links that go.
    pub links: Vec<Link>,
    pub notes: Vec<String>,
    /// The virtual hosts that go, as indices; those of others only by force.
    pub gone: Vec<usize>,
    /// Virtual hosts of others in which lines change.
    pub changed: BTreeSet<usize>,
}

/// Decides what goes and what comes back.
pub(super) fn decide(
    given: Given,
    look: &Look,
    request: &Disable,
    records: &[Record],
) -> Result<Decided, PlanError> {
    let mut decision = Decision {
        given,
        look,
        request,
        records,
        decided: Decided::default(),
        lines: BTreeMap::new(),
        unrecorded: false,
        ports: BTreeSet::new(),
        befores: BTreeMap::new(),
    };
    decision.refuse_others()?;
    decision.sections();
    decision.lines_of_others();
    decision.stand_ins()?;
    decision.listeners()?;
    decision.caches()?;
    decision.modules()?;
    if !decision.lines.is_empty() || !decision.decided.edits.is_empty() {
        decision.blanks();
    }
    decision.finish()
}

/// What becomes of a line: other bytes, or none; and why.
type Fate = (Option<Vec<u8>>, String);

struct Decision<'a> {
    given: Given<'a>,
    look: &'a Look<'a>,
    request: &'a Disable,
    records: &'a [Record],
    decided: Decided,
    /// By file and line.
    lines: BTreeMap<(usize, usize), Fate>,
    /// Something goes of which there is no record, so that the configuration alone must tell what it needed.
    unrecorded: bool,
    /// The ports of the virtual hosts that go.
    ports: BTreeSet<u16>,
    /// What was there before a record.
    befores: BTreeMap<usize, Known>,
}

impl Decision<'_> {
    // --- virtual hosts ---

    /// A virtual host that answers a domain and was not written by us is not ours to take away.
    fn refuse_others(&mut self) -> Result<(), PlanError> {
        let look = self.look;
        for domain in &self.request.domains {
            let ours = look
                .ours
                .iter()
                .any(|ours| self.means(ours) && ours.is_for(look, domain));
            let recorded = self
                .records
                .iter()
                .any(|record| record.action == Action::Enable && record.domains.first() == Some(domain));
            for host in self.answering(domain) {
                if let Some(ours) = look.ours.iter().find(|ours| ours.hosts.contains(&host)) {
                    if !self.means(ours) {
                        return Err(refuse(format!(
                            "{domain} is a further name of the virtual host {}; disable --domain {} takes that off \
                             with all its names, or take {domain} out of its ServerAlias",
                            describe(look.configuration, &look.hosts[host]),
                            ours.domain
                        )));
                    }
                    continue;
                }
                if self.request.force {
                    self.remove_others(host)?;
                    continue;
                }
                let shown = describe(look.configuration, &look.hosts[host]);
                if recorded {
                    self.decided.notes.push(format!(
                        "the virtual host {shown} spoke TLS for {domain} before esync-ssl was run, and still does; \
                         --force deletes it"
                    ));
                } else if !ours {
                    let for_another = self
                        .wrote_in(host)
                        .and_then(|record| self.records[record].domains.first());
                    return Err(refuse(match for_another {
                        Some(other) => format!(
                            "{domain} is answered by the virtual host {shown}, which was changed for {other}: disable \
                             --domain {other} takes those changes out. --force deletes the virtual host"
                        ),
                        None => format!(
                            "the virtual host {shown} answers {domain} over TLS, and was not written by esync-ssl; \
                             nothing was changed. --force deletes it"
                        ),
                    }));
                }
            }
        }
        Ok(())
    }

    /// The active TLS virtual hosts that answer a domain by its own name.
    fn answering(&self, domain: &str) -> Vec<usize> {
        let look = self.look;
        let request = Request {
            domain: domain.to_owned(),
            ..Request::default()
        };
        let mut found = BTreeSet::new();
        for port in active_ports(look.configuration) {
            let answers = Answers::on(look.configuration, &request, port);
            for end in answers.local_ends() {
                if let Some(host) = answers.at(end)
                    && names_exactly(host, domain)
                    && look.configuration.speaks_tls(host)
                {
                    found.extend(look.hosts.iter().position(|own| own.section == host.section));
                }
            }
        }
        found.into_iter().collect()
    }

    /// The latest record that wrote a line of a virtual host.
    fn wrote_in(&self, host: usize) -> Option<usize> {
        let written = self.look.written().into_iter();
        let here = written.filter(|(file, line)| self.look.host_around(*file, *line) == Some(host));
        here.filter_map(|(file, line)| self.look.files[file].traces.lines[line].past.first())
            .map(|past| past.record)
            .max()
    }

    fn means(&self, ours: &Ours) -> bool {
        self.request.domains.is_empty()
            || self
                .request
                .domains
                .iter()
                .any(|domain| ours.is_for(self.look, domain))
    }

    fn means_record(&self, record: usize) -> bool {
        match self.records[record].domains.first() {
            Some(domain) => self.request.means(domain),
            None => self.request.domains.is_empty(),
        }
    }

    fn remove_others(&mut self, host: usize) -> Result<(), PlanError> {
        let look = self.look;
        let shown = describe(look.configuration, &look.hosts[host]);
        let entry = look.configuration.entry(look.hosts[host].entry);
        let (file, line) = (look.file_of(entry), entry.line as usize);
        let lines = match look.configuration.macro_place(entry) {
            None => section(look.files[file].document, line),
            Some(_) => None,
        };
        let Some(lines) = lines else {
            return Err(refuse(format!(
                "the virtual host {shown} cannot be taken out: it comes out of a macro, or is not closed in its own \
                 file. Change it by hand"
            )));
        };
        self.unrecorded = true;
        self.forget_host(host);
        for line in lines {
            self.remove(
                (file, line),
                format!("delete the virtual host {shown}, as asked by --force"),
            );
        }
        Ok(())
    }

    fn forget_host(&mut self, host: usize) {
        let addresses = &self.look.hosts[host].addresses;
        self.ports
            .extend(addresses.iter().filter_map(|address| address.port));
        self.decided.gone.push(host);
    }

    /// The sections that `enable` added.
    fn sections(&mut self) {
        let look = self.look;
        let ours = look.ours.iter().filter(|ours| !ours.stands_in);
        let going: Vec<&Ours> = ours.filter(|ours| self.means(ours)).collect();
        for ours in going {
            self.remove_section(ours);
        }
    }

    fn stays(&self, ours: &Ours) -> bool {
        !self.lines.contains_key(&(ours.file, ours.lines.start))
    }

    /// What stands in for the main server is needed as long as others share its address.
    fn stand_ins(&mut self) -> Result<(), PlanError> {
        let look = self.look;
        let view = self.view()?;
        let hosts = view.virtual_hosts();
        for ours in look.ours.iter().filter(|ours| ours.stands_in) {
            let mine = |host: &VirtualHost| {
                let mut own = ours.hosts.iter();
                own.any(|at| self.is_host(look.configuration, &look.hosts[*at], &view, host))
            };
            let shared = hosts.iter().filter(|host| mine(host)).any(|host| {
                host.addresses.iter().any(|address| {
                    let port = address.port.unwrap_or(80);
                    let set = view.address_set(&hosts, address.ip(), port);
                    set.iter().any(|other| !mine(other))
                })
            });
            let mut siblings = look.ours.iter().filter(|other| {
                !other.stands_in
                    && other.file == ours.file
                    && (other.place.is_some() && other.place == ours.place || other.marker == ours.marker)
            });
            let has_redirect = siblings.any(|other| self.stays(other));
            let mut written = look.written().into_iter();
            let has_lines = written
                .any(|at| at.0 == ours.file && ours.lines.contains(&at.1) && !self.lines.contains_key(&at));
            let meant = !self.decided.gone.is_empty() || self.means(ours);
            if !shared && !has_redirect && !has_lines && meant {
                self.remove_section(ours);
            }
        }
        Ok(())
    }

    fn is_host(&self, a: &Configuration, one: &VirtualHost, b: &Configuration, other: &VirtualHost) -> bool {
        // Lines above it may be gone, so that its place tells little.
        let key = |configuration: &Configuration, host: &VirtualHost| {
            let entry = configuration.entry(host.entry);
            let file = real_path(&configuration.file(entry.file).host);
            (
                file,
                host.addresses.clone(),
                host.server_name.clone(),
                host.aliases.clone(),
            )
        };
        key(a, one) == key(b, other)
    }

    fn remove_section(&mut self, ours: &Ours) {
        let look = self.look;
        let reason = match (ours.mark, ours.stands_in) {
            (Mark::Https, _) => format!("take out the virtual host that serves {} over TLS", ours.domain),
            (_, false) => format!("HTTP requests for {} are no longer sent to HTTPS", ours.domain),
            (_, true) => "nothing stands in for the main server any more".to_string(),
        };
        for host in &ours.hosts {
            self.forget_host(*host);
        }
        self.unrecorded |= ours.place.is_none();
        for line in ours.lines.clone() {
            self.remove((ours.file, line), reason.clone());
        }
        let Some(marker) = ours.marker else { return };
        let siblings = look.ours.iter();
        let mut siblings = siblings.filter(|other| other.marker == Some(marker) && other.file == ours.file);
        if siblings.all(|other| self.lines.contains_key(&(other.file, other.lines.start))) {
            self.remove((ours.file, marker), reason.clone());
            let between = marker + 1..ours.lines.start;
            for line in between.filter(|line| look.is_blank(ours.file, *line)) {
                self.remove((ours.file, line), reason.clone());
            }
        }
        if ours.place.is_none() && !ours.stands_in {
            self.blank_by_rule(ours, marker, reason);
        }
    }

    /// Without a record: the blank line above goes where one stays below, or nothing follows.
    fn blank_by_rule(&mut self, ours: &Ours, marker: usize, reason: String) {
        let look = self.look;
        let (above, below) = (marker.checked_sub(1), ours.lines.end);
        let ends = below >= look.files[ours.file].document.lines().len();
        if let Some(above) = above
            && look.is_blank(ours.file, above)
            && (ends || look.is_blank(ours.file, below))
        {
            self.remove((ours.file, above), reason);
        }
    }

    // --- lines in virtual hosts of others ---

    fn lines_of_others(&mut self) {
        let look = self.look;
        let written = look.written();
        let around = |at: &(usize, usize)| look.host_around(at.0, at.1);
        // A TLS virtual host goes back as a whole: it had one certificate before.
        let mut whole: BTreeSet<usize> = BTreeSet::new();
        for (file, line) in &written {
            let Some(host) = around(&(*file, *line)) else {
                continue;
            };
            let past = &look.files[*file].traces.lines[*line].past;
            let meant = past.iter().any(|past| self.means_record(past.record));
            if meant && look.configuration.speaks_tls(&look.hosts[host]) {
                whole.insert(host);
            }
        }
        for (file, line) in written {
            let Some(host) = around(&(file, line)) else {
                continue;
            };
            let past = &look.files[file].traces.lines[line].past;
            let meant = whole.contains(&host) || past.iter().all(|past| self.means_record(past.record));
            if meant && !self.lines.contains_key(&(file, line)) {
                self.decided.changed.insert(host);
                self.put_back(file, line, "in this virtual host it is as before".into());
            }
        }
        self.put_gone_back(&whole);
        self.redirects_by_their_words();
    }

    /// Lines that `enable` took out, unless they are there again.
    fn put_gone_back(&mut self, whole: &BTreeSet<usize>) {
        let look = self.look;
        for (file, read) in look.files.iter().enumerate() {
            for gone in &read.traces.gone {
                let host = gone.after.and_then(|line| look.host_around(file, line));
                let (Some(host), Some(after)) = (host, gone.after) else {
                    continue;
                };
                let meant = whole.contains(&host) || self.means_record(gone.record);
                if !meant || look.is_ours(host) || self.decided.gone.contains(&host) {
                    continue;
                }
                let name = word::words(&gone.old)
                    .next()
                    .map(|word| word.value.to_ascii_lowercase());
                let is_there = |line: usize| {
                    look.host_around(file, line) == Some(host)
                        && words(read.document, line)
                            .first()
                            .is_some_and(|own| Some(own.to_ascii_lowercase()) == name)
                        && !matches!(self.lines.get(&(file, line)), Some((None, _)))
                };
                if (0..read.document.lines().len()).any(is_there) {
                    continue;
                }
                self.decided.changed.insert(host);
                let at = read.document.lines()[after].span().end;
                self.decided.edits.push(Edit {
                    file: look.configuration.file(read.id).host.clone(),
                    span: at..at,
                    replacement: gone.old.clone(),
                    reason: "put back what was taken out".into(),
                });
            }
        }
    }

    /// Redirects of which there is no record, known by their words.
    fn redirects_by_their_words(&mut self) {
        let look = self.look;
        for (file, read) in look.files.iter().enumerate() {
            for line in 0..read.document.lines().len() {
                let Some(domain) = redirect_of(read.document, line) else {
                    continue;
                };
                let Some(host) = look.host_around(file, line) else {
                    continue;
                };
                let trace = &read.traces.lines[line];
                let known = !trace.past.is_empty()
                    || trace.original && !self.unrecorded
                    || self.lines.contains_key(&(file, line))
                    || look.is_ours(host);
                let goes = self
                    .decided
                    .gone
                    .iter()
                    .any(|gone| names_exactly(&look.hosts[*gone], &domain));
                if known || !goes {
                    continue;
                }
                let reason = format!("HTTP requests for {domain} are no longer sent to HTTPS");
                self.decided.changed.insert(host);
                self.remove((file, line), reason.clone());
                let is = |line: usize, name: &[u8], rest: &[u8]| {
                    let words = words(read.document, line);
                    words.first().is_some_and(|own| own.eq_ignore_ascii_case(name))
                        && words.get(1).is_some_and(|own| own.eq_ignore_ascii_case(rest))
                };
                let mut above = line;
                if above > 0 && is(above - 1, b"RewriteCond", b"%{HTTP_HOST}") {
                    above -= 1;
                    self.remove((file, above), reason.clone());
                }
                let rules = (0..read.document.lines().len()).filter(|other| {
                    look.host_around(file, *other) == Some(host)
                        && words(read.document, *other)
                            .first()
                            .is_some_and(|name| name.eq_ignore_ascii_case(b"RewriteRule"))
                });
                if above > 0 && is(above - 1, b"RewriteEngine", b"on") && rules.count() <= 1 {
                    self.remove((file, above - 1), reason);
                }
            }
        }
    }

    // --- listeners, caches, modules ---

    fn listeners(&mut self) -> Result<(), PlanError> {
        let look = self.look;
        for (file, line) in self.server_level() {
            let document = look.files[file].document;
            let past = &look.files[file].traces.lines[line].past;
            let oldest = past.last().and_then(|past| past.old.clone());
            let now = directive(&words(document, line), b"Listen");
            let commented = document
                .commented(line)
                .and_then(|commented| directive(&commented.words, b"Listen"));
            let platform = look.configuration.source().platform;
            let then = oldest.and_then(|old| {
                let old = Document::new(old, platform);
                directive(&words(&old, 0), b"Listen")
            });
            let record = past.last().map_or(0, |past| past.record);
            match (now, commented) {
                (Some(now), _) => self.listener((file, line), record, &now, then.as_ref())?,
                // What was switched off comes back when nothing of ours is left.
                (None, Some(_))
                    if self.is_end() && then.as_ref().is_some_and(|then| !self.is_covered(then)) =>
                {
                    self.put_back(file, line, "listen for HTTP again".into());
                }
                _ => {}
            }
        }
        self.listeners_by_rule()
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
                self.look.place(at.0, at.1)
            );
            self.note(note);
            return Ok(());
        }
        match then {
            Some(then) if self.is_covered(then) => self.remove(
                at,
                format!(
                    "stop listening on {}; {} is listened on already",
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
                format!("nothing needs a listener on {} any more", now.endpoint()),
            ),
        }
        Ok(())
    }

    /// Does a line that is not ours listen there already?
    fn is_covered(&self, wanted: &Listen) -> bool {
        let look = self.look;
        look.configuration.listens().iter().any(|listen| {
            let entry = look.configuration.entry(listen.entry);
            let trace = &look.files[look.file_of(entry)].traces.lines[entry.line as usize];
            listen.truth == Truth::True
                && trace.past.is_empty()
                && normal_endpoint(listen) == normal_endpoint(wanted)
        })
    }

    /// Where nobody remembers: a port on which TLS was spoken is not left for plain HTTP, and something must listen.
    fn listeners_by_rule(&mut self) -> Result<(), PlanError> {
        let look = self.look;
        let view = self.view()?;
        let nobody = Known::default();
        let lost = self.lost_ports();
        for port in self.ports.clone() {
            if !self.decided.gone.iter().any(|gone| {
                look.configuration.speaks_tls(&look.hosts[*gone])
                    && look.hosts[*gone]
                        .addresses
                        .iter()
                        .any(|address| address.port == Some(port))
            }) || user_of_port(&view, port, &nobody).is_some()
            {
                continue;
            }
            let active: Vec<&Listen> = look
                .configuration
                .listens()
                .iter()
                .filter(|listen| listen.truth == Truth::True)
                .collect();
            let left = view
                .listens()
                .iter()
                .any(|listen| listen.truth == Truth::True && listen.port != port);
            for listen in active.iter().filter(|listen| listen.port == port) {
                let entry = look.configuration.entry(listen.entry);
                let (file, line) = (look.file_of(entry), entry.line as usize);
                let trace = &look.files[file].traces.lines[line];
                let decided = self.lines.contains_key(&(file, line)) || !trace.past.is_empty();
                let movable = look.configuration.macro_place(entry).is_none()
                    && look.configuration.ancestors(entry).next().is_none();
                if decided || (trace.original && !self.unrecorded && !lost.contains(&port)) || !movable {
                    continue;
                }
                if !left {
                    let reason = format!(
                        "listen for HTTP on 80 instead of HTTPS on {}: nothing is served over TLS there any more, and \
                         nothing else listens",
                        listen.endpoint()
                    );
                    let edit = move_to(look.configuration, listen, 80, "http", reason);
                    self.decided.edits.push(edit);
                } else if self.unrecorded {
                    let reason = format!(
                        "stop listening on {}: nothing is served over TLS there any more",
                        listen.endpoint()
                    );
                    self.decided
                        .edits
                        .push(comment_out(look.configuration, listen.entry, reason));
                }
            }
        }
        Ok(())
    }

    /// The ports of listeners that came with what goes, and that somebody took out or moved elsewhere.
    fn lost_ports(&self) -> BTreeSet<u16> {
        let look = self.look;
        let gone = look.ours.iter();
        let gone = gone.filter(|ours| self.lines.contains_key(&(ours.file, ours.lines.start)));
        let Some(first) = gone.filter_map(|ours| ours.place).map(|(record, _)| record).min() else {
            return BTreeSet::new();
        };
        let platform = look.configuration.source().platform;
        let lost = look.files.iter().flat_map(|file| &file.traces.lost);
        let lost = lost.filter(|(record, _)| *record >= first);
        let listens = lost.filter_map(|(_, raw)| {
            let document = Document::new(raw.clone(), platform);
            directive(&words(&document, 0), b"Listen")
        });
        listens.map(|listen| listen.port).collect()
    }

    fn caches(&mut self) -> Result<(), PlanError> {
        for (file, line) in self.server_level() {
            let names = words(self.look.files[file].document, line);
            if !names
                .first()
                .is_some_and(|name| name.eq_ignore_ascii_case(b"SSLStaplingCache"))
            {
                continue;
            }
            let view = self.view()?;
            let record = self.look.files[file].traces.lines[line]
                .past
                .last()
                .map_or(0, |past| past.record);
            match user_of_stapling(&view, self.before(record)?) {
                Some(user) => {
                    let place = self.look.place(file, line);
                    self.note(format!("the cache at {place} stays for {user}"));
                }
                None => self.put_back(file, line, "nothing is stapled any more".into()),
            }
        }
        Ok(())
    }

    fn modules(&mut self) -> Result<(), PlanError> {
        let look = self.look;
        let mut candidates: Vec<Module> = Vec::new();
        for (file, line) in self.server_level() {
            let words = words(look.files[file].document, line);
            let past = look.files[file].traces.lines[line].past.last();
            if let ([name, identifier, _], Some(past)) = (words.as_slice(), past)
                && name.eq_ignore_ascii_case(b"LoadModule")
            {
                candidates.push(Module {
                    identifier: String::from_utf8_lossy(identifier).into_owned(),
                    record: Some(past.record),
                    by: By::Line(file, line),
                });
            }
        }
        candidates.extend(self.linked_modules());
        if self.unrecorded && !candidates.iter().any(|module| module.identifier == "ssl_module") {
            candidates.extend(self.module_by_rule());
        }
        // mod_ssl first: others may be there for it alone.
        candidates.sort_by_key(|module| module.identifier != "ssl_module");
        let mut kept: Vec<String>;
        loop {
            let before = candidates.len();
            kept = Vec::new();
            let mut waiting = Vec::new();
            for module in std::mem::take(&mut candidates) {
                match self.user_of(&module)? {
                    None => self.unload(&module),
                    Some(user) => {
                        let place = module.place(look);
                        kept.push(format!("{} stays loaded ({place}) for {user}", module.identifier));
                        waiting.push(module);
                    }
                }
            }
            candidates = waiting;
            if candidates.is_empty() || candidates.len() == before {
                break;
            }
        }
        for note in kept {
            self.note(note);
        }
        Ok(())
    }

    /// Modules that are loaded by links that `enable` made and that are still there.
    fn linked_modules(&self) -> Vec<Module> {
        let mut seen: BTreeSet<PathBuf> = BTreeSet::new();
        let mut modules: BTreeMap<String, (usize, Vec<Link>)> = BTreeMap::new();
        for (at, record) in self.records.iter().enumerate().rev() {
            for link in &record.removed {
                seen.insert(link.path.clone());
            }
            for link in record.made.iter().filter(|_| record.action == Action::Enable) {
                let is_there = std::fs::read_link(&link.path).is_ok_and(|target| target == link.target);
                let stem = link
                    .path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                if seen.insert(link.path.clone()) && is_there && !self.given.1.is_hidden(&link.path) {
                    let (first, links) = modules.entry(stem).or_insert((at, Vec::new()));
                    *first = at.min(*first);
                    links.push(link.clone());
                }
            }
        }
        let modules = modules.into_iter().map(|(stem, (record, links))| Module {
            identifier: format!("{stem}_module"),
            record: Some(record),
            by: By::Links(links),
        });
        modules.collect()
    }

    /// The line that loads mod_ssl, where no record tells whether it was there before.
    fn module_by_rule(&mut self) -> Option<Module> {
        let look = self.look;
        let loads = look.configuration.load_modules().iter();
        let mut loads = loads.filter(|load| load.identifier == b"ssl_module" && load.truth == Truth::True);
        let entry = look.configuration.entry(loads.next()?.entry);
        let (file, line) = (look.file_of(entry), entry.line as usize);
        let path = &look.configuration.file(look.files[file].id).host;
        if path.is_symlink() {
            let note = format!(
                "there is no record of what was there before: {} stays; a2dismod takes it out",
                path.display()
            );
            self.note(note);
            return None;
        }
        let level = look.configuration.is_server_level(entry.file, entry.line) == Truth::True;
        (level && look.configuration.macro_place(entry).is_none()).then(|| Module {
            identifier: "ssl_module".into(),
            record: None,
            by: By::Line(file, line),
        })
    }

    fn user_of(&mut self, module: &Module) -> Result<Option<String>, PlanError> {
        let with = self.view()?;
        if let Some((user, _)) = self
            .user_of_domains(&with)
            .filter(|_| module.identifier == "ssl_module")
        {
            return Ok(Some(user));
        }
        let saved = self.lines.clone();
        let links = self.decided.links.len();
        self.unload(module);
        let without = self.view();
        self.lines = saved;
        self.decided.links.truncate(links);
        let without = without?;
        let nobody = Known::default();
        let before = match module.record {
            Some(record) => self.before(record)?,
            None => &nobody,
        };
        Ok(user_of_module(&with, &without, &module.identifier, before))
    }

    fn unload(&mut self, module: &Module) {
        let reason = format!("nothing needs {} any more", module.identifier);
        match &module.by {
            By::Links(links) => self.decided.links.extend(links.iter().map(|link| Link {
                reason: reason.clone(),
                ..link.clone()
            })),
            By::Line(file, line) if module.record.is_none() => {
                let raw = self.look.files[*file].document.raw(*line);
                let blanks = raw.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let new = [&raw[..blanks], b"#", &raw[blanks..]].concat();
                self.lines.insert((*file, *line), (Some(new), reason));
            }
            By::Line(file, line) => self.put_back(*file, *line, reason),
        }
    }

    /// A domain for which HTTPS stays on and its ports, whoever wrote its virtual host.
    fn user_of_domains(&self, view: &Configuration) -> Option<(String, Vec<u16>)> {
        let mut on: Vec<&str> = Vec::new();
        for record in self.records {
            match record.action {
                Action::Enable => on.extend(record.domains.first().map(String::as_str)),
                Action::Disable if record.domains.is_empty() => on.clear(),
                Action::Disable => on.retain(|own| !record.domains.iter().any(|off| off == own)),
                Action::Other => {}
            }
        }
        on.retain(|domain| !self.request.means(domain));
        let hosts = view.virtual_hosts();
        let host = hosts.iter().find(|host| {
            host.truth == Truth::True
                && view.speaks_tls(host)
                && on.iter().any(|domain| names_exactly(host, domain))
        })?;
        let ports = host.addresses.iter().filter_map(|address| address.port);
        Some((
            format!("the virtual host {}", describe(view, host)),
            ports.collect(),
        ))
    }

    /// Does nothing of ours stay on?
    fn is_end(&self) -> bool {
        let look = self.look;
        let changed = look.written().into_iter().any(|at| {
            let host = look.host_around(at.0, at.1);
            host.is_some() && !self.lines.contains_key(&at)
        });
        !changed && !look.ours.iter().any(|ours| !ours.stands_in && self.stays(ours))
    }

    // --- what is around it ---

    /// Blank lines that came with what goes, and the line end that the last line of a file had to get.
    fn blanks(&mut self) {
        let look = self.look;
        let end = self.is_end();
        let touched: BTreeSet<usize> = self.lines.keys().map(|(file, _)| *file).collect();
        for (file, line) in look.written() {
            let traces = &look.files[file].traces;
            let Some(past) = traces.lines[line].past.last() else {
                continue;
            };
            if past.old.is_some() || !look.is_blank(file, line) || !touched.contains(&file) {
                continue;
            }
            let goes = match past.beside {
                Some(place) => {
                    let mut own =
                        (0..traces.lines.len()).filter(|at| traces.lines[*at].section == Some(place));
                    own.all(|at| matches!(self.lines.get(&(file, at)), Some((None, _))))
                }
                None => end,
            };
            if goes {
                let neighbour = [line.checked_sub(1), Some(line + 1)].into_iter().flatten();
                let reasons = neighbour.filter_map(|at| self.lines.get(&(file, at)));
                let reason = reasons.map(|(_, reason)| reason.clone()).next();
                self.remove(
                    (file, line),
                    reason.unwrap_or_else(|| "a blank line that was added".into()),
                );
            }
        }
        for file in touched {
            self.end_of_file(file);
        }
    }

    fn end_of_file(&mut self, file: usize) {
        let look = self.look;
        let document = look.files[file].document;
        let stays = |line: &usize| !matches!(self.lines.get(&(file, *line)), Some((None, _)));
        let Some(last) = (0..document.lines().len()).rev().find(stays) else {
            return;
        };
        let path = &look.configuration.file(look.files[file].id).host;
        let at = document.lines()[last].span().end;
        let inserted = self
            .decided
            .edits
            .iter()
            .any(|edit| &edit.file == path && edit.span.start >= at);
        let Some(end) = look.files[file].traces.lines[last].end.clone() else {
            return;
        };
        if inserted {
            return;
        }
        let unended = |text: &[u8]| text[..text.len() - line_ending(text).len()].to_vec();
        if let Some((Some(new), _)) = self.lines.get_mut(&(file, last)) {
            *new = unended(new);
            return;
        }
        let raw = document.raw(last);
        let new = if raw.starts_with(&end) { end } else { unended(raw) };
        if new != raw {
            let reason = "the last line ends as it did before".into();
            self.lines.insert((file, last), (Some(new), reason));
        }
    }

    // --- means ---

    /// Lines of the server level that a run of `enable` wrote and that are not decided yet.
    fn server_level(&self) -> Vec<(usize, usize)> {
        let mut written = self.look.written();
        written.retain(|at| self.look.host_around(at.0, at.1).is_none() && !self.lines.contains_key(at));
        written
    }

    fn remove(&mut self, at: (usize, usize), reason: String) {
        self.lines.insert(at, (None, reason));
    }

    fn note(&mut self, note: String) {
        if !self.decided.notes.contains(&note) {
            self.decided.notes.push(note);
        }
    }

    /// A line gets what stood there before all runs; one that came goes.
    fn put_back(&mut self, file: usize, line: usize, reason: String) {
        let read = &self.look.files[file];
        let past = &read.traces.lines[line].past;
        let (Some(latest), Some(oldest)) = (past.first(), past.last()) else {
            return;
        };
        let raw = read.document.raw(line);
        let Some(old) = &oldest.old else {
            return self.remove((file, line), reason);
        };
        let new = if raw == latest.new {
            old.clone()
        } else {
            // Somebody gave the line another indentation or line ending.
            let ending = match line_ending(raw) {
                same if same == line_ending(&latest.new) => line_ending(old),
                other => other,
            };
            [read.document.indentation(line), trim(old), ending].concat()
        };
        self.lines.insert((file, line), (Some(new), reason));
    }

    /// What was there before a record, or before all of them.
    fn before(&mut self, record: usize) -> Result<&Known, PlanError> {
        if !self.befores.contains_key(&record) {
            let mut known = Known::of(&state_before(self.given, self.records, record)?);
            if record > 0 {
                known = known.or(self.before(0)?);
            }
            self.befores.insert(record, known);
        }
        Ok(&self.befores[&record])
    }

    /// The configuration as decided so far.
    fn view(&self) -> Result<Configuration, PlanError> {
        let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
        for file in self.look.configuration.files() {
            files.insert(real_path(&file.host), file.document.bytes().to_vec());
        }
        let edits = self.edits();
        for group in edits.chunk_by(|a, b| a.file == b.file) {
            if let Some(bytes) = files.get_mut(&real_path(&group[0].file)) {
                *bytes = apply(bytes, group).map_err(|error| PlanError::Unproven(error.to_string()))?;
            }
        }
        let (main, source, facts) = self.given;
        let links = self.decided.links.iter().map(|link| link.path.as_path());
        read(main, &source.without(links).with_overlay(files), facts)
    }

    /// Everything decided so far as edits, by file and place.
    fn edits(&self) -> Vec<Edit> {
        let look = self.look;
        let mut edits = self.decided.edits.clone();
        let mut latest: Option<(usize, usize)> = None;
        for (&(file, line), (new, reason)) in &self.lines {
            let document = look.files[file].document;
            let span = document.lines()[line].span();
            let mut new = new.clone();
            let follows = (line + 1..document.lines().len())
                .any(|at| !matches!(self.lines.get(&(file, at)), Some((None, _))));
            if let Some(new) = &mut new
                && follows
                && !new.ends_with(b"\n")
            {
                new.extend_from_slice(document.line_ending().as_bytes());
            }
            let path = look.configuration.file(look.files[file].id).host.clone();
            if let (None, Some(edit)) = (&new, edits.last_mut())
                && latest == Some((file, line.wrapping_sub(1)))
                && edit.reason == *reason
                && edit.replacement.is_empty()
            {
                edit.span.end = span.end;
            } else {
                edits.push(Edit {
                    file: path,
                    span,
                    replacement: new.unwrap_or_default(),
                    reason: reason.clone(),
                });
            }
            latest = Some((file, line));
        }
        edits.sort_by(|a, b| (&a.file, a.span.start, a.span.end).cmp(&(&b.file, b.span.start, b.span.end)));
        edits
    }

    fn finish(mut self) -> Result<Decided, PlanError> {
        self.decided.edits = self.edits();
        Ok(self.decided)
    }
}

/// A module that may have to go.
struct Module {
    identifier: String,
    record: Option<usize>,
    by: By,
}

/// What loads it.
enum By {
    Line(usize, usize),
    Links(Vec<Link>),
}

impl Module {
    fn place(&self, look: &Look) -> String {
        match &self.by {
            By::Line(file, line) => look.place(*file, *line),
            By::Links(links) => links
                .first()
                .map_or(String::new(), |link| link.path.display().to_string()),
        }
    }
}

impl Ours {
    /// Is it for that domain, by its comment, its record, or its own name?
    fn is_for(&self, look: &Look, domain: &str) -> bool {
        let named = |at: &usize| {
            look.hosts[*at]
                .server_name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case(domain))
        };
        self.domain.eq_ignore_ascii_case(domain) || !self.stands_in && self.hosts.iter().any(named)
    }
}

/// The configuration as it was before a record; files of which there is none, as they are.
pub(super) fn state_before(
    given: Given,
    records: &[Record],
    record: usize,
) -> Result<Configuration, PlanError> {
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let later = &records[record.min(records.len())..];
    for version in later.iter().flat_map(|record| &record.files) {
        files
            .entry(version.path.clone())
            .or_insert_with(|| version.before.clone());
    }
    let links = later.iter().flat_map(|record| &record.made);
    let links = links.map(|link| link.path.as_path());
    let (main, source, facts) = given;
    read(main, &source.without(links).with_overlay(files), facts)
}

fn active_ports(configuration: &Configuration) -> BTreeSet<u16> {
    let listens = configuration.listens().iter();
    let active = listens.filter(|listen| listen.truth == Truth::True);
    active.map(|listen| listen.port).collect()
}

fn line_ending(raw: &[u8]) -> &[u8] {
    match raw {
        [.., b'\r', b'\n'] => &raw[raw.len() - 2..],
        [.., b'\n'] => &raw[raw.len() - 1..],
        _ => b"",
    }
}

/// A `Listen` in words.
fn directive(words: &[Vec<u8>], name: &[u8]) -> Option<Listen> {
    let (first, arguments) = words.split_first()?;
    let (address, port, protocol) = first
        .eq_ignore_ascii_case(name)
        .then(|| parse_listen(arguments))
        .flatten()?;
    Some(Listen {
        address,
        port,
        protocol,
        truth: Truth::True,
        entry: 0,
    })
}

fn normal_endpoint(listen: &Listen) -> (u16, bool, Option<std::net::IpAddr>) {
    (listen.port, listen.is_wildcard(), listen.ip())
}
