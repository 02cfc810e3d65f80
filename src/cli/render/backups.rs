//! What can be restored, for people.

use std::fmt::Write as _;

use crate::operation::backups;
use crate::shown::cell;

/// For people.
pub fn text(listed: &backups::Listed) -> String {
    let mut text = String::new();
    if let Some(id) = &listed.unfinished {
        let _ = writeln!(text, "{id}  (interrupted: esync-ssl restore --recover undoes it)");
    }
    if listed.backups.is_empty() {
        let _ = writeln!(
            text,
            "There are no backups of {}; if you mean another server, name its server root with --root.",
            listed.root
        );
        return text;
    }
    for line in &listed.backups {
        let _ = writeln!(text, "{}  {}", line.id, cell(&line.command));
        for file in &line.files {
            let mark = if line.changed_since.contains(file) {
                "  (edited since)"
            } else {
                ""
            };
            let _ = writeln!(text, "    {file}{mark}");
        }
    }
    text + "Put one back with: esync-ssl restore ID\n"
}
