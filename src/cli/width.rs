//! How wide a terminal is, and texts broken at words to fit it.

/// As wide as any is that does not say.
const USUAL: usize = 80;
/// Narrower ones break words anyhow.
const NARROWEST: usize = 20;

/// How wide the standard output is; nothing where it is no terminal, and nothing is broken.
pub fn of_answers() -> Option<usize> {
    use std::io::IsTerminal;
    std::io::stdout()
        .is_terminal()
        .then(|| of_terminal(system::columns(std::io::stdout())))
}

/// What the terminal of the standard error says.
pub fn stderr() -> Option<usize> {
    system::columns(std::io::stderr())
}

/// How wide a terminal is that says so much.
pub fn of_terminal(columns: Option<usize>) -> usize {
    let said = || std::env::var("COLUMNS").ok()?.parse().ok();
    columns
        .filter(|columns| *columns > 0)
        .or_else(said)
        .unwrap_or(USUAL)
        .max(NARROWEST)
}

/// A line in as many as it needs, each but the first one further in by so much. A word that is longer stays whole.
pub fn wrapped(line: &str, width: Option<usize>, further: usize) -> String {
    let Some(width) = width else {
        return line.to_owned();
    };
    let start = line.len() - line.trim_start().len();
    let indent = " ".repeat(start + further);
    let mut text = line[..start].to_owned();
    let mut at = start;
    let mut is_first = true;
    for word in line.split_whitespace() {
        let length = word.chars().count();
        if !is_first && at + 1 + length > width {
            text = text + "\n" + &indent;
            at = indent.len();
        } else if !is_first {
            text.push(' ');
            at += 1;
        }
        text += word;
        at += length;
        is_first = false;
    }
    text
}

#[cfg(unix)]
mod system {
    use std::os::fd::AsFd;

    pub fn columns(stream: impl AsFd) -> Option<usize> {
        let size = rustix::termios::tcgetwinsize(stream).ok()?;
        Some(usize::from(size.ws_col))
    }
}

#[cfg(not(unix))]
mod system {
    /// Nothing that we stand on asks a console; each is as wide as usual, or wider.
    pub fn columns<T>(_stream: T) -> Option<usize> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_words_only() {
        assert_eq!(wrapped("  one two three", Some(9), 2), "  one two\n    three");
        assert_eq!(wrapped("one two", None, 2), "one two");
        let long = "/a/very/long/path/that/does/not/fit";
        assert_eq!(
            wrapped(&format!("see {long} there"), Some(20), 0),
            format!("see\n{long}\nthere")
        );
        assert_eq!(wrapped("", Some(20), 2), "");
        for width in [20, 40, 80] {
            let text = wrapped(
                "  a b c d e f g h i j k l m n o p q r s t u v w x y z",
                Some(width),
                2,
            );
            assert!(text.lines().all(|line| line.chars().count() <= width), "{text}");
        }
        assert_eq!((of_terminal(Some(132)), of_terminal(Some(3))), (132, NARROWEST));
    }
}
