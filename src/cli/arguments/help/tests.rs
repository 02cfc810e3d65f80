//! What holds for every help text, and for the table of options in docs/enable.md, which is made of them.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory, Parser};

use crate::cli::arguments::Arguments;

/// The headings in their order; what has none stands above them.
const HEADINGS: [&str; 9] = [
    "Site",
    "Certificate",
    "Certificate authority",
    "TLS",
    "Writing",
    "Simulation",
    "Files instead of an authority",
    "Server",
    "Output",
];

/// A screen.
const LINES: usize = 24;
const COLUMNS: usize = 80;

fn all() -> Vec<Command> {
    fn collect(command: &Command, all: &mut Vec<Command>) {
        all.push(command.clone());
        let below = command
            .get_subcommands()
            .filter(|below| below.get_name() != "help");
        below.for_each(|below| collect(below, all));
    }
    let mut command = Arguments::command().term_width(COLUMNS);
    command.build();
    let mut all = Vec::new();
    collect(&command, &mut all);
    assert!(all.len() > 20, "{}", all.len());
    all
}

/// The name as it is typed.
fn typed(command: &Command) -> &str {
    command.get_bin_name().unwrap_or(command.get_name())
}

#[test]
fn every_example_is_read_as_its_command() {
    for command in all() {
        let end = command
            .get_after_long_help()
            .expect("an end of the help")
            .to_string();
        let (examples, _) = end.split_once("\n\n").unwrap_or((&end, ""));
        assert!(examples.starts_with("Examples:\n"), "{}", typed(&command));
        let lines: Vec<&str> = examples
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .collect();
        assert!(lines.len() >= 2, "{}: {lines:?}", typed(&command));
        for line in lines {
            assert!(line.len() + 4 <= COLUMNS, "{line}");
            // What a shell does with the answer, and with variables.
            let parts = line.split(" | ").find(|part| part.contains("esync-ssl"));
            let own = parts.and_then(|line| line.split(" > ").next());
            let own = own
                .and_then(|line| line.find("esync-ssl").map(|at| &line[at..]))
                .expect(line);
            assert!(own.starts_with(typed(&command)), "{}: {line}", typed(&command));
            let words = own.split(' ');
            if let Err(error) = Arguments::try_parse_from(words) {
                panic!("{line}\n{error}");
            }
        }
    }
}

/// What the manual tells people to type: lines of their own, and words between backquotes.
#[test]
fn every_command_of_the_manual_is_understood() {
    use clap::error::ErrorKind;
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = std::fs::read_dir(package.join("docs")).expect("docs");
    let pages = pages.map(|entry| entry.expect("a page").path());
    let pages = pages.chain([package.join("README.md")]);
    let mut count = 0;
    for file in pages.filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let page = file.display();
        let text = std::fs::read_to_string(&file).expect("a page");
        let spans = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
        let lines = text.lines().filter_map(|line| line.strip_prefix("    "));
        let typed = spans.chain(lines).filter(|typed| typed.starts_with("esync-ssl "));
        for typed in typed {
            count += 1;
            // What is said of it stands behind, or it goes into a file.
            let typed = typed.split("  ").next().unwrap_or_default();
            let typed = typed.split(" > ").next().unwrap_or_default();
            // What may be there or not, or stands for something that only the reader knows.
            let words = typed
                .split(' ')
                .filter(|word| !word.starts_with(['[', '\u{2026}']));
            let words = words.map(|word| match word {
                "N" => "8443",
                "COMMAND" => "enable",
                _ => word.split('|').next().unwrap_or_default().trim_matches('\''),
            });
            let Err(error) = Arguments::try_parse_from(words) else {
                continue;
            };
            // Help is printed, and a sentence may name a command without all that it needs.
            let is_part = [
                ErrorKind::DisplayHelp,
                ErrorKind::DisplayVersion,
                ErrorKind::MissingRequiredArgument,
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
            ];
            assert!(is_part.contains(&error.kind()), "{page}: {typed}\n{error}");
        }
    }
    assert!(count > 120, "{count}");
}

#[test]
fn the_short_help_of_enable_fits_a_screen() {
    let mut enable = all()
        .into_iter()
        .find(|command| command.get_name() == "enable")
        .expect("enable");
    let help = enable.render_help().to_string();
    let lines: Vec<&str> = help.trim_end().lines().collect();
    assert!(
        lines.len() <= LINES && lines.iter().all(|line| line.chars().count() <= COLUMNS),
        "{} lines; most_used says which options it has:\n{help}",
        lines.len()
    );
    assert!(help.contains("--help tells all options"), "{help}");
    for option in [
        "--domain",
        "--cert",
        "--pfx",
        "--self-signed",
        "--http",
        "--dry-run",
        "--yes",
        "--root",
    ] {
        assert!(help.contains(option), "{option}");
    }
}

#[test]
fn options_stand_under_known_headings_and_those_of_all_commands_last() {
    for command in all() {
        let headings = headings(&command);
        let order: Vec<Option<usize>> = headings
            .iter()
            .map(|heading| HEADINGS.iter().position(|known| known == heading))
            .collect();
        assert!(
            order.is_sorted() && !order.contains(&None),
            "{}: {headings:?}",
            typed(&command)
        );
        assert!(
            headings.ends_with(&["Server", "Output"]),
            "{}: {headings:?}",
            typed(&command)
        );
    }
}

#[test]
fn the_same_option_is_described_in_the_same_words() {
    for id in ["dry_run", "yes"] {
        let all = all();
        let args = all
            .iter()
            .flat_map(|command| command.get_arguments())
            .filter(|arg| arg.get_id() == id);
        let mut told: Vec<String> = args
            .map(|arg| arg.get_help().expect("help").to_string())
            .collect();
        assert!(told.len() > 3, "{told:?}");
        told.dedup();
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

const BEGIN: &str = "<!-- options of enable, by ESYNC_SSL_UPDATE_OPTIONS=1 cargo test --lib options -->\n";
const END: &str = "<!-- end of the options -->\n";

/// `ESYNC_SSL_UPDATE_OPTIONS=1` writes it anew.
#[test]
fn the_options_in_the_manual_are_those_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/enable.md");
    let manual = std::fs::read_to_string(&path).expect("docs/enable.md");
    let (before, rest) = manual.split_once(BEGIN).expect("the begin of the table");
    let (written, after) = rest.split_once(END).expect("the end of the table");
    let table = table();
    if std::env::var_os("ESYNC_SSL_UPDATE_OPTIONS").is_some_and(|value| value == "1") {
        std::fs::write(&path, format!("{before}{BEGIN}{table}{END}{after}"))
            .expect("docs/enable.md is written");
        return;
    }
    assert!(
        written == table,
        "docs/enable.md has other options; ESYNC_SSL_UPDATE_OPTIONS=1 writes:\n{table}"
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
        Some(_) if !values.is_empty() && !arg.is_hide_possible_values_set() => {
            format!(" {}", values.join("\\|"))
        }
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
