//! Quotes and dashes that shells, file managers and web pages leave in what was typed. Looks at words only.
//!
//! What can mean one thing only is repaired. What would have to be guessed is explained, with how it is written: a program
//! that changes a server does not run on a guess.

use std::ffi::{OsStr, OsString};

use clap::{Arg, Command};

use super::flags::Kind;
use crate::quoted::{PAIRS, bare, is_windows_path};

/// What word processors make of a hyphen.
const DASHES: [char; 6] = [
    '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}',
];

/// A hyphen, or what stands for one.
pub fn is_dash(c: char) -> bool {
    c == '-' || DASHES.contains(&c)
}

/// Is there nothing in a command line that a shell could have left there?
pub fn are_absent(words: &[OsString]) -> bool {
    let is_mark = |c: char| PAIRS.iter().any(|(left, right)| c == *left || c == *right);
    let mut texts = words.iter().skip(1).filter_map(|word| word.to_str());
    !texts.any(|text| text.contains(|c: char| is_mark(c) || DASHES.contains(&c)))
}

/// The words of a command line, without what surrounds values only because a shell left it there.
///
/// # Errors
/// What happened to the line, to which part, and how it is written.
pub fn repaired(command: &Command, words: &[OsString]) -> Result<Vec<OsString>, String> {
    let mut told: Vec<OsString> = words.iter().take(1).cloned().collect();
    for (at, word) in words.iter().enumerate().skip(1) {
        // What is no text is nothing that a shell did.
        let Some(text) = word.to_str() else {
            told.push(word.clone());
            continue;
        };
        let before = words[at - 1].to_str().filter(|_| at > 1).unwrap_or_default();
        let line = Line {
            command,
            before,
            word: text,
            rest: &words[at + 1..],
        };
        line.explain()?;
        told.push(
            match text.split_once('=').filter(|(flag, _)| flag.starts_with("--")) {
                Some((flag, value)) if is_path(command, flag) => format!("{flag}={}", bare(value)).into(),
                Some((flag, value)) => {
                    explain_quoted(command, flag, "=", value)?;
                    text.into()
                }
                None if is_path(command, before) => bare(text).into(),
                None => {
                    explain_quoted(command, before, " ", text)?;
                    text.into()
                }
            },
        );
    }
    Ok(told)
}

/// Is the next word a path, or no value at all? Other values are judged by whoever takes them, quotation marks and all.
fn is_path(command: &Command, flag: &str) -> bool {
    let kind = flag_of(command, flag).map(Kind::of);
    !matches!(kind, Some(Kind::Number | Kind::Text))
}

/// A number, or one word of a list, in quotation marks that cmd took for a part of it.
fn explain_quoted(command: &Command, flag: &str, between: &str, value: &str) -> Result<(), String> {
    let is_one_of_few = |arg: &Arg| Kind::of(arg) == Kind::Number || !arg.get_possible_values().is_empty();
    if bare(value) == value || !flag_of(command, flag).is_some_and(is_one_of_few) {
        return Ok(());
    }
    Err(format!(
        "{flag}{between}{value}: to this shell these are no quotation marks\n\n  write it {flag}{between}{}",
        bare(value)
    ))
}

/// One word, and what stands around it.
struct Line<'a> {
    command: &'a Command,
    before: &'a str,
    word: &'a str,
    rest: &'a [OsString],
}

