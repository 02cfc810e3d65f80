//! Paths in commands that people are told to type: each means that path and nothing else. And the quotation marks around those
//! that people typed.

use std::path::Path;

use crate::place::ShownPath;

/// Quotation marks that come in pairs, as shells, file managers and web pages have them.
pub const PAIRS: [(char, char); 8] = [
    ('"', '"'),
    ('\'', '\''),
    ('\u{201c}', '\u{201d}'),
    ('\u{201d}', '\u{201d}'),
    ('\u{201e}', '\u{201c}'),
    ('\u{2018}', '\u{2019}'),
    ('\u{00ab}', '\u{00bb}'),
    ('\u{2019}', '\u{2019}'),
];

/// A path as one word of a command: for a shell on Unix, for `cmd` on Windows. It is absolute, as nobody knows from which
/// folder the command is typed.
pub fn quoted(path: impl AsRef<Path>) -> String {
    let shown = ShownPath::from(path.as_ref().display().to_string());
    word(&shown.absolute())
}

/// Any word of such a command.
pub fn word(word: &str) -> String {
    if cfg!(windows) {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "/\\:._-+,@=".contains(c);
        // No name has a quotation mark there.
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.to_owned();
        }
        return format!("\"{word}\"");
    }
    for_shell(word)
}

/// The same for a shell of Unix, wherever we run.
pub fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:._-+,@=".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A value without the quotation marks around it, and without one that a backslash kept at its end.
pub fn bare(value: &str) -> &str {
    let inner = less(value);
    if inner == value { value } else { bare(inner) }
}

fn less(value: &str) -> &str {
    for (left, right) in PAIRS {
        let inner = value.strip_prefix(left).and_then(|rest| rest.strip_suffix(right));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty() && !inner.contains([left, right])) {
            return inner;
        }
    }
    // `"C:\eSync\Apache24\"` at the end of a line: the last quotation mark was taken for part of the value.
    match value.strip_suffix('"') {
        Some(path) if is_windows_path(path) && !path.contains('"') => path,
        _ => value,
    }
}

/// Has it a drive or a backslash?
pub fn is_windows_path(text: &str) -> bool {
    let bytes = text.as_bytes();
    let has_drive = bytes.len() > 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':';
    has_drive && matches!(bytes[2], b'\\' | b'/') || text.starts_with("\\\\") || text.contains('\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_stay() {
        for plain in ["/srv/apache2/conf.d", "--root=/x", "a@b,c"] {
            assert_eq!(word(plain), plain);
        }
    }

    #[test]
    fn a_path_is_the_same_from_any_folder() {
        let here = std::env::current_dir().unwrap();
        for (typed, whole) in [("certs/a.key", "certs/a.key"), ("./a.key", "a.key")] {
            let whole = word(&here.join(whole).display().to_string());
            assert_eq!(quoted(typed), whole.replace('/', std::path::MAIN_SEPARATOR_STR));
        }
        #[cfg(unix)]
        assert_eq!(quoted("C:/of/another/machine"), "C:/of/another/machine");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_each_for_one_word() {
        for odd in [
            "/srv/my site",
            "/a'b",
            "/a\\b",
            "/a;rm -rf x",
            "/$HOME`id`",
            "/a\"b",
            "/é*?",
            "",
        ] {
            let mut shell = std::process::Command::new("sh");
            shell.arg("-c").arg(format!("printf '[%s]' {}", word(odd)));
            let said = shell.output().unwrap().stdout;
            assert_eq!(String::from_utf8(said).unwrap(), format!("[{odd}]"));
        }
    }

    #[cfg(windows)]
    #[test]
    fn cmd_takes_each_for_one_word() {
        assert_eq!(word(r"C:\Program Files\x"), r#""C:\Program Files\x""#);
        assert_eq!(word(r"C:\a&b"), r#""C:\a&b""#);
    }
}
