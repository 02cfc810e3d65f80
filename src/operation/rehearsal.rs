//! The rehearsal before anything is written: the product's own httpd with the TLS directives to come.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::judge_hosts::{Checked, asked};
use super::progress::Progress;
use super::running;
use crate::apply::{Change, Content, create_private};
use crate::change::Request;
use crate::check::dialog::{self, Dialog};
use crate::check::rehearsal::{Stage, answering, culprit, finding, refused, script};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Place, Severity, log};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::httpd::{Configuration, Entry, Platform, SectionId, real_path, resolve};
use crate::server::binary::Silence;
use crate::server::rehearsal::{Flop, PATIENCE, WITH_DIALOG, rehearse};
use crate::server::trust;
use crate::shown::printable;
use crate::tls::certificate::Certificate;
use crate::tls::public_key::KeyKind;

/// Files that are not where they will be, by real path.
type NewFiles<'a> = BTreeMap<PathBuf, &'a [u8]>;

/// Rehearses what `enable` is about to write, where there is a server to do it. Tells whether it was done.
///
/// # Errors
/// Refused when the server does not start, or shows another certificate.
pub fn before_writing(
    loaded: &Loaded,
    request: &Request,
    changes: &[Change],
    progress: &dyn Progress,
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
    let section = answering(&configuration, hosts, request.port, &request.domain);
    let found = match of_section(loaded, &configuration, section, &request.domain, &new, progress) {
        Ok(is_done) => {
            not_interrupted()?;
            return Ok(is_done);
        }
        Err(found) => found,
    };
    let findings = vec![*found];
    progress.findings(&findings, &[]);
    Err(Failure {
        status: ExitStatus::Refused,
        findings,
        error: anyhow::anyhow!(
            "the rehearsal with the server's own httpd failed (above); nothing was written. Correct what it names, or \
             skip it with --no-rehearsal"
        ),
    })
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
            self.progress.talk(&format!(
                "note: {name} was not rehearsed, as the others took too long"
            ));
            return;
        }
        let (loaded, name) = (self.loaded, asked(host, wanted).unwrap_or("localhost"));
        let (configuration, new) = (&loaded.configuration, BTreeMap::new());
        // A program that does not answer for one does not answer for the next, and each waits for it.
        let silent = self
            .failed
            .iter()
            .find(|finding| finding.code == Code::PassPhraseDialog);
        let found = match silent.filter(|_| dialog::is_needed(configuration, host)) {
            Some(silent) => Some(silent.clone()),
            None => of_section(loaded, configuration, host.section, name, &new, self.progress)
                .err()
                .map(|found| *found),
        };
        self.failed.extend(found.clone());
        first.findings.extend(found);
        first.findings.sort_by_key(|finding| finding.severity);
    }
}

/// The program that a rehearsal may have tell a pass-phrase, if it needs one.
///
/// # Errors
/// Why there can be no rehearsal.
fn dialog_of(configuration: &Configuration, section: SectionId) -> Result<Option<PathBuf>, String> {
    if !dialog::is_needed(configuration, &TlsHost::of(configuration, section)) {
        return Ok(None);
    }
    let dialog = Dialog::of(configuration, section);
    let Some(dialog) = dialog.filter(|dialog| !dialog.asks_a_person()) else {
        return Err("the pass-phrase of the key would be asked for, and nobody is there".into());
    };
    let program = dialog.program.unwrap_or_default();
    match trust::judge(&program) {
        Ok(_) => Ok(Some(program)),
        Err(distrust) => Err(format!(
            "{}, which tells the pass-phrase, is not run, as {} it ({distrust})",
            program.display(),
            distrust.charge()
        )),
    }
}

