//! Physical lines to logical lines, by the rules of httpd's `ap_cfg_getline`. Knows nothing of words or sections.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::scan::{LineKind, find_reference, is_space, kind, trim};
use crate::httpd::fast::glance::{Glance, Tests, look};
use crate::httpd::fast::scout::Scout;
use crate::parallel::{in_parallel, processors};

/// One logical line: one or more physical lines joined by a backslash before the line end. There may be millions of
/// them: where it ends and which number it has, the others tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Offset of its first byte in the file.
    pub start: u32,
    /// What a glance at it has shown.
    pub(crate) glance: Glance,
    /// What it is.
    pub kind: LineKind,
    marks: u8,
}

impl Line {
    const COMPOSED: u8 = 1;
    const REFERS: u8 = 2;

    /// More than one physical line, or cut by a NUL: its text is not simply its bytes.
    pub(crate) fn is_composed(&self) -> bool {
        self.marks & Line::COMPOSED != 0
    }

    /// Does its text hold `${`?
    pub(crate) fn refers(&self) -> bool {
        self.marks & Line::REFERS != 0
    }
}

/// The lines of a file.
#[derive(Clone, Debug, Default)]
pub(in crate::httpd) struct Lines {
    pub all: Vec<Line>,
    /// Lines of more than one physical line, by index; with the number of physical lines up to there that begin no
    /// logical line.
    joined: Vec<(u32, u32)>,
    /// Somewhere in it stands a NUL.
    pub nul: bool,
    tests: Tests,
}

impl Lines {
    /// Adds those of the piece behind it.
    fn append(&mut self, piece: Lines) {
        self.nul |= piece.nul;
        if self.all.is_empty() {
            (self.all, self.joined, self.tests) = (piece.all, piece.joined, piece.tests);
            return;
        }
        let moved = self.tests.append(piece.tests);
        let all = piece.all.into_iter().map(|line| Line {
            glance: moved(line.glance),
            ..line
        });
        self.add(all, piece.joined);
    }

    /// Adds lines behind, which are counted from the first of them.
    fn add(&mut self, all: impl IntoIterator<Item = Line>, joined: impl IntoIterator<Item = (u32, u32)>) {
        let before = self.all.len() as u32;
        let more = self.joined.last().map_or(0, |(_, more)| *more);
        let joined = joined.into_iter();
        self.joined
            .extend(joined.map(|(line, own)| (before + line, more + own)));
        self.all.extend(all);
    }

    /// The lines of the file after an edit that put `come` into the place of the bytes `gone`. Only those around it are split
    /// anew; `None` where that does not do.
    pub fn edited(&self, after: &[u8], gone: Range<usize>, come: Range<usize>) -> Option<Lines> {
        // A NUL hides line feeds, wherever it stands.
        if self.nul {
            return None;
        }
        let moved = |start: u32| start as usize - gone.end + come.end;
        // A line hangs on nothing behind its end, unless the file ends there.
        let kept = self.all.partition_point(|line| line.start as usize <= gone.start);
        let kept = kept.checked_sub(1)?;
        let from = self.all.get(kept)?.start as usize;
        let mut end = come.end;
        let (middle, resumed) = loop {
            let behind = end - come.end + gone.end;
            let resumed = self.all.partition_point(|line| (line.start as usize) < behind);
            let to = self
                .all
                .get(resumed)
                .map_or(after.len(), |line| moved(line.start));
            let middle;
            (middle, end) = split_piece(after, from..to, false, self.tests.clone());
            if middle.nul {
                return None;
            }
            // Else what stood behind goes on in what came.
            if end == to {
                break (middle, resumed);
            }
        };
        let mut lines = Lines {
            all: Vec::with_capacity(kept + middle.all.len() + self.all.len() - resumed),
            tests: middle.tests,
            ..Lines::default()
        };
        lines.add(
            self.all[..kept].iter().copied(),
            self.joined_before(kept).iter().copied(),
        );
        lines.add(middle.all, middle.joined);
        let rest = self.all[resumed..].iter().map(|line| Line {
            start: moved(line.start) as u32,
            ..*line
        });
        let before = self.joined_before(resumed);
        let more = before.last().map_or(0, |(_, more)| *more);
        let joined = self.joined[before.len()..].iter();
        lines.add(
            rest,
            joined.map(|(line, own)| (line - resumed as u32, own - more)),
        );
        Some(lines)
    }

