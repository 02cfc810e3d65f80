//! The proof that a running server serves what is configured, and goes on doing so.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::environment::Pace;
use super::find::Loaded;
use super::progress::Progress;
use super::targets::{self, Target};
use super::verify;
use super::{explain, running};
use crate::change;
use crate::check::{Code, Finding};
use crate::httpd::{Listen, in_url};
use crate::interrupt;
use crate::server::deadline::Patience;
use crate::server::handshake::{self, http};
use crate::server::port::{Process, listeners};
use crate::server::service::{Service, State};

/// How often it is looked at while all is well.
const GLANCE: Duration = Duration::from_secs(1);

/// A site as clients must meet it.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Its names.
    pub names: Vec<String>,
    /// The port on which it is served over TLS.
    pub port: u16,
    /// Plain HTTP sends clients to TLS.
    pub redirects: bool,
    /// What was asked for it, to see whether HTTPS answers what HTTP did.
    pub asked: Option<change::Request>,
    /// Whatever HTTPS answers otherwise is a fault.
    pub strict: bool,
    /// Certificate files, as people know them: instead of its port, everything that shows one of them is looked at, each of
    /// its names that is served so at every address.
    pub files: Vec<String>,
}

/// What a server must show.
pub struct Wanted<'a> {
    loaded: &'a Loaded,
    site: Option<&'a Site>,
    /// Where nobody of ours may listen any more.
    gone: Vec<SocketAddr>,
    /// What was amiss before, and may stay so.
    known: Vec<String>,
    targets: Vec<Target>,
    named: Vec<Target>,
}

/// What a server does not show.
#[derive(Clone, Debug)]
pub struct Fault {
    /// It will not go away by waiting.
    plain: bool,
    /// What and where, to tell it again.
    key: String,
    /// For people.
    pub words: String,
}

impl<'a> Wanted<'a> {
    /// What the files say, of all virtual hosts and ports.
    pub fn of_files(loaded: &'a Loaded) -> Wanted<'a> {
        Wanted {
            loaded,
            site: None,
            gone: Vec::new(),
            known: Vec::new(),
            targets: targets::of_configuration(loaded, None, None),
            named: Vec::new(),
        }
    }

    /// Also this site, whatever was amiss before.
    pub fn and_site(self, site: Option<&'a Site>) -> Wanted<'a> {
        if let Some(site) = site.filter(|site| !site.files.is_empty()) {
            return Wanted {
                named: targets_of_files(self.loaded, site),
                site: Some(site),
                ..self
            };
        }
        let names = site.map_or(&[][..], |site| &site.names);
        let port = site.map_or(443, |site| site.port);
        let targets = names.iter().flat_map(|name| {
            let name = name.replace('*', "www");
            let mut found = targets::of_configuration(self.loaded, Some(&name), None);
            found.retain(|target| target.address.port() == port);
            if found.is_empty() {
                found.push(Target::bare(name, (std::net::Ipv4Addr::LOCALHOST, port).into()));
            }
            found
        });
        Wanted {
            named: targets.collect(),
            site,
            ..self
        }
    }

    /// Nobody of ours listens where only the other configuration did.
    pub fn not_as(self, other: &Loaded) -> Wanted<'a> {
        let ports: Vec<u16> = active(self.loaded).map(|listen| listen.port).collect();
        let gone = active(other).filter(|listen| !ports.contains(&listen.port));
        Wanted {
            gone: gone.map(end).collect(),
            ..self
        }
    }

    /// What is amiss at a site that is none of this one stays as it was.
    pub fn but(self, known: &[Fault]) -> Wanted<'a> {
        Wanted {
            known: known.iter().map(|fault| fault.key.clone()).collect(),
            ..self
        }
    }

    /// Everything that the server does not show now.
    pub fn faults(&self) -> Vec<Fault> {
        self.look().0
    }

    /// What clients see now, where the server shows all of it.
    pub fn shown(&self) -> Option<verify::Report> {
        let (faults, seen) = self.look();
        faults.is_empty().then_some(seen)
    }

    fn look(&self) -> (Vec<Fault>, verify::Report) {
        let patience = Patience::new();
        let look = |targets: &[Target]| verify::look(targets, &[], false, &patience);
        let named = look(&self.named);
        let mut faults = of_names(&named);
        if interrupt::came() {
            return (faults, named);
        }
        faults.extend(self.not_redirected(&patience));
        faults.extend(self.gone.iter().filter_map(|end| self.not_gone(*end)));
        let all = look(&self.targets);
        let mut others = of_report(&all);
        // Who answers a name of another site is not asked; that nobody does is.
        others.retain(|fault| !fault.key.starts_with(Code::VhostShadowed.word()));
        others.extend(self.silent(&patience));
        others.retain(|fault| !self.known.contains(&fault.key));
        faults.extend(others);
        (faults, if self.named.is_empty() { all } else { named })
    }

