//! Every certificate that this Apache uses, or that was ordered here: how long it lives, whether it is served, and who renews
//! it.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;

use super::environment::{Where, World};
use super::find::Loaded;
use super::names::file_name;
use super::obtain::{self, Managed, State};
use super::progress::{Progress, during};
use super::renewers::{Homes, Renewer};
use super::targets::{self, Target};
use super::{Failure, verify};
use crate::check::Place;
use crate::check::tls_host::TlsHost;
use crate::foreign;
use crate::place::{Moment, ShownPath};
use crate::renewal::{self, Known, Look, Outcome, Rule, Urgency, due, urgency};
use crate::server::deadline::Patience;
use crate::server::same_file::same;
use crate::tls::certificate::{Certificate, colon_hex};

/// All of them.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CertificatesReport")]
pub struct Report {
    /// The one that ends first comes first.
    pub certificates: Vec<Told>,
}

/// One certificate file.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UsedCertificate")]
pub struct Told {
    /// The file.
    pub file: ShownPath,
    /// The names in it; empty where it cannot be read.
    pub names: Vec<String>,
    /// Who issued it; null where it cannot be read.
    pub issuer: Option<String>,
    /// Its first moment; null where it cannot be read.
    pub not_before: Option<Moment>,
    /// Its last moment; null where it cannot be read.
    pub not_after: Option<Moment>,
    /// Seconds that are left of its life, negative where it is over; null where it cannot be read.
    pub rest_seconds: Option<i64>,
    /// How urgent it is; null where it cannot be read.
    pub urgency: Option<Urgency>,
    /// SHA-256 over it; null where it cannot be read.
    pub sha256: Option<String>,
    /// The lines of the virtual hosts that use it; empty where it is only stored.
    pub used_by: Vec<Place>,
    /// Whether clients are shown it.
    pub served: Served,
    /// Who renews it.
    pub renewer: Renewer,
    /// When it is due; null where this program does not renew it.
    pub due: Option<Moment>,
    /// Who says so; null where this program does not renew it.
    pub rule: Option<Rule>,
    /// When it is tried next; null where this program does not renew it.
    pub next: Option<Moment>,
    /// How the last try ended; null where there was none.
    pub last: Option<Last>,
    /// How many tries failed since the last that did not.
    pub failure_count: usize,
}

/// Whether clients are shown a certificate. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Served {
    /// They are, wherever it is to be.
    Yes,
    /// Somewhere they are shown another one.
    Other,
    /// Nobody answers there.
    Silent,
    /// No virtual host has it.
    NotUsed,
}

/// How a try to renew ended.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LastRenewal")]
pub struct Last {
    /// When.
    pub at: Moment,
    /// How, in one word.
    pub outcome: Outcome,
    /// Why it failed, in words; null where it did not.
    pub why: Option<String>,
}

/// Looks at all of them. Nobody but this machine is asked.
///
/// # Errors
/// When there is no configuration.
pub fn run(place: &Where, world: &World, progress: &dyn Progress) -> Result<Report, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.record(progress);
    loaded.refuse_no_configuration()?;
    let state = State::of(&loaded, world.disk);
    let mut ours = Vec::new();
    for name in state.all_managed() {
        ours.extend(state.managed(&name).ok().flatten().map(|managed| (name, managed)));
    }
    let targets = targets::of_configuration(&loaded, None, None);
    let seen = during(progress, "Looking at what is served", || {
        verify::look(&targets, &[], false, &Patience::new())
    });
    let look = Looked {
        loaded: &loaded,
        state: &state,
        targets: &targets,
        seen: &seen,
        homes: Homes::of_machine(),
        now: (world.now)(),
    };
    let mut all = look.used(&ours);
    // What was ordered and is used by nobody is told as well.
    for (name, managed) in &ours {
        let file = managed.installed.certificate.path();
        if !all.iter().any(|(known, _)| is_one(known, &file)) {
            let told = look.of(&file, Vec::new(), Some((name, managed)));
            all.push((file, told));
        }
    }
    let mut certificates: Vec<Told> = all.into_iter().map(|(_, told)| told).collect();
    certificates.sort_by_key(|told| told.rest_seconds);
    Ok(Report { certificates })
}

struct Looked<'a> {
    loaded: &'a Loaded,
    state: &'a State<'a>,
    targets: &'a [Target],
    seen: &'a verify::Report,
    homes: Homes,
    now: OffsetDateTime,
}

