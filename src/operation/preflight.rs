//! What is known before Apache is told to restart: whether it would start again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Failure;
use super::find::Loaded;
use super::httpd_verdict;
use super::judge_files::Server;
use super::judge_hosts::{Checked, judge_host};
use super::progress::Progress;
use super::rehearsal::Rehearsals;
use super::running;
use super::way_on;
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};
use crate::httpd::real_path;
use crate::note_code::NoteCode;
use crate::refusal::{Place, Refusal, RefusalCode, say};
use crate::server::binary::Reader;

/// How long rehearsals may take before a restart. A few hundred virtual hosts are done by then.
const LONGEST: Duration = Duration::from_secs(60);

/// The httpd that says whether Apache accepts the configuration. `left`: what becomes of it where there is none.
///
/// # Errors
/// Refused where it is not there, or may not be run.
pub fn reader<'l>(loaded: &'l Loaded, left: &str) -> Result<&'l Reader, Failure> {
    let reader = loaded.reader().map_err(|silence| {
        let more = format!("{}; Apache was {left}", loaded.acceptance(silence));
        Failure::refused(silence.refusal().and(more))
    })?;
    reader.ok_or_else(|| {
        let root = Place::path(&*loaded.installation.root);
        let cause = say!["there is no httpd binary below ", root];
        let fix = "name it with --httpd";
        Failure::refused(Refusal::new(RefusalCode::NoBinaryToRestart, cause, "; ", fix))
    })
}

/// A configuration and its virtual hosts that speak TLS, each with what the rules say of it.
pub struct Preflight<'a> {
    loaded: &'a Loaded,
    hosts: Vec<(TlsHost, Vec<Checked>)>,
    forced: &'a [Code],
    /// How things are after a refusal.
    left: &'a str,
    /// The command goes on in spite of findings by their codes.
    takes_codes: bool,
    progress: &'a dyn Progress,
}

impl<'a> Preflight<'a> {
    /// Judges by the rules.
    pub fn of(loaded: &'a Loaded, forced: &'a [Code], left: &'a str, progress: &'a dyn Progress) -> Self {
        let judge = Server::of(Some(loaded), &loaded.place);
        let hosts = TlsHost::all(&loaded.configuration).into_iter().map(|host| {
            let checked = judge_host(loaded, judge, &host, None, &mut Vec::new());
            (host, checked)
        });
        Preflight {
            hosts: hosts.collect(),
            loaded,
            forced,
            left,
            takes_codes: true,
            progress,
        }
    }

    /// The same for a command that goes on in spite of nothing.
    pub fn without_codes(self) -> Self {
        Preflight {
            takes_codes: false,
            ..self
        }
    }

    /// The same but for virtual hosts whose files are yet to come.
    pub fn without(mut self, to_come: &[&Path]) -> Self {
        let to_come: Vec<PathBuf> = to_come.iter().map(|path| real_path(path)).collect();
        let source = self.loaded.configuration.source();
        let is_to_come = |path: &Vec<u8>| to_come.contains(&real_path(&source.host_path(path)));
        self.hosts.retain(|(host, _)| {
            let files = host
                .pairs
                .iter()
                .flat_map(|pair| [Some(&pair.certificate), pair.key.as_ref()]);
            !files.chain([host.chain.as_ref()]).flatten().any(is_to_come)
        });
        self
    }

    /// Refuses while anything is known that keeps the server from starting: the running one would be lost.
    pub fn refuse_no_start(&self) -> Result<(), Failure> {
        let mut found = self.found();
        match running::port_findings(self.loaded) {
            Ok(taken) => found.extend(taken),
            Err(why) => {
                let words = format!("note: {}", running::not_looked_at(&why));
                self.progress.note(NoteCode::NotTried, &words);
            }
        }
        found.extend(running::configuration_findings(self.loaded));
        found.retain(|finding| finding.severity == Severity::StopsStart);
        self.refuse(found)
    }

    /// Refuses when Apache does not accept the configuration as it is. `left`: what becomes of it then, such as "not
    /// restarted".
    pub fn refuse_rejected(&self, reader: &Reader, left: &str) -> Result<(), Failure> {
        let server = running::server(self.loaded);
        let tested = reader
            .test(&server.root, &server.main, &server.flags, &server.environment)
            .map_err(Failure::error)?;
        if tested.status.success() {
            return Ok(());
        }
        let words = [tested.stdout, tested.stderr].concat();
        let words = String::from_utf8_lossy(&words);
        let cause = format!(
            "Apache does not accept the configuration, so it was {left}: {}",
            words.trim()
        );
        let refusal = Refusal::new(RefusalCode::HttpdRejects, cause, "", "");
        Err(Failure::refused(refusal.about(httpd_verdict::place_in(&words))))
    }

    /// Refuses when the server's own httpd does not come up with the TLS settings as they are: what only it can tell,
    /// such as ciphers that its library does not know.
    pub fn refuse_failed_rehearsal(mut self) -> Result<(), Failure> {
        let mut rehearsals = Rehearsals::new(self.loaded, self.progress).within(LONGEST);
        for (host, checked) in &mut self.hosts {
            rehearsals.of_host(host, None, checked);
        }
        // Whatever failed there may end the running server, whether it stops the start or only breaks clients.
        self.refuse(rehearsals.failed)
    }

    fn found(&self) -> Vec<Finding> {
        let checked = self.hosts.iter().flat_map(|(_, checked)| checked);
        checked.flat_map(|checked| checked.findings.clone()).collect()
    }

    fn refuse(&self, mut found: Vec<Finding>) -> Result<(), Failure> {
        found.dedup();
        let open: Vec<&Finding> = found
            .iter()
            .filter(|finding| finding.is_open(self.forced))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        let mut codes: Vec<&str> = open.iter().map(|finding| finding.code.word()).collect();
        codes.dedup();
        let cause = format!(
            "Apache would not start again: {}. {}",
            codes.join(", "),
            self.left
        );
        self.progress.findings(&found, self.forced);
        let fix = if self.takes_codes {
            format!("Correct this{}", way_on::or_go_on(&found, self.forced))
        } else {
            "Correct this first; esync-ssl check shows it again".to_owned()
        };
        let refusal = Refusal::new(RefusalCode::PreflightFailed, cause, ". ", fix);
        Err(Failure::refused_for(refusal, found, self.forced))
    }
}
