//! One file: its bytes, unchanged, and its logical lines. Does not know what any directive means.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::edit::{Edit, Overlap, joined};
use super::line::{Line, Lines};
use super::scan::LineKind;
use super::{line, word};
use crate::httpd::model::platform::Platform;
use crate::parallel::in_parallel;

/// How the lines of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnding {
    /// LF
    Lf,
    /// CR LF
    CrLf,
}

impl LineEnding {
    /// Its bytes.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            LineEnding::Lf => b"\n",
            LineEnding::CrLf => b"\r\n",
        }
    }
}

/// A configuration file: bytes and the logical lines in them. Joining the spans of the lines (and the byte order
/// mark before them) gives the bytes.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Arc<Vec<u8>>,
    lines: Lines,
    /// How many lines have an end, and how many of them CR LF, when somebody has asked.
    endings: OnceLock<(usize, usize)>,
}

/// A comment line that holds a directive, such as `#LoadModule ssl_module modules/mod_ssl.so`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commented {
    /// The bytes that make it a comment: from the first `#` up to the directive's name.
    pub marks: Range<usize>,
    /// Name and arguments.
    pub words: Vec<Vec<u8>>,
}

impl Document {
    /// Reads the lines of a file. Every input is accepted; on Windows a UTF-8 byte order mark at the start is
    /// skipped, as httpd does there and only there.
    pub fn new(bytes: Vec<u8>, platform: Platform) -> Self {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        let from = if platform == Platform::Windows && bytes.starts_with(BYTE_ORDER_MARK) {
            3
        } else {
            0
        };
        let lines = line::split(&bytes, from);
        Document::of(bytes, lines)
    }

    fn of(bytes: Vec<u8>, lines: Lines) -> Self {
        Document {
            bytes: Arc::new(bytes),
            lines,
            endings: OnceLock::new(),
        }
    }

    /// The file after edits, all of it. Where they touch little of it, little is looked at again.
    ///
    /// # Errors
    /// When edits touch the same bytes, or reach beyond the file.
    pub fn edit(document: &mut Arc<Self>, edits: &[Edit], platform: Platform) -> Result<(), Overlap> {
        let (gone, new) = joined(&document.bytes, edits)?;
        let come = gone.start..gone.start + new.len();
        let counted = document.endings.get().copied();
        let counted = counted.map(|all| (all, endings(&document.bytes, gone.clone())));
        // A file that nobody else keeps is changed where it is: a hundred megabytes are not copied for a line.
        let own = Arc::get_mut(document).map(|own| std::mem::take(&mut own.bytes));
        let bytes = match own.map(Arc::try_unwrap) {
            Some(Ok(mut bytes)) => {
                bytes.splice(gone.clone(), new);
                bytes
            }
            Some(Err(shared)) => replaced(&shared, gone.clone(), &new),
            None => replaced(&document.bytes, gone.clone(), &new),
        };
        // A byte order mark is no part of the lines.
        let lines = (gone.start >= 3)
            .then(|| document.lines.edited(&bytes, gone, come.clone()))
            .flatten();
        let counted = counted.map(|((ends, crlf), before)| {
            let after = endings(&bytes, come);
            (ends - before.0 + after.0, crlf - before.1 + after.1)
        });
        let edited = match lines {
            Some(lines) => Document::of(bytes, lines),
            None => Document::new(bytes, platform),
        };
        *document = Arc::new(Document {
            endings: counted.map(OnceLock::from).unwrap_or_default(),
            ..edited
        });
        Ok(())
    }

    /// How many physical lines end before a byte.
    pub fn lines_before(&self, at: usize) -> usize {
        let count = |part: &[u8]| memchr::memchr_iter(b'\n', part).count();
        // What a NUL hides is a line feed to an editor.
        let line = match self.has_nul() {
            true => None,
            false => self
                .lines()
                .partition_point(|line| line.start as usize <= at)
                .checked_sub(1),
        };
        match line {
            Some(line) => {
                self.number(line) as usize - 1 + count(&self.bytes[self.lines()[line].start as usize..at])
            }
            None => count(&self.bytes[..at]),
        }
    }

    /// Does a NUL stand anywhere in it?
    pub(crate) fn has_nul(&self) -> bool {
        self.lines.nul
    }

