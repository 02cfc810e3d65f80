//! Every certificate that this Apache uses, or that was ordered here: how long it lives, whether it is served, and who renews
//! it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use serde::Serialize;
use time::OffsetDateTime;

use super::environment::{Where, World};
use super::find::Loaded;
use super::obtain::{Managed, State};
use super::progress::{Progress, during};
use super::renewers::{Homes, Renewer};
use super::targets::{self, Target};
use super::{Failure, adopt, certificate_files, schedule, verify};
use crate::check::Place;
use crate::check::tls_host::TlsHost;
use crate::place::{Moment, ShownPath};
use crate::renewal::{Life, Look, Outcome, Rule, Urgency, urgency};
use crate::server::deadline::Patience;
use crate::server::same_file::identity;
use crate::shown::shown;
use crate::tls::certificate::{Certificate, colon_hex};

/// All of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CertificatesReport"))]
pub struct Report {
    /// The one that ends first comes first.
    pub certificates: Vec<Told>,
    /// Whether those of this program are renewed without hands; null where there is none, or nobody knows.
    pub schedule: Option<schedule::Report>,
}

/// One certificate file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "UsedCertificate"))]
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
    /// The file or folder from which this program renews it; null where it does not, or an authority makes it.
    pub source: Option<ShownPath>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
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
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LastRenewal"))]
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
    Ok(of_loaded(&loaded, world, progress))
}

/// The same of a configuration that was read already.
pub fn of_loaded(loaded: &Loaded, world: &World, progress: &dyn Progress) -> Report {
    let targets = targets::of_configuration(loaded, None, None);
    let seen = during(progress, "Looking at what is served", || {
        verify::look(&targets, &[], false, &Patience::new())
    });
    progress.findings(&adopt::rivals(loaded, &State::of(loaded, world.disk)), &[]);
    of(loaded, (&targets, &seen), world)
}

/// The same, whose targets show this.
pub fn of(loaded: &Loaded, (targets, seen): (&[Target], &verify::Report), world: &World) -> Report {
    let state = State::of(loaded, world.disk);
    let mut ours = Vec::new();
    for name in state.all_managed() {
        if let Ok(Some(managed)) = state.managed(&name) {
            let file = identity(&managed.installed.certificate.path());
            ours.push(Ours { name, managed, file });
        }
    }
    let look = Looked {
        loaded,
        state: &state,
        targets,
        seen,
        homes: Homes::of_machine(),
        now: (world.now)(),
    };
    let (mut certificates, mut known) = look.used(&ours);
    // What was ordered and is used by nobody is told as well.
    for one in &ours {
        if known.insert(one.file.clone()) {
            let file = one.managed.installed.certificate.path();
            certificates.push(look.of(&file, Vec::new(), Some(one)));
        }
    }
    certificates.sort_by_key(|told| told.rest_seconds);
    let is_ours = |told: &Told| told.due.is_some();
    let schedule = match certificates.iter().any(is_ours) {
        true => schedule::seen(loaded, world.disk).ok(),
        false => None,
    };
    Report {
        certificates,
        schedule,
    }
}

/// A certificate that was ordered here.
struct Ours {
    name: String,
    managed: Managed,
    /// The [`identity`] of its file.
    file: PathBuf,
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
    /// Those that virtual hosts use, each once, and which files these are.
    fn used(&self, ours: &[Ours]) -> (Vec<Told>, HashSet<PathBuf>) {
        let configuration = &self.loaded.configuration;
        let mut files: Vec<(PathBuf, Vec<Place>)> = Vec::new();
        // There may be as many as there are virtual hosts.
        let mut known: HashMap<PathBuf, usize> = HashMap::new();
        for host in TlsHost::all(configuration) {
            let place = host
                .entry
                .map(|entry| self.loaded.place_of(configuration.entry(entry)));
            for pair in &host.pairs {
                let file = configuration.source().host_path(&pair.certificate);
                let at = *known.entry(identity(&file)).or_insert_with(|| {
                    files.push((file, Vec::new()));
                    files.len() - 1
                });
                files[at].1.extend(place.clone());
            }
        }
        let mut managed: HashMap<usize, &Ours> = HashMap::new();
        for one in ours {
            if let Some(at) = known.get(&one.file) {
                managed.entry(*at).or_insert(one);
            }
        }
        let all = files.into_iter().enumerate();
        let told = all.map(|(at, (file, places))| self.of(&file, places, managed.get(&at).copied()));
        (told.collect(), known.into_keys().collect())
    }

    fn of(&self, file: &Path, used_by: Vec<Place>, ours: Option<&Ours>) -> Told {
        let leaf = certificate_files::leaf(file);
        let life = leaf.as_ref().map(Life::of);
        let managed = ours.map(|one| &one.managed);
        let source = managed.and_then(|managed| managed.installed.source.as_ref());
        let names = leaf.as_ref().map(Certificate::names).unwrap_or_default();
        let name = self.loaded.show(file);
        let decision = managed.zip(leaf.as_ref()).map(|(managed, leaf)| {
            let look = Look {
                now: self.now,
                clock_ahead: None,
                interval: time::Duration::ZERO,
                is_asked: false,
            };
            managed.due(leaf, &look)
        });
        // When the next one comes is for others to say.
        let decision = decision.filter(|_| source.is_none());
        let last = managed.and_then(|managed| managed.history.attempts.last());
        Told {
            issuer: leaf.as_ref().map(|leaf| leaf.issuer.clone()),
            not_before: life.map(|life| life.not_before.into()),
            not_after: life.map(|life| life.not_after.into()),
            rest_seconds: life.map(|life| life.rest(self.now).whole_seconds()),
            urgency: life.map(|life| urgency(life, self.now)),
            sha256: leaf.as_ref().map(|leaf| colon_hex(&leaf.sha256())),
            served: self.served(&name, leaf.as_ref(), used_by.is_empty()),
            used_by,
            renewer: match ours {
                Some(one) => Renewer::ours(&self.state.managed_file(&one.name)),
                None => Renewer::mod_md(self.loaded, &names)
                    .unwrap_or_else(|| Renewer::of_file(file, &self.homes)),
            },
            source: source.map(|source| shown(&source.path.path()).into()),
            due: decision.map(|decision| decision.due.at.into()),
            rule: decision.map(|decision| decision.due.rule),
            next: decision.map(|decision| decision.next.into()),
            last: last.map(|last| Last {
                at: last.at.into(),
                outcome: last.outcome,
                why: last.why.clone(),
            }),
            failure_count: managed.map_or(0, |managed| managed.history.failures_in_a_row().len()),
            file: name.into(),
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
