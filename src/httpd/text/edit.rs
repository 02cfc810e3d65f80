//! Edits: which bytes change, where and why. Does not decide any of it.

use std::ops::Range;
use std::path::PathBuf;

/// One change of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The file, as this program opens it.
    pub file: PathBuf,
    /// The bytes that go; empty for an insertion.
    pub span: Range<usize>,
    /// The bytes that come instead.
    pub replacement: Vec<u8>,
    /// Why, as a sentence for people.
    pub reason: String,
}

/// Two edits that touch the same bytes, or one that reaches beyond the file: a mistake of the planner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The later of the two edits.
    pub edit: Edit,
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "edit of bytes {:?} of {} overlaps another or leaves the file",
            self.edit.span,
            self.edit.file.display()
        )
    }
}

impl std::error::Error for Overlap {}

/// What edits, all of one file, come to: the bytes from the first to the last of them, and what comes instead. Several
/// insertions at one place keep their order.
pub(super) fn joined(bytes: &[u8], edits: &[Edit]) -> Result<(Range<usize>, Vec<u8>), Overlap> {
    let mut sorted: Vec<&Edit> = edits.iter().collect();
    // An insertion goes before what is replaced at the same place.
    sorted.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let start = sorted.first().map_or(0, |edit| edit.span.start);
    let mut come = Vec::new();
    let mut at = start;
    for edit in sorted {
        if edit.span.start < at || edit.span.end < edit.span.start || edit.span.end > bytes.len() {
            return Err(Overlap { edit: edit.clone() });
        }
        come.extend_from_slice(&bytes[at..edit.span.start]);
        come.extend_from_slice(&edit.replacement);
        at = edit.span.end;
    }
    Ok((start..at, come))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(bytes: &[u8], edits: &[Edit]) -> Result<Vec<u8>, Overlap> {
        let (gone, come) = joined(bytes, edits)?;
        Ok([&bytes[..gone.start], &come, &bytes[gone.end..]].concat())
    }

    fn edit(span: Range<usize>, replacement: &str) -> Edit {
        Edit {
            file: "f".into(),
            span,
            replacement: replacement.into(),
            reason: String::new(),
        }
    }

    #[test]
    fn edits_apply_in_order_of_place() {
        let edits = [edit(4..4, "+"), edit(0..1, ""), edit(4..4, "-"), edit(2..3, "CC")];
        assert_eq!(apply(b"abcdef", &edits).unwrap(), b"bCCd+-ef");
    }

    #[test]
    fn an_insertion_may_stand_before_a_replacement() {
        assert_eq!(
            apply(b"abc", &[edit(1..3, "X"), edit(1..1, "+")]).unwrap(),
            b"a+X"
        );
    }

    #[test]
    fn overlap_is_refused() {
        assert!(apply(b"abc", &[edit(0..2, ""), edit(1..3, "")]).is_err());
        assert!(apply(b"abc", &[edit(2..4, "")]).is_err());
        assert!(apply(b"abc", &[edit(4..4, "")]).is_err());
    }
}