    /// Those of more than one physical line before a line.
    fn joined_before(&self, line: usize) -> &[(u32, u32)] {
        let count = self
            .joined
            .partition_point(|(joined, _)| (*joined as usize) < line);
        &self.joined[..count]
    }

    /// Number of the first physical line of a line, from 1.
    pub fn number(&self, line: usize) -> u32 {
        let more = self.joined_before(line).last().map_or(0, |(_, more)| *more);
        line as u32 + 1 + more
    }
}

/// The text that Apache works on: joined, trimmed, cut at a NUL. `raw` is the whole logical line.
pub(in crate::httpd) fn text(raw: &[u8], composed: bool) -> Cow<'_, [u8]> {
    if !composed {
        return Cow::Borrowed(trim(raw));
    }
    let (mut text, _) = join(raw);
    text.truncate(text.len() - text.iter().rev().take_while(|b| is_space(**b)).count());
    text.drain(..text.iter().take_while(|b| is_space(**b)).count());
    Cow::Owned(text)
}

/// Does the last physical line of a composed line ask for a continuation that the file does not have?
pub(in crate::httpd) fn dangles(raw: &[u8]) -> bool {
    raw.ends_with(b"\n") && !join(raw).1
}

/// Splits a file into its logical lines. They follow each other without gaps from `from` (0, or 3 where a byte order
/// mark is skipped) to the end. The file must be smaller than 4 GiB.
pub(in crate::httpd) fn split(source: &[u8], from: usize) -> Lines {
    /// Smaller pieces are not worth a thread.
    const WORTHWHILE: usize = 512 << 10;
    let pieces = match (source.len() - from) / WORTHWHILE {
        0 | 1 => 1,
        most => most.min(processors()),
    };
    split_into(pieces, source, from)
}

/// The same in so many pieces at once.
fn split_into(pieces: usize, source: &[u8], from: usize) -> Lines {
    let ends = cuts(pieces, source, from);
    let piece = |n: usize| {
        let start = n.checked_sub(1).map_or(from, |before| ends[before]);
        split_piece(source, start..ends[n], false, Tests::default()).0
    };
    let mut lines = Lines::default();
    for piece in in_parallel(ends.len(), piece) {
        if piece.nul {
            // It hides a line feed that follows, and so where lines end.
            return split_piece(source, from..source.len(), true, Tests::default()).0;
        }
        lines.append(piece);
    }
    lines
}

/// The lines that begin in a piece of a file, and where the last one ends; not all of them if it is said to have no NUL and
/// has one.
fn split_piece(source: &[u8], piece: Range<usize>, nul: bool, tests: Tests) -> (Lines, usize) {
    let mut lines = Lines {
        all: Vec::with_capacity(piece.len() / 30 + 1),
        nul,
        tests,
        ..Lines::default()
    };
    let mut scout = Scout::new(source, piece.start);
    let mut more = 0;
    let mut start = piece.start;
    while start < piece.end {
        let end = memchr(b'\n', &source[start..]).map_or(source.len(), |at| start + at + 1);
        scout.look_up_to(end);
        if scout.nul && !nul {
            lines.nul = true;
            return (lines, start);
        }
        let physical = &source[start..end];
        // Also in a comment, which swallows the line behind it (the case comment-swallows-listen).
        let mut line = Line {
            start: start as u32,
            glance: Glance::NOTHING,
            kind: LineKind::Blank,
            marks: 0,
        };
        if continues(physical) || (nul && memchr(0, physical).is_some()) {
            let (length, ends) = logical_length(&source[start..], nul);
            let text = text(&source[start..start + length], true);
            start += length;
            // Physical lines that are joined may make a reference where the file has none.
            line.marks = Line::COMPOSED
                | if find_reference(&text).is_some() {
                    Line::REFERS
                } else {
                    0
                };
            scout.look_up_to(start);
            scout.refers_before(start);
            line.kind = kind(&text);
            line.glance = look(line.kind, &text, &mut lines.tests);
            if ends > 1 {
                more += ends - 1;
                lines.joined.push((lines.all.len() as u32, more));
            }
        } else {
            start = end;
            let text = trim(physical);
            line.marks = if scout.refers_before(end) { Line::REFERS } else { 0 };
            line.kind = kind(text);
            line.glance = look(line.kind, text, &mut lines.tests);
        }
        if line.refers() {
            line.glance = line.glance.before_substitution();
        }
        lines.all.push(line);
    }
    lines.nul |= scout.nul;
    (lines, start)
}

