//! What clients see of the running server. The judgement is that of [`crate::check::served`].

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use serde::Serialize;
use time::OffsetDateTime;

use super::Failure;
use super::environment::Where;
use super::find::Loaded;
use super::names::client_name;
use super::progress::Progress;
use crate::check::Finding;
use crate::check::served::{Meeting, judge};
use crate::check::tls_host::TlsHost;
use crate::foreign;
use crate::httpd::{Host, Listen, Truth, VirtualHost};
use crate::mod_ssl::speaks_tls;
use crate::server::deadline::{Patience, resolve};
use crate::server::handshake::{Roots, Seen, Trust, http, probe};
use crate::tls::certificate::{Certificate, colon_hex};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The name that clients use.
    pub domain: Option<String>,
    /// Where to connect to instead of to this machine.
    pub address: Option<SocketAddr>,
    /// A file of certificates that are trusted instead of those that this machine trusts.
    pub authorities: Option<PathBuf>,
}

/// Looks at the running server.
///
/// # Errors
/// When it is not known where, or whom to trust.
pub fn run(request: &Request, place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let name = request.domain.as_deref().map(client_name).transpose()?;
    let loaded = match Loaded::find(place) {
        Ok(loaded) => Some(loaded),
        // A name and an address are enough to look at any server.
        Err(_) if name.is_some() && request.address.is_some() => None,
        Err(failure) => return Err(failure),
    };
    if let Some(loaded) = &loaded {
        loaded.introduce(progress);
    }
    let anchors = anchors(request.authorities.as_deref())?;
    let targets = targets(loaded.as_ref(), name, request.address, None)?;
    Ok(look(&targets, &anchors, false, loaded.as_ref(), &Patience::new()))
}

/// Where to look: virtual hosts of the configuration, or whatever answers the name at an address. `port` is that of a
/// name which no virtual host has.
pub fn targets(
    loaded: Option<&Loaded>,
    name: Option<String>,
    address: Option<SocketAddr>,
    port: Option<u16>,
) -> Result<Vec<Target>, Failure> {
    let mut targets = match loaded {
        Some(loaded) => of_configuration(loaded, name.as_deref(), address),
        None => Vec::new(),
    };
    if let (Some(port), None) = (port, address) {
        targets.retain(|target| target.address.port() == port);
    }
    if !targets.is_empty() {
        return Ok(targets);
    }
    let Some(name) = name else {
        return Err(Failure::error(anyhow!(
            "nothing speaks TLS in this configuration; give --domain and --address, or turn TLS on: esync-ssl enable"
        )));
    };
    let found = address.or_else(|| resolve(&name, port.unwrap_or(443)).into_iter().next());
    let address = found.ok_or_else(|| {
        anyhow!(
            "no virtual host answers {name} over TLS, and the name does not resolve; give --address IP:PORT"
        )
    })?;
    Ok(vec![Target::bare(name, address)])
}

/// Certificates of `--ca`; none means the platform's.
pub fn anchors(file: Option<&Path>) -> Result<Vec<Certificate>, Failure> {
    let Some(path) = file else {
        return Ok(Vec::new());
    };
    let shown = path.display();
    let bytes = foreign::read(path, foreign::AUTHORITIES)
        .with_context(|| format!("--ca {shown} cannot be read; check the path"))?;
    let certificates = Certificate::read_all(&bytes).map_err(|error| anyhow!("--ca {shown}: {error}"))?;
    if certificates.is_empty() {
        return Err(Failure::error(anyhow!(
            "--ca {shown} holds no certificate; it takes PEM or DER"
        )));
    }
    Ok(certificates)
}

/// Where to connect, calling the server what, expecting which certificate.
pub struct Target {
    name: Option<String>,
    /// Where.
    pub address: SocketAddr,
    place: Option<String>,
    /// Certificates that it may show, each with its file.
    on_disk: Vec<(Certificate, String)>,
    /// Ports that speak plain HTTP, to see whether they redirect.
    pub plain: Vec<SocketAddr>,
}

impl Target {
    /// A name at an address, whatever is configured.
    pub fn bare(name: String, address: SocketAddr) -> Target {
        Target {
            name: Some(name),
            address,
            place: None,
            on_disk: Vec::new(),
            plain: Vec::new(),
        }
    }
}

