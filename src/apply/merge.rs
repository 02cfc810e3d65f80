//! Three versions of a text, line by line: what two of them changed in the third, where they did not meet.

use std::ops::Range;

use crate::differences::{self, DiffOp};

/// What one version changed: lines of the common version, and what stands there instead.
type Hunk<'a> = (Range<usize>, Vec<&'a [u8]>);

/// Both changes to `base` together, or nothing where they touch the same lines, or put something at the same place.
pub fn merge(base: &[u8], one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    // A last line without an end is the same line when others come behind it.
    let end: &[u8] = match memchr::memchr(b'\n', base) {
        Some(at) if at > 0 && base[at - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    };
    let is_open = |text: &[u8]| !text.is_empty() && !text.ends_with(b"\n");
    let closed = |text: &[u8]| [text, if is_open(text) { end } else { b"" }].concat();
    let last = if is_open(one) == is_open(base) { other } else { one };
    let (base, one, other) = (closed(base), closed(one), closed(other));
    let mut merged = merge_lines(&lines_of(&base), &one, &other)?;
    if is_open(last) && lines_of(&merged).last().copied() == lines_of(&closed(last)).last().copied() {
        merged.truncate(merged.len() - end.len());
    }
    Some(merged)
}

fn merge_lines(lines: &[&[u8]], one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    let (first, mut second) = (hunks(lines, one), hunks(lines, other));
    let mut all: Vec<&Hunk> = Vec::new();
    for hunk in &first {
        for edit in &mut second {
            keep_out_of(hunk, edit, lines);
        }
        // The same change by both is one change.
        if second.contains(hunk) {
            continue;
        }
        let touches = |edit: &Hunk| hunk.0.start <= edit.0.end && edit.0.start <= hunk.0.end;
        if second.iter().any(|edit| meet(&hunk.0, &edit.0))
            || is_vague(hunk, lines) && second.iter().any(touches)
        {
            return None;
        }
        all.push(hunk);
    }
    all.extend(&second);
    all.sort_by_key(|(range, _)| (range.start, range.end));
    let mut merged: Vec<u8> = Vec::new();
    let mut at = 0;
    for (range, new) in all {
        merged.extend(lines[at..range.start].concat());
        merged.extend(new.concat());
        at = range.end;
    }
    merged.extend(lines[at..].concat());
    Some(merged)
}

/// Do two changes want the same lines, or the same place between two? Side by side they do not meet.
fn meet(one: &Range<usize>, other: &Range<usize>) -> bool {
    match (one.start == one.end, other.start == other.end) {
        (true, true) => one.start == other.start,
        (true, false) => other.start < one.start && one.start < other.end,
        (false, true) => one.start < other.start && other.start < one.end,
        (false, false) => one.start.max(other.start) < one.end.min(other.end),
    }
}

/// Lines that come between two of which one is the same: they may belong before or behind it.
fn is_vague((range, new): &Hunk, lines: &[&[u8]]) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| lines.get(at));
    range.start == range.end && (new.last() == before || new.first() == lines.get(range.start))
}

/// Lines that were put beside a hunk and begin or end as it does can be told as put into it. They are told as beside it.
fn keep_out_of(hunk: &Hunk, edit: &mut Hunk, lines: &[&[u8]]) {
    let (range, new) = edit;
    if range.start != range.end || !meet(&hunk.0, range) || hunk.0.start == hunk.0.end {
        return;
    }
    let up = |at: usize, new: &mut Vec<&[u8]>| {
        let is_same = new.last() == lines.get(at - 1);
        if is_same {
            new.rotate_right(1);
        }
        is_same
    };
    let down = |at: usize, new: &mut Vec<&[u8]>| {
        let is_same = new.first() == lines.get(at);
        if is_same {
            new.rotate_left(1);
        }
        is_same
    };
    let (mut at, mut moved) = (range.start, new.clone());
    while at > hunk.0.start && up(at, &mut moved) {
        at -= 1;
    }
    if at > hunk.0.start {
        (at, moved) = (range.start, new.clone());
        while at < hunk.0.end && down(at, &mut moved) {
            at += 1;
        }
        if at < hunk.0.end {
            return;
        }
    }
    *edit = (at..at, moved);
}

