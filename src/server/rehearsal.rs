//! A short run of the installed server on a configuration of its own: one loopback port, one handshake, the end.
//! Knows not what the configuration means.

#[cfg(target_os = "linux")]
use std::cell::RefCell;
use std::fmt;
#[cfg(target_os = "linux")]
use std::fs;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustls::AlertDescription;

use super::binary::Reader;
use super::child::Group;
use super::command_line::MARK;
use super::environment::Environment;
use super::port::is_opened_by_root_or_us;
use super::scratch::{MAIN, Scratch};
use super::served_certificates::{self, Shown};
use crate::interrupt;
use crate::wording::reason;

/// How long a server may take to answer. It takes a fraction of a second, but machines are busy.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How long one may take that waits for a program to tell a pass-phrase.
pub const WITH_DIALOG: Duration = Duration::from_secs(5);

/// How long one look at it may take.
const LOOK: Duration = Duration::from_secs(2);
const SHORTEST: Duration = Duration::from_millis(100);

/// The log that the configuration is to name, below the folder.
pub const ERROR_LOG: &str = "error.log";
const STDOUT: &str = "stdout";
const STDERR: &str = "stderr";

/// So many ports are tried, as others may take one before the server does.
pub const TRIES: usize = 5;

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
            Flop::NotStaged(error) => {
                write!(f, "the rehearsal could not be set up: {}", reason(error))
            }
            Flop::Interrupted => f.write_str("interrupted"),
            Flop::Ended(_) => f.write_str("the server does not start with these TLS settings"),
            Flop::NoHandshake(error, _) => {
                write!(
                    f,
                    "the server starts, but no TLS handshake with it succeeds: {}",
                    reason(error)
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

/// Runs the server on the configuration that `script` writes for a stage, and asks it for a name, for so long. Where
/// somebody else takes the port before the server does, all of it is done again.
///
/// # Errors
/// See [`Flop`].
pub fn rehearse(
    reader: &Reader,
    environment: &Environment,
    name: &str,
    patience: Duration,
    script: impl FnMut(&Stage) -> io::Result<Vec<u8>>,
) -> Result<Shown, Flop> {
    let look = |address, patience| served_certificates::connect(address, name, patience);
    rehearse_asking(reader, environment, patience, look, script)
}

/// The same, where something else is asked: an answer to it ends the run.
///
/// # Errors
/// See [`Flop`]. Errors of connections that come early are waited out.
pub fn rehearse_asking<T>(
    reader: &Reader,
    environment: &Environment,
    patience: Duration,
    mut ask: impl FnMut(SocketAddr, Duration) -> io::Result<T>,
    mut script: impl FnMut(&Stage) -> io::Result<Vec<u8>>,
) -> Result<T, Flop> {
    for _ in 0..TRIES {
        let scratch = Scratch::new()?;
        // Free now; nobody but who wants to harm is likely to take it in the next moment.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let stage = Stage {
            folder: &scratch.folder,
            main: &scratch.folder.join(MAIN),
            port,
            #[cfg(target_os = "linux")]
            memory: RefCell::default(),
        };
        scratch.create(MAIN)?.write_all(&script(&stage)?)?;
        let mut server = start(reader, environment, &scratch)?;
        match conversation(&mut server, &stage, patience, &mut ask) {
            Err(Flop::Ended(said)) if is_port_taken(&said, port) => {}
            done => return done,
        }
    }
    Err(Flop::NotStaged(io::Error::other(format!(
        "other programs took each of {TRIES} ports before httpd could listen on it"
    ))))
}

/// Starts the server: one process that stays in the foreground, and leaves no children.
fn start(reader: &Reader, environment: &Environment, scratch: &Scratch) -> io::Result<Group> {
    // It would make the log itself, readable for all.
    scratch.create(ERROR_LOG)?;
    let output = |name: &str| scratch.create(name).map(Stdio::from);
    let mut command = reader.command(environment);
    command
        .arg("-X")
        .arg("-d")
        .arg(&scratch.folder)
        .arg("-f")
        .arg(scratch.folder.join(MAIN))
        .args(["-D", MARK])
        .stdin(Stdio::null())
        .stdout(output(STDOUT)?)
        .stderr(output(STDERR)?);
    Group::start(&mut command)
}

fn conversation<T>(
    server: &mut Group,
    stage: &Stage,
    patience: Duration,
    ask: &mut impl FnMut(SocketAddr, Duration) -> io::Result<T>,
) -> Result<T, Flop> {
    let said = || said(stage.folder);
    let start = Instant::now();
    loop {
        let left = patience.saturating_sub(start.elapsed());
        let shown = look(stage.port, left.clamp(SHORTEST, LOOK), &mut *ask);
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

/// Talks to nobody else: one who took the port is passed over, and the server says that it could not have it.
fn look<T>(
    port: u16,
    patience: Duration,
    ask: impl FnOnce(SocketAddr, Duration) -> io::Result<T>,
) -> io::Result<T> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match is_opened_by_root_or_us(address) {
        Some(false) => Err(io::ErrorKind::ConnectionRefused.into()),
        Some(true) | None => ask(address, patience),
    }
}

/// Did the server end because it could not listen on the port? That is one of ours, and of no configuration.
fn is_port_taken(said: &str, port: u16) -> bool {
    let address = format!("{}:{port}", Ipv4Addr::LOCALHOST);
    said.lines()
        .any(|line| line.contains("AH00072") && line.trim_end().ends_with(&address))
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
    for name in [STDOUT, STDERR, ERROR_LOG] {
        let text = super::log_file::tail(&folder.join(name), crate::foreign::NOTE).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_port_was_taken() {
        let said =
            "(98)Address already in use: AH00072: make_sock: could not bind to address 127.0.0.1:4711\n";
        assert!(is_port_taken(said, 4711));
        assert!(!is_port_taken(said, 471) && !is_port_taken(said, 711));
        assert!(!is_port_taken(
            "(98)Address already in use: AH00058: 127.0.0.1:4711",
            4711
        ));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_else_is_talked_to() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let own = listen();
        nix::unistd::setfsuid(65534.into());
        let other = listen();
        nix::unistd::setfsuid(0.into());
        let patience = Duration::from_millis(200);
        let kind = |listener: &TcpListener| {
            let port = listener.local_addr().unwrap().port();
            let ask = |address, patience| served_certificates::connect(address, "a", patience);
            look(port, patience, ask).unwrap_err().kind()
        };
        assert_eq!(kind(&own), io::ErrorKind::TimedOut);
        assert_eq!(kind(&other), io::ErrorKind::ConnectionRefused);
        assert_eq!(
            other
                .set_nonblocking(true)
                .and_then(|()| other.accept().map(|_| ()))
                .unwrap_err()
                .kind(),
            io::ErrorKind::WouldBlock
        );
    }
}
