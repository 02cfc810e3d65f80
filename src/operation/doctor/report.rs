//! What `doctor` says: causes, what is well, and one next step. Types alone.

use serde::Serialize;

use super::observed::Source;
use crate::check::{Code, Finding};
use crate::place::Place;
use crate::severity::Counts;

/// Everything that is wrong with a server, each cause once, and what is well.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorReport"))]
pub struct Report {
    /// In one word.
    pub verdict: Verdict,
    /// Whether Apache runs; null of a configuration for another machine.
    pub is_running: Option<bool>,
    /// What is wrong, the worst first.
    pub causes: Vec<Cause>,
    /// How many more findings are left out, none of them worse than what their command tells first.
    pub more_finding_count: usize,
    /// What was looked at, one for each command that tells more.
    pub sections: Vec<Section>,
    /// What to do next, in a sentence.
    pub next_step: String,
    /// What `--fix` did, in its order.
    pub fixes: Vec<Fixed>,
    /// How many causes there are of each level.
    #[serde(flatten)]
    pub counts: Counts,
}

impl Report {
    /// What is wrong, as all commands tell it.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.causes.iter().map(|cause| &cause.finding)
    }
}

/// How a server is, in one word. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorVerdict"))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nothing is wrong; there may be advice.
    Healthy,
    /// Nothing keeps Apache or its clients from working, and there are warnings.
    HealthyWithWarnings,
    /// Something keeps Apache from starting or clients from being served.
    Errors,
}

/// A cause.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorCause"))]
pub struct Cause {
    /// What it is. Its severity is the worst of all that comes of it.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who saw it, each once.
    pub seen_by: Vec<Source>,
    /// Further places of the same cause.
    pub places: Vec<Place>,
    /// Entries of logs that say it, the first few.
    pub log_lines: Vec<String>,
    /// How often logs say it.
    pub log_count: usize,
    /// What comes of it.
    pub effects: Vec<Effect>,
    /// What `--fix` offers; null where a person has to do it.
    pub remedy: Option<Remedy>,
}

/// What comes of a cause.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorEffect"))]
pub struct Effect {
    /// Who saw it.
    pub seen_by: Source,
    /// What it is called there.
    pub code: Code,
    /// What it says there.
    pub summary: String,
    /// Where it is; null where it is no place in a file.
    pub place: Option<Place>,
    /// Where it was seen, such as an address; null where that says nothing.
    pub at: Option<String>,
    /// It was so at an earlier start, and is not so anymore.
    pub is_past: bool,
}

/// What `--fix` can do. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorRemedy"))]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// Put back what was there before a run that was killed, as `restore --recover`.
    Recover,
    /// Name the missing intermediate certificates, which are in a file beside, as `enable --chain`.
    CompleteChain,
    /// Restart or start Apache, as `restart`.
    Restart,
    /// Have certificates renewed twice a day, as `schedule on`.
    Schedule,
}

/// What became of a remedy.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorFix"))]
pub struct Fixed {
    /// What was offered.
    pub remedy: Remedy,
    /// What became of it.
    pub result: FixResult,
    /// The same in a sentence.
    pub message: String,
}

/// What became of a remedy. The list may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorFixResult"))]
#[serde(rename_all = "kebab-case")]
pub enum FixResult {
    /// It was done.
    Done,
    /// The answer was not yes.
    Declined,
    /// It was refused or did not succeed; all is as it was.
    Failed,
}

/// One of the things that were looked at.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorSection"))]
pub struct Section {
    /// The command that tells more.
    pub command: Source,
    /// How it is.
    pub state: SectionState,
    /// The same in a sentence.
    pub message: String,
}

/// How a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DoctorSectionState"))]
#[serde(rename_all = "kebab-case")]
pub enum SectionState {
    /// No errors and no warnings there.
    Good,
    /// There are; they are among the causes.
    Faults,
    /// It was not looked at; the sentence says why.
    NotLookedAt,
}
