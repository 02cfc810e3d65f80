//! Command lines that are not understood, and those that only ask for help or the version.

use std::cmp::Reverse;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::advice::Advice;
use super::arguments::{Arguments, ColorChoice, Wrong, deepest, is_dash, switched};
use super::output;
use super::printer::Printer;
use crate::document::{End, Ending, Error, FailureCode, Place, Run, Version, schema};
use crate::exit_status::ExitStatus;
use crate::foreign;
use crate::shown::{printable, shown};

/// As clap prints it.
const VERSION: &str = concat!("esync-ssl ", env!("CARGO_PKG_VERSION"), "\n");

/// Answers a line that asks for nothing but the version, in words. No command is built for it.
pub fn version(typed: &[OsString]) -> Option<ExitStatus> {
    let is_asked = matches!(typed, [_, word] if word == "--version" || word == "-V");
    if !is_asked || wants_json(typed, "") {
        return None;
    }
    Printer::plain(VERSION);
    Some(Printer::new("", false, ColorChoice::Auto, Advice::default()).delivered(ExitStatus::Done))
}

/// Tells why a command line does not lead to a command, and gives its status.
pub fn told(wrong: &Wrong, typed: &[OsString]) -> ExitStatus {
    let error = &wrong.error;
    let command = recognised(typed);
    let is_json = wants_json(typed, &command);
    match error.kind() {
        ErrorKind::DisplayVersion if is_json => {
            let printer = Printer::new("version", true, ColorChoice::Auto, Advice::default());
            printer.document(End::of(Ending::Ok), &Version::of_this());
            return printer.delivered(ExitStatus::Done);
        }
        _ if !error.use_stderr() => {
            output::answered(error.print());
            return Printer::new(&command, false, ColorChoice::Auto, Advice::default())
                .delivered(ExitStatus::Done);
        }
        _ => {}
    }
    // It quotes what was typed, or what a script put there.
    let told = printable(error.render().to_string().as_bytes());
    if is_json {
        let told = parts(wrong, &told, typed);
        let words = told.message.clone();
        let printer = Printer::new(&command, true, ColorChoice::Auto, Advice::default());
        printer.envelope(
            &Run::new(&command).error(ExitStatus::Usage, told),
            ExitStatus::Usage,
        );
        let _ = writeln!(std::io::stderr(), "esync-ssl: error: {words}");
    } else {
        let _ = std::io::stderr().write_all(told.as_bytes());
    }
    ExitStatus::Usage
}

/// Is the answer to be a document, as far as that can be told of a line that is not understood, or not read yet?
pub fn wants_json(typed: &[OsString], command: &str) -> bool {
    // A dump has no other form than JSON.
    command == "dump" || typed_json(typed) || set_json() || answered_json(typed, command)
}

/// In any form: behind other dashes, with a value, or swallowed by the value before it.
fn typed_json(typed: &[OsString]) -> bool {
    let options = typed.iter().skip(1).take_while(|word| *word != "--");
    options.into_iter().any(|word| {
        let text = word.to_string_lossy();
        let mut parts = text.split(|c: char| c.is_whitespace() || "\"'".contains(c));
        parts.any(|part| {
            let name = part.trim_start_matches(is_dash);
            name.len() < part.len() && (name == "json" || name.starts_with("json="))
        })
    })
}

fn set_json() -> bool {
    let value = std::env::var("ESYNC_SSL_JSON").unwrap_or_default();
    switched(&value) == Some(true)
}

/// An answer file says so, whatever else is wrong with it.
fn answered_json(typed: &[OsString], command: &str) -> bool {
    let words: Vec<_> = typed.iter().map(|word| word.to_string_lossy()).collect();
    let behind = words.windows(2).find(|pair| pair[0] == "--answers");
    let named = behind.map(|pair| &*pair[1]);
    let named = named.or_else(|| words.iter().find_map(|word| word.strip_prefix("--answers=")));
    let set = std::env::var("ESYNC_SSL_ANSWERS").unwrap_or_default();
    let path = named.unwrap_or(&set);
    if path.is_empty() {
        return false;
    }
    let bytes = foreign::read(Path::new(path), foreign::ANSWERS).unwrap_or_default();
    let mut is_ours = true;
    // PowerShell writes UTF-16.
    let text = String::from_utf8_lossy(&bytes).replace('\0', "");
    text.lines().any(|line| {
        let line = line.trim();
        if let Some(table) = line.strip_prefix('[') {
            is_ours = table.trim_end_matches(']').replace('.', " ") == command;
        }
        let value = line
            .strip_prefix("json")
            .and_then(|rest| rest.trim_start().strip_prefix('='));
        is_ours && value.is_some_and(|value| value.trim_start().starts_with("true"))
    })
}

