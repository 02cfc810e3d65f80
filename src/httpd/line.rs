//! Physical lines to logical lines, by the rules of httpd's `ap_cfg_getline`. Knows nothing of words or sections.

use std::borrow::Cow;

use memchr::memchr;

/// What a logical line is by its first byte, before variables are substituted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// White space only.
    Blank,
    /// The first byte that is not white space is `#`.
    Comment,
    /// Anything else that is not a section tag.
    Directive,
    /// The first word starts with `<`.
    SectionOpening,
    /// The first word starts with `</`.
    SectionClosing,
}

/// One logical line: one or more physical lines joined by a backslash before the line end.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Offset of its first byte in the file.
    pub start: u32,
    /// Offset behind its last byte, line terminator included.
    pub end: u32,
    /// Number of its first physical line, from 1.
    pub number: u32,
    /// What it is.
    pub kind: LineKind,
    /// More than one physical line, or cut by a NUL: its text is not simply its bytes.
    pub(crate) composed: bool,
}

impl Line {
    /// The bytes of the whole line, continuation lines and terminator included.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The text that Apache works on: joined, trimmed, cut at a NUL. `source` is the whole file.
    pub fn text<'a>(&self, source: &'a [u8]) -> Cow<'a, [u8]> {
        let bytes = &source[self.span()];
        if self.composed {
            let (text, _) = join(bytes);
            Cow::Owned(trim(&text).to_vec())
        } else {
            Cow::Borrowed(trim(bytes))
        }
    }

    /// Number of its last physical line: the one in Apache's messages.
    pub fn last_number(&self, source: &[u8]) -> u32 {
        let bytes = &source[self.span()];
        if !self.composed {
            return self.number;
        }
        let ends = memchr::memchr_iter(b'\n', bytes).count() as u32;
        let physical = ends + u32::from(!bytes.ends_with(b"\n"));
        // httpd counts a line before it finds the end of the file.
        self.number + physical - 1 + u32::from(self.dangles(source))
    }

    /// Does its last physical line ask for a continuation that the file does not have? Text put behind such a
    /// line would become part of it.
    pub fn dangles(&self, source: &[u8]) -> bool {
        self.composed && {
            let bytes = &source[self.span()];
            bytes.ends_with(b"\n") && !join(bytes).1
        }
    }
}

/// White space as Apache's C-locale `isspace` has it.
pub fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Without white space at both ends.
pub fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_space(*first) {
            break;
        }
        bytes = rest;
    }
    while let [rest @ .., last] = bytes {
        if !is_space(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// Splits a file into its logical lines. Their spans follow each other without gaps from `from` (0, or 3 where a
/// byte order mark is skipped) to the end. The file must be smaller than 4 GiB.
pub fn split(source: &[u8], from: usize) -> Vec<Line> {
    let nul = memchr(0, source).is_some();
    let mut lines = Vec::with_capacity(source.len() / 40 + 1);
    let mut start = from;
    let mut number = 1;
    while start < source.len() {
        let end = memchr(b'\n', &source[start..]).map_or(source.len(), |at| start + at + 1);
        let physical = &source[start..end];
        let (end, ends, composed) = if continues(physical) || (nul && memchr(0, physical).is_some()) {
            let (length, ends) = logical_length(&source[start..]);
            (start + length, ends, true)
        } else {
            (end, 1, false)
        };
        let mut line = Line {
            start: start as u32,
            end: end as u32,
            number,
            kind: LineKind::Blank,
            composed,
        };
        line.kind = if composed {
            kind(&line.text(source))
        } else {
            kind(physical)
        };
        lines.push(line);
        number += ends;
        start = end;
    }
    lines
}

/// What a line is, from its text.
pub(crate) fn kind(text: &[u8]) -> LineKind {
    let Some(at) = text.iter().position(|&b| !is_space(b)) else {
        return LineKind::Blank;
    };
    match text[at] {
        b'#' => LineKind::Comment,
        b'<' if text.get(at + 1) == Some(&b'/') => LineKind::SectionClosing,
        b'<' => LineKind::SectionOpening,
        // A quoted first word is unquoted before Apache looks at it: `"<Directory" /x>` opens a section.
        b'"' | b'\'' => match (text.get(at + 1), text.get(at + 2)) {
            (Some(b'<'), Some(b'/')) => LineKind::SectionClosing,
            (Some(b'<'), _) => LineKind::SectionOpening,
            _ => LineKind::Directive,
        },
        _ => LineKind::Directive,
    }
}

/// Does this physical line end in backslash LF or backslash CR LF?
fn continues(physical: &[u8]) -> bool {
    let n = physical.len();
    n >= 2
        && physical[n - 1] == b'\n'
        && (physical[n - 2] == b'\\' || (n >= 3 && physical[n - 2] == b'\r' && physical[n - 3] == b'\\'))
}

/// Length of the logical line at the start of `rest` and the number of physical lines in it.
fn logical_length(rest: &[u8]) -> (usize, u32) {
    let mut buffer = Vec::new();
    let mut length = 0;
    let mut ends = 0;
    while length < rest.len() {
        let end = memchr(b'\n', &rest[length..]).map_or(rest.len(), |at| length + at + 1);
        ends += 1;
        let goes_on = add_physical(&mut buffer, &rest[length..end]);
        length = end;
        if !goes_on {
            break;
        }
    }
    (length, ends)
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
pub(super) fn add_physical(buffer: &mut Vec<u8>, physical: &[u8]) -> bool {
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
    use super::*;

    fn texts(source: &[u8]) -> Vec<(u32, u32, String)> {
        split(source, 0)
            .iter()
            .map(|l| {
                (
                    l.number,
                    l.last_number(source),
                    String::from_utf8_lossy(&l.text(source)).into_owned(),
                )
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
        let all = split(b"# C:\\\nListen 80\n", 0);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].kind, LineKind::Comment);
    }

    #[test]
    fn end_of_file_rules() {
        assert_eq!(one(b"a\\"), "a\\");
        let source = b"a\\\n";
        let line = split(source, 0)[0];
        assert_eq!(&*line.text(source), b"a");
        assert!(line.dangles(source));
        assert_eq!(line.last_number(source), 2);
        assert!(!split(b"a\n", 0)[0].dangles(b"a\n"));
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

    #[test]
    fn spans_cover_the_file_without_gaps() {
        let source = b"a\\\n\\\nb\r\n\n\0\\\n# x\\\r\n y";
        let mut at = 0;
        for line in split(source, 0) {
            assert_eq!(line.start as usize, at);
            at = line.end as usize;
        }
        assert_eq!(at, source.len());
    }
}
