//! A short run of the installed server on a configuration of its own: one loopback port, one handshake, the end.
//! Knows not what the configuration means.

#[cfg(target_os = "linux")]
use std::cell::RefCell;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustls::AlertDescription;

use super::binary::Reader;
use super::child::Group;
use super::command_line::MARK;
use super::environment::Environment;
use super::scratch::Scratch;
use super::shown::{self, Shown};
use crate::interrupt;

/// How long a server may take to answer. It takes a fraction of a second, but machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long one look at it may take.
const LOOK: Duration = Duration::from_secs(2);
const SHORTEST: Duration = Duration::from_millis(100);

/// The main file, below the folder.
pub(super) const MAIN: &str = "httpd.conf";

/// Where a rehearsal takes place.
pub struct Stage<'a> {
    /// A folder for everything that the server writes, which goes afterwards.
    pub folder: &'a Path,
    /// The file that the configuration goes to.
    pub main: &'a Path,
    /// The port to listen on.
    pub port: u16,
    /// Files that are in memory only, as long as the server may read them.
    #[cfg(target_os = "linux")]
    memory: RefCell<Vec<fs::File>>,
}

impl Stage<'_> {
    /// A file that the server can read and that is gone when we are, in whatever way; nothing where the system has none.
    pub fn in_memory(&self, bytes: &[u8]) -> Option<PathBuf> {
        #[cfg(target_os = "linux")]
        if let Ok((file, path)) = in_memory(bytes) {
            self.memory.borrow_mut().push(file);
            return Some(path);
        }
        let _ = bytes;
        None
    }
}

/// The name is by the view of `/proc` that the server shares with us.
#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> io::Result<(fs::File, PathBuf)> {
    use rustix::fs::{MemfdFlags, memfd_create};
    use std::io::Write;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::MetadataExt;
    let mut file = fs::File::from(memfd_create("esync-ssl", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    let us = Path::new("/proc").join(fs::read_link("/proc/self")?);
    let path = us.join("fd").join(file.as_raw_fd().to_string());
    let (named, own) = (fs::metadata(&path)?, file.metadata()?);
    if (named.dev(), named.ino()) != (own.dev(), own.ino()) {
        return Err(io::ErrorKind::NotFound.into());
    }
    Ok((file, path))
}

/// Why a rehearsal failed.
#[derive(Debug)]
pub enum Flop {
    /// It could not be set up; that says nothing about the configuration.
    NotStaged(io::Error),
    /// The server ended instead of answering; what it said.
    Ended(String),
    /// It runs and no handshake succeeds; why, and what it said.
    NoHandshake(io::Error, String),
    /// Nobody waits for it any more.
    Interrupted,
}

/// With what a server refuses a client of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No version of TLS that both speak.
    Protocol,
    /// No cipher, group or signature that both can.
    NothingInCommon,
}

impl fmt::Display for Flop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flop::NotStaged(error) => write!(f, "the rehearsal could not be set up: {error}"),
            Flop::Interrupted => f.write_str("interrupted"),
            Flop::Ended(_) => f.write_str("the server does not start with these TLS settings"),
            Flop::NoHandshake(error, _) => {
                write!(
                    f,
                    "the server starts, but no TLS handshake with it succeeds: {error}"
                )
            }
        }
    }
}

impl std::error::Error for Flop {}

impl Flop {
    /// With what the server refused us, where it is one of the usual reasons.
    pub fn refusal(&self) -> Option<Refusal> {
        let Flop::NoHandshake(error, _) = self else {
            return None;
        };
        match error.get_ref()?.downcast_ref()? {
            rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => Some(Refusal::Protocol),
            rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
                Some(Refusal::NothingInCommon)
            }
            _ => None,
        }
    }

    /// Does the server wait for something, instead of answering or ending?
    pub fn is_silent(&self) -> bool {
        matches!(self, Flop::NoHandshake(error, _) if is_early(error))
    }

    /// What the server itself said.
    pub fn said(&self) -> &str {
        match self {
            Flop::NotStaged(_) | Flop::Interrupted => "",
            Flop::Ended(said) | Flop::NoHandshake(_, said) => said,
        }
    }
}

impl From<io::Error> for Flop {
    fn from(error: io::Error) -> Flop {
        Flop::NotStaged(error)
    }
}

/// Runs the server on the configuration that `script` writes for a stage, and asks it for a name, for so long.
///
/// # Errors
/// See [`Flop`].
pub fn rehearse(
    reader: &Reader,
    environment: &Environment,
    name: &str,
    patience: Duration,
    script: impl FnOnce(&Stage) -> io::Result<Vec<u8>>,
) -> Result<Shown, Flop> {
    let scratch = Scratch::new()?;
    let folder = &*scratch.folder;
    // Free now; nobody is likely to take it in the next moment.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let main = folder.join(MAIN);
    let stage = Stage {
        folder,
        main: &main,
        port,
        #[cfg(target_os = "linux")]
        memory: RefCell::default(),
    };
    fs::write(&main, script(&stage)?)?;
    let output = |name: &str| fs::File::create(folder.join(name)).map(Stdio::from);
    let mut command = reader.command(environment);
    command
        // One process that stays in the foreground, and leaves no children.
        .arg("-X")
        .arg("-d")
        .arg(folder)
        .arg("-f")
        .arg(&main)
        .args(["-D", MARK])
        .stdin(Stdio::null())
        .stdout(output("stdout")?)
        .stderr(output("stderr")?);
    let mut server = Group::start(&mut command)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let said = || said(folder);
    let start = Instant::now();
    loop {
        let left = patience.saturating_sub(start.elapsed());
        let shown = shown::connect(address, name, left.clamp(SHORTEST, LOOK));
        if let Some(status) = server.status()? {
            return Err(Flop::Ended(format!("{}httpd ended with {status}", said())));
        }
        match shown {
            Ok(shown) => return Ok(shown),
            Err(_) if interrupt::came() => return Err(Flop::Interrupted),
            // It listens only after a moment; and it listens before it has read its certificates.
            Err(error) if is_early(&error) && start.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(Flop::NoHandshake(error, said())),
        }
    }
}

fn is_early(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut, UnexpectedEof, WouldBlock};
    matches!(
        error.kind(),
        ConnectionRefused | ConnectionReset | TimedOut | UnexpectedEof | WouldBlock
    )
}

fn said(folder: &Path) -> String {
    let mut said = String::new();
    for name in ["stdout", "stderr", "error.log"] {
        let text = super::error_log::tail(&folder.join(name), crate::foreign::NOTE).unwrap_or_default();
        for line in String::from_utf8_lossy(&text)
            .lines()
            .filter(|line| !line.trim().is_empty())
        {
            said.push_str(line.trim_end());
            said.push('\n');
        }
    }
    said
}
