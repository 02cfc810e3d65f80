//! The answer file: what would be typed, as TOML whose keys are the long flags.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::flags::{
    Given, Kind, NEVER_IN_A_FILE, flags_of_files, is_repeatable, is_value_optional, judge, names, similar,
};
use crate::foreign::{self, NotText};
use crate::quoted::bare;
use crate::shown::{printable, shown};
use crate::wording::reason;

/// The one version of answer files that there is.
const SCHEMA: &str = "1";

/// One answer of a file.
#[derive(Debug)]
pub struct Answer {
    /// The command that it is for; empty for all that have the flag.
    pub command: Vec<String>,
    /// The long flag.
    pub flag: String,
    /// What is said of it.
    pub given: Given,
    /// File and line, for people.
    pub place: String,
}

/// What is wrong with an answer file.
#[derive(Debug)]
pub struct Wrong {
    /// Its line, if it has one.
    pub line: Option<usize>,
    /// What is the case.
    pub why: String,
    /// What to write instead, if that is known.
    pub fix: Option<String>,
}

impl From<String> for Wrong {
    fn from(why: String) -> Wrong {
        Wrong {
            line: None,
            why,
            fix: None,
        }
    }
}

impl Wrong {
    fn at(self, line: usize) -> Wrong {
        Wrong {
            line: self.line.or(Some(line)),
            ..self
        }
    }

    /// For people, with file and line.
    pub fn told(&self, path: &Path) -> String {
        let name = shown(path);
        let hint = self.fix.iter().map(|fix| format!(". Did you mean {fix}?"));
        let hint: String = hint.collect();
        match self.line {
            Some(line) => format!("{name}:{line}: {}{hint}", self.why),
            None => format!("the answer file {name}: {}{hint}", self.why),
        }
    }
}

/// Reads an answer file for a built command.
///
/// # Errors
/// It cannot be read, is no TOML, or says what no flag takes. Never a value that may be a secret.
pub fn read(path: &Path, command: &Command) -> Result<Vec<Answer>, Wrong> {
    let name = shown(path);
    let bytes = bytes(path)?;
    let text = foreign::text(&bytes).map_err(|why| match why {
        NotText::BrokenUtf16 => "it begins as UTF-16, but is not UTF-16 to its end",
        NotText::NotUtf8 => "it is not UTF-8; save it as UTF-8",
    });
    let text = text.map_err(str::to_owned)?;
    let folder = std::path::absolute(path)
        .ok()
        .and_then(|path| Some(path.parent()?.to_owned()));
    let file = File {
        name,
        folder: folder.unwrap_or_default(),
        text: &text,
        root: command,
    };
    let table = DeTable::parse(&text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        Wrong::from(file.not_toml(&error, at)).at(file.line(at))
    })?;
    let mut answers = Vec::new();
    file.table(table.get_ref(), &mut Vec::new(), command, &mut answers)?;
    Ok(answers)
}

/// By the rules for what others may have written.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let (file, metadata) = foreign::open(path).map_err(|error| reason(&error))?;
    #[cfg(unix)]
    refuse_others(&file, &metadata)?;
    foreign::read_from(&file, &metadata, foreign::ANSWERS).map_err(|error| reason(&error))
}

/// Whoever may write it decides what we do. Who called us by sudo may.
#[cfg(unix)]
fn refuse_others(file: &std::fs::File, metadata: &std::fs::Metadata) -> Result<(), String> {
    use crate::account::{ACCESS_LIST, Writer, access_list};
    use std::os::unix::fs::MetadataExt;
    let list = || access_list(|list| rustix::fs::fgetxattr(file, ACCESS_LIST, list));
    let caller = std::env::var("SUDO_UID")
        .ok()
        .and_then(|id| id.parse::<u32>().ok());
    let owner = match metadata.uid() {
        // As if it were ours: only who else may write it is asked.
        owner if Some(owner) == caller => 0,
        owner => owner,
    };
    // The group of that account is most often its own, and cannot be told from others here.
    match Writer::of(owner, metadata.gid(), metadata.mode(), list) {
        None => Ok(()),
        Some(Writer::Group(_)) if Some(metadata.gid()) == caller => Ok(()),
        Some(writer) => Err(format!(
            "it {writer}, who could decide what this program does; take a copy that only you may write (chmod go-w)"
        )),
    }
}

