//! The preflight alone.

use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use super::environment::Where;
use super::expiring::{self, Expiring};
use super::find::Loaded;
use super::judge_files::{ReportedServer, Server};
use super::judge_hosts::{Checked, Skipped, judge_host, place_of};
use super::names::client_name;
use super::obtain::State;
use super::progress::Progress;
use super::rehearsal::Rehearsals;
use super::{Failure, adopt, httpd_verdict, running, server_folders};
use crate::apply::RealDisk;
use crate::check::question::Question;
use crate::check::tls_files::{File, TlsFiles};
use crate::check::tls_host::TlsHost;
use crate::check::{Code, Finding, Severity, served};
use crate::httpd::{Listen, SERVER, SectionId, Truth};
use crate::server::handshake::Roots;
use crate::server::service;
use crate::severity::Counts;
use crate::tls::certificate::Certificate;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The name that clients use.
    pub domain: Option<String>,
    /// This certificate file is judged instead of the configuration.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The intermediate certificates.
    pub chain: Option<PathBuf>,
    /// The TLS settings are not tried on a short run of the server's own httpd.
    pub no_rehearsal: bool,
}

/// Looks for faults.
///
/// # Errors
/// When there is nothing to look at.
pub fn run(request: &Request, place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    match &request.certificate {
        Some(certificate) => given_files(certificate, request, place, progress),
        None => configuration(request, place, progress),
    }
}

/// What the rules say of the files and settings of a server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CheckReport"))]
pub struct Report {
    /// Which server they are judged for.
    server: ReportedServer,
    /// The same in words.
    #[serde(skip)]
    pub(crate) server_text: String,
    /// Every pair of certificate and key, and every virtual host with settings that something is to be said about.
    pub(crate) checked: Vec<Checked>,
    /// About listeners, ports, modules, logs and virtual hosts as a whole.
    pub(crate) findings: Vec<Finding>,
    /// Virtual hosts that were not checked, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// What comes before all of that, for people.
    #[serde(skip)]
    pub(crate) expiring: Vec<Expiring>,
    /// How many findings there are, here and in `checked`.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    fn new(server: Server, checked: Vec<Checked>, findings: Vec<Finding>, skipped: Vec<Skipped>) -> Report {
        let mut report = Report {
            server: server.report(),
            server_text: server.describe(),
            checked,
            findings,
            skipped,
            expiring: Vec::new(),
            counts: Counts::default(),
        };
        report.counts = report.findings().map(Finding::level).collect();
        report
    }

    /// All findings: those of every pair and virtual host, then those of the whole.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let each = self.checked.iter().flat_map(|checked| &checked.findings);
        each.chain(&self.findings)
    }
}

/// Files that are named; the configuration, if there is one, tells which server it is for.
fn given_files(
    certificate: &Path,
    request: &Request,
    place: &Where,
    progress: &dyn Progress,
) -> Result<Report, Failure> {
    let loaded = match Loaded::find(place) {
        Ok(loaded) => Some(loaded),
        Err(failure) if place.is_named() => return Err(failure),
        // Nobody spoke of a server: the files are judged for a usual one.
        Err(_) => None,
    };
    if let Some(loaded) = &loaded {
        loaded.introduce(progress);
    }
    let server = Server::of(loaded.as_ref(), place);
    let any = if loaded.is_none() {
        service::account(None)
    } else {
        None
    };
    let service = loaded.as_ref().map_or(any.as_ref(), Loaded::service_account);
    let load = |path: &Path| File::load(path).for_service(service);
    let files = TlsFiles {
        certificate: load(certificate),
        key: request.key.as_deref().map(load),
        chain: request.chain.as_deref().map(load),
    };
    let name = request.domain.as_deref().map(client_name).transpose()?;
    let now = OffsetDateTime::now_utc();
    let question = Question::of_files(&files, name.as_deref(), server.generation, now);
    let shown = name.as_deref().unwrap_or("the files given");
    let mut checked = vec![Checked::new(Some(shown.into()), None, &question)];
    judge_trust(&mut checked, &[]);
    Ok(Report::new(server, checked, Vec::new(), Vec::new()))
}

/// Every virtual host that speaks TLS, or those that answer the name.
fn configuration(request: &Request, place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    let wanted = request.domain.as_deref().map(client_name).transpose()?;
    let rehearsal = (!request.no_rehearsal).then_some(progress);
    of_loaded(&loaded, wanted.as_deref(), rehearsal, &[])
}

/// The same of a configuration that was read already. `anchors` are trusted instead of what this machine trusts, where there
/// are some.
///
/// # Errors
/// When nothing answers the name over TLS.
pub fn of_loaded(
    loaded: &Loaded,
    wanted: Option<&str>,
    rehearsal: Option<&dyn Progress>,
    anchors: &[Certificate],
) -> Result<Report, Failure> {
    let server = Server::of(Some(loaded), &loaded.place);
    let configuration = &loaded.configuration;
    let hosts = hosts(loaded, wanted)?;
    let (mut checked, mut skipped) = judge_hosts(loaded, server, &hosts, wanted, rehearsal);
    judge_trust(&mut checked, anchors);
    if wanted.is_none() {
        skipped.extend(undecided(loaded));
    }
    let mut about = running::configuration_findings(loaded);
    forget_known(&mut checked, &about);
    about.extend(server_folders::findings(loaded));
    let now = OffsetDateTime::now_utc();
    let expiring = expiring::of(loaded, now);
    let found = checked.iter_mut().flat_map(|checked| &mut checked.findings);
    about.extend(expiring::complete(&expiring, found));
    about.extend(expiring::unscheduled(loaded, now));
    about.extend(adopt::rivals(loaded, &State::of(loaded, &RealDisk)));
    match running::port_findings(loaded) {
        Ok(taken) => about.extend(taken),
        Err(why) => skipped.push(Skipped {
            place: configuration
                .listens()
                .first()
                .map(|listen| place_of(loaded, listen.entry)),
            reason: running::not_looked_at(&why),
            is_closed: false,
        }),
    }
    let stops = |finding: &Finding| finding.severity == Severity::StopsStart;
    // What we may not read, our httpd may not either.
    let is_closed = skipped.iter().any(|one| one.is_closed);
    if let Some(progress) = rehearsal.filter(|_| !is_closed)
        && !checked.iter().flat_map(|checked| &checked.findings).any(stops)
        && !about.iter().any(stops)
    {
        about.extend(httpd_verdict::syntax(
            loaded,
            loaded.place.httpd.is_some(),
            progress,
        ));
    }
    Finding::worst_first(&mut about);
    Ok(Report {
        expiring,
        ..Report::new(server, checked, about, skipped)
    })
}

