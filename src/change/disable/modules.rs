//! The modules and caches that go, as far as nobody else needs them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::httpd::{Configuration, Truth};
use crate::mod_ssl::speaks_tls;

use super::super::plan::{Link, PlanError};
use super::decide::Decision;
use super::found::Found;
use super::marks::{Mark, words};
use super::needs::{Known, user_of_module, user_of_stapling};
use super::record::Action;

impl Decision<'_> {
    pub(super) fn caches(&mut self) -> Result<(), PlanError> {
        for (file, line) in self.server_level() {
            let names = words(self.found.files[file].document, line);
            if !names
                .first()
                .is_some_and(|name| name.eq_ignore_ascii_case(b"SSLStaplingCache"))
            {
                continue;
            }
            let view = self.view()?;
            let record = self.found.files[file].traces.lines[line]
                .past
                .last()
                .map_or(0, |past| past.record);
            match user_of_stapling(&view, self.before(record)?) {
                Some(user) => {
                    let place = self.found.place(file, line);
                    self.note(format!("the cache at {place} stays for {user}"));
                }
                None => self.put_back(file, line, "nothing uses stapling anymore".into()),
            }
        }
        Ok(())
    }

    pub(super) fn modules(&mut self) -> Result<(), PlanError> {
        let found = self.found;
        let mut candidates: Vec<Module> = Vec::new();
        for (file, line) in self.server_level() {
            let words = words(found.files[file].document, line);
            let past = found.files[file].traces.lines[line].past.last();
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
                        let place = module.place(found);
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
                let is_there = self.given.1.read_link(&link.path).as_ref() == Some(&link.target);
                let stem = link
                    .path
                    .file_stem()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned();
                if seen.insert(link.path.clone()) && is_there {
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
        let found = self.found;
        let loads = found.configuration.load_modules().iter();
        let mut loads = loads.filter(|load| load.identifier == b"ssl_module" && load.truth == Truth::True);
        let entry = found.configuration.entry(loads.next()?.entry);
        let (file, line) = (found.file_of(entry), entry.line as usize);
        let path = &found.configuration.file(found.files[file].id).host;
        if path.is_symlink() {
            let note = format!(
                "there is no record of what was there before: {} stays; a2dismod removes it",
                path.display()
            );
            self.note(note);
            return None;
        }
        let level = found.configuration.is_server_level(entry.file, entry.line) == Truth::True;
        (level && found.configuration.macro_place(entry).is_none()).then(|| Module {
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
        let stays_on = module.identifier == "socache_shmcb_module" && self.user_of_domains(&with).is_some();
        let before = match module.record {
            Some(record) if !stays_on => self.before(record)?,
            _ => &nobody,
        };
        let links: &[Link] = match &module.by {
            By::Links(links) => links,
            By::Line(..) => &[],
        };
        Ok(user_of_module(&with, &without, &module.identifier, links, before))
    }

    fn unload(&mut self, module: &Module) {
        let reason = format!("nothing needs {} anymore", module.identifier);
        match &module.by {
            By::Links(links) => self.decided.links.extend(links.iter().map(|link| Link {
                reason: reason.clone(),
                ..link.clone()
            })),
            By::Line(file, line) if module.record.is_none() => {
                let raw = self.found.files[*file].document.raw(*line);
                let blanks = raw.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
                let new = [&raw[..blanks], b"#", &raw[blanks..]].concat();
                self.lines.insert((*file, *line), (Some(new), reason));
            }
            By::Line(file, line) => self.put_back(*file, *line, reason),
        }
    }

    /// A domain for which HTTPS stays on and its ports, whoever wrote its virtual host.
    pub(super) fn user_of_domains(&self, view: &Configuration) -> Option<(String, Vec<u16>)> {
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
                && speaks_tls(view, host)
                && on.iter().any(|domain| host.names_exactly(domain))
        })?;
        let ports = host.addresses.iter().filter_map(|address| address.port);
        Some((
            format!("the virtual host {}", host.describe(view)),
            ports.collect(),
        ))
    }

    /// Does nothing of ours stay on?
    pub(super) fn is_end(&self) -> bool {
        let found = self.found;
        let changed = found.written().any(|at| {
            let host = found.host_around(at.0, at.1);
            host.is_some() && !self.lines.contains_key(&at)
        });
        !changed && !found.ours.iter().any(|ours| !ours.stands_in && self.stays(ours))
    }

    /// Is HTTP for another domain still sent to HTTPS?
    pub(super) fn redirects_stay(&self) -> bool {
        let mut ours = self.found.ours.iter();
        ours.any(|ours| ours.mark == Mark::Redirect && !ours.stands_in && self.stays(ours))
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
    fn place(&self, found: &Found) -> String {
        match &self.by {
            By::Line(file, line) => found.place(*file, *line),
            By::Links(links) => links
                .first()
                .map_or(String::new(), |link| link.path.display().to_string()),
        }
    }
}
