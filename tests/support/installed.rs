//! The Apache and the OpenSSL that tests ask: those of the machine, on Windows the ones that `tests/run --windows` builds.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of the server: `ESYNC_SSL_TEST_HTTPD`, else where it usually is.
pub fn httpd() -> Option<PathBuf> {
    if cfg!(windows) {
        return of_windows(r"bin\httpd.exe");
    }
    from_environment("ESYNC_SSL_TEST_HTTPD").or_else(|| {
        first_there(&[
            "/usr/sbin/apache2",
            "/usr/sbin/httpd",
            "/usr/local/apache2/bin/httpd",
        ])
    })
}

/// The folder with its `mod_*.so` files: `ESYNC_SSL_TEST_HTTPD_MODULES`, else where it usually is.
pub fn modules() -> Option<PathBuf> {
    if cfg!(windows) {
        return of_windows("modules");
    }
    from_environment("ESYNC_SSL_TEST_HTTPD_MODULES").or_else(|| {
        first_there(&[
            "/usr/lib/apache2/modules",
            "/usr/lib64/httpd/modules",
            "/usr/local/apache2/modules",
        ])
    })
}

/// The program of OpenSSL: `ESYNC_SSL_TEST_OPENSSL`, else that of the machine. Without one, starting it fails and so does the test.
pub fn openssl() -> Command {
    if cfg!(unix) {
        return Command::new(from_environment("ESYNC_SSL_TEST_OPENSSL").unwrap_or_else(|| "openssl".into()));
    }
    let mut command = Command::new(of_windows(r"bin\openssl.exe").unwrap_or_else(|| "openssl".into()));
    if let Some(settings) = of_windows(r"conf\openssl.cnf") {
        command.env("OPENSSL_CONF", settings);
    }
    command
}

/// Any program, which ends with the thread that started it where the kernel can see to that, and with nothing of the caller's
/// environment: a wide terminal or a foreign language must not change what it prints. `rights`: what `setpriv` takes away.
pub fn ending_with_us(program: &Path, rights: &[&str]) -> Command {
    if cfg!(windows) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "TERM"])
        .args(rights)
        .arg("--")
        .arg(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C");
    command
}

/// Something of the installation that `tests/windows/session` names.
fn of_windows(path: &str) -> Option<PathBuf> {
    let path = from_environment("ESYNC_SSL_TEST_WINDOWS_HTTPD")?.join(path);
    path.exists().then_some(path)
}

fn from_environment(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).map(PathBuf::from)
}

fn first_there(places: &[&str]) -> Option<PathBuf> {
    places.iter().map(PathBuf::from).find(|place| place.exists())
}