/// The virtual hosts with TLS: all, or those that answer a name.
fn hosts(loaded: &Loaded, wanted: Option<&str>) -> Result<Vec<TlsHost>, Failure> {
    let mut hosts = TlsHost::all(&loaded.configuration);
    let Some(name) = wanted else {
        return Ok(hosts);
    };
    let answering = answering(loaded, name);
    hosts.retain(|host| answering.contains(&host.section));
    match hosts.is_empty() {
        false => Ok(hosts),
        true => Err(Failure::with_advice(
            format!("no virtual host answers {name} over TLS"),
            format!(
                "esync-ssl status shows what is served, and esync-ssl enable --domain {name} turns TLS on"
            ),
        )),
    }
}

/// Virtual hosts of which it is not known whether they are there.
fn undecided(loaded: &Loaded) -> Vec<Skipped> {
    let hosts = loaded.configuration.virtual_hosts().iter();
    let undecided = hosts.filter(|host| host.truth == Truth::Unknown);
    let told = undecided.map(|host| Skipped {
        place: Some(place_of(loaded, host.entry)),
        reason: "whether it is active depends on a condition that is not known here".into(),
        is_closed: false,
    });
    told.collect()
}

/// What is known of a line needs no rehearsal that says so as well.
fn forget_known(checked: &mut [Checked], about: &[Finding]) {
    let is_known = |failed: &Finding| {
        let is_there = |other: &Finding| other.severity.is_error() && other.place == failed.place;
        failed.code == Code::RehearsalFailed && failed.place.is_some() && about.iter().any(is_there)
    };
    for checked in checked {
        checked.findings.retain(|finding| !is_known(finding));
    }
}

/// Whether clients will trust what is sent, as far as this machine tells: the same as `verify` says of it once it is
/// served.
fn judge_trust(checked: &mut [Checked], anchors: &[Certificate]) {
    // What keeps Apache from starting keeps it from sending anything.
    let is_sent = |one: &&mut Checked| {
        let mut findings = one.findings.iter();
        !one.sent.is_empty() && !findings.any(|finding| finding.severity == Severity::StopsStart)
    };
    let mut checked = checked.iter_mut().filter(is_sent).peekable();
    if checked.peek().is_none() {
        return;
    }
    let roots = match anchors.is_empty() {
        true => Roots::of_platform(),
        false => Roots::only(anchors.iter().map(|anchor| anchor.der().to_vec())),
    };
    for one in checked {
        served::judge_trust(&one.sent, &roots, &mut one.findings);
        let file = one.certificate.as_deref().unwrap_or_default();
        for finding in one.findings.iter_mut().filter(|finding| finding.place.is_none()) {
            *finding = finding.clone().at(file, None);
        }
    }
}

/// Judges the files of virtual hosts; for the name that clients use, if one is given. Where somebody is told of it,
/// what the rules find good is tried on a short run of the server's own httpd.
fn judge_hosts(
    loaded: &Loaded,
    server: Server,
    hosts: &[TlsHost],
    wanted: Option<&str>,
    rehearsal: Option<&dyn Progress>,
) -> (Vec<Checked>, Vec<Skipped>) {
    let mut checked = Vec::new();
    let mut skipped = Vec::new();
    let mut rehearsals = rehearsal.map(|progress| Rehearsals::new(loaded, progress));
    for host in hosts {
        let before = skipped.len();
        let mut of_host = judge_host(loaded, server, host, wanted, &mut skipped);
        // What we may not read, our httpd may not either.
        if let Some(rehearsals) = rehearsals.as_mut().filter(|_| skipped.len() == before) {
            rehearsals.of_host(host, wanted, &mut of_host);
        }
        checked.extend(of_host);
    }
    (checked, skipped)
}

/// The sections that answer a name on any address and port where something listens.
fn answering(loaded: &Loaded, name: &str) -> Vec<SectionId> {
    let configuration = &loaded.configuration;
    let hosts = configuration.virtual_hosts();
    let listens: Vec<&Listen> = configuration.active_listens().collect();
    let mut ends: Vec<Option<std::net::IpAddr>> = vec![None];
    ends.extend(
        hosts
            .iter()
            .flat_map(|host| &host.addresses)
            .map(|address| address.ip()),
    );
    let mut sections = Vec::new();
    for listen in &listens {
        for end in &ends {
            let section = configuration
                .answering(*end, listen.port, name)
                .map_or(SERVER, |host| host.section);
            if !sections.contains(&section) {
                sections.push(section);
            }
        }
    }
    sections
}
