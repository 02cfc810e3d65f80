//! How things of this machine stand in commands that people copy.

use std::path::Path;

/// A path as one word of a command for this system's shell.
pub fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,=".contains(c) || (cfg!(windows) && c == '\\');
    if text.chars().all(is_plain) && !text.is_empty() && !text.starts_with('-') {
        return text;
    }
    if cfg!(windows) {
        // No name has a quote in it there.
        return format!("\"{text}\"");
    }
    // What looks like an option is one, in quotes too.
    let dot = if text.starts_with('-') { "./" } else { "" };
    format!("'{dot}{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn words_of_a_shell() {
        for (path, expected) in [
            ("/etc/apache2/ssl-1.key", "/etc/apache2/ssl-1.key"),
            ("/srv/my site/a.key", "'/srv/my site/a.key'"),
            ("/srv/$(id)/it's", r"'/srv/$(id)/it'\''s'"),
            ("/srv/a;b", "'/srv/a;b'"),
            ("-R", "'./-R'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), expected);
        }
    }

    #[test]
    #[cfg(windows)]
    fn words_of_a_shell() {
        assert_eq!(quoted(Path::new(r"C:\Apache24\conf")), r"C:\Apache24\conf");
        assert_eq!(
            quoted(Path::new(r"C:\Program Files\a")),
            r#""C:\Program Files\a""#
        );
    }
}