struct File<'a> {
    name: String,
    folder: PathBuf,
    text: &'a str,
    root: &'a Command,
}

impl File<'_> {
    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }

    /// Only what is wrong: the line itself may hold a secret.
    fn not_toml(&self, error: &toml::de::Error, at: usize) -> String {
        let start = self
            .text
            .get(..at)
            .and_then(|text| text.rfind('\n'))
            .map_or(0, |end| end + 1);
        let line = self
            .text
            .get(start..)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        let is_path = line.contains('"') && line.contains('\\');
        let hint = if is_path {
            ". In \"double quotes\" a backslash begins an escape: put Windows paths in 'single quotes'"
        } else {
            ""
        };
        format!("this is not TOML: {}{hint}", error.message().trim())
    }

    fn table(
        &self,
        table: &DeTable,
        path: &mut Vec<String>,
        command: &Command,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Wrong> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let line = self.line(key.span().start);
            if let DeValue::Table(inner) = value.get_ref() {
                let below = command
                    .find_subcommand(name)
                    .filter(|found| found.get_name() != "help");
                let below = below.ok_or_else(|| no_command(name, path, command).at(line))?;
                path.push(name.to_owned());
                self.table(inner, path, below, answers)?;
                path.pop();
            } else if name == "schema" && path.is_empty() {
                let is_known =
                    matches!(value.get_ref(), DeValue::Integer(number) if number.as_str() == SCHEMA);
                if !is_known {
                    let why = format!("this version reads answer files of schema = {SCHEMA} only");
                    return Err(Wrong::from(why).at(line));
                }
            } else {
                let given = self.answer(name, value, command);
                answers.push(Answer {
                    command: path.clone(),
                    flag: name.to_owned(),
                    given: given.map_err(|wrong| wrong.at(line))?,
                    place: format!("{}:{line}", self.name),
                });
            }
        }
        Ok(())
    }

    fn answer(&self, name: &str, value: &Spanned<DeValue>, command: &Command) -> Result<Given, Wrong> {
        let mut args = Vec::new();
        collect(command, name, &mut args);
        if args.is_empty() {
            return Err(self.unknown(name, command));
        }
        // One name may take other values elsewhere: it is for those that take it.
        let mut why = None;
        for arg in args {
            let given = self.given(name, arg, value.get_ref());
            match given.and_then(|given| judge(name, arg, &given).map(|()| given)) {
                Ok(given) => return Ok(given),
                Err(error) => why = why.or(Some(error)),
            }
        }
        Err(why.unwrap_or_default().into())
    }

    fn given(&self, name: &str, arg: &Arg, value: &DeValue) -> Result<Given, String> {
        let kind = Kind::of(arg);
        match value {
            DeValue::Boolean(on) if kind == Kind::Switch || is_value_optional(arg) => {
                Ok(if *on { Given::On } else { Given::Off })
            }
            DeValue::Array(all) if is_repeatable(arg) => {
                let values = all.iter().map(|one| self.value(name, kind, one.get_ref()));
                let values: Vec<OsString> = values.collect::<Result<_, _>>()?;
                Ok(if values.is_empty() {
                    Given::Off
                } else {
                    Given::Values(values)
                })
            }
            _ if kind == Kind::Switch => Err(format!("{name} is {name} = true or {name} = false")),
            DeValue::Array(_) => Err(format!("{name} takes one value, not a list")),
            one => Ok(Given::Values(vec![self.value(name, kind, one)?])),
        }
    }

    fn value(&self, name: &str, kind: Kind, value: &DeValue) -> Result<OsString, String> {
        match (kind, value) {
            (Kind::Number, DeValue::Integer(number)) if number.radix() == 10 => {
                Ok(number.as_str().replace('_', "").into())
            }
            (Kind::Number, _) => Err(format!("{name} takes a number, without quotes: {name} = 443")),
            (Kind::Path, DeValue::String(text)) => self.path(name, text),
            (Kind::Text, DeValue::String(text)) => Ok(text.as_ref().into()),
            (Kind::Text, DeValue::Datetime(time)) => Ok(time.to_string().into()),
            (_, other) => Err(format!(
                "{name} takes text in quotes, and this is of type {}",
                other.type_str()
            )),
        }
    }

    /// Paths depend on the folder of the file, wherever the program is started.
    fn path(&self, name: &str, text: &str) -> Result<OsString, String> {
        if text.contains(|c: char| c.is_control()) {
            return Err(format!(
                "{name} has a tab or line end in its path: in \"double quotes\" a backslash begins an escape; put Windows \
                 paths in 'single quotes'"
            ));
        }
        let text = bare(text);
        if text == "-" || text.is_empty() {
            return Ok(text.into());
        }
        Ok(self.folder.join(text).into())
    }

    /// A key that is no flag here.
    fn unknown(&self, name: &str, command: &Command) -> Wrong {
        if is_secret(name) {
            let why = format!(
                "{}: a pass-phrase has no place in an answer file, which is copied, saved and read by others; put it into \
                 a file of its own and name that with passphrase-file",
                printable(name.as_bytes())
            );
            return why.into();
        }
        let shown = printable(name.as_bytes());
        if NEVER_IN_A_FILE.contains(&name) {
            let why = format!(
                "{shown}: an answer file does not lead to another; give --{name} when you start the program"
            );
            return why.into();
        }
        let mut known = names(command);
        known.retain(|flag| !NEVER_IN_A_FILE.contains(flag));
        let is_elsewhere = {
            let mut all = Vec::new();
            collect(self.root, name, &mut all);
            !all.is_empty()
        };
        let who = match command.get_name() {
            _ if std::ptr::eq(command, self.root) => "no command has a flag of that name".to_owned(),
            of if is_elsewhere => format!("{of} has no such flag; other commands have"),
            of => format!("{of} has no flag of that name"),
        };
        let meant = similar(name, known.iter().copied());
        Wrong {
            fix: meant.filter(|flag| flag != name && known.contains(&&**flag)),
            ..format!("unknown key {shown}: {who}").into()
        }
    }
}

/// Names that people give to what must not stand here; flags were asked for before.
fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let bare: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    // passphrase_file is the right one, misspelt.
    !bare.ends_with("file")
        && (bare == "pin" || ["pass", "pwd", "secret"].iter().any(|word| bare.contains(word)))
}

fn no_command(name: &str, path: &[String], command: &Command) -> Wrong {
    let shown = printable(name.as_bytes());
    let all = command
        .get_subcommands()
        .map(Command::get_name)
        .filter(|name| *name != "help");
    let all: Vec<&str> = all.collect();
    let path: String = path.iter().map(|name| format!("{name}.")).collect();
    let meant = similar(name, all.iter().copied()).filter(|one| all.contains(&&**one));
    Wrong {
        fix: meant.map(|one| format!("[{path}{one}]")),
        ..format!("unknown table [{shown}]: there is no such command").into()
    }
}

/// The flag of that name of a command and of all below.
fn collect<'a>(command: &'a Command, name: &str, all: &mut Vec<&'a Arg>) {
    all.extend(
        flags_of_files(command)
            .filter(|(flag, _)| *flag == name)
            .map(|(_, arg)| arg),
    );
    for below in command.get_subcommands() {
        collect(below, name, all);
    }
}

#[cfg(test)]
mod tests;
