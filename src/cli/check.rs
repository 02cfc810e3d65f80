//! `esync-ssl check`: the preflight alone.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::anyhow;
use serde::Serialize;
use time::OffsetDateTime;

use super::arguments::{Check, Global};
use super::judge::{ReportedServer, Server};
use super::printer::Printer;
use super::rehearse::{self, Rehearsals};
use super::settings::{Loaded, root_variable};
use super::{Failure, findings, running, server_folders};
use crate::change::domain_name;
use crate::check::certificate::check;
use crate::check::question::Question;
use crate::check::tls_files::{File, TlsFiles};
use crate::check::tls_host::{Pair, TlsHost};
use crate::check::{Code, Finding, Severity, tls_settings};
use crate::exit_status::ExitStatus;
use crate::httpd::{EntryId, Listen, SERVER, SectionId, Truth};
use crate::server::service;
use crate::shown::{printable, sentence};
use crate::tls::name::Name;

/// Runs the command.
pub fn run(arguments: &Check, global: &Global, printer: &Printer) -> Result<ExitStatus, Failure> {
    let report = match &arguments.cert {
        Some(_) => given_files(arguments, global, printer)?,
        None => configuration(arguments, global, printer)?,
    };
    printer.document(&report);
    printer.answer(&report.text());
    Ok(ExitStatus::of_errors(report.errors))
}

/// The answer, for programs and for the text.
#[derive(Serialize)]
pub(super) struct Report {
    server: ReportedServer,
    #[serde(skip)]
    server_text: String,
    checked: Vec<Checked>,
    /// About listeners, ports, modules, logs and virtual hosts as a whole.
    configuration: Vec<Finding>,
    /// Virtual hosts that were not checked, and why.
    skipped: Vec<Skipped>,
    errors: usize,
    warnings: usize,
    notes: usize,
}

/// One pair of certificate and key with what is to be said about it.
#[derive(Serialize)]
pub(super) struct Checked {
    /// What clients call it, or the main server.
    name: Option<String>,
    /// `FILE:LINE` of the virtual host; nothing for given files and for the main server.
    place: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    chain: Option<String>,
    pub(super) findings: Vec<Finding>,
}

/// What was not checked.
#[derive(Serialize)]
pub(super) struct Skipped {
    place: String,
    reason: String,
}

