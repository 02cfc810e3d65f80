//! How wide a terminal is, and texts broken at words to fit it.

use anstream::adapter::strip_str;

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

/// How wide the standard error is; nothing where it is no terminal, and nothing is broken.
pub fn of_talk() -> Option<usize> {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal().then(|| of_terminal(stderr()))
}

/// A line in as many as it needs, each but the first one further in by so much. A word that is longer stays whole.
pub fn wrapped(line: &str, width: Option<usize>, further: usize) -> String {
    match width {
        Some(width) => broken(line, width, start(line) + further),
        None => line.to_owned(),
    }
}

/// A text whose lines are broken the same way where they are too long; what follows stands below the text of a line and not
/// below its label. What is quoted stays as it is.
pub fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return text.to_owned();
    };
    let lines = text
        .split('\n')
        .map(|line| match line.trim_start().starts_with('|') {
            true => line.to_owned(),
            false => broken(line, width, below(line).min(width / 2)),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// Where the text of a line begins: behind `note:`, or behind a label that is set off by more than one blank.
fn below(line: &str) -> usize {
    let start = start(line);
    let rest = line[start..].trim_end();
    let label = rest.split("  ").next().unwrap_or_default();
    if !label.is_empty() && label.len() < rest.len() {
        let gap = rest[label.len()..].len() - rest[label.len()..].trim_start().len();
        return start + seen(label) + gap;
    }
    match rest.split_once(' ') {
        Some((word, _)) if word.ends_with(':') && !word.contains('[') => start + seen(word) + 1,
        _ => start + 2,
    }
}

fn start(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Broken at blanks, each line but the first one in by so much. Blanks within a line stay, and a command of ours stays in one
/// piece, as it is copied in one.
fn broken(line: &str, width: usize, indent: usize) -> String {
    if seen(line.trim_end()) <= width {
        return line.to_owned();
    }
    let (mut text, mut at, mut rest) = (String::new(), 0, line);
    while !rest.is_empty() {
        let (blanks, after) = rest.split_at(start(rest));
        let (word, after) = after.split_at(piece(after));
        if at > 0 && !word.is_empty() && at + blanks.len() + seen(word) > width {
            text = text + "\n" + &" ".repeat(indent);
            at = indent;
        } else {
            text += blanks;
            at += blanks.len();
        }
        text += word;
        at += seen(word);
        rest = after;
    }
    text
}

/// How long the first word is, or the command that it begins: what is done, to what, and options with their values.
fn piece(text: &str) -> usize {
    let end = |at: usize| text[at..].find(' ').map_or(text.len(), |length| at + length);
    let mut last = end(0);
    if &text[..last] != "esync-ssl" {
        return last;
    }
    let (mut left, mut was_option) = (2_usize, false);
    while last < text.len() {
        let begin = last + start(&text[last..]);
        let word = &text[begin..end(begin)];
        let is_option = word.starts_with('-');
        if left == 0 && !is_option && !was_option || word.is_empty() {
            break;
        }
        left = if word == "cert" { 2 } else { left.saturating_sub(1) };
        was_option = is_option;
        last = end(begin);
    }
    last
}

/// How many columns a text takes: what only colours it takes none.
fn seen(text: &str) -> usize {
    strip_str(text).map(|part| part.chars().count()).sum()
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
        let note = "note: one two three  \n  cause: four five six\n  1  seven eight\n  | quoted as it is, all of it\nshort  line ";
        assert_eq!(
            fitted(note, Some(18)),
            "note: one two\n      three  \n  cause: four five\n         six\n  1  seven eight\n  | quoted as it is, all of it\n\
             short  line "
        );
        for (line, command) in [
            ("give esync-ssl verify says more", "esync-ssl verify says"),
            (
                "First: esync-ssl cert request --domain a.test writes it",
                "esync-ssl cert request --domain a.test",
            ),
            (
                "or esync-ssl restore 2026 --restart --root /x y z",
                "esync-ssl restore 2026 --restart --root /x",
            ),
        ] {
            let text = fitted(line, Some(20));
            assert!(text.contains(command) && text.contains('\n'), "{text}");
        }
        assert_eq!(fitted(note, None), note);
        assert_eq!(fitted("\x1b[1mone\x1b[0m two", Some(20)), "\x1b[1mone\x1b[0m two");
        let coloured = "\x1b[1;31merror[A]\x1b[0m: one two three four";
        assert_eq!(
            fitted(coloured, Some(20)),
            "\x1b[1;31merror[A]\x1b[0m: one two\n  three four"
        );
        assert_eq!((of_terminal(Some(132)), of_terminal(Some(3))), (132, NARROWEST));
    }
}