fn lines_of(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

fn hunks<'a>(base: &[&[u8]], changed: &'a [u8]) -> Vec<Hunk<'a>> {
    let new = lines_of(changed);
    let ops = differences::between(base, &new).into_iter();
    ops.filter(|op| !matches!(op, DiffOp::Equal { .. }))
        .map(|op| (op.old_range(), new[op.new_range()].to_vec()))
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

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
        // The very lines.
        assert_eq!(merge(ours, before, b"a\nListen 8443\nb\nc\nd\nours\n"), None);
        assert_eq!(merge(ours, before, before).as_deref(), Some(before));
    }

    #[test]
    fn edits_beside_survive() {
        let before = &b"a\nListen 80\n\nb"[..];
        let ours = b"a\nListen 443\n\nb\n\n<V>\nours\n</V>\n";
        for (now, merged) in [
            (
                &b"a\nListen 443\nx\n\nb\n\n<V>\nours\n</V>\n"[..],
                Some(&b"a\nListen 80\nx\n\nb"[..]),
            ),
            (
                b"x\nListen 443\n\nb\n\n<V>\nours\n</V>\n",
                Some(b"x\nListen 80\n\nb"),
            ),
            // Behind the section, and before it, with lines as it has them itself; the last line gets its end.
            (
                b"a\nListen 443\n\nb\n\n<V>\nours\n</V>\n\n<V>\ntheirs\n</V>\n",
                Some(b"a\nListen 80\n\nb\n\n<V>\ntheirs\n</V>\n"),
            ),
            (
                b"a\nListen 443\n\nb\n\n<V>\ntheirs\n</V>\n\n<V>\nours\n</V>\n",
                Some(b"a\nListen 80\n\nb\n\n<V>\ntheirs\n</V>\n"),
            ),
            // Into the section.
            (b"a\nListen 443\n\nb\n\n<V>\nours\nx\n</V>\n", None),
        ] {
            let text = String::from_utf8_lossy(now);
            assert_eq!(
                merge(ours, before, now).as_deref().map(String::from_utf8_lossy),
                merged.map(String::from_utf8_lossy),
                "{text}"
            );
        }
    }

    #[test]
    fn at_the_place_of_a_line_that_went_nothing_else_may_come() {
        // Our run took a line away; what stands there now may belong before or behind it.
        assert_eq!(merge(b"a\nb\n", b"a\nx\nb\n", b"a\ny\nb\n"), None);
        let same = merge(b"a\nb\n", b"a\nx\nb\n", b"a\nx\nb\n");
        assert_eq!(same.as_deref(), Some(&b"a\nx\nb\n"[..]));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        /// Our lines replace some, and somebody puts lines directly before or behind them, or changes the line there.
        #[test]
        fn original_and_edit(
            inner in vec("[abc]", 1..8),
            from in 1usize..8,
            count in 0usize..3,
            ours in vec("[abc]", 1..5),
            edit in vec("[abc]", 1..4),
            side in 0..4,
            is_plain in any::<bool>(),
        ) {
            // Told apart, all lines have one place; as they come, it may not be known what is beside ours.
            let tell = |word: &str, lines: &[String]| -> Vec<String> {
                let told = lines.iter().enumerate();
                told.map(|(at, line)| if is_plain { format!("{word} {at} {line}") } else { line.clone() }).collect()
            };
            let before = [vec!["top".into()], tell("old", &inner), vec!["end".into()]].concat();
            let (ours, edit) = (tell("ours", &ours), tell("edit", &edit));
            let from = from.min(before.len() - 1);
            let count = count.min(before.len() - 1 - from);
            let put = |lines: &[String], at: usize, gone: usize, new: &[String]| {
                let mut lines = lines.to_vec();
                lines.splice(at..at + gone, new.iter().cloned());
                lines
            };
            let after = put(&before, from, count, &ours);
            let (at, then, gone) = match side {
                0 => (from, from, 0),
                1 => (from + ours.len(), from + count, 0),
                2 => (from - 1, from - 1, 1),
                _ => (from + ours.len(), from + count, 1),
            };
            let now = put(&after, at, gone, &edit);
            let expected = put(&before, then, gone, &edit);
            let text = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let merged = merge(text(&after).as_bytes(), text(&before).as_bytes(), text(&now).as_bytes());
            let merged = merged.map(|bytes| String::from_utf8(bytes).unwrap());
            if is_plain {
                prop_assert_eq!(merged, Some(text(&expected)));
            } else if let Some(merged) = merged {
                // Of lines that are the same either may be ours.
                for line in merged.lines().map(str::to_owned) {
                    prop_assert!(before.contains(&line) || edit.contains(&line));
                }
            }
        }
    }
}
