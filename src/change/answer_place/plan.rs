//! The answer place alone, before there is a certificate: a plan of its own.

use crate::httpd::Configuration;

use super::super::challenge::AnswerPlace;
use super::super::effect::Effect;
use super::super::plan::{Act, Plan, PlanError};
use super::super::prove::broken::{errors, refuse_broken, told};
use super::super::request::Request;
use super::super::work::Work;
use super::acts::acts;

/// A module may have to come first, or lines that were enough once have to go; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans that Apache answers certificate authorities over HTTP, and nothing else. Writes nothing. The plan is empty where
    /// it does, or nobody listens on the port.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn answer_place(original: &Configuration, place: &AnswerPlace) -> Result<Plan, PlanError> {
        refuse_broken(original)?;
        let mut work = Work::new(original);
        let plan = steps(original, &mut work, place);
        plan.map_err(|error| work.on_disk(&Request::default(), error))
    }
}

fn steps(original: &Configuration, work: &mut Work<'_>, place: &AnswerPlace) -> Result<Plan, PlanError> {
    let mut plan = Plan::default();
    let mut edited: Option<Configuration> = None;
    for round in 0.. {
        let configuration = edited.as_ref().unwrap_or(original);
        let acts = acts(configuration, place)?;
        if acts.is_empty() {
            break;
        }
        if round == ROUNDS {
            return Err(PlanError::Unproven("planning does not end".into()));
        }
        let (mut edits, mut links) = (Vec::new(), Vec::new());
        for act in acts {
            match act {
                Act::Edit(edit) => edits.push(edit),
                Act::Link(link) => links.push(link),
            }
        }
        plan.changes.extend(work.apply(edits, &mut Request::default())?);
        work.link(&links)?;
        plan.links.extend(links);
        edited = Some(work.read()?);
    }
    let result = edited.as_ref().unwrap_or(original);
    if let Some(problem) = errors(result).next() {
        return Err(PlanError::Unproven(told(result, problem).to_string()));
    }
    plan.changes
        .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    plan.effect = Effect::between(original, result);
    plan.files = work.changed();
    Ok(plan)
}
