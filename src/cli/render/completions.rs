//! Completions for shells.

use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::Shell;

use crate::cli::arguments::Arguments;

/// The script that a shell loads. Whole, as clap would panic when the reader of its output goes away.
pub fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut hinted(Arguments::command()), "esync-ssl", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        // clap_complete 4.6 spells a program's name with a dash in two ways, and then finds no option of any command.
        Shell::Bash => script.replace("esync__subcmd__ssl", "esync__ssl"),
        _ => script,
    }
}

/// The same command, whose values are completed by what their names say.
fn hinted(command: Command) -> Command {
    command.mut_args(with_hint).mut_subcommands(hinted)
}

fn with_hint(arg: Arg) -> Arg {
    let hint = match arg
        .get_value_names()
        .and_then(|names| names.first())
        .map(|name| name.as_str())
    {
        Some("FILE" | "FILE:LINE" | "IN" | "OUT" | "PROGRAM") => ValueHint::FilePath,
        Some("PATH") if ["path", "fleet"].contains(&arg.get_id().as_str()) => ValueHint::AnyPath,
        Some("DIR" | "FOLDER") => ValueHint::DirPath,
        Some("NAME") if arg.get_id() == "domain" || arg.get_id() == "alias" => ValueHint::Hostname,
        Some(_) => ValueHint::Other,
        None => return arg,
    };
    if arg.get_possible_values().is_empty() {
        arg.value_hint(hint)
    } else {
        arg
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use camino::Utf8PathBuf;
    use std::any::TypeId;

    fn paths_without_hint(command: &Command, found: &mut Vec<String>) {
        let is_path = |arg: &&Arg| arg.get_value_parser().type_id() == TypeId::of::<Utf8PathBuf>();
        let is_hinted = |arg: &Arg| {
            matches!(
                arg.get_value_hint(),
                ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath
            )
        };
        let of = command
            .get_arguments()
            .filter(is_path)
            .filter(|arg| !is_hinted(arg));
        found.extend(of.map(|arg| format!("{} {}", command.get_name(), arg.get_id())));
        command
            .get_subcommands()
            .for_each(|below| paths_without_hint(below, found));
    }

    #[test]
    fn every_path_is_completed_as_one() {
        let mut found = Vec::new();
        paths_without_hint(&hinted(Arguments::command()), &mut found);
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn scripts_are_as_they_come() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let script = script(shell);
            // What is printed passes what takes colours out for files.
            assert!(
                script.contains("copy-certs") && !script.contains('\x1b'),
                "{shell}"
            );
        }
    }
}
