//! Where on this machine an Apache for Windows may lie: on its drives, and where programs were installed.

use std::path::{Path, PathBuf};

use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ};
use winsafe::{GetDriveType, GetLogicalDriveStrings, co};

/// The drives that are built in, `C:\` first. Those of a network may answer late, and others decide what lies there.
pub fn drives() -> Vec<String> {
    let all = GetLogicalDriveStrings().unwrap_or_default().into_iter();
    let mut drives: Vec<String> = all
        .filter(|drive| GetDriveType(Some(drive)) == co::DRIVE::FIXED)
        .collect();
    drives.sort_by_key(|drive| !drive.eq_ignore_ascii_case("C:\\"));
    drives
}

/// Folders of programs that Windows lists as installed and that may hold an Apache, each with the name of the program.
pub fn installed() -> Vec<(String, PathBuf)> {
    const LISTS: [&str; 2] = [
        r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall",
        r"SOFTWARE\WOW6432Node\Microsoft\Windows\CurrentVersion\Uninstall",
    ];
    let mut found = Vec::new();
    for list in LISTS {
        let Ok(list) = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(list, KEY_READ) else {
            continue;
        };
        for name in list.enum_keys().flatten() {
            let Ok(key) = list.open_subkey_with_flags(&name, KEY_READ) else {
                continue;
            };
            let text = |value: &str| key.get_value::<String, _>(value).unwrap_or_default();
            let (program, location) = (text("DisplayName"), text("InstallLocation"));
            let location = location.trim().trim_matches('"');
            if is_apache(&program) && Path::new(location).is_absolute() {
                for part in ["", "Apache24", "Apache2.4", "Apache2", "apache"] {
                    found.push((program.clone(), Path::new(location).join(part)));
                }
            }
        }
    }
    found
}

/// Other programs may bring an Apache of their own, which is not the one that is meant.
fn is_apache(program: &str) -> bool {
    let name = program.to_lowercase();
    ["esync", "apache", "httpd", "xampp", "wamp"]
        .iter()
        .any(|known| name.contains(known))
}
