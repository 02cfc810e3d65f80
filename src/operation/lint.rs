//! The problems of a configuration. Finds none itself.

use serde::Serialize;

use super::environment::Where;
use super::find::Loaded;
use super::progress::Progress;
use super::{Failure, own_doing};
use crate::finding::{Finding, MacroLine, Origin, Place};
use crate::httpd::{Configuration, FileId, Spot};
use crate::lint;
use crate::severity::Counts;

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
        false => own_doing::problems(&loaded),
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

/// The answer for programs; the findings stand in the document itself.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LintReport"))]
pub struct Report {
    /// How many findings there are, also of those that `--quiet` leaves out.
    #[serde(flatten)]
    pub counts: Counts,
    /// How many files were read.
    pub file_count: usize,
}

/// All problems of a configuration, but what earlier runs did on purpose is none.
pub fn problems(loaded: &Loaded) -> Vec<Finding<Spot>> {
    own_doing::problems(loaded)
}

/// The problems as programs get them.
pub fn findings(loaded: &Loaded, problems: Vec<Finding<Spot>>) -> Vec<Finding> {
    let placed = problems.into_iter().map(|problem| {
        let origin = Origin {
            included_from: includes(loaded, problem.place.file),
            macro_line: problem.place.macro_place.as_ref().map(|place| MacroLine {
                name: place.name.to_string(),
                line: place.line as usize,
            }),
        };
        let mut finding = problem.placed(|spot| Some(place(loaded, &spot)));
        finding.origin = origin;
        finding
    });
    placed.collect()
}

/// The lines of a spot, or its file as a whole.
pub fn place(loaded: &Loaded, spot: &Spot) -> Place {
    let file = loaded.show(&loaded.configuration.file(spot.file).host);
    match numbers(&loaded.configuration, spot) {
        Some((first, last)) => Place::lines(file, first as usize, last as usize),
        None => Place::new(file, None),
    }
}

/// Numbers of the first and last physical line; 1 in an empty file, none where no line is at fault.
pub fn numbers(configuration: &Configuration, spot: &Spot) -> Option<(u32, u32)> {
    let document = &configuration.file(spot.file).document;
    let line = spot.line as usize;
    if spot.is_whole() {
        return None;
    }
    if line >= document.lines().len() {
        return Some((1, 1));
    }
    let number = document.number(line);
    Some((number, document.last_number(line).max(number)))
}

/// The `Include` lines that lead to a file, innermost first.
pub fn includes(loaded: &Loaded, mut file: FileId) -> Vec<Place> {
    let mut chain = Vec::new();
    while let Some((from, line)) = loaded.configuration.file(file).included_from {
        let read = loaded.configuration.file(from);
        let number = read.document.number(line as usize);
        chain.push(Place::new(loaded.show(&read.host), Some(number as usize)));
        file = from;
    }
    chain
}
