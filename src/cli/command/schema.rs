//! `esync-ssl schema`.

use anyhow::anyhow;

use crate::cli::advice::Advice;
use crate::cli::arguments::Schema;
use crate::cli::json;
use crate::cli::printer::Printer;
use crate::differences::{self, diff_ratio};
use crate::document::{End, Ending, schema};
use crate::exit_status::ExitStatus;
use crate::operation::Failure;

/// Runs the command.
pub fn run(arguments: &Schema, printer: &Printer) -> Result<ExitStatus, Failure> {
    let found = match arguments.command.as_slice() {
        [] => schema::of_all(),
        words => {
            let command = words.join(" ");
            schema::of_command(&command).ok_or_else(|| unknown(&command))?
        }
    };
    printer.document(End::of(Ending::Ok), &found);
    // It speaks of commands, and proposes none.
    printer.verbatim(&json::text(&found, &Advice::default()));
    Ok(ExitStatus::Done)
}

fn unknown(command: &str) -> Failure {
    let all: Vec<&str> = schema::commands().filter(|known| !known.is_empty()).collect();
    let advice = match closest(command, &all) {
        Some(close) => format!("a similar one is there: esync-ssl schema {close}"),
        None => format!("these are there: {}", all.join(", ")),
    };
    Failure {
        status: ExitStatus::Usage,
        ..Failure::error(anyhow!("there is no command {command:?}; {advice}"))
    }
}

/// The one that is most like what was typed, where one is.
fn closest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let letters = |word: &str| word.chars().collect::<Vec<_>>();
    let typed = letters(typed);
    let alike = |known: &&'a str| {
        let known_letters = letters(known);
        let same = differences::between(&typed, &known_letters);
        (diff_ratio(&same, typed.len(), known_letters.len()), *known)
    };
    let alike = known.iter().map(alike).filter(|(ratio, _)| *ratio >= 0.6);
    alike
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::arguments::Arguments;

    /// The commands below one, as they are typed.
    fn commands(command: &clap::Command, path: &str, all: &mut Vec<String>) {
        for inner in command.get_subcommands() {
            let path = format!("{path} {}", inner.get_name());
            all.push(path.trim().to_owned());
            commands(inner, &path, all);
        }
    }

    #[test]
    fn every_command_has_a_schema() {
        let mut typed = Vec::new();
        commands(&Arguments::command(), "", &mut typed);
        typed.push(String::new());
        typed.sort();
        assert_eq!(typed, schema::commands().collect::<Vec<_>>());
    }

    #[test]
    fn an_unknown_command_is_a_wrong_command_line() {
        let failure = unknown("cert inspct");
        assert_eq!(failure.status, ExitStatus::Usage);
        assert!(
            failure
                .error
                .to_string()
                .ends_with("esync-ssl schema cert inspect")
        );
        assert!(
            unknown("nothing of the kind")
                .error
                .to_string()
                .contains("backups, cert, ")
        );
    }
}
