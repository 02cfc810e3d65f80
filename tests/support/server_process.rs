//! The process of a server with all its children, which end when it is dropped.

use std::process::Command;

/// A process and its children.
#[derive(Debug)]
pub struct ServerProcess {
    #[cfg(unix)]
    child: std::process::Child,
    #[cfg(windows)]
    child: Box<dyn process_wrap::std::ChildWrapper>,
}

impl ServerProcess {
    /// Starts it.
    pub fn start(mut command: Command) -> std::io::Result<Self> {
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
            let child = super::process::start(&mut command)?;
            Ok(Self { child })
        }
        #[cfg(windows)]
        {
            use process_wrap::std::{CommandWrap, JobObject};
            command.stdin(std::process::Stdio::null());
            let mut wrapped = CommandWrap::from(command);
            wrapped.wrap(JobObject);
            let child = super::process::under_way(|| wrapped.spawn())?;
            Ok(Self { child })
        }
    }

    /// Of the process itself.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended; none while it is there.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

#[cfg(unix)]
impl Drop for ServerProcess {
    fn drop(&mut self) {
        use nix::sys::signal::{Signal, killpg};
        use std::time::{Duration, Instant};
        // The parent's id is the group's: while the parent is not waited for, nobody else can have it.
        let group = nix::unistd::Pid::from_raw(self.id().try_into().expect("a process id that fits"));
        let _ = killpg(group, Signal::SIGTERM);
        let start = Instant::now();
        while self.ended().is_none() && start.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

#[cfg(windows)]
impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait();
    }
}