    /// The file, as it is.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The same, to be kept beside it.
    pub fn shared_bytes(&self) -> Arc<Vec<u8>> {
        self.bytes.clone()
    }

    /// The logical lines, in order.
    pub fn lines(&self) -> &[Line] {
        &self.lines.all
    }

    /// Where a line stands, continuation lines and terminator included.
    pub fn span(&self, line: usize) -> Range<usize> {
        let next = self.lines().get(line + 1);
        let end = next.map_or(self.bytes.len(), |next| next.start as usize);
        self.lines()[line].start as usize..end
    }

    /// Number of the first physical line of a line, from 1.
    pub fn number(&self, line: usize) -> u32 {
        self.lines.number(line)
    }

    /// Number of its last physical line: the one in Apache's messages.
    pub fn last_number(&self, line: usize) -> u32 {
        if !self.lines()[line].is_composed() {
            return self.number(line);
        }
        // httpd counts a line before it finds the end of the file.
        self.number(line + 1) - 1 + u32::from(self.dangles(line))
    }

    /// Does its last physical line ask for a continuation that the file does not have? Text put behind such a line
    /// would become part of it.
    pub fn dangles(&self, line: usize) -> bool {
        self.lines()[line].is_composed() && line::dangles(self.raw(line))
    }

    /// The text of a line as Apache sees it: joined and trimmed.
    pub fn text(&self, line: usize) -> Cow<'_, [u8]> {
        line::text(self.raw(line), self.lines()[line].is_composed())
    }

    /// The bytes of a line, continuation lines and terminator included.
    pub fn raw(&self, line: usize) -> &[u8] {
        &self.bytes[self.span(line)]
    }

    /// The blanks a line starts with.
    pub fn indentation(&self, line: usize) -> &[u8] {
        let raw = self.raw(line);
        let end = raw
            .iter()
            .position(|&b| b != b' ' && b != b'\t')
            .unwrap_or(raw.len());
        &raw[..end]
    }

    /// The line ending that most lines have; LF in a file without any.
    pub fn line_ending(&self) -> LineEnding {
        let (ends, crlf) = self.endings.get_or_init(|| all_endings(&self.bytes));
        if crlf * 2 > *ends {
            LineEnding::CrLf
        } else {
            LineEnding::Lf
        }
    }

    /// The directive in a comment line, if there is one. Only text in which the comment mark is followed by a word
    /// and at least one argument counts; whether it is that directive or prose that begins like it, the caller
    /// decides by the number and form of the words.
    pub fn commented(&self, line: usize) -> Option<Commented> {
        let info = &self.lines()[line];
        if info.kind != LineKind::Comment {
            return None;
        }
        let raw = self.raw(line);
        let first = raw.iter().position(|&b| b == b'#')?;
        let name = first
            + raw[first..]
                .iter()
                .position(|&b| !matches!(b, b'#' | b' ' | b'\t'))?;
        let text = self.text(line);
        let inner = text
            .iter()
            .position(|&b| !matches!(b, b'#' | b' ' | b'\t'))
            .map(|at| &text[at..])?;
        let words: Vec<Vec<u8>> = word::words(inner).map(|w| w.value.into_owned()).collect();
        if words.len() < 2 {
            return None;
        }
        let start = info.start as usize;
        Some(Commented {
            marks: start + first..start + name,
            words,
        })
    }

    /// Where the arguments of a directive stand in the file: one range per word, the name first. `None` when the
    /// line is continued, and its words are not plain ranges of the file.
    pub fn word_spans(&self, line: usize) -> Option<Vec<Range<usize>>> {
        let info = &self.lines()[line];
        if info.is_composed() {
            return None;
        }
        let start = info.start as usize;
        let raw = self.raw(line);
        Some(
            word::words(raw)
                .map(|w| start + w.span.start..start + w.span.end)
                .collect(),
        )
    }

    /// What must precede text that is inserted behind a line so that it becomes a line of its own: nothing, a line
    /// ending (the file's last line has none), or what ends a continuation that points beyond the end of the file.
    pub fn separator_after(&self, line: usize) -> Vec<u8> {
        let ending = self.line_ending().as_bytes();
        let raw = self.raw(line);
        if self.dangles(line) {
            // Each further empty line takes one more backslash off what stands before it.
            let text = self.text(line);
            let backslashes = text.iter().rev().take_while(|&&b| b == b'\\').count();
            return ending.repeat(backslashes + 1);
        }
        if raw.ends_with(b"\n") {
            return Vec::new();
        }
        let visible = raw.strip_suffix(b"\r").unwrap_or(raw);
        let mut separator = Vec::new();
        if visible.ends_with(b"\\") {
            // At the end of the file this backslash is data; a line ending right behind it would make it a
            // continuation.
            separator.push(b' ');
        }
        separator.extend_from_slice(ending);
        separator
    }
}

