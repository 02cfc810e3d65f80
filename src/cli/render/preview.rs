//! What is about to be done, for people.

use std::fmt::Write as _;

use crate::operation::{Preview, unified};

/// Every name with what happens to it, and all files before and after.
pub fn text(preview: &Preview) -> String {
    let mut text = format!("{}\n", preview.title);
    for line in &preview.lines {
        let _ = writeln!(text, "  {line}");
    }
    for file in &preview.files {
        text += "\n";
        text += &unified(&file.name, file.before, file.after, true);
    }
    text
}
