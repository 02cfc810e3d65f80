//! What a page holds that is handed on: the ways of clients, certificates with their ends, what is wrong, what was changed
//! lately, and what to type into devices. Nothing in it steers a terminal or says what must not leave the machine: see
//! [`Page::clean`].

use std::collections::HashSet;
use std::path::PathBuf;

use time::OffsetDateTime;

use super::devices::Settings;
use super::environment::{Where, World};
use super::find::Loaded;
use super::interrupted::{finished_of, stores};
use super::picture::Way;
use super::progress::Progress;
use super::schedule::IsOn;
use super::{Failure, certificates, check, devices, lint, status};
use crate::apply::Backup;
use crate::check::secret::Secrets;
use crate::finding::{Code, Finding};
use crate::httpd::is_nobodys;
use crate::place::Moment;
use crate::server::system;

/// So many of the last changes are on a page.
const CHANGES: usize = 10;
/// So many names are shown with what devices are told.
const DEVICES: usize = 20;

/// What a page holds, before it is markup.
pub struct Page {
    /// When it was made.
    pub now: OffsetDateTime,
    /// What is served.
    pub status: status::Status,
    /// Certificates with their lives, the one that ends first first.
    pub certificates: certificates::Report,
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// Why nothing was judged; nothing where it was.
    pub not_judged: Option<String>,
    /// What was changed, the newest first.
    pub changes: Vec<Changed>,
    /// How many changes there are that can be undone.
    pub change_count: usize,
    /// What devices are told, name by name.
    pub(crate) devices: Vec<Settings>,
    /// Name and version of the system.
    pub system: String,
    secrets: Secrets,
}

/// What one run changed.
pub struct Changed {
    /// What `restore` calls it.
    pub id: String,
    /// When; nothing where its record does not tell.
    pub time: Option<Moment>,
    /// The command line.
    pub command: String,
    /// Why, change by change.
    pub reasons: Vec<String>,
    /// The files.
    pub files: Vec<String>,
    /// What changed in them; nothing where that is not kept.
    pub diff: Option<String>,
}

/// Gathers what a page holds.
///
/// # Errors
/// When there is no configuration.
pub fn gather(place: &Where, world: &World, progress: &dyn Progress) -> Result<Page, Failure> {
    let loaded = Loaded::find(place)?;
    loaded.introduce(progress);
    loaded.refuse_no_configuration()?;
    let status = status::Status::of(&loaded);
    let (findings, not_judged) = findings(&loaded);
    let (changes, change_count) = changes(&loaded, world);
    Ok(Page {
        now: (world.now)(),
        certificates: certificates::of_loaded(&loaded, world, progress),
        findings,
        not_judged,
        devices: settings(status.ways.as_deref().unwrap_or_default()),
        system: system::describe(),
        secrets: Secrets::with_diffs(
            &loaded.configuration,
            changes.iter().filter_map(|change| change.diff.as_deref()),
        ),
        changes,
        change_count,
        status,
    })
}

impl Page {
    /// A text without what must not leave the machine.
    pub fn clean(&self, text: &str) -> String {
        self.secrets.remove(text)
    }

    /// Is somebody sure to renew what this program ordered? Nothing where it ordered nothing, or that is not known.
    pub fn is_scheduled(&self) -> Option<bool> {
        let schedule = self.certificates.schedule.as_ref()?;
        Some(schedule.state == IsOn::On)
    }
}

/// What the rules say of files and machine, and each problem of the text.
fn findings(loaded: &Loaded) -> (Vec<Finding>, Option<String>) {
    let problems = lint::findings(loaded, lint::problems(loaded));
    let (mut findings, not_judged) = match check::of_loaded(loaded, None, None, &[]) {
        Ok(report) => (report.findings().cloned().collect(), None),
        Err(failure) => (Vec::new(), Some(format!("{:#}", failure.error))),
    };
    // Of the text they give the sum only, and here is each.
    if !problems.is_empty() {
        findings.retain(|finding: &Finding| finding.code != Code::ConfigProblem);
    }
    let place_of = |finding: &Finding| (finding.place.as_ref().map(ToString::to_string), finding.code);
    let known: HashSet<_> = findings.iter().map(place_of).collect();
    findings.extend(problems.into_iter().filter(|one| !known.contains(&place_of(one))));
    Finding::worst_first(&mut findings);
    (findings, not_judged)
}

/// The newest that can be undone, and how many there are. A record that cannot be read is no reason to show nothing.
fn changes(loaded: &Loaded, world: &World) -> (Vec<Changed>, usize) {
    let stores = stores(&loaded.installation.root, world.disk);
    let each = stores
        .iter()
        .flat_map(|store| finished_of(store).unwrap_or_default());
    let backups: Vec<Backup> = each.collect();
    let told = backups.iter().rev().take(CHANGES).map(|backup| {
        let manifest = &backup.manifest;
        let file = |path: PathBuf| loaded.show(&path);
        Changed {
            id: backup.id.clone(),
            time: Moment::parse(&manifest.time),
            command: manifest.command.get(1..).unwrap_or_default().join(" "),
            reasons: manifest.reasons.clone(),
            files: manifest
                .entries
                .iter()
                .map(|entry| file(entry.path.path()))
                .collect(),
            diff: backup.diff(),
        }
    });
    (told.collect(), backups.len())
}

/// What devices are told of each name that is served over TLS.
fn settings(ways: &[Way]) -> Vec<Settings> {
    let mut seen = HashSet::new();
    let tls = ways.iter().filter(|way| way.tls);
    let names = tls.filter_map(|way| {
        let name = way.names.iter().find(|name| is_asked_for(name))?;
        seen.insert((name, way.port)).then_some((name, way.port))
    });
    names
        .take(DEVICES)
        .map(|(name, port)| devices::Settings::of(name, port, None))
        .collect()
}

/// May a device ask for it?
fn is_asked_for(name: &str) -> bool {
    !name.contains(['*', '?']) && !is_nobodys(name)
}
