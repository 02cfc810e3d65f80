//! What has a command carried out twice a day: the Task Scheduler of Windows, systemd, or cron. The texts are pure; what
//! they say is shown before it is handed over.

mod cron;
mod marked;
mod systemd;
mod windows;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use marked::{Hand, hand};

use super::binary::{Binary, Silence};
use super::log_file;
use super::program::Program;
use super::trust::Distrust;
use crate::interrupt;

/// How long one run may take; then it is ended.
const MINUTES: u32 = 30;
/// A scheduler answers in a moment; a busy machine needs longer.
const ASKED_EVERY: Duration = Duration::from_millis(300);

/// What has it carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The Task Scheduler of Windows.
    TaskScheduler,
    /// A service and a timer.
    Systemd,
    /// One file in `/etc/cron.d`.
    Cron,
}

impl Kind {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::TaskScheduler => "the Task Scheduler",
            Kind::Systemd => "systemd",
            Kind::Cron => "cron",
        }
    }
}

/// A command that is carried out twice a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What it is called: letters, digits and `-`.
    pub name: String,
    /// What it is for, for people.
    pub purpose: String,
    /// The program, absolute.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The minute of the half day at which it begins.
    pub minute: u32,
    /// The one of both times of the day is within this: minute of the day at which it begins, and its length in minutes.
    pub window: Option<(u32, u32)>,
}

/// A file that makes a scheduler carry it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    /// Its text, for people.
    pub text: String,
}

/// What a scheduler knows of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// It will have it carried out; nothing where it does not tell.
    pub is_on: Option<bool>,
    /// It does what its files, or what is registered, say; nothing where it does not tell.
    pub is_as_written: Option<bool>,
    /// When it has it carried out next, in its own words.
    pub next: Option<String>,
    /// When it did so last, in its own words.
    pub last: Option<String>,
    /// The exit status of that.
    pub status: Option<i64>,
}

/// Why a scheduler did not do what it was asked to.
#[derive(Debug)]
pub enum Error {
    /// Its program did not answer, or may not be run.
    Silent(Box<Silence>),
    /// Its program refused, in its own words.
    Refused(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Silent(silence) => silence.fmt(f),
            Error::Refused(words) => f.write_str(words),
        }
    }
}

impl From<Silence> for Error {
    fn from(silence: Silence) -> Error {
        Error::Silent(Box::new(silence))
    }
}

/// Where a scheduler of this machine keeps its files.
const SYSTEMD: &str = "/etc/systemd/system";
const CRON: &str = "/etc/cron.d";

/// Which scheduler this machine has.
pub fn of_this_machine() -> Option<Kind> {
    if cfg!(windows) {
        return Some(Kind::TaskScheduler);
    }
    // What systemd's own library asks (sd_booted).
    match Path::new("/run/systemd/system").is_dir() {
        true => Some(Kind::Systemd),
        false => Path::new(CRON).is_dir().then_some(Kind::Cron),
    }
}

/// Whether what a scheduler runs with our rights is a program that only root and we can have put there.
///
/// # Errors
/// Who else can.
pub fn trusted(program: &Path) -> Result<(), Distrust> {
    Program::at(program).map(|_| ())
}

/// What a scheduler would read otherwise than it is meant, or cannot read at all.
pub fn unwritable(kind: Kind, word: &str) -> Option<&'static str> {
    let has = |letters: &[char]| word.contains(letters);
    match kind {
        _ if word.contains('\u{fffd}') => Some("is not UTF-8"),
        _ if word.chars().any(char::is_control) => Some("has a control character"),
        Kind::TaskScheduler if has(&['%', '"']) || word.contains("$(") => {
            Some("has letters that the Task Scheduler takes for something else")
        }
        Kind::TaskScheduler | Kind::Systemd | Kind::Cron => None,
    }
}

impl Task {
    /// The files that it takes; `own` is a folder of ours, for those that no scheduler has a place for.
    pub fn files(&self, kind: Kind, own: &Path) -> Vec<File> {
        let at = |folder: &str, name: String, text| File {
            path: Path::new(folder).join(name),
            text,
        };
        match kind {
            Kind::Systemd => vec![
                at(SYSTEMD, format!("{}.service", self.name), systemd::service(self)),
                at(SYSTEMD, format!("{}.timer", self.name), systemd::timer(self)),
            ],
            Kind::Cron => vec![at(CRON, self.name.clone(), cron::file(self))],
            Kind::TaskScheduler => vec![File {
                path: own.join("schedule.xml"),
                text: windows::xml(self),
            }],
        }
    }

