//! Physical lines to logical lines, by the rules of httpd's `ap_cfg_getline`. Knows nothing of words or sections.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter};

use super::scan::{LineKind, find_reference, is_space, kind, trim, trim_start};
use crate::httpd::fast::glance::{Glance, Tests, look};
use crate::httpd::fast::parallel::{in_parallel, processors};

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
    /// More than one physical line, or cut by a NUL: its text is not simply its bytes.
    pub(crate) composed: bool,
}

/// The lines of a file.
#[derive(Clone, Debug, Default)]
pub(in crate::httpd) struct Lines {
    pub all: Vec<Line>,
    /// Lines of more than one physical line, by index; with the number of physical lines up to there that begin no
    /// logical line.
    joined: Vec<(u32, u32)>,
    pub rare: Rare,
    tests: Tests,
}

impl Lines {
    /// Adds those of the piece behind it.
    fn append(&mut self, piece: Lines) {
        let before = self.all.len() as u32;
        let more = self.joined.last().map_or(0, |(_, more)| *more);
        let joined = piece.joined.iter().map(|(line, own)| (before + line, more + own));
        self.joined.extend(joined);
        if before == 0 {
            (self.all, self.tests) = (piece.all, piece.tests);
        } else {
            let moved = self.tests.append(piece.tests);
            self.all.extend(piece.all.into_iter().map(|line| Line {
                glance: moved(line.glance),
                ..line
            }));
        }
        self.rare.nul |= piece.rare.nul;
        self.rare.lone_return |= piece.rare.lone_return;
        self.rare.reference |= piece.rare.reference;
    }

    /// Number of the first physical line of a line, from 1.
    pub fn number(&self, line: usize) -> u32 {
        let before = self
            .joined
            .partition_point(|(joined, _)| (*joined as usize) < line);
        let more = before.checked_sub(1).map_or(0, |at| self.joined[at].1);
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

/// Bytes that are rare, so that it pays to know that a file has none of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rare {
    /// NUL
    pub nul: bool,
    /// A carriage return without a line feed behind it.
    pub lone_return: bool,
    /// `${`
    pub reference: bool,
}

impl Rare {
    /// Notes what begins in a part of a file.
    fn add(&mut self, source: &[u8], part: Range<usize>) {
        let bytes = &source[part.clone()];
        let lone = |at: usize| source.get(part.start + at + 1).is_none_or(|next| *next != b'\n');
        self.nul |= memchr(0, bytes).is_some();
        self.lone_return |= memchr_iter(b'\r', bytes).any(lone);
        let across = (part.end + 1).min(source.len());
        self.reference |= find_reference(&source[part.start..across]).is_some();
    }
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
    let mut lines = split_into(pieces, source, from);
    // What they ask for stands in the lines; that some are the same is all that is to be known.
    lines.tests = Tests::default();
    lines
}

/// The same in so many pieces at once.
fn split_into(pieces: usize, source: &[u8], from: usize) -> Lines {
    let ends = cuts(pieces, source, from);
    let piece = |n: usize| {
        let start = n.checked_sub(1).map_or(from, |before| ends[before]);
        split_piece(source, start..ends[n], false)
    };
    let mut lines = Lines::default();
    for piece in in_parallel(ends.len(), piece) {
        if piece.rare.nul {
            // It hides a line feed that follows, and so where lines end.
            return split_piece(source, from..source.len(), true);
        }
        lines.append(piece);
    }
    lines
}

/// The lines of a piece of a file; none if it is said to have no NUL and has one.
fn split_piece(source: &[u8], piece: Range<usize>, nul: bool) -> Lines {
    /// So much is looked through for what is rare before it is split, and still at hand then.
    const BLOCK: usize = 64 << 10;
    let mut lines = Lines {
        all: Vec::with_capacity(piece.len() / 30 + 1),
        ..Lines::default()
    };
    let mut more = 0;
    let mut looked = piece.start;
    let mut start = piece.start;
    while start < piece.end {
        while looked <= start {
            let end = (looked + BLOCK).min(piece.end);
            lines.rare.add(source, looked..end);
            looked = end;
        }
        if lines.rare.nul && !nul {
            return lines;
        }
        let end = memchr(b'\n', &source[start..]).map_or(source.len(), |at| start + at + 1);
        let physical = &source[start..end];
        // Also in a comment, which swallows the line behind it (the case comment-swallows-listen).
        let composed = continues(physical) || (nul && memchr(0, physical).is_some());
        let mut line = Line {
            start: start as u32,
            glance: Glance::NOTHING,
            kind: LineKind::Blank,
            composed,
        };
        if composed {
            let (length, ends) = logical_length(&source[start..], nul);
            start += length;
            let text = text(&source[line.start as usize..start], true);
            line.kind = kind(&text);
            line.glance = look(line.kind, &text, &mut lines.tests);
            // The file itself may have no such reference.
            if find_reference(&text).is_some() {
                line.glance = line.glance.before_substitution();
            }
            if ends > 1 {
                more += ends - 1;
                lines.joined.push((lines.all.len() as u32, more));
            }
        } else {
            start = end;
            let text = trim_start(physical);
            line.kind = kind(text);
            line.glance = look(line.kind, text, &mut lines.tests);
        }
        lines.all.push(line);
    }
    lines.rare.add(source, looked..piece.end);
    lines
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
                let show = |lines: &Lines| format!("{:?} {:?} {:?}", lines.all, lines.joined, lines.rare);
                prop_assert_eq!(show(&whole), show(&pieces));
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
