//! What was not typed comes from the environment, else from an answer file: the one place where that is decided.
//!
//! Such values become words of the command line, behind the name of the command, so that all that clap knows of flags holds
//! for them too. What was typed is stronger than the environment, that is stronger than a table of the file, and that is
//! stronger than the file's top: of two flags that exclude each other, the one from the stronger place stays.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, Id};

use super::answers::{self, Answer};
use super::flags::{
    Given, Kind, PREFIX, below, first_part, is_repeatable, is_value_optional, judge, long_flags, names,
    similar, switched, variable, words,
};
use super::quotes;
use crate::quoted::bare;
use crate::shown::printable;

/// How strong a place is: typed, the environment, and the tables of an answer file by their depth.
const TYPED: usize = usize::MAX;
const ENVIRONMENT: usize = 1000;

/// Why a command line is not understood.
#[derive(Debug)]
pub struct Wrong {
    /// For people; help and version as well.
    pub error: clap::Error,
    /// What is the case and what helps, where these are not clap's own words.
    pub parts: Option<(String, Option<String>)>,
    /// Where: file and line.
    pub place: Option<(PathBuf, Option<usize>)>,
}

impl From<clap::Error> for Wrong {
    fn from(error: clap::Error) -> Wrong {
        Wrong {
            error,
            parts: None,
            place: None,
        }
    }
}

impl Wrong {
    /// Of what is said of it; behind an empty line, what helps.
    fn of(command: &Command, text: String) -> Wrong {
        let (message, fix) = match text.split_once("\n\n") {
            Some((message, fix)) => (message, Some(fix)),
            None => (&*text, None),
        };
        let one_line = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let parts = (one_line(message), fix.map(one_line));
        Wrong {
            parts: Some(parts),
            ..command.clone().error(ErrorKind::InvalidValue, text).into()
        }
    }

    fn by_file(self, file: &Path, wrong: answers::Wrong) -> Wrong {
        let parts = self.parts.map(|(message, _)| (message, wrong.fix));
        Wrong {
            parts,
            place: Some((file.to_path_buf(), wrong.line)),
            ..self
        }
    }
}

/// A command line with all that belongs to it.
pub struct Whole {
    /// As clap understands it.
    pub matches: ArgMatches,
    /// As it would have been typed.
    pub words: Vec<OsString>,
}

/// A flag that was not typed.
struct Offer<'a> {
    arg: &'a Arg,
    flag: &'a str,
    given: Given,
    strength: usize,
    /// For people: the variable, or file and line.
    place: String,
}

