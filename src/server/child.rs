//! Programs that we start: each in a group of its own, with a deadline, and ended with everything that it started.

use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use crate::interrupt::{self, Hold};
use crate::trail;

/// So much of an answer is read; one that goes on is cut off.
pub const LONGEST: u64 = 16 << 20;
/// How long the end of an answer is waited for when its program has ended. Somebody else may hold the other end.
const REST: Duration = Duration::from_secs(2);

/// Why a program did not come to an end by itself. It is ended.
#[derive(Debug)]
pub enum Unfinished {
    /// It took too long.
    TimedOut,
    /// We are to end ourselves.
    Interrupted,
    /// The system does not say what it does.
    Failed(io::Error),
}

/// A program with all that it starts, which end with this at the latest.
pub struct Group {
    child: Child,
    status: Option<ExitStatus>,
    /// What it started stays when it ends well.
    is_messenger: bool,
    #[cfg(windows)]
    _job: win32job::Job,
    // Last: before the program may end, the child has.
    _hold: Hold,
}

/// Starts it. A busy system now and then does not get a process under way, and Windows (wine, at least) says no more than
/// `ERROR_INTERNAL_ERROR`: nothing was started then, and another attempt helps.
fn under_way(command: &mut Command) -> io::Result<Child> {
    const INTERNAL_ERROR: i32 = 1359;
    for _ in 0..3 {
        match command.spawn() {
            Err(error) if cfg!(windows) && error.raw_os_error() == Some(INTERNAL_ERROR) => {
                std::thread::sleep(Duration::from_millis(300));
            }
            started => return started,
        }
    }
    command.spawn()
}

impl Group {
    /// Starts a program. A terminal's Ctrl-C does not reach it: it is ours to end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Group> {
        let hold = Hold::new();
        system::apart(command);
        trail::started(command);
        let child = under_way(command)?;
        #[cfg(windows)]
        let (child, job) = system::in_job(child)?;
        Ok(Group {
            #[cfg(windows)]
            _job: job,
            child,
            status: None,
            is_messenger: false,
            _hold: hold,
        })
    }

    /// The same of a program that starts others, which are to stay when it ends by itself.
    ///
    /// # Errors
    /// As [`Group::start`].
    pub fn start_messenger(command: &mut Command) -> io::Result<Group> {
        let mut group = Group::start(command)?;
        group.is_messenger = true;
        Ok(group)
    }

    /// How it ended, if it did. What it left behind is ended then.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.status.is_none() && system::has_ended(&mut self.child)? {
            if !self.is_messenger {
                // Before anybody asks for its status, or its number could be somebody else's.
                system::end_group(&self.child);
            }
            self.status = Some(self.child.wait()?);
        }
        Ok(self.status)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// See [`Unfinished`].
    pub fn wait(&mut self, patience: Duration) -> Result<ExitStatus, Unfinished> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.status().map_err(Unfinished::Failed)? {
                return Ok(status);
            }
            let why = if interrupt::came() {
                Unfinished::Interrupted
            } else if start.elapsed() > patience {
                Unfinished::TimedOut
            } else {
                std::thread::sleep(Duration::from_millis(2));
                continue;
            };
            self.end();
            return Err(why);
        }
    }

    /// Ends all of it.
    pub fn end(&mut self) {
        if self.status.is_none() {
            system::end_group(&self.child);
            let _ = self.child.kill();
            self.status = self.child.wait().ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs a program to its end and takes what it says on both ways.
///
/// # Errors
/// When it cannot be started; inside, when it does not come to an end.
pub fn answer(command: &mut Command, patience: Duration) -> io::Result<Result<Output, Unfinished>> {
    command.stdin(Stdio::null());
    answer_of(command, None, patience)
}

/// The same of a program that is given something to read. One that does not read it is no failure: how it ends tells
/// whether it did its work.
///
/// # Errors
/// As [`answer`].
pub fn answer_to(
    command: &mut Command,
    input: Vec<u8>,
    patience: Duration,
) -> io::Result<Result<Output, Unfinished>> {
    command.stdin(Stdio::piped());
    answer_of(command, Some(input), patience)
}

fn answer_of(
    command: &mut Command,
    input: Option<Vec<u8>>,
    patience: Duration,
) -> io::Result<Result<Output, Unfinished>> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::start(command)?;
    if let (Some(mut pipe), Some(input)) = (group.child.stdin.take(), input) {
        // Beside us: it may read slowly, or never. When it ends, so does this.
        std::thread::spawn(move || {
            let _ = pipe.write_all(&input);
        });
    }
    // Both pipes are emptied while it runs, or a long answer would block it.
    let stdout = group.child.stdout.take().map(drain);
    let stderr = group.child.stderr.take().map(drain);
    let rest = |said: Option<Receiver<Vec<u8>>>| said.and_then(|said| said.recv_timeout(REST).ok());
    Ok(group.wait(patience).map(|status| Output {
        status,
        stdout: rest(stdout).unwrap_or_default(),
        stderr: rest(stderr).unwrap_or_default(),
    }))
}

/// Reads a pipe to its end beside us. One that is too long is closed, which its writer notices.
fn drain(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, said) = channel();
    std::thread::spawn(move || {
        let _ = sender.send(answer_in(pipe));
    });
    said
}

