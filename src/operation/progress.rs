//! How an operation says what it does while it does it.

use super::explained::LogReport;
use crate::apply::Unfinished;
use crate::check::{Code, Finding};

/// Who is told how an operation goes. By default nobody.
pub trait Progress {
    /// A line for people.
    fn talk(&self, _text: &str) {}

    /// What was read or asked, or what was decided and why: for who wants to know how it came to what it says.
    fn detail(&self, _text: &str) {}

    /// Nothing needs to change, and why.
    fn unchanged(&self, _why: &str) {}

    /// What is about to be done, or would be.
    fn preview(&self, _preview: &Preview) {}

    /// What all of it comes to, in a few lines: the last that is said before it is done, or asked for.
    fn summary(&self, _lines: &[String]) {}

    /// A step begins that may take long; one before it is over.
    fn step(&self, _what: &str) {}

    /// It is over.
    fn step_done(&self) {}

    /// Something is waited for so long already, about once a second.
    fn waiting(&self, seconds: u64, why: &str) {
        self.talk(&waiting(seconds, why));
    }

    /// Findings; those of `forced` are overridden.
    fn findings(&self, _found: &[Finding], _forced: &[Code]) {}

    /// What logs say.
    fn logs(&self, _report: &LogReport) {}

    /// A run left its changes half done, or is at work right now; what undoes it.
    fn interrupted(&self, _run: &Unfinished, _remedy: &str) {}

    /// From now on everything waits: what is said may have to be said anew.
    fn hold(&self) {}

    /// What waits is said, and all that follows at once.
    fn release(&self) {}

    /// What waits is not said, and all that follows at once.
    fn discard(&self) {}

    /// A line that comes before all that waits.
    fn first(&self, _text: &str) {}
}

/// How long something is waited for, as a line of its own.
pub fn waiting(seconds: u64, why: &str) -> String {
    match why {
        "" => format!("  … {seconds} s"),
        why => format!("  … {seconds} s: {why}"),
    }
}

/// Does something that may take long.
pub fn during<T>(progress: &dyn Progress, what: &str, act: impl FnOnce() -> T) -> T {
    progress.step(what);
    let result = act();
    progress.step_done();
    result
}

/// What is about to be done.
pub struct Preview<'a> {
    /// What the lines are.
    pub title: String,
    /// What happens, name by name.
    pub lines: Vec<String>,
    /// The files that change.
    pub files: Vec<Difference<'a>>,
}

/// One file before and after.
pub struct Difference<'a> {
    /// As people know it.
    pub name: String,
    /// Its bytes now.
    pub before: &'a [u8],
    /// Its bytes then.
    pub after: &'a [u8],
}
