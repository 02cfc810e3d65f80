//! Three versions of a text, line by line: what two of them changed in the third, where they did not meet.

use std::ops::Range;

use similar::{DiffTag, TextDiff};

/// What one version changed: lines of the common version, and what stands there instead.
type Hunk<'a> = (Range<usize>, Vec<&'a [u8]>);

/// Both changes to `base` together, or nothing where they touch the same or adjoining lines.
pub fn merge(base: &[u8], one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let lines: Vec<&[u8]> = base.split_inclusive(|&byte| byte == b'\n').collect();
    let (first, second) = (hunks(base, one), hunks(base, other));
    let mut all: Vec<&Hunk> = Vec::new();
    for hunk in &first {
        let meets = |other: &&Hunk| hunk.0.start <= other.0.end && other.0.start <= hunk.0.end;
        match second.iter().find(meets) {
            // The same change by both is one change.
            Some(same) if same == hunk => {}
            Some(_) => return None,
            None => all.push(hunk),
        }
    }
    all.extend(&second);
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let mut merged = Vec::new();
    let mut at = 0;
    for (range, new) in all {
        merged.extend(lines[at..range.start].concat());
        merged.extend(new.concat());
        at = range.end;
    }
    merged.extend(lines[at..].concat());
    Some(merged)
}

fn hunks<'a>(base: &'a [u8], changed: &'a [u8]) -> Vec<Hunk<'a>> {
    let new: Vec<&[u8]> = changed.split_inclusive(|&byte| byte == b'\n').collect();
    let old: Vec<&[u8]> = base.split_inclusive(|&byte| byte == b'\n').collect();
    let diff = TextDiff::from_slices(&old, &new);
    let ops = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    ops.map(|op| (op.old_range(), new[op.new_range()].to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::merge;

    #[test]
    fn edits_elsewhere_survive() {
        let [before, ours, now, merged] = [
            &b"a\nListen 80\nb\nc\nd\n"[..],
            b"a\nListen 443\nb\nc\nd\nours\n",
            b"top\na\nListen 443\nb\nC\nd\nours\n",
            b"top\na\nListen 80\nb\nC\nd\n",
        ];
        assert_eq!(merge(ours, before, now).as_deref(), Some(merged));
        // The very lines, or those beside them.
        assert_eq!(merge(ours, before, b"a\nListen 8443\nb\nc\nd\nours\n"), None);
        assert_eq!(merge(ours, before, b"a\nListen 443\nx\nb\nc\nd\nours\n"), None);
        assert_eq!(merge(ours, before, before).as_deref(), Some(before));
    }
}
