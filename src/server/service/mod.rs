//! What starts, stops and restarts this server: the service manager of Windows, systemd, or the binary itself.

mod direct;
mod systemd;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::binary::Binary;
use super::command_line::CommandLine;
use super::environment::Environment;
use super::guard::Starter;
use super::port::{Process, children, process};
use super::same_file::same;
use super::trust;
use crate::acl::Account;
use crate::foreign;
use crate::interrupt;
use crate::refusal::Refusal;

/// How long a service may take to stop or to start.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a service does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// It is on the way to one of them.
    Changing,
}

/// Why a service did not do what it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// This account may not.
    NotPermitted(String),
    /// Others may write what it would read, or the note by which it would be found.
    Distrusted(Box<Refusal>),
    /// It did not come to the state that was asked for in time.
    TimedOut(String),
    /// It takes no orders before it is there, or gone.
    Busy(String),
    /// We are to end ourselves, and waited no longer.
    Interrupted,
    /// Anything else; its own words.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Distrusted(refusal) => return refusal.fmt(f),
            Error::NotPermitted(words)
            | Error::TimedOut(words)
            | Error::Busy(words)
            | Error::Failed(words) => words,
            Error::Interrupted => "interrupted",
        })
    }
}

impl std::error::Error for Error {}

/// A server that can be told to start and stop.
pub trait Service {
    /// What it is called, for people: `the service "eSync Apache Web Server"`.
    fn name(&self) -> String;
    /// What people type to have it restarted without us, where there is such a command.
    fn order(&self) -> Option<String> {
        None
    }
    /// What it does now.
    fn state(&self) -> Result<State, Error>;
    /// Whether it may be told anything: it would read its configuration then, with all rights.
    fn may_be_told(&self) -> Result<(), Error> {
        Ok(())
    }
    /// Tells it to start; does not wait.
    fn start(&self) -> Result<(), Error>;
    /// Tells it to stop; does not wait.
    fn stop(&self) -> Result<(), Error>;
    /// Tells a running one to read its configuration anew; requests under way are finished if `graceful`. `None`:
    /// it can only be stopped and started.
    fn reload(&self, graceful: bool) -> Option<Result<(), Error>>;
    /// What starts it without us, as it runs now; nothing where there is no such command.
    fn starter(&self) -> Option<Starter> {
        None
    }
}

/// What is known of a server before its service is looked for.
#[derive(Clone, Debug)]
pub struct Server {
    /// Its binary, if it is known.
    pub binary: Option<Binary>,
    /// Its server root.
    pub root: PathBuf,
    /// Its main file.
    pub main: PathBuf,
    /// Its `PidFile`.
    pub pid_file: PathBuf,
    /// That is compiled into the binary, and all of its servers have it that name no other.
    pub shares_pid_file: bool,
    /// Flags (`-D`) and environment that it gets when nothing tells better.
    pub flags: Vec<Vec<u8>>,
    /// See `flags`.
    pub environment: Environment,
    /// Why nothing must have it read its configuration now.
    pub obstacle: Option<Box<Refusal>>,
}

impl Server {
    /// The running parent process, if there is one: the number in the `PidFile` counts only when nobody else can have
    /// written it, and when it is that of an httpd of root's or ours, because a number that is left over may belong to
    /// anybody.
    pub fn parent(&self) -> Option<Process> {
        if self.pid_file_distrust().is_some() {
            return None;
        }
        let note = foreign::read(&self.pid_file, foreign::NOTE).ok()?;
        let pid = String::from_utf8(note).ok()?.trim().parse().ok()?;
        let process = process(pid)?;
        let is_httpd = match &process.program {
            Some(program) if self.binary.is_some() => self.is_binary(program),
            _ => ["httpd", "apache2"]
                .iter()
                .any(|name| process.name.starts_with(name)),
        };
        let line = CommandLine::of(&process.arguments);
        let is_other = self.shares_pid_file && !line.names(&self.root, &self.main, same);
        (is_httpd && !is_other && process.by_root_or_us && line.is_server(|| !children(pid).is_empty()))
            .then_some(process)
    }

