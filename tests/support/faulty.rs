//! The program in a child process of the running test, in a world in which one operation of the disk or the service
//! fails, or at which the process is killed. The suites that use it have a test `child` at their root that calls [`child`].

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::process::this_test;
use esync_ssl::acl::Sid;
use esync_ssl::apply::{Attributes, Disk, Folder, Fresh, Place, RealDisk};
use esync_ssl::cli::{Pace, World, run_in};
use esync_ssl::server::guard::Starter;
use esync_ssl::server::service::{self, Error, Server, Service, State};

/// Tells a child what to run, and what fails: `KIND:NUMBER`.
const ARGUMENTS: &str = "ESYNC_SSL_FAULTS_ARGUMENTS";
const FAULT: &str = "ESYNC_SSL_FAULTS";
/// Where the child notes every operation.
const NOTED: &str = "ESYNC_SSL_FAULTS_NOTED";

/// How an operation fails.
pub const KINDS: [&str; 6] = ["error", "full", "denied", "short", "kill-before", "kill-after"];

/// Which operation fails.
struct Faults {
    kind: String,
    at: usize,
    count: AtomicUsize,
}

impl Faults {
    /// Counts an operation; how it is to fail.
    fn next(&self, what: &str) -> Option<&str> {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(path) = std::env::var_os(NOTED) {
            let file = fs::OpenOptions::new().create(true).append(true).open(path);
            writeln!(file.expect("the notes"), "{what}").expect("a note");
        }
        (number == self.at).then_some(&self.kind)
    }
}

/// Somebody types Ctrl-C, and it is noticed before anything else is done.
fn interrupt() {
    #[cfg(unix)]
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGINT);
    std::thread::sleep(Duration::from_millis(300));
}

/// Nothing is cleaned up.
fn die() -> ! {
    #[cfg(unix)]
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
    std::process::abort()
}

struct FaultyDisk(Arc<Faults>);

