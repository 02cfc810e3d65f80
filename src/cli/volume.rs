//! How much is said.

use super::arguments::Global;

/// How much is said beside the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Volume {
    /// Errors and refusals only.
    Quiet,
    /// What people need to know.
    #[default]
    Usual,
    /// How it came to that as well.
    Verbose,
}

impl Volume {
    /// By the command line.
    pub fn of(global: &Global) -> Volume {
        match (global.quiet, global.verbose) {
            (true, _) => Volume::Quiet,
            (false, true) => Volume::Verbose,
            (false, false) => Volume::Usual,
        }
    }
}
