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
    /// By the command line; `is_scheduled`: nobody is there who reads what is said beside.
    pub fn of(global: &Global, is_scheduled: bool) -> Volume {
        match (global.quiet || is_scheduled, global.verbose) {
            (_, true) if !global.quiet => Volume::Verbose,
            (true, _) => Volume::Quiet,
            (false, _) => Volume::Usual,
        }
    }
}
