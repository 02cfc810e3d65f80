//! Command lines that are not understood, and those that only ask for help or the version.

use std::ffi::OsString;
use std::io::Write;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory};

use super::arguments::{Arguments, ColorChoice};
use super::output;
use super::printer::Printer;
use crate::document::{End, Ending, Error, FailureCode, Run, Version};
use crate::exit_status::ExitStatus;
use crate::shown::printable;

/// The command as it is typed, such as `cert inspect`.
pub fn command(matches: &ArgMatches) -> String {
    let (mut words, mut matches) = (Vec::new(), matches);
    while let Some((name, inner)) = matches.subcommand() {
        words.push(name);
        matches = inner;
    }
    words.join(" ")
}

/// Tells why a command line does not lead to a command, and gives its status.
pub fn told(error: &clap::Error, typed: &[OsString]) -> ExitStatus {
    let options = typed.iter().skip(1).take_while(|word| *word != "--");
    let command = recognised(typed);
    // A dump has no other form than JSON.
    let by_environment =
        std::env::var("ESYNC_SSL_JSON").is_ok_and(|value| ["1", "true", "yes"].contains(&&*value));
    let is_json = options.into_iter().any(|word| word == "--json") || by_environment || command == "dump";
    match error.kind() {
        ErrorKind::DisplayVersion if is_json => {
            let printer = Printer::new("version", true, ColorChoice::Auto);
            printer.document(End::of(Ending::Ok), &Version::of_this());
            return printer.delivered(ExitStatus::Done);
        }
        _ if !error.use_stderr() => {
            output::answered(error.print());
            return Printer::new(&command, false, ColorChoice::Auto).delivered(ExitStatus::Done);
        }
        _ => {}
    }
    // It quotes what was typed, or what a script put there.
    let told = printable(error.render().to_string().as_bytes());
    if is_json {
        let told = halves(error.kind(), &told);
        let words = told.message.clone();
        let printer = Printer::new(&command, true, ColorChoice::Auto);
        printer.envelope(&Run::new(&command).error(ExitStatus::Usage, told));
        let _ = writeln!(std::io::stderr(), "esync-ssl: error: {words}");
    } else {
        let _ = std::io::stderr().write_all(told.as_bytes());
    }
    ExitStatus::Usage
}

/// The command of a line that is not understood, as far as it is.
pub fn recognised(typed: &[OsString]) -> String {
    let lenient = Arguments::command().ignore_errors(true);
    let matches = lenient.try_get_matches_from(typed);
    matches.map(|matches| command(&matches)).unwrap_or_default()
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
