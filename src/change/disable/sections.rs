//! The virtual hosts that go: those that `enable` added, and by force those of others.

use std::collections::BTreeSet;

use crate::httpd::{Configuration, VirtualHost};
use crate::mod_ssl::speaks_tls;

use super::super::answer::Answers;
use super::super::plan::{PlanError, refuse};
use super::super::refusal::{RefusalCode, named, say};
use super::super::request::Request;
use super::decide::Decision;
use super::found::{Found, Ours};
use super::marks::{Mark, section};
use super::record::Action;

impl Decision<'_> {
    /// A virtual host that answers a domain and was not written by us is not ours to take away.
    pub(super) fn refuse_others(&mut self) -> Result<(), PlanError> {
        let found = self.found;
        for domain in &self.request.domains {
            let goes = found
                .ours
                .iter()
                .any(|ours| self.means(ours) && ours.is_for(found, domain));
            let recorded = self
                .records
                .iter()
                .any(|record| record.action == Action::Enable && record.domains.first() == Some(domain));
            for host in self.answering(domain) {
                match found.ours.iter().find(|ours| ours.hosts.contains(&host)) {
                    Some(ours) if self.means(ours) => {}
                    Some(ours) => return Err(self.further_name(domain, host, ours)),
                    None if self.is_forced(host) => self.remove_others(host)?,
                    None if recorded => self.note_remaining(domain, host),
                    None if goes => {}
                    None => return Err(self.not_ours(domain, host)),
                }
            }
        }
        Ok(())
    }

    /// The virtual host is one of ours, for another domain.
    fn further_name(&self, domain: &str, host: usize, ours: &Ours) -> PlanError {
        let found = self.found;
        refuse(
            RefusalCode::DisableFurtherName,
            say![
                domain,
                " is a further name of the virtual host ",
                named(found.configuration, &found.hosts[host]),
            ],
            "; ",
            format!(
                "disable --domain {} turns that off with all its names; or remove {domain} from its ServerAlias",
                ours.domain
            ),
        )
    }

    /// The virtual host speaks TLS, and a run for the domain was content with that.
    fn note_remaining(&mut self, domain: &str, host: usize) {
        let found = self.found;
        let shown = found.hosts[host].describe(found.configuration);
        let opening = found.configuration.entry(found.hosts[host].entry);
        self.decided
            .notes
            .push(match found.configuration.macro_place(opening) {
                Some(place) => format!(
                    "the virtual host {shown} still speaks TLS for {domain}: it comes from {}, and macros are not \
                     edited; remove that `Use` line by hand",
                    place.name
                ),
                None => format!(
                    "the virtual host {shown} spoke TLS for {domain} before esync-ssl was run, and still does; \
                     --force {} deletes it",
                    RefusalCode::DisableNotOurs
                ),
            });
    }

    /// The domain that a virtual host was changed for, which is none of ours.
    fn changed_for(&self, host: usize) -> Option<&String> {
        let record = self.wrote_in(host)?;
        self.records[record].domains.first()
    }

    /// Is a virtual host to go that is not ours?
    fn is_forced(&self, host: usize) -> bool {
        let code = match self.changed_for(host) {
            Some(domain) if !self.request.means(domain) => RefusalCode::DisableChangedForOther,
            _ => RefusalCode::DisableNotOurs,
        };
        self.request.forced.contains(&code)
    }

    /// The virtual host is neither ours nor was it changed for the domain.
    fn not_ours(&self, domain: &str, host: usize) -> PlanError {
        let for_another = self.changed_for(host);
        let shown = named(self.found.configuration, &self.found.hosts[host]);
        match for_another {
            Some(other) => refuse(
                RefusalCode::DisableChangedForOther,
                say![
                    domain,
                    " is answered by the virtual host ",
                    shown,
                    ", which was changed for ",
                    other,
                ],
                ": ",
                format!(
                    "disable --domain {other} removes those changes. --force {} deletes the virtual \
                     host",
                    RefusalCode::DisableChangedForOther
                ),
            ),
            None => refuse(
                RefusalCode::DisableNotOurs,
                say![
                    "the virtual host ",
                    shown,
                    " answers ",
                    domain,
                    " over TLS, and was not written by esync-ssl; nothing was changed",
                ],
                ". ",
                format!("--force {} deletes it", RefusalCode::DisableNotOurs),
            ),
        }
    }

    /// The active TLS virtual hosts that answer a domain by its own name.
    pub(super) fn answering(&self, domain: &str) -> Vec<usize> {
        let found = self.found;
        let request = Request {
            domain: domain.to_owned(),
            ..Request::default()
        };
        let mut hosts = BTreeSet::new();
        for port in active_ports(found.configuration) {
            let answers = Answers::on(found.configuration, &request, port);
            for end in answers.local_ends() {
                if let Some(host) = answers.at(end)
                    && host.names_exactly(domain)
                    && speaks_tls(found.configuration, host)
                {
                    hosts.extend(found.hosts.iter().position(|own| own.section == host.section));
                }
            }
        }
        hosts.into_iter().collect()
    }

    /// The latest record that wrote a line of a virtual host.
    fn wrote_in(&self, host: usize) -> Option<usize> {
        let written = self.found.written();
        let here = written.filter(|(file, line)| self.found.host_around(*file, *line) == Some(host));
        here.filter_map(|(file, line)| self.found.files[file].traces.lines[line].past.first())
            .map(|past| past.record)
            .max()
    }

    pub(super) fn means(&self, ours: &Ours) -> bool {
        self.request.domains.is_empty()
            || self
                .request
                .domains
                .iter()
                .any(|domain| ours.is_for(self.found, domain))
    }

    pub(super) fn means_record(&self, record: usize) -> bool {
        match self.records[record].domains.first() {
            Some(domain) => self.request.means(domain),
            None => self.request.domains.is_empty(),
        }
    }

    fn remove_others(&mut self, host: usize) -> Result<(), PlanError> {
        let found = self.found;
        let shown = found.hosts[host].describe(found.configuration);
        let entry = found.configuration.entry(found.hosts[host].entry);
        let (file, line) = (found.file_of(entry), entry.line as usize);
        let lines = match found.configuration.macro_place(entry) {
            None => section(found.files[file].document, line),
            Some(_) => None,
        };
        let Some(lines) = lines else {
            return Err(refuse(
                RefusalCode::DisableNotCut,
                say![
                    "the virtual host ",
                    named(found.configuration, &found.hosts[host]),
                    " cannot be removed: it comes from a macro, or is not closed in its own file",
                ],
                ". ",
                "Change it by hand",
            ));
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
        let addresses = &self.found.hosts[host].addresses;
        self.ports
            .extend(addresses.iter().filter_map(|address| address.port));
        self.decided.gone.push(host);
    }

    /// The sections that `enable` added.
    pub(super) fn sections(&mut self) {
        let found = self.found;
        let ours = found.ours.iter().filter(|ours| !ours.stands_in);
        let going: Vec<&Ours> = ours.filter(|ours| self.means(ours)).collect();
        for ours in going {
            self.remove_section(ours);
        }
    }

    pub(super) fn stays(&self, ours: &Ours) -> bool {
        !self.lines.contains_key(&(ours.file, ours.lines.start))
    }

    /// What stands in for the main server is needed as long as others share its address.
    pub(super) fn stand_ins(&mut self) -> Result<(), PlanError> {
        let found = self.found;
        let view = self.view()?;
        let hosts = view.virtual_hosts();
        for ours in found.ours.iter().filter(|ours| ours.stands_in) {
            let mine = |host: &VirtualHost| {
                let mut own = ours.hosts.iter();
                own.any(|at| self.is_host(found.configuration, &found.hosts[*at], &view, host))
            };
            let shared = hosts.iter().filter(|host| mine(host)).any(|host| {
                host.addresses.iter().any(|address| {
                    let port = address.port.unwrap_or(80);
                    let set = view.address_set(address.ip(), port);
                    set.iter().any(|other| !mine(other))
                })
            });
            let mut siblings = found.ours.iter().filter(|other| {
                !other.stands_in
                    && other.file == ours.file
                    && (other.place.is_some() && other.place == ours.place || other.marker == ours.marker)
            });
            let has_redirect = siblings.any(|other| self.stays(other));
            let mut written = found.written();
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
            let file = configuration.file(entry.file).real().to_path_buf();
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
        let found = self.found;
        let reason = match (ours.mark, ours.stands_in) {
            (Mark::Https, _) => format!("remove the virtual host that serves {} over TLS", ours.domain),
            (_, false) => format!("HTTP requests for {} are no longer sent to HTTPS", ours.domain),
            (_, true) => "it took the place of the main server, which is not needed anymore".to_string(),
        };
        for host in &ours.hosts {
            self.forget_host(*host);
        }
        self.unrecorded |= ours.place.is_none();
        for line in ours.lines.clone() {
            self.remove((ours.file, line), reason.clone());
        }
        let Some(marker) = ours.marker else { return };
        let siblings = found.ours.iter();
        let mut siblings = siblings.filter(|other| other.marker == Some(marker) && other.file == ours.file);
        if siblings.all(|other| self.lines.contains_key(&(other.file, other.lines.start))) {
            self.remove((ours.file, marker), reason.clone());
            let between = marker + 1..ours.lines.start;
            for line in between.filter(|line| found.is_blank(ours.file, *line)) {
                self.remove((ours.file, line), reason.clone());
            }
        }
        if ours.place.is_none() && !ours.stands_in {
            self.blank_by_rule(ours, marker, reason);
        }
    }

    /// Without a record: the blank line above goes where one stays below, or nothing follows.
    fn blank_by_rule(&mut self, ours: &Ours, marker: usize, reason: String) {
        let found = self.found;
        let (above, below) = (marker.checked_sub(1), ours.lines.end);
        let ends = below >= found.files[ours.file].document.lines().len();
        if let Some(above) = above
            && found.is_blank(ours.file, above)
            && (ends || found.is_blank(ours.file, below))
        {
            self.remove((ours.file, above), reason);
        }
    }
}

impl Ours {
    /// Is it for that domain, by its comment, its record, or its own name?
    fn is_for(&self, found: &Found, domain: &str) -> bool {
        let named = |at: &usize| {
            found.hosts[*at]
                .server_name
                .as_deref()
                .is_some_and(|name| name.eq_ignore_ascii_case(domain))
        };
        self.domain.eq_ignore_ascii_case(domain) || !self.stands_in && self.hosts.iter().any(named)
    }
}

fn active_ports(configuration: &Configuration) -> BTreeSet<u16> {
    let active = configuration.active_listens();
    active.map(|listen| listen.port).collect()
}
