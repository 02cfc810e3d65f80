//! A short run of the installed server on a configuration of its own: one loopback port, one handshake, the end.
//! Knows not what the configuration means.

use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustls::AlertDescription;

use super::binary::Reader;
use super::command_line::MARK;
use super::environment::Environment;
use super::shown::{self, Shown};

/// How long a server may take to answer. It takes a fraction of a second, but machines are busy.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where a rehearsal takes place.
pub struct Stage<'a> {
    /// A folder for everything that the server writes, which goes afterwards.
    pub folder: &'a Path,
    /// The file that the configuration goes to.
    pub main: &'a Path,
    /// The port to listen on.
    pub port: u16,
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

    /// What the server itself said.
    pub fn said(&self) -> &str {
        match self {
            Flop::NotStaged(_) => "",
            Flop::Ended(said) | Flop::NoHandshake(_, said) => said,
        }
    }
}

impl From<io::Error> for Flop {
    fn from(error: io::Error) -> Flop {
        Flop::NotStaged(error)
    }
}

/// Runs the server on the configuration that `script` writes for a stage, and asks it for a name.
///
/// # Errors
/// See [`Flop`].
pub fn rehearse(
    reader: &Reader,
    environment: &Environment,
    name: &str,
    script: impl FnOnce(&Stage) -> io::Result<Vec<u8>>,
) -> Result<Shown, Flop> {
    let folder = tempfile::Builder::new()
        .prefix("esync-ssl-rehearsal-")
        .tempdir()?;
    open_for_children(folder.path())?;
    // Free now; nobody is likely to take it in the next moment.
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let main = folder.path().join("httpd.conf");
    let stage = Stage {
        folder: folder.path(),
        main: &main,
        port,
    };
    fs::write(&main, script(&stage)?)?;
    let output = |name: &str| fs::File::create(folder.path().join(name)).map(Stdio::from);
    let mut command = reader.command(environment);
    command
        // One process that stays in the foreground: it ends with us, and leaves no children.
        .arg("-X")
        .arg("-d")
        .arg(folder.path())
        .arg("-f")
        .arg(&main)
        .args(["-D", MARK])
        .stdin(Stdio::null())
        .stdout(output("stdout")?)
        .stderr(output("stderr")?);
    let mut server = Running(command.spawn()?);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let said = || said(folder.path());
    let start = Instant::now();
    loop {
        let shown = shown::connect(address, name, Duration::from_secs(2));
        if let Some(status) = server.0.try_wait()? {
            return Err(Flop::Ended(format!("{}httpd ended with {status}", said())));
        }
        match shown {
            Ok(shown) => return Ok(shown),
            // It listens only after a moment; and it listens before it has read its certificates.
            Err(error) if is_early(&error) && start.elapsed() < PATIENCE => {
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

/// Ended in any case.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn said(folder: &Path) -> String {
    let mut said = String::new();
    for name in ["stdout", "stderr", "error.log"] {
        let text = fs::read(folder.join(name)).unwrap_or_default();
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

/// The server may give up its rights before it opens its mutexes.
#[cfg(unix)]
fn open_for_children(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711))
}

#[cfg(not(unix))]
fn open_for_children(_folder: &Path) -> io::Result<()> {
    Ok(())
}
