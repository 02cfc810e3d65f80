//! The problems of a configuration. Finds none itself.

use serde::Serialize;

use super::Failure;
use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use crate::finding::{Finding, Phase};
use crate::httpd::{Configuration, FileId, Spot};
use crate::lint;

/// Finds the problems of a configuration; only the errors, where that is enough.
///
/// # Errors
/// When there is none, or it must not be shown.
pub fn run(only_errors: bool, place: &Where, progress: &dyn Progress) -> Result<Linted, Failure> {
    let loaded = Loaded::find(place)?;
    match only_errors {
        // Whoever wants to hear of nothing but errors is told of the server with them.
        true => loaded.record(progress),
        false => loaded.introduce(progress),
    }
    loaded.refuse_private_keys()?;
    let problems = match only_errors {
        true => lint::errors(&loaded.configuration),
        false => lint::check(&loaded.configuration),
    };
    Ok(Linted { loaded, problems })
}

/// A configuration with its problems.
pub struct Linted {
    /// The configuration.
    pub loaded: Loaded,
    /// What is wrong with it.
    pub problems: Vec<Finding<Spot>>,
}

/// A problem for programs. `phase` says when Apache notices: `reading` and `checking` are seen by `httpd -t`,
/// `starting` is not.
#[derive(Serialize)]
pub struct Report {
    pub(crate) file: String,
    pub(crate) first_line: u32,
    pub(crate) last_line: u32,
    pub(crate) code: &'static str,
    pub(crate) severity: &'static str,
    pub(crate) phase: Option<Phase>,
    pub(crate) apache: Option<String>,
    pub(crate) message: String,
    /// Matters only if a condition holds that could not be decided.
    pub(crate) uncertain: bool,
    /// The `Include` lines that lead to the file, innermost first.
    pub(crate) included_from: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) macro_line: Option<String>,
}

/// The problems as programs get them.
pub fn reports(loaded: &Loaded, problems: &[Finding<Spot>]) -> Vec<Report> {
    let configuration = &loaded.configuration;
    problems
        .iter()
        .map(|problem| {
            let (first_line, last_line) = numbers(configuration, &problem.place);
            Report {
                file: loaded.show(&configuration.file(problem.place.file).host),
                first_line,
                last_line,
                code: problem.rule,
                severity: if problem.is_error() { "error" } else { "warning" },
                phase: problem.phase,
                apache: problem.apache.clone(),
                message: problem.summary.clone(),
                uncertain: problem.uncertain,
                included_from: includes(loaded, problem.place.file),
                macro_line: problem
                    .place
                    .macro_place
                    .as_ref()
                    .map(|place| format!("line {} of {}", place.line, place.name)),
            }
        })
        .collect()
}

/// Numbers of the first and last physical line; 1 in an empty file.
pub fn numbers(configuration: &Configuration, spot: &Spot) -> (u32, u32) {
    let document = &configuration.file(spot.file).document;
    let line = spot.line as usize;
    if line >= document.lines().len() {
        return (1, 1);
    }
    let number = document.number(line);
    (number, document.last_number(line).max(number))
}

/// The `Include` lines that lead to a file, innermost first.
pub fn includes(loaded: &Loaded, mut file: FileId) -> Vec<String> {
    let mut chain = Vec::new();
    while let Some((from, line)) = loaded.configuration.file(file).included_from {
        let read = loaded.configuration.file(from);
        let number = read.document.number(line as usize);
        chain.push(format!("{}:{number}", loaded.show(&read.host)));
        file = from;
    }
    chain
}
