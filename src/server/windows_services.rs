//! Which services of Windows are an Apache, with their binary and arguments: they stand in the registry. Controls none.

use std::path::{Path, PathBuf};

use windows_service::Error as SystemError;
use windows_service::service::{Service as Handle, ServiceAccess};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};

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

/// Opens a service at the service manager.
pub(super) fn open(name: &str, access: ServiceAccess) -> Result<Handle, SystemError> {
    ServiceManager::local_computer(None::<&str>, ServiceManagerAccess::CONNECT)?.open_service(name, access)
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
