//! Configurations that cannot be planned on, because Apache does not start with them or they have no end. Edits nothing.

use crate::finding::Finding;
use crate::httpd::{Configuration, Spot};

use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, say};

/// Refuses to plan on a configuration that Apache does not start with: no change could be told from what was broken.
pub(in crate::change) fn refuse_broken(original: &Configuration) -> Result<(), PlanError> {
    refuse_endless(original)?;
    match errors(original).next() {
        None => Ok(()),
        Some(problem) => Err(broken(original, problem)),
    }
}

/// The refusal for one problem.
pub(super) fn broken(original: &Configuration, problem: &Finding<Spot>) -> PlanError {
    refuse(
        RefusalCode::ConfigBroken,
        say![
            "Apache does not start with this configuration as it is: ",
            told(original, problem),
        ],
        ". ",
        MEND,
    )
}

/// What ends the reading early.
const ENDLESS: [&str; 5] = [
    "include-depth",
    "macro-size",
    "configuration-too-large",
    "variables-too-long",
    "sections-too-deep",
];

/// Refuses what ends the reading early, such as a file that includes itself once mod_ssl is there, or macros that
/// double, be it certain or not: the steps would look in vain for what they added behind it.
pub(in crate::change) fn refuse_endless(configuration: &Configuration) -> Result<(), PlanError> {
    let mut problems = configuration.problems().iter();
    let Some(problem) = problems.find(|problem| ENDLESS.contains(&problem.rule)) else {
        return Ok(());
    };
    Err(refuse(
        RefusalCode::ConfigEndless,
        say![
            "the configuration cannot be read completely: ",
            told(configuration, problem),
        ],
        ". ",
        MEND,
    ))
}

/// What Apache does not start with, for certain.
pub(in crate::change) fn errors(configuration: &Configuration) -> impl Iterator<Item = &Finding<Spot>> {
    let problems = configuration.problems().iter();
    problems.filter(|problem| problem.is_error())
}

/// What helps where Apache does not start.
pub(in crate::change) const MEND: &str = "Correct that first, then run again";

/// Where a problem is, and what it is.
pub(in crate::change) fn told(configuration: &Configuration, problem: &Finding<Spot>) -> Text {
    let place = Place::at(configuration, problem.place.file, problem.place.line);
    say![place, ": ", &problem.summary]
}
