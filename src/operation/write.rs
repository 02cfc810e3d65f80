//! From changes that were agreed to, to files that Apache accepts, or back: lock, test, write, test, keep.
//!
//! What writing commands share. Which changes, they know; how they reach the disk, [`crate::apply`] knows.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::candidate::of_main;
use super::expectation::Site;
use super::failure::{Failure, ended, not_interrupted};
use super::find::Loaded;
use super::httpd_verdict::Judge;
use super::job::Job;
use super::progress::Progress;
use super::restart_and_prove::Before;
use super::server_effect::Effect;
use crate::acl::Account;
use crate::apply::{Lock, NameChange, Record, Store, Transaction};
use crate::check::Code;
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;
use crate::shown::printable;

/// What is to be written, and why.
#[derive(Default)]
pub struct Work {
    /// The names that change.
    pub changes: Vec<NameChange>,
    /// Certificates and keys that were read.
    pub tls_reads: Vec<(PathBuf, Zeroizing<Vec<u8>>)>,
    /// One sentence for each change.
    pub reasons: Vec<String>,
    /// All changes, for people.
    pub diff: String,
    /// What clients must meet when the server shows the changes.
    pub site: Option<Site>,
    /// Findings in spite of which the server is restarted.
    pub forced: Vec<Code>,
    /// Only a preview: what a killed run left is undone first, and is not yet.
    pub is_after_undo: bool,
    /// A killed run that was undone had told the server, so that its state says nothing.
    pub server_told: bool,
    /// It is known that Apache does not start with the result, as it did not before: it is not asked.
    pub never_started: bool,
}

/// What was done.
pub struct Done {
    /// Files and links that came.
    pub created: Vec<PathBuf>,
    /// Files that changed, and names that went.
    pub replaced: Vec<PathBuf>,
    /// The folder with the copies, where there is something to go back by.
    pub backup: Option<PathBuf>,
    /// What became of the server.
    pub effect: Effect,
}

/// Says of changes that are previewed who else may write where they go.
///
/// # Errors
/// Refused, where a private key would go there.
pub fn say_shared<'a>(
    changes: impl IntoIterator<Item = &'a NameChange>,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let mut said = Vec::new();
    for change in changes {
        if let Some(others) = change.shared()?
            && !said.contains(&others)
        {
            let note =
                format!("note: {others}, so accounts other than root can change what is written there");
            progress.note(NoteCode::OthersMayWrite, &printable(note.as_bytes()));
            said.push(others);
        }
    }
    Ok(())
}

/// Who is asked whether Apache accepts it; nobody, where it did not start before either.
///
/// # Errors
/// Refused when somebody should be asked and does not answer.
pub fn judge<'a>(loaded: &'a Loaded, work: &Work, job: Job<'a>) -> Result<Option<Judge<'a>>, Failure> {
    match work.never_started {
        true => Ok(None),
        false => Judge::of(loaded, job.writing, job.voice),
    }
}

/// Writes, and keeps what Apache accepts, and, where it is to be restarted, serves.
pub fn commit(loaded: &Loaded, store: &Store, lock: &Lock, work: Work, job: Job) -> Result<Done, Failure> {
    let world = job.world;
    let judge = judge(loaded, &work, job)?;
    let before = Before {
        old: Some(loaded),
        job,
        server_told: work.server_told,
    };
    let (site, forced) = (work.site.clone(), work.forced.clone());
    let transaction = transaction(loaded, work, job);
    let write = || {
        let before = before.look()?.with_answers_of(site.as_ref());
        if let (Some(judge), [change]) = (&judge, &transaction.changes[..])
            && let Some(after) = of_main(loaded, change)
            && let Some(words) = judge.rejects_candidate(world.disk, lock, after)?
        {
            return Err(judge.rejected(&transaction.changes, &words, ExitStatus::Refused)?);
        }
        not_interrupted()?;
        let pending = transaction.write(store, lock, (world.now)())?;
        if let Some(judge) = &judge {
            match judge.rejects_now() {
                Ok(None) => {}
                Ok(Some(words)) => {
                    pending.undo()?;
                    return Err(judge.rejected(&transaction.changes, &words, ExitStatus::TestFailed)?);
                }
                Err(failure) => {
                    pending.undo()?;
                    return Err(Failure {
                        status: ExitStatus::TestFailed,
                        ..failure
                    });
                }
            }
        }
        before.keep(pending, site.as_ref(), &forced)
    };
    let (written, effect) = ended(write())?;
    Ok(Done {
        created: written.created,
        replaced: written.replaced,
        backup: written.backup,
        effect,
    })
}

/// All of it as it is written, with everything that was read for it.
pub fn transaction<'a>(loaded: &'a Loaded, work: Work, job: Job) -> Transaction<'a> {
    let mut seen: HashSet<&Path> = work.tls_reads.iter().map(|(path, _)| path.as_path()).collect();
    let files = loaded.configuration.files().iter();
    let files = files.filter(|file| seen.insert(&file.host));
    Transaction {
        reads: files.map(|file| (&*file.host, file.document.bytes())).collect(),
        changes: work.changes,
        tls_reads: work.tls_reads,
        readers: Account::readers(loaded.service_account()),
        record: Record {
            command: job.world.command.clone(),
            reasons: work.reasons,
            diff: work.diff,
        },
    }
}
