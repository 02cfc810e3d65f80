//! Turns HTTPS off again: plan, preview, question, write.

use super::Failure;
use super::environment::{Where, World, Writing};
use super::file_action::{FileAction, Reported};
use super::job::Job;
use super::plan_report::{self, Report};
use super::questions::Voice;
use super::records::{AskedFor, records};
use super::restart_and_prove;
use super::turn::Turn;
use super::write::{self, Work};
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
    let names = request.off.domains.iter();
    let noted = names.flat_map(|name| ["--domain".to_owned(), name.clone()]);
    let world = &world.or_command(["disable".to_owned()].into_iter().chain(noted));
    let job = Job {
        place,
        writing,
        world,
        voice,
    };
    Turn::new(job).attempt(|turn| attempt(request, job, turn))
}

/// Reads, plans, shows, and writes when it is time to.
fn attempt(request: &Request, job: Job, turn: &mut Turn) -> Result<Option<Report>, Failure> {
    let (writing, world, voice) = (job.writing, job.world, job.voice);
    let loaded = turn.read()?;
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
        if writing.restarts() && !writing.dry_run {
            let shown = restart_and_prove::unchanged(&loaded, None, &[], job)?;
            report.server = Some(shown);
        }
        return Ok(Some(report));
    }
    voice.preview(&report.preview(&loaded, &plan));
    report.tell_notes(voice);
    let work = work(plan, &report);
    write::say_shared(&work.changes, voice)?;
    if writing.dry_run {
        return Ok(Some(report.would_change()));
    }
    let store = plan_report::store(&loaded, world.disk)?;
    if !turn.is_mine(&store)? || !turn.is_agreed("Apply these changes?", &store, report.proposal())? {
        return Ok(None);
    }
    let work = Work {
        server_told: turn.settled.server_told,
        ..work
    };
    let lock = turn.lock(&store)?;
    let done = write::commit(&loaded, &store, lock, work, job)?;
    Ok(Some(report.was_written(&loaded, done)))
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
        [] => "there is nothing here that esync-ssl enable put in".into(),
        domains => format!(
            "there is nothing here that esync-ssl enable put in for {}",
            domains.join(" or ")
        ),
    }
}
