//! One rehearsal: a section of a configuration on a short run of the server's own httpd.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::find::Loaded;
use super::progress::{Progress, during};
use crate::apply::create_private;
use crate::check::dialog::{self, Dialog};
use crate::check::rehearsal::{Stage, account, culprit, finding, refused, script};
use crate::check::tls_host::TlsHost;
use crate::check::{Finding, Place, Severity, log};
use crate::foreign;
use crate::httpd::{Configuration, Entry, Platform, SERVER, SectionId, real_path, resolve};
use crate::note_code::NoteCode;
use crate::server::binary::{Reader, Silence};
use crate::server::rehearsal::{self, Flop, PATIENCE, WITH_DIALOG, rehearse};
use crate::server::trust;
use crate::shown::printable;
use crate::tls::certificate::Certificate;
use crate::tls::public_key::KeyKind;
use crate::wording::reason;

/// Files that are not where they will be, by real path.
pub type NewFiles<'a> = BTreeMap<PathBuf, &'a [u8]>;

/// What is rehearsed.
pub struct Section<'a> {
    /// The server.
    pub loaded: &'a Loaded,
    /// The configuration, as it is or is to be.
    pub configuration: &'a Configuration,
    /// Which of its sections.
    pub section: SectionId,
    /// The name that a client asks for.
    pub name: &'a str,
    /// Files that are yet to come.
    pub new: &'a NewFiles<'a>,
}

/// What httpd was given, to understand what it says.
#[derive(Default)]
struct Script<'a> {
    main: PathBuf,
    /// The line of the configuration that each line of it comes from.
    lines: Vec<Option<&'a Entry>>,
    /// Where the new files are meanwhile.
    copies: BTreeMap<PathBuf, PathBuf>,
}

impl<'a> Section<'a> {
    /// Rehearses it, where that can be done here. Tells whether it was done.
    ///
    /// # Errors
    /// What went wrong.
    pub fn rehearse(&self, progress: &dyn Progress) -> Result<bool, Box<Finding>> {
        let (reader, dialog) = match self.means() {
            Ok(Some(means)) => means,
            Ok(None) => return Ok(false),
            Err(why) => {
                progress.note(NoteCode::NotRehearsed, &format!("note: no rehearsal: {why}"));
                return Ok(false);
            }
        };
        let patience = if dialog.is_some() { WITH_DIALOG } else { PATIENCE };
        let expected = self.certificates();
        let typed = self.name.replace('*', "www");
        let mut given = Script::default();
        let environment = self.loaded.environment();
        let rehearse = || {
            rehearse(reader, environment, &typed, patience, |stage| {
                self.stage(stage, dialog.is_some(), &mut given)
            })
        };
        let result = during(
            progress,
            &format!("Rehearsing {}", printable(typed.as_bytes())),
            rehearse,
        );
        let found = match result {
            Ok(shown) if expected.is_empty() || expected.contains(&shown.leaf) => return Ok(true),
            Ok(shown) => another_certificate(&typed, &shown.leaf),
            Err(Flop::Interrupted) => return Ok(false),
            Err(Flop::NotStaged(error)) => {
                progress.note(
                    NoteCode::NotRehearsed,
                    &format!("note: no rehearsal: {}", reason(&error)),
                );
                return Ok(false);
            }
            Err(flop) if flop.is_silent() && dialog.is_some() => {
                let program = dialog.as_deref().unwrap_or(Path::new(""));
                dialog::silent(program, WITH_DIALOG.as_secs())
            }
            // No client that we could ask with can use such a key.
            Err(Flop::NoHandshake(..)) if expected.iter().any(|leaf| is_beyond_our_client(leaf)) => {
                return Ok(true);
            }
            Err(flop) => self.explained(&flop, &given),
        };
        Err(Box::new(found))
    }

    /// What runs it, and what may tell a pass-phrase; nothing where it cannot be run here at all.
    ///
    /// # Errors
    /// Why there can be no rehearsal.
    fn means(&self) -> Result<Option<(&'a Reader, Option<PathBuf>)>, String> {
        let reader = match self.loaded.reader() {
            Ok(Some(reader)) => reader,
            Err(silence @ Silence::OthersWrite(_)) => return Err(silence.to_string()),
            Ok(None) | Err(_) => return Ok(None),
        };
        let is_elsewhere = self.configuration.source().relocated().is_some();
        if is_elsewhere || self.loaded.facts.platform != Platform::HOST {
            return Ok(None);
        }
        Ok(Some((reader, self.dialog()?)))
    }

