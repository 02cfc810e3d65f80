//! Who listens where on this machine: the port table of the system, with the programs behind it; and whether a port can be
//! had, where that does not tell.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Name of its program.
    pub name: String,
    /// Its program, where the system tells.
    pub program: Option<PathBuf>,
    /// Its command line, where the system tells.
    pub arguments: Vec<String>,
    /// The service that it belongs to, where the system tells.
    pub service: Option<String>,
    /// Root or we run it, or opened the port that it was found at; so is every one where the system does not tell.
    pub by_root_or_us: bool,
    /// When it was started, in the system's own measure: another one may get the same number.
    pub started: u64,
}

/// A port that is listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// By whom; nothing where the system does not tell, because it belongs to another user.
    pub process: Option<Process>,
    /// Nobody is seen there, but Windows lets nobody listen: `http.sys` or a range of ports that it keeps has it.
    pub is_reserved: bool,
    /// It is on `[::]`, and is seen to leave IPv4 to others.
    pub is_ipv6_only: bool,
}

impl Listener {
    /// Would a socket of Apache on `address` (`None`: on all) and `port` collide with it?
    pub fn collides(&self, address: Option<IpAddr>, port: u16) -> bool {
        if self.address.port() != port {
            return false;
        }
        let Some(wanted) = address else { return true };
        // `::ffff:192.0.2.1` is an address of IPv4, however the system writes it.
        let [own, wanted] = [self.address.ip(), wanted].map(|ip| ip.to_canonical());
        // A socket on [::] takes the addresses of IPv4 as well, as a rule; that of Apache does on Unix.
        let takes = |all: IpAddr, one: IpAddr, has_both: bool| {
            all.is_unspecified() && (all.is_ipv4() == one.is_ipv4() || all.is_ipv6() && has_both)
        };
        own == wanted || takes(own, wanted, !self.is_ipv6_only) || takes(wanted, own, cfg!(unix))
    }
}

/// Every TCP port that is listened on.
///
/// # Errors
/// When the system does not show its table.
pub fn listeners() -> Result<Vec<Listener>, String> {
    let mut all = platform::listeners()?;
    all.sort_by_key(|listener| (listener.address.port(), listener.address.ip()));
    all.dedup();
    Ok(all)
}

/// The same, and what only binding them shows of the ports that are wanted (an address of `None`: all): that a port is
/// taken where the table is not shown, on Windows that it is reserved, and elsewhere that IPv4 is left to others.
///
/// # Errors
/// When the system does not show its table, and a port cannot be tried.
pub fn listeners_on(
    wanted: impl IntoIterator<Item = (Option<IpAddr>, u16)>,
) -> Result<Vec<Listener>, String> {
    match listeners() {
        Ok(all) if cfg!(unix) => Ok(told_apart(all, wanted)),
        table => completed(table, wanted),
    }
}

/// The table of Linux does not show which of those on `[::]` leave IPv4 to others. That somebody has an address of IPv4 beside
/// it does, or gets one: for a moment nobody else listens there anyway.
fn told_apart(
    mut all: Vec<Listener>,
    wanted: impl IntoIterator<Item = (Option<IpAddr>, u16)>,
) -> Vec<Listener> {
    let every = IpAddr::from(Ipv6Addr::UNSPECIFIED);
    let is_ipv4 = |one: &Listener| one.address.ip().to_canonical().is_ipv4();
    for (address, port) in wanted {
        let Some(address) = address.filter(IpAddr::is_ipv4) else {
            continue;
        };
        let mut there = all.iter().filter(|one| one.address.port() == port);
        if !there.clone().any(|one| one.address.ip() == every) {
            continue;
        }
        let is_left = there.any(is_ipv4) || TcpListener::bind((address, port)).is_ok();
        let those = all
            .iter_mut()
            .filter(|one| one.address == SocketAddr::from((every, port)));
        those.for_each(|one| one.is_ipv6_only |= is_left);
    }
    all
}

