//! Which services of Windows are an Apache, with their binary and arguments: they stand in the registry. Controls none.

use std::path::{Path, PathBuf};

use windows_service::Error as SystemError;
use windows_service::service::{Service as Handle, ServiceAccess};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};

use super::command_line::CommandLine;
use super::image_path::ServiceEntry;
use super::same_file::same;
use crate::acl::Account;

const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";
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
    /// What that is started with.
    pub line: CommandLine,
}

impl Installed {
    /// Its server root: `-d`, else the parent of the folder `bin` that holds the binary.
    pub fn root(&self) -> PathBuf {
        let folder = self
            .binary
            .parent()
            .and_then(Path::parent)
            .unwrap_or(Path::new("\\"));
        self.line.root.clone().unwrap_or_else(|| folder.to_path_buf())
    }

    /// Its main file.
    pub fn main(&self) -> PathBuf {
        let named = self.line.main.as_deref();
        self.root().join(named.unwrap_or(Path::new(r"conf\httpd.conf")))
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
            let (binary, line) = entry(&key).httpd(expanded)?;
            let display_name = key.get_value("DisplayName").unwrap_or_else(|_| name.clone());
            let account = Account::of_service(&key.get_value::<String, _>("ObjectName").unwrap_or_default());
            Some(Installed {
                name,
                display_name,
                binary,
                account,
                line,
            })
        })
        .collect();
    found.sort_by_key(|service| !service.display_name.to_lowercase().contains("esync"));
    found
}

/// What the key of a service says of its program.
fn entry(key: &RegKey) -> ServiceEntry {
    let parameters = key.open_subkey_with_flags("Parameters", KEY_READ);
    let text = |name: &str| -> Option<String> { parameters.as_ref().ok()?.get_value(name).ok() };
    ServiceEntry {
        image: key.get_value("ImagePath").unwrap_or_default(),
        application: text("Application").unwrap_or_default(),
        application_arguments: text("AppParameters").unwrap_or_default(),
        configured: parameters
            .as_ref()
            .ok()
            .and_then(|key| key.get_value("ConfigArgs").ok())
            .unwrap_or_default(),
    }
}

/// With values in the place of variables such as `%SystemDrive%`.
pub fn expanded(text: &str) -> String {
    winsafe::ExpandEnvironmentStrings(text).unwrap_or_else(|_| text.to_owned())
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

/// Opens a service at the service manager.
pub(super) fn open(name: &str, access: ServiceAccess) -> Result<Handle, SystemError> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?.open_service(name, access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_service_has_its_files() {
        let service = Installed {
            name: "a".into(),
            display_name: "b".into(),
            binary: r"C:\eSync\Apache24\bin\httpd.exe".into(),
            account: Account::of_service("LocalSystem"),
            line: CommandLine::of(&["httpd", "-f", r"conf\other.conf"].map(String::from)),
        };
        assert_eq!(service.root(), Path::new(r"C:\eSync\Apache24"));
        assert_eq!(service.main(), Path::new(r"C:\eSync\Apache24\conf\other.conf"));
    }
}
