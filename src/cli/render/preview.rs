//! What is about to be done, for people.

use std::fmt::Write as _;

use crate::cli::width::{of_answers, wrapped};
use crate::operation::{Preview, unified};

/// Every name with what happens to it, and all files before and after.
pub fn text(preview: &Preview) -> String {
    let mut text = format!("{}\n", preview.title);
    for line in &preview.lines {
        let _ = writeln!(text, "{}", wrapped(&format!("  {line}"), of_answers(), 2));
    }
    for file in &preview.files {
        text += "\n";
        text += &unified(&file.name, file.before, file.after, true);
    }
    text
}

/// What it comes to, directly above the question.
pub fn summary(lines: &[String]) -> String {
    let mut text = String::from("\n");
    for line in lines {
        let _ = writeln!(text, "{}", wrapped(line, of_answers(), 2));
    }
    text
}
