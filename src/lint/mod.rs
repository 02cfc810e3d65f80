//! Judges directives: what Apache checks when it carries out the stored ones, and the silent traps beside it. All of it
//! in one pass over the entries; what is wrong with the reading itself, the reader has found. Does not know what modules
//! make of the values of their directives, mod_ssl's excepted.

mod arity;
mod context;
mod expression;
mod host;
mod hosts;
mod listen;
mod parts;
mod pass;
mod reach;
mod section;
mod server;
mod ssl;
mod text;
mod trap;
mod unknown;
mod walk;

use crate::httpd::{Configuration, Problem, Severity};
use walk::Walk;

pub use reach::Reach;
pub use ssl::names_no_protocol;

impl Configuration {
    /// Everything that is wrong: what [`Configuration::problems`] has from reading, what Apache finds when it
    /// carries the directives out or starts, and what it accepts although it probably does not mean what was
    /// intended. In the order of files and lines. Costs a pass over all entries.
    pub fn check(&self) -> Vec<Problem> {
        self.check_in(parts::worthwhile(self), Severity::Warning)
    }

    /// Those of [`Configuration::check`] that are errors. Costs less.
    pub fn errors(&self) -> Vec<Problem> {
        self.check_in(parts::worthwhile(self), Severity::Error)
    }

    fn check_in(&self, most: usize, least: Severity) -> Vec<Problem> {
        let mut walk = Walk::new(self, least);
        text::check(&mut walk);
        let mut walk = parts::carry_out(walk, most);
        walk.guess();
        listen::check(&mut walk);
        server::check(&mut walk);
        host::check(&mut walk);
        let mut problems = walk.problems;
        let reading = self.problems().iter();
        problems.extend(reading.filter(|problem| problem.severity >= least).cloned());
        problems.sort_by_key(|problem| (problem.file, problem.line));
        problems
    }
}

#[cfg(test)]
mod tests;
