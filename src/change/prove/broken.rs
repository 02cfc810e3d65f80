//! Configurations that cannot be planned on, because Apache does not start with them or they have no end. Edits nothing.

use crate::httpd::{Configuration, Problem, Severity};

use super::super::plan::{PlanError, refuse};

/// Refuses to plan on a configuration that Apache does not start with: no change could be told from what was broken.
pub(in crate::change) fn refuse_broken(original: &Configuration) -> Result<(), PlanError> {
    refuse_endless(original)?;
    match errors(original).next() {
        None => Ok(()),
        Some(problem) => Err(broken(original, problem)),
    }
}

/// The refusal for one problem.
pub(super) fn broken(original: &Configuration, problem: &Problem) -> PlanError {
    refuse(format!(
        "Apache does not start with this configuration as it is: {}: {}. Mend that first, then run again",
        place(original, problem),
        problem.message
    ))
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
    let Some(problem) = problems.find(|problem| ENDLESS.contains(&problem.code)) else {
        return Ok(());
    };
    Err(refuse(format!(
        "the configuration cannot be read to its end: {}: {}. Mend that first, then run again",
        place(configuration, problem),
        problem.message
    )))
}

/// What Apache does not start with, for certain.
pub(in crate::change) fn errors(configuration: &Configuration) -> impl Iterator<Item = &Problem> {
    configuration
        .problems()
        .iter()
        .filter(|problem| problem.severity == Severity::Error && !problem.uncertain)
}

/// Where a problem is, for people.
pub(in crate::change) fn place(configuration: &Configuration, problem: &Problem) -> String {
    let file = configuration.file(problem.file);
    let number = file.document.number(problem.line as usize);
    format!("{}:{number}", String::from_utf8_lossy(&file.name))
}
