//! The preflight of commands that write: certificate files are judged before anything else is shown.
//!
//! The rules are those of [`crate::check`]; here is only what is known about the server, and what a refusal says.

use std::path::Path;

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
use crate::check::tls_files::{File, TlsFiles};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity};
use crate::httpd::{Platform, SERVER};
use crate::mod_ssl::tls_hosts;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::same_file::same;
use crate::tls::certificate::Certificate;
use crate::tls::chain::has_issuer;

/// What is judged for.
#[derive(Clone, Copy)]
pub struct Server {
    /// Which Apache and OpenSSL.
    pub generation: Generation,
    /// Whether the version of Apache is known; OpenSSL's never is.
    pub version_known: bool,
}

/// Which server files and settings are judged for.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "JudgedServer"))]
pub struct ReportedServer {
    /// The version of Apache that is judged for, such as `2.4.58`.
    apache_version: String,
    /// The version of OpenSSL that is judged for; it is never known, only usual with that Apache.
    openssl_version: String,
    /// OpenSSL's security level that is judged for.
    security_level: u8,
    /// The system that is judged for.
    platform: Platform,
    /// The version of Apache is not known exactly, and a usual one is taken.
    apache_version_assumed: bool,
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
            apache_version: format!("{major}.{minor}.{patch}"),
            openssl_version: self.generation.openssl.to_string(),
            security_level: self.generation.security_level,
            platform: match self.generation.windows {
                true => Platform::Windows,
                false => Platform::Unix,
            },
            apache_version_assumed: !self.version_known,
        }
    }
}

/// Judges the files that a virtual host for `domain` will get.
pub fn files(loaded: &Loaded, server: Server, files: &TlsFiles, domain: Option<&str>) -> Vec<Finding> {
    let configuration = &loaded.configuration;
    // The virtual host that has the name already may have more to say about TLS than the main server.
    let section = domain
        .and_then(|domain| configuration.hosts_named(domain).next())
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

/// What is found for some names, each finding once.
pub fn of_names(names: &[String], found: impl Fn(&str) -> Vec<Finding>) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    for finding in names.iter().flat_map(|name| found(name)) {
        if !all.contains(&finding) {
            all.push(finding);
        }
    }
    all
}

/// The chain that a virtual host of the name goes on sending with this certificate where no other is named: its own, if it
/// has the certificate already or the chain fits it, else that of the main server.
pub fn chain_that_stays(
    loaded: &Loaded,
    certificate: &Path,
    fitting: &[Vec<u8>],
    name: &str,
) -> Option<File> {
    let configuration = &loaded.configuration;
    let source = configuration.source();
    let fits = |host: &TlsHost| host.chain.as_ref().is_some_and(|chain| fitting.contains(chain));
    let own = own_hosts(loaded, name).find(|host| fits(host) || has(loaded, host, certificate));
    let host = own.unwrap_or_else(|| TlsHost::of(configuration, SERVER));
    let chain = host.chain.filter(|chain| !source.is_foreign(chain))?;
    let path = source.host_path(&chain);
    let mut file = File::load(&path).for_service(loaded.service_account());
    file.path = loaded.show(&path);
    Some(file)
}

/// The chains that virtual hosts of these names send with another certificate, and that fit this one as well, as where it
/// was renewed: as absolute paths of the configuration.
pub fn fitting_chains(
    loaded: &Loaded,
    certificate: &Path,
    leaf: &Certificate,
    names: &[String],
) -> Vec<Vec<u8>> {
    let source = loaded.configuration.source();
    let mut fitting: Vec<Vec<u8>> = Vec::new();
    let own = names.iter().flat_map(|name| own_hosts(loaded, name));
    for host in own.filter(|host| !has(loaded, host, certificate)) {
        let Some(chain) = host.chain.filter(|chain| !source.is_foreign(chain)) else {
            continue;
        };
        let file = File::load(&source.host_path(&chain));
        let all = file.contents.certificates();
        let all: Vec<Certificate> = all.filter_map(|item| Certificate::from_item(item).ok()).collect();
        if has_issuer(leaf, &all, OffsetDateTime::now_utc()) && !fitting.contains(&chain) {
            fitting.push(chain);
        }
    }
    fitting
}

/// The virtual hosts of a name that speak TLS.
fn own_hosts(loaded: &Loaded, name: &str) -> impl Iterator<Item = TlsHost> {
    let configuration = &loaded.configuration;
    tls_hosts(configuration)
        .filter(move |host| host.has_name(name))
        .map(|host| TlsHost::of(configuration, host.section))
}

fn has(loaded: &Loaded, host: &TlsHost, certificate: &Path) -> bool {
    let source = loaded.configuration.source();
    let mut pairs = host.pairs.iter();
    pairs.any(|pair| same(&source.host_path(&pair.certificate), certificate))
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
