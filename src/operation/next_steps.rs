//! What comes after a command that writes, for people: when the server follows, and the commands to type.

use std::path::Path;

use super::environment::{Where, Writing};
use crate::quoted::{quoted, word};
use crate::shown::printable;

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
    let words: Vec<String> = words.iter().map(|text| word(text)).collect();
    format!("esync-ssl {}{}", words.join(" "), options(place))
}

/// The options that name the same server from any folder, with a blank before each; none where it is found without.
pub fn options(place: &Where) -> String {
    let usual_root = place.usual_root.as_ref().filter(|_| place.config.is_none());
    let paths = [
        ("--root", place.root.as_ref().or(usual_root)),
        ("--config", place.config.as_ref()),
        ("--httpd", place.httpd.as_ref()),
    ];
    let paths = paths
        .into_iter()
        .filter_map(|(option, path)| Some((option, quoted(path?))));
    let flags = place.define.iter().map(|flag| ("--define", word(flag)));
    let all: String = paths
        .chain(flags)
        .map(|(option, value)| format!(" {option} {value}"))
        .collect();
    printable(all.as_bytes())
}

/// What brings back what was there before, and has the server read it.
pub fn undo(backup: &Path, restarts: bool, place: &Where) -> Option<String> {
    let id = backup.file_name()?.to_str()?;
    let restart = restarts.then_some("--restart");
    let words: Vec<&str> = ["restore", id].into_iter().chain(restart).collect();
    Some(command(&words, place))
}
