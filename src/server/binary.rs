//! The httpd program: what it says of itself. Judged by its exit code, with a time-out; no shell is involved.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use super::child::{self, Unfinished};
use super::command_line::MARK;
use super::environment::Environment;
use super::program::Program;
use super::trust::{self, Distrust, Others, Reach};
use crate::httpd::{Configuration, Facts, Platform, Version, bytes_path};
use crate::refusal::{Place, Refusal, RefusalCode, Text, say};
use crate::wording::reason;

/// How long a question to the binary may take; it reads its own version in milliseconds.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long it may take to test a configuration: very large ones take many seconds, and names may be looked up.
pub const TEST_PATIENCE: Duration = Duration::from_secs(120);

/// A configuration without a line.
const NO_CONFIGURATION: &str = if cfg!(windows) { "NUL" } else { "/dev/null" };

/// An httpd binary that may be run.
#[derive(Clone, Debug)]
pub struct Binary {
    path: PathBuf,
    program: Program,
}

/// What a run of the binary gave.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed as an answer.
    pub stdout: Vec<u8>,
    /// What it said beside that.
    pub stderr: Vec<u8>,
}

/// What a binary says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Its version.
    pub version: Version,
    /// Source names of the modules compiled in.
    pub built_in: Vec<String>,
    /// `HTTPD_ROOT`: the server root before any `ServerRoot` directive.
    pub root: Option<String>,
    /// `SERVER_CONFIG_FILE`: the main file, relative to the root.
    pub main: Option<String>,
    /// `AP_TYPES_CONFIG_FILE`: the types of files, relative to the root.
    pub types: Option<String>,
    /// `DEFAULT_PIDLOG`: the file with the number of the parent process, relative to the root.
    pub pid_file: Option<String>,
}

/// Why a binary did not answer.
#[derive(Debug)]
pub enum Silence {
    /// Others might have put it there, so it is not started.
    Distrusted(Distrust),
    /// Others might have written what it would read, so it is not started.
    OthersWrite(Others),
    /// A program of the system is not there.
    NotThere(String),
    /// It could not be started.
    NotStarted(PathBuf, std::io::Error),
    /// It did not end in time and was ended.
    TimedOut(PathBuf, Duration),
    /// The system does not say what became of it.
    Unknown(PathBuf, std::io::Error),
    /// It was ended, as we are to end ourselves.
    Interrupted,
    /// It ended with a failure; its own words.
    Failed(PathBuf, String),
    /// Its answer holds no version of Apache httpd.
    NotHttpd(PathBuf),
}

impl Silence {
    /// The same as the reason why what needs an answer is not done.
    pub fn refusal(&self) -> Refusal {
        let silent = |path: &Path, why: String, fix: &str| {
            let joint = if fix.is_empty() { "" } else { "; " };
            Refusal::new(RefusalCode::HttpdSilent, say![Place::path(path), why], joint, fix)
        };
        let named = "name the httpd binary with --httpd";
        let distrusted = |cause: Text, advice: String, culprit: &Path| {
            Refusal::new(RefusalCode::HttpdDistrusted, cause, "; to correct this: ", advice)
                .about([Place::path(culprit)])
        };
        match self {
            Silence::Distrusted(distrust) => {
                let charge = format!(" is not run, because {} it ({distrust})", distrust.charge());
                let cause = say![Place::path(&distrust.subject), charge];
                distrusted(cause, distrust.advice(), &distrust.culprit)
            }
            Silence::OthersWrite(others) => {
                let cause = format!(
                    "httpd is not run on this configuration, because {} what it reads ({others})",
                    others.charge()
                );
                distrusted(cause.into(), others.advice(), others.culprit())
            }
            Silence::NotThere(name) => {
                let cause = format!("{name} does not exist on this system");
                Refusal::new(RefusalCode::HttpdSilent, cause, "", "")
            }
            Silence::NotStarted(path, error) => {
                silent(path, format!(" cannot be started: {}", reason(error)), named)
            }
            Silence::TimedOut(path, patience) => {
                let seconds = patience.as_secs();
                let why = format!(" did not answer within {seconds} seconds and was stopped");
                silent(path, why, named)
            }
            Silence::Unknown(path, error) => Refusal::new(
                RefusalCode::HttpdSilent,
                say![
                    "the result of ",
                    Place::path(path),
                    format!(" cannot be seen: {}", reason(error))
                ],
                "; ",
                "start esync-ssl from a shell: the program that started it may wait for its child processes itself",
            ),
            Silence::Interrupted => Refusal::new(RefusalCode::HttpdSilent, "interrupted", "", ""),
            Silence::Failed(path, words) => silent(path, format!(" failed: {words}"), ""),
            Silence::NotHttpd(path) => silent(path, " is not an Apache httpd".into(), named),
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refusal().fmt(f)
    }
}

impl std::error::Error for Silence {}

impl Binary {
    /// The binary at a path.
    ///
    /// # Errors
    /// When it may not be run.
    pub fn at(path: &Path) -> Result<Self, Silence> {
        Program::at(path).map(Binary::from).map_err(Silence::Distrusted)
    }