/// What a program said, up to a limit.
pub fn answer_in(stream: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.take(LONGEST).read_to_end(&mut bytes);
    bytes
}

#[cfg(unix)]
mod system {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process::{Child, Command};

    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

    pub fn apart(command: &mut Command) {
        command.process_group(0);
    }

    fn pid(child: &Child) -> io::Result<Pid> {
        Pid::from_raw(child.id().cast_signed()).ok_or_else(|| io::Error::other("it has no number"))
    }

    /// Its status is left for later.
    pub fn has_ended(child: &mut Child) -> io::Result<bool> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(WaitId::Pid(pid(child)?), options)?.is_some())
    }

    pub fn end_group(child: &Child) {
        if let Ok(group) = pid(child) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::os::windows::io::AsRawHandle;
    use std::os::windows::process::CommandExt;
    use std::process::{Child, Command};

    use win32job::{ExtendedLimitInfo, Job};

    /// A console's Ctrl-C does not reach it.
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;

    pub fn apart(command: &mut Command) {
        command.creation_flags(CREATE_NEW_PROCESS_GROUP);
    }

    /// A program in a job, which ends all that is in it when it is closed, also by our own end. One that cannot be put
    /// into a job is ended: it would stay when we do not.
    pub fn in_job(mut child: Child) -> io::Result<(Child, Job)> {
        match job(&child) {
            Ok(job) => Ok((child, job)),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(io::Error::other(error))
            }
        }
    }

    fn job(child: &Child) -> Result<Job, win32job::JobError> {
        let mut limits = ExtendedLimitInfo::new();
        limits.limit_kill_on_job_close();
        let job = Job::create_with_limit_info(&limits)?;
        job.assign_process(child.as_raw_handle() as isize)?;
        Ok(job)
    }

    pub fn has_ended(child: &mut Child) -> io::Result<bool> {
        Ok(child.try_wait()?.is_some())
    }

    /// The job does so when it is closed.
    pub fn end_group(_: &Child) {}
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_a_program_leaves_behind_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let left = format!("sleep 1000 & echo $! > {}; echo said", mark.display());
        let started = Instant::now();
        let said = answer(&mut shell(&left), Duration::from_secs(30))
            .unwrap()
            .unwrap();
        assert!(said.status.success());
        // It holds the pipe.
        assert!(started.elapsed() < Duration::from_secs(10));
        assert_eq!(said.stdout, b"said\n");
        let pid = std::fs::read_to_string(&mark).unwrap();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            state.is_empty() || state.contains(" Z ")
        };
        let started = Instant::now();
        while !is_gone() && started.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_gone());
    }

    #[test]
    fn one_that_does_not_end_is_ended() {
        let late = answer(&mut shell("sleep 1000; :"), Duration::from_millis(100)).unwrap();
        assert!(matches!(late, Err(Unfinished::TimedOut)));
    }

    #[test]
    fn what_it_is_given_may_be_read_or_not() {
        let long = vec![b'x'; 1 << 20];
        let run = |script: &str| {
            answer_to(&mut shell(script), long.clone(), Duration::from_secs(30))
                .unwrap()
                .unwrap()
        };
        assert_eq!(run("wc -c").stdout.trim_ascii(), b"1048576");
        assert!(run("exec 0<&-; exit 0").status.success());
        assert!(run("exit 0").status.success());
    }

    #[test]
    fn an_endless_answer_is_cut_off() {
        let said = answer(&mut shell("exec cat /dev/zero"), Duration::from_secs(60))
            .unwrap()
            .unwrap();
        assert_eq!(said.stdout.len() as u64, LONGEST);
    }
}
