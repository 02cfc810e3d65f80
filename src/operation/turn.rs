//! A run's turn to write. What it writes was read and planned while nobody else of us could write, and agreed to: what
//! was planned before is planned again.

use std::path::{Path, PathBuf};

use super::claim::{self, Settled};
use super::find::{self, Loaded};
use super::interrupted::stores;
use super::job::Job;
use super::progress::Taken;
use super::questions::confirm;
use super::{Failure, running};
use crate::apply::{ApplyError, Lock, Store, Undone};
use crate::check::Finding;
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;
use crate::shown::shown;

/// How often files may change under a run before it gives up.
const TRIES: usize = 3;

/// What is shown of a plan, to see whether it is the one that was agreed to.
#[derive(PartialEq)]
pub struct Proposal {
    /// The names that change, with the reasons.
    pub lines: Vec<String>,
    /// All files before and after.
    pub diff: String,
    /// What people should know beside.
    pub notes: Vec<String>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
}

/// What a run may do, and where it stands.
pub struct Turn<'a> {
    job: Job<'a>,
    /// Nobody is asked.
    yes: bool,
    /// Nothing is written, whatever is planned.
    is_preview: bool,
    /// The locks that are held, by the folders that they are in. Nobody is asked anything while there are any.
    locks: Vec<(PathBuf, Lock)>,
    /// What was undone of a killed run.
    pub settled: Settled,
    /// What would be undone first, in a preview.
    pub undone: Undone,
    /// What was shown, and agreed to.
    agreed: Option<Proposal>,
    /// A part of that is done already.
    is_under_way: bool,
    /// The server root, where no run had written when this one began to read.
    untouched: Option<PathBuf>,
}

