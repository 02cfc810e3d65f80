//! What every help text has: its flags, and its end.

use clap::{Arg, ArgAction};

/// The end of a short help text.
pub const MORE: &str = "--help tells all options, with examples and exit statuses.";

/// The end of the short help text about all commands.
pub const MORE_OF_ALL: &str = "esync-ssl COMMAND --help tells all of a command, with examples.";

/// The end of a help text: examples, and how a run may end.
pub fn epilogue(examples: &str, exit_statuses: String) -> String {
    format!("{}\n\n{exit_statuses}", examples_only(examples))
}

/// The end of the help text of what is no command itself.
pub fn examples_only(examples: &str) -> String {
    format!("Examples:\n{}", examples.trim_matches('\n'))
}

/// `-h`, `--help`. Clap's own would stand above all others, as it has no heading.
pub fn help_flag() -> Arg {
    Arg::new("help")
        .short('h')
        .long("help")
        .global(true)
        .action(ArgAction::Help)
        .help_heading("Output")
        .help("Print help; -h prints the most used options only")
}

/// `-V`, `--version`.
pub fn version_flag() -> Arg {
    Arg::new("version")
        .short('V')
        .long("version")
        .action(ArgAction::Version)
        .help_heading("Output")
        .help("Print version")
}

/// Leaves all options but these to the full help text, so that the short one fits a screen.
pub fn most_used(ids: &[&str]) -> impl FnMut(Arg) -> Arg {
    |arg| {
        let is_used = ids.contains(&arg.get_id().as_str());
        arg.hide_short_help(!is_used)
    }
}

#[cfg(all(test, unix))]
mod tests;
