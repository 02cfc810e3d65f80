//! Carries out a plan that was saved: exactly what it says, where everything is still as it was read for it.

use std::path::Path;

use super::environment::{World, Writing};
use super::failure::Failure;
use super::pass_phrase::ReadPhrases;
use super::plan_file::PlanFile;
use super::plan_report::Report;
use super::questions::Voice;
use super::records::AskedFor;
use super::{disable, enable};
use crate::shown::shown;

/// What is asked for.
pub struct Request<'a> {
    /// The file with the plan.
    pub file: &'a Path,
    /// The pass-phrase of the files that the plan names, once one is needed.
    pub phrases: ReadPhrases<'a>,
    /// The server root that was named beside it: it must be that of the plan.
    pub root: Option<&'a Path>,
    /// How the command lines of earlier runs are read.
    pub asked_for: AskedFor,
}

/// Applies it.
///
/// # Errors
/// Why it was not, and that all is as it was; or what is not.
pub fn run(
    request: &Request,
    writing: &Writing,
    world: &World,
    voice: &dyn Voice,
) -> Result<Report, Failure> {
    let plan = PlanFile::read(request.file)?;
    plan.refuse_other_root(request.root)?;
    let place = plan.place.to_where();
    // What is on record is what was planned: `disable` looks there for what was turned on.
    let world = &World {
        command: plan.command.clone(),
        ..*world
    };
    plan.refuse_changed_sources()?;
    let phrases = (request.phrases)()?;
    let report = match plan.asked.disable() {
        Some(off) => {
            let asked_for = request.asked_for;
            let disable = disable::Request { off, asked_for };
            disable::run_as(&disable, Some(&plan), writing, (&place, world), voice)
        }
        None => {
            let enable = enable::Request::again(&plan.asked, &phrases, voice)?;
            enable::run_as(&enable, Some(&plan), writing, (&place, world), voice)
        }
    };
    let mut report = report?;
    report.plan = Some(shown(request.file).into());
    Ok(report)
}
