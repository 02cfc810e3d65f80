//! Bytes back, as a change with a backup of its own. Reads no configuration.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::claim::{Claim, Settled};
use super::environment::{Where, World, Writing};
use super::failure::{Failure, ended, not_interrupted};
use super::file_action::{Action, FileAction, FileDiff};
use super::find::Loaded;
use super::interrupted::{backups_of, stores};
use super::job::Job;
use super::known::KnownFiles;
use super::progress::{Difference, Preview, Progress};
use super::questions::Voice;
use super::restart_and_prove::Before;
use super::server_effect::Effect;
use super::service_orders::Way;
use super::turn::{Proposal, Turn};
use super::write::say_shared;
use super::{diff, next_steps, restart, taken};
use crate::apply::{Backup, Content, Record, Return, Since, Store, Transaction, Written};
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;
use crate::place::ShownPath;
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::shown;
use crate::wording::reason;

/// The refusals that can be overridden; the last one by [`recover`] only.
pub const FORCIBLE: [RefusalCode; 3] = [
    RefusalCode::EditedSince,
    RefusalCode::EditedSameLines,
    RefusalCode::LeftoversNotUndoable,
];

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The backup; the newest where none is named.
    pub id: Option<String>,
    /// Refusals that are overridden: those of [`FORCIBLE`], by which what was edited since is overwritten.
    pub forced: Vec<RefusalCode>,
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
    let root = taken::introduce(place, voice)?;
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
    /// Only to restart it is the server's configuration looked at, and it may be what is broken.
    fn to_restart(&self) -> Option<Loaded> {
        let restarts = self.job.writing.restarts();
        restarts.then(|| Loaded::find(self.job.place).ok()).flatten()
    }

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
            voice.note(NoteCode::Plan, &format!("note: {note}"));
        }
        refuse_edited(self.request, &returns)?;
        say_shared(returns.iter().map(|back| &back.change), voice)?;
        if !turn.is_mine(store)? {
            return Ok(None);
        }
        let is_stopped = self
            .to_restart()
            .is_some_and(|loaded| turn.finds_stopped(&loaded));
        report.summary = in_short(&report, is_stopped, self.job);
        if !writing.dry_run {
            voice.summary(&report.summary);
        }
        if !writing.dry_run && !turn.is_agreed("Put this back?", store, report.proposal())? {
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
        let loaded = self.to_restart();
        let before = Before {
            old: loaded.as_ref(),
            job: self.job,
            server_told: turn.settled.server_told,
        };
        if writing.dry_run {
            let is_as_it_will_be = turn.undone.names.is_empty();
            would_write(&transaction, store, before, is_as_it_will_be)?;
            return Ok(Some(report.would_change(voice)));
        }
        let restore = || {
            let before = before.look()?;
            not_interrupted()?;
            let pending = transaction.write(store, turn.lock(store)?, (world.now)())?;
            before.keep(pending, None, &[])
        };
        let (written, effect) = ended(restore())?;
        Ok(Some(report.was_restored(&written, effect, self.job.place)))
    }
}

/// Whether it could be done, in the order in which it would be. What is not yet as it will be says nothing of that.
fn would_write(
    transaction: &Transaction,
    store: &Store,
    before: Before,
    is_as_it_will_be: bool,
) -> Result<(), Failure> {
    let seen = before.look()?;
    if is_as_it_will_be {
        transaction.may_be_written(store)?;
    }
    seen.would_keep(&transaction.changes, None, &[])
}

/// What became of what a killed run had left.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RecoverReport"))]
pub struct Recovered {
    /// Whether there was something.
    #[serde(skip)]
    pub found: Settled,
    /// The killed run had told the server to restart, so that its state says nothing.
    server_told: bool,
    /// What became of the server; null where it was not told.
    pub server: Option<restart::Report>,
}

/// Undoes what a killed run left; the server, if that run had told it, comes back as well where that is asked for.
///
/// # Errors
/// When it cannot be undone, or the server does not come back.
pub fn recover(
    forced: &[RefusalCode],
    writing: &Writing,
    place: &Where,
    world: &World,
    progress: &dyn Progress,
) -> Result<Recovered, Failure> {
    let root = taken::introduce_undoing(place, progress)?;
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
            // Whoever has the lock tidies up what a killed run left beside the backups, and beside certificates.
            if store.folder.is_dir()
                && let Ok(lock) = claim.lock(store, Duration::ZERO)
            {
                claim.recover(store, &lock, false)?;
            }
            continue;
        }
        let lock = claim.lock(store, Duration::from_secs(claim.patience))?;
        let force =
            forced.contains(&RefusalCode::LeftoversNotUndoable) || forced.contains(&RefusalCode::EditedSince);
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
    Ok(Recovered {
        server_told: found.server_told,
        found,
        server,
    })
}

