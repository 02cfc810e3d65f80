//! The service manager of Windows.

use std::ffi::OsStr;

use windows_service::Error as SystemError;
use windows_service::service::{Service as Handle, ServiceAccess, ServiceState};

use super::{Error, Server, Service, State};
use crate::quoted::word;
use crate::server::same_file::same;
use crate::server::windows_services::{Installed, installed, open};
use crate::wording::reason;

/// ERROR_ACCESS_DENIED.
const DENIED: i32 = 5;
/// ERROR_SERVICE_NOT_ACTIVE.
const NOT_ACTIVE: i32 = 1062;
/// ERROR_INVALID_SERVICE_CONTROL and ERROR_SERVICE_CANNOT_ACCEPT_CTRL, of one that is starting or stopping.
const NOT_NOW: [i32; 2] = [1052, 1061];

/// The service of this server.
pub fn of(server: &Server) -> Option<Box<dyn Service>> {
    let ours = |service: &Installed| server.is_binary(&service.binary) && same(&service.main(), &server.main);
    installed()
        .into_iter()
        .find(ours)
        .map(|installed| Box::new(Managed { installed }) as Box<dyn Service>)
}

struct Managed {
    installed: Installed,
}

impl Managed {
    fn open(&self, access: ServiceAccess) -> Result<Handle, Error> {
        open(&self.installed.name, access).map_err(|error| self.error(error))
    }

    fn error(&self, error: SystemError) -> Error {
        let SystemError::Winapi(inner) = &error else {
            return Error::Failed(format!("{}: {error}", self.name()));
        };
        match inner.raw_os_error() {
            Some(DENIED) => Error::NotPermitted(format!(
                "this account may not control {}; start the console with \"Run as administrator\" and run again",
                self.name()
            )),
            _ => Error::Failed(format!("{}: {}", self.name(), reason(inner))),
        }
    }
}

impl Service for Managed {
    fn name(&self) -> String {
        format!("the service \"{}\"", self.installed.display_name)
    }

    fn order(&self) -> Option<String> {
        let name = word(&self.installed.name);
        Some(format!("net stop {name} && net start {name}"))
    }

    fn state(&self) -> Result<State, Error> {
        let status = self
            .open(ServiceAccess::QUERY_STATUS)?
            .query_status()
            .map_err(|error| self.error(error))?;
        Ok(match status.current_state {
            ServiceState::Running => State::Running,
            ServiceState::Stopped => State::Stopped,
            _ => State::Changing,
        })
    }

    fn start(&self) -> Result<(), Error> {
        let service = self.open(ServiceAccess::START)?;
        match service.start::<&OsStr>(&[]) {
            // We may: this is about the account under which it would run.
            Err(SystemError::Winapi(inner)) if inner.raw_os_error() == Some(DENIED) => {
                Err(Error::Failed(format!(
                    "{}: its account may not run {} ({}); give that account read and execute rights there",
                    self.name(),
                    self.installed.binary.display(),
                    reason(&inner)
                )))
            }
            done => done.map_err(|error| self.error(error)),
        }
    }

    fn stop(&self) -> Result<(), Error> {
        let service = self.open(ServiceAccess::STOP)?;
        match service.stop() {
            Ok(_) => Ok(()),
            Err(SystemError::Winapi(inner)) if inner.raw_os_error() == Some(NOT_ACTIVE) => Ok(()),
            Err(SystemError::Winapi(inner))
                if inner
                    .raw_os_error()
                    .is_some_and(|number| NOT_NOW.contains(&number)) =>
            {
                // What it was doing may have come to its end since.
                match self.state()? {
                    State::Stopped => Ok(()),
                    State::Changing | State::Running => Err(Error::Busy(format!(
                        "{} is starting or stopping; wait, then run again",
                        self.name()
                    ))),
                }
            }
            Err(error) => Err(self.error(error)),
        }
    }

    fn reload(&self, _graceful: bool) -> Option<Result<(), Error>> {
        // New Listens and modules need a full stop on Windows.
        None
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::acl::Account;
    use crate::server::command_line::CommandLine;

    #[test]
    fn what_the_service_manager_denies_is_a_missing_right() {
        let managed = Managed {
            installed: Installed {
                name: "a".into(),
                display_name: "eSync Apache Web Server".into(),
                binary: PathBuf::new(),
                account: Account::of_service("LocalSystem"),
                line: CommandLine::default(),
            },
        };
        let of = |number| managed.error(SystemError::Winapi(std::io::Error::from_raw_os_error(number)));
        let Error::NotPermitted(words) = of(DENIED) else {
            panic!("{:?}", of(DENIED))
        };
        assert!(words.contains("eSync Apache Web Server") && words.contains("Run as administrator"));
        // The same from the service manager itself: what was opened for looking only is to be stopped.
        let looked_at =
            open("EventLog", ServiceAccess::QUERY_STATUS).expect("a service that every Windows has");
        let denied = managed.error(looked_at.stop().expect_err("no right to stop it"));
        assert!(matches!(denied, Error::NotPermitted(_)), "{denied:?}");
        // ERROR_SERVICE_REQUEST_TIMEOUT.
        assert!(matches!(of(1053), Error::Failed(_)));
    }
}
