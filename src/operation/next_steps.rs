//! What comes after a command that writes, for people: when the server follows, and the commands to type.

use std::path::Path;

use super::environment::{Where, Writing};
use crate::place;
use crate::quoted::{quoted, word};

/// When the server follows, which may be stopped now.
pub fn when(writing: &Writing, is_stopped: bool) -> String {
    let words = match (writing.restarts(), is_stopped) {
        (false, _) => "It takes effect when Apache is restarted, which this run does not do (--restart does)",
        (true, false) => "Apache is restarted, and everything goes back unless it then serves this",
        (true, true) if writing.start => {
            "Apache is stopped; it is started, and everything goes back unless it then serves this"
        }
        (true, true) => {
            "Apache is stopped, and stays so: it takes effect when it is started (--start does that)"
        }
    };
    words.into()
}

/// A command that people may type next, about the same server.
pub fn command(words: &[&str], place: &Where) -> String {
    let mut all: Vec<String> = vec!["esync-ssl".into()];
    all.extend(words.iter().map(|text| word(text)));
    let absolute = |path: &Path| place::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let paths = [
        ("--root", &place.root),
        ("--config", &place.config),
        ("--httpd", &place.httpd),
    ];
    for (option, path) in paths {
        if let Some(path) = path {
            all.extend([option.to_owned(), quoted(&absolute(path))]);
        }
    }
    for flag in &place.define {
        all.extend(["--define".to_owned(), word(flag)]);
    }
    all.join(" ")
}

/// What brings back what was there before.
pub fn undo(backup: &Path, place: &Where) -> Option<String> {
    let id = backup.file_name()?.to_str()?;
    Some(command(&["restore", id], place))
}
