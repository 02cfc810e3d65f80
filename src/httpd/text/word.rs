//! Words: split as httpd's `ap_getword_conf` splits them, quote so that it reads back the same. Substitutes nothing.

use std::borrow::Cow;

use memchr::memchr2;

use super::scan::{find_space, is_space};

/// One word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word<'a> {
    /// Where it stands in the text it was split from, quotes included.
    pub span: std::ops::Range<usize>,
    /// What it means: without quotes and escapes.
    pub value: Cow<'a, [u8]>,
}

/// The words of a text, in order.
pub fn words(text: &[u8]) -> Words<'_> {
    Words { text, at: 0 }
}

/// Iterator over the words of a text; see [`words`].
#[derive(Clone, Debug)]
pub struct Words<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Words<'a> {
    /// What has not been split yet, without blanks before it.
    pub fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        while self.text.get(self.at).is_some_and(|&b| is_space(b)) {
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        self.skip_blanks();
        let start = self.at;
        let text = self.text;
        // A quote counts only where a word begins: `a"b c"` is two words.
        let value = match *text.get(start)? {
            quote @ (b'"' | b'\'') => {
                let body = &text[start + 1..];
                let mut end = memchr2(quote, b'\\', body).unwrap_or(body.len());
                while end < body.len() && body[end] != quote {
                    let escape = body[end] == b'\\'
                        && body
                            .get(end + 1)
                            .is_some_and(|&next| next == quote || next == b'\\');
                    end += if escape { 2 } else { 1 };
                }
                self.at = (start + 1 + end + 1).min(text.len());
                unescape(&body[..end], Some(quote))
            }
            _ => {
                let end = start + find_space(&text[start..]);
                self.at = end;
                unescape(&text[start..end], None)
            }
        };
        let span = start..self.at;
        self.skip_blanks();
        Some(Word { span, value })
    }
}

/// Why a text cannot be written as one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unquotable {
    /// It holds a line feed, carriage return, NUL or another control character.
    ControlCharacter,
    /// It holds `${`, which Apache would try to substitute; there is no escape for it.
    Variable,
}

impl std::fmt::Display for Unquotable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unquotable::ControlCharacter => "it contains a control character",
            Unquotable::Variable => "it contains `${`, which Apache would take for a variable",
        })
    }
}

/// Writes a text as one argument that Apache reads back unchanged, with quotes only where they are needed.
pub fn quote(value: &[u8]) -> Result<Vec<u8>, Unquotable> {
    if value.iter().any(|&b| b < b' ' || b == 0x7f) {
        return Err(Unquotable::ControlCharacter);
    }
    if value.windows(2).any(|pair| pair == b"${") {
        return Err(Unquotable::Variable);
    }
    let plain = !value.is_empty()
        && !value
            .iter()
            .any(|&b| is_space(b) || matches!(b, b'"' | b'\'' | b'\\' | b'>'));
    if plain {
        return Ok(value.to_vec());
    }
    quote_always(value)
}

/// As [`quote`], with quotes in any case: the customary form for paths.
pub fn quote_path(value: &[u8]) -> Result<Vec<u8>, Unquotable> {
    let written = quote(value)?;
    if written.first() == Some(&b'"') {
        Ok(written)
    } else {
        quote_always(value)
    }
}

fn quote_always(value: &[u8]) -> Result<Vec<u8>, Unquotable> {
    let mut written = Vec::with_capacity(value.len() + 2);
    written.push(b'"');
    for &byte in value {
        if matches!(byte, b'"' | b'\\') {
            written.push(b'\\');
        }
        written.push(byte);
    }
    written.push(b'"');
    Ok(written)
}

/// Removes the two escapes that Apache knows: a doubled backslash, and a backslash before the quote in use.
fn unescape(raw: &[u8], quote: Option<u8>) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', raw).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut value = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        if raw[at] == b'\\'
            && raw
                .get(at + 1)
                .is_some_and(|&next| next == b'\\' || Some(next) == quote)
        {
            at += 1;
        }
        value.push(raw[at]);
        at += 1;
    }
    Cow::Owned(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        words(text.as_bytes())
            .map(|w| String::from_utf8_lossy(&w.value).into_owned())
            .collect()
    }

    #[test]
    fn quotes_group_and_escape_only_themselves_and_the_backslash() {
        assert_eq!(split(r#"a "b c" 'd "e'"#), ["a", "b c", "d \"e"]);
        assert_eq!(
            split(r#""C:\dir\file" "\n" "a\"b" "a\\b""#),
            [r"C:\dir\file", r"\n", "a\"b", r"a\b"]
        );
        assert_eq!(split(r#""C:\dir\" x"#), ["C:\\dir\" x"]);
        assert_eq!(split(r#""\\\\srv\\share""#), [r"\\srv\share"]);
    }

    #[test]
    fn unquoted_words_know_one_escape() {
        assert_eq!(split(r#"a\\b a\ b a\"b"#), [r"a\b", r"a\", "b", "a\\\"b"]);
        assert_eq!(split(r#"a"b c"d"#), ["a\"b", "c\"d"]);
    }

    #[test]
    fn a_closing_quote_ends_the_word() {
        assert_eq!(split(r#""a"b'c'"#), ["a", "b'c'"]);
        assert_eq!(split(r#""a"'b'"c"#), ["a", "b", "c"]);
        assert_eq!(split(r#""" x"#), ["", "x"]);
    }

    #[test]
    fn what_is_quoted_reads_back() {
        for value in [
            "a",
            "",
            "a b",
            "C:\\x\\",
            "\\\\srv\\a",
            "'",
            "\"",
            "a\"b",
            "x>y",
            "#",
            "\\\"",
            "a\\\\",
        ] {
            let written = quote(value.as_bytes()).unwrap();
            assert_eq!(
                split(std::str::from_utf8(&written).unwrap()),
                [value],
                "{written:?}"
            );
        }
    }

    #[test]
    fn what_would_break_out_is_refused() {
        assert_eq!(quote(b"a\nListen 81"), Err(Unquotable::ControlCharacter));
        assert_eq!(quote(b"a\0"), Err(Unquotable::ControlCharacter));
        assert_eq!(quote(b"${X}"), Err(Unquotable::Variable));
    }
}
