//! Bytes back, as a change with a backup of its own. Reads no configuration.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::claim::{Claim, Settled};
use super::environment::{Where, World, Writing};
use super::failure::{Failure, ended, not_interrupted};
use super::find::{Loaded, root};
use super::interrupted::stores;
use super::job::Job;
use super::known::KnownFiles;
use super::progress::{Difference, Preview, Progress};
use super::questions::Voice;
use super::restart_and_prove::{Before, Effect};
use super::service_orders::Way;
use super::turn::{Proposal, Turn};
use super::write::say_shared;
use super::{diff, restart};
use crate::apply::{Backup, Record, Return, Since, Store, Transaction};
use crate::exit_status::ExitStatus;
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::shown;
use crate::wording::reason;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The backup; the newest where none is named.
    pub id: Option<String>,
    /// What was edited since is overwritten.
    pub force: bool,
    /// Later edits stay, where they do not touch the same lines.
    pub merge: bool,
}

/// Puts back what was there before a backup was made.
///
/// # Errors
/// Why it did not, and that all is as it was; or what is not.
pub fn run(
    request: &Request,
    writing: &Writing,
    place: &Where,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let root = root(place)?;
    let world = &world.or_command(["restore".to_owned()].into_iter().chain(request.id.clone()));
    let job = Job {
        place,
        writing,
        world,
        voice,
    };
    let restore = Run { request, job };
    Turn::new(job).attempt(|turn| restore.attempt(&root, turn))
}

struct Run<'a> {
    request: &'a Request,
    job: Job<'a>,
}

impl Run<'_> {
    /// Looks at the backup, shows, and writes when it is time to.
    fn attempt(&self, root: &Path, turn: &mut Turn) -> Result<Option<Report>, Failure> {
        let (writing, world, voice) = (self.job.writing, self.job.world, self.job.voice);
        turn.begin(root)?;
        let stores = stores(root, world.disk);
        let (store, backup) = choose(&stores, self.request.id.as_deref())?;
        let known = KnownFiles::new(self.job.place);
        let returns = backup.returns(self.request.merge, root, &|path| known.has(path), &turn.undone);
        let returns = returns.map_err(|(path, error)| Failure {
            status: ExitStatus::NotRestored,
            ..Failure::error(anyhow::anyhow!(
                "{} cannot be restored: {}; nothing was written. The copies are in {}",
                shown(&path),
                reason(&error),
                shown(&backup.folder)
            ))
        })?;
        let mut report = Report::new(&backup, &returns);
        if returns.is_empty() {
            report.result = "unchanged";
            voice.unchanged(&format!("everything is as it was before {}", backup.id));
            return Ok(Some(report));
        }
        voice.preview(&preview(&backup, &returns));
        for note in &report.notes {
            voice.talk(&format!("note: {note}"));
        }
        refuse_edited(self.request, &returns)?;
        say_shared(returns.iter().map(|back| &back.change), voice)?;
        if writing.dry_run {
            report.result = "would-change";
            return Ok(Some(report));
        }
        if !turn.is_mine(store)? || !turn.is_agreed("Put this back?", store, report.proposal())? {
            return Ok(None);
        }
        let transaction = Transaction {
            changes: returns.into_iter().map(|back| back.change).collect(),
            record: Record {
                command: world.command.clone(),
                reasons: vec![format!("restore what was there before {}", backup.id)],
                diff: report.diff.clone(),
            },
            ..Transaction::default()
        };
        // Only to restart it is the server's configuration looked at, and it may be what is broken.
        let loaded = writing.restarts().then(|| Loaded::find(self.job.place).ok());
        let loaded = loaded.flatten();
        let before = Before {
            old: loaded.as_ref(),
            job: self.job,
            server_told: turn.settled.server_told,
        };
        let restore = || {
            let before = before.look()?;
            not_interrupted()?;
            let pending = transaction.write(store, turn.lock(store)?, (world.now)())?;
            before.keep(pending, None, &[])
        };
        let (written, effect) = ended(restore())?;
        report.result = "restored";
        report.backup = Some(shown(&written.backup));
        report.server = Some(effect);
        Ok(Some(report))
    }
}

/// What became of what a killed run had left.
pub struct Recovered {
    /// Whether there was something.
    pub found: Settled,
    /// What became of the server, where it was told.
    pub server: Option<restart::Report>,
}

