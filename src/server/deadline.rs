//! How long a conversation with a server may take, from the first packet to the last: however slowly it answers, byte by
//! byte, it ends in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a whole conversation may take.
pub const CONVERSATION: Duration = Duration::from_secs(10);
/// How much time a command may lose on servers that are slow to answer.
pub const COMMAND: Duration = Duration::from_secs(20);
/// How long one answer of a site may take that is compared with another one.
pub const ONE_ANSWER: Duration = Duration::from_secs(2);
/// How long all of them may take that are asked for in one go.
pub const ALL_ANSWERS: Duration = Duration::from_secs(8);
/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);
/// How long it may take to find the addresses of a name.
const RESOLVING: Duration = Duration::from_secs(5);
/// What a conversation takes that is not slow.
const QUICK: Duration = Duration::from_millis(100);

/// A moment at which something must be over.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    pub fn within(patience: Duration) -> Deadline {
        Deadline(Instant::now() + patience)
    }

    /// What is left until then.
    ///
    /// # Errors
    /// `TimedOut` when it has come.
    pub fn left(self) -> io::Result<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(too_late());
        }
        Ok(left)
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// When nobody accepts in time.
    pub fn connect(self, address: SocketAddr) -> io::Result<Connection> {
        Ok(Connection {
            socket: TcpStream::connect_timeout(&address, self.left()?.min(CONNECTING))?,
            deadline: self,
        })
    }
}

/// A connection on which nothing is waited for beyond its deadline.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    deadline: Deadline,
}

/// What the system says when nothing came until the deadline has no good words.
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => too_late(),
        _ => error,
    }
}

fn too_late() -> io::Error {
    io::Error::new(
        ErrorKind::TimedOut,
        "the server did not finish its answer in time",
    )
}

impl Read for Connection {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.deadline.left()?))?;
        self.socket.read(buffer).map_err(in_words)
    }
}

impl Write for Connection {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.deadline.left()?))?;
        self.socket.write(bytes).map_err(in_words)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// The time that one command may lose. However many servers it asks, and however slow they are, it ends: those that
/// answer at once cost nothing of it.
#[derive(Debug)]
pub struct Patience {
    left: Mutex<Duration>,
}

impl Patience {
    /// [`COMMAND`], all of it.
    pub fn new() -> Patience {
        Patience {
            left: Mutex::new(COMMAND),
        }
    }

    /// Holds a conversation with its own deadline.
    pub fn spend<T>(&self, conversation: impl FnOnce(Deadline) -> T) -> T {
        let left = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        let deadline = Deadline::within(left.min(CONVERSATION));
        let done = conversation(deadline);
        // Of one that was out of time all counts: else a little would be left for ever, for each of thousands of servers.
        let free = deadline.left().map_or(Duration::ZERO, |_| QUICK);
        let lost = start.elapsed().saturating_sub(free);
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        *left = left.saturating_sub(lost);
        done
    }
}

impl Default for Patience {
    fn default() -> Patience {
        Patience::new()
    }
}

/// The addresses of a name, as far as they can be found in time.
pub fn resolve(name: &str, port: u16) -> Vec<SocketAddr> {
    if let Ok(address) = name.parse::<IpAddr>() {
        return vec![SocketAddr::new(address, port)];
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let name = name.to_owned();
    // The system's resolver has no limit of its own that we could set. A thread that it holds ends with the program.
    let asked = std::thread::Builder::new().spawn(move || {
        let found: Vec<SocketAddr> = (name.as_str(), port)
            .to_socket_addrs()
            .into_iter()
            .flatten()
            .collect();
        let _ = sender.send(found);
    });
    match asked {
        Ok(_) => receiver.recv_timeout(RESOLVING).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that sends one byte, ten times a second, for as long as somebody listens.
    fn dripping() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                std::thread::spawn(move || {
                    while stream.write_all(b"x").is_ok() {
                        std::thread::sleep(Duration::from_millis(100));
                    }
                });
            }
        });
        address
    }

    #[test]
    fn a_server_that_drips_is_left_in_time() {
        let start = Instant::now();
        let mut connection = Deadline::within(Duration::from_secs(1))
            .connect(dripping())
            .unwrap();
        let mut bytes = Vec::new();
        let error = connection.read_to_end(&mut bytes).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(!bytes.is_empty());
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_server_that_never_reads_is_left_in_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let deadline = Deadline::within(Duration::from_secs(1));
        let mut connection = deadline.connect(listener.local_addr().unwrap()).unwrap();
        let error = connection.write_all(&vec![0; 64 << 20]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn what_is_lost_counts_and_what_is_quick_does_not() {
        let patience = Patience::new();
        for _ in 0..1000 {
            patience.spend(|deadline| assert!(deadline.left().is_ok()));
        }
        *patience.left.lock().unwrap() = Duration::from_millis(200);
        patience.spend(|_| std::thread::sleep(Duration::from_millis(400)));
        patience.spend(|deadline| assert!(deadline.left().is_err()));
    }

    #[test]
    fn what_is_waited_for_in_vain_comes_to_an_end() {
        let patience = Patience::new();
        *patience.left.lock().unwrap() = Duration::from_millis(500);
        let mut asked = 0;
        while patience.spend(|deadline| deadline.left()).is_ok() {
            asked += 1;
            assert!(asked < 10, "{patience:?}");
            patience.spend(|deadline| std::thread::sleep(deadline.left().unwrap_or_default()));
        }
    }

    #[test]
    fn addresses_need_no_resolver() {
        assert_eq!(resolve("::1", 5), ["[::1]:5".parse().unwrap()]);
    }
}