/// Where a file can be cut into at most so many pieces that are split one by one: the ends of the pieces.
fn cuts(pieces: usize, source: &[u8], from: usize) -> Vec<usize> {
    let size = (source.len() - from) / pieces;
    let mut ends = Vec::new();
    for piece in 1..pieces {
        let near = ends.last().copied().unwrap_or(from).max(from + piece * size);
        let cut = memchr_iter(b'\n', &source[near..])
            .map(|at| near + at)
            .find(|at| ends_a_line(&source[from..*at]));
        ends.extend(cut.map(|at| at + 1));
    }
    ends.push(source.len());
    ends.dedup();
    ends
}

/// Does a line feed behind this end a logical line, whatever precedes? Not so behind a backslash, nor where the
/// physical line is empty, as then the one before decides.
fn ends_a_line(before: &[u8]) -> bool {
    let visible = before.strip_suffix(b"\r").unwrap_or(before);
    !matches!(visible.last(), None | Some(b'\n' | b'\\'))
}

/// Does this physical line end in backslash LF or backslash CR LF?
fn continues(physical: &[u8]) -> bool {
    let n = physical.len();
    n >= 2
        && physical[n - 1] == b'\n'
        && (physical[n - 2] == b'\\' || (n >= 3 && physical[n - 2] == b'\r' && physical[n - 3] == b'\\'))
}

/// Length of the logical line at the start of `rest` and the number of physical lines in it.
fn logical_length(rest: &[u8], nul: bool) -> (usize, u32) {
    // Mostly the physical line alone tells whether it is continued; else what stands before it must be known.
    let alone = |physical: &[u8]| {
        let visible = physical.strip_suffix(b"\n").unwrap_or(physical);
        let visible = visible.strip_suffix(b"\r").unwrap_or(visible);
        (!nul && !visible.is_empty()).then(|| continues(physical))
    };
    let mut buffer = Vec::new();
    measure(rest, alone).unwrap_or_else(|| {
        let joined = measure(rest, |physical| Some(add_physical(&mut buffer, physical)));
        joined.unwrap_or_default()
    })
}

/// The same by asking of each physical line whether the next one belongs to it as well; `None` if it does not say.
fn measure(rest: &[u8], mut goes_on: impl FnMut(&[u8]) -> Option<bool>) -> Option<(usize, u32)> {
    let mut length = 0;
    let mut ends = 0;
    while length < rest.len() {
        let end = memchr(b'\n', &rest[length..]).map_or(rest.len(), |at| length + at + 1);
        let goes_on = goes_on(&rest[length..end])?;
        ends += 1;
        length = end;
        if !goes_on {
            break;
        }
    }
    Some((length, ends))
}

/// The joined text of a logical line, and whether it is complete (it is not when its last physical line asks for
/// another that does not exist).
fn join(line: &[u8]) -> (Vec<u8>, bool) {
    let mut buffer = Vec::with_capacity(line.len());
    let mut complete = true;
    let mut at = 0;
    while at < line.len() {
        let end = memchr(b'\n', &line[at..]).map_or(line.len(), |found| at + found + 1);
        complete = !add_physical(&mut buffer, &line[at..end]);
        at = end;
    }
    (buffer, complete)
}

