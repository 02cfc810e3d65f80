//! A network for one test: where root allows, a namespace with nothing but a loopback, so that ports 80 and 443
//! are free, parallel tests cannot meet, and nothing is reachable from outside. Elsewhere, and on Windows, free high ports.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The ports that the running test may use on the loopback.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// For plain HTTP: 80 in a namespace.
    pub http: u16,
    /// For HTTPS: 443 in a namespace.
    pub https: u16,
    /// Whether this thread has a network of its own.
    pub isolated: bool,
}

impl Network {
    /// Puts the calling thread, and the processes and threads it starts from now on, into a new network.
    /// Connections must be made from this thread. Without the right to do so the ports are free high ones.
    pub fn enter() -> Self {
        if isolate() {
            return Self {
                http: 80,
                https: 443,
                isolated: true,
            };
        }
        let [http, https] = free_ports();
        Self {
            http,
            https,
            isolated: false,
        }
    }

    /// The same with ports 80 and 443, also where all tests have one network: for one test of a binary. `tests/windows/run` has
    /// a network of its own, in which they are free.
    pub fn with_usual_ports(self) -> Self {
        if cfg!(unix) {
            return self;
        }
        Self {
            http: 80,
            https: 443,
            ..self
        }
    }

    /// A port that nobody uses now, besides [`Network::http`] and [`Network::https`].
    pub fn another(&self) -> u16 {
        let [first, second] = free_ports();
        if [self.http, self.https].contains(&first) {
            second
        } else {
            first
        }
    }
}

#[cfg(unix)]
fn isolate() -> bool {
    use nix::sched::{CloneFlags, unshare};
    if !nix::unistd::geteuid().is_root() || unshare(CloneFlags::CLONE_NEWNET).is_err() {
        return false;
    }
    let mut up = std::process::Command::new("ip");
    up.args(["link", "set", "lo", "up"])
        .env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    super::process::finish(&mut up, std::time::Duration::from_secs(10)).expect_code(0);
    true
}

#[cfg(not(unix))]
fn isolate() -> bool {
    false
}

/// Two ports that are free now, which this process gets once: a server may leave them for a while. They are below those that
/// systems give to clients.
fn free_ports() -> [u16; 2] {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let from = std::process::id() % 100 * 100;
    [(); 2].map(|()| {
        let mut ports = (0..10_000).map(|_| {
            let at = (from + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
            u16::try_from(20_000 + at).expect("a port")
        });
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
        ports.find(is_free).expect("a free port")
    })
}

/// A port that this process has, as another program would. Once it is dropped, the port is free: a program that another test
/// starts has a copy of every socket between its fork and its exec, which keeps a port after our own is closed.
#[derive(Debug)]
pub struct HeldPort {
    socket: Option<TcpListener>,
    address: SocketAddr,
}

impl HeldPort {
    /// Listens there.
    #[track_caller]
    pub fn at(end: impl ToSocketAddrs + Debug) -> Self {
        let socket = bind_in_time(&end);
        let address = socket.local_addr().expect("its address");
        Self {
            socket: Some(socket),
            address,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HeldPort {
    fn drop(&mut self) {
        drop(self.socket.take());
        if !std::thread::panicking() {
            drop(bind_in_time(&self.address));
        }
    }
}

#[track_caller]
fn bind_in_time(end: &(impl ToSocketAddrs + Debug)) -> TcpListener {
    let end_of_patience = Instant::now() + Duration::from_secs(20);
    loop {
        match TcpListener::bind(end) {
            Ok(socket) => return socket,
            Err(error) if Instant::now() > end_of_patience => panic!("{end:?}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