    /// Ports for plain HTTP on which nobody answers.
    fn silent(&self, patience: &Patience) -> Vec<Fault> {
        let plain = active(self.loaded).filter(|listen| listen.effective_protocol() != "https");
        plain
            .filter_map(
                |listen| match patience.spend(|deadline| http(end(listen), "localhost", deadline)) {
                    Err(handshake::Failure::NotConnected(words)) => Some(Fault {
                        plain: false,
                        key: format!("silent {}", end(listen)),
                        words: format!("port {} does not answer ({words})", listen.port),
                    }),
                    _ => None,
                },
            )
            .collect()
    }

    /// Names that plain HTTP does not send to TLS.
    fn not_redirected(&self, patience: &Patience) -> Option<Fault> {
        let site = self.site.filter(|site| site.redirects)?;
        let plain = self.named.first().map_or(&[][..], |target| &target.plain);
        let is_usual = plain.iter().any(|end| end.port() == 80);
        let ends = plain.iter().filter(|end| !is_usual || end.port() == 80);
        for end in ends {
            for name in &site.names {
                let name = name.replace('*', "www");
                let answer = patience.spend(|deadline| http(*end, &name, deadline));
                let is_sent = answer.as_ref().is_ok_and(|answer| {
                    (300..400).contains(&answer.status)
                        && answer
                            .location
                            .as_ref()
                            .is_some_and(|to| to.starts_with("https://"))
                });
                if !is_sent {
                    let answer = answer.map_or_else(
                        |failure| failure.to_string(),
                        |answer| format!("it answers {}", answer.status),
                    );
                    return Some(Fault {
                        plain: false,
                        key: format!("redirect {end} {name}"),
                        words: format!(
                            "http://{} on port {} is not sent to https ({answer})",
                            in_url(&name),
                            end.port()
                        ),
                    });
                }
            }
        }
        None
    }

    /// A port that should be closed and is not; others than this server may have it.
    fn not_gone(&self, end: SocketAddr) -> Option<Fault> {
        std::net::TcpStream::connect_timeout(&end, Duration::from_secs(1)).ok()?;
        let server = running::server(self.loaded);
        let all = listeners().unwrap_or_default();
        let holders = all.iter().filter(|one| one.collides(Some(end.ip()), end.port()));
        let holders: Vec<Option<&Process>> = holders.map(|one| one.process.as_ref()).collect();
        let is_other = |holder: &Option<&Process>| holder.is_some_and(|process| !server.is_own(process));
        if !holders.is_empty() && holders.iter().all(is_other) {
            return None;
        }
        let named = holders.iter().flatten();
        let named: String = named
            .map(|process| format!(", by {} (process {})", process.name, process.pid))
            .collect();
        Some(Fault {
            plain: false,
            key: format!("gone {end}"),
            words: format!("something still listens on port {}{named}", end.port()),
        })
    }

    /// Waits until the server runs and shows all this, and goes on doing so. With `words` of a service that did not
    /// do what it was told, it does not wait long.
    ///
    /// # Errors
    /// What it does not show.
    pub fn prove(
        &self,
        service: &dyn Service,
        words: Option<&str>,
        pace: Pace,
        progress: &dyn Progress,
    ) -> Result<verify::Report, Fault> {
        let ports = self.named.iter().chain(&self.targets);
        let port = ports.map(|target| target.address.port()).next();
        let what = port.map_or("Waiting for Apache".into(), |port| {
            format!("Waiting for port {port}")
        });
        progress.step(&what);
        let result = self.prove_in_time(service, words, pace, (progress, &what));
        progress.step_done();
        result
    }

