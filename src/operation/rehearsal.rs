//! The rehearsal before anything is written: the product's own httpd with the TLS directives to come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::candidate::Candidate;
use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::httpd_verdict::Judge;
use super::job::Job;
use super::judge_hosts::{Checked, asked};
use super::progress::Progress;
use super::questions::Silent;
use super::rehearsed_section::{NewFiles, Section};
use crate::apply::{Content, NameChange};
use crate::change::Request;
use crate::check::dialog;
use crate::check::rehearsal::{answering, or_without};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding};
use crate::httpd::{Configuration, real_path};
use crate::note_code::NoteCode;
use crate::refusal::{Refusal, RefusalCode};
use crate::shown::printable;

/// Rehearses what `enable` is about to write, where there is a server to do it. Tells whether it was done.
///
/// # Errors
/// Refused when the server does not start, or shows another certificate.
pub fn before_writing(
    loaded: &Loaded,
    request: &Request,
    changes: &[NameChange],
    job: Job,
) -> Result<bool, Failure> {
    let mut overlay = BTreeMap::new();
    let mut links = Vec::new();
    let mut new = NewFiles::new();
    for change in changes {
        match &change.after {
            Content::Tls(bytes) => {
                new.insert(real_path(&change.path), bytes);
            }
            Content::File(bytes) => {
                overlay.insert(change.path.clone(), bytes.to_vec());
            }
            Content::Link(target) => links.push((&change.path, target)),
            Content::Absent => {}
        }
    }
    let mut source = loaded.source.with_overlay(overlay);
    for (path, target) in links {
        source = source.with_link(path, target).unwrap_or(source);
    }
    let Ok(configuration) = Configuration::read(&loaded.main, source, loaded.facts.clone()) else {
        return Ok(false);
    };
    let hosts = configuration.virtual_hosts();
    let section = Section {
        loaded,
        configuration: &configuration,
        section: answering(&configuration, hosts, request.port, &request.domain),
        name: &request.domain,
        new: &new,
    };
    let found = match section.rehearse(job.voice) {
        Ok(is_done) => {
            not_interrupted()?;
            return Ok(is_done);
        }
        Err(found) => *found,
    };
    const FAILED: &str = "the rehearsal with the server's own httpd failed";
    let (found, cause, fix) = match is_rejected(loaded, changes, job) {
        true => (
            found,
            format!("{FAILED}, and httpd -t does not accept the result either; nothing was written"),
            "Correct what it names",
        ),
        false => (
            or_without(found),
            format!("{FAILED}; nothing was written"),
            "Correct what it names, or skip the rehearsal with --no-rehearsal",
        ),
    };
    let findings = vec![found];
    job.voice.findings(&findings, &[]);
    let refusal = Refusal::new(RefusalCode::RehearsalRefused, cause, ". ", fix);
    Err(Failure::refused_for(refusal, findings, &[]))
}

/// Would `httpd -t` refuse the changes as well, so that nothing is gained by leaving the rehearsal out?
fn is_rejected(loaded: &Loaded, changes: &[NameChange], job: Job) -> bool {
    let Ok(Some(judge)) = Judge::of(loaded, job.writing, &Silent) else {
        return false;
    };
    let candidate = Candidate::of(loaded, changes);
    candidate.is_ok_and(|candidate| matches!(judge.rejects_copy(&candidate), Ok(Some(_))))
}

/// Rehearsals of virtual hosts, one after the other.
pub struct Rehearsals<'a> {
    loaded: &'a Loaded,
    progress: &'a dyn Progress,
    /// Every one that did not succeed.
    pub failed: Vec<Finding>,
    /// After that no further one begins.
    until: Option<Instant>,
}

impl<'a> Rehearsals<'a> {
    /// None yet.
    pub fn new(loaded: &'a Loaded, progress: &'a dyn Progress) -> Self {
        Rehearsals {
            loaded,
            progress,
            failed: Vec::new(),
            until: None,
        }
    }

    /// As many as there is time for.
    pub fn within(self, patience: Duration) -> Self {
        Rehearsals {
            until: Instant::now().checked_add(patience),
            ..self
        }
    }

    /// Rehearses a virtual host that was judged. Where the rules found an error there is nothing to try.
    pub fn of_host(&mut self, host: &TlsHost, wanted: Option<&str>, checked: &mut [Checked]) {
        let mut found = checked.iter().flat_map(|checked| &checked.findings);
        if found.any(|finding| finding.severity.is_error()) {
            return;
        }
        let Some(first) = checked.first_mut() else { return };
        if self.until.is_some_and(|until| until < Instant::now()) {
            let name = printable(
                host.server_name
                    .as_deref()
                    .unwrap_or("the main server")
                    .as_bytes(),
            );
            let words = format!("note: {name} was not rehearsed, because the others took too long");
            self.progress.note(NoteCode::NotRehearsed, &words);
            return;
        }
        let section = Section {
            loaded: self.loaded,
            configuration: &self.loaded.configuration,
            section: host.section,
            name: asked(host, wanted).unwrap_or("localhost"),
            new: &NewFiles::new(),
        };
        // A program that does not answer for one does not answer for the next, and each waits for it.
        let silent = self
            .failed
            .iter()
            .find(|finding| finding.code == Code::PassPhraseDialog);
        let found = match silent.filter(|_| dialog::is_needed(section.configuration, host)) {
            Some(silent) => Some(silent.clone()),
            None => section
                .rehearse(self.progress)
                .err()
                .map(|found| or_without(*found)),
        };
        self.failed.extend(found.clone());
        first.findings.extend(found);
        Finding::worst_first(&mut first.findings);
    }
}