/// Every virtual host that speaks TLS, or those that have the name, at an address of this machine.
pub fn of_configuration(loaded: &Loaded, name: Option<&str>, given: Option<SocketAddr>) -> Vec<Target> {
    let configuration = &loaded.configuration;
    let active: Vec<&Listen> = configuration
        .listens()
        .iter()
        .filter(|listen| listen.truth == Truth::True)
        .collect();
    let hosts = configuration.virtual_hosts();
    let tls: Vec<&VirtualHost> = hosts
        .iter()
        .filter(|host| host.truth == Truth::True && speaks_tls(configuration, host))
        .collect();
    let tls_ports: Vec<u16> = tls
        .iter()
        .flat_map(|host| &host.addresses)
        .filter_map(|address| address.port)
        .collect();
    let plain: Vec<SocketAddr> = active
        .iter()
        .filter(|listen| !tls_ports.contains(&listen.port) && listen.effective_protocol() != "https")
        .map(|listen| SocketAddr::new(local(listen.ip(), listen), listen.port))
        .collect();
    let mut targets = Vec::new();
    for host in tls {
        if name.is_some_and(|name| !host.has_name(name)) {
            continue;
        }
        let entry = configuration.entry(host.entry);
        let place = format!(
            "{}:{}",
            loaded.show(&configuration.file(entry.file).host),
            configuration.line_number(entry)
        );
        let settings = TlsHost::of(configuration, host.section);
        let on_disk = settings.pairs.iter().filter_map(|pair| {
            let path = configuration.source().host_path(&pair.certificate);
            let bytes = foreign::read(&path, foreign::CERTIFICATE).ok()?;
            let first = Certificate::read_all(&bytes).ok()?.into_iter().next()?;
            Some((first, loaded.show(&path)))
        });
        let on_disk: Vec<(Certificate, String)> = on_disk.collect();
        let mut ends: Vec<SocketAddr> = Vec::new();
        for address in &host.addresses {
            for listen in active
                .iter()
                .filter(|listen| address.port.is_none_or(|port| port == listen.port))
            {
                let ip = match &address.host {
                    Host::Ip(ip) => local(Some(*ip), listen),
                    Host::Any | Host::Name(_) => local(listen.ip(), listen),
                };
                // A virtual host on every port is looked at where TLS is meant.
                if address.port.is_some() || listen.effective_protocol() == "https" {
                    ends.push(SocketAddr::new(ip, listen.port));
                }
            }
            if let (Some(port), true) = (address.port, ends.is_empty()) {
                // Nothing listens: that is what there is to see.
                ends.push(SocketAddr::new(
                    address.ip().unwrap_or(Ipv4Addr::LOCALHOST.into()),
                    port,
                ));
            }
        }
        ends.sort_unstable();
        ends.dedup();
        if let Some(given) = given {
            ends = vec![given];
        }
        targets.extend(ends.into_iter().map(|address| {
            Target {
                name: name
                    .map(str::to_string)
                    .or_else(|| host.client_name().map(str::to_string)),
                address,
                place: Some(place.clone()),
                on_disk: on_disk.clone(),
                plain: plain.clone(),
            }
        }));
    }
    targets
}

/// An address to connect to from this machine.
pub fn local(ip: Option<IpAddr>, listen: &Listen) -> IpAddr {
    match ip {
        Some(ip) => ip,
        None if listen.address.as_deref() == Some("[::]") => Ipv6Addr::LOCALHOST.into(),
        None => Ipv4Addr::LOCALHOST.into(),
    }
}