/// Rehearses one section of a configuration, where that can be done here. Tells whether it was done.
///
/// # Errors
/// What went wrong.
pub fn of_section(
    loaded: &Loaded,
    configuration: &Configuration,
    section: SectionId,
    name: &str,
    new: &NewFiles,
    progress: &dyn Progress,
) -> Result<bool, Box<Finding>> {
    let reader = match loaded.reader() {
        Ok(Some(reader)) => reader,
        Ok(None) => return Ok(false),
        Err(silence) => {
            if matches!(silence, Silence::OthersWrite(_)) {
                progress.talk(&format!("note: no rehearsal: {silence}"));
            }
            return Ok(false);
        }
    };
    if configuration.source().relocated().is_some() || loaded.facts.platform != Platform::HOST {
        return Ok(false);
    }
    let dialog = match dialog_of(configuration, section) {
        Ok(dialog) => dialog,
        Err(why) => {
            progress.talk(&format!("note: no rehearsal: {why}"));
            return Ok(false);
        }
    };
    let patience = if dialog.is_some() { WITH_DIALOG } else { PATIENCE };
    let expected = certificates(configuration, section, new);
    let typed = if name.contains('*') {
        name.replace('*', "www")
    } else {
        name.to_owned()
    };
    let mut main = PathBuf::new();
    let mut moved = BTreeMap::new();
    let mut lines = Vec::new();
    let result = rehearse(reader, loaded.environment(), &typed, patience, |stage| {
        for (number, (path, bytes)) in new.iter().enumerate() {
            let copy = match stage.in_memory(bytes) {
                Some(copy) => copy,
                None => {
                    let copy = stage.folder.join(format!("{number}.pem"));
                    create_private(&copy, bytes).map_err(io::Error::other)?;
                    copy
                }
            };
            moved.insert(path.clone(), copy);
        }
        let place = Stage {
            folder: stage.folder,
            port: stage.port,
            dialog: dialog.is_some(),
        };
        let script = script(configuration, section, name, &place, &moved)
            .ok_or_else(|| io::Error::other("the TLS settings hang on a condition that is not known here"))?;
        main = stage.main.to_owned();
        lines = script.lines;
        Ok(script.text)
    });
    let found = match result {
        Ok(shown) if expected.is_empty() || expected.contains(&shown.leaf) => Ok(true),
        Ok(shown) => {
            let other = Certificate::from_der(&shown.leaf);
            let title = other
                .as_ref()
                .map_or("another one", |certificate| certificate.title());
            Err(finding(
                Severity::BreaksClients,
                "the server shows another certificate than the one that is configured",
                None,
                &format!("For {typed} it shows {}.", printable(title.as_bytes())),
            ))
        }
        Err(Flop::Interrupted) => Ok(false),
        Err(Flop::NotStaged(error)) => {
            progress.talk(&format!("note: no rehearsal: {error}"));
            Ok(false)
        }
        Err(flop) if flop.is_silent() && dialog.is_some() => Err(dialog::silent(
            dialog.as_deref().unwrap_or(Path::new("")),
            WITH_DIALOG.as_secs(),
        )),
        // No client that we could ask with can use such a key.
        Err(Flop::NoHandshake(..)) if expected.iter().any(|leaf| is_beyond_our_client(leaf)) => Ok(true),
        Err(flop) => {
            let severity = match flop {
                Flop::NoHandshake(..) => Severity::BreaksClients,
                _ => Severity::StopsStart,
            };
            let place = |entry: &Entry| Place {
                file: loaded.show(&configuration.file(entry.file).host),
                line: Some(configuration.line_number(entry) as usize),
            };
            let real: Vec<Option<Place>> = lines.iter().map(|line| line.map(place)).collect();
            let mut said = of_real_lines(flop.said().trim(), &main, &real);
            // Longest first: one may begin with another.
            let mut copies: Vec<_> = moved.iter().collect();
            copies.sort_by_key(|(_, copy)| std::cmp::Reverse(copy.as_os_str().len()));
            for (path, copy) in copies {
                said = said.replace(&copy.display().to_string(), &loaded.show(path));
            }
            let (known, graver) = log::why(&said);
            let is_known = known.is_some();
            let mut why = known.or_else(|| flop.refusal().map(refused));
            if let Some(why) = &mut why {
                let culprit = culprit(configuration, section, why.code, &said);
                why.place = why.place.take().or(culprit.map(place));
            }
            let (summary, said) = match (&why, is_known) {
                // Its log says nothing of the clients that it refuses.
                (Some(_), false) => ("no client of today can talk TLS with the server".into(), ""),
                (Some(_), true) => (flop.to_string(), &*graver),
                (None, _) => (flop.to_string(), &*said),
            };
            Err(finding(severity, &summary, why, &printable(said.as_bytes())))
        }
    };
    found.map_err(Box::new)
}

