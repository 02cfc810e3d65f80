//! Commands of ours that people are told to type, completed with the options that name the server of this run: typed elsewhere
//! they mean the same one. Whoever proposes a command says only what is particular to it.

use std::borrow::Cow;
use std::sync::OnceLock;

use clap::{Command, CommandFactory};

use super::arguments::{Arguments, flag_of};

/// The options of the server that this run is about.
#[derive(Clone, Default)]
pub struct Advice {
    /// With a blank before each; empty where the server is found without.
    options: String,
}

/// The commands that are completed: those that are about a server. `apply` has it in its plan.
const COMMANDS: [&str; 30] = [
    "acme account deactivate",
    "acme account export",
    "acme account import",
    "acme account roll-key",
    "acme account show",
    "acme check",
    "acme revoke",
    "backups",
    "cert install",
    "cert request",
    "certificates",
    "check",
    "devices",
    "disable",
    "doctor",
    "dump",
    "enable",
    "explain",
    "guide",
    "lint",
    "ports",
    "renew",
    "report",
    "restart",
    "restore",
    "schedule off",
    "schedule on",
    "schedule show",
    "status",
    "verify",
];

const PROGRAM: &str = "esync-ssl ";

/// Whoever says one of these has named the server.
const OPTIONS: [&str; 4] = [" --root ", " --config ", " --httpd ", " --define "];

/// Before these a command is spoken of, and nobody is told to type it.
const TOLD: [&str; 3] = [" has ", " switched ", " takes "];

/// What lines of a log begin with in an answer.
const QUOTED: &str = "  | ";

impl Advice {
    /// With these options.
    pub fn new(options: String) -> Advice {
        Advice { options }
    }

    /// The same text, in which every command can be typed from anywhere.
    pub fn complete<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.options.is_empty() || !text.contains(PROGRAM) {
            return text.into();
        }
        let lines = text.split_inclusive('\n');
        let completed = lines.map(|line| match line.starts_with(QUOTED) {
            true => line.to_owned(),
            false => self.line(line),
        });
        completed.collect::<String>().into()
    }

    fn line(&self, line: &str) -> String {
        let mut parts = line.split(PROGRAM);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_others = is_of_another_run(&text);
            text.push_str(PROGRAM);
            let is_named = OPTIONS.iter().any(|option| part.contains(option));
            match command(part) {
                Some(command) if !is_named && !is_others => {
                    let (command, rest) = part.split_at(command.len());
                    let (arguments, rest) = rest.split_at(arguments(rest));
                    text.extend([command, arguments, &self.options, rest]);
                }
                _ => text.push_str(part),
            }
        }
        text
    }
}

/// Is it what another run was given that is at work, behind its process, or since when it is?
fn is_of_another_run(before: &str) -> bool {
    let Some(before) = before.strip_suffix(": ") else {
        return false;
    };
    let process = before.trim_end_matches(|c: char| c.is_ascii_digit());
    before.ends_with('Z') || (process.len() < before.len() && process.ends_with("process "))
}

/// The command to type that a text begins with.
fn command(text: &str) -> Option<&'static str> {
    let ends = |rest: &str| {
        let is_told = TOLD.iter().any(|verb| rest.starts_with(verb));
        !is_told && !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-')
    };
    let is_first = |command: &&&str| text.strip_prefix(**command).is_some_and(ends);
    COMMANDS.iter().find(is_first).copied()
}

/// How long the options are that follow a command, with their values: the sentence around it goes on behind them.
fn arguments(text: &str) -> usize {
    let mut rest = text;
    // A backup is named by when it was made.
    if let Some(id) = rest
        .strip_prefix(' ')
        .filter(|id| id.starts_with(|c: char| c.is_ascii_digit()))
    {
        rest = &id[word(id)..];
    }
    while let Some(option) = rest.strip_prefix(" --") {
        let length = option.find(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        let (name, behind) = option.split_at(length.unwrap_or(option.len()));
        rest = match behind.strip_prefix(' ') {
            Some(value) if takes_value(name) => &value[word(value)..],
            _ => behind,
        };
    }
    text.len() - rest.len()
}

/// The length of the first word as a shell takes it, without the punctuation of a sentence.
fn word(text: &str) -> usize {
    let (mut quote, mut previous) = (None, ' ');
    let end = text.find(|c: char| {
        let is_escaped = std::mem::replace(&mut previous, c) == '\\';
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"') && !is_escaped => quote = Some(c),
            None => return c.is_whitespace(),
            Some(_) => {}
        }
        false
    });
    text[..end.unwrap_or(text.len())]
        .trim_end_matches(['.', ',', ';', ':', ')'])
        .len()
}

/// Is the next word the value of this option?
fn takes_value(name: &str) -> bool {
    static OURS: OnceLock<Command> = OnceLock::new();
    let program = OURS.get_or_init(Arguments::command);
    let option = flag_of(program, &format!("--{name}"));
    option.is_none_or(|option| option.get_action().takes_values())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn becomes(text: &str, completed: &str) {
        let advice = Advice::new(" --root /r".into());
        assert_eq!(advice.complete(text), completed);
        assert_eq!(advice.complete(completed), completed, "twice");
        assert_eq!(Advice::default().complete(text), text);
    }

    #[test]
    fn every_command_about_a_server_names_it() {
        becomes(
            "esync-ssl ports shows it; start it with esync-ssl restart.",
            "esync-ssl ports --root /r shows it; start it with esync-ssl restart --root /r.",
        );
        becomes(
            "esync-ssl restore 20260102T030405Z-1 --restart brings it back",
            "esync-ssl restore 20260102T030405Z-1 --restart --root /r brings it back",
        );
        becomes(
            "(esync-ssl cert request --domain a)",
            "(esync-ssl cert request --domain a --root /r)",
        );
        becomes(
            "esync-ssl verify --ca FILE looks, esync-ssl enable --http2 loads.",
            "esync-ssl verify --ca FILE --root /r looks, esync-ssl enable --http2 --root /r loads.",
        );
        becomes(
            r"esync-ssl enable --domain a --cert 'my f'\''s.crt' --key k. Or so",
            r"esync-ssl enable --domain a --cert 'my f'\''s.crt' --key k --root /r. Or so",
        );
        becomes("esync-ssl check\nx\n", "esync-ssl check --root /r\nx\n");
    }

    #[test]
    fn what_names_a_server_or_needs_none_stays() {
        for text in [
            "esync-ssl restore 7 --root /other",
            "esync-ssl cert import a.p7b",
            "esync-ssl apply a.plan",
            "added by esync-ssl",
            "esync-ssl enable switched HTTP off",
            "is at work: process 7 of a, since 2026-01-02T03:04:05Z: esync-ssl enable; wait",
            "Waiting for another run: process 7: esync-ssl disable",
            "  | esync-ssl check",
        ] {
            becomes(text, text);
        }
    }

    #[test]
    fn all_commands_are_there() {
        let all = Arguments::command();
        let known = |name: &str| all.get_subcommands().any(|command| command.get_name() == name);
        for command in COMMANDS {
            assert!(command.split(' ').take(1).all(known), "{command}");
        }
    }
}
