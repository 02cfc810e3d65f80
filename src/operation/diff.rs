//! Unified diffs for people.

use crate::shown::printable;
use similar::{ChangeTag, TextDiff};

use super::progress::Difference;
/// The unified diff of one file, with three lines of context. With `colour`, in the customary colours.
pub fn unified(file: &Difference, colour: bool) -> String {
    let diff = TextDiff::from_lines(file.before, file.after);
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m\n"),
        false => format!("{text}\n"),
    };
    let mut text = paint("1", &format!("--- {}", file.name)) + &paint("1", &format!("+++ {}", file.name));
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        text += &paint("36", &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let line = change.value();
            let shown = printable(line.strip_suffix(b"\n").unwrap_or(line));
            text += &match change.tag() {
                ChangeTag::Delete => paint("31", &format!("-{shown}")),
                ChangeTag::Insert => paint("32", &format!("+{shown}")),
                ChangeTag::Equal => format!(" {shown}\n"),
            };
            if !line.ends_with(b"\n") {
                text += "\\ No newline at end of file\n";
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_with_its_surroundings() {
        let before = b"1\r\n2\r\n3\r\n4\r\nListen 80\r\nx";
        let after = b"1\r\n2\r\n3\r\n4\r\nListen 443\r\nx";
        let file = Difference {
            name: "conf/httpd.conf".into(),
            before,
            after,
        };
        assert_eq!(
            unified(&file, false),
            "--- conf/httpd.conf\n+++ conf/httpd.conf\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-Listen 80\n+Listen 443\n x\n\
             \\ No newline at end of file\n"
        );
    }
}