    /// The program that may tell a pass-phrase, if one is needed.
    ///
    /// # Errors
    /// Why there can be no rehearsal.
    fn dialog(&self) -> Result<Option<PathBuf>, String> {
        let (configuration, section) = (self.configuration, self.section);
        if !dialog::is_needed(configuration, &TlsHost::of(configuration, section)) {
            return Ok(None);
        }
        let dialog = Dialog::of(configuration, section);
        let Some(dialog) = dialog.filter(|dialog| !dialog.asks_a_person()) else {
            return Err("the pass-phrase of the key would be asked for, and there is no terminal".into());
        };
        let program = dialog.program.unwrap_or_default();
        match trust::judge(&program) {
            Ok(_) => Ok(Some(program)),
            Err(distrust) => Err(format!(
                "{}, which supplies the pass-phrase, is not run, because {} it ({distrust})",
                program.display(),
                distrust.charge()
            )),
        }
    }

    /// Puts what httpd is to read on a stage.
    fn stage(
        &self,
        stage: &rehearsal::Stage,
        has_dialog: bool,
        given: &mut Script<'a>,
    ) -> io::Result<Vec<u8>> {
        for (number, (path, bytes)) in self.new.iter().enumerate() {
            let copy = match stage.in_memory(bytes) {
                Some(copy) => copy,
                None => {
                    let copy = stage.folder.join(format!("{number}.pem"));
                    create_private(&copy, bytes).map_err(io::Error::other)?;
                    copy
                }
            };
            given.copies.insert(path.clone(), copy);
        }
        let place = Stage {
            folder: stage.folder,
            port: stage.port,
            dialog: has_dialog,
        };
        let script =
            script(self.configuration, self.section, self.name, &place, &given.copies).ok_or_else(|| {
                io::Error::other("the TLS settings depend on a condition that is not known here")
            })?;
        given.main = stage.main.to_owned();
        given.lines = script.lines;
        Ok(script.text)
    }

    /// Why it failed, said of the files and lines that people know.
    fn explained(&self, flop: &Flop, given: &Script) -> Finding {
        let severity = match flop {
            Flop::NoHandshake(..) => Severity::BreaksClients,
            _ => Severity::StopsStart,
        };
        let said = self.of_real_files(flop.said().trim(), given);
        let (known, graver) = log::why(&said);
        let is_known = known.is_some();
        let mut why = known.or_else(|| flop.refusal().map(refused));
        if let Some(why) = &mut why {
            let culprit = culprit(self.configuration, self.section, why.code, &said);
            why.place = why.place.take().or(culprit.map(|entry| self.place(entry)));
        }
        let (summary, said) = match (&why, is_known) {
            // Its log says nothing of the clients that it refuses.
            (Some(_), false) => ("no current client can use TLS with the server".into(), ""),
            (Some(_), true) if account(&said).is_some() => ("the server does not start".into(), &*graver),
            (Some(_), true) => (flop.to_string(), &*graver),
            (None, _) => (flop.to_string(), &*said),
        };
        finding(severity, &summary, why, &printable(said.as_bytes()))
    }

    fn place(&self, entry: &Entry) -> Place {
        self.loaded.place_in(self.configuration, entry)
    }

    /// What the server said of its lines and copies, said of the real ones.
    fn of_real_files(&self, said: &str, given: &Script) -> String {
        let main = given.main.display().to_string();
        let mut said = said.to_owned();
        for (number, line) in (1..).zip(&given.lines) {
            // Apache for Windows spells it both ways.
            for main in [&main, &main.replace('\\', "/")] {
                let real = match line.map(|entry| self.place(entry)) {
                    Some(Place { file, line, .. }) => format!("line {} of {file}", line.unwrap_or_default()),
                    None => "a line of the rehearsal".into(),
                };
                said = said.replace(&format!("line {number} of {main}"), &real);
            }
        }
        // Longest first: one may begin with another.
        let mut copies: Vec<_> = given.copies.iter().collect();
        copies.sort_by_key(|(_, copy)| std::cmp::Reverse(copy.as_os_str().len()));
        for (path, copy) in copies {
            said = said.replace(&copy.display().to_string(), &self.loaded.show(path));
        }
        said
    }

    /// The certificates that it may show; nothing when a file cannot be read or understood, which is for other rules to
    /// say.
    fn certificates(&self) -> Vec<Vec<u8>> {
        let configuration = self.configuration;
        let mut found = Vec::new();
        for section in [self.section, SERVER] {
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
                    let bytes = match self.new.get(&real_path(&path)) {
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
}

fn another_certificate(typed: &str, leaf: &[u8]) -> Finding {
    let other = Certificate::from_der(leaf);
    let title = other
        .as_ref()
        .map_or("another one", |certificate| certificate.title());
    finding(
        Severity::BreaksClients,
        "the server shows a different certificate than the one that is configured",
        None,
        &format!("For {typed} it shows {}.", printable(title.as_bytes())),
    )
}

/// Of a kind of key that works with OpenSSL's clients, and not with ours.
fn is_beyond_our_client(leaf: &[u8]) -> bool {
    Certificate::from_der(leaf)
        .is_ok_and(|leaf| matches!(leaf.public_key.kind, KeyKind::RsaPss { .. } | KeyKind::Ed448))
}
