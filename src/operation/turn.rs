//! A run's turn to write. What it writes was read and planned while nobody else of us could write, and agreed to: what
//! was planned before is planned again.

use std::path::{Path, PathBuf};
use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use super::Failure;
use super::environment::World;
use super::environment::{Where, Writing};
use super::find::{self, Loaded};
use super::interrupted::{remedy, stores};
use super::known::KnownFiles;
use super::progress::Progress;
use super::questions::{Voice, confirm};
use crate::apply::{ApplyError, Holder, Lock, LockError, RealDisk, Store, Undone};
use crate::check::Finding;
use crate::exit_status::ExitStatus;
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::{printable, shown};

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
    /// Where the configuration is, by the command line.
    pub place: &'a Where,
    writing: &'a Writing,
    world: &'a World<'a>,
    voice: &'a dyn Voice,
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
    /// The server root, where no run had written when this one began to read.
    untouched: Option<PathBuf>,
}

impl<'a> Turn<'a> {
    /// Of a command that was told this.
    pub fn new(place: &'a Where, writing: &'a Writing, world: &'a World, voice: &'a dyn Voice) -> Turn<'a> {
        Turn {
            place,
            writing,
            world,
            voice,
            yes: writing.yes && !writing.dry_run,
            is_preview: writing.dry_run || !(writing.yes || voice.can_ask()),
            locks: Vec::new(),
            settled: Settled::default(),
            undone: Undone::default(),
            agreed: None,
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
            if is_early || self.agreed.is_some() {
                self.voice.hold();
            }
            let result = attempt(&mut self);
            if self.yes && tries < TRIES && self.was_overtaken() {
                // What it read may have been half of what another run wrote.
                self.voice.discard();
                tries += 1;
                continue;
            }
            match result {
                Ok(None) => self.voice.discard(),
                Err(failure) if tries < TRIES && is_stale(&failure) => {
                    self.voice.discard();
                    self.voice
                        .talk(&format!("note: {}; planned again", stale(&failure)));
                    tries += 1;
                }
                Ok(Some(done)) => {
                    self.voice.release();
                    return Ok(done);
                }
                Err(failure) => {
                    self.voice.release();
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
        let root = find::root(self.place)?;
        self.begin(&root)?;
        let mut loaded = Loaded::find(self.place)?;
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
        if self.is_preview {
            self.undone = undone(root, self.place, self.voice)?;
            return Ok(());
        }
        let all = stores(root, self.world.disk);
        for store in &all {
            store.refuse_foreign()?;
        }
        let is_open = all.iter().any(|store| store.unfinished().is_some());
        let is_there = all.iter().any(|store| store.folder.is_dir());
        self.untouched = (!is_there).then(|| root.to_path_buf());
        if is_open || self.yes && self.locks.is_empty() {
            match self.take(&all, None) {
                // Who finds nothing to do needs no right to write.
                Err(failure) if !is_open && failure.status == ExitStatus::NotPermitted => {}
                result => result?,
            }
        }
        if !self.yes && self.agreed.is_none() {
            self.locks.clear();
        }
        Ok(())
    }

    /// Whether this run may go on to write there what it has planned: not where it was planned before it had its turn,
    /// which it has now.
    ///
    /// # Errors
    /// As [`Turn::begin`].
    pub fn is_mine(&mut self, store: &Store) -> Result<bool, Failure> {
        if !self.yes || self.holds(store) {
            return Ok(true);
        }
        self.take(&stores(&store.root, self.world.disk), Some(store))?;
        Ok(false)
    }

    /// Whether this very proposal was agreed to. Where it was shown only now, it is to be planned again when the answer
    /// was yes: answering may have taken long.
    ///
    /// # Errors
    /// Refused when the answer is no; else as [`Turn::begin`].
    pub fn is_agreed(&mut self, question: &str, store: &Store, proposal: Proposal) -> Result<bool, Failure> {
        if self.yes {
            return Ok(true);
        }
        if self.agreed.as_ref() == Some(&proposal) && self.holds(store) {
            self.voice.discard();
            return Ok(true);
        }
        self.locks.clear();
        if self.agreed.is_some() {
            self.voice.first(
                "note: somebody changed the files meanwhile, so nothing was written yet. This is to be done now:",
            );
        }
        self.voice.release();
        confirm(question, false, self.voice)?;
        self.agreed = Some(proposal);
        self.take(&stores(&store.root, self.world.disk), Some(store))?;
        Ok(false)
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
        let all = self.untouched.as_ref().map(|root| stores(root, self.world.disk));
        self.locks.is_empty() && all.into_iter().flatten().any(|store| store.folder.is_dir())
    }

    fn holds(&self, store: &Store) -> bool {
        self.lock(store).is_ok()
    }

    /// Takes the locks of all places for backups that are there, and of the one that is needed: always in the same
    /// order, so that no two runs wait for each other.
    fn take(&mut self, all: &[Store], needed: Option<&Store>) -> Result<(), Failure> {
        self.locks.clear();
        let mut settled = Settled::default();
        for store in all {
            if store.folder.is_dir() || needed.is_some_and(|needed| needed.folder == store.folder) {
                let lock = self.wait(store)?;
                // What was planned before is planned again.
                self.voice.discard();
                settled.and(recover(store, &lock, false, self.place, self.voice)?);
                self.locks.push((store.folder.clone(), lock));
            }
        }
        if !self.writing.restarts() {
            settled.warn(self.voice);
        }
        self.settled.and(settled);
        Ok(())
    }

    fn wait(&self, store: &Store) -> Result<Lock, Failure> {
        wait(store, self.writing.lock_timeout, self.world, self.voice)
    }
}

/// Waits so many seconds at most for whoever holds the lock of a server root, and takes it.
fn wait(store: &Store, seconds: u64, world: &World, voice: &dyn Progress) -> Result<Lock, Failure> {
    match lock(store, Duration::ZERO, world) {
        Err(LockError::Held(holder)) if seconds > 0 => {
            let who = holder.map(|holder| format!(": process {}: {}", holder.pid, holder.command));
            voice.discard();
            voice.talk(&format!(
                "Waiting for another run of esync-ssl{}",
                who.unwrap_or_default()
            ));
            Ok(lock(store, Duration::from_secs(seconds), world)?)
        }
        result => Ok(result?),
    }
}

/// The locks of all places for backups that are there, for a command that writes no file of the configuration and must not
/// meet one half written: what a killed run left is undone.
///
/// # Errors
/// When somebody else is at work for longer than may be waited, or what is left cannot be undone.
pub fn alone(
    root: &Path,
    seconds: u64,
    place: &Where,
    world: &World,
    voice: &dyn Progress,
) -> Result<Vec<Lock>, Failure> {
    let mut locks = Vec::new();
    for store in stores(root, world.disk) {
        store.refuse_foreign()?;
        if !store.folder.is_dir() {
            continue;
        }
        match wait(&store, seconds, world, voice) {
            // Whoever may control the server need not be allowed to write.
            Err(failure) if failure.status == ExitStatus::NotPermitted && store.unfinished().is_none() => {}
            lock => {
                let lock = lock?;
                recover(&store, &lock, false, place, voice)?;
                locks.push(lock);
            }
        }
    }
    Ok(locks)
}

/// Takes the lock of a server root.
pub fn lock(store: &Store, patience: Duration, world: &World) -> Result<Lock, LockError> {
    let since = (world.now)().format(&Rfc3339).unwrap_or_default();
    let me = Holder::this(since, printable(world.command.join(" ").as_bytes()));
    store.lock(patience, &me)
}

/// What a killed run had left.
#[derive(Clone, Copy, Default)]
pub struct Settled {
    /// There was something, and it is undone.
    pub any: bool,
    /// That run had told the server, which may be stopped since.
    pub server_told: bool,
}

impl Settled {
    /// Both together.
    pub fn and(&mut self, other: Settled) {
        self.any |= other.any;
        self.server_told |= other.server_told;
    }

    /// Says that the server is not what the files say.
    pub fn warn(self, voice: &dyn Progress) {
        if self.server_told {
            voice.talk(
                "warning: that run had told Apache to restart, so it may serve what was undone, or be stopped; \
                 esync-ssl restart brings it to what is configured",
            );
        }
    }
}

/// What will be undone before anything is written, for a preview; says so first.
///
/// # Errors
/// Refused when it cannot be undone as it is.
pub fn undone(root: &Path, place: &Where, voice: &dyn Progress) -> Result<Undone, Failure> {
    let mut all = Undone::default();
    let known = KnownFiles::new(place);
    for store in stores(root, &RealDisk) {
        let Some(run) = store.interrupted() else {
            continue;
        };
        voice.interrupted(&run, &remedy(root));
        if run.at_work.is_some() {
            continue;
        }
        let undone = store.undone(&run.id, &|path| known.has(path)).map_err(|problems| {
            let told = problems.into_iter();
            let told = told.map(|(path, why)| say![Place::path(path), ": ", why]);
            Failure::refused(Refusal::new(
                RefusalCode::LeftoversNotUndoable,
                say![
                    "what an interrupted run left cannot be undone as it is, so there is nothing to preview (",
                    Text::joined(told, "; "),
                    ")"
                ],
                ". ",
                format!("Look at these files, then: {} --force", remedy(root)),
            ))
        })?;
        voice.talk("note: what follows is as it will be once that is undone");
        all.id = undone.id;
        all.names.extend(undone.names);
    }
    Ok(all)
}

/// Undoes what a killed run left, for a command that writes without a transaction of its own. What another run is at work
/// on is its own business.
///
/// # Errors
/// When it cannot be undone.
pub fn settle(root: &Path, place: &Where, world: &World, voice: &dyn Progress) -> Result<Settled, Failure> {
    let mut settled = Settled::default();
    for store in &stores(root, world.disk) {
        if store.interrupted().is_some_and(|run| run.at_work.is_none()) {
            store.refuse_foreign()?;
            let lock = lock(store, Duration::ZERO, world)?;
            settled.and(recover(store, &lock, false, place, voice)?);
        }
    }
    settled.warn(voice);
    Ok(settled)
}

/// Undoes what a killed run left in one store.
pub fn recover(
    store: &Store,
    lock: &Lock,
    force: bool,
    place: &Where,
    voice: &dyn Progress,
) -> Result<Settled, Failure> {
    let known = KnownFiles::new(place);
    let Some(recovered) = store.recover(lock, force, &|path| known.has(path))? else {
        return Ok(Settled::default());
    };
    voice.talk(&format!(
        "An earlier run ({}) was interrupted; what it had changed is as before again{}",
        recovered.id,
        recovered
            .restored
            .iter()
            .map(|path| format!("\n  {}", printable(path.display().to_string().as_bytes())))
            .collect::<String>()
    ));
    Ok(Settled {
        any: true,
        server_told: recovered.server_told,
    })
}

/// Nothing was written, as files are not any more what they were when they were read.
fn is_stale(failure: &Failure) -> bool {
    matches!(failure.error.downcast_ref(), Some(error) if ApplyError::is_stale(error))
}

fn stale(failure: &Failure) -> String {
    match failure.error.downcast_ref() {
        Some(ApplyError::Stale(paths)) => {
            let shown: Vec<String> = paths.iter().map(|path| shown(path)).collect();
            format!("changed by somebody else meanwhile: {}", shown.join(", "))
        }
        _ => "somebody else was at work meanwhile".into(),
    }
}
