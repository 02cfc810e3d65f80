//! Judges directives: what Apache checks when it carries out the stored ones, and the silent traps beside it. All of it
//! in one pass over the entries; what is wrong with the text itself, the reader has found. Does not know what modules
//! make of the values of their directives, mod_ssl's excepted.

mod arity;
mod context;
mod expression;
mod host;
mod hosts;
mod kind;
mod listen;
mod needs;
mod options;
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

use crate::finding::Finding;
use crate::httpd::{Configuration, Spot};
use walk::Walk;

pub use reach::{Reach, reach};
pub use ssl::names_no_protocol;

/// Everything that is wrong: what the reader found ([`Configuration::problems`]), what Apache finds when it carries the
/// directives out or starts, and what it accepts although it probably does not mean what was intended. In the order of
/// files and lines. Costs a pass over all entries.
pub fn check(configuration: &Configuration) -> Vec<Finding<Spot>> {
    check_in(configuration, parts::worthwhile(configuration), false)
}

/// Those of [`check`] that Apache refuses, be it certain or not. Costs less.
pub fn errors(configuration: &Configuration) -> Vec<Finding<Spot>> {
    check_in(configuration, parts::worthwhile(configuration), true)
}

fn check_in(configuration: &Configuration, most: usize, errors_only: bool) -> Vec<Finding<Spot>> {
    let mut walk = Walk::new(configuration, errors_only, pass::judged());
    text::check(&mut walk);
    let mut walk = parts::carry_out(walk, most);
    walk.guess();
    listen::check(&mut walk);
    server::check(&mut walk);
    host::check(&mut walk);
    let mut found = walk.found;
    let reading = configuration.problems().iter();
    found.extend(
        reading
            .filter(|finding| !errors_only || finding.severity.is_error())
            .cloned(),
    );
    // What is wrong with a file as a whole stands before its lines.
    found.sort_by_key(|finding| (finding.place.file, finding.place.line.wrapping_add(1)));
    found.iter_mut().for_each(kind::fill_in);
    found
}

#[cfg(test)]
mod tests;
