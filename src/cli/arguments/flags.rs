//! The long flags of a command line, as other places than the command line see them.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use camino::Utf8PathBuf;
use clap::{Arg, ArgAction, Command};

/// What comes before the name of a flag in the environment.
pub const PREFIX: &str = "ESYNC_SSL_";

/// Flags that are answers, or lead to other answers: no file has them.
pub const NEVER_IN_A_FILE: [&str; 2] = ["answers", "print-answers"];

/// What somebody said of a flag, other than by typing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// It is not wanted, whatever weaker places say.
    Off,
    /// It is wanted, without a value.
    On,
    /// Its values; several where it may be repeated.
    Values(Vec<OsString>),
}

/// What kind of values a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// None: it is there or not.
    Switch,
    /// A number.
    Number,
    /// A path.
    Path,
    /// Any other text.
    Text,
}

impl Kind {
    /// Of an argument, by what it becomes.
    pub fn of(arg: &Arg) -> Kind {
        let is = |kinds: &[TypeId]| kinds.iter().any(|kind| arg.get_value_parser().type_id() == *kind);
        if !arg.get_action().takes_values() {
            Kind::Switch
        } else if is(&[TypeId::of::<u16>(), TypeId::of::<u32>(), TypeId::of::<u64>()]) {
            Kind::Number
        } else if is(&[TypeId::of::<Utf8PathBuf>(), TypeId::of::<PathBuf>()]) {
            Kind::Path
        } else {
            Kind::Text
        }
    }
}

/// The flags of a built command that may come from the environment, with those of all commands.
pub fn long_flags(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    let flags = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_long()?, arg)));
    flags.filter(|(_, arg)| {
        !matches!(
            arg.get_action(),
            ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
        )
    })
}

/// The names of those of a built command and of all below it, each once.
pub fn names(command: &Command) -> Vec<&str> {
    let own = long_flags(command).map(|(flag, _)| flag);
    let mut all: Vec<&str> = Vec::new();
    for flag in own.chain(command.get_subcommands().flat_map(names)) {
        if !all.contains(&flag) {
            all.push(flag);
        }
    }
    all
}

/// Those that may come from an answer file.
pub fn flags_of_files(command: &Command) -> impl Iterator<Item = (&str, &Arg)> {
    long_flags(command).filter(|(flag, _)| !NEVER_IN_A_FILE.contains(flag))
}

/// What a value says of a flag without one: wanted or not; nothing where it is another value.
pub fn switched(value: &str) -> Option<bool> {
    match &*value.trim().to_ascii_lowercase() {
        "1" | "true" | "yes" | "on" => Some(true),
        "0" | "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The variable of a flag: `--copy-certs` is `ESYNC_SSL_COPY_CERTS`.
pub fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// Can it be given more than once?
pub fn is_repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Does it do something without a value as well as with one?
pub fn is_value_optional(arg: &Arg) -> bool {
    arg.get_action().takes_values() && arg.get_num_args().is_some_and(|range| range.min_values() == 0)
}

/// What is typed for it.
pub fn words(flag: &str, given: &Given) -> Vec<OsString> {
    match given {
        Given::Off => Vec::new(),
        Given::On => vec![format!("--{flag}").into()],
        Given::Values(values) => {
            let word = |value: &OsString| {
                let mut word = OsString::from(format!("--{flag}="));
                word.push(value);
                word
            };
            values.iter().map(word).collect()
        }
    }
}

/// Whether the flag takes that, by its own parser.
///
/// # Errors
/// In clap's words.
pub fn judge(flag: &str, arg: &Arg, given: &Given) -> Result<(), String> {
    let mut alone = Arg::new("flag")
        .long(flag.to_owned())
        .action(arg.get_action().clone())
        .value_parser(arg.get_value_parser().clone())
        .value_names(arg.get_value_names().unwrap_or_default().to_vec());
    if let Some(range) = arg.get_num_args() {
        alone = alone.num_args(range);
    }
    let command = Command::new("esync-ssl").no_binary_name(true).arg(alone);
    match command.try_get_matches_from(words(flag, given)) {
        Ok(_) => Ok(()),
        Err(error) => Err(first_part(&error)),
    }
}

/// What an error of clap says, without usage and advice.
pub fn first_part(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more information").next().unwrap_or_default();
    text.trim_start_matches("error: ").trim_end().to_owned()
}

/// The known flag that was probably meant.
pub fn similar<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    use clap::error::{ContextKind, ContextValue};
    let word = word.to_ascii_lowercase().replace('_', "-");
    let flags = known
        .into_iter()
        .map(|flag| Arg::new(flag.to_owned()).long(flag.to_owned()));
    let command = Command::new("esync-ssl")
        .no_binary_name(true)
        .disable_help_flag(true);
    match command.args(flags).try_get_matches_from([format!("--{word}")]) {
        Err(error) => match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(flag)) => Some(flag.trim_start_matches('-').to_owned()),
            // It is one, and lacks its value.
            _ => (error.kind() != clap::error::ErrorKind::UnknownArgument).then_some(word),
        },
        Ok(_) => Some(word),
    }
}

/// The command that these words lead to.
pub fn below<'a>(command: &'a Command, path: &[String]) -> Option<&'a Command> {
    path.iter()
        .try_fold(command, |command, name| command.find_subcommand(name))
}
