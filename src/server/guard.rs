//! Who starts a server again that was stopped for us, should we be killed meanwhile: a shell that hears of our end.

use std::ffi::OsString;

use super::binary::Binary;
use super::environment::Environment;

/// The command that starts a server.
#[derive(Debug)]
// No server of Windows has one.
#[cfg_attr(windows, allow(dead_code))]
pub struct Starter {
    pub(super) binary: Binary,
    pub(super) arguments: Vec<OsString>,
    pub(super) environment: Environment,
    /// It would do nothing, or harm, before this process is gone.
    pub(super) after: Option<u32>,
}

/// Starts the server unless it is told that all is well: when this goes, and when we do, in whatever way.
#[cfg(unix)]
#[derive(Debug)]
pub struct Guard {
    shell: std::process::Child,
}

/// What it does. It waits for a word or the end of the pipe that only we hold; a server that is still ending is waited for.
#[cfg(unix)]
const SCRIPT: &str = "read -r word && exit 0; after=$1; shift; tries=0; \
    while [ $tries -lt 90 ]; do \
    if [ -z \"$after\" ] || ! kill -0 \"$after\" 2>/dev/null; then \"$@\" && exit 0; fi; \
    sleep 1; tries=$((tries + 1)); done";

#[cfg(unix)]
impl Guard {
    /// From now on.
    ///
    /// # Errors
    /// Why there is none.
    pub fn over(starter: &Starter) -> Result<Guard, String> {
        use std::os::unix::process::CommandExt;
        use std::process::Stdio;
        let shell = Binary::of_system("sh").map_err(|silence| silence.to_string())?;
        let after = starter.after.map(|pid| pid.to_string()).unwrap_or_default();
        let mut command = shell.command(&starter.environment);
        command.args(["-c", SCRIPT, "sh", &after]);
        command.arg(starter.binary.path()).args(&starter.arguments);
        // What ends us and all that belongs to us does not end it.
        command.process_group(0);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        crate::trail::started(&command);
        let shell = command.spawn().map_err(|error| crate::wording::reason(&error))?;
        Ok(Guard { shell })
    }

    /// The server runs: there is nothing left to do.
    pub fn dismiss(mut self) {
        use std::io::Write;
        let told = self.shell.stdin.take().map(|mut pipe| pipe.write_all(b"\n"));
        if !matches!(told, Some(Ok(()))) {
            let _ = self.shell.kill();
        }
        let _ = self.shell.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;

    fn touching(file: &Path, after: Option<u32>) -> Starter {
        Starter {
            binary: Binary::of_system("touch").unwrap(),
            arguments: vec![file.into()],
            environment: Environment::default(),
            after,
        }
    }

    fn comes(file: &Path) -> bool {
        let start = Instant::now();
        while !file.exists() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        file.exists()
    }

    #[test]
    fn it_starts_what_was_stopped_unless_all_is_well() {
        let folder = tempfile::tempdir().unwrap();
        let [well, gone, late] = ["well", "gone", "late"].map(|name| folder.path().join(name));
        Guard::over(&touching(&well, None)).unwrap().dismiss();
        drop(Guard::over(&touching(&gone, None)).unwrap());
        assert!(comes(&gone));
        assert!(!well.exists());
        // One that still ends is waited for.
        let mut ending = std::process::Command::new("sleep").arg("1").spawn().unwrap();
        drop(Guard::over(&touching(&late, Some(ending.id()))).unwrap());
        std::thread::sleep(Duration::from_millis(300));
        assert!(!late.exists());
        ending.wait().unwrap();
        assert!(comes(&late));
    }
}