    /// A program of the system.
    ///
    /// # Errors
    /// When it is not there, or may not be run.
    pub(super) fn of_system(name: &str) -> Result<Self, Silence> {
        match Program::of_system(name) {
            Ok(program) => Ok(Binary::from(program)),
            Err(Some(distrust)) => Err(Silence::Distrusted(distrust)),
            Err(None) => Err(Silence::NotThere(name.to_owned())),
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A run of it that is to become the server, or speaks to it.
    pub(super) fn command(&self, environment: &Environment) -> Command {
        self.program.command(environment)
    }

    /// Runs it with arguments and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time. A failure of its own is an [`Output`].
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Output, Silence> {
        self.run_for(arguments, PATIENCE)
    }

    /// The same with another patience.
    ///
    /// # Errors
    /// As [`Binary::run`].
    pub(super) fn run_for(&self, arguments: &[&str], patience: Duration) -> Result<Output, Silence> {
        let mut command = self.command(&Environment::default());
        self.finish(command.args(arguments), patience)
    }

    fn finish(&self, command: &mut Command, patience: Duration) -> Result<Output, Silence> {
        let said = child::answer(command, patience)
            .map_err(|error| Silence::NotStarted(self.path.clone(), error))?;
        match said {
            Ok(said) => Ok(Output {
                status: said.status,
                stdout: said.stdout,
                stderr: said.stderr,
            }),
            Err(Unfinished::Interrupted) => Err(Silence::Interrupted),
            Err(Unfinished::TimedOut) => Err(Silence::TimedOut(self.path.clone(), patience)),
            Err(Unfinished::Failed(error)) => Err(Silence::Unknown(self.path.clone(), error)),
        }
    }

    /// Asks for version, modules and compiled-in paths (`-v`, `-l`, `-V`).
    ///
    /// # Errors
    /// See [`Silence`].
    pub fn describe(&self) -> Result<Description, Silence> {
        self.answer("-v")?;
        let modules = self.answer("-l")?;
        let settings = self.settings()?;
        parse(&settings, &modules).ok_or_else(|| Silence::NotHttpd(self.path.clone()))
    }

    /// How it was built (`-V`).
    ///
    /// # Errors
    /// See [`Silence`].
    pub fn settings(&self) -> Result<String, Silence> {
        // It would read the server's own configuration and load the modules of that, whoever may write them. Without a
        // module it may complain, after it has answered.
        let output = self.run(&["-V", "-f", NO_CONFIGURATION, "-D", MARK])?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn answer(&self, flag: &str) -> Result<String, Silence> {
        let output = self.run(&[flag, "-D", MARK])?;
        if !output.status.success() {
            let words = [output.stdout, output.stderr].concat();
            return Err(Silence::Failed(
                self.path.clone(),
                String::from_utf8_lossy(&words).trim().to_string(),
            ));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// An httpd binary that may read one configuration, and load the modules that this names: nobody but root and we could
/// have written them.
#[derive(Clone, Debug)]
pub struct Reader {
    binary: Binary,
}

impl Reader {
    /// The binary for a configuration; `more` are files besides that belong to it.
    ///
    /// # Errors
    /// What somebody else may write.
    pub fn of(
        binary: &Binary,
        configuration: &Configuration,
        more: &[PathBuf],
        reach: Reach,
    ) -> Result<Reader, Silence> {
        match trust::of_configuration(configuration, more, reach) {
            None => Ok(Reader {
                binary: binary.clone(),
            }),
            Some(others) => Err(Silence::OthersWrite(others)),
        }
    }

    /// A run of it, being prepared.
    pub(super) fn command(&self, environment: &Environment) -> Command {
        self.binary.command(environment)
    }

    /// Asks whether the server would accept a configuration (`-t`), with its environment and flags.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time. A rejection is an [`Output`].
    pub fn test(
        &self,
        root: &Path,
        main: &Path,
        flags: &[Vec<u8>],
        environment: &Environment,
    ) -> Result<Output, Silence> {
        let mut command = self.binary.command(environment);
        command.arg("-d").arg(root).arg("-f").arg(main);
        for flag in flags {
            command.arg("-D").arg(bytes_path(flag));
        }
        self.binary
            .finish(command.args(["-t", "-D", MARK]), TEST_PATIENCE)
    }
}

impl From<Program> for Binary {
    fn from(program: Program) -> Binary {
        Binary {
            path: program.path().to_path_buf(),
            program,
        }
    }
}

impl Description {
    /// Facts about a server of this binary that runs with the given flags and environment.
    pub fn facts(
        &self,
        platform: Platform,
        flags: Vec<Vec<u8>>,
        environment: BTreeMap<Vec<u8>, Vec<u8>>,
    ) -> Facts {
        Facts {
            platform,
            version: self.version,
            built_in: self.built_in.clone(),
            built_in_is_certain: true,
            types_config: self.types.clone().map(String::into_bytes),
            pid_file: self.pid_file.clone().map(String::into_bytes),
            flags,
            environment,
        }
    }
}

fn parse(settings: &str, modules: &str) -> Option<Description> {
    let product = settings
        .lines()
        .find_map(|line| line.strip_prefix("Server version:"))?;
    let version = product
        .split("Apache/")
        .nth(1)?
        .split(|c: char| !c.is_ascii_digit() && c != '.')
        .next()?;
    let define = |name: &str| {
        let line = settings
            .lines()
            .find(|line| line.trim_start().starts_with(&format!("-D {name}=")))?;
        Some(line.split_once('=')?.1.trim().trim_matches('"').to_string()).filter(|value| !value.is_empty())
    };
    Some(Description {
        version: Version::parse(version)?,
        built_in: modules
            .lines()
            .map(str::trim)
            .filter(|line| line.ends_with(".c"))
            .map(str::to_string)
            .collect(),
        root: define("HTTPD_ROOT"),
        main: define("SERVER_CONFIG_FILE"),
        types: define("AP_TYPES_CONFIG_FILE"),
        pid_file: define("DEFAULT_PIDLOG"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binary_describes_itself() {
        let settings = "Server version: Apache/2.4.7 (Win32)\r\nServer built:   x\r\n -D HTTPD_ROOT=\"/apache\"\r\n \
                        -D SERVER_CONFIG_FILE=\"conf/httpd.conf\"\r\n -D DEFAULT_PIDLOG=\"/run/httpd.pid\"\r\n";
        let modules = "Compiled in modules:\r\n  core.c\r\n  mod_so.c\r\n";
        let description = parse(settings, modules).unwrap();
        assert_eq!(description.version, Version::parse("2.4.7").unwrap());
        assert_eq!(description.built_in, ["core.c", "mod_so.c"]);
        assert_eq!(description.root.as_deref(), Some("/apache"));
        assert_eq!(description.main.as_deref(), Some("conf/httpd.conf"));
        assert_eq!(description.pid_file.as_deref(), Some("/run/httpd.pid"));
        assert_eq!(parse("nginx version: 1.2", ""), None);
    }
}
