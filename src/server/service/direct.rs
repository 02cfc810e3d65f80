//! A server without a service: its binary is told with `-k`, as `apachectl` does.

use std::cell::Cell;
use std::ffi::OsString;

use super::{Error, PATIENCE, Server, Service, State};
use crate::httpd::bytes_path;
use crate::interrupt::Undoing;
use crate::quoted::{quoted, word};
use crate::refusal::{Place, Refusal, RefusalCode};
use crate::server::child::{Group, Unfinished, answer_in};
use crate::server::environment::Environment;
use crate::server::guard::Starter;
#[cfg(unix)]
use crate::server::port::Process;
use crate::server::port::{environment, process};
use crate::wording::reason;

/// The binary itself.
pub struct Direct {
    server: Server,
    /// The parent process that was told to stop.
    stopping: Cell<Option<u32>>,
}

impl Direct {
    /// For this server.
    pub fn new(server: Server) -> Self {
        Direct {
            server,
            stopping: Cell::new(None),
        }
    }

    /// The arguments of the running server, because some may stand nowhere else; otherwise what is known.
    fn arguments(&self) -> Vec<OsString> {
        let running = self
            .server
            .parent()
            .map(|parent| parent.arguments)
            .unwrap_or_default();
        if running.len() > 1 {
            let mut arguments: Vec<OsString> = Vec::new();
            let mut given = running.into_iter().skip(1);
            while let Some(argument) = given.next() {
                match argument.as_str() {
                    "-k" => _ = given.next(),
                    // The new process is only a messenger, and must not stay.
                    "-DFOREGROUND" | "-DNO_DETACH" | "-X" => {}
                    _ => arguments.push(argument.into()),
                }
            }
            return arguments;
        }
        let mut arguments: Vec<OsString> = vec!["-d".into(), self.server.root.clone().into()];
        arguments.push("-f".into());
        arguments.push(self.server.main.clone().into());
        for flag in &self.server.flags {
            arguments.push("-D".into());
            arguments.push(bytes_path(flag).into_os_string());
        }
        arguments
    }

    fn tell(&self, word: &str) -> Result<(), Error> {
        self.may_be_told()?;
        let Some(binary) = &self.server.binary else {
            return Err(Error::Failed(
                "there is no httpd binary; name it with --httpd".into(),
            ));
        };
        let mut command = binary.command(&self.environment());
        command.args(self.arguments()).arg("-k").arg(word);
        // Started in the background it keeps our pipes open; files have no such end.
        let said = tempfile::tempfile().map_err(|error| Error::Failed(reason(&error)))?;
        let copy = |file: &std::fs::File| file.try_clone().map_err(|error| Error::Failed(reason(&error)));
        command
            .stdin(std::process::Stdio::null())
            .stdout(copy(&said)?)
            .stderr(copy(&said)?);
        let mut messenger = Group::start_messenger(&mut command).map_err(|error| {
            Error::Failed(format!(
                "{} cannot be started: {}",
                binary.path().display(),
                reason(&error)
            ))
        })?;
        let status = messenger.wait(PATIENCE).map_err(|unfinished| match unfinished {
            Unfinished::TimedOut => Error::TimedOut(format!("httpd -k {word} does not end")),
            Unfinished::Interrupted => Error::Interrupted,
            Unfinished::Failed(error) => Error::Failed(reason(&error)),
        })?;
        if status.success() {
            return Ok(());
        }
        let words = read(said);
        // The signal, the ports and the files belong to the account that started the server.
        if ["(1)", "(13)", "(OS 5)"]
            .iter()
            .any(|number| words.contains(number))
        {
            return Err(Error::NotPermitted(format!(
                "this account may not do that ({words}); run again as root"
            )));
        }
        Err(Error::Failed(words))
    }

