//! Files of ours in folders of the system say that they are ours, and whether somebody edited them since.

use crate::apply::checksum;

const MADE: &str = "# Made by esync-ssl schedule on; esync-ssl schedule off takes it away.\n";
const SUM: &str = "# Not edited since, as long as this is the SHA-256 of what follows: ";

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// We wrote it.
    Ours,
    /// We wrote it, and somebody edited it.
    Edited,
    /// Somebody else wrote it.
    Others,
}

/// A text with what tells that it is ours.
pub(super) fn marked(text: &str) -> String {
    format!("{MADE}{SUM}{}\n{text}", checksum(text.as_bytes()))
}

/// Whose a file with these bytes is.
pub fn hand(bytes: &[u8]) -> Hand {
    let Some(rest) = bytes.strip_prefix(MADE.as_bytes()) else {
        return Hand::Others;
    };
    let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (told, text) = (&rest[..line], rest.get(line + 1..).unwrap_or_default());
    match told.strip_prefix(SUM.as_bytes()) == Some(checksum(text).as_bytes()) {
        true => Hand::Ours,
        false => Hand::Edited,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_noticed() {
        let text = marked("[Unit]\n");
        assert_eq!(hand(text.as_bytes()), Hand::Ours);
        assert_eq!(hand(format!("{text}#").as_bytes()), Hand::Edited);
        assert_eq!(hand(MADE.as_bytes()), Hand::Edited);
        assert_eq!(hand(b"[Unit]\n"), Hand::Others);
        assert_eq!(hand(b""), Hand::Others);
    }
}
