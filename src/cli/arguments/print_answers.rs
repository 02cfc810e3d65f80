//! Writes a command line as an answer file.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::flags::{Kind, below, flags_of_files, is_repeatable};
use super::inherit::deepest;

/// The answer file that gives the same run, for the command of these matches. A root that the environment names is one
/// of its answers.
pub fn text(mut command: Command, matches: &ArgMatches, usual_root: Option<&Path>) -> String {
    command.build();
    let (path, matches) = deepest(matches);
    let Some(leaf) = below(&command, &path) else {
        return String::new();
    };
    let (mut all, mut own) = (String::new(), String::new());
    if let Some(root) = usual_root {
        let _ = writeln!(all, "root = {}", value(Kind::Path, root.as_os_str()));
    }
    for (flag, arg) in flags_of_files(leaf) {
        let is_given = matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        if let Some(answer) = answer(arg, matches).filter(|_| is_given) {
            let is_for_all = arg.is_global_set();
            let part = if is_for_all { &mut all } else { &mut own };
            let _ = writeln!(part, "{flag} = {answer}");
        }
    }
    let name = path.join(" ");
    let mut positionals = leaf
        .get_positionals()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ");
    if !positionals.is_empty() {
        positionals.insert(0, ' ');
    }
    let own = if own.is_empty() {
        own
    } else {
        format!("\n[{}]\n{own}", path.join("."))
    };
    format!("# esync-ssl {name} --answers THIS-FILE{positionals}\nschema = 1\n{all}{own}")
}

fn answer(arg: &Arg, matches: &ArgMatches) -> Option<String> {
    let id = arg.get_id().as_str();
    let kind = Kind::of(arg);
    if kind == Kind::Switch {
        return matches.get_flag(id).then(|| "true".to_owned());
    }
    let mut values = matches.get_raw(id)?.map(|one| value(kind, one));
    if is_repeatable(arg) {
        return Some(format!("[{}]", values.collect::<Vec<_>>().join(", ")));
    }
    values.next()
}

/// As TOML. Paths are whole, as those of an answer file depend on its folder.
fn value(kind: Kind, value: &OsStr) -> String {
    let text = value.to_string_lossy();
    match kind {
        // It was a number to clap, which may have more zeros than TOML takes.
        Kind::Number => text
            .parse::<u64>()
            .map_or_else(|_| quoted(&text), |number| number.to_string()),
        Kind::Path if text != "-" && !text.is_empty() => match std::path::absolute(&*text) {
            Ok(path) => quoted(&path.to_string_lossy()),
            Err(_) => quoted(&text),
        },
        _ => quoted(&text),
    }
}

/// In 'single quotes', in which a backslash is a backslash, where that can be.
fn quoted(text: &str) -> String {
    // PowerShell 5 may take what is not ASCII for something else on its way into a file.
    let is_odd = |c: char| c.is_control() || c == '\'' || cfg!(windows) && !c.is_ascii();
    if !text.contains(is_odd) {
        return format!("'{text}'");
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if is_odd(c) && c != '\'' => {
                let _ = write!(quoted, "\\U{:08X}", c as u32);
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