    fn prove_in_time(
        &self,
        service: &dyn Service,
        words: Option<&str>,
        pace: Pace,
        (progress, what): (&dyn Progress, &str),
    ) -> Result<verify::Report, Fault> {
        let start = Instant::now();
        let mut told = 0;
        // Since when all is well, and when it was looked at last.
        let mut good: Option<(Instant, Instant)> = None;
        loop {
            let is_fresh = good
                .is_some_and(|(since, looked)| since.elapsed() < pace.steady && looked.elapsed() < GLANCE);
            let fault = match service.state() {
                Ok(State::Running) if is_fresh => None,
                Ok(State::Running) => {
                    let (faults, report) = self.look();
                    let fault = faults.into_iter().next();
                    if fault.is_none() {
                        if good.is_none() {
                            progress.step("It answers; watching whether it stays so");
                        }
                        let since = good.map_or_else(Instant::now, |(since, _)| since);
                        // The old one may still answer before the new configuration is read and found wanting.
                        if since.elapsed() >= pace.steady {
                            return Ok(report);
                        }
                        good = Some((since, Instant::now()));
                    }
                    fault
                }
                Ok(State::Stopped) => Some(Fault::state(true, "it is not running")),
                Ok(State::Changing) => Some(Fault::state(false, "it is not there yet")),
                Err(error) => Some(Fault::state(true, &error.to_string())),
            };
            if interrupt::came() {
                return Err(Fault::state(true, "interrupted"));
            }
            if let Some(fault) = fault {
                if good.take().is_some() {
                    progress.step(what);
                }
                let is_plain = fault.plain || words.is_some();
                let patience = if is_plain { pace.short } else { pace.patience };
                if start.elapsed() > patience {
                    return Err(fault);
                }
                if start.elapsed().as_secs() > told {
                    told = start.elapsed().as_secs();
                    progress.waiting(told, &fault.words);
                }
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Where some certificate files are to be seen.
fn targets_of_files(loaded: &Loaded, site: &Site) -> Vec<Target> {
    let names = site.names.iter().map(|name| Some(name.replace('*', "www")));
    let all = names
        .chain([None])
        .flat_map(|name| targets::of_configuration(loaded, name.as_deref(), None));
    let mut targets: Vec<Target> = Vec::new();
    for target in all.filter(|target| target.shows(&site.files)) {
        let is_it = |known: &Target| known.name == target.name && known.address == target.address;
        if !targets.iter().any(is_it) {
            targets.push(target);
        }
    }
    targets
}

impl Fault {
    fn state(plain: bool, words: &str) -> Fault {
        Fault {
            plain,
            key: words.to_owned(),
            words: words.to_owned(),
        }
    }
}

/// What of a look at the server keeps it from being proven.
fn of_report(report: &verify::Report) -> Vec<Fault> {
    let sights = report.sights();
    sights
        .flat_map(|(address, name, findings)| of_sight(address, name, findings))
        .collect()
}

/// The same of looks for the names of one site: of several virtual hosts with a name at one address, one answers.
fn of_names(report: &verify::Report) -> Vec<Fault> {
    let sights: Vec<(&str, Option<&str>, Vec<Fault>)> = report
        .sights()
        .map(|(address, name, findings)| (address, name, of_sight(address, name, findings)))
        .collect();
    let is_answered = |address: &str, name: Option<&str>| {
        sights
            .iter()
            .any(|(at, of, faults)| (*at, *of) == (address, name) && faults.is_empty())
    };
    let amiss = sights
        .iter()
        .filter(|(address, name, _)| !is_answered(address, *name));
    amiss.flat_map(|(_, _, faults)| faults.clone()).collect()
}

/// Trust and dates are no matter of a restart.
fn of_sight(address: &str, name: Option<&str>, findings: &[Finding]) -> Vec<Fault> {
    let faults = findings.iter().filter_map(|finding| {
        let plain = match finding.code {
            Code::NotListening | Code::ServedOtherThanDisk | Code::VhostShadowed => false,
            Code::PlainHttp | Code::HandshakeFailed => true,
            _ => return None,
        };
        let place = finding
            .place
            .as_ref()
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        Some(Fault {
            plain,
            key: format!("{} {address} {}", finding.code, name.unwrap_or_default()),
            words: format!("{}: {}{place}", name.unwrap_or(address), finding.summary),
        })
    });
    faults.collect()
}

/// Every `Listen` in force.
pub fn active(loaded: &Loaded) -> impl Iterator<Item = &Listen> {
    loaded.configuration.active_listens()
}

/// Where to connect to it from this machine.
fn end(listen: &Listen) -> SocketAddr {
    SocketAddr::new(targets::local(listen.ip(), listen), listen.port)
}

/// Tells people why, from what the service said and from the logs.
pub fn explained(loaded: &Loaded, words: Option<&str>, progress: &dyn Progress) -> Vec<Finding> {
    // Before it has a log, a server says it to whoever starts it.
    let said = words.map(|words| explain::said(words, loaded));
    let logs = explain::of_configuration(loaded);
    let logged = explain::explain(logs, None, Some(loaded), &loaded.place);
    let mut found = Vec::new();
    for report in said.iter().chain([&logged]) {
        progress.logs(report);
        found.extend(report.findings().cloned());
    }
    found.dedup();
    found
}