/// What is wrong, what helps, and where.
fn parts(wrong: &Wrong, told: &str, typed: &[OsString]) -> Error {
    if wrong.error.kind() == ErrorKind::InvalidUtf8 {
        let at = typed
            .iter()
            .position(|word| word.to_str().is_none())
            .unwrap_or_default();
        let word = typed.get(at).map(|word| printable(word.as_encoded_bytes()));
        let message = format!("argument {at} is no UTF-8: {}", word.unwrap_or_default());
        let fix = "give the file a name in UTF-8, or a link to it that has one";
        return Error::new(FailureCode::Usage, message, Some(fix.into()));
    }
    let Some((message, fix)) = &wrong.parts else {
        return halves(wrong.error.kind(), told);
    };
    let place = wrong
        .place
        .as_ref()
        .map(|(file, line)| Place::new(shown(file), *line));
    let text = |words: &String| printable(words.as_bytes());
    Error {
        places: place.iter().cloned().collect(),
        place,
        ..Error::new(FailureCode::Usage, text(message), fix.as_ref().map(text))
    }
}

/// The command of a line that was not read yet, by its words.
pub fn probable(typed: &[OsString]) -> &'static str {
    let words: Vec<_> = typed.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let is_typed = |name: &&str| {
        let parts: Vec<&str> = name.split(' ').collect();
        !name.is_empty() && words.windows(parts.len()).any(|some| some == parts)
    };
    let typed = schema::commands().filter(is_typed);
    // The whole of it: `cert import`, and not only `cert`.
    typed
        .min_by_key(|name| Reverse(name.split(' ').count()))
        .unwrap_or_default()
}

/// The command of a line that is not understood, as far as it is.
fn recognised(typed: &[OsString]) -> String {
    let lenient = Arguments::command().ignore_errors(true);
    let matches = lenient.try_get_matches_from(typed);
    let name = |matches| deepest(&matches).0.join(" ");
    matches.map(name).unwrap_or_default()
}

/// What is wrong with a command line, and what helps: a suggestion, or else how the command is used.
fn halves(kind: ErrorKind, told: &str) -> Error {
    if kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let fix = "esync-ssl --help lists the commands; with a command before it, its options";
        return Error::new(FailureCode::Usage, "no command was given", Some(fix.into()));
    }
    let (mut message, mut tips, mut usage) = (Vec::new(), Vec::new(), String::new());
    for part in told.trim().split("\n\n") {
        let part = part.trim_end();
        if let Some(rest) = part.strip_prefix("Usage:") {
            usage = rest.trim().to_owned();
        } else if part.trim_start().starts_with("tip:") {
            tips.extend(
                part.lines()
                    .map(|line| line.trim().trim_start_matches("tip:").trim()),
            );
        } else if !part.starts_with("For more information") {
            let lines = part.strip_prefix("error: ").unwrap_or(part).lines();
            message.extend(lines.map(str::trim));
        }
    }
    let fix = match (tips.is_empty(), usage.is_empty()) {
        (false, _) => Some(tips.join("; ")),
        (true, false) => Some(format!("usage: {usage}")),
        (true, true) => None,
    };
    Error::new(FailureCode::Usage, message.join(" "), fix)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (String, Error) {
        let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
        let error = Arguments::command().try_get_matches_from(&words).unwrap_err();
        let told = halves(error.kind(), &error.render().to_string());
        (recognised(&words), told)
    }

    #[test]
    fn a_command_is_known_before_its_line_is_read() {
        for (line, command) in [
            ("x enable --json", "enable"),
            ("x cert import a.pfx", "cert import"),
            ("x --json acme account show", "acme account show"),
            ("x acme revoke a.crt", "acme revoke"),
            ("x --json", ""),
        ] {
            let words: Vec<OsString> = line.split(' ').map(Into::into).collect();
            assert_eq!(probable(&words), command, "{line}");
        }
    }

    #[test]
    fn the_version_is_told_as_clap_tells_it() {
        for word in ["--version", "-V"] {
            let error = Arguments::command()
                .try_get_matches_from(["esync-ssl", word])
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::DisplayVersion);
            assert_eq!(error.render().to_string(), VERSION);
        }
    }

    #[test]
    fn a_wrong_line_is_told_in_halves() {
        let (command, told) = of("x enable --domian a.test --json");
        assert_eq!(command, "enable");
        assert_eq!(told.message, "unexpected argument '--domian' found");
        assert!(told.fix.unwrap().contains("'--domain'"));
        let (command, told) = of("x cert inspect --json");
        assert_eq!(command, "cert inspect");
        assert!(told.message.contains("<FILE"), "{told:?}");
        assert!(told.fix.unwrap().starts_with("usage: x cert inspect"));
        let (command, told) = of("x nothing");
        assert_eq!(command, "");
        assert!(told.message.contains("'nothing'"));
        let (command, told) = of("x --root enable status --bad");
        assert_eq!(command, "status", "{told:?}");
        let (command, told) = of("x enable --self-signed --port 0 --domain a.test");
        assert_eq!(command, "enable");
        assert!(told.message.contains("--port"), "{told:?}");
        assert_eq!(of("x").0, "");
        assert!(of("x cert").1.fix.is_some());
    }
}
