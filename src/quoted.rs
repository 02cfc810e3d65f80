//! Paths in commands that people are told to type: each means that path and nothing else.

use std::path::Path;

/// A path as one word of a command: for a shell on Unix, for `cmd` on Windows.
pub fn quoted(path: &Path) -> String {
    word(&path.display().to_string())
}

/// Any word of such a command.
pub fn word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/\\:._-+,@=".contains(c);
    if cfg!(windows) {
        // No name has a quotation mark there.
        if !word.is_empty() && word.chars().all(is_plain) {
            return word.to_owned();
        }
        return format!("\"{word}\"");
    }
    if !word.is_empty() && word.chars().all(|c| is_plain(c) && c != '\\') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
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
