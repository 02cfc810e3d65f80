//! What a gateway between field devices and this server meets, and the settings to type. The
//! judgement is that of [`crate::check::gateway`] and [`crate::check::served`].

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Serialize;

use super::environment::Where;
use super::find::Loaded;
use super::names::client_name;
use super::progress::Progress;
use super::targets::targets;
use super::{Failure, verify};
use crate::check::{Finding, gateway};
use crate::httpd::in_url;
use crate::server::deadline::{Patience, resolve};
use crate::server::handshake::{Failure as Missed, request, tls12};
use crate::server::http::{Answer, Request};
use crate::severity::Counts;
use crate::shown::printable;

/// What a device is told, for all that Talk2M passes on.
const GATEWAY: &str = "m2u.talk2m.com";
/// What `--send` posts.
const SAMPLE: &[u8] = b"sample of esync-ssl devices\r\n";
/// How many lines of an answer are shown.
const MAX_LINES: usize = 20;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asking {
    /// Name of the server, as the gateway calls it.
    pub domain: String,
    /// Path that the devices post to.
    pub path: Option<String>,
    /// Port of the URL.
    pub port: Option<u16>,
    /// A sample is posted.
    pub send: bool,
    /// Where to connect to instead of to this machine.
    pub address: Option<SocketAddr>,
    /// A file of roots that are trusted instead of those that this machine trusts.
    pub authorities: Option<PathBuf>,
}

/// Looks at what a gateway meets.
///
/// # Errors
/// When it is not known where, or whom to trust.
pub fn run(asking: &Asking, place: &Where, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = match Loaded::find(place) {
        Ok(loaded) => Some(loaded),
        // The server may be any, if only it is said where.
        Err(_) if asking.address.is_some() => None,
        Err(failure) => return Err(failure),
    };
    if let Some(loaded) = &loaded {
        loaded.introduce(progress);
    }
    of(asking, loaded.as_ref())
}

/// The same for a configuration that was read already.
///
/// # Errors
/// As [`run`].
pub fn of(asking: &Asking, loaded: Option<&Loaded>) -> Result<Report, Failure> {
    let name = &client_name(&asking.domain)?;
    let anchors = verify::anchors(asking.authorities.as_deref())?;
    let mut targets = targets(loaded, Some(name.clone()), asking.address, asking.port)?;
    let ports = || targets.iter().map(|target| target.address.port());
    // Of several ports the usual one is meant.
    let meant = ports()
        .find(|port| *port == 443)
        .or(ports().next())
        .unwrap_or(443);
    targets.retain(|target| target.address.port() == meant);
    let port = asking.port.unwrap_or(meant);
    let patience = Patience::new();
    let served = verify::look(&targets, &anchors, true, &patience);
    let addresses = addresses(name, port);
    let mut report = Report::new(name, port, asking.path.as_deref(), addresses, served);
    // Where no handshake comes about, that was said.
    let ends: Vec<SocketAddr> = targets
        .iter()
        .zip(report.served.handshakes())
        .filter_map(|(target, met)| met.then_some(target.address))
        .collect();
    report.talk(asking, name, &ends, &patience);
    report.count();
    Ok(report)
}

/// What a name leads to from here.
fn addresses(name: &str, port: u16) -> Vec<IpAddr> {
    let all = resolve(name, port);
    let mut addresses: Vec<IpAddr> = all.into_iter().map(|address| address.ip()).collect();
    addresses.dedup();
    addresses
}

/// What a gateway meets.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DevicesReport"))]
pub struct Report {
    /// What people type.
    pub(crate) settings: Settings,
    /// What the name leads to from this machine.
    pub(crate) addresses: Vec<IpAddr>,
    /// What clients see that trust roots only, as `verify` tells it.
    pub(crate) served: verify::Report,
    /// TLS 1.2 is spoken; null where no handshake succeeded.
    pub(crate) tls12: Option<bool>,
    /// The request that looked at the path; null where none was made.
    pub(crate) looked: Option<Asked>,
    /// The sample that was posted; null where none was.
    pub(crate) sent: Option<Asked>,
    /// What is to be said besides that which `served` holds.
    pub(crate) findings: Vec<Finding>,
    /// How many findings there are, here and in `served`.
    #[serde(flatten)]
    pub counts: Counts,
}

