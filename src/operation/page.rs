//! What a page holds that is handed on: the ways of clients, certificates with their ends, what is wrong, what was changed
//! lately, and what to type into devices. Nothing in it steers a terminal or says what must not leave the machine: see
//! [`Page::clean`].

use std::collections::HashSet;
use std::path::PathBuf;

use time::OffsetDateTime;

use super::devices::Settings;
use super::doctor::{self, Cause};
use super::environment::{Where, World};
use super::find::Loaded;
use super::interrupted::{finished_of, stores};
use super::picture::Way;
use super::progress::Progress;
use super::schedule::IsOn;
use super::{Failure, certificates, check, devices, status};
use crate::apply::Backup;
use crate::check::secret::Secrets;
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
    /// What is wrong, each cause once as `doctor` tells it, the worst first.
    pub causes: Vec<Cause>,
    /// How many more findings are left out.
    pub more_finding_count: usize,
    /// Why the files were not judged; nothing where they were.
    pub not_judged: Option<String>,
    /// What was changed, the newest first.
    pub changes: Vec<Changed>,
    /// How many changes there are that can be undone.
    pub change_count: usize,
    /// Why it is not known what was changed; nothing where it is.
    pub changes_unknown: Option<String>,
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
    let (check, not_judged) = match check::of_loaded(&loaded, None, None, &[]) {
        Ok(report) => (Some(report), None),
        Err(failure) => (None, Some(format!("{:#}", failure.error))),
    };
    let certificates = certificates::of_loaded(&loaded, world, progress);
    let (causes, more_finding_count) = doctor::of_files(&loaded, check.as_ref(), &certificates);
    let (backups, changes_unknown) = backups(&loaded, world);
    let (changes, change_count) = (changes(&loaded, &backups), backups.len());
    Ok(Page {
        now: (world.now)(),
        certificates,
        causes,
        more_finding_count,
        not_judged,
        devices: settings(status.ways.as_deref().unwrap_or_default()),
        system: system::describe(),
        secrets: Secrets::with_diffs(
            &loaded.configuration,
            changes.iter().filter_map(|change| change.diff.as_deref()),
        ),
        changes,
        change_count,
        changes_unknown,
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

/// What can be undone; and why not all of it is known, which is no reason to show nothing.
fn backups(loaded: &Loaded, world: &World) -> (Vec<Backup>, Option<String>) {
    let (mut backups, mut unknown) = (Vec::new(), None);
    for store in &stores(&loaded.installation.root, world.disk) {
        match finished_of(store) {
            Ok(finished) => backups.extend(finished),
            Err(failure) => unknown = Some(format!("{:#}", failure.error)),
        }
    }
    (backups, unknown)
}

/// The newest changes that can be undone.
fn changes(loaded: &Loaded, backups: &[Backup]) -> Vec<Changed> {
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
    told.collect()
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