    /// Ends the children of a server whose parent process died without them: they go on serving what it had read, and
    /// hold the ports. A parent that lives has children; they have none.
    #[cfg(unix)]
    fn end_orphans(&self) {
        use crate::server::port::{children, listeners};
        use rustix::process::{Pid, Signal, kill_process};
        let is_own = |process: &Process| self.server.is_own(process);
        let start = std::time::Instant::now();
        let mut asked = None;
        while self.server.parent().is_none() && start.elapsed() < std::time::Duration::from_secs(10) {
            let holders = listeners().unwrap_or_default().into_iter();
            let mut holders = holders.filter_map(|listener| listener.process);
            let orphan = holders.find(|holder| is_own(holder) && !children(holder.pid).iter().any(is_own));
            // Its number may have become another's while all ports were looked at.
            let orphan =
                orphan.filter(|orphan| process(orphan.pid).is_some_and(|now| now.started == orphan.started));
            let Some(pid) = orphan.and_then(|orphan| Pid::from_raw(orphan.pid.cast_signed())) else {
                return;
            };
            // Threaded ones hear no more than what their parent says.
            let signal = if asked.replace(pid) == Some(pid) {
                Signal::KILL
            } else {
                Signal::TERM
            };
            if kill_process(pid, signal).is_err() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// That of the running server, as far as the system shows it; otherwise what is known.
    fn environment(&self) -> Environment {
        let running = self.server.parent().and_then(|parent| environment(&parent));
        self.server.environment.with(running.into_iter().flatten())
    }
}

fn read(mut file: std::fs::File) -> String {
    let _ = std::io::Seek::rewind(&mut file);
    String::from_utf8_lossy(&answer_in(file)).trim().to_string()
}

impl Service for Direct {
    fn name(&self) -> String {
        match &self.server.binary {
            Some(binary) => binary.path().display().to_string(),
            None => "Apache".into(),
        }
    }

    fn order(&self) -> Option<String> {
        // On Windows it runs in somebody's console.
        let binary = self.server.binary.as_ref().filter(|_| cfg!(unix))?;
        let arguments = self.arguments();
        let arguments = arguments.iter().map(|argument| word(&argument.to_string_lossy()));
        let told = if self.server.parent().is_some() {
            "restart"
        } else {
            "start"
        };
        let words = [quoted(binary.path())].into_iter().chain(arguments);
        Some(format!("{} -k {told}", words.collect::<Vec<_>>().join(" ")))
    }

    /// It signals the process of the `PidFile`, as root.
    fn may_be_told(&self) -> Result<(), Error> {
        match self.server.pid_file_distrust() {
            None => Ok(()),
            Some(distrust) => {
                let cause = format!(
                    "the PidFile is not trusted, because {} it ({distrust})",
                    distrust.charge()
                );
                let code = RefusalCode::HttpdDistrusted;
                let refusal = Refusal::new(code, cause, "; to correct this: ", distrust.advice());
                let refusal = refusal.about([Place::path(&distrust.culprit)]);
                Err(Error::Distrusted(Box::new(refusal)))
            }
        }
    }

    fn state(&self) -> Result<State, Error> {
        self.may_be_told()?;
        // With requests under way its PidFile stays until its children are gone.
        if let Some(parent) = self.server.parent() {
            return Ok(match self.stopping.get() == Some(parent.pid) {
                true => State::Changing,
                false => State::Running,
            });
        }
        // Without, it takes that away first, and holds its ports until it ends.
        let is_ending = self.stopping.get().and_then(process);
        Ok(match is_ending {
            Some(process) if self.server.is_own(&process) => State::Changing,
            _ => State::Stopped,
        })
    }

    fn start(&self) -> Result<(), Error> {
        if cfg!(windows) {
            return Err(Error::Failed(
                "no service runs this Apache; install one with httpd -k install, or start it in a console"
                    .into(),
            ));
        }
        // Apache takes any living process with the number in its PidFile for itself, and does not start.
        self.may_be_told()?;
        let pid_file = self.server.pid_file.symlink_metadata();
        if pid_file.is_ok_and(|file| file.is_file()) && self.server.parent().is_none() {
            std::fs::remove_file(&self.server.pid_file).map_err(|error| {
                let words = format!(
                    "{} is left over and cannot be removed: {}",
                    self.server.pid_file.display(),
                    reason(&error)
                );
                match error.kind() {
                    std::io::ErrorKind::PermissionDenied => Error::NotPermitted(words),
                    _ => Error::Failed(words),
                }
            })?;
        }
        #[cfg(unix)]
        self.end_orphans();
        self.tell("start")?;
        self.stopping.set(None);
        Ok(())
    }

    fn stop(&self) -> Result<(), Error> {
        if cfg!(windows) {
            return Err(Error::Failed(
                "no service runs this Apache; stop it in the console in which it was started".into(),
            ));
        }
        self.stopping.set(self.server.parent().map(|parent| parent.pid));
        let told = self.tell("stop");
        match told {
            Ok(()) | Err(Error::TimedOut(_)) => {}
            // Whether the messenger had told it is not known: now it is, so that whoever starts it again sees it gone before.
            Err(Error::Interrupted) => {
                let _undoing = Undoing::new();
                let _ = self.tell("stop");
            }
            Err(_) => self.stopping.set(None),
        }
        told
    }

    fn reload(&self, graceful: bool) -> Option<Result<(), Error>> {
        (!cfg!(windows)).then(|| self.tell(if graceful { "graceful" } else { "restart" }))
    }

    fn starter(&self) -> Option<Starter> {
        let binary = self.server.binary.clone().filter(|_| cfg!(unix))?;
        let order = ["-k", "start"].map(OsString::from);
        Some(Starter {
            binary,
            arguments: self.arguments().into_iter().chain(order).collect(),
            environment: self.environment(),
            // A second one ends at once, as the first is still there.
            after: self.server.parent().map(|parent| parent.pid),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let longest = crate::server::child::LONGEST;
        let file = tempfile::tempfile().unwrap();
        file.set_len(2 * longest).unwrap();
        assert_eq!(read(file).len() as u64, longest);
    }
}
