//! Turning HTTPS on: the steps in their order, each of which reads what the one before left, until none has anything
//! to add. At the end the plan proves itself.

use crate::httpd::{Configuration, Edit};

use super::effect::Effect;
use super::notes::notes;
use super::plan::{Act, Link, Plan, PlanError};
use super::prove::broken::{refuse_broken, refuse_endless};
use super::prove::{prove, woken};
use super::request::Request;
use super::site;
use super::step::{GOALS, STEPS};
use super::work::Work;

/// Each step may bring in a file in which another finds something to do; more than this is our mistake.
const ROUNDS: usize = 6;

impl Plan {
    /// Plans HTTPS for a request on a configuration, and proves the plan. Writes nothing.
    ///
    /// # Errors
    /// A refusal with its reason, or that a file cannot be read.
    pub fn enable(original: &Configuration, request: &Request) -> Result<Plan, PlanError> {
        refuse_broken(original)?;
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
            for (step, goal) in STEPS.iter().zip(GOALS) {
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
        prove(original, configuration, &request)?;
        // As a second run will see it.
        let mut again = request.clone();
        if asked.site.is_none() {
            again.site = site::place_of(configuration, asked);
        }
        for step in STEPS {
            if !step(configuration, &again).is_ok_and(|acts| acts.is_empty()) {
                return Err(woken::refuse_second_look(original, configuration, &request));
            }
        }
        plan.changes
            .sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        plan.notes = notes(original, configuration, &request);
        plan.effect = Effect::between(original, configuration);
        plan.files = work.changed();
        Ok(plan)
    }
}

/// What a step had to do for its goal.
fn told(goal: &str, acts: usize) -> String {
    match acts {
        0 => format!("step: {goal}: nothing to do"),
        1 => format!("step: {goal}: 1 change"),
        some => format!("step: {goal}: {some} changes"),
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
