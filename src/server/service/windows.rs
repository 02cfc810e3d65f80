//! The service manager of Windows. Which binary and arguments a service has stands in the registry.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use windows_service::Error as SystemError;
use windows_service::service::{Service as Handle, ServiceAccess, ServiceState};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};

use super::{Error, Server, Service, State};
use crate::acl::Account;
use crate::server::candidates::same;

const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";
/// ERROR_ACCESS_DENIED.
const DENIED: i32 = 5;
/// ERROR_SERVICE_NOT_ACTIVE.
const NOT_ACTIVE: i32 = 1062;
/// ERROR_INVALID_SERVICE_CONTROL and ERROR_SERVICE_CANNOT_ACCEPT_CTRL, of one that is starting or stopping.
const NOT_NOW: [i32; 2] = [1052, 1061];

/// An Apache that is installed as a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installed {
    /// Its name for programs.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Its binary.
    pub binary: PathBuf,
    /// The account that it runs as.
    pub account: Account,
    /// `ConfigArgs`: what httpd takes in front of its own arguments.
    pub arguments: Vec<String>,
}

impl Installed {
    /// The value behind a flag in its arguments, `-d` or `-f`.
    fn value(&self, flag: &str) -> Option<&str> {
        let at = self.arguments.iter().position(|argument| argument == flag)?;
        self.arguments.get(at + 1).map(String::as_str)
    }

    /// Its server root: `-d`, else the parent of the folder `bin` that holds the binary.
    pub fn root(&self) -> PathBuf {
        let folder = self
            .binary
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new("\\"));
        self.value("-d")
            .map_or_else(|| folder.to_path_buf(), PathBuf::from)
    }

    /// Its main file.
    pub fn main(&self) -> PathBuf {
        self.root().join(self.value("-f").unwrap_or(r"conf\httpd.conf"))
    }

    /// Its flags (`-D`).
    pub fn flags(&self) -> Vec<String> {
        let pairs = self.arguments.windows(2);
        pairs
            .filter(|two| two[0] == "-D")
            .map(|two| two[1].clone())
            .collect()
    }
}

/// Every Apache that is installed as a service, eSync's first.
pub fn installed() -> Vec<Installed> {
    let Ok(services) = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(SERVICES, KEY_READ) else {
        return Vec::new();
    };
    let mut found: Vec<Installed> = services
        .enum_keys()
        .flatten()
        .filter_map(|name| {
            let key = services.open_subkey_with_flags(&name, KEY_READ).ok()?;
            let image: String = key.get_value("ImagePath").ok()?;
            let binary = httpd(&image)?;
            let display_name = key.get_value("DisplayName").unwrap_or_else(|_| name.clone());
            let account = Account::of_service(&key.get_value::<String, _>("ObjectName").unwrap_or_default());
            let parameters = key.open_subkey_with_flags("Parameters", KEY_READ);
            let arguments = parameters
                .and_then(|key| key.get_value("ConfigArgs"))
                .unwrap_or_default();
            Some(Installed {
                name,
                display_name,
                binary,
                account,
                arguments,
            })
        })
        .collect();
    found.sort_by_key(|service| !service.display_name.to_lowercase().contains("esync"));
    found
}

/// The binary in an `ImagePath`, if it is an httpd: `"C:\x\bin\httpd.exe" -k runservice`.
fn httpd(image: &str) -> Option<PathBuf> {
    let path = match image.trim_start().strip_prefix('"') {
        Some(rest) => rest.split('"').next()?,
        None => {
            let end = image.to_lowercase().find(".exe")? + 4;
            image.get(..end)?.trim_start()
        }
    };
    let path = PathBuf::from(path);
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    matches!(name.as_str(), "httpd.exe" | "apache.exe").then_some(path)
}

/// The account that the service of a main file runs as; without one, that on which all services of Apache agree.
pub fn account(main: Option<&Path>) -> Option<Account> {
    let mut accounts = installed()
        .into_iter()
        .filter(|service| main.is_none_or(|main| same(&service.main(), main)))
        .map(|service| service.account);
    let first = accounts.next()?;
    accounts.all(|other| other == first).then_some(first)
}

/// Running services of Apache with their processes.
pub fn running() -> Vec<(u32, String)> {
    let process = |service: &Installed| {
        open(&service.name, ServiceAccess::QUERY_STATUS)
            .ok()?
            .query_status()
            .ok()?
            .process_id
    };
    installed()
        .into_iter()
        .filter_map(|service| Some((process(&service)?, service.display_name)))
        .collect()
}

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

fn open(name: &str, access: ServiceAccess) -> Result<Handle, SystemError> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?.open_service(name, access)
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
            _ => Error::Failed(format!("{}: {inner}", self.name())),
        }
    }
}

impl Service for Managed {
    fn name(&self) -> String {
        format!("the service \"{}\"", self.installed.display_name)
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
                    "{}: its account may not run {} ({inner}); give that account read and execute rights there",
                    self.name(),
                    self.installed.binary.display()
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
                        "{} is starting or stopping and takes no orders",
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
    use super::*;

    #[test]
    fn the_binary_in_an_image_path() {
        for (image, expected) in [
            (
                r#""C:\eSync\Apache24\bin\httpd.exe" -k runservice"#,
                Some(r"C:\eSync\Apache24\bin\httpd.exe"),
            ),
            (
                r"C:\Program Files\Apache24\bin\httpd.exe -k runservice",
                Some(r"C:\Program Files\Apache24\bin\httpd.exe"),
            ),
            (r"C:\Windows\system32\svchost.exe -k netsvcs", None),
            ("", None),
        ] {
            assert_eq!(httpd(image), expected.map(PathBuf::from), "{image}");
        }
    }

    #[test]
    fn what_the_service_manager_denies_is_a_missing_right() {
        let managed = Managed {
            installed: Installed {
                name: "a".into(),
                display_name: "eSync Apache Web Server".into(),
                binary: PathBuf::new(),
                account: Account::of_service("LocalSystem"),
                arguments: Vec::new(),
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

    #[test]
    fn arguments_of_the_service() {
        let service = Installed {
            name: "a".into(),
            display_name: "b".into(),
            binary: r"C:\eSync\Apache24\bin\httpd.exe".into(),
            account: Account::of_service("LocalSystem"),
            arguments: ["-f", r"conf\other.conf", "-D", "TLS"].map(String::from).to_vec(),
        };
        assert_eq!(service.root(), Path::new(r"C:\eSync\Apache24"));
        assert_eq!(service.main(), Path::new(r"C:\eSync\Apache24\conf\other.conf"));
        assert_eq!(service.flags(), ["TLS"]);
    }
}