/// What people type.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DeviceSettings"))]
pub struct Settings {
    /// In eCatcher: Account > M2U.
    pub(crate) m2u_url: String,
    /// On the eWON: Data Management, Server URL.
    pub(crate) ewon_server_url: &'static str,
}

impl Settings {
    /// For the server of this name and port, whose devices post to this path.
    pub fn of(name: &str, port: u16, path: Option<&str>) -> Settings {
        Settings {
            m2u_url: format!("https://{}{}", host(name, port), path.unwrap_or_default()),
            ewon_server_url: GATEWAY,
        }
    }
}

/// A request with its answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Exchange"))]
pub(crate) struct Asked {
    /// `HEAD` or `POST`.
    pub(crate) method: &'static str,
    /// The path of the URL.
    pub(crate) path: String,
    /// The status of the answer; null where none came.
    pub(crate) status: Option<u16>,
    /// Where it leads to; null where it does not.
    pub(crate) location: Option<String>,
    /// The first lines of what came; null where nothing did.
    pub(crate) body: Option<String>,
}

impl Asked {
    fn of(method: &'static str, path: &str, answer: &Result<Answer, Missed>) -> Asked {
        let answer = answer.as_ref().ok();
        let body = answer
            .map(|answer| printable(&answer.body))
            .filter(|body| !body.is_empty());
        Asked {
            method,
            path: path.to_string(),
            status: answer.map(|answer| answer.status),
            location: answer.and_then(|answer| answer.location.clone()),
            body: body.map(|body| body.lines().take(MAX_LINES).collect::<Vec<_>>().join("\n")),
        }
    }
}

impl Report {
    fn new(
        name: &str,
        port: u16,
        path: Option<&str>,
        addresses: Vec<IpAddr>,
        served: verify::Report,
    ) -> Report {
        let findings = gateway::reachable(name, &addresses)
            .into_iter()
            .chain(gateway::usual_port(port))
            .collect();
        Report {
            settings: Settings::of(name, port, path),
            addresses,
            served,
            tls12: None,
            looked: None,
            sent: None,
            findings,
            counts: Counts::default(),
        }
    }

    /// Asks what only an exchange can show. A sample is sent once.
    fn talk(&mut self, asking: &Asking, name: &str, ends: &[SocketAddr], patience: &Patience) {
        for end in ends {
            let met = patience.spend(|deadline| tls12(*end, Some(name), deadline));
            self.tls12 = Some(met.is_ok() && self.tls12.unwrap_or(true));
            self.findings.extend(gateway::tls12(&met));
        }
        let Some(end) = ends.first() else { return };
        let host = host(name, asking.port.unwrap_or(end.port()));
        if let (Some(path), false) = (&asking.path, asking.send) {
            let look = Request::look(&host, path);
            let answer = patience.spend(|deadline| request(*end, Some(name), &look, deadline));
            self.findings.extend(gateway::looked(path, &answer));
            self.looked = Some(Asked::of("HEAD", path, &answer));
        }
        if asking.send {
            let path = asking.path.as_deref().unwrap_or("/");
            let sample = Request {
                method: "POST",
                host: &host,
                path,
                body: Some(("text/plain", SAMPLE)),
            };
            let answer = patience.spend(|deadline| request(*end, Some(name), &sample, deadline));
            self.findings.extend(gateway::sent(path, &answer));
            self.sent = Some(Asked::of("POST", path, &answer));
        }
    }

    /// What was found at the server, and for devices.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.served.findings().chain(&self.findings)
    }

    fn count(&mut self) {
        self.findings.dedup();
        Finding::worst_first(&mut self.findings);
        self.counts = self.findings().map(Finding::level).collect();
    }
}

/// Name and port as a URL has them.
fn host(name: &str, port: u16) -> String {
    let name = in_url(name);
    match port {
        443 => name.into_owned(),
        port => format!("{name}:{port}"),
    }
}
