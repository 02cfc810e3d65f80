//! The Apache and the OpenSSL that these tests ask: those of the machine, on Windows the ones that were built for it.
//!
//! Their absence is a failure, not a skip: Debian has them as `apache2-bin` and `openssl`, `tests/run --windows` builds them.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The program of the server.
pub fn httpd() -> PathBuf {
    in_installation("/usr/sbin/apache2", r"bin\httpd.exe")
}

/// A module's file, as configurations name it.
pub fn module(name: &str) -> String {
    let file = format!("mod_{name}.so");
    let path = in_installation("/usr/lib/apache2/modules", "modules").join(file);
    path.to_string_lossy().replace('\\', "/")
}

/// `LoadModule` lines, less those of modules that this server has built in or cannot have.
pub fn load<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let loaded = names
        .into_iter()
        .filter(|name| cfg!(unix) || *name != "mpm_event");
    loaded
        .map(|name| format!("LoadModule {name}_module {}\n", module(name)))
        .collect()
}

/// What only a server of Unix is told: whose its children are, and how they wait for each other.
pub const OF_SYSTEM: &[&str] = if cfg!(unix) {
    &["User nobody", "Group nogroup", "Mutex posixsem"]
} else {
    &[]
};

/// The program of OpenSSL.
pub fn openssl() -> Command {
    let mut command = Command::new(in_installation("/usr/bin/openssl", r"bin\openssl.exe"));
    if cfg!(windows) {
        command.env("OPENSSL_CONF", in_installation("", r"conf\openssl.cnf"));
    }
    command
}

/// Any program, which ends with the thread that started it where the kernel can see to that. `rights`: what `setpriv` takes away.
pub fn ending_with_us(program: &Path, rights: &[&str]) -> Command {
    if cfg!(windows) {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL"])
        .args(rights)
        .arg("--")
        .arg(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C");
    command
}

fn in_installation(of_machine: &str, of_windows: &str) -> PathBuf {
    let path = if cfg!(windows) {
        let folder = std::env::var_os("ESYNC_SSL_TEST_WINDOWS_HTTPD");
        let folder =
            folder.expect("Apache for Windows is needed for this test; tests/run --windows builds it");
        Path::new(&folder).join(of_windows)
    } else {
        of_machine.into()
    };
    assert!(
        path.exists(),
        "{} is needed for this test: apt-get install apache2-bin openssl",
        path.display()
    );
    path
}