impl Looked<'_> {
    /// Those that virtual hosts use, each once.
    fn used(&self, ours: &[(String, Managed)]) -> Vec<(PathBuf, Told)> {
        let configuration = &self.loaded.configuration;
        let mut files: Vec<(PathBuf, Vec<Place>)> = Vec::new();
        for host in TlsHost::all(configuration) {
            let place = host
                .entry
                .map(|entry| self.loaded.place_of(configuration.entry(entry)));
            for pair in &host.pairs {
                let file = configuration.source().host_path(&pair.certificate);
                match files.iter_mut().find(|(known, _)| is_one(known, &file)) {
                    Some((_, places)) => places.extend(place.clone()),
                    None => files.push((file, place.clone().into_iter().collect())),
                }
            }
        }
        let all = files.into_iter().map(|(file, places)| {
            let managed = ours
                .iter()
                .find(|(_, managed)| is_one(&managed.installed.certificate.path(), &file));
            let managed = managed.map(|(name, managed)| (name.as_str(), managed));
            let told = self.of(&file, places, managed);
            (file, told)
        });
        all.collect()
    }

    fn of(&self, file: &Path, used_by: Vec<Place>, managed: Option<(&str, &Managed)>) -> Told {
        let bytes = foreign::read(file, foreign::CERTIFICATE).ok();
        let all = bytes.and_then(|bytes| Certificate::read_all(&bytes).ok());
        let leaf = all.and_then(|all| all.into_iter().next());
        let life = leaf.as_ref().map(obtain::life);
        let names: Vec<String> = leaf.iter().flat_map(names).collect();
        let shown = self.loaded.show(file);
        let decision = managed.zip(leaf.as_ref()).map(|((_, managed), leaf)| {
            let id = crate::acme::certificate_id(leaf.der()).ok();
            let told = id.and_then(|id| managed.history.told(&id));
            let known = Known {
                life: obtain::life(leaf),
                ca: told.and_then(|told| told.info.as_ref()),
                draw: renewal::draw(leaf.der()),
                history: &managed.history,
            };
            let look = Look {
                now: self.now,
                clock_ahead: None,
                interval: time::Duration::ZERO,
                is_asked: false,
            };
            due(&known, &look)
        });
        let last = managed.and_then(|(_, managed)| managed.history.attempts.last());
        Told {
            issuer: leaf.as_ref().map(|leaf| leaf.issuer.clone()),
            not_before: life.map(|life| life.not_before.into()),
            not_after: life.map(|life| life.not_after.into()),
            rest_seconds: life.map(|life| life.rest(self.now).whole_seconds()),
            urgency: life.map(|life| urgency(life, self.now)),
            sha256: leaf.as_ref().map(|leaf| colon_hex(&leaf.sha256())),
            served: self.served(&shown, leaf.as_ref(), used_by.is_empty()),
            used_by,
            renewer: match managed {
                Some((name, _)) => Renewer::ours(&self.state.managed_file(&file_name(name))),
                None => Renewer::mod_md(self.loaded, &names)
                    .unwrap_or_else(|| Renewer::of_file(file, &self.homes)),
            },
            due: decision.map(|decision| decision.due.at.into()),
            rule: decision.map(|decision| decision.due.rule),
            next: decision.map(|decision| decision.next.into()),
            last: last.map(|last| Last {
                at: last.at.into(),
                outcome: last.outcome,
                why: last.why.clone(),
            }),
            failure_count: managed.map_or(0, |(_, managed)| managed.history.failures_in_a_row().len()),
            file: shown.into(),
            names,
        }
    }

    fn served(&self, file: &str, leaf: Option<&Certificate>, is_unused: bool) -> Served {
        if is_unused {
            return Served::NotUsed;
        }
        let sha256 = leaf.map(|leaf| colon_hex(&leaf.sha256()));
        let both = self.targets.iter().zip(&self.seen.targets);
        let of_it = both.filter(|(target, _)| target.shows(&[file.to_owned()]));
        let mut shown = of_it.filter_map(|(target, sight)| {
            let first = sight.tls.as_ref()?.chain.first()?;
            // Of several kinds of key, a client is shown one.
            let is_any = target.on_disk.len() > 1
                && target
                    .on_disk
                    .iter()
                    .any(|(other, _)| colon_hex(&other.sha256()) == first.sha256);
            Some(is_any || Some(&first.sha256) == sha256.as_ref())
        });
        match (shown.next(), shown.all(|is_it| is_it)) {
            (None, _) => Served::Silent,
            (Some(true), true) => Served::Yes,
            _ => Served::Other,
        }
    }
}

fn is_one(one: &Path, other: &Path) -> bool {
    one == other || same(one, other)
}

fn names(leaf: &Certificate) -> Vec<String> {
    let addresses = leaf.addresses.iter().map(ToString::to_string);
    leaf.dns_names.iter().cloned().chain(addresses).collect()
}