/// The same bytes with others in one part, and room for some more.
fn replaced(bytes: &[u8], gone: Range<usize>, come: &[u8]) -> Vec<u8> {
    const MORE: usize = 16 << 10;
    let mut all = Vec::with_capacity(bytes.len() - gone.len() + come.len() + MORE.min(bytes.len()));
    all.extend_from_slice(&bytes[..gone.start]);
    all.extend_from_slice(come);
    all.extend_from_slice(&bytes[gone.end..]);
    all
}

/// How many lines a file has that end, and how many of them in CR LF.
fn all_endings(bytes: &[u8]) -> (usize, usize) {
    const PIECE: usize = 1 << 20;
    let pieces = bytes.len().div_ceil(PIECE);
    let ends = |n: usize| line_ends(bytes, n * PIECE..bytes.len().min((n + 1) * PIECE));
    let all = in_parallel(pieces, ends).into_iter();
    all.fold((0, 0), |(ends, crlf), more| (ends + more.0, crlf + more.1))
}

/// The same of a part, and of the byte behind it, whose line may end otherwise once the part is another.
fn endings(bytes: &[u8], part: Range<usize>) -> (usize, usize) {
    line_ends(bytes, part.start..(part.end + 1).min(bytes.len()))
}

fn line_ends(bytes: &[u8], part: Range<usize>) -> (usize, usize) {
    let ends = memchr::memchr_iter(b'\n', &bytes[part.clone()]);
    ends.fold((0, 0), |(ends, crlf), at| {
        let is_crlf = bytes[..part.start + at].ends_with(b"\r");
        (ends + 1, crlf + usize::from(is_crlf))
    })
}

impl Platform {
    /// The platform that a main file was written for: Windows when we run there, or when its server root has a
    /// drive letter.
    pub fn of(main: &[u8]) -> Platform {
        if Platform::HOST == Platform::Windows || names_a_drive(main) {
            Platform::Windows
        } else {
            Platform::Unix
        }
    }
}