/// What was seen.
#[derive(Serialize)]
pub struct Report {
    /// Whom clients are taken to trust: `platform` or `given`.
    roots: &'static str,
    pub(crate) targets: Vec<Sight>,
    /// How many errors there are.
    pub errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
pub(crate) struct Sight {
    pub(crate) name: Option<String>,
    pub(crate) address: String,
    pub(crate) place: Option<String>,
    pub(crate) tls: Option<Tls>,
    /// The certificate that a client gets which sends no server name, where it is another one.
    pub(crate) without_server_name: Option<String>,
    pub(crate) http: Vec<Plain>,
    pub(crate) findings: Vec<Finding>,
}

#[derive(Serialize)]
pub(crate) struct Tls {
    pub(crate) version: String,
    pub(crate) cipher: String,
    pub(crate) trusted: bool,
    pub(crate) chain: Vec<Shown>,
    pub(crate) status: Option<u16>,
    pub(crate) location: Option<String>,
    pub(crate) hsts: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Shown {
    pub(crate) subject: String,
    pub(crate) issuer: String,
    pub(crate) not_after: String,
    pub(crate) sha256: String,
}

#[derive(Serialize)]
pub(crate) struct Plain {
    pub(crate) address: String,
    pub(crate) status: Option<u16>,
    pub(crate) location: Option<String>,
}

/// Looks at every target. `strangers`: clients know roots and nothing else, whatever intermediates are trusted here.
pub fn look(
    targets: &[Target],
    anchors: &[Certificate],
    strangers: bool,
    loaded: Option<&Loaded>,
    patience: &Patience,
) -> Report {
    let given = !anchors.is_empty();
    let anchors: Vec<Certificate> = anchors
        .iter()
        .filter(|anchor| !strangers || anchor.is_self_issued())
        .cloned()
        .collect();
    let roots = match (given, strangers) {
        (true, _) => Roots::only(anchors.iter().map(|anchor| anchor.der().to_vec())),
        (false, true) => Roots::self_issued_of_platform(),
        (false, false) => Roots::of_platform(),
    };
    let others: Vec<(Certificate, String)> = targets
        .iter()
        .flat_map(|target| {
            let certificates = target.on_disk.iter();
            certificates.filter_map(|(certificate, _)| Some((certificate.clone(), target.place.clone()?)))
        })
        .collect();
    let sights: Vec<Sight> = targets
        .iter()
        .map(|target| sight(target, &roots, &anchors, &others, loaded, patience))
        .collect();
    let count = |error: bool| {
        let all = sights.iter().flat_map(|sight| &sight.findings);
        all.filter(|finding| {
            finding.severity.is_error() == error && finding.severity != crate::check::Severity::Advice
        })
        .count()
    };
    Report {
        roots: if given { "given" } else { "platform" },
        errors: count(true),
        warnings: count(false),
        targets: sights,
    }
}

fn sight(
    target: &Target,
    roots: &Roots,
    anchors: &[Certificate],
    others: &[(Certificate, String)],
    loaded: Option<&Loaded>,
    patience: &Patience,
) -> Sight {
    let name = target.name.as_deref();
    let seen = patience.spend(|deadline| probe(target.address, name, roots, deadline));
    // Of several kinds of key, a client gets the one that it prefers.
    let leaf = seen.as_ref().ok().and_then(|seen| seen.chain.first());
    let mut on_disk = target.on_disk.iter();
    let on_disk = on_disk
        .find(|(certificate, _)| leaf.is_some_and(|leaf| leaf == certificate.der()))
        .or(target.on_disk.first());
    let mut found = judge(
        &seen,
        &Meeting {
            name,
            now: OffsetDateTime::now_utc(),
            anchors,
            on_disk: on_disk.map(|(certificate, file)| (certificate, file.as_str())),
            others,
        },
    );
    if let (Some(place), Some(loaded)) = (&target.place, loaded)
        && let Some((file, line)) = place.rsplit_once(':')
    {
        let _ = loaded;
        for finding in found.iter_mut().filter(|finding| finding.place.is_none()) {
            *finding = finding.clone().at(file, line.parse().ok());
        }
    }
    let seen = seen.ok();
    let without = seen.as_ref().and_then(|seen| {
        let bare = patience.spend(|deadline| probe(target.address, None, roots, deadline));
        let bare = bare.ok()?;
        let other = bare
            .chain
            .first()
            .filter(|leaf| Some(*leaf) != seen.chain.first())?;
        Some(Certificate::from_der(other).ok()?.title().to_string())
    });
    let host = name.unwrap_or("localhost");
    let plain = target.plain.iter().map(|address| {
        let answer = patience.spend(|deadline| http(*address, host, deadline)).ok();
        Plain {
            address: address.to_string(),
            status: answer.as_ref().map(|answer| answer.status),
            location: answer.and_then(|answer| answer.location),
        }
    });
    Sight {
        name: target.name.clone(),
        address: target.address.to_string(),
        place: target.place.clone(),
        tls: seen.map(Tls::of),
        without_server_name: without,
        http: plain.collect(),
        findings: found,
    }
}

impl Tls {
    fn of(seen: Seen) -> Tls {
        let chain = seen
            .chain
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        Tls {
            version: seen.version,
            cipher: seen.cipher,
            trusted: seen.trust == Trust::Trusted,
            chain: chain
                .map(|certificate| Shown {
                    subject: certificate.subject.clone(),
                    issuer: certificate.issuer.clone(),
                    not_after: certificate.not_after.date().to_string(),
                    sha256: colon_hex(&certificate.sha256()),
                })
                .collect(),
            status: seen.answer.as_ref().map(|answer| answer.status),
            location: seen.answer.as_ref().and_then(|answer| answer.location.clone()),
            hsts: seen.answer.and_then(|answer| answer.hsts),
        }
    }
}

impl Report {
    /// Address, name and findings of every target.
    pub fn sights(&self) -> impl Iterator<Item = (&str, Option<&str>, &[Finding])> {
        let sights = self.targets.iter();
        sights.map(|sight| (&*sight.address, sight.name.as_deref(), &sight.findings[..]))
    }

    /// Findings of every target.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.targets.iter().flat_map(|sight| &sight.findings)
    }

    /// Whether a handshake came about, target by target.
    pub fn handshakes(&self) -> impl Iterator<Item = bool> {
        self.targets.iter().map(|sight| sight.tls.is_some())
    }
}