/// Completes a command line by what the environment and an answer file say.
///
/// # Errors
/// Those of clap; a value that a flag does not take, or an answer file that cannot be taken, named with where it stands;
/// quotation marks that changed the line.
pub fn complete(
    command: fn() -> Command,
    typed: Vec<OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Whole, Wrong> {
    match as_typed(command(), &typed, environment) {
        Some(result) => result,
        None => completed(command(), typed, environment),
    }
}

/// The same of a line to which nothing is added, and of one that asks for the version: of all commands only the one that is
/// typed is built. To build all takes longer than all else that a short run does.
fn as_typed(
    mut command: Command,
    typed: &[OsString],
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Option<Result<Whole, Wrong>> {
    if !quotes::are_absent(typed) {
        return None;
    }
    let matches = match command.try_get_matches_from_mut(typed) {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::DisplayVersion => return Some(Err(error.into())),
        // It is told with the names of all that there is.
        Err(_) => return None,
    };
    let (path, of_leaf) = deepest(&matches);
    let leaf = below(&command, &path).filter(|leaf| !leaf.has_subcommands())?;
    let is_set = |flag: &str| environment(&variable(flag)).is_some();
    if of_leaf.get_raw("answers").is_some() || long_flags(leaf).any(|(flag, _)| is_set(flag)) {
        return None;
    }
    let words = typed.to_vec();
    Some(Ok(Whole { matches, words }))
}

fn completed(
    mut command: Command,
    typed: Vec<OsString>,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Whole, Wrong> {
    // Before it is built: its commands take this from it.
    let lenient = command.clone().ignore_errors(true);
    command.build();
    let wrong = |text: String| Wrong::of(&command, text);
    let typed = quotes::repaired(&command, &typed).map_err(wrong)?;
    let plain = |words: Vec<OsString>| {
        let matches = command.clone().try_get_matches_from(&words)?;
        Ok(Whole { matches, words })
    };
    // Whatever is wrong with it is told in the end; help and version are answers.
    let Ok(seen) = lenient.try_get_matches_from(&typed) else {
        return plain(typed);
    };
    let (path, matches) = deepest(&seen);
    let Some(leaf) = below(&command, &path).filter(|leaf| !leaf.has_subcommands()) else {
        return plain(typed);
    };
    let wrong = |text: String| Wrong::of(leaf, text);
    let environment = |flag: &str| {
        let value = environment(&variable(flag)).map(quotes::bare_variable);
        value.filter(|value| !value.is_empty())
    };
    let file = match matches.get_raw("answers").and_then(|mut values| values.next()) {
        Some(typed) => Some(typed.to_owned()),
        None => environment("answers"),
    };
    let answers = match file {
        Some(file) => {
            let file = Path::new(&file);
            let answers = answers::read(file, &command);
            answers.map_err(|error| wrong(error.told(file)).by_file(file, error))?
        }
        None => Vec::new(),
    };
    let is_typed = |id: &Id| is_typed(matches, id);
    let mut offers = Vec::new();
    for (flag, arg) in long_flags(leaf).filter(|(flag, arg)| !is_typed(arg.get_id()) && *flag != "answers") {
        let from = of_environment(flag, arg, &environment).map_err(wrong)?;
        let offer = from.or_else(|| of_file(flag, arg, &path, &answers));
        let Some(offer) = offer else { continue };
        judge(flag, arg, &offer.given).map_err(|why| wrong(format!("{}: {why}", offer.place)))?;
        offers.push(offer);
    }
    let known_root = offers
        .iter()
        .position(|offer| offer.flag == "root" && offer.strength == ENVIRONMENT);
    let names_config = offers.iter().any(|offer| offer.flag == "config");
    if let Some(at) = known_root.filter(|_| !names_config) {
        // The variable alone is the usual root, which `Global::place` knows; with the main file it is what --root is.
        offers.remove(at);
    }
    let kept = settled(leaf, matches, offers);
    let mut more: Vec<OsString> = kept
        .iter()
        .flat_map(|offer| words(offer.flag, &offer.given))
        .collect();
    // A flag whose value may be left out must not take the next word for it.
    more.sort_by_key(|word| word.to_string_lossy().contains('='));
    let at = behind(&command, &typed, path.len());
    let mut words = typed;
    words.splice(at..at, more);
    // What asks for something that was beaten is content: clap asks for nothing that is excluded.
    plain(words).map_err(|wrong: Wrong| placed(leaf, wrong.error, &kept).into())
}

/// Variables that look like ours and are no flag of any command, for people.
pub fn unknown(mut command: Command, variables: impl IntoIterator<Item = String>) -> Vec<String> {
    command.build();
    let known = names(&command);
    let told = |name: String| {
        let word = name.strip_prefix(PREFIX)?;
        if known.iter().any(|flag| variable(flag) == name) {
            return None;
        }
        let meant = similar(word, known.iter().copied());
        let hint = meant
            .filter(|flag| known.contains(&&**flag))
            .map(|flag| variable(&flag));
        let hint = hint.map(|name| format!("; {name} is one")).unwrap_or_default();
        Some(format!(
            "the variable {name} is no flag of this program; it has no effect{hint}"
        ))
    };
    variables.into_iter().filter_map(told).collect()
}

/// The words that lead to the command, and what was said of it.
pub fn deepest(matches: &ArgMatches) -> (Vec<String>, &ArgMatches) {
    let (mut path, mut matches) = (Vec::new(), matches);
    while let Some((name, inner)) = matches.subcommand() {
        path.push(name.to_owned());
        matches = inner;
    }
    (path, matches)
}

fn is_typed(matches: &ArgMatches, id: &Id) -> bool {
    let is_known = matches.try_contains_id(id.as_str()).unwrap_or_default();
    is_known && matches.value_source(id.as_str()) == Some(ValueSource::CommandLine)
}

fn of_environment<'a>(
    flag: &'a str,
    arg: &'a Arg,
    environment: &dyn Fn(&str) -> Option<OsString>,
) -> Result<Option<Offer<'a>>, String> {
    let Some(value) = environment(flag) else {
        return Ok(None);
    };
    let place = variable(flag);
    let text = value.to_string_lossy();
    let is_switch = Kind::of(arg) == Kind::Switch;
    // To a flag that takes a value as well a number is one.
    let is_number = !is_switch && text.trim().parse::<u64>().is_ok();
    let on = switched(&text).filter(|_| !is_number);
    let given = match on {
        Some(true) if is_switch || is_value_optional(arg) => Given::On,
        Some(false) if is_switch || is_value_optional(arg) => Given::Off,
        _ if is_switch => {
            return Err(format!(
                "{place} is {:?}; --{flag} has no value, so it is true or false (or 1, 0, yes, no)",
                printable(text.as_bytes())
            ));
        }
        _ if is_repeatable(arg) && value.to_str().is_some() => {
            let parts = text.split([',', '\n', '\r']).map(|part| bare(part.trim()));
            let parts: Vec<OsString> = parts.filter(|part| !part.is_empty()).map(Into::into).collect();
            if parts.is_empty() {
                Given::Off
            } else {
                Given::Values(parts)
            }
        }
        _ => Given::Values(vec![value]),
    };
    Ok(Some(Offer {
        arg,
        flag,
        given,
        strength: ENVIRONMENT,
        place,
    }))
}

/// The answer of the innermost table that has one for this command.
fn of_file<'a>(flag: &'a str, arg: &'a Arg, path: &[String], answers: &[Answer]) -> Option<Offer<'a>> {
    let mine = answers
        .iter()
        .filter(|answer| answer.flag == flag && path.starts_with(&answer.command));
    let answer = mine.max_by_key(|answer| answer.command.len())?;
    Some(Offer {
        arg,
        flag,
        given: answer.given.clone(),
        strength: answer.command.len(),
        place: answer.place.clone(),
    })
}

/// Of what excludes each other the stronger stays.
fn settled<'a>(leaf: &'a Command, matches: &ArgMatches, mut offers: Vec<Offer<'a>>) -> Vec<Offer<'a>> {
    offers.retain(|offer| offer.given != Given::Off);
    offers.sort_by_key(|offer| std::cmp::Reverse(offer.strength));
    let mut there: Vec<(&Arg, usize)> = leaf
        .get_arguments()
        .filter(|arg| is_typed(matches, arg.get_id()))
        .map(|arg| (arg, TYPED))
        .collect();
    let mut kept: Vec<Offer> = Vec::new();
    for offer in offers {
        let is_beaten = there
            .iter()
            .any(|(other, strength)| *strength > offer.strength && exclude(leaf, other, offer.arg));
        if !is_beaten {
            there.push((offer.arg, offer.strength));
            kept.push(offer);
        }
    }
    kept
}

/// Do two flags exclude each other?
fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let names = |one: &Arg, other: &Arg| {
        let all = command.get_arg_conflicts_with(one);
        all.iter().any(|arg| arg.get_id() == other.get_id())
    };
    one.get_id() != other.get_id() && (names(one, other) || names(other, one))
}

