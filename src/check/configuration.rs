//! What of a configuration keeps TLS from working although every certificate is right: listeners, virtual hosts that
//! nobody reaches, ports that do not speak TLS, modules and log folders.
//!
//! What Apache itself refuses is found by [`Configuration::check`]; here it becomes findings.

use super::finding::{Code, Finding, Severity};
use crate::httpd::{self, Configuration, EntryId, Problem, SERVER, Truth, VirtualHost};
use crate::lint::Reach;
use crate::server::trust::Others;

/// A finding and the line that it is about.
#[derive(Clone, Debug)]
pub struct Placed {
    /// File and line number, counted from 1; none for what is missing.
    pub place: Option<(httpd::FileId, u32)>,
    /// What there is to say.
    pub finding: Finding,
}

/// What of a configuration, its modules and programs others than root and we may write.
pub fn others_write(others: &Others) -> Finding {
    Finding::new(
        Code::OthersWrite,
        Severity::WorksButWrong,
        format!("{} what Apache reads as root when it starts", others.charge()),
        format!(
            "{others}. Who may write there can have Apache load a module of theirs, with all rights, at its next start. \
             Therefore esync-ssl does not run httpd on this configuration: neither httpd -t nor a rehearsal."
        ),
        others.advice(),
    )
}

/// Problems of the text that bear on whether the server starts, and their codes.
const CODES: [(&str, Code, &str); 15] = [
    (
        "no-listen",
        Code::ListenMissing,
        "Add Listen 443 to the main file.",
    ),
    ("listen", Code::DirectiveValue, "Correct the line: Listen 443."),
    (
        "listen-duplicate",
        Code::ListenTwice,
        "Keep one of the two Listen lines.",
    ),
    (
        "listen-overlap",
        Code::ListenTwice,
        "Keep one of the two Listen lines.",
    ),
    (
        "log-folder",
        Code::LogFolder,
        "Make the folder, or correct the path.",
    ),
    (
        "load-module",
        Code::ModuleMissing,
        "Correct the path in LoadModule, or install the module.",
    ),
    (
        "loaded-twice",
        Code::ModuleTwice,
        "Remove one of the two LoadModule lines.",
    ),
    (
        "mpm",
        Code::ModuleMissing,
        "Load exactly one MPM: LoadModule mpm_event_module modules/mod_mpm_event.so.",
    ),
    (
        "server-root",
        Code::ServerRoot,
        "Correct ServerRoot, or Define SRVROOT.",
    ),
    (
        "document-root",
        Code::DocumentRoot,
        "Correct the path, or make the folder.",
    ),
    ("dead-address", Code::VhostAddress, "Write <VirtualHost *:443>."),
    ("host-address", Code::VhostAddress, "Write <VirtualHost *:443>."),
    ("tls-setting", Code::DirectiveValue, "Correct the line."),
    ("tls-file", Code::FileMissing, "Correct the path."),
    (
        "undefined-variable",
        Code::VariableUndefined,
        "Define it above, or write the value.",
    ),
];

/// Everything, in the order of the configuration's own list; other errors of the text are summed up in one finding.
pub fn check(configuration: &Configuration) -> Vec<Placed> {
    let problems = configuration.check();
    let mut found = Vec::new();
    let mut others: Vec<&Problem> = Vec::new();
    for problem in problems.iter().filter(|problem| !is_judged_elsewhere(problem)) {
        match CODES.iter().find(|(code, ..)| *code == problem.code) {
            Some((_, code, fix)) => found.push(placed(configuration, problem, *code, fix)),
            None if problem.severity == httpd::Severity::Error && !problem.uncertain => others.push(problem),
            None => {}
        }
    }
    if let Some(first) = others.first() {
        let mut one = placed(
            configuration,
            first,
            Code::ConfigProblem,
            "esync-ssl lint shows the line and what is meant.",
        );
        if others.len() > 1 {
            one.finding.cause += &format!(" There are {} more such errors.", others.len() - 1);
        }
        found.push(one);
    }
    found.extend(hosts(configuration));
    found
}

/// Certificates and keys have rules of their own, where TLS is on.
fn is_judged_elsewhere(problem: &Problem) -> bool {
    let names_its_files = || {
        problem
            .apache
            .as_ref()
            .is_some_and(|said| said.starts_with("SSLCertificate"))
    };
    problem.code == "tls-without-certificate" || (problem.code == "tls-file" && names_its_files())
}

fn placed(configuration: &Configuration, problem: &Problem, code: Code, fix: &str) -> Placed {
    let severity = match problem.severity {
        httpd::Severity::Error if !problem.uncertain => Severity::StopsStart,
        _ => Severity::WorksButWrong,
    };
    let summary = match problem.severity {
        httpd::Severity::Error => "Apache refuses this configuration",
        httpd::Severity::Warning => "Apache accepts this, and it is hardly meant",
    };
    let document = &configuration.file(problem.file).document;
    let line = problem.line as usize;
    let line = (line < document.lines().len()).then(|| document.number(line));
    let said = problem.apache.as_deref().filter(|said| *said != problem.message);
    let said = said
        .map(|said| format!(" Apache says: {said}"))
        .unwrap_or_default();
    Placed {
        place: line.map(|line| (problem.file, line)),
        finding: Finding::new(
            code,
            severity,
            summary,
            format!("{}.{said}", problem.message),
            fix,
        ),
    }
}