/// Adds one physical line to the buffer as httpd does and says whether the next one belongs to it as well. The
/// backslash is looked for in the *buffer*: behind `a\\` an empty physical line continues once more.
pub(in crate::httpd) fn add_physical(buffer: &mut Vec<u8>, physical: &[u8]) -> bool {
    let visible = memchr(0, physical).map_or(physical, |nul| &physical[..nul]);
    buffer.extend_from_slice(visible);
    if buffer.last() != Some(&b'\n') {
        return false;
    }
    let mut length = buffer.len() - 1;
    if length > 0 && buffer[length - 1] == b'\r' {
        length -= 1;
    }
    if length > 0 && buffer[length - 1] == b'\\' {
        buffer.truncate(length - 1);
        return true;
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::httpd::{Document, Platform};

    fn document(source: &[u8]) -> Document {
        Document::new(source.to_vec(), Platform::Unix)
    }

    fn texts(source: &[u8]) -> Vec<(u32, u32, String)> {
        let document = document(source);
        (0..document.lines().len())
            .map(|line| {
                let text = String::from_utf8_lossy(&document.text(line)).into_owned();
                (document.number(line), document.last_number(line), text)
            })
            .collect()
    }

    fn one(source: &[u8]) -> String {
        let all = texts(source);
        assert_eq!(all.len(), 1, "{all:?}");
        all[0].2.clone()
    }

    #[test]
    fn continuation_joins_without_inserting_anything() {
        assert_eq!(one(b"Lis\\\nten 80\n"), "Listen 80");
        assert_eq!(one(b"Listen \\\r\n   80\r\n"), "Listen    80");
        assert_eq!(texts(b"a\\\nb\nc\n"), [(1, 2, "ab".into()), (3, 3, "c".into())]);
    }

    #[test]
    fn exactly_one_backslash_goes() {
        assert_eq!(one(b"a\\\\\nb\n"), "a\\b");
    }

    #[test]
    fn an_empty_line_behind_two_backslashes_continues_again() {
        assert_eq!(one(b"a\\\\\n\nb\n"), "ab");
    }

    #[test]
    fn a_blank_behind_the_backslash_keeps_it() {
        assert_eq!(texts(b"a\\ \nb\n"), [(1, 1, "a\\".into()), (2, 2, "b".into())]);
    }

    #[test]
    fn a_comment_swallows_the_next_line() {
        let document = document(b"# C:\\\nListen 80\n");
        assert_eq!(document.lines().len(), 1);
        assert_eq!(document.lines()[0].kind, LineKind::Comment);
    }

    #[test]
    fn end_of_file_rules() {
        assert_eq!(one(b"a\\"), "a\\");
        let dangling = document(b"a\\\n");
        assert_eq!(&*dangling.text(0), b"a");
        assert!(dangling.dangles(0));
        assert_eq!(dangling.last_number(0), 2);
        assert!(!document(b"a\n").dangles(0));
    }

    #[test]
    fn only_lf_ends_a_line() {
        assert_eq!(texts(b"# a\rListen 80\r").len(), 1);
    }

    #[test]
    fn a_nul_cuts_the_physical_line() {
        assert_eq!(
            texts(b"ab\0cd\\\nef\n"),
            [(1, 1, "ab".into()), (2, 2, "ef".into())]
        );
    }

    proptest! {
        #[test]
        fn pieces_give_the_lines_of_the_whole(
            parts in proptest::collection::vec(
                prop::sample::select(vec!["a", " ", "\\", "\r", "\n", "\\\n", "#x\n", "b\r\n", "${", "\0", "\n<IfModule a>\n", "\n<IfDefine a>\n"]), 0..60),
            pieces in 2..9_usize,
        ) {
            let text = |parts: &[&str]| parts.concat().into_bytes();
            let without_nul: Vec<&str> = parts.iter().copied().filter(|part| *part != "\0").collect();
            for source in [text(&parts), text(&without_nul)] {
                let [whole, pieces] = [1, pieces].map(|n| split_into(n, &source, 0));
                let show = |lines: &Lines| format!("{:?} {:?} {:?}", lines.all, lines.joined, lines.nul);
                prop_assert_eq!(show(&whole), show(&pieces));
            }
        }
    }

    proptest! {
        #[test]
        fn an_edit_gives_the_lines_of_the_edited(
            [before, old, new, behind] in prop::array::uniform4(proptest::collection::vec(
                prop::sample::select(vec!["a", " ", "\\", "\r", "\n", "\\\n", "#x\n", "b\r\n", "${", "\n<IfModule a>\n", "\n<IfDefine a>\n", "\0"]), 0..8)),
        ) {
            let [before, old, new, behind] = [before, old, new, behind].map(|parts| parts.concat().into_bytes());
            let [was, is] = [&old, &new].map(|middle| [&before[..], middle, &behind].concat());
            let [gone, come] = [&old, &new].map(|middle| before.len()..before.len() + middle.len());
            if let Some(edited) = split(&was, 0).edited(&is, gone, come) {
                // Conditionals of one text have one index, but not the same as in another order.
                let show = |lines: &Lines| {
                    let lines_of = lines.all.iter().map(|line| {
                        let Line { start, kind, marks, glance } = *line;
                        (start, kind, marks, glance.known_index(), glance.may_act(), glance.test().is_some())
                    });
                    format!("{:?} {:?} {:?}", lines_of.collect::<Vec<_>>(), lines.joined, lines.nul)
                };
                prop_assert_eq!(show(&edited), show(&split(&is, 0)));
            }
        }
    }

    #[test]
    fn spans_cover_the_file_without_gaps() {
        let source = b"a\\\n\\\nb\r\n\n\0\\\n# x\\\r\n y";
        let document = document(source);
        let mut at = 0;
        for line in 0..document.lines().len() {
            assert_eq!(document.span(line).start, at);
            at = document.span(line).end;
        }
        assert_eq!(at, source.len());
    }
}