    /// Who else may write the `PidFile`, whose number would be believed and signalled.
    pub(super) fn pid_file_distrust(&self) -> Option<trust::Distrust> {
        trust::judge(&self.pid_file).err()
    }

    fn is_binary(&self, program: &Path) -> bool {
        self.binary
            .as_ref()
            .is_some_and(|binary| same(program, binary.path()))
    }

    /// Is a process this server: the one in the `PidFile`, or one of this binary on this configuration, if root or we
    /// started it?
    pub fn is_own(&self, process: &Process) -> bool {
        let is_parent = || self.parent().is_some_and(|parent| parent.pid == process.pid);
        (process.by_root_or_us && self.is_named_by(process)) || is_parent()
    }

    /// Does a process run this binary on this configuration?
    fn is_named_by(&self, process: &Process) -> bool {
        let program = process.program.as_deref();
        if !program.is_some_and(|program| self.is_binary(program)) {
            return false;
        }
        // What is compiled in, or the service's own arguments: another configuration of one binary is rare.
        CommandLine::of(&process.arguments).names(&self.root, &self.main, same)
    }
}

/// The account that the service of a main file runs as, by which keys are read; without a main file, that of all services
/// of Apache on this machine. Nothing where there is no such service, and on Unix, where the parent process is root's.
pub fn account(main: Option<&Path>) -> Option<Account> {
    #[cfg(windows)]
    return super::windows_services::account(main);
    #[cfg(not(windows))]
    {
        let _ = main;
        None
    }
}

/// What runs this server. Whatever that is, it is told nothing while the server has an obstacle.
pub fn of(server: Server) -> Box<dyn Service> {
    match server.obstacle.clone() {
        Some(why) => Box::new(Barred {
            service: manager_of(server),
            why,
        }),
        None => manager_of(server),
    }
}

fn manager_of(server: Server) -> Box<dyn Service> {
    #[cfg(windows)]
    if let Some(service) = windows::of(&server) {
        return service;
    }
    match systemd::of(&server) {
        Ok(Some(unit)) => Box::new(unit),
        Ok(None) => Box::new(direct::Direct::new(server)),
        // A unit may run it, which is not to be gone around.
        Err(why) => Box::new(Barred {
            service: Box::new(direct::Direct::new(server)),
            why,
        }),
    }
}

/// A service whose server must not read its configuration: that can be looked at, and is told nothing. Its stop is an
/// order to httpd too, which reads the configuration first (`apachectl` in a unit's `ExecStop`).
struct Barred {
    service: Box<dyn Service>,
    why: Box<Refusal>,
}

impl Service for Barred {
    fn name(&self) -> String {
        self.service.name()
    }

    fn state(&self) -> Result<State, Error> {
        self.service.state()
    }

    fn may_be_told(&self) -> Result<(), Error> {
        Err(Error::Distrusted(self.why.clone()))
    }

    fn start(&self) -> Result<(), Error> {
        self.may_be_told()
    }

    fn stop(&self) -> Result<(), Error> {
        self.may_be_told()
    }

    fn reload(&self, _graceful: bool) -> Option<Result<(), Error>> {
        Some(self.may_be_told())
    }
}

/// Stops a service and waits until it is gone; one that is starting is told when it can hear it. `progress` is told how
/// long it has taken, about once a second.
///
/// # Errors
/// When it may not be told, its state cannot be asked for, or it takes longer than `patience`.
pub fn stop(
    service: &dyn Service,
    patience: Duration,
    progress: &mut dyn FnMut(Duration),
) -> Result<(), Error> {
    let start = Instant::now();
    let mut told = 0;
    let mut is_told = false;
    loop {
        if !is_told {
            match service.stop() {
                Ok(()) => is_told = true,
                Err(Error::Busy(_)) => {}
                Err(error) => return Err(error),
            }
        }
        if service.state()? == State::Stopped {
            return Ok(());
        }
        if interrupt::came() {
            return Err(Error::Interrupted);
        }
        let passed = start.elapsed();
        if passed > patience {
            return Err(Error::TimedOut(format!(
                "{} has not stopped after {} seconds",
                service.name(),
                patience.as_secs()
            )));
        }
        if passed.as_secs() > told {
            told = passed.as_secs();
            progress(passed);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