    /// Hours and minute of both times of the day.
    fn times(&self) -> [(u32, u32); 2] {
        const DAY: u32 = 24 * 60;
        let first = match self.window {
            // In its first half: what is late by chance, and lasts, is still within it.
            Some((from, length)) => (from + self.minute % (length / 2).max(1)) % DAY,
            None => self.minute % (DAY / 2),
        };
        let mut times = [first, (first + DAY / 2) % DAY];
        times.sort_unstable();
        times.map(|minute| (minute / 60, minute % 60))
    }

    /// By how many minutes it begins later, by chance, at most.
    fn late(&self) -> u32 {
        let longest = self.window.map_or(60, |(_, length)| length / 4);
        longest.min(60)
    }
}

impl File {
    /// Its bytes, as its scheduler reads them.
    pub fn bytes(&self, kind: Kind) -> Vec<u8> {
        match kind {
            // What schtasks expects of what calls itself UTF-16.
            Kind::TaskScheduler => {
                let letters = "\u{feff}".encode_utf16().chain(self.text.encode_utf16());
                letters.flat_map(u16::to_le_bytes).collect()
            }
            Kind::Systemd | Kind::Cron => self.text.clone().into_bytes(),
        }
    }
}

/// The bytes of such a file as people read them.
pub fn legible(bytes: &[u8]) -> String {
    log_file::decode(bytes)
}

/// Has a scheduler read the files that were written, and begin.
///
/// # Errors
/// See [`Error`].
pub fn begin(kind: Kind, task: &Task, files: &[File]) -> Result<(), Error> {
    match kind {
        Kind::Systemd => systemd::begin(task),
        Kind::TaskScheduler => windows::begin(task, files),
        // It looks at its folder every minute.
        Kind::Cron => Ok(()),
    }
}

/// Has it end, before its files are removed.
///
/// # Errors
/// See [`Error`].
pub fn end(kind: Kind, task: &Task) -> Result<(), Error> {
    match kind {
        Kind::Systemd => systemd::end(task),
        Kind::TaskScheduler => windows::end(task),
        Kind::Cron => Ok(()),
    }
}

/// Has it forget files that were removed.
///
/// # Errors
/// See [`Error`].
pub fn forget(kind: Kind) -> Result<(), Error> {
    match kind {
        Kind::Systemd => systemd::reload(),
        Kind::TaskScheduler | Kind::Cron => Ok(()),
    }
}

/// What it knows of a task.
///
/// # Errors
/// See [`Error`].
pub fn look(kind: Kind, task: &Task) -> Result<Seen, Error> {
    match kind {
        Kind::Systemd => systemd::look(task),
        Kind::TaskScheduler => windows::look(task),
        // Whatever lies in its folder is carried out; cron tells nothing.
        Kind::Cron => Ok(Seen::default()),
    }
}

/// Has it carried out now, as the scheduler does, and waits for its end: the exit status, or nothing where none is told.
/// The exit status of what tells a scheduler to run something says nothing of what then runs.
///
/// # Errors
/// See [`Error`].
pub fn run(kind: Kind, task: &Task, patience: Duration, waiting: &dyn Fn(u64)) -> Result<Option<i64>, Error> {
    match kind {
        Kind::Cron => cron::run(task, patience),
        Kind::Systemd => systemd::start(task).and_then(|()| wait(patience, waiting, || systemd::ended(task))),
        Kind::TaskScheduler => {
            windows::start(task).and_then(|()| wait(patience, waiting, || windows::ended(task)))
        }
    }
}

/// What a question to a scheduler showed.
enum Ended {
    /// It runs, or has not begun.
    NotYet,
    /// It ended.
    With(i64),
    /// It does not tell.
    NotTold,
}

fn wait(
    patience: Duration,
    waiting: &dyn Fn(u64),
    ask: impl Fn() -> Result<Ended, Error>,
) -> Result<Option<i64>, Error> {
    let (began, mut told) = (Instant::now(), 0);
    loop {
        match ask()? {
            Ended::With(status) => return Ok(Some(status)),
            Ended::NotTold => return Ok(None),
            Ended::NotYet if began.elapsed() > patience || interrupt::came() => return Ok(None),
            Ended::NotYet => std::thread::sleep(ASKED_EVERY),
        }
        let seconds = began.elapsed().as_secs();
        if seconds > told {
            told = seconds;
            waiting(seconds);
        }
    }
}

/// Asks a program of the system, which must succeed.
fn ask(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let said = Binary::of_system(program)?.run(arguments)?;
    let text = |bytes: &[u8]| crate::shown::printable(String::from_utf8_lossy(bytes).trim().as_bytes());
    match said.status.success() {
        true => Ok(String::from_utf8_lossy(&said.stdout).into_owned()),
        false => Err(Error::Refused(format!(
            "{program} {} failed: {}",
            arguments.first().unwrap_or(&""),
            text(&[said.stdout.as_slice(), said.stderr.as_slice()].concat())
        ))),
    }
}

#[cfg(test)]
mod tests;