/// Does a `ServerRoot`, or a `Define` before it, hold a path such as `C:/eSync/Apache24`?
fn names_a_drive(main: &[u8]) -> bool {
    // A server root stands near the start; a file of a hundred megabytes need not be looked through for it.
    let start = &main[..main.len().min(256 << 10)];
    // Most files hold nothing of the kind, and need not be split for it.
    let drive = |colon: usize| match (&start[..colon], start.get(colon + 1)) {
        // The letter of a continued line stands in the line before.
        ([.., b'\n'], _) | (_, Some(b'\\')) => true,
        ([.., before, letter], Some(b'/')) => letter.is_ascii_alphabetic() && !before.is_ascii_alphanumeric(),
        _ => false,
    };
    if !memchr::memchr_iter(b':', start).any(drive) {
        return false;
    }
    let document = Document::new(start.to_vec(), Platform::Windows);
    (0..document.lines().len())
        .filter(|line| document.lines()[*line].kind == LineKind::Directive)
        .any(|line| {
            let text = document.text(line);
            let words: Vec<_> = word::words(&text).take(3).map(|word| word.value).collect();
            let value = match words.as_slice() {
                [name, value, ..] if name.eq_ignore_ascii_case(b"ServerRoot") => value,
                [name, _, value] if name.eq_ignore_ascii_case(b"Define") => value,
                _ => return false,
            };
            matches!(&**value, [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_drive_letter_means_windows() {
        assert_eq!(
            Platform::of(b"define SRVROOT \"C:/x\"\r\nServerRoot \"${SRVROOT}\""),
            Platform::Windows
        );
        assert_eq!(Platform::of(b"ServerRoot C\\\r\n:/x"), Platform::Windows);
        assert_eq!(
            Platform::of(b"ServerRoot /etc\n# ServerRoot C:/x"),
            Platform::HOST
        );
    }

    fn document(text: &[u8]) -> Document {
        Document::new(text.to_vec(), Platform::Unix)
    }

    #[test]
    fn a_byte_order_mark_is_skipped_on_windows_only() {
        let bytes = b"\xef\xbb\xbfListen 80\n".to_vec();
        assert_eq!(
            &*Document::new(bytes.clone(), Platform::Windows).text(0),
            b"Listen 80"
        );
        assert_eq!(
            &*Document::new(bytes, Platform::Unix).text(0),
            b"\xef\xbb\xbfListen 80"
        );
    }

    proptest! {
        #[test]
        fn an_edit_keeps_count_of_the_line_endings(
            [before, old, new, behind] in prop::array::uniform4(proptest::collection::vec(
                prop::sample::select(vec!["a", "\\", "\r", "\n", "\r\n"]), 0..6)),
        ) {
            let [before, old, new, behind] = [before, old, new, behind].map(|parts| parts.concat().into_bytes());
            let document = document(&[&before[..], &old, &behind].concat());
            document.line_ending();
            let mut edit = Edit {
                file: "f".into(),
                span: before.len()..before.len() + old.len(),
                replacement: new,
                reason: String::new(),
            };
            let mut edited = Arc::new(document.clone());
            // Kept by somebody else the first time, by nobody the second.
            for time in 1..=2 {
                let bytes = [&before[..], &edit.replacement.repeat(time), &behind].concat();
                Document::edit(&mut edited, std::slice::from_ref(&edit), Platform::Unix).unwrap();
                prop_assert_eq!(edited.bytes(), &bytes);
                prop_assert_eq!(edited.endings.get(), Some(&all_endings(&bytes)));
                let fresh = Document::new(bytes, Platform::Unix);
                prop_assert_eq!(edited.lines(), fresh.lines());
                for at in 0..=fresh.bytes().len() {
                    let lines = fresh.bytes()[..at].iter().filter(|byte| **byte == b'\n').count();
                    prop_assert_eq!(edited.lines_before(at), lines);
                }
                edit.span = before.len()..before.len();
            }
        }
    }

    #[test]
    fn commented_directives_are_seen_in_any_spacing() {
        for text in [
            &b"#LoadModule a_module b.so\n"[..],
            b"  #  LoadModule a_module b.so\r\n",
            b"##\tLoadModule a_module b.so",
        ] {
            let doc = document(text);
            let found = doc.commented(0).unwrap();
            assert_eq!(
                found.words,
                [b"LoadModule".to_vec(), b"a_module".to_vec(), b"b.so".to_vec()]
            );
            assert!(doc.bytes()[found.marks.end..].starts_with(b"LoadModule"));
        }
        assert_eq!(document(b"# \n").commented(0), None);
        assert_eq!(document(b"#word\n").commented(0), None);
        assert_eq!(document(b"Listen 80\n").commented(0), None);
    }

    #[test]
    fn appended_text_becomes_a_line_of_its_own() {
        let files: [&[u8]; 9] = [
            b"a x\n",
            b"a x",
            b"a x \\\n",
            b"a x \\",
            b"a x\\\\\n",
            b"a x\\\r",
            b"a x\r\n",
            b"a x \\\r\n",
            b"a \\\\\\\n",
        ];
        for text in files {
            let doc = document(text);
            let before = doc.text(0).into_owned();
            let mut bytes = text.to_vec();
            bytes.extend(doc.separator_after(0));
            bytes.extend(b"new line\n");
            let after = document(&bytes);
            let texts: Vec<_> = (0..after.lines().len())
                .map(|i| after.text(i).into_owned())
                .collect();
            assert_eq!(texts.last().unwrap(), b"new line", "{text:?} -> {texts:?}");
            // `a x\\` LF at the end of the file reads `a x\`; only dropping the backslash can make room there.
            let dangling_data = doc.dangles(0) && before.ends_with(b"\\");
            assert!(texts[0] == before || dangling_data, "{text:?} -> {texts:?}");
        }
    }
}
