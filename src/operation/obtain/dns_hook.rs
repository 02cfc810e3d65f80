//! A program of the administrator's that makes the records by which names are proven in DNS (dns-01), and takes them out
//! again: `PROGRAM present|cleanup NAME VALUE`. What it made is noted before, so that the next run has it taken out where
//! one was killed.

use std::path::Path;
use std::time::Duration;

use super::super::failure::Failure;
use super::super::hooked::{self, Failed};
use super::super::job::Job;
use super::super::progress::{Progress, during};
use super::state::{Record, State};
use crate::interrupt::{Hold, Undoing};
use crate::note_code::NoteCode;
use crate::quoted::quoted;
use crate::refusal::{Refusal, RefusalCode};
use crate::server::program::Program;
use crate::shown::{sentence, shown};
use crate::wording::reason;

/// How long the program may take for one record.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// The records of one order, which are taken out when this goes.
pub struct Records<'a> {
    all: Vec<Record>,
    state: &'a State<'a>,
    progress: &'a dyn Progress,
    // Last: before the program may end, they are gone.
    _hold: Hold,
}

/// The program at a path, if nobody else could have put it there.
///
/// # Errors
/// Refused where others may write it.
pub fn program(path: &Path) -> Result<Program, Failure> {
    let refused = |why: &dyn std::fmt::Display, fix: String| {
        let cause = format!("the program of --dns-hook is not run: {why}");
        Failure::refused(Refusal::new(RefusalCode::DnsHookFailed, cause, "; ", fix))
    };
    if let Err(error) = path.metadata() {
        let why = format!("{}: {}", shown(path), reason(&error));
        return Err(refused(&why, "correct its path".to_owned()));
    }
    Program::at(path).map_err(|distrust| refused(&distrust, distrust.advice()))
}

/// Has the records made, each noted before.
///
/// # Errors
/// When the program does not make one; those that it made are taken out then.
pub fn present<'a>(all: &[Record], state: &'a State<'a>, job: Job<'a>) -> Result<Records<'a>, Failure> {
    let mut records = Records {
        all: Vec::new(),
        state,
        progress: job.voice,
        _hold: Hold::new(),
    };
    for record in all {
        let program = program(&record.program.path())?;
        records.all.push(record.clone());
        let mut noted = state.records()?;
        noted.push(record.clone());
        state.keep_records(&noted)?;
        let what = format!("{} makes {}", shown(program.path()), record.name);
        let done = during(job.voice, &what, || run(&program, "present", record));
        if let Err(Failed::NotStarted(_)) = &done {
            // There is nothing to take out.
            records.all.pop();
            forget(record, state)?;
        }
        done.map_err(|failed| refused(&failed, record))?;
    }
    Ok(records)
}

fn forget(record: &Record, state: &State) -> Result<(), Failure> {
    let mut noted = state.records()?;
    noted.retain(|other| other != record);
    state.keep_records(&noted)
}

/// Has taken out what a killed run left. What cannot be is told, and tried again by the next run.
///
/// # Errors
/// When it cannot be noted.
pub fn sweep(state: &State, progress: &dyn Progress) -> Result<(), Failure> {
    let left = state.records()?;
    if left.is_empty() {
        return Ok(());
    }
    let _hold = Hold::new();
    take_out(&left, state, progress)
}

impl Drop for Records<'_> {
    fn drop(&mut self) {
        // Whoever wants the program to end wants this first.
        let _undoing = Undoing::new();
        if let Err(failure) = take_out(&self.all, self.state, self.progress) {
            let words = format!("warning: {:#}", failure.error);
            self.progress.note(NoteCode::RecordLeft, &words);
        }
    }
}

fn take_out(all: &[Record], state: &State, progress: &dyn Progress) -> Result<(), Failure> {
    let mut noted = Ok(());
    for record in all {
        let what = format!("{} takes {} out", shown(&record.program.path()), record.name);
        let done = during(progress, &what, || match Program::at(&record.program.path()) {
            Ok(program) => run(&program, "cleanup", record),
            Err(distrust) => Err(Failed::NotStarted(distrust.to_string())),
        });
        if let Err(failed) = done {
            let words = format!(
                "warning: the TXT record {} with the value {} was not taken out of DNS: {}; the next run tries again, or take it \
                 out by hand",
                sentence(&record.name),
                sentence(&record.value),
                failed.why()
            );
            progress.note(NoteCode::RecordLeft, &words);
            continue;
        }
        // The others go whatever became of it.
        noted = noted.and(forget(record, state));
    }
    noted
}

/// Of a record that was not made.
fn refused(failed: &Failed, record: &Record) -> Failure {
    if matches!(failed, Failed::Interrupted) {
        return Failure::interrupted().into_interrupted();
    }
    let cause = format!("the record {} was not made in DNS: {}", record.name, failed.why());
    let program = quoted(record.program.path());
    let fix = format!(
        "correct that (try it: {program} present {} TEXT), then run again",
        record.name
    );
    Failure::refused(Refusal::new(RefusalCode::DnsHookFailed, cause, "; ", fix))
}

fn run(program: &Program, what: &str, record: &Record) -> Result<(), Failed> {
    hooked::run(program, &[what, &record.name, &record.value], None, PATIENCE)
}
