//! What a CA wrote, before anybody sees or stores it: on one line, of bounded length, without characters that steer a
//! terminal.

use crate::shown;

/// Bytes of a text by a CA that are kept.
const SENTENCE: usize = 2000;
/// Bytes of an address or a name by a CA that are kept.
const WORD: usize = 300;

/// A sentence of the CA.
pub(super) fn sentence(text: &str) -> String {
    clean(text, SENTENCE)
}

/// A name or a word of the CA.
pub(super) fn word(text: &str) -> String {
    clean(text, WORD)
}

fn clean(text: &str, most: usize) -> String {
    let printable = shown::printable(shown::cut(text.trim(), most).as_bytes());
    printable.replace(['\n', '\t'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_a_terminal_and_nothing_is_endless() {
        assert_eq!(sentence(" a\x1b[2J\nb\u{202e} "), "a\\x1b[2J b\\xe2\\x80\\xae");
        let long = sentence(&"ü".repeat(100_000));
        assert!(
            long.len() < SENTENCE + 50 && long.ends_with("more bytes]"),
            "{long}"
        );
        assert!(word(&"a".repeat(1000)).len() < WORD + 50);
    }
}