impl Report {
    fn new(
        server: Server,
        checked: Vec<Checked>,
        configuration: Vec<Finding>,
        skipped: Vec<Skipped>,
    ) -> Report {
        let all = || {
            checked
                .iter()
                .flat_map(|checked| &checked.findings)
                .chain(&configuration)
        };
        let errors = all().filter(|finding| finding.severity.is_error()).count();
        let notes = all()
            .filter(|finding| finding.severity == Severity::Advice)
            .count();
        Report {
            server: server.report(),
            server_text: server.describe(),
            errors,
            warnings: all().count() - errors - notes,
            notes,
            checked,
            configuration,
            skipped,
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let clean = sentence;
        for checked in &self.checked {
            let name = checked.name.as_deref().unwrap_or("(no name)");
            let place = checked.place.as_deref().map(|place| format!(" ({place})"));
            let _ = writeln!(
                text,
                "\x1b[1m{}{}\x1b[0m",
                clean(name),
                clean(&place.unwrap_or_default())
            );
            for (word, file) in [
                ("certificate", &checked.certificate),
                ("key", &checked.key),
                ("chain", &checked.chain),
            ] {
                if let Some(file) = file {
                    let _ = writeln!(text, "  {word:<12} {}", clean(file));
                }
            }
            if checked.findings.is_empty() {
                text += "  nothing to complain of\n";
            }
            text += &findings::lines(&checked.findings, &[]);
            text.push('\n');
        }
        if !self.configuration.is_empty() {
            text += "\x1b[1mconfiguration and ports\x1b[0m\n";
            text += &findings::lines(&self.configuration, &[]);
            text.push('\n');
        }
        for skipped in &self.skipped {
            let _ = writeln!(
                text,
                "not checked: {}: {}",
                clean(&skipped.place),
                clean(&skipped.reason)
            );
        }
        if self.checked.is_empty() {
            text += "Nothing speaks TLS in this configuration; esync-ssl enable turns it on.\n";
            if self.configuration.is_empty() {
                return text;
            }
        }
        let all: Vec<Finding> = self
            .checked
            .iter()
            .flat_map(|checked| &checked.findings)
            .chain(&self.configuration)
            .cloned()
            .collect();
        let _ = writeln!(text, "{}; judged for {}", findings::count(&all), self.server_text);
        text
    }
}

/// Files named on the command line; the configuration, if there is one, tells which server it is for.
fn given_files(arguments: &Check, global: &Global, printer: &Printer) -> Result<Report, Failure> {
    let named = global.root.is_some() || global.config.is_some() || root_variable().is_some();
    let loaded = match Loaded::find(global) {
        Ok(loaded) => Some(loaded),
        Err(failure) if named => return Err(failure),
        // Nobody spoke of a server: the files are judged for a usual one.
        Err(_) => None,
    };
    if let Some(loaded) = &loaded {
        loaded.tell_passed_over(printer);
    }
    let server = Server::of(loaded.as_ref(), global);
    let any = if loaded.is_none() {
        service::account(None)
    } else {
        None
    };
    let service = loaded.as_ref().map_or(any.as_ref(), Loaded::service_account);
    let load = |path: &Option<camino::Utf8PathBuf>| {
        let file = File::load(path.as_ref()?.as_std_path());
        Some(file.for_service(service))
    };
    let Some(certificate) = load(&arguments.cert) else {
        return Err(Failure::error(anyhow!(
            "no certificate file was given; name it with --cert"
        )));
    };
    let files = TlsFiles {
        certificate,
        key: load(&arguments.key),
        chain: load(&arguments.chain),
    };
    let name = arguments.domain.as_deref().map(client_name).transpose()?;
    let found = check(&Question {
        files: &files,
        server_name: name.as_deref(),
        aliases: &[],
        server: server.generation,
        now: OffsetDateTime::now_utc(),
        stapling: false,
        pass_phrase_dialog: false,
        anchors: &[],
    });
    let checked = Checked::new(
        name.or_else(|| Some("the files given".into())),
        None,
        &files,
        found,
    );
    Ok(Report::new(server, vec![checked], Vec::new(), Vec::new()))
}

/// Every virtual host that speaks TLS, or those that answer the name.
fn configuration(arguments: &Check, global: &Global, printer: &Printer) -> Result<Report, Failure> {
    let loaded = Loaded::find(global)?;
    loaded.introduce(printer);
    let wanted = arguments.domain.as_deref().map(client_name).transpose()?;
    let rehearsal = (!arguments.no_rehearsal).then_some(printer);
    of_loaded(&loaded, wanted.as_deref(), rehearsal, global)
}

/// The same of a configuration that was read already.
pub(super) fn of_loaded(
    loaded: &Loaded,
    wanted: Option<&str>,
    rehearsal: Option<&Printer>,
    global: &Global,
) -> Result<Report, Failure> {
    let server = Server::of(Some(loaded), global);
    let configuration = &loaded.configuration;
    let mut hosts = TlsHost::all(configuration);
    if let Some(name) = wanted {
        let answering = answering(loaded, name);
        hosts.retain(|host| answering.contains(&host.section));
        if hosts.is_empty() {
            return Err(Failure::error(anyhow!(
                "no virtual host answers {name} over TLS; esync-ssl status shows what is served, and esync-ssl enable \
                 --domain {name} turns TLS on"
            )));
        }
    }
    let (mut checked, mut skipped) = judge_hosts(loaded, server, &hosts, wanted, rehearsal);
    if wanted.is_none() {
        for host in configuration.virtual_hosts() {
            if host.truth == Truth::Unknown {
                skipped.push(Skipped {
                    place: place_of(loaded, host.entry),
                    reason: "whether it is active hangs on a condition that is not known here".into(),
                });
            }
        }
    }
    let mut about = running::configuration_findings(loaded);
    // What is known of a line needs no rehearsal that says so as well.
    let is_known = |failed: &Finding| {
        let is_there = |other: &Finding| other.severity.is_error() && other.place == failed.place;
        failed.code == Code::RehearsalFailed && failed.place.is_some() && about.iter().any(is_there)
    };
    for checked in &mut checked {
        checked.findings.retain(|finding| !is_known(finding));
    }
    about.extend(server_folders::findings(loaded));
    about.extend(running::port_findings(loaded));
    let stops = |finding: &Finding| finding.severity == Severity::StopsStart;
    if let Some(printer) = rehearsal
        && !checked.iter().flat_map(|checked| &checked.findings).any(stops)
        && !about.iter().any(stops)
    {
        about.extend(rehearse::syntax(loaded, global.httpd.is_some(), printer));
    }
    about.sort_by_key(|finding| finding.severity);
    Ok(Report::new(server, checked, about, skipped))
}

/// Judges the files of virtual hosts; for the name that clients use, if one is given. Where somebody is told of it,
/// what the rules find good is tried on a short run of the server's own httpd.
pub(super) fn judge_hosts(
    loaded: &Loaded,
    server: Server,
    hosts: &[TlsHost],
    wanted: Option<&str>,
    rehearsal: Option<&Printer>,
) -> (Vec<Checked>, Vec<Skipped>) {
    let mut checked = Vec::new();
    let mut skipped = Vec::new();
    let mut rehearsals = rehearsal.map(|printer| Rehearsals::new(loaded, printer));
    for host in hosts {
        let mut of_host = judge_host(loaded, server, host, wanted, &mut skipped);
        if let Some(rehearsals) = &mut rehearsals {
            rehearsals.of_host(host, wanted, &mut of_host);
        }
        checked.extend(of_host);
    }
    (checked, skipped)
}

/// Judges the settings and files of a virtual host by the rules.
pub(super) fn judge_host(
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
            Some(entry) => at_entry(loaded, entry, finding),
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
        });
    }
    for pair in &host.pairs {
        let files = match load(loaded, host, pair) {
            Ok(files) => files,
            Err(reason) => {
                skipped.push(Skipped {
                    place: place.clone().unwrap_or_else(|| "main server".into()),
                    reason,
                });
                continue;
            }
        };
        let found = check(&Question {
            files: &files,
            server_name: asked(host, wanted),
            aliases: if wanted.is_some() { &[] } else { &host.aliases },
            server: host.judged_by(server.generation),
            now: OffsetDateTime::now_utc(),
            stapling: host.stapling,
            pass_phrase_dialog: host.pass_phrase_dialog,
            anchors: &[],
        });
        checked.push(Checked::new(shown.clone(), place.clone(), &files, found));
    }
    checked
}