/// Undoes what a killed run left; the server, if that run had told it, comes back as well where that is asked for.
///
/// # Errors
/// When it cannot be undone, or the server does not come back.
pub fn recover(
    force: bool,
    writing: &Writing,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Recovered, Failure> {
    let root = root(place)?;
    let claim = Claim {
        place,
        world,
        voice: progress,
        patience: writing.lock_timeout,
    };
    let mut found = Settled::default();
    for store in &stores(&root, world.disk) {
        store.refuse_foreign()?;
        if store.unfinished().is_none() {
            // Whoever has the lock tidies up what a killed run left beside the backups.
            if store.folder.is_dir() {
                let _ = claim.lock(store, Duration::ZERO);
            }
            continue;
        }
        let lock = claim.lock(store, Duration::from_secs(claim.patience))?;
        found.and(claim.recover(store, &lock, force)?);
    }
    let mut server = None;
    if writing.start || found.server_told && writing.restart {
        server = Some(restart::now(
            &Loaded::find(place)?,
            Way::Graceful,
            world,
            progress,
        )?);
    }
    Ok(Recovered { found, server })
}

/// The backup of that name, or the newest.
fn choose<'a, 'b>(stores: &'a [Store<'b>], id: Option<&str>) -> Result<(&'a Store<'b>, Backup), Failure> {
    let mut all = Vec::new();
    for store in stores {
        let found = store.backups().map_err(|error| {
            Failure::error(anyhow::anyhow!(
                "cannot list {}: {}",
                store.folder.display(),
                reason(&error)
            ))
        })?;
        // What is not finished is undone first, and then there is none of it.
        let unfinished = store.unfinished();
        let found = found
            .into_iter()
            .filter(|backup| Some(&backup.id) != unfinished.as_ref());
        all.extend(found.map(|backup| (store, backup)));
    }
    let found = match id {
        None => all.pop(),
        Some(id) => all.into_iter().find(|(_, backup)| backup.id == id),
    };
    found.ok_or_else(|| {
        let wanted = id.map_or("no backup".into(), |id| format!("no backup {id:?}"));
        Failure::refused(Refusal::new(
            RefusalCode::BackupNotThere,
            format!("there is {wanted} here"),
            "; ",
            "run esync-ssl backups to list those that exist; if you mean another server, name its server root with \
             --root",
        ))
    })
}

/// Later edits are not overwritten unless told.
fn refuse_edited(request: &Request, returns: &[Return]) -> Result<(), Failure> {
    if request.force {
        return Ok(());
    }
    let list = |since: Since| {
        let these = returns.iter().filter(|back| back.since == since);
        let these = these.map(|back| Place::file(&back.path, shown(&back.path).as_bytes()).into());
        these.collect::<Vec<Text>>()
    };
    let (conflicts, merges) = (list(Since::Conflicts), list(Since::Merges));
    if !conflicts.is_empty() {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::EditedSameLines,
            say![
                "edited since, in the same places: ",
                Text::joined(conflicts, ", "),
                "; nothing was written. The lines above marked with - would be lost"
            ],
            ": ",
            "give --force to do that anyway",
        )));
    }
    if !merges.is_empty() && !request.merge {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::EditedSince,
            say![
                "edited since: ",
                Text::joined(merges, ", "),
                "; nothing was written"
            ],
            ". ",
            "--merge removes its own changes and keeps those edits, --force overwrites them",
        )));
    }
    Ok(())
}

#[derive(Serialize)]
/// What was done.
pub struct Report {
    /// `unchanged`, `would-change` or `restored`.
    pub result: &'static str,
    id: String,
    files: Vec<String>,
    edited_since: Vec<String>,
    notes: Vec<String>,
    diff: String,
    /// The folder that holds what was there.
    pub backup: Option<String>,
    /// What became of the server.
    pub server: Option<Effect>,
}

impl Report {
    fn new(backup: &Backup, returns: &[Return]) -> Report {
        let edited = returns.iter().filter(|back| back.since != Since::Untouched);
        let kept = backup.manifest.entries.iter().filter(|entry| entry.tls);
        let diffs = returns
            .iter()
            .map(|back| diff::unified(&shown(&back.path), &back.now, &back.then, false));
        Report {
            result: "",
            id: backup.id.clone(),
            files: returns.iter().map(|back| shown(&back.path)).collect(),
            edited_since: edited.map(|back| shown(&back.path)).collect(),
            notes: kept
                .map(|entry| {
                    format!(
                        "{} stays: certificates and keys are not removed",
                        shown(&entry.path.path())
                    )
                })
                .collect(),
            diff: diffs.collect(),
            backup: None,
            server: None,
        }
    }

    /// What is shown, to be agreed to.
    fn proposal(&self) -> Proposal {
        let files = [&self.files[..], &self.edited_since].concat();
        Proposal {
            lines: [&[self.id.clone()][..], &files].concat(),
            diff: self.diff.clone(),
            notes: self.notes.clone(),
            findings: Vec::new(),
        }
    }
}

fn preview<'a>(backup: &Backup, returns: &'a [Return]) -> Preview<'a> {
    let line = |back: &Return| {
        let word = match back.since {
            Since::Untouched => "",
            Since::Merges | Since::Conflicts => " (edited since)",
        };
        format!("{}{word}", shown(&back.path))
    };
    Preview {
        title: format!("Before {}:", backup.id),
        lines: returns.iter().map(line).collect(),
        files: returns.iter().map(difference).collect(),
    }
}

fn difference(back: &Return) -> Difference<'_> {
    Difference {
        name: shown(&back.path),
        before: &back.now,
        after: &back.then,
    }
}
