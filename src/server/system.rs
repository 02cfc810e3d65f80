//! Which system this is, and which OpenSSL lies beside a server.

use std::path::Path;

use super::binary::{Binary, Silence};

/// Name and version of the system, as far as it tells them.
pub fn describe() -> String {
    let told = told().unwrap_or_else(|| std::env::consts::OS.to_string());
    format!("{told} ({})", std::env::consts::ARCH)
}

#[cfg(windows)]
fn told() -> Option<String> {
    let key = winreg::RegKey::predef(winreg::enums::HKEY_LOCAL_MACHINE)
        .open_subkey("SOFTWARE\\Microsoft\\Windows NT\\CurrentVersion")
        .ok()?;
    let value = |name: &str| key.get_value::<String, _>(name).ok();
    let parts = [
        value("ProductName"),
        value("DisplayVersion"),
        value("CurrentBuild").map(|build| format!("build {build}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

#[cfg(not(windows))]
fn told() -> Option<String> {
    use crate::foreign::{self, NOTE};
    let read = |path: &str| foreign::read(Path::new(path), NOTE);
    let release = String::from_utf8(read("/etc/os-release").ok()?).ok()?;
    let name = release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let name = name.trim_matches('"');
    Some(match read("/proc/sys/kernel/osrelease") {
        Ok(kernel) => format!("{name}, kernel {}", String::from_utf8_lossy(&kernel).trim()),
        Err(_) => name.to_string(),
    })
}

/// What the `openssl` program says that belongs to a server binary: the one beside it, or the distribution's for the
/// distribution's; or why it is not asked. The library that mod_ssl uses may be another one; Apache's log names that.
pub fn openssl(httpd: &Path) -> Option<String> {
    let beside = httpd.with_file_name(if cfg!(windows) { "openssl.exe" } else { "openssl" });
    let usual = Path::new("/usr/bin/openssl");
    let program = if beside.is_file() {
        beside
    } else if httpd.starts_with("/usr/sbin") && usual.is_file() {
        usual.to_path_buf()
    } else {
        return None;
    };
    let said = match Binary::at(&program) {
        Ok(program) => program.run(&["version"]).ok()?,
        Err(silence @ Silence::Distrusted(_)) => return Some(silence.to_string()),
        Err(_) => return None,
    };
    let words = String::from_utf8_lossy(&said.stdout).trim().to_string();
    (said.status.success() && !words.is_empty()).then_some(words)
}
