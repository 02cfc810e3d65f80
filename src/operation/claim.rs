//! Places for backups that a run has for itself: nobody else of us writes there, and what a killed run left is undone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use time::format_description::well_known::Rfc3339;

use super::Failure;
use super::environment::{Where, World};
use super::interrupted::{remedy, stores};
use super::known::KnownFiles;
use super::progress::{Progress, Taken, during};
use super::stopped;
use crate::apply::{Holder, Lock, LockError, RealDisk, Store, Undone};
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::shown::printable;

/// What a run waits with until nobody else is at work.
pub struct Claim<'a> {
    /// Where the configuration is, by the command line.
    pub place: &'a Where,
    /// What writes.
    pub world: &'a World<'a>,
    /// Whom it is told.
    pub voice: &'a dyn Progress,
    /// Seconds to wait at most.
    pub patience: u64,
}

/// The locks that are held, by the folders that they are in, and what was undone there.
pub type HeldLocks = (Vec<(PathBuf, Lock)>, Settled);

impl Claim<'_> {
    /// All places for backups that are there, for a command that writes no file of the configuration and must not meet
    /// one half written.
    ///
    /// # Errors
    /// When somebody else is at work for longer than may be waited, or what is left cannot be undone.
    pub fn alone(&self, root: &Path) -> Result<Vec<(PathBuf, Lock)>, Failure> {
        self.voice.server(&Taken::at(root));
        let all = own(stores(root, self.world.disk))?;
        let (locks, _) = self.take(all.iter().filter(|store| store.folder.is_dir()), is_finished)?;
        Ok(locks)
    }

    /// Undoes what a killed run left, for a command that writes without a transaction of its own. What another run is at
    /// work on is its own business.
    ///
    /// # Errors
    /// When it cannot be undone.
    pub fn settle(&self, root: &Path) -> Result<Settled, Failure> {
        self.voice.server(&Taken::at(root));
        let (_, settled) = self.take(&self.left_half_done(root)?, |_| false)?;
        settled.warn(self.voice);
        Ok(settled)
    }

    /// Whether [`Claim::settle`] could write where it would.
    ///
    /// # Errors
    /// As it.
    pub fn may_settle(&self, root: &Path) -> Result<(), Failure> {
        self.may_take(&self.left_half_done(root)?, |_| false)
    }

    /// The places in which a run that is no longer at work left its changes half done.
    fn left_half_done(&self, root: &Path) -> Result<Vec<Store<'_>>, Failure> {
        let mut all = stores(root, self.world.disk);
        let is_left = |store: &Store| store.interrupted().is_some_and(|run| run.at_work.is_none());
        all.retain(|store| is_left(store) || store.was_left_stopped());
        own(all)
    }

    /// Takes the locks of these places, always in the same order, so that no two runs wait for each other. Those that
    /// this account may not write are left out where that does not matter.
    ///
    /// # Errors
    /// As [`Claim::alone`].
    pub fn take<'s>(
        &self,
        places: impl IntoIterator<Item = &'s Store<'s>>,
        may_be_left_out: impl Fn(&Store) -> bool,
    ) -> Result<HeldLocks, Failure> {
        let (mut locks, mut settled) = HeldLocks::default();
        for store in places {
            let lock = match self.wait(store) {
                Err(failure) if failure.status == ExitStatus::NotPermitted && may_be_left_out(store) => {
                    continue;
                }
                lock => lock?,
            };
            // What was planned before is planned again.
            self.voice.discard();
            settled.and(self.recover(store, &lock, false)?);
            stopped::settle(store, self.place, self.world, self.voice);
            locks.push((store.folder.clone(), lock));
        }
        Ok((locks, settled))
    }

    /// Whether [`Claim::take`] could have them; whoever is at work is waited for as it does.
    ///
    /// # Errors
    /// As [`Claim::take`].
    pub fn may_take<'s>(
        &self,
        places: impl IntoIterator<Item = &'s Store<'s>>,
        may_be_left_out: impl Fn(&Store) -> bool,
    ) -> Result<(), Failure> {
        for store in places {
            let mut answer = store.may_be_locked(Duration::ZERO);
            if let (Err(LockError::Held(holder)), true) = (&answer, self.patience > 0) {
                self.tell_waiting(holder.as_ref());
                let look = || store.may_be_locked(Duration::from_secs(self.patience));
                answer = during(self.voice, WAITING, look);
            }
            match answer.map_err(Failure::from) {
                Err(failure) if failure.status == ExitStatus::NotPermitted && may_be_left_out(store) => {}
                answer => answer?,
            }
        }
        Ok(())
    }

    fn tell_waiting(&self, holder: Option<&Holder>) {
        let who = holder.map(|holder| format!(": process {}: {}", holder.pid, holder.command));
        self.voice.talk(&format!(
            "Waiting for another run of esync-ssl{} to end",
            who.unwrap_or_default()
        ));
    }

    /// Waits for whoever holds the lock of a place for backups, and takes it.
    ///
    /// # Errors
    /// When it is held for longer than may be waited, or cannot be taken.
    pub fn wait(&self, store: &Store) -> Result<Lock, Failure> {
        match self.lock(store, Duration::ZERO) {
            Err(LockError::Held(holder)) if self.patience > 0 => {
                self.voice.discard();
                self.tell_waiting(holder.as_ref());
                let lock = || self.lock(store, Duration::from_secs(self.patience));
                Ok(during(self.voice, WAITING, lock)?)
            }
            result => Ok(result?),
        }
    }

    /// Takes the lock of a place for backups, without a word.
    ///
    /// # Errors
    /// See [`LockError`].
    pub fn lock(&self, store: &Store, patience: Duration) -> Result<Lock, LockError> {
        let since = (self.world.now)().format(&Rfc3339).unwrap_or_default();
        let command = self.world.command.join(" ");
        store.lock(patience, &Holder::this(since, printable(command.as_bytes())))
    }

    /// Undoes what a killed run left in one place.
    ///
    /// # Errors
    /// When it cannot be undone.
    pub fn recover(&self, store: &Store, lock: &Lock, force: bool) -> Result<Settled, Failure> {
        let known = KnownFiles::new(self.place);
        let Some(recovered) = store.recover(lock, force, &|path| known.has(path))? else {
            return Ok(Settled::default());
        };
        let words = format!(
            "An earlier run ({}) was interrupted; its changes were undone{}",
            recovered.id,
            recovered
                .restored
                .iter()
                .map(|path| format!("\n  {}", printable(path.display().to_string().as_bytes())))
                .collect::<String>()
        );
        self.voice.note(NoteCode::RunUndone, &words);
        Ok(Settled {
            any: true,
            server_told: recovered.server_told,
        })
    }
}

/// What is done meanwhile.
const WAITING: &str = "Waiting for another run of esync-ssl";

/// Refuses places that somebody else may write.
pub fn own(all: Vec<Store<'_>>) -> Result<Vec<Store<'_>>, Failure> {
    for store in &all {
        store.refuse_foreign()?;
    }
    Ok(all)
}

/// Nothing has to be undone there: whoever may control the server, or finds nothing to do, needs no right to write.
pub fn is_finished(store: &Store) -> bool {
    store.unfinished().is_none() && !store.has_stopped()
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
            voice.note(
                NoteCode::ServerMayDiffer,
                "warning: that run had already restarted Apache, so it may still serve what was undone, or be \
                 stopped; run esync-ssl restart",
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
                    "the changes that an interrupted run left cannot be undone, so there is nothing to preview (",
                    Text::joined(told, "; "),
                    ")"
                ],
                ". ",
                format!("Check these files, then run: {} --force {}", remedy(root), RefusalCode::LeftoversNotUndoable),
            ))
        })?;
        voice.note(
            NoteCode::AsOnceUndone,
            "note: the following is as it will be after that is undone",
        );
        all.id = undone.id;
        all.names.extend(undone.names);
    }
    Ok(all)
}
