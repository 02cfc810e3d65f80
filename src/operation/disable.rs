//! Turns HTTPS off again: plan, preview, question, write.

use super::Failure;
use super::asked::Asked;
use super::environment::{Where, World, Writing};
use super::file_action::{FileAction, Reported};
use super::find::Loaded;
use super::interrupted::stores;
use super::job::Job;
use super::plan_file::{self, PlanFile, Planned, Read};
use super::plan_report::{self, Report};
use super::questions::Voice;
use super::records::{AskedFor, records};
use super::summary;
use super::turn::Turn;
use super::would_write::would_commit;
use super::write::{self, Work};
use super::{pending, restart_and_prove};
use crate::apply::Store;
use crate::change::{self, Plan};
use crate::shown::printable;

/// What is asked for.
pub struct Request {
    /// Of which domains, and whether virtual hosts of others go as well.
    pub off: change::Disable,
    /// How the command lines of earlier runs are read; [`super::by_words`] knows those of any version.
    pub asked_for: AskedFor,
}

/// Turns HTTPS off.
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
    run_as(request, None, writing, (place, world), voice)
}

/// The same, and nothing but what a plan says.
pub(super) fn run_as(
    request: &Request,
    plan: Option<&PlanFile>,
    writing: &Writing,
    (place, world): (&Where, &World),
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let names = request.off.domains.iter();
    let noted = names.flat_map(|name| ["--domain".to_owned(), name.clone()]);
    let world = &world.or_command(["disable".to_owned()].into_iter().chain(noted));
    let job = Job {
        place,
        writing,
        world,
        voice,
    };
    Turn::new(job).attempt(|turn| attempt(request, plan, job, turn))
}

/// Reads, plans, shows, and writes when it is time to.
fn attempt(
    request: &Request,
    saved: Option<&PlanFile>,
    job: Job,
    turn: &mut Turn,
) -> Result<Option<Report>, Failure> {
    let (writing, world, voice) = (job.writing, job.world, job.voice);
    let read = turn.read();
    let loaded = read.map_err(|failure| PlanFile::unread(saved, failure))?;
    if let Some(saved) = saved {
        saved.refuse_changed(&loaded, &reads(&loaded, world))?;
    }
    loaded.introduce(voice);
    loaded.refuse_encoding()?;
    loaded.refuse_other_root()?;
    let (records, missing) = records(&loaded.installation.root, job.place, world, request.asked_for)?;
    let plan = Plan::disable(
        &loaded.main,
        &loaded.source,
        &loaded.facts,
        &request.off,
        &records,
    );
    let plan = plan.map_err(|error| plan_report::failure(error, &loaded))?;
    let mut report = Report::new(&loaded, &plan, &missing);
    let links = plan.unlinks.iter().map(|link| Reported {
        file: loaded.show(&link.path),
        reason: printable(
            format!("remove the link to {}: {}", link.target.display(), link.reason).as_bytes(),
        ),
    });
    report.files.extend(links.map(FileAction::remove));
    if plan.is_empty() {
        report.result = "unchanged";
        voice.unchanged(&nothing(&request.off));
        report.tell_notes(voice);
        plan_file::tell_none(job);
        if writing.restarts() {
            let server = restart_and_prove::unchanged(&loaded, None, &[], job)?;
            return Ok(Some(report.with_server(server)));
        }
        let pending = pending::effect(&loaded, None, job);
        return Ok(Some(report.with_pending(pending, &loaded, &["status"])));
    }
    voice.preview(&report.preview(&loaded, &plan));
    report.tell_notes(voice);
    let lines = summary::of_plan(&report, &plan.effect, None);
    report.summarise(lines, turn.finds_stopped(&loaded), job);
    let work = work(plan, &report);
    if let Some(saved) = saved {
        saved.refuse_other(&work.changes)?;
    }
    write::say_shared(&work.changes, voice)?;
    let store = plan_report::store(&loaded, world.disk)?;
    if !turn.is_mine(&store)? {
        return Ok(None);
    }
    let work = Work {
        is_after_undo: !turn.undone.names.is_empty(),
        ..work
    };
    if writing.dry_run {
        return would_write(request, (&loaded, &store), work, report, job).map(Some);
    }
    voice.summary(&report.summary);
    if !turn.is_agreed("Apply these changes?", &store, report.proposal())? {
        return Ok(None);
    }
    let work = Work {
        server_told: turn.settled.server_told,
        ..work
    };
    let lock = turn.lock(&store)?;
    let done = write::commit(&loaded, &store, lock, work, job)?;
    Ok(Some(report.was_written(&loaded, done, &["status"])))
}

/// The end of a dry run, and the plan in a file if that is asked for.
fn would_write(
    request: &Request,
    (loaded, store): (&Loaded, &Store),
    work: Work,
    mut report: Report,
    job: Job,
) -> Result<Report, Failure> {
    let planned = || Planned {
        asked: Asked::Disable {
            domains: request.off.domains.clone(),
            forced: request.off.forced.iter().map(ToString::to_string).collect(),
        },
        loaded,
        reads: reads(loaded, job.world),
    };
    let plan = plan_file::to_save(planned, &work.changes, &report, job);
    report.is_tested = would_commit(loaded, store, work, job)?;
    job.voice.summary(&report.summary);
    Ok(report.would_change(plan_file::saved(plan)?))
}

/// Everything that is read for it: the configuration, and what is on record.
fn reads(loaded: &Loaded, world: &World) -> Vec<Read> {
    let stores = stores(&loaded.installation.root, world.disk);
    let backups = stores
        .iter()
        .flat_map(|store| store.backups().unwrap_or_default());
    Read::all(loaded, backups.map(|backup| backup.manifest_file()))
}

/// What is to be written.
fn work(plan: Plan, report: &Report) -> Work {
    let changed = report.changes.iter().map(|change| change.reason.clone());
    let removed = report.files.iter().filter_map(|link| link.reason.clone());
    Work {
        never_started: plan.never_started,
        changes: plan_report::changes(plan).collect(),
        reasons: changed.chain(removed).collect(),
        diff: report.diff.clone(),
        ..Work::default()
    }
}

fn nothing(request: &change::Disable) -> String {
    match request.domains.as_slice() {
        [] => "esync-ssl enable has not changed anything here".into(),
        domains => format!(
            "esync-ssl enable has not changed anything here for {}",
            domains.join(" or ")
        ),
    }
}
