//! README's table of options is what clap knows of them. `ESYNC_SSL_UPDATE_README=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::Arguments;

const BEGIN: &str = "<!-- options of enable, by ESYNC_SSL_UPDATE_README=1 cargo test --lib readme -->\n";
const END: &str = "<!-- end of the options -->\n";

#[test]
fn the_options_in_the_readme_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md");
    let (before, rest) = readme.split_once(BEGIN).expect("the begin of the table");
    let (written, after) = rest.split_once(END).expect("the end of the table");
    let table = table();
    if std::env::var_os("ESYNC_SSL_UPDATE_README").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}")).expect("README.md is written");
        return;
    }
    assert!(
        written == table,
        "README.md has other options; ESYNC_SSL_UPDATE_README=1 writes:\n{table}"
    );
}

fn table() -> String {
    let mut command = Arguments::command();
    command.build();
    let enable = command.find_subcommand("enable").expect("enable");
    let mut table = "| option | meaning | default |\n|---|---|---|\n".to_owned();
    for heading in headings(enable) {
        let _ = writeln!(table, "| **{heading}** | | |");
        let own = enable
            .get_arguments()
            .filter(|arg| arg.get_help_heading() == Some(heading));
        for arg in own.filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
            let (meaning, default) = meaning(arg);
            let row = format!("| {} | {meaning} | {default} |", names(arg));
            let _ = writeln!(table, "{}", row.replace("  ", " "));
        }
    }
    table
}

fn headings(command: &Command) -> Vec<&str> {
    let mut headings = Vec::new();
    for heading in command.get_arguments().filter_map(|arg| arg.get_help_heading()) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    headings
}

/// As it is typed: with the values that there are, or what its value is.
fn names(arg: &Arg) -> String {
    let short = arg
        .get_short()
        .map(|short| format!("`-{short}`, "))
        .unwrap_or_default();
    let long = arg.get_long().expect("a long flag");
    let possible = arg.get_possible_values();
    let values: Vec<&str> = possible.iter().map(|value| value.get_name()).collect();
    let names = arg.get_value_names().filter(|_| arg.get_action().takes_values());
    let value = match names.and_then(|names| names.first()) {
        Some(_) if !values.is_empty() => format!(" {}", values.join("\\|")),
        Some(name) if arg.get_num_args().is_some_and(|range| range.min_values() == 0) => format!(" [{name}]"),
        Some(name) => format!(" {name}"),
        None => String::new(),
    };
    format!("{short}`--{long}{value}`")
}

/// The first sentence of its help with what its values mean, and its default.
fn meaning(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let whole = arg.get_long_help().map_or(help.clone(), ToString::to_string);
    let (meaning, _) = help.split_once(" [default").unwrap_or((&help, ""));
    let (meaning, _) = meaning.split_once(". ").unwrap_or((meaning, ""));
    let told = whole
        .split_once("[default")
        .and_then(|(_, rest)| rest.split_once(']'));
    let default = told.map(|(default, _)| default.trim_start_matches(": ").trim().to_owned());
    let values = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy());
    let of_clap: Vec<_> = values.filter(|_| arg.get_action().takes_values()).collect();
    let default = default.unwrap_or_else(|| of_clap.join(", "));
    let possible = arg.get_possible_values();
    let told = possible
        .iter()
        .filter_map(|value| Some(format!("`{}`: {}", value.get_name(), value.get_help()?)));
    let told: Vec<String> = told.collect();
    let meaning = match told.is_empty() {
        true => meaning.to_owned(),
        false => format!("{meaning}. {}", told.join("; ")),
    };
    (cell(&meaning), cell(&default))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