impl FaultyDisk {
    fn act<T>(&self, real: impl FnOnce() -> io::Result<T>, half: impl FnOnce()) -> io::Result<T> {
        match self.0.next("disk") {
            None => real(),
            Some("error") => Err(io::Error::other("injected")),
            Some("full") => Err(ErrorKind::StorageFull.into()),
            Some("denied") => Err(ErrorKind::PermissionDenied.into()),
            Some("short") => {
                half();
                Err(ErrorKind::StorageFull.into())
            }
            Some("kill-before") => die(),
            Some("interrupt-after") => {
                let done = real();
                interrupt();
                done
            }
            Some(_) => {
                half();
                let _ = real();
                die()
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn create_folder(&self, place: &Place, closed: bool) -> io::Result<()> {
        self.act(|| RealDisk.create_folder(place, closed), || ())
    }

    fn create(&self, place: &Place, bytes: &[u8], private: Option<&[Sid]>) -> io::Result<Fresh> {
        let half = || {
            if self.0.kind == "short" {
                let _ = RealDisk.create(place, &bytes[..bytes.len() / 2], private);
            }
        };
        self.act(|| RealDisk.create(place, bytes, private), half)
    }

    fn adopt(&self, fresh: &Fresh, from: &File) -> io::Result<()> {
        self.act(|| RealDisk.adopt(fresh, from), || ())
    }

    fn set_attributes(&self, fresh: &Fresh, attributes: Attributes) -> io::Result<()> {
        self.act(|| RealDisk.set_attributes(fresh, attributes), || ())
    }

    fn sync(&self, fresh: &Fresh) -> io::Result<()> {
        self.act(|| RealDisk.sync(fresh), || ())
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        self.act(|| RealDisk.sync_folder(folder), || ())
    }

    fn replace(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        self.act(|| RealDisk.replace(fresh, name), || ())
    }

    fn publish(&self, fresh: &Fresh, name: &OsStr) -> io::Result<()> {
        self.act(|| RealDisk.publish(fresh, name), || ())
    }

    fn link(&self, target: &Path, place: &Place) -> io::Result<()> {
        self.act(|| RealDisk.link(target, place), || ())
    }

    fn remove(&self, place: &Place) -> io::Result<()> {
        self.act(|| RealDisk.remove(place), || ())
    }

    fn remove_folder(&self, place: &Place) -> io::Result<()> {
        self.act(|| RealDisk.remove_folder(place), || ())
    }
}

/// A service of a real server.
struct FaultyService {
    faults: Arc<Faults>,
    inner: Box<dyn Service>,
}

impl FaultyService {
    fn act<T>(&self, what: &str, real: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        match self.faults.next(what) {
            None => real(),
            Some("error") => Err(Error::Failed("injected".into())),
            Some("full" | "short") => Err(Error::TimedOut("injected".into())),
            Some("denied") => Err(Error::NotPermitted("injected".into())),
            // It does what it was told, and ends.
            Some("dies") => {
                let done = real();
                self.end();
                done
            }
            Some("kill-before") => die(),
            Some(_) => {
                let _ = real();
                die()
            }
        }
    }

    fn end(&self) {
        let start = Instant::now();
        while self.inner.state() != Ok(State::Stopped) && start.elapsed() < Duration::from_secs(10) {
            let _ = self.inner.stop();
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Service for FaultyService {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn state(&self) -> Result<State, Error> {
        self.act("state", || self.inner.state())
    }

    fn start(&self) -> Result<(), Error> {
        self.act("start", || self.inner.start())
    }

    fn stop(&self) -> Result<(), Error> {
        self.act("stop", || self.inner.stop())
    }

    fn reload(&self, graceful: bool) -> Option<Result<(), Error>> {
        Some(self.act("reload", || self.inner.reload(graceful).unwrap_or(Ok(()))))
    }

    fn starter(&self) -> Option<Starter> {
        self.inner.starter()
    }
}

/// What the test `child` does; nothing unless it was started by [`run`].
pub fn child() {
    let Some(arguments) = std::env::var_os(ARGUMENTS) else {
        return;
    };
    let fault = std::env::var(FAULT).unwrap_or_default();
    let (kind, at) = fault.split_once(':').unwrap_or(("none", "0"));
    let faults = Arc::new(Faults {
        kind: kind.to_owned(),
        at: at.parse().expect("a number"),
        count: AtomicUsize::new(0),
    });
    esync_ssl::interrupt::listen();
    let arguments = arguments.into_string().expect("text");
    let arguments = ["esync-ssl"]
        .into_iter()
        .chain(arguments.split('\n'))
        .map(OsString::from);
    let service = |server: Server| {
        Box::new(FaultyService {
            faults: faults.clone(),
            inner: service::of(server),
        }) as Box<dyn Service>
    };
    let world = World {
        disk: &FaultyDisk(faults.clone()),
        service: &service,
        // A test waits for no slow machine of somebody else.
        pace: Pace {
            patience: Duration::from_secs(5),
            short: Duration::from_secs(1),
            steady: Duration::from_millis(500),
        },
        ..World::real()
    };
    std::process::exit(i32::from(run_in(&world, arguments).code()));
}

/// The command that runs the program in a child, silently.
pub fn command(arguments: &[String], fault: &str) -> Command {
    let mut command = this_test("child");
    command
        .env(ARGUMENTS, arguments.join("\n"))
        .env(FAULT, fault)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Runs the program in a child; its exit code, none when it was killed. Every operation is noted in a file.
pub fn run(arguments: &[String], fault: &str, noted: Option<&Path>) -> Option<i32> {
    let mut command = command(arguments, fault);
    if let Some(noted) = noted {
        let _ = fs::remove_file(noted);
        command.env(NOTED, noted);
    }
    let status = super::process::status(&mut command).expect("a child");
    // An aborted process of Windows has a code as well.
    status.code().filter(|code| (0..100).contains(code))
}

/// The operations of a run, in their order.
pub fn noted(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).expect("the notes");
    text.lines().map(str::to_owned).collect()
}