/// Virtual hosts that are not reached, and ports on which the first one decides against TLS.
fn hosts(configuration: &Configuration) -> Vec<Placed> {
    let hosts = configuration.virtual_hosts();
    let mut found = Vec::new();
    let place = |entry: EntryId| {
        let entry = configuration.entry(entry);
        Some((entry.file, configuration.line_number(entry)))
    };
    for (host, reach) in hosts.iter().zip(configuration.reach(hosts)) {
        let tls = configuration.speaks_tls(host);
        let name = host.server_name.as_deref().unwrap_or("without a name");
        let finding = match reach {
            Reach::NothingListens => Finding::new(
                Code::ListenMissing,
                if tls {
                    Severity::BreaksClients
                } else {
                    Severity::WorksButWrong
                },
                format!("nothing listens for the virtual host {name}"),
                "There is no Listen for its port; Apache and httpd -t say nothing.",
                match host.addresses.iter().find_map(|address| address.port) {
                    Some(port) => format!("Add Listen {port}."),
                    None => "Add a Listen.".into(),
                },
            ),
            Reach::ShadowedBy(other) => Finding::new(
                Code::VhostShadowed,
                if tls {
                    Severity::BreaksClients
                } else {
                    Severity::WorksButWrong
                },
                format!("the virtual host {name} is never used"),
                format!(
                    "{} stands before it and answers to the same name.",
                    configuration.place(configuration.entry(other))
                ),
                "Remove or rename one of the two.",
            ),
            Reach::NearerAddress if tls => Finding::new(
                Code::VhostNotReached,
                Severity::WorksButWrong,
                format!("other virtual hosts answer in place of {name}"),
                "They name the address itself, which counts for more than *.",
                "Give all of them the same address, *:443.",
            ),
            _ => continue,
        };
        found.push(Placed {
            place: place(host.entry),
            finding,
        });
    }
    found.extend(plain_ports(configuration, hosts));
    found
}

/// Ports that are meant for TLS and speak plain HTTP: the first virtual host of an address and port decides for all.
fn plain_ports(configuration: &Configuration, hosts: &[VirtualHost]) -> Vec<Placed> {
    let mut found: Vec<Placed> = Vec::new();
    for listen in configuration
        .listens()
        .iter()
        .filter(|listen| listen.truth == Truth::True)
    {
        let addresses = hosts
            .iter()
            .flat_map(|host| &host.addresses)
            .map(|address| address.ip());
        let mut ends: Vec<_> = addresses.chain([None]).collect();
        ends.retain(|end| listen.ip().is_none() || *end == listen.ip() || end.is_none());
        ends.sort_unstable();
        ends.dedup();
        for end in ends {
            let set = configuration.address_set(listen.ip().or(end), listen.port);
            let first_speaks = set.first().map_or(configuration.ssl_engine(SERVER), |first| {
                configuration.speaks_tls(first)
            });
            let meant = listen.effective_protocol() == "https"
                || set.iter().any(|host| configuration.speaks_tls(host));
            if first_speaks || !meant {
                continue;
            }
            let entry = set.first().map_or(listen.entry, |first| first.entry);
            let other = set.iter().find(|host| configuration.speaks_tls(host));
            let (cause, fix) = match (set.first(), other) {
                (Some(_), Some(other)) => (
                    format!(
                        "This virtual host stands first for its address and port, has no TLS, and so decides for {} too.",
                        configuration.place(configuration.entry(other.entry))
                    ),
                    "Move it to the HTTP port, or behind the one with TLS.".to_string(),
                ),
                (Some(_), None) => (
                    "The port is meant for HTTPS, and this virtual host has no SSLEngine on.".to_string(),
                    "Add SSLEngine on with certificate and key: esync-ssl enable --domain NAME.".to_string(),
                ),
                (None, _) => (
                    "The port is meant for HTTPS, and no virtual host is for it: the main server answers, without TLS."
                        .to_string(),
                    format!("Add <VirtualHost *:{}> with SSLEngine on: esync-ssl enable --domain NAME.", listen.port),
                ),
            };
            let line = configuration.entry(entry);
            let place = Some((line.file, configuration.line_number(line)));
            if found.iter().any(|one| one.place == place) {
                continue;
            }
            let summary = format!("port {} speaks plain HTTP", listen.port);
            found.push(Placed {
                place,
                finding: Finding::new(Code::TlsOff, Severity::BreaksClients, summary, cause, fix),
            });
        }
    }
    found
}
