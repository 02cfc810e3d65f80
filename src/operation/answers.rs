//! Does Apache answer certificate authorities? Computed from the configuration, rehearsed with the server's own httpd before
//! anything is written, and asked of the running server. Nobody but this machine is asked.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use super::answer_probe::asked;
pub use super::answer_probe::{Laid, Probe, Wrong};
use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::progress::{Progress, during};
use crate::change::{AnswerPlace, Answering, CHALLENGES, Plan, answering};
use crate::check::answer_script::{Stage, script};
use crate::finding::{Code, Finding, Severity};
use crate::httpd::{Configuration, Platform, Truth, in_url};
use crate::note_code::NoteCode;
use crate::server::deadline::ONE_ANSWER;
use crate::server::local_addresses::{is_local, local_addresses};
use crate::server::rehearsal::{self, Flop, PATIENCE, rehearse_asking};
use crate::shown::sentence;
use crate::wording::{count, reason};

/// More groups of virtual hosts are not rehearsed.
const MOST: usize = 8;

/// What one name showed at one address.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The name.
    pub name: String,
    /// The address that was asked; none in a rehearsal.
    pub address: Option<SocketAddr>,
    /// What came instead of the answer; none where it came.
    pub wrong: Option<Wrong>,
}

impl Probed {
    /// As a finding, with the lines that may be the reason; none where the answer came.
    pub fn finding(
        &self,
        loaded: &Loaded,
        configuration: &Configuration,
        place: &AnswerPlace,
    ) -> Option<Finding> {
        let wrong = self.wrong.as_ref()?;
        let at = match self.address {
            Some(address) => format!(" at {address}"),
            None => " in a rehearsal with the server's own httpd".into(),
        };
        let summary = format!(
            "a certificate authority that asks for http://{}{CHALLENGES} would not get the answer{at}: {}",
            in_url(&self.name),
            wrong.words()
        );
        let all = answering(configuration, place);
        let mine = all.iter().filter(|answering| answering.name == self.name);
        let mut takers: Vec<String> = mine
            .flat_map(|answering| &answering.takers)
            .map(|taker| format!("{} {}", loaded.place_in(configuration, taker.entry), taker.what))
            .collect();
        takers.dedup();
        let cause = match takers.as_slice() {
            [] => "No line is known that takes the path: Apache may not have read the new lines yet, or somebody else \
                   answers at that address."
                .into(),
            all => format!("These lines may take the path: {}.", all.join("; ")),
        };
        let fix = "Let http://NAME/.well-known/acme-challenge/ show the files of the folder, or choose another way with \
                   --answer.";
        let finding = Finding::new(
            Code::AcmeNotAnswered,
            Severity::BreaksClients,
            summary,
            cause,
            fix,
        );
        Some(finding)
    }
}

/// Who answers the names, computed: a finding for each line that would take the path and that nothing of ours comes before.
pub fn computed(loaded: &Loaded, configuration: &Configuration, place: &AnswerPlace) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for Answering { name, takers, .. } in answering(configuration, place) {
        for taker in takers {
            let Some(kept) = &taker.kept else { continue };
            let at = loaded.place_in(configuration, taker.entry);
            let known = |finding: &Finding| finding.place.as_ref() == Some(&at);
            if findings.iter().any(known) {
                continue;
            }
            let summary = format!(
                "a certificate authority cannot be answered over HTTP for {name}, because this line {}",
                taker.what
            );
            let finding = Finding::new(
                Code::AcmePathShadowed,
                Severity::BreaksClients,
                summary,
                format!("{kept}."),
                format!("{}.", taker.fix),
            );
            findings.push(Finding {
                place: Some(at),
                uncertain: !taker.is_certain,
                ..finding
            });
        }
    }
    findings
}

/// The configuration as a plan leaves it; none where it cannot be read.
pub fn edited(loaded: &Loaded, plan: &Plan) -> Option<Configuration> {
    let files = plan.files.iter();
    let overlay = files
        .map(|file| (file.path.clone(), file.after.to_vec()))
        .collect();
    let mut source = loaded.source.with_overlay(overlay);
    for link in &plan.links {
        source = source.with_link(&link.path, &link.target).ok()?;
    }
    Configuration::read(&loaded.main, source, loaded.facts.clone()).ok()
}

