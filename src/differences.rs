//! What two sequences have in common, in order. The one user of `similar`.

use std::collections::HashMap;
use std::hash::Hash;

pub(crate) use similar::{DiffOp, diff_ratio, group_diff_ops};

use similar::algorithms::{Capture, Compact, Replace, myers};

/// How one sequence becomes another, from begin to end: what stays, what goes, what comes, and what stands instead of
/// what.
pub(crate) fn between<T: Eq + Hash>(old: &[T], new: &[T]) -> Vec<DiffOp> {
    let mut known = HashMap::with_capacity(old.len());
    let mut numbers = Vec::with_capacity(old.len() + new.len());
    for item in old.iter().chain(new) {
        let next = known.len();
        numbers.push(*known.entry(item).or_insert(next));
    }
    let (old, new) = numbers.split_at(old.len());
    of_numbers(old, new)
}

/// Not generic: the algorithm is large, and the compiler would make one of each kind of item.
fn of_numbers(old: &[usize], new: &[usize]) -> Vec<DiffOp> {
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    found.into_inner().into_inner().into_ops()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_is_found_whatever_the_items_are() {
        let found = between(&["a", "b", "c", "d"], &["b", "x", "d", "e"]);
        let told: Vec<_> = found
            .iter()
            .map(DiffOp::as_tag_tuple)
            .map(|(tag, old, new)| format!("{tag:?} {old:?} {new:?}"))
            .collect();
        assert_eq!(
            told,
            [
                "Delete 0..1 0..0",
                "Equal 1..2 0..1",
                "Replace 2..3 1..2",
                "Equal 3..4 2..3",
                "Insert 4..4 3..4"
            ]
        );
        assert!(between::<u8>(&[], &[]).is_empty());
    }
}
