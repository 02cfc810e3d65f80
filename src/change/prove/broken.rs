//! Configurations that cannot be planned on, because Apache does not start with them or they have no end. Edits nothing.

use crate::finding::Finding;
use crate::httpd::{Configuration, Spot};
use crate::lint;

use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, say};

/// Refuses to plan on a configuration that Apache does not start with: no change could be told from what was broken.
pub(in crate::change) fn refuse_broken(original: &Configuration) -> Result<(), PlanError> {
    refuse_endless(original)?;
    let Some(first) = errors(original).next() else {
        return Ok(());
    };
    let mut others = lint::errors(original);
    others.retain(|other| other.is_error() && (other.place != first.place || other.rule != first.rule));
    if others.is_empty() {
        return Err(broken(original, first));
    }
    let more = others.len().saturating_sub(NAMED);
    others.truncate(NAMED);
    let all = std::iter::once(first).chain(&others);
    let mut told: Vec<Text> = all.map(|problem| told(original, problem)).collect();
    if more > 0 {
        told.push(format!("and {more} more").into());
    }
    Err(refuse(
        RefusalCode::ConfigBroken,
        say![
            "Apache does not start with this configuration as it is: ",
            Text::joined(told, "; "),
        ],
        ". ",
        "Correct these errors first (esync-ssl lint shows all of them), then run again",
    ))
}

/// How many errors are named beside the first.
const NAMED: usize = 4;

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
