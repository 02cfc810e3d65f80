//! The pass over the entries in parts, on several processors at once, and what they found put together. Checks nothing.

use std::ops::Range;

use super::walk::Walk;
use crate::httpd::{Configuration, EntryId, SERVER};
use crate::parallel::{self, in_parallel};

/// In how many parts it pays.
pub(super) fn worthwhile(c: &Configuration) -> usize {
    /// Fewer entries are not worth a thread.
    const SMALL: usize = 10_000;
    parallel::parts(c.entry_count() / SMALL)
}

/// Carries out all entries, in so many parts at most.
pub(super) fn carry_out(walk: Walk<'_>, most: usize) -> Walk<'_> {
    let c = walk.c;
    let parts = parts(c, most);
    let done = in_parallel(parts.len(), |n| {
        let mut walk = walk.part(parts[n].start);
        walk.entries(parts[n].clone());
        walk.contexts.leave();
        walk
    });
    done.into_iter().fold(walk, Walk::append)
}

/// Parts of about one size. Each begins at the server level, so that no section reaches from one into the next.
fn parts(c: &Configuration, most: usize) -> Vec<Range<EntryId>> {
    let size = c.entry_count() / most;
    let mut parts = Vec::with_capacity(most);
    let mut start = 0;
    for part in 1..most {
        let near = (part * size).max(start + 1);
        let begins = c
            .entries_from(near as EntryId)
            .position(|entry| entry.section == SERVER);
        let Some(begins) = begins else { break };
        parts.push(start as EntryId..(near + begins) as EntryId);
        start = near + begins;
    }
    parts.push(start as EntryId..c.entry_count() as EntryId);
    parts
}