impl Line<'_> {
    fn explain(&self) -> Result<(), String> {
        self.explain_dash()?;
        self.explain_swallowed()?;
        self.explain_split()
    }

    /// `–domain`: text from a web page or a mail.
    fn explain_dash(&self) -> Result<(), String> {
        let name = self.word.trim_start_matches(is_dash);
        let dashes = &self.word[..self.word.len() - name.len()];
        let long = name.split('=').next().unwrap_or_default();
        let right = if has_long(self.command, long) {
            format!("--{name}")
        } else if has_short(self.command, long) {
            format!("-{name}")
        } else {
            return Ok(());
        };
        match dashes.chars().find(|dash| DASHES.contains(dash)) {
            None => Ok(()),
            Some(dash) => Err(format!(
                "'{}' begins with {dash} (U+{:04X}), which web pages, mails and word processors put in the place of -\n\n  \
                 write it {right}",
                self.word, dash as u32
            )),
        }
    }

    /// `--root "C:\eSync\Apache24\" --yes`: to Windows `\"` is a quotation mark inside the text, which continues.
    fn explain_swallowed(&self) -> Result<(), String> {
        let (flag, value) = match self.word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, value),
            _ => (self.before, self.word),
        };
        let Some((path, swallowed)) = value.split_once('"') else {
            return Ok(());
        };
        let swallowed_flag = swallowed.split_whitespace().next().unwrap_or_default();
        let is_swallowed = swallowed.starts_with([' ', '\t'])
            && (is_flag(self.command, swallowed_flag) || is_windows_path(path));
        if !is_swallowed || path.is_empty() {
            return Ok(());
        }
        // The quotation marks of what follows are turned round, so a value with blanks is in several words now.
        let rest: Vec<_> = self.rest.iter().map(|word| word.to_string_lossy()).collect();
        let line = [&[swallowed.trim().into()][..], &rest].concat().join(" ");
        let of = if flag.starts_with('-') {
            format!("of {flag} ")
        } else {
            String::new()
        };
        let flag = if flag.starts_with('-') {
            format!("{flag} ")
        } else {
            String::new()
        };
        // The backslash belongs to the root of a drive.
        let right = if path.ends_with(':') {
            format!("{path}\\")
        } else {
            format!("\"{path}\"")
        };
        Err(format!(
            "the value {of}ends with a backslash before the quotation mark: {flag}\"{path}\\\"\n\n  To Windows \\\" is a \
             quotation mark inside the text, so the rest of the line became part of the value: {swallowed}\n  Write it \
             without that backslash:\n    {flag}{right}{}",
            self.written(&line)
        ))
    }

    /// `'C:\my files\server.crt'` in cmd, `“C:\my files\server.crt”` anywhere: no quotation marks to that shell.
    fn explain_split(&self) -> Result<(), String> {
        let value = match self.word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => value,
            _ => self.word,
        };
        let opened = PAIRS.iter().find(|(left, right)| {
            *left != '"' && value.starts_with(*left) && !value[left.len_utf8()..].contains(*right)
        });
        let Some((left, right)) = opened else {
            return Ok(());
        };
        let rest: Vec<&str> = self.rest.iter().map_while(|word| word.to_str()).collect();
        let Some(last) = rest.iter().position(|word| word.ends_with(*right)) else {
            return Ok(());
        };
        if rest[..=last].iter().any(|word| is_flag(self.command, word)) {
            return Ok(());
        }
        let whole = [&[value][..], &rest[..=last]].concat().join(" ");
        let inner = bare(&whole);
        Err(format!(
            "{whole} came in {} pieces: to this shell {left} and {right} are no quotation marks\n\n  write it \"{inner}\"",
            last + 2
        ))
    }

    /// What was swallowed, with values that need it in quotation marks.
    fn written(&self, line: &str) -> String {
        let mut written = String::new();
        let mut value = String::new();
        let put = |value: &mut String, written: &mut String| {
            let plain = value.trim().trim_matches('"').trim_end_matches('\\').to_owned();
            if !plain.is_empty() {
                written.push_str(&if plain.contains([' ', '\\']) {
                    format!(" \"{plain}\"")
                } else {
                    format!(" {plain}")
                });
            }
            value.clear();
        };
        for word in line.split(' ') {
            if is_flag(self.command, word) {
                put(&mut value, &mut written);
                written.push(' ');
                written.push_str(word);
            } else {
                value.push(' ');
                value.push_str(word);
            }
        }
        put(&mut value, &mut written);
        written
    }
}

/// Is it a flag of any command, typed as such?
fn is_flag(command: &Command, word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    match name.strip_prefix("--") {
        Some(long) => has_long(command, long),
        None => name
            .strip_prefix('-')
            .is_some_and(|short| has_short(command, short)),
    }
}

fn has_long(command: &Command, long: &str) -> bool {
    has(command, &|arg| arg.get_long() == Some(long))
}

fn has_short(command: &Command, short: &str) -> bool {
    has(command, &|arg| {
        arg.get_short()
            .is_some_and(|own| short.strip_prefix(own).is_some_and(str::is_empty))
    })
}

/// The long flag of any command that is typed so.
pub fn flag_of<'a>(command: &'a Command, flag: &str) -> Option<&'a Arg> {
    let long = flag.strip_prefix("--")?;
    let own = command.get_arguments().find(|arg| arg.get_long() == Some(long));
    own.or_else(|| command.get_subcommands().find_map(|below| flag_of(below, flag)))
}

fn has(command: &Command, is_it: &dyn Fn(&Arg) -> bool) -> bool {
    command.get_arguments().any(is_it) || command.get_subcommands().any(|below| has(below, is_it))
}

/// A variable's value, without what `set NAME="C:\..."` leaves around it.
pub fn bare_variable(value: OsString) -> OsString {
    match value.to_str() {
        Some(text) => OsStr::new(bare(text.trim())).to_owned(),
        None => value,
    }
}

#[cfg(test)]
mod tests;