fn completed(
    table: Result<Vec<Listener>, String>,
    wanted: impl IntoIterator<Item = (Option<IpAddr>, u16)>,
) -> Result<Vec<Listener>, String> {
    let is_shown = table.is_ok();
    let (mut all, why) = match table {
        Ok(all) => (all, String::new()),
        Err(why) => (Vec::new(), why),
    };
    for (address, port) in wanted {
        if all.iter().any(|listener| listener.collides(address, port)) {
            continue;
        }
        // Only what the table cannot show is still to be found. Listening where others reach it would have the firewall of
        // Windows ask its user about us.
        let tried = match is_shown {
            true => Some(Ipv4Addr::LOCALHOST.into()),
            false => address,
        };
        match obstacle(tried, port) {
            Ok(None) => {}
            Ok(Some(is_reserved)) => all.push(Listener {
                address: (address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()), port).into(),
                process: None,
                is_reserved,
                is_ipv6_only: false,
            }),
            Err(_) if is_shown => {}
            Err(error) => {
                let error = crate::wording::reason(&error);
                return Err(format!("{why}, and port {port} cannot be tried: {error}"));
            }
        }
    }
    Ok(all)
}

/// Whether a port cannot be bound because it is taken (`false`) or reserved (`true`). An address that is not here takes
/// nothing from anybody.
fn obstacle(address: Option<IpAddr>, port: u16) -> std::io::Result<Option<bool>> {
    let all = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    for ip in address.map_or(all.to_vec(), |one| vec![one]) {
        let Err(error) = bound(ip, port) else {
            continue;
        };
        match error.kind() {
            ErrorKind::AddrInUse => return Ok(Some(false)),
            ErrorKind::PermissionDenied if cfg!(windows) => return Ok(Some(true)),
            ErrorKind::AddrNotAvailable => {}
            // There may be no IPv6.
            _ if ip == all[1] => {}
            _ => return Err(error),
        }
    }
    Ok(None)
}

/// Binds a port for a moment. Another run of ours may be trying it in that very moment, so one that is taken is tried again.
fn bound(ip: IpAddr, port: u16) -> std::io::Result<()> {
    let mut tried = TcpListener::bind((ip, port));
    for _ in 0..5 {
        if !matches!(&tried, Err(error) if error.kind() == ErrorKind::AddrInUse) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
        tried = TcpListener::bind((ip, port));
    }
    tried.map(drop)
}

/// A process by its number; `None` if there is none.
pub fn process(pid: u32) -> Option<Process> {
    platform::process(pid)
}

/// The environment that a process was started with, where the system shows it.
pub fn environment(process: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    platform::environment(process)
}

/// The processes that a process started and that are still its children, where the system tells.
pub fn children(pid: u32) -> Vec<Process> {
    platform::children(pid)
}

/// Did root or we open the port that is listened on at an address? Nothing where the system does not tell.
pub(super) fn is_opened_by_root_or_us(address: SocketAddr) -> Option<bool> {
    platform::is_opened_by_root_or_us(address)
}

#[cfg(windows)]
mod platform {
    use std::net::SocketAddr;

    use super::{Listener, Process};

    pub fn environment(_: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        None
    }

    pub fn children(_: u32) -> Vec<Process> {
        Vec::new()
    }

    pub fn is_opened_by_root_or_us(_: SocketAddr) -> Option<bool> {
        None
    }

    pub fn listeners() -> Result<Vec<Listener>, String> {
        let all = listeners::get_all().map_err(|error| format!("the port table cannot be read: {error}"))?;
        let services = crate::server::windows_services::running();
        let found: Vec<Listener> = all
            .into_iter()
            .filter(|one| {
                one.protocol == listeners::Protocol::TCP && one.state == listeners::SocketState::Listen
            })
            .map(|one| Listener {
                address: one.socket,
                process: Some(Process {
                    pid: one.process.pid,
                    name: one.process.name.clone(),
                    program: Some(one.process.path.clone())
                        .filter(|path| !path.is_empty())
                        .map(Into::into),
                    arguments: Vec::new(),
                    service: services
                        .iter()
                        .find(|(pid, _)| *pid == one.process.pid)
                        .map(|(_, name)| name.clone()),
                    by_root_or_us: true,
                    started: 0,
                }),
                is_reserved: false,
                is_ipv6_only: false,
            })
            .collect();
        // Windows itself always listens somewhere; a table without a line is one that is kept from us.
        if found.is_empty() {
            return Err("the system shows no open port at all, so its table cannot be trusted".into());
        }
        Ok(found)
    }