/// The backup of that name, or the newest.
fn choose<'a, 'b>(stores: &'a [Store<'b>], id: Option<&str>) -> Result<(&'a Store<'b>, Backup), Failure> {
    let mut all = Vec::new();
    for store in stores {
        let found = backups_of(store)?;
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
    let is_open = |code: RefusalCode| !request.forced.contains(&code);
    let list = |since: Since| {
        let these = returns.iter().filter(|back| back.since == since);
        let these = these.map(|back| Place::file(&back.path, shown(&back.path).as_bytes()).into());
        these.collect::<Vec<Text>>()
    };
    let (conflicts, merges) = (list(Since::Conflicts), list(Since::Merges));
    // All that it takes, where files are of both kinds.
    let also = match merges.is_empty() || request.merge || !is_open(RefusalCode::EditedSince) {
        true => String::new(),
        false => format!(" --force {}", RefusalCode::EditedSince),
    };
    if !conflicts.is_empty() && is_open(RefusalCode::EditedSameLines) {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::EditedSameLines,
            say![
                "edited since, in the same places: ",
                Text::joined(conflicts, ", "),
                "; nothing was written. The lines marked with - would be lost"
            ],
            ": ",
            format!(
                "give --force {}{also} to do that anyway",
                RefusalCode::EditedSameLines
            ),
        )));
    }
    if !merges.is_empty() && !request.merge && is_open(RefusalCode::EditedSince) {
        return Err(Failure::refused(Refusal::new(
            RefusalCode::EditedSince,
            say![
                "edited since: ",
                Text::joined(merges, ", "),
                "; nothing was written"
            ],
            ". ",
            format!(
                "--merge removes its own changes and keeps those edits, --force {} overwrites them",
                RefusalCode::EditedSince
            ),
        )));
    }
    Ok(())
}

/// What programs are told of `restore`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RestoreAnswer"))]
#[serde(untagged)]
pub enum Told<'a> {
    /// A backup was put back.
    Restored(&'a Report),
    /// With `--recover`.
    Recovered(&'a Recovered),
}

/// A backup that was or would be put back.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RestoreReport"))]
pub struct Report {
    /// `unchanged`, `would-change` or `restored`.
    #[serde(skip)]
    pub result: &'static str,
    /// The backup, as `backups` lists it.
    id: String,
    /// Files that get other bytes, or come or go.
    files: Vec<FileAction>,
    /// Those of the files that somebody changed since.
    edited_since: Vec<ShownPath>,
    /// What people should know beside.
    #[serde(skip)]
    notes: Vec<String>,
    /// All files before and after, as one unified diff.
    diff: String,
    /// The same, file by file.
    diffs: Vec<FileDiff>,
    /// What it comes to, in a few lines for people.
    pub summary: Vec<String>,
    /// The folder that holds what was there; null where nothing was replaced.
    pub backup: Option<ShownPath>,
    /// What became of the server; null where nothing was written.
    pub server: Option<Effect>,
    /// The command that brings back what was there before the restore.
    pub undo: Option<String>,
    /// The command that comes next, once the server was restarted.
    pub next: Option<String>,
}

impl Report {
    fn new(backup: &Backup, returns: &[Return]) -> Report {
        let edited = returns.iter().filter(|back| back.since != Since::Untouched);
        let kept = backup.manifest.entries.iter().filter(|entry| entry.tls);
        let diffs: Vec<FileDiff> = returns
            .iter()
            .map(|back| FileDiff {
                file: shown(&back.path).into(),
                diff: diff::unified(&shown(&back.path), &back.now, &back.then, false),
            })
            .collect();
        Report {
            result: "",
            id: backup.id.clone(),
            files: returns.iter().map(action).collect(),
            edited_since: edited.map(|back| shown(&back.path).into()).collect(),
            notes: kept
                .map(|entry| {
                    format!(
                        "{} stays: certificates and keys are not removed",
                        shown(&entry.path.path())
                    )
                })
                .collect(),
            diff: diffs.iter().map(|file| file.diff.as_str()).collect(),
            diffs,
            summary: Vec::new(),
            backup: None,
            server: None,
            undo: None,
            next: None,
        }
    }

    /// The end of a dry run.
    fn would_change(self, voice: &dyn Voice) -> Report {
        voice.summary(&self.summary);
        Report {
            result: "would-change",
            ..self
        }
    }

    /// The end of a run that wrote.
    fn was_restored(self, written: &Written, effect: Effect, place: &Where) -> Report {
        Report {
            result: "restored",
            backup: written.backup.as_deref().map(|backup| shown(backup).into()),
            undo: written
                .backup
                .as_deref()
                .and_then(|backup| next_steps::undo(backup, effect.is_change(), place)),
            next: Some(next_steps::command(&["status"], place)),
            server: Some(effect),
            ..self
        }
    }

    /// What is shown, to be agreed to.
    fn proposal(&self) -> Proposal {
        let files = self.files.iter().map(|file| &file.path);
        let files = files.chain(&self.edited_since).map(ToString::to_string);
        Proposal {
            lines: std::iter::once(self.id.clone()).chain(files).collect(),
            diff: self.diff.clone(),
            notes: self.notes.clone(),
            findings: Vec::new(),
        }
    }
}

fn action(back: &Return) -> FileAction {
    let action = match (&back.change.before, &back.change.after) {
        (Content::Absent, _) => Action::Create,
        (_, Content::Absent) => Action::Remove,
        _ => Action::Modify,
    };
    FileAction {
        action,
        ..FileAction::modify(shown(&back.path))
    }
}

/// What it comes to.
fn in_short(report: &Report, is_stopped: bool, job: Job) -> Vec<String> {
    let count = report.files.len();
    let files = match count {
        1 => format!(
            "1 file goes back to what it was before {} ({})",
            report.id, report.files[0].path
        ),
        _ => format!("{count} files go back to what they were before {}", report.id),
    };
    vec![files, next_steps::when(job.writing, is_stopped)]
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
