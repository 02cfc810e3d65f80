//! Who starts a server again that was stopped for us, should we be killed meanwhile: a shell that hears of our end.

use std::ffi::OsString;
#[cfg(unix)]
use std::path::Path;

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

/// Once it is armed, starts the server unless it is told that all is well: when this goes, and when we do, in whatever way.
#[cfg(unix)]
#[derive(Debug)]
pub struct Guard {
    shell: std::process::Child,
}

/// What it does. It waits for the word that arms it, then for another one or the end of the pipe that only we hold. A server that
/// is still ending is waited for. What it did is noted nowhere anymore: who stops the server after that means it.
#[cfg(unix)]
const SCRIPT: &str = "read -r word || exit 0; read -r word && exit 0; after=$1; note=$2; shift 2; tries=0; \
    while [ $tries -lt 90 ] && [ -e \"$note\" ]; do \
    if [ -z \"$after\" ] || ! kill -0 \"$after\" 2>/dev/null; then \"$@\" && rm -f -- \"$note\" && exit 0; fi; \
    sleep 1; tries=$((tries + 1)); done";

#[cfg(unix)]
impl Guard {
    /// Not armed yet. Nothing is started where the note of it, this file, is gone.
    ///
    /// # Errors
    /// Why there is none.
    pub fn over(starter: &Starter, note: &Path) -> Result<Guard, String> {
        use std::os::unix::process::CommandExt;
        use std::process::Stdio;
        let shell = Binary::of_system("sh").map_err(|silence| silence.to_string())?;
        let after = starter.after.map(|pid| pid.to_string()).unwrap_or_default();
        let mut command = shell.command(&starter.environment);
        command.args(["-c", SCRIPT, "sh", &after]).arg(note);
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

    /// From now on.
    ///
    /// # Errors
    /// Why it is not there anymore.
    pub fn arm(&mut self) -> Result<(), String> {
        self.tell(b"\n").map_err(|error| crate::wording::reason(&error))
    }

    fn tell(&mut self, words: &[u8]) -> std::io::Result<()> {
        use std::io::Write;
        match &mut self.shell.stdin {
            Some(pipe) => pipe.write_all(words),
            None => Ok(()),
        }
    }

    /// The server runs: there is nothing left to do.
    pub fn dismiss(mut self) {
        // One that is not armed takes the first of them for that.
        if self.tell(b"\n\n").is_err() {
            let _ = self.shell.kill();
        }
        let _ = self.shell.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
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
        let names = ["well", "gone", "late", "unarmed", "settled", "note"];
        let [well, gone, late, unarmed, settled, note] = names.map(|name| folder.path().join(name));
        let over = |file: &Path, after| {
            std::fs::write(&note, "").unwrap();
            Guard::over(&touching(file, after), &note).unwrap()
        };
        let armed = |file: &Path, after| {
            let mut guard = over(file, after);
            guard.arm().unwrap();
            guard
        };
        over(&unarmed, None).dismiss();
        drop(over(&unarmed, None));
        armed(&well, None).dismiss();
        let guard = armed(&settled, None);
        std::fs::remove_file(&note).unwrap();
        drop(guard);
        std::thread::sleep(Duration::from_millis(300));
        drop(armed(&gone, None));
        assert!(comes(&gone));
        let start = Instant::now();
        while note.exists() && start.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(!note.exists() && !well.exists() && !unarmed.exists() && !settled.exists());
        // One that still ends is waited for.
        let mut ending = std::process::Command::new("sleep").arg("1").spawn().unwrap();
        drop(armed(&late, Some(ending.id())));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!late.exists());
        ending.wait().unwrap();
        assert!(comes(&late));
    }
}
