//! Configurations that cannot be planned on, because Apache does not start with them or they have no end. Edits nothing.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;

use crate::finding::{Finding, Phase};
use crate::httpd::word::words;
use crate::httpd::{Configuration, Platform, Spot};
use crate::lint;

use super::super::plan::{PlanError, refuse};
use super::super::refusal::{Place, RefusalCode, Text, say, sentence};
use super::super::request::Request;

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
    let all: Vec<_> = std::iter::once(first).chain(&others).collect();
    Err(all_broken(original, &all))
}

/// What helps against several.
const CORRECT: &str = "Correct these errors first (esync-ssl lint shows all of them), then run again";

/// How many errors are named.
const NAMED: usize = 5;

/// The refusal for several problems.
fn all_broken(configuration: &Configuration, all: &[&Finding<Spot>]) -> PlanError {
    // What is wrong in the same way in many places is one of them.
    let mut equal: Vec<(&Finding<Spot>, usize)> = Vec::new();
    let mut known = HashMap::new();
    for problem in all {
        let at = *known
            .entry((problem.rule, &problem.summary))
            .or_insert(equal.len());
        match equal.get_mut(at) {
            Some((_, more)) => *more += 1,
            None => equal.push((problem, 0)),
        }
    }
    let named = equal.iter().take(NAMED).map(|(problem, more)| match more {
        0 => told(configuration, problem),
        more => say![
            told(configuration, problem),
            format!(" (the same in {more} more places)")
        ],
    });
    let mut told: Vec<Text> = named.collect();
    if let Some(more) = equal.len().checked_sub(NAMED).filter(|more| *more > 0) {
        told.push(format!("and {more} more").into());
    }
    refuse(
        RefusalCode::ConfigBroken,
        say![
            "Apache does not start with this configuration as it is: ",
            Text::joined(told, "; "),
        ],
        ". ",
        CORRECT,
    )
}

/// Refuses what keeps Apache from starting afterwards as it did before, and that nobody overrode: `httpd -t` may be
/// content with it, and the site would be down. `left` is what is wrong afterwards.
pub(super) fn refuse_no_start(
    original: &Configuration,
    result: &Configuration,
    left: &[Finding<Spot>],
    request: &Request,
) -> Result<(), PlanError> {
    // No MPM knows `Listen`.
    let is_consequence = |problem: &Finding<Spot>| {
        problem.rule == "no-listen" && left.iter().any(|problem| problem.rule == "mpm")
    };
    let open: Vec<_> = left
        .iter()
        .filter(|problem| !is_consequence(problem))
        .filter(|problem| stops(result, problem, request) && !is_forced(problem, request))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let lines = |problems: &[&Finding<Spot>]| -> HashSet<_> {
        problems.iter().map(|problem| line_of(result, problem)).collect()
    };
    let errors: Vec<_> = left.iter().filter(|problem| problem.is_error()).collect();
    let (open_lines, all_lines) = (lines(&open), lines(&errors));
    // As they are numbered on disk. With one that refuses, those are told too that only `httpd -t` would.
    let before = lint::errors(original);
    let errors = before
        .iter()
        .filter(|problem| problem.is_error() && !is_own_file(original, problem, request));
    let same: Vec<_> = errors
        .filter(|problem| all_lines.contains(&line_of(original, problem)))
        .collect();
    if !same
        .iter()
        .any(|problem| open_lines.contains(&line_of(original, problem)))
    {
        return Err(awakened(result, open[0]));
    }
    Err(all_broken(original, &same))
}

/// Is it to be left as it is? What a line may not say where it stands cannot be: Apache refuses the result as well.
fn is_forced(problem: &Finding<Spot>, request: &Request) -> bool {
    !is_misplaced(problem) && request.forced.contains(&problem.code)
}

pub(super) fn is_misplaced(problem: &Finding<Spot>) -> bool {
    matches!(problem.rule, "context" | "arguments")
}

/// What is left in spite of which it goes on.
pub(in crate::change) fn forced(result: &Configuration, request: &Request) -> Option<String> {
    if request.forced.is_empty() {
        return None;
    }
    let left = lint::errors(result);
    let mut stopping = left.iter().filter(|problem| stops(result, problem, request));
    let first = stopping.next()?;
    let more = match stopping.count() {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    Some(format!(
        "Apache does not start with this configuration, before and after the change, until this is corrected: {}{more}",
        told(result, first)
    ))
}

/// Does it certainly keep Apache from starting? The files of the request may be made only when it is carried out, and
/// where there is a binary, `httpd -t` judges for itself what it sees.
fn stops(configuration: &Configuration, problem: &Finding<Spot>, request: &Request) -> bool {
    let facts = configuration.facts();
    let is_tested = facts.platform == Platform::Unix && facts.built_in_is_certain;
    let is_seen = problem.phase != Some(Phase::Starting) && !is_misplaced(problem);
    problem.is_error() && !(is_tested && is_seen) && !is_own_file(configuration, problem, request)
}

/// A file of the request that is not there yet.
fn is_own_file(configuration: &Configuration, problem: &Finding<Spot>, request: &Request) -> bool {
    if problem.rule != "tls-file" {
        return false;
    }
    let document = &configuration.file(problem.place.file).document;
    let text = document.text(problem.place.line as usize);
    let words: Vec<_> = words(&text).skip(1).collect();
    let own = [
        Some(&request.certificate),
        Some(&request.key),
        request.chain.as_ref(),
    ];
    words.iter().any(|word| own.contains(&Some(&word.value.to_vec())))
}

/// The fault and its line, however it is numbered.
pub(in crate::change) fn line_of<'a>(
    configuration: &'a Configuration,
    problem: &Finding<Spot>,
) -> (&'static str, &'a OsStr, &'a [u8]) {
    let file = configuration.file(problem.place.file);
    let line = match problem.place.is_whole() {
        true => &[],
        false => file.document.raw(problem.place.line as usize),
    };
    (problem.rule, file.host.as_os_str(), line)
}

/// The refusal for one problem.
fn broken(original: &Configuration, problem: &Finding<Spot>) -> PlanError {
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

/// The refusal for what is wrong only with HTTPS on.
pub(super) fn awakened(result: &Configuration, problem: &Finding<Spot>) -> PlanError {
    refuse(
        RefusalCode::WokenError,
        say![
            "with HTTPS on, a part of the configuration becomes active that Apache refuses: ",
            told(result, problem),
        ],
        "",
        "",
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
    let place = Place::at(configuration, &problem.place);
    say![place, ": ", sentence(configuration, &problem.summary)]
}
