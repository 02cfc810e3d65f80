//! What holds for every help text.

use clap::{Command, CommandFactory, Parser};

use super::Arguments;

/// The headings in their order; what has none stands above them.
const HEADINGS: [&str; 6] = ["Site", "Certificate", "TLS", "Writing", "Server", "Output"];

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
            let own = line.split(" | ").next().and_then(|line| line.split(" > ").next());
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
        let mut headings: Vec<&str> = Vec::new();
        for heading in command.get_arguments().filter_map(|arg| arg.get_help_heading()) {
            if !headings.contains(&heading) {
                headings.push(heading);
            }
        }
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
