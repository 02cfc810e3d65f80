//! What a run that writes would be refused for, found out without writing: the same questions in the same order, each
//! refusal with the same status and words as then.

use super::candidate::{Candidate, of_main};
use super::failure::{Failure, not_interrupted};
use super::find::Loaded;
use super::httpd_verdict::Judge;
use super::job::Job;
use super::restart_and_prove::Before;
use super::write::{self, Work};
use crate::apply::{NameChange, Store};
use crate::exit_status::ExitStatus;
use crate::note_code::NoteCode;

/// Whether [`write::commit`] could be done; whether Apache was asked.
///
/// # Errors
/// Those of it, as far as they are known before.
pub fn would_commit(loaded: &Loaded, store: &Store, work: Work, job: Job) -> Result<bool, Failure> {
    let judge = write::judge(loaded, &work, job)?;
    let before = Before {
        old: Some(loaded),
        job,
        server_told: work.server_told,
    };
    let (site, forced) = (work.site.clone(), work.forced.clone());
    let is_after_undo = work.is_after_undo;
    let transaction = write::transaction(loaded, work, job);
    let changes = &transaction.changes;
    let seen = before.look()?;
    // The main file alone is shown to Apache before it is written, all else after it.
    let is_before = matches!(&changes[..], [change] if of_main(loaded, change).is_some());
    let ask = |status| match &judge {
        Some(judge) => accepts(judge, loaded, changes, status, job),
        None => Ok(false),
    };
    let mut is_asked = false;
    if is_before {
        is_asked = ask(ExitStatus::Refused)?;
    }
    not_interrupted()?;
    if !is_after_undo {
        transaction.may_be_written(store)?;
    }
    if !is_before {
        is_asked = ask(ExitStatus::TestFailed)?;
    }
    seen.would_keep(changes, site.as_ref(), &forced)?;
    not_interrupted()?;
    Ok(is_asked)
}

/// Whether Apache was asked, and accepts what would be written.
fn accepts(
    judge: &Judge,
    loaded: &Loaded,
    changes: &[NameChange],
    status: ExitStatus,
    job: Job,
) -> Result<bool, Failure> {
    let candidate = match Candidate::of(loaded, changes) {
        Ok(candidate) => candidate,
        Err(why) => {
            let words = format!("note: httpd -t was not asked about what would be written: {why}");
            job.voice.note(NoteCode::NotTested, &words);
            return Ok(false);
        }
    };
    match judge.rejects_copy(&candidate) {
        Ok(None) => Ok(true),
        Ok(Some(words)) => Err(judge.rejected(changes, &words, status)?),
        Err(failure) => Err(Failure { status, ..failure }),
    }
}
