//! What clients see of the running server. The judgement is that of [`crate::check::served`].

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use serde::Serialize;
use time::OffsetDateTime;

use super::environment::Where;
use super::expiring::{self, Expiring};
use super::find::Loaded;
use super::names::client_name;
use super::progress::Progress;
use super::targets::{Target, targets};
use super::{Failure, firewall};
use crate::check::served::{self, Meeting, Whom, judge};
use crate::check::{Finding, Place};
use crate::foreign;
use crate::note_code::NoteCode;
use crate::place::Moment;
use crate::server::deadline::Patience;
use crate::server::handshake::{self, Roots, Seen, Trust, http, probe, protocol};
use crate::severity::Counts;
use crate::shown::sentence;
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
    let mut report = look(&targets, &anchors, false, &Patience::new());
    if let (Some(loaded), None) = (&loaded, request.address) {
        report.expiring = expiring::of(loaded, OffsetDateTime::now_utc());
        let ends = targets
            .iter()
            .flat_map(|target| target.plain.iter().chain([&target.address]));
        let ports: Vec<u16> = ends.map(SocketAddr::port).collect();
        firewall::tell(loaded, &ports, progress);
    }
    Ok(report)
}

/// Certificates of `--ca`; none means the platform's.
pub fn anchors(file: Option<&Path>) -> Result<Vec<Certificate>, Failure> {
    let Some(path) = file else {
        return Ok(Vec::new());
    };
    let shown = path.display();
    let bytes = foreign::read(path, foreign::AUTHORITIES).map_err(|error| {
        Failure::of_system(format!("--ca {shown} cannot be read"), &error, "check the path")
    })?;
    let certificates = Certificate::read_all(&bytes).map_err(|error| anyhow!("--ca {shown}: {error}"))?;
    if certificates.is_empty() {
        return Err(Failure::error(anyhow!(
            "--ca {shown} holds no certificate; it takes PEM or DER"
        )));
    }
    Ok(certificates)
}

/// What clients see of a running server.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "VerifyReport"))]
pub struct Report {
    /// Whom clients are taken to trust.
    roots: TrustedRoots,
    /// Where was looked, one for every name and address.
    pub(crate) targets: Vec<Sight>,
    /// What comes before all of that, for people.
    #[serde(skip)]
    pub(crate) expiring: Vec<Expiring>,
    /// How many findings there are at all targets.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Whom clients are taken to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TrustedRoots {
    /// Those that this machine trusts.
    Platform,
    /// Those of `--ca`.
    Given,
}

/// What is seen at one address under one name.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Target"))]
pub(crate) struct Sight {
    /// What the server is called; null where the virtual host has no name.
    pub(crate) name: Option<String>,
    /// Address and port that were connected to.
    pub(crate) address: String,
    /// The virtual host; null where it is none of the configuration.
    pub(crate) place: Option<Place>,
    /// What was agreed on and shown; null where no handshake succeeded.
    pub(crate) tls: Option<Tls>,
    /// The certificate that a client gets which sends no server name, where it is another one.
    pub(crate) without_server_name: Option<String>,
    /// What the ports say that speak plain HTTP.
    pub(crate) http: Vec<Plain>,
    /// What is to be said about it.
    pub(crate) findings: Vec<Finding>,
}

impl Sight {
    /// The fingerprint of the certificate that was shown.
    pub(crate) fn leaf_sha256(&self) -> Option<&str> {
        let leaf = self.tls.as_ref()?.chain.first()?;
        Some(&leaf.sha256)
    }
}

/// A TLS connection.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "TlsConnection"))]
pub(crate) struct Tls {
    /// The version of TLS that was agreed on.
    pub(crate) version: String,
    /// The cipher suite that was agreed on.
    pub(crate) cipher: String,
    /// The protocol that was agreed on (ALPN): `h2`, `http/1.1`; null where the server takes part in no such agreement.
    pub(crate) alpn: Option<String>,
    /// The chain leads to a root that is trusted.
    pub(crate) trusted: bool,
    /// The certificates that were shown, the server's first.
    pub(crate) chain: Vec<Shown>,
    /// The status of the HTTP answer to `/`; null where none came.
    pub(crate) status: Option<u16>,
    /// Where that answer leads to; null where it does not.
    pub(crate) location: Option<String>,
    /// `Strict-Transport-Security` of that answer.
    pub(crate) hsts: Option<String>,
}

/// A certificate that was shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ShownCertificate"))]
pub(crate) struct Shown {
    /// Whose it is.
    pub(crate) subject: String,
    /// Who signed it.
    pub(crate) issuer: String,
    /// When it ends to be valid.
    pub(crate) not_after: Moment,
    /// SHA-256 over it, its fingerprint.
    pub(crate) sha256: String,
}

/// An answer over plain HTTP.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PlainAnswer"))]
pub(crate) struct Plain {
    /// Address and port that were connected to.
    pub(crate) address: String,
    /// The status of the answer; null where none came.
    pub(crate) status: Option<u16>,
    /// Where it leads to; null where it does not.
    pub(crate) location: Option<String>,
}

