//! The preflight of commands that write: certificate files are judged before anything else is shown.
//!
//! The rules are those of [`crate::check`]; here is only what is known about the server, and what a refusal says.

use serde::Serialize;
use time::OffsetDateTime;

use super::Failure;
use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use super::way_on;
use crate::check::certificate::check;
use crate::check::dialog::Dialog;
use crate::check::generation::Generation;
use crate::check::question::Question;
use crate::check::tls_files::TlsFiles;
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};
use crate::httpd::{Platform, SERVER, Truth};
use crate::refusal::{Refusal, RefusalCode};

/// What is judged for.
#[derive(Clone, Copy)]
pub struct Server {
    /// Which Apache and OpenSSL.
    pub generation: Generation,
    /// Whether the version of Apache is known; OpenSSL's never is.
    pub version_known: bool,
}

/// The same for programs.
#[derive(Serialize)]
pub struct ReportedServer {
    apache: String,
    openssl: String,
    security_level: u8,
    windows: bool,
    /// The version of Apache is not known but taken for granted.
    assumed: bool,
}

impl Server {
    /// The server of a configuration, or whichever is usual on this machine.
    pub fn of(loaded: Option<&Loaded>, place: &Where) -> Server {
        let version = place.apache_version.or(loaded.map(|loaded| loaded.facts.version));
        let known = version.and_then(|version| Some((version.major, version.minor, version.patch?)));
        let platform = loaded.map_or(Platform::HOST, |loaded| loaded.facts.platform);
        Server {
            generation: Generation::assumed(known, platform == Platform::Windows),
            version_known: known.is_some(),
        }
    }

    /// In words, with what is taken for granted.
    pub fn describe(&self) -> String {
        let doubt = if self.version_known {
            "the version of OpenSSL is assumed"
        } else {
            "assumed, because the server's own version is not known"
        };
        format!("{} ({doubt})", self.generation)
    }

    /// For programs.
    pub fn report(&self) -> ReportedServer {
        let (major, minor, patch) = self.generation.apache;
        ReportedServer {
            apache: format!("{major}.{minor}.{patch}"),
            openssl: self.generation.openssl.to_string(),
            security_level: self.generation.security_level,
            windows: self.generation.windows,
            assumed: !self.version_known,
        }
    }
}

/// Judges the files that a virtual host for `domain` will get.
pub fn files(loaded: &Loaded, server: Server, files: &TlsFiles, domain: Option<&str>) -> Vec<Finding> {
    let configuration = &loaded.configuration;
    // The virtual host that has the name already may have more to say about TLS than the main server.
    let hosts = configuration.virtual_hosts();
    let section = hosts
        .iter()
        .find(|host| host.truth == Truth::True && domain.is_some_and(|domain| host.has_name(domain)))
        .map_or(SERVER, |host| host.section);
    let settings = TlsHost::of(configuration, section);
    check(&Question {
        files,
        server_name: domain,
        aliases: &[],
        server: settings.judged_by(server.generation),
        now: OffsetDateTime::now_utc(),
        stapling: settings.stapling,
        pass_phrase_dialog: settings.pass_phrase_dialog
            && !Dialog::of(configuration, section).is_some_and(|dialog| dialog.asks_a_person()),
        anchors: &[],
    })
}

/// Tells what is worth knowing, and refuses when there are errors that nobody overrode; then every finding is told.
pub fn tell(
    server: Server,
    found: &[Finding],
    forced: &[Code],
    progress: &dyn Progress,
) -> Result<(), Failure> {
    if found.is_empty() {
        return Ok(());
    }
    let mut codes: Vec<&str> = found
        .iter()
        .filter(|finding| finding.is_open(forced))
        .map(|finding| finding.code.word())
        .collect();
    if codes.is_empty() {
        // Advice is for those who ask for it, with `check`.
        let told: Vec<Finding> = found
            .iter()
            .filter(|finding| finding.severity != Severity::Advice)
            .cloned()
            .collect();
        if !told.is_empty() {
            progress.findings(&told, forced);
        }
        return Ok(());
    }
    progress.findings(found, forced);
    codes.dedup();
    let cause = format!(
        "the certificate files would not work: {}. Nothing was written; judged for {}",
        codes.join(", "),
        server.describe()
    );
    let fix = format!("Correct them{}", way_on::or_go_on(found, forced));
    let refusal = Refusal::new(RefusalCode::FilesWouldNotWork, cause, ". ", fix);
    Err(Failure::refused_for(refusal, found.to_vec(), forced))
}
