//! Turning HTTPS on: the steps in their order, each of which reads what the one before left, until none has anything
//! to add. At the end the plan proves itself.

use crate::httpd::{Configuration, Edit};
use crate::parallel::in_parallel;

use super::effect::Effect;
use super::notes::notes;
use super::outside::Outside;
use super::plan::{Act, Link, Plan, PlanError};
use super::prove::broken::{refuse_broken, refuse_endless};
use super::prove::{prove, woken};
use super::request::Request;
use super::site;
use super::site_candidates::secure;
use super::step::{STEPS, Step};
use super::work::Work;
use crate::wording::count;

/// Each step may bring in a file in which another finds something to do; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans HTTPS for a request on a configuration, and proves the plan. Writes nothing.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn enable(original: &Configuration, request: &Request) -> Result<Plan, PlanError> {
        refuse_broken(original)?;
        site::refuse_several(original, request)?;
        let mut work = Work::new(original);
        let plan = Plan::steps(original, &mut work, request);
        plan.map_err(|error| work.on_disk(request, error))
    }

    /// What the steps come to. Refusals name lines as they are numbered after the edits so far.
    fn steps(original: &Configuration, work: &mut Work<'_>, request: &Request) -> Result<Plan, PlanError> {
        let mut plan = Plan::default();
        let mut edited_so_far: Option<Configuration> = None;
        let asked = request;
        let mut request = asked.clone();
        request.site = match &asked.site {
            None => site::place_of(original, asked),
            Some((file, line)) => Some((site::whole_path(original, file, *line), *line)),
        };
        // Where HTTPS is there, what it shows was somebody's, whose listener may have gone.
        request.has_no_default = request.site.is_none() && secure(original, asked).next().is_none();
        // The site's place moves with the edits; of the original it is this one.
        let first = request.clone();
        plan.trail.push(match &request.site {
            Some((file, line)) => {
                format!(
                    "{}: its site over HTTP is the virtual host {}:{line}",
                    request.domain,
                    file.display()
                )
            }
            None => format!(
                "{}: no virtual host has it over HTTP alone, so it is the main server's or over TLS already",
                request.domain
            ),
        });
        // A cache may become active only through a file that a step brought in, so the steps repeat until none has
        // anything to add.
        for round in 0.. {
            let mut edited = false;
            for (goal, step) in &STEPS {
                let configuration = edited_so_far.as_ref().unwrap_or(original);
                let acts = step(configuration, &request).map_err(|error| {
                    // The site that was found may have gone with mod_ssl's coming.
                    let lost = woken::refuse_lost_hosts(original, configuration).err();
                    let lost = lost.filter(|_| asked.site.is_none());
                    lost.unwrap_or(error)
                })?;
                if round == 0 || !acts.is_empty() {
                    plan.trail.push(told(goal, acts.len()));
                }
                if !acts.is_empty() {
                    edited = true;
                    // What was read before goes before more memory is asked for.
                    drop(edited_so_far.take());
                    let (edits, links) = split(acts);
                    plan.changes.extend(work.apply(edits, &mut request)?);
                    work.link(&links)?;
                    plan.links.extend(links);
                    let configuration = work.read()?;
                    refuse_endless(&configuration)?;
                    edited_so_far = Some(configuration);
                }
            }
            if !edited {
                break;
            }
            if round == ROUNDS {
                return Err(PlanError::Unproven("planning does not end".into()));
            }
        }
        let configuration = edited_so_far.as_ref().unwrap_or(original);
        let proofs = in_parallel(2, |proof| match proof {
            0 => prove(original, configuration, &request),
            _ => second_look(original, configuration, &request, asked),
        });
        proofs.into_iter().collect::<Result<(), _>>()?;
        let outside = Outside::of(original, configuration, &first);
        outside.refuse_loops()?;
        plan.changes
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        plan.notes = notes(original, configuration, &first, &outside);
        plan.effect = Effect::between(original, configuration);
        plan.files = work.changed();
        Ok(plan)
    }
}

/// A second run finds nothing to change.
fn second_look(
    original: &Configuration,
    result: &Configuration,
    request: &Request,
    asked: &Request,
) -> Result<(), PlanError> {
    let mut again = request.clone();
    if asked.site.is_none() {
        let asked = Request {
            has_no_default: request.has_no_default,
            ..asked.clone()
        };
        again.site = site::place_of(result, &asked);
    }
    // Else the last round has looked as it would.
    let differs = again.site != request.site;
    let is_done = |(_, step): &(&str, Step)| step(result, &again).is_ok_and(|acts| acts.is_empty());
    match differs && !STEPS.iter().all(is_done) {
        true => Err(woken::refuse_second_look(original, result, request)),
        false => Ok(()),
    }
}

/// What a step had to do for its goal.
fn told(goal: &str, acts: usize) -> String {
    match acts {
        0 => format!("step: {goal}: nothing to do"),
        some => format!("step: {goal}: {}", count(some, "change")),
    }
}

fn split(acts: Vec<Act>) -> (Vec<Edit>, Vec<Link>) {
    let (mut edits, mut links) = (Vec::new(), Vec::new());
    for act in acts {
        match act {
            Act::Edit(edit) => edits.push(edit),
            Act::Link(link) => links.push(link),
        }
    }
    (edits, links)
}
