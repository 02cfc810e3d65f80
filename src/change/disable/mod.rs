//! What to edit to turn HTTPS off again: what `enable` put in goes, what it moved comes back. The present
//! configuration is evaluated and decides; the records of earlier runs only say what stood somewhere before, so that
//! what people edited since stays.

mod answer_places;
mod blank_lines;
mod decide;
mod found;
mod history;
mod host_lines;
mod listeners;
mod marks;
mod modules;
mod needs;
mod pair_lines;
mod prove;
mod record;
mod request;
mod sections;

use std::collections::HashSet;

use crate::finding::Finding;
use crate::httpd::{Configuration, Facts, Source};
use crate::lint;

use super::effect::Effect;
use super::plan::{Plan, PlanError};
use super::prove::broken::{line_of, refuse_broken, told};
use super::request::Request;
use super::work::{Work, read};
use decide::{Decided, Given, decide, state_before};
use found::Found;

pub use record::{Action, Record, Version};
pub use request::Disable;

impl Plan {
    /// Plans the way back from HTTPS on the configuration of `main`, and proves the plan. Writes nothing. `records`
    /// are those of the runs so far, the oldest first; without them the configuration alone decides.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn disable(
        main: &[u8],
        source: &Source,
        facts: &Facts,
        request: &Disable,
        records: &[Record],
    ) -> Result<Plan, PlanError> {
        let original = read(main, source, facts)?;
        refuse_broken(&original)?;
        let given = (main, source, facts);
        let found = Found::new(&original, records)?;
        let decided = decide(given, &found, request, records)?;
        let mut work = Work::new(&original);
        let plan = Plan::undone(given, (&found, &decided), &mut work, request, records);
        plan.map_err(|error| work.on_disk(&Request::default(), error))
    }

    /// What was decided, carried out and proven. Refusals may name lines as they are numbered afterwards.
    fn undone(
        given: Given,
        (found, decided): (&Found, &Decided),
        work: &mut Work<'_>,
        request: &Disable,
        records: &[Record],
    ) -> Result<Plan, PlanError> {
        let mut plan = Plan {
            notes: decided.notes.clone(),
            unlinks: decided.links.clone(),
            ..Plan::default()
        };
        plan.changes = work.apply(decided.edits.clone(), &mut Request::default())?;
        work.unlink(&decided.links);
        let result = work.read()?;
        prove::prove(given, found, &result, decided, records)?;
        if let Some(note) = never_started(given, &result, records)? {
            plan.never_started = true;
            plan.notes.push(note);
        }
        let source = work.source();
        plan.changes
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        plan.effect = Effect::between(found.configuration, &result);
        plan.files = work.changed();
        // What a second run would see, this one on record.
        let records = [records, &[Record::of(request, &plan)]].concat();
        let (main, _, facts) = given;
        let again = decide(
            (main, &source, facts),
            &Found::new(&result, &records)?,
            request,
            &records,
        )?;
        if !again.edits.is_empty() || !again.links.is_empty() {
            return Err(PlanError::Unproven(format!(
                "a second run would find more to change: {:?}",
                again.edits.first().map(|edit| &edit.reason)
            )));
        }
        Ok(plan)
    }
}

/// What keeps Apache from starting without HTTPS as it did before HTTPS came. All of it was there before, or `None`.
fn never_started(
    given: Given,
    result: &Configuration,
    records: &[Record],
) -> Result<Option<String>, PlanError> {
    let stopping = |configuration: &Configuration| {
        let mut problems = lint::errors(configuration);
        problems.retain(Finding::is_error);
        problems
    };
    let left = stopping(result);
    let Some(first) = left.first() else {
        return Ok(None);
    };
    let before = state_before(given, records, 0)?;
    let known = stopping(&before);
    let known: HashSet<_> = known.iter().map(|problem| line_of(&before, problem)).collect();
    if !left
        .iter()
        .all(|problem| known.contains(&line_of(result, problem)))
    {
        return Ok(None);
    }
    Ok(Some(format!(
        "Apache did not start with the configuration before esync-ssl was run, and does not start with it again: {}",
        told(result, first)
    )))
}