/// The same error with where those flags come from that it names and that nobody typed.
fn placed(command: &Command, error: clap::Error, offers: &[Offer]) -> clap::Error {
    if !error.use_stderr() {
        return error;
    }
    let said = first_part(&error);
    let named = offers.iter().filter(|offer| {
        let flag = format!("--{}", offer.flag);
        let mut after = said.match_indices(&flag).map(|(at, _)| &said[at + flag.len()..]);
        after.any(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-'))
    });
    let mut named: Vec<String> = named
        .map(|offer| format!("\n  --{} comes from {}", offer.flag, offer.place))
        .collect();
    if named.is_empty() && error.kind() == ErrorKind::MissingRequiredArgument {
        // Something that was not typed may be what asks for it.
        let all = offers
            .iter()
            .map(|offer| format!("\n  --{} comes from {}", offer.flag, offer.place));
        named = all.collect();
    }
    if named.is_empty() {
        return error;
    }
    command
        .clone()
        .error(error.kind(), format!("{said}\n{}", named.concat()))
}

/// Where the words behind the name of the command begin.
fn behind(command: &Command, words: &[OsString], depth: usize) -> usize {
    let (mut command, mut at, mut depth) = (command, 1, depth);
    while let Some(word) = words.get(at).filter(|_| depth > 0) {
        let word = word.to_string_lossy();
        at += 1;
        if let Some(found) = command.find_subcommand(&*word) {
            (command, depth) = (found, depth - 1);
        } else if let Some(flag) = word.strip_prefix("--") {
            let mut flags = command.get_arguments().filter(|arg| arg.get_long() == Some(flag));
            at += usize::from(flags.any(|arg| arg.get_action().takes_values()));
        }
    }
    at
}

#[cfg(test)]
mod tests;
