//! What others wrote, as people may see it: nothing of it steers a terminal, or looks like something else.

use std::borrow::Cow;
use std::path::Path;

/// Bytes of a file as text for people: control characters and bytes that are not UTF-8 become `\xNN`; tabs and line
/// feeds stay, a carriage return at the end of a line goes.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        loop {
            // Most text is plain, and there may be much of it.
            let plain = rest.bytes().position(|byte| !is_plain(byte));
            let (before, from) = rest.split_at(plain.unwrap_or(rest.len()));
            text.push_str(before);
            let mut characters = from.chars();
            let Some(character) = characters.next() else {
                break;
            };
            rest = characters.as_str();
            match character {
                '\n' | '\t' => text.push(character),
                '\r' if rest.is_empty() || rest.starts_with('\n') => {}
                c if deceives(c) => text.extend(hex(c.encode_utf8(&mut [0; 4]).as_bytes())),
                c => text.push(c),
            }
        }
        text.extend(hex(chunk.invalid()));
    }
    text
}

/// A letter, a digit, a sign or a blank that everybody sees.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Does a character steer the terminal, turn the direction of text, end a line, or stand there unseen? With those one
/// line can look like another.
pub fn deceives(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
        || character.is_control()
}

/// Characters of one cell of a table.
const CELL: usize = 200;

/// A text as one cell of a table: on one line, and cut where it is far too long. Programs get the whole.
pub fn cell(text: &str) -> String {
    if text.len() <= CELL && text.bytes().all(is_plain) {
        return text.to_string();
    }
    // No more is looked at than can be shown.
    let start: String = text.chars().take(CELL + 1).collect();
    let shown = printable(start.as_bytes()).replace(['\n', '\t'], " ");
    if shown.chars().count() <= CELL {
        return shown;
    }
    shown.chars().take(CELL - 1).chain(['…']).collect()
}

/// A text of at most about so many bytes, with a note of what is left out behind it.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at));
    let (shown, rest) = text.split_at(end.unwrap_or(0));
    Cow::Owned(format!("{shown} [and {} more bytes]", rest.len()))
}

/// Bytes of one sentence.
const SENTENCE: usize = 4000;

/// A sentence for people that may quote what others wrote, cut where that is far too long.
pub fn sentence(text: &str) -> String {
    printable(cut(text, SENTENCE).as_bytes())
}

/// A path for people.
pub fn shown(path: &Path) -> String {
    printable(path.display().to_string().as_bytes())
}

fn hex(bytes: &[u8]) -> impl Iterator<Item = char> + use<> {
    bytes
        .iter()
        .map(|byte| format!("\\x{byte:02x}"))
        .collect::<String>()
        .into_bytes()
        .into_iter()
        .map(char::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut() {
        assert_eq!(cell("a\nb\u{200b}"), "a b\\xe2\\x80\\x8b");
        assert_eq!(cell(&"ü".repeat(CELL)), "ü".repeat(CELL));
        let long = cell(&"ü".repeat(70_000));
        assert_eq!(long.chars().count(), CELL);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            printable(b"a\x1b[31m\xf6\r\nb\rc\t\xc3\xbc\r"),
            "a\\x1b[31m\\xf6\nb\\x0dc\t\u{fc}"
        );
        assert_eq!(printable("\u{202e}".as_bytes()), "\\xe2\\x80\\xae");
    }
}