/// Rehearses with the server's own httpd, on a port of the loopback, that `configuration`, as it is or is to be, answers a
/// probe for each name. Nothing is written outside of a folder of this run. `None`: it was not done, and why was told.
///
/// # Errors
/// The run was interrupted, or there are no random numbers.
pub fn rehearse(
    loaded: &Loaded,
    configuration: &Configuration,
    place: &AnswerPlace,
    progress: &dyn Progress,
) -> Result<Option<Vec<Probed>>, Failure> {
    let told = |why: &str| {
        progress.note(
            NoteCode::NotRehearsed,
            &format!("note: the answers to certificate authorities were not rehearsed: {why}"),
        );
    };
    let is_elsewhere = configuration.source().relocated().is_some();
    let reader = match loaded.reader() {
        Ok(Some(reader)) if !is_elsewhere && loaded.facts.platform == Platform::HOST => reader,
        Err(silence) => {
            told(&silence.to_string());
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let probe = Probe::new().map_err(Failure::error)?;
    let mut all = Vec::new();
    for (end, names) in groups(configuration, place) {
        let ask = |address: SocketAddr, patience: Duration| {
            let mut found = Vec::new();
            for name in &names {
                match asked(address, name, &probe, patience) {
                    // It listens only after a moment.
                    Err(error) if found.is_empty() => return Err(error),
                    Err(error) => found.push(Some(Wrong::Nothing(reason(&error)))),
                    Ok(wrong) => found.push(wrong),
                }
            }
            Ok(found)
        };
        let play = |stage: &rehearsal::Stage| {
            let answers = stage.folder.join("answers");
            lay_open(&answers, &probe)?;
            let place_of = Stage {
                folder: stage.folder,
                port: stage.port,
                answers: &answers,
            };
            script(configuration, place, end, &place_of)
                .ok_or_else(|| io::Error::other("the site depends on a condition that is not known here"))
        };
        let environment = loaded.environment();
        let run = || rehearse_asking(reader, environment, PATIENCE, ask, play);
        match during(progress, "Rehearsing the answers to certificate authorities", run) {
            Ok(found) => all.extend(names.iter().zip(found).map(|(name, wrong)| Probed {
                name: name.clone(),
                address: None,
                wrong,
            })),
            Err(Flop::Interrupted) => {
                not_interrupted()?;
                return Ok(None);
            }
            Err(flop) => {
                let said = flop.said().lines().next().unwrap_or_default();
                told(&format!("{} {}", said_of(&flop), sentence(said)));
                return Ok(None);
            }
        }
    }
    Ok(Some(all))
}

fn said_of(flop: &Flop) -> String {
    match flop {
        Flop::NotStaged(error) => reason(error),
        Flop::Ended(_) => "httpd does not start with these lines alone.".into(),
        Flop::NoHandshake(error, _) => format!("httpd does not answer: {}.", reason(error)),
        Flop::Interrupted => String::new(),
    }
}

/// The names by who competes for them: one address for each group of virtual hosts.
fn groups(configuration: &Configuration, place: &AnswerPlace) -> Vec<(Option<IpAddr>, Vec<String>)> {
    let mut groups: Vec<(usize, Option<IpAddr>, Vec<String>)> = Vec::new();
    for Answering { name, address, .. } in answering(configuration, place) {
        let set = configuration.address_set(address, place.port).identity();
        match groups.iter_mut().find(|(known, ..)| *known == set) {
            Some((_, end, names)) if *end == address => names.push(name),
            Some(_) => {}
            None => groups.push((set, address, vec![name])),
        }
    }
    groups.truncate(MOST);
    groups.into_iter().map(|(_, end, names)| (end, names)).collect()
}

/// A folder and a file in it that the account of the server may read.
fn lay_open(folder: &Path, probe: &Probe) -> io::Result<()> {
    fs::create_dir(folder)?;
    let path = folder.join(&probe.token);
    let mut new = fs::File::options();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o644);
    new.open(&path)?.write_all(probe.body.as_bytes())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Whatever a new file gets otherwise.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
    }
    Ok(())
}

/// Asks the running server for a probe that is put into the folder of the answers and taken out again: for each name, at the
/// loopback and at every address of this machine that it listens on, IPv4 and IPv6.
///
/// # Errors
/// The probe cannot be written, or the run was interrupted.
pub fn answers_probe(
    loaded: &Loaded,
    configuration: &Configuration,
    place: &AnswerPlace,
    progress: &dyn Progress,
) -> Result<Vec<Probed>, Failure> {
    let probe = Probe::new().map_err(Failure::error)?;
    let folder = loaded.source.host_path(&place.folder);
    let _laid = Laid::lay(&folder, &probe.token, &probe.body)?;
    let addresses = addresses(configuration, place);
    let mut all = Vec::new();
    for address in &addresses {
        for name in &place.names {
            not_interrupted()?;
            let wrong = match asked(*address, name, &probe, ONE_ANSWER) {
                Ok(wrong) => wrong,
                Err(error) => Some(Wrong::Nothing(reason(&error))),
            };
            all.push(Probed {
                name: name.clone(),
                address: Some(*address),
                wrong,
            });
        }
    }
    let came = all.iter().filter(|probed| probed.wrong.is_none()).count();
    progress.detail(&format!(
        "the probe for certificate authorities came {} at {}",
        count(came, "time"),
        count(addresses.len(), "address")
    ));
    Ok(all)
}

/// Where the server is asked: the addresses of this machine that an active listener takes.
pub fn addresses(configuration: &Configuration, place: &AnswerPlace) -> Vec<SocketAddr> {
    let listens = configuration.listens().iter();
    let listens: Vec<_> = listens
        .filter(|listen| listen.truth == Truth::True && listen.port == place.port)
        .collect();
    let mut all = local_addresses();
    all.extend(
        listens
            .iter()
            .filter_map(|listen| listen.ip())
            .filter(|ip| is_local(*ip)),
    );
    all.retain(|ip| listens.iter().any(|listen| listen.takes(*ip)));
    let mut known = std::collections::HashSet::new();
    all.retain(|ip| known.insert(*ip));
    all.into_iter()
        .map(|ip| SocketAddr::new(ip, place.port))
        .collect()
}
