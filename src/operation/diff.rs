//! Unified diffs for people.

use std::ops::Range;

use crate::differences::{self, DiffOp, group_diff_ops};
use crate::shown::printable;

/// Lines around a change that are shown.
const CONTEXT: usize = 3;
/// Lines around what differs that are looked at: where lines repeat, a change may as well stand some lines further on.
const MARGIN: usize = 100;

/// Where a line (from 1) of what came stood before; nothing for one that is new.
pub fn line_before(before: &[u8], after: &[u8], line: usize) -> Option<usize> {
    let (skipped, before, after) = different(before, after);
    let Some(within) = line.checked_sub(skipped + 1) else {
        return Some(line);
    };
    let (before, after) = (lines(&before), lines(&after));
    if within >= after.len() {
        return Some(line - after.len() + before.len());
    }
    let ops = differences::between(&before, &after);
    match ops.iter().find(|op| op.new_range().contains(&within))? {
        DiffOp::Equal {
            old_index, new_index, ..
        } => Some(skipped + old_index + (within - new_index) + 1),
        _ => None,
    }
}

/// The unified diff of one file, with three lines of context. With `colour`, in the customary colours.
pub fn unified(path: &str, before: &[u8], after: &[u8], colour: bool) -> String {
    let (skipped, before, after) = different(before, after);
    let (before, after) = (lines(&before), lines(&after));
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m\n"),
        false => format!("{text}\n"),
    };
    let mut text = paint("1", &format!("--- {path}")) + &paint("1", &format!("+++ {path}"));
    for hunk in group_diff_ops(differences::between(&before, &after), CONTEXT) {
        let [old, new] = [DiffOp::old_range, DiffOp::new_range].map(|side| {
            let sides = || hunk.iter().map(side);
            let first = sides().map(|range| range.start).min().unwrap_or_default();
            let last = sides().map(|range| range.end).max().unwrap_or_default();
            shown(skipped + first..skipped + last)
        });
        text += &paint("36", &format!("@@ -{old} +{new} @@"));
        for op in hunk {
            let (old, new) = (&before[op.old_range()], &after[op.new_range()]);
            if let DiffOp::Equal { .. } = op {
                for line in old {
                    text += &told(line, |shown| format!(" {shown}\n"));
                }
                continue;
            }
            for line in old {
                text += &told(line, |shown| paint("31", &format!("-{shown}")));
            }
            for line in new {
                text += &told(line, |shown| paint("32", &format!("+{shown}")));
            }
        }
    }
    text
}

/// A line as the diff has it.
fn told(line: &[u8], painted: impl Fn(&str) -> String) -> String {
    match line.strip_suffix(b"\n") {
        Some(line) => painted(&printable(line)),
        None => painted(&printable(line)) + "\\ No newline at end of file\n",
    }
}

/// The lines of a text, with their ends.
fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

/// What differs of two texts with some lines around it, and how many lines are left out in front of it. A configuration
/// may be large and what changes in it is small: the rest is not split into lines.
fn different(before: &[u8], after: &[u8]) -> (usize, Vec<u8>, Vec<u8>) {
    let start = same_start(before, after);
    let end = same_end(&before[start..], &after[start..]);
    let skipped = memchr::memchr_iter(b'\n', &before[..start]).count();
    let part = |text: &[u8]| text[start..text.len() - end].to_vec();
    (skipped, part(before), part(after))
}

/// Lines (from 0) as the head of a hunk has them.
fn shown(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        count => format!("{},{count}", lines.start + 1),
    }
}

/// Bytes of whole lines with which both begin, but for some in front of what differs.
fn same_start(before: &[u8], after: &[u8]) -> usize {
    let mut same = equal(before.len().min(after.len()), |range| {
        before[range.clone()] == after[range]
    });
    for _ in 0..=MARGIN {
        same = memchr::memrchr(b'\n', &before[..same]).unwrap_or(0);
    }
    if same == 0 { 0 } else { same + 1 }
}

/// The same at the end.
fn same_end(before: &[u8], after: &[u8]) -> usize {
    let behind = |text: &[u8], range: Range<usize>| text.len() - range.end..text.len() - range.start;
    let same = equal(before.len().min(after.len()), |range| {
        before[behind(before, range.clone())] == after[behind(after, range)]
    });
    let mut from = before.len() - same;
    for _ in 0..=MARGIN {
        from = match memchr::memchr(b'\n', &before[from..]) {
            Some(at) => from + at + 1,
            None => before.len(),
        };
    }
    before.len() - from
}

/// How many bytes are the same, up to so many, of two texts that are compared in ranges.
fn equal(most: usize, is_same: impl Fn(Range<usize>) -> bool) -> usize {
    const STEP: usize = 4096;
    let mut same = 0;
    while same + STEP <= most && is_same(same..same + STEP) {
        same += STEP;
    }
    while same < most && is_same(same..same + 1) {
        same += 1;
    }
    same
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use similar::TextDiff;

    use super::{line_before, unified};

    #[test]
    fn a_change_with_its_surroundings() {
        let before = b"1\r\n2\r\n3\r\n4\r\nListen 80\r\nx";
        let after = b"1\r\n2\r\n3\r\n4\r\nListen 443\r\nx";
        assert_eq!(
            unified("conf/httpd.conf", before, after, false),
            "--- conf/httpd.conf\n+++ conf/httpd.conf\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-Listen 80\n+Listen 443\n x\n\
             \\ No newline at end of file\n"
        );
    }

    #[test]
    fn a_line_is_found_where_it_was() {
        let far: String = (0..150).map(|number| format!("{number}\n")).collect();
        let before = format!("{far}a\nb\n{far}c\n{far}");
        let after = format!("{far}new\na\n{far}c\nnew\n{far}");
        let of = |line| line_before(before.as_bytes(), after.as_bytes(), line);
        assert_eq!(
            [1, 150, 151, 152, 153, 303, 304, 305, 454].map(of),
            [
                Some(1),
                Some(150),
                None,
                Some(151),
                Some(153),
                Some(303),
                None,
                Some(304),
                Some(453)
            ]
        );
    }

    fn some_lines() -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(vec!["a\n", "b\n", "c\n", "\n"]), 0..9)
    }

    proptest! {
        /// What is left out beforehand is not missed.
        #[test]
        fn parts_show_what_the_whole_shows(
            (start, before, after, end) in (some_lines(), some_lines(), some_lines(), some_lines()),
            last in prop::sample::select(vec!["", "x"]),
        ) {
            let far: String = (0..150).map(|number| format!("{number}\n")).collect();
            let [start, end] = [start, end].map(|lines| lines.concat());
            let whole = |middle: Vec<&str>| format!("{far}{start}{}{end}{far}{last}", middle.concat());
            let (before, after) = (whole(before), whole(after));
            let expected = TextDiff::from_lines(&before, &after)
                .unified_diff()
                .context_radius(3)
                .header("f", "f")
                .to_string();
            let mut shown = unified("f", before.as_bytes(), after.as_bytes(), false);
            if before == after {
                shown.clear();
            }
            prop_assert_eq!(shown, expected);
        }
    }
}