/// What clients type is judged in place of what the server calls itself.
pub(super) fn asked<'a>(host: &'a TlsHost, wanted: Option<&'a str>) -> Option<&'a str> {
    wanted.or(host.server_name.as_deref())
}

impl Checked {
    /// The files that were looked at.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        [&self.certificate, &self.key, &self.chain]
            .into_iter()
            .flatten()
            .map(String::as_str)
    }

    fn new(name: Option<String>, place: Option<String>, files: &TlsFiles, findings: Vec<Finding>) -> Checked {
        Checked {
            name,
            place,
            certificate: Some(files.certificate.path.clone()),
            key: files.key.as_ref().map(|file| file.path.clone()),
            chain: files.chain.as_ref().map(|file| file.path.clone()),
            findings,
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

/// The sections that answer a name on any address and port where something listens.
fn answering(loaded: &Loaded, name: &str) -> Vec<SectionId> {
    let configuration = &loaded.configuration;
    let hosts = configuration.virtual_hosts();
    let listens: Vec<&Listen> = configuration
        .listens()
        .iter()
        .filter(|listen| listen.truth == Truth::True)
        .collect();
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

fn place_of(loaded: &Loaded, entry: EntryId) -> String {
    let configuration = &loaded.configuration;
    let entry = configuration.entry(entry);
    let file = loaded.show(&configuration.file(entry.file).host);
    format!("{file}:{}", configuration.line_number(entry))
}

fn at_entry(loaded: &Loaded, entry: EntryId, finding: Finding) -> Finding {
    let configuration = &loaded.configuration;
    let entry = configuration.entry(entry);
    let file = loaded.show(&configuration.file(entry.file).host);
    finding.at(&file, Some(configuration.line_number(entry) as usize))
}

/// A name that clients type: a domain or an address.
pub(super) fn client_name(typed: &str) -> Result<String, Failure> {
    if let Ok(name @ Name::Ip(_)) = Name::parse(typed) {
        return Ok(name.to_string());
    }
    domain_name(typed).map_err(|reason| {
        Failure::error(anyhow!(
            "--domain {}: {reason}",
            printable(format!("{typed:?}").as_bytes())
        ))
    })
}
