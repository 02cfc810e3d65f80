//! What of a configuration keeps TLS from working although every certificate is right: listeners, virtual hosts that
//! nobody reaches, ports that do not speak TLS, modules and log folders.
//!
//! What Apache itself refuses is found by [`lint::check`]; here it is told of the server.

use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Configuration, SERVER, Spot, VirtualHost};
use crate::lint::{self, Reach};
use crate::mod_ssl::{speaks_tls, ssl_engine};
use crate::server::trust::Others;
use crate::wording::count;

/// What of a configuration, its modules and programs others than root and we may write.
pub fn others_write(others: &Others) -> Finding {
    Finding::new(
        Code::OthersWrite,
        Severity::WorksButWrong,
        format!(
            "{} what Apache reads {} when it starts",
            others.charge(),
            match cfg!(windows) {
                true => "with the rights of its service",
                false => "as root",
            }
        ),
        format!(
            "{others}. Whoever may write there can make Apache load their own module, with full rights, at its \
             next start. That is why esync-ssl does not run httpd on this configuration: neither httpd -t nor a \
             rehearsal."
        ),
        others.advice(),
    )
}

/// Everything, in the order of the configuration's own list; other errors of the text are summed up in one finding.
pub fn check(configuration: &Configuration) -> Vec<Finding<Option<Spot>>> {
    let mut found = Vec::new();
    let mut others = Vec::new();
    for finding in lint::check(configuration) {
        if is_judged_elsewhere(&finding) {
            continue;
        }
        if finding.code != Code::ConfigProblem {
            found.push(of_server(configuration, finding));
        } else if finding.is_error() {
            others.push(finding);
        }
    }
    let more = others.len().saturating_sub(1);
    if let Some(first) = others.into_iter().next() {
        let mut one = of_server(configuration, first);
        one.fix = "Run esync-ssl lint: it shows the line and the reason.".into();
        if more > 0 {
            one.cause = format!(
                "{}. Not shown: {}.",
                one.cause.trim_end_matches('.'),
                count(more, "more error")
            );
        }
        found.push(one);
    }
    found.extend(hosts(configuration));
    found
}

/// Certificates and keys have rules of their own, where TLS is on.
fn is_judged_elsewhere(finding: &Finding<Spot>) -> bool {
    let names_its_files = || {
        let said = finding.apache.as_ref();
        said.is_some_and(|said| said.starts_with("SSLCertificate"))
    };
    finding.rule == "tls-without-certificate" || (finding.rule == "tls-file" && names_its_files())
}

/// What is wrong with a line, told of the server: what that does to it, and the line's fault as the cause.
fn of_server(configuration: &Configuration, finding: Finding<Spot>) -> Finding<Option<Spot>> {
    let said = finding.apache.as_deref().filter(|said| *said != finding.summary);
    let said = said
        .map(|said| format!(" Apache says: {said}"))
        .unwrap_or_default();
    let summary = match finding.severity.is_error() {
        true => "Apache refuses this configuration",
        false => "Apache accepts this, but it is probably a mistake",
    };
    let finding = Finding {
        severity: match finding.is_error() {
            true => Severity::StopsStart,
            false => Severity::WorksButWrong,
        },
        cause: format!("{}.{said}", finding.summary),
        summary: summary.into(),
        ..finding
    };
    let is_there = |spot: &Spot| {
        let document = &configuration.file(spot.file).document;
        spot.is_whole() || (spot.line as usize) < document.lines().len()
    };
    finding.placed(|spot| Some(spot).filter(is_there))
}

/// Virtual hosts that are not reached, and ports on which the first one decides against TLS.
fn hosts(configuration: &Configuration) -> Vec<Finding<Option<Spot>>> {
    let hosts = configuration.virtual_hosts();
    let mut found = Vec::new();
    for (host, reach) in hosts.iter().zip(lint::reach(configuration)) {
        let tls = speaks_tls(configuration, host);
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
                "There is no Listen for its port; neither Apache nor httpd -t reports that.",
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
                    "{} comes before it and answers to the same name.",
                    configuration.place(configuration.entry(other))
                ),
                "Remove or rename one of the two.",
            ),
            Reach::NearerAddress if tls => Finding::new(
                Code::VhostNotReached,
                Severity::WorksButWrong,
                format!("other virtual hosts answer in place of {name}"),
                "They name the address itself, which takes precedence over *.",
                "Give all of them the same address, *:443.",
            ),
            _ => continue,
        };
        found.push(finding.placed(|_| Some(Spot::of(configuration.entry(host.entry)))));
    }
    found.extend(plain_ports(configuration, hosts));
    found
}

/// Ports that are meant for TLS and speak plain HTTP: the first virtual host of an address and port decides for all.
fn plain_ports(configuration: &Configuration, hosts: &[VirtualHost]) -> Vec<Finding<Option<Spot>>> {
    let mut found: Vec<Finding<Option<Spot>>> = Vec::new();
    for listen in configuration.active_listens() {
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
            let first_speaks = set.first().map_or(ssl_engine(configuration, SERVER), |first| {
                speaks_tls(configuration, first)
            });
            let meant = listen.effective_protocol() == "https"
                || set.iter().any(|host| speaks_tls(configuration, host));
            if first_speaks || !meant {
                continue;
            }
            let entry = set.first().map_or(listen.entry, |first| first.entry);
            let other = set.iter().find(|host| speaks_tls(configuration, host));
            let (cause, fix) = match (set.first(), other) {
                (Some(_), Some(other)) => (
                    format!(
                        "This virtual host comes first for its address and port and has no TLS, so {} has none \
                         either.",
                        configuration.place(configuration.entry(other.entry))
                    ),
                    "Move it to the HTTP port, or after the one with TLS.".to_string(),
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
            let place = Some(Spot::of(configuration.entry(entry)));
            if found.iter().any(|one| one.place == place) {
                continue;
            }
            let summary = format!("port {} speaks plain HTTP", listen.port);
            let finding = Finding::new(Code::TlsOff, Severity::BreaksClients, summary, cause, fix);
            found.push(finding.placed(|_| place));
        }
    }
    found
}