/// What the server said of its lines, said of the real ones.
fn of_real_lines(said: &str, main: &Path, real: &[Option<Place>]) -> String {
    let main = main.display().to_string();
    let mut said = said.to_owned();
    for (number, place) in (1..).zip(real) {
        // Apache for Windows spells it both ways.
        for main in [&main, &main.replace('\\', "/")] {
            let real = match place {
                Some(Place { file, line }) => format!("line {} of {file}", line.unwrap_or_default()),
                None => "a line of the rehearsal".into(),
            };
            said = said.replace(&format!("line {number} of {main}"), &real);
        }
    }
    said
}

/// Of a kind of key that works with OpenSSL's clients, and not with ours.
fn is_beyond_our_client(leaf: &[u8]) -> bool {
    Certificate::from_der(leaf)
        .is_ok_and(|leaf| matches!(leaf.public_key.kind, KeyKind::RsaPss { .. } | KeyKind::Ed448))
}

/// What `httpd -t` says against the whole configuration, where there is a server to say it. `is_its_own`: the binary
/// was named for this configuration, wherever its server root is.
pub fn syntax(loaded: &Loaded, is_its_own: bool, progress: &dyn Progress) -> Option<Finding> {
    let Ok(Some(reader)) = loaded.reader() else {
        return None;
    };
    let relocated = loaded.configuration.source().relocated().is_some();
    if (relocated && !is_its_own) || loaded.facts.platform != Platform::HOST {
        return None;
    }
    let server = running::server(loaded);
    match reader.test(&server.root, &server.main, &server.flags, &server.environment) {
        Err(silence) => {
            progress.talk(&format!("note: httpd -t was not asked: {silence}"));
            None
        }
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said);
            let shown = printable(said.trim().as_bytes());
            let refused = |summary: &str, cause, fix: &str| {
                Finding::new(Code::ConfigProblem, Severity::StopsStart, summary, cause, fix)
            };
            Some(match log::why(&said).0 {
                Some(why) => Finding {
                    place: why.place,
                    apache_codes: why.apache_codes,
                    ..refused(
                        &format!("Apache refuses this configuration: {}", why.summary),
                        format!("{}\n{shown}", why.cause),
                        &why.fix,
                    )
                },
                None => refused(
                    "Apache refuses this configuration",
                    shown,
                    "Correct the line that it names.",
                ),
            })
        }
    }
}

/// The certificates that a section may show; nothing when a file cannot be read or understood, which is for other
/// rules to say.
fn certificates(configuration: &Configuration, section: SectionId, new: &NewFiles) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for section in [section, crate::httpd::SERVER] {
        for entry in configuration.inside(section) {
            if !configuration.is_named(entry, "SSLCertificateFile") {
                continue;
            }
            for argument in configuration.arguments(entry) {
                let full = resolve(
                    configuration.server_root(),
                    &argument,
                    configuration.facts().platform,
                );
                let path = configuration.source().host_path(&full);
                let bytes = match new.get(&real_path(&path)) {
                    Some(bytes) => bytes.to_vec(),
                    None => foreign::read(&path, foreign::CERTIFICATE).unwrap_or_default(),
                };
                let read = Certificate::read_all(&bytes).unwrap_or_default();
                found.extend(read.first().map(|certificate| certificate.der().to_vec()));
            }
        }
    }
    found
}