    pub fn process(pid: u32) -> Option<Process> {
        let all = listeners::get_all().ok()?;
        let found = all.into_iter().find(|one| one.process.pid == pid)?;
        Some(Process {
            pid,
            name: found.process.name.clone(),
            program: Some(found.process.path.clone())
                .filter(|path| !path.is_empty())
                .map(Into::into),
            by_root_or_us: true,
            ..Process::default()
        })
    }
}

#[cfg(not(windows))]
mod platform {
    use std::collections::HashMap;
    use std::fs;
    use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::path::Path;

    use super::{Listener, Process};
    use crate::foreign;
    use crate::server::processes::{self, command_line, parent, pids, started, status};
    use crate::server::trust::is_by_root_or_us;

    fn read_table(name: &str) -> Result<String, String> {
        // Threads may have networks of their own; Linux before 3.17 does not show them apart.
        let threads = Path::new("/proc/thread-self/net");
        let own = if threads.exists() {
            threads
        } else {
            Path::new("/proc/self/net")
        };
        let path = own.join(name);
        let bytes = foreign::read(&path, foreign::PORT_TABLE).map_err(|error| {
            format!(
                "{} cannot be read: {}",
                path.display(),
                crate::wording::reason(&error)
            )
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub fn listeners() -> Result<Vec<Listener>, String> {
        let four = read_table("tcp")?;
        // Without IPv6 there is no second table.
        let six = read_table("tcp6").unwrap_or_default();
        let sockets: Vec<Socket> = table(&four).chain(table(&six)).collect();
        let owners = owners(&sockets);
        let holder = |socket: &Socket| {
            // Children of a server that root started, and that died, go on with its sockets.
            described(*owners.get(&socket.inode)?, is_by_root_or_us(&[socket.user; 4]))
        };
        Ok(sockets
            .iter()
            .map(|socket| Listener {
                address: socket.address,
                process: holder(socket),
                is_reserved: false,
                is_ipv6_only: false,
            })
            .collect())
    }

    /// A line of the table in state LISTEN.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Socket {
        address: SocketAddr,
        /// Who opened it.
        user: u32,
        inode: u64,
    }

    pub(super) fn table(text: &str) -> impl Iterator<Item = Socket> + '_ {
        text.lines().skip(1).filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, port) = fields.get(1)?.split_once(':')?;
            if *fields.get(3)? != "0A" {
                return None;
            }
            let port = u16::from_str_radix(port, 16).ok()?;
            Some(Socket {
                address: SocketAddr::new(ip(address)?, port),
                user: fields.get(7)?.parse().ok()?,
                inode: fields.get(9)?.parse().ok()?,
            })
        })
    }

    /// Words of 32 bits in the machine's own order.
    fn ip(hex: &str) -> Option<IpAddr> {
        let word = |at: usize| {
            Some(
                u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16)
                    .ok()?
                    .to_ne_bytes(),
            )
        };
        if hex.len() == 8 {
            return Some(Ipv4Addr::from(word(0)?).into());
        }
        let mut bytes = [0; 16];
        for at in 0..4 {
            bytes[at * 4..at * 4 + 4].copy_from_slice(&word(at)?);
        }
        Some(Ipv6Addr::from(bytes).into())
    }

    /// Which process holds each socket: the one that is not the child of another holder.
    fn owners(sockets: &[Socket]) -> HashMap<u64, u32> {
        let wanted: HashMap<String, u64> = sockets
            .iter()
            .map(|socket| (format!("socket:[{}]", socket.inode), socket.inode))
            .collect();
        let mut holders: HashMap<u64, Vec<u32>> = HashMap::new();
        for pid in pids() {
            let files = fs::read_dir(format!("/proc/{pid}/fd"));
            for file in files.into_iter().flatten().flatten() {
                let target = fs::read_link(file.path()).unwrap_or_default();
                if let Some(inode) = target.to_str().and_then(|target| wanted.get(target)) {
                    holders.entry(*inode).or_default().push(pid);
                }
            }
        }
        let eldest = |pids: Vec<u32>| {
            pids.iter()
                .copied()
                .find(|pid| parent(*pid).is_none_or(|parent| !pids.contains(&parent)))
                .or(pids.first().copied())
        };
        holders
            .into_iter()
            .filter_map(|(inode, pids)| Some((inode, eldest(pids)?)))
            .collect()
    }

    pub fn children(pid: u32) -> Vec<Process> {
        let children = pids().filter(|child| parent(*child) == Some(pid));
        children.filter_map(process).collect()
    }

    pub fn process(pid: u32) -> Option<Process> {
        described(pid, false)
    }

    /// What somebody else's process says of itself is not asked for, unless it is known to go on with root's or our own.
    fn described(pid: u32, goes_on: bool) -> Option<Process> {
        let started = started(pid)?;
        let name = processes::name(pid)?;
        let is_asked = goes_on || status(pid)?.is_by_root_or_us();
        let line = if is_asked { command_line(pid) } else { Vec::new() };
        let groups = processes::text(pid, "cgroup").unwrap_or_default();
        let service = groups
            .lines()
            .filter_map(|line| line.rsplit('/').find(|part| part.ends_with(".service")))
            .find(|name| !name.starts_with("user@"));
        let program = fs::read_link(format!("/proc/{pid}/exe")).ok();
        // Last: a program that gives rights of its own takes them before it can be anything else.
        let status = status(pid)?;
        if status.is_ending() || processes::started(pid) != Some(started) {
            return None;
        }
        let words = line.iter().map(|word| String::from_utf8_lossy(word).into_owned());
        Some(Process {
            pid,
            name,
            program,
            arguments: words.collect(),
            service: service.map(str::to_string),
            by_root_or_us: goes_on || status.is_by_root_or_us(),
            started,
        })
    }

    pub fn environment(process: &Process) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
        if !process.by_root_or_us {
            return None;
        }
        let pairs = processes::environment(process.pid);
        pairs.filter(|_| started(process.pid) == Some(process.started))
    }

    /// The socket is the work of whoever opened it, whatever became of its process.
    pub fn is_opened_by_root_or_us(address: SocketAddr) -> Option<bool> {
        let is_it = |socket: Socket| socket.address == address && is_by_root_or_us(&[socket.user; 4]);
        Some(table(&read_table("tcp").ok()?).any(is_it))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        #[cfg(target_endian = "little")]
        fn a_table_of_linux() {
            let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                0: 0100007F:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0\n\
                1: 0100007F:01BB 0100007F:C0DE 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100 0\n\
                2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 7 0 9 1\n";
            let found: Vec<_> = table(text)
                .map(|socket| (socket.address.to_string(), socket.user, socket.inode))
                .collect();
            assert_eq!(
                found,
                [
                    ("127.0.0.1:443".to_string(), 0, 4711),
                    ("[::1]:80".to_string(), 7, 9)
                ]
            );
        }

        #[test]
        fn our_own_process() {
            let own = process(std::process::id()).unwrap();
            assert!(own.by_root_or_us && environment(&own).is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collisions() {
        let on = |text: &str| Listener {
            address: text.parse().unwrap(),
            process: None,
            is_reserved: false,
            is_ipv6_only: false,
        };
        let ip = |text: &str| Some(text.parse().unwrap());
        assert!(on("0.0.0.0:443").collides(None, 443));
        assert!(on("127.0.0.1:443").collides(None, 443));
        assert!(!on("127.0.0.1:443").collides(None, 80));
        assert!(!on("127.0.0.1:443").collides(ip("127.0.0.2"), 443));
        assert!(on("[::]:443").collides(ip("127.0.0.2"), 443));
        assert!(!on("0.0.0.0:443").collides(ip("::1"), 443));
        assert!(on("127.0.0.1:443").collides(ip("0.0.0.0"), 443));
        assert!(!on("[::1]:443").collides(ip("0.0.0.0"), 443));
        assert!(on("[::1]:443").collides(ip("::"), 443));
        assert!(on("[::ffff:127.0.0.2]:443").collides(ip("127.0.0.2"), 443));
        assert!(!on("[::ffff:127.0.0.1]:443").collides(ip("127.0.0.2"), 443));
        // An Apache for Windows leaves IPv4 to others, and one on [::] may.
        assert_eq!(on("127.0.0.1:443").collides(ip("::"), 443), cfg!(unix));
        let only = Listener {
            is_ipv6_only: true,
            ..on("[::]:443")
        };
        assert!(!only.collides(ip("127.0.0.2"), 443) && !only.collides(ip("0.0.0.0"), 443));
        assert!(only.collides(ip("::1"), 443) && only.collides(ip("::"), 443) && only.collides(None, 443));
    }

    /// What the rules say of two sockets is what the system does. On `[::]` they are for both families, as those of Apache.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_agrees() {
        let [all, six]: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
        let [one, two, home]: [IpAddr; 3] = ["127.0.0.1", "127.0.1.5", "::1"].map(|ip| ip.parse().unwrap());
        if TcpListener::bind((home, 0)).is_err() {
            eprintln!("SKIPPED: there is no IPv6");
            return;
        }
        let agrees = |first: IpAddr, second: IpAddr| {
            // Nobody else has that port on any address, but for what other tests do meanwhile.
            let port = TcpListener::bind((six, 0)).unwrap().local_addr().unwrap().port();
            let Ok(_held) = TcpListener::bind((first, port)) else {
                return false;
            };
            let seen = listeners_on([(Some(second), port)]).unwrap();
            let is_seen = seen.iter().any(|listener| listener.collides(Some(second), port));
            is_seen == TcpListener::bind((second, port)).is_err()
        };
        for first in [all, six, one, home] {
            for second in [all, six, one, two, home] {
                let mut tries = (0..3).map(|_| agrees(first, second));
                assert!(tries.any(|agrees| agrees), "{second} beside {first}");
            }
        }
    }

    #[test]
    fn without_a_table_a_port_is_tried() {
        let untold = || Err("no table".to_owned());
        let home: IpAddr = Ipv4Addr::LOCALHOST.into();
        let socket = TcpListener::bind((home, 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let taken = completed(untold(), [(Some(home), address.port())]).unwrap();
        let expected = Listener {
            address,
            process: None,
            is_reserved: false,
            is_ipv6_only: false,
        };
        assert_eq!(taken, std::slice::from_ref(&expected));
        // What the table shows is not tried.
        let shown = completed(Ok(taken.clone()), [(None, address.port())]).unwrap();
        assert_eq!(shown, taken);
        drop(socket);
        assert_eq!(
            completed(untold(), [(Some(home), address.port())]),
            Ok(Vec::new())
        );
        // An address that is not here is told by another rule.
        let elsewhere = "192.0.2.1".parse().ok();
        assert_eq!(completed(untold(), [(elsewhere, address.port())]), Ok(Vec::new()));
    }

    // Wine shows an empty table.
    #[cfg(unix)]
    #[test]
    fn our_own_socket_is_in_the_table() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let all = listeners().unwrap();
        let found = all.iter().find(|listener| listener.address == address).unwrap();
        assert_eq!(
            found.process.as_ref().map(|process| process.pid),
            Some(std::process::id())
        );
    }
}
