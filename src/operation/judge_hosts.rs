//! A virtual host that speaks TLS, judged by the rules: its settings and its files.

use std::path::PathBuf;

use serde::Serialize;
use time::OffsetDateTime;

use super::find::Loaded;
use super::judge_files::Server;
use crate::check::certificate::check_and_sent;
use crate::check::question::Question;
use crate::check::tls_files::{File, TlsFiles, Trouble};
use crate::check::tls_host::{Pair, TlsHost};
use crate::check::{Code, Finding, Place, tls_settings};
use crate::httpd::EntryId;
use crate::place::ShownPath;
use crate::tls::certificate::Certificate;

/// One pair of certificate and key, or the TLS settings of a virtual host, with what is to be said about it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CheckedHost"))]
pub struct Checked {
    /// What clients call it, `main server`, or `the files given`; null where it has no name.
    pub(crate) name: Option<String>,
    /// The virtual host; null for given files and for the main server.
    pub(crate) place: Option<Place>,
    /// The certificate file; null where it is about settings.
    pub(crate) certificate: Option<ShownPath>,
    /// The file of the private key; null where it is about settings or none is named.
    pub(crate) key: Option<ShownPath>,
    /// The file of intermediate certificates; null where none is named.
    pub(crate) chain: Option<ShownPath>,
    /// What the rules say.
    pub findings: Vec<Finding>,
    /// The certificates that will be sent, the server's own first.
    #[serde(skip)]
    pub(crate) sent: Vec<Certificate>,
}

/// What was not checked.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SkippedHost"))]
pub struct Skipped {
    /// The virtual host, or a `Listen`; null for the main server.
    pub(crate) place: Option<Place>,
    /// Why.
    pub(crate) reason: String,
    /// Because this account may not read it, which says nothing of Apache.
    #[serde(skip)]
    pub(crate) is_closed: bool,
}

/// Judges the settings and files of a virtual host by the rules.
pub fn judge_host(
    loaded: &Loaded,
    server: Server,
    host: &TlsHost,
    wanted: Option<&str>,
    skipped: &mut Vec<Skipped>,
) -> Vec<Checked> {
    let mut checked = Vec::new();
    let place = host.entry.map(|entry| place_of(loaded, entry));
    let shown = host
        .server_name
        .clone()
        .or_else(|| place.is_none().then(|| "main server".into()));
    let settings: Vec<Finding> = tls_settings::check(&loaded.configuration, host, server.generation)
        .into_iter()
        .map(|(entry, finding)| match entry {
            Some(entry) => loaded.at_entry(entry, finding),
            None => finding,
        })
        .collect();
    if !settings.is_empty() {
        checked.push(Checked {
            name: shown.clone(),
            place: place.clone(),
            certificate: None,
            key: None,
            chain: None,
            findings: settings,
            sent: Vec::new(),
        });
    }
    for pair in &host.pairs {
        let files = match load(loaded, host, pair) {
            Ok(files) => files,
            Err(reason) => {
                skipped.push(Skipped {
                    place: place.clone(),
                    reason,
                    is_closed: false,
                });
                continue;
            }
        };
        let question = Question {
            files: &files,
            server_name: asked(host, wanted),
            aliases: if wanted.is_some() { &[] } else { &host.aliases },
            server: host.judged_by(server.generation),
            now: OffsetDateTime::now_utc(),
            stapling: host.stapling,
            pass_phrase_dialog: host.pass_phrase_dialog,
            anchors: &[],
        };
        let mut one = Checked::new(shown.clone(), place.clone(), &question);
        // The system is asked only where it matters.
        let closed = closed_of(&files);
        if !closed.is_empty() && others_start(loaded) {
            skipped.extend(one.leave_out(&closed));
        }
        checked.push(one);
    }
    checked
}

/// The files that this account may not read.
fn closed_of(files: &TlsFiles) -> Vec<&File> {
    let all = [Some(&files.certificate), files.key.as_ref(), files.chain.as_ref()];
    let closed = |file: &&File| matches!(file.bytes, Err(Trouble::Closed(_)));
    all.into_iter().flatten().filter(closed).collect()
}

/// Is Apache started by another account than ours, which may read what we may not?
fn others_start(loaded: &Loaded) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let us = rustix::process::geteuid();
        let main = loaded.installation.main.metadata();
        let is_others = !us.is_root() && main.is_ok_and(|main| main.uid() != us.as_raw());
        // One that does not run may be started by us.
        is_others && super::running::is_up(&super::running::server(loaded))
    }
    #[cfg(not(unix))]
    {
        loaded.service_account().is_some()
    }
}

/// What clients type is judged in place of what the server calls itself.
pub fn asked<'a>(host: &'a TlsHost, wanted: Option<&'a str>) -> Option<&'a str> {
    wanted.or(host.server_name.as_deref())
}

impl Checked {
    /// The files that were looked at.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        [&self.certificate, &self.key, &self.chain]
            .into_iter()
            .flatten()
            .map(|file| &**file)
    }

    /// Takes out that files cannot be read by us, which says nothing of Apache; instead they are among what was not checked.
    fn leave_out(&mut self, closed: &[&File]) -> Vec<Skipped> {
        let told = closed.iter().map(|file| {
            let is_it = |finding: &Finding| {
                let place = finding.place.as_ref();
                finding.code == Code::FileUnreadable && place.is_some_and(|place| *place.file == *file.path)
            };
            self.findings.retain(|finding| !is_it(finding));
            let who = if cfg!(windows) {
                "as administrator"
            } else {
                "as root"
            };
            Skipped {
                place: self.place.clone(),
                reason: format!("this account may not read {}; run again {who}", file.path),
                is_closed: true,
            }
        });
        told.collect()
    }

    /// What the rules say of files.
    pub fn new(name: Option<String>, place: Option<Place>, question: &Question<'_>) -> Checked {
        let files = question.files;
        let (findings, sent) = check_and_sent(question);
        Checked {
            findings,
            sent,
            name,
            place,
            certificate: Some(files.certificate.path.as_str().into()),
            key: files.key.as_ref().map(|file| file.path.as_str().into()),
            chain: files.chain.as_ref().map(|file| file.path.as_str().into()),
        }
    }
}

/// The files of a pair, opened; or why that cannot be done on this machine.
fn load(loaded: &Loaded, host: &TlsHost, pair: &Pair) -> Result<TlsFiles, String> {
    let source = loaded.configuration.source();
    let service = loaded.service_account();
    let open = |path: &[u8]| -> Result<File, String> {
        if source.is_foreign(path) {
            return Err(format!("{} is on another machine", String::from_utf8_lossy(path)));
        }
        let path: PathBuf = source.host_path(path);
        let mut file = File::load(&path).for_service(service);
        file.path = loaded.show(&path);
        Ok(file)
    };
    Ok(TlsFiles {
        certificate: open(&pair.certificate)?,
        key: pair.key.as_deref().map(open).transpose()?,
        chain: host.chain.as_deref().map(open).transpose()?,
    })
}

/// Where an entry stands.
pub fn place_of(loaded: &Loaded, entry: EntryId) -> Place {
    loaded.place_of(loaded.configuration.entry(entry))
}