/// Looks at every target. `strangers`: clients know roots and nothing else, whatever intermediates are trusted here.
pub fn look(targets: &[Target], anchors: &[Certificate], strangers: bool, patience: &Patience) -> Report {
    let given = !anchors.is_empty();
    let anchors = anchors.iter();
    let anchors: Vec<Certificate> = anchors
        .filter(|anchor| !strangers || anchor.is_self_issued())
        .cloned()
        .collect();
    let others = targets.iter().flat_map(|target| {
        let certificates = target.on_disk.iter();
        certificates
            .filter_map(|(certificate, _)| Some((certificate.clone(), target.place.as_ref()?.to_string())))
    });
    let client = Client {
        roots: match (given, strangers) {
            (true, _) => Roots::only(anchors.iter().map(|anchor| anchor.der().to_vec())),
            (false, true) => Roots::self_issued_of_platform(),
            (false, false) => Roots::of_platform(),
        },
        whom: match given || strangers {
            true => Whom::Known,
            false => Whom::ThisMachine,
        },
        others: others.collect(),
        anchors,
        patience,
    };
    let sights: Vec<Sight> = targets.iter().map(|target| client.sight(target)).collect();
    let found = sights.iter().flat_map(|sight| &sight.findings);
    Report {
        roots: match given {
            true => TrustedRoots::Given,
            false => TrustedRoots::Platform,
        },
        counts: found.map(Finding::level).collect(),
        targets: sights,
        expiring: Vec::new(),
    }
}

/// A client, and what is known besides what it is shown.
struct Client<'a> {
    roots: Roots,
    /// Whether it may trust somebody else besides.
    whom: Whom,
    /// Certificates that it trusts by arrangement.
    anchors: Vec<Certificate>,
    /// The certificates of all targets, with what these are called.
    others: Vec<(Certificate, String)>,
    patience: &'a Patience,
}

impl Client<'_> {
    fn sight(&self, target: &Target) -> Sight {
        let name = target.name.as_deref();
        let seen = self.meet(target, name);
        let mut findings = self.judge(&seen, target);
        let seen = seen.ok();
        let alpn = seen.as_ref().and_then(|_| self.protocol(target));
        if seen.is_some() && target.offers_http2 && alpn.as_deref() != Some("h2") {
            findings.push(served::http2_not_agreed(alpn.as_deref(), target.place.clone()));
        }
        let without = seen.as_ref().and_then(|seen| {
            let bare = self.meet(target, None).ok()?;
            let other = bare
                .chain
                .first()
                .filter(|leaf| Some(*leaf) != seen.chain.first())?;
            Some(Certificate::from_der(other).ok()?.title().to_string())
        });
        let host = name.unwrap_or("localhost");
        let plain = target.plain.iter().map(|address| {
            let answer = self.patience.spend(|deadline| http(*address, host, deadline));
            let answer = answer.ok();
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
            tls: seen.map(|seen| Tls::of(seen, alpn)),
            without_server_name: without,
            http: plain.collect(),
            findings,
        }
    }

    fn meet(&self, target: &Target, name: Option<&str>) -> Result<Seen, handshake::Failure> {
        self.patience
            .spend(|deadline| probe(target.address, name, &self.roots, deadline))
    }

    /// What is agreed on by a client that knows HTTP/2; a connection of its own, as we do not.
    fn protocol(&self, target: &Target) -> Option<String> {
        let name = target.name.as_deref();
        let taken = self
            .patience
            .spend(|deadline| protocol(target.address, name, deadline));
        taken.ok().flatten()
    }

    fn judge(&self, seen: &Result<Seen, handshake::Failure>, target: &Target) -> Vec<Finding> {
        // Of several kinds of key, a client gets the one that it prefers.
        let leaf = seen.as_ref().ok().and_then(|seen| seen.chain.first());
        let mut on_disk = target.on_disk.iter();
        let on_disk = on_disk
            .find(|(certificate, _)| leaf.is_some_and(|leaf| leaf == certificate.der()))
            .or(target.on_disk.first());
        let meeting = Meeting {
            name: target.name.as_deref(),
            now: OffsetDateTime::now_utc(),
            anchors: &self.anchors,
            whom: self.whom,
            on_disk: on_disk.map(|(certificate, file)| (certificate, file.as_str())),
            others: &self.others,
        };
        let mut found = judge(seen, &meeting);
        for finding in &mut found {
            finding.place = finding.place.take().or(target.place.clone());
        }
        found
    }
}

impl Tls {
    fn of(seen: Seen, alpn: Option<String>) -> Tls {
        let chain = seen
            .chain
            .iter()
            .filter_map(|der| Certificate::from_der(der).ok());
        Tls {
            version: seen.version,
            cipher: seen.cipher,
            alpn,
            trusted: seen.trust == Trust::Trusted,
            chain: chain
                .map(|certificate| Shown {
                    subject: certificate.subject.clone(),
                    issuer: certificate.issuer.clone(),
                    not_after: certificate.not_after.into(),
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

    /// The same, each once.
    pub fn objections(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for finding in self.findings() {
            let is_told = |one: &Finding| (one.code, &one.summary) == (finding.code, &finding.summary);
            if !found.iter().any(is_told) {
                found.push(finding.clone());
            }
        }
        found
    }

    /// Tells people what clients will object to although the server serves what is configured.
    pub fn tell_objections(&self, progress: &dyn Progress) {
        for finding in self.objections() {
            let summary = sentence(&finding.summary);
            let words = format!("note: {summary} ({}; esync-ssl verify says more)", finding.code);
            progress.note(NoteCode::Warning, &words);
        }
    }

    /// Whether a handshake came about, target by target.
    pub fn handshakes(&self) -> impl Iterator<Item = bool> {
        self.targets.iter().map(|sight| sight.tls.is_some())
    }
}