impl<'a> Turn<'a> {
    /// Of a command that was told this.
    pub fn new(job: Job<'a>) -> Turn<'a> {
        let writing = job.writing;
        Turn {
            job,
            yes: writing.yes && !writing.dry_run,
            is_preview: writing.dry_run || !(writing.yes || job.voice.can_ask()),
            locks: Vec::new(),
            settled: Settled::default(),
            undone: Undone::default(),
            agreed: None,
            is_under_way: false,
            untouched: None,
        }
    }

    /// Attempts a command until it comes to an end; an attempt without one is made again, as is one that found files
    /// changed under it. Only what the last attempt said is shown.
    ///
    /// # Errors
    /// Those of the last attempt.
    pub fn attempt<T>(
        mut self,
        mut attempt: impl FnMut(&mut Turn<'a>) -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let mut tries = 1;
        loop {
            let is_early = self.yes && self.locks.is_empty();
            if is_early || self.agreed.is_some() || self.is_under_way {
                self.job.voice.hold();
            }
            let result = attempt(&mut self);
            if self.yes && tries < TRIES && self.was_overtaken() {
                // What it read may have been half of what another run wrote.
                self.job.voice.discard();
                tries += 1;
                continue;
            }
            match result {
                Ok(None) => self.job.voice.discard(),
                Err(failure) if tries < TRIES && is_stale(&failure) => {
                    self.job.voice.discard();
                    let words = format!("note: {}; planned again", stale(&failure));
                    self.job.voice.note(NoteCode::PlannedAgain, &words);
                    tries += 1;
                }
                Ok(Some(done)) => {
                    self.job.voice.release();
                    return Ok(done);
                }
                Err(failure) => {
                    self.job.voice.release();
                    return Err(failure);
                }
            }
        }
    }

    /// Reads the configuration, as soon as it is this run's turn; for a preview as it will be once what a killed run
    /// left is undone.
    ///
    /// # Errors
    /// When it is not this run's turn, or nothing can be read.
    pub fn read(&mut self) -> Result<Loaded, Failure> {
        let root = find::root(self.job.place)?;
        self.begin(&root)?;
        let mut loaded = Loaded::find(self.job.place)?;
        if loaded.installation.root != root {
            // Only the configuration says which server root its main file belongs to.
            self.begin(&loaded.installation.root)?;
            if !self.is_preview {
                loaded = loaded.again()?;
            }
        }
        loaded.once_undone(&self.undone)
    }

    /// Waits until nobody else writes, and undoes what a killed run left. Where no run has ever written, there is
    /// nobody to wait for and nothing is made.
    ///
    /// # Errors
    /// When somebody else is at work for longer than may be waited, or what is left cannot be undone.
    pub fn begin(&mut self, root: &Path) -> Result<(), Failure> {
        self.job.voice.server(&Taken::at(root));
        if self.job.writing.dry_run {
            let all = claim::own(stores(root, self.job.world.disk))?;
            let there = all.iter().filter(|store| store.folder.is_dir());
            self.job.claim().may_take(there, claim::is_finished)?;
        }
        if self.is_preview {
            self.undone = claim::undone(root, self.job.place, self.job.voice)?;
            return Ok(());
        }
        let all = claim::own(stores(root, self.job.world.disk))?;
        let is_open = !all.iter().all(claim::is_finished);
        let is_there = all.iter().any(|store| store.folder.is_dir());
        self.untouched = (!is_there).then(|| root.to_path_buf());
        if is_open || self.yes && self.locks.is_empty() {
            self.take(&all, None)?;
        }
        if !self.yes && self.agreed.is_none() {
            self.locks.clear();
        }
        Ok(())
    }

    /// Whether the server is to be restarted and is stopped on purpose: a killed run may have stopped it.
    pub fn finds_stopped(&self, loaded: &Loaded) -> bool {
        let (writing, world) = (self.job.writing, self.job.world);
        self.undone.names.is_empty()
            && !self.settled.server_told
            && running::is_stopped(loaded, writing, world)
    }

    /// Whether this run may go on to write there what it has planned: not where it was planned before it had its turn,
    /// which it has now. A dry run may, where it could have its turn.
    ///
    /// # Errors
    /// As [`Turn::begin`].
    pub fn is_mine(&mut self, store: &Store) -> Result<bool, Failure> {
        if self.job.writing.dry_run {
            let all = stores(&store.root, self.job.world.disk);
            let needed = all
                .iter()
                .filter(|one| one.folder.is_dir() || one.folder == store.folder);
            self.job.claim().may_take(needed, |_| false)?;
            return Ok(true);
        }
        if !self.yes || self.holds(store) {
            return Ok(true);
        }
        self.take(&stores(&store.root, self.job.world.disk), Some(store))?;
        Ok(false)
    }

    /// Whether this very proposal was agreed to. Where it was shown only now, it is to be planned again when the answer
    /// was yes: answering may have taken long.
    ///
    /// # Errors
    /// Refused when the answer is no; else as [`Turn::begin`].
    pub fn is_agreed(&mut self, question: &str, store: &Store, proposal: Proposal) -> Result<bool, Failure> {
        let is_rest = std::mem::take(&mut self.is_under_way);
        if self.yes {
            if is_rest {
                self.job.voice.discard();
            }
            return Ok(true);
        }
        if is_rest && self.holds(store) {
            self.agreed = Some(proposal);
            self.job.voice.discard();
            return Ok(true);
        }
        if self.agreed.as_ref() == Some(&proposal) && self.holds(store) {
            self.job.voice.discard();
            return Ok(true);
        }
        self.locks.clear();
        if self.agreed.is_some() {
            self.job.voice.first(
                "note: another program changed the files meanwhile, so nothing was written yet. These are the \
                 changes now:",
            );
        }
        self.job.voice.release();
        confirm(question, self.job.voice)?;
        self.agreed = Some(proposal);
        self.take(&stores(&store.root, self.job.world.disk), Some(store))?;
        Ok(false)
    }

    /// A part of what was agreed to is done, and the rest is planned anew from there.
    pub fn goes_on(&mut self) {
        self.is_under_way = true;
    }

    /// The lock of a place for backups, once it [is mine](Turn::is_mine) and [agreed](Turn::is_agreed).
    ///
    /// # Errors
    /// When it is not held, which is our mistake.
    pub fn lock(&self, store: &Store) -> Result<&Lock, Failure> {
        let held = self.locks.iter().find(|(folder, _)| *folder == store.folder);
        held.map(|(_, lock)| lock)
            .ok_or_else(|| Failure::error(anyhow::anyhow!("the lock is not held; nothing was written")))
    }

    /// Another run was the first to write here, while this one had nobody to wait for.
    fn was_overtaken(&self) -> bool {
        let all = self
            .untouched
            .as_ref()
            .map(|root| stores(root, self.job.world.disk));
        self.locks.is_empty() && all.into_iter().flatten().any(|store| store.folder.is_dir())
    }

    fn holds(&self, store: &Store) -> bool {
        self.lock(store).is_ok()
    }

    /// Takes the locks of all places for backups that are there, and of the one that is needed.
    fn take(&mut self, all: &[Store], needed: Option<&Store>) -> Result<(), Failure> {
        self.locks.clear();
        let is_needed = |store: &Store| needed.is_some_and(|needed| needed.folder == store.folder);
        let places = all
            .iter()
            .filter(|store| store.folder.is_dir() || is_needed(store));
        let may_be_left_out = |store: &Store| needed.is_none() && claim::is_finished(store);
        let (locks, settled) = self.job.claim().take(places, may_be_left_out)?;
        self.locks = locks;
        if !self.job.writing.restarts() {
            settled.warn(self.job.voice);
        }
        self.settled.and(settled);
        Ok(())
    }
}

/// Nothing was written, as files are not any more what they were when they were read.
fn is_stale(failure: &Failure) -> bool {
    failure.status == ExitStatus::ChangedMeanwhile
        && matches!(failure.error.downcast_ref(), Some(error) if ApplyError::is_stale(error))
}

fn stale(failure: &Failure) -> String {
    match failure.error.downcast_ref() {
        Some(ApplyError::Stale(paths)) => {
            let shown: Vec<String> = paths.iter().map(|path| shown(path)).collect();
            format!("changed by another program meanwhile: {}", shown.join(", "))
        }
        _ => "another run changed something meanwhile".into(),
    }
}
