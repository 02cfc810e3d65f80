//! A network for one test: where root allows, a namespace with nothing but a loopback, so that ports 80 and 443
//! are free, parallel tests cannot meet, and nothing is reachable from outside. Elsewhere, free high ports.

use std::net::{Ipv4Addr, TcpListener};

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

/// Two different ports that the system says are free; both sockets are open at once so that they differ.
fn free_ports() -> [u16; 2] {
    let sockets = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
    sockets
        .each_ref()
        .map(|socket| socket.local_addr().expect("the address of a socket").port())
}
